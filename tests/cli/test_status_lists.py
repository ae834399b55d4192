"""`status` says when the lists were refreshed and what of them waits for a person, and nothing where nothing is."""

import json
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from blocklists.note import Note, write_note
from blocklists.sources import Source, save_sources
from cli.control import Listening, Reply, parse_status
from cli.status import State, problems, rows, status
from cli.status_lists import ListsState, moment, read_lists_state
from tests.cli.fakes import STATUS, installation, run

WELL = parse_status(STATUS)


def shown(lists: ListsState) -> dict[str, str]:
    """Return the rows about lists."""
    worker = replace(WELL, now=1_788_336_000.0)  # 2026-09-02 08:00 UTC
    state = State(Listening(1, ("127.0.0.1:53",), 1), (Reply(0, worker),), 0, 0, lists=lists)
    return {
        label: value for label, value in rows(state, UTC) if "lists" in label or "held" in label or "texts" in label
    }


GOOD = Note(good="2026-09-02T05:30:00+00:00", tried="2026-09-02T05:30:00+00:00", next="2026-09-03T05:10:00+00:00")


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        pytest.param(ListsState(), {}, id="nothing-to-say"),
        pytest.param(
            ListsState(note=GOOD),
            {"lists refreshed": "2026-09-02 05:30 (2 h 30 min ago), next 2026-09-03 05:10"},
            id="well",
        ),
        pytest.param(ListsState(note=Note(running=True)), {"lists refreshed": "now"}, id="under-way"),
        pytest.param(ListsState(note=Note()), {"lists refreshed": "never"}, id="never"),
        pytest.param(
            ListsState(note=replace(GOOD, next="", failed=("a", "b"), refused=("c",))),
            {"lists refreshed": "2026-09-02 05:30 (2 h 30 min ago), not to be had: a, b, refused: c"},
            id="troubles",
        ),
        pytest.param(
            ListsState(held=3, shadow=("x", "y"), candidate="g7"),
            {
                "lists waiting": "g7; `schoolfilter lists diff` shows what it changes",
                "rules held": "3; see `schoolfilter lists held`",
                "lists on trial": "x, y",
            },
            id="what-waits",
        ),
        pytest.param(
            ListsState(refreshed="2026-09-02T07:00:00+00:00", note=replace(GOOD, next="")),
            {"lists refreshed": "2026-09-02 07:00 (1 h 0 min ago)"},
            id="later-by-hand",
        ),
        pytest.param(
            ListsState(refreshed="2026-09-02T07:00:00+00:00"),
            {"lists refreshed": "2026-09-02 07:00 (1 h 0 min ago)"},
            id="by-hand-only",
        ),
        pytest.param(
            ListsState(rejected=("a", "b")),
            {"texts not taken": "a, b; to take what was refused or rolled back: schoolfilter lists refresh ID --force"},
            id="not-taken",
        ),
    ],
)
def test_rows(lists: ListsState, expected: dict[str, str]) -> None:
    assert shown(lists) == expected


def test_lists_that_do_not_compile_are_a_problem() -> None:
    state = State(
        Listening(1, (), 1), (Reply(0, WELL),), 0, 0, lists=ListsState(note=Note(error="no room on the disk"))
    )
    assert [text for text in problems(state) if "no room on the disk" in text]


@pytest.mark.parametrize("text", ["", "soon", "2026-09-02T05:30:00"], ids=["empty", "words", "no-zone"])
def test_what_is_no_moment_is_left_out(text: str) -> None:
    assert moment(text) is None


def test_a_folder_that_is_not_there_or_garbage_says_nothing(tmp_path: Path) -> None:
    assert read_lists_state(tmp_path / "none") == ListsState()
    (tmp_path / "current").write_bytes(b"\xff\xfe")
    (tmp_path / "candidate").write_bytes(b"\xff\xfe")
    (tmp_path / "refresh.json").write_text("[]")
    (tmp_path / "sources.json").write_text("{")
    assert read_lists_state(tmp_path) == ListsState()


def test_json_holds_the_lists_too(tmp_path: Path) -> None:
    write_note(tmp_path / "lists", GOOD)
    (tmp_path / "lists" / "candidate").write_text("g7\n")
    found = json.loads(run(status, installation(tmp_path), "--json").output)["lists"]
    assert (found["candidate"], found["note"]["good"]) == ("g7", GOOD.good)


def test_only_fetched_lists_count_as_refreshed(tmp_path: Path) -> None:
    by_hand = "2026-09-02T06:00:00+00:00"
    packaged = Source("p", "p", "games", "starter:games", last_refresh="2026-09-02T07:00:00+00:00", rejected="b")
    own = Source("o", "o", "games", "/x", last_refresh=by_hand, rejected="a", sha256="c")
    save_sources(tmp_path, [packaged, own, replace(own, id="off", enabled=False)])
    state = read_lists_state(tmp_path)
    assert (state.refreshed, state.rejected) == (by_hand, ("p", "o"))
