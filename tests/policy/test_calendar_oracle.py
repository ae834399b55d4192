"""Random calendars against an oracle that walks minute by minute and keeps no table."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.calendar import (
    Bells,
    Calendar,
    Cause,
    Exam,
    Held,
    Minutes,
    Moment,
    Slot,
    SpanKind,
    Substitution,
    Window,
)
from policy.levels import Level
from tests.policy.calendars import GROUPS, ROOMS, calendars, moments

MINUTE = timedelta(minutes=1)
ONE_DAY = timedelta(days=1)
FREEDOM = [Level.OFF, Level.HIGH, Level.MEDIUM, Level.LOW, Level.OPEN]


@dataclass(frozen=True)
class Going:
    """A lesson that covers a minute. Minutes are counted from the year 1."""

    began: int
    substitutes: bool
    id: str
    level: Level | None
    own: bool
    teacher: str
    title: str
    until: int


def bells_on(calendar: Calendar, day: date) -> Bells | None:
    """Look the bells of a day up: by date (the last word counts), else the narrowest of its weekday."""
    for each in reversed(calendar.bells_on):
        for bells in calendar.bells:
            if each.date == day and each.bells == bells.id:
                return bells
    fitting = [bells for bells in calendar.bells if day.weekday() in bells.weekdays]
    return min(fitting, key=lambda bells: (len(bells.weekdays), bells.id)) if fitting else None


def days_of(begin: date, end: date) -> set[date]:
    return {begin + n * ONE_DAY for n in range((end - begin).days + 1)}


def school(calendar: Calendar, day: date) -> bool:
    terms = [span for span in calendar.spans if span.kind is SpanKind.TERM]
    holidays = [span for span in calendar.spans if span.kind is SpanKind.HOLIDAY]
    if any(day in days_of(span.begin, span.end) for span in holidays):
        return False
    if terms and all(day not in days_of(span.begin, span.end) for span in terms):
        return False
    return not calendar.bells or bells_on(calendar, day) is not None


def painted(calendar: Calendar, window: Window, day: date) -> range:
    """Return the minutes of a window that begins on a day."""
    midnight = day.toordinal() * 1440
    if isinstance(window, Minutes):
        return range(midnight + window.begin, midnight + window.end)
    bells = bells_on(calendar, day)
    rung = [
        each
        for each in (bells.periods if bells else ())
        if each.shift == window.shift and each.number in range(window.first, window.last + 1)
    ]
    if not rung:
        return range(0)
    begin = min(each.begin for each in rung)
    end = min(max(each.end for each in rung), max(1440, begin + 1439))  # no window lasts a day and more
    return range(midnight + begin, midnight + end)


def minute_of(local: datetime) -> int:
    return local.toordinal() * 1440 + local.hour * 60 + local.minute


def moment_of(minute: int) -> datetime:
    return datetime.fromordinal(minute // 1440) + minute % 1440 * MINUTE


def holds(calendar: Calendar, slot: Slot, day: date) -> bool:
    week = int(day.strftime("%V"))
    return (
        school(calendar, day)
        and day.weekday() in slot.weekdays
        and not (slot.weeks == "odd" and week % 2 == 0)
        and not (slot.weeks == "even" and week % 2 == 1)
        and not (slot.begin and day < slot.begin)
        and not (slot.end and day > slot.end)
    )


def changes(calendar: Calendar, room: str | None, day: date) -> list[tuple[Substitution, range]]:
    return [
        (each, minutes)
        for each in calendar.substitutions
        if each.room == room and each.date == day and school(calendar, day)
        if (minutes := painted(calendar, each.window, day))
    ]


def going_on(calendar: Calendar, now: int, room: str | None, group: str | None) -> Iterator[Going]:
    """Yield the lessons of exactly this room and group."""
    today = date.fromordinal(now // 1440)
    for day in (today - ONE_DAY, today):
        for slot in calendar.slots:
            if (slot.room, slot.group) != (room, group) or not holds(calendar, slot, day):
                continue
            window = painted(calendar, slot.window, day)
            taken = [minutes for _, minutes in changes(calendar, slot.room, day)]
            until = now
            while until in window and not any(until in minutes for minutes in taken):
                until += 1
            if until > now:
                own = slot.room is not None and slot.level is None
                yield Going(min(window), False, slot.id, slot.level, own, slot.teacher, slot.title, until)
        for where in ROOMS:
            for change, minutes in changes(calendar, where, day):
                if now not in minutes or not change.teacher or (change.to_room or change.room) != room:
                    continue
                replaced = [
                    slot
                    for slot in calendar.slots
                    if slot.room == where and holds(calendar, slot, day)
                    if any(minute in minutes for minute in painted(calendar, slot.window, day))
                ]
                mine = [slot for slot in replaced if slot.group == group]
                if not mine and (replaced or group is not None):
                    continue
                named = [slot.level for slot in mine if slot.level is not None]
                level = min(named, key=FREEDOM.index) if named else None
                own = len(named) < len(mine) or not mine
                title = change.title or next((slot.title for slot in mine if slot.title), "")
                yield Going(min(minutes), True, change.id, level, own, change.teacher, title, max(minutes) + 1)


def held(lessons: list[Going]) -> Held | None:
    if not lessons:
        return None
    last = max(lessons, key=lambda each: (each.began, each.substitutes, each.id))
    named = [each.level for each in lessons if each.level is not None]
    level = min(named, key=FREEDOM.index) if named else None
    cause = Cause.SUBSTITUTION if last.substitutes else Cause.TIMETABLE
    return Held(level, cause, last.teacher, last.title, moment_of(last.until), any(each.own for each in lessons))


def exam_is_on(calendar: Calendar, exam: Exam, now: int) -> bool:
    today = date.fromordinal(now // 1440)
    for day in (today - ONE_DAY, today):
        if day in days_of(exam.begin, exam.end):
            whole = painted(calendar, Minutes(0, 1440), day)
            if now in (painted(calendar, exam.window, day) or whole if exam.window else whole):
                return True
    return False


def oracle(calendar: Calendar, local: datetime) -> Moment:
    now = minute_of(local)
    rooms, groups, places = {}, {}, {}
    for room in ROOMS:
        everybody = list(going_on(calendar, now, room, None))
        if (found := held(everybody)) is not None:
            rooms[room] = found
        for group in GROUPS:
            special = list(going_on(calendar, now, room, group))
            if special and (found := held(special + everybody)) is not None:
                places[room, group] = found
    for group in GROUPS:
        if (found := held(list(going_on(calendar, now, None, group)))) is not None:
            groups[group] = found
    return Moment(rooms, groups, places, tuple(exam for exam in calendar.exams if exam_is_on(calendar, exam, now)))


def edges(calendar: Calendar, day: date) -> list[datetime]:
    """Return where something begins or ends on a day, and a minute to each side."""
    windows = {slot.window for slot in calendar.slots} | {each.window for each in calendar.substitutions}
    windows |= {exam.window for exam in calendar.exams if exam.window is not None}
    spans = [painted(calendar, window, each) for window in windows for each in (day - ONE_DAY, day)]
    found = {minute + n for span in spans if span for minute in (span[0], span[-1]) for n in (-1, 0, 1)}
    return [moment_of(minute) for minute in sorted(found) if minute // 1440 == day.toordinal()]


@settings(deadline=None, max_examples=300)
@given(calendars(), moments, st.randoms(use_true_random=False))
def test_what_goes_on_is_what_the_oracle_says(calendar: Calendar, local: datetime, random: Random) -> None:
    found = edges(calendar, local.date())
    for now in (local, *random.sample(found, min(len(found), 10))):
        assert calendar.at(now) == oracle(calendar, now)


@settings(deadline=None, max_examples=150)
@given(calendars(), moments)
def test_nothing_changes_before_the_next_change(calendar: Calendar, local: datetime) -> None:
    before, change = calendar.at(local), calendar.next_change(local)
    midnight = datetime.combine(local.date() + ONE_DAY, datetime.min.time())
    assert change is None or local < change <= midnight
    now = local.replace(second=0) + MINUTE
    while now < (change or midnight + 3 * ONE_DAY):
        assert calendar.at(now) == before
        now += MINUTE


@settings(deadline=None)
@given(calendars(), moments)
def test_a_school_day_and_its_bells_are_what_the_oracle_says(calendar: Calendar, local: datetime) -> None:
    day = local.date()
    bells = bells_on(calendar, day)
    assert calendar.is_school_day(day) == school(calendar, day)
    assert set(calendar.periods(day)) == set(bells.periods if bells and school(calendar, day) else ())


@settings(deadline=None)
@given(calendars(), moments)
def test_a_lesson_begun_now_ends_with_a_bell_or_after_its_time(calendar: Calendar, local: datetime) -> None:
    """Who began last paints over the rest: each minute holds the end of its period."""
    ends: dict[datetime, datetime] = {}
    begins: dict[datetime, datetime] = {}
    spans = []
    for day in (local.date() + n * ONE_DAY for n in (-1, 0, 1)):
        midnight = datetime.combine(day, datetime.min.time())
        spans += [(midnight + p.begin * MINUTE, midnight + p.end * MINUTE) for p in calendar.periods(day)]
    for begin, end in sorted(spans):
        begins.setdefault(begin, end)
        ends |= dict.fromkeys((moment_of(n) for n in range(minute_of(begin), minute_of(end))), end)
    around = {each + n * MINUTE for span in spans for each in span for n in (-21, -20, -1, 0)}
    for now in (local, *(each for each in around if each.date() == local.date())):
        minute = now.replace(second=0)
        expected = ends.get(minute)
        if expected is None:
            ahead = [minute + n * MINUTE for n in range(1, 22)]
            soon = [begins[each] for each in ahead if each in begins and each <= now + 20 * MINUTE]
            expected = soon[0] if soon else now + 45 * MINUTE
        assert calendar.bell_after(now) == expected
