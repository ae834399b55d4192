"""`lesson`: a room opens under a teacher until the bell, with what the director permits, and closes by itself."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from blocklists.bundles import load_bundles
from blocklists.suffixes import bundled
from cli.scene import Change, Scene, make
from policy.calendar import Exam, Minutes, Slot
from policy.decision import Why
from policy.levels import Level
from policy.orders import Scope
from policy.rooms import Lesson
from policy.timetable import EVERY_DAY
from storage.policy_load import LESSON
from tests.cli.installation import FakeIndex
from tests.cli.school_day import BELLS, SchoolDay, school_day
from tests.storage.policies import by_hand

START = ("lesson", "start", "--room", "lab", "--teacher", "Asanova A.")


@pytest.fixture
def day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SchoolDay]:
    with school_day(tmp_path, monkeypatch) as day:
        day.done("rooms", "add", "lab", "--network", "10.0.5.0/24")
        day.done("rooms", "add", "gym")
        yield day


def lessons(day: SchoolDay, *options: str) -> list[dict[str, Any]]:
    found = day.json("lesson", "list", "--json", *options)
    assert isinstance(found, list)
    return found


def test_a_lesson_opens_its_room_and_no_other_and_closes_at_the_bell(day: SchoolDay) -> None:
    day.plan(BELLS)
    assert not day.opens("example.org", room="lab")
    assert day.decided("example.org", room="lab").reason.why is Why.LESSON
    said = day.done(*START)
    assert "lab is open under Asanova A. until 09:15." in said
    assert "Level medium there now: pupils, senior, guests." in said
    assert "The server follows within a second." in said
    assert "schoolfilter lesson stop --room lab" in said
    assert day.opens("example.org", room="lab")
    assert not day.opens("example.org", room="gym")
    day.at("09:14")
    assert day.opens("example.org", room="lab")
    day.at("09:15")
    assert not day.opens("example.org", room="lab")


@pytest.mark.parametrize(
    ("options", "until"),
    [((), "09:45"), (("--minutes", "20"), "09:20"), (("--until", "10:30"), "10:30"), (("--minutes", "240"), "13:00")],
)
def test_a_lesson_lasts_as_long_as_was_said(day: SchoolDay, options: tuple[str, ...], until: str) -> None:
    assert f"until {until}." in day.done(*START, *options)
    (lesson,) = lessons(day)
    assert lesson["ends"] == f"2026-09-02T{until}:00+05:00"
    assert (lesson["id"], lesson["how"], lesson["room"], lesson["on"]) == ("20260902-lab-1", "by-hand", "lab", True)
    day.at(until)
    assert not day.opens("example.org", room="lab")


def test_a_lesson_restricts_more_than_the_room_or_as_the_room_never_less(day: SchoolDay) -> None:
    said = day.done(*START, "--level", "low")
    assert "Level medium there now: pupils, senior, guests." in said, "no group gets more than its own level"
    assert "Level high there now: primary." in said
    day.done("lesson", "stop", "--room", "lab")
    assert "Level high there now: pupils, primary, senior, guests." in day.done(*START, "--level", "high")
    day.done("lesson", "stop", "--room", "lab")
    day.done("rooms", "set", "lab", "--level", "high")
    for options in ((), ("--level", "low")):
        assert "Level high there now: pupils, primary, senior, guests." in day.done(*START, *options), "R4"
        day.done("lesson", "stop", "--room", "lab")


def test_a_lesson_that_is_on_is_not_cut_off_unawares(day: SchoolDay) -> None:
    day.done(*START)
    day.at("09:10")
    other = ("lesson", "start", "--room", "lab", "--teacher", "Bekov B.")
    told = day.refused(1, *other)
    assert "Asanova A., until 09:45" in told
    assert "--take-over" in told
    assert [each["teacher"] for each in lessons(day)] == ["Asanova A."]
    assert "lab is open under Bekov B. until 09:55." in day.done(*other, "--take-over")
    assert [each["teacher"] for each in lessons(day)] == ["Bekov B."]
    first, second = lessons(day, "--all")
    assert (first["teacher"], first["ends"], first["on"]) == ("Asanova A.", "2026-09-02T09:10:00+05:00", False)
    assert (second["id"], second["begins"]) == ("20260902-lab-2", "2026-09-02T09:10:00+05:00")
    day.done("lesson", "start", "--room", "gym", "--teacher", "Dina")


def test_a_lesson_is_made_longer_and_stopped(day: SchoolDay) -> None:
    day.done(*START)
    day.at("09:40")
    assert "until 09:55." in day.done("lesson", "extend", "--room", "lab", "--minutes", "10")
    assert "until 10:15." in day.done("lesson", "extend", "--room", "lab", "--until", "10:15")
    day.at("10:14")
    assert day.opens("example.org", room="lab")
    assert "lab is closed: no lesson is on, and nothing opens." in day.done("lesson", "stop", "--room", "lab")
    assert not day.opens("example.org", room="lab")
    assert lessons(day) == []
    assert day.done("lesson", "list") == "No lesson is on.\n"
    told = day.refused(1, "lesson", "stop", "--room", "lab")
    assert "schoolfilter lesson start --room lab --teacher NAME" in told
    assert "no lesson is on" in day.refused(1, "lesson", "extend", "--room", "lab", "--minutes", "5")


# -- names -------------------------------------------------------------------------------------------------------------


def test_a_name_of_the_list_opens_for_the_room_until_the_bell(day: SchoolDay) -> None:
    day.done("groups", "set", "pupils", "--level", "high")
    day.order("example.org")
    said = day.done(*START, "--open", "www.example.org")
    assert "www.example.org and all names below it are open until 09:45: paper order 12 of 2026-09-01" in said
    day.done("lesson", "start", "--room", "gym", "--teacher", "Bekov")
    assert day.opens("www.example.org", room="lab")
    assert not day.opens("example.org", room="lab")
    assert not day.opens("www.example.org", room="gym")
    assert not day.opens("www.example.org")
    reason = day.decided("www.example.org", room="lab").reason
    assert (reason.why, reason.note, reason.document) == (
        Why.EXCEPTION,
        "Asanova A. (lab)",
        "paper order 12 of 2026-09-01",
    )
    day.at("09:45")
    assert not day.opens("www.example.org", room="lab")


def test_a_name_for_everyone_or_for_another_group_may_be_opened_too(day: SchoolDay) -> None:
    day.done("groups", "set", "pupils", "--level", "high")
    day.order("a.example", scope=Scope.ALWAYS)
    day.order("b.example", scope=Scope.ALWAYS, group="senior")
    day.done(*START, "--open", "a.example", "--open", "b.example")
    assert day.opens("b.example", room="lab")
    assert not day.opens("b.example")


@pytest.mark.parametrize(
    ("status", "name", "told"),
    [
        (1, "example.net", "schoolfilter allow example.net --scope lessons"),
        (2, "org", "below this strangers register their own names"),
        (1, "unlawful.example", "which the law forbids"),
        (1, "dns.google", "devices go around the school's filter"),
        (2, "http://example.org/", "did you mean example.org?"),
        (1, "education", "schoolfilter allow --bundle education --scope lessons"),
    ],
)
def test_what_no_order_permits_is_refused_and_nothing_begins(day: SchoolDay, status: int, name: str, told: str) -> None:
    day.order("example.org")
    assert told in day.refused(status, *START, "--open", "example.org", "--open", name)
    assert lessons(day) == []
    assert not day.opens("example.org", room="lab")


def test_public_suffixes_are_refused_even_if_they_are_on_the_list(day: SchoolDay) -> None:
    day.order("com.kz", "org.kg")
    told = day.refused(2, *START, "--open", "com.kz", "--open", "org.kg")
    assert "com.kz: below this strangers register" in told
    assert "org.kg: below this strangers register" in told
    assert lessons(day) == []


def test_a_permit_opens_other_names_for_its_minutes(day: SchoolDay) -> None:
    day.done("groups", "set", "pupils", "--level", "high")
    day.order(minutes=15)
    said = day.done(*START, "--open", "example.net", "--open", "games.example")
    assert "example.net and all names below it are open until 09:15 at most" in said
    assert day.opens("example.net", room="lab")
    assert day.opens("games.example", room="lab")
    day.at("09:14")
    assert day.opens("example.net", room="lab")
    told = day.refused(1, "lesson", "open", "adult.example", "unlawful.example", "--room", "lab")
    assert "unlawful.example will not open" in told
    told = day.refused(1, "lesson", "open", "adult.example", "--room", "lab")
    assert "the list list-adult holds adult.example in the category" in told
    assert "schoolfilter allow adult.example --scope lessons" in told
    assert "Other names" not in told
    day.at("09:15")
    assert not day.opens("example.net", room="lab")
    told = day.refused(1, "lesson", "open", "late.example", "--room", "lab")
    assert "Other names than those of orders open in the first 15 minutes of a lesson only" in told


def test_an_order_that_names_it_opens_also_what_is_harmful_but_never_what_is_unlawful(day: SchoolDay) -> None:
    day.order("adult.example", "unlawful.example")
    day.done(*START, "--open", "adult.example")
    assert day.opens("adult.example", room="lab")
    assert "the law forbids" in day.refused(1, "lesson", "open", "unlawful.example", "--room", "lab")


def test_a_bundle_opens_as_far_as_orders_permit(day: SchoolDay) -> None:
    day.done("groups", "set", "pupils", "--level", "high")
    names = [each.name for each in load_bundles()["education"]]
    day.order(*names[:3])
    said = day.done(*START, "--open", "education")
    inside = sum(any(n == o or n.endswith(f".{o}") for o in names[:3]) for n in names)
    assert f"The bundle education: of {len(names)} names orders permit {inside} until 09:45." in said
    assert [day.opens(name, room="lab") for name in (names[0], names[2])] == [True, True]
    assert day.opens(names[10], room="lab") == (names[10] in lessons(day)[0]["opened"])
    day.done("allow", "--bundle", "education", "--scope", "lessons", "--order", "13", "--date", "2026-09-02")
    assert "The bundle education: " in day.done("lesson", "open", "education", "--room", "lab")
    assert day.opens(names[-1], room="lab")


def test_of_a_bundle_opens_only_what_a_permit_can_open(day: SchoolDay, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [each.name for each in load_bundles()["education"]]
    held = {names[0]: "terrorism", names[1]: "adult"}
    monkeypatch.setattr("approval.requests.open_current", lambda _: FakeIndex(held))
    day.order(minutes=15)
    said = day.done(*START, "--open", "education")
    expected = {name for name in names[2:] if not bundled().hold(name)}
    assert "orders permit 0 until 09:45." in said
    assert f"Besides, {len(expected)} that no order names are open until 09:15 at most." in said
    assert set(lessons(day)[0]["opened"]) == expected


def test_a_lesson_holds_a_bundle_and_some_more_names_but_no_whole_list(day: SchoolDay, tmp_path: Path) -> None:
    day.order("example.org")
    file = tmp_path / "names.txt"
    file.write_text("".join(f"n{n}.example.org\n" for n in range(501)))
    assert "at most 500 names in one lesson, found 501" in day.refused(2, *START, "--open-list", str(file))
    file.write_text("".join(f"n{n}.example.org\n" for n in range(500)))
    day.done(*START, "--open-list", str(file))
    assert len(lessons(day)[0]["opened"]) == 500
    assert "found 501" in day.refused(2, "lesson", "close", "example.net", "--room", "lab")
    day.done("lesson", "close", "n1.example.org", "--room", "lab")


def test_names_come_from_a_file_too(day: SchoolDay, tmp_path: Path) -> None:
    day.order("a.example", "b.example", "c.example")
    file = tmp_path / "names.txt"
    file.write_text("\ufeffa.example\n\n# what we need\nb.example  # twice\nB.example.\n", encoding="utf-8")
    day.done(*START, "--open-list", str(file), "--open", "c.example")
    assert lessons(day)[0]["opened"] == ["c.example", "a.example", "b.example"]
    file.write_text("a.example\nnot a name\n")
    assert "found 'not a name'" in day.refused(2, *START, "--take-over", "--open-list", str(file))


def test_names_are_closed_for_the_room_whatever_the_list_says(day: SchoolDay) -> None:
    day.order("example.org", scope=Scope.ALWAYS)
    said = day.done(*START, "--close", "example.org", "--close", "www.school.example")
    assert "example.org and all names below it are closed until 09:45." in said
    assert "Closing www.school.example has no effect: school.example is protected" in said
    assert not day.opens("www.example.org", room="lab")
    assert day.opens("www.school.example", room="lab")
    assert day.opens("example.org", room="lab", group="teachers"), "teachers keep what they have"
    day.done("lesson", "start", "--room", "gym", "--teacher", "Bekov")
    assert day.opens("example.org", room="gym")
    day.at("09:45")
    day.done(*START)
    assert day.opens("example.org", room="lab"), "the next lesson begins anew"


def test_names_are_opened_and_closed_during_a_lesson(day: SchoolDay) -> None:
    day.done("groups", "set", "pupils", "--level", "high")
    day.order("example.org")
    day.done(*START)
    day.at("09:10")
    assert "open until 09:45" in day.done("lesson", "open", "example.org", "--room", "lab")
    assert day.opens("example.org", room="lab")
    assert "closed until 09:45" in day.done("lesson", "close", "example.org", "other.example", "--room", "lab")
    assert not day.opens("example.org", room="lab")
    said = day.done("lesson", "open", "example.org", "other.example", "--room", "lab")
    assert "other.example is no longer closed." in said
    assert day.opens("example.org", room="lab")
    assert lessons(day)[0]["closed"] == []


def test_a_closed_name_is_opened_again_even_if_no_order_names_it(day: SchoolDay) -> None:
    day.done(*START, "--close", "example.net")
    assert "example.net is no longer closed." in day.done("lesson", "open", "example.net", "--room", "lab")
    (lesson,) = lessons(day)
    assert (lesson["opened"], lesson["closed"]) == ([], [])
    assert day.opens("example.net", room="lab")


# -- the timetable -----------------------------------------------------------------------------------------------------

SLOT = Slot("s", EVERY_DAY, Minutes(540, 600), room="lab", teacher="Bekov B.", title="informatics")


def test_lessons_of_the_timetable_are_listed_and_give_way_to_one_by_hand(day: SchoolDay) -> None:
    day.plan(SLOT)
    (planned,) = lessons(day)
    assert (planned["how"], planned["teacher"], planned["title"]) == ("timetable", "Bekov B.", "informatics")
    assert (planned["begins"], planned["ends"]) == ("2026-09-02T09:00:00+05:00", "2026-09-02T10:00:00+05:00")
    table = day.done("lesson", "list")
    assert table.splitlines()[0].endswith("AT PRESENT")
    assert "informatics" in table
    assert "timetable" in table
    assert "timetable" in day.refused(1, "lesson", "stop", "--room", "lab")
    told = day.refused(1, *START)
    assert "by the timetable Bekov B. has a lesson in lab until 10:00" in told
    day.done(*START, "--take-over")
    assert [each["how"] for each in lessons(day)] == ["by-hand"]
    assert [each["how"] for each in lessons(day, "--all")] == ["by-hand", "timetable"]
    day.at("09:50")
    assert [each["how"] for each in lessons(day)] == ["timetable"], "what is planned holds again"
    day.at("10:00")
    assert lessons(day) == []
    assert [each["on"] for each in lessons(day, "--all")] == [False, False]


@pytest.mark.parametrize("options", [(), ("--all",)])
@pytest.mark.parametrize("body", ["{", "[" * 100_000, "[]", "{}", '{"days": 7}'])
def test_what_nobody_here_wrote_is_told_as_damage(day: SchoolDay, body: str, options: tuple[str, ...]) -> None:
    day.plan(SLOT)
    by_hand(day.settings.paths.policy_db, f"UPDATE objects SET body = '{body}'")  # noqa: S608 - of the table above
    assert "expected a sound database" in day.refused(1, "lesson", "list", *options)


def test_the_teacher_of_the_timetable_begins_by_hand_without_more(day: SchoolDay) -> None:
    day.plan(SLOT, Slot("t", EVERY_DAY, Minutes(540, 600), room="gym"))
    day.done("lesson", "start", "--room", "lab", "--teacher", "BEKOV B.")
    day.done("lesson", "start", "--room", "gym", "--teacher", "Dina")
    assert {each["teacher"] for each in lessons(day)} == {"BEKOV B.", "Dina"}


def test_names_are_opened_in_a_lesson_of_the_timetable(day: SchoolDay) -> None:
    day.plan(SLOT)
    day.done("groups", "set", "pupils", "--level", "high")
    day.order("example.org")
    day.at("09:20")
    said = day.done("lesson", "open", "example.org", "--room", "lab")
    assert "open until 10:00" in said
    assert "lab is open under Bekov B. until 10:00." in said
    assert day.opens("example.org", room="lab")
    day.at("10:00")
    assert not day.opens("example.org", room="lab")


def test_a_lesson_for_one_group_opens_no_names_for_all(day: SchoolDay) -> None:
    day.plan(Slot("s", EVERY_DAY, Minutes(540, 600), room="lab", group="pupils", teacher="Bekov"))
    day.order("example.org")
    assert "no lesson is on" in day.refused(1, "lesson", "open", "example.org", "--room", "lab")
    assert not day.opens("example.org", room="lab", group="senior")


def test_an_exam_and_a_pause_go_before_the_lesson_and_that_is_said(day: SchoolDay) -> None:
    day.plan(Exam("e", day.now.date(), day.now.date(), Level.OFF, Minutes(540, 555), title="mathematics"))
    said = day.done(*START)
    assert "An exam restricts it to the level off: mathematics." in said
    assert "Level off there now: pupils, primary, senior, guests." in said
    day.at("09:20")
    day.done("pause", "--room", "lab", "--minutes", "10", "--reason", "assembly", "--level", "off")
    said = day.done("lesson", "extend", "--room", "lab", "--minutes", "5")
    assert "lab is at the level off until 09:30, whatever else is planned: assembly (asanova)." in said


# -- past days ---------------------------------------------------------------------------------------------------------


def test_lessons_of_a_past_day_are_shown_as_they_were(day: SchoolDay) -> None:
    day.at("09:00", 2)
    day.done(*START, "--close", "example.org")
    day.at("11:00", 2)
    day.done("lesson", "start", "--room", "gym", "--teacher", "Bekov")
    day.at("11:10", 2)
    day.done("lesson", "stop", "--room", "gym")
    day.at("09:00", 3)
    day.done("lesson", "start", "--room", "gym", "--teacher", "Dina")
    kept = asyncio.run(day.policy.objects(LESSON))
    assert [each.id for each in kept] == ["20260903-gym-1"], "the worker need not read what is over"
    past = lessons(day, "--date", "2026-09-02")
    assert [(each["id"], each["ends"][11:16]) for each in past] == [
        ("20260902-lab-1", "09:45"),
        ("20260902-gym-1", "11:10"),
    ]
    assert past[0]["closed"] == ["example.org"]
    assert not any(each["on"] for each in past)
    assert lessons(day, "--date", "2026-09-01") == []
    assert [each["id"] for each in lessons(day, "--date", "2026-09-03")] == ["20260903-gym-1"]
    assert day.done("lesson", "list", "--date", "2026-09-01") == "No lessons.\n"
    assert "Dina" in day.done("lesson", "list", "--all")


def test_a_lesson_over_midnight_is_on_in_both_days(day: SchoolDay) -> None:
    day.at("23:40")
    day.plan(Slot("s", EVERY_DAY, Minutes(1420, 1480), room="gym", teacher="Bekov"))
    assert "until 2026-09-03 00:25." in day.done(*START)
    day.at("00:05", 3)
    assert [(each["room"], each["on"]) for each in lessons(day)] == [("gym", True), ("lab", True)]
    assert "lab is open under Asanova A. until 00:25." in day.done("rooms", "show", "lab")
    day.done("lesson", "start", "--room", "gym", "--teacher", "Dina", "--take-over")
    assert day.opens("example.org", room="lab"), "what is on is not put away"
    day.at("00:25", 3)
    assert not day.opens("example.org", room="lab")


def test_two_teachers_may_put_away_what_is_over_in_the_same_moment(day: SchoolDay) -> None:
    day.done(*START)
    day.at("09:00", 3)
    policy = day.policy

    def meanwhile() -> None:
        drops = [(LESSON, "20260902-lab-1")]
        asyncio.run(policy.change_objects("put away", drops=drops, at=day.now, by="bekov"))

    def plan(scene: Scene) -> Change:
        other = threading.Thread(target=meanwhile)
        other.start()
        other.join()
        return Change("start lesson", (Lesson("l", "lab", "Asanova", scene.now, scene.now + timedelta(minutes=45)),))

    make(day.settings, plan)
    assert [each["id"] for each in lessons(day)] == ["l"]


def test_every_change_is_in_the_audit_trail(day: SchoolDay) -> None:
    day.order("example.org")
    day.done(*START)
    day.done("lesson", "extend", "--room", "lab", "--minutes", "5")
    day.done("lesson", "open", "example.org", "--room", "lab")
    day.done("lesson", "close", "example.org", "--room", "lab")
    day.done("lesson", "stop", "--room", "lab")
    changes = asyncio.run(day.policy.changes())
    assert [each.what for each in changes][-5:] == [
        "start lesson",
        "extend lesson",
        "open in lesson",
        "close in lesson",
        "stop lesson",
    ]
    assert {each.by for each in changes[-5:]} == {"asanova"}
    assert asyncio.run(day.policy.verify_audit()) is None


@pytest.mark.parametrize(
    ("status", "arguments", "told"),
    [
        (1, ("start", "--room", "attic", "--teacher", "A"), "expected a room that exists (gym, lab), found attic"),
        (2, ("start", "--room", "lab"), "--teacher"),
        (2, ("start", "--teacher", "A"), "--room"),
        (2, ("start", "--room", "lab", "--teacher", " "), "--teacher: expected who answers"),
        (2, ("start", "--room", "lab", "--teacher", "A\nB"), "--teacher: expected"),
        (2, ("start", "--room", "lab", "--teacher", "A", "--minutes", "5", "--until", "10:00"), "found both"),
        (2, ("start", "--room", "lab", "--teacher", "A", "--minutes", "241"), "at most 4 hours"),
        (2, ("start", "--room", "lab", "--teacher", "A", "--minutes", "0"), "0"),
        (2, ("start", "--room", "lab", "--teacher", "A", "--until", "quarter to"), "a time such as 09:45"),
        (2, ("start", "--room", "lab", "--teacher", "A", "--until", "08:00"), "found 2026-09-03 08:00"),
        (2, ("start", "--room", "lab", "--teacher", "A", "--level", "open"), "'open'"),
        (2, ("start", "--room", "lab", "--teacher", "A", "--level", "off"), "'off'"),
        (2, ("start", "--room", "lab", "--teacher", "A", "--close", "no name"), "found 'no name'"),
        (1, ("open", "example.org", "--room", "lab"), "no lesson is on in lab"),
        (1, ("close", "example.org", "--room", "lab"), "no lesson is on in lab"),
        (2, ("open", "--room", "lab"), "NAME"),
        (2, ("extend", "--room", "lab"), "found neither"),
        (1, ("stop", "--room", "attic"), "found attic"),
        (2, ("list", "--date", "yesterday"), "--date: expected a day as YYYY-MM-DD"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    day: SchoolDay, status: int, arguments: tuple[str, ...], told: str
) -> None:
    before = asyncio.run(day.policy.version())
    assert told in day.refused(status, "lesson", *arguments)
    assert asyncio.run(day.policy.version()) == before


def test_a_name_is_opened_or_closed_not_both(day: SchoolDay) -> None:
    day.order("example.org")
    assert "found both: example.org" in day.refused(2, *START, "--open", "example.org", "--close", "example.org")
    day.done(*START)
    assert "longer" not in day.done("lesson", "list")
    assert "later than 09:45" in day.refused(2, "lesson", "extend", "--room", "lab", "--until", "09:30")
