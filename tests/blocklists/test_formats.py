"""Each format means what its makers mean; a bad line is counted and never fatal."""

import io
import ipaddress
import string
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from blocklists import formats
from blocklists.formats import STATELESS, cancelled_rules, detect, parse
from blocklists.formats.grammar import NO_LONG_LINE
from blocklists.lines import MAX_LINE, text_lines
from blocklists.rules import Format, Rule, Scope, Skipped
from policy.names import parse_name
from tests.blocklists.test_formats_golden import GOLDEN
from translations.catalogue import texts_of

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
        ("example.org ; why", "example.org"),
        ("example.org // why", "example.org"),
        ("*.Example.org", "example.org"),
        ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("\ufeffexample.org", "example.org"),
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
        ("example.org?q", "not a URL"),
        ("ftp://example", "not a URL"),
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


@pytest.mark.parametrize("line", ["", "   ", "# comment", "! comment", "\t# comment", "#", "\r", "## Part", "#####"])
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
        ("||example.org", "example.org", False),
        ("||example.org/*", "example.org", False),
        ("||example.org^*", "example.org", False),
        ("||example.org^$all", "example.org", False),
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
        "||example.org^$popup",
        "||example.org^$client=192.168.0.1",
        "||example.org^$dnsrewrite=192.0.2.1",
        "||example.org/path^",
        "||192.0.2.7^",
        "example.org##.banner",
        "##.banner",
        "#@#.banner",
    ],
)
def test_adblock_rules_that_say_nothing_to_dns_are_no_faults(line: str) -> None:
    (item,) = read(line, Format.ADBLOCK)
    assert isinstance(item, Skipped)
    assert not item.fault


@pytest.mark.parametrize(
    "line", ["||^", "@@||", "*", "/.*/", "/a|b|[^a]/", "||*^$important", "/(?<=a)b/", "/a{900}b{900}c{900}/", "a b"]
)
def test_adblock_rules_too_broad_or_broken_are_faults(line: str) -> None:
    (item,) = read(line, Format.ADBLOCK)
    assert isinstance(item, Skipped)
    assert item.fault


@pytest.mark.parametrize(
    ("line", "found", "not_found"),
    [
        (
            "||ads-*.example.org^",
            ["ads-1.example.org", "x.ads-1.example.org"],
            ["bads-1.example.org", "ads-.example.net"],
        ),
        ("|ads*.example.org^", ["ads1.example.org"], ["x.ads1.example.org", "ads1.example.org.net"]),
        ("||adserver.", ["adserver.example.org", "x.adserver.net"], ["badserver.org", "adserver"]),
        ("-banner.example.org^", ["x-banner.example.org"], ["x-banner.example.org.net"]),
        ("/banner[0-9]+/", ["xbanner7.example.org"], ["banner.example.org"]),
        ("/BANNER[0-9]+/", ["xbanner7.example.org"], ["banner.example.org"]),
    ],
)
def test_adblock_patterns_find_what_adguard_finds(line: str, found: list[str], not_found: list[str]) -> None:
    (item,) = read(line, Format.ADBLOCK)
    assert isinstance(item, Rule)
    assert item.scope is Scope.PATTERN
    assert item.written == line
    assert all(re2.search(item.name, name) for name in found)
    assert not any(re2.search(item.name, name) for name in not_found)


@pytest.mark.parametrize(
    ("expression", "good"),
    [
        ("^ads" + "[0-9]" * 99 + "$", True),
        ("^ads" + "[0-9]" * 100 + "$", False),
        ("^a{990}b{990}$", True),
        ("^a{999}b{999}c{3,}$", False),
        ("([a-z]{30}){30}([a-z]{30}){30}([a-z]{30}){30}", False),
    ],
)
def test_expressions_have_bounds(expression: str, good: bool) -> None:
    (item,) = read(f"/{expression}/", Format.ADBLOCK)
    assert isinstance(item, Rule) is good
    if isinstance(item, Skipped):
        assert item.expected == "a shorter regular expression"


@pytest.mark.parametrize("expression", ["a{1,1000}" * 50, "(?:[^a]{1,31}){1,31}" * 24])
def test_an_expression_too_large_is_refused_without_being_compiled_whole(expression: str) -> None:
    """A text has room for half a million of them."""
    begun = time.process_time()
    items = read(f"/{expression}/\n" * 200, Format.ADBLOCK)
    assert time.process_time() - begun < 1
    assert {item.expected for item in items if isinstance(item, Skipped)} == {"a shorter regular expression"}


@pytest.mark.parametrize("expression", [r"casino\pL", r"(?:\PN{1,31}){1,31}" * 24])
def test_classes_of_unicode_are_none_of_names(expression: str) -> None:
    (item,) = read(f"/{expression}/", Format.ADBLOCK)
    assert isinstance(item, Skipped)
    assert item.expected.startswith("a pattern in the letters of names")


