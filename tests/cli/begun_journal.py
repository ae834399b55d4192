"""A journal that was begun long ago: papers about days before it are refused."""

import asyncio
from datetime import UTC, datetime

from journal.trust.device_key import device_key
from policy.sshsig import public_text
from settings.load import load
from storage.evidence import Kind
from storage.journal_db import open_journal
from tests.cli.installation import Bench


def begin_journal(bench: Bench, at: datetime = datetime(2024, 9, 15, 12, tzinfo=UTC)) -> None:
    """Enter the first record of a journal, as if the school had begun it then."""
    settings = load(bench.config, {})
    public = public_text(device_key(settings.paths.device_key, make=True).public_key())

    async def begin() -> None:
        async with open_journal(settings.paths.journal_db, create=True) as journal, journal.changing(at) as change:
            await change.add(Kind.BEGUN, {"school": "", "key": public, "format": 1})

    asyncio.run(begin())
