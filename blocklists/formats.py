"""The formats of lists: lines of text in, rules and skipped lines out; a bad line is never fatal and never silent."""

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

from blocklists.lines import MAX_LINE
from policy.names import MAX_NAME, InvalidName, parse_name


class Scope(StrEnum):
    """What a listed name covers."""

    EXACT = "exact"
    SUBTREE = "subtree"
    """The name and all below it."""


class Format(StrEnum):
    """How a list is written. What the same name covers differs by format."""

    DOMAINS = "domains"
    """`name`, `*.name` or `.name`, one a line: by convention the name and all below it."""
    HOSTS = "hosts"
    """`0.0.0.0 name`: the name only."""
    ADBLOCK = "adblock"
    """`||name^`: the name and all below it; `@@||name^` is an exception of that list."""


class Rule(NamedTuple):
    """What one line says of one name. A tuple and no dataclass: a compile makes five million of them."""

    name: str
    scope: Scope
    allows: bool
    line: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A line that says nothing we can use."""

    line: int
    expected: str
    text: str

    def report(self, list_id: str) -> str:
        """Return the line for people: `games:12: expected a domain name, found 'http://…'`."""
        return f"{list_id}:{self.line}: expected {self.expected}, found {self.text!r}"


_SHOWN = 80
_DETECTION_LINES = 200

_NAME = r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
"""A name that is canonical already. Narrower than parse_name, which judges whatever does not match this."""

_BOILERPLATE = frozenset(
    {
        "localhost",
        "localhost.localdomain",
        "localhost4",
        "localhost4.localdomain4",
        "localhost6",
        "localhost6.localdomain6",
        "local",
        "broadcasthost",
        "0.0.0.0",  # noqa: S104 - the name of a line in a hosts file, not an address to listen on
    }
)
"""Every hosts file begins with the machine's own names: part of the form, neither rules nor mistakes."""

_NO_NAME = "a domain name such as example.org"
_NO_ADDRESS = "a domain name, not an address"
_NO_URL = "a domain name, not a URL or path"
_NO_LONG_LINE = f"a line of at most {MAX_LINE} characters"
_NO_HOSTS_LINE = "a blocking address such as 0.0.0.0 and a name"
_NO_ADBLOCK_LINE = "||name^ or @@||name^"
_NO_MODIFIERS = "||name^ without modifiers"

Item = Rule | Skipped


def parse(lines: Iterable[str], form: Format, first_line: int = 1) -> Iterator[Item]:
    """Yield what each line says, in order; lines are numbered from first_line."""
    grammar = _GRAMMARS[form]
    fast = re.compile(grammar.fast).fullmatch
    slow = grammar.slow
    scope = grammar.scope
    longest = MAX_NAME + 16  # with the address or the marks around a name
    for number, line in enumerate(lines, first_line):
        if len(line) <= longest:
            match = fast(line)
            if match is not None:
                name = match[1]
                if len(name) <= MAX_NAME and name not in _BOILERPLATE:
                    yield Rule(name, scope, False, number)
                    continue
        elif len(line) > MAX_LINE:
            yield Skipped(number, _NO_LONG_LINE, line[:_SHOWN])
            continue
        yield from slow(line, number)


def detect(lines: Iterable[str]) -> Format:
    """Return the format in which most of the first lines mean something; a single word is a name by accident only."""
    sample = list(islice((line for line in lines if line.strip() and line[0] not in "#!"), _DETECTION_LINES))
    return max(
        Format, key=lambda form: sum(isinstance(item, Rule) and "." in item.name for item in parse(sample, form))
    )


def _domains(line: str, number: int) -> Iterator[Item]:
    text = line.partition("#")[0].strip()
    if not text or text[0] == "!":
        return
    yield _rule(text.removeprefix("*").removeprefix("."), Scope.SUBTREE, False, number, text)


def _hosts(line: str, number: int) -> Iterator[Item]:
    words = line.partition("#")[0].split()
    if not words or words[0][0] == "!":
        return
    address, *names = words
    names = [name for name in names if not _is_boilerplate(name.lower())]
    if len(words) > 1 and not names and _is_address(address):
        return
    if not names or not _is_sinkhole(address):
        # A real address (a safe-search or intranet entry) redirects the name; to block it would be the opposite.
        yield Skipped(number, _NO_HOSTS_LINE, line[:_SHOWN])
        return
    for name in names:
        yield _rule(name, Scope.EXACT, False, number, name)


def _adblock(line: str, number: int) -> Iterator[Item]:
    text = line.strip()
    if not text or text[0] in "![":
        return
    if text[0] == "#" and text[1:2] not in ("#", "@", "?", "$", "%"):  # those begin rules for parts of a page
        return
    text = text.partition(" #")[0].rstrip()
    allows = text.startswith("@@")
    body = text.removeprefix("@@")
    if not body.startswith("||"):
        yield Skipped(number, _NO_ADBLOCK_LINE, text[:_SHOWN])
        return
    if "$" in body:
        yield Skipped(number, _NO_MODIFIERS, text[:_SHOWN])
        return
    name = body.removeprefix("||").removesuffix("|").removesuffix("^").removeprefix("*.")
    yield _rule(name, Scope.SUBTREE, allows, number, text)


@dataclass(frozen=True, slots=True)
class _Grammar:
    """How a format is read: at once where a line is in canonical form, step by step where it is not."""

    fast: str
    scope: Scope
    slow: Callable[[str, int], Iterator[Item]]


_GRAMMARS: dict[Format, _Grammar] = {
    Format.DOMAINS: _Grammar(rf"(?:\*?\.)?({_NAME})", Scope.SUBTREE, _domains),
    Format.HOSTS: _Grammar(rf"(?:0\.0\.0\.0|127\.0\.0\.1)[ \t]+({_NAME})", Scope.EXACT, _hosts),
    Format.ADBLOCK: _Grammar(rf"\|\|({_NAME})\^", Scope.SUBTREE, _adblock),
}


def _rule(name: str, scope: Scope, allows: bool, number: int, found: str) -> Item:
    try:
        return Rule(parse_name(name), scope, allows, number)
    except InvalidName:
        return Skipped(number, _why_no_name(name), found[:_SHOWN])


def _why_no_name(text: str) -> str:
    if _is_address(text.partition("/")[0].strip("[]")):
        return _NO_ADDRESS
    return _NO_URL if "/" in text or ":" in text else _NO_NAME


def _is_boilerplate(name: str) -> bool:
    return name in _BOILERPLATE or (name.startswith("ip6-") and "." not in name)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_sinkhole(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text == "0"
    return address.is_unspecified or address.is_loopback
