"""Past days and moments that people name: what was in force at the end of a day of the school's time."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from cli.errors import Misuse
from cli.explanation import InvalidMoment, parse_moment
from translations import _


def moment_of(text: str, what: str, now: datetime, zone: tzinfo) -> datetime | None:
    """Return the moment that a day (its end) or `2026-09-01 14:30` means; None means now. Raises Misuse.

    `what` is the option or argument it was given with.
    """
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        moment = clock_of(text, what, now, zone)
        if moment > now:
            raise future(text, what) from None
        return moment
    today = now.astimezone(zone).date()
    if day > today:
        raise future(text, what)
    return None if day == today else end_of(day, zone)


def end_of(day: date, zone: tzinfo) -> datetime:
    """Return the last second of a day."""
    return start_of(day + timedelta(days=1), zone) - timedelta(seconds=1)


def start_of(day: date, zone: tzinfo) -> datetime:
    """Return the first moment of a day, in UTC: seconds are counted there."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def minute(moment: datetime, zone: tzinfo) -> str:
    """Return a moment to the minute as the clocks of the school show it."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def clock_of(text: str, what: str, now: datetime, zone: tzinfo) -> datetime:
    """Return the moment that `2026-09-01 14:30` means, be it past or not; a day alone has been tried. Raises Misuse."""
    try:
        return parse_moment(text, now, zone)
    except InvalidMoment:
        message = _(
            "{option}: expected a day such as 2026-09-01, or a moment such as '2026-09-01 14:30', found {found}"
        )
        raise Misuse(message.format(option=what, found=repr(text[:60]))) from None


def future(text: str, what: str) -> Misuse:
    """Return that a day or moment is not over that has to be. `what` is the option it was given with."""
    message = _("{option}: expected a day or a moment that has been, found {found}")
    return Misuse(message.format(option=what, found=repr(text[:60])))
