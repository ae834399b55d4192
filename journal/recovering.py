"""A journal.db that is damaged: kept aside, and gone on from its last good copy; how that copy comes about.

The copy is of last night. Segments of the query log since then still lie there, and are taken in from where the copy
stands: what they hold is found again, under the same numbers. What people entered meanwhile is lost, and an alarm says
so before anything else is entered.
"""

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path

from blocklists.disk import DISK
from journal.opening import begin_chain
from journal.trust.alarms import Alarm
from journal.trust.verdict import Trouble, Verdict
from journal.trust.verifying import check_journal
from journal.trust.witness import read_witness
from settings.model import Settings
from storage.errors import DamagedDatabase, NewerDatabase
from storage.evidence import Kind
from storage.journal_checks import open_for_checking
from storage.journal_db import SignedHead, open_journal
from storage.last_good import last_good, remember, restore

_LOGS = ("-wal", "-shm")


async def keep_copy(settings: Settings) -> Verdict:
    """Copy journal.db if it verifies; return what verifying found. Blocks on the disk. Raises StorageError, OSError.

    One that does not verify leaves the last good copy as it is: it may hold what is missing.
    """
    path = settings.paths.journal_db
    async with open_for_checking(path) as journal:
        verdict = (await check_journal(journal, settings)).verdict
    if verdict.is_sound:
        remember(path)
    return verdict


def drop_copy(settings: Settings) -> None:
    """Remove the last good copy: it holds what was erased since, and there is no newer one. Raises OSError."""
    last_good(settings.paths.journal_db).unlink(missing_ok=True)


async def begin_again(settings: Settings, now: datetime, head: str = "") -> str:
    """Put a journal in the place of a damaged one, at once; return the name under which that one stays beside it.

    `head`: NUMBER:LINK of the last record that is known to have been in it. Raises StorageError, DeviceKeyError,
    OSError; then the damaged one is still in its place.
    """
    path = settings.paths.journal_db
    moved, new = _free(path, now), path.with_name(f"{path.name}.new")
    for suffix in (*_LOGS, ""):
        _beside(new, suffix).unlink(missing_ok=True)
    if await _copy_is_good(settings):
        restore(path, new)
    async with open_journal(new, create=True) as journal:
        kept = (await journal.head()).number
        if not kept:
            await begin_chain(journal, settings)
        async with journal.changing(now) as change:
            lines = read_witness(settings.paths.heads)
            body = {"what": Alarm.DAMAGED.value, "moved": moved.name, "kept": kept, "heads": len(lines)}
            await change.add(Kind.ALARM, {**body, "head": _later(head, lines[-1] if lines else None)})
    # The log first: it must never be applied to the new file.
    for suffix in _LOGS:
        with contextlib.suppress(FileNotFoundError):
            _beside(path, suffix).rename(_beside(moved, suffix))
    with contextlib.suppress(FileNotFoundError):
        os.link(path, moved)
    DISK.move(new, path)
    return moved.name


async def _copy_is_good(settings: Settings) -> bool:
    """Return whether there is a copy and it is whole; heads that were signed after it was made are no fault of it."""
    copy = last_good(settings.paths.journal_db)
    if not copy.exists():
        return False
    try:
        async with open_for_checking(copy) as journal:
            verdict = (await check_journal(journal, settings)).verdict
    except (DamagedDatabase, NewerDatabase):
        return False
    return all(each.trouble is Trouble.HEAD and each.number > verdict.head.number for each in verdict.broken)


def _later(head: str, witness: SignedHead | None) -> str:
    """Return the later one of two heads, as NUMBER:LINK; empty if none is known."""
    number = head.partition(":")[0]
    known = int(number) if number.isdecimal() else 0
    if witness is not None and witness.number > known:
        return f"{witness.number}:{witness.link}"
    return head


def _free(path: Path, now: datetime) -> Path:
    """Return a name that nothing has yet: what was damaged before stays."""
    moved = path.with_name(f"{path.name}.damaged-{now.astimezone(UTC):%Y%m%dT%H%M%S}")
    count = 1
    while any(_beside(moved, suffix).exists() for suffix in (*_LOGS, "")):
        count += 1
        moved = path.with_name(f"{path.name}.damaged-{now.astimezone(UTC):%Y%m%dT%H%M%S}-{count}")
    return moved


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
