"""Names: what people write becomes canonical, and what we show can be typed again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.names import InvalidName, display_name, parse_name, reversed_labels, with_parents

CANONICAL = st.from_regex(
    r"[a-z0-9_](?:[a-z0-9_-]{0,10}[a-z0-9_])?(?:\.[a-z0-9]{1,8}){0,3}\.[a-z]{2,6}", fullmatch=True
)
LETTERS = st.text("абвгдеёжзийклмнопрстуфхцчшщъыьэюяәғқңөұүһіңөү", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("example.org", "example.org"),
        (" Example.ORG. ", "example.org"),
        ("_dmarc.example.org", "_dmarc.example.org"),
        ("a--b.example.org", "a--b.example.org"),
        ("мектеп.қаз", "xn--e1aaogsq.xn--80ao21a"),
        ("МЕКТЕП.ҚАЗ.", "xn--e1aaogsq.xn--80ao21a"),
        ("мектеп。қаз", "xn--e1aaogsq.xn--80ao21a"),
        ("мектеп.қаз。", "xn--e1aaogsq.xn--80ao21a"),
        ("_dmarc.мектеп.қаз", "_dmarc.xn--e1aaogsq.xn--80ao21a"),
        ("xn--e1aaogsq.xn--80ao21a", "xn--e1aaogsq.xn--80ao21a"),
        ("kz", "kz"),
        ("a" * 63 + ".org", "a" * 63 + ".org"),
    ],
)
def test_what_people_write_becomes_canonical(written: str, canonical: str) -> None:
    assert parse_name(written) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "..",
        "example..org",
        "example.org..",
        ".example.org",
        "https://example.org/",
        "example.org/path",
        "example.org:443",
        "user@example.org",
        "*.example.org",
        "192.0.2.1",
        "2001:db8::1",
        "0x7f",
        "-a.example.org",
        "a-.example.org",
        "exa mple.org",
        "a" * 64 + ".org",
        ".".join(["a" * 60] * 5),
        "ex\x00ample.org",
        "example.org\n.net",
        "ъ" * 64 + ".org",
        "a\u200db.org",
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidName):
        parse_name(text)


@given(st.text(max_size=80))
def test_any_text_is_a_name_that_stays_itself_or_is_refused(text: str) -> None:
    try:
        name = parse_name(text)
    except InvalidName:
        return
    assert name.isascii()
    assert name == name.lower()
    assert parse_name(name) == name


@given(st.lists(LETTERS, min_size=1, max_size=3).map(".".join))
def test_shown_name_leads_back_to_the_same_name(text: str) -> None:
    try:
        name = parse_name(text + ".org")
    except InvalidName:  # too long as A-labels
        return
    assert parse_name(display_name(name)) == name


@given(CANONICAL)
def test_ascii_names_are_shown_as_they_are_unless_they_decode(name: str) -> None:
    shown = display_name(name)
    assert parse_name(shown) == name


@pytest.mark.parametrize("broken", ["xn--a.org", "xn--zzzzzzzzzzzz.org", "a.xn--80ao21aq.b"])
def test_a_broken_a_label_is_shown_as_written(broken: str) -> None:
    assert parse_name(display_name(broken)) == broken


def test_one_strange_label_does_not_hide_the_letters_of_the_others() -> None:
    assert display_name("_dmarc.xn--e1aaogsq.xn--80ao21a") == "_dmarc.мектеп.қаз"


def test_parents_and_reversed_labels() -> None:
    assert list(with_parents("a.b.c")) == ["a.b.c", "b.c", "c"]
    assert list(with_parents("c")) == ["c"]
    assert reversed_labels("ads.example.com") == "com.example.ads."


@given(CANONICAL, CANONICAL)
def test_key_of_a_parent_is_a_prefix_of_its_children_and_of_nobody_else(one: str, other: str) -> None:
    covers = one in with_parents(other)
    assert reversed_labels(other).startswith(reversed_labels(one)) == covers
