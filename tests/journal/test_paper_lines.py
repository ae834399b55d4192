"""What papers say of an incident: its day by the school's clock, and nothing personal."""

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from journal.documents.paper_lines import alarm_lines, day_of, lines_of
from journal.documents.policy_state import PolicyState
from journal.incidents import Note, Rule, State
from journal.trust.settling import ToldAlarm
from papers.period import AlarmLine
from storage.evidence import Kind, Record
from tests.journal.incident_scene import incident

ZONE = ZoneInfo("Asia/Almaty")
INCIDENT = incident(
    id="2026-11-0001",
    at=datetime(2026, 11, 29, 20, tzinfo=UTC),
    category="adult",
    room="214",
    group="pupils",
    first="2026-11-28T10:00:00.000+05:00",
)


@pytest.mark.parametrize(
    ("first", "day"),
    [
        ("2026-11-28T10:00:00.000+05:00", date(2026, 11, 28)),
        ("2026-11-28T23:33:00.000+00:00", date(2026, 11, 29)),
        ("2026-11-28T10:00:00", date(2026, 11, 30)),
        ("damaged", date(2026, 11, 30)),
        ("", date(2026, 11, 30)),
    ],
)
def test_an_incident_is_of_the_day_of_its_first_query_else_of_its_entry(first: str, day: date) -> None:
    assert day_of(replace(INCIDENT, first=first), ZONE) == day


class NoTitles(PolicyState):
    """A policy that knows neither groups nor rooms."""

    def __init__(self) -> None:
        """Know nothing."""

    def group_title(self, id_: str) -> str:
        return id_

    def room_title(self, id_: str) -> str:
        return id_


def closing(text: str, kind: Kind = Kind.CLOSED) -> Note:
    return Note(8, INCIDENT.at, kind, "aigul", text)


@pytest.mark.parametrize(
    ("state", "notes", "said"),
    [
        (State.CLOSED, (closing("No fault"),), "No fault"),
        (State.CLOSED, (closing("First"), closing("It went on", Kind.REOPENED), closing("Last")), "Last"),
        (State.CLOSED, (closing(""),), ""),
        (State.REVIEWED, (closing("First"), closing("It went on", Kind.REOPENED)), ""),
        (State.REVIEWED, (closing("Seen", Kind.REVIEW),), ""),
    ],
)
def test_what_was_said_at_closing_is_told_while_it_is_closed(state: State, notes: tuple[Note, ...], said: str) -> None:
    [line] = lines_of([replace(INCIDENT, state=state, notes=notes)], frozenset(), NoTitles(), ZONE)
    assert (line.closing, line.measures) == (said, ())


@pytest.mark.parametrize(("decided", "shut"), [("block", True), ("allow", False), ("", False)])
def test_a_report_of_a_site_that_was_closed_then_is_told_apart(decided: str, shut: bool) -> None:
    [line] = lines_of([replace(INCIDENT, rule=Rule.REPORT, decided=decided)], frozenset(), NoTitles(), ZONE)
    assert line.shut is shut


def test_an_alarm_says_who_settled_it_on_which_day_of_the_school() -> None:
    at, evening = datetime(2026, 11, 2, 4, tzinfo=UTC), datetime(2026, 11, 3, 20, tzinfo=UTC)
    alarm = Record(2, at, Kind.ALARM, "schoolfilter", {"what": "noise", "text": "A noise."}, "", "")
    settled = Record(3, evening, Kind.SETTLED, "aigul", {"alarm": 2}, "x", "", {"text": "The wind"})
    assert alarm_lines(
        [ToldAlarm(alarm), ToldAlarm(alarm, settled), ToldAlarm(alarm, replace(settled, private=None))], ZONE
    ) == [
        AlarmLine(at, "A noise."),
        AlarmLine(at, "A noise.", date(2026, 11, 4), "aigul", "The wind"),
        AlarmLine(at, "A noise.", date(2026, 11, 4), "aigul", ""),
    ]
