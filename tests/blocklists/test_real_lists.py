"""Real lists, with all that real lists contain."""

import gzip
import io
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import re2

from blocklists.formats import cancelled_rules, detect, parse
from blocklists.index import open_current
from blocklists.lines import text_lines
from blocklists.publish import rebuild
from blocklists.rules import Format, Item, Rule, Scope, Skipped
from policy.names import with_parents
from tests.blocklists.lists_folder import DATA, NOW, put

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the real lists are not part of the repository")


def lines_of(name: str) -> list[str]:
    path = next(path for path in (DATA / name, DATA / "lists" / name) if path.exists())
    data = path.read_bytes()
    return list(text_lines(io.BytesIO(gzip.decompress(data) if path.suffix == ".gz" else data)))


def items_of(name: str, subdomains: bool | None = None) -> list[Item]:
    lines = lines_of(name)
    return list(parse(lines, detect(lines), subdomains=subdomains, cancelled=cancelled_rules(lines)))


@pytest.mark.parametrize(
    ("name", "form", "rules", "faults", "unused"),
    [
        ("ut1/gambling.domains.gz", Format.DOMAINS, 32_233, 0, 14),
        ("ut1/games.domains.gz", Format.DOMAINS, 33_715, 0, 26),
        ("ut1/agressif.domains", Format.DOMAINS, 267, 0, 93),
        ("ut1/redirector.domains.gz", Format.DOMAINS, 109_793, 0, 22_530),
        ("ut1/malware.domains.gz", Format.DOMAINS, 216_597, 0, 1_844),
        ("ut1/dynamic-dns.domains", Format.DOMAINS, 2_077, 0, 0),
        ("hagezi/gambling.wildcard.txt.gz", Format.WILDCARD, 195_339, 0, 0),
        ("hagezi/doh-vpn-proxy-bypass.adblock.txt", Format.ADBLOCK, 714, 0, 0),
        ("hagezi/doh-vpn-proxy-bypass.hosts", Format.HOSTS, 1_205, 0, 0),
        ("hagezi/doh-vpn-proxy-bypass.domains", Format.DOMAINS, 1_205, 0, 0),
        ("hagezi/doh-vpn-proxy-bypass.wildcard.txt", Format.WILDCARD, 714, 0, 0),
        ("hagezi/doh-vpn-proxy-bypass.dnsmasq.conf", Format.DNSMASQ, 714, 0, 0),
        ("hagezi/doh-vpn-proxy-bypass.unbound.conf", Format.UNBOUND, 714, 0, 1),
        ("stevenblack/unified-gambling-porn-social.hosts.gz", Format.HOSTS, 120_177, 0, 0),
        ("stevenblack/porn-sinfonietta.hosts.gz", Format.HOSTS, 58_926, 0, 3),
        ("stevenblack/ads-adaway.hosts.gz", Format.HOSTS, 7_341, 0, 0),
        ("blocklistproject/piracy.adblock.txt", Format.ADBLOCK, 2_154, 0, 0),
        ("blocklistproject/piracy.domains", Format.DOMAINS, 2_154, 0, 0),
        ("blocklistproject/piracy.dnsmasq.conf", Format.DNSMASQ, 2_154, 0, 0),
        ("blocklistproject/youtube.hosts.gz", Format.HOSTS, 24_280, 0, 0),
        ("adguard/dns-filter-2017.adblock.txt.gz", Format.ADBLOCK, 12_542, 0, 206),
        ("adguard/blocked-services-unusual-rules.adblock.txt", Format.ADBLOCK, 50, 1, 0),
        ("urlhaus/online.adblock.txt", Format.ADBLOCK, 619, 0, 2_234),
        ("urlhaus/online.bind-zones.conf", Format.BIND, 619, 0, 0),
        ("urlhaus/online.dnscrypt-names.txt", Format.DOMAINS, 619, 0, 0),
        ("urlhaus/online.dnsmasq.conf", Format.DNSMASQ, 619, 0, 0),
        ("urlhaus/online.domains", Format.DOMAINS, 619, 0, 2_234),
        ("urlhaus/online.hosts", Format.HOSTS, 619, 0, 0),
        ("urlhaus/online.rpz", Format.RPZ, 619, 0, 0),
        ("urlhaus/online.unbound.conf", Format.UNBOUND, 619, 0, 0),
        ("urlhaus/online.wildcard.txt", Format.WILDCARD, 619, 0, 2_234),
        ("mullvad/adult.rpz.gz", Format.RPZ, 25_220, 7, 37),
        ("mullvad/social.rpz.gz", Format.RPZ, 73_191, 6, 0),
        ("v2fly/expanded/google.txt", Format.V2FLY, 1_114, 0, 0),
        ("v2fly/expanded/category-porn.txt.gz", Format.V2FLY, 6_658, 0, 0),
        ("doh/dibdot-doh-ipv4.txt.gz", Format.ADDRESSES, 1_974, 1, 0),
        ("doh/dibdot-doh-ipv6.txt.gz", Format.ADDRESSES, 1_339, 1, 0),
        ("doh/misp-public-dns-v4.txt.gz", Format.ADDRESSES, 62_745, 0, 0),
        ("doh/misp-icloud-private-relay.txt.gz", Format.ADDRESSES, 13_747, 0, 0),
        ("ru/refilter-domains_all.lst.gz", Format.DOMAINS, 86_133, 0, 7),
        ("misc/misp-dynamic-dns.txt.gz", Format.DOMAINS, 35_467, 0, 0),
        ("safesearch/adguard/google.txt", Format.ADBLOCK, 0, 0, 194),
        ("allow/misp-windows-endpoints.txt", Format.DOMAINS, 144, 0, 0),
    ],
)
def test_the_format_is_detected_and_every_line_accounted_for(
    name: str, form: Format, rules: int, faults: int, unused: int
) -> None:
    lines = lines_of(name)
    assert detect(lines) is form
    items = list(parse(lines, form))
    skipped = [item for item in items if isinstance(item, Skipped)]
    assert (len(items) - len(skipped), sum(item.fault for item in skipped)) == (rules, faults)
    assert len(skipped) - faults == unused


