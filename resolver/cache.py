"""Two bounded caches: what upstreams said, by question; and finished replies, by the octets of the query, for one view.

Both keep two generations: what is used moves to the young one, and when that is full the old one is forgotten. So names
in use so survive a flood of names that are asked once, at the price of one dictionary look-up. A client that has
filled its share of a generation puts what more it asks on probation: it stays there only if it is asked for again.
"""

from typing import Generic, NamedTuple, TypeVar

from policy.snapshot import View
from resolver.records import Answer
from resolver.wire import Query

V = TypeVar("V", bound=object)

CLIENT_SHARE = 0.75
"""Of a generation, the most that one client may fill: random names from one device must not push out everyone's."""
_OVERHEAD = 300
"""Octets of interpreter objects around one entry, measured."""
_USUAL = 600
"""Octets of a usual entry with its key: what one that moves is counted as."""


class Generations(Generic[V]):
    """A bounded mapping with two generations. `young` is read directly on the hot path."""

    __slots__ = (
        "_full_bytes", "_full_entries", "era", "old", "old_bytes", "probation", "young", "young_bytes",
    )  # fmt: skip

    def __init__(self, entries: int, octets: int) -> None:
        self.young: dict[bytes, V] = {}
        self.old: dict[bytes, V] = {}
        self.probation: dict[bytes, V] = {}
        self.young_bytes = self.old_bytes = 0
        self.era = 0
        """Counts generations; a client's share is counted anew in each."""
        self._full_entries = max(entries // 2, 1)
        self._full_bytes = max(octets // 2, 1)

    def get(self, key: bytes) -> V | None:
        """Return the value, moving it to the young generation if it was in the old one."""
        value = self.young.get(key)
        if value is None and (key in self.old or key in self.probation):
            value = self.old.pop(key, None) or self.probation.pop(key)
            self._put(key, value, _USUAL)
        return value

    def put(self, key: bytes, value: V, octets: int, *, probation: bool = False) -> None:
        """Keep a value of about so many octets; on probation only until it has company of its kind."""
        if not probation:
            self._put(key, value, octets + len(key) + _OVERHEAD)
            return
        if len(self.probation) >= self._full_entries // 2:
            self.probation.clear()
        self.probation[key] = value

    def _put(self, key: bytes, value: V, octets: int) -> None:
        self.young[key] = value
        self.young_bytes += octets
        if len(self.young) > self._full_entries or self.young_bytes > self._full_bytes:
            self.old, self.old_bytes = self.young.copy(), self.young_bytes
            self.young.clear()  # the same object on: clients hold its `get`
            self.young_bytes = 0
            self.era += 1

    def pop(self, key: bytes) -> V | None:
        """Forget a key; return what it held."""
        return self.young.pop(key, None) or self.old.pop(key, None) or self.probation.pop(key, None)

    def all_keys(self) -> list[bytes]:
        """Return every key."""
        return [*self.young, *self.old, *self.probation]

    def clear(self) -> None:
        """Forget everything."""
        self.young.clear()
        self.old.clear()
        self.probation.clear()
        self.young_bytes = self.old_bytes = 0

    def __len__(self) -> int:
        return len(self.young) + len(self.old) + len(self.probation)

    @property
    def octets(self) -> int:
        """Octets held, about."""
        return self.young_bytes + self.old_bytes + len(self.probation) * _USUAL

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
    tail: bytes
    """End of the log line."""


class Finished(NamedTuple):
    """A reply ready to be sent again to whoever in the view asks with the same octets."""

    until: float
    """Moment (monotonic) from which its TTLs must be rewritten."""
    body: bytes
    """Everything behind the id."""
    tail: bytes
    """End of the log line, from the name on."""
    source: Source | None
    """None: it never changes (a sinkhole, a special name)."""
    blocked: int
    """1 for a sinkhole, for the count of blocked queries."""
    seconds: int
    """In how many different seconds it was asked for: what is popular is fetched again before it ends."""


class ViewState:
    """One view of the policy and the finished replies its clients get."""

    __slots__ = ("finished", "view")

    def __init__(self, view: View, entries: int, octets: int) -> None:
        self.view = view
        self.finished: Generations[Finished] = Generations(entries, octets)
