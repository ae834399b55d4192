"""Tell by its first lines how a list is written."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from blocklists.formats.grammar import COMMENT, NAME, is_address, is_sinkhole
from blocklists.rules import Format

_SAMPLE = 400
"""Lines that speak; comments and blank lines do not count."""
_LONG_SAMPLE = 50_000
"""The largest v2fly lists have some ten thousand lines."""
_LATE = re.compile("[:@&]")
_REMARK = re.compile(r"(?<!\s)\s+#.*")
_ZONE = re.compile(r"\S*\s+(?:(?:[0-9][0-9wdhms]*|IN)\s+){0,2}SOA\s+\S", re.IGNORECASE)
"""Nothing but a zone file has one."""
_RULE = re.compile(r"\|\|[\w*.-]+\^")
_PLAIN = frozenset({Format.DOMAINS, Format.HOSTS})
"""Formats whose lines AdBlock lists may hold as well."""
_LONGEST = 512
"""So much of a line is looked at."""

_NAME = re.compile(rf"(?:{NAME}|[^\W_][\w-]*(?:\.[\w-]+)*\.[^\W\d_][\w-]*)\.?")
_MARKS: tuple[tuple[Format, re.Pattern[str]], ...] = (
    (Format.DNSMASQ, re.compile(r"-{0,2}(?:address|server|local)\s*=\s*/")),
    (Format.UNBOUND, re.compile(r"local-(?:zone|data):|server:$")),
    (Format.BIND, re.compile(r'zone\s+"?[^"\s]+"?\s*(?:IN\s*)?\{', re.IGNORECASE)),
    (
        Format.RPZ,
        re.compile(
            r"\$(?:TTL|ORIGIN)\s|\S*\s+(?:(?:[0-9][0-9wdhms]*|IN)\s+){0,2}(?:SOA|NS|CNAME|A|AAAA)\s+\S", re.IGNORECASE
        ),
    ),
    (Format.V2FLY, re.compile(r"(?:full|keyword|regexp|include|domain):\S|[\w.-]+\.[\w-]+(?:\s+[@&][a-z!-]+)+$")),
    (
        Format.ADBLOCK,
        re.compile(r"@@|\|\|?[^|]|\[adblock|/.+/(?:\$|$)|.*(?:#@?[?$%]*#|[\w*.-]\^(?:\||\$|$))", re.IGNORECASE),
    ),
    (Format.WILDCARD, re.compile(r"\*\.[^*]+$")),
)
"""What a line of each format begins with; the first that fits counts."""


def detect(lines: Iterable[str]) -> Format:
    """Return the format in which most of the first lines mean something; DOMAINS if nothing speaks for any.

    Addresses alone make a list of addresses only if no name follows: lists of names sorted by text begin with the
    addresses among them.
    """
    speaking = _speaking(lines)
    sample = list(islice(speaking, _SAMPLE))
    if any(line[:8].lower() == "[adblock" for line in sample):
        return Format.ADBLOCK
    if any(map(_ZONE.match, sample)):
        return Format.RPZ
    votes = Counter(form for form in map(_vote, sample) if form is not None)
    if set(votes) == {Format.ADDRESSES}:
        others = (form for form in map(_vote, speaking) if form is not None and form is not Format.ADDRESSES)
        return next(others, Format.ADDRESSES)
    del votes[Format.ADDRESSES]
    if set(votes) == {Format.DOMAINS, Format.V2FLY}:
        return Format.V2FLY  # most of its lines are plain names, and mean the same there
    if Format.ADBLOCK in votes and set(votes) <= {Format.ADBLOCK, *_PLAIN} and _has_rules(sample):
        return Format.ADBLOCK  # names and lines of hosts files mean something there, its rules nothing elsewhere
    if votes and set(votes) <= _PLAIN:
        return _shown_late(islice(speaking, _LONG_SAMPLE), votes)
    return _most(votes)


def _has_rules(sample: Sequence[str]) -> bool:
    """Tell whether a text has AdBlock rules on purpose: an exception, or more rules than one that slipped in."""
    return any(line[:4] == "@@||" for line in sample) or sum(map(bool, map(_RULE.match, sample))) > 1


def _shown_late(lines: Iterable[str], votes: Counter[Format]) -> Format:
    """Return the format of a text that begins plainly: the few lines that tell may come late in lists that are sorted.

    Those are the lines of v2fly lists that are no mere names, and the exceptions of AdBlock lists.
    """
    for line in lines:
        if line[:4] == "@@||":
            return Format.ADBLOCK
        if Format.HOSTS not in votes and _LATE.search(line) and _vote(line) is Format.V2FLY:
            return Format.V2FLY
    return _most(votes)


def _most(votes: Counter[Format]) -> Format:
    """Return the format with most votes; of two with as many the plainer one."""
    return max(votes, key=lambda form: (votes[form], form is Format.DOMAINS), default=Format.DOMAINS)


def _speaking(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        text = line[:_LONGEST].strip("\ufeff \t\r\n\f\v")
        if not text or text[0] in "!;" or text[:2] == "//" or COMMENT.match(text):
            continue
        # A zone file's blank owner is kept: an empty first field.
        yield ("@" + line[:_LONGEST] if line[0] in " \t" else text) if " NS " in line or "\tNS" in line else text


def _vote(line: str) -> Format | None:
    if "#" in line:
        line = _REMARK.sub("", line)
    for form, pattern in _MARKS:
        if pattern.match(line):
            return form
    words = re.split(r"\s*#|\s*;", line, maxsplit=1)[0].split()
    if not words:
        return None
    first = words[0]
    if len(words) > 1:
        return Format.HOSTS if is_address(first) or is_sinkhole(first) else None
    if is_address(first.partition("/")[0]):
        return Format.ADDRESSES
    return Format.DOMAINS if _NAME.fullmatch(first.lstrip("=.").lower()) else None
