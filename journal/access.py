"""Looks at personal logs: each is a record with who, when, at what and why (R1 2.17)."""

from collections.abc import Mapping
from datetime import datetime

from storage.evidence import Kind
from storage.journal_db import JournalDb


async def note_access(
    journal: JournalDb, what: str, reason: str, asked: Mapping[str, str], *, at: datetime, by: str
) -> int:
    """Enter a look before it happens; return its number. Raises StorageError: then nothing may be shown.

    `what`: the command, such as `log search`. `asked`: what was asked for, by option. It may name a person's device, so
    it is sealed.
    """
    async with journal.changing(at) as change:
        return await change.add(Kind.ACCESS, {"what": what, "reason": reason}, by=by, private={"asked": dict(asked)})