def covers(items: Iterable[Item]) -> Callable[[str], bool]:
    """Return whether a list blocks a name."""
    rules = [item for item in items if isinstance(item, Rule)]
    exact = {rule.name for rule in rules if rule.scope in (Scope.EXACT, Scope.SUBTREE)}
    trees = {rule.name for rule in rules if rule.scope is Scope.SUBTREE}
    below = {rule.name for rule in rules if rule.scope in (Scope.SUBTREE, Scope.BELOW)}
    patterns = [re2.compile(rule.name) for rule in rules if rule.scope is Scope.PATTERN]

    def blocked(name: str) -> bool:
        parents = list(with_parents(name))[1:]
        return (
            name in exact
            or any(parent in below or parent in trees for parent in parents)
            or any(pattern.search(name) for pattern in patterns)
        )

    return blocked


@pytest.mark.parametrize(
    ("family", "endings"),
    [
        (
            "urlhaus/online",
            [
                ".domains",
                ".adblock.txt",
                ".bind-zones.conf",
                ".dnscrypt-names.txt",
                ".dnsmasq.conf",
                ".unbound.conf",
                ".wildcard.txt",
                ".hosts",
                ".rpz",
            ],
        ),
        ("blocklistproject/piracy", [".domains", ".adblock.txt", ".dnsmasq.conf", ".hosts"]),
        ("blocklistproject/tiktok", [".domains.gz", ".adblock.txt.gz", ".dnsmasq.conf.gz", ".hosts.gz"]),
        (
            "hagezi/doh-vpn-proxy-bypass",
            [".wildcard.txt", ".adblock.txt", ".dnsmasq.conf", ".unbound.conf", ".domains", ".hosts"],
        ),
    ],
)
def test_the_same_list_in_any_format_gives_the_same_answer(family: str, endings: list[str]) -> None:
    """For the listed names; below them only formats that speak of what is below, and the list's enumerated forms."""
    forms = {ending: items_of(family + ending) for ending in endings}
    listed = {item.name for items in forms.values() for item in items if isinstance(item, Rule)}
    others = (
        {"www." + name for name in listed}
        | {parent for name in listed for parent in with_parents(name)}
        | {"x" + name for name in listed}
    )
    trees = {}
    for ending, items in forms.items():
        blocked = covers(items)
        assert [name for name in sorted(listed) if not blocked(name)] == [], ending
        if ".hosts" not in ending and ".rpz" not in ending:
            trees[ending] = {name for name in others if blocked(name)}
    first = trees.pop(endings[0])
    assert first
    for ending, blocked_names in trees.items():
        assert blocked_names == first, ending


