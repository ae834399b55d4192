"""`init`: one command makes everything, a second one changes nothing."""

import shutil
from pathlib import Path
from typing import cast

import pytest

from cli.init import prepare
from settings.load import load
from tests.cli.installation import Bench


@pytest.fixture(autouse=True)
def no_lists(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    made: list[Path] = []
    monkeypatch.setattr("cli.init.ensure_starter", lambda folder, _limits: made.append(folder))
    return made


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


def test_init_makes_everything_once(tmp_path: Path, no_lists: list[Path]) -> None:
    bench = Bench(tmp_path)
    state = tmp_path / "var"
    said = bench.done(
        "init", "--school-name", "№ 5 мектеп", "--country", "kg", "--language", "ky", "--state", str(state)
    )
    assert str(bench.config) in said
    settings = load(bench.config, {})
    assert (settings.school.name, settings.school.country, settings.school.language) == ("№ 5 мектеп", "kg", "ky")
    assert settings.school.time_zone == "Asia/Bishkek"
    assert settings.paths.state == state
    assert modes(state) == {
        "schoolfilter.toml": 0o644,
        "policy.db": 0o600,
        "lists": 0o700,
        "querylog": 0o700,
        "run": 0o700,
    }
    assert state.stat().st_mode & 0o777 == 0o700
    assert no_lists == [settings.paths.lists]
    before = bench.config.read_bytes()
    bench.done("block", "example.org")
    bench.done("init")
    assert bench.config.read_bytes() == before
    assert bench.json("block", "--list", "--json") != []


def test_init_does_not_change_settings_unless_told_and_keeps_the_old_ones(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.done("init", "--school-name", "Old")
    assert "was left as it is" in bench.refused(2, "init", "--school-name", "New")
    assert load(bench.config, {}).school.name == "Old"
    bench.done("init", "--school-name", "New", "--force-config")
    assert load(bench.config, {}).school.name == "New"
    old = bench.config.with_name("schoolfilter.toml.old")
    assert load(old, {}).school.name == "Old"


def test_init_with_settings_elsewhere_names_the_state_absolutely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bench = Bench(tmp_path)
    bench.config = tmp_path / "etc" / "school.toml"
    bench.done("init", "--state", "data")
    assert load(bench.config, {}).paths.state == tmp_path / "data"
    assert (tmp_path / "data" / "policy.db").exists()


def test_a_state_folder_with_its_settings_can_be_moved(tmp_path: Path) -> None:
    installation = prepare(tmp_path / "var", {})
    assert installation.settings.paths.state == tmp_path / "var"
    (tmp_path / "var").rename(tmp_path / "var2")
    (tmp_path / "clone").mkdir()
    (tmp_path / "var2").rename(tmp_path / "clone" / "var")
    assert load(tmp_path / "clone" / "var" / "schoolfilter.toml", {}).paths.state == tmp_path / "clone" / "var"


@pytest.mark.parametrize("named", [True, False])
def test_a_copy_of_a_state_folder_with_its_settings_is_an_installation_whatever_it_is_called(
    tmp_path: Path, named: bool
) -> None:
    bench = Bench(tmp_path)
    bench.done("init", *(["--state", str(tmp_path / "var")] if named else []))
    bench.done("block", "example.org")
    shutil.copytree(tmp_path / "var", tmp_path / "copy")
    bench.config = tmp_path / "copy" / "schoolfilter.toml"
    bench.done("block", "example.net")
    assert load(bench.config, {}).paths.state == tmp_path / "copy"
    assert {entry["name"] for entry in cast("list[dict[str, str]]", bench.json("block", "--list", "--json"))} == {
        "example.org",
        "example.net",
    }


def test_a_copy_of_settings_that_lie_elsewhere_points_to_the_old_state(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.config = tmp_path / "school" / "school.toml"
    bench.done("init", "--state", str(tmp_path / "school" / "state"))
    shutil.copytree(tmp_path / "school", tmp_path / "copy")
    assert load(tmp_path / "copy" / "school.toml", {}).paths.state == tmp_path / "school" / "state"


def test_init_under_a_broken_settings_file_says_what_is_wrong(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.config.parent.mkdir()
    bench.config.write_text("[server]\nworkers = 0\n", "utf-8")
    assert "server.workers: expected a number from 1 to 64" in bench.refused(1, "init")


def test_init_where_nothing_may_be_written_says_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    blocker = tmp_path / "file"
    blocker.touch()
    assert str(blocker) in bench.refused(1, "init", "--force-config", "--state", str(blocker / "var"))


def test_words_that_do_not_exist_are_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.refused(2, "init", "--country", "ru")
    bench.refused(2, "init", "--language", "de")
    bench.refused(2, "init", "--school-name", "a\nb")
    assert not bench.config.exists()
