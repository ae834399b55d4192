"""What the archive holds after journal.db was damaged: taken over as it is found, on record, and once for each damage.

The journal goes on from its last good copy, or begins anew. What a round of the archive did after that, no record
names. Files of the archive that hold what segments hold which still lie there are removed: those are archived again.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import duckdb

from journal.archiving.archive_files import count_rows, digest_of_file
from journal.archiving.archive_work import Work
from journal.archiving.log_table import table
from journal.archiving.segment_text import open_text
from journal.trust.alarms import Alarm
from resolver.querylog import COLUMNS
from resolver.segments import list_segments
from storage.evidence import Kind, text, whole
from storage.journal_db import Change, StoredArchive

WHY = "adopted"


@dataclass(frozen=True, slots=True)
class _Gone:
    """What is entered as there, and is not."""

    segments: list[str]
    files: list[str]


async def adopt(work: Work) -> None:
    """Take over what lies there after a damage, if that was not done yet."""
    damage = await _damage(work)
    if not damage:
        return
    known = {each.file: each for each in await work.journal.archives()}
    found = _found(work, known)
    repeated = [each for each in found if each.file not in known and _is_repeated(work, each)]
    taken = [each for each in found if each not in repeated]
    gone = await _gone(work, known, damage, {each.day for each in taken if each.file not in known})
    for each in repeated:
        work.disk.remove(work.place(each.file))
    async with work.journal.changing(work.now) as change:
        for each in taken:
            await _enter(change, each, known.get(each.file), damage)
        await _enter_gone(change, gone)
        body = {"what": Alarm.ADOPTED.value, "damage": damage, "files": [each.file for each in taken]}
        await change.add(Kind.ALARM, {**body, "repeated": [each.file for each in repeated]})
    work.done.adopted += len(taken)


async def _damage(work: Work) -> int:
    """Return the record of the last damage; 0 if there was none, or what it left was taken over."""
    damage = 0
    async for record in work.journal.records((Kind.ALARM,)):
        what = text(record.body, "what")
        if what == Alarm.DAMAGED:
            damage = record.number
        elif what == Alarm.ADOPTED and whole(record.body, "damage") == damage:
            damage = 0
    return damage


def _found(work: Work, known: dict[str, StoredArchive]) -> list[StoredArchive]:
    """Return the files of the archive that no record names as they are. What cannot be read `log verify` names."""
    folder = work.settings.paths.archive
    found = []
    for path in sorted(folder.glob("date=*/*.parquet")):
        file = str(path.relative_to(folder))
        digest = digest_of_file(path)
        if file in known and known[file].digest == digest:
            continue
        try:
            day = date.fromisoformat(path.parent.name.removeprefix("date=")).isoformat()
            rows = count_rows(work.duck, path, "true", ())
        except (ValueError, duckdb.Error):
            continue
        found.append(StoredArchive(file, day, rows, path.stat().st_size, digest, 0))
    return found


def _is_repeated(work: Work, archive: StoredArchive) -> bool:
    """Tell whether each row of a file stands in the segments of its day that still lie there."""
    paths = [
        segment.path
        for segment in list_segments(work.settings.paths.query_log)
        if work.day_of(segment.path.name).isoformat() == archive.day
    ]
    return bool(paths) and not _rows_beyond(work, work.place(archive.file), paths)


def _rows_beyond(work: Work, file: Path, segments: Sequence[Path]) -> int:
    """Return how many rows of a file stand in none of the segments."""
    columns = ", ".join(f'"{column}"' for column in COLUMNS)
    with ExitStack() as stack:
        texts = []
        for path in segments:
            opened = open_text(path, work.scratch, growing=True)
            stack.callback(opened.close)
            texts.append((opened.path, opened.columns))
        query = f"""SELECT count(*) FROM (SELECT {columns} FROM ({table((), [str(file)])})
            EXCEPT ALL SELECT {columns} FROM ({table(texts, ())}))"""  # noqa: S608 - constants and paths
        return int(work.duck.execute(query).fetchall()[0][0])


async def _gone(work: Work, known: dict[str, StoredArchive], damage: int, days: set[str]) -> _Gone:
    """Return what a round removed of which the record is lost. `days`: those of which a file was taken over."""
    limit = work.today - timedelta(days=work.settings.log.retention_days)
    segments = [
        each.name
        for each in await work.journal.segments()
        if each.record < damage
        and not each.removed
        and not work.segment(each.name).exists()
        and (each.archive or work.day_of(each.name).isoformat() in days)
    ]
    files = [
        file for file, each in known.items() if date.fromisoformat(each.day) < limit and not work.place(file).exists()
    ]
    return _Gone(sorted(segments), sorted(files))


async def _enter(change: Change, found: StoredArchive, known: StoredArchive | None, damage: int) -> None:
    body = {"file": found.file, "bytes": found.bytes, "adopted": damage}
    if known is None:
        body |= {"digest": found.digest, "rows": found.rows, "day": found.day, "segments": [], "detail": ""}
        record = await change.add(Kind.ARCHIVE, body | {"damaged": 0, "left_out": 0})
    else:
        body |= {"before": known.digest, "after": found.digest, "rows_before": known.rows, "rows_after": found.rows}
        record = await change.add(Kind.REWRITTEN, body | {"why": WHY})
    await change.put_archive(replace(found, record=record))


async def _enter_gone(change: Change, gone: _Gone) -> None:
    if gone.segments:
        await change.add(Kind.REMOVED, {"segments": gone.segments, "why": WHY})
        await change.segments_removed(gone.segments)
    if gone.files:
        await change.add(Kind.REMOVED, {"files": gone.files, "why": WHY})
        for file in gone.files:
            await change.drop_archive(file)
