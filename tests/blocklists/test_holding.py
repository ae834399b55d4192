"""No rule of a stranger closes a suffix, or much of what the school uses, before the operator let it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists import holding
from blocklists.holding import (
    MIN_TOP,
    Held,
    WhyHeld,
    broad_names,
    held_network,
    held_patterns,
    name_judge,
)
from blocklists.networks import parse_network
from blocklists.patterns import MAX_UNFILTERED_SIZE, Patterns, size_of
from blocklists.rules import Rule, Scope
from blocklists.sources import Source
from blocklists.suffixes import from_rules
from policy.decision import Terms

SUFFIXES = from_rules(["org", "net", "kz", "edu.kz", "*.ck", "!www.ck"])
SOURCE = Source("one", "one", "games", "/nowhere/one")
TOP = [f"n{number}.example.net" for number in range(10)] + [f"n{number}.org" for number in range(190)]
"""Ten of two hundred names are below example.net: 5 %."""


def rule(name: str, scope: Scope = Scope.SUBTREE, *, allows: bool = False, written: str = "") -> Rule:
    return Rule(name, scope, allows, 7, None, written)


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("org", True),
        ("edu.kz", True),
        ("com", True),  # every single label is a suffix
        ("any.ck", True),
        ("www.ck", False),
        ("school.edu.kz", False),
        ("example.org", False),
    ],
)
@pytest.mark.parametrize("allows", [False, True], ids=["blocks", "allows"])
def test_public_suffixes_are_held_both_ways(name: str, held: bool, allows: bool) -> None:
    """An exception for a whole suffix would silence its list for all below."""
    judge = name_judge(SOURCE, SUFFIXES, {})
    expected = Held(name, 7, WhyHeld.SUFFIX) if held else None
    assert judge(rule(name, allows=allows)) == expected
    assert judge(rule(name, Scope.BELOW, allows=allows)) == expected


def test_a_host_of_strangers_sites_is_held_unless_the_list_means_it_or_comes_with_the_program() -> None:
    suffixes = replace(SUFFIXES, hosts=frozenset({"sites.net"}))
    held = Held("sites.net", 7, WhyHeld.SUFFIX)
    assert name_judge(SOURCE, suffixes, {})(rule("sites.net")) == held
    assert name_judge(SOURCE, suffixes, {})(rule("sites.net", Scope.BELOW)) == held
    assert name_judge(SOURCE, suffixes, {})(rule("one.sites.net")) is None
    assert name_judge(SOURCE, suffixes, {})(rule("sites.net", allows=True)) is None, "opens its own list only"
    meaning = (replace(SOURCE, suffixes=True), replace(SOURCE, accepted=("sites.net",)))
    packaged = (replace(SOURCE, location="starter:bypass"), replace(SOURCE, location="service:tiktok"))
    for source in (*meaning, *packaged):
        assert name_judge(source, suffixes, {})(rule("sites.net")) is None


def test_the_operator_lets_one_name_or_all_suffixes_of_a_list_through() -> None:
    accepting = name_judge(replace(SOURCE, accepted=("edu.kz",)), SUFFIXES, {})
    assert accepting(rule("edu.kz")) is None
    assert accepting(rule("org")) is not None
    assert name_judge(replace(SOURCE, suffixes=True), SUFFIXES, {})(rule("org")) is None


def test_what_covers_too_much_of_what_the_school_asks_is_held() -> None:
    broad = broad_names(TOP, 4)
    assert broad == {"example.net": 0.05, "net": 0.05, "org": 0.95}
    judge = name_judge(SOURCE, SUFFIXES, broad)
    assert judge(rule("example.net")) == Held("example.net", 7, WhyHeld.BROAD, 0.05)
    assert judge(rule("n1.example.net")) is None
    assert judge(rule("example.net", allows=True)) is None, "an exception closes nothing"
    assert name_judge(replace(SOURCE, accepted=("example.net",)), SUFFIXES, broad)(rule("example.net")) is None
    assert broad_names(TOP, 5) == {"org": 0.95}, "exactly the share is not more than it"
    assert broad_names(TOP, 100) == {}


@pytest.mark.parametrize("location", ["starter:games", "service:youtube"])
def test_lists_of_the_program_mean_what_they_say_but_no_suffix(location: str) -> None:
    judge = name_judge(replace(SOURCE, location=location), SUFFIXES, broad_names(TOP, 1))
    assert judge(rule("example.net")) is None
    assert judge(rule("org")) is not None


def test_a_school_that_asked_for_little_so_far_holds_nothing_back_as_broad() -> None:
    few = [f"n{number}.example.net" for number in range(MIN_TOP - 1)]
    assert broad_names(few, 5) == broad_names(few * 3, 5) == {}
    assert broad_names([*few, "a.example.net"], 5)["example.net"] == 1


LABEL = st.sampled_from("abcd")
NAME = st.lists(LABEL, min_size=1, max_size=4).map(".".join)


@given(st.lists(NAME, min_size=1, max_size=40), st.floats(0, 100), NAME)
def test_broad_names_agree_with_counting(top: list[str], percent: float, name: str) -> None:
    padded = {*top, *(f"x{number}.z" for number in range(MIN_TOP))}
    covered = sum(each == name or each.endswith("." + name) for each in padded)
    found = broad_names([*padded], percent)
    assert (name in found) is (covered > len(padded) * percent / 100)


@pytest.mark.parametrize(
    ("network", "held"),
    [
        ("192.0.2.0/24", False),
        ("104.0.0.0/8", True),
        ("172.64.0.0/10", True),
        ("104.16.0.0/12", False),
        ("2a00::/16", True),
        ("2606::/16", True),
        ("2606:4700::/28", True),  # with a resolver in it
        ("2a06:98c0::/28", False),
        ("8.8.8.8", False),  # a list against bypassing means it
        ("8.8.8.0/24", False),
        ("8.8.8.0/23", True),
        ("216.239.38.120", True),  # the safe search of Google
        ("2001:4860::/32", True),
        ("12.0.0.0/7", True),
        ("0.0.0.0/0", True),
        ("10.1.2.3", True),
        ("172.16.0.0/12", True),
        ("192.168.1.0/24", True),
        ("2001:db8::/32", False),
        ("2000::/3", True),
        ("fd00::1", True),
        ("::ffff:10.0.0.1", True),
    ],
)
def test_networks_of_the_school_and_of_half_the_world_are_held(network: str, held: bool) -> None:
    spoken = rule(network, Scope.ADDRESS)
    assert held_network(SOURCE, spoken, parse_network(network)) == (Held(network, 7, WhyHeld.NETWORK) if held else None)
    assert held_network(replace(SOURCE, accepted=(network,)), spoken, parse_network(network)) is None


def patterns(*expressions: str, source: Source = SOURCE, allows: bool = False) -> list[tuple[Source, Rule]]:
    return [(source, rule(each, Scope.PATTERN, allows=allows, written=f"/{each}/")) for each in expressions]


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        (r"\.kz$", WhyHeld.SUFFIX),
        (r"^[a-z0-9.-]+\.org$", WhyHeld.SUFFIX),
        (r"i", WhyHeld.SUFFIX),  # in each of the words that have nothing in common
        (r"^n[0-9]\.", WhyHeld.BROAD),
        (r"^n7\.", None),
        (r"casino[0-9]*\.kz$", None),
        (r"[a-z]\.net$", WhyHeld.SUFFIX),
        (r"^[a-z]+\.kz$", WhyHeld.SUFFIX),
        (r"^[^.]+\.net$", WhyHeld.SUFFIX),
        (r"^www\.", WhyHeld.SUFFIX),
        (r"(?:^|\.)a.*com$", WhyHeld.SUFFIX),  # ||a*com^
        (r"(?:^|\.)ads.*com$", None),
        (r"\.ck$", WhyHeld.SUFFIX),  # of which only the children are suffixes
        (r"^www\.bilim", None),
    ],
)
def test_expressions_are_held_by_the_same_rules(expression: str, why: WhyHeld | None) -> None:
    if expression == "i":
        expression = "[iq]"
    held = held_patterns(patterns("bet", expression), SUFFIXES, TOP, 5)
    assert {number: each.why for number, each in held.items()} == ({} if why is None else {1: why})
    if why is not None:
        assert held[1].name == f"/{expression}/"


def test_expressions_are_let_through_as_names_are() -> None:
    closing, wide = patterns(r"\.kz$", r"^n[0-9]\.")
    assert held_patterns([(replace(SOURCE, suffixes=True), closing[1])], SUFFIXES, TOP, 5) == {}
    assert held_patterns([(replace(SOURCE, accepted=(r"/\.kz$/",)), closing[1])], SUFFIXES, TOP, 5) == {}
    assert held_patterns([(replace(SOURCE, accepted=(r"^n[0-9]\.",)), wide[1])], SUFFIXES, TOP, 5) == {}
    assert held_patterns([(replace(SOURCE, location="starter:games"), wide[1])], SUFFIXES, TOP, 5) == {}
    assert held_patterns(patterns(r"^n[0-9]\.", allows=True), SUFFIXES, TOP, 5) == {}
    assert held_patterns([], SUFFIXES, TOP, 5) == {}


def test_more_expressions_than_look_ups_have_time_for_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "MAX_PATTERNS", 2)
    held = held_patterns(patterns("bet", r"\.kz$", "casino", r"\.org$"), SUFFIXES, (), 5)
    assert {number: each.why for number, each in held.items()} == {
        1: WhyHeld.SUFFIX,
        2: WhyHeld.PATTERNS,
        3: WhyHeld.PATTERNS,
    }


def test_what_is_beyond_the_bounds_is_not_searched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty expressions of 1,400 instructions each, searched in all suffixes, would take many seconds."""
    searched: list[list[str]] = []

    class Recording(Patterns):
        def __init__(self, expressions: Sequence[str]) -> None:
            super().__init__(expressions)
            self.expressions = expressions

        def found_in(self, name: str) -> list[int]:
            searched.append([*self.expressions])
            return super().found_in(name)

    monkeypatch.setattr(holding, "Patterns", Recording)
    costly = [f"([a-z0-9.-]{{0,90}}[a-m]){{0,4}}[0-9]{{{times}}}x?$" for times in range(1, 51)]
    held_patterns(patterns(*costly), SUFFIXES, (), 5)
    assert {sum(map(size_of, each)) <= MAX_UNFILTERED_SIZE for each in searched} == {True}


def test_expressions_that_are_tried_on_every_name_have_a_smaller_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "MAX_UNFILTERED_SIZE", 40)
    held = held_patterns(patterns("[0-9]{30}$", "casino", "[0-9]{29}x?$", "poker"), SUFFIXES, (), 5)
    assert {number: each.why for number, each in held.items()} == {2: WhyHeld.PATTERNS}


def test_terms_make_no_rule_harmless() -> None:
    limited = Rule("org", Scope.SUBTREE, False, 7, Terms(excluded=("example.org",)))
    assert name_judge(SOURCE, SUFFIXES, {})(limited) is not None
