"""How the journal is opened: begun at the first use, with the device's key named in its first record.

One that is gone or empty is no first use if anything shows that there was a journal: it counts as damaged, and whoever
keeps the journal replaces it (journal/recovering.py).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from journal.trust.device_key import device_key
from journal.trust.witness import read_witness
from policy.sshsig import public_text
from settings.model import Settings
from storage.errors import UnreachableDatabase, damaged, of_the_journal
from storage.evidence import Kind
from storage.journal_db import JournalDb, open_journal
from storage.last_good import last_good
from translations import _

INSTEAD = ".instead-"
"""What stands between the name of journal.db and the time of its damage in the name of the file that replaces it."""


@asynccontextmanager
async def opened_journal(settings: Settings) -> AsyncIterator[JournalDb]:
    """Open the journal of an installation; begin it if there never was one.

    Raises DamagedDatabase also if it is gone, or about to be replaced; StorageError, DeviceKeyError, OSError.
    """
    path = settings.paths.journal_db
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    sign = _expect_not_lost(settings)
    async with open_journal(path, create=sign is None) as journal:
        if (await journal.head()).number == 0:
            if sign is not None:
                raise damaged(path, _lost(sign))
            await begin_chain(journal, settings)
        yield journal


def expect_begun(settings: Settings) -> None:
    """Raise StorageError if there is no journal, as who only looks has to: one that was lost counts as damaged."""
    path = settings.paths.journal_db
    if _expect_not_lost(settings) is None and _is_empty(path):
        message = _("{path}: there is no journal yet. The server begins it when it runs: schoolfilter run")
        raise UnreachableDatabase(message.format(path=path))


def is_begun(settings: Settings) -> bool:
    """Return whether there is a journal, or anything shows that there was one. Raises OSError."""
    return not _is_empty(settings.paths.journal_db) or sign_of_life(settings) is not None


def _expect_not_lost(settings: Settings) -> Path | None:
    """Return the sign of life, if there is any. Raises DamagedDatabase if it is all that there is."""
    path = settings.paths.journal_db
    # Asked before the file is looked at: all of them come after the first record.
    sign = sign_of_life(settings)
    if sign is not None and (successor(path) is not None or _is_empty(path)):
        with of_the_journal(path):
            raise damaged(path, _lost(sign))
    return sign


async def begin_chain(journal: JournalDb, settings: Settings) -> None:
    """Enter the first record, unless another process was first. Raises StorageError, DeviceKeyError, OSError."""
    public = public_text(device_key(settings.paths.device_key, make=True).public_key())
    async with journal.changing(datetime.now(UTC)) as change:
        if change.head.number == 0:  # another process may have been first
            await change.add(Kind.BEGUN, {"school": settings.school.name, "key": public, "format": 1})


def sign_of_life(settings: Settings) -> Path | None:
    """Return a file that shows that a journal was begun here, whatever became of journal.db; None if there is none."""
    paths = settings.paths
    found = successor(paths.journal_db)
    if found is not None:
        return found
    copy = last_good(paths.journal_db)
    if copy.exists():
        return copy
    if any(read_witness(paths.heads)):
        return paths.heads
    return next(paths.archive.glob("date=*/*.parquet"), None)


def successor(path: Path) -> Path | None:
    """Return the file that is about to replace a damaged journal.db; None if there is none."""
    return next(path.parent.glob(f"{path.name}{INSTEAD}*"), None)


def _is_empty(path: Path) -> bool:
    return not path.exists() or not path.stat().st_size


def _lost(sign: Path) -> str:
    return _("no record, though {file} shows that there were some").format(file=sign.name)
