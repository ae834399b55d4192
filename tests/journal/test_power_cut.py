# ruff: noqa: S311 - where a cut falls need not be unguessable
"""A power cut at any moment: whatever was acknowledged is there, the chain is whole, no record is half there.

What a cut leaves is told from SQLite's own promise: at COMMIT the write-ahead log is forced to the disk, so what lies
behind the end of the last acknowledged commit may be there, torn, or full of anything. The database file itself changes
only at checkpoints, of what the log holds for certain. A child process that writes in earnest is copied meanwhile too,
and killed.
"""

import asyncio
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from storage.evidence import Kind, first_fault
from storage.journal_checks import open_for_checking
from storage.journal_db import Position, Tally, open_journal

AT = datetime(2026, 11, 28, 9, tzinfo=UTC)
TALLY = Tally("214", "pupils", "allow", "default", "")

CHILD = """
import asyncio, sys
from pathlib import Path
from tests.journal.test_power_cut import write
asyncio.run(write(Path(sys.argv[1]), 1_000_000))
"""


async def write(path: Path, count: int) -> None:
    """Append records as the tailer does, with what follows from them, and print each number once it is committed."""
    async with open_journal(path, create=True) as journal:
        for _turn in range(count):
            async with journal.changing(AT) as change:
                number = await change.add(Kind.INCIDENT, {"id": "x" * 300}, private={"client": "192.0.2.1"})
                await change.add(Kind.TOLD, {"incident": number})
                await change.count({("2026-11-28T14", TALLY): 1})
                await change.put_position("20261128T090000-w0-0001.tsv", Position(number, number, 0, "", "", ""))
            sys.stdout.write(f"{change.head.number}\n")
            sys.stdout.flush()


async def judge(path: Path, acknowledged: int) -> int:
    """Open what a cut left as the next start does, check all of it, go on; return how many records survived."""
    async with open_journal(path, create=True) as journal:
        head = await journal.head()
        assert head.number >= acknowledged
        assert head.number % 2 == 0  # both records of a transaction or none
        stored = [each async for each in journal.stored()]
        assert first_fault(stored, {head.number: head.link} if head.number else {}) is None
        counted = sum([queries async for _hour, _tally, queries in journal.counts()])
        position = (await journal.positions()).get("20261128T090000-w0-0001.tsv")
        assert counted == head.number // 2
        assert (position.taken if position else -1) == head.number - 1
        async with journal.changing(AT) as change:
            await change.add(Kind.ALARM, {"what": "went on"})
    async with open_for_checking(path) as journal:
        assert await journal.broken_seals() == []
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return head.number


