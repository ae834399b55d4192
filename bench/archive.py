"""The archive: how fast lines get into it, how small they are there, how long a search takes, and in how much memory.

Each measured thing is a process of its own, as at a school: its memory is that of the whole process at its peak.
"""

import asyncio
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_network
from pathlib import Path
from typing import NamedTuple

from bench.log_lines import School
from bench.plan import Bench
from bench.processes import BenchError
from bench.results import Outcome, Section, Target, megabytes
from journal.opening import opened_journal
from settings.model import Paths, Settings
from storage.evidence import Kind
from storage.journal_db import StoredSegment

FIRST = date(2026, 9, 1)
A_DAY = 4_000_000
_ROOT = Path(__file__).parent.parent


class Measured(NamedTuple):
    """What a process took."""

    found: int
    seconds: float
    inside: float
    """Seconds without the start of the process."""
    cpu: float
    peak: int
    """Octets."""


def archive(bench: Bench) -> Outcome:
    """Archive days of a large school, then search them."""
    if not bench.with_ours:
        return Outcome(())
    state = bench.work / "archive"
    settings = Settings(paths=Paths(state))
    school = School()
    rounds = []
    for number in range(bench.plan.archived_days):
        bench.say(f"archive: day {number + 1} of {bench.plan.archived_days}")
        written = school.write_day(settings.paths.query_log, FIRST + timedelta(days=number), A_DAY)
        asyncio.run(_close(settings, written))
        rounds.append(_measured(state, "round"))
        shutil.rmtree(settings.paths.query_log)
    lines = sum(each.found for each in rounds)
    octets = sum(path.stat().st_size for path in settings.paths.archive.glob("*/*.parquet"))
    took = {
        "archiving": Measured(
            lines,
            sum(each.seconds for each in rounds),
            sum(each.inside for each in rounds),
            sum(each.cpu for each in rounds),
            max(each.peak for each in rounds),
        )
    }
    worst: dict[str, float] = {}
    for label, kind, arguments in searches(school):
        bench.say(f"archive: {label}")
        took[label] = _measured(state, *arguments)
        worst[kind] = max(worst.get(kind, 0.0), took[label].seconds)
    rows = [
        (label, f"{each.found:,}", f"{each.seconds:.2f}", f"{each.inside:.2f}", f"{each.cpu:.2f}", megabytes(each.peak))
        for label, each in took.items()
    ]
    whole = bench.plan.archived_days * A_DAY >= 100_000_000 - A_DAY
    return Outcome(
        (
            Section(
                f"The archive of {lines:,} queries",
                f"{octets:,} octets. Archiving reads, checks, sorts and writes, and reads all of it "
                "back to compare it; rows that are searched are sorted and given out as texts.",
                ("what", "queries", "seconds", "without the start", "CPU s", "peak MB"),
                tuple(rows),
            ),
        ),
        (
            Target("an archived query", 8.0, "octets", octets / lines),
            Target("archiving a line, all of it", 5.0, "µs", took["archiving"].seconds / lines * 1e6),
            Target(
                "memory of archiving and searching at its peak",
                256.0,
                "MB",
                max(each.peak for each in took.values()) / 1e6,
            ),
            Target("one client's month exported", 3.0, "s", worst["client"] if whole else None),
            Target("search by name, dearest kind", 3.0, "s", worst["name"] if whole else None),
        ),
    )


def searches(school: School) -> list[tuple[str, str, tuple[str, ...]]]:
    seldom, often = school.name(49_000), school.name(1)
    return [
        ("one client's month to CSV", "client", ("export", "10.20.0.78")),
        ("one client's month to CSV, in part", "client", ("export", "10.20.1.9")),
        ("a name asked for seldom", "name", ("name", seldom)),
        ("the newest 20 of a name asked for often", "name", ("newest", often)),
        ("how often a name was asked for", "name", ("count", often)),
        ("how often below a name", "name", ("count", often.split(".", 1)[1])),
        ("a name that nobody asked for", "name", ("name", "nobody.example.org")),
        ("part of a name", "name", ("word", seldom[2:9])),
        ("the 20 names asked for most", "other", ("tops", "name")),
        ("the 20 clients that asked most", "other", ("tops", "client")),
        ("sums by day", "other", ("sums", "day")),
    ]


async def _close(settings: Settings, written: list[tuple[Path, int]]) -> None:
    """Enter the segments, as the tailer does."""
    async with opened_journal(settings) as journal, journal.changing(datetime.now(UTC)) as change:
        for path, lines in written:
            octets = path.read_bytes()
            digest = sha256(octets).hexdigest()
            record = await change.add(Kind.SEGMENT, {"name": path.name, "digest": digest, "lines": lines})
            await change.close_segment(StoredSegment(path.name, record, len(octets), lines, digest, "", 0))


def _measured(state: Path, *arguments: str) -> "Measured":
    """Run a process and return what it took."""
    begun = time.perf_counter()
    work = subprocess.Popen(
        [sys.executable, "-m", "bench.archive", str(state), *arguments], cwd=_ROOT, stdout=subprocess.PIPE, text=True
    )
    assert work.stdout is not None
    with work.stdout:
        said = work.stdout.read()
    _pid, status, used = os.wait4(work.pid, 0)
    work.returncode = os.waitstatus_to_exitcode(status)
    if work.returncode:
        raise BenchError(f"{' '.join(arguments)} failed")
    found, inside, peak = json.loads(said)
    return Measured(found, time.perf_counter() - begun, inside, used.ru_utime + used.ru_stime, peak)


def _work(state: Path, what: str, asked: str = "") -> None:
    """Do what is measured, and say how much was found, in what time and memory."""
    settings = Settings(paths=Paths(state))
    begun = time.perf_counter()
    found = asyncio.run(_round(settings) if what == "round" else _search(settings, what, asked))
    # Not by getrusage: a process begins with the peak of the one that started it.
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    assert peak is not None
    print(json.dumps([found, time.perf_counter() - begun, int(peak[1]) * 1024]))


async def _round(settings: Settings) -> int:
    from journal.archiving.archive import archive_round

    return (await archive_round(settings, datetime(2027, 1, 1, tzinfo=UTC))).rows


async def _search(settings: Settings, what: str, asked: str) -> int:
    from journal.archiving.search import Filter, opened_search

    since, until = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
    match what:
        case "export":
            wanted = Filter(since=since, until=until, clients=(ip_network(asked),))
        case "word":
            wanted = Filter(word=asked)
        case "tops" | "sums":
            wanted = Filter()
        case _:
            wanted = Filter(name=asked)
    async with opened_search(settings, wanted) as searcher:
        match what:
            case "count":
                return searcher.count(wanted)
            case "tops":
                return len(searcher.tops(wanted, asked, 20))
            case "sums":
                return len(searcher.sums(wanted, "day"))
            case "newest":
                return sum(map(len, searcher.rows(wanted, newest_first=True, limit=20)))
        found = 0
        with (settings.paths.state / "found.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            for batch in searcher.rows(wanted):
                writer.writerows(batch)
                found += len(batch)
        return found


if __name__ == "__main__":
    _work(Path(sys.argv[1]), *sys.argv[2:])
