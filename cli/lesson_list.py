"""`lesson list`: which lessons are on, by hand and by the timetable, or all of a day."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

import click

from cli.context import pass_settings
from cli.days import end_of
from cli.policy_file import opened
from cli.room_words import time_text
from cli.scene import clock
from cli.table import print_json, print_table
from cli.typed import day_of
from policy.circumstances import Schedule
from policy.levels import Level
from policy.planned import Cause
from policy.rooms import Lesson
from settings.model import Settings
from storage.errors import damaged
from storage.policy_load import schedule_of
from translations import _

BY_HAND = "by-hand"


@dataclass(frozen=True, slots=True)
class Listed:
    """A lesson that somebody opened, or that the timetable holds."""

    how: str
    """BY_HAND, or a policy.planned.Cause."""
    room: str
    group: str
    teacher: str
    title: str
    begins: datetime
    ends: datetime
    level: Level | None
    by_hand: Lesson | None = None

    def is_on(self, now: datetime) -> bool:
        """Whether it is going on."""
        return self.begins <= now < self.ends


@click.command(
    "list",
    help=_("Show which lessons are on. Example: schoolfilter lesson list --all --date 2026-09-02"),
)
@click.option("--all", "everything", is_flag=True, help=_("All lessons of the day, also those that are over."))
@click.option("--date", "day", metavar="YYYY-MM-DD", help=_("All lessons of this day."))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def list_command(settings: Settings, everything: bool, day: str | None, as_json: bool) -> None:
    """Print lessons in the order in which they begin."""
    now, zone = clock(settings), ZoneInfo(settings.school.time_zone)
    whole_day = everything or day is not None
    wanted = now.date() if day is None else day_of(day, "--date")
    schedule = asyncio.run(_read(settings, end_of(wanted, zone) if wanted < now.date() else None))
    found = list(of_day(schedule, wanted, zone)) if whole_day else going_on(schedule, now, zone)
    found.sort(key=lambda each: (each.begins, each.room, each.group))
    if as_json:
        print_json([_as_json(each, now) for each in found])
    elif not found:
        click.echo(_("No lessons.") if whole_day else _("No lesson is on."))
    else:
        headings = (
            _("ROOM"),
            _("GROUP"),
            _("TEACHER"),
            _("BEGINS"),
            _("UNTIL"),
            _("LEVEL"),
            _("HOW"),
            _("WHAT"),
            _("AT PRESENT"),
        )
        print_table(headings, (_row(each, now) for each in found))


def going_on(schedule: Schedule, now: datetime, zone: tzinfo) -> list[Listed]:
    """Return the lessons that are on; where a teacher opened a room by hand, that lesson stands above the timetable."""
    days = (now.date() - timedelta(days=1), now.date())
    found = [each for day in days for each in of_day(schedule, day, zone) if each.is_on(now)]
    opened_by_hand = {each.room for each in found if each.by_hand is not None}
    return [each for each in found if each.by_hand is not None or each.room not in opened_by_hand]


def of_day(schedule: Schedule, day: date, zone: tzinfo) -> Iterator[Listed]:
    """Yield the lessons that begin on a day of the school's time."""
    for lesson in schedule.lessons:
        begins, ends = lesson.begins.astimezone(zone), lesson.ends.astimezone(zone)
        if begins.date() == day:
            yield Listed(BY_HAND, lesson.room, "", lesson.teacher, "", begins, ends, lesson.level, lesson)
    midnight = datetime.combine(day, time(), zone)
    for planned in schedule.calendar.lessons(day):
        yield Listed(
            planned.cause,
            planned.room or "",
            planned.group or "",
            planned.teacher,
            planned.title,
            midnight + timedelta(minutes=planned.begin),
            midnight + timedelta(minutes=planned.end),
            planned.level,
        )


async def _read(settings: Settings, at: datetime | None) -> Schedule:
    """Return rooms, lessons and the timetable as they are, or as they were. Raises StorageError."""
    async with await opened(settings) as policy:
        objects = await policy.objects(at=at)
        try:
            return schedule_of(objects)
        except (ValueError, KeyError, TypeError, AttributeError) as error:  # what nobody here wrote
            raise damaged(policy.path, str(error) or repr(error)) from error


def _row(listed: Listed, now: datetime) -> tuple[str, ...]:
    names = ""
    if listed.by_hand is not None and (listed.by_hand.opened or listed.by_hand.closed):
        text = _("names opened: {opened}, closed: {closed}")
        names = text.format(opened=len(listed.by_hand.opened), closed=len(listed.by_hand.closed))
    return (
        listed.room or "-",
        listed.group or "-",
        listed.teacher or "-",
        f"{listed.begins:%H:%M}",
        time_text(listed.ends, listed.begins),
        listed.level or "-",
        _how(listed),
        listed.title or names,
        _("on") if listed.is_on(now) else _("over") if listed.ends <= now else _("later"),
    )


def _how(listed: Listed) -> str:
    if listed.by_hand is not None:
        return _("by hand")
    return _("substitution") if listed.how == Cause.SUBSTITUTION else _("timetable")


def _as_json(listed: Listed, now: datetime) -> dict[str, object]:
    by_hand = listed.by_hand
    return {
        "id": by_hand.id if by_hand else None,
        "how": listed.how,
        "room": listed.room or None,
        "group": listed.group or None,
        "teacher": listed.teacher,
        "title": listed.title,
        "begins": listed.begins.isoformat(),
        "ends": listed.ends.isoformat(),
        "level": listed.level,
        "on": listed.is_on(now),
        "opened": list(by_hand.opened) if by_hand else [],
        "closed": list(by_hand.closed) if by_hand else [],
    }
