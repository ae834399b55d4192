"""The calendar is asked with wall-clock time; these walk real minutes and convert, as a caller does."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from policy.calendar import Calendar, Minutes, Slot
from policy.timetable import EVERY_DAY

MINUTE = timedelta(minutes=1)


def wall(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return what a clock on the wall shows."""
    return moment.astimezone(zone).replace(tzinfo=None)


def real_minutes(begin: datetime, hours: int) -> Iterator[datetime]:
    return (begin.astimezone(UTC) + n * MINUTE for n in range(hours * 60))


@pytest.mark.parametrize(
    ("name", "begin", "shown"),
    [
        # 2024-03-01 00:00 became 2024-02-29 23:00: an hour of the evening came twice.
        ("Asia/Almaty", "2024-02-29T12:00+06:00", {"23:30": 2, "22:30": 1, "00:30": 1}),
        ("Asia/Bishkek", "2026-03-29T00:00+06:00", {"02:30": 1, "23:30": 1}),
        # The clocks went forward: 02:30 never was. They went back: it was twice.
        ("Europe/Berlin", "2026-03-29T00:00+01:00", {"02:30": 0, "01:30": 1, "03:30": 1}),
        ("Europe/Berlin", "2026-10-25T00:00+02:00", {"02:30": 2, "01:30": 1, "03:30": 1}),
    ],
)
def test_each_minute_of_the_wall_clock_has_its_own_right_answer(name: str, begin: str, shown: dict[str, int]) -> None:
    zone = ZoneInfo(name)
    half_hours = Calendar(
        slots=tuple(
            Slot(f"{hour}", EVERY_DAY, Minutes(hour * 60, hour * 60 + 30), "inf-1", title=f"{hour}")
            for hour in range(24)
        )
    )
    counted = dict.fromkeys(shown, 0)
    for moment in real_minutes(datetime.fromisoformat(begin), 24):
        local = wall(moment, zone)
        held = half_hours.at(local).rooms.get("inf-1")
        assert (held.title if held else None) == (f"{local.hour}" if local.minute < 30 else None)
        if f"{local:%H:%M}" in counted:
            counted[f"{local:%H:%M}"] += 1
    assert counted == shown


@pytest.mark.parametrize(
    ("name", "begin"),
    [
        ("Asia/Almaty", "2024-02-29T12:00+06:00"),
        ("Asia/Bishkek", "2026-03-29T00:00+06:00"),
        ("Europe/Berlin", "2026-03-29T00:00+01:00"),
        ("Europe/Berlin", "2026-10-25T00:00+02:00"),
    ],
)
def test_a_caller_that_looks_again_outside_the_span_it_looked_up_misses_no_change(name: str, begin: str) -> None:
    """So does resolver/hours.py: it looks again when the wall clock is before what it asked for, or past the change."""
    zone = ZoneInfo(name)
    calendar = Calendar(
        slots=(
            Slot("a", EVERY_DAY, Minutes(135, 165), "inf-1"),
            Slot("b", EVERY_DAY, Minutes(1395, 1445), "inf-1"),
            Slot("c", EVERY_DAY, Minutes(60, 180), "lab"),
        )
    )
    since = until = None
    known = None
    for moment in real_minutes(datetime.fromisoformat(begin), 24):
        local = wall(moment, zone)
        if since is None or until is None or not since <= local < until:
            since, until, known = local, calendar.next_change(local), calendar.at(local)
        assert known == calendar.at(local), local