def test_an_escaped_dollar_begins_no_modifiers() -> None:
    assert read("||example.org^$important", Format.ADBLOCK)[0].line == 1
    (item,) = read("||example.org^\\$important", Format.ADBLOCK)
    assert isinstance(item, Skipped)


def test_a_cancelled_rule_is_unused_wherever_the_badfilter_stands() -> None:
    lines = ["||a.example.org^", "||b.example.org^", "||A.example.org^$badfilter", "@@||b.example.org^$badfilter"]
    cancelled = cancelled_rules(lines)
    items = list(parse(lines, Format.ADBLOCK, cancelled=cancelled))
    assert names(items) == ["b.example.org"]
    assert [item.line for item in items if isinstance(item, Skipped)] == [1]
    assert names(parse(lines, Format.ADBLOCK)) == ["a.example.org", "b.example.org"]


@pytest.mark.parametrize(
    ("form", "line", "subdomains", "scope"),
    [
        (Format.DOMAINS, "example.org", None, Scope.SUBTREE),
        (Format.DOMAINS, "example.org", True, Scope.SUBTREE),
        (Format.DOMAINS, "example.org", False, Scope.EXACT),
        (Format.DOMAINS, "Example.org", False, Scope.EXACT),
        (Format.DOMAINS, ".example.org", False, Scope.SUBTREE),
        (Format.DOMAINS, "*.example.org", False, Scope.SUBTREE),
        (Format.DOMAINS, "=example.org", True, Scope.EXACT),
        (Format.HOSTS, "0.0.0.0 example.org", None, Scope.EXACT),
        (Format.HOSTS, "0.0.0.0 example.org", False, Scope.EXACT),
        (Format.HOSTS, "0.0.0.0 example.org", True, Scope.SUBTREE),
        (Format.HOSTS, "0.0.0.0 Example.org", True, Scope.SUBTREE),
    ],
)
def test_a_list_may_say_whether_its_names_cover_what_is_below(
    form: Format, line: str, subdomains: bool | None, scope: Scope
) -> None:
    assert list(parse([line], form, subdomains=subdomains)) == [Rule("example.org", scope, False, 1)]


def test_lines_are_numbered_from_the_first() -> None:
    for form in Format:
        (item,) = parse(["-bad-.example.org"], form, first_line=700)
        assert item.line == 700


@pytest.mark.parametrize("form", sorted(STATELESS))
def test_any_block_of_a_stateless_format_can_be_read_alone(form: Format) -> None:
    lines = (GOLDEN / f"{form}.in.txt").read_text(encoding="utf-8").split("\n")
    cancelled = cancelled_rules(lines)
    whole = list(parse(lines, form, cancelled=cancelled))
    parts = [
        item for at in range(len(lines)) for item in parse([lines[at]], form, first_line=at + 1, cancelled=cancelled)
    ]
    assert parts == whole


@pytest.mark.parametrize("form", [Format.DOMAINS, Format.WILDCARD, Format.V2FLY])
@pytest.mark.parametrize("line", ["; comment", "// comment", "  ;comment", "//"])
def test_other_comments_of_plain_lists_say_nothing(line: str, form: Format) -> None:
    """Detection reads over them; to count them as faults would refuse a list that is full of them."""
    assert read(line, form) == []


@pytest.mark.parametrize(
    ("line", "subdomains", "scope"),
    [
        ("example.org @ads", None, Scope.SUBTREE),
        ("example.org @ads", True, Scope.SUBTREE),
        ("example.org @ads", False, Scope.EXACT),
        ("Example.org", False, Scope.EXACT),
        ("domain:example.org", False, Scope.SUBTREE),
        ("full:example.org", True, Scope.EXACT),
    ],
)
def test_names_without_a_kind_cover_what_the_list_says_in_v2fly_lists_too(
    line: str, subdomains: bool | None, scope: Scope
) -> None:
    assert list(parse([line], Format.V2FLY, subdomains=subdomains)) == [Rule("example.org", scope, False, 1)]


def test_line_ends_of_old() -> None:
    """A text with CR alone is read line by line; elsewhere a CR inside a line ends nothing."""
    assert list(text_lines(io.BytesIO(b"\xef\xbb\xbfa.kz\rb.kz\r"))) == ["a.kz", "b.kz"]
    assert list(text_lines(io.BytesIO(b"a.kz\rb.kz"))) == ["a.kz", "b.kz"]
    assert list(text_lines(io.BytesIO(b"a.kz\rb.kz\nc.kz"))) == ["a.kz\rb.kz", "c.kz"]
    many = b"\r".join(b"n%d.kz" % number for number in range(100_000))
    assert list(text_lines(io.BytesIO(many))) == [f"n{number}.kz" for number in range(100_000)]


