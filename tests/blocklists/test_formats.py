"""Each format means what its makers mean; a bad line is counted and never fatal."""

import io
import string
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists.formats import Format, Rule, Scope, Skipped, detect, parse
from blocklists.lines import MAX_LINE, text_lines
from policy.names import parse_name

LABEL = st.text(string.ascii_lowercase + string.digits + "-_", min_size=1, max_size=12).filter(
    lambda text: text.strip("-") == text
)
NAME = st.builds(
    lambda labels, tld: ".".join([*labels, tld]),
    st.lists(LABEL, min_size=1, max_size=4),
    st.sampled_from(["com", "org", "kz", "xn--p1ai", "co.uk"]),
)


def read(text: str, form: Format) -> list[Rule | Skipped]:
    return list(parse(text_lines(io.BytesIO(text.encode("utf-8", "surrogatepass"))), form))


def rules(text: str, form: Format) -> list[tuple[str, Scope, bool]]:
    return [(item.name, item.scope, item.allows) for item in read(text, form) if isinstance(item, Rule)]


def names(items: Iterable[Rule | Skipped]) -> list[str]:
    return [item.name for item in items if isinstance(item, Rule)]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("example.org", "example.org"),
        ("*.example.org", "example.org"),
        (".example.org", "example.org"),
        (".Example.org", "example.org"),
        ("Example.ORG", "example.org"),
        ("  example.org.  ", "example.org"),
        ("example.org\r", "example.org"),
        ("example.org # why", "example.org"),
        ("example.org#why", "example.org"),
        ("*.Example.org", "example.org"),
        ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("BÜCHER.example.com", "xn--bcher-kva.example.com"),
        ("under_score.example.org", "under_score.example.org"),
        ("_video.example.com", "_video.example.com"),
        ("1.example.com", "1.example.com"),
        ("a" * 63 + ".example.com", "a" * 63 + ".example.com"),
    ],
)
def test_domains_cover_the_name_and_all_below(line: str, name: str) -> None:
    assert read(line, Format.DOMAINS) == [Rule(name, Scope.SUBTREE, False, 1)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("192.0.2.7", "not an address"),
        ("*.192.0.2.7", "not an address"),
        ("2001:db8::1", "not an address"),
        ("192.0.2.0/24", "not an address"),
        ("http://example.org/", "not a URL"),
        ("example.org/path", "not a URL"),
        ("example.org:8080", "not a URL"),
        ("a" * 64 + ".example.com", "a domain name"),
        ("-a.example.com", "a domain name"),
        ("example..org", "a domain name"),
        ("*.*.example.org", "a domain name"),
        ("..example.org", "a domain name"),
        ("*", "a domain name"),
        ("two words", "a domain name"),
        ("0.0.0.0 example.org", "a domain name"),
        ("||example.org^", "a domain name"),
        (".".join(["abcdefg"] * 40), "a domain name"),
        ("x" * (MAX_LINE + 1), "at most"),
    ],
)
def test_domains_skip_with_a_reason(line: str, expected: str) -> None:
    (item,) = read("\n" + line, Format.DOMAINS)
    assert isinstance(item, Skipped)
    assert expected in item.expected
    assert item.line == 2
    assert item.report("games").startswith("games:2: expected ")
    assert len(item.text) <= 80


@pytest.mark.parametrize("line", ["", "   ", "# comment", "! comment", "\t# comment", "#", "\r"])
@pytest.mark.parametrize("form", list(Format))
def test_comments_and_blank_lines_say_nothing(line: str, form: Format) -> None:
    assert read(line, form) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("0.0.0.0 example.org", ["example.org"]),
        ("127.0.0.1\texample.org", ["example.org"]),
        (":: example.org", ["example.org"]),
        ("::1 example.org", ["example.org"]),
        ("0 example.org", ["example.org"]),
        ("127.0.0.53 example.org", ["example.org"]),
        ("0.0.0.0  Example.ORG.  # why", ["example.org"]),
        ("0.0.0.0 a.example.org b.example.org", ["a.example.org", "b.example.org"]),
        ("0.0.0.0 example.org#why", ["example.org"]),
        ("0.0.0.0 kz", ["kz"]),
    ],
)
def test_hosts_cover_the_name_only(line: str, expected: list[str]) -> None:
    assert rules(line, Format.HOSTS) == [(name, Scope.EXACT, False) for name in expected]


@pytest.mark.parametrize(
    "line",
    [
        "127.0.0.1 localhost",
        "127.0.0.1 localhost.localdomain",
        "255.255.255.255 broadcasthost",
        "::1 ip6-localhost ip6-loopback",
        "fe80::1%lo0 localhost",
        "ff02::1 ip6-allnodes",
        "0.0.0.0 0.0.0.0",
    ],
)
def test_hosts_boilerplate_is_neither_rule_nor_mistake(line: str) -> None:
    assert read(line, Format.HOSTS) == []


