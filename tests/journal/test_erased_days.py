"""What an erasure took away is known by day, so that the report of each month still reconciles to the unit."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journal.archiving.archive import archive_round
from journal.archiving.archive_files import rows_by_day, write_texts
from journal.archiving.duck import opened_duck
from journal.archiving.erasure import ask_for_erasure
from journal.archiving.log_count import count_log
from journal.archiving.segment_text import open_text
from journal.documents.monthly import Month, Outcome
from journal.documents.monthly_paper import gather_month
from journal.opening import opened_journal
from journal.trust.expected import Expected
from settings.model import Settings
from storage.evidence import Kind
from storage.journal_checks import open_for_checking
from storage.journal_db import StoredArchive
from storage.policy_db import open_policy
from tests.journal.log_folder import installation, row, write_segment
from tests.journal.test_monthly_end_to_end import take_in

ME = "10.0.0.9"
ZONES = ("Asia/Almaty", "Asia/Bishkek")
EDGES = (
    (2024, 11),
    (2024, 3),  # then Almaty's clocks showed the last hour of February twice
)


def installed_in(folder: Path, zone: str) -> Settings:
    found = installation(folder)
    return replace(found, school=replace(found.school, time_zone=zone))


def midnight_of(zone: ZoneInfo, year: int, month: int) -> datetime:
    return datetime(year, month, 1, tzinfo=zone).astimezone(UTC)


async def month_of(installed: Settings, month: date, now: datetime) -> Month:
    installed.paths.state.mkdir(parents=True, exist_ok=True)
    async with await open_policy(installed.paths.policy_db) as policy:
        return (await gather_month(installed, policy, f"{month:%Y-%m}", now)).month


async def checks_of(installed: Settings, months: Sequence[date], now: datetime) -> list[tuple[Outcome, str]]:
    found = [(await month_of(installed, month, now)).checks[1] for month in months]
    return [(each.outcome, each.detail) for each in found]


@pytest.mark.parametrize(
    ("zone", "year", "month", "before", "behind"),
    [
        ("Asia/Almaty", 2024, 11, (1, 1000, 3_599_000), (0,)),
        ("Asia/Almaty", 2024, 11, (1, 300), ()),
        ("Asia/Almaty", 2024, 3, (1, 1000, 3_599_000), (0, 2000)),
        ("Asia/Almaty", 2024, 3, (), (0, 300)),
        ("Asia/Bishkek", 2024, 11, (1,), (0, 1, 2000)),
        ("Asia/Bishkek", 2024, 3, (), (0,)),
    ],
)
async def test_both_months_reconcile_after_an_erasure_at_their_edge(
    tmp_path: Path, zone: str, year: int, month: int, before: Sequence[int], behind: Sequence[int]
) -> None:
    """`before`, `behind`: milliseconds from midnight to each line of the person, all in the last hour's segment."""
    installed, at_school = installed_in(tmp_path, zone), ZoneInfo(zone)
    midnight = midnight_of(at_school, year, month)
    mine = [*(-each for each in before), *behind]
    moments = sorted([(each, ME) for each in mine] + [(each, "10.0.0.5") for each in (-3_000_000, -1, 0, 1)])

    def line(milliseconds: int, client: str) -> tuple[str, ...]:
        return row((midnight + timedelta(milliseconds=milliseconds)).astimezone(at_school), client)

    write_segment(installed, midnight - timedelta(hours=1), [line(*each) for each in moments])
    for number, later in ((2, timedelta(hours=2)), (3, timedelta(days=2))):
        begun = midnight + later
        write_segment(installed, begun, [row(begun.astimezone(at_school))], number=number)
    now = midnight + timedelta(days=3)
    await take_in(installed, 2, now)
    months = [(midnight - timedelta(days=1)).astimezone(at_school).date(), midnight.astimezone(at_school).date()]
    assert await checks_of(installed, months, now) == [(Outcome.AGREES, "")] * 2

    async with opened_journal(installed) as journal:
        await ask_for_erasure(
            journal,
            clients=[ME],
            devices=[],
            first=months[0] - timedelta(days=3),
            last=months[1] + timedelta(days=1),
            why="asked by the parents",
            document="order 12",
            at=now,
            by="asanova",
        )
    await archive_round(installed, now + timedelta(minutes=1))
    assert await checks_of(installed, months, now) == [
        (Outcome.ERASED, str(len(lines))) if lines else (Outcome.AGREES, "") for lines in (before, behind)
    ]
    expected = Expected()
    async with open_for_checking(installed.paths.journal_db) as checked:
        async for stored in checked.stored():
            expected.take(stored)
        (record,) = [each async for each in checked.records((Kind.REWRITTEN,))]
        assert list(expected.archives.values()) == await checked.archives()
    named = zip(months, (before, behind), strict=True)
    assert record.body["rows_by_day"] == {f"{day}": len(lines) for day, lines in named if lines}


@settings(max_examples=40, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    lines=st.lists(
        st.tuples(
            st.sampled_from(EDGES),
            st.integers(-2, 2),
            st.sampled_from([0, 1, -1, 60_000, -60_000, -3_600_000, 3_599_999]) | st.integers(-86_400_000, 86_400_000),
            st.booleans(),
        ),
        max_size=30,
    ),
)
def test_rows_are_counted_by_the_day_that_the_schools_clock_showed(
    tmp_path_factory: pytest.TempPathFactory, zone: str, lines: list[tuple[tuple[int, int], int, int, bool]]
) -> None:
    installed, at_school = installed_in(tmp_path_factory.mktemp("days"), zone), ZoneInfo(zone)
    moments = [
        ((midnight_of(at_school, *edge) + timedelta(days=days, milliseconds=late)).astimezone(at_school), is_mine)
        for edge, days, late, is_mine in lines
    ]
    rows = [row(moment, ME if is_mine else "10.0.0.5") for moment, is_mine in moments]
    segment = write_segment(installed, datetime(2024, 11, 1, tzinfo=UTC), rows)
    file = installed.paths.state / "0001.parquet"
    with opened_duck(installed, threads=1) as duck:
        text = open_text(segment, installed.paths.state)
        write_texts(duck, [text], file, blocked_only=False)
        text.close()
        found = rows_by_day(duck, file, "client = ?", [ME], at_school)
    # The first ten signs of a line are the day as the clock showed it.
    assert found == Counter(each[0][:10] for each in rows if each[1] == ME)


async def test_a_record_from_before_days_were_told_counts_on_the_day_of_its_file(tmp_path: Path) -> None:
    installed = installed_in(tmp_path, ZONES[0])
    file = "date=2024-10-31/0001.parquet"
    async with opened_journal(installed) as journal:
        async with journal.changing(datetime(2024, 11, 3, tzinfo=UTC)) as change:
            body = {"file": file, "before": "a", "after": "b", "bytes": 9, "rows_before": 9, "rows_after": 4}
            record = await change.add(Kind.REWRITTEN, body | {"why": "erased"})
            await change.put_archive(StoredArchive(file, "2024-10-31", 4, 9, "b", record))
        october = await count_log(installed, journal, date(2024, 10, 1), date(2024, 10, 31))
        november = await count_log(installed, journal, date(2024, 11, 1), date(2024, 11, 30))
    assert october is not None
    assert november is not None
    assert (october.erased, november.erased) == (5, 0)
