"""What happens to a list while its text is being fetched, which may take an hour, counts more than what comes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from blocklists.fetch import FetchRules
from blocklists.intake import judge
from blocklists.publish import rebuild
from blocklists.refresh import Outcome, Result, add, refresh, remove
from blocklists.rollback import publish_candidate, rollback
from blocklists.rules import Format
from blocklists.sources import Source, load_sources, save_sources, text_path
from tests.blocklists.lists_folder import NOW

HOUR = timedelta(hours=1)
RULES = FetchRules()


class House:
    """A list that is a file, of which two versions were in force one after the other."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "mine.txt"
        self.lists = folder / "lists"
        self.hours = 0
        self.write("a")
        add(self.lists, Source("one", "one", "games", str(self.file)), RULES, NOW)
        self.publish()
        self.write("b")
        self.refresh()
        self.publish()

    @property
    def source(self) -> Source:
        return load_sources(self.lists)[0]

    @property
    def text(self) -> str:
        return text_path(self.lists, "one").read_text().removesuffix(".example\n")

    def write(self, name: str) -> None:
        self.file.write_text(f"{name}.example\n")

    def publish(self) -> None:
        self.hours += 1
        rebuild(self.lists, now=NOW + self.hours * HOUR)

    def refresh(self, source: Source | None = None, *, force: bool = False) -> Outcome:
        return refresh(self.lists, source or self.source, RULES, NOW, force=force)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Do something when the next text has come, before it is put in place."""

    def judged(*_args: object, **_options: object) -> None:
        monkeypatch.setattr("blocklists.refresh.judge", judge)
        act()

    monkeypatch.setattr("blocklists.refresh.judge", judged)


def test_a_round_that_began_before_a_rollback_does_not_undo_it(house: House) -> None:
    stale = house.source
    rollback(house.lists)
    outcome = house.refresh(stale)
    assert (outcome.result, house.text) == (Result.UNCHANGED, "a")
    assert "rolled back" in outcome.words
    assert house.source.rejected


def test_a_rollback_while_the_text_comes_is_not_undone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile(monkeypatch, lambda: rollback(house.lists))
    outcome = house.refresh()
    assert (outcome.result, house.text) == (Result.UNCHANGED, "a")
    assert "rolled back" in outcome.words
    rejected = house.source.rejected
    assert rejected
    house.write("c")
    meanwhile(monkeypatch, lambda: save_sources(house.lists, [replace(house.source, rejected="f" * 64)]))
    assert house.refresh().result is Result.CHANGED
    assert (house.text, house.source.rejected) == ("c", "f" * 64)


def test_a_rolled_back_text_is_taken_by_force(house: House) -> None:
    rollback(house.lists)
    assert house.refresh(force=True).result is Result.CHANGED
    assert (house.text, house.source.rejected, house.source.rolled_back) == ("b", "", ())


@pytest.mark.parametrize(
    "changed",
    [
        lambda source: replace(source, location="/elsewhere"),
        lambda source: replace(source, member="games"),
        lambda source: replace(source, format=Format.HOSTS),
        lambda source: replace(source, checksum="/sums"),
        lambda source: replace(source, minisign="key"),
    ],
    ids=["location", "member", "format", "checksum", "minisign"],
)
def test_what_came_by_another_way_is_not_the_lists_text(
    house: House, monkeypatch: pytest.MonkeyPatch, changed: Callable[[Source], Source]
) -> None:
    house.write("c")
    meanwhile(monkeypatch, lambda: save_sources(house.lists, [changed(house.source)]))
    outcome = house.refresh()
    assert (outcome.result, house.text) == (Result.UNCHANGED, "b")
    assert "changed while it was fetched" in outcome.words


def test_a_list_that_was_added_anew_meanwhile_keeps_its_own_text(house: House, tmp_path: Path) -> None:
    stale = house.source
    house.write("c")
    remove(house.lists, "one")
    (tmp_path / "other.txt").write_text("other.example\n")
    add(house.lists, Source("one", "one", "games", str(tmp_path / "other.txt")), RULES, NOW)
    (tmp_path / "other.txt").write_text("newer.example\n")
    assert house.refresh(stale).result is Result.CHANGED
    assert (house.text, house.source.location) == ("newer", str(tmp_path / "other.txt"))


def test_a_list_that_a_rollback_switched_off_is_refreshed_without_a_word_once_it_is_on_again(house: House) -> None:
    other = house.file.with_name("later.txt")
    other.write_text("later.example\n")
    add(house.lists, Source("later", "later", "games", str(other)), RULES, NOW)
    house.publish()
    rollback(house.lists)
    one, later = load_sources(house.lists)
    assert (later.enabled, later.rejected) == (False, later.sha256)
    save_sources(house.lists, [one, replace(later, enabled=True)])
    outcome = house.refresh(load_sources(house.lists)[1])
    assert (outcome.result, outcome.words, outcome.source.last_error) == (Result.UNCHANGED, "", "")


def test_a_source_that_goes_back_to_what_was_rolled_back_is_not_followed(house: House) -> None:
    rollback(house.lists)
    house.write("c")
    assert house.refresh().result is Result.CHANGED
    house.publish()
    assert house.source.rejected == ""
    house.write("b")
    for _ in range(2):
        outcome = house.refresh()
        assert (outcome.result, house.text) == (Result.UNCHANGED, "c")
        assert "refresh the list with --force" in house.source.last_error
    assert house.refresh(force=True).result is Result.CHANGED
    house.publish()
    assert house.refresh().words == ""
    assert house.source.last_error == ""


def test_a_rolled_back_text_that_was_published_after_all_is_fetched_without_a_word(house: House) -> None:
    rollback(house.lists)
    publish_candidate(house.lists, now=NOW + 9 * HOUR)
    assert house.refresh().words == ""
    assert (house.text, house.source.last_error, house.source.rolled_back) == ("b", "", ())
