"""What cannot be meant in a calendar, told in words before it takes effect."""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator
from itertools import combinations
from typing import TypeVar

from policy.calendar import Calendar
from policy.timetable import (
    DAY,
    Bells,
    Exam,
    Minutes,
    Period,
    Periods,
    Slot,
    Span,
    SpanKind,
    Substitution,
    Weeks,
    Window,
    clock,
    minutes_of,
)
from policy.timetable_texts import weekdays_text
from translations import _

T = TypeVar("T", bound=Hashable)

LONG = 3 * 60
"""A longer period, in minutes, is a slip of the pen: 08:45-08:00 means nearly a day."""


def faults(calendar: Calendar, rooms: Collection[str], groups: Collection[str]) -> list[str]:
    """Return the problems of a calendar in a school with these rooms and groups."""
    return [
        *_of_ids(calendar),
        *(fault for bells in calendar.bells for fault in faults_of_bells(bells)),
        *_of_weekdays(calendar.bells),
        *_of_dates(calendar),
        *_of_spans(calendar),
        *(fault for exam in calendar.exams for fault in _of_exam(calendar, exam, rooms, groups)),
        *(fault for slot in calendar.slots for fault in _of_slot(calendar, slot, rooms, groups)),
        *(fault for each in calendar.substitutions for fault in _of_substitution(calendar, each, rooms)),
        *_at_once(calendar),
    ]


def _of_ids(calendar: Calendar) -> Iterator[str]:
    for several in (calendar.bells, calendar.exams, calendar.slots, calendar.substitutions):
        for id_, count in Counter(each.id for each in several).items():
            if count > 1:
                yield _("expected each id once, found {count} of {id!r}").format(count=count, id=id_)


