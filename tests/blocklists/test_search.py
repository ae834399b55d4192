"""Every decision can be led back to a line."""

from dataclasses import replace
from pathlib import Path

import pytest

from blocklists.errors import BrokenIndex
from blocklists.index import open_current
from blocklists.publish import rebuild
from blocklists.rules import Format, Scope
from blocklists.search import Hit, find_line, search, terms_words
from blocklists.sources import load_sources, save_sources, text_path
from policy.decision import Terms
from tests.blocklists.lists_folder import NOW, put


def test_the_lines_of_all_lists_are_found_the_most_specific_first(tmp_path: Path) -> None:
    put(tmp_path, "one", "# head\nexample.org\nother.example\nA.example.org\n", "games")
    put(tmp_path, "two", "@@||example.org^\n", "video")
    put(tmp_path, "three", "0.0.0.0 example.org\n")
    hits = search(tmp_path, "a.example.org")
    assert [(hit.list_id, hit.line, hit.name, hit.allows) for hit in hits] == [
        ("one", 4, "a.example.org", False),
        ("one", 2, "example.org", False),
        ("two", 1, "example.org", True),
    ]
    assert hits[0].scope is Scope.SUBTREE
    assert [hit.list_id for hit in search(tmp_path, "example.org")] == ["one", "two", "three"]
    assert search(tmp_path, "org") == ()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("EXAMPLE.org", "example.org"),
        ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
        ("ПРИМЕР.рф", "xn--e1afmkfd.xn--p1ai"),
        ("ｅｘａｍｐｌｅ.org", "example.org"),
    ],
)
def test_names_are_found_however_they_are_written(tmp_path: Path, line: str, name: str) -> None:
    put(tmp_path, "one", f"other.example\n{line}\n")
    assert find_line(tmp_path, "one", name) == 2
    assert find_line(tmp_path, "one", "www." + name) == 2


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    assert find_line(tmp_path, "one", "example.net") is None
    assert find_line(tmp_path, "two", "example.org") is None
    text_path(tmp_path, "one").unlink()
    assert find_line(tmp_path, "one", "example.org") is None
    (tmp_path / "sources.json").write_text("{")
    assert find_line(tmp_path, "one", "example.org") is None


def test_line_numbers_hold_over_many_blocks(tmp_path: Path) -> None:
    """The text is read by the block and most blocks are not parsed at all."""
    lines = [f"n{number}.example.net" for number in range(50_000)]
    lines[40_000] = "here.example.org"
    lines[100] = "ж not a name"
    put(tmp_path, "one", "\n".join(lines), form=Format.DOMAINS)
    assert find_line(tmp_path, "one", "www.here.example.org") == 40_001
    rebuild(tmp_path, now=NOW)
    (listing,) = open_current(tmp_path).lookup("www.here.example.org")
    assert find_line(tmp_path, listing.list_id, listing.name) == 40_001


def words(hits: tuple[Hit, ...]) -> list[tuple[object, ...]]:
    return [(hit.list_id, hit.line, hit.written or hit.name, hit.generation != "", hit.held) for hit in hits]


def test_the_line_of_the_version_in_force_is_named(tmp_path: Path) -> None:
    put(tmp_path, "one", "first.example\nexample.org\n")
    generation = rebuild(tmp_path, now=NOW).manifest.generation
    text_path(tmp_path, "one").unlink()  # as a refresh puts a new file in place of the old one
    put(tmp_path, "one", "example.org\nfirst.example\n*.a.example.org\n")
    assert find_line(tmp_path, "one", "example.org") == 2
    assert find_line(tmp_path, "one", "a.example.org") == 2
    source = load_sources(tmp_path)[0]
    save_sources(tmp_path, [replace(source, sha256="f" * 64, last_refresh="2026-09-03T08:00:00+00:00")])
    hits = search(tmp_path, "a.example.org")
    assert words(hits) == [("one", 2, "example.org", True, False), ("one", 3, "a.example.org", False, False)]
    assert [hit.generation for hit in hits] == [generation, ""]
    assert (hits[1].sha256, hits[1].refreshed) == ("f" * 12, "2026-09-03T08:00:00+00:00")


