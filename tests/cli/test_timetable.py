"""`timetable`: each change is told with what holds then, rests on its protocol, and is made whole or not at all."""

import asyncio
import csv
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import icalendar
import pytest

from policy.calendar import Bells, BellsOn, Exam, Minutes, Period, Periods, Slot, Span, SpanKind, Substitution, Weeks
from policy.calendar_bodies import Value, row, values
from policy.levels import Level
from policy.timetable import EVERY_DAY
from policy.timetable_texts import parse_weekdays
from tests.cli.school_day import BELLS, SchoolDay, school_day

NOTED = ("--protocol", "3", "--date", "2026-08-28")
WEDNESDAY = date(2026, 9, 2)
LESSON = Slot("maths", frozenset({2}), Periods(1, 1, 1), "lab", teacher="Asanova A.", title="Maths")
"""On at 09:00 of the Wednesday."""


@pytest.fixture
def day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SchoolDay]:
    with school_day(tmp_path, monkeypatch) as day:
        monkeypatch.setattr("cli.timetable_change.clock", lambda _settings: day.now)
        monkeypatch.setattr("cli.timetable_change.who", lambda: "asanova")
        for room, network in (("lab", "10.0.5.0/24"), ("gym", "10.0.6.0/24")):
            day.done("rooms", "add", room, "--network", network, "--order", "5", "--date", "2026-09-01")
        yield day


def entered(day: SchoolDay) -> list[Value]:
    """Return all that is in the calendar."""
    return list(values(day.snapshot().schedule.calendar))


def shown(day: SchoolDay, *options: str) -> dict[str, Any]:
    found = day.json("timetable", "show", *options, "--json")
    assert isinstance(found, dict)
    return found


def write(day: SchoolDay, text: str, name: str = "table.csv") -> str:
    path = day.folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


# -- what each command enters ------------------------------------------------------------------------------------------

FIRST, SECOND, AFTERNOON = Period(1, 1, 480, 525), Period(1, 2, 535, 580), Period(2, 1, 810, 855)


@pytest.mark.parametrize(
    ("command", "value"),
    [
        ("bells b --period '1 08:00-08:45' --days mon-sat", Bells("b", (FIRST,), parse_weekdays("mon-sat"))),
        ("bells b --period '2 08:55-09:40' --period '1 08:00-08:45'", Bells("b", (FIRST, SECOND), frozenset(range(5)))),
        ("bells b --period '1 13:30-14:15' --shift 2 --days none", Bells("b", (AFTERNOON,), frozenset())),
        ("term 2026-09-01 2026-10-31 --title one", Span(SpanKind.TERM, date(2026, 9, 1), date(2026, 10, 31), "one")),
        ("holiday 2026-12-16 --title i", Span(SpanKind.HOLIDAY, date(2026, 12, 16), date(2026, 12, 16), "i")),
        (
            "holiday 2026-12-16 2026-12-17 --title i",
            Span(SpanKind.HOLIDAY, date(2026, 12, 16), date(2026, 12, 17), "i"),
        ),
        ("exam e 2026-09-02 --level off", Exam("e", WEDNESDAY, WEDNESDAY, Level.OFF)),
        (
            "exam e 2026-09-02 2026-09-03 --lesson 2-3 --room lab --room gym --group pupils --level high --title t",
            Exam(
                "e",
                WEDNESDAY,
                date(2026, 9, 3),
                Level.HIGH,
                Periods(1, 2, 3),
                frozenset({"lab", "gym"}),
                frozenset({"pupils"}),
                "t",
            ),
        ),
        (
            "add s --days mon,wed --hours 08:00-08:45 --room lab --group pupils --level low --teacher T --title i",
            Slot("s", frozenset({0, 2}), Minutes(480, 525), "lab", "pupils", Level.LOW, "T", "i"),
        ),
        ("add s --days пн-ср --lesson 2/1-2 --room lab", Slot("s", frozenset({0, 1, 2}), Periods(2, 1, 2), "lab")),
        ("add --days mon,wed --lesson 2 --room lab", Slot("mon_wed-2-lab", frozenset({0, 2}), Periods(1, 2, 2), "lab")),
        (
            "add --days tue --hours 08:00-08:45 --group pupils --level high --weeks odd",
            Slot(
                "tue-0800-0845-pupils-odd",
                frozenset({1}),
                Minutes(480, 525),
                group="pupils",
                level=Level.HIGH,
                weeks=Weeks.ODD,
            ),
        ),
    ],
)
def test_a_command_enters_what_it_says(day: SchoolDay, command: str, value: Value) -> None:
    words = [word for part in command.split(" '") for word in _words(part)]
    result = day.run("timetable", *words, *NOTED)
    assert result.exit_code == 0, result.output
    assert "no protocol" not in result.stderr
    assert entered(day) == [value]
    assert result.stdout.startswith("+ ")
    assert result.stdout.endswith("The server follows within a second.\n")
    (change,) = [each for each in asyncio.run(day.policy.changes()) if each.by == "asanova" and "room" not in each.what]
    assert change.document == "protocol 3 of 2026-08-28"


