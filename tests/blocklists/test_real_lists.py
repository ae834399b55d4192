"""Real lists, with all that real lists contain."""

import gzip
from pathlib import Path

import pytest

from blocklists.compile import rebuild
from blocklists.formats import Format, Rule, Scope, Skipped, parse
from blocklists.index import open_current
from blocklists.intake import count, file_chunks, store
from blocklists.sources import detect_in, read_items
from blocklists.suffixes import bundled
from tests.blocklists.lists_folder import DATA, NOW, put

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the real lists are not part of the repository")


def taken_in(tmp_path: Path, name: str) -> Path:
    text = tmp_path / "text"
    store(file_chunks(DATA / "lists" / name), text)
    return text


@pytest.mark.parametrize(
    ("name", "form", "rules"),
    [
        ("ut1/gambling.domains.gz", Format.DOMAINS, 32_000),
        ("ut1/games.domains.gz", Format.DOMAINS, 20_000),
        ("hagezi/gambling.wildcard.txt.gz", Format.DOMAINS, 10_000),
        ("hagezi/doh-vpn-proxy-bypass.adblock.txt", Format.ADBLOCK, 700),
        ("hagezi/doh-vpn-proxy-bypass.hosts", Format.HOSTS, 700),
        ("stevenblack/unified-gambling-porn-social.hosts.gz", Format.HOSTS, 100_000),
        ("stevenblack/ads-adaway.hosts.gz", Format.HOSTS, 6_000),
        ("blocklistproject/piracy.adblock.txt", Format.ADBLOCK, 2_000),
        ("blocklistproject/piracy.domains", Format.DOMAINS, 2_000),
        ("adguard/dns-filter-2017.adblock.txt.gz", Format.ADBLOCK, 12_000),
    ],
)
def test_the_format_is_detected_and_nearly_every_line_understood(
    tmp_path: Path, name: str, form: Format, rules: int
) -> None:
    census = count(taken_in(tmp_path, name), None, bundled())
    assert census.format is form
    assert census.rules >= rules
    assert census.skipped <= census.rules // 10


@pytest.mark.parametrize(
    "name",
    [
        "blocklistproject/piracy.dnsmasq.conf",
        "hagezi/doh-vpn-proxy-bypass.unbound.conf",
        "urlhaus/online.rpz",
        "mullvad/social.rpz.gz",
    ],
)
def test_formats_that_are_not_known_yet_give_no_rule_and_no_error(tmp_path: Path, name: str) -> None:
    census = count(taken_in(tmp_path, name), None, bundled())
    assert census.rules <= census.skipped // 100
    assert census.first_skipped


@pytest.mark.parametrize("family", ["hagezi/doh-vpn-proxy-bypass", "blocklistproject/piracy"])
def test_the_same_list_in_several_formats_names_the_same(tmp_path: Path, family: str) -> None:
    found = {}
    for ending in (".adblock.txt", ".domains", ".hosts", ".wildcard.txt"):
        if (DATA / "lists" / (family + ending)).exists():
            text = taken_in(tmp_path, family + ending)
            found[ending] = {
                item.name for item in read_items(text, detect_in(text), bundled()) if isinstance(item, Rule)
            }
    first, *others = found.values()
    assert others
    for other in others:
        # hosts lists enumerate names below; every other form names the same.
        assert len(first & other) >= 0.95 * min(len(first), len(other))


def test_every_quirk_found_in_real_lists_is_a_rule_or_counted() -> None:
    by_format = {
        "domains": Format.DOMAINS,
        "wildcard": Format.DOMAINS,
        "hosts": Format.HOSTS,
        "adblock": Format.ADBLOCK,
    }
    for row in (DATA / "parser-cases" / "real-quirk-lines.tsv").read_text(encoding="utf-8").split("\n")[1:]:
        if not row:
            continue
        _list, form, quirk, _count, line = row.split("\t", 4)
        items = list(parse([line.replace("\\r", "\r")], by_format[form]))
        if quirk in ("bare IPv4", "colon / IPv6 / port", "path in a domain list"):
            assert all(isinstance(item, Skipped) for item in items), row
        if quirk in ("punycode", "underscore", "upper case") and "localhost" not in line:
            assert [item for item in items if isinstance(item, Rule)], row


def test_one_text_of_all_formats_reads_as_its_largest_part(tmp_path: Path) -> None:
    path = DATA / "parser-cases" / "blocky-edge_cases.txt"
    census = count(path, None, bundled())
    assert census.format is Format.DOMAINS
    items = list(read_items(path, Format.DOMAINS, bundled()))
    names = {item.name for item in items if isinstance(item, Rule)}
    assert {"plain.example.com", "mixed.case.example.com", "wildcard.example.com", "xn--mnchen-3ya.example.de"} <= names
    assert "single-label-host" not in names
    assert all(item.scope is Scope.SUBTREE for item in items if isinstance(item, Rule))


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
