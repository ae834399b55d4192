"""When lists are refreshed: not in lessons, not all schools at once, and sooner after a failure."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists.schedule import CLOCK_SLACK, LONGEST_RETRY, OPENING, SOON, STALE, Last, Timing, is_quiet, next_due

ALMATY = ZoneInfo("Asia/Almaty")  # UTC+5
DAILY = Timing.of(24, "07:00-19:00", ALMATY)


def at(text: str) -> datetime:
    """Read a local time."""
    return datetime.fromisoformat(text).replace(tzinfo=ALMATY)


@pytest.mark.parametrize(
    ("last", "hours", "now", "chance", "due"),
    [
        pytest.param(
            Last(at("2026-09-01 23:00"), at("2026-09-01 23:00")),
            DAILY, at("2026-09-02 01:00"), 0.5, at("2026-09-02 23:00"), id="a day later",
        ),
        pytest.param(
            Last(at("2026-09-01 23:00"), at("2026-09-01 23:00")),
            DAILY, at("2026-09-02 01:00"), 0.0, at("2026-09-02 20:36"), id="a tenth early",
        ),
        pytest.param(
            Last(at("2026-09-01 08:00"), at("2026-09-01 08:00")),
            DAILY, at("2026-09-01 08:01"), 0.5, at("2026-09-02 22:00"), id="in lessons: spread over the evening",
        ),
        pytest.param(
            Last(at("2026-09-01 08:00"), at("2026-09-01 08:00")),
            DAILY, at("2026-09-01 08:01"), 1.0, at("2026-09-03 01:00"), id="in lessons: at the latest",
        ),
        pytest.param(Last(), DAILY, at("2026-09-01 10:00"), 0.5, at("2026-09-01 10:05"), id="never: soon, in lessons"),
        pytest.param(
            Last(at("2026-08-31 22:00"), at("2026-08-31 22:00")),
            DAILY, at("2026-09-01 23:30"), 0.0, at("2026-09-01 23:30"), id="overdue: soon",
        ),
        pytest.param(
            Last(at("2026-08-31 22:00"), at("2026-08-31 22:00")),
            DAILY, at("2026-09-02 09:00"), 0.0, at("2026-09-02 19:00"), id="overdue in lessons: after them",
        ),
        pytest.param(
            Last(at("2026-08-20 22:00"), at("2026-08-20 22:00")),
            DAILY, at("2026-09-02 09:00"), 1.0, at("2026-09-02 09:10"), id="stale: soon, in lessons",
        ),
        pytest.param(
            Last(at("2026-09-01 22:00"), at("2026-09-02 23:00"), 1),
            DAILY, at("2026-09-02 23:01"), 0.0, at("2026-09-02 23:15"), id="failed once",
        ),
        pytest.param(
            Last(at("2026-09-01 22:00"), at("2026-09-02 19:00"), 4),
            DAILY, at("2026-09-02 19:01"), 0.0, at("2026-09-02 21:00"), id="failed four times",
        ),
        pytest.param(
            Last(at("2024-09-01 22:00"), at("2026-09-02 19:00"), 5000),
            DAILY, at("2026-09-02 19:01"), 0.0, at("2026-09-03 01:00"), id="no internet for years",
        ),
        pytest.param(
            Last(at("2026-09-01 22:00"), at("2026-09-02 06:50"), 1),
            DAILY, at("2026-09-02 06:51"), 0.0, at("2026-09-02 19:00"), id="failed before lessons: after them",
        ),
        pytest.param(
            Last(at("2030-01-01 00:00"), at("2030-01-01 00:00")),
            DAILY, at("2026-09-02 23:00"), 0.0, at("2026-09-02 23:00"), id="written by a clock that ran ahead",
        ),
        pytest.param(
            Last(at("2026-09-01 20:00"), at("2026-09-01 20:00")),
            Timing.of(24, "", ALMATY), at("2026-09-01 21:00"), 0.5, at("2026-09-02 20:00"), id="no quiet hours",
        ),
        pytest.param(
            Last(at("2026-09-01 23:00"), at("2026-09-01 23:00")),
            Timing.of(24, "22:00-06:00", ALMATY), at("2026-09-01 23:30"), 0.5, at("2026-09-03 09:00"),
            id="quiet over midnight",
        ),
        pytest.param(
            Last(at("2026-09-01 20:00"), at("2026-09-01 20:00")),
            Timing.of(720, "07:00-19:00", ALMATY), at("2026-09-01 21:00"), 0.5, at("2026-10-01 20:00"), id="monthly",
        ),
    ],
)  # fmt: skip
def test_the_next_refresh(last: Last, hours: Timing, now: datetime, chance: float, due: datetime) -> None:
    assert next_due(last, hours, now, chance) == due


def test_a_period_of_zero_means_never() -> None:
    assert next_due(Last(), Timing.of(0, "", UTC), at("2026-09-01 10:00"), 0.5) is None


def test_what_quiet_hours_are() -> None:
    assert [is_quiet(at(f"2026-09-01 {clock}"), DAILY) for clock in ("06:59", "07:00", "18:59", "19:00")] == [
        False, True, True, False,
    ]  # fmt: skip
    night = Timing.of(24, "22:00-06:00", ALMATY)
    assert [is_quiet(at(f"2026-09-01 {clock}"), night) for clock in ("21:59", "22:00", "05:59", "06:00")] == [
        False, True, True, False,
    ]  # fmt: skip


moments = st.integers(1_000_000_000, 3_800_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
clocks = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))


@given(
    good=st.none() | moments,
    tried=st.none() | moments,
    failures=st.integers(0, 100_000),
    period=st.integers(1, 8760),
    quiet=st.tuples(clocks, clocks).filter(lambda pair: pair[0] != pair[1]),
    zone=st.sampled_from(["Asia/Almaty", "Asia/Bishkek", "UTC", "Europe/Berlin"]),
    now=moments,
    chance=st.floats(0, 1),
)
def test_it_is_never_in_the_past_nor_in_lessons_unless_stale_and_always_comes(
    good: datetime | None, tried: datetime | None, failures: int, period: int, quiet: tuple[time, time], zone: str,
    now: datetime, chance: float,
) -> None:  # fmt: skip
    hours = Timing(timedelta(hours=period), quiet, ZoneInfo(zone))
    due = next_due(Last(good, tried, failures), hours, now, chance)
    assert due is not None
    assert due >= now
    stale = good is None or good > now + CLOCK_SLACK or due - good > max(STALE, 2 * hours.period)
    # Where clocks are put forward, an hour does not exist and the refresh may slip by it.
    assert stale or not is_quiet(due, hours) or zone == "Europe/Berlin"
    longest = max(hours.period * 1.1, LONGEST_RETRY * 1.1) + SOON + CLOCK_SLACK
    assert due - now <= longest + timedelta(days=1) + OPENING + timedelta(hours=1)


def test_a_thousand_schools_do_not_ask_at_once() -> None:
    last = Last(at("2026-09-01 08:00"), at("2026-09-01 08:00"))
    due = sorted(next_due(last, DAILY, at("2026-09-01 08:01"), n / 1000) for n in range(1000))  # type: ignore[type-var]
    for first, tenth in zip(due, due[50:], strict=False):
        assert tenth - first >= timedelta(minutes=10)  # type: ignore[operator]
