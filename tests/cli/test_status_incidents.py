"""What `status` says of incidents: what waits, who was not told, alarms, reports that are due."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cli.status_incidents import IncidentsState, read_incidents_state
from journal.incidents import Rule
from journal.notifying.telling import AGE
from settings.model import Notices
from storage.evidence import Kind
from tests.cli.installation import Bench
from tests.cli.journal_scene import Journal, school
from tests.journal.incident_scene import NOW

ZONE = ZoneInfo("Asia/Almaty")
HOUR = timedelta(hours=1)


@pytest.fixture
def at_school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Bench, Journal]]:
    with school(tmp_path, monkeypatch) as found:
        yield found


def told(number: int, *, arrived: bool, text: str = "") -> dict[str, object]:
    return {
        "incident": number,
        "contact": "Asanova A.",
        "role": "class-teacher",
        "channel": "mail",
        "arrived": arrived,
        "text": text,
    }


def test_a_school_without_incidents_hears_nothing(at_school: tuple[Bench, Journal]) -> None:
    _bench, journal = at_school
    state = read_incidents_state(journal.settings, NOW)
    assert (state, state.problems(), state.rows(ZONE)) == (IncidentsState(), [], [])
    assert not journal.settings.paths.journal_db.exists()


def test_who_is_told_is_known_without_addresses(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    journal.enter()
    assert read_incidents_state(journal.settings, NOW).contacts == ()
    bench.done("journal", "contacts", "add", "Asanova A.", "--role", "responsible", "--mail", "a@school.example")
    (contact,) = read_incidents_state(journal.settings, NOW).contacts or ()
    assert (contact.name, contact.mail) == ("Asanova A.", "")


def add_teacher(bench: Bench) -> None:
    bench.done("journal", "contacts", "add", "Asanova A.", "--role", "responsible", "--mail", "a@school.example")


def says_nobody(state: IncidentsState) -> bool:
    assert state.problems() == []
    said = [text for _label, text in state.rows(ZONE) if "Nobody is told of incidents" in text]
    assert all("journal contacts add" in text for text in said)
    return bool(said)


def test_that_nobody_is_entered_is_shown_until_somebody_is_or_a_webhook(
    at_school: tuple[Bench, Journal],
) -> None:
    bench, journal = at_school
    journal.add(Kind.ACCESS, {"what": "log search", "reason": ""}, NOW - timedelta(days=30))
    assert says_nobody(read_incidents_state(journal.settings, NOW))
    hooked = replace(journal.settings, notices=Notices(webhook="https://hook.example.org/x"))
    assert not says_nobody(read_incidents_state(hooked, NOW))
    add_teacher(bench)
    assert not says_nobody(read_incidents_state(journal.settings, NOW))
    bench.done("journal", "contacts", "remove", "Asanova A.")
    assert says_nobody(read_incidents_state(journal.settings, NOW))


def test_what_no_signed_head_covers_for_a_day_is_named_with_its_time(at_school: tuple[Bench, Journal]) -> None:
    _bench, journal = at_school
    journal.enter()
    (begun, incident) = journal.records()
    assert read_incidents_state(journal.settings, begun.at + 24 * HOUR).unsigned is None
    assert read_incidents_state(journal.settings, begun.at + 25 * HOUR).unsigned == begun.at
    journal.sign(begun.at)
    after = max(begun.at, incident.at) + 400 * 24 * HOUR
    assert read_incidents_state(journal.settings, after).unsigned is None
    later = after + HOUR
    journal.enter(later)
    assert read_incidents_state(journal.settings, later + 24 * HOUR).unsigned is None
    assert read_incidents_state(journal.settings, later + 25 * HOUR).unsigned == later


def test_open_incidents_are_counted_by_state(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    for _each in range(4):
        last = journal.enter()
    journal.add(Kind.TOLD, told(last, arrived=True))
    bench.done("journal", "note", "2026-11-1", "seen")
    bench.done("journal", "close", "2026-11-2", "an app")
    state = read_incidents_state(journal.settings, NOW)
    assert (state.new, state.told, state.reviewed) == (1, 1, 1)
    assert dict(state.rows(ZONE))["incidents"].startswith("1 new, 1 told, 1 reviewed")


def test_that_nobody_was_told_is_a_problem_after_half_an_hour(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    number = journal.enter()
    journal.enter(rule=Rule.HARMFUL)
    assert says_nobody(read_incidents_state(journal.settings, NOW + HOUR / 2))
    add_teacher(bench)
    assert read_incidents_state(journal.settings, NOW + HOUR / 2).problems() == []
    state = read_incidents_state(journal.settings, NOW + HOUR)
    (problem,) = state.problems()
    assert "schoolfilter journal contacts add" in problem
    assert dict(state.rows(ZONE))["nobody told"] == "the oldest of 2026-11-25 10:00"
    journal.add(Kind.TOLD, told(number, arrived=False, text="the mail server says no (451)"))
    state = read_incidents_state(journal.settings, NOW + HOUR)
    (problem,) = state.problems()
    assert "the mail server says no (451)" in problem
    assert state.problems(["no mail since 10:00"]) == ["no mail since 10:00"]
    assert read_incidents_state(journal.settings, NOW + AGE + HOUR).problems() == []
    journal.add(Kind.TOLD, told(number, arrived=True))
    assert read_incidents_state(journal.settings, NOW + HOUR).problems() == []


def test_an_alarm_is_a_problem_until_it_is_settled_however_old_it_is(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    add_teacher(bench)
    number = journal.add(Kind.ALARM, {"what": "segment-lost", "segment": "x.tsv"})
    for now in (NOW + HOUR, NOW + timedelta(days=3 * 365)):
        state = read_incidents_state(journal.settings, now)
        (problem,) = state.problems()
        assert problem.startswith(f"Alarm of 2026-11-25 10:00 (record {number}): The segment x.tsv")
        assert dict(state.rows(ZONE))["alarms"].startswith("1 open; ")
        assert "schoolfilter journal settle NUMBER" in dict(state.rows(ZONE))["alarms"]
    bench.done("journal", "settle", str(number), "--text", "the disk was full")
    state = read_incidents_state(journal.settings, NOW + HOUR)
    assert (state.problems(), state.alarms) == ([], ())
    assert "alarms" not in dict(state.rows(ZONE))


def test_the_same_again_is_another_alarm(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    add_teacher(bench)
    first = journal.add(Kind.ALARM, {"what": "segment-lost", "segment": "x.tsv"})
    bench.done("journal", "settle", str(first), "--text", "the disk was full")
    again = journal.add(Kind.ALARM, {"what": "segment-lost", "segment": "x.tsv"}, NOW + timedelta(days=1))
    (problem,) = read_incidents_state(journal.settings, NOW + timedelta(days=2)).problems()
    assert f"(record {again})" in problem


@pytest.mark.parametrize(("count", "shown", "more"), [(5, range(5), 0), (6, range(1, 6), 1), (12, range(7, 12), 7)])
def test_the_newest_five_alarms_are_shown_and_the_others_counted(
    at_school: tuple[Bench, Journal], count: int, shown: range, more: int
) -> None:
    bench, journal = at_school
    add_teacher(bench)
    for each in range(count):
        journal.add(Kind.ALARM, {"what": "segment-lost", "segment": f"{each}.tsv"})
    state = read_incidents_state(journal.settings, NOW)
    said = state.problems()
    assert [f"The segment {each}.tsv" in problem for each, problem in zip(shown, said, strict=False)] == [True] * 5
    assert said[5:] == ([f"Open alarms besides these: {more}. See: schoolfilter journal show --alarms"] if more else [])
    assert dict(state.rows(ZONE))["alarms"].startswith(f"{count} open; ")
    assert (len(state.alarms), state.as_json()["more_alarms"]) == (5, more)


def test_the_monthly_report_is_reminded_of(at_school: tuple[Bench, Journal]) -> None:
    _bench, journal = at_school
    journal.enter()
    begun = journal.records()[0].at  # the first record is made by opening the journal
    later = (begun.astimezone(ZONE).replace(day=1) + timedelta(days=31)).replace(day=20)
    month = f"{begun.astimezone(ZONE):%Y-%m}"
    rows = dict(read_incidents_state(journal.settings, later).rows(ZONE))
    assert f"for {month} is due by {later:%Y-%m}-25: schoolfilter report monthly {month}" in rows["monthly report"]
    journal.add(Kind.PAPER, {"paper": "monthly-report", "month": month, "number": 1, "year": 2026})
    assert "monthly report" not in dict(read_incidents_state(journal.settings, later).rows(ZONE))


@pytest.mark.parametrize("content", [b"", b"no database"])
def test_a_journal_that_cannot_be_read_is_no_end_of_status(at_school: tuple[Bench, Journal], content: bytes) -> None:
    _bench, journal = at_school
    journal.settings.paths.journal_db.write_bytes(content)
    assert isinstance(read_incidents_state(journal.settings, datetime.now(ZONE)), IncidentsState)


def test_status_shows_it_all(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    journal.enter()
    assert "1 new, 0 told" in bench.run("status").stdout
    assert json.loads(bench.run("status", "--json").stdout)["incidents"]["new"] == 1
