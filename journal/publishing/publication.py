"""The section "information security" of the school's site: what it says, and its files. Pure (R2, R3 3.4).

Nothing in it names a pupil, a teacher, a device, a room or a site that somebody asked for.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from journal.documents.figures import Share
from journal.documents.pupils import ClosedToPupils
from journal.incidents import Incident, Rule
from journal.publishing.small_counts import LEAST, PublicRow, public_row
from policy.subjects import title_of
from translations import LANGUAGES

FORMAT = "schoolfilter-information:1"
DATA = "information.json"
MONTHS = 12
"""So many finished months are told of."""
_ENOUGH_QUERIES = 1000
"""Of fewer queries a share would tell how many single ones were blocked."""
_PROTOCOL = re.compile(r"protocol (.{1,40}) of ([0-9]{4}-[0-9]{2}-[0-9]{2})")
"""As cli/protocol.py writes it."""


@dataclass(frozen=True, slots=True, order=True)
class Document:
    """An order or a protocol, as the school's register has it."""

    day: date
    number: str
    """Empty: it has none."""


@dataclass(frozen=True, slots=True)
class PublicMonth:
    """The figures of a month that is over."""

    month: str
    """As `2026-11`."""
    queries: int | None
    """None: not counted (log.detail), or too few to tell."""
    blocked_percent: int | None
    """In whole percent; None: not told."""
    incidents: PublicRow
    """By rule."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What the section says."""

    school: str
    language: str
    """Of the school: index.html is in it."""
    contact: str
    """An address with its scheme, as in the settings; empty: none."""
    day: date
    closed: ClosedToPupils
    orders: Sequence[Document]
    protocols: Sequence[Document]
    months: Sequence[PublicMonth]
    """The latest first."""


def public_months(
    hours: Iterable[tuple[str, int, int]], incidents: Iterable[Incident], today: date, *, only_blocked: bool
) -> list[PublicMonth]:
    """Return the last MONTHS that are over and of which there are queries, the latest first.

    `hours`: each with its queries and how many of them were blocked. `only_blocked`: the log holds no queries that were
    allowed, so that no share can be told.
    """
    by_month: dict[str, Share] = {}
    for hour, queries, blocked in hours:
        month = f"{date.fromisoformat(hour[:10]):%Y-%m}"
        before = by_month.get(month, Share())
        by_month[month] = Share(before.queries + queries, before.blocked + blocked)
    rules = Counter((each.month, each.rule) for each in incidents)
    over = [month for month in sorted(by_month, reverse=True) if month < f"{today:%Y-%m}"]
    return [_month(month, by_month[month], rules, only_blocked=only_blocked) for month in over[:MONTHS]]


def protocols_of(documents: Iterable[str]) -> list[Document]:
    """Return the protocols among the documents of the audit trail, each once, the latest first.

    All else that stands there is left out: a free text may name people.
    """
    found = set()
    for document in documents:
        match = _PROTOCOL.fullmatch(document)
        if match is not None:
            with suppress(ValueError):  # no day of the calendar
                found.add(Document(date.fromisoformat(match[2]), match[1]))
    return sorted(found, reverse=True)


def data_of(publication: Publication) -> str:
    """Return information.json."""
    closed = publication.closed
    facts = {
        "format": FORMAT,
        "school": publication.school,
        "contact": publication.contact,
        "as_of": publication.day.isoformat(),
        "filtering_is_complete": False,
        "closed_to_all_pupils": [_subject(id_) for id_ in closed.always],
        "closed_to_some_pupils": [_subject(id_) for id_ in closed.partly],
        "only_white_list_in_some_rooms_or_groups": closed.only_list,
        "orders": [_document(each) for each in publication.orders],
        "protocols": [_document(each) for each in publication.protocols],
        "counts_below_are_not_told": LEAST,
        "months": [_month_data(each) for each in publication.months],
    }
    return json.dumps(facts, ensure_ascii=False, indent=1) + "\n"


def _month(month: str, share: Share, rules: Counter[tuple[str, Rule]], *, only_blocked: bool) -> PublicMonth:
    queries, blocked = share
    counted = not only_blocked and queries >= LEAST
    percent = round(100 * blocked / queries) if counted and queries >= _ENOUGH_QUERIES else None
    row = public_row({rule.value: rules[month, rule] for rule in Rule})
    return PublicMonth(month, queries if counted else None, percent, row)


def _subject(id_: str) -> dict[str, object]:
    return {"id": id_, "title": {language: title_of(id_, language) for language in LANGUAGES}}


def _document(document: Document) -> dict[str, str]:
    return {"number": document.number, "date": document.day.isoformat()}


def _month_data(month: PublicMonth) -> dict[str, object]:
    return {
        "month": month.month,
        "queries": month.queries,
        "blocked_percent": month.blocked_percent,
        "incidents": dict(month.incidents.counts),
        "incidents_together": month.incidents.total,
    }
