"""Two bounded caches: what upstreams said, by question; and finished replies, by the octets of the query, for one view.

Both keep two generations: what is used moves to the young one, and when that is full the old one is forgotten. So names
in use so survive a flood of names that are asked once, at the price of one dictionary look-up. A client that has
filled its share of a generation puts what more it asks on probation: it stays there only if it is asked for again.
"""

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from policy.snapshot import Place
from policy.views import View
from resolver.records import Answer
from resolver.wire import Query

V = TypeVar("V", bound=object)

CLIENT_SHARE = 0.75
"""Of a generation, the most that one client may fill: random names from one device must not push out everyone's."""
_OVERHEAD = 300
"""Octets of interpreter objects around one entry, measured."""


class Generations(Generic[V]):
    """A bounded mapping with two generations. `young` is read directly on the hot path."""

    __slots__ = (
        "_full_bytes", "_full_entries", "_measure", "_probation_bytes", "era", "old", "old_bytes", "probation",
        "young", "young_bytes",
    )  # fmt: skip

    def __init__(self, entries: int, octets: int, measure: Callable[[V], int]) -> None:
        self.young: dict[bytes, V] = {}
        self.old: dict[bytes, V] = {}
        self.probation: dict[bytes, V] = {}
        self.young_bytes = self.old_bytes = self._probation_bytes = 0
        self.era = 0
        """Counts generations; a client's share is counted anew in each."""
        self._full_entries = max(entries // 2, 1)
        self._full_bytes = max(octets // 2, 1)
        self._measure = measure

    def get(self, key: bytes) -> V | None:
        """Return the value, moving it to the young generation if it is elsewhere."""
        value = self.young.get(key)
        if value is None and (key in self.old or key in self.probation):
            value = self.old.pop(key, None) or self.probation.pop(key)
            self._put(key, value)
        return value

    def put(self, key: bytes, value: V, *, probation: bool = False) -> None:
        """Keep a value; on probation it stays only until that place is full, unless it is asked for again."""
        self.old.pop(key, None)
        if not probation or key in self.young:
            self.probation.pop(key, None)
            self._put(key, value)
            return
        if len(self.probation) >= self._full_entries // 2 or self._probation_bytes > self._full_bytes // 2:
            self.probation.clear()
            self._probation_bytes = 0
        self.probation[key] = value
        self._probation_bytes += self._octets(key, value)

    def _put(self, key: bytes, value: V) -> None:
        before = self.young.get(key)
        if before is not None:
            self.young_bytes -= self._octets(key, before)
        self.young[key] = value
        self.young_bytes += self._octets(key, value)
        if len(self.young) > self._full_entries or self.young_bytes > self._full_bytes:
            self.old, self.old_bytes = self.young.copy(), self.young_bytes
            self.young.clear()  # the same object on: clients hold its `get`
            self.young_bytes = 0
            self.era += 1

    def _octets(self, key: bytes, value: V) -> int:
        return len(key) + self._measure(value) + _OVERHEAD

    def pop(self, key: bytes) -> V | None:
        """Forget a key; return what it held."""
        young = self.young.pop(key, None)
        if young is not None:
            self.young_bytes -= self._octets(key, young)
        old, probation = self.old.pop(key, None), self.probation.pop(key, None)
        return young or old or probation

    def all_keys(self) -> list[bytes]:
        """Return every key."""
        return [*self.young, *self.old, *self.probation]

    def clear(self) -> None:
        """Forget everything."""
        self.young.clear()
        self.old.clear()
        self.probation.clear()
        self.young_bytes = self.old_bytes = self._probation_bytes = 0

    def release(self, entries: int) -> int:
        """Forget up to that many entries, whichever come first; return how many it were."""
        left = entries
        for part in (self.young, self.old, self.probation):
            while left and part:
                part.popitem()
                left -= 1
        if not len(self):
            self.clear()
        return entries - left

    def __len__(self) -> int:
        return len(self.young) + len(self.old) + len(self.probation)

    @property
    def octets(self) -> int:
        """Octets held at most, about."""
        return self.young_bytes + self.old_bytes + self._probation_bytes

    @property
    def share(self) -> int:
        """Entries of one generation that one client may fill."""
        return int(self._full_entries * CLIENT_SHARE)


class Source(NamedTuple):
    """What a finished reply was made from, to make it again when its TTLs must be rewritten."""

    query: Query
    answer: Answer
    key: bytes
    """Of the question, in the cache of answers."""
    seconds: int = 1
    """In how many different seconds it was asked for: what is popular is fetched again before it ends."""


Finished = tuple[float, bytes, bytes, int, Source | None]
"""A reply ready to be sent again to whoever in the view asks with the same octets:

the moment (monotonic) from which its TTLs must be rewritten; everything behind the id; the end of the log line, from
the name on; 1 for a sinkhole, for the count of blocked queries; what it was made from, None if it never changes.

A plain tuple read by position, because the hot path must not touch what it does not need: with ten thousand names in
use, every object looked at is a cache line that has to come from memory.
"""


def _finished_octets(finished: Finished) -> int:
    return len(finished[1]) + len(finished[2])


class ViewState:
    """One view of the policy and the finished replies its clients get."""

    __slots__ = ("finished", "places", "view")

    def __init__(self, view: View, entries: int, octets: int) -> None:
        self.view = view
        self.places: set[Place] = set()
        """Where clients that have it stand."""
        self.finished: Generations[Finished] = Generations(entries, octets, _finished_octets)
