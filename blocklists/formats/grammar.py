"""What the formats have in common: names, addresses, the words for what stood to be expected, the reading of lines."""

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator

from blocklists.lines import MAX_LINE
from blocklists.rules import Item, Rule, Scope, Skipped
from policy.names import MAX_NAME, InvalidName, parse_name
from translations import mark

NAME = r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
"""A name that is canonical already. Narrower than parse_name, which judges whatever does not match this."""

LONGEST = MAX_NAME + 96
"""A line that is read at once is no longer: a name with the words of `zone "…" { type master; … };` around it."""

SHOWN = 80
"""So much of a line is kept to be shown."""

NO_NAME = mark("a domain name such as example.org")
NO_ADDRESS = mark("a domain name, not an address")
NO_URL = mark("a domain name, not a URL or path")
NO_LONG_LINE = mark("a line of at most 4096 characters")
"""MAX_LINE, written out: the catalogue holds plain texts only."""
NO_REDIRECT = mark("a blocking address such as 0.0.0.0 (no list may lead a device elsewhere)")
NO_BREADTH = mark("a rule for some names (this one would speak of all)")

COMMENT = re.compile(r"#+(?:\s|$)|#(?![#@?$%])")
"""The beginning of a comment, also in AdBlock lists, where `##` begins a rule for parts of a page."""

ReadLine = Callable[[str, int], Iterator[Item]]
"""Says what one line means, step by step, given its number."""

_NOTHING: frozenset[str] = frozenset()


def read_lines(
    lines: Iterable[str],
    first_line: int,
    fast: str,
    scope: Scope,
    slow: ReadLine,
    *,
    never: frozenset[str] = _NOTHING,
    never_group: int = 1,
) -> Iterator[Item]:
    """Read a format of which each line stands alone: at once where it is in canonical form, else step by step.

    `fast` matches a canonical line, its group 1 is the name. A line of which the group `never_group` is in `never`
    goes the slow way, too.
    """
    match_fast = re.compile(fast).fullmatch
    for number, line in enumerate(lines, first_line):
        if len(line) <= LONGEST:
            match = match_fast(line)
            if match is not None:
                name = match[1]
                if len(name) <= MAX_NAME and match[never_group] not in never:
                    yield Rule(name, scope, False, number)
                    continue
        elif len(line) > MAX_LINE:
            yield Skipped(number, NO_LONG_LINE, line[:SHOWN])
            continue
        yield from slow(line, number)


def fault(number: int, expected: str, found: str) -> Skipped:
    """Return a line that is not as its format wants it."""
    return Skipped(number, expected, found[:SHOWN])


def unused(number: int, expected: str, found: str) -> Skipped:
    """Return a line that is well formed but says nothing to us."""
    return Skipped(number, expected, found[:SHOWN], fault=False)


def name_rule(name: str, scope: Scope, number: int, found: str, allows: bool = False) -> Item:
    """Return the rule about a name as a list writes it; if it is none, the line with the reason."""
    try:
        return Rule(parse_name(name), scope, allows, number)
    except InvalidName:
        return no_name(name, number, found)


def no_name(text: str, number: int, found: str) -> Skipped:
    """Return the line with the reason why the text in it is no name: addresses and URLs are well formed."""
    if is_address(text.partition("/")[0].strip("[]")):
        return unused(number, NO_ADDRESS, found)
    if _is_url(text):
        return unused(number, NO_URL, found)
    return fault(number, NO_NAME, found)


def _is_url(text: str) -> bool:
    """Tell whether the text has a scheme, or is a host with a path, a question or a port."""
    match = _HOST.match(text)
    return match is not None and (match[2] == "://" or "." in match[1].strip("."))


_HOST = re.compile(r"([^/?:\s]+)(://|/|\?|:[0-9]+(?:/|$))")


def is_address(text: str) -> bool:
    """Tell whether the text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_sinkhole(text: str) -> bool:
    """Tell whether an address leads nowhere: 0.0.0.0, ::, 127.0.0.1, ::1, or the short 0."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text == "0"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_unspecified or address.is_loopback
