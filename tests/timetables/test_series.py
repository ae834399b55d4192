"""Lessons that recur, against an oracle that looks at every day and converts every lesson."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from policy.calendar import Minutes
from tests.timetables.ics import ROOMS, file, timed
from timetables.ics_reading import read_calendar

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
ONE_DAY = timedelta(days=1)
LOOKED_AT = 900
"""Days: two and a half years, with a week 53, and in Almaty other clocks."""


def recurring(
    start: datetime, interval: int, weekdays: set[int], sunday_first: bool, count: int | None, until: datetime | None
) -> list[datetime]:
    """Return when the lessons begin, in their own zone, by asking every day."""
    found: list[datetime] = []
    week_begins = start.date() - ((start.weekday() + sunday_first) % 7) * ONE_DAY
    for n in range(LOOKED_AT):
        moment = start + n * ONE_DAY
        week = (moment.date() - week_begins).days // 7
        if moment.weekday() not in weekdays or week % interval:
            continue
        if (until is not None and moment > until) or (count is not None and len(found) == count):
            break
        found.append(moment)
    return found


zones = st.sampled_from([ZoneInfo("Asia/Almaty"), ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Bishkek"), UTC])
schools = st.sampled_from([ZoneInfo("Asia/Almaty"), ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Bishkek")])
starts = st.builds(
    lambda n, hour: datetime(2023, 9, 1, hour, 30) + n * ONE_DAY,  # noqa: DTZ001 - in a zone of its own
    st.integers(0, 500),
    st.integers(0, 23),
) | st.builds(
    lambda n, hour: datetime(2025, 9, 1, hour, 30) + n * ONE_DAY,  # noqa: DTZ001 - in a zone of its own
    st.integers(0, 500),
    st.integers(0, 23),
)


@settings(deadline=None, max_examples=80)
@given(
    start=starts,
    own=zones,
    school=schools,
    interval=st.integers(1, 2),
    others=st.sets(st.integers(0, 6), max_size=3),
    sunday_first=st.booleans(),
    end=st.none() | st.integers(1, 60) | st.integers(0, 700).map(lambda n: n * ONE_DAY),
    minutes=st.sampled_from([45, 90, 600]),
)
def test_slots_hold_exactly_when_the_series_has_a_lesson(
    start: datetime,
    own: tzinfo,
    school: ZoneInfo,
    interval: int,
    others: set[int],
    sunday_first: bool,
    end: int | timedelta | None,
    minutes: int,
) -> None:
    weekdays = {start.weekday(), *others}
    count = end if isinstance(end, int) else None
    until = start + end if isinstance(end, timedelta) else None
    rule = f"RRULE:FREQ=WEEKLY;INTERVAL={interval};BYDAY={','.join(WEEKDAYS[day] for day in weekdays)}"
    rule += f";WKST={'SU' if sunday_first else 'MO'}"
    if count is not None:
        rule += f";COUNT={count}"
    if until is not None:
        rule += f";UNTIL={until.replace(tzinfo=own).astimezone(UTC):%Y%m%dT%H%M%SZ}"

    def written(moment: datetime) -> str:
        return f"{moment:%Y%m%dT%H%M%S}Z" if own is UTC else f"TZID={own}:{moment:%Y%m%dT%H%M%S}"

    length = timedelta(minutes=minutes)
    found = read_calendar(file(timed(written(start), written(start + length), rule)), school, ROOMS)
    expected: dict[date, list[tuple[int, int]]] = {}
    for begin in recurring(start, interval, weekdays, sunday_first, count, until):
        first = begin.replace(tzinfo=own).astimezone(school)
        minute = first.hour * 60 + first.minute
        expected.setdefault(first.date(), []).append((minute, minute + minutes))
    for n in range(-10, LOOKED_AT - 2):
        day = start.date() + n * ONE_DAY
        assert sorted((each.begin, each.end) for each in found.calendar.lessons(day)) == expected.get(day, []), day
    assert all(isinstance(slot.window, Minutes) for slot in found.calendar.slots)
