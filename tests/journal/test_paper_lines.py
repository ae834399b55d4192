"""What papers say of an incident: its day by the school's clock, and nothing personal."""

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from journal.documents.paper_lines import day_of
from journal.incidents import Audience, Incident, Rule, State

ZONE = ZoneInfo("Asia/Almaty")
INCIDENT = Incident(
    record=7,
    id="2026-11-0001",
    at=datetime(2026, 11, 29, 20, tzinfo=UTC),
    rule=Rule.ATTEMPT,
    severity="harmful",
    category="adult",
    audience=Audience.CLASS_TEACHER,
    room="214",
    group="pupils",
    lesson="",
    first="2026-11-28T10:00:00.000+05:00",
    last="",
    queries=3,
    names=1,
    signs=(),
    state=State.NEW,
    notes=(),
    sealed=True,
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
