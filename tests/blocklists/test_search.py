"""Every decision can be led back to a line."""

from pathlib import Path

import pytest

from blocklists.compile import rebuild
from blocklists.formats import Format, Scope
from blocklists.index import open_current
from blocklists.search import find_line, search
from blocklists.sources import text_path
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