def _words(part: str) -> list[str]:
    quoted, quote, rest = part.partition("'")
    return [quoted, *rest.split()] if quote else part.split()


def test_without_a_protocol_the_change_holds_and_says_so(day: SchoolDay) -> None:
    result = day.run("timetable", "add", "--days", "mon", "--lesson", "2", "--room", "lab")
    assert "no protocol of the council was given" in result.stderr
    assert shown(day)["slot"][0]["document"] == ""
    again = day.run("timetable", "add", "--days", "mon", "--lesson", "2", "--room", "lab", *NOTED)
    assert "no protocol" not in again.stderr
    assert [(each["id"], each["document"]) for each in shown(day)["slot"]] == [
        ("mon-2-lab", "protocol 3 of 2026-08-28")
    ], "the command repeated is the same lesson, now on a protocol"


def test_another_lesson_at_the_same_time_and_place_gets_another_id_and_is_a_fault(day: SchoolDay) -> None:
    day.plan(BELLS)
    day.done("timetable", "add", "--days", "mon", "--lesson", "2", "--room", "lab", *NOTED)
    other = day.run("timetable", "add", "--days", "mon", "--lesson", "2", "--room", "lab", "--title", "Art", *NOTED)
    assert [each["id"] for each in shown(day)["slot"]] == ["mon-2-lab", "mon-2-lab-2"]
    assert "Warning: slot 'mon-2-lab' (mon 2) and slot 'mon-2-lab-2' (mon 2) are at once" in other.stderr
    third = day.run("timetable", "holiday", "2026-12-16", "--title", "Independence", *NOTED)
    assert third.stderr == "", "what was wrong before is not told again"


def test_a_lesson_of_the_same_id_is_replaced_and_told(day: SchoolDay) -> None:
    day.plan(LESSON)
    told = day.done("timetable", "add", "maths", "--days", "wed", "--lesson", "1", "--room", "gym", *NOTED)
    assert told.splitlines()[:2] == [
        "- slot maths: wed, lesson 1, room lab, Asanova A., Maths",
        "+ slot maths: wed, lesson 1, room gym",
    ]
    assert entered(day) == [Slot("maths", frozenset({2}), Periods(1, 1, 1), "gym")]


def test_a_shift_is_set_and_the_other_keeps_its_bells(day: SchoolDay) -> None:
    day.plan(Bells("b", (FIRST, SECOND, AFTERNOON)))
    day.done("timetable", "bells", "b", "--period", "1 08:00-08:45", *NOTED)
    assert entered(day) == [Bells("b", (FIRST, AFTERNOON))]


def test_other_bells_do_not_ring_on_the_same_days_by_accident(day: SchoolDay) -> None:
    day.plan(BELLS)
    assert "the bells usual ring already" in day.refused(2, "timetable", "bells", "short", "--period", "1 08:00-08:30")
    day.done("timetable", "bells", "short", "--period", "1 08:00-08:30", "--days", "none")
    assert "school day. Bells: short" in day.done("timetable", "bells-on", "2026-09-02", "short")
    assert BellsOn(WEDNESDAY, "short") in entered(day)