def test_byte_order_mark_and_line_ends() -> None:
    assert names(read("\ufeffa.example.org\r\nb.example.org\r\n", Format.DOMAINS)) == ["a.example.org", "b.example.org"]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("# hosts\n127.0.0.1 localhost\n0.0.0.0 example.org\n", Format.HOSTS),
        ("# a\nexample.org\n", Format.DOMAINS),
        ("*.example.org\n*.example.net\n", Format.WILDCARD),
        ("*.192.0.2.7\n*.example.net\n", Format.WILDCARD),
        ("192.0.2.7\n" * 3000 + "example.org\n", Format.DOMAINS),
        ("192.0.2.7\n2001:db8::/32 # x\n", Format.ADDRESSES),
        ("example.org\n" * 3000 + "full:example.org\n", Format.V2FLY),
        ("example.org @cn\n", Format.V2FLY),
        ("example.org # @cn\n", Format.DOMAINS),
        ("include:other\n", Format.V2FLY),
        ("address=/example.org/#\n", Format.DNSMASQ),
        ('server:\n  local-zone: "example.org" static\n', Format.UNBOUND),
        ('zone "example.org" { type master; };\n', Format.BIND),
        ("$TTL 30\n@ IN SOA . . 1 2 3 4 5\n NS localhost.\n\nexample.org CNAME .\n", Format.RPZ),
        ("; zone\nexample.org IN CNAME .\n", Format.RPZ),
        ("example.org\n||example.net^\n||example.com^\n", Format.ADBLOCK),
        ("[Adblock Plus]\nexample.org\nexample.net\n", Format.ADBLOCK),
        ("/banner[0-9]/\n", Format.ADBLOCK),
        ("## Part\nexample.org\n#####\n", Format.DOMAINS),
        ("пример.рф\n", Format.DOMAINS),
        ("0 example.org\n", Format.HOSTS),
        (".example.org\n=example.net\n", Format.DOMAINS),
        ("[Adblock Plus]\n! x\n||example.org^\n", Format.ADBLOCK),
        ("@@||example.org^\n", Format.ADBLOCK),
        ("", Format.DOMAINS),
        ("#\n" * 5000 + "0.0.0.0 example.org\n", Format.HOSTS),
        ("a.kz\nb.kz\nc.kz\n||d.kz^\n@@||good.b.kz^\n", Format.ADBLOCK),
        ("0.0.0.0 a.kz\n0.0.0.0 b.kz\n0.0.0.0 c.kz\n@@||good.b.kz^\n", Format.ADBLOCK),
        ("0.0.0.0 a.kz\nb.kz\n" * 9 + "||c.kz^\n||d.kz^\n", Format.ADBLOCK),
        ("a.kz\n" * 3000 + "@@||b.kz^\n", Format.ADBLOCK),
        ("0.0.0.0 a.kz\n" * 3000 + "@@||b.kz^\n", Format.ADBLOCK),
        ("a.kz\nb.kz\nc.kz\n||d.kz^\n", Format.DOMAINS),
        ("0.0.0.0 a.kz\n" * 3000 + "full:b.kz\n", Format.HOSTS),
        ("example.org\n(^|[-.])casino\n(^|\\.)bet[0-9]\n", Format.DOMAINS),
        ("example.org # see ## more\n", Format.DOMAINS),
        ("example.org##.banner\n", Format.ADBLOCK),
        ("||example.org^|\n", Format.ADBLOCK),
        ("||a.kz/x^$third-party\n", Format.ADBLOCK),
        ("--address=/example.org/#\n", Format.DNSMASQ),
        ("$TTL 1h\n@ IN SOA . . 1 2 3 4 5\n" + "example.org 1h IN CNAME .\n" * 9, Format.RPZ),
        ("example.org 1h IN CNAME .\n", Format.RPZ),
        ("example.org IN 60 CNAME .\n", Format.RPZ),
        ("@ 1d IN SOA . . 1 2 3 4 5\n" + "example.org TXT x\nexample.net\n" * 9, Format.RPZ),
        ("// a\n; b\nexample.org\n", Format.DOMAINS),
        ("// what/ the list/\n// is/ for/\nexample.org\n", Format.DOMAINS),
        ("domain:example.org:@ads\nfull:example.net:@cn,@ads\n", Format.V2FLY),
        ("a.kz\rb.kz\r0.0.0.0 c.kz\r", Format.DOMAINS),
    ],
)
def test_the_format_is_detected(text: str, form: Format) -> None:
    assert detect(text_lines(io.BytesIO(text.encode()))) is form


