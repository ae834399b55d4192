"""What the parts of a round share: where they work, what they write down, and the steps that survive a kill.

A file is written aside and judged; then the journal says what it has to be from now on; then it is put in its place.
A removal is entered before it is done. So whatever ends a round, journal and files say together what is left to do.
"""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo
from pathlib import Path

import duckdb

from blocklists.disk import DISK, Disk
from journal.archiving.archive_files import digest_of_file, rewrite
from journal.archiving.log_table import ASIDE, aside
from journal.trust.alarms import Alarm
from journal.trust.log_files import holds
from journal.trust.verdict import Broken
from resolver.segments import begun
from settings.model import Settings
from storage.evidence import Body, Kind, text, texts
from storage.journal_db import JournalDb, StoredArchive, StoredSegment


@dataclass(slots=True)
class Done:
    """What a round did."""

    files: int = 0
    """How many files the archive gained."""
    rows: int = 0
    damaged: int = 0
    """Lines that were left out, because they have not the form of the log."""
    segments_removed: int = 0
    files_removed: int = 0
    anonymised: int = 0
    """Files from which was taken who asked."""
    erased: list[str] = field(default_factory=list)
    """Erasures that were carried out."""
    erased_rows: int = 0
    waiting: list[str] = field(default_factory=list)
    """Erasures that could not be carried out yet (journal/archiving/waiting.py)."""
    adopted: int = 0
    """Files of the archive that were taken over after journal.db was damaged."""
    broken: Broken | None = None
    """Why the journal was not copied: the first thing that verifying found."""
    changed: list[str] = field(default_factory=list)
    """Segments and files of the archive that are missing, not what the journal says, or have another's name."""


@dataclass(frozen=True, slots=True)
class Work:
    """One round."""

    settings: Settings
    journal: JournalDb
    duck: duckdb.DuckDBPyConnection
    scratch: Path
    zone: tzinfo
    now: datetime
    disk: Disk = DISK
    done: Done = field(default_factory=Done)

    @property
    def today(self) -> date:
        """The day, in the school's time zone."""
        return self.now.astimezone(self.zone).date()

    def place(self, file: str) -> Path:
        """Return where a file of the archive lies."""
        return self.settings.paths.archive / file

    def segment(self, name: str) -> Path:
        """Return where a segment lies."""
        return self.settings.paths.query_log / name

    def day_of(self, segment: str) -> date:
        """Return the day on which a segment was begun, in the school's time zone. Raises ValueError."""
        return begun(segment).astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        """Return when a day begins."""
        return datetime.combine(day, datetime.min.time(), self.zone)

    async def mend(self) -> None:
        """Do what an earlier round entered and did not get to, and remove what it did not get to enter."""
        archives = {each.file: each for each in await self.journal.archives()}
        folder = self.settings.paths.archive
        for path in sorted(folder.glob(f"date=*/*{ASIDE}")):
            final = path.with_name(path.name.removesuffix(ASIDE))
            entered = archives.get(str(final.relative_to(folder)))
            if entered is not None and digest_of_file(path) == entered.digest:
                self.disk.move(path, final)
            else:
                self.disk.remove(path)
        async for record in self.journal.records((Kind.REMOVED,)):
            # Not what the table has as removed: a segment that was lost and then put back is evidence.
            for name in texts(record.body, "segments"):
                if self.segment(name).exists():
                    await self._remove_again(name)
            for file in texts(record.body, "files"):
                if file not in archives and self.place(file).exists():
                    self.disk.remove(self.place(file))

    async def _remove_again(self, name: str) -> None:
        """Remove a segment that is entered as removed, if the file is that segment; enter it if another has its name.

        One that was never archived was lost before it was taken in whole: a person put it back, and `trim` knows when
        its time is over.
        """
        segment = await self.journal.segment(name)
        if segment is not None and holds(self.segment(name), segment):
            self.disk.remove(self.segment(name))
        elif segment is not None and segment.archive:
            await self.alarm(Alarm.SEGMENT_STRANGE.value, name)

    async def rewrite(
        self, old: StoredArchive, said: Body, *, without: str = "", values: Sequence[str] = ()
    ) -> StoredArchive:
        """Write a file of the archive anew, as `archive_files.rewrite` does, and enter what is `said` about it."""
        final = self.place(old.file)
        new = aside(final)
        changed = final.stat()
        before, after = 0, 0

        def write(path: Path) -> None:
            nonlocal before, after
            before, after = rewrite(self.duck, final, path, without=without, values=values)
            # Retention goes by the day and by this: it must not begin anew.
            os.utime(path, (changed.st_mtime, changed.st_mtime))

        self.disk.save(new, write)
        self.disk.sync(new.parent)
        kept = replace(old, rows=after, bytes=new.stat().st_size, digest=digest_of_file(new))
        body = {
            **said, "file": old.file, "before": old.digest, "after": kept.digest, "bytes": kept.bytes,
            "rows_before": before, "rows_after": after,
        }  # fmt: skip
        async with self.journal.changing(self.now) as change:
            kept = replace(kept, record=await change.add(Kind.REWRITTEN, body))
            await change.put_archive(kept)
        self.disk.move(new, final)
        return kept

    async def remove_segments(self, names: Collection[str], why: str) -> None:
        """Remove segments from the query log's folder, and say so first."""
        if not names:
            return
        async with self.journal.changing(self.now) as change:
            await change.add(Kind.REMOVED, {"segments": sorted(names), "why": why})
            await change.segments_removed(names)
        for name in sorted(names):
            self.disk.remove(self.segment(name))
        self.done.segments_removed += len(names)

    async def remove_files(self, files: Collection[str], why: str) -> None:
        """Remove files of the archive, and say so first."""
        if not files:
            return
        async with self.journal.changing(self.now) as change:
            await change.add(Kind.REMOVED, {"files": sorted(files), "why": why})
            for file in files:
                await change.drop_archive(file)
        for file in sorted(files):
            self.disk.remove(self.place(file))
            _remove_empty(self.place(file).parent)
        self.done.files_removed += len(files)

    async def well_kept(self, segments: Sequence[StoredSegment]) -> list[str]:
        """Return the names of those whose file of the archive is what the journal says: their text may go."""
        archives = {each.file: each for each in await self.journal.archives()}
        # A file that is entered no more went by retention: so does the text of which it was made.
        sound = {
            file: file not in archives or await self.is_sound(archives[file])
            for file in sorted({segment.archive for segment in segments})
        }
        return [segment.name for segment in segments if sound[segment.archive]]

    async def is_sound(self, archive: StoredArchive) -> bool:
        """Tell whether a file of the archive is what the journal says; enter it if not: it is left as it is."""
        place = self.place(archive.file)
        sound = place.exists() and digest_of_file(place) == archive.digest
        if not sound:
            await self.alarm("archive-changed", archive.file)
        return sound

    async def alarm(self, what: str, file: str) -> None:
        """Enter, once, that a file is not what the journal says."""
        if file not in self.done.changed:
            self.done.changed.append(file)
        key = "segment" if what.startswith("segment") else "file"
        async for record in self.journal.records((Kind.ALARM,)):
            if text(record.body, "what") == what and text(record.body, key) == file:
                return
        async with self.journal.changing(self.now) as change:
            await change.add(Kind.ALARM, {"what": what, key: file})


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:  # another file of that day is in it
        return
