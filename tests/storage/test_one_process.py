"""Several connections of one process to one file, as the journal's process has them: none takes a lock from another."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage.errors import UnreachableDatabase
from storage.evidence import Kind
from storage.journal_db import JournalDb, open_journal

ROOT = Path(__file__).parents[2]
_READ = (
    "import asyncio, sys\nfrom pathlib import Path\nfrom storage.journal_db import open_journal\n"
    "async def main():\n"
    "    async with open_journal(Path(sys.argv[1])) as journal: print((await journal.head()).number)\n"
    "asyncio.run(main())\n"
)


async def add(journal: JournalDb) -> None:
    async with journal.changing(datetime.now(UTC)) as change:
        await change.add(Kind.ALARM, {"what": "x"})


async def seen_by_another_process(path: Path) -> int:
    """Open and close the journal in another process, which then may be the last to close it; return the head there."""
    command = [sys.executable, "-c", _READ, str(path)]
    done = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.parametrize("also_create", [True, False])
async def test_what_is_written_beside_a_second_connection_is_not_lost(tmp_path: Path, also_create: bool) -> None:
    path = tmp_path / "journal.db"
    async with open_journal(path, create=True) as journal:
        await add(journal)
        async with open_journal(path, create=also_create) as second:
            await add(second)
            assert await seen_by_another_process(path) == 2
            await add(journal)
            await add(second)
            assert await seen_by_another_process(path) == 4
        await add(journal)
        assert await seen_by_another_process(path) == 5
    assert await seen_by_another_process(path) == 5


async def test_a_file_that_is_not_there_is_not_made_by_looking(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with pytest.raises(UnreachableDatabase):
        async with open_journal(path):
            pass
    assert not path.exists()


async def test_a_new_file_is_readable_by_nobody_else(tmp_path: Path) -> None:
    async with open_journal(tmp_path / "journal.db", create=True):
        assert (tmp_path / "journal.db").stat().st_mode & 0o777 == 0o600