# -- what holds then ---------------------------------------------------------------------------------------------------


def test_a_lesson_opens_its_room_and_its_end_closes_it(day: SchoolDay) -> None:
    assert not day.opens("wiki.example.org", room="lab")
    lesson = ("--days", "wed", "--hours", "08:30-09:15", "--room", "lab", "--teacher", "Asanova A.", "--title", "Maths")
    told = day.done("timetable", "add", "maths", *lesson, *NOTED)
    assert told.splitlines()[1:] == [
        "wed 2026-09-02 is a school day. Bells: -",
        "lab: open by the timetable: Asanova A., Maths, until 09:15",
        "The server follows within a second.",
    ]
    assert day.opens("wiki.example.org", room="lab")
    assert not day.opens("wiki.example.org", room="gym")
    result = day.run("timetable", "remove", "slot", "maths")
    assert "lab: closed\n" in result.stdout
    assert "It is given with --protocol" in result.stderr
    assert not day.opens("wiki.example.org", room="lab")


def test_what_is_on_for_a_group_is_told_with_it(day: SchoolDay) -> None:
    day.plan(BELLS, LESSON)
    on = ("--days", "wed", "--lesson", "1", "--group", "pupils", "--level", "low", *NOTED)
    assert "\npupils: level low until 09:15\n" in day.done("timetable", "add", *on)
    told = day.done("timetable", "add", *on, "--room", "gym", "--teacher", "Bekov B.")
    assert "gym: closed\ngym, pupils: open by the timetable: Bekov B., until 09:15, level low\n" in told


def test_a_holiday_closes_what_lessons_open(day: SchoolDay) -> None:
    day.plan(BELLS, LESSON)
    told = day.done("timetable", "holiday", "2026-09-02", "--title", "Day of rest", *NOTED)
    assert "wed 2026-09-02 is no school day.\ngym: closed\nlab: closed\n" in told
    assert not day.opens("wiki.example.org", room="lab")


def test_an_exam_restricts_what_a_lesson_opens(day: SchoolDay) -> None:
    day.plan(BELLS, LESSON)
    told = day.done("timetable", "exam", "maths-9", "2026-09-02", "--room", "lab", "--level", "off", *NOTED)
    assert "exam maths-9: 2026-09-02/2026-09-02, all day, level off, room lab" in told.splitlines()
    assert not day.opens("wiki.example.org", room="lab")


def test_bells_that_do_not_ring_for_a_lesson_are_told(day: SchoolDay) -> None:
    day.plan(BELLS)
    result = day.run("timetable", "add", "s", "--days", "wed", "--lesson", "9", "--room", "lab", *NOTED)
    assert result.exit_code == 0
    assert result.stderr == "Warning: slot 's' (wed 9), wed: no bells ring for 9\n"


# -- substitutions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "value", "lab", "gym"),
    [
        (("--teacher", "Bekov B."), ("Bekov B.", None), True, False),
        (("--cancel",), ("", None), False, False),
        (("--to-room", "gym"), ("Asanova A.", "gym"), False, True),
        (("--to-room", "gym", "--teacher", "Bekov B."), ("Bekov B.", "gym"), False, True),
    ],
)
def test_one_lesson_of_one_date_is_changed(
    day: SchoolDay, options: tuple[str, ...], value: tuple[str, str | None], lab: bool, gym: bool
) -> None:
    day.plan(BELLS, LESSON)
    day.done("timetable", "substitute", "2026-09-02", "lab", "--lesson", "1", *options, *NOTED)
    teacher, room = value
    assert entered(day)[-1] == Substitution("2026-09-02-1-lab", WEDNESDAY, "lab", Periods(1, 1, 1), teacher, room)
    assert (day.opens("a.example.org", room="lab"), day.opens("a.example.org", room="gym")) == (lab, gym)


