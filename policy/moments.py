"""Sums of moments near the ends of the calendar: 9999-12-31 means "for ever", and nothing may run over it."""

from datetime import UTC, datetime, timedelta

FIRST, LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
"""Moments that the clocks of every zone can show."""


def shown(moment: datetime) -> datetime:
    """Return an aware moment, or the nearest that the clocks of every zone can show."""
    return min(max(moment, FIRST), LAST)


def later(moment: datetime, span: timedelta) -> datetime:
    """Return the moment so much later on the same clock, at the latest the last that there is."""
    try:
        return moment + span
    except OverflowError:
        return LAST.replace(tzinfo=moment.tzinfo)
