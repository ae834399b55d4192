"""`rooms`: which rooms there are, which clients are in them, and what holds there outside lessons and in them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import click

from cli.arguments import NETWORK
from cli.closures import close_names, closures_of, reopen_names
from cli.context import Installation, pass_installation, pass_settings
from cli.errors import Failure, Misuse
from cli.groups_notes import warn_outside
from cli.room_words import say_room
from cli.rooms_show import objects, print_room, print_rooms
from cli.scene import Change, Scene, look, make
from cli.typed import id_of, order_of, text_of
from policy.devices import Device
from policy.lessons import ended, lessons_on, pauses_on
from policy.levels import Level
from policy.networks import IPNetwork
from policy.rooms import Placed, Room
from settings.model import Settings
from storage.policy_load import ROOM
from translations import _

_AS_GROUP = "group"
_LEVELS = [Level.HIGH.value, Level.MEDIUM.value, Level.LOW.value, _AS_GROUP]
_CLOSED = [Level.OFF.value, Level.HIGH.value]
_LONGEST_TITLE = 80
_LONGEST_PERSON = 120

_id_argument = click.argument("id_", metavar="ID")
_title_option = click.option("--title", metavar="TEXT", help=_("What people call the room."))
_network_option = click.option(
    "--network", "networks", type=NETWORK, multiple=True, help=_("A network of the room (may be repeated).")
)
_group_option = click.option(
    "--group", metavar="ID", help=_("The group of clients in its networks of which nothing else says it; '' for none.")
)
_level_option = click.option(
    "--level",
    type=click.Choice(_LEVELS),
    help=_("In lessons, and at any time in a room that is not supervised; group: as each group's (at first)."),
)
_closed_option = click.option(
    "--closed", type=click.Choice(_CLOSED), help=_("Outside lessons: off (nothing opens, at first) or high.")
)
_supervised_option = click.option(
    "--supervised/--unsupervised", "supervised", default=None, help=_("Whether it is closed outside lessons.")
)
_responsible_option = click.option("--responsible", metavar="TEXT", help=_("Who answers for the room."))
_order_option = click.option(
    "--order", "number", metavar="NUMBER", help=_("The order that names the room, or who answers for it.")
)
_date_option = click.option("--date", "day", metavar="YYYY-MM-DD", help=_("The date of that order."))


@click.group(
    invoke_without_command=True,
    help=_(
        "Show the rooms and what holds there, or change one.\n\n"
        "Example: schoolfilter rooms add room5 --network 10.0.5.0/24"
    ),
)
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_installation
@click.pass_context
def rooms(ctx: click.Context, installation: Installation, as_json: bool) -> None:
    """List the rooms if no command follows."""
    if ctx.invoked_subcommand is not None:
        if as_json:
            raise Misuse(_("--json stands behind the command: rooms show ID --json"))
        return
    print_rooms(look(installation.settings), as_json)


@rooms.command(help=_("Show one room. Example: schoolfilter rooms show room5"))
@_id_argument
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def show(settings: Settings, id_: str, as_json: bool) -> None:
    """Print everything about a room."""
    scene = look(settings)
    scene.room(id_)
    (stored,) = [each for each in objects(settings, ROOM) if each.id == id_]
    print_room(scene, stored, as_json)


@rooms.command(
    help=_(
        "Add a room.\n\nExample: schoolfilter rooms add room5 --network 10.0.5.0/24 --level high "
        "--responsible 'Asanova A.' --order 12 --date 2026-09-01"
    )
)
@_id_argument
@_title_option
@_network_option
@_group_option
@_level_option
@_closed_option
@_supervised_option
@_responsible_option
@_order_option
@_date_option
@pass_settings
def add(
    settings: Settings,
    id_: str,
    title: str | None,
    networks: tuple[IPNetwork, ...],
    group: str | None,
    level: str | None,
    closed: str | None,
    supervised: bool | None,
    responsible: str | None,
    number: str | None,
    day: str | None,
) -> None:
    """Add a room: supervised, and closed outside lessons, if nothing else is said."""
    document = _document(number, day)
    wanted = _changed(Room(id_of(id_), id_), title, networks, (), group, level, closed, supervised, responsible)

    def plan(scene: Scene) -> Change:
        if id_ in scene.snapshot.schedule.rooms:
            message = _("there is a room {room} already: change it with `schoolfilter rooms set {room}`.")
            raise Failure(message.format(room=id_))
        _check(scene, wanted)
        return Change("add room", (wanted,), document=document)

    scene = make(settings, plan)
    click.echo(_("The room {room} is added.").format(room=id_))
    _say(settings, scene, wanted, networks, document)


@rooms.command(
    "set",
    help=_(
        "Change a room.\n\nExample: schoolfilter rooms set room5 --responsible 'Bekov B.' --order 40 "
        "--date 2026-11-02\n\n"
        "With nothing but an order, all that holds for the room rests on it."
    ),
)
@_id_argument
@_title_option
@_network_option
@click.option(
    "--drop-network", "drop", type=NETWORK, multiple=True, help=_("A network no longer of the room (may be repeated).")
)
@_group_option
@_level_option
@_closed_option
@_supervised_option
@_responsible_option
@_order_option
@_date_option
@pass_settings
def set_(
    settings: Settings,
    id_: str,
    title: str | None,
    networks: tuple[IPNetwork, ...],
    drop: tuple[IPNetwork, ...],
    group: str | None,
    level: str | None,
    closed: str | None,
    supervised: bool | None,
    responsible: str | None,
    number: str | None,
    day: str | None,
) -> None:
    """Change a room, all of it or nothing."""
    document = _document(number, day)

    def plan(scene: Scene) -> Change:
        room = scene.room(id_)
        wanted = _changed(room, title, networks, drop, group, level, closed, supervised, responsible)
        if wanted == room and not document:
            raise Misuse(_("expected something to change, such as --level, --network or --order; --help lists them"))
        _check(scene, wanted)
        return Change("set room", (wanted,), document=document)

    scene = make(settings, plan)
    click.echo(_("The room {room} is changed.").format(room=id_))
    _say(settings, scene, scene.room(id_), networks, document)


@rooms.command(help=_("Remove a room. Example: schoolfilter rooms remove room5"))
@_id_argument
@pass_settings
def remove(settings: Settings, id_: str) -> None:
    """Remove a room, with what was begun or closed there; its history stays."""

    def plan(scene: Scene) -> Change:
        room, schedule = scene.room(id_), scene.snapshot.schedule
        begun: list[Placed] = [
            *ended(lessons_on(schedule.lessons, id_, scene.now), scene.now),
            *ended(pauses_on(schedule.pauses, id_, None, scene.now), scene.now),
        ]
        return Change("remove room", tuple(begun), (room, *closures_of(scene.snapshot, room=id_)))

    scene = make(settings, plan)
    text = _("The room {room} is removed: who is there gets what the group gets. The server follows within a second.")
    click.echo(text.format(room=id_))
    _warn_mentioned(scene, id_)


@rooms.command(
    help=_(
        "Close names in one room, whatever the director's list says; teachers keep them.\n\n"
        "Example: schoolfilter rooms close room5 youtube.com --reason 'films in lessons'"
    )
)
@_id_argument
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--reason", required=True, metavar="TEXT", help=_("Why, in a sentence; pupils read it."))
@pass_settings
def close(settings: Settings, id_: str, names: tuple[str, ...], reason: str) -> None:
    """Close names in a room."""
    look(settings).room(id_)
    close_names(settings, names, reason, room=id_)


@rooms.command(help=_("Let names be open in a room again. Example: schoolfilter rooms reopen room5 youtube.com"))
@_id_argument
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@pass_settings
def reopen(settings: Settings, id_: str, names: tuple[str, ...]) -> None:
    """End closures in a room."""
    look(settings).room(id_)
    reopen_names(settings, names, room=id_)


def _document(number: str | None, day: str | None) -> str:
    """Return the order as the database keeps it; empty if none was given. Raises Misuse."""
    if number is None and day is None:
        return ""
    missing = _("expected the order with its date, such as --order 12 --date 2026-09-01, found only one of the two")
    written, dated = order_of(number, day, missing)
    return f"order {written} of {dated.isoformat()}"


def _changed(
    room: Room,
    title: str | None,
    networks: Sequence[IPNetwork],
    drop: Sequence[IPNetwork],
    group: str | None,
    level: str | None,
    closed: str | None,
    supervised: bool | None,
    responsible: str | None,
) -> Room:
    """Return the room with what was given; None and empty change nothing. Raises Misuse."""
    missing = [str(network) for network in drop if network not in room.networks]
    if missing:
        message = _("expected networks of {room}, found {networks}: it has {own}")
        own = ", ".join(map(str, room.networks)) or "-"
        raise Misuse(message.format(room=room.id, networks=", ".join(missing), own=own))
    kept = [network for network in room.networks if network not in drop]
    return replace(
        room,
        title=room.title if title is None else text_of(title, "--title", _LONGEST_TITLE),
        networks=tuple(dict.fromkeys([*kept, *networks])),
        group=room.group if group is None else group or None,
        level=room.level if level is None else None if level == _AS_GROUP else Level(level),
        closed=room.closed if closed is None else Level(closed),
        supervised=room.supervised if supervised is None else supervised,
        responsible=(
            room.responsible if responsible is None else text_of(responsible, "--responsible", _LONGEST_PERSON)
        ),
    )


def _check(scene: Scene, wanted: Room) -> None:
    """Raise UnknownGroup, or Failure for a network that is another room's."""
    if wanted.group is not None:
        scene.group(wanted.group)
    for other in scene.snapshot.schedule.rooms.values():
        shared = [str(network) for network in wanted.networks if network in other.networks]
        if other.id != wanted.id and shared:
            message = _(
                "{networks} belongs to {room}. To move it: schoolfilter rooms set {room} --drop-network {network}"
            )
            raise Failure(message.format(networks=", ".join(shared), room=other.id, network=shared[0]))


