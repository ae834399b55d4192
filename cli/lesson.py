"""`lesson`: a teacher opens a supervised room until the bell, and names in it, as far as the director permits."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import IO, TypeVar

import click

from cli.context import pass_settings, who
from cli.errors import Failure, Misuse
from cli.lesson_list import list_command
from cli.lesson_names import Opened, asked_of, opened_in, opened_lines
from cli.ordered import InOrder
from cli.room_words import say_room, time_text
from cli.scene import Change, Scene, make
from cli.typed import names_of, text_of
from policy.lessons import (
    MOST_NAMES,
    InvalidEnd,
    State,
    by_hand,
    ended,
    extended_end,
    holding,
    lesson_end,
    lessons_on,
    new_id,
    no_longer_closed,
    permit_for,
    with_closed,
    with_opened,
)
from policy.levels import Level
from policy.names import display_name, with_parents
from policy.rooms import Lesson
from settings.model import Settings
from translations import _

LEVELS = [Level.HIGH.value, Level.MEDIUM.value, Level.LOW.value]
"""What a room may be put to; whoever is in it keeps a level of its own that is stricter."""

_Made = TypeVar("_Made")

_room_option = click.option("--room", "room", required=True, metavar="ID", help=_("The room."))
_minutes_option = click.option(
    "--minutes", type=click.IntRange(min=1), metavar="N", help=_("How long; if not given: until the bell.")
)
_until_option = click.option("--until", metavar="HH:MM", help=_("Until when."))
_names_argument = click.argument("names", nargs=-1, required=True, metavar="NAME...")


@click.group(
    cls=InOrder,
    help=_("Open a room for a lesson. Example: schoolfilter lesson start --room room5 --teacher 'Asanova A.'"),
)
def lesson() -> None:
    """Hold the commands about lessons."""


@lesson.command(
    help=_(
        "Open a room under a named teacher. It closes at the bell by itself.\n\n"
        "Example: schoolfilter lesson start --room room5 --teacher 'Asanova A.' --open kitap.kz"
    )
)
@_room_option
@click.option("--teacher", required=True, metavar="NAME", help=_("Who answers for the lesson."))
@_minutes_option
@_until_option
@click.option("--level", type=click.Choice(LEVELS), help=_("A stricter level than the room has for this lesson."))
@click.option(
    "--open",
    "opens",
    multiple=True,
    metavar="NAME|BUNDLE",
    help=_("A name, or a bundle such as education, to open in this lesson (may be repeated)."),
)
@click.option(
    "--open-list",
    "file",
    type=click.File(encoding="utf-8-sig"),
    help=_("Names to open, one on a line; what follows # is a remark. - means standard input."),
)
@click.option("--close", "closes", multiple=True, metavar="NAME", help=_("A name to close (may be repeated)."))
@click.option("--take-over", is_flag=True, help=_("Also if another teacher's lesson is on in the room: it ends."))
@pass_settings
def start(
    settings: Settings,
    room: str,
    teacher: str,
    minutes: int | None,
    until: str | None,
    level: str | None,
    opens: tuple[str, ...],
    file: IO[str] | None,
    closes: tuple[str, ...],
    take_over: bool,
) -> None:
    """Begin a lesson, all of it or nothing."""
    name = text_of(teacher, "--teacher", 80)
    if not name:
        raise Misuse(_("--teacher: expected who answers for the lesson, such as 'Asanova A.', found nothing"))
    _only_one(minutes, until)
    asked, closed = asked_of(opens, file), names_of(closes)

    def plan(scene: Scene) -> tuple[Change, Lesson, Opened]:
        scene.room(room)
        on = lessons_on(scene.snapshot.schedule.lessons, room, scene.now)
        if not take_over:
            _require_free(scene, room, name)
        ends = lesson_end(scene.snapshot.schedule.calendar, scene.now, minutes, until)
        begun = Lesson(_new_id(scene, room), room, name, scene.now, ends, Level(level) if level else None)
        opened = opened_in(settings, scene, begun, asked)
        both = [each for each in closed if each in opened.names]
        if both:
            names = ", ".join(map(display_name, both))
            raise Misuse(_("expected to open or to close a name, found both: {names}").format(names=names))
        begun = replace(begun, opened=opened.names, closed=tuple(closed))
        return Change("start lesson", (*ended(on, scene.now), begun)), begun, opened

    scene, begun, opened = _made(settings, plan)
    _say(scene, begun, [*opened_lines(scene, begun, opened), *_closed_lines(scene, begun, closed)])
    text = _("It closes by itself. Before that: schoolfilter lesson stop --room {room}")
    click.echo(text.format(room=room))


@lesson.command(help=_("Let a lesson last longer. Example: schoolfilter lesson extend --room room5 --minutes 10"))
@_room_option
@click.option("--minutes", type=click.IntRange(min=1), metavar="N", help=_("So much longer."))
@_until_option
@pass_settings
def extend(settings: Settings, room: str, minutes: int | None, until: str | None) -> None:
    """Move the end of the lesson that is on."""
    _only_one(minutes, until)
    if minutes is None and until is None:
        raise Misuse(_("expected --minutes or --until, found neither"))

    def plan(scene: Scene) -> tuple[Change, Lesson, None]:
        present = _present(scene, room)
        longer = replace(present, ends=extended_end(present, scene.now, minutes, until))
        return Change("extend lesson", (longer,)), longer, None

    scene, longer, _none = _made(settings, plan)
    _say(scene, longer, [])


@lesson.command(help=_("Close a room before the bell. Example: schoolfilter lesson stop --room room5"))
@_room_option
@pass_settings
def stop(settings: Settings, room: str) -> None:
    """End the lesson that a teacher opened."""

    def plan(scene: Scene) -> Change:
        scene.room(room)
        on = lessons_on(scene.snapshot.schedule.lessons, room, scene.now)
        if not on:
            found = holding(scene.circumstances, room, scene.now)
            if found.state is State.TIMETABLE:
                text = _(
                    "the lesson in {room} is one of the timetable. To close the room all the same: schoolfilter pause "
                    "--room {room} --level off --minutes N --reason TEXT"
                )
                raise Failure(text.format(room=room))
            raise Failure(_no_lesson(room))
        return Change("stop lesson", tuple(ended(on, scene.now)))

    say_room(make(settings, plan), room)


@lesson.command(
    "open",
    help=_(
        "Open names in the lesson that is on, for this room, until the bell.\n\n"
        "Example: schoolfilter lesson open kitap.kz --room room5"
    ),
)
@_names_argument
@_room_option
@pass_settings
def open_(settings: Settings, names: tuple[str, ...], room: str) -> None:
    """Open names, all or none; one that was closed for the lesson and no order permits is only no longer closed."""
    asked = asked_of(names)

    def plan(scene: Scene) -> tuple[Change, Lesson, tuple[Opened, Sequence[str]]]:
        present = _present(scene, room)
        again = [
            name
            for name in asked.names
            if name in present.closed and permit_for(scene.snapshot, present, name, scene.now) is None
        ]
        others = tuple(name for name in asked.names if name not in again)
        opened = opened_in(settings, scene, present, replace(asked, names=others))
        changed = with_opened(no_longer_closed(present, again), opened.names)
        return Change("open in lesson", (changed,)), changed, (opened, again)

    scene, changed, (opened, again) = _made(settings, plan)
    lines = list(opened_lines(scene, changed, opened))
    lines += [_("{name} is no longer closed.").format(name=display_name(name)) for name in again]
    _say(scene, changed, lines)


@lesson.command(
    "close",
    help=_(
        "Close names in the lesson that is on, for this room, until the bell.\n\n"
        "Example: schoolfilter lesson close youtube.com --room room5"
    ),
)
@_names_argument
@_room_option
@pass_settings
def close(settings: Settings, names: tuple[str, ...], room: str) -> None:
    """Close names, all or none."""
    wanted = names_of(names)

    def plan(scene: Scene) -> tuple[Change, Lesson, None]:
        changed = with_closed(_present(scene, room), wanted)
        return Change("close in lesson", (changed,)), changed, None

    scene, changed, _none = _made(settings, plan)
    _say(scene, changed, _closed_lines(scene, changed, wanted))


lesson.add_command(list_command)


def _made(settings: Settings, plan: Callable[[Scene], tuple[Change, Lesson, _Made]]) -> tuple[Scene, Lesson, _Made]:
    """Make a change; return what holds then, and what the plan says of the lesson. Raises Misuse for end or size."""
    told: list[tuple[Lesson, _Made]] = []

    def change(scene: Scene) -> Change:
        try:
            planned, changed, more = plan(scene)
        except InvalidEnd as error:
            raise Misuse(str(error)) from None
        count = len(changed.opened) + len(changed.closed)
        if count > MOST_NAMES:
            message = _("expected at most {count} names in one lesson, found {found}")
            raise Misuse(message.format(count=MOST_NAMES, found=count))
        told.append((changed, more))
        return planned

    scene = make(settings, change)
    return scene, *told[0]


def _present(scene: Scene, room: str) -> Lesson:
    """Return the lesson that is on; one of the timetable becomes one by hand. Raises Failure if there is none."""
    scene.room(room)
    on = lessons_on(scene.snapshot.schedule.lessons, room, scene.now)
    if on:
        return on[-1]
    adopted = by_hand(scene.circumstances, room, scene.now, _new_id(scene, room), who())
    if adopted is None:
        raise Failure(_no_lesson(room))
    return adopted


def _require_free(scene: Scene, room: str, teacher: str) -> None:
    """Raise Failure if a teacher opened the room already, or if it is another one's by the timetable."""
    found = holding(scene.circumstances, room, scene.now)
    on = lessons_on(scene.snapshot.schedule.lessons, room, scene.now)
    if on:
        text = _("a lesson is on in {room}: {teacher}, until {until}. To end it and begin yours: --take-over")
        raise Failure(text.format(room=room, teacher=on[-1].teacher, until=time_text(on[-1].ends, scene.now)))
    if found.state is State.TIMETABLE and found.until and found.who.casefold() not in ("", teacher.casefold()):
        text = _(
            "by the timetable {teacher} has a lesson in {room} until {until}. To begin yours in its place: --take-over"
        )
        raise Failure(text.format(room=room, teacher=found.who, until=time_text(found.until, scene.now)))


