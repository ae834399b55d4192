"""Names, reasons, days and numbers that people type: checked all at once, each mistake with a hint."""

import re
from collections.abc import Sequence
from datetime import date
from urllib.parse import urlsplit

from cli.errors import Misuse
from policy.ids import is_id
from policy.names import InvalidName, parse_name
from policy.order_text import MOST_ENTRIES
from translations import _

LONGEST_TEXT = 300
"""A reason is a sentence; the block page and the log line show it whole."""
LONGEST_NUMBER = 40
_EARLIEST, _LATEST = date(1, 1, 4), date(9999, 12, 28)
_RUN = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")


def names_of(texts: Sequence[str]) -> list[str]:
    """Return the canonical names, each once. Raises Misuse, which lists every text that is no name."""
    names: dict[str, None] = {}
    faults = []
    for text in texts:
        try:
            names[parse_name(text)] = None
        except InvalidName:
            faults.append(_no_name(text))
    if faults:
        raise Misuse("\n".join(faults))
    return list(names)


def site_of(text: str) -> str:
    """Return the canonical name that a text is, or that a web address copied from a browser is of. Raises Misuse."""
    return names_of([_name_inside(text) or text])[0] if "/" in text else names_of([text])[0]


def text_of(text: str, what: str, longest: int = LONGEST_TEXT) -> str:
    """Return a text on one line. Raises Misuse; `what` is the option it was given with."""
    found = text.strip()
    if len(found) > longest or not found.isprintable():
        expected = _("{option}: expected at most {count} characters on one line, found {found}")
        raise Misuse(expected.format(option=what, count=longest, found=repr(text[:60])))
    return found


def day_of(text: str, what: str) -> date:
    """Return a day. Raises Misuse; `what` is the option it was given with."""
    try:
        return in_calendar(date.fromisoformat(text.strip()))
    except ValueError:
        message = _("{option}: expected a day as YYYY-MM-DD, such as 2026-09-02, found {found}")
        raise Misuse(message.format(option=what, found=repr(text[:60]))) from None


def in_calendar(day: date) -> date:
    """Return a day, or the nearest one around which others can be reckoned: 9999-12-31 has no tomorrow."""
    return min(max(day, _EARLIEST), _LATEST)


def id_of(text: str) -> str:
    """Return a new id: what stands in the query log, on command lines and in addresses. Raises Misuse."""
    if not is_id(text):
        message = _("expected an id of small Latin letters, digits and hyphens, such as room-5, found {text}")
        raise Misuse(message.format(text=repr(text[:60])))
    return text


def order_of(number: str | None, day: str | None, missing: str) -> tuple[str, date]:
    """Return number and date of an order on paper. Raises Misuse; `missing` says what to do where one is not given."""
    if not number or not number.strip() or not day:
        raise Misuse(missing)
    return text_of(number, "--order", LONGEST_NUMBER), day_of(day, "--date")


def numbers_of(texts: Sequence[str]) -> list[int]:
    """Return the numbers of requests, each once; `5-9` means all five. Raises Misuse."""
    found: dict[int, None] = {}
    for text in texts:
        match = _RUN.fullmatch(text)
        if match is None or int(match[2] or match[1]) < int(match[1]):
            message = _("expected the number of a request, such as 5, or several as 5-9, found {found}")
            raise Misuse(message.format(found=repr(text[:60])))
        first, last = int(match[1]), int(match[2] or match[1])
        if last - first >= MOST_ENTRIES:
            message = _("expected at most {most} requests at a time, found {found}")
            raise Misuse(message.format(most=MOST_ENTRIES, found=text))
        found.update(dict.fromkeys(range(first, last + 1)))
    return list(found)


def _no_name(text: str) -> str:
    shown = repr(text[:80])
    near = _name_inside(text)
    if near:
        return _("expected a domain name, found {text}: did you mean {name}?").format(text=shown, name=near)
    return _("expected a domain name such as example.org, found {text}").format(text=shown)


def _name_inside(text: str) -> str:
    """Return the name that a URL, an e-mail address or a wildcard is about; empty if there is none."""
    bare = text.strip().removeprefix("*.").removeprefix("||").removesuffix("^")
    try:
        host = urlsplit(bare if "://" in bare else f"//{bare}").hostname or ""
        parse_name(host)
    except ValueError:
        return ""
    return host