def faults_of_bells(bells: Bells) -> Iterator[str]:
    """Yield the problems of bells by themselves."""
    if not bells.periods:
        yield _("the bells {bells!r} have no periods").format(bells=bells.id)
    for number in _repeated((each.shift, each.number) for each in bells.periods):
        text = _("the bells {bells!r} have shift {shift}, lesson {number} more than once")
        yield text.format(bells=bells.id, shift=number[0], number=number[1])
    for each in bells.periods:
        if each.end - each.begin > LONG:
            text = _("the bells {bells!r}: expected a lesson of at most {hours} hours, found {period}")
            yield text.format(bells=bells.id, hours=LONG // 60, period=_period(each))
    for one, other in combinations(sorted(bells.periods, key=lambda each: each.begin), 2):
        if one.shift == other.shift and other.begin < one.end:
            text = _("the bells {bells!r}: {period} and {other} overlap")
            yield text.format(bells=bells.id, period=_period(one), other=_period(other))


def _of_weekdays(bells: Collection[Bells]) -> Iterator[str]:
    for one, other in combinations(bells, 2):
        shared = one.weekdays & other.weekdays
        if shared and len(one.weekdays) == len(other.weekdays):
            text = _("expected one kind of bells on {days}, found {bells!r} and {other!r}")
            yield text.format(days=weekdays_text(shared), bells=one.id, other=other.id)


def _of_dates(calendar: Calendar) -> Iterator[str]:
    known = {bells.id for bells in calendar.bells}
    for each in calendar.bells_on:
        if each.bells not in known:
            text = _("{date}: there are no bells {bells!r}; known are: {known}")
            yield text.format(date=each.date, bells=each.bells, known=", ".join(sorted(known)) or "-")
    for day in _repeated(each.date for each in calendar.bells_on):
        yield _("{date}: expected one kind of bells, found several").format(date=day)


def _of_spans(calendar: Calendar) -> Iterator[str]:
    for span in calendar.spans:
        if span.end < span.begin:
            yield _("{span}: the end is before the beginning").format(span=_span(span))
    terms = sorted((span for span in calendar.spans if span.kind is SpanKind.TERM), key=lambda span: span.begin)
    for one, other in combinations(terms, 2):
        if other.begin <= one.end:
            yield _("{span} and {other} overlap").format(span=_span(one), other=_span(other))


def _of_exam(calendar: Calendar, exam: Exam, rooms: Collection[str], groups: Collection[str]) -> Iterator[str]:
    where = _("exam {id!r}").format(id=exam.id)
    if exam.end < exam.begin:
        yield _("{where}: the end is before the beginning").format(where=where)
    yield from _unknown(where, exam.rooms, rooms, exam.groups, groups)
    if isinstance(exam.window, Periods) and not any(_has(bells, exam.window) for bells in calendar.bells):
        yield _no_bells(where, exam.window)


def _of_slot(calendar: Calendar, slot: Slot, rooms: Collection[str], groups: Collection[str]) -> Iterator[str]:
    where = _slot(slot)
    yield from _unknown(where, _some(slot.room), rooms, _some(slot.group), groups)
    if not slot.weekdays:
        yield _("{where}: expected at least one day of the week, found none").format(where=where)
    if slot.begin is not None and slot.end is not None and slot.end < slot.begin:
        yield _("{where}: the end is before the beginning").format(where=where)
    silent = frozenset(day for day in slot.weekdays if not _rings(calendar, day, slot.window))
    if silent:
        yield _no_bells(f"{where}, {weekdays_text(silent)}", slot.window)


def _of_substitution(calendar: Calendar, change: Substitution, rooms: Collection[str]) -> Iterator[str]:
    where = _("substitution {id!r} of {date}").format(id=change.id, date=change.date)
    yield from _unknown(where, {change.room, *_some(change.to_room)}, rooms, (), ())
    if not calendar.is_school_day(change.date):
        yield _("{where}: this is no school day").format(where=where)
    elif calendar.minutes(change.window, change.date) is None:
        yield _no_bells(where, change.window)


def _at_once(calendar: Calendar) -> Iterator[str]:
    """Tell slots that meet: in a room, but for different groups, or for a group alone."""
    by_place: dict[tuple[str | None, str | None], list[Slot]] = {}
    for slot in calendar.slots:
        by_place.setdefault((slot.room, slot.group if slot.room is None else None), []).append(slot)
    for slots in by_place.values():
        for one, other in combinations(slots, 2):
            apart = one.group is not None and other.group is not None and one.group != other.group
            if not apart and _meet(calendar, one, other):
                yield _("{slot} and {other} are at once").format(slot=_slot(one), other=_slot(other))


def _meet(calendar: Calendar, one: Slot, other: Slot) -> bool:
    if Weeks.EVERY not in (one.weeks, other.weeks) and one.weeks is not other.weeks:
        return False
    begins = [each.begin for each in (one, other) if each.begin is not None]
    ends = [each.end for each in (one, other) if each.end is not None]
    if begins and ends and min(ends) < max(begins):
        return False
    return any(
        (day + later) % 7 in other.weekdays and _overlap(calendar, one.window, day, other.window, later)
        for day in one.weekdays
        for later in (-1, 0, 1)
    )


def _overlap(calendar: Calendar, window: Window, day: int, other: Window, later: int) -> bool:
    """Whether a window on a weekday overlaps another that begins so many days later."""
    mine = minutes_of(window, calendar.weekly[day])
    its = minutes_of(other, calendar.weekly[(day + later) % 7])
    if mine is None or its is None:
        return False
    return mine.begin < its.end + later * DAY and its.begin + later * DAY < mine.end


def _rings(calendar: Calendar, weekday: int, window: Window) -> bool:
    bells = calendar.weekly[weekday]
    if isinstance(window, Minutes):
        return bells is not None or not calendar.bells
    return bells is not None and _has(bells, window)


def _has(bells: Bells, window: Periods) -> bool:
    return {(window.shift, window.first), (window.shift, window.last)} <= {
        (each.shift, each.number) for each in bells.periods
    }


def _unknown(
    where: str, rooms: Iterable[str], known_rooms: Collection[str], groups: Iterable[str], known_groups: Collection[str]
) -> Iterator[str]:
    for room in sorted(set(rooms) - set(known_rooms)):
        text = _("{where}: there is no room {room!r}; known are: {known}")
        yield text.format(where=where, room=room, known=", ".join(sorted(known_rooms)) or "-")
    for group in sorted(set(groups) - set(known_groups)):
        text = _("{where}: there is no group {group!r}; known are: {known}")
        yield text.format(where=where, group=group, known=", ".join(sorted(known_groups)) or "-")


def _no_bells(where: str, window: Window) -> str:
    return _("{where}: no bells ring for {window}").format(where=where, window=window)


def _slot(slot: Slot) -> str:
    return _("slot {id!r} ({days} {window})").format(
        id=slot.id, days=weekdays_text(slot.weekdays) or "-", window=slot.window
    )


def _span(span: Span) -> str:
    days = f"{span.begin} - {span.end}"
    if span.kind is SpanKind.TERM:
        return _("the term {days}").format(days=days)
    return _("the holiday {days}").format(days=days)


def _period(period: Period) -> str:
    return f"{Periods(period.shift, period.number, period.number)} ({clock(period.begin)}-{clock(period.end)})"


def _some(text: str | None) -> tuple[str, ...]:
    return () if text is None else (text,)


def _repeated(items: Iterable[T]) -> list[T]:
    return [item for item, count in Counter(items).items() if count > 1]
