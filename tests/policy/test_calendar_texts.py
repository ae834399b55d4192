"""Windows and weekdays as people write them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.timetable import Minutes, Periods, Window
from policy.timetable_texts import parse_weekdays, parse_window, weekdays_text
from tests.policy.calendars import windows


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("2", Periods(1, 2, 2)),
        ("0-1", Periods(1, 0, 1)),
        ("2-3", Periods(1, 2, 3)),
        (" 2 – 3 ", Periods(1, 2, 3)),
        ("shift 2: 1-2", Periods(2, 1, 2)),
        ("Shift 2:1", Periods(2, 1, 1)),
        ("2/1-2", Periods(2, 1, 2)),
        ("2 / 1", Periods(2, 1, 1)),
        ("08:00-09:30", Minutes(480, 570)),
        ("8.00 – 9.30", Minutes(480, 570)),
        ("22:00-06:00", Minutes(1320, 1800)),
        ("00:00-24:00", Minutes(0, 1440)),
    ],
)
def test_windows_as_people_write_them(text: str, window: Window) -> None:
    assert parse_window(text) == window


@settings(deadline=None)
@given(windows)
def test_a_window_reads_back_from_its_text(window: Window) -> None:
    assert parse_window(str(window)) == window


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected lessons such as '2-3' or 'shift 2: 1-2', or hours such as 08:00-09:30, found ''"),
        ("second", "expected lessons .* found 'second'"),
        ("2-3-4", "expected lessons"),
        ("shift: 2", "expected lessons"),
        ("02.мар", "expected lessons .* found '02.мар'"),
        ("100", "expected lessons"),
        ("3-2", "expected a shift from 1 and lessons in order"),
        ("0/1", "expected a shift from 1 and lessons in order"),
        ("08:00", "expected hours such as 08:00-13:30, found '08:00'"),
        ("08:00-08:60", "expected times from 00:00 to 24:00"),
        ("08:00-08:00", "expected an end other than the beginning"),
    ],
)
def test_what_is_no_window_is_refused_with_what_was_expected(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_window(text)


@settings(deadline=None)
@given(st.text(max_size=20) | st.text("shift 0123456789:-/.–", max_size=16))
def test_any_text_is_a_window_or_refused(text: str) -> None:
    try:
        window = parse_window(text)
    except ValueError:
        return
    assert parse_window(str(window)) == window


@pytest.mark.parametrize(
    ("text", "days", "back"),
    [
        ("mon-fri", {0, 1, 2, 3, 4}, "mon-fri"),
        ("mon,wed, fri", {0, 2, 4}, "mon,wed,fri"),
        (" SAT ", {5}, "sat"),
        ("fri-mon", {4, 5, 6, 0}, "mon,fri-sun"),
        ("mon–sun", set(range(7)), "mon-sun"),
    ],
)
def test_weekdays_as_people_write_them(text: str, days: set[int], back: str) -> None:
    assert parse_weekdays(text) == days
    assert weekdays_text(days) == back


@settings(deadline=None)
@given(st.frozensets(st.integers(0, 6), min_size=1))
def test_weekdays_read_back_from_their_text(days: frozenset[int]) -> None:
    assert parse_weekdays(weekdays_text(days)) == days


@pytest.mark.parametrize("text", ["", "monday", "mon-", "1-5", "пн"])
def test_what_is_no_weekday_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected days such as mon, mon-fri or mon,wed"):
        parse_weekdays(text)
