"""`journal note`, `close`, `reopen`, `correct`: rows are added under who gave the command; nothing is changed."""

import pytest

from storage.evidence import Kind
from tests.cli.installation import Bench
from tests.cli.journal_scene import Journal


@pytest.fixture
def at_school(at_school: tuple[Bench, Journal]) -> tuple[Bench, Journal]:
    at_school[1].enter()
    return at_school


def state(bench: Bench) -> str:
    found = bench.json("journal", "show", "--json")
    assert isinstance(found, list)
    return str(found[0]["state"])


def test_an_incident_is_reviewed_closed_and_opened_again(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    assert "journal close 2026-11-0001" in bench.done("journal", "note", "2026-11-1", "Seen", "--measures", "Talk")
    assert state(bench) == "reviewed"
    bench.done("journal", "close", "2026-11-0001")
    assert state(bench) == "closed"
    bench.done("journal", "reopen", "2026-11-0001", "It went on")
    assert state(bench) == "reviewed"
    kinds = [Kind.REVIEW, Kind.CLOSED, Kind.REOPENED]
    records = journal.records(*kinds)
    assert [(each.kind, each.by, each.body) for each in records] == [(kind, "aigul", {"incident": 2}) for kind in kinds]
    sealed = [{"text": "Seen", "measures": "Talk"}, None, {"text": "It went on"}]
    assert [each.private for each in records] == sealed


def test_closing_wants_a_review_or_a_reason(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    said = bench.refused(1, "journal", "close", "2026-11-1")
    assert "journal note 2026-11-0001" in said
    assert journal.records(Kind.CLOSED) == []
    bench.done("journal", "close", "2026-11-1", "an app of the telephone")
    (closed,) = journal.records(Kind.CLOSED)
    assert closed.private == {"text": "an app of the telephone"}


def test_what_is_closed_stays_until_it_is_opened_again(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    bench.done("journal", "close", "2026-11-1", "an app")
    before = len(journal.records())
    assert "journal reopen 2026-11-0001" in bench.refused(1, "journal", "note", "2026-11-1", "more")
    assert "journal reopen 2026-11-0001" in bench.refused(1, "journal", "close", "2026-11-1", "again")
    assert len(journal.records()) == before


def test_only_what_is_closed_is_opened_again(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    assert "is not closed" in bench.refused(1, "journal", "reopen", "2026-11-1", "why")
    assert journal.records(Kind.REOPENED) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("note", "2026-11-1", "  "),
        ("note", "2026-11-1", "two\nlines"),
        ("note", "2026-11-1", "x" * 2001),
        ("note", "2026-11-1", "x", "--measures", "a\x1bb"),
        ("note", "2026-11-1"),
        ("reopen", "2026-11-1", ""),
        ("correct", "0", "x"),
        ("correct", "two", "x"),
    ],
)
def test_what_is_no_sentence_is_refused(at_school: tuple[Bench, Journal], arguments: tuple[str, ...]) -> None:
    bench, journal = at_school
    before = len(journal.records())
    bench.refused(2, "journal", *arguments)
    assert len(journal.records()) == before


def test_a_correction_is_a_row_of_its_own(at_school: tuple[Bench, Journal]) -> None:
    bench, journal = at_school
    before = journal.records(Kind.INCIDENT)
    bench.done("journal", "correct", "2", "It was room 12")
    assert journal.records(Kind.INCIDENT) == before
    (correction,) = journal.records(Kind.CORRECTION)
    assert (correction.body, correction.private) == ({"incident": 2, "corrects": 2}, {"text": "It was room 12"})
    bench.done("journal", "correct", str(correction.number), "No, room 13")
    shown = bench.done("journal", "show", "2026-11-1")
    assert shown.index("It was room 12") < shown.index("No, room 13")
    assert state(bench) == "new"


@pytest.mark.parametrize("typed", ["2026-11-0001", "0", "-1", "9" * 40, "²", "2.0"])
def test_what_is_no_number_of_a_record_is_told_with_where_such_stand(
    at_school: tuple[Bench, Journal], typed: str
) -> None:
    bench, journal = at_school
    told = bench.refused(2, "journal", "correct", "--", typed, "x")
    assert f"expected the number of a record, such as 118, found '{typed}'" in told
    assert "schoolfilter journal show NUMBER" in told
    assert journal.records(Kind.CORRECTION) == []


@pytest.mark.parametrize("record", ["1", "99"])
def test_only_what_belongs_to_an_incident_is_corrected(at_school: tuple[Bench, Journal], record: str) -> None:
    bench, journal = at_school
    assert f"found {record}" in bench.refused(1, "journal", "correct", record, "x")
    assert journal.records(Kind.CORRECTION) == []
