"""What lists say, line by line, whatever format they are written in: rules, and lines that are none."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from policy.decision import Terms
from translations import _


class Scope(StrEnum):
    """What a rule covers."""

    EXACT = "exact"
    SUBTREE = "subtree"
    """The name and all below it."""
    BELOW = "below"
    """All below the name, not the name itself (`*.name` of an RPZ zone)."""
    PATTERN = "pattern"
    """Every name in which a regular expression is found."""
    ADDRESS = "address"
    """Every name whose answer holds an address of a network."""


class Format(StrEnum):
    """How a list is written. What the same name covers differs by format."""

    DOMAINS = "domains"
    """`name` or `.name`, one a line: by convention the name and all below it (a list may say otherwise)."""
    HOSTS = "hosts"
    """`0.0.0.0 name`: the name only."""
    WILDCARD = "wildcard"
    """`*.name`: by convention the name and all below it."""
    ADBLOCK = "adblock"
    """`||name^`: the name and all below it; `@@||name^` is an exception of that list."""
    DNSMASQ = "dnsmasq"
    """`address=/name/`, `server=/name/`, `local=/name/`: the name and all below it."""
    UNBOUND = "unbound"
    """`local-zone: "name" always_nxdomain` and `local-data:`."""
    BIND = "bind"
    """`zone "name" { … };`: the name and all below it."""
    RPZ = "rpz"
    """A response policy zone: `name CNAME .` is the name only, `*.name CNAME .` what is below it."""
    V2FLY = "v2fly"
    """`name`, `full:name`, `keyword:text`, `regexp:expression`, with attributes; includes are resolved at intake."""
    ADDRESSES = "addresses"
    """IP addresses and networks, one a line: answers that hold one are blocked."""


class Rule(NamedTuple):
    """What one line says. A tuple and no dataclass: a compile makes five million of them."""

    name: str
    """The canonical name; for PATTERN an expression in RE2 syntax, to be searched in the name asked for; for ADDRESS
    a network (`192.0.2.0/24`, `2001:db8::/32`)."""
    scope: Scope
    allows: bool
    line: int
    terms: Terms | None = None
    """Under which conditions it holds; None for nearly all."""
    written: str = ""
    """How a PATTERN stands in the list; empty for all other scopes."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A line that says nothing we can use."""

    line: int
    expected: str
    """What stood to be expected, in English: a msgid of the catalogue."""
    text: str
    fault: bool = True
    """False for lines that are well formed but say nothing to DNS: a URL with a path, a rule for parts of a page."""

    def report(self, list_id: str) -> str:
        """Return the line for people: `games:12: expected a domain name, found 'http://…'`."""
        text = _("{list}:{line}: expected {expected}, found {found!r}")
        return text.format(list=list_id, line=self.line, expected=_(self.expected), found=self.text)


Item = Rule | Skipped
