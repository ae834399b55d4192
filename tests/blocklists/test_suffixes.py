"""No list closes a whole public suffix."""

import pytest

from blocklists.formats import Item, Rule, Scope, Skipped
from blocklists.suffixes import bundled, from_rules, refuse_suffixes


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("de", True),
        ("kz", True),
        ("com.kz", True),
        ("edu.kz", True),
        ("gov.kz", True),
        ("edu.kg", True),
        ("co.uk", True),
        ("xn--p1ai", True),
        ("anything.ck", True),
        ("www.ck", False),
        ("notregistered", True),
        ("example.com", False),
        ("example.edu.kz", False),
        ("gob.mx", True),
        ("blogspot.com", False),
        ("pages.dev", False),
    ],
)
def test_the_bundled_list_knows(name: str, expected: bool) -> None:
    """The list's private part is left out on purpose: lists that name blogspot.com mean it."""
    assert bundled().hold(name) is expected


def test_a_rule_for_a_whole_suffix_is_skipped_with_a_reason_and_an_exact_one_is_kept() -> None:
    suffixes = from_rules(["kz", "edu.kz"])
    exact: Item = Rule("edu.kz", Scope.EXACT, False, 1)
    whole: Item = Rule("edu.kz", Scope.SUBTREE, False, 2)
    exception: Item = Rule("edu.kz", Scope.SUBTREE, True, 3)
    kept, skipped, also = refuse_suffixes([exact, whole, exception], suffixes)
    assert kept == exact
    assert isinstance(skipped, Skipped)
    assert "public suffix" in skipped.expected
    assert isinstance(also, Skipped)
