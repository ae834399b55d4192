"""The bounded cache of two generations: its bounds, what survives a flood, what is on probation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.cache import CLIENT_SHARE, Generations

ENTRIES = 100
OCTETS = 100_000


def cache(entries: int = ENTRIES, octets: int = OCTETS) -> Generations[bytes]:
    """Return an empty cache."""
    return Generations(entries, octets, len)


def key(number: int) -> bytes:
    """Return a key."""
    return number.to_bytes(4)


def fill(into: Generations[bytes], numbers: range, size: int = 10, *, probation: bool = False) -> None:
    """Put values of one size under the keys of these numbers."""
    for number in numbers:
        into.put(key(number), bytes(size), probation=probation)


def held(of: Generations[bytes]) -> int:
    """Return how many octets of values are really held."""
    return sum(len(value) for part in (of.young, of.old, of.probation) for value in part.values())


def test_what_was_put_is_found_and_what_was_popped_is_not() -> None:
    some = cache()
    assert some.get(b"a") is None
    some.put(b"a", b"1")
    assert some.get(b"a") == b"1"
    assert some.pop(b"a") == b"1"
    assert some.get(b"a") is None
    assert some.pop(b"a") is None
    assert len(some) == 0


def test_the_newer_value_counts_wherever_the_older_one_lies() -> None:
    some = cache()
    fill(some, range(40))
    some.put(b"a", b"old")
    fill(some, range(40, 70))
    assert b"a" in some.old
    some.put(b"a", b"new")
    assert some.get(b"a") == b"new"
    assert some.pop(b"a") == b"new"
    assert some.get(b"a") is None, "what was popped came back from the old generation"


@pytest.mark.parametrize("size", [0, 10, 1000, 60_000])
def test_entries_and_octets_are_bounded(size: int) -> None:
    some = cache()
    for number in range(1000):
        fill(some, range(number, number + 1), size)
        assert len(some) <= ENTRIES + 1
        assert held(some) <= OCTETS + size


def test_octets_are_bounded_also_when_everything_is_used_again_and_again() -> None:
    """A client that asks for large answers, and keeps asking, must not fill the memory."""
    some = cache(entries=50_000)
    for number in range(400):
        fill(some, range(number, number + 1), 20_000)
        for earlier in range(number + 1):
            some.get(key(earlier))
    assert held(some) <= OCTETS + 20_000


def test_octets_on_probation_are_bounded() -> None:
    some = cache(entries=50_000)
    fill(some, range(1000), 20_000, probation=True)
    assert held(some) <= OCTETS + 20_000


def test_entries_on_probation_are_bounded() -> None:
    some = cache()
    fill(some, range(1000), probation=True)
    assert len(some) <= ENTRIES


def test_names_in_use_survive_a_flood_of_names_asked_once() -> None:
    some = cache()
    fill(some, range(20))
    for number in range(1000, 5000):
        fill(some, range(number, number + 1))
        if number % 10 == 0:
            assert all(some.get(key(used)) is not None for used in range(20))
    assert some.era > 10


def test_what_nobody_uses_is_forgotten() -> None:
    some = cache()
    fill(some, range(10))
    fill(some, range(1000, 1000 + ENTRIES + 5))
    assert all(some.get(key(number)) is None for number in range(10))


def test_a_flood_on_probation_leaves_all_others_alone() -> None:
    some = cache()
    fill(some, range(45))
    fill(some, range(1000, 100_000), probation=True)
    assert all(some.get(key(number)) is not None for number in range(45))
    assert some.era == 0


def test_what_is_asked_for_on_probation_is_kept_for_good() -> None:
    some = cache()
    fill(some, range(1), probation=True)
    assert some.get(key(0)) is not None
    assert key(0) not in some.probation
    fill(some, range(1000, 2000), probation=True)
    assert some.get(key(0)) is not None


def test_the_share_of_a_client_is_part_of_a_generation() -> None:
    assert 0 < cache().share <= ENTRIES / 2 * CLIENT_SHARE


def test_the_young_generation_stays_the_same_object() -> None:
    """Clients hold its `get`."""
    some = cache()
    young = some.young
    fill(some, range(1000))
    some.clear()
    assert some.young is young
    assert len(some) == 0
    assert some.octets == 0


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 30), st.integers(0, 3000)),
        st.tuples(st.just("probation"), st.integers(0, 30), st.integers(0, 3000)),
        st.tuples(st.just("get"), st.integers(0, 30), st.just(0)),
        st.tuples(st.just("pop"), st.integers(0, 30), st.just(0)),
    ),
    max_size=150,
)


@given(STEPS, st.integers(1, 20), st.integers(1, 30_000))
def test_whatever_is_done_what_is_found_is_what_was_put_last(
    steps: list[tuple[str, int, int]], entries: int, octets: int
) -> None:
    """The invariant of every cache: it may forget, it never remembers wrongly."""
    some: Generations[tuple[int, int]] = Generations(entries, octets, lambda pair: pair[1])
    last: dict[int, tuple[int, int] | None] = {}
    for moment, (step, number, size) in enumerate(steps):
        if step == "get":
            assert some.get(key(number)) in (None, last.get(number))
        elif step == "pop":
            assert some.pop(key(number)) in (None, last.get(number))
            last[number] = None
            assert some.get(key(number)) is None
        else:
            last[number] = (moment, size)
            some.put(key(number), (moment, size), probation=step == "probation")
            assert some.get(key(number)) in (None, last[number])
        assert set(some.all_keys()) <= {key(number) for number, value in last.items() if value is not None}
        assert len(some) <= entries + max(entries // 2, 1) + 2
