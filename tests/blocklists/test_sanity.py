"""What refuses a generation, what is only told, and who is to blame."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from blocklists.generation import CompiledList, Manifest
from blocklists.sanity import BLOCKED, Expectations, Kind, OpenName, Problem, examine
from blocklists.suffixes import from_rules
from policy.categories import BY_ID
from policy.decision import Listing, Terms

SUFFIXES = from_rules(["example", "host.example"])
PATTERN = Terms(pattern=True)


@dataclass
class Lists:
    """An index as a table, and the manifest that goes with it."""

    says: Mapping[str, Sequence[Listing]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=lambda: {"one": "1", "two": "1"})
    """Version of each list's text."""
    sizes: Mapping[str, int] = field(default_factory=dict)

    def lookup(self, name: str) -> Sequence[Listing]:
        return self.says.get(name, ())

    @property
    def manifest(self) -> Manifest:
        lists = tuple(CompiledList(each, "games", "domains", 1, 0, sha) for each, sha in self.texts.items())
        return Manifest("g", "", 1, 0, 0, 1, lists, self.sizes, {})


NEWS = {"one": "2", "two": "1"}


def found(new: Lists, old: Lists | None, expected: Expectations) -> list[Problem]:
    return list(examine(new, new.manifest, old, old.manifest if old else None, expected, SUFFIXES))


def one(name: str, category: str = "games", rule: str = "", terms: Terms | None = None) -> Listing:
    return Listing("one", category, rule or name, False, terms)


SCHOOL = Expectations((OpenName("school.example", subtree=False),), ())
MEANT = Expectations((OpenName("school.example", subtree=False, needed=False),), ())


@pytest.mark.parametrize(
    ("listings", "expected", "refuses"),
    [
        pytest.param([one("school.example", "terrorism")], SCHOOL, True, id="locked"),
        pytest.param([one("school.example", rule="sch*", terms=PATTERN)], SCHOOL, True, id="a pattern"),
        pytest.param([one("school.example", rule="example")], SCHOOL, True, id="a whole suffix"),
        pytest.param([one("school.example", "video")], SCHOOL, False, id="a category, which the tables open"),
        pytest.param([one("school.example", "video")], MEANT, True, id="a category, which nothing opens"),
    ],
)
def test_closing_what_must_stay_open(listings: list[Listing], expected: Expectations, refuses: bool) -> None:
    new = Lists({"school.example": listings}, NEWS)
    (problem,) = found(new, Lists(), expected)
    assert (problem.kind, problem.refuses, problem.lists) == (Kind.CLOSED, refuses, ("one",))
    assert (
        problem.words()
        == f"one: {listings[0].name} ({listings[0].category}) closes school.example, which must stay open"
    )


@pytest.mark.parametrize(
    "listings",
    [
        pytest.param([], id="nothing"),
        pytest.param([one("school.example"), Listing("one", "games", "school.example", True)], id="excepted by itself"),
        pytest.param([one("school.example", terms=Terms(shadow=True))], id="on trial"),
        pytest.param([one("school.example", terms=Terms(types=(16,)))], id="for other types"),
    ],
)
def test_what_closes_nothing_is_nothing(listings: list[Listing]) -> None:
    assert found(Lists({"school.example": listings}, NEWS), Lists(), MEANT) == []


def test_the_exception_of_another_list_does_not_help() -> None:
    listings = [one("school.example"), Listing("two", "games", "school.example", True)]
    assert [problem.refuses for problem in found(Lists({"school.example": listings}, NEWS), Lists(), MEANT)] == [True]


def test_a_rule_for_what_is_below_a_name_counts_if_that_is_needed() -> None:
    new = Lists({"www.school.example": [one("school.example", "terrorism")]}, NEWS)
    assert found(new, Lists(), SCHOOL) == []
    (problem,) = found(new, Lists(), Expectations((OpenName("school.example"),), ()))
    assert problem.refuses