def test_a_second_change_of_the_same_lesson_takes_the_place_of_the_first(day: SchoolDay) -> None:
    day.plan(BELLS, LESSON, Substitution("from-a-file", WEDNESDAY, "lab", Periods(1, 1, 1)))
    day.done("timetable", "substitute", "2026-09-02", "lab", "--lesson", "1", "--to-room", "gym", *NOTED)
    assert entered(day)[-1] == Substitution("from-a-file", WEDNESDAY, "lab", Periods(1, 1, 1), "Asanova A.", "gym"), (
        "the teacher is the timetable's, also where the lesson was cancelled before"
    )


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "arguments", "said"),
    [
        (1, ("add", "--days", "mon", "--lesson", "1", "--room", "nolab"), "a room that exists (gym, lab), found nolab"),
        (
            1,
            ("add", "--days", "mon", "--lesson", "1", "--room", "lab", "--group", "none"),
            "expected a group that exists",
        ),
        (2, ("add", "--days", "mon", "--lesson", "1", "--group", "pupils"), "--group with --level"),
        (2, ("add", "--days", "mon", "--room", "lab"), "expected --hours such as 08:00-08:45, or --lesson"),
        (2, ("add", "--days", "mon", "--room", "lab", "--lesson", "08:00-08:45"), "expected --hours"),
        (2, ("add", "--days", "mon", "--room", "lab", "--lesson", "1", "--hours", "08:00-08:45"), "expected --hours"),
        (2, ("add", "--days", "mox", "--room", "lab", "--lesson", "1"), "--days: expected days such as mon"),
        (2, ("add", "A B", "--days", "mon", "--room", "lab", "--lesson", "1"), "expected an id"),
        (2, ("bells", "b", "--period", "1 08:00", "--period", "x"), "--period: expected the number"),
        (2, ("bells", "b", "--period", "1 08:00-08:45", "--period", "1 09:00-09:45"), "expected lesson 1 once"),
        (2, ("bells", "usual", "--period", "1 08:45-08:00"), "--period 1 08:45-08:00: the end is before the beginning"),
        (2, ("bells", "usual", "--period", "1 23:30-00:15"), "--period 1 23:30-00:15: the end is before the beginning"),
        (2, ("bells", "usual", "--period", "1 08:00-08:00"), "expected an end other than the beginning"),
        (2, ("bells", "usual", "--period", "1 08:00-08:45", "--period", "2 08:40-09:25"), "overlap"),
        (2, ("bells", "usual", "--shift", "2", "--period", "2 08:00-08:45", "--period", "1 08:40-09:25"), "overlap"),
        (1, ("bells-on", "2026-09-02", "short"), "expected bells that exist (usual), found short"),
        (2, ("term", "2026-09-02", "2026-09-01"), "expected an end on or after the beginning"),
        (2, ("holiday", "2026-09-02"), "--title: expected what the holiday is called"),
        (1, ("exam", "e", "2026-09-02", "--level", "off", "--room", "nolab"), "found nolab"),
        (2, ("substitute", "2026-09-02", "lab", "--lesson", "1"), "expected --teacher, --to-room or both, or --cancel"),
        (2, ("substitute", "2026-09-02", "lab", "--lesson", "1", "--cancel", "--teacher", "T"), "or --cancel alone"),
        (1, ("substitute", "2026-09-02", "lab", "--lesson", "2", "--cancel"), "found no lesson of lab then"),
        (1, ("substitute", "2026-09-02", "gym", "--lesson", "1", "--to-room", "lab"), "found no lesson of gym then"),
        (1, ("remove", "slot", "math"), "the nearest is maths"),
        (1, ("remove", "exam", "maths"), "found no exam maths"),
        (2, ("show", "--day", "mox"), "--day: expected a day"),
        (2, ("term", "2026-09-01", "2026-10-31", "--protocol", "3"), "found only one of the two"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    day: SchoolDay, status: int, arguments: tuple[str, ...], said: str
) -> None:
    day.plan(BELLS, LESSON)
    assert said in day.refused(status, "timetable", *arguments)
    assert entered(day) == [BELLS, LESSON]


def test_of_several_ends_all_or_none(day: SchoolDay) -> None:
    day.plan(LESSON, Span(SpanKind.TERM, WEDNESDAY, WEDNESDAY))
    day.refused(1, "timetable", "remove", "slot", "maths", "other")
    assert len(entered(day)) == 2
    day.done("timetable", "remove", "term", "2026-09-02", *NOTED)
    assert entered(day) == [LESSON]


# -- what is shown -----------------------------------------------------------------------------------------------------


def test_an_empty_timetable_says_how_to_begin(day: SchoolDay) -> None:
    assert "schoolfilter timetable bells usual" in day.done("timetable")


def test_the_week_is_shown_with_what_is_on_now_and_what_is_wrong(day: SchoolDay) -> None:
    odd = Slot("art", frozenset({0}), Periods(1, 7, 7), "gym", "pupils", weeks=Weeks.ODD)
    over = Span(SpanKind.TERM, date(2026, 4, 1), date(2026, 5, 25), "fourth")
    day.plan(BELLS, LESSON, odd, over, Span(SpanKind.TERM, date(2026, 9, 1), date(2026, 10, 31), "first"))
    text = day.done("timetable")
    assert text == day.done("timetable", "show")
    lines = text.splitlines()
    assert lines[:3] == [
        "wed 2026-09-02 is a school day. Bells: usual",
        "gym: closed",
        "lab: open by the timetable: Asanova A., Maths, until 09:15",
    ]
    cells = [line.split() for line in lines]
    assert ["usual", "mon-sun", "1", "1", "08:30-09:15,", "2", "09:25-10:10"] in cells
    assert ["wed", "08:30-09:15", "1", "lab", "-", "-", "Asanova", "A.", "Maths", "maths"] in cells
    assert ["mon", "odd", "weeks", "-", "7", "gym", "pupils", "-", "art"] in cells
    assert "term 2026-09-01/2026-10-31: first" in lines
    assert "fourth" not in text, "it is over"
    assert "It rests on: without a document (5)" in lines
    assert lines[-2:] == ["Problems:", "- slot 'art' (mon 7), mon: no bells ring for 7"]


def test_one_day_is_shown_with_its_substitutions(day: SchoolDay) -> None:
    day.plan(BELLS, LESSON, Substitution("s", WEDNESDAY, "lab", Periods(1, 1, 1), "Bekov B."))
    on_date = day.done("timetable", "show", "--day", "2026-09-02")
    assert "Bekov B." in on_date
    assert "Asanova" not in on_date
    assert "Asanova" in day.done("timetable", "show", "--day", "wed")
    assert day.done("timetable", "show", "--day", "thu") == "No lessons.\n"


def test_a_part_is_shown(day: SchoolDay) -> None:
    other = Slot("art", EVERY_DAY, Periods(1, 1, 1), "gym", "pupils", Level.LOW)
    day.plan(BELLS, LESSON, other, Exam("e", WEDNESDAY, WEDNESDAY, Level.HIGH, rooms=frozenset({"gym"})))

    def ids(*options: str) -> list[str]:
        found = shown(day, *options)
        return [each["id"] for kind in ("slot", "exam") for each in found[kind]]

    assert ids() == ["maths", "art", "e"]
    assert ids("--room", "lab") == ["maths"]
    assert ids("--room", "gym") == ["art", "e"]
    assert ids("--group", "pupils") == ["art", "e"]
    assert ids("--day", "thu") == ["art", "e"]
    day.refused(1, "timetable", "show", "--room", "nolab")


def test_json_tells_machines_the_same(day: SchoolDay) -> None:
    day.plan(BELLS, LESSON)
    found = shown(day)
    assert found["day"] == {
        "date": "2026-09-02",
        "school_day": True,
        "bells": "usual",
        "lessons": [
            {
                "hours": "08:30-09:15",
                "room": "lab",
                "group": None,
                "level": None,
                "cause": "timetable",
                "teacher": "Asanova A.",
                "title": "Maths",
                "id": "maths",
            }
        ],
    }
    assert {room: each["state"] for room, each in found["now"]["rooms"].items()} == {
        "lab": "timetable",
        "gym": "closed",
    }
    assert found["faults"] == []
    assert json.loads(day.done("timetable", "--json")) == found


# -- files -------------------------------------------------------------------------------------------------------------

TABLE = "days,lessons,room,teacher\nwed,1,lab,Asanova A.\nthu,2,gym,Bekov B.\n"


def test_a_table_is_taken_once(day: SchoolDay) -> None:
    day.plan(BELLS)
    path = write(day, TABLE)
    told = day.done("timetable", "import", path, *NOTED)
    assert [line[0] for line in told.splitlines()[:2]] == ["+", "+"]
    assert day.opens("wiki.example.org", room="lab")
    assert [each["document"] for each in shown(day)["slot"]] == ["protocol 3 of 2026-08-28"] * 2
    changes = len(asyncio.run(day.policy.changes()))
    assert day.done("timetable", "import", path) == "Already so: 2.\nNothing was changed.\n"
    assert len(asyncio.run(day.policy.changes())) == changes
    day.done("timetable", "import", path, "--protocol", "9", "--date", "2026-09-01")
    assert [each["document"] for each in shown(day)["slot"]] == ["protocol 9 of 2026-09-01"] * 2


def test_a_dry_run_tells_the_same_and_changes_nothing(day: SchoolDay) -> None:
    day.plan(BELLS, LESSON)
    path = write(day, TABLE.replace("thu,2", "thu,9"))
    told = day.run("timetable", "import", path, "--replace", "--dry-run")
    assert entered(day) == [BELLS, LESSON]
    assert told.stdout.endswith("Nothing was changed.\n")
    assert "no bells ring for 9" in told.stderr
    done = day.run("timetable", "import", path, "--replace", *NOTED)
    assert done.stdout.splitlines()[:3] == told.stdout.splitlines()[:3]
    assert done.stderr == told.stderr


def test_replace_ends_what_is_not_in_the_file_of_its_kind_only(day: SchoolDay) -> None:
    exam = Exam("e", WEDNESDAY, WEDNESDAY, Level.HIGH)
    day.plan(BELLS, LESSON, exam)
    path = write(day, TABLE)
    day.done("timetable", "import", path)
    assert len(entered(day)) == 5, "without --replace all stays"
    told = day.done("timetable", "import", path, "--replace")
    assert "- slot maths: wed, lesson 1, room lab, Asanova A., Maths" in told
    assert [value for value in entered(day) if not isinstance(value, Slot)] == [BELLS, exam]
    assert LESSON not in entered(day)


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        (f"{TABLE}mox,1,lab,\nmon,x,lab,\n", (), ["line 4", "line 5"]),
        (f"{TABLE}mon,1,nolab,\nmon,2,nogym,\n", (), ["found nolab", "found nogym"]),
        ("days,lessons,group,level\nmon,1,pupils,open\n", (), ["no lesson makes staff of pupils"]),
        ("days,lessons,room,teacher\nmon,1,lab,a\x1b[2J\n", (), ["teacher: expected at most 120 characters"]),
        ("kind,from\nholiday,2026-09-03\nholiday,2026-09-03\n", ("--kind", "days"), ["expected it once: holiday"]),
        (
            "kind,from,bells\nshort day,2026-09-03,short\n",
            ("--kind", "days"),
            ["bells that exist (usual), found short"],
        ),
        (TABLE, ("--kind", "bells"), ["line 1: expected the columns bells"]),
        (TABLE, ("--format", "ics"), ["Nothing was changed."]),
    ],
)
def test_a_file_with_anything_wrong_is_refused_whole(
    day: SchoolDay, text: str, options: tuple[str, ...], said: list[str]
) -> None:
    day.plan(BELLS, LESSON)
    told = day.refused(2, "timetable", "import", write(day, text), "--replace", *options)
    assert all(each in told for each in said), told
    assert told.endswith("Nothing was changed.\n")
    assert entered(day) == [BELLS, LESSON]


