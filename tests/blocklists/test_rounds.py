"""A round of the refresher: what it fetches, what it says, and the note it leaves."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from blocklists.asked import Asked
from blocklists.generation import current_generation
from blocklists.index import open_current
from blocklists.note import NOTE, Note, read_note, write_note
from blocklists.publish import Limits, rebuild
from blocklists.refresh import Outcome, Result
from blocklists.rounds import Round
from blocklists.schedule import Last
from blocklists.sources import Source, load_sources, save_sources, text_path
from tests.blocklists.lists_folder import NOW, put

LATER = NOW + timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put(tmp_path, "one", "a.example\n")
    put(tmp_path, "two", "b.example\n")
    put(tmp_path, "off", "c.example\n")
    one, two, off = load_sources(tmp_path)
    save_sources(tmp_path, [replace(one, location="https://lists.example/one"), two, replace(off, enabled=False)])
    rebuild(tmp_path, now=NOW)
    return tmp_path


def fetching(folder: Path, results: dict[str, Result], seen: list[str]) -> Callable[[Source], Outcome]:
    def refresh(source: Source) -> Outcome:
        seen.append(source.id)
        result = results.get(source.id, Result.UNCHANGED)
        if result is Result.FAILED:
            return Outcome(replace(source, last_error="the line is down"), result)
        if result is Result.CHANGED:
            text_path(folder, source.id).unlink()
            text_path(folder, source.id).write_text(f"news.{source.id}.example\n")
        return Outcome(source, result)

    return refresh


def run(folder: Path, results: dict[str, Result], before: Note | None = None, *, all_lists: bool = True) -> tuple[
    Note, list[str], list[str]
]:  # fmt: skip
    """Run a round; return its note, the lists it fetched and the lines it said."""
    seen: list[str] = []
    said: list[str] = []
    one_round = Round(folder, fetching(folder, results, seen), Limits(), Asked.nothing, said.append, lambda: LATER)
    return one_round.run(before or Note(), all_lists=all_lists), seen, said


def test_all_enabled_lists_are_fetched_and_the_news_published(folder: Path) -> None:
    note, seen, said = run(folder, {"one": Result.CHANGED})
    assert seen == ["one", "two"]
    assert (note.changed, note.failed, note.refused, note.failures) == (("one",), (), (), 0)
    assert note.good == note.tried == LATER.isoformat(timespec="seconds")
    assert (note.published, note.generation) == (True, current_generation(folder))
    assert open_current(folder).lookup("news.one.example")
    assert said[0] == "one: changed: 0 rules"
    assert "generation" in said[-1]


def test_nothing_new_is_said_in_no_words(folder: Path) -> None:
    note, _seen, said = run(folder, {})
    assert said == []
    assert not note.published


def test_a_list_that_fails_does_not_keep_the_others_from_being_published(folder: Path) -> None:
    note, _seen, said = run(folder, {"one": Result.FAILED, "two": Result.CHANGED}, Note(failures=2))
    assert (note.changed, note.failed, note.failures, note.published) == (("two",), ("one",), 3, True)
    assert said[0] == "one: the last good text stays: the line is down"


@pytest.mark.parametrize(
    ("results", "good"),
    [
        pytest.param({"one": Result.FAILED}, "before", id="the only one over the line failed"),
        pytest.param({"two": Result.FAILED}, "now", id="a source was reached"),
        pytest.param({}, "now", id="all is well"),
    ],
)
def test_a_round_is_good_if_it_reached_a_source_or_nothing_failed(
    folder: Path, results: dict[str, Result], good: str
) -> None:
    note, _seen, _said = run(folder, results, Note(good="before"))
    assert note.good == ("before" if good == "before" else LATER.isoformat(timespec="seconds"))


def test_only_what_failed_is_tried_again_soon(folder: Path) -> None:
    before = Note(good="yesterday", failed=("two", "removed", "off"), failures=1)
    note, seen, _said = run(folder, {"two": Result.CHANGED}, before, all_lists=False)
    assert seen == ["two"]
    assert (note.failures, note.good, note.published) == (0, "yesterday", True)


def test_lists_that_cannot_be_compiled_are_told_and_what_is_in_force_stays(folder: Path) -> None:
    before = current_generation(folder)
    text_path(folder, "two").unlink()
    note, _seen, said = run(folder, {})
    assert note.failures == 1
    assert "lists refresh two" in note.error
    assert "could not be compiled" in said[-1]
    assert current_generation(folder) == before


def test_what_is_refused_is_told(folder: Path) -> None:
    said: list[str] = []
    one_round = Round(
        folder,
        fetching(folder, {"one": Result.CHANGED}, []),
        Limits(must_open=("news.one.example",)),
        Asked.nothing,
        said.append,
        lambda: LATER,
    )
    note = one_round.run(Note(), all_lists=True)
    assert (note.refused, note.published) == (("one",), False)
    assert [line for line in said if line.startswith("refused: one")]


def test_the_note_survives_the_disk(tmp_path: Path) -> None:
    note = Note(7, True, NOW.isoformat(), LATER.isoformat(), 3, "", ("a",), ("b", "c"), (), "g", True, "Ошибка")
    write_note(tmp_path / "new", note)
    assert read_note(tmp_path / "new") == note
    assert note.last() == Last(NOW, LATER, 3)


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"changed": 1}', '{"unknown": 1}'])
def test_a_note_that_cannot_be_read_is_none(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / NOTE).write_text(text)
    assert read_note(tmp_path) is None


@pytest.mark.parametrize("moment", ["", "yesterday", "2026-09-02T10:00:00"])
def test_a_time_that_is_none_counts_as_never(moment: str) -> None:
    assert Note(good=moment, tried=moment).last() == Last()