def put(folder: Path, database: bytes, log: bytes) -> Path:
    """Lay out what the disk holds after a cut. The shared memory is never on it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "journal.db").write_bytes(database)
    (folder / "journal.db-wal").write_bytes(log)
    return folder / "journal.db"


def torn(log: bytes, end: int, dice: random.Random) -> Iterator[bytes]:
    """Yield what may be of a log that is on the disk up to `end`."""
    behind = len(log) - end
    for cut in {0, 1, behind, *(dice.randrange(behind + 1) for _turn in range(12))}:
        kept = log[: end + cut]
        yield kept
        yield kept + bytes(behind - cut)  # the length is on the disk, the octets are not
        yield kept + dice.randbytes(behind - cut)
    # Pages reach the disk in any order: of the rest only every other block is there.
    blocks = [log[at : at + 512] for at in range(end, len(log), 512)]
    yield log[:end] + b"".join(block if dice.random() < 0.5 else bytes(len(block)) for block in blocks)


async def test_a_log_that_is_torn_behind_the_last_acknowledged_commit(tmp_path: Path) -> None:
    """Every commit of one run in turn is the last that was acknowledged."""
    path, dice = tmp_path / "at-work" / "journal.db", random.Random(7)
    path.parent.mkdir()
    states: list[tuple[int, bytes, bytes]] = []
    async with open_journal(path, create=True) as journal:
        for turn in range(8):
            async with journal.changing(AT) as change:
                number = await change.add(Kind.INCIDENT, {"id": "x" * 300}, private={"client": "192.0.2.1"})
                await change.add(Kind.TOLD, {"incident": number})
                await change.count({("2026-11-28T14", TALLY): 1})
                await change.put_position("20261128T090000-w0-0001.tsv", Position(number, turn, 0, "", "", ""))
            log = path.with_name("journal.db-wal").read_bytes()
            states.append((change.head.number, path.read_bytes(), log))
    survived = set()
    for (acknowledged, _database, log), (_next, database, longer) in pairwise(states):
        assert longer.startswith(log[:24])
        assert len(longer) > len(log)
        for left in torn(longer, len(log), dice):
            survived.add(await judge(put(tmp_path / "cut", database, left), acknowledged) - acknowledged)
    # Not acknowledged is not lost: it may be there in whole, or not at all.
    assert survived == {0, 2}


async def test_a_database_that_is_torn_while_the_log_is_folded_into_it(tmp_path: Path) -> None:
    """Half of its pages are old, half new, some of them mixed: the log still holds all of them."""
    path, dice = tmp_path / "at-work" / "journal.db", random.Random(3)
    path.parent.mkdir()
    async with open_journal(path, create=True):
        pass
    before = path.read_bytes()
    async with open_journal(path) as journal:
        for number in range(1, 9, 2):
            async with journal.changing(AT) as change:
                await change.add(Kind.INCIDENT, {"id": "x" * 3000}, private={"client": "192.0.2.1"})
                await change.add(Kind.TOLD, {"incident": number})
                await change.count({("2026-11-28T14", TALLY): 1})
                await change.put_position("20261128T090000-w0-0001.tsv", Position(number, 0, 0, "", "", ""))
        log = path.with_name("journal.db-wal").read_bytes()
    after = path.read_bytes()  # the last one to close folds the log in
    assert len(after) > len(before)
    for _turn in range(30):
        size = dice.choice((len(before), len(after), dice.randrange(len(before), len(after))))
        blocks = (dice.choice((before.ljust(size, b"\0"), after))[at : at + 512] for at in range(0, size, 512))
        assert await judge(put(tmp_path / "cut", b"".join(blocks)[:size], log), 8) == 8


async def test_a_process_that_is_killed_while_it_writes_and_checkpoints(tmp_path: Path) -> None:
    """The files as they are at the moment of a kill: the log is folded into the database now and then."""
    dice = random.Random(11)
    for turn in range(6):
        folder = tmp_path / str(turn)
        folder.mkdir()
        command = [sys.executable, "-c", CHILD, str(folder / "journal.db")]
        child = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
        assert child.stdout is not None
        acknowledged = 0
        for _line in range(dice.choice((1, 40, 300, 600))):
            acknowledged = int(await child.stdout.readline())
        child.kill()
        rest = (await child.stdout.read()).split()
        await child.wait()
        acknowledged = int(rest[-1]) if rest and rest[-1].isdigit() else acknowledged
        assert await judge(folder / "journal.db", acknowledged) >= acknowledged


@pytest.mark.parametrize("cut", [1, 24, 31, 32, 33, 56, 57, 4096, 4151, 4152, 4153])
async def test_a_cut_within_the_first_commit_leaves_an_empty_journal_or_a_whole_one(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "at-work" / "journal.db"
    path.parent.mkdir()
    async with open_journal(path, create=True) as journal:
        database, before = path.read_bytes(), path.with_name("journal.db-wal").read_bytes()
        async with journal.changing(AT) as change:
            await change.add(Kind.BEGUN, {"school": "x"})
        log = path.with_name("journal.db-wal").read_bytes()
    left = put(tmp_path / "cut", database, log[: len(before) + cut])
    async with open_journal(left, create=True) as journal:
        assert (await journal.head()).number in (0, 1)
        async with journal.changing(AT) as change:
            await change.add(Kind.ALARM, {"what": "went on"})
        assert first_fault([each async for each in journal.stored()], {}) is None
