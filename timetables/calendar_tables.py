"""The calendar as four tables: slots, bells, days (terms, holidays, exams, short days), and substitutions.

All or nothing: a table with a bad line raises BadTable, which tells all of them. Ids of rooms and groups hold no comma.
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from policy.calendar import Bells, BellsOn, Exam, Period, Slot, Span, SpanKind, Substitution, Weeks
from policy.timetable import DAY, clock
from policy.timetable_texts import weekdays_text
from timetables.cells import (
    date_text,
    read_date,
    read_ids,
    read_kind,
    read_level,
    read_minutes,
    read_number,
    read_shift,
    read_weekdays,
    read_weekdays_of_bells,
    read_weeks,
    read_window,
    window_text,
)
from timetables.tables import Row, converted, read_rows, written
from timetables.words import COLUMNS, NONE
from translations import _

Day = Span | Exam | BellsOn

SLOTS = ("id", "days", "window", "room", "group", "level", "teacher", "title", "weeks", "begin", "end")
BELLS = ("bells", "shift", "number", "begin", "end", "days")
DAYS = ("kind", "begin", "end", "title", "window", "level", "rooms", "groups", "bells", "id")
SUBSTITUTIONS = ("date", "window", "room", "teacher", "to_room", "title", "id")

LONGEST = 366
"""Days that a row of short days may have."""

_OF_KIND = {"exam": {"rooms", "groups", "level", "window"}, "short day": {"bells"}}
"""Columns that say something for one kind of days only."""


# -- slots ---------------------------------------------------------------------------------------------------------


def read_slots(data: bytes) -> tuple[Slot, ...]:
    """Return the slots of a table. Those without an id get one that says when and where they are."""
    ids = Ids()

    def slot(row: Row) -> Slot:
        days, window = row.read("days", read_weekdays), row.read("window", read_window)
        room, group = row.text("room") or None, row.text("group") or None
        level = row.maybe("level", read_level)
        if room is None and group is None:
            raise ValueError(_("expected a room or a group, found neither"))
        if room is None and level is None:
            raise ValueError(_("expected a level for a group without a room, found none"))
        begin, end = row.maybe("begin", read_date), row.maybe("end", read_date)
        _check_order(begin, end)
        return Slot(
            ids.take(row, f"{weekdays_text(days)}_{window}_{room or group}"),
            days,
            window,
            room,
            group,
            level,
            row.text("teacher"),
            row.text("title"),
            row.maybe("weeks", read_weeks) or Weeks.EVERY,
            begin,
            end,
        )

    return tuple(converted(read_rows(data, SLOTS, ("days", "window")), slot))


def write_slots(slots: Iterable[Slot]) -> bytes:
    """Return slots as a table that `read_slots` reads back."""
    return written(
        SLOTS,
        (
            {
                "id": slot.id,
                "days": weekdays_text(slot.weekdays),
                "window": window_text(slot.window),
                "room": slot.room or "",
                "group": slot.group or "",
                "level": slot.level or "",
                "teacher": slot.teacher,
                "title": slot.title,
                "weeks": slot.weeks,
                "begin": date_text(slot.begin),
                "end": date_text(slot.end),
            }
            for slot in slots
        ),
    )


# -- bells ---------------------------------------------------------------------------------------------------------


def read_bells(data: bytes) -> tuple[Bells, ...]:
    """Return the bells of a table, one period a line. Lines of the same name, or of the same days, belong together."""
    rows = read_rows(data, BELLS, ("number", "begin", "end"))
    named = {row.line: row.text("bells") or row.text("days") or "default" for row in rows}
    weekdays: dict[str, tuple[str, frozenset[int]]] = {}
    periods: dict[str, list[Period]] = {}

    def period(row: Row) -> None:
        name, days = named[row.line], row.text("days")
        known = weekdays.setdefault(name, (days, row.read("days", read_weekdays_of_bells)))
        if row.read("days", read_weekdays_of_bells) != known[1]:
            text = _("expected the same days for all lines of the bells {bells!r}, {days!r}, found {found!r}")
            raise ValueError(text.format(bells=name, days=known[0], found=days))
        found = periods.setdefault(name, [])
        if any(row.text(column) for column in ("shift", "number", "begin", "end")):
            minutes = read_minutes(row.text("begin"), row.text("end"))
            shift, number = row.read("shift", read_shift), row.read("number", read_number)
            found.append(Period(shift, number, minutes.begin, minutes.end))

    converted(rows, period)
    return tuple(Bells(name, tuple(periods[name]), days) for name, (_text, days) in weekdays.items())


def write_bells(bells: Iterable[Bells]) -> bytes:
    """Return bells as a table that `read_bells` reads back."""
    return written(BELLS, (row for each in bells for row in _rows_of_bells(each)))


def _rows_of_bells(bells: Bells) -> Iterable[Mapping[str, str]]:
    of_all = {"bells": bells.id, "days": weekdays_text(bells.weekdays) or NONE[0]}
    if not bells.periods:
        yield of_all
    for each in bells.periods:
        end = "24:00" if each.end == DAY else clock(each.end)
        yield {**of_all, "shift": str(each.shift), "number": str(each.number), "begin": clock(each.begin), "end": end}


# -- days ----------------------------------------------------------------------------------------------------------


def read_days(data: bytes) -> tuple[Day, ...]:
    """Return the terms, holidays, exams and short days of a table; an empty end means the day of the beginning."""
    ids = Ids()

    def days(row: Row) -> list[Day]:
        kind = row.read("kind", read_kind)
        begin = row.read("begin", read_date)
        end = row.maybe("end", read_date) or begin
        _check_order(begin, end)
        for column in sorted(set().union(*_OF_KIND.values()) - _OF_KIND.get(kind, set())):
            if row.text(column):
                text = _("expected nothing in the column {column!r} for this kind of day, found {found!r}")
                raise ValueError(text.format(column=COLUMNS[column][0], found=row.text(column)))
        if kind == "exam":
            return [
                Exam(
                    ids.take(row, f"exam_{begin}"),
                    begin,
                    end,
                    row.read("level", read_level),
                    row.maybe("window", read_window),
                    read_ids(row.text("rooms")),
                    read_ids(row.text("groups")),
                    row.text("title"),
                )
            ]
        if kind != "short day":
            return [Span(SpanKind(kind), begin, end, row.text("title"))]
        if not row.text("bells"):
            raise ValueError(_("expected the bells of the short day, found none"))
        if (end - begin).days >= LONGEST:
            text = _("expected at most {most} short days, found {begin} - {end}")
            raise ValueError(text.format(most=LONGEST, begin=begin, end=end))
        return [BellsOn(begin + timedelta(days=n), row.text("bells")) for n in range((end - begin).days + 1)]

    return tuple(day for found in converted(read_rows(data, DAYS, ("kind", "begin")), days) for day in found)


def write_days(days: Iterable[Day]) -> bytes:
    """Return days as a table that `read_days` reads back."""
    return written(DAYS, map(_row_of_day, days))


def _row_of_day(day: Day) -> Mapping[str, str]:
    match day:
        case Span():
            return {"kind": day.kind, "begin": str(day.begin), "end": str(day.end), "title": day.title}
        case BellsOn():
            return {"kind": "short day", "begin": str(day.date), "bells": day.bells}
        case Exam():
            return {
                "kind": "exam",
                "begin": str(day.begin),
                "end": str(day.end),
                "title": day.title,
                "window": window_text(day.window) if day.window is not None else "",
                "level": day.level,
                "rooms": ", ".join(sorted(day.rooms)),
                "groups": ", ".join(sorted(day.groups)),
                "id": day.id,
            }


# -- substitutions -------------------------------------------------------------------------------------------------


def read_substitutions(data: bytes) -> tuple[Substitution, ...]:
    """Return the substitutions of a table; a line without a teacher cancels the lesson."""
    ids = Ids()

    def substitution(row: Row) -> Substitution:
        day, window, room = row.read("date", read_date), row.read("window", read_window), row.text("room")
        if not room:
            raise ValueError(_("expected a room, found none"))
        return Substitution(
            ids.take(row, f"{day}_{window}_{room}"),
            day,
            room,
            window,
            row.text("teacher"),
            row.text("to_room") or None,
            row.text("title"),
        )

    return tuple(converted(read_rows(data, SUBSTITUTIONS, ("date", "window", "room")), substitution))


def write_substitutions(substitutions: Iterable[Substitution]) -> bytes:
    """Return substitutions as a table that `read_substitutions` reads back."""
    return written(
        SUBSTITUTIONS,
        (
            {
                "date": str(each.date),
                "window": window_text(each.window),
                "room": each.room,
                "teacher": each.teacher,
                "to_room": each.to_room or "",
                "title": each.title,
                "id": each.id,
            }
            for each in substitutions
        ),
    )


class Ids:
    """Ids of the values of one table: those that stand there, each once, and others made for the rest."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, row: Row, base: str) -> str:
        """Return the id of a row. Raises ValueError for one that another row has."""
        id_ = row.text("id")
        if id_ in self._taken:
            raise ValueError(_("expected each id once, found {id!r} again").format(id=id_))
        number = 1
        while not id_ or id_ in self._taken:
            id_ = base if number == 1 else f"{base}_{number}"
            number += 1
        self._taken.add(id_)
        return id_


def _check_order(begin: date | None, end: date | None) -> None:
    if begin is not None and end is not None and end < begin:
        text = _("expected an end on or after the beginning, {begin}, found {end}")
        raise ValueError(text.format(begin=begin, end=end))
