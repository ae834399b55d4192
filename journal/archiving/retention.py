"""What goes because its time is over: texts that the archive holds, who asked, files of the archive.

A clock that is wrong for a while must not cost evidence. So two dates have to agree on the age of whatever is removed,
the newest day always stays, and nothing goes by a clock that has shown these days for less than three of them.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from journal.archiving.archive_work import Work
from resolver.segments import begun
from storage.evidence import Kind, text
from storage.journal_db import StoredSegment

ANONYMISED = "anonymised"
_LATE = timedelta(days=2)
"""How much later than its day a file of the archive may be written and still go with its day."""
_LOOKED_BACK = timedelta(days=7)
_PROVEN_DAYS = 3
"""On so many different days within the last week something was entered: then the clock has not just jumped."""


async def trim(work: Work) -> None:
    """Remove texts that are old enough: archived ones, and those that could not be archived until retention ends."""
    if not await _is_proven(work):
        return
    log = work.settings.log
    days = min(log.segment_days, log.anonymise_days or log.segment_days, log.retention_days)
    # One that was lost may have been put back: it is as old as the others.
    segments = [each for each in await work.journal.segments() if not each.removed or work.segment(each.name).exists()]
    # What lies there under the name of one that is removed is another: `mend` said so, and its lines are nowhere else.
    archived = [each for each in segments if each.archive and not each.removed and _is_older(work, each, days)]
    await work.remove_segments(await work.well_kept(archived), "archived")
    lost = [each.name for each in segments if not each.archive and _is_older(work, each, log.retention_days)]
    await work.remove_segments(lost, "retention")


async def anonymise(work: Work) -> None:
    """Take who asked out of files of the archive that are old enough."""
    days = work.settings.log.anonymise_days
    if not days or not await _is_proven(work):
        return
    done = {
        text(record.body, "file")
        async for record in work.journal.records((Kind.REWRITTEN,))
        if text(record.body, "why") == ANONYMISED
    }
    limit = work.today - timedelta(days=days)
    for archive in await work.journal.archives():
        if date.fromisoformat(archive.day) < limit and archive.file not in done and await work.is_sound(archive):
            await work.rewrite(archive, {"why": ANONYMISED})
            work.done.anonymised += 1


async def expire(work: Work) -> None:
    """Remove files of the archive whose time is over, also those that no journal knows."""
    if not await _is_proven(work):
        return
    folder = work.settings.paths.archive
    files = sorted(folder.glob("date=*/*.parquet"))
    newest = max((path.parent.name for path in files), default="")
    limit = work.today - timedelta(days=work.settings.log.retention_days)
    old = [path for path in files if path.parent.name != newest and _is_over(work, path, limit)]
    await work.remove_files([str(path.relative_to(folder)) for path in old], "retention")


async def _is_proven(work: Work) -> bool:
    days = await work.journal.days_of_records(work.now - _LOOKED_BACK, work.now)
    return len(days | {work.now.astimezone(UTC).date().isoformat()}) >= _PROVEN_DAYS


def _is_older(work: Work, segment: StoredSegment, days: int) -> bool:
    """Tell whether a segment was begun, and last written, so many days ago, or is gone already."""
    limit = work.midnight(work.today - timedelta(days=days))
    try:
        written = datetime.fromtimestamp(work.segment(segment.name).stat().st_mtime, UTC)
    except FileNotFoundError:
        return begun(segment.name) < limit
    return begun(segment.name) < limit and written < limit


def _is_over(work: Work, path: Path, limit: date) -> bool:
    try:
        day = date.fromisoformat(path.parent.name.removeprefix("date="))
    except ValueError:
        return False
    written = datetime.fromtimestamp(path.stat().st_mtime, work.zone)
    return day < limit and written < work.midnight(limit) + _LATE
