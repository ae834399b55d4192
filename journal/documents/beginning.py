"""When the journal was begun: of the days before nothing is known, and no paper may look as if nothing had happened."""

from collections.abc import Iterable
from datetime import date, tzinfo

from storage.evidence import Kind, Record


def begun_on(records: Iterable[Record], zone: tzinfo) -> date:
    """Return the day of the school on which the journal was begun; the first day of all if no record says so."""
    return min((each.at.astimezone(zone).date() for each in records if each.kind is Kind.BEGUN), default=date.min)


def begun_after(records: Iterable[Record], first: date, zone: tzinfo) -> date | None:
    """Return the day on which the journal was begun if that was after the first day of a period; else None."""
    begun = begun_on(records, zone)
    return begun if begun > first else None
