"""Real lists in several formats, from `lists add` to `lists rollback`, as a teacher types it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from blocklists.index import open_current
from tests.blocklists.lists_folder import DATA
from tests.cli.installation import Bench, Minutes, prepared
from tests.cli.query_log import write_log

LISTS = DATA / "lists"

pytestmark = pytest.mark.skipif(not LISTS.exists(), reason="the real lists are not here")

REAL = [
    # file, category, format, a name that it holds, rules, lines at fault
    ("ut1/gambling.domains.gz", "gambling", "domains", "www.liveroulette.com", 32233, 0),
    ("blocklistproject/piracy.hosts", "downloads", "hosts", "1337x.to", None, 0),
    ("blocklistproject/piracy.dnsmasq.conf", "downloads", "dnsmasq", "www.1337x.to", None, 0),
    ("blocklistproject/piracy.adblock.txt", "downloads", "adblock", "www.1337x.to", None, 0),
    ("hagezi/doh-vpn-proxy-bypass.wildcard.txt", "bypass", "wildcard", "www.8888.google", None, 0),
    ("urlhaus/online.unbound.conf", "malware", "unbound", "", None, 0),
    ("urlhaus/online.rpz", "malware", "rpz", "", None, 0),
    ("mullvad/adult.rpz.gz", "adult", "rpz", "xvideos.com", 25220, 7),
    ("doh/dibdot-doh-ipv4.txt.gz", "bypass", "addresses", "", 1974, 1),
]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr("blocklists.publish.datetime", Minutes)
    with prepared(tmp_path, monkeypatch) as bench:
        yield bench


def speak_of(bench: Bench, name: str) -> set[str]:
    index = open_current(bench.folder / "var" / "lists")
    try:
        return {each.list_id for each in index.lookup(name)}
    finally:
        index.close()


@pytest.mark.parametrize(("file", "category", "form", "name", "rules", "skipped"), REAL, ids=[row[0] for row in REAL])
def test_a_real_list_is_added_shown_searched_and_removed(
    bench: Bench, file: str, category: str, form: str, name: str, rules: int | None, skipped: int
) -> None:
    said = bench.done("lists", "add", "real", str(LISTS / file), "--category", category)
    assert "In force: generation" in said
    shown = bench.json("lists", "show", "real", "--json")
    assert isinstance(shown, dict)
    assert (shown["format"], shown["skipped"]) == (form, skipped)
    assert shown["rules"] == rules or rules is None
    assert len(shown["skipped_lines"]) == skipped
    if name:
        assert speak_of(bench, name) == {"real"}
        hits = bench.json("lists", "search", name, "--json")
        assert isinstance(hits, list)
        text = Path(shown["text"]).read_text(encoding="utf-8").split("\n")
        assert hits[0]["name"] in text[hits[0]["line"] - 1]
    bench.done("lists", "remove", "real")
    assert speak_of(bench, name or "example.org") == set()


def test_a_real_list_on_trial_then_in_force_then_rolled_back(bench: Bench) -> None:
    """UT1 `games` holds chess.com, which lessons need, and much that they do not."""
    write_log(bench.folder / "var", {"www.chess.com": 30, "www.armorgames.com": 12, "example.org": 100})
    path = str(LISTS / "ut1" / "games.domains.gz")
    said = bench.done("lists", "add", "ut1-games", path, "--shadow")
    assert "ut1-games is on trial" in said
    assert "nothing is decided otherwise" in said
    said = bench.done("lists", "set", "ut1-games", "--enforce")
    assert "www.armorgames.com: 12 times by pupils; Games (games), armorgames.com in ut1-games" in said
    assert "www.chess.com: " not in said
    assert "game.tw" in bench.done("lists", "held")
    assert "armorgames.com" in bench.done("lists", "search", "www.armorgames.com")
    said = bench.done("lists", "diff")
    assert "www.armorgames.com: 12 times" in said
    said = bench.done("lists", "rollback")
    assert "open from now on: 1" in said
    found = bench.json("check", "www.armorgames.com", "--json")
    assert isinstance(found, dict)
    assert found["action"] == "allow"


def test_an_update_that_would_close_what_lessons_need_is_refused(bench: Bench) -> None:
    path = bench.folder / "update.rpz"
    path.write_text("$TTL 60\n@ SOA . . 1 1 1 1 1\n NS .\ngames.example CNAME .\n*.games.example CNAME .\n")
    bench.done("lists", "add", "mine", str(path), "--category", "terrorism")
    path.write_text(path.read_text() + "wikipedia.org CNAME .\n*.wikipedia.org CNAME .\n")
    result = bench.run("lists", "refresh", "mine")
    assert result.exit_code == 1
    assert "wikipedia.org" in result.stdout
    assert "Not put in force: mine" in result.stdout
    assert speak_of(bench, "ru.wikipedia.org") == set()
    assert speak_of(bench, "www.games.example") == {"mine"}