def _say(settings: Settings, scene: Scene, room: Room, networks: Sequence[IPNetwork], document: str) -> None:
    """Print what holds in a room after a change, and what to think of."""
    say_room(scene, room.id)
    if not document:
        text = _(
            "Note: no order of the director was given, and the history says so. To add it: "
            "schoolfilter rooms set {room} --order NUMBER --date YYYY-MM-DD"
        )
        click.echo(text.format(room=room.id), err=True)
    if not room.networks and not _devices_in(scene, room.id):
        text = _("Note: no client is in {room} until it has a network or a device is put into it.")
        click.echo(text.format(room=room.id), err=True)
    _warn_nested(scene, room)
    warn_outside(settings, networks)


def _warn_nested(scene: Scene, room: Room) -> None:
    """Name networks that lie in one of another room, or hold one: the smaller one says in which room a client is."""
    for other in scene.snapshot.schedule.rooms.values():
        for network, theirs in product(room.networks, other.networks):
            if other.id != room.id and network.version == theirs.version and network.overlaps(theirs):
                inner, outer = sorted((network, theirs), key=lambda each: -each.prefixlen)
                text = _("Note: {inner} lies in {outer} of another room: clients of {inner} are in {room}.")
                owner = room.id if inner == network else other.id
                click.echo(text.format(inner=inner, outer=outer, room=owner), err=True)


def _warn_mentioned(scene: Scene, id_: str) -> None:
    """Name what still speaks of a room that is no more."""
    calendar = scene.snapshot.schedule.calendar
    mentions = [
        (_("devices"), len(_devices_in(scene, id_))),
        (_("lessons of the timetable"), sum(slot.room == id_ for slot in calendar.slots)),
        (_("exams"), sum(id_ in exam.rooms for exam in calendar.exams)),
    ]
    found = ", ".join(f"{what}: {count}" for what, count in mentions if count)
    if found:
        text = _("Note: {room} is still named by {found}. It means nothing until there is a room of that id again.")
        click.echo(text.format(room=id_, found=found), err=True)


def _devices_in(scene: Scene, id_: str) -> list[Device]:
    return [device for device in scene.snapshot.directory.devices if device.room == id_]
