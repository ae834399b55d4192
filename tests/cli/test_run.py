"""What `run` does before and beside the workers."""

from pathlib import Path

import pytest

from blocklists.generation import MANIFEST, current_generation, generation_folder
from blocklists.index import open_current
from blocklists.publish import rebuild
from blocklists.sources import SOURCES
from cli.context import Installation
from cli.run import companions, compile_if_needed, greeting
from tests.blocklists.lists_folder import put
from tests.cli.fakes import installation


@pytest.mark.parametrize(
    ("hours", "expected"),
    [(24, {"journal": ["journal", "run"], "list refresher": ["lists", "refresh", "--scheduled"]}),
     (0, {"journal": ["journal", "run"]})],
    ids=["daily", "never"],
)  # fmt: skip
def test_the_journal_and_the_refresher_are_started_with_the_same_settings_file(
    tmp_path: Path, hours: int, expected: dict[str, list[str]]
) -> None:
    config = tmp_path / "schoolfilter.toml"
    config.write_text(f"[lists]\nrefresh_hours = {hours}\n")
    found = companions(Installation(config, {}))
    assert {name: command[command.index(str(config)) + 1 :] for name, command in found.items()} == expected
    assert all(command[command.index(str(config)) - 1] == "--config" for command in found.values())


def test_the_greeting_counts_categories_and_services_apart(tmp_path: Path) -> None:
    put(tmp_path / "lists", "play", "play.example\n", "games")
    put(tmp_path / "lists", "clip", "clip.example\ntube.example\n", "tiktok")
    rebuild(tmp_path / "lists")
    said = "\n".join(greeting(installation(tmp_path).settings, ["127.0.0.1:53"]))
    assert "It knows 3 names: categories: 1, services: 1 (schoolfilter categories), from lists: 2." in said


def test_an_index_of_another_version_is_compiled_before_the_first_answer(tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    put(lists, "play", "play.example\n", "games")
    rebuild(lists)
    manifest = generation_folder(lists, current_generation(lists)) / MANIFEST
    manifest.write_text(manifest.read_text().replace('"format": 2', '"format": 1').replace('"held":', '"kept":'))
    compile_if_needed(installation(tmp_path).settings)
    assert open_current(lists).lookup("play.example")


def test_lists_that_cannot_be_compiled_do_not_keep_the_server_from_starting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / SOURCES).write_text("{")
    compile_if_needed(installation(tmp_path).settings)
    assert "the lists cannot be compiled" in caplog.text
