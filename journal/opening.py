"""How the journal is opened: begun at the first use, with the device's key named in its first record."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from journal.trust.device_key import device_key
from policy.sshsig import public_text
from settings.model import Settings
from storage.evidence import Kind
from storage.journal_db import JournalDb, open_journal


@asynccontextmanager
async def opened_journal(settings: Settings) -> AsyncIterator[JournalDb]:
    """Open the journal of an installation; begin it if there is none. Raises StorageError, DeviceKeyError, OSError."""
    path = settings.paths.journal_db
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with open_journal(path, create=True) as journal:
        if (await journal.head()).number == 0:
            await begin_chain(journal, settings)
        yield journal


async def begin_chain(journal: JournalDb, settings: Settings) -> None:
    """Enter the first record, unless another process was first. Raises StorageError, DeviceKeyError, OSError."""
    public = public_text(device_key(settings.paths.device_key).public_key())
    async with journal.changing(datetime.now(UTC)) as change:
        if change.head.number == 0:  # another process may have been first
            await change.add(Kind.BEGUN, {"school": settings.school.name, "key": public, "format": 1})
