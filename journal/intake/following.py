"""What of the query log is taken in next: how far in each segment, in which order, and what its lines come to. Pure.

Of each segment a beginning is taken, never more than whole lines, so that one number says how far. Lines of several
workers are put in order by time up to a moment before which none of them writes any more; lines of one worker stay as
they stand, whatever its clock did.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import merge
from operator import itemgetter

from journal.whole_line import TIME, has_form, is_time, is_whole
from resolver.segments import Segment
from storage.journal_db import Tally

CUT_OCTETS = len("2026-09-02T10:15:30.250")
"""Of the time column: what two moments are compared by. The offset tells nothing where a school does not move."""
SUPERSEDES_AFTER = 5
"""Seconds after its begin by which a new segment of a worker ends the one before it. The worker needs far less."""

_UNTIL_MILLISECONDS = slice(CUT_OCTETS)
_SECOND_OCTETS, _HOUR_OCTETS, _DAY_OCTETS = len("2026-09-02T10:15:30"), len("2026-09-02T10"), len("2026-09-02")
_OFTEN = 10
"""The column behind `category`: the inner loop takes lines apart only so far."""
_KEPT_TIMES = 5_000

_AT_ONCE = 1 << 18

Key = tuple[bytes, bytes, bytes, bytes, bytes, bytes]
"""Hour, room, group, action, reason, category."""


@dataclass(slots=True)
class Taken:
    """What lines of one segment come to."""

    lines: int = 0
    damaged: int = 0
    first: bytes = b""
    """Time column of the first line that has the form of the log; empty if none has."""
    last: bytes = b""
    days: set[str] = field(default_factory=set)
    """YYYY-MM-DD, of all lines."""
    folded: list[bytes] = field(default_factory=list)
    """The lines that the incident rules are to see."""


class Counter:
    """Takes lines apart and counts them."""

    def __init__(self, watched: frozenset[bytes]) -> None:
        """`watched`: names that the incident rules want to see though they are allowed."""
        self._watched = watched
        self._seconds: dict[bytes, bytes] = {}
        self._tails: set[bytes] = set()
        self._counts: dict[Key, int] = {}

    def counts(self) -> dict[tuple[str, Tally], int]:
        """Return how many lines there were of each kind since the last call."""
        counts, self._counts = self._counts, {}
        return {(_text(hour), Tally(*map(_text, tally))): number for (hour, *tally), number in counts.items()}

    def take(self, octets: bytes) -> Taken:
        """Count lines, each with its line feed; what is damaged tells of nothing (journal/whole_line.py)."""
        taken = Taken()
        start = 0
        while start < len(octets):
            # Not all at once: lines that are alive together are memory.
            end = octets.rfind(b"\n", start, start + _AT_ONCE) + 1 or octets.index(b"\n", start) + 1
            self._take(octets[start:end], taken)
            start = end
        return taken

    def _take(self, octets: bytes, taken: Taken) -> None:
        # The one loop that sees every query of the school: what it does not need, it does not touch.
        seconds, tails, watched, folded = self._seconds, self._tails, self._watched, taken.folded
        counts: dict[Key, int] = {}
        first = last = b""
        lines = octets.split(b"\n")
        lines.pop()
        taken.lines += len(lines)
        # One look at all of them: so nothing but the time has to be looked at in each.
        if not has_form(octets, lines[0].count(b"\t") + 1):
            whole = [line for line in lines if is_whole(line)]
            taken.damaged += len(lines) - len(whole)
            lines = whole
        for line in lines:
            time, _client, _device, room, group, name, _type, action, reason, category, _rest = line.split(
                b"\t", _OFTEN
            )
            try:
                hour = seconds[time[:_SECOND_OCTETS]]
                if time[_SECOND_OCTETS:] not in tails:
                    raise KeyError
            except KeyError:
                if not self._learn(time):
                    taken.damaged += 1
                    continue
                hour = seconds[time[:_SECOND_OCTETS]]
            first = first or time
            last = time
            key = (hour, room, group, action, reason, category)
            counts[key] = counts.get(key, 0) + 1
            if action != b"allow" or name in watched:
                folded.append(line)
        taken.first = taken.first or first
        taken.last = last or taken.last
        taken.days |= {_text(key[0][:_DAY_OCTETS]) for key in counts}
        for key, number in counts.items():
            self._counts[key] = self._counts.get(key, 0) + number

    def _learn(self, time: bytes) -> bool:
        """Look closely at a time that was not met before; return whether it is one."""
        if not is_time(time):
            return False
        if len(self._seconds) > _KEPT_TIMES:
            self._seconds.clear()
        self._seconds[time[:_SECOND_OCTETS]] = time[:_HOUR_OCTETS]
        self._tails.add(time[_SECOND_OCTETS:])
        return True


def last_time(octets: bytes) -> bytes:
    """Return the time column of the last of whole lines that has one; empty if none has."""
    end = len(octets)
    while end > 0:
        start = octets.rfind(b"\n", 0, end - 1) + 1
        if found := TIME.match(octets, start, end):
            return found[0]
        end = start
    return b""


def before(octets: bytes, moment: bytes) -> int:
    """Return how many octets of whole lines stand before the first line that is not earlier than a time column.

    Lines are taken to be in order; one that names no time goes with those before it. If a clock was put back, it is
    still a beginning of whole lines.
    """
    moment = moment[:CUT_OCTETS]
    low, high = 0, len(octets)
    if last_time(octets)[:CUT_OCTETS] < moment:
        return high
    while low < high:
        start = octets.rfind(b"\n", low, (low + high) // 2) + 1 or low
        probe = _next_timed(octets, start, high)
        if probe < high and octets[probe : probe + CUT_OCTETS] < moment:
            low = octets.index(b"\n", probe) + 1
        else:
            high = start
    return _next_timed(octets, low, len(octets))


def _next_timed(octets: bytes, start: int, end: int) -> int:
    """Return where the first line from `start` on begins that has a time; `end` if there is none."""
    while start < end and TIME.match(octets, start) is None:
        start = octets.index(b"\n", start) + 1
    return min(start, end)


def merged(workers: Iterable[Sequence[bytes]]) -> Iterator[list[bytes]]:
    """Yield lines of several workers, taken apart, by time; of one moment, those of the first worker first."""
    for line in merge(*workers, key=itemgetter(_UNTIL_MILLISECONDS)):
        yield line.split(b"\t")


def superseded(segment: Segment, others: Iterable[Segment], now: datetime) -> bool:
    """Return whether its worker writes to another segment now. `others`: those whose header is whole.

    A name that lies in the future was given by a clock that was wrong, and says nothing of what came after it.
    """
    settled = f"{datetime.fromtimestamp(now.timestamp() - SUPERSEDES_AFTER, UTC):%Y%m%dT%H%M%S}"
    return any(
        other.worker == segment.worker and other.order > segment.order and other.order[0] <= settled for other in others
    )


def _text(octets: bytes) -> str:
    return octets.decode("ascii")
