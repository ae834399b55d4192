"""`rooms`: who is in a room, what holds there now, and what is closed in one room only."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.closures import close_names, closures_of, reopen_names
from cli.errors import Failure
from policy.calendar import Exam, Minutes, Slot
from policy.decide import decide
from policy.decision import Why
from policy.devices import Device, body
from policy.levels import Level
from policy.snapshot import Place
from policy.timetable import EVERY_DAY
from storage.policy_load import DEVICE
from tests.cli.school_day import SchoolDay, school_day

NAMED = ("--order", "12", "--date", "2026-09-01")
LESSON = ("lesson", "start", "--room", "lab", "--teacher", "Asanova A.")


@pytest.fixture
def day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SchoolDay]:
    with school_day(tmp_path, monkeypatch) as day:
        yield day


def room(day: SchoolDay, id_: str = "lab") -> dict[str, Any]:
    found = day.json("rooms", "show", id_, "--json")
    assert isinstance(found, dict)
    return found


def rooms(day: SchoolDay) -> list[dict[str, Any]]:
    found = day.json("rooms", "--json")
    assert isinstance(found, list)
    return found


def test_a_room_is_added_supervised_and_closed(day: SchoolDay) -> None:
    assert "rooms add room5" in day.done("rooms")
    result = day.run("rooms", "add", "lab", "--network", "10.0.5.0/24", *NAMED)
    assert result.exit_code == 0
    assert "lab is closed: no lesson is on, and nothing opens." in result.stdout
    assert "The server follows within a second." in result.stdout
    assert result.stderr == ""
    assert room(day) == {
        "id": "lab",
        "title": "lab",
        "networks": ["10.0.5.0/24"],
        "group": None,
        "supervised": True,
        "level": None,
        "closed": "off",
        "responsible": "",
        "closures": [],
        "now": {
            "state": "closed",
            "level": "off",
            "who": "",
            "about": "",
            "until": None,
            "lesson": None,
            "opened": [],
            "closed": [],
            "exams": [],
            "levels": {"off": ["pupils", "primary", "senior", "guests"]},
        },
        "document": "order 12 of 2026-09-01",
        "since": "2026-09-02T04:00:00+00:00",
        "by": "asanova",
    }
    snapshot = day.snapshot()
    assert snapshot.place_of("10.0.5.9").room == "lab"
    assert snapshot.place_of("10.0.6.9").room == ""


def test_everything_about_a_room_can_be_said(day: SchoolDay) -> None:
    day.done(
        *("rooms", "add", "lab", "--title", "Информатика 5", "--network", "10.0.5.0/24", "--network", "10.0.6.7"),
        *("--group", "senior", "--level", "high", "--closed", "high", "--responsible", "Асанова А.", *NAMED),
    )
    found = room(day)
    assert (found["title"], found["networks"], found["group"]) == (
        "Информатика 5",
        ["10.0.5.0/24", "10.0.6.7/32"],
        "senior",
    )
    assert (found["level"], found["closed"], found["responsible"]) == ("high", "high", "Асанова А.")
    shown = day.done("rooms", "show", "lab")
    assert "lab: Информатика 5" in shown
    assert "Supervised: in lessons high, outside lessons high." in shown
    assert "Responsible: Асанова А. (order 12 of 2026-09-01)" in shown
    assert "lab is closed to the level high: no lesson is on." in shown
    assert day.snapshot().place_of("10.0.5.9").group == "senior"


def test_a_room_is_changed_piece_by_piece(day: SchoolDay) -> None:
    day.done("rooms", "add", "lab", "--network", "10.0.5.0/24", "--group", "senior", "--level", "high", *NAMED)
    day.done("rooms", "set", "lab", "--unsupervised", "--network", "10.0.6.0/24", "--drop-network", "10.0.5.0/24")
    found = room(day)
    assert (found["networks"], found["supervised"], found["level"]) == (["10.0.6.0/24"], False, "high")
    assert found["now"]["state"] == "own"
    assert "not supervised: it is at its own level high at any time." in day.done("rooms", "show", "lab")
    said = day.done("rooms", "set", "lab", "--level", "group", "--group", "")
    assert "lab is not supervised: each group has its own level there." in said
    assert (room(day)["level"], room(day)["group"]) == (None, None)
    day.done("rooms", "set", "lab", "--supervised", "--title", "Lab", "--responsible", "Bekov", "--closed", "high")
    found = room(day)
    assert (found["supervised"], found["title"], found["responsible"], found["closed"]) == (
        True,
        "Lab",
        "Bekov",
        "high",
    )
    day.done("rooms", "set", "lab", "--responsible", "")
    assert room(day)["responsible"] == ""


def test_a_room_without_an_order_is_told_and_gets_one_later(day: SchoolDay) -> None:
    result = day.run("rooms", "add", "lab", "--network", "10.0.5.0/24")
    assert "schoolfilter rooms set lab --order NUMBER --date YYYY-MM-DD" in result.stderr
    assert room(day)["document"] == ""
    assert "without a document" in day.done("rooms", "show", "lab")
    result = day.run("rooms", "set", "lab", *NAMED)
    assert (result.exit_code, result.stderr) == (0, "")
    assert room(day)["document"] == "order 12 of 2026-09-01"


def test_what_nobody_can_ask_from_is_told(day: SchoolDay) -> None:
    result = day.run("rooms", "add", "lab", "--network", "203.0.113.0/24", *NAMED)
    assert "203.0.113.0/24 get no answers until server.allowed_networks" in result.stderr
    result = day.run("rooms", "add", "gym", *NAMED)
    assert "no client is in gym until it has a network or a device" in result.stderr
    device = Device("pc1", "", room="gym", addresses=("10.0.7.7",))
    asyncio.run(day.policy.change_objects("x", [(DEVICE, "pc1", body(device))], at=datetime.now(UTC), by="t"))
    assert day.run("rooms", "set", "gym", "--title", "Gym", *NAMED).stderr == ""


def test_the_table_says_what_holds_now(day: SchoolDay) -> None:
    for id_ in ("lab", "gym", "hall", "attic", "yard", "shed"):
        day.done("rooms", "add", id_)
    day.done("rooms", "set", "yard", "--unsupervised")
    day.done("rooms", "set", "shed", "--closed", "high")
    day.done(*LESSON)
    day.plan(Slot("s", EVERY_DAY, Minutes(540, 600), room="gym", teacher="Bekov", title="chess", level=Level.HIGH))
    day.done("pause", "--room", "hall", "--minutes", "30", "--reason", "open day", "--person", "Dina")
    assert day.done("rooms").splitlines()[0].endswith("AT PRESENT")
    now = {line.split()[0]: line for line in day.done("rooms").splitlines()}
    assert now["lab"].endswith("open: Asanova A., until 09:45")
    assert now["gym"].endswith("open by the timetable: Bekov, chess, until 10:00, level high")
    assert now["hall"].endswith("pause: low until 09:30 (Dina)")
    assert now["attic"].endswith("closed")
    assert now["shed"].endswith("closed to high")
    assert now["yard"].endswith("as each group")
    states = {each["id"]: each["now"]["state"] for each in rooms(day)}
    assert states == {
        "attic": "closed",
        "gym": "timetable",
        "hall": "pause",
        "lab": "lesson",
        "shed": "closed",
        "yard": "own",
    }
    (lab,) = [each["now"] for each in rooms(day) if each["id"] == "lab"]
    assert (lab["lesson"], lab["until"]) == ("20260902-lab-1", "2026-09-02T09:45:00+05:00")


def test_lessons_for_groups_and_exams_are_shown(day: SchoolDay) -> None:
    day.done("rooms", "add", "lab")
    day.plan(
        Slot("s", EVERY_DAY, Minutes(540, 600), room="lab", group="senior", teacher="Bekov"),
        Exam("e", day.now.date(), day.now.date(), Level.HIGH, rooms=frozenset({"lab"}), title="UNT"),
        Exam("f", day.now.date(), day.now.date(), Level.OFF, rooms=frozenset({"gym"}), title="physics"),
    )
    shown = day.done("rooms", "show", "lab")
    assert "lab is closed: no lesson is on" in shown
    assert "For the group senior there is a lesson by the timetable: Bekov, until 10:00." in shown
    assert "An exam restricts it to the level high: UNT." in shown
    assert "physics" not in shown
    assert room(day)["now"]["exams"] == ["e"]
    assert "Level high there now: senior." in shown
    assert "Level off there now: pupils, primary, guests." in shown


def test_a_network_belongs_to_one_room(day: SchoolDay) -> None:
    day.done("rooms", "add", "lab", "--network", "10.0.5.0/24")
    told = day.refused(1, "rooms", "add", "gym", "--network", "10.0.9.0/24", "--network", "10.0.5.7/24")
    assert "10.0.5.0/24 belongs to lab" in told
    assert "schoolfilter rooms set lab --drop-network 10.0.5.0/24" in told
    assert [each["id"] for each in rooms(day)] == ["lab"]
    day.done("rooms", "set", "lab", "--drop-network", "10.0.5.0/24")
    day.done("rooms", "add", "gym", "--network", "10.0.5.0/24")
    day.done("rooms", "set", "gym", "--network", "10.0.5.0/24", "--title", "Gym")
    assert room(day, "gym")["networks"] == ["10.0.5.0/24"]


def test_a_network_within_one_of_another_room_is_told(day: SchoolDay) -> None:
    day.done("rooms", "add", "lab", "--network", "10.0.5.0/24", *NAMED)
    result = day.run(
        "rooms",
        "add",
        "gym",
        "--network",
        "10.0.5.128/25",
        "--network",
        "fd00::/64",
        "--network",
        "10.0.7.0/24",
        *NAMED,
    )
    told = "Note: 10.0.5.128/25 lies in 10.0.5.0/24 of another room: clients of 10.0.5.128/25 are in gym.\n"
    assert result.stderr == told
    assert day.run("rooms", "set", "lab", "--title", "Lab", *NAMED).stderr == told
    assert [day.snapshot().place_of(address).room for address in ("10.0.5.7", "10.0.5.200")] == ["lab", "gym"]


def test_a_room_is_removed_with_what_was_begun_and_closed_there(day: SchoolDay) -> None:
    day.done("rooms", "add", "lab", "--network", "10.0.5.0/24")
    day.done(*LESSON)
    day.done("pause", "--room", "lab", "--minutes", "60", "--reason", "x")
    day.done("rooms", "close", "lab", "example.org", "--reason", "chat")
    device = Device("pc1", "", room="lab", addresses=("10.0.7.7",))
    asyncio.run(day.policy.change_objects("x", [(DEVICE, "pc1", body(device))], at=datetime.now(UTC), by="t"))
    day.plan(Slot("s", EVERY_DAY, Minutes(540, 600), room="lab", teacher="Bekov"))
    result = day.run("rooms", "remove", "lab")
    assert "The room lab is removed" in result.stdout
    assert "still named by devices: 1, lessons of the timetable: 1." in result.stderr
    assert rooms(day) == []
    assert day.opens("example.org", room="lab")
    day.done("rooms", "add", "lab")
    assert room(day)["now"]["state"] == "timetable", "neither the lesson nor the pause comes back"
    assert room(day)["closures"] == []


def test_a_name_is_closed_in_one_room_for_the_supervised(day: SchoolDay) -> None:
    for id_ in ("lab", "gym"):
        day.done("rooms", "add", id_, "--unsupervised")
    day.done("allow", "example.org", "--order", "13", "--date", "2026-09-02")
    said = day.done("rooms", "close", "lab", "Example.org", "www.school.example", "--reason", "films")
    assert "example.org and all names below it are closed in lab." in said
    assert "Closing www.school.example has no effect: school.example is protected" in said
    decision = day.decided("www.example.org", room="lab")
    assert (decision.blocked, decision.reason.why, decision.reason.note) == (True, Why.EXCEPTION, "films")
    assert day.opens("example.org", room="gym")
    assert day.opens("example.org")
    assert day.opens("example.org", "teachers", "lab")
    assert day.opens("www.school.example", room="lab")
    assert room(day)["closures"] == [
        {"name": "example.org", "reason": "films"},
        {"name": "www.school.example", "reason": "films"},
    ]
    assert "Closed there: example.org (films)" in day.done("rooms", "show", "lab")
    day.done("rooms", "close", "lab", "example.org", "--reason", "chat")
    assert len(room(day)["closures"]) == 2
    day.done("rooms", "close", "gym", "example.org", "--reason", "x")
    assert [day.opens("example.org", room=each) for each in ("lab", "gym")] == [False, False]
    day.done("rooms", "reopen", "gym", "example.org")
    assert [day.opens("example.org", room=each) for each in ("lab", "gym")] == [False, True]
    assert "example.org is no longer closed in lab." in day.done("rooms", "reopen", "lab", "example.org")
    assert day.opens("example.org", room="lab")
    told = day.refused(1, "rooms", "reopen", "lab", "example.org", "www.school.example")
    assert "not closed in lab: example.org. Closed are: www.school.example. Nothing was changed." in told
    assert len(room(day)["closures"]) == 1


def test_a_name_is_closed_for_one_device_and_not_for_the_room_of_that_id(day: SchoolDay) -> None:
    day.done("rooms", "add", "pc1", "--unsupervised")
    close_names(day.settings, ["example.org"], "chat", device="pc1")
    close_names(day.settings, ["example.net"], "chat", room="pc1")
    for group in ("pupils", "teachers"):
        decision = decide(day.snapshot().view(Place(group, "", "pc1")), "www.example.org", ())
        assert (decision.blocked, decision.reason.why, decision.reason.note) == (True, Why.EXCEPTION, "chat")
    assert day.opens("example.org", room="pc1")
    with pytest.raises(Failure, match=r"not closed for the device pc1: example\.net\. Closed are: example\.org\."):
        reopen_names(day.settings, ["example.net"], device="pc1")
    reopen_names(day.settings, ["example.org"], device="pc1")
    assert day.snapshot().closures == tuple(closures_of(day.snapshot(), room="pc1"))
    assert [each.name for each in day.snapshot().closures] == ["example.net"]


def test_every_change_is_in_the_audit_trail_with_its_document(day: SchoolDay) -> None:
    day.done("rooms", "add", "lab", *NAMED)
    day.done("rooms", "set", "lab", "--title", "Lab")
    day.done("rooms", "close", "lab", "example.org", "--reason", "x")
    day.done("rooms", "reopen", "lab", "example.org")
    day.done("rooms", "remove", "lab")
    changes = asyncio.run(day.policy.changes())[-5:]
    assert [(each.what, each.document, each.by) for each in changes] == [
        ("add room", "order 12 of 2026-09-01", "asanova"),
        ("set room", "", "asanova"),
        ("close names", "", "asanova"),
        ("reopen names", "", "asanova"),
        ("remove room", "", "asanova"),
    ]


@pytest.mark.parametrize(
    ("status", "arguments", "told"),
    [
        (2, ("add", "Lab 5"), "expected an id of small Latin letters"),
        (2, ("add", "кабинет"), "expected an id of small Latin letters"),
        (1, ("add", "lab"), "there is a room lab already"),
        (1, ("add", "gym", "--group", "nobody"), "found nobody"),
        (2, ("add", "gym", "--level", "open"), "'open'"),
        (2, ("add", "gym", "--closed", "medium"), "'medium'"),
        (2, ("add", "gym", "--network", "10.0.0"), "'10.0.0'"),
        (2, ("add", "gym", "--title", "a\nb"), "--title: expected"),
        (2, ("add", "gym", "--order", "12"), "found only one of the two"),
        (2, ("add", "gym", "--date", "2026-09-01"), "found only one of the two"),
        (2, ("add", "gym", "--order", "12", "--date", "1 September"), "--date: expected a day"),
        (2, ("set", "lab"), "expected something to change"),
        (2, ("set", "lab", "--title", "lab"), "expected something to change"),
        (2, ("set", "lab", "--drop-network", "10.9.0.0/16"), "expected networks of lab, found 10.9.0.0/16: it has -"),
        (1, ("set", "attic", "--title", "x"), "expected a room that exists (lab), found attic"),
        (1, ("show", "attic"), "found attic"),
        (1, ("remove", "attic"), "found attic"),
        (1, ("close", "attic", "example.org", "--reason", "x"), "found attic"),
        (2, ("close", "lab", "example.org"), "--reason"),
        (2, ("close", "lab", "example.org", "--reason", " "), "--reason: expected why"),
        (2, ("close", "lab", "no name", "--reason", "x"), "found 'no name'"),
        (2, ("close", "lab", "--reason", "x"), "NAME"),
        (1, ("reopen", "lab", "example.org"), "not closed in lab: example.org. Closed are: -."),
        (2, ("--json", "show", "lab"), "--json stands behind the command"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    day: SchoolDay, status: int, arguments: tuple[str, ...], told: str
) -> None:
    day.done("rooms", "add", "lab")
    before = asyncio.run(day.policy.version())
    assert told in day.refused(status, "rooms", *arguments)
    assert asyncio.run(day.policy.version()) == before


def test_without_any_room_the_next_step_is_told(day: SchoolDay) -> None:
    assert "schoolfilter rooms add lab --network NETWORK" in day.refused(1, "rooms", "show", "lab")
