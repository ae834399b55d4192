"""`lists` and `categories` as a person uses them."""

import json
from pathlib import Path

import pytest
from click.testing import Result

from blocklists.compile import ensure_starter
from blocklists.index import open_current
from cli.categories import categories
from cli.lists import lists
from policy.categories import CATEGORIES
from settings.errors import SchoolfilterError
from tests.blocklists.lists_folder import NOW
from tests.cli.fakes import installation, run


@pytest.fixture
def state(tmp_path: Path) -> Path:
    ensure_starter(tmp_path / "lists", now=NOW)
    return tmp_path


def call(state: Path, *arguments: str) -> Result:
    return run(lists, installation(state), *arguments)


def test_a_list_is_added_found_shown_and_removed(state: Path) -> None:
    text = state / "mine.txt"
    text.write_text("example.org\n192.0.2.7\n")
    added = call(state, "add", "mine", str(text), "--category", "games", "--title", "Ours")
    assert added.exit_code == 0, added.output
    assert "1 rules for the category games, 1 lines skipped" in added.output
    assert open_current(state / "lists").lookup("www.example.org")
    found = json.loads(call(state, "search", "WWW.example.org", "--json").output)
    assert [(hit["list_id"], hit["line"], hit["name"]) for hit in found] == [("mine", 1, "example.org")]
    assert "mine" in call(state, "search", "www.example.org").output
    shown = call(state, "show", "mine").output
    assert "mine:2: expected a domain name, not an address, found '192.0.2.7'" in shown
    full = json.loads(call(state, "show", "mine", "--json").output)
    assert (full["rules"], full["title"], full["format"]) == (1, "Ours", "domains")
    assert call(state, "remove", "mine").exit_code == 0
    assert open_current(state / "lists").lookup("www.example.org") == ()
    assert "No list" in call(state, "search", "www.example.org").output


def test_all_lists_are_shown(state: Path) -> None:
    table = call(state, "show").output
    data = json.loads(call(state, "show", "--json").output)
    assert len(data) == len(CATEGORIES)
    assert all(each["id"] in table for each in data)


def test_refresh_names_what_failed_and_keeps_it(state: Path) -> None:
    text = state / "mine.txt"
    text.write_text("example.org\n")
    call(state, "add", "mine", str(text), "--category", "games")
    text.unlink()
    result = call(state, "refresh")
    assert result.exit_code == 1
    assert "mine: the last good text stays in force" in result.stderr
    assert "could not refresh: mine" in result.stderr
    assert "starter-games: unchanged" in result.stdout
    assert open_current(state / "lists").lookup("example.org")
    assert call(state, "refresh", "starter-games").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("add", "x", "/nowhere", "--category", "gamez"), "did you mean 'games'"),
        (("add", "x", "http://example.org/", "--category", "games"), "https://"),
        (("add", "x", "/nowhere", "--category", "games"), "found nothing at /nowhere"),
        (("remove", "starter-gamez"), "did you mean 'starter-games'"),
        (("show", "zzz"), "no list"),
        (("refresh", "zzz"), "no list"),
    ],
)
def test_errors_name_the_next_step(state: Path, arguments: tuple[str, ...], expected: str) -> None:
    """The errors reach the root group, where cli.errors.border makes one line of each."""
    with pytest.raises(SchoolfilterError, match=expected):
        call(state, *arguments)


def test_categories_are_listed_with_the_names_the_lists_know(state: Path) -> None:
    table = run(categories, installation(state)).output
    data = json.loads(run(categories, installation(state), "--json").output)
    assert [each["id"] for each in data] == [category.id for category in CATEGORIES]
    assert all(each["names"] > 0 for each in data)
    assert all(category.id in table for category in CATEGORIES)


def test_categories_are_listed_before_anything_is_compiled(tmp_path: Path) -> None:
    data = json.loads(run(categories, installation(tmp_path), "--json").output)
    assert {each["names"] for each in data} == {0}
