"""BIND: `zone "name" { … };`, which makes the server answer for the name and all below it itself, with nothing."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from blocklists.formats.grammar import (
    LONGEST,
    NAME,
    NO_BREADTH,
    NO_LONG_LINE,
    NO_REDIRECT,
    SHOWN,
    fault,
    name_rule,
    unused,
)
from blocklists.lines import MAX_LINE
from blocklists.rules import Item, Rule, Scope, Skipped
from policy.names import MAX_NAME
from translations import mark

_NO_ZONE = mark('zone "name" { type master; … };')

_FAST = re.compile(rf'zone "({NAME})" (?:IN )?\{{ ?type (?:master|primary); ?(?:[a-z-]+ [^;{{}}]+; ?)*\}};').fullmatch
_ZONE = re.compile(r'zone\s+(?:"([^"]*)"|([^\s{"]+))\s*(?:IN\b\s*|in\b\s*)?(\{.*)?$')
_TYPE = re.compile(r"\btype\s+([a-z]+)\s*;")
_OWN = frozenset({"master", "primary", "redirect"})
"""Types of zones that the server answers itself; of the others (forward, hint, stub, slave) it asks someone else."""
_DIRECTIVE = re.compile(r"(?:[a-z][a-z0-9-]*\s.*)?[;{}]", re.IGNORECASE | re.DOTALL)


@dataclass(slots=True)
class _Open:
    """A zone whose closing brace has not come yet."""

    name: str
    number: int
    text: str
    body: str = ""


def parse_bind(lines: Iterable[str], first_line: int) -> Iterator[Item]:
    """Yield what the zones of a BIND configuration say; a zone may take several lines."""
    zone: _Open | None = None
    comment = False
    for number, line in enumerate(lines, first_line):
        if len(line) > MAX_LINE:
            yield Skipped(number, NO_LONG_LINE, line[:SHOWN])
            continue
        if zone is None and not comment and len(line) <= LONGEST:
            match = _FAST(line)
            if match is not None and len(match[1]) <= MAX_NAME:
                yield Rule(match[1], Scope.SUBTREE, False, number)
                continue
        text, comment = _without_comments(line, comment)
        text = text.strip()
        if not text or text[0] == "!":
            continue
        begins = _ZONE.match(text)
        if begins is not None:
            if zone is not None:
                yield _judge(zone)  # it was never closed
            zone = _Open(begins[1] if begins[1] is not None else begins[2], number, text, begins[3] or "")
        elif zone is not None:
            zone.body += " " + text
        else:
            yield unused(number, _NO_ZONE, text) if _DIRECTIVE.fullmatch(text) else fault(number, _NO_ZONE, text)
        if zone is not None and zone.body and (len(zone.body) > MAX_LINE or _is_closed(zone.body)):
            yield _judge(zone)
            zone = None
    if zone is not None:
        yield _judge(zone)


def _is_closed(body: str) -> bool:
    return body.count("{") <= body.count("}")


def _judge(zone: _Open) -> Item:
    kind = _TYPE.search(zone.body)
    if "{" not in zone.body or not _is_closed(zone.body):
        return fault(zone.number, _NO_ZONE, zone.text)
    if kind is not None and kind[1] not in _OWN:
        return unused(zone.number, NO_REDIRECT, zone.text)
    if zone.name == ".":
        return fault(zone.number, NO_BREADTH, zone.text)
    return name_rule(zone.name, Scope.SUBTREE, zone.number, zone.text)


def _without_comments(line: str, inside: bool) -> tuple[str, bool]:
    """Return the line without its comments (`#`, `//`, `/* */`), and whether one goes on in the next line."""
    kept = []
    rest = line
    while rest:
        if inside:
            _, end, rest = rest.partition("*/")
            inside = not end
            continue
        match = re.search(r"#|//|/\*", rest)
        if match is None:
            kept.append(rest)
            break
        kept.append(rest[: match.start()])
        if match[0] != "/*":
            break
        rest = rest[match.end() :]
        inside = True
    return "".join(kept), inside