@pytest.mark.parametrize(
    "line", ["example.org", "192.0.2.7 example.org", "0.0.0.0", "0.0.0.0 http://example.org", "||example.org^"]
)
def test_hosts_skip_with_a_reason(line: str) -> None:
    """A real address redirects a name (safe search, intranet): to block it would be the opposite of what it says."""
    (item,) = read(line, Format.HOSTS)
    assert isinstance(item, Skipped)


@pytest.mark.parametrize(
    ("line", "name", "allows"),
    [
        ("||example.org^", "example.org", False),
        ("@@||example.org^", "example.org", True),
        ("||Example.org^|", "example.org", False),
        ("||*.example.org^", "example.org", False),
        ("||example.org", "example.org", False),
        ("||пример.рф^", "xn--e1afmkfd.xn--p1ai", False),
        ("  ||example.org^ # why", "example.org", False),
    ],
)
def test_adblock_covers_the_name_and_all_below(line: str, name: str, allows: bool) -> None:
    assert read(line, Format.ADBLOCK) == [Rule(name, Scope.SUBTREE, allows, 1)]


@pytest.mark.parametrize("line", ["[Adblock Plus 2.0]", "! Title: x", "# a comment"])
def test_adblock_headers_say_nothing(line: str) -> None:
    assert read(line, Format.ADBLOCK) == []


@pytest.mark.parametrize(
    "line",
    [
        "||example.org^$third-party",
        "||example.org^$important",
        "||ads-*.example.org^",
        "||example.org/path^",
        "||192.0.2.7^",
        "/banner[0-9]+/",
        "example.org##.banner",
        "##.banner",
        "#@#.banner",
        "@@example.org",
        "example.org",
        "||^",
        "@@||",
    ],
)
def test_adblock_skips_with_a_reason(line: str) -> None:
    (item,) = read(line, Format.ADBLOCK)
    assert isinstance(item, Skipped)


def test_byte_order_mark_and_line_ends() -> None:
    assert names(read("\ufeffa.example.org\r\nb.example.org\r\n", Format.DOMAINS)) == ["a.example.org", "b.example.org"]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("# hosts\n127.0.0.1 localhost\n0.0.0.0 example.org\n", Format.HOSTS),
        ("# a\nexample.org\n", Format.DOMAINS),
        ("*.example.org\n*.example.net\n", Format.DOMAINS),
        ("[Adblock Plus]\n! x\n||example.org^\n", Format.ADBLOCK),
        ("@@||example.org^\n", Format.ADBLOCK),
        ("", Format.DOMAINS),
        ("#\n" * 5000 + "0.0.0.0 example.org\n", Format.HOSTS),
    ],
)
def test_the_format_is_detected(text: str, form: Format) -> None:
    assert detect(text_lines(io.BytesIO(text.encode()))) is form


@given(st.lists(NAME, max_size=30))
def test_the_same_names_in_every_format_give_the_same_rules(listed: list[str]) -> None:
    assert names(read("\n".join(listed), Format.DOMAINS)) == listed
    assert names(read("\n".join("*." + name for name in listed), Format.DOMAINS)) == listed
    assert names(read("\r\n".join("0.0.0.0 " + name for name in listed), Format.HOSTS)) == listed
    assert names(read("\n".join(f"||{name}^" for name in listed), Format.ADBLOCK)) == listed
    assert names(read("\n".join(f"@@||{name.upper()}^" for name in listed), Format.ADBLOCK)) == listed


@given(st.text(), st.sampled_from(list(Format)))
def test_any_text_gives_canonical_names_or_skipped_lines(text: str, form: Format) -> None:
    lines = text.split("\n")
    for item in parse(lines, form):
        assert 1 <= item.line <= len(lines)
        if isinstance(item, Rule):
            assert parse_name(item.name) == item.name


@given(st.binary(max_size=300))
def test_any_bytes_are_read(data: bytes) -> None:
    assert len(list(text_lines(io.BytesIO(data)))) <= data.count(b"\n") + 1


def test_an_endless_line_takes_bounded_memory_and_spoils_only_itself() -> None:
    class Endless(io.RawIOBase):
        def __init__(self) -> None:
            self.left = 200

        def read(self, size: int = -1) -> bytes:
            self.left -= 1
            return b"a" * size if self.left > 0 else b"\nexample.org" if self.left == 0 else b""

    stream = Endless()
    lines = list(text_lines(stream))  # type: ignore[arg-type] # a raw stream reads as a binary file does
    assert lines[-1] == "example.org"
    assert max(map(len, lines)) < 1 << 20
    first, last = parse(lines, Format.DOMAINS)
    assert isinstance(first, Skipped)
    assert isinstance(last, Rule)
    assert last.line == 2


@given(st.lists(st.text(string.ascii_letters + ".#| ^*\u0436", max_size=20), max_size=40), st.integers(1, 9))
def test_blocks_of_any_size_give_the_same_lines(lines: list[str], size: int) -> None:
    class Slow(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            return super().read(size)

    text = "\n".join(lines)
    expected = text.split("\n") if not text.endswith("\n") else text.split("\n")[:-1]
    assert list(text_lines(Slow(text.encode()))) == (expected if text else [])