@pytest.mark.parametrize("family", ["urlhaus/online.hosts", "blocklistproject/piracy.hosts"])
def test_hosts_widened_cover_what_domains_cover(family: str) -> None:
    domains = {item for item in items_of(family.replace(".hosts", ".domains")) if isinstance(item, Rule)}
    hosts = {item for item in items_of(family, subdomains=True) if isinstance(item, Rule)}
    assert {(rule.name, rule.scope) for rule in hosts} == {(rule.name, rule.scope) for rule in domains}


def test_every_quirk_found_in_real_lists_is_a_rule_or_counted() -> None:
    for row in (DATA / "parser-cases" / "real-quirk-lines.tsv").read_text(encoding="utf-8").split("\n")[1:]:
        if not row:
            continue
        _list, form, quirk, _count, line = row.split("\t", 4)
        items = list(parse([line.replace("\\r", "\r")], Format(form)))
        if quirk in ("bare IPv4", "colon / IPv6 / port", "path in a domain list"):
            assert all(isinstance(item, Skipped) and not item.fault for item in items), row
        elif quirk in ("punycode", "underscore", "upper case", "inline comment", "label over 63"):
            assert all(isinstance(item, Rule) for item in items), row
            assert items or line.startswith("::1"), row
        elif quirk == "crlf":
            assert not any(isinstance(item, Skipped) for item in items), row
        else:
            assert items or "localhost" in line or "ip6-" in line, row


def test_adguard_homes_own_cases() -> None:
    """What it keeps, we understand or count; a tab before a comment does not spoil a rule."""
    assert [item.name for item in parse(["||bad-tab-and-comment.example^\t# A comment."], Format.ADBLOCK)] == [  # type: ignore[union-attr] # a rule
        "bad-tab-and-comment.example"
    ]
    (item,) = parse(["0.0.0.0 tab..example^\t# A comment."], Format.ADBLOCK)
    assert isinstance(item, Skipped)
    assert item.fault
    (item,) = parse(["||cosmetic.example## :has-text(/\u200c/i)"], Format.ADBLOCK)
    assert isinstance(item, Skipped)
    assert not item.fault
    assert all(isinstance(item, Skipped) for item in parse(["<!DOCTYPE html>"], Format.ADBLOCK))


def test_blockys_own_cases_read_as_adblock() -> None:
    """Its golden file, but for hyphens at the ends of labels, addresses, and the numbers of names on a line."""
    rules = [item for item in items_of("parser-cases/blocky-edge_cases.txt") if isinstance(item, Rule)]
    ours = {rule.name for rule in rules if rule.scope is not Scope.PATTERN}
    patterns = {rule.written for rule in rules if rule.scope is Scope.PATTERN}
    for row in lines_of("parser-cases/blocky-edge_cases.golden"):
        kind, _tab, text = row.partition("\t")
        if kind == "regex":
            assert f"/{text}/" in patterns
        elif kind == "string" and "hyphen." not in text and "hyphen-." not in text and not text[0].isdigit():
            assert text.removesuffix(".") in ours or ":" in text, row


def test_no_real_list_closes_a_country(tmp_path: Path) -> None:
    put(
        tmp_path,
        "rpz",
        "de\ngob.mx\nedu.kz\n" + gzip.decompress((DATA / "lists/ut1/games.domains.gz").read_bytes()).decode(),
    )
    rebuild(tmp_path, now=NOW)
    index = open_current(tmp_path)
    for name in ("example.de", "school.edu.kz", "escuela.gob.mx"):
        assert index.lookup(name) == ()
