"""When the lists are fetched next: spread over the schools, not in lessons, sooner after a failure. Pure."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo

from settings.checks import split_quiet

SPREAD = 0.1
"""By this share of the period each refresh is early or late by chance: a thousand schools must not ask as one."""
OPENING = timedelta(hours=6)
"""What waited for the end of the quiet hours is spread over so much time after it, for the same reason."""
SOON = timedelta(minutes=10)
"""What is overdue (a new installation, a machine that was off) is made up for within so much time."""
FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=15), timedelta(hours=6)
"""The pause after a failure; it doubles from one failure to the next."""
STALE = timedelta(days=3)
"""Lists older than this are refreshed in quiet hours too: a machine that runs only in lessons would else keep them for
ever. A refresh runs at the lowest priority, so lessons feel nothing of it but the line being used."""
CLOCK_SLACK = timedelta(minutes=5)
"""A time so far ahead of now was written by a clock that was wrong (an empty battery), and counts as unknown."""


@dataclass(frozen=True, slots=True)
class Last:
    """How the refreshes went so far. All times have a zone."""

    good: datetime | None = None
    """When every list was last found good; None means never."""
    tried: datetime | None = None
    """When the last attempt ended, well or not."""
    failures: int = 0
    """How many attempts in a row failed for at least one list."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The part of the settings that says when."""

    period: timedelta
    """Zero means never."""
    quiet: tuple[time, time] | None
    zone: tzinfo

    @classmethod
    def of(cls, refresh_hours: int, quiet: str, zone: tzinfo) -> "Timing":
        """Read them from settings that were checked. Raises ValueError."""
        return cls(timedelta(hours=refresh_hours), split_quiet(quiet), zone)


def next_due(last: Last, timing: Timing, now: datetime, chance: float) -> datetime | None:
    """Return when the next refresh is to begin, never before now; None if never.

    `chance` is from 0 to 1, drawn anew for each refresh.
    """
    if not timing.period:
        return None
    good, tried = _believed(last.good, now), _believed(last.tried, now)
    if last.failures and tried is not None:
        pause = min(FIRST_RETRY * 2.0 ** min(last.failures - 1, 10), LONGEST_RETRY)
        wanted = tried + pause * (1 + SPREAD * chance)
    elif good is not None:
        wanted = good + timing.period * (1 - SPREAD + 2 * SPREAD * chance)
    else:
        wanted = now
    if wanted <= now:
        wanted = now + SOON * chance
    if good is None or wanted - good > max(STALE, 2 * timing.period):
        return wanted
    return _outside(wanted, timing, chance)


def _believed(moment: datetime | None, now: datetime) -> datetime | None:
    return moment if moment is not None and moment <= now + CLOCK_SLACK else None


def _outside(moment: datetime, timing: Timing, chance: float) -> datetime:
    """Return the moment, or one after the quiet hours if it lies in them."""
    if timing.quiet is None or not is_quiet(moment, timing):
        return moment
    begin, end = timing.quiet
    local = moment.astimezone(timing.zone)
    ends = local.replace(hour=end.hour, minute=end.minute, second=0, microsecond=0)
    if ends <= local:
        ends += timedelta(days=1)
    open_for = timedelta(hours=begin.hour - end.hour, minutes=begin.minute - end.minute) % timedelta(days=1)
    # A minute less than the whole: the last moment of the open hours is the first of the quiet ones.
    spread = min(OPENING, open_for - timedelta(minutes=1))
    return (ends + spread * chance).astimezone(moment.tzinfo)


def is_quiet(moment: datetime, timing: Timing) -> bool:
    """Tell whether a moment lies in the quiet hours; their first minute does, their end does not."""
    if timing.quiet is None:
        return False
    begin, end = timing.quiet
    at = moment.astimezone(timing.zone).time()
    return begin <= at < end if begin < end else at >= begin or at < end
