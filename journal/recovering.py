"""A journal.db that is damaged or gone: kept aside, and gone on from its last good copy; how that copy comes about.

The copy is of last night. Segments of the query log since then still lie there, and are taken in from where the copy
stands: what they hold is found again, under numbers that nothing had before. What people entered meanwhile is lost, and
an alarm says so before anything else is entered.
"""

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from blocklists.disk import DISK, Disk
from journal.numbering import numbering_of
from journal.opening import INSTEAD, begin_chain, successor
from journal.trust.alarms import Alarm, is_of_lost_heads
from journal.trust.verdict import Trouble, Verdict
from journal.trust.verifying import check_journal
from journal.trust.witness import read_witness
from settings.model import Settings
from storage.errors import DamagedDatabase, NewerDatabase, StorageError
from storage.evidence import Kind, moment_of, text, whole
from storage.journal_checks import open_for_checking
from storage.journal_db import JournalDb, SignedHead, open_journal
from storage.last_good import last_good, remember, restore

_KEPT = ("", "-wal")
"""A database and its log, by the end of the name."""
_LONGEST = 20
"""Digits of the number of a head that somebody may have written."""
_SHARED = "-shm"
"""Of no use to anybody when no process has the file open."""


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


async def begin_again(settings: Settings, now: datetime, head: str = "", disk: Disk = DISK) -> str:
    """Put a journal in the place of a damaged one, or of one that is gone; finish what was cut off in the midst of it.

    Return the name under which the old one stays beside it, empty if there was none. `head`: NUMBER:LINK of the last
    record that is known to have been in it. Raises StorageError, DeviceKeyError, OSError; then it is done next time.
    """
    path = settings.paths.journal_db
    ready = successor(path)
    if ready is None:
        ready = await _prepare(settings, now, head, disk)
    moved = _replace(path, ready, now, disk)
    # A bad disk may damage this one, too, before the next round copies it: what the alarm says must not be lost.
    with contextlib.suppress(StorageError, OSError):
        remember(path)
    return moved


async def _prepare(settings: Settings, now: datetime, head: str, disk: Disk) -> Path:
    """Make the file that goes on. Once it has its name, nothing else comes to stand in the place of the damaged one."""
    path = settings.paths.journal_db
    time, new = _free(path, now), path.with_name(f"{path.name}.new")
    for suffix in (*_KEPT, _SHARED):
        disk.remove(_beside(new, suffix))
    moved = _damaged(path, time).name if any(_holds_anything(_beside(path, suffix)) for suffix in _KEPT) else ""
    if await _copy_is_good(settings):
        restore(path, new)
    async with open_journal(new, create=True) as journal:
        kept = (await journal.head()).number
        if not kept:
            await begin_chain(journal, settings)
        async with journal.changing(now) as change:
            lines = read_witness(settings.paths.heads)
            body = {"what": Alarm.DAMAGED.value, "moved": moved, "kept": kept, "heads": len(lines)}
            body |= await _numbers(journal, settings, kept, head, lines, now)
            await change.add(Kind.ALARM, {**body, "head": _later(head, lines[-1] if lines else None)})
        await journal.fold()  # if the disk is full, now, and not when nobody asks for it any more
    disk.sync(new)
    ready = path.with_name(f"{path.name}{INSTEAD}{time}")
    disk.move(new, ready)
    return ready


def _replace(path: Path, ready: Path, now: datetime, disk: Disk) -> str:
    """Move the damaged file aside, and another one to its place. What a power cut leaves undone, the next call does.

    The file before its log: without its log an older state might pass as sound. And both before the new one comes: the
    log must never be applied to that.
    """
    time = ready.name.removeprefix(f"{path.name}{INSTEAD}")
    if path.exists() and _damaged(path, time).exists():  # somebody put a file there meanwhile
        time = _free(path, now)
    moved = _damaged(path, time)
    for suffix in _KEPT:
        if _holds_anything(_beside(path, suffix)):
            disk.move(_beside(path, suffix), _beside(moved, suffix))
    disk.remove(_beside(path, _SHARED))
    disk.move(ready, path)
    return moved.name if any(_beside(moved, suffix).exists() for suffix in _KEPT) else ""


async def _copy_is_good(settings: Settings) -> bool:
    """Return whether there is a copy and it is whole.

    Heads that were signed after it was made are no fault of it, nor that heads.txt is gone: verifying says so later.
    """
    copy = last_good(settings.paths.journal_db)
    if not copy.exists():
        return False
    try:
        async with open_for_checking(copy) as journal:
            verdict = (await check_journal(journal, settings)).verdict
    except (DamagedDatabase, NewerDatabase):
        return False
    troubles = [
        each for each in verdict.broken if each.trouble is not Trouble.HEAD or each.number <= verdict.head.number
    ]
    return all(each.trouble is Trouble.UNWITNESSED for each in troubles)


async def _numbers(
    journal: JournalDb, settings: Settings, kept: int, head: str, lines: Sequence[SignedHead | None], now: datetime
) -> dict[str, object]:
    """Return which numbers of incidents and erasures may have been given in what is lost, and until which month.

    The clock may have lost its time together with the power: so the last head that was signed says when it was, too.
    """
    earlier = 0  # lines of heads.txt that are of a journal before this one
    async for record in journal.records((Kind.ALARM,)):
        if is_of_lost_heads(record):
            earlier = 0
        elif text(record.body, "what") == Alarm.DAMAGED:
            earlier = max(earlier, whole(record.body, "heads"))
    signed = [each for each in lines[earlier:] if each is not None]
    known = max([_number(head), *(each.number for each in signed)])
    last = await journal.record(kept)
    moments = [now, *([last.at] if last is not None else []), *map(_moment, signed[-1:])]
    month = max(moments).astimezone(ZoneInfo(settings.school.time_zone)) + timedelta(days=1)
    numbers = (await numbering_of(journal)).may_have_been_given(kept, known)
    return {"numbers": numbers, "until": f"{month:%Y-%m}"}


def _moment(head: SignedHead) -> datetime:
    try:
        return moment_of(head.at)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def _later(head: str, witness: SignedHead | None) -> str:
    """Return the later one of two heads, as NUMBER:LINK; empty if none is known."""
    if witness is not None and witness.number > _number(head):
        return f"{witness.number}:{witness.link}"
    return head


def _number(head: str) -> int:
    number = head.partition(":")[0]
    return int(number) if number.isdecimal() and len(number) <= _LONGEST else 0


def _free(path: Path, now: datetime) -> str:
    """Return a time that no name has yet: what was damaged before stays."""
    time = moment = f"{now.astimezone(UTC):%Y%m%dT%H%M%S}"
    count = 1
    while any(_beside(_damaged(path, time), suffix).exists() for suffix in _KEPT):
        count += 1
        time = f"{moment}-{count}"
    return time


def _damaged(path: Path, time: str) -> Path:
    return path.with_name(f"{path.name}.damaged-{time}")


def _holds_anything(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
