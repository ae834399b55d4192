"""Formats in which lines lean on one another: policy zones, unbound's redirects, BIND's zones."""

import pytest

from blocklists.formats import parse, unbound
from blocklists.rules import Format, Rule, Scope, Skipped
from policy.decision import Listing
from policy.statements import in_force


def read(lines: str, form: Format) -> list[tuple[int, str, Scope, bool] | tuple[int, bool]]:
    return [
        (item.line, item.name, item.scope, item.allows) if isinstance(item, Rule) else (item.line, item.fault)
        for item in parse(lines.split("\n"), form)
    ]


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        ("example.org CNAME .", "example.org"),
        ("example.org. CNAME .", "example.org"),
        ("$ORIGIN rpz.example.net.\nexample.org CNAME .", "example.org"),
        ("$ORIGIN rpz.example.net.\nexample.org.rpz.example.net. CNAME .", "example.org"),
        ("$ORIGIN RPZ.example.net.\nexample.org.rpz.Example.net. CNAME .", "example.org"),
        ("rpz.example.net. SOA . . 1 2 3 4 5\nexample.org CNAME .", "example.org"),
        ("rpz.example.net. SOA . . 1 2 3 4 5\nexample.org.rpz.example.net. CNAME .", "example.org"),
        ("$ORIGIN .\nrpz.example.net IN SOA . . (1 2\n3 4 5)\nexample.org.rpz.example.net CNAME .", "example.org"),
        ("$ORIGIN example.net.\n@ SOA . . 1 2 3 4 5\n$ORIGIN org.example.net.\nexample CNAME .", "example.org"),
        ("$ORIGIN example.net.\n@ SOA . . 1 2 3 4 5\n$ORIGIN org\nexample CNAME .", "example.org"),
        ("example.org ( CNAME\n ; why\n . )", "example.org"),
        ("example.org 1h IN CNAME .", "example.org"),
        ("example.org IN 3600 CNAME . ; why", "example.org"),
        ("example.org\tcname\t.", "example.org"),
        ("пример.рф CNAME .", "xn--e1afmkfd.xn--p1ai"),
    ],
)
def test_owners_are_triggers_without_the_name_of_the_zone(zone: str, name: str) -> None:
    rules = [item for item in parse(zone.split("\n"), Format.RPZ) if isinstance(item, Rule)]
    assert [(rule.name, rule.scope, rule.allows) for rule in rules] == [(name, Scope.EXACT, False)]


@pytest.mark.parametrize(
    "zone",
    [
        "@ IN SOA localhost. root.localhost. 1 2 3 4 5\n NS localhost.",
        "@ SOA localhost. root.localhost. (\n1 ; serial\n2\n3 4 5\n)\n@ NS localhost.",
        "rpz.example.net. SOA . . 1 2 3 4 5\nrpz.example.net. NS localhost.",
        "$TTL 1h\n$ORIGIN rpz.example.net.\n@ SOA . . 1 2 3 4 5\n  IN NS ns.example.net.\n\n; end",
    ],
)
def test_what_makes_a_zone_is_neither_rule_nor_fault(zone: str) -> None:
    assert read(zone, Format.RPZ) == []


def test_an_owner_left_out_is_the_one_before() -> None:
    zone = "a.example.org A 192.0.2.1\n AAAA 2001:db8::1\nb.example.org CNAME .\n\tTXT x"
    assert read(zone, Format.RPZ) == [
        (1, "a.example.org", Scope.EXACT, False),
        (2, "a.example.org", Scope.EXACT, False),
        (3, "b.example.org", Scope.EXACT, False),
        (4, "b.example.org", Scope.EXACT, False),
    ]


def test_a_parenthesis_that_is_never_closed_spoils_no_more_than_some_lines() -> None:
    zone = "example.org CNAME ( .\n" + "\n".join(f"n{n}.example.org CNAME ." for n in range(200))
    items = read(zone, Format.RPZ)
    assert items[0] == (1, True)
    assert items[-1] == (201, "n199.example.org", Scope.EXACT, False)
    assert len(items) > 120


@pytest.mark.parametrize(
    ("owner", "network"),
    [
        ("32.7.2.0.192.rpz-ip", "192.0.2.7/32"),
        ("24.0.2.0.192.rpz-ip", "192.0.2.0/24"),
        ("128.7.zz.db8.2001.rpz-ip", "2001:db8::7/128"),
        ("48.zz.1.db8.2001.rpz-ip", "2001:db8:1::/48"),
        ("128.8.7.6.5.4.3.db8.2001.rpz-ip", "2001:db8:3:4:5:6:7:8/128"),
    ],
)
def test_triggers_by_address_in_the_answer(owner: str, network: str) -> None:
    assert read(f"{owner} CNAME .", Format.RPZ) == [(1, network, Scope.ADDRESS, False)]
    assert read(f"{owner} CNAME rpz-passthru.", Format.RPZ) == [(1, network, Scope.ADDRESS, True)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ('local-zone: "a.example.org" redirect', [(1, "a.example.org", Scope.SUBTREE, False)]),
        (
            'local-zone: "a.example.org" redirect\n\n# why\nlocal-data: "a.example.org A 0.0.0.0"',
            [(4, "a.example.org", Scope.EXACT, False), (1, "a.example.org", Scope.SUBTREE, False)],
        ),
        ('local-zone: "a.example.org" redirect\nlocal-data: "A.example.org. A 192.0.2.1"', [(2, False), (1, False)]),
        ('local-data: "a.example.org A 192.0.2.1"\nlocal-zone: "a.example.org" redirect', [(1, False), (2, False)]),
        (
            'local-zone: "a.example.org" redirect\n'
            'local-data: "a.example.org TXT x"\n'
            'local-data: "a.example.org A 192.0.2.1"',
            [(2, False), (3, False), (1, False)],
        ),
        (
            'local-zone: "a.example.org" redirect\n'
            'local-zone: "b.example.org" inform_redirect\n'
            'local-data: "a.example.org CNAME safe.example.org"\n'
            'local-data: "b.example.org A 192.0.2.1"',
            [(3, False), (4, False), (1, False), (2, False)],
        ),
        (
            'local-zone: "a.example.org" redirect\nlocal-data: "a.example.org TXT x"',
            [(2, False), (1, "a.example.org", Scope.SUBTREE, False)],
        ),
        (
            'local-zone: "a.example.org" redirect\nlocal-data: "b.example.org A 192.0.2.1"',
            [(2, False), (1, "a.example.org", Scope.SUBTREE, False)],
        ),
        (
            'local-zone: "a.example.org" redirect\nlocal-zone: "b.example.org" static',
            [(2, "b.example.org", Scope.SUBTREE, False), (1, "a.example.org", Scope.SUBTREE, False)],
        ),
    ],
)
def test_a_redirect_of_unbound_blocks_unless_it_leads_somewhere(lines: str, expected: list[object]) -> None:
    assert read(lines, Format.UNBOUND) == expected