def test_a_file_of_no_known_name_needs_a_format(day: SchoolDay) -> None:
    path = write(day, TABLE, "table.txt")
    assert "expected --format csv or ics" in day.refused(2, "timetable", "import", path)
    day.done("timetable", "import", path, "--format", "csv")
    assert len(entered(day)) == 2


ALL = (
    BELLS,
    Bells("short", (Period(1, 1, 510, 540),), frozenset()),
    BellsOn(date(2026, 9, 3), "short"),
    Span(SpanKind.TERM, date(2026, 9, 1), date(2026, 10, 31), "first"),
    Exam("e", date(2026, 9, 4), date(2026, 9, 4), Level.HIGH, Minutes(540, 600), frozenset({"lab"})),
    LESSON,
    Substitution("s", WEDNESDAY, "lab", Periods(1, 1, 1), "Bekov B.", "gym"),
)


@pytest.mark.parametrize("form", ["csv", "ics"])
def test_what_is_exported_is_imported_as_it_was(day: SchoolDay, form: str) -> None:
    day.plan(*ALL)
    kinds = [("--kind", kind) for kind in ("bells", "days", "slots", "substitutions")] if form == "csv" else [()]
    files = [str(day.folder / f"{number}.{form}") for number in range(len(kinds))]
    for file, kind in zip(files, kinds, strict=True):
        assert day.done("timetable", "export", "--output", file, *kind) == f"Written: {file}\n"
    for value in ALL:
        day.done("timetable", "remove", *row(value)[:2], *NOTED)
    assert entered(day) == []
    for file, kind in zip(files, kinds, strict=True):
        day.done("timetable", "import", file, *kind)
    assert sorted(map(repr, entered(day))) == sorted(map(repr, ALL))


