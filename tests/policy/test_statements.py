"""What lists say, after conditions and exceptions: a table of cases, and an oracle that follows the documents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.decision import Listing, Terms
from policy.names import with_parents
from policy.statements import in_force

A, AAAA, HTTPS = 1, 28, 65
NAME = "www.ads.example.org"


def says(list_id: str = "one", name: str = "example.org", *, allows: bool = False, **terms: object) -> Listing:
    return Listing(list_id, "games", name, allows, Terms(**terms) if terms else None)  # type: ignore[arg-type] # a table


BLOCK, ALLOW = says(), says(allows=True)
IMPORTANT = says(important=True)

TABLE: list[tuple[str, tuple[Listing, ...], int, tuple[Listing, ...]]] = [
    ("nothing is said", (), A, ()),
    ("a block holds", (BLOCK,), A, (BLOCK,)),
    ("an exception is no statement", (ALLOW,), A, ()),
    ("an exception silences its list", (BLOCK, ALLOW), A, ()),
    ("an exception of another list does not", (BLOCK, says("two", allows=True)), A, (BLOCK,)),
    ("an exception for a name above silences what is below", (says(name=NAME), says(name="org", allows=True)), A, ()),
    ("important beats an exception", (IMPORTANT, BLOCK, ALLOW), A, (IMPORTANT,)),
    ("an important exception beats all", (IMPORTANT, BLOCK, says(allows=True, important=True)), A, ()),
    ("a block for other types", (says(types=(AAAA,)),), A, ()),
    ("a block for this type", (says(types=(AAAA, HTTPS)),), HTTPS, (says(types=(AAAA, HTTPS)),)),
    ("a block for all types but this", (says(other_types=(A,)),), A, ()),
    ("a block for all types but another", (says(other_types=(A,)),), AAAA, (says(other_types=(A,)),)),
    ("an exception for other types", (BLOCK, says(allows=True, types=(AAAA,))), A, (BLOCK,)),
    ("an exception for this type", (BLOCK, says(allows=True, types=(A,))), A, ()),
    ("a block but for a name below", (says(excluded=("ads.example.org",)),), A, ()),
    ("a block but for this very name", (says(excluded=(NAME,)),), A, ()),
    ("a block but for another name", (says(excluded=("x.example.org",)),), A, (says(excluded=("x.example.org",)),)),
    ("an exception but for this name", (BLOCK, says(allows=True, excluded=(NAME,))), A, (BLOCK,)),
    ("a nearest exception for the same name", (BLOCK, says(allows=True, nearest=True)), A, ()),
    ("a nearest exception for a name below", (BLOCK, says(name=NAME, allows=True, nearest=True)), A, ()),
    ("a nearest exception above", (BLOCK, says(name="org", allows=True, nearest=True)), A, (BLOCK,)),
    (
        "a nearest exception and an expression",
        (says(name="*ads*", pattern=True), says(allows=True, nearest=True)),
        A,
        (),
    ),
    (
        "a nearest exception by an expression",
        (BLOCK, says(name="a" * 60, allows=True, nearest=True, pattern=True)),
        A,
        (BLOCK,),
    ),
    (
        "a nearest exception for a wider network",
        (says(name="192.0.2.0/24"), says(name="192.0.0.0/16", allows=True, nearest=True)),
        A,
        (says(name="192.0.2.0/24"),),
    ),
    (
        "a nearest exception for one address of a network",
        (says(name="192.0.2.0/24"), says(name="192.0.2.1", allows=True, nearest=True)),
        A,
        (),
    ),
    (
        "a nearest exception for the network of a listed address",
        (says(name="192.0.2.1"), says(name="192.0.2.0/24", allows=True, nearest=True)),
        A,
        (says(name="192.0.2.1"),),
    ),
]


@pytest.mark.parametrize(("case", "listings", "qtype", "held"), TABLE, ids=[row[0] for row in TABLE])
def test_conditions_and_exceptions(
    case: str, listings: tuple[Listing, ...], qtype: int, held: tuple[Listing, ...]
) -> None:
    for order in (listings, listings[::-1]):
        assert set(in_force(order, NAME, qtype)[0]) == set(held)
        assert not in_force(order, NAME, qtype)[1]


def test_lists_on_trial_are_told_apart() -> None:
    trial = says("trial", shadow=True)
    excepted = says("other-trial", shadow=True)
    held, shadow = in_force((BLOCK, trial, excepted, says("other-trial", allows=True, shadow=True)), NAME, A)
    assert (list(held), list(shadow)) == ([BLOCK], [trial])


def test_nothing_to_weigh_is_passed_on_as_it_is() -> None:
    listings = (BLOCK, says("two"))
    assert in_force(listings, NAME, A)[0] is listings


TYPES = st.lists(st.sampled_from([A, AAAA, HTTPS]), max_size=2, unique=True).map(tuple)
TERMS = st.builds(
    Terms,
    important=st.booleans(),
    types=TYPES,
    other_types=TYPES,
    excluded=st.lists(st.sampled_from([NAME, "ads.example.org", "example.net"]), max_size=1).map(tuple),
    nearest=st.booleans(),
    shadow=st.booleans(),
    pattern=st.booleans(),
)
LISTINGS = st.lists(
    st.builds(
        Listing,
        st.sampled_from(["one", "two"]),
        st.sampled_from(["games", "adult"]),
        st.sampled_from(list(with_parents(NAME))),
        st.booleans(),
        st.none() | TERMS,
    ),
    max_size=6,
).map(tuple)


def oracle(listings: tuple[Listing, ...], name: str, qtype: int) -> set[Listing]:
    """Follow the documents word by word: AdBlock's order of strength, and RPZ's most specific."""
    held = set()
    for block in listings:
        terms = block.terms or Terms()
        if block.allows or not applies(terms, name, qtype):
            continue
        silent = False
        for other in listings:
            exception = other.terms or Terms()
            if not other.allows or other.list_id != block.list_id or not applies(exception, name, qtype):
                continue
            if terms.important and not exception.important:
                continue
            if exception.nearest:
                place = list(with_parents(name))
                depth = -1 if exception.pattern else len(place) - place.index(other.name)
                block_depth = -1 if terms.pattern else len(place) - place.index(block.name)
                if block_depth > depth:
                    continue
            silent = True
        if not silent:
            held.add(block)
    return held


def applies(terms: Terms, name: str, qtype: int) -> bool:
    wanted = not terms.types or qtype in terms.types
    below = any(name == each or name.endswith(f".{each}") for each in terms.excluded)
    return wanted and qtype not in terms.other_types and not below


@given(LISTINGS, st.sampled_from([A, AAAA, HTTPS]))
def test_in_force_agrees_with_an_oracle(listings: tuple[Listing, ...], qtype: int) -> None:
    held, shadow = in_force(listings, NAME, qtype)
    assert {*held, *shadow} == oracle(listings, NAME, qtype)
    assert not any(each.allows for each in (*held, *shadow))
    assert all(each.terms is not None and each.terms.shadow for each in shadow)
    assert not any(each.terms is not None and each.terms.shadow for each in held)
