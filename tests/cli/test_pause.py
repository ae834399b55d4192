"""`pause`: another level for a while, with an end, a person and a reason; never for what is unlawful."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policy.calendar import Exam, Minutes
from policy.decision import Why
from policy.levels import Level
from storage.policy_load import PAUSE
from tests.cli.school_day import SchoolDay, school_day

PUPILS = ("pause", "--group", "pupils", "--minutes", "30", "--reason", "open day")
LAB = ("pause", "--room", "lab", "--minutes", "30", "--reason", "projector")


@pytest.fixture
def day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SchoolDay]:
    with school_day(tmp_path, monkeypatch) as day:
        day.done("rooms", "add", "lab", "--network", "10.0.5.0/24")
        yield day


def pauses(day: SchoolDay, *options: str) -> list[dict[str, Any]]:
    found = day.json("pause", "list", "--json", *options)
    assert isinstance(found, list)
    return found


def test_a_group_is_freer_for_a_while_but_not_for_what_is_harmful(day: SchoolDay) -> None:
    assert not day.opens("games.example")
    said = day.done(*PUPILS)
    assert "The group pupils is at the level low until 09:30: open day (asanova)." in said
    assert "schoolfilter pause end 20260902-pupils-1" in said
    assert "Rooms in which it is restricted further: lab (off)." in said
    assert "The server follows within a second." in said
    assert day.opens("games.example")
    assert not day.opens("games.example", "guests")
    assert not day.opens("games.example", room="lab"), "the room is closed all the same"
    assert not day.opens("adult.example")
    assert not day.opens("unlawful.example")
    day.at("09:30")
    assert not day.opens("games.example")


def test_a_pause_may_close(day: SchoolDay) -> None:
    day.done(*PUPILS, "--level", "off", "--person", "Bekov B.")
    decision = day.decided("example.org")
    assert (decision.blocked, decision.reason.why) == (True, Why.PAUSE)
    assert pauses(day) == [
        {
            "id": "20260902-pupils-1",
            "level": "off",
            "begins": "2026-09-02T04:00:00+00:00",
            "ends": "2026-09-02T04:30:00+00:00",
            "person": "Bekov B.",
            "reason": "open day",
            "group": "pupils",
            "room": None,
            "on": True,
        }
    ]


def test_a_room_is_opened_without_a_lesson_as_far_as_each_group_goes(day: SchoolDay) -> None:
    said = day.done(*LAB)
    assert "lab is at the level low until 09:30, whatever else is planned: projector (asanova)." in said
    assert "Level medium there now: pupils, senior, guests." in said
    assert "Level high there now: primary." in said
    assert day.opens("example.org", room="lab")
    assert not day.opens("games.example", room="lab")
    day.done(*PUPILS)
    assert day.opens("games.example", room="lab")
    assert not day.opens("unlawful.example", room="lab")
    day.at("09:30")
    assert not day.opens("example.org", room="lab")


def test_a_pause_takes_the_place_of_the_one_before_it(day: SchoolDay) -> None:
    day.done(*LAB)
    day.at("09:10")
    day.done("pause", "--room", "lab", "--minutes", "5", "--reason", "fire drill", "--level", "off")
    assert [(each["id"], each["reason"]) for each in pauses(day)] == [("20260902-lab-2", "fire drill")]
    day.at("09:16")
    assert not day.opens("example.org", room="lab"), "the first one does not come back"
    assert [(each["reason"], each["on"]) for each in pauses(day, "--all")] == [
        ("projector", False),
        ("fire drill", False),
    ]


def test_a_pause_is_ended(day: SchoolDay) -> None:
    day.done(*LAB)
    day.done(*PUPILS)
    table = day.done("pause", "list")
    assert "the room lab" in table
    assert "the group pupils" in table
    said = day.done("pause", "end", "20260902-lab-1")
    assert "The pause 20260902-lab-1 is over." in said
    assert "lab is closed: no lesson is on, and nothing opens." in said
    assert "The group pupils is at the level medium." in day.done("pause", "end", "20260902-pupils-1")
    assert not day.opens("games.example")
    assert day.done("pause", "list") == "No pauses.\n"
    assert "over" in day.done("pause", "list", "--all")
    assert "(there is none), found 20260902-lab-1" in day.refused(1, "pause", "end", "20260902-lab-1")


def test_an_exam_goes_before_a_pause_and_that_is_said(day: SchoolDay) -> None:
    day.plan(Exam("e", day.now.date(), day.now.date(), Level.HIGH, Minutes(540, 600)))
    assert "An exam goes before it: the level is high." in day.done(*PUPILS)
    assert not day.opens("example.org")


def test_pauses_of_past_days_are_put_away(day: SchoolDay) -> None:
    day.done(*LAB)
    day.at("08:00", 3)
    day.done(*PUPILS)
    assert [each.id for each in asyncio.run(day.policy.objects(PAUSE))] == ["20260903-pupils-1"]
    assert [each.what for each in asyncio.run(day.policy.changes())][-2:] == ["put away", "begin pause"]
    assert asyncio.run(day.policy.verify_audit()) is None


@pytest.mark.parametrize(
    ("status", "arguments", "told"),
    [
        (2, (), "expected --group or --room"),
        (2, ("--group", "pupils", "--room", "lab", "--minutes", "5", "--reason", "x"), "expected --group or --room"),
        (2, ("--group", "pupils", "--reason", "x"), "a pause always has an end"),
        (2, ("--group", "pupils", "--minutes", "5"), "--reason: expected why"),
        (2, ("--group", "pupils", "--minutes", "5", "--reason", "  "), "--reason: expected why"),
        (2, ("--group", "pupils", "--minutes", "5", "--reason", "a\nb"), "--reason: expected"),
        (2, ("--group", "pupils", "--minutes", "481", "--reason", "x"), "--minutes: expected at most 8 hours"),
        (2, ("--group", "pupils", "--minutes", "0", "--reason", "x"), "0"),
        (2, ("--group", "pupils", "--minutes", "5", "--reason", "x", "--level", "open"), "'open'"),
        (1, ("--group", "nobody", "--minutes", "5", "--reason", "x"), "found nobody"),
        (1, ("--room", "attic", "--minutes", "5", "--reason", "x"), "expected a room that exists (lab), found attic"),
        (1, ("end", "20260902-lab-1"), "(there is none), found 20260902-lab-1"),
        (2, ("--group", "pupils", "list"), "found both"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    day: SchoolDay, status: int, arguments: tuple[str, ...], told: str
) -> None:
    before = asyncio.run(day.policy.version())
    assert told in day.refused(status, "pause", *arguments)
    assert asyncio.run(day.policy.version()) == before
