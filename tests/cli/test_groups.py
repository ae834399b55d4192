"""`groups`: levels, networks and categories of each kind of user."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy.categories import CATEGORIES
from tests.cli.installation import Bench, prepared


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with prepared(tmp_path, monkeypatch) as bench:
        yield bench


def group(bench: Bench, id_: str) -> dict[str, Any]:
    found = bench.json("groups", "show", id_, "--json")
    assert isinstance(found, dict)
    return found


def test_groups_are_listed(bench: Bench) -> None:
    table = bench.done("groups")
    assert "pupils*" in table
    assert f"{len(CATEGORIES)} of {len(CATEGORIES)}" in table
    listed = bench.json("groups", "--json")
    assert isinstance(listed, list)
    assert [(each["id"], each["level"], each["default"]) for each in listed] == [
        ("pupils", "medium", True),
        ("teachers", "low", False),
        ("staff", "open", False),
        ("guests", "medium", False),
    ]


def test_a_group_is_changed(bench: Bench) -> None:
    bench.done(
        *("groups", "set", "teachers", "--level", "medium", "--title", "Мұғалімдер", "--unblock", "video"),
        *("--unblock", "social", "--network", "10.0.2.0/24", "--network", "10.0.3.7"),
    )
    teachers = group(bench, "teachers")
    assert (teachers["level"], teachers["title"]) == ("medium", "Мұғалімдер")
    assert teachers["networks"] == ["10.0.2.0/24", "10.0.3.7/32"]
    assert not {"video", "social"} & set(teachers["closed_categories"])
    bench.done("groups", "set", "teachers", "--block", "video", "--drop-network", "10.0.3.7")
    teachers = group(bench, "teachers")
    assert teachers["networks"] == ["10.0.2.0/24"]
    assert "video" in teachers["closed_categories"]
    shown = bench.done("groups", "show", "teachers")
    assert "Video and music (video)" in shown
    assert "Terrorism (terrorism)  [by law]" in shown
    assert "Every client whose network is in no other group" in bench.done("groups", "show", "pupils")


def test_a_group_is_added_and_removed(bench: Bench) -> None:
    bench.done("groups", "add", "room-5", "--title", "Room 5", "--level", "high", "--network", "10.0.5.0/24")
    room = group(bench, "room-5")
    assert (room["level"], room["networks"]) == ("high", ["10.0.5.0/24"])
    assert len(room["blocked_categories"]) == len(CATEGORIES)
    assert "networks: 1" in bench.refused(1, "groups", "remove", "room-5")
    bench.done("groups", "remove", "room-5", "--force")
    assert "found room-5" in bench.refused(1, "groups", "show", "room-5")
    bench.done("groups", "add", "room-6", "--block", "games")
    assert group(bench, "room-6")["blocked_categories"] == ["games"]


def test_a_network_outside_the_allowed_ones_is_told(bench: Bench) -> None:
    result = bench.run("groups", "set", "guests", "--network", "203.0.113.0/24", "--network", "fd00::/64")
    assert result.exit_code == 0
    assert "203.0.113.0/24 get no answers until server.allowed_networks" in result.stderr
    assert "fd00::/64" not in result.stderr


@pytest.mark.parametrize(
    ("status", "arguments", "told"),
    [
        (2, ("set", "pupils"), "expected something to change"),
        (2, ("set", "pupils", "--block", "game"), "did you mean games?"),
        (2, ("set", "pupils", "--block", "zzzz", "--unblock", "video"), "`schoolfilter categories` lists them"),
        (2, ("set", "pupils", "--unblock", "terrorism"), "the law forbids Terrorism (terrorism)"),
        (2, ("set", "pupils", "--level", "higher"), "'higher'"),
        (2, ("set", "pupils", "--network", "10.0.0"), "'10.0.0'"),
        (2, ("set", "pupils", "--title", "a\nb"), "--title: expected"),
        (2, ("add", "Room 5"), "expected an id of small Latin letters"),
        (1, ("add", "pupils"), "there is a group pupils already"),
        (1, ("set", "nobody", "--level", "low"), "found nobody"),
        (1, ("remove", "nobody"), "found nobody"),
        (1, ("remove", "pupils", "--force"), "cannot be removed"),
        (1, ("set", "pupils", "--drop-network", "10.9.0.0/16"), "expected a network of pupils"),
        (2, ("--json", "show", "pupils"), "--json stands behind the command"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    bench: Bench, status: int, arguments: tuple[str, ...], told: str
) -> None:
    before = bench.json("groups", "--json")
    assert told in bench.refused(status, "groups", *arguments)
    assert bench.json("groups", "--json") == before


def test_a_network_belongs_to_one_group(bench: Bench) -> None:
    bench.done("groups", "set", "guests", "--network", "10.0.9.0/24")
    assert "belongs to guests" in bench.refused(1, "groups", "set", "staff", "--network", "10.0.9.0/24")
