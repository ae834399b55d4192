"""unbound: `local-zone:` and `local-data:`. The most specific zone wins, so the exceptions are of that kind.

A `redirect` zone answers with the data at its name, which may stand anywhere in the text: whether it blocks shows only
at the end. Data wins over the zone that opens its name, except over `always_transparent`.
"""

import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from blocklists.formats.grammar import (
    LONGEST,
    NAME,
    NO_BREADTH,
    NO_LONG_LINE,
    NO_REDIRECT,
    SHOWN,
    fault,
    is_sinkhole,
    name_rule,
    unused,
)
from blocklists.lines import MAX_LINE
from blocklists.rules import Item, Rule, Scope, Skipped
from policy.decision import Terms
from policy.names import MAX_NAME, InvalidName, parse_name
from translations import mark

_NO_LINE = mark('local-zone: "name" always_nxdomain, or local-data: "name A 0.0.0.0"')
_NO_TYPE = mark("a type of local-zone such as always_nxdomain")

_BLOCKING = frozenset(
    {
        "always_nxdomain",
        "always_null",
        "always_nodata",
        "always_refuse",
        "always_deny",
        "static",
        "refuse",
        "deny",
        "inform_deny",
        "block_a",
        "block_aaaa",
    }
)
_REDIRECTING = frozenset({"redirect", "inform_redirect"})
_OPEN = frozenset({"transparent", "always_transparent", "typetransparent", "nodefault", "inform", "noview", "ipset"})
_TYPES = {"block_a": 1, "block_aaaa": 28}
_NEAREST = Terms(nearest=True)
_ALWAYS_OPEN = Terms(important=True, nearest=True)
_DATA = Terms(important=True)
"""So a zone that only opens the name has no effect on it, wherever in the text the two stand."""
_DATA_OF_AAAA = Terms(important=True, types=(28,))
"""Configurations for safe search close IPv6 next to a real IPv4 address; who blocks names an IPv4 address, too."""
_MOST_LED = 100_000
"""Names led to real addresses that are kept: past that the text is no list of what to block."""

_FAST = re.compile(
    rf'[ \t]*local-zone:[ \t]*"?({NAME})\.?"?[ \t]+"?(?:always_nxdomain|always_null|always_refuse|static|refuse)"?'
).fullmatch
_OPTION = re.compile(r"[a-z][a-z0-9-]*:(?:\s.*)?")
_WORD = re.compile(r'"([^"]*)"|\'([^\']*)\'|([^\s"\']+)')


@dataclass(slots=True)
class _Reader:
    zones: bytearray = field(default_factory=bytearray)
    """The names of the redirect zones, each with a line's end: a list may have a million."""
    lines: "array[int]" = field(default_factory=lambda: array("I"))
    """Where they stand."""
    led: set[str] = field(default_factory=set)
    """Names with data that leads elsewhere."""

    def read(self, line: str, number: int) -> Iterator[Item]:
        text = _without_comment(line).strip()
        if not text or text[0] == "!":
            return
        option, _colon, value = text.partition(":")
        words = [match[1] or match[2] or match[3] or "" for match in _WORD.finditer(value)]
        if option == "local-data":
            yield self._data(" ".join(words).split(), number, text)
        elif option == "local-zone":
            yield from self._zone(words, number, text)
        else:
            yield unused(number, _NO_LINE, text) if _OPTION.fullmatch(text) else fault(number, _NO_LINE, text)

    def end(self) -> Iterator[Item]:
        """Yield the redirect zones: with data that leads nowhere, or with none, they block."""
        at = 0
        for number in self.lines:
            end = self.zones.index(b"\n", at)
            name = self.zones[at:end].decode("ascii")
            at = end + 1
            if name in self.led or len(self.led) >= _MOST_LED:
                yield unused(number, NO_REDIRECT, f'local-zone: "{name}" redirect')
            else:
                yield Rule(name, Scope.SUBTREE, False, number)

    def _zone(self, words: list[str], number: int, text: str) -> Iterator[Item]:
        if len(words) != 2:
            yield fault(number, _NO_LINE, text)
            return
        name, kind = words[0], words[1].lower()
        if name == ".":
            yield fault(number, NO_BREADTH, text)
            return
        allows = kind in _OPEN
        if not allows and kind not in _BLOCKING and kind not in _REDIRECTING:
            yield fault(number, _NO_TYPE, text)
            return
        item = name_rule(name, Scope.SUBTREE, number, text, allows)
        if isinstance(item, Rule):
            if kind in _REDIRECTING:
                self.zones += item.name.encode() + b"\n"
                self.lines.append(number)
                return
            if allows:
                item = item._replace(terms=_ALWAYS_OPEN if kind == "always_transparent" else _NEAREST)
            elif kind in _TYPES:
                item = item._replace(terms=Terms(types=(_TYPES[kind],)))
        yield item

    def _data(self, words: list[str], number: int, text: str) -> Item:
        record = _record(words)
        if record is None:
            return fault(number, _NO_LINE, text)
        name, kind, value = record
        if (kind in ("A", "AAAA") and is_sinkhole(value)) or (kind == "CNAME" and value == "."):
            item = name_rule(name, Scope.EXACT, number, text)
            terms = _DATA_OF_AAAA if kind == "AAAA" else _DATA
            return item._replace(terms=terms) if isinstance(item, Rule) else item
        if kind in ("A", "AAAA", "CNAME") and len(self.led) < _MOST_LED:
            self.led.add(_canonical(name))
        return unused(number, NO_REDIRECT, text)


def parse_unbound(lines: Iterable[str], first_line: int) -> Iterator[Item]:
    """Yield what the lines of an unbound configuration say."""
    reader = _Reader()
    for number, line in enumerate(lines, first_line):
        if len(line) <= LONGEST:
            match = _FAST(line)
            if match is not None and len(match[1]) <= MAX_NAME:
                yield Rule(match[1], Scope.SUBTREE, False, number)
                continue
        elif len(line) > MAX_LINE:
            yield Skipped(number, NO_LONG_LINE, line[:SHOWN])
            continue
        yield from reader.read(line, number)
    yield from reader.end()


def _record(words: list[str]) -> tuple[str, str, str] | None:
    """Return name, type and first word of the data of a resource record; None if it is none."""
    if len(words) < 3:
        return None
    name, *rest = words
    while rest and (rest[0].isdecimal() or rest[0].upper() in ("IN", "CH", "HS")):
        rest = rest[1:]
    return (name, rest[0].upper(), rest[1]) if len(rest) >= 2 else None


def _canonical(name: str) -> str:
    try:
        return parse_name(name)
    except InvalidName:
        return ""


def _without_comment(line: str) -> str:
    if "#" not in line:
        return line
    quote = ""
    for at, letter in enumerate(line):
        if letter in "\"'" and quote in ("", letter):
            quote = "" if quote else letter
        elif letter == "#" and not quote:
            return line[:at]
    return line
