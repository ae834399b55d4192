"""Lessons that recur (RRULE): which slots of the timetable a series comes to."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from itertools import islice

from dateutil.rrule import DAILY, FR, MO, SA, SU, TH, TU, WE, WEEKLY, rrule

from policy.calendar import Minutes, Weeks
from timetables.ics_events import Event, Unusable
from translations import _

HORIZON = timedelta(weeks=522)
"""How far a series without an end is looked at, where it may change with the years: zones do, odd weeks do."""
MOST = 4_000
"""Lessons of a series that are looked at."""

_WEEKDAYS = {"MO": MO, "TU": TU, "WE": WE, "TH": TH, "FR": FR, "SA": SA, "SU": SU}
_PARTS = {"FREQ", "INTERVAL", "BYDAY", "WKST", "UNTIL", "COUNT"}
_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One lesson, in the school's time."""

    date: date
    minutes: Minutes


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a slot says about when it is."""

    weekdays: frozenset[int]
    minutes: Minutes
    weeks: Weeks
    begin: date
    end: date | None

    def holds_on(self, day: date) -> bool:
        """Whether a slot of this pattern holds on a school day."""
        return (
            day.weekday() in self.weekdays
            and self.weeks in (Weeks.EVERY, parity(day))
            and self.begin <= day
            and (self.end is None or day <= self.end)
        )


@dataclass(frozen=True, slots=True)
class Series:
    """A series, looked at."""

    patterns: tuple[Pattern, ...]
    occurrences: Mapping[datetime, Occurrence]
    """By the moment of the school's time at which each begins; of a series without an end only some."""
    endless: bool
    cut: date | None
    """The day until which a series without an end is taken, if no slots can hold it for ever."""

    def find(self, moment: date) -> Occurrence | None:
        """Return the lesson that begins at a moment, or on a date."""
        for each in self.patterns:
            day = moment.date() if isinstance(moment, datetime) else moment
            if each.holds_on(day):
                minute = moment.hour * 60 + moment.minute if isinstance(moment, datetime) else each.minutes.begin
                if minute == each.minutes.begin:
                    return Occurrence(day, each.minutes)
        return None


def occurrence(begin: datetime, event: Event, zone: tzinfo) -> tuple[datetime, Occurrence]:
    """Return when an event is that begins at a naive moment of its own zone, in the school's time. Raises Unusable."""
    local = begin.replace(tzinfo=event.zone).astimezone(zone).replace(tzinfo=None)
    return local, lesson_at(local, event.length)


