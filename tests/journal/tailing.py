"""A query log that grows as workers write it, a tailer that follows it, and other programs' word on what it holds."""

import asyncio
import hashlib
import subprocess
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from journal.incidents import KINDS, Incident, replay
from journal.intake.state import JournalState, read_state
from journal.intake.tailer import Tailer
from journal.intake.taking import Pace
from journal.opening import opened_journal
from resolver.querylog import HEADER_LINE
from settings.model import Paths, School, Settings
from storage.journal_db import Tally

ZONE = "Asia/Almaty"
OFFSET = timedelta(hours=5)


def installation(folder: Path) -> Settings:
    """Return settings whose state is in a folder, with an empty query log."""
    settings = Settings(school=School(name="School 7", time_zone=ZONE), paths=Paths(folder / "state"))
    settings.paths.query_log.mkdir(parents=True, exist_ok=True)
    return settings


def at(text: str) -> datetime:
    """Return a moment that is written as the query log writes it."""
    return datetime.fromisoformat(text if "+" in text else f"{text}+05:00")


def line(
    moment: datetime, name: str = "www.example.org", outcome: str = "allow\tdefault\t\t", client: str = "10.1.0.5"
) -> bytes:
    """Return a line of the log with its line feed; `outcome` is action, reason, category and list."""
    time = moment.astimezone(at("2026-09-02T10:00:00").tzinfo).isoformat(timespec="milliseconds")
    return f"{time}\t{client}\tlab-07\t214\tpupils\t{name}\tA\t{outcome}\tNOERROR\tcache\t0.1\n".encode()


class Worker:
    """Writes segments."""

    def __init__(self, folder: Path, number: int = 0) -> None:
        self._folder = folder
        self._number = number
        self._sequence = 0
        self.path = folder / "none"

    def roll(self, moment: datetime) -> Path:
        """Begin a segment."""
        self._sequence += 1
        name = f"{moment.astimezone(UTC):%Y%m%dT%H%M%S}-w{self._number}-{self._sequence:04d}.tsv"
        self.path = self._folder / name
        self.write(HEADER_LINE)
        return self.path

    def write(self, octets: bytes) -> None:
        """Add octets to the segment."""
        with self.path.open("ab") as file:
            file.write(octets)


class Clock:
    """A clock that stands in a file: all processes have the same time, and it passes when the writer says so."""

    def __init__(self, path: Path, moment: datetime) -> None:
        self._path = path
        self.set(moment)

    def __call__(self) -> datetime:
        return datetime.fromisoformat(self._path.read_text())

    def set(self, moment: datetime) -> None:
        beside = self._path.with_suffix(".new")
        beside.write_text(moment.isoformat())
        beside.replace(self._path)


@asynccontextmanager
async def kept(settings: Settings, clock: Clock, pace: Pace | None = None) -> AsyncIterator[Tailer]:
    """Let a tailer run as long as the block lasts; it ends in peace."""
    tailer = Tailer(settings, clock=clock, pace=pace or Pace(), glance=0.002)
    task = asyncio.create_task(tailer.run())
    try:
        yield tailer
    finally:
        tailer.stop()
        await task


async def caught_up(settings: Settings, clock: Clock, pace: Pace | None = None) -> None:
    """Run a tailer until it has taken everything that the log holds up to the clock, and end it."""
    async with kept(settings, clock, pace) as tailer, asyncio.timeout(60):
        while not tailer.idle:
            await asyncio.sleep(0.002)


def state(settings: Settings) -> JournalState:
    """Return what the tailer said last."""
    found = read_state(settings)
    assert found is not None
    return found


async def incidents(settings: Settings) -> list[Incident]:
    """Return the incidents with what is personal."""
    async with opened_journal(settings) as journal:
        return replay([record async for record in journal.records(KINDS, private=True)])


async def counts(settings: Settings) -> dict[tuple[str, Tally], int]:
    """Return the counts of the journal."""
    async with opened_journal(settings) as journal:
        return {(hour, tally): queries async for hour, tally, queries in journal.counts()}


def counts_by_awk(segments: Iterable[Path]) -> dict[tuple[str, Tally], int]:
    """Return the counts as awk finds them."""
    program = (
        r"FNR > 1 && NF >= 14 {n[substr($1, 1, 13) FS $4 FS $5 FS $8 FS $9 FS $10]++}"
        r" END {for (key in n) print n[key] FS key}"
    )
    said = subprocess.run(
        ["awk", "-F", "\t", program, *map(str, segments)], capture_output=True, text=True, check=True
    ).stdout
    found = {}
    for each in said.splitlines():
        number, hour, *tally = each.split("\t")
        found[hour, Tally(*tally)] = int(number)
    return found


def digest(path: Path, octets: int | None = None) -> str:
    """Return the SHA-256 of a file, or of its beginning."""
    return hashlib.sha256(path.read_bytes()[:octets]).hexdigest()


def written(lines: Sequence[bytes]) -> bytes:
    """Return a segment that holds these lines."""
    return HEADER_LINE + b"".join(lines)
