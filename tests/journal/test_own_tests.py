"""Tests for acts among the queries of the log: what the record of an act says, and what is counted of it."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from journal.documents.own_tests import closed_by_tests, said_of
from papers.act import LiveTest, Probed
from storage.evidence import Body, Kind, Record, canonical

ZONE = ZoneInfo("Asia/Almaty")
TEST = LiveTest(
    "192.0.2.53:53",
    "Pupils",
    "medium",
    (
        Probed("listed", "kitap.kz", "open", "open", agrees=True),
        Probed("adult", "adult.example.org", "closed", "closed", agrees=True),
        Probed("games", "games.example.org", "closed", "silent", agrees=False),
        Probed("neutral", "example.net", "open", "closed", agrees=False),
        Probed("neutral", "example.org", "open", "open", agrees=True),
    ),
)


def paper(at: datetime, body: Body) -> Record:
    return Record(7, at, Kind.PAPER, "x", body, "", "link")


def test_the_record_counts_by_category_and_names_no_site() -> None:
    said = said_of(TEST)
    assert said == {"asked": {"adult": 1, "games": 1, "listed": 1, "neutral": 2}, "asked_closed": 2}
    assert "example" not in canonical(said)


def test_tests_are_those_of_acts_drawn_up_in_these_days_by_the_schools_clock() -> None:
    act = {"paper": "act", **said_of(TEST)}
    records = [
        paper(datetime(2026, 10, 31, 18, 59, tzinfo=UTC), act),
        paper(datetime(2026, 10, 31, 19, tzinfo=UTC), act),
        paper(datetime(2026, 11, 30, 18, 59, tzinfo=UTC), act),
        paper(datetime(2026, 11, 30, 19, tzinfo=UTC), act),
        paper(datetime(2026, 11, 15, tzinfo=UTC), {**act, "paper": "briefing"}),
        paper(datetime(2026, 11, 15, tzinfo=UTC), {"paper": "act", "tested": 24}),
        Record(9, datetime(2026, 11, 15, tzinfo=UTC), Kind.EXPORT, "x", act, "", "link"),
    ]
    assert closed_by_tests(records, date(2026, 11, 1), date(2026, 11, 30), ZONE) == 4
