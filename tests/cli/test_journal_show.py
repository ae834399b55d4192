"""`journal show`: what waits comes first, nothing personal without a look on record, corrections stand beside."""

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from journal.incidents import Rule
from storage.evidence import Kind
from tests.cli.installation import Bench
from tests.cli.journal_scene import Journal, school
from tests.journal.incident_scene import CLIENT, NOW, SECRET_NAMES, TEACHER

PERSONAL = (CLIENT, TEACHER, "pc-21-07", *(name for name, _count in SECRET_NAMES))


@pytest.fixture
def at_school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Bench, Journal]]:
    with school(tmp_path, monkeypatch) as found:
        yield found


def test_the_list_shows_what_waits_first_and_nothing_personal(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    for minutes in range(3):
        journal.enter(NOW + timedelta(minutes=minutes), room=f"room{minutes}")
    bench.done("journal", "close", "2026-11-0003", "an app")
    for arguments in (("journal", "show"), ("journal", "show", "--json")):
        shown = bench.done(*arguments)
        assert not any(secret in shown for secret in PERSONAL)
    lines = bench.done("journal", "show").splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["2026-11-0002", "2026-11-0001", "2026-11-0003"]
    for cell in ("2026-11-25 09:40 – 09:52", "deliberate attempt", "Gambling", "room1", "7-b", "12", "new"):
        assert cell in lines[1]
    assert journal.records(Kind.ACCESS) == []


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (("--state", "new"), ["2026-12-0001", "2026-11-0001"]),
        (("--state", "closed"), ["2026-11-0002"]),
        (("--month", "2026-12"), ["2026-12-0001"]),
        (("--room", "room9"), ["2026-11-0002"]),
        (("--group", "8-a"), ["2026-12-0001"]),
        (("--rule", "at-risk"), ["2026-12-0001"]),
        (("--rule", "at-risk", "--month", "2026-11"), []),
    ],
)
def test_the_list_can_be_narrowed(
    at_school: tuple[Bench, Journal], options: tuple[str, ...], numbers: list[str]
) -> None:
    bench, journal = at_school
    journal.enter()
    journal.enter(room="room9")
    journal.enter(NOW + timedelta(days=10), group="8-a", rule=Rule.AT_RISK)
    bench.done("journal", "close", "2026-11-2", "an app")
    found = bench.json("journal", "show", "--json", *options)
    assert isinstance(found, list)
    assert [each["number"] for each in found] == numbers


