"""`groups`: levels, networks and categories of each kind of user."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blocklists.publish import rebuild
from policy.categories import CATEGORIES
from policy.levels import Level
from policy.presets import PRESETS, PRESETS_BY_ID
from policy.safesearch import SAFE
from policy.services import SERVICES
from tests.blocklists.lists_folder import put
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
    assert [(each["id"], each["level"], each["supervised"], each["default"]) for each in listed] == [
        ("pupils", "medium", True, True),
        ("primary", "high", True, False),
        ("senior", "medium", True, False),
        ("teachers", "low", False, False),
        ("staff", "open", False, False),
        ("guests", "medium", True, False),
        ("servers", "medium", False, False),
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
        (
            2,
            ("set", "pupils", "--block", "tiktoc"),
            "expected a category or a service, found 'tiktoc': did you mean tiktok?",
        ),
        (2, ("set", "pupils", "--unblock", "instagramm"), "did you mean instagram?"),
        (2, ("set", "pupils", "--hours", "08:00-09:00"), "--hours: expected --block beside it"),
        (2, ("set", "pupils", "--block", "games", "--hours", "8-9"), "--hours: expected hours such as 08:00-13:30"),
        (2, ("set", "pupils", "--block", "games", "--hours", "mon-fry 08:00-09:00"), "found 'mon-fry'"),
        (2, ("set", "pupils", "--preset", "staff", "--block", "games", "--hours", "08:00-09:00"), "found both"),
        (2, ("set", "pupils", "--preset", "pupils"), "primary-school"),
        (2, ("set", "pupils", "--safe-search", "google"), "one engine such as google=on"),
        (2, ("set", "pupils", "--safe-search", "altavista=on"), "found 'altavista=on'"),
        (2, ("set", "pupils", "--safe-search", "google=strict"), "found 'google=strict'"),
        (2, ("set", "pupils", "--safe-search", "youtube=on"), "use --youtube off|moderate|strict"),
        (2, ("set", "pupils", "--youtube", "on"), "'on'"),
        (2, ("add", "room5", "--block", "zzzz"), "`schoolfilter categories` lists them"),
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
        (2, ("set", "pupils", "--level", "low", "--protocol", "3"), "found only one of the two"),
        (2, ("set", "pupils", "--level", "low", "--date", "2026-09-01"), "found only one of the two"),
        (2, ("set", "pupils", "--protocol", " ", "--date", "2026-09-01"), "found only one of the two"),
        (2, ("set", "pupils", "--protocol", "3", "--date", "1.9.2026"), "--date: expected a day as YYYY-MM-DD"),
        (2, ("set", "pupils", "--protocol", "3\n4", "--date", "2026-09-01"), "--protocol: expected at most 40"),
        (2, ("add", "room5", "--protocol", "3"), "found only one of the two"),
        (2, ("remove", "guests", "--protocol", "3"), "found only one of the two"),
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


def test_services_are_closed_in_hours(bench: Bench) -> None:
    hours = "mon-fri 08:00-13:30"
    bench.done("groups", "set", "pupils", "--block", "tiktok", "--block", "games", "--hours", hours)
    pupils = group(bench, "pupils")
    assert pupils["blocked_services"] == pupils["closed_services"] == ["tiktok"]
    assert pupils["hours"] == {"games": hours, "tiktok": hours}
    assert "games" in pupils["closed_categories"]
    shown = bench.done("groups", "show", "pupils")
    assert f"TikTok (tiktok)  [{hours}]" in shown
    assert f"Games (games)  [{hours}]" in shown
    assert f"1 of {len(SERVICES)}" in bench.done("groups")
    bench.done("groups", "set", "pupils", "--block", "games", "--unblock", "tiktok")
    pupils = group(bench, "pupils")
    assert (pupils["hours"], pupils["blocked_services"]) == ({}, [])
    assert "Closed services: -" in bench.done("groups", "show", "pupils")


def test_safe_search_by_engine_and_all_at_once(bench: Bench) -> None:
    assert group(bench, "pupils")["safe_search"] == SAFE
    bench.done("groups", "set", "pupils", "--safe-search", "brave=off", "--youtube", "strict")
    assert group(bench, "pupils")["safe_search"] == SAFE | {"brave": "off", "youtube": "strict"}
    assert "Safe search: Google, YouTube (strict), Bing" in bench.done("groups", "show", "pupils")
    bench.done("groups", "set", "pupils", "--safe-search", "off", "--safe-search", "Google=on")
    found = group(bench, "pupils")["safe_search"]
    assert [engine for engine, mode in found.items() if mode != "off"] == ["google", "youtube"]
    bench.done("groups", "set", "pupils", "--safe-search", "off", "--youtube", "off")
    assert "Safe search: -" in bench.done("groups", "show", "pupils")
    bench.done("groups", "set", "staff", "--safe-search", "on")
    assert f"{len(SAFE) - 1} of {len(SAFE)}" in bench.done("groups")


@pytest.mark.parametrize("preset", sorted(PRESETS_BY_ID))
def test_a_preset_sets_level_blocks_and_safe_search(bench: Bench, preset: str) -> None:
    wanted = PRESETS_BY_ID[preset]
    bench.done("groups", "set", "teachers", "--preset", preset)
    found = group(bench, "teachers")
    assert found["level"] == wanted.level
    assert {*found["blocked_categories"], *found["blocked_services"]} == wanted.blocked
    assert {engine: mode for engine, mode in found["safe_search"].items() if mode != "off"} == wanted.safe_search
    bench.done("groups", "add", "room5", "--preset", preset)
    other = {"id": "", "title": "", "supervised": wanted.level is not Level.OPEN}
    assert group(bench, "room5") | {"id": "", "title": ""} == found | other


def test_one_preset_after_another_leaves_nothing_of_the_first(bench: Bench) -> None:
    bench.done("groups", "set", "pupils", "--block", "mailru", "--hours", "08:00-09:00")
    for preset in (*PRESETS, PRESETS[0]):
        bench.done("groups", "set", "pupils", "--preset", preset.id)
        found = group(bench, "pupils")
        assert {*found["blocked_categories"], *found["blocked_services"]} == preset.blocked
        assert found["hours"] == {}


def test_what_is_named_goes_before_the_preset(bench: Bench) -> None:
    bench.done(
        *("groups", "set", "pupils", "--preset", "primary-school", "--level", "high", "--unblock", "telegram"),
        *("--unblock", "social", "--block", "mailru", "--youtube", "moderate", "--safe-search", "bing=off"),
    )
    pupils = group(bench, "pupils")
    assert (pupils["level"], pupils["safe_search"]["youtube"], pupils["safe_search"]["bing"]) == (
        "high",
        "moderate",
        "off",
    )
    assert "mailru" in pupils["blocked_services"]
    assert "telegram" not in pupils["blocked_services"]
    assert "social" not in pupils["blocked_categories"]
    bench.done("groups", "add", "room5", "--preset", "staff", "--level", "low", "--block", "tiktok")
    room = group(bench, "room5")
    assert (room["level"], room["closed_services"]) == ("low", ["tiktok"])


def test_a_new_group_has_the_safe_search_of_pupils_unless_it_is_staff(bench: Bench) -> None:
    bench.done("groups", "add", "room5", "--youtube", "strict")
    bench.done("groups", "add", "office", "--level", "open")
    assert group(bench, "room5")["safe_search"] == SAFE | {"youtube": "strict"}
    assert set(group(bench, "office")["safe_search"].values()) == {"off"}
    bench.done("groups", "add", "room6", "--block", "tiktok", "--hours", "08:00-09:00")
    assert group(bench, "room6")["hours"] == {"tiktok": "08:00-09:00"}


def test_what_a_level_leaves_open_is_told(bench: Bench) -> None:
    result = bench.run("groups", "set", "staff", "--block", "tiktok")
    assert (result.exit_code, "TikTok (tiktok). Level medium closes them" in result.stderr) == (0, True)
    result = bench.run("groups", "set", "teachers", "--block", "tiktok", "--block", "games")
    assert "stay open all the same: Games (games)." in result.stderr
    assert "stay open" not in bench.run("groups", "set", "pupils", "--block", "tiktok").stderr
    assert "found nobody" in bench.refused(1, "groups", "set", "nobody", "--preset", "staff")


def test_services_are_listed(bench: Bench) -> None:
    table = bench.done("categories", "--services")
    assert all(service.id in table for service in SERVICES)
    listed = bench.json("categories", "--services", "--json")
    assert isinstance(listed, list)
    assert [each["id"] for each in listed] == [service.id for service in SERVICES]
    assert listed[0] == {
        "id": "youtube",
        "titles": {"en": "YouTube", "ru": "YouTube", "kk": "YouTube", "ky": "YouTube"},
        "kind": "video",
        "names": 0,
    }
    assert "categories --services" in bench.done("categories")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--block", "youtube", "--hours", "mon-fri 08:00-13:30"), True),
        (("--unblock", "youtube"), True),
        (("--block", "youtube"), False),
        (("--block", "youtube", "--block", "video", "--hours", "mon-fri 08:00-13:30"), False),
        (("--unblock", "youtube", "--unblock", "video"), False),
        (("--unblock", "youtube", "--level", "low"), False),
        (("--unblock", "youtube", "--level", "high"), False),
    ],
    ids=["hours", "unblock", "always", "same-hours", "both-open", "low-closes-no-video", "high-closes-all"],
)
def test_a_category_that_closes_a_service_all_the_same_is_named(
    bench: Bench, arguments: tuple[str, ...], told: bool
) -> None:
    folder = bench.folder / "var" / "lists"
    put(folder, "clips", "tube.example\nimg.example\n", "youtube")
    put(folder, "watch", "tube.example\n", "video")
    rebuild(folder)
    bench.done("groups", "set", "pupils", "--block", "video")
    result = bench.run("groups", "set", "pupils", *arguments)
    assert result.exit_code == 0
    note = "Note: Video and music (video) is closed for pupils too: of 2 names of YouTube (youtube), 1 stay closed."
    assert (note in result.stderr) is told


def test_whether_rooms_and_lessons_restrict_a_group_is_set_and_shown(bench: Bench) -> None:
    bench.done("groups", "set", "teachers", "--supervised")
    assert group(bench, "teachers")["supervised"] is True
    assert "Supervised: yes, rooms and lessons restrict it." in bench.done("groups", "show", "teachers")
    bench.done("groups", "set", "teachers", "--level", "medium")
    assert group(bench, "teachers")["supervised"] is True
    bench.done("groups", "set", "pupils", "--unsupervised")
    assert "Supervised: no" in bench.done("groups", "show", "pupils")
    table = [line.split() for line in bench.done("groups").splitlines()]
    assert {line[0]: line[3] for line in table if line[0] in ("pupils*", "teachers", "staff")} == {
        "pupils*": "no",
        "teachers": "yes",
        "staff": "no",
    }


@pytest.mark.parametrize(
    ("arguments", "supervised"),
    [
        ((), True),
        (("--level", "high"), True),
        (("--level", "low"), False),
        (("--level", "open"), False),
        (("--level", "open", "--supervised"), True),
        (("--unsupervised",), False),
        (("--preset", "staff"), False),
    ],
)
def test_rooms_restrict_a_new_group_unless_its_level_is_for_adults(
    bench: Bench, arguments: tuple[str, ...], supervised: bool
) -> None:
    bench.done("groups", "add", "room5", *arguments)
    assert group(bench, "room5")["supervised"] is supervised


NOTE = "Note: no protocol of the council was given, and the history says so."


def documents(bench: Bench) -> list[str]:
    changes = bench.json("audit", "show", "--json")
    assert isinstance(changes, list)
    return [change["document"] for change in changes]


@pytest.mark.parametrize(
    ("arguments", "next_step"),
    [
        (("set", "pupils", "--level", "low"), "repeat the command with --protocol NUMBER --date YYYY-MM-DD"),
        (("add", "room5"), "schoolfilter groups set room5 --protocol NUMBER --date YYYY-MM-DD"),
        (("remove", "guests"), "given with --protocol NUMBER --date YYYY-MM-DD"),
    ],
)
def test_a_change_carries_the_councils_protocol_or_says_how_to_give_one(
    bench: Bench, arguments: tuple[str, ...], next_step: str
) -> None:
    result = bench.run("groups", *arguments)
    assert result.exit_code == 0
    assert NOTE in result.stderr
    assert next_step in result.stderr
    bench.done("groups", "set", "pupils", "--level", "medium")
    if arguments[0] != "set":
        return
    result = bench.run("groups", *arguments, "--protocol", "3", "--date", "2026-09-01")
    assert (result.exit_code, result.stderr) == (0, "")
    assert documents(bench) == ["", "", "", "protocol 3 of 2026-09-01"]


@pytest.mark.parametrize("arguments", [("add", "room5"), ("remove", "guests")])
def test_a_group_comes_and_goes_on_a_protocol(bench: Bench, arguments: tuple[str, ...]) -> None:
    result = bench.run("groups", *arguments, "--protocol", "3", "--date", "2026-09-01")
    assert (result.exit_code, result.stderr) == (0, "")
    assert documents(bench)[-1] == "protocol 3 of 2026-09-01"


def test_a_protocol_alone_is_for_all_of_a_group_that_has_none(bench: Bench) -> None:
    bench.done("groups", "add", "room5", "--network", "10.0.5.0/24", "--protocol", "2", "--date", "2026-08-20")
    bench.done("groups", "set", "room5", "--block", "tiktok")
    bench.done("groups", "set", "room5", "--protocol", "3", "--date", "2026-09-01")
    shown = bench.done("policy", "show", "--group", "room5")
    assert "without a document" not in shown
    assert "protocol 2 of 2026-08-20" in shown
    assert "closed: tiktok" in shown[shown.index("protocol 3 of 2026-09-01") :]
