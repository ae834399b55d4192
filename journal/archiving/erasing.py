"""Erasing a person's data: from the archive, from texts, and from what the journal itself says of incidents.

Rows of the person are removed, not emptied: who knows whose data an order erased would know whose the empty rows are.
The sums of hours and days stay; they name nobody.
"""

from datetime import UTC, date, datetime, timedelta

from journal.archiving.archive_files import rows_by_day
from journal.archiving.archive_work import Work
from journal.archiving.erasure import Erasure, erasures
from journal.archiving.waiting import LATE, in_mind_until, texts_of
from journal.incidents import KINDS
from storage.evidence import Kind, Record, text, whole

ERASED = "erased"


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
        if date.fromisoformat(archive.day) > _plus(erasure.last, LATE):
            continue
        if not await work.is_sound(archive):
            whole_archive = False
            continue
        # By day: the last segment of a day may hold lines of the next one, and a month's report counts to the unit.
        days = rows_by_day(work.duck, work.place(archive.file), condition, values, work.zone)
        if days:
            said = {"why": ERASED, "erasure": erasure.record, "rows_by_day": days}
            await work.rewrite(archive, said, without=condition, values=values)
            work.done.erased_rows += sum(days.values())
    archived = {each.name: each for each in await work.journal.segments() if each.archive}
    there = [archived[name] for name in texts_of(work.settings, since, until) if name in archived]
    await work.remove_segments(await work.well_kept(there), ERASED)
    in_mind = await in_mind_until(work.journal, work.settings, erasure, since, until)
    if whole_archive and not texts_of(work.settings, since, until) and in_mind is None:
        await _finish(work, erasure, since, until)
    else:
        work.done.waiting.append(erasure.id)


def _plus(day: date, span: timedelta) -> date:
    return day + span if day < date.max - span else date.max


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
