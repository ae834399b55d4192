"""Safe search: which name is answered by which, exactly as the makers publish it."""

import ipaddress
import json

import pytest

from policy.names import parse_name
from policy.safesearch import ENGINES, ENGINES_BY_ID, MODERATE, OFF, ON, SAFE, STRICT, rewrites
from tests.blocklists.lists_folder import DATA

TABLE = DATA / "safesearch" / "safesearch.json"
OURS = {"yandex.kg", "www.yandex.kg"}
"""Known to us and not to the table."""


@pytest.mark.skipif(not TABLE.exists(), reason="the table is not part of the repository")
def test_engines_agree_with_the_published_table() -> None:
    for row in json.loads(TABLE.read_text())["engines"]:
        engine, dash, mode = row["id"].partition("-")
        found = ENGINES_BY_ID[engine].mode(mode if dash else ON)
        assert found is not None, row["id"]
        assert found.target == row["target"]
        assert set(found.addresses) == {*row["a"], *row["aaaa"]}
        assert set(ENGINES_BY_ID[engine].hosts) - OURS == set(row["hosts"])


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("www.google.com", "forcesafesearch.google.com"),
        ("www.google.kz", "forcesafesearch.google.com"),
        ("www.google.kg", "forcesafesearch.google.com"),
        ("www.google.com.tr", "forcesafesearch.google.com"),
        ("yandex.kz", "familysearch.yandex.ru"),
        ("www.yandex.kg", "familysearch.yandex.ru"),
        ("ya.ru", "familysearch.yandex.ru"),
        ("www.bing.com", "strict.bing.com"),
        ("duckduckgo.com", "safe.duckduckgo.com"),
        ("search.brave.com", "forcesafe.search.brave.com"),
        ("www.youtube.com", "restrictmoderate.youtube.com"),
        ("youtubei.googleapis.com", "restrictmoderate.youtube.com"),
    ],
)
def test_names_lead_to_their_safe_mode(host: str, target: str) -> None:
    assert rewrites(SAFE)[host].target == target


@pytest.mark.parametrize(
    "name", ["google.com", "mail.google.com", "mail.yandex.ru", "accounts.youtube.com", "youtu.be"]
)
def test_other_names_of_the_same_makers_stay(name: str) -> None:
    assert name not in rewrites(SAFE)


def test_modes_are_per_engine() -> None:
    assert rewrites({}) == {}
    assert rewrites({"google": OFF, "youtube": "on", "altavista": ON}) == {}
    strict = rewrites({"youtube": STRICT})
    assert strict["m.youtube.com"].target == "restrict.youtube.com"
    assert "www.google.com" not in strict
    assert strict["m.youtube.com"].engine == "youtube"


def test_fallback_addresses_are_octets_of_their_family() -> None:
    google = rewrites(SAFE)["www.google.com"]
    assert google.a == (ipaddress.ip_address("216.239.38.120").packed,)
    assert google.aaaa == (ipaddress.ip_address("2001:4860:4802:32::78").packed,)
    for rewrite in rewrites(SAFE).values():
        assert {len(packed) for packed in rewrite.a} <= {4}
        assert {len(packed) for packed in rewrite.aaaa} <= {16}


def test_every_name_is_canonical_belongs_to_one_engine_and_no_target_is_rewritten() -> None:
    hosts = [host for engine in ENGINES for host in engine.hosts]
    assert len(hosts) == len(set(hosts))
    assert all(parse_name(host) == host for host in hosts)
    targets = {mode.target for engine in ENGINES for mode in engine.modes}
    assert not targets & set(hosts)


def test_safe_is_every_engine_in_its_most_lenient_mode() -> None:
    assert set(SAFE) == set(ENGINES_BY_ID)
    assert SAFE["youtube"] == MODERATE
    assert OFF not in SAFE.values()
