"""Sums from the counts: by whatever people ask, with what was blocked, of whole days."""

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from journal.archiving.statistics import By, Top, statistics
from storage.journal_db import Tally, open_journal

COUNTS = {
    ("2026-09-01T23", Tally("214", "pupils", "block", "category", "games")): 7,
    ("2026-09-02T00", Tally("214", "pupils", "allow", "default", "")): 5,
    ("2026-09-02T10", Tally("214", "pupils", "block", "category", "games")): 3,
    ("2026-09-02T10", Tally("", "staff", "rewrite", "safe-search", "")): 1,
    ("2026-09-03T23", Tally("215", "pupils", "block", "level", "")): 2,
    ("2026-09-04T00", Tally("214", "pupils", "allow", "default", "")): 9,
}


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("hour", [("2026-09-02T00", 5, 0), ("2026-09-02T10", 4, 3), ("2026-09-03T23", 2, 2)]),
        ("day", [("2026-09-02", 9, 3), ("2026-09-03", 2, 2)]),
        ("room", [("", 1, 0), ("214", 8, 3), ("215", 2, 2)]),
        ("group", [("pupils", 10, 5), ("staff", 1, 0)]),
        ("category", [("", 8, 2), ("games", 3, 3)]),
        ("action", [("allow", 5, 0), ("block", 5, 5), ("rewrite", 1, 0)]),
    ],
)
def test_sums_are_those_of_the_days_asked_for(tmp_path: Path, by: By, expected: list[tuple[str, int, int]]) -> None:
    async def ask() -> list[Top]:
        async with open_journal(tmp_path / "journal.db", create=True) as journal:
            async with journal.changing(datetime.now(UTC)) as change:
                await change.count(COUNTS)
            return await statistics(journal, date(2026, 9, 2), date(2026, 9, 3), by)

    assert asyncio.run(ask()) == [Top(*each) for each in expected]


def test_the_share_of_nothing_is_nothing() -> None:
    assert (Top("a", 0, 0).share, Top("a", 4, 1).share) == (0.0, 0.25)
