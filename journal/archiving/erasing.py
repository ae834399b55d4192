"""Erasing a person's data: from the archive, from texts, and from what the journal itself says of incidents.

Rows of the person are removed, not emptied: who knows whose data an order erased would know whose the empty rows are.
The sums of hours and days stay; they name nobody.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from journal.archiving.archive_files import count_rows
from journal.archiving.archive_work import Work, begun
from journal.archiving.erasure import Erasure, erasures
from journal.detection.watching import client_of
from journal.incidents import KINDS
from journal.intake.following import is_time
from resolver.segments import list_segments
from storage.evidence import Kind, Record, text, whole

ERASED = "erased"
_LATE = timedelta(days=1)
"""So much later a line may stand in the log than it was asked."""


async def reach(work: Work) -> datetime | None:
    """Return up to when segments have to be archived for the erasures that wait; None if none waits."""
    return max((each.span(work.zone)[1] for each in await _waiting(work)), default=None)


async def carry_out(work: Work) -> None:
    """Erase what is asked for from the archive, and the texts of these days; finish what is whole."""
    for erasure in await _waiting(work):
        await _erase(work, erasure)


async def _waiting(work: Work) -> list[Erasure]:
    return [each for each in await erasures(work.journal) if each.done is None]


async def _erase(work: Work, erasure: Erasure) -> None:
    since, until = erasure.span(work.zone)
    condition, values = _condition(erasure, since, until)
    whole_archive = True
    for archive in await work.journal.archives():
        if date.fromisoformat(archive.day) > _plus(erasure.last, _LATE):
            continue
        if not await work.is_sound(archive):
            whole_archive = False
            continue
        rows = count_rows(work.duck, work.place(archive.file), condition, values)
        if rows:
            await work.rewrite(archive, {"why": ERASED, "erasure": erasure.record}, without=condition, values=values)
            work.done.erased_rows += rows
    archived = {each.name: each for each in await work.journal.segments() if each.archive}
    await work.remove_segments(
        await work.well_kept([archived[name] for name in _texts(work, since, until) if name in archived]), ERASED
    )
    if whole_archive and not _texts(work, since, until) and not await _is_in_mind(work, erasure, since, until):
        await _finish(work, erasure, since, until)
    else:
        work.done.waiting.append(erasure.id)


def _texts(work: Work, since: datetime, until: datetime) -> list[str]:
    """Return the segments that are still there as text and may hold lines of a span."""
    return [
        segment.path.name
        for segment in list_segments(work.settings.paths.query_log)
        if segment.written >= since.timestamp() and _begins_before(segment.path, until)
    ]


def _begins_before(path: Path, until: datetime) -> bool:
    """Tell whether a segment may hold lines of before: a worker writes later what a full disk did not take."""
    if begun(path.name) < until:
        return True
    if begun(path.name) - until > _LATE:
        return False
    with path.open("rb") as file:
        file.readline()
        time = file.readline().partition(b"\t")[0]
    return is_time(time) and datetime.fromisoformat(time.decode()) < until


def _plus(day: date, span: timedelta) -> date:
    return day + span if day < date.max - span else date.max


async def _is_in_mind(work: Work, erasure: Erasure, since: datetime, until: datetime) -> bool:
    """Tell whether the incident rules still have something of it in mind, which may yet become a record. Soon not."""
    first, last = since.timestamp(), until.timestamp()
    for name, state in (await work.journal.folds()).items():
        for each in client_of(state).remembered():
            theirs = name in erasure.clients or each.device in erasure.devices
            if theirs and each.first < last and each.last >= first:
                return True
    return False


def _condition(erasure: Erasure, since: datetime, until: datetime) -> tuple[str, list[str]]:
    """Return the condition of SQL for rows of the person, and what stands for its question marks."""
    asked = (("client", erasure.clients), ("device", erasure.devices))
    whose = " OR ".join(f'"{column}" IN ({", ".join("?" * len(names))})' for column, names in asked if names)
    bounds = [f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat()}" for moment in (since, until)]
    return (
        f'({whose or "false"}) AND "at" >= ?::TIMESTAMP AND "at" < ?::TIMESTAMP',
        [*erasure.clients, *erasure.devices, *bounds],
    )


async def _finish(work: Work, erasure: Erasure, since: datetime, until: datetime) -> None:
    """Erase what the journal itself says of the person, and enter that all is done."""
    rewritten = [
        each.body
        async for each in work.journal.records((Kind.REWRITTEN,))
        if whole(each.body, "erasure") == erasure.record
    ]
    rows = sum(whole(body, "rows_before") - whole(body, "rows_after") for body in rewritten)
    async with work.journal.changing(work.now) as change:
        unsealed = [*await _about(work, erasure, since, until), erasure.record]
        body = {
            "erasure": erasure.record, "id": erasure.id, "files": sorted({text(each, "file") for each in rewritten}),
            "rows": rows, "unsealed": unsealed,
        }  # fmt: skip
        await change.add(Kind.ERASED, body)
        await change.unseal(unsealed)
    await work.journal.fold()
    work.done.erased.append(erasure.id)


async def _about(work: Work, erasure: Erasure, since: datetime, until: datetime) -> list[int]:
    """Return the records of the person's incidents of that span whose private parts are still there.

    With them what people wrote about these incidents, whenever: free words may name the person.
    """
    records: dict[int, list[Record]] = {}
    async for record in work.journal.records(KINDS, private=True):
        private = record.private or {}
        if record.kind is Kind.INCIDENT:
            if text(private, "client") in erasure.clients or text(private, "device") in erasure.devices:
                records[record.number] = [record]
        else:
            records.get(whole(record.body, "incident"), []).append(record)
    return [
        record.number
        for told in records.values()
        if _moment(told[0], "first", until) <= until and _moment(_last(told), "last", since) >= since
        for record in told
        if record.private is not None
    ]


def _last(told: list[Record]) -> Record:
    """Return the record that says how far the incident went."""
    return next((each for each in reversed(told) if each.kind is Kind.REPEAT), told[0])


def _moment(record: Record, key: str, unknown: datetime) -> datetime:
    """Return a time of an incident; one that cannot be read counts as inside."""
    try:
        return datetime.fromisoformat(text(record.body, key)).astimezone(UTC)
    except ValueError:
        return unknown
