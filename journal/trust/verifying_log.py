"""Verifying the query log: each segment and each file of the archive against the chain. Proofs: docs/evidence.md."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from journal.archiving.log_table import ASIDE
from journal.opening import expect_begun
from journal.trust.alarms import Alarm, altered
from journal.trust.coverage import Named, gaps, named, stops, within
from journal.trust.expected import Expected
from journal.trust.log_files import Progress, Reading, Wanted, has_a_line, holds, judge, listed, waits_aside
from journal.trust.verdict import Broken, Stop, Trouble, Verdict
from journal.trust.verifying import check_journal
from settings.model import Paths, Settings
from storage.evidence import Head, text
from storage.journal_checks import open_for_checking
from storage.journal_db import Position


@dataclass(frozen=True, slots=True)
class _Lying:
    """What lies in the folders."""

    segments: list[Named]
    archived: list[str]
    """Paths in the archive's folder."""


@dataclass(slots=True)
class _Strange:
    """What lies there and should not."""

    forged: list[str]
    reused: list[str]
    """Segments that have the name of one that was archived and removed, and hold something else."""
    waiting: list[str]
    """Segments that are only not taken in yet."""
    leftovers: list[str]
    """What a round of the archive left that was cut off."""


async def verify_log(
    settings: Settings,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    heads: Iterable[Head] = (),
    progress: Progress | None = None,
) -> Verdict:
    """Verify the journal, then the query log by it: `since` <= time < `until`, all of it if not given.

    If the journal is broken, only that is returned: nothing can be said by it. Raises StorageError, OSError.
    """
    expect_begun(settings)
    given = tuple(heads)
    first = await _verify_once(settings, since, until, given, progress)
    if first.is_sound or not first.files:
        return first
    # The tailer or the archive may have gone on between the look at journal.db and that at the files.
    again = await _verify_once(settings, since, until, given, None, only={each.where for each in first.broken})
    kept = {(each.trouble, each.where): each for each in again.broken}
    broken = (kept.get((each.trouble, each.where)) for each in first.broken)
    return replace(first, broken=tuple(each for each in broken if each is not None))


async def _verify_once(
    settings: Settings,
    since: datetime | None,
    until: datetime | None,
    heads: Collection[Head],
    progress: Progress | None,
    only: Collection[str] | None = None,
) -> Verdict:
    """Verify; of the files read those of `only`, if it is given."""
    paths = settings.paths
    lying = _Lying(_segments(paths.query_log), _archive(paths.archive))
    async with open_for_checking(paths.journal_db) as journal:
        checked = await check_journal(journal, settings, heads)
        positions = await journal.positions()
    expected, verdict = checked.expected, checked.verdict
    if not verdict.is_sound:
        return verdict
    names = {name for name in expected.segments if within(name, since, until)}
    opened = {name: position for name, position in positions.items() if within(name, since, until)}
    adopted = _adopted(expected, since, until)
    wanted = [*_closed(paths, expected, names, adopted), *_open(paths, opened)]
    reading = Reading(progress, sum(_size(each.path) for each in wanted))
    read = [(each, judge(each, reading)) for each in wanted if only is None or each.where in only]
    strange = _strange(paths, lying, expected, positions)
    unfinished = [each.where for each, broken in read if broken is not None and waits_aside(each)]
    taken_in = [*expected.segments, *sorted(positions)]  # in the order in which they were closed
    records = {name: each.stored.record for name, each in expected.segments.items()}
    found = [
        *(broken for each, broken in read if broken is not None and each.where not in unfinished),
        *(Broken(Trouble.MISSING, records[name], name) for name in expected.lost.keys() & names),
        *(each for each in _altered(expected) if within(each.where, since, until)),
        *(Broken(Trouble.REUSED, records[name], name) for name in strange.reused if within(name, since, until)),
        *(Broken(Trouble.GAP, records.get(name, 0), name) for name in gaps(taken_in) if within(name, since, until)),
        *(
            Broken(Trouble.UNKNOWN, 0, name)
            for name in strange.forged
            if named(name) is None or within(name, since, until)
        ),
    ]
    found.sort(key=lambda each: (each.number == 0, each.number, each.where))
    return replace(
        verdict,
        broken=tuple(found),
        segments=tuple(sorted(names | opened.keys())),
        files=len(wanted),
        octets=reading.octets,
        removed=sum(expected.segments[name].stored.removed for name in names) + len(expected.removed_archives),
        waiting=sum(within(name, since, until) for name in strange.waiting),
        leftovers=tuple(strange.leftovers),
        adopted=tuple((file, expected.adopted[file]) for file in adopted),
        stops=tuple(each for each in stops(taken_in) if _touches(each, since, until)),
    )


