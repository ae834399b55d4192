"""Past days and moments: a day means its end by the school's clocks, today means now."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from cli.days import end_of, minute, moment_of, start_of
from cli.errors import Misuse

ALMATY = ZoneInfo("Asia/Almaty")
NOW = datetime(2026, 9, 1, 20, 30, tzinfo=UTC)
"""In Almaty it is half past one of the second already."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-08-31", datetime(2026, 8, 31, 18, 59, 59, tzinfo=UTC)),
        (" 2026-09-01 ", datetime(2026, 9, 1, 18, 59, 59, tzinfo=UTC)),
        ("2026-09-02", None),
        ("2026-09-01 14:30", datetime(2026, 9, 1, 9, 30, tzinfo=UTC)),
        ("2026-09-02 01:29", datetime(2026, 9, 1, 20, 29, tzinfo=UTC)),
        ("01:30", NOW),
        ("2026-09-01 14", datetime(2026, 9, 1, 9, 0, tzinfo=UTC)),
        ("2026-09-01T14:30+00:00", datetime(2026, 9, 1, 14, 30, tzinfo=UTC)),
    ],
)
def test_a_day_is_its_end_and_a_moment_is_by_the_schools_clocks(text: str, expected: datetime | None) -> None:
    assert moment_of(text, "--at", NOW, ALMATY) == expected


@pytest.mark.parametrize("text", ["2026-09-03", "2026-09-02 01:31", "01:31", "9999-12-31"])
def test_what_has_not_been_is_refused(text: str) -> None:
    with pytest.raises(Misuse, match="--at: expected a day or a moment that has been"):
        moment_of(text, "--at", NOW, ALMATY)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "1.9.2026", "2026-09-01 25:00"])
def test_what_is_neither_day_nor_moment_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Misuse, match="--at: expected a day such as 2026-09-01, or a moment such as"):
        moment_of(text, "--at", NOW, ALMATY)


def test_a_day_ends_where_the_next_begins_also_when_clocks_are_put_back() -> None:
    """Kazakhstan put its clocks back by an hour at the end of 29 February 2024: that day had 25 hours."""
    day, following = date(2024, 2, 29), date(2024, 3, 1)
    assert (start_of(following, ALMATY) - end_of(day, ALMATY)).total_seconds() == 1
    assert (start_of(following, ALMATY) - start_of(day, ALMATY)).total_seconds() == 25 * 3600


def test_a_moment_is_written_to_the_minute() -> None:
    assert minute(NOW, ALMATY) == "2026-09-02 01:30"
