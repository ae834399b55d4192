"""Take finished replies along when lists or policy change: those about which nothing is different now.

To make ten thousand replies anew keeps a worker busy for a quarter of a second. So they are looked through beforehand,
a few at a time between answers; what the old and the new decide alike is given on, and only the rest is made anew.
"""

from collections.abc import Callable, Generator, Iterator, Mapping

from policy.decision import Decision
from policy.snapshot import Place, Snapshot
from policy.views import View
from resolver.cache import Finished, ViewState
from resolver.judge import Judge
from resolver.records import Answer
from resolver.wire import Query, parse_query

STEP = 100
"""Replies looked at in one go: about a millisecond."""
STEP_ENTRIES = 1000
"""Entries of people compared in one go: about a millisecond."""

States = dict[int, ViewState]
"""Views in force with their replies, by the identity of the view, which the state holds."""

_NO_TABLES: dict[str, Mapping[str, object]] = {"allow": {}, "block": {}, "needed": {}, "rewrites": {}}
"""What is large in a view, and shared by groups."""


class Succession:
    """A change of policy or lists that is being prepared: what comes, and which replies it takes over."""

    def __init__(
        self,
        states: States,
        before: Judge,
        snapshot: Snapshot,
        judge: Judge,
        heir: Callable[[View], ViewState],
    ) -> None:
        self.states = states
        """The views in force when it began."""
        self.before = before
        self.snapshot = snapshot
        self.judge = judge
        self.kept: States = {}
        """By the view that comes: those for which nothing changes at all."""
        self.heirs: States = {}
        self._heir = heir
        self._equal: dict[tuple[int, int], bool] = {}
        """Of tables that were compared, by identity: most groups share theirs."""
        self._work = self._take_along()

    def step(self) -> bool:
        """Look at some replies; whether there are more. What was not looked at is simply made anew."""
        return next(self._work, False)

    def _take_along(self) -> Iterator[bool]:
        # A lesson that begins parts one view into two, and at the bell many become one.
        pairs = [
            (state, view, places) for state in self.states.values() for view, places in comings(state, self.snapshot)
        ]
        if self.judge is self.before:
            for state, view, _ in pairs:
                if id(view) not in self.kept and (yield from self._alike(state.view, view)):
                    self.kept[id(view)] = state
        for state, view, places in pairs:
            if id(view) in self.kept:
                continue
            new = self.heirs.get(id(view))
            if new is None:
                new = self.heirs[id(view)] = self._heir(view)
            new.places |= places
            cache = state.finished
            for number, key in enumerate([*cache.old, *cache.young], 1):
                finished = cache.young.get(key) or cache.old.get(key)
                if finished is not None and _stays(key, finished, state.view, self.before, view, self.judge):
                    new.finished.put(key, finished)
                if not number % STEP:
                    yield True

    def _alike(self, view: View, next_view: View) -> Generator[bool, None, bool]:
        """Return whether two views say the same. A policy that is read again consists of new objects throughout."""
        if view is next_view:
            return True
        if view.varied(**_NO_TABLES) != next_view.varied(**_NO_TABLES):
            return False
        for table in _NO_TABLES:
            one, other = getattr(view, table), getattr(next_view, table)
            pair = id(one), id(other)
            if pair not in self._equal:
                self._equal[pair] = yield from _equal(one, other)
            if not self._equal[pair]:
                return False
        return True


def comings(state: ViewState, snapshot: Snapshot) -> list[tuple[View, set[Place]]]:
    """Return what those who are in a view now get by another policy: each view once, with who gets it."""
    found: dict[int, tuple[View, set[Place]]] = {}
    for place in state.places:
        if place.group in snapshot.views:
            view = snapshot.view(place)
            found.setdefault(id(view), (view, set()))[1].add(place)
    return list(found.values())


def _equal(one: Mapping[str, object], other: Mapping[str, object]) -> Generator[bool, None, bool]:
    if len(one) != len(other):
        return False
    for number, (name, entry) in enumerate(one.items(), 1):
        if other.get(name) != entry:
            return False
        if not number % STEP_ENTRIES:
            yield True
    return True


def _stays(key: bytes, finished: Finished, view: View, judge: Judge, next_view: View, successor: Judge) -> bool:
    source = finished[4]
    query = source.query if source is not None else parse_query(b"\x00\x00" + key)
    if not isinstance(query, Query):
        return False
    answer = None if source is None else source.answer
    # What is answered for safe search no longer shows by which aliases it was found: it is made anew.
    before = _decided(view, judge, query, answer)
    return before.rewrite is None and before == _decided(next_view, successor, query, answer)


def _decided(view: View, judge: Judge, query: Query, answer: Answer | None) -> Decision:
    decision = judge.question(view, query)
    return decision if answer is None or decision.blocked else judge.answer(view, query, decision, answer)
