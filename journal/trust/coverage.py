"""Whether the segments of a stretch of time are all there: names count, and each hour of a worker has one. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from journal.trust.verdict import Stop
from resolver.segments import begun

_NEAR = 3
"""So many segments of a worker are closed, at most, before one whose name lies in the future: that takes two hours."""
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}-w([0-9]+)-([0-9]+)\.tsv")


@dataclass(frozen=True, slots=True, order=True)
class Named:
    """A segment by its name (docs/querylog.md); sorts those of a worker by age."""

    worker: int
    begun: datetime
    sequence: int
    name: str


def named(name: str) -> Named | None:
    """Return what the name of a segment says; None for another file."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    try:
        return Named(int(found[1]), begun(name), int(found[2]), name)
    except ValueError:
        return None


def gaps(names: Iterable[str]) -> Iterator[str]:
    """Yield the segments before which one is missing, by their numbers alone: a clock may say anything.

    `names`: in the order in which they were closed. A worker's numbers go on over restarts; another run of them begins
    only where its folder was lost, wholly (with 1) or in part (with a number that was there before). Of the first that
    is known of a worker nobody can say what came before it.
    """
    given = [each for each in map(named, names) if each is not None]
    for worker in sorted({each.worker for each in given}):
        yield from _gaps_of([each for each in given if each.worker == worker])


def _gaps_of(closed: Sequence[Named]) -> Iterator[str]:
    runs: list[dict[int, int]] = []  # number and rank in the order of closing
    for rank, each in enumerate(closed):
        if not runs or each.sequence == 1 or each.sequence in runs[-1]:
            runs.append({})
        runs[-1][each.sequence] = rank
    for at, run in enumerate(runs):
        least = min(run)
        beside = [*runs[max(at - 1, 0) : at], *runs[at + 1 : at + 2]]
        for number, rank in run.items():
            if number == least or number - 1 in run:
                continue
            if not any(_is_next(closed, rank, other) for other in beside):
                yield closed[rank].name


def _is_next(closed: Sequence[Named], rank: int, other: Mapping[int, int]) -> bool:
    """Return whether a segment is the next of a run beside its own: the last of one may be closed after the first of
    the other, and a first after the second, if a clock was put back just then.
    """
    segment = closed[rank]
    before = other.get(segment.sequence - 1)
    if before is None or segment.sequence in other or abs(rank - before) > _NEAR:
        return False
    last = closed[before].begun
    return last > segment.begun or segment.begun - last <= timedelta(hours=1)


def stops(names: Iterable[str]) -> Iterator[Stop]:
    """Yield the hours without a segment: a worker that runs begins one each hour, also if nobody asks anything."""
    for before, after in _neighbours(names):
        first = _hour(before.begun) + timedelta(hours=1)
        hours = (_hour(after.begun) - first) // timedelta(hours=1)
        if hours > 0:
            yield Stop(before.worker, first, hours)


def within(name: str, since: datetime | None, until: datetime | None) -> bool:
    """Return whether a segment can hold lines of `since` <= time < `until`."""
    segment = named(name)
    if segment is None:
        return False
    over = segment.begun + timedelta(hours=1, minutes=1)  # the last line of an hour may be written a moment later
    return (since is None or over > since) and (until is None or segment.begun < until)


def _neighbours(names: Iterable[str]) -> Iterator[tuple[Named, Named]]:
    return ((before, after) for before, after in pairwise(_ordered(names)) if before.worker == after.worker)


def _ordered(names: Iterable[str]) -> list[Named]:
    return sorted(each for each in map(named, names) if each is not None)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0)
