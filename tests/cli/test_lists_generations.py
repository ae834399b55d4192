"""`lists refresh`, `diff`, `publish`, `discard`, `rollback`, `generations`: never a bad update, always a way back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from blocklists.index import open_current
from blocklists.sources import Source
from cli.doctor import list_states
from cli.lists_generations import gone_back
from cli.lists_refresh import progress_bar
from cli.status_lists import read_lists_state
from tests.cli.installation import Bench, Minutes, prepared
from tests.cli.query_log import write_log

SITE = "example.org"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr("blocklists.publish.datetime", Minutes)
    with prepared(tmp_path, monkeypatch) as bench:
        (tmp_path / "mine.txt").write_text("games.example\n")
        bench.done("lists", "add", "mine", str(tmp_path / "mine.txt"), "--category", "games")
        yield bench


def write(bench: Bench, content: str) -> None:
    (bench.folder / "mine.txt").write_text(content)


def blocked(bench: Bench, name: str) -> bool:
    index = open_current(bench.folder / "var" / "lists")
    try:
        return bool(index.lookup(name))
    finally:
        index.close()


def generations(bench: Bench) -> list[dict[str, object]]:
    found = bench.json("lists", "generations", "--json")
    assert isinstance(found, list)
    return found


def test_refresh_takes_what_is_new(bench: Bench) -> None:
    said = bench.done("lists", "refresh")
    assert "lists unchanged: 1" in said
    assert "Nothing changed: generation" in said
    write(bench, "games.example\nmore.example\nbad name\n")
    said = bench.done("lists", "refresh", "mine")
    assert "mine: changed, rules: 2, lines skipped: 1" in said
    assert blocked(bench, "more.example")
    assert "mine: unchanged" in bench.done("lists", "refresh", "mine")


def test_refresh_names_what_failed_and_keeps_it(bench: Bench) -> None:
    (bench.folder / "other.txt").write_text("other.example\n")
    bench.done("lists", "add", "other", str(bench.folder / "other.txt"), "--category", "games")
    (bench.folder / "mine.txt").unlink()
    (bench.folder / "other.txt").write_text("other.example\nnew.example\n")
    result = bench.run("lists", "refresh")
    assert result.exit_code == 1
    assert "mine: the last good text stays in force: expected a file, found nothing" in result.stderr
    assert "could not refresh: mine" in result.stderr
    assert "other: changed" in result.stdout
    assert blocked(bench, "games.example")
    assert blocked(bench, "new.example")
    assert bench.run("lists", "refresh", "other").exit_code == 0


def test_a_proxy_that_is_none_is_told(bench: Bench) -> None:
    result = bench.run("lists", "refresh", SCHOOLFILTER_LISTS__PROXY="socks5://192.0.2.1")
    assert result.exit_code in (1, 2)
    assert "http://" in result.stderr


def test_no_progress_and_no_colour_where_nobody_looks(bench: Bench) -> None:
    result = bench.run("lists", "refresh")
    assert "\x1b" not in result.output
    assert "\r" not in result.output


def test_progress_is_shown_to_people_and_gone_afterwards(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress_bar("mine") as bar:
        bar(10, 100)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with progress_bar("mine"):
        pass
    assert capsys.readouterr() == ("", "")
    with progress_bar("mine") as bar:
        bar(10, 100)
        bar(100, None)
    out, err = capsys.readouterr()
    assert out == ""
    assert "mine" in err
    assert err.endswith("\x1b[2K")


@pytest.mark.parametrize("arguments", [("--scheduled", "mine"), ("--scheduled", "--force"), ("--unknown",)])
def test_misuse_of_refresh(bench: Bench, arguments: tuple[str, ...]) -> None:
    bench.refused(2, "lists", "refresh", *arguments)


def test_the_schedule_is_kept_by_the_refresher(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[object] = []
    monkeypatch.setattr("cli.refresher.serve", served.append)
    bench.done("lists", "refresh", "--scheduled")
    assert len(served) == 1


def refuse(bench: Bench) -> None:
    """Let an update come that would close what must stay open."""
    write(bench, f"games.example\nnew.example\n{SITE}\n")
    result = bench.run("lists", "refresh", SCHOOLFILTER_LISTS__MUST_OPEN=SITE)
    assert result.exit_code == 1
    assert f"Refused: mine:3: {SITE} (games) closes {SITE}, which must stay open" in result.stdout
    assert "Not put in force: mine. See: schoolfilter lists diff" in result.stdout
    assert "or throw it away: schoolfilter lists discard" in result.stdout
    assert "could not refresh: mine" in result.stderr
    assert not blocked(bench, SITE)


def test_a_harmful_update_waits_is_shown_and_can_be_taken(bench: Bench) -> None:
    write_log(bench.folder / "var", {f"www.{SITE}": 9, "new.example": 2, "elsewhere.example": 1})
    refuse(bench)
    assert "A candidate waits" in bench.done("lists", "show")
    assert "the new text was refused" in bench.done("lists", "show", "mine")
    assert [(each["in_force"], each["candidate"]) for each in generations(bench)] == [(False, True), (True, False)]
    assert "candidate" in bench.done("lists", "generations")
    said = bench.done("lists", "diff")
    assert "The candidate" in said
    assert [line.split() for line in said.splitlines() if line.startswith("  mine")] == [
        ["mine", "games", "1", "3", "2", "0"]
    ]
    assert f"  www.{SITE}: 9 times by pupils; Games (games), {SITE} in mine" in said
    assert "To take it: schoolfilter lists publish --force" in said
    assert "elsewhere" not in said
    assert "  … and 1 more" in bench.done("lists", "diff", "--names", "1")
    data = bench.json("lists", "diff", "--json", "--names", "1")
    assert isinstance(data, dict)
    assert (data["candidate"], data["questions"], data["closes_count"], data["opens_count"]) == (True, 12, 2, 0)
    assert [(each["name"], each["count"], each["group"]) for each in data["closes"]] == [(f"www.{SITE}", 9, "pupils")]
    assert data["closes"][0]["now"]["reason"]["list_id"] == "mine"
    again = bench.run("lists", "publish", SCHOOLFILTER_LISTS__MUST_OPEN=SITE)
    assert again.exit_code == 1
    assert not blocked(bench, SITE)
    bench.done("lists", "publish", "--force")
    assert blocked(bench, SITE)
    assert "lists show" in bench.refused(1, "lists", "publish")


def test_a_candidate_can_be_thrown_away(bench: Bench) -> None:
    refuse(bench)
    said = bench.done("lists", "discard")
    assert "thrown away" in said
    assert "mine" in said
    assert "there is no candidate" in bench.refused(1, "lists", "discard")
    assert len(generations(bench)) == 1
    result = bench.run("lists", "refresh", "mine", SCHOOLFILTER_LISTS__MUST_OPEN=SITE)
    assert "refused or rolled back here before" in result.stdout
    assert not blocked(bench, SITE)
    bench.done("lists", "refresh", "mine", "--force")
    assert blocked(bench, SITE)


def test_rollback_restores_what_was_and_goes_forward_again(bench: Bench) -> None:
    write_log(bench.folder / "var", {"more.example": 4})
    write(bench, "games.example\nmore.example\n")
    assert "blocked from now on: 1" in bench.done("lists", "refresh")
    said = bench.done("lists", "rollback")
    assert "open from now on: 1" in said
    assert "In force: generation" in said
    assert "Not taken again until the source sends something new: mine" in said
    assert not blocked(bench, "more.example")
    assert blocked(bench, "games.example")
    assert bench.json("lists", "search", "more.example", "--json") == []
    assert "refused or rolled back here before" in bench.done("lists", "refresh")
    assert not blocked(bench, "more.example")
    bench.done("lists", "publish")
    assert blocked(bench, "more.example")


def test_diff_of_what_is_in_force_against_what_was(bench: Bench) -> None:
    assert "nothing to compare" in bench.refused(1, "lists", "diff")
    write(bench, "games.example\nmore.example\ncom.kz\n")
    bench.done("lists", "refresh")
    said = bench.done("lists", "diff")
    assert ", in force, against" in said
    assert "mine:3: com.kz is held now" in said
    [in_force, before] = generations(bench)
    assert f"{in_force['generation']}, in force, against {before['generation']}:" in said


def test_errors_of_rollback_name_the_next_step(bench: Bench) -> None:
    assert "nothing to go back to" in bench.refused(1, "lists", "rollback")
    assert "lists generations" in bench.refused(1, "lists", "rollback", "20260101T000000Z-00000000")
    name = str(generations(bench)[0]["generation"])
    assert "in force already" in bench.refused(1, "lists", "rollback", name)


def test_a_damaged_generation_is_shown_as_such(bench: Bench) -> None:
    name = str(generations(bench)[0]["generation"])
    (bench.folder / "var" / "lists" / "generations" / name / "manifest.json").write_text("{")
    assert "damaged" in bench.done("lists", "generations")
    assert generations(bench)[0]["error"]
    bench.done("lists", "refresh")
    assert blocked(bench, "games.example")


def test_doctor_sees_what_waits_and_what_is_damaged(bench: Bench) -> None:
    folder = bench.folder / "var" / "lists"
    write(bench, "games.example\ncom.kz\n")
    bench.done("lists", "refresh")
    [[state], error] = list_states(folder)
    assert (error, state.id, state.names, state.held, state.refused) == ("", "mine", 2, 1, False)
    refuse(bench)
    [[state], error] = list_states(folder)
    assert state.refused
    assert "closes example.org" in state.error
    in_force = next(str(each["generation"]) for each in generations(bench) if each["in_force"])
    names = folder / "generations" / in_force / "names.marisa"
    names.write_bytes(names.read_bytes()[:-1] + b"?")
    assert list_states(folder)[0] == ()
    assert "names.marisa is not the file that was compiled" in list_states(folder)[1]


def test_a_text_that_is_not_taken_is_shown_with_the_way_to_take_it(bench: Bench) -> None:
    folder = bench.folder / "var" / "lists"
    assert read_lists_state(folder).rejected == ()
    write(bench, "games.example\nmore.example\n")
    bench.done("lists", "refresh")
    bench.done("lists", "rollback")
    assert "a text is not taken" in bench.done("lists", "show")
    assert "is not taken again. To take it: schoolfilter lists publish --force" in bench.done("lists", "show", "mine")
    assert list_states(folder)[0][0].take == "schoolfilter lists publish --force"
    bench.done("lists", "discard")
    again = "schoolfilter lists refresh mine --force"
    assert f"To take it: {again}" in bench.done("lists", "show", "mine")
    assert list_states(folder)[0][0].take == again
    assert read_lists_state(folder).rejected == ("mine",)
    bench.done("lists", "refresh", "mine", "--force")
    assert blocked(bench, "more.example")
    assert "not taken" not in bench.done("lists", "show") + bench.done("lists", "show", "mine")
    assert list_states(folder)[0][0].take == ""


def test_rollback_names_the_settings_that_went_back(bench: Bench) -> None:
    bench.done("lists", "set", "mine", "--title", "Ours")
    write(bench, "games.example\nmore.example\n")
    bench.done("lists", "refresh")
    bench.done("lists", "set", "mine", "--shadow", "--title", "Theirs")
    assert "Settings are as they were then, too: mine (--title, --shadow)" in bench.done("lists", "rollback")


def test_a_rollback_to_the_oldest_can_be_compared(bench: Bench) -> None:
    bench.done("lists", "set", "mine", "--shadow")
    newer, oldest = (str(each["generation"]) for each in generations(bench))
    bench.done("lists", "rollback")
    assert f"{oldest}, in force, against {newer}" in bench.done("lists", "diff")


def test_what_is_taken_by_force_is_not_called_refused(bench: Bench) -> None:
    refuse(bench)
    said = bench.run("lists", "publish", "--force", SCHOOLFILTER_LISTS__MUST_OPEN=SITE).stdout
    assert f"Taken nevertheless: mine:3: {SITE} (games) closes {SITE}" in said
    assert "Refused" not in said
    assert blocked(bench, SITE)


def test_a_refresh_by_force_takes_what_was_refused(bench: Bench) -> None:
    refuse(bench)
    assert not blocked(bench, SITE)
    said = bench.run("lists", "refresh", "mine", "--force", SCHOOLFILTER_LISTS__MUST_OPEN=SITE)
    assert said.exit_code == 0, said.output
    assert blocked(bench, SITE)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (Source("a", "a", "games", "/x"), []),
        (Source("a", "a", "games", "/x", enabled=False), []),
        (Source("a", "a", "games", "/x", accepted=("x.kz",)), ["Settings are as they were then, too: a (--accept)"]),
        (Source("b", "b", "games", "/x"), ["Removed since, and there again: b"]),
    ],
    ids=["same", "off-is-told-elsewhere", "a-setting", "back-again"],
)
def test_what_a_rollback_undid(now: Source, expected: list[str]) -> None:
    assert gone_back([Source("a", "a", "games", "/x")], [now]) == expected
