"""How `timetable` shows the week, one day, and all that is known of the school's days."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import click

from cli.policy_file import opened
from cli.protocol import document_words
from cli.room_words import as_json as holding_json
from cli.scene import Scene
from cli.table import print_json, print_table
from cli.timetable_change import Key, rooms_of
from cli.timetable_words import line_of, now_lines, period_text, school_day_line, span_text, weeks_text
from cli.typed import day_of
from policy.calendar import Bells, BellsOn, Calendar, Exam, Minutes, Periods, Planned, Slot, Span, Substitution
from policy.calendar_bodies import KINDS, Value, row, values
from policy.calendar_faults import faults
from policy.hours import DAYS
from policy.lessons import holding, of_timetable
from policy.timetable import minutes_of
from policy.timetable_texts import weekdays_text
from settings.model import Settings
from storage.policy_objects import StoredObject
from timetables.cells import read_weekdays
from translations import _


@dataclass(frozen=True, slots=True)
class Part:
    """What of the timetable is shown."""

    room: str | None = None
    group: str | None = None
    weekday: int | None = None
    day: date | None = None

    def has(self, value: Value | Planned) -> bool:
        """Whether a value is for the room and the group; days and bells are for all."""
        match value:
            case Slot() | Planned():
                return self.room in (None, value.room) and self.group in (None, value.group)
            case Substitution():
                return self.room in (None, *rooms_of(value))
            case Exam():
                for_room = self.room is None or not value.rooms or self.room in value.rooms
                return for_room and (self.group is None or not value.groups or self.group in value.groups)
            case _:
                return True


def part_of(scene: Scene, room: str | None, group: str | None, day: str | None) -> Part:
    """Return the part that options ask for. Raises Misuse, and Failure or UnknownGroup for what does not exist."""
    if room is not None:
        scene.room(room)
    if group is not None:
        scene.group(group)
    if day is None:
        return Part(room, group)
    try:
        (weekday,) = read_weekdays(day)
    except ValueError:
        on = day_of(day, "--day")
        return Part(room, group, on.weekday(), on)
    return Part(room, group, weekday)


def print_timetable(settings: Settings, scene: Scene, part: Part, as_json: bool) -> None:
    """Print the timetable or a part of it."""
    calendar = scene.snapshot.schedule.calendar
    if as_json:
        print_json(_as_json(scene, part, _stored(settings)))
        return
    if not values(calendar):
        text = _(
            "The timetable is empty. Begin with the bells: schoolfilter timetable bells usual --period '1 08:00-08:45'"
        )
        click.echo(text)
        return
    if part.day is not None:
        _print_day(calendar, part.day, part)
        return
    if part.weekday is not None:
        _print_week(calendar, part)
        return
    click.echo(school_day_line(calendar, scene.now.date()))
    rooms, groups = scene.snapshot.schedule.rooms, scene.snapshot.groups
    for line in now_lines(scene, _only(part.room, rooms), _only(part.group, groups)):
        click.echo(line)
    _print_bells(calendar)
    click.echo()
    _print_week(calendar, part)
    lines = [line_of(value) for value in _ahead(calendar, scene.now.date()) if part.has(value)]
    if lines:
        click.echo("\n" + "\n".join(lines))
    documents = Counter(each.document for each in _stored(settings).values())
    rests = ", ".join(f"{document_words(each)} ({count})" for each, count in documents.items())
    click.echo("\n" + _("It rests on: {documents}").format(documents=rests))
    problems = faults(calendar, rooms, groups)
    if problems:
        click.echo("\n" + _("Problems:"))
        for problem in problems:
            click.echo(f"- {problem}")


def _print_bells(calendar: Calendar) -> None:
    if calendar.bells:
        click.echo()
        print_table((_("BELLS"), _("DAYS"), _("SHIFT"), _("LESSONS")), _rows_of_bells(calendar.bells))


def _rows_of_bells(bells: Sequence[Bells]) -> Iterator[tuple[str, ...]]:
    for each in bells:
        for shift in sorted({period.shift for period in each.periods}):
            lessons = ", ".join(period_text(period) for period in each.periods if period.shift == shift)
            yield each.id, weekdays_text(each.weekdays) or "-", str(shift), lessons


def _print_week(calendar: Calendar, part: Part) -> None:
    found = [
        (weekday, minutes_of(slot.window, calendar.weekly[weekday]), slot)
        for slot in calendar.slots
        for weekday in sorted(slot.weekdays)
        if part.has(slot) and part.weekday in (None, weekday)
    ]
    if not found:
        click.echo(_("No lessons."))
        return
    found.sort(key=lambda each: (each[0], each[1].begin if each[1] else 0, each[2].id))
    print_table(
        (_("DAY"), *_headings()),
        ((_day_of(slot, weekday), *_cells(slot, minutes, slot.window)) for weekday, minutes, slot in found),
    )


def _print_day(calendar: Calendar, day: date, part: Part) -> None:
    click.echo(school_day_line(calendar, day))
    lessons = sorted(filter(part.has, calendar.lessons(day)), key=lambda each: (each.begin, each.room or ""))
    if lessons:
        click.echo()
        print_table(_headings(), (_cells(each, Minutes(each.begin, each.end), None) for each in lessons))
    lines = [line_of(value) for value in values(calendar) if _is_on(value, day) and part.has(value)]
    if lines:
        click.echo("\n" + "\n".join(lines))


def _headings() -> tuple[str, ...]:
    return _("HOURS"), _("LESSON"), _("ROOM"), _("GROUP"), _("LEVEL"), _("TEACHER"), _("TITLE"), _("ID")


def _cells(lesson: Slot | Planned, minutes: Minutes | None, window: object) -> tuple[str, ...]:
    number = str(window) if isinstance(window, Periods) else "-"
    level = lesson.level or "-"
    return (
        str(minutes) if minutes is not None else "-",
        number,
        lesson.room or "-",
        lesson.group or "-",
        level,
        lesson.teacher,
        lesson.title,
        lesson.id,
    )


def _day_of(slot: Slot, weekday: int) -> str:
    parts = (DAYS[weekday], weeks_text(slot.weeks), span_text(slot))
    return " ".join(part for part in parts if part)


def _ahead(calendar: Calendar, today: date) -> list[Value]:
    """Return the days and substitutions that are not over, in their order."""
    found = [value for value in values(calendar) if (days := _days(value)) is not None and days[1] >= today]
    return sorted(found, key=lambda value: _days(value) or (today, today))


def _is_on(value: Value, day: date) -> bool:
    days = _days(value)
    return days is not None and days[0] <= day <= days[1]


def _days(value: Value) -> tuple[date, date] | None:
    match value:
        case Span() | Exam():
            return value.begin, value.end
        case BellsOn() | Substitution():
            return value.date, value.date
        case _:
            return None


def _only(one: str | None, known: Mapping[str, object]) -> Sequence[str]:
    return list(known) if one is None else [one]


def _as_json(scene: Scene, part: Part, stored: Mapping[Key, StoredObject]) -> dict[str, object]:
    calendar = scene.snapshot.schedule.calendar
    rooms, groups = scene.snapshot.schedule.rooms, scene.snapshot.groups
    by_kind: dict[str, list[object]] = {kind: [] for kind in KINDS}
    for value in values(calendar):
        kind, id_, body = row(value)
        on_day = part.weekday is None or not isinstance(value, Slot) or part.weekday in value.weekdays
        if part.has(value) and on_day:
            found = stored[kind, id_]
            origin = {"document": found.document, "since": found.added_at, "by": found.added_by}
            by_kind[kind].append({"id": id_, **body, **origin})
    day = part.day or scene.now.date()
    bells = calendar.bells_of(day)
    return {
        "day": {
            "date": day.isoformat(),
            "school_day": calendar.is_school_day(day),
            "bells": bells.id if bells is not None else None,
            "lessons": [_lesson_json(each) for each in calendar.lessons(day) if part.has(each)],
        },
        "now": _now_json(scene, part),
        **by_kind,
        "faults": faults(calendar, rooms, groups),
    }


def _now_json(scene: Scene, part: Part) -> dict[str, object]:
    now_holds, now = scene.circumstances, scene.now
    return {
        "rooms": {
            room: holding_json(holding(now_holds, room, now)) for room in now_holds.rooms if part.room in (None, room)
        },
        "places": [
            {"room": room, "group": group, **holding_json(of_timetable(standing.held, standing.level, now))}
            for (room, group), standing in now_holds.places.items()
            if standing.held is not None and part.room in (None, room) and part.group in (None, group)
        ],
        "groups": {
            group: holding_json(of_timetable(standing.held, standing.level, now))
            for group, standing in now_holds.groups.items()
            if standing.held is not None and part.group in (None, group)
        },
        "exams": [exam.id for exam in now_holds.exams if part.has(exam)],
    }


def _lesson_json(lesson: Planned) -> dict[str, object]:
    hours = str(Minutes(lesson.begin, lesson.end))
    found = {key: value for key, value in lesson._asdict().items() if key not in ("begin", "end", "began", "own")}
    return {"hours": hours, **found}


def _stored(settings: Settings) -> dict[Key, StoredObject]:
    """Return what is kept of the calendar, with what it rests on."""

    async def read() -> list[StoredObject]:
        async with await opened(settings) as policy:
            return await policy.objects()

    return {(each.kind, each.id): each for each in asyncio.run(read()) if each.kind in KINDS}