def test_other_programs_read_what_is_printed(day: SchoolDay) -> None:
    day.plan(*ALL)
    table = day.done("timetable", "export")
    rows = list(csv.DictReader(table.lstrip("\N{ZERO WIDTH NO-BREAK SPACE}").splitlines(), delimiter=";"))
    assert [(row["days"], row["room"], row["teacher"]) for row in rows] == [("wed", "lab", "Asanova A.")]
    events = icalendar.Calendar.from_ical(day.done("timetable", "export", "--format", "ics")).walk("VEVENT")
    assert {str(event["SUMMARY"]) for event in events} >= {"Maths", "first"}
    assert "holds all kinds" in day.refused(2, "timetable", "export", "--format", "ics", "--kind", "slots")


def test_a_foreign_calendar_is_taken_and_what_is_left_out_is_told(day: SchoolDay) -> None:
    day.plan(BELLS, Exam("e", WEDNESDAY, WEDNESDAY, Level.HIGH))
    events = [
        "UID:a\r\nSUMMARY:Maths\r\nLOCATION:lab\r\nDTSTART:20260902T083000\r\nDTEND:20260902T091500\r\n"
        "RRULE:FREQ=WEEKLY;BYDAY=WE",
        "UID:b\r\nSUMMARY:Excursion\r\nLOCATION:museum\r\nDTSTART:20260903T083000\r\nDTEND:20260903T091500\r\n"
        "RRULE:FREQ=WEEKLY;BYDAY=TH",
    ]
    body = "".join(f"BEGIN:VEVENT\r\nDTSTAMP:20260901T000000Z\r\n{event}\r\nEND:VEVENT\r\n" for event in events)
    file = write(day, f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{body}END:VCALENDAR\r\n", "plan.ics")
    result = day.run("timetable", "import", file, "--replace", *NOTED)
    assert result.exit_code == 0, result.output
    assert "Excursion" in result.stderr
    assert "museum" in result.stderr
    slots = [value for value in entered(day) if isinstance(value, Slot)]
    assert [(slot.room, slot.title, slot.weekdays) for slot in slots] == [("lab", "Maths", frozenset({2}))]
    assert len(entered(day)) == 3, "bells and exams are of kinds that are not in the file"
