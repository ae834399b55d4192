"""Sets of memberships say each thing once, whatever order it was said in."""

import json
from array import array
from itertools import permutations

import pytest

from blocklists.generation import Membership
from blocklists.memberships import MembershipSets, read_memberships
from blocklists.rules import Scope
from policy.decision import Terms

MEMBERS = (
    Membership("one", "games", Scope.EXACT, False),
    Membership("one", "games", Scope.SUBTREE, False),
    Membership("one", "games", Scope.BELOW, False),
    Membership("one", "games", Scope.SUBTREE, True),
    Membership("two", "video", Scope.EXACT, False),
    Membership("one", "games", Scope.SUBTREE, False, Terms(important=True)),
    Membership("two", "video", Scope.SUBTREE, False, Terms(shadow=True)),
    Membership("three", "vpn", Scope.ADDRESS, False),
)
EXACT, SUBTREE, BELOW, EXCEPTION, OTHER, IMPORTANT, SHADOW, NETWORK = range(8)


def grown(*members: int) -> tuple[int, ...]:
    sets = MembershipSets(MEMBERS)
    number = 0
    for member in members:
        number = sets.grow(number, member)
    (final,) = sets.number(array("I", [number])).sets
    return final


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ((EXACT, SUBTREE), (SUBTREE,)),
        ((BELOW, SUBTREE), (SUBTREE,)),
        ((EXACT, BELOW), (EXACT, BELOW)),
        ((EXACT, BELOW, SUBTREE), (SUBTREE,)),
        ((EXACT, EXACT), (EXACT,)),
        ((SUBTREE, EXCEPTION), (SUBTREE, EXCEPTION)),
        ((EXACT, OTHER), (EXACT, OTHER)),
        ((EXACT, IMPORTANT), (EXACT, IMPORTANT)),
        ((OTHER, SHADOW), (OTHER, SHADOW)),
    ],
)
def test_what_covers_more_takes_the_place_of_what_covers_less(
    members: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    for order in permutations(members):
        assert grown(*order) == expected


def test_exceptions_networks_and_lists_on_trial_count_for_no_category() -> None:
    sets = MembershipSets(MEMBERS)
    singles = [sets.grow(0, member) for member in range(len(MEMBERS))]
    assert dict(sets.number(array("I", singles)).categories) == {"games": 4, "video": 1}


def test_memberships_are_read_as_they_were_written() -> None:
    members = (
        *MEMBERS,
        Membership("four", "ads", Scope.SUBTREE, True, Terms(types=(1, 28), excluded=("a.example",), nearest=True)),
        Membership("four", "ads", Scope.PATTERN, False, Terms(pattern=True, other_types=(65,))),
    )
    sets = MembershipSets(members)
    numbered = sets.number(array("I", [sets.grow(sets.grow(0, 0), 8), 0]))
    text = numbered.to_json(members)
    assert read_memberships(text.encode()) == (list(members), [list(one) for one in numbered.sets])
    assert '"terms"' not in text
    assert "false, null]" in text, "what has no terms says so in one word"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        json.dumps({"memberships": [["one", "games", "exact", False]], "sets": []}).encode(),
        json.dumps({"memberships": [["one", "games", "all", False, None]], "sets": []}).encode(),
        json.dumps({"memberships": [["one", "games", "exact", False, {"unknown": 1}]], "sets": []}).encode(),
    ],
    ids=["empty", "list", "no-memberships", "short", "scope", "terms"],
)
def test_other_texts_are_refused(data: bytes) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        read_memberships(data)