def lesson_at(local: datetime, length: timedelta) -> Occurrence:
    """Return the lesson that begins at a moment of the school's time. Raises Unusable for one of a day and more."""
    minute = local.hour * 60 + local.minute
    try:
        return Occurrence(local.date(), Minutes(minute, minute + length // timedelta(minutes=1)))
    except ValueError:
        raise Unusable(_("expected a lesson of less than a day, found {length}").format(length=length)) from None


def series(event: Event, zone: tzinfo) -> Series:
    """Return the lessons of an event that recurs, as if none were excluded. Raises Unusable."""
    step, endless, begins = _begins(event, zone)
    occurrences = dict(occurrence(begin, event, zone) for begin in begins)
    if not occurrences:
        raise Unusable(_("expected a rule that gives a date, found none"))
    days: dict[tuple[int, Minutes], list[date]] = {}
    for each in occurrences.values():
        days.setdefault((each.date.weekday(), each.minutes), []).append(each.date)
    # In odd and even weeks, and where two zones put their clocks at different times, what is so now is so for a while.
    changes = step > 1 or len({minutes for _weekday, minutes in days}) > 1
    cut = max(each.date for each in occurrences.values()) if endless and changes else None
    runs = [
        Pattern(
            frozenset({weekday}),
            minutes,
            parity(run[0]) if step > 1 else Weeks.EVERY,
            run[0],
            None if endless and not changes else run[-1],
        )
        for (weekday, minutes), dates in days.items()
        for run in _runs(dates, step)
    ]
    return Series(tuple(_merged(runs, step)), occurrences, endless, cut)


def parity(day: date) -> Weeks:
    """Return whether a day is in an odd or an even week of its year (ISO 8601)."""
    return Weeks.ODD if day.isocalendar().week % 2 else Weeks.EVEN


def _begins(event: Event, zone: tzinfo) -> tuple[int, bool, list[datetime]]:
    """Return the weeks from one to the next, whether there is no end, and the beginnings in the event's own zone."""
    rule = {name: values[0] for name, values in event.rule.items() if values}
    frequency, interval = str(rule.get("FREQ", "")), rule.get("INTERVAL", 1)
    weekdays = [str(day).upper() for day in event.rule.get("BYDAY", ())]
    weekly = frequency == "WEEKLY" and interval in (1, 2)
    if (
        not (weekly or (frequency == "DAILY" and interval == 1))
        or not set(rule) <= _PARTS
        or not set(weekdays) <= set(_WEEKDAYS)
    ):
        shown = ";".join(f"{name}={','.join(map(str, values))}" for name, values in event.rule.items())
        text = _("expected a lesson that recurs every week or every other week, found {rule}")
        raise Unusable(text.format(rule=shown[:120]))
    until, count = _until(rule.get("UNTIL"), event), rule.get("COUNT")
    if until is not None and count is not None:
        raise Unusable(_("expected UNTIL or COUNT in a rule, found both"))
    endless = until is None and count is None
    step = 2 if weekly and interval == 2 else 1
    horizon = 4 * _WEEK if step == 1 and _same(event.zone, zone) else HORIZON
    found = rrule(
        WEEKLY if weekly else DAILY,
        event.start,
        interval=interval,
        wkst=_WEEKDAYS.get(str(rule.get("WKST", "MO")).upper(), MO),
        byweekday=[_WEEKDAYS[day] for day in weekdays] or None,
        until=event.start + horizon if endless else until,
        count=count,
    )
    begins = list(islice(found, MOST + 1))
    if len(begins) > MOST:
        raise Unusable(_("expected at most {most} lessons of a series, or one without an end").format(most=MOST))
    return step, endless, begins


def _same(one: tzinfo, other: tzinfo) -> bool:
    return one is other or str(one) == str(other)


def _until(until: object, event: Event) -> datetime | None:
    """Return the last moment in the event's own zone; a date means the whole day, as programs mean it."""
    if not isinstance(until, date):
        return None
    if not isinstance(until, datetime):
        return datetime.combine(until, datetime.max.time())
    return until.astimezone(event.zone).replace(tzinfo=None) if until.tzinfo is not None else until


def _runs(dates: Iterable[date], step: int) -> Iterator[list[date]]:
    """Yield dates of one weekday, cut where one is missing or where odd weeks become even: after a week 53."""
    run: list[date] = []
    for day in dates:
        if run and (day - run[-1] != step * _WEEK or (step > 1 and parity(day) is not parity(run[-1]))):
            yield run
            run = []
        run.append(day)
    yield run


def _merged(runs: Iterable[Pattern], step: int) -> Iterator[Pattern]:
    """Put weekdays together that have the same lessons, where that lets none of them have a lesson more."""
    groups: list[list[Pattern]] = []
    for run in sorted(runs, key=lambda each: (each.begin, each.minutes.begin)):
        fitting = (group for group in groups if _fit([*group, run], step * _WEEK))
        group = next(fitting, None)
        if group is None:
            groups.append([run])
        else:
            group.append(run)
    for group in groups:
        weekdays = frozenset(day for run in group for day in run.weekdays)
        yield replace(group[0], weekdays=weekdays, begin=_first(group), end=_last(group))


def _fit(runs: list[Pattern], step: timedelta) -> bool:
    first, last = _first(runs), _last(runs)
    if len({(run.minutes, run.weeks, run.end is None) for run in runs}) > 1:
        return False
    return not any(
        run.begin - step >= first or (last is not None and run.end is not None and run.end + step <= last)
        for run in runs
    )


def _first(runs: list[Pattern]) -> date:
    return min(run.begin for run in runs)


def _last(runs: list[Pattern]) -> date | None:
    return max((run.end for run in runs if run.end is not None), default=None)