def _new_id(scene: Scene, room: str) -> str:
    return new_id(scene.now.date(), room, (each.id for each in scene.snapshot.schedule.lessons))


def _no_lesson(room: str) -> str:
    text = _("no lesson is on in {room}. Begin one: schoolfilter lesson start --room {room} --teacher NAME")
    return text.format(room=room)


def _only_one(minutes: int | None, until: str | None) -> None:
    if minutes is not None and until is not None:
        raise Misuse(_("expected --minutes or --until, found both"))


def _closed_lines(scene: Scene, changed: Lesson, names: Sequence[str]) -> Iterator[str]:
    """Yield what was closed in a lesson, and what of it has no effect."""
    protected = next(iter(scene.snapshot.views.values())).protected
    for name in names:
        shield = next((parent for parent in with_parents(name) if parent in protected), "")
        if shield:
            text = _("Closing {name} has no effect: {rule} is protected (school.protected in the settings file).")
            yield text.format(name=display_name(name), rule=display_name(shield))
        else:
            text = _("{name} and all names below it are closed until {until}.")
            yield text.format(name=display_name(name), until=time_text(changed.ends, scene.now))


def _say(scene: Scene, changed: Lesson, lines: Sequence[str] | Iterator[str]) -> None:
    for line in lines:
        click.echo(line)
    say_room(scene, changed.room)
