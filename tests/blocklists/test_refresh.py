"""Adding, removing and refreshing lists: what fails leaves what was."""

import gzip
from datetime import timedelta
from pathlib import Path

import pytest

from blocklists import refresh as refreshing
from blocklists.disk import Disk
from blocklists.errors import ListError
from blocklists.fetch import Download, FetchRules
from blocklists.formats import Format
from blocklists.refresh import Outcome, Result, add, chosen, refresh, remove
from blocklists.sources import (
    SOURCES,
    TEXTS,
    Source,
    check_category,
    check_id,
    find_source,
    load_sources,
    text_path,
)
from tests.blocklists.lists_folder import NOW, put

RULES = FetchRules()
LATER = NOW + timedelta(days=1)


def source(location: Path | str, list_id: str = "one", **changes: str) -> Source:
    return Source(list_id, changes.get("title", list_id), changes.get("category", "games"), str(location))


def again(folder: Path, list_id: str = "one") -> Outcome:
    return refresh(folder, find_source(load_sources(folder), list_id), RULES, LATER)


def hundred(prefix: str = "n") -> str:
    return "".join(f"{prefix}{number}.example.org\n" for number in range(100))


def test_a_file_is_added_with_what_it_holds(tmp_path: Path) -> None:
    text = tmp_path / "mine.txt"
    text.write_bytes(gzip.compress(b"0.0.0.0 example.org\nnonsense\n", mtime=0))
    added = add(tmp_path / "lists", source(text), RULES, NOW)
    assert (added.rules, added.skipped, added.format, added.last_error) == (1, 1, None, "")
    assert added.last_refresh == "2026-09-02T08:30:00+00:00"
    assert load_sources(tmp_path / "lists") == (added,)
    assert text_path(tmp_path / "lists", "one").read_text() == "0.0.0.0 example.org\nnonsense\n"


def test_a_relative_file_is_kept_by_its_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.txt").write_text("example.org\n")
    monkeypatch.chdir(tmp_path)
    assert add(tmp_path / "lists", source("mine.txt"), RULES, NOW).location == str(tmp_path / "mine.txt")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (source("/nowhere/x.txt"), "found nothing"),
        (source("http://example.org/x"), "https://"),
        (source("file:///etc/hosts"), "https://"),
        (source("starter:gamez"), "no starter list"),
        (source("/nowhere", category="gamez"), "did you mean 'games'"),
        (source("/nowhere", category="zzzzzz"), "there are: terrorism"),
        (source("/nowhere", list_id="../up"), "small letters"),
        (source("/nowhere", list_id="Ünï"), "small letters"),
        (source("/nowhere", list_id="a" * 64), "small letters"),
        (source("/nowhere", list_id=""), "small letters"),
    ],
)
def test_what_cannot_be_had_is_not_added(tmp_path: Path, wanted: Source, expected: str) -> None:
    with pytest.raises(ListError, match=expected):
        add(tmp_path, wanted, RULES, NOW)
    assert load_sources(tmp_path) == ()
    assert not list(tmp_path.glob(f"{TEXTS}/*"))
    assert not list(tmp_path.glob(f"{TEXTS}/.*"))


