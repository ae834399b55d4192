"""Expressions of strangers are searched for in linear time and can break nothing."""

import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists.patterns import MAX_SIZE, Patterns, fault_of, size_of


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        (r"^casino[0-9]+\.", ""),
        (r"(?:^|\.)bet[^.]*\.(?:com|net)$", ""),
        (r"(a+)+$", ""),
        ("(", "missing )"),
        (r"(?=x)", "invalid perl operator"),
        (r"(a)\1", "invalid escape sequence"),
        ("(((a{1,100}){1,100}){1,100})", "invalid repetition size"),
        ("a" * (MAX_SIZE + 1), "too large"),
        ("\ud800", "surrogates"),
    ],
)
def test_an_expression_is_judged_before_it_is_compiled_in(expression: str, fault: str) -> None:
    assert fault_of(expression).startswith(fault) if fault != "surrogates" else fault_of(expression)
    assert bool(fault_of(expression)) is bool(fault)


def test_a_faulty_expression_is_never_found_and_harms_no_other() -> None:
    patterns = Patterns(["(", r"^a", "\ud800", r"b$", "a" * 100_000])
    assert patterns.found_in("a.b") == [1, 3]
    assert patterns.found_in("c") == []
    assert Patterns([]).found_in("a") == Patterns(["("]).found_in("a") == []


def test_numbers_hold_over_many_parts() -> None:
    patterns = Patterns([rf"^n{number}\." for number in range(1_700)])
    for number in (0, 499, 500, 1_234, 1_699):
        assert patterns.found_in(f"n{number}.example.org") == [number]


def test_expressions_without_literal_text_are_known() -> None:
    assert Patterns([r"casino", r"[0-9]{4,}", r"^[a-z]$", "bet"]).tried_on_all() == [1, 2]


@pytest.mark.parametrize(
    "expression",
    [r"(a+)+$", r"(a|aa)+$", r"(x+x+)+y", r"(a|b)*a(a|b){20}$", r"(a?){100}a{100}", r"(.*)(.*)(.*)(.*)(.*)[^a]$"],
)
def test_hostile_expressions_stay_linear(expression: str) -> None:
    """A backtracking matcher would take longer than the universe has; the bound is some hundred times what it needs."""
    assert not fault_of(expression)
    patterns = Patterns([expression] * 50)
    begin = process_time()
    for tail in ("!", "b", "ab", "x"):
        patterns.found_in("a" * 250 + tail)
        patterns.found_in("ab" * 125 + tail)
    assert process_time() - begin < 2


def test_size_grows_with_what_is_repeated() -> None:
    assert size_of("a") < size_of("a{50}") < MAX_SIZE


PIECE = st.sampled_from(["a", "b", ".", r"\.", "[ab]", "(?:a|bc)", "a+", "b*", "^", "$", "[^a]", "c{2}", "(?:^|\\.)"])
EXPRESSION = st.lists(PIECE, min_size=1, max_size=5).map("".join)


@given(st.lists(EXPRESSION, max_size=6), st.lists(st.text("abc.", max_size=12), max_size=6))
def test_what_is_found_agrees_with_the_standard_library(expressions: list[str], names: list[str]) -> None:
    usable = [each for each in expressions if not fault_of(each)]
    patterns = Patterns(usable)
    for name in names:
        assert patterns.found_in(name) == [n for n, each in enumerate(usable) if re.search(each, name)]
