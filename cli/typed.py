"""Names, reasons and order numbers that people type: checked all at once, each mistake with a hint."""

from collections.abc import Sequence
from datetime import date
from urllib.parse import urlsplit

from cli.errors import Misuse
from policy.names import InvalidName, parse_name
from storage.policy_rows import Order
from translations import _

LONGEST_TEXT = 300
"""A reason is a sentence; the block page and the log line show it whole."""
LONGEST_NUMBER = 40


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


def text_of(text: str, what: str, longest: int = LONGEST_TEXT) -> str:
    """Return a text on one line. Raises Misuse; `what` is the option it was given with."""
    found = text.strip()
    if len(found) > longest or not found.isprintable():
        expected = _("{option}: expected at most {count} characters on one line, found {found}")
        raise Misuse(expected.format(option=what, count=longest, found=repr(text[:60])))
    return found


def order_of(number: str | None, day: str | None) -> Order:
    """Return the director's order. Raises Misuse, which says what is missing or wrong."""
    if not number or not number.strip() or not day:
        message = _(
            "an allow entry needs the director's order: expected --order NUMBER and --date YYYY-MM-DD. "
            "Example: schoolfilter allow example.org --order 12 --date 2026-09-02"
        )
        raise Misuse(message)
    try:
        return Order(text_of(number, "--order", LONGEST_NUMBER), date.fromisoformat(day.strip()))
    except ValueError:
        message = _("--date: expected the date of the order as YYYY-MM-DD, such as 2026-09-02, found {found}")
        raise Misuse(message.format(found=repr(day))) from None


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
