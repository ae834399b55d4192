"""One round over the query log: archive what is over, remove what is old, take out who asked, erase on request.

It is the only one that removes anything of the query log. It may be killed at any moment; the next round goes on.
"""

import fcntl
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import date, datetime
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from blocklists.disk import DISK, Disk
from journal.archiving.adopting import adopt
from journal.archiving.archive_files import (
    LINES,
    ArchiveError,
    Judged,
    digest_of_file,
    expect,
    judge,
    print_of,
    total,
    write_texts,
)
from journal.archiving.archive_work import Done, Work
from journal.archiving.duck import opened_duck, scratch, sweep
from journal.archiving.erasing import carry_out, reach
from journal.archiving.log_table import aside
from journal.archiving.retention import anonymise, expire, trim
from journal.archiving.segment_text import open_text
from journal.opening import opened_journal
from journal.recovering import drop_copy, keep_copy
from resolver.segments import begun
from settings.model import LogDetail, Settings
from storage.evidence import Kind, text
from storage.journal_db import StoredArchive, StoredSegment
from translations import _


class AnotherRoundError(ArchiveError):
    """Another process is in the middle of a round."""


async def archive_round(settings: Settings, now: datetime, *, today_too: bool = False, disk: Disk = DISK) -> Done:
    """Do one round, keep a copy of the journal as it is then, and return what it did.

    `today_too`: also archive closed segments of a day that is not over. What fails keeps nothing else from being done:
    one damaged file must not hold up erasing and retention, nor a full disk what would make room on it. Raises then
    AnotherRoundError, StorageError, DuckError, ArchiveError, OSError; the next round goes on.
    """
    with _alone(settings):
        sweep(settings)
        async with _begun(settings, now, disk) as work:
            await work.mend()
            failures: list[Exception] = []
            with _noted(failures):
                await adopt(work)
            for day, segments in await _due(work, today_too=today_too, asked=await reach(work)):
                with _noted(failures):
                    await _archive(work, day, segments)
            for step in (carry_out, trim, anonymise, expire):
                with _noted(failures):
                    await step(work)
            await _copy(settings, work.done)
            if failures:
                raise failures[0]
            return work.done


@contextmanager
def _noted(failures: list[Exception]) -> Iterator[None]:
    try:
        yield
    except (ArchiveError, duckdb.Error, OSError) as error:
        failures.append(error)


async def _copy(settings: Settings, done: Done) -> None:
    """Copy the journal, so that it can go on from what a night left if it is damaged."""
    verdict = await keep_copy(settings)
    if not verdict.is_sound:
        done.broken = verdict.broken[0]
        if done.erased:
            drop_copy(settings)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Be the only round of this installation. Raises AnotherRoundError."""
    settings.paths.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = settings.paths.state / "archive.lock"
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        message = _(
            "expected to be the only one that archives, found another round in the middle of it: wait for its end."
        )
        raise AnotherRoundError(message) from error
    try:
        yield
    finally:
        os.close(descriptor)


@asynccontextmanager
async def _begun(settings: Settings, now: datetime, disk: Disk) -> AsyncIterator[Work]:
    settings.paths.archive.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with opened_journal(settings) as journal:
        with opened_duck(settings) as duck, scratch(settings) as folder:
            yield Work(settings, journal, duck, folder, ZoneInfo(settings.school.time_zone), now, disk)


async def _due(work: Work, *, today_too: bool, asked: datetime | None) -> list[tuple[date, list[StoredSegment]]]:
    """Return the segments to be archived: those of one file each, with their day."""
    due: dict[date, list[StoredSegment]] = {}
    for segment in await work.journal.segments():
        day = work.day_of(segment.name)
        is_asked = asked is not None and begun(segment.name) < asked
        if not segment.archive and not segment.removed and (day < work.today or today_too or is_asked):
            due.setdefault(day, []).append(segment)
    return [(day, file) for day in sorted(due) for file in _files(due[day])]


def _files(segments: Sequence[StoredSegment]) -> Iterator[list[StoredSegment]]:
    """Cut the segments of a day into files."""
    file: list[StoredSegment] = []
    for segment in segments:
        if file and sum(each.lines for each in file) + segment.lines > LINES:
            yield file
            file = []
        file.append(segment)
    if file:
        yield file


async def _archive(work: Work, day: date, segments: Sequence[StoredSegment]) -> None:
    """Write segments into a file of the archive, and enter it. What is not as the journal says stays where it is."""
    sound = [segment for segment in segments if await _is_sound(work, segment)]
    if not sound:
        return
    file = await _free_name(work, day)
    final = work.place(file)
    new = aside(final)
    work.disk.make_folder(final.parent)
    judged = _save(work, sound, new)
    work.disk.sync(new.parent)
    rows = total(each.print for each in judged).rows
    lines, damaged = sum(each.lines for each in judged), sum(each.damaged for each in judged)
    names = [segment.name for segment in sound]
    kept = StoredArchive(file, day.isoformat(), rows, new.stat().st_size, digest_of_file(new), 0)
    body = {
        "file": file, "digest": kept.digest, "bytes": kept.bytes, "rows": rows, "day": kept.day, "segments": names,
        "detail": work.settings.log.detail.value, "damaged": damaged, "left_out": lines - damaged - rows,
    }  # fmt: skip
    async with work.journal.changing(work.now) as change:
        await change.archived(replace(kept, record=await change.add(Kind.ARCHIVE, body)), names)
    work.disk.move(new, final)
    work.done.files += 1
    work.done.rows += rows
    work.done.damaged += damaged


async def _is_sound(work: Work, segment: StoredSegment) -> bool:
    """Tell whether a segment is still what the journal says; enter it if not."""
    try:
        digest = digest_of_file(work.segment(segment.name), segment.bytes)
    except FileNotFoundError:
        await work.alarm("segment-missing", segment.name)
        return False
    if digest != segment.digest:
        await work.alarm("segment-changed", segment.name)
    return digest == segment.digest


def _save(work: Work, segments: Sequence[StoredSegment], path: Path) -> list[Judged]:
    """Write the file, force it to the disk, and compare it with what plain Python finds in the segments."""
    blocked_only = work.settings.log.detail is LogDetail.BLOCKED

    def write(path: Path) -> None:
        with ExitStack() as stack:
            texts = []
            for segment in segments:
                text = open_text(work.segment(segment.name), work.scratch, octets=segment.bytes)
                stack.callback(text.close)
                texts.append(text)
            write_texts(work.duck, texts, path, blocked_only=blocked_only)

    work.disk.save(path, write)
    judged = [judge(work.segment(each.name), each.bytes, blocked_only=blocked_only) for each in segments]
    expect(path, total(each.print for each in judged), print_of(work.duck, path))
    return judged


async def _free_name(work: Work, day: date) -> str:
    """Return a name that no file of that day has or ever had."""
    folder = f"date={day.isoformat()}"
    taken = {path.name for path in work.place(folder).glob("*.parquet")}
    async for record in work.journal.records((Kind.ARCHIVE,)):
        if text(record.body, "day") == day.isoformat():
            taken.add(text(record.body, "file").rpartition("/")[2])
    return next(f"{folder}/{name}" for number in count(1) if (name := f"{number:04d}.parquet") not in taken)
