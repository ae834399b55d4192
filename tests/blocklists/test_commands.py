"""`lists` and `categories` as a person uses them."""

import json
import os
from pathlib import Path

import pytest
from click.testing import Result

from blocklists.index import open_current
from blocklists.publish import ensure_starter
from cli.categories import categories
from cli.lists import lists
from policy.categories import CATEGORIES
from policy.services import SERVICES
from tests.blocklists.lists_folder import NOW
from tests.cli.fakes import installation, run


@pytest.fixture
def state(tmp_path: Path) -> Path:
    ensure_starter(tmp_path / "lists", now=NOW)
    return tmp_path


def call(state: Path, *arguments: str) -> Result:
    return run(lists, installation(state), *arguments)


def test_the_lists_that_come_with_the_program_are_shown_and_searched(state: Path) -> None:
    table = call(state, "show", "--services").output
    data = json.loads(call(state, "show", "--json").output)
    assert {f"starter-{category.id}" for category in CATEGORIES} < {each["id"] for each in data}
    assert all(each["id"] in table for each in data)
    assert all(each["in_force"] for each in data)
    assert "built in" in table
    folded = call(state, "show").output
    assert "starter-games" in folded
    assert "service-tiktok" not in folded
    assert f"Services that come with the program: {len(SERVICES)}, rules: " in folded
    found = json.loads(call(state, "search", "www.pornhub.com", "--json").output)
    assert ("starter-adult", "pornhub.com") in [(hit["list_id"], hit["name"]) for hit in found]


def test_a_list_of_our_own_stands_beside_them(state: Path) -> None:
    text = state / "mine.txt"
    text.write_text("example.org\n192.0.2.7\n")
    added = call(state, "add", "mine", str(text), "--category", "games", "--title", "Ours")
    assert added.exit_code == 0, added.output
    assert "mine: Games (games), rules: 1, lines without meaning for DNS: 1" in added.output
    assert open_current(state / "lists").lookup("www.example.org")
    assert "unchanged" in call(state, "refresh").output
    assert call(state, "remove", "mine").exit_code == 0
    assert open_current(state / "lists").lookup("www.example.org") == ()
    assert "No list" in call(state, "search", "www.example.org").output


def test_commands_stand_in_the_order_of_use(state: Path) -> None:
    shown = call(state, "--help").output
    order = [shown.index(f"\n  {name} ") for name in ("catalogue", "add", "set", "refresh", "show", "diff", "rollback")]
    assert order == sorted(order)


def test_categories_are_listed_with_the_names_the_lists_know(state: Path) -> None:
    table = run(categories, installation(state)).output
    data = json.loads(run(categories, installation(state), "--json").output)
    assert [each["id"] for each in data] == [category.id for category in CATEGORIES]
    assert all(each["names"] > 0 for each in data)
    assert all(category.id in table for category in CATEGORIES)


def test_categories_are_listed_before_anything_is_compiled(tmp_path: Path) -> None:
    data = json.loads(run(categories, installation(tmp_path), "--json").output)
    assert {each["names"] for each in data} == {0}


def test_the_commands_about_lists_leave_the_processor_to_the_resolver(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(os, "sched_setscheduler", lambda _pid, policy, _param: asked.append(policy))
    monkeypatch.setattr(os, "sched_getscheduler", lambda _pid: os.SCHED_OTHER)
    assert call(state, "generations").exit_code == 0
    assert asked == [os.SCHED_IDLE, os.SCHED_OTHER]
