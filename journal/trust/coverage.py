"""Whether the segments of a stretch of time are all there: names count, and each hour of a worker has one. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise

from journal.trust.verdict import Stop

_NEAR = 3
"""So many segments of a worker are closed, at most, before one whose name lies in the future: that takes two hours."""
_NAME = re.compile(r"([0-9]{8}T[0-9]{6})-w([0-9]+)-([0-9]+)\.tsv")


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
        begun = datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return Named(int(found[2]), begun, int(found[3]), name)


def gaps(names: Iterable[str]) -> Iterator[str]:
    """Yield the segments before which one is missing: each is the first of a run, or the next of one.

    `names`: in the order in which they were closed. Each is followed by one at most. Of the first that is known of a
    worker nobody can say what came before it.
    """
    given = [each for each in map(named, names) if each is not None]
    for worker in sorted({each.worker for each in given}):
        yield from _gaps_of([each for each in given if each.worker == worker])


def _gaps_of(closed: Sequence[Named]) -> Iterator[str]:
    rank = {each: at for at, each in enumerate(closed)}
    unfollowed: set[Named] = set()
    lonely: list[Named] = []
    before: list[Named] = []
    for _begun, same in groupby(sorted(closed), key=lambda each: each.begun):
        # Runs may begin within the same second; then nobody knows which of its segments came first.
        segments = list(same)
        is_first = not before
        for each in segments:
            if each.sequence == 1 or is_first:
                continue
            last = next((other for other in before if other.sequence == each.sequence - 1), None)
            if last is None:
                lonely.append(each)
            else:
                before.remove(last)
        unfollowed.update(before)
        before = segments
    unfollowed.update(before)
    for each in lonely:
        last = next((other for other in sorted(unfollowed) if _may_follow(each, other, rank)), None)
        if last is None:
            yield each.name
        else:
            unfollowed.remove(last)


def _may_follow(segment: Named, last: Named, rank: Mapping[Named, int]) -> bool:
    """Return whether a segment may be the next of another that is not beside it: a clock that was put back does that.

    Then their names lie in the wrong order, or those of two runs lie among each other; they were closed one soon after
    the other.
    """
    return (
        last.sequence == segment.sequence - 1
        and abs(rank[segment] - rank[last]) <= _NEAR
        and (last.begun > segment.begun or segment.begun - last.begun <= timedelta(hours=1))
    )


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
