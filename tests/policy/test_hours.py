"""Weekly hours: what people write, and an oracle that asks every minute of a fortnight."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.hours import DAYS, Hours, InvalidHours, parse_hours

MONDAY = datetime(2026, 9, 7)  # noqa: DTZ001 - local time
MINUTE = timedelta(minutes=1)


def at(text: str) -> datetime:
    """Return a moment of the week of MONDAY, as `sat 08:00`."""
    day, clock = text.split()
    hour, minute = map(int, clock.split(":"))
    return MONDAY + timedelta(days=DAYS.index(day), hours=hour, minutes=minute)


@pytest.mark.parametrize(
    ("hours", "inside", "outside"),
    [
        ("08:00-13:30", ["mon 08:00", "sun 13:29"], ["mon 07:59", "sun 13:30"]),
        ("mon-fri 08:00-13:30", ["fri 08:00"], ["sat 08:00", "sun 12:00"]),
        (
            "mon-fri 08:00-13:30, 14:15-18:00; sat 08:00-12:00",
            ["tue 14:15", "sat 11:59", "mon 13:29"],
            ["tue 14:00", "sat 14:30", "sun 08:30"],
        ),
        ("mon,wed, fri 9:05-10.00", ["wed 09:05"], ["tue 09:05", "thu 09:30", "wed 10:00"]),
        ("22:00-06:00", ["mon 00:00", "mon 23:59", "thu 05:59"], ["mon 06:00", "thu 21:59"]),
        ("sun 22:00-06:00", ["sun 22:00", "mon 05:59"], ["mon 06:00", "sun 05:00", "mon 22:00"]),
        ("fri-mon 10:00-11:00", ["fri 10:00", "sun 10:30", "mon 10:59"], ["tue 10:00", "thu 10:00"]),
        ("sat 00:00-24:00", ["sat 00:00", "sat 23:59"], ["sun 00:00", "fri 23:59"]),
        ("00:00-24:00", ["mon 00:00", "sun 23:59"], []),
        (" MON–FRI  08:00 - 09:00 ; ", ["mon 08:30"], ["sat 08:30"]),
        ("mon 08:00-09:00;tue 10:00-11:00", ["mon 08:00", "tue 10:00"], ["mon 10:00"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_hours_as_people_write_them(hours: str, inside: list[str], outside: list[str]) -> None:
    parsed = parse_hours(hours)
    assert [each for each in inside if not parsed.active(at(each))] == []
    assert [each for each in outside if parsed.active(at(each))] == []
    assert parse_hours(str(parsed)) == parsed


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected hours such as 'mon-fri 08:00"),
        (" ; ", "expected hours such as 'mon-fri 08:00"),
        ("mon-fri", "expected hours behind the days"),
        ("mon-fry 08:00-09:00", "expected days such as mon, mon-fri .* found 'mon-fry'"),
        ("monday 08:00-09:00", "expected days .* found 'monday'"),
        ("mon- 08:00-09:00", "expected days"),
        ("8-9", "expected hours such as 08:00-13:30, found '8-9'"),
        ("08:00", "expected hours such as 08:00-13:30"),
        ("08:00-09:00,", "expected hours such as 08:00-13:30, found ''"),
        ("08:60-09:00", "expected times from 00:00 to 24:00"),
        ("24:00-09:00", "expected times from 00:00 to 24:00"),
        ("08:00-24:01", "expected times from 00:00 to 24:00"),
        ("08:00-25:00", "expected times from 00:00 to 24:00"),
        ("08:00-08:00", "expected an end other than the beginning"),
        ("пн 08:00-09:00", "expected days and hours"),
        ("08:00-09:00 mon", "expected hours"),
    ],
)
def test_what_is_no_hours_is_refused_with_what_was_expected(text: str, told: str) -> None:
    with pytest.raises(InvalidHours, match=told):
        parse_hours(text)


@given(st.text(max_size=40) | st.text("monfri satu0123456789:-,; ", max_size=40))
def test_any_text_is_hours_or_refused(text: str) -> None:
    try:
        hours = parse_hours(text)
    except InvalidHours:
        return
    assert hours.windows
    assert parse_hours(str(hours)) == hours


CLOCK = st.tuples(st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 59]))
WINDOWS = st.lists(
    st.tuples(CLOCK, CLOCK | st.just((24, 0))).filter(lambda pair: pair[0] != pair[1]), min_size=1, max_size=3
)
SECTIONS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), WINDOWS), min_size=1, max_size=3)


def written(sections: list[tuple[int, int, list[tuple[tuple[int, int], tuple[int, int]]]]]) -> str:
    return "; ".join(
        f"{DAYS[first]}-{DAYS[last]} " + ", ".join(f"{a[0]:02}:{a[1]:02}-{b[0]:02}:{b[1]:02}" for a, b in windows)
        for first, last, windows in sections
    )


def oracle(sections: list[tuple[int, int, list[tuple[tuple[int, int], tuple[int, int]]]]]) -> set[int]:
    """Return the minutes of the week that are inside, painted one by one."""
    painted = set()
    for first, last, windows in sections:
        day = first
        while True:
            for (hour, minute), (last_hour, last_minute) in windows:
                now, end = hour * 60 + minute, last_hour * 60 + last_minute
                while now % 1440 != end % 1440 or now == hour * 60 + minute:
                    painted.add((day * 1440 + now) % 10080)
                    now += 1
            if day == last:
                break
            day = (day + 1) % 7
    return painted


@given(SECTIONS, st.integers(0, 10079), st.integers(0, 59))
def test_hours_agree_with_an_oracle_that_paints_every_minute(
    sections: list[tuple[int, int, list[tuple[tuple[int, int], tuple[int, int]]]]], minute: int, second: int
) -> None:
    hours, painted = parse_hours(written(sections)), oracle(sections)
    moment = MONDAY + minute * MINUTE + timedelta(seconds=second)
    assert hours.active(moment) == (minute in painted)
    state = minute in painted
    ahead = next((n for n in range(1, 10081) if ((minute + n) % 10080 in painted) != state), None)
    expected = None if ahead is None else MONDAY + (minute + ahead) * MINUTE
    assert hours.next_change(moment) == expected


def test_the_next_change_is_after_the_moment_even_on_an_edge() -> None:
    hours = parse_hours("mon-fri 08:00-13:30")
    assert hours.next_change(at("mon 08:00")) == at("mon 13:30")
    assert hours.next_change(at("fri 13:30")) == at("mon 08:00") + timedelta(days=7)
    assert parse_hours("00:00-24:00").next_change(at("wed 12:00")) is None
    assert parse_hours("sun 20:00-24:00; mon 00:00-02:00").next_change(at("sun 21:00")) == at("mon 02:00") + timedelta(
        7
    )


def test_the_zone_of_the_moment_is_kept_and_its_wall_clock_counts() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    before = datetime(2026, 10, 24, 20, 0, tzinfo=berlin)  # the clocks go back in the night that follows
    after = parse_hours("22:00-06:00").next_change(before + timedelta(hours=3))
    assert after == datetime(2026, 10, 25, 6, 0, tzinfo=berlin)
    assert after is not None
    assert after.astimezone(UTC).hour == 5


def test_hours_are_equal_by_what_they_mean() -> None:
    assert parse_hours("mon-sun 08:00-09:00, 09:00-10:00") == parse_hours("8:00-10:00")
    assert parse_hours("08:00-10:00") != Hours(())
