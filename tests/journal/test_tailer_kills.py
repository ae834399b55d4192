"""kill -9 at any moment: each line is taken exactly once all the same."""

import asyncio
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from journal.incidents import Incident
from journal.opening import opened_journal
from storage.evidence import START, Kind, first_fault
from tests.journal.tailing import Clock, caught_up, counts, counts_by_awk, digest, incidents, installation

ROOT = Path(__file__).parents[2]
KILLS = 1000


@pytest.mark.timeout(300)
def test_killed_a_thousand_times_it_has_taken_each_line_once(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.journal.kills", str(tmp_path), str(KILLS), "7"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    asyncio.run(_compare(tmp_path))


async def _compare(folder: Path) -> None:
    settings = installation(folder)
    last = datetime.fromisoformat((folder / "clock").read_text())
    clock = Clock(folder / "later", last + timedelta(hours=3))
    segments = sorted(settings.paths.query_log.iterdir())
    # Before anybody takes in the rest in peace: otherwise nothing below says a word about those that were killed.
    written = sum(counts_by_awk(segments).values())
    assert sum((await counts(settings)).values()) > written // 4, (
        "expected much of the day to be taken in between kills"
    )
    async with opened_journal(settings) as journal:
        begun = {*await journal.positions(), *(each.name for each in await journal.segments())}
    assert len(begun) > len(segments) // 4, "expected many segments to be begun between kills"
    await caught_up(settings, clock)
    assert await counts(settings) == counts_by_awk(segments)

    async with opened_journal(settings) as journal:
        stored = [each async for each in journal.stored()]
        closed = [record async for record in journal.records((Kind.SEGMENT,))]
        positions = await journal.positions()
        alarms = [record.body async for record in journal.records((Kind.ALARM,))]
    assert first_fault(stored, {}, START) is None
    assert not alarms
    assert len(closed) + len(positions) == len(segments)
    assert len({record.body["name"] for record in closed}) == len(closed) > 10
    for record in closed:
        path = settings.paths.query_log / str(record.body["name"])
        assert (record.body["bytes"], record.body["digest"]) == (path.stat().st_size, digest(path))
        assert record.body["lines"] == path.read_bytes().count(b"\n") - 1
    for name, position in positions.items():
        assert position.digest == digest(settings.paths.query_log / name)

    calm = installation(folder / "calm")
    shutil.copytree(settings.paths.query_log, calm.paths.query_log, dirs_exist_ok=True)
    await caught_up(calm, clock)
    found = await incidents(settings)
    assert len(found) > 5, "expected a day with incidents"
    assert list(map(_told, found)) == list(map(_told, await incidents(calm)))


def _told(incident: Incident) -> Incident:
    """Return an incident without the number and the moment of its record."""
    return replace(incident, record=0, at=incident.at.min)
