"""Days as people write them; Babel's tables are the judge where it has the same form."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from babel.dates import format_date

from papers.dates import short_day, written_day, written_moment
from translations import LANGUAGES


@pytest.mark.parametrize(
    ("language", "written", "short"),
    [
        ("kk", "2026 жылғы 2 қыркүйек", "02.09.2026"),
        ("ky", "2026-жылдын 2-сентябры", "02.09.2026"),
        ("ru", "2 сентября 2026 г.", "02.09.2026"),
        ("en", "2 September 2026", "2 Sep 2026"),
    ],
)
def test_a_day_is_written_as_people_do(language: str, written: str, short: str) -> None:
    assert written_day(date(2026, 9, 2), language) == written
    assert short_day(date(2026, 9, 2), language) == short


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_months_are_those_of_babel(language: str, month: int) -> None:
    day = date(2026, month, 21)
    assert format_date(day, "d MMMM", locale=language) in written_day(day, language)


@pytest.mark.parametrize("month", range(1, 13))
def test_kyrgyz_months_are_the_year_s(month: int) -> None:
    """Of a year it is 2-сентябры: the soft sign gives way to an ending that rhymes with the last vowel."""
    day = date(2026, month, 21)
    plain = format_date(day, "d-MMMM", locale="ky")
    ending = {"а": "ы", "я": "ы", "е": "и", "у": "у", "ю": "у"}
    vowel = [letter for letter in plain if letter in ending][-1]
    expected = plain.rstrip("ь") + ending[vowel]
    assert written_day(day, "ky") == f"2026-жылдын {expected}"


def test_a_moment_tells_its_distance_from_utc() -> None:
    moment = datetime(2026, 3, 8, 7, 5, tzinfo=timezone(timedelta(hours=6)))
    assert written_moment(moment, "ru") == "8 марта 2026 г., 07:05 (UTC+06:00)"
    assert written_moment(moment.astimezone(UTC), "en") == "8 March 2026, 01:05 (UTC)"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_moment_without_a_zone_is_refused(language: str) -> None:
    with pytest.raises(ValueError, match="expected a moment with its time zone"):
        written_moment(datetime(2026, 3, 8), language)  # noqa: DTZ001 - that is the point