WRITTEN = {
    Format.DOMAINS: "{}",
    Format.WILDCARD: "*.{}",
    Format.HOSTS: "0.0.0.0 {}",
    Format.ADBLOCK: "||{}^",
    Format.DNSMASQ: "local=/{}/",
    Format.UNBOUND: 'local-zone: "{}" always_nxdomain',
    Format.BIND: 'zone "{}" {{ type master; notify no; file "null.zone.file"; }};',
    Format.RPZ: "{} CNAME .",
    Format.V2FLY: "full:{}",
}
"""How each format of names writes one."""


@pytest.mark.parametrize("form", list(WRITTEN))
@settings(deadline=None)
@given(listed=st.lists(NAME, max_size=30), end=st.sampled_from(["\n", "\r\n"]), upper=st.booleans())
def test_names_written_in_any_format_come_back(form: Format, listed: list[str], end: str, upper: bool) -> None:
    lines = [WRITTEN[form].format(name.upper() if upper else name) for name in listed]
    assert names(read(end.join(lines), form)) == listed


@given(st.lists(NAME, max_size=10))
def test_exceptions_come_back(listed: list[str]) -> None:
    for form, line in (
        (Format.ADBLOCK, "@@||{}^"),
        (Format.RPZ, "{} CNAME rpz-passthru."),
        (Format.DNSMASQ, "server=/{}/#"),
    ):
        items = read("\n".join(map(line.format, listed)), form)
        assert names(items) == listed
        assert all(isinstance(item, Rule) and item.allows for item in items)


PIECES = st.sampled_from(
    [
        *(piece for line in WRITTEN.values() for piece in line.split("{}")),
        *"|^*$@/#!:;=,~.()[]{}<>'\"\\ \t-_",
        *("example.org", "0.0.0.0", "192.0.2.7/24", "::", "пример", "\x00", "\ud800"),
        *("$ORIGIN ", "IN", " SOA ", "rpz-ip", "rpz-passthru.", "redirect", "local-data: "),
        *("$important", "$dnstype=A", "$badfilter", "regexp:", "keyword:", "full:", "include:"),
    ]
)


@settings(deadline=None)  # ten formats, and RE2 compiles what comes: a busy machine takes its time
@given(st.one_of(st.text(), st.lists(PIECES).map("".join), st.lists(st.one_of(PIECES, st.just("\n"))).map("".join)))
def test_any_text_gives_canonical_names_or_skipped_lines(text: str) -> None:
    lines = text.split("\n")
    assert detect(lines) in Format
    cancelled = cancelled_rules(lines)
    for form in Format:
        for item in parse(lines, form, cancelled=cancelled):
            assert 1 <= item.line <= len(lines)
            if isinstance(item, Skipped):
                assert len(item.text) <= 80
            elif item.scope is Scope.PATTERN:
                re2.compile(item.name)
                assert item.written
            elif item.scope is Scope.ADDRESS:
                assert str(ipaddress.ip_network(item.name)) == item.name
            else:
                assert parse_name(item.name) == item.name


@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize(
    "line",
    [
        " " * 4000,
        "a" + " " * 4000 + "b",
        "#" * 4000,
        "$" * 4000,
        "(" * 4000,
        '"' * 3999,
        "|" * 4000,
        "a." * 2000,
        "*a" * 2000,
        "/" + "(a" * 1000 + "/",
        "type " * 800,
        "@a" * 2000,
        " @a" * 1300 + " b",
        "x$a" + "\\$" * 2046 + "\\",
        "/" + "a{1,1000}" * 440 + "/",
        "/" + "a{1,1000}" * 50 + "/",
        "regexp:" + "[^a]{1,1000}" * 40,
    ],
)
def test_no_line_takes_long(form: Format, line: str) -> None:
    """Some expression here would need a time that grows with the square of the line; a text has ten thousand such."""
    begun = time.process_time()
    list(parse([line] * 20, form))
    assert time.process_time() - begun < 1


@given(st.binary(max_size=300))
def test_any_bytes_are_read(data: bytes) -> None:
    assert len(list(text_lines(io.BytesIO(data)))) <= (data.count(b"\n") or data.count(b"\r")) + 1


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


def test_every_reason_is_known_to_the_catalogue() -> None:
    """Reasons are shown in the language in use: each must be marked where it stands in the code."""
    marked = {
        text
        for path in Path(formats.__file__).parent.glob("*.py")
        for text in texts_of(path.read_text("utf-8"), path.name)
    }
    given = {
        item.expected
        for form in Format
        for item in parse((GOLDEN / f"{form}.in.txt").read_text("utf-8").split("\n"), form)
        if isinstance(item, Skipped)
    }
    assert len(given) > 20
    assert given <= marked
    assert NO_LONG_LINE in marked
    assert str(MAX_LINE) in NO_LONG_LINE
