"""How many queries of the log the filter asked itself, to test for acts what opens and what is closed. Pure."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, tzinfo

from journal.documents.kept_papers import PaperKind
from papers.act import LiveTest
from storage.evidence import Body, Kind, Record, text, whole

_ASKED, _CLOSED = "asked", "asked_closed"


def said_of(test: LiveTest) -> Body:
    """Return what the record of an act says of its test: names asked for by category, and how many were closed."""
    asked = Counter(each.kind for each in test.tested)
    return {_ASKED: dict(sorted(asked.items())), _CLOSED: sum(each.found == "closed" for each in test.tested)}


def closed_by_tests(records: Iterable[Record], first: date, last: date, zone: tzinfo) -> int:
    """Return how many blocked queries of these days were tests for acts, as records of Kind.PAPER say."""
    return sum(
        whole(each.body, _CLOSED)
        for each in records
        if each.kind is Kind.PAPER
        and text(each.body, "paper") == PaperKind.ACT
        and first <= each.at.astimezone(zone).date() <= last
    )
