"""What stands in the cells of a table, in any of the four languages, and how it is written."""

import re
from collections.abc import Mapping
from datetime import date

from policy.hours import parse_clock
from policy.levels import Level
from policy.timetable import EVERY_DAY, Minutes, Periods, Weeks, Window
from policy.timetable_texts import parse_weekdays, parse_window
from timetables.words import KINDS, LEVELS, NONE, SHIFT, WEEKDAYS, WEEKS, meanings, plain
from translations import _

_WEEKDAYS = meanings(WEEKDAYS)
_LEVELS = meanings(LEVELS)
_WEEKS = meanings(WEEKS)
_KINDS = meanings(KINDS)
_NONE = frozenset(map(plain, NONE))
_WORD = re.compile(r"[^\W\d_]+\.?")
_BETWEEN_DAYS = re.compile(r" ?[,;/] ?|(?<=[a-z]) (?=[a-z])")
_SHIFT = re.compile(rf"\b(?:{'|'.join(SHIFT)})\b", re.IGNORECASE)
_SECONDS = re.compile(r"([0-9]{1,2}:[0-9]{2}):00")
_LOCAL_DATE = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")


def read_level(text: str) -> Level:
    """Read a level. Raises ValueError for what is none, as do all functions here."""
    return Level(_word(text, _LEVELS, LEVELS))


def read_weeks(text: str) -> Weeks:
    """Read `odd` or `even`."""
    return Weeks(_word(text, _WEEKS, WEEKS))


def read_kind(text: str) -> str:
    """Read what kind of days a row is about, a key of KINDS."""
    return _word(text, _KINDS, KINDS)


def read_weekdays(text: str) -> frozenset[int]:
    """Read weekdays such as `mon-fri` or `пн, ср`; between them may stand commas, semicolons, strokes or spaces."""
    english = _WORD.sub(lambda found: _WEEKDAYS.get(plain(found[0]), found[0]), " ".join(text.split()))
    return parse_weekdays(_BETWEEN_DAYS.sub(",", english))


def read_weekdays_of_bells(text: str) -> frozenset[int]:
    """Read weekdays; an empty cell means all, `none` means that the bells ring on single dates only."""
    if not text:
        return EVERY_DAY
    return frozenset() if plain(text) in _NONE else read_weekdays(text)


def read_window(text: str) -> Window:
    """Read lessons such as `shift 2: 1-2`, or hours."""
    return parse_window(_SHIFT.sub("shift", text))


def window_text(window: Window) -> str:
    """Return a window so that no spreadsheet makes a date of it, as of `2-3`."""
    if isinstance(window, Minutes):
        return str(window)
    return f"shift {window.shift}: {Periods(1, window.first, window.last)}"


def read_minutes(begin: str, end: str) -> Minutes:
    """Read two times of the clock, with or without the seconds that spreadsheets add."""
    return Minutes(*parse_clock("-".join(_SECONDS.sub(r"\1", each) for each in (begin, end))))


def read_number(text: str) -> int:
    """Read the number of a shift or lesson."""
    if not re.fullmatch(r"[0-9]{1,2}", text):
        raise ValueError(_("expected a number from 0 to 99, found {text!r}").format(text=text[:80]))
    return int(text)


def read_shift(text: str) -> int:
    """Read the number of a shift; an empty cell means the first."""
    if text and not re.fullmatch(r"0?[1-9]|[1-9][0-9]", text):
        raise ValueError(_("expected a shift from 1, found {text!r}").format(text=text[:80]))
    return int(text or 1)


def read_date(text: str) -> date:
    """Read 2026-09-01, or 01.09.2026 as spreadsheets here make of it."""
    found = _LOCAL_DATE.fullmatch(text)
    try:
        if found is not None:
            return date(int(found[3]), int(found[2]), int(found[1]))
        return date.fromisoformat(text)
    except ValueError:
        wrong = _("expected a date such as 2026-09-01 or 01.09.2026, found {text!r}")
        raise ValueError(wrong.format(text=text[:80])) from None


def date_text(day: date | None) -> str:
    """Return a date as `read_date` reads it; no text for none."""
    return day.isoformat() if day is not None else ""


def read_ids(text: str) -> frozenset[str]:
    """Read ids between commas."""
    return frozenset(each for part in text.split(",") if (each := part.strip()))


def _word(text: str, meaning: Mapping[str, str], table: Mapping[str, object]) -> str:
    found = meaning.get(plain(text))
    if found is None:
        raise ValueError(_("expected one of {words}, found {text!r}").format(words=", ".join(table), text=text[:80]))
    return found
