"""The queries of whole days counted anew from the query log itself, by DuckDB and not by the tailer."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from journal.archiving.search import Filter, Searcher, opened_search
from journal.documents.figures import Share, Sums
from journal.documents.monthly import Counted
from journal.intake.days import days_of_segment
from settings.model import LogDetail, Settings
from storage.evidence import Body, Kind, text, whole
from storage.journal_db import JournalDb


async def count_log(settings: Settings, journal: JournalDb, first: date, last: date) -> Counted | None:
    """Return what segments and archive hold of days of the school; None if part of it is gone.

    Raises StorageError, DuckError, OSError.
    """
    zone = ZoneInfo(settings.school.time_zone)
    begin = datetime.combine(first, time(), zone)
    end = datetime.combine(last + timedelta(days=1), time(), zone)
    if not await _is_held(settings, journal, first, last):
        return None
    wanted = Filter(since=begin, until=end)
    async with opened_search(settings, wanted) as searcher:
        days = {date.fromisoformat(top.value): Share(top.queries, top.blocked) for top in searcher.sums(wanted, "day")}
        sums = _whole(searcher, wanted)
    return Counted(days, sums, await _lacks_allowed(journal, first, last), await _erased(journal, first, last))


def _whole(searcher: Searcher, wanted: Filter) -> Sums:
    actions = {top.value: top.queries for top in searcher.sums(wanted, "action")}
    blocked = {top.value: top.blocked for top in searcher.sums(wanted, "category") if top.blocked}
    return Sums(
        sum(actions.values()),
        actions,
        blocked,
        {top.value: Share(top.queries, top.blocked) for top in searcher.sums(wanted, "room")},
        {top.value: Share(top.queries, top.blocked) for top in searcher.sums(wanted, "group")},
    )


async def _is_held(settings: Settings, journal: JournalDb, first: date, last: date) -> bool:
    """Return whether each segment that has lines of these days is still there, or in the archive."""
    wanted = {
        text(each.body, "name")
        async for each in journal.records((Kind.SEGMENT,))
        if any(first.isoformat() <= day <= last.isoformat() for day in days_of_segment(each.body))
    }
    archives = {each.file for each in await journal.archives()}
    for segment in await journal.segments():
        if segment.name not in wanted:
            continue
        in_archive = segment.archive in archives and (settings.paths.archive / segment.archive).is_file()
        if not in_archive and not (settings.paths.query_log / segment.name).is_file():
            return False
    return True


async def _lacks_allowed(journal: JournalDb, first: date, last: date) -> bool:
    """Return whether a file of the archive of these days was made without what was allowed (log.detail)."""
    days = {each.file: date.fromisoformat(each.day) for each in await journal.archives()}
    async for record in journal.records((Kind.ARCHIVE,)):
        day = days.get(text(record.body, "file"))
        if (
            day is not None
            and first - timedelta(days=1) <= day <= last
            and text(record.body, "detail") == LogDetail.BLOCKED
        ):
            return True
    return False


async def _erased(journal: JournalDb, first: date, last: date) -> int:
    """Return how many lines of these days were taken out of files of the archive."""
    files = {each.file: each.day for each in await journal.archives()}
    begin, end = first.isoformat(), last.isoformat()
    found = 0
    async for record in journal.records((Kind.REWRITTEN,)):
        file = text(record.body, "file")
        if file in files:
            days = _rows_by_day(record.body, files[file])
            found += sum(rows for day, rows in days.items() if begin <= day <= end)
    return found


def _rows_by_day(body: Body, day: str) -> Mapping[str, int]:
    """Return how many lines of each day a record took out. `day`: of the file, for records without days."""
    told = body.get("rows_by_day")
    if isinstance(told, Mapping):
        return {each: rows for each, rows in told.items() if isinstance(rows, int)}
    return {day: whole(body, "rows_before") - whole(body, "rows_after")}
