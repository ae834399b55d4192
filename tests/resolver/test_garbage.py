"""Cycles are found a little at a time, thoroughly while nobody asks, and never on the path of a query."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from resolver import garbage
from resolver.garbage import Garbage


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Iterator[Garbage]:
    monkeypatch.setattr(garbage, "MOUTHFUL", 2000)
    monkeypatch.setattr(garbage, "WORTHWHILE", 20_000)
    monkeypatch.setattr(garbage, "TOO_MANY", 30_000)
    found = Garbage()
    found.begin()
    try:
        yield found
    finally:
        gc.unfreeze()
        gc.enable()


class Link:
    """An object that holds itself."""

    def __init__(self) -> None:
        self.itself = self


def cycles(count: int) -> list[Link]:
    return [Link() for _ in range(count)]


def alive(links: list[Link]) -> "weakref.WeakSet[Link]":
    return weakref.WeakSet(links)


def test_what_has_become_garbage_is_freed_while_people_ask(begun: Garbage) -> None:
    links = cycles(3000)
    seen = alive(links)
    links.clear()
    assert len(seen) == 3000, "cycles are not freed by counting"
    assert begun.look(1)
    assert not len(seen)
    assert not begun.look(2), "little was made since"


def test_what_has_been_looked_at_costs_no_more_time(begun: Garbage) -> None:
    kept = [[number] for number in range(20_000)]
    assert begun.look(1)
    aside = gc.get_freeze_count()
    assert aside > len(kept)
    assert len(gc.get_objects()) < 1000, "what the next look will look at"
    links = cycles(3000)
    assert begun.look(2)
    assert gc.get_freeze_count() > aside + 3000
    del links


def test_a_quiet_second_is_used_for_what_was_put_aside(begun: Garbage) -> None:
    links = cycles(3000)
    seen = alive(links)
    assert begun.look(1)
    links.clear()
    assert not begun.look(1), "quiet, but it is not worthwhile yet"
    kept = [[number] for number in range(20_000)]
    assert begun.look(2)
    assert len(seen) == 3000, "they had been put aside"
    assert begun.look(2)
    assert not len(seen)
    assert not begun.look(2), "once is enough"
    del kept


def test_what_grows_without_end_is_looked_at_whoever_asks(begun: Garbage) -> None:
    """Connections that each live for longer than a second, day and night."""
    before: list[Link] = []
    seen: weakref.WeakSet[Link] = weakref.WeakSet()
    most = 0
    for queries in range(40):
        before, links = cycles(3000), before
        seen.update(before)
        links.clear()
        begun.look(queries)
        most = max(most, len(seen))
    assert 6000 < most < 40_000, "not 120,000"


def test_full_caches_are_looked_through_only_while_they_fill(begun: Garbage) -> None:
    """Two generations of 50,000 entries, without a quiet second."""
    young, old = dict[int, list[int]](), dict[int, list[int]]()
    looked_at: list[int] = []

    def note(phase: str, _info: object) -> None:
        if phase == "start":
            looked_at.append(len(gc.get_objects()))

    gc.callbacks.append(note)
    try:
        for queries in range(100):
            if len(young) >= 50_000:
                young, old = {}, young
            young |= {queries * 5000 + number: [number] for number in range(5000)}
            begun.look(queries)
    finally:
        gc.callbacks.remove(note)
    assert len(looked_at) > 50
    assert sum(count > 20_000 for count in looked_at) <= 3, "100,000 is three times too many"
    del young, old


def test_nothing_is_collected_by_itself(begun: Garbage) -> None:
    gc.collect()
    passed = []
    gc.callbacks.append(lambda phase, _: passed.append(phase))
    try:
        kept = [[number] for number in range(100_000)]
    finally:
        gc.callbacks.pop()
    assert not passed
    del kept
