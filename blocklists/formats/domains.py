"""Lists of plain names and of `*.name`, with the few marks that dnscrypt-proxy's `blocked-names` adds."""

import re
from collections.abc import Iterable, Iterator

from blocklists.formats.grammar import NAME, NO_BREADTH, fault, name_rule, read_lines, unused
from blocklists.formats.patterns import glob_expression, pattern_rule
from blocklists.rules import Item, Scope
from translations import mark

_NO_SCHEDULE = mark("a name without a timetable of its own (@…)")
_SCHEDULE = re.compile(r"(?<!\s)\s+@\S+$")
_WILD = re.compile(r"[*?]|\[[^\]]*\]")
_REMARK = re.compile(r"#|(?:^|\s)(?:;|//)")
_SHORTEST = 3
"""Fewer characters of a name would speak of nearly all."""
_GLOB = re.compile(r"[a-z0-9._*?\[\]-]*[a-z0-9][a-z0-9._*?\[\]-]*", re.IGNORECASE)


def parse_domains(lines: Iterable[str], first_line: int, subdomains: bool | None = None) -> Iterator[Item]:
    """Yield what a list of plain names says.

    A name covers what is below it unless `subdomains` is False; `.name` and `*.name` always do, `=name` never.
    """
    scope = Scope.EXACT if subdomains is False else Scope.SUBTREE
    return read_lines(
        lines,
        first_line,
        f"({NAME})" if subdomains is False else rf"(?:\*?\.)?({NAME})",
        scope,
        lambda line, number: _read(line, number, scope),
    )


def parse_wildcards(lines: Iterable[str], first_line: int) -> Iterator[Item]:
    """Yield what a list of `*.name` says: by convention (OISD, HaGeZi) the name itself is meant, too."""
    return read_lines(
        lines,
        first_line,
        rf"\*\.({NAME})",
        Scope.SUBTREE,
        lambda line, number: _read(line, number, Scope.SUBTREE),
    )


def _read(line: str, number: int, scope: Scope) -> Iterator[Item]:
    text = _REMARK.split(line, maxsplit=1)[0].strip()
    if not text or text[0] == "!":
        return
    if _SCHEDULE.search(text):
        yield unused(number, _NO_SCHEDULE, text)
    elif text[0] == "=":
        yield name_rule(text[1:], Scope.EXACT, number, text)
    elif text[0] == "." or (text[:2] == "*." and "*" not in text[2:]):
        yield name_rule(text.removeprefix("*").removeprefix("."), Scope.SUBTREE, number, text)
    elif "*" in text and _GLOB.fullmatch(text):
        yield _glob_rule(text, number)
    else:
        yield name_rule(text, scope, number, text)


def _glob_rule(text: str, number: int) -> Item:
    if len(_WILD.sub("", text)) < _SHORTEST:
        return fault(number, NO_BREADTH, text)
    return pattern_rule(glob_expression(text), text, number)
