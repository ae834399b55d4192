"""`timetable add`, `substitute` and `remove`: the lessons of the timetable, changes of one date, and their end."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

import click

from cli import protocol
from cli.context import pass_settings
from cli.errors import Failure, Misuse
from cli.scene import Scene
from cli.timetable_change import LONGEST_PERSON, LONGEST_TITLE, Edit, by_key, change, check
from cli.timetable_typed import hours_option, lesson_option, title_option, weekdays_of, window_of
from cli.typed import day_of, id_of, text_of
from policy.calendar import Calendar, Planned, Slot, Substitution, Weeks, Window
from policy.calendar_bodies import KINDS
from policy.levels import Level
from policy.subjects import nearest
from policy.timetable_texts import weekdays_text
from settings.model import Settings
from translations import _

_LEVELS = [Level.OFF.value, Level.HIGH.value, Level.MEDIUM.value, Level.LOW.value]
"""No lesson makes staff of pupils."""
_WEEKS = [Weeks.ODD.value, Weeks.EVEN.value]


@click.command(
    help=_(
        "Add a lesson to the timetable of internet use. Its room is open then by itself, on school days. A lesson of "
        "the same id is replaced.\n\n"
        "Example: schoolfilter timetable add --days mon,wed --lesson 2 --room room5 --teacher 'Asanova A.'"
    )
)
@click.argument("id_", metavar="[ID]", required=False)
@click.option("--days", required=True, metavar="DAYS", help=_("On which days, such as mon,wed or mon-fri."))
@hours_option
@lesson_option
@click.option("--room", metavar="ID", help=_("The room."))
@click.option("--group", metavar="ID", help=_("Only for this group; without --room: wherever it is."))
@click.option("--level", type=click.Choice(_LEVELS), help=_("The level then; if not given: the room's in lessons."))
@click.option("--teacher", default="", metavar="NAME", help=_("Who answers for the lesson."))
@title_option
@click.option("--weeks", type=click.Choice(_WEEKS), help=_("Only in odd or even weeks of the year."))
@protocol.options
@pass_settings
def add(
    settings: Settings,
    id_: str | None,
    days: str,
    hours: str | None,
    lesson: str | None,
    room: str | None,
    group: str | None,
    level: str | None,
    teacher: str,
    title: str,
    weeks: str | None,
    number: str | None,
    day: str | None,
) -> None:
    """Add a slot."""
    if room is None and (group is None or level is None):
        raise Misuse(_("expected --room, or --group with --level"))
    document = protocol.document_of(number, day)
    said = Slot(
        id_of(id_) if id_ is not None else "",
        weekdays_of(days),
        window_of(hours, lesson),
        room,
        group,
        Level(level) if level is not None else None,
        text_of(teacher, "--teacher", LONGEST_PERSON),
        text_of(title, "--title", LONGEST_TITLE),
        Weeks(weeks or ""),
    )

    def plan(scene: Scene) -> Edit:
        wanted = said if said.id else replace(said, id=_new_id(said, scene.snapshot.schedule.calendar.slots))
        check(scene, (wanted,))
        return Edit("add to timetable", (wanted,), document=document)

    change(settings, plan)


@click.command(
    help=_(
        "Change one lesson of one date. It is given by another teacher, held in another room, or cancelled.\n\n"
        "Example: schoolfilter timetable substitute 2026-09-02 room5 --lesson 2 --teacher 'Bekov B.'"
    )
)
@click.argument("date_", metavar="DATE")
@click.argument("room", metavar="ROOM")
@hours_option
@lesson_option
@click.option("--teacher", default="", metavar="NAME", help=_("Who gives the lesson."))
@click.option("--to-room", metavar="ID", help=_("Where it is held instead; the room itself stays closed."))
@click.option("--cancel", is_flag=True, help=_("It is not held; the room stays closed."))
@title_option
@protocol.options
@pass_settings
def substitute(
    settings: Settings,
    date_: str,
    room: str,
    hours: str | None,
    lesson: str | None,
    teacher: str,
    to_room: str | None,
    cancel: bool,
    title: str,
    number: str | None,
    day: str | None,
) -> None:
    """Enter a substitution."""
    name, called = text_of(teacher, "--teacher", LONGEST_PERSON), text_of(title, "--title", LONGEST_TITLE)
    if cancel == bool(name or to_room):
        raise Misuse(_("expected --teacher, --to-room or both, or --cancel alone"))
    document, on, window = protocol.document_of(number, day), day_of(date_, "DATE"), window_of(hours, lesson)

    def plan(scene: Scene) -> Edit:
        calendar = scene.snapshot.schedule.calendar
        same = [each for each in calendar.substitutions if (each.date, each.room, each.window) == (on, room, window)]
        id_ = same[0].id if same else _id_of(f"{on}-{window}-{room}")
        wanted = Substitution(id_, on, room, window, name, to_room, called)
        check(scene, (wanted,))
        if not name:
            usual = _usual(calendar, on, room, window)
            wanted = wanted if cancel else replace(wanted, teacher=_teacher_of(usual))
        return Edit("substitute", (wanted,), document=document)

    change(settings, plan)


@click.command(
    help=_(
        "End what the timetable shows, by its kind and id. Its history stays.\n\n"
        "Example: schoolfilter timetable remove slot mon_wed-2-room5"
    )
)
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@protocol.options
@pass_settings
def remove(settings: Settings, kind: str, ids: tuple[str, ...], number: str | None, day: str | None) -> None:
    """End values, all of them or none."""
    document = protocol.document_of(number, day)

    def plan(scene: Scene) -> Edit:
        known = [id_ for its_kind, id_ in by_key(scene.snapshot.schedule.calendar) if its_kind == kind]
        for id_ in ids:
            if id_ not in known:
                text = _("found no {kind} {id}; the nearest is {near}. `schoolfilter timetable` shows all.")
                near = nearest(id_, known) or min(known, default="-")
                raise Failure(text.format(kind=kind, id=id_, near=near))
        return Edit("remove from timetable", drops=tuple((kind, id_) for id_ in dict.fromkeys(ids)), document=document)

    change(settings, plan)


def _new_id(slot: Slot, slots: Iterable[Slot]) -> str:
    """Return the id of the same lesson if it is in the timetable, else a new one: when and where it is."""
    taken = {each.id: each for each in slots}
    same = next((each.id for each in taken.values() if replace(each, id="") == slot), None)
    if same is not None:
        return same
    parts = (weekdays_text(slot.weekdays), str(slot.window), slot.room or slot.group or "", slot.weeks)
    base = _id_of("-".join(part for part in parts if part))
    number = 1
    while (id_ := base if number == 1 else f"{base}-{number}") in taken:
        number += 1
    return id_


def _id_of(text: str) -> str:
    """Return a text as an id that needs no quotes on a command line."""
    return re.sub(r"[,/]", "_", text.replace(":", ""))


def _usual(calendar: Calendar, day: date, room: str, window: Window) -> list[Planned]:
    """Return the lessons that a room has in a window without substitutions. Raises Failure if there is none."""
    minutes = calendar.minutes(window, day)
    planned = replace(calendar, substitutions=()).lessons(day)
    if minutes is not None:
        found = [
            each for each in planned if each.room == room and each.begin < minutes.end and minutes.begin < each.end
        ]
        if found:
            return found
    text = _("found no lesson of {room} then ({date}, {window}). `schoolfilter timetable show --day {date}` shows all.")
    raise Failure(text.format(room=room, date=day, window=window))


def _teacher_of(lessons: Iterable[Planned]) -> str:
    teachers = {each.teacher for each in lessons}
    if len(teachers) != 1 or teachers == {""}:
        raise Misuse(_("--teacher: expected who gives the lesson, because the timetable does not say it"))
    return teachers.pop()