def test_too_many_names_led_elsewhere_are_no_list_of_what_to_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unbound, "_MOST_LED", 2)
    led = "".join(f'local-data: "n{number}.example.org A 192.0.2.1"\n' for number in range(3))
    assert read(led + 'local-zone: "a.example.org" redirect', Format.UNBOUND)[-1] == (4, False)


def decided(lines: str, name: str, qtype: int = 1) -> bool:
    """Return whether a list written for unbound closes a name."""
    rules = (item for item in parse(lines.split("\n"), Format.UNBOUND) if isinstance(item, Rule))
    listings = [
        Listing("mine", "games", rule.name, rule.allows, rule.terms)
        for rule in rules
        if name == rule.name or (rule.scope is Scope.SUBTREE and name.endswith("." + rule.name))
    ]
    return bool(in_force(listings, name, qtype)[0])


@pytest.mark.parametrize(
    ("lines", "name", "blocked"),
    [
        ('local-zone: "a.kz" typetransparent\nlocal-data: "a.kz A 0.0.0.0"', "a.kz", True),
        ('local-data: "a.kz A 0.0.0.0"\nlocal-zone: "a.kz" transparent', "a.kz", True),
        ('local-zone: "a.kz" transparent\nlocal-data: "www.a.kz A 0.0.0.0"', "www.a.kz", True),
        ('local-zone: "a.kz" transparent\nlocal-data: "a.kz A 0.0.0.0"', "www.a.kz", False),
        ('local-zone: "a.kz" always_transparent\nlocal-data: "a.kz A 0.0.0.0"', "a.kz", False),
        ('local-zone: "kz" static\nlocal-zone: "a.kz" transparent', "www.a.kz", False),
        ('local-zone: "kz" static\nlocal-zone: "a.kz" always_transparent', "www.a.kz", False),
        ('local-zone: "a.kz" transparent\nlocal-zone: "www.a.kz" static', "www.a.kz", True),
    ],
)
def test_data_of_unbound_wins_over_the_zone_that_opens_its_name(lines: str, name: str, blocked: bool) -> None:
    assert decided(lines, name) is blocked


def test_ipv6_that_is_closed_next_to_a_real_ipv4_address_closes_nothing_else() -> None:
    """How configurations for safe search keep devices from the unsafe addresses."""
    lines = (
        'local-zone: "google.com" redirect\nlocal-data: "google.com AAAA ::"\nlocal-data: "google.com A 216.239.38.120"'
    )
    assert not decided(lines, "google.com", 1)
    assert decided(lines, "google.com", 28)
    assert not decided(lines, "www.google.com", 1)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            'zone "a.example.org"\n{\n  type master;\n};\nzone "b.example.org" { type master; };',
            [(1, "a.example.org", Scope.SUBTREE, False), (5, "b.example.org", Scope.SUBTREE, False)],
        ),
        (
            'zone "a.example.org" {\nzone "b.example.org" { type master; };',
            [(1, True), (2, "b.example.org", Scope.SUBTREE, False)],
        ),
        (
            'zone "a.example.org" {\n' + "filler { x; };\n" * 400 + 'zone "b.example.org" {\ntype master;\n};',
            [(1, True), *((line, False) for line in range(276, 402)), (402, "b.example.org", Scope.SUBTREE, False)],
        ),
        (
            'zone "a.example.org" { type forward;\nforwarders { 192.0.2.53; }; };\n/* zone "b.example.org" {\n*/',
            [(1, False)],
        ),
    ],
)
def test_zones_of_bind_end_where_they_end(lines: str, expected: list[object]) -> None:
    assert read(lines, Format.BIND) == expected


@pytest.mark.parametrize("form", [Format.UNBOUND, Format.BIND, Format.RPZ])
def test_an_endless_line_spoils_only_itself(form: Format) -> None:
    written = {
        Format.UNBOUND: 'local-zone: "example.org" static',
        Format.BIND: 'zone "example.org" { type master; };',
        Format.RPZ: "example.org CNAME .",
    }
    first, last = parse(["x" * 5000, written[form]], form)
    assert isinstance(first, Skipped)
    assert isinstance(last, Rule)
