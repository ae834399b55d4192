"""How people write the windows and weekdays of a timetable: `2-3`, `shift 2: 1-2`, `08:00-09:30`, `mon-fri`."""

import re
from collections.abc import Iterable

from policy.hours import DAYS, parse_clock, parse_days
from policy.timetable import Minutes, Periods, Window
from translations import _

_NUMBERS = re.compile(
    r"(?:shift ?(?P<shift>[0-9]{1,2}) ?: ?|(?P<short>[0-9]{1,2}) ?/ ?)?"
    r"(?P<first>[0-9]{1,2})(?: ?- ?(?P<last>[0-9]{1,2}))?"
)


class InvalidWindow(ValueError):  # noqa: N818 - reads as what it is: "except InvalidWindow"
    """The text is no window; the message says what was expected and what was found."""


def parse_window(text: str) -> Window:
    """Read lessons (`2`, `2-3`, `shift 2: 1-2`, `2/1-2`; no shift means the first) or hours (`08:00-09:30`).

    Raises InvalidWindow, and InvalidHours for hours that are none; both are ValueErrors.
    """
    written = " ".join(text.replace("–", "-").lower().split())
    found = _NUMBERS.fullmatch(written)
    if found is None:
        if re.match(r"[0-9]{1,2}[:.][0-9]{2}", written):
            return Minutes(*parse_clock(written))
        raise _wrong(
            _("expected lessons such as '2-3' or 'shift 2: 1-2', or hours such as 08:00-09:30, found {text}"), text
        )
    shift, first = int(found["shift"] or found["short"] or 1), int(found["first"])
    last = int(found["last"] or first)
    if shift < 1 or last < first:
        raise _wrong(_("expected a shift from 1 and lessons in order, such as 'shift 2: 1-2', found {text}"), text)
    return Periods(shift, first, last)


def parse_weekdays(text: str) -> frozenset[int]:
    """Read weekdays such as `mon-fri` or `mon,wed`; Monday is 0. Raises InvalidHours, a ValueError."""
    return frozenset(parse_days(" ".join(text.replace("–", "-").lower().split())))


def weekdays_text(weekdays: Iterable[int]) -> str:
    """Return weekdays as `parse_weekdays` reads them; no text for none."""
    runs: list[list[int]] = []
    for day in sorted(weekdays):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(DAYS[run[0]] if len(run) == 1 else f"{DAYS[run[0]]}-{DAYS[run[-1]]}" for run in runs)


def _wrong(expected: str, found: str) -> InvalidWindow:
    return InvalidWindow(expected.format(text=repr(found[:80])))
