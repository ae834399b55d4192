"""What is published: true, without personal data, and readable by programs."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from journal.documents.pupils import ClosedToPupils
from journal.incidents import Audience, Incident, Rule, State
from journal.publishing.publication import Document, Publication, PublicMonth, data_of, protocols_of, public_months
from journal.publishing.small_counts import public_row

TODAY = date(2026, 12, 2)


def incident(rule: Rule = Rule.ATTEMPT, month: str = "2026-11", number: int = 1) -> Incident:
    return Incident(
        record=number, id=f"{month}-{number:04}", at=datetime(2026, 11, 3, tzinfo=UTC), rule=rule, severity="harmful",
        category="adult", audience=Audience.CLASS_TEACHER, room="room-5", group="pupils", lesson="", first="", last="",
        queries=9, names=3, signs=(), state=State.NEW, notes=(), sealed=True, client="192.0.2.77", device="pc-7",
        teacher="Secretova", asked=(("casino.example", 3),),
    )  # fmt: skip


PUBLICATION = Publication(
    school="School No. 12",
    language="kk",
    contact="mailto:school@example.org",
    day=TODAY,
    closed=ClosedToPupils(("terrorism", "games"), ("youtube",), only_list=True),
    orders=(Document(date(2026, 9, 1), "12"), Document(date(2026, 8, 1), "")),
    protocols=(Document(date(2026, 8, 25), "3"),),
    months=(PublicMonth("2026-11", 48_000, 10, public_row({rule.value: 7 for rule in Rule})),),
)


def test_only_months_that_are_over_are_told_the_latest_first() -> None:
    hours = [(f"{month}-05T10", 2000, 0) for month in ("2026-09", "2026-11", "2026-12")]
    found = public_months(hours, [], TODAY, only_blocked=False)
    assert [each.month for each in found] == ["2026-11", "2026-09"]


def test_no_more_than_a_year_is_told() -> None:
    hours = [(f"{year}-{month:02}-05T10", 2000, 0) for year in (2024, 2025) for month in range(1, 13)]
    found = public_months(hours, [], TODAY, only_blocked=False)
    assert [each.month for each in found] == [f"2025-{month:02}" for month in range(12, 0, -1)]


@pytest.mark.parametrize(
    ("allowed", "blocked", "only_blocked", "queries", "percent"),
    [
        (9000, 1000, False, 10_000, 10),
        (9990, 10, False, 10_000, 0),
        (900, 99, False, 999, None),
        (1, 3, False, None, None),
        (0, 5000, True, None, None),
    ],
)
def test_figures_of_a_month(
    allowed: int, blocked: int, only_blocked: bool, queries: int | None, percent: int | None
) -> None:
    hours = [("2026-11-05T10", allowed, 0), ("2026-11-06T11", blocked, blocked)]
    [month] = public_months(hours, [], TODAY, only_blocked=only_blocked)
    assert (month.queries, month.blocked_percent) == (queries, percent)


def test_incidents_are_counted_in_the_month_in_which_they_are_numbered_and_small_counts_hidden() -> None:
    incidents = [incident(number=number) for number in range(1, 8)]
    incidents += [incident(Rule.AT_RISK), incident(Rule.AT_RISK, "2026-10")]
    [month] = public_months([("2026-11-05T10", 5000, 0)], incidents, TODAY, only_blocked=False)
    assert month.incidents.counts == {
        "deliberate-attempt": 7, "unlawful-contact": None, "harmful-contact": None, "at-risk": None,
        "malware-beacon": None, "report": None,
    }  # fmt: skip
    assert month.incidents.total is None


def test_only_protocols_are_taken_from_the_trail_each_once() -> None:
    documents = [
        "protocol 3 of 2026-08-25",
        "",
        "protocol 3 of 2026-08-25",
        "order 12 of 2026-09-01",
        "Asanova's note about pupil Usenov",
        "protocol 4 of 2026-10-01",
        "protocol 4 of 2026-10-01 and what Usenov said",
    ]
    assert protocols_of(documents) == [Document(date(2026, 10, 1), "4"), Document(date(2026, 8, 25), "3")]


def test_a_date_that_is_none_does_not_stop_the_publication() -> None:
    assert protocols_of(["protocol 3 of 2026-02-31"]) == []


def test_the_data_say_what_the_pages_say() -> None:
    data: dict[str, Any] = json.loads(data_of(PUBLICATION))
    assert data["format"] == "schoolfilter-information:1"
    assert data["school"] == "School No. 12"
    assert data["as_of"] == "2026-12-02"
    assert data["filtering_is_complete"] is False
    assert [each["id"] for each in data["closed_to_all_pupils"]] == ["terrorism", "games"]
    assert data["closed_to_some_pupils"][0]["title"]["en"] == "YouTube"
    assert data["orders"] == [{"number": "12", "date": "2026-09-01"}, {"number": "", "date": "2026-08-01"}]
    assert data["months"][0]["incidents"]["at-risk"] == 7
    assert data["months"][0]["incidents_together"] == 42


def test_a_hidden_count_is_null_in_the_data() -> None:
    month = PublicMonth("2026-11", None, None, public_row({"at-risk": 2, "report": 9}))
    [told] = json.loads(data_of(replace(PUBLICATION, months=(month,))))["months"]
    assert told == {
        "month": "2026-11", "queries": None, "blocked_percent": None,
        "incidents": {"at-risk": None, "report": 9}, "incidents_together": None,
    }  # fmt: skip
