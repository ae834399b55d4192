"""Weekly hours in which something holds, as people write them: `mon-fri 08:00-13:30, 14:15-18:00; sat 08:00-12:00`."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from translations import _

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_DAY = 24 * 60
_WEEK = 7 * _DAY
_SECTION = re.compile(r"([a-z][a-z ,-]*?)?[ ,]*([0-9].*)?", re.DOTALL)
_WINDOW = re.compile(r"([0-9]{1,2})[:.]([0-9]{2}) ?- ?([0-9]{1,2})[:.]([0-9]{2})")
_EXAMPLE = "mon-fri 08:00-13:30, 14:15-18:00; sat 08:00-12:00"


class InvalidHours(ValueError):  # noqa: N818 - reads as what it is: "except InvalidHours"
    """The text is no weekly hours; the message says what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Windows of a week in local time. Build with `parse_hours`."""

    windows: tuple[tuple[int, int], ...]
    """First minute and the minute after the last, counted from Monday 00:00; in order, none touches another. One over
    the end of the week is two here."""
    text: str = field(default="", compare=False)
    """As a person wrote it."""

    def __str__(self) -> str:
        return self.text

    def active(self, local: datetime) -> bool:
        """Whether a moment of local time lies in one of the windows."""
        minute = _minute(local)
        return any(start <= minute < end for start, end in self.windows)

    def next_change(self, local: datetime) -> datetime | None:
        """Return the next moment of local time at which `active` changes; None if it never does.

        Local time is what clocks on the wall show: it is added up as such, also when clocks are put forward or back.
        """
        minute = _minute(local)
        # Sunday's midnight is no change if a window ends there and another begins with Monday.
        edges = {start for start, _ in self.windows} ^ {end % _WEEK for _, end in self.windows}
        ahead = min(((edge - minute - 1) % _WEEK + 1 for edge in edges), default=None)
        return None if ahead is None else local.replace(second=0, microsecond=0) + timedelta(minutes=ahead)


def parse_hours(text: str) -> Hours:
    """Read weekly hours: sections between semicolons, each with days (none: every day) and windows between commas.

    A window belongs to the day on which it begins: `sat 22:00-06:00` ends on Sunday. All day is `00:00-24:00`.
    Raises InvalidHours.
    """
    written = " ".join(text.replace("–", "-").lower().split())
    spans = [span for section in written.split(";") if section.strip() for span in _section(section.strip())]
    if not spans:
        raise _wrong(_("expected hours such as '{example}', found {text}"), text)
    return Hours(_merged(spans), written)


def _section(section: str) -> Iterator[tuple[int, int]]:
    parts = _SECTION.fullmatch(section)
    if parts is None:
        raise _wrong(_("expected days and hours such as 'mon-fri 08:00-13:30', found {text}"), section)
    days, windows = parts.groups()
    if windows is None:
        raise _wrong(_("expected hours behind the days, such as 'mon-fri 08:00-13:30', found {text}"), section)
    starts = list(parse_days(days)) if days else list(range(7))
    for window in windows.split(","):
        begin, end = parse_clock(window.strip())
        for day in starts:
            yield day * _DAY + begin, day * _DAY + end


def parse_days(text: str) -> Iterator[int]:
    """Yield the days of the week (Monday is 0) that `mon-fri` or `mon,wed` means. Raises InvalidHours."""
    for part in re.split(r" ?, ?", text.strip(" ,")):
        first, dash, last = (each.strip() for each in part.partition("-"))
        begin = _day(first, part)
        end = _day(last, part) if dash else begin
        yield from ((begin + each) % 7 for each in range((end - begin) % 7 + 1))


def _day(word: str, part: str) -> int:
    if word not in DAYS:
        raise _wrong(_("expected days such as mon, mon-fri or mon,wed ({days}), found {text}"), part)
    return DAYS.index(word)


def parse_clock(text: str) -> tuple[int, int]:
    """Return the first minute of a window such as `08:00-13:30`, and the one after its last, which may be over 1440.

    Both are counted from midnight of the day on which it begins. Raises InvalidHours.
    """
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise _wrong(_("expected hours such as 08:00-13:30, found {text}"), text)
    hour, minute, last_hour, last_minute = map(int, found.groups())
    begin, end = hour * 60 + minute, last_hour * 60 + last_minute
    if minute > 59 or last_minute > 59 or begin >= _DAY or end > _DAY:
        raise _wrong(_("expected times from 00:00 to 24:00, found {text}"), text)
    if begin == end:
        raise _wrong(_("expected an end other than the beginning (all day is 00:00-24:00), found {text}"), text)
    return begin, end if end > begin else end + _DAY


def _merged(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return the spans in order, within one week, those that touch as one."""
    pieces = []
    for start, end in spans:
        pieces.append((start, min(end, _WEEK)))
        if end > _WEEK:
            pieces.append((0, end - _WEEK))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(pieces):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def _wrong(expected: str, found: str) -> InvalidHours:
    return InvalidHours(expected.format(example=_EXAMPLE, days=" ".join(DAYS), text=repr(found[:80])))


def _minute(local: datetime) -> int:
    return local.weekday() * _DAY + local.hour * 60 + local.minute
