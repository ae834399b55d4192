"""`pause`: another level for a group or a room for a while. It always has an end, a person and a reason."""

from collections.abc import Iterator

import click

from cli.context import Installation, pass_installation, pass_settings, who
from cli.errors import Failure, Misuse
from cli.room_words import say_room, time_text
from cli.scene import Change, Scene, look, make
from cli.table import print_json, print_table
from cli.typed import text_of
from policy.lessons import InvalidEnd, ended, new_id, pause_end, pauses_on
from policy.levels import Level
from policy.rooms import Pause, body_of
from settings.model import Settings
from translations import _

_LEVELS = [Level.OFF.value, Level.HIGH.value, Level.MEDIUM.value, Level.LOW.value]
"""No pause makes staff of pupils: what is harmful stays closed."""


@click.group(
    invoke_without_command=True,
    help=_(
        "Put a group or a room on another level for a while; it ends by itself.\n\n"
        "Example: schoolfilter pause --group pupils --minutes 30 --reason 'films at the open day'"
    ),
)
@click.option("--group", metavar="ID", help=_("The group, wherever it is."))
@click.option("--room", metavar="ID", help=_("The room."))
@click.option("--minutes", type=click.IntRange(min=1), metavar="N", help=_("How long, at most 8 hours."))
@click.option("--reason", metavar="TEXT", help=_("Why, in a sentence."))
@click.option(
    "--level",
    type=click.Choice(_LEVELS),
    help=_("low, if not given: only what is unlawful or harmful stays closed; off: nothing opens."),
)
@click.option("--person", metavar="NAME", help=_("Who answers for it; if not given: who gives the command."))
@pass_installation
@click.pass_context
def pause(
    ctx: click.Context,
    installation: Installation,
    group: str | None,
    room: str | None,
    minutes: int | None,
    reason: str | None,
    level: str | None,
    person: str | None,
) -> None:
    """Begin a pause, if no command follows."""
    if ctx.invoked_subcommand is not None:
        if any(each is not None for each in (group, room, minutes, reason, level, person)):
            raise Misuse(_("expected options of `pause`, or a command below it such as `pause list`, found both"))
        return
    if (group is None) == (room is None):
        raise Misuse(_("expected --group or --room: for whom the pause is. Those that are on: schoolfilter pause list"))
    if minutes is None:
        raise Misuse(_("--minutes: expected how long it lasts, such as --minutes 30: a pause always has an end"))
    note, name = text_of(reason or "", "--reason"), text_of(person or who(), "--person", 80)
    if not note:
        raise Misuse(_("--reason: expected why, in a sentence; found nothing"))
    chosen = Level(level or Level.LOW)

    def plan(scene: Scene) -> Change:
        if room is not None:
            scene.room(room)
        if group is not None:
            scene.group(group)
        before = scene.snapshot.schedule.pauses
        try:
            ends = pause_end(scene.now, minutes)
        except InvalidEnd as error:
            raise Misuse(f"--minutes: {error}") from None
        id_ = new_id(scene.now.date(), str(room or group), (each.id for each in before))
        begun = Pause(id_, chosen, scene.now, ends, name, note, group, room)
        return Change("begin pause", (*ended(pauses_on(before, room, group, scene.now), scene.now), begun))

    _say(make(installation.settings, plan), room, group)


@pause.command("list", help=_("Show the pauses that are on. Example: schoolfilter pause list"))
@click.option("--all", "everything", is_flag=True, help=_("Also those of today that are over."))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def list_(settings: Settings, everything: bool, as_json: bool) -> None:
    """Print pauses in the order in which they began."""
    scene = look(settings)
    found = [each for each in scene.snapshot.schedule.pauses if scene.now < each.ends or everything]
    found.sort(key=lambda each: (each.begins, each.id))
    if as_json:
        print_json([{"id": each.id, **body_of(each), "on": scene.now < each.ends} for each in found])
    elif not found:
        click.echo(_("No pauses."))
    else:
        headings = (_("ID"), _("FOR"), _("LEVEL"), _("BEGINS"), _("UNTIL"), _("PERSON"), _("REASON"))
        print_table(headings, (_row(each, scene) for each in found))


@pause.command(help=_("End a pause before its time. Example: schoolfilter pause end 20260902-pupils-1"))
@click.argument("id_", metavar="ID")
@pass_settings
def end(settings: Settings, id_: str) -> None:
    """End one pause."""
    told: list[Pause] = []

    def plan(scene: Scene) -> Change:
        on = {each.id: each for each in scene.snapshot.schedule.pauses if each.begins <= scene.now < each.ends}
        if id_ not in on:
            message = _("expected a pause that is on ({ids}), found {id}.")
            raise Failure(message.format(ids=", ".join(on) or _("there is none"), id=id_))
        told.append(on[id_])
        return Change("end pause", tuple(ended(told, scene.now)))

    scene = make(settings, plan)
    click.echo(_("The pause {id} is over.").format(id=id_))
    _say(scene, told[0].room, told[0].group)


def _say(scene: Scene, room: str | None, group: str | None) -> None:
    """Print what holds for a room or a group now."""
    if group is not None:
        for line in _group_lines(scene, group):
            click.echo(line)
        click.echo(_("The server follows within a second."))
    elif room is not None and room in scene.snapshot.schedule.rooms:
        say_room(scene, room)


def _group_lines(scene: Scene, id_: str) -> Iterator[str]:
    group = scene.group(id_)
    standing = scene.circumstances.groups.get(id_)
    level, _cause = scene.circumstances.level_of(group)
    if standing is not None and standing.pause is not None:
        pause_ = standing.pause
        text = _("The group {group} is at the level {level} until {until}: {reason} ({person}). To end it: {command}")
        yield text.format(
            group=id_,
            level=pause_.level,
            until=time_text(pause_.ends, scene.now),
            reason=pause_.reason,
            person=pause_.person,
            command=f"schoolfilter pause end {pause_.id}",
        )
        if level is not pause_.level:
            yield _("An exam goes before it: the level is {level}.").format(level=level)
    else:
        yield _("The group {group} is at the level {level}.").format(group=id_, level=level)
    there = {room: scene.circumstances.level_of(group, room)[0] for room in scene.snapshot.schedule.rooms}
    stricter = [f"{room} ({found})" for room, found in sorted(there.items()) if found is not level]
    if stricter:
        yield _("Rooms in which it is restricted further: {rooms}.").format(rooms=", ".join(stricter))


def _row(each: Pause, scene: Scene) -> tuple[str, ...]:
    return (
        each.id,
        _("the room {room}").format(room=each.room)
        if each.room is not None
        else _("the group {group}").format(group=each.group),
        each.level,
        time_text(each.begins, scene.now),
        time_text(each.ends, scene.now) if scene.now < each.ends else _("over"),
        each.person,
        each.reason,
    )