def test_who_sees_names_is_on_record_first(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    journal.enter()
    shown = bench.done("journal", "show", "--names", "--room", "room21", "--reason", "question of the class teacher")
    assert "pc-21-07" in shown
    assert "casino.example, poker.example" in shown
    (look,) = journal.records(Kind.ACCESS)
    assert (look.by, look.body) == (
        "aigul",
        {"what": "journal show --names", "reason": "question of the class teacher"},
    )
    assert look.private == {"asked": {"--room": "room21"}}


def test_one_incident_is_shown_with_all_and_the_look_is_on_record(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    journal.enter()
    shown = bench.done("journal", "show", "2026-11-1")
    for expected in (*PERSONAL, "Informatics", "several visits, different sites", "Nothing was done yet.", "9  casino"):
        assert expected in shown
    (look,) = journal.records(Kind.ACCESS)
    assert look.body == {"what": "journal show", "reason": ""}
    assert look.private == {"asked": {"number": "2026-11-0001"}}
    found = bench.json("journal", "show", "2026-11-0001", "--json", "--reason", "x")
    assert isinstance(found, dict)
    assert found["asked"] == [{"name": name, "queries": count} for name, count in SECRET_NAMES]
    assert [each.body["reason"] for each in journal.records(Kind.ACCESS)] == ["", "x"]


@pytest.mark.parametrize("arguments", [("journal", "show", "2026-11-1"), ("journal", "show", "--names")])
def test_nothing_is_shown_where_the_look_cannot_be_entered(
    at_school: tuple[Bench, Journal], arguments: tuple[str, ...]
) -> None:
    bench, journal = at_school
    journal.enter()
    with sqlite3.connect(journal.settings.paths.journal_db) as connection:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON chain BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    connection.close()
    said = bench.refused(1, *arguments)
    assert "Nothing is shown" in said
    assert "disk full" in said


def test_an_incident_that_is_not_there_is_no_look(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    journal.enter()
    assert "the last one of that month is 2026-11-0001" in bench.refused(1, "journal", "show", "2026-11-2")
    assert "no other of that month" in bench.refused(1, "journal", "show", "2026-10-0001")
    assert journal.records(Kind.ACCESS) == []


@pytest.mark.parametrize("number", ["7", "2026-13-0001", "2026-11-", "2026-11-0001x", "'; DROP"])
def test_what_is_no_number_is_refused(at_school: tuple[Bench, Journal], number: str) -> None:
    bench, _journal = at_school
    assert "such as 2026-11-0007" in bench.refused(2, "journal", "show", number)


@pytest.mark.parametrize(
    "options",
    [
        ("2026-11-0001", "--state", "new"),
        ("2026-11-0001", "--alarms"),
        ("--alarms", "--names"),
        ("--alarms", "--room", "x"),
        ("--month", "november"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    at_school: tuple[Bench, Journal], options: tuple[str, ...]
) -> None:
    bench, _journal = at_school
    bench.refused(2, "journal", "show", *options)


def test_what_was_done_is_told_in_order_with_corrections_beside(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    number = journal.enter()
    told = {"incident": number, "contact": "Asanova A.", "role": "class-teacher", "channel": "mail", "text": ""}
    failed = told | {"arrived": False, "text": "the mail server says no (451)"}
    journal.add(Kind.TOLD, failed)
    journal.add(Kind.TOLD, told | {"arrived": True})
    bench.done("journal", "note", "2026-11-1", "Spoke with the class", "--measures", "A talk about gambling")
    review = journal.records(Kind.REVIEW)[0].number
    bench.done("journal", "correct", str(review), "It was class 7-v")
    bench.done("journal", "correct", str(number), "It was room 12")
    bench.done("journal", "close", "2026-11-1")
    shown = bench.done("journal", "show", "2026-11-1").splitlines()
    told_lines = [line.strip() for line in shown if "record" in line or "Measures" in line]
    corrections = [each.number for each in journal.records(Kind.CORRECTION)]
    expected = (
        f"record {number}",
        f"It was room 12 (record {corrections[1]})",
        "Asanova A. (class teacher) could not be told by mail: the mail server says no (451)",
        "Asanova A. (class teacher) was told by mail",
        "aigul: reviewed: Spoke with the class",
        "Measures: A talk about gambling",
        f"It was class 7-v (record {corrections[0]})",
        "aigul: closed",
    )
    assert len(told_lines) == len(expected)
    for line, part in zip(told_lines, expected, strict=True):
        assert part in line


def test_what_was_erased_is_said(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    journal.unseal(journal.enter())
    shown = bench.done("journal", "show", "2026-11-1")
    assert "What was personal was erased." in shown
    assert not any(secret in shown for secret in PERSONAL)


def test_what_people_wrote_can_be_erased_and_that_it_was_is_said(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    number = journal.enter()
    bench.done("journal", "note", "2026-11-1", "Spoke with Petrov", "--measures", "Petrov was moved")
    bench.done("journal", "correct", str(number), "It was Petrov")
    for each in journal.records(Kind.REVIEW, Kind.CORRECTION):
        journal.unseal(each.number)
    shown = bench.done("journal", "show", "2026-11-1")
    assert "Petrov" not in shown
    assert "reviewed: What was personal was erased." in shown
    found = bench.json("journal", "show", "2026-11-1", "--json")
    assert isinstance(found, dict)
    assert [(each["text"], each["erased"]) for each in found["notes"]] == [("", True), ("", True)]


def test_no_text_acts_on_the_terminal(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    journal.enter(device="pc\x1b[2J", room="r\x1b[31m", lesson="l\u202e")
    shown = bench.done("journal", "show", "2026-11-1") + bench.done("journal", "show", "--names")
    assert not set(shown) & set("\x1b\u202e")


def test_alarms_are_told_in_words(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    assert bench.done("journal", "show", "--alarms") == "No alarms.\n"
    number = journal.add(Kind.ALARM, {"what": "segment-changed", "segment": "20261125T040000-w0-0001.tsv"})
    shown = bench.done("journal", "show", "--alarms")
    assert f"2026-11-25 10:00, record {number}: The segment 20261125T040000-w0-0001.tsv" in shown
    found = bench.json("journal", "show", "--alarms", "--json")
    assert isinstance(found, list)
    assert found[0]["what"] == "segment-changed"


def alarmed(journal: Journal) -> list[int]:
    """Enter two alarms, of which the first was settled; return all three records."""
    lost = journal.add(Kind.ALARM, {"what": "segment-lost", "segment": "a.tsv"})
    settled = journal.add(Kind.SETTLED, {"alarm": lost}, NOW + timedelta(days=1), private={"text": "Petrov did it"})
    return [lost, settled, journal.add(Kind.ALARM, {"what": "segment-lost", "segment": "b.tsv"})]


def test_alarms_are_open_until_somebody_settles_them(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    lost, settled, other = alarmed(journal)
    lines = bench.done("journal", "show", "--alarms").splitlines()
    assert lines[0].startswith(f"2026-11-25 10:00, record {lost}: The segment a.tsv")
    assert lines[1] == f"  Settled on 2026-11-26 10:00 by schoolfilter: Petrov did it (record {settled})"
    assert lines[2].startswith(f"2026-11-25 10:00, record {other}: The segment b.tsv")
    assert lines[3] == "  Nobody has settled this alarm yet."
    assert lines[4].startswith("Open alarms: 1. ")
    assert "schoolfilter journal settle NUMBER" in lines[4]
    assert len(lines) == 5
    bench.done("journal", "settle", str(other), "--text", "It was me")
    shown = bench.done("journal", "show", "--alarms")
    assert "by aigul: It was me" in shown
    assert "Open alarms" not in shown


def test_alarms_for_machines_say_who_settled_them(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    _lost, settled, _other = alarmed(journal)
    found = bench.json("journal", "show", "--alarms", "--json")
    assert isinstance(found, list)
    said = {"record": settled, "at": "2026-11-26T05:00:00+00:00", "by": "schoolfilter", "text": "Petrov did it"}
    assert [each["settled"] for each in found] == [said | {"erased": False}, None]
    journal.unseal(settled)
    found = bench.json("journal", "show", "--alarms", "--json")
    assert isinstance(found, list)
    assert found[0]["settled"] == said | {"text": "", "erased": True}


def test_who_sees_what_people_found_about_alarms_is_on_record_first(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    journal.add(Kind.ALARM, {"what": "segment-lost", "segment": "a.tsv"})
    bench.done("journal", "show", "--alarms")
    assert journal.records(Kind.ACCESS) == []
    alarmed(journal)
    bench.done("journal", "show", "--alarms", "--reason", "yearly check")
    (look,) = journal.records(Kind.ACCESS)
    assert (look.by, look.body) == ("aigul", {"what": "journal show --alarms", "reason": "yearly check"})
    with sqlite3.connect(journal.settings.paths.journal_db) as connection:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON chain BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    connection.close()
    assert "Nothing is shown" in bench.refused(1, "journal", "show", "--alarms")


def test_no_words_about_an_alarm_act_on_the_terminal(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    *_rest, other = alarmed(journal)
    journal.add(Kind.SETTLED, {"alarm": other}, private={"text": "a\x1b[2J\u202e"})
    assert not set(bench.done("journal", "show", "--alarms")) & set("\x1b\u202e")
