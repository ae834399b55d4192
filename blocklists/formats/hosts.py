"""Hosts files: a blocking address and names, each of which is meant exactly."""

from collections.abc import Iterable, Iterator

from blocklists.formats.grammar import (
    NAME,
    NO_REDIRECT,
    fault,
    is_address,
    is_sinkhole,
    name_rule,
    read_lines,
    unused,
)
from blocklists.rules import Item, Scope
from translations import mark

_NO_HOSTS_LINE = mark("a blocking address such as 0.0.0.0 and a name")

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


def parse_hosts(lines: Iterable[str], first_line: int, scope: Scope = Scope.EXACT) -> Iterator[Item]:
    """Yield what a hosts file says; with Scope.SUBTREE its names cover what is below them, too."""
    return read_lines(
        lines,
        first_line,
        rf"(?:0\.0\.0\.0|127\.0\.0\.1)[ \t]+({NAME})",
        scope,
        lambda line, number: read_hosts_line(line, number, scope),
        never=_BOILERPLATE,
    )


def read_hosts_line(line: str, number: int, scope: Scope = Scope.EXACT) -> Iterator[Item]:
    """Yield what one line of a hosts file says."""
    words = line.partition("#")[0].split()
    if not words or words[0][0] == "!":
        return
    address, *names = words
    if not names or not (is_address(address) or is_sinkhole(address)):
        yield fault(number, _NO_HOSTS_LINE, line)
        return
    names = [name for name in names if not _is_boilerplate(name.lower())]
    if names and not is_sinkhole(address):
        # A real address (a safe-search or intranet entry) redirects the name; to block it would be the opposite.
        yield unused(number, NO_REDIRECT, line)
        return
    for name in names:
        yield name_rule(name, scope, number, name)


def _is_boilerplate(name: str) -> bool:
    return name in _BOILERPLATE or (name.startswith("ip6-") and "." not in name)