@pytest.mark.parametrize(
    ("texts", "old", "refuses"),
    [
        pytest.param({"one": "1", "two": "1"}, Lists(), False, id="the text is the same"),
        pytest.param(NEWS, Lists({"school.example": [one("school.example")]}), False, id="it was so before"),
        pytest.param(NEWS, None, False, id="nothing is in force"),
        pytest.param(NEWS, Lists(texts={"two": "1"}), True, id="the list is new"),
    ],
)
def test_only_news_refuse(texts: dict[str, str], old: Lists | None, refuses: bool) -> None:
    problems = found(Lists({"school.example": [one("school.example")]}, texts), old, MEANT)
    assert [problem.refuses for problem in problems] == [refuses]


@pytest.mark.parametrize(
    ("says", "texts", "guilty"),
    [
        pytest.param({}, {"one": "2", "two": "2"}, ("one",), id="its list let it go"),
        pytest.param({}, {"two": "2"}, (), id="its list was removed"),
        pytest.param({}, {"one": "1", "two": "2"}, (), id="its list did not change"),
        pytest.param(
            {"casino.example": [one("casino.example", terms=Terms(shadow=True))]}, NEWS, ("one",), id="only on trial"
        ),
        pytest.param({"casino.example": [Listing("two", "video", "casino.example")]}, NEWS, None, id="another has it"),
    ],
)
def test_letting_go_what_must_stay_blocked(
    says: dict[str, list[Listing]], texts: dict[str, str], guilty: tuple[str, ...] | None
) -> None:
    old = Lists({"casino.example": [one("casino.example")]})
    problems = found(Lists(says, texts), old, Expectations((), ("casino.example", "unknown.example")))
    if guilty is None:
        assert problems == []
        return
    (problem,) = problems
    assert (problem.kind, problem.refuses, problem.lists) == (Kind.LOST, bool(guilty), guilty or ("one",))
    assert "casino.example (games) must stay blocked" in problem.words()


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [
        (1000, 499, Kind.SHRUNK),
        (1000, 500, None),
        (999, 1, None),
        (3, 0, Kind.EMPTY),
        (2500, 12_501, Kind.GROWN),
        (2500, 12_500, None),
        (10, 9_000, None),
        (100_000, 400_000, None),
    ],
)
def test_a_category_as_a_whole(before: int, now: int, kind: Kind | None) -> None:
    old = Lists(sizes={"games": before, "video": 7})
    problems = found(Lists({}, NEWS, {"games": now, "video": 7, "adult": 1}), old, Expectations((), ()))
    assert [(problem.kind, problem.refuses, problem.lists) for problem in problems] == (
        [(kind, True, ("one",))] if kind else []
    )
    assert all(str(before) in problem.words() for problem in problems)


@pytest.mark.parametrize(
    ("texts", "who"),
    [
        pytest.param({"two": "1"}, ("one", "two"), id="a list was removed"),
        pytest.param({"one": "1", "two": "1", "three": "1"}, ("one", "two"), id="a list was added"),
    ],
)
def test_what_was_done_by_hand_is_only_told(texts: dict[str, str], who: tuple[str, ...]) -> None:
    old = Lists(sizes={"games": 5000})
    for now in (0, 100):
        (problem,) = found(Lists({}, texts, {"games": now}), old, Expectations((), ()))
        assert (problem.refuses, problem.lists) == (False, who)
    assert found(Lists({}, texts, {"games": 500_000}), old, Expectations((), ())) == []


def test_what_refuses_comes_first() -> None:
    new = Lists({"a.example": [one("a.example", "video")], "b.example": [one("b.example", "terrorism")]}, NEWS)
    names = Expectations((OpenName("a.example"), OpenName("b.example")), ())
    assert [problem.name for problem in found(new, Lists(), names)] == ["b.example", "a.example"]


def test_the_table_speaks_of_every_category() -> None:
    assert BLOCKED.keys() == BY_ID.keys()
    assert all(BLOCKED.values())
