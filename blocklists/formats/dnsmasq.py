"""dnsmasq: `address=`, `server=` and `local=`, each for the names between its slashes and all below them.

Of several lines about a name and its parents dnsmasq obeys the most specific, so its exceptions are of that kind.
"""

import re
from collections.abc import Iterable, Iterator

from blocklists.formats.grammar import (
    NAME,
    NO_BREADTH,
    NO_REDIRECT,
    fault,
    is_address,
    is_sinkhole,
    name_rule,
    read_lines,
    unused,
)
from blocklists.formats.patterns import escape, pattern_rule
from blocklists.rules import Item, Rule, Scope
from policy.decision import Terms
from translations import mark

_NO_LINE = mark("address=/name/, server=/name/ or local=/name/")

_NEAREST = Terms(nearest=True)
_ADDRESS = r"(?:#|0\.0\.0\.0|::|127\.0\.0\.1)?"
_FAST = rf"(?:address=/(?=[^/]+/{_ADDRESS}$)|(?:server|local)=/(?=[^/]+/$))({NAME})/{_ADDRESS}"
_OPTION = re.compile(r"-{0,2}[a-z][a-z0-9-]*(?:\s*=.*)?", re.DOTALL)
_PORT = re.compile(r"#[0-9]+$|@.*$")


def parse_dnsmasq(lines: Iterable[str], first_line: int) -> Iterator[Item]:
    """Yield what the lines of a dnsmasq configuration say."""
    return read_lines(lines, first_line, _FAST, Scope.SUBTREE, _read)


def _read(line: str, number: int) -> Iterator[Item]:
    text = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
    if not text or text[0] == "!":
        return
    option, _equals, value = text.partition("=")
    option = option.strip().removeprefix("--")
    value = value.strip()
    if option not in ("address", "server", "local"):
        yield unused(number, _NO_LINE, text) if _OPTION.fullmatch(text) else fault(number, _NO_LINE, text)
        return
    if value[:1] != "/":
        # `server=192.0.2.1`: whom dnsmasq asks by default.
        known = option == "server" and value
        yield unused(number, _NO_LINE, text) if known else fault(number, _NO_LINE, text)
        return
    *names, target = value[1:].split("/")
    if not names:
        yield fault(number, _NO_LINE, text)
        return
    verdict = _verdict(option, target.strip())
    for name in names:
        yield _item(name.strip(), verdict, number, text)


def _verdict(option: str, target: str) -> bool | None:
    """Return whether the names are allowed (True), blocked (False), or led elsewhere (None)."""
    if option == "address":
        return False if target in ("", "#") or is_sinkhole(target) else None
    if not target:
        return False  # no server is asked: NXDOMAIN
    # `#` means the servers asked by default. Another server of the list's choice: the list wants the name resolved,
    # but whom we ask is not for strangers to say.
    return True if target == "#" or is_address(_PORT.sub("", target)) else None


def _item(name: str, allows: bool | None, number: int, text: str) -> Item:
    if name == "#":
        return fault(number, NO_BREADTH, text)
    if allows is None or not name:  # `//` are the names without a dot
        return unused(number, NO_REDIRECT if name else _NO_LINE, text)
    terms = _NEAREST if allows else None
    if name.startswith("*") and not name.startswith("*."):
        return pattern_rule(escape(name[1:].lower().removesuffix(".")) + "$", text, number, allows, terms)
    scope = Scope.BELOW if name.startswith("*.") else Scope.SUBTREE
    item = name_rule(name.removeprefix("*").removeprefix("."), scope, number, text, allows)
    return item._replace(terms=terms) if isinstance(item, Rule) else item