def test_an_id_is_given_once(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    with pytest.raises(ListError, match="already"):
        add(tmp_path, source("/nowhere"), RULES, NOW)


def test_refresh_says_what_happened(tmp_path: Path) -> None:
    text = tmp_path / "mine.txt"
    text.write_text("example.org\n")
    folder = tmp_path / "lists"
    add(folder, source(text), RULES, NOW)
    assert again(folder).result is Result.UNCHANGED
    assert load_sources(folder)[0].last_refresh == LATER.isoformat(timespec="seconds")
    text.write_text("example.org\nexample.net\n")
    assert again(folder).result is Result.CHANGED
    assert load_sources(folder)[0].rules == 2


@pytest.mark.parametrize("bad", ["", "# only comments\n", "<html>", "n1.example.org\n" * 49, None])
def test_p0_a_bad_update_keeps_the_last_good_list(tmp_path: Path, bad: str | None) -> None:
    text = tmp_path / "mine.txt"
    text.write_text(hundred())
    folder = tmp_path / "lists"
    good = add(folder, source(text), RULES, NOW)
    text.unlink() if bad is None else text.write_text(bad)
    outcome = again(folder)
    assert outcome.result is Result.FAILED
    (kept,) = load_sources(folder)
    assert (kept.rules, kept.sha256, kept.last_refresh) == (100, good.sha256, good.last_refresh)
    assert "expected" in kept.last_error
    assert text_path(folder, "one").read_text() == hundred()
    text.write_text(hundred("m"))
    assert again(folder).result is Result.CHANGED
    assert load_sources(folder)[0].last_error == ""


def test_an_unchanged_web_list_is_not_fetched_twice_and_a_lost_text_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from collections.abc import Iterator
    from contextlib import contextmanager

    asked = []

    @contextmanager
    def fake(url: str, rules: FetchRules, *, etag: str = "", last_modified: str = "") -> Iterator[Download | None]:
        asked.append((url, etag, last_modified))
        yield None if etag == '"v1"' else Download(iter([b"example.org\n"]), '"v1"', "monday")

    monkeypatch.setattr(refreshing, "fetch", fake)
    add(tmp_path, source("https://example.org/list.txt"), RULES, NOW)
    assert again(tmp_path).result is Result.UNCHANGED
    text_path(tmp_path, "one").unlink()
    again(tmp_path)
    url = "https://example.org/list.txt"
    assert asked == [(url, "", ""), (url, '"v1"', "monday"), (url, "", "")]
    assert text_path(tmp_path, "one").read_text() == "example.org\n"


def test_the_disk_being_full_keeps_the_last_good_list(tmp_path: Path) -> None:
    class Full(Disk):
        def move(self, old: Path, new: Path) -> None:
            if new.parent.name == TEXTS:
                raise OSError(28, "No space left on device")
            super().move(old, new)

    text = tmp_path / "mine.txt"
    text.write_text("example.org\n")
    folder = tmp_path / "lists"
    add(folder, source(text), RULES, NOW)
    text.write_text("example.net\n")
    outcome = refresh(folder, load_sources(folder)[0], RULES, LATER, disk=Full())
    assert outcome.result is Result.FAILED
    assert "No space left" in load_sources(folder)[0].last_error
    assert text_path(folder, "one").read_text() == "example.org\n"


def test_a_list_that_is_removed_meanwhile_does_not_come_back(tmp_path: Path) -> None:
    text = tmp_path / "mine.txt"
    text.write_text("example.org\n")
    folder = tmp_path / "lists"
    added = add(folder, source(text), RULES, NOW)
    remove(folder, "one")
    refresh(folder, added, RULES, LATER)
    assert load_sources(folder) == ()
    assert not text_path(folder, "one").exists()


def test_remove_forgets_the_list_and_its_text(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    put(tmp_path, "two", "example.org\n")
    remove(tmp_path, "one")
    assert [each.id for each in load_sources(tmp_path)] == ["two"]
    assert not text_path(tmp_path, "one").exists()
    with pytest.raises(ListError, match="did you mean 'two'"):
        remove(tmp_path, "twoo")
    with pytest.raises(ListError, match="lists show"):
        remove(tmp_path, "zzz")


def test_all_lists_are_chosen_or_those_named(tmp_path: Path) -> None:
    for list_id in ("one", "two", "three"):
        put(tmp_path, list_id, "example.org\n")
    assert [each.id for each in chosen(tmp_path, ())] == ["one", "two", "three"]
    assert [each.id for each in chosen(tmp_path, ("three", "one", "three"))] == ["three", "one"]


def test_a_forced_format_is_kept(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n", form=Format.HOSTS)
    assert load_sources(tmp_path)[0].format is Format.HOSTS


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"format": 2, "lists": []}', '{"format": 1, "lists": [{"id": 1}]}']
)
def test_a_damaged_register_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / SOURCES).write_text(text)
    with pytest.raises(ListError, match=SOURCES):
        load_sources(tmp_path)


def test_fields_of_a_newer_version_are_passed_over(tmp_path: Path) -> None:
    put(tmp_path, "one", "example.org\n")
    path = tmp_path / SOURCES
    path.write_text(path.read_text().replace('"id"', '"from_the_future": 1, "id"'))
    assert load_sources(tmp_path)[0].id == "one"


def test_ids_and_categories(tmp_path: Path) -> None:
    assert check_id("my-list-2") == "my-list-2"
    assert check_category("self-harm") == "self-harm"
