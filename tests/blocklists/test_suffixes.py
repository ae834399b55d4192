"""Public suffixes are known, and no others."""

import pytest

from blocklists.suffixes import bundled, from_rules


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
        ("sch.uk", True),
        ("kobe.jp", True),
        ("x.kobe.jp", True),
        ("city.kobe.jp", False),
        ("nom.br", True),
        ("nordland.no", True),
        ("example.nordland.no", False),
    ],
)
def test_the_bundled_list_knows(name: str, expected: bool) -> None:
    """Registries' suffixes only: hosts such as pages.dev are another question (`hosts`)."""
    assert bundled().hold(name) is expected
    assert {"pages.dev", "github.io", "duckdns.org"} <= bundled().hosts
    assert not bundled().hosts & bundled().names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("kz", True),
        ("edu.kz", True),
        ("any.ck", True),
        ("www.ck", False),
        ("x.any.ck", False),
        ("xn--p1ai", True),
        ("com.example", False),
        ("bad name.kz", False),
        ("wild.example", True),
        ("x.wild.example", True),
        ("above.example", True),
        ("x.above.example", False),
        ("below.above.example", True),
        ("x.below.above.example", False),
    ],
)
def test_rules_of_the_list_by_their_meaning(name: str, expected: bool) -> None:
    suffixes = from_rules(
        ["kz", "edu.kz", "*.ck", "!www.ck", "рф", "bad name.kz", "*.wild.example", "below.above.example"]
    )
    assert suffixes.hold(name) is expected