def test_a_list_that_was_removed_is_found_as_long_as_it_is_in_force(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    put(tmp_path, "two", "example.org\n")
    rebuild(tmp_path, now=NOW)
    save_sources(tmp_path, load_sources(tmp_path)[:1])
    assert [hit.list_id for hit in search(tmp_path, "example.org")] == ["one", "two"]
    rebuild(tmp_path, now=NOW)
    assert [hit.list_id for hit in search(tmp_path, "example.org")] == ["one"]
    assert find_line(tmp_path, "two", "example.org") is None


def test_held_rules_are_found_and_marked(tmp_path: Path) -> None:
    put(tmp_path, "one", "||kz^\n||example.kz^\n/\\.kz$/\n", form=Format.ADBLOCK)
    assert words(search(tmp_path, "www.example.kz")) == [
        ("one", 2, "example.kz", False, False),
        ("one", 1, "kz", False, True),
        ("one", 3, "/\\.kz$/", False, False),  # expressions are judged all together, at the compile
    ]
    rebuild(tmp_path, now=NOW)
    assert words(search(tmp_path, "www.example.kz")) == [
        ("one", 2, "example.kz", True, False),
        ("one", 1, "kz", True, True),
        ("one", 3, "/\\.kz$/", True, True),
    ]


def test_expressions_are_found_by_the_names_they_speak_of_and_by_how_they_are_written(tmp_path: Path) -> None:
    text = "||example.org^\n/^casino[0-9]+\\./\n@@/^casino9\\./\n" + "||filler.example^\n" * 20_000 + "/casino[0-9]/\n"
    put(tmp_path, "one", text, form=Format.ADBLOCK)
    assert [hit.line for hit in search(tmp_path, "casino7.net")] == [2, 20_004]
    rebuild(tmp_path, now=NOW)
    hits = search(tmp_path, "casino9.net")
    assert sorted(words(hits)) == [
        ("one", 2, "/^casino[0-9]+\\./", True, False),
        ("one", 3, "@@/^casino9\\./", True, False),
        ("one", 20_004, "/casino[0-9]/", True, False),
    ]
    assert {hit.scope for hit in hits} == {Scope.PATTERN}
    index = open_current(tmp_path)
    found = {each.name: find_line(tmp_path, "one", each.name) for each in index.lookup("casino9.net")}
    index.close()
    assert found == {"/^casino[0-9]+\\./": 2, "@@/^casino9\\./": 3, "/casino[0-9]/": 20_004}


def test_terms_are_told_in_the_words_of_lists(tmp_path: Path) -> None:
    source = put(
        tmp_path, "one", "||example.org^$important\n||a.example.org^$dnstype=~AAAA,denyallow=b.a.example.org\n"
    )
    save_sources(tmp_path, [replace(source, shadow=True)])
    rebuild(tmp_path, now=NOW)
    assert [hit.terms for hit in search(tmp_path, "a.example.org")] == [
        ("dnstype=~AAAA", "denyallow=b.a.example.org", "shadow"),
        ("important", "shadow"),
    ]
    assert terms_words(Terms(types=(1, 99))) == ("dnstype=A|TYPE99",)
    assert terms_words(None) == ()


@pytest.mark.parametrize(
    "written", ["zip", ".zip", "*.zip", "||zip^", "address=/a.example/zip/", "domain:zip", "ZIP # all"]
)
def test_a_top_level_domain_that_a_list_means_is_found(tmp_path: Path, written: str) -> None:
    """It is the only name that a block of lines is not known to speak of by two labels."""
    filler = {"*": "*.f.example", "|": "||f.example^", "a": "local=/f.example/", "d": "f.example"}.get(
        written[0], "f.example"
    )
    form = Format.V2FLY if written.startswith("domain:") else None
    text = "\n".join([filler] * 30_000 + [written] + [filler] * 30_000)
    source = put(tmp_path, "one", text, form=form)
    save_sources(tmp_path, [replace(source, suffixes=True)])
    rebuild(tmp_path, now=NOW)
    (listing,) = open_current(tmp_path).lookup("setup.zip")
    assert find_line(tmp_path, "one", listing.name) == 30_001
    assert [hit.line for hit in search(tmp_path, "setup.zip")] == [30_001]


def test_formats_in_which_lines_hang_together_are_read_whole(tmp_path: Path) -> None:
    zone = "$ORIGIN rpz.example.\n@ SOA a. b. 1 2 3 4 5\n" + "f.example CNAME .\n" * 50_000 + "*.example.org CNAME .\n"
    put(tmp_path, "zone", zone, form=Format.RPZ)
    rebuild(tmp_path, now=NOW)
    (hit,) = search(tmp_path, "www.example.org")
    assert (hit.line, hit.scope) == (50_003, Scope.BELOW)
    assert search(tmp_path, "example.org") == ()


def test_networks_are_found_however_they_are_written(tmp_path: Path) -> None:
    put(tmp_path, "bad", "# head\n192.0.2.0/24\n2001:DB8:0::7\n192.0.2.7/32\n", form=Format.ADDRESSES)
    rebuild(tmp_path, now=NOW)
    assert find_line(tmp_path, "bad", "192.0.2.0/24") == 2
    assert find_line(tmp_path, "bad", "2001:db8::7") == 3
    assert find_line(tmp_path, "bad", "192.0.2.7") == 4
    assert find_line(tmp_path, "bad", "192.0.2.8") is None
    assert search(tmp_path, "192.0.2.7") == ()


def test_an_exception_and_a_block_of_one_name_are_told_apart(tmp_path: Path) -> None:
    put(tmp_path, "one", "||example.org^\n@@||example.org^\n")
    rebuild(tmp_path, now=NOW)
    assert find_line(tmp_path, "one", "example.org", allows=True) == 2
    assert find_line(tmp_path, "one", "example.org", allows=False) == 1


@pytest.mark.parametrize(
    ("form", "text", "lines"),
    [
        pytest.param(
            Format.RPZ,
            "$TTL 60\n@ SOA localhost. root. 1 2 3 4 5\n  NS localhost.\n"
            "*.bad.example CNAME .\n*.deep.bad.example CNAME .\n",
            {"bad.example": 4, "deep.bad.example": 5, "x.deep.bad.example": 5, "other.bad.example": 4},
            id="rpz",
        ),
        pytest.param(
            Format.ADBLOCK,
            "||plain.example^\n||*.star.example^\n.dot.example^\n@@||*.star.example^\n",
            {"star.example": 2, "dot.example": 3, "plain.example": 1, "www.plain.example": 1},
            id="adblock",
        ),
    ],
)
def test_a_rule_is_found_by_its_own_name_also_if_it_does_not_cover_it(
    tmp_path: Path, form: Format, text: str, lines: dict[str, int]
) -> None:
    put(tmp_path, "one", text, form=form)
    assert {name: find_line(tmp_path, "one", name, allows=False) for name in lines} == lines
    rebuild(tmp_path, now=NOW)
    index = open_current(tmp_path)
    named = {each.name for name in lines for each in index.lookup("below." + name)}
    assert named == set(lines) - {"x.deep.bad.example", "other.bad.example", "www.plain.example"}
    assert all(find_line(tmp_path, "one", name, allows=False) == lines[name] for name in named)


def test_a_list_that_is_switched_off_is_searched_in_its_newest_text(tmp_path: Path) -> None:
    source = put(tmp_path, "one", "example.org\n")
    save_sources(tmp_path, [replace(source, enabled=False)])
    rebuild(tmp_path, now=NOW)
    (hit,) = search(tmp_path, "example.org")
    assert (hit.enabled, hit.generation, hit.line) == (False, "", 1)


def test_a_broken_index_is_named(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    generation = rebuild(tmp_path, now=NOW).manifest.generation
    (tmp_path / "generations" / generation / "manifest.json").unlink()
    with pytest.raises(BrokenIndex):
        search(tmp_path, "example.org")
    assert find_line(tmp_path, "one", "example.org") is None


def test_an_endless_line_is_passed_over_in_bounded_memory(tmp_path: Path) -> None:
    put(tmp_path, "one", "a.example\n" + "x" * 3_000_000 + "\nexample.org\n", form=Format.DOMAINS)
    assert find_line(tmp_path, "one", "example.org") == 3