def _altered(expected: Expected) -> Iterator[Broken]:
    """Yield the segments that are not what was taken in of them: what they hold now is all that later records prove."""
    for record in expected.alarms:
        name, what = altered(record.body), text(record.body, "what")
        if not name or (what == Alarm.SEGMENT_LOST and name in expected.lost and name in expected.segments):
            continue  # one that vanished is missing
        yield Broken(Trouble.ALTERED if what == Alarm.SEGMENT_CHANGED else Trouble.CUT, record.number, name)


def _touches(stop: Stop, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or stop.over > since) and (until is None or stop.first < until)


def _adopted(expected: Expected, since: datetime | None, until: datetime | None) -> list[str]:
    """Return the files that were taken over after damage and can hold lines of `since` <= time < `until`."""
    first, last = (since.date().isoformat() if since else ""), (until.date().isoformat() if until else "9999")
    return [file for file in sorted(expected.adopted) if first <= expected.archives[file].day <= last]


def _closed(paths: Paths, expected: Expected, names: Iterable[str], adopted: Iterable[str]) -> list[Wanted]:
    """Return the files that have to be there and stay as they are, in the order of their records."""
    segments = [expected.segments[name].stored for name in names]
    files = [
        Wanted(paths.query_log / each.name, each.name, each.record, each.bytes, each.digest, is_log=True)
        for each in segments
        if not each.removed
    ]
    files += [
        Wanted(paths.archive / each.file, each.file, each.record, each.bytes, each.digest)
        for each in map(expected.archives.get, {each.archive for each in segments} | {*adopted})
        if each is not None
    ]
    return sorted(files, key=lambda each: (each.record, each.where))


def _open(paths: Paths, positions: dict[str, Position]) -> list[Wanted]:
    """Return the segments that are being followed: what was taken of them stays as it is."""
    return [
        Wanted(paths.query_log / name, name, 0, position.taken, position.digest, is_log=True, is_open=True)
        for name, position in sorted(positions.items())
    ]


def _strange(paths: Paths, lying: _Lying, expected: Expected, positions: Collection[str]) -> _Strange:
    """Judge what lies there and is no file that has to.

    The journal takes in a worker's segments in their order: what it does not know and is older than one that it knows,
    by its time and by its number, was put there. What was removed and is there as it was, a round of the archive that
    was cut off has left.
    """
    strange = _Strange([], [], [], [])
    newest: dict[int, Named] = {}
    greatest: dict[int, int] = {}
    for segment in map(named, [*expected.segments, *positions]):
        if segment is not None:
            newest[segment.worker] = max(segment, newest.get(segment.worker, segment))
            greatest[segment.worker] = max(segment.sequence, greatest.get(segment.worker, 0))
    for segment in lying.segments:
        name, known = segment.name, expected.segments.get(segment.name)
        if known is not None and known.stored.removed:
            if holds(paths.query_log / name, known.stored):
                strange.leftovers.append(name)
            else:
                (strange.reused if known.stored.archive else strange.forged).append(name)
        elif known is not None or name in positions:
            continue
        elif segment.worker not in newest or segment > newest[segment.worker]:
            strange.waiting.append(name)
        elif segment.sequence > greatest[segment.worker]:
            strange.waiting.append(name)  # begun while the clock lay behind
        else:
            strange.forged.append(name)
    for file in lying.archived:
        if file in expected.removed_archives:
            was = expected.removed_archives[file]
            is_as_it_was = judge(Wanted(paths.archive / file, file, 0, was.bytes, was.digest), Reading(None, 0)) is None
            (strange.leftovers if is_as_it_was else strange.forged).append(file)
        elif file.endswith(ASIDE):
            strange.leftovers.append(file)
        elif file not in expected.archives:
            strange.forged.append(file)
    return strange


def _segments(folder: Path) -> list[Named]:
    found = (named(name) for name in sorted(listed(folder)))
    return [each for each in found if each is not None and has_a_line(folder / each.name)]


def _archive(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
