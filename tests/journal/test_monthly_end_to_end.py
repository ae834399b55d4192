"""The monthly report from raw segments to its PDF: taken in by the tailer, judged by awk."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from journal.archiving.archive import archive_round
from journal.archiving.erasure import ask_for_erasure
from journal.documents.figures import Share
from journal.documents.monthly import Month, Outcome, Source
from journal.documents.monthly_paper import gather_month, report_of
from journal.intake.tailer import Tailer
from journal.opening import opened_journal
from papers.monthly_report import monthly_report_pdf
from papers.numbered import Numbered
from settings.model import Log, LogDetail, Settings
from storage.policy_db import PolicyDb, open_policy
from tests.journal.log_folder import ZONE, installation, row, write_segment
from tests.papers.reports import NUMBERED
from tests.papers.sheets import squeezed, text_of

DAYS = (2, 3, 9, 31)
"""Of October 2024; on the others nobody asked."""
NOW = datetime(2024, 11, 5, 9, tzinfo=ZONE)


def fill(settings: Settings) -> list[Path]:
    """Write segments of two workers, with lines of the months before and after at their edges."""
    chance = Random(7)  # noqa: S311 - the same each time
    kinds = (
        ("allow", "default", ""),
        ("block", "category", "games"),
        ("block", "level", ""),
        ("block", "locked", "terrorism"),
        ("block", "service", "youtube"),
        ("rewrite", "safe-search", ""),
    )
    paths = []
    edges = [datetime(2024, 9, 30, 23, 30, tzinfo=ZONE), datetime(2024, 11, 1, 0, 30, tzinfo=ZONE)]
    hours = [datetime(2024, 10, day, hour, tzinfo=ZONE) for day in DAYS for hour in (8, 12)]
    for number, begun in enumerate(sorted([*edges, *hours]), 1):
        for worker in (0, 1):
            rows = []
            for second in range(chance.randrange(40, 90)):
                action, reason, category = chance.choice(kinds)
                rows.append(
                    row(
                        begun + timedelta(seconds=second),
                        f"10.0.0.{chance.randrange(5)}",
                        room=chance.choice(["", "214", "hall"]),
                        group=chance.choice(["pupils", "staff"]),
                        action=action,
                        reason=reason,
                        category=category,
                    )
                )
            path = write_segment(settings, begun, rows, worker=worker, number=number)
            os.utime(path, (begun.timestamp() + 3600,) * 2)
            paths.append(path)
    return paths


async def take_in(settings: Settings, segments: int, now: datetime = NOW) -> None:
    """Let the tailer run until it has closed so many segments; when it ends it closes the days that are over.

    The newest segment of each worker may stay open.
    """
    tailer = Tailer(settings, clock=lambda: now.astimezone(UTC), glance=0.01)
    running = asyncio.create_task(tailer.run())
    try:
        async with asyncio.timeout(60), opened_journal(settings) as journal:
            while len(await journal.segments()) < segments:
                await asyncio.sleep(0.02)
    finally:
        tailer.stop()
        await running


def awk(program: str, paths: Sequence[Path]) -> dict[str, int]:
    """Return what an awk program prints for lines of October: a key and a number in each row."""
    condition = 'FNR > 1 && substr($1, 1, 7) == "2024-10"'
    run = subprocess.run(
        ["awk", "-F", "\t", f'{condition} {program} END {{ for (key in n) print n[key] "\\t" key }}', *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
    )
    return {key: int(count) for count, _tab, key in (line.partition("\t") for line in run.stdout.splitlines())}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return installation(tmp_path)


@pytest.fixture
async def segments(settings: Settings) -> list[Path]:
    paths = fill(settings)
    await take_in(settings, len(paths) - 2)
    return paths


@pytest.fixture
async def policy(settings: Settings) -> AsyncIterator[PolicyDb]:
    settings.paths.state.mkdir(exist_ok=True)
    async with await open_policy(settings.paths.policy_db) as opened:
        yield opened


async def month_of(settings: Settings, policy: PolicyDb) -> Month:
    return (await gather_month(settings, policy, "2024-10", NOW)).month


async def test_totals_are_those_that_awk_counts_in_the_segments_and_the_paper_prints_each(
    settings: Settings, segments: list[Path], policy: PolicyDb
) -> None:
    facts = await gather_month(settings, policy, "2024-10", NOW)
    sums = facts.month.sums
    assert sums.queries == awk('{ n["all"]++ }', segments)["all"] > 400
    assert sums.actions == awk("{ n[$8]++ }", segments)
    assert sums.blocked == awk('{ if ($8 == "block") n[$10 == "" ? $9 : $10]++ }', segments)
    for places, column in ((sums.rooms, 4), (sums.groups, 5)):
        assert {id_: share.queries for id_, share in places.items()} == awk(f"{{ n[${column}]++ }}", segments)
        blocked = awk(f'{{ if ($8 == "block") n[${column}]++ }}', segments)
        assert {id_: share.blocked for id_, share in places.items()} == blocked
    days = {day.isoformat(): each.queries for day, each in facts.month.days.items()}
    assert days == awk("{ n[substr($1, 1, 10)]++ }", segments)
    assert [day.day for day in facts.month.days] == list(DAYS)

    assert facts.month.finished
    assert [(each.source, each.outcome) for each in facts.month.checks] == [
        (Source.DAYS, Outcome.AGREES),
        (Source.LOG, Outcome.AGREES),
    ]
    paper = Numbered("School 7", "monthly-report", 1, "9:3e23e8160039594a", "", NOW, "SHA256:x")
    said = squeezed(text_of(monthly_report_pdf(report_of(facts, paper, lambda change: (change.what, "")), "en")))
    figures = [sums.queries, sums.blocked_queries, *sums.blocked.values(), *sums.severities().values()]
    figures += [figure for share in (*sums.rooms.values(), *sums.groups.values()) for figure in share]
    assert [each for each in figures if str(each) not in said] == []
    assert "Reconciled:" in said


async def test_a_line_that_was_put_into_a_segment_shows_as_a_difference_of_its_day(
    settings: Settings, segments: list[Path], policy: PolicyDb
) -> None:
    path = next(each for each in segments if each.name.startswith("20241003"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, lines[-1]]))
    month = await month_of(settings, policy)
    assert month.checks[1].outcome is Outcome.DIFFERS
    first = month.checks[1].differences[0]
    assert first.day is not None
    assert first.day.day == 3
    assert first.other.queries == first.one.queries + 1
    assert not month.reconciled


async def test_a_count_that_was_changed_in_the_journal_shows_against_both_sources(
    settings: Settings, segments: list[Path], policy: PolicyDb
) -> None:
    async with opened_journal(settings) as journal:
        hour, tally, _queries = await anext(journal.counts("2024-10-09", "2024-10-10"))
        async with journal.changing(NOW) as change:
            await change.count({(hour, tally): 1})
    month = await month_of(settings, policy)
    assert [each.outcome for each in month.checks] == [Outcome.DIFFERS, Outcome.DIFFERS]
    assert {each.day.day for each in month.checks[0].differences if each.day} == {9}


async def test_a_segment_that_is_gone_leaves_the_sums_of_days_to_reconcile_with(
    settings: Settings, segments: list[Path], policy: PolicyDb
) -> None:
    next(each for each in segments if each.name.startswith("20241003")).unlink()
    month = await month_of(settings, policy)
    assert [each.outcome for each in month.checks] == [Outcome.AGREES, Outcome.NOT_HELD]
    assert month.reconciled


async def test_a_file_that_was_changed_or_taken_away_is_named_in_the_report(
    settings: Settings, policy: PolicyDb, segments: list[Path]
) -> None:
    facts = await gather_month(settings, policy, "2024-10", NOW)
    assert facts.log.is_sound
    assert facts.log.files > 0
    segments[4].write_bytes(segments[4].read_bytes().replace(b"allow", b"alloW", 1))
    facts = await gather_month(settings, policy, "2024-10", NOW)
    assert [each.where for each in facts.log.broken] == [segments[4].name]
    text = text_of(monthly_report_pdf(report_of(facts, NUMBERED, lambda _: ("", "")), "en"))
    assert "NOT WHOLE" in text
    assert segments[4].name in text.replace("\n", "").replace(" ", "")


async def test_days_in_the_archive_are_counted_there(
    settings: Settings, segments: list[Path], policy: PolicyDb
) -> None:
    before = await month_of(settings, policy)
    await archive_round(settings, NOW)
    for path in segments:
        if path.name < "20241031T12":
            path.unlink()
    month = await month_of(settings, policy)
    assert [each.outcome for each in month.checks] == [Outcome.AGREES, Outcome.AGREES]
    assert month.sums == before.sums
    for path in (settings.paths.archive / "date=2024-10-03").iterdir():
        path.unlink()
    assert (await month_of(settings, policy)).checks[1].outcome is Outcome.NOT_HELD


async def test_an_archive_without_what_was_allowed_is_compared_by_what_was_blocked(
    settings: Settings, segments: list[Path], policy: PolicyDb
) -> None:
    await archive_round(replace(settings, log=Log(detail=LogDetail.BLOCKED)), NOW)
    check = (await month_of(settings, policy)).checks[1]
    assert (check.outcome, check.only_blocked) == (Outcome.AGREES, True)


async def test_queries_that_were_erased_on_request_are_told_and_counted(
    settings: Settings, segments: list[Path], policy: PolicyDb
) -> None:
    erased = awk('{ if ($2 == "10.0.0.3") n["all"]++ }', segments)["all"]
    async with opened_journal(settings) as journal:
        await ask_for_erasure(
            journal,
            clients=["10.0.0.3"],
            devices=[],
            first=datetime(2024, 9, 1, tzinfo=ZONE).date(),
            last=datetime(2024, 12, 31, tzinfo=ZONE).date(),
            why="asked by the parents",
            document="",
            at=NOW,
            by="asanova",
        )
    await archive_round(settings, NOW + timedelta(minutes=1))
    check = (await month_of(settings, policy)).checks[1]
    assert (check.outcome, check.detail) == (Outcome.ERASED, str(erased))


async def test_a_day_that_is_not_over_is_covered_but_not_compared(settings: Settings, policy: PolicyDb) -> None:
    paths = [each for each in fill(settings) if each.name < "20241031T12"]
    for later in set(settings.paths.query_log.iterdir()) - set(paths):
        later.unlink()
    now = datetime(2024, 10, 31, 20, tzinfo=ZONE)
    await take_in(settings, len(paths) - 2, now)
    month = (await gather_month(settings, policy, "2024-10", now)).month
    assert month.sums.queries == awk('{ n["all"]++ }', paths)["all"]
    assert [day.day for day in month.open_days] == [31]
    assert [(each.outcome, each.until and each.until.day) for each in month.checks] == [(Outcome.AGREES, 9)] * 2
    assert not month.finished


async def test_an_empty_month_says_so(settings: Settings, policy: PolicyDb) -> None:
    month = await month_of(settings, policy)
    assert month.sums.share == Share()
    assert month.begun is not None  # long after it: nobody asked anything that is known
    assert month.begun > month.last
    assert month.silent == []
    assert not month.reconciled
    assert replace(month, checks=()).agrees
