"""Response policy zones: DNS zone files (RFC 1035 section 5) in which owners are triggers and data are actions.

The syntax is that of BIND's and unbound's `rpz:`; see draft-vixie-dnsop-dns-rpz. A zone file is read in one go:
`$ORIGIN`, owners left out and parentheses carry meaning from line to line.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from blocklists.formats.addresses import network_rule
from blocklists.formats.grammar import (
    LONGEST,
    NAME,
    NO_BREADTH,
    NO_LONG_LINE,
    SHOWN,
    fault,
    name_rule,
    unused,
)
from blocklists.lines import MAX_LINE
from blocklists.rules import Item, Rule, Scope, Skipped
from policy.decision import Terms
from policy.names import MAX_NAME
from translations import mark

_NO_RECORD = mark("a record of a policy zone such as: name CNAME .")
_NO_TRIGGER = mark("a trigger by name or by address in the answer")
_NO_ACTION = mark("an action that blocks or lets pass (rpz-tcp-only does neither)")
_NO_APEX = mark("a trigger (records about the zone itself say nothing)")
_NO_ADDRESS = mark("an address as policy zones write it, such as 24.0.2.0.192.rpz-ip")
_NO_OWNER = mark("a name of this zone")

_FAST = re.compile(rf"(\*\.)?({NAME})(?:[ \t]+[0-9]+)?(?:[ \t]+IN)?[ \t]+CNAME[ \t]+\.").fullmatch
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|;.*|[()]|(?:[^\s"();\\]|\\.)+|.', re.DOTALL)
_TTL = re.compile(r"[0-9]+(?:[wdhms][0-9wdhms]*)?", re.IGNORECASE)
_CLASSES = frozenset({"IN", "CH", "HS", "CS"})
_OF_THE_ZONE = frozenset(
    {"NS", "SOA", "DNSKEY", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "CDS", "CDNSKEY", "ZONEMD", "DS"}
)
"""Types that RPZ does not read as local data: they make the file a zone."""
_LOCAL_DATA = frozenset(
    {"A", "AAAA", "CNAME", "DNAME", "TXT", "SPF", "MX", "SRV", "PTR", "NAPTR", "CAA", "HTTPS", "SVCB", "TLSA", "HINFO"}
)
_NEAREST = Terms(nearest=True)
_MAX_RECORD_LINES = 64
"""A record in parentheses goes on for a handful of lines; more is a parenthesis that was never closed."""
_OTHER_TRIGGERS = ("rpz-client-ip", "rpz-nsip", "rpz-nsdname")


def parse_rpz(lines: Iterable[str], first_line: int) -> Iterator[Item]:
    """Yield what the records of a policy zone say."""
    zone = _Zone()
    for number, line in enumerate(lines, first_line):
        if len(line) <= LONGEST:
            if zone.plain:
                match = _FAST(line)
                if match is not None and len(match[2]) <= MAX_NAME and ".rpz-" not in line:
                    zone.owner = match[2]
                    yield Rule(match[2], Scope.BELOW if match[1] else Scope.EXACT, False, number)
                    continue
        elif len(line) > MAX_LINE:
            yield Skipped(number, NO_LONG_LINE, line[:SHOWN])
            continue
        yield from zone.read(line, number)
    yield from zone.end()


@dataclass(slots=True)
class _Zone:
    """What earlier lines say about later ones."""

    plain: bool = True
    """Whether an owner without a final dot is the trigger as it stands, and no record is open."""
    apex: str | None = None
    """The zone's own name, without dots at its ends; None as long as the file does not say it."""
    origin: str | None = None
    """What is appended to owners without a final dot; None if the file does not say it: then nothing is."""
    owner: str = ""
    open_words: list[str] | None = None
    """The words of a record whose parenthesis is not closed."""
    open_line: int = 0
    open_lines: int = 0
    open_text: str = ""

    def read(self, line: str, number: int) -> Iterator[Item]:
        words = [word for word in _WORD.findall(line) if not word.isspace() and word[0] != ";"]
        if self.open_words is not None:
            self.open_words += words
            self.open_lines += 1
            if ")" in words or self.open_lines > _MAX_RECORD_LINES:
                yield from self.end()
            return
        if not words or words[0][0] in "!#":
            return
        text = line.strip()
        if words[0][0] == "$":
            yield from self._directive(words, number, text)
            return
        if line[0] in " \t":
            words.insert(0, "")  # the owner of the record before
        if words.count("(") > words.count(")"):
            self.open_words, self.open_line, self.open_lines, self.open_text = words, number, 0, text
            self.plain = False
            return
        yield from self._record(words, number, text)

    def end(self) -> Iterator[Item]:
        """Judge the record that is open."""
        if self.open_words is not None:
            words, self.open_words = self.open_words, None
            self.plain = self.origin is None or self.origin == self.apex
            closed = ")" in words
            yield from (
                self._record(words, self.open_line, self.open_text)
                if closed
                else iter([fault(self.open_line, _NO_RECORD, self.open_text)])
            )

    def _directive(self, words: list[str], number: int, text: str) -> Iterator[Item]:
        kind = words[0].upper()
        if kind == "$ORIGIN" and len(words) == 2:
            self.origin = self._absolute(words[1])
            if self.apex is None:
                self.apex = self.origin
            self.plain = self.origin == self.apex
        elif kind not in ("$TTL", "$INCLUDE", "$GENERATE") or len(words) < 2:
            yield fault(number, _NO_RECORD, text)
        elif kind != "$TTL":
            yield unused(number, _NO_RECORD, text)

    def _absolute(self, name: str) -> str:
        """Return a name as the file writes it with the origin, in small letters and without the final dot."""
        name = name.lower()
        if name == "@":
            return self.origin or ""
        if name.endswith("."):
            return name[:-1]
        return f"{name}.{self.origin}" if self.origin else name

    def _record(self, words: list[str], number: int, text: str) -> Iterator[Item]:
        words = [word for word in words if word not in ("(", ")")]  # the empty word is kept: it is the owner left out
        owner, *rest = words or [""]
        while rest and (rest[0].upper() in _CLASSES or _TTL.fullmatch(rest[0])):
            rest = rest[1:]
        kind = rest[0].upper() if rest else ""
        if (kind not in _LOCAL_DATA and kind not in _OF_THE_ZONE) or len(rest) < 2:
            yield fault(number, _NO_RECORD, text)
            return
        if owner:
            self.owner = owner
        name = self._absolute(self.owner) if self.owner else ""
        if kind == "SOA":
            self._begin(owner)
            return
        trigger = self._trigger(name, self.owner)
        if trigger is None:
            yield fault(number, _NO_OWNER, text)
        elif kind in _OF_THE_ZONE:
            if trigger:
                yield unused(number, _NO_APEX, text)
        elif not trigger:
            yield unused(number, _NO_APEX, text)
        else:
            yield self._item(trigger, kind, rest[1].lower(), number, text)

    def _begin(self, owner: str) -> None:
        """Take note of the zone's own name, which the SOA record has as its owner."""
        if owner.endswith(".") and owner != ".":
            self.apex = owner[:-1].lower()
            self.origin = self.apex if self.origin is None else self.origin
        elif self.origin is not None:
            self.apex = self._absolute(owner or "@")
        self.plain = self.origin is None or self.origin == self.apex

    def _trigger(self, name: str, owner: str) -> str | None:
        """Return the owner without the zone's name, empty for the zone itself; None if it is of another zone."""
        if owner in ("", "@") and self.apex is None:
            return ""
        if self.apex is None or self.apex == "":
            return name
        if name == self.apex:
            return ""
        return name[: -len(self.apex) - 1] if name.endswith("." + self.apex) else None

    def _item(self, trigger: str, kind: str, target: str, number: int, text: str) -> Item:
        allows = False
        if kind == "CNAME":
            action = target.removesuffix(".")
            if action == "rpz-tcp-only":
                return unused(number, _NO_ACTION, text)
            # An alias for itself is how zones of before 2010 let a name pass.
            allows = action in ("rpz-passthru", trigger)
        label = trigger.rpartition(".")[2]
        if label == "rpz-ip":
            return _by_address(trigger.removesuffix(".rpz-ip"), allows, number, text)
        if label in _OTHER_TRIGGERS:
            return unused(number, _NO_TRIGGER, text)
        scope = Scope.EXACT
        if trigger.startswith("*."):
            scope = Scope.BELOW
            trigger = trigger[2:]
        elif trigger == "*":
            return fault(number, NO_BREADTH, text)
        item = name_rule(trigger, scope, number, text, allows)
        return item._replace(terms=_NEAREST) if allows and isinstance(item, Rule) else item


def _by_address(labels: str, allows: bool, number: int, text: str) -> Item:
    length, *parts = labels.split(".")
    parts.reverse()
    if len(parts) == 4 and "zz" not in parts:
        address = ".".join(parts)
    else:
        address = ":".join("" if part == "zz" else part for part in parts)
        if parts and parts[0] == "zz":
            address = ":" + address
        if parts and parts[-1] == "zz":
            address += ":"
    try:
        network = ipaddress.ip_network(f"{address}/{int(length)}", strict=False)
    except ValueError:
        return fault(number, _NO_ADDRESS, text)
    item = network_rule(network, number, text)
    return item._replace(allows=True, terms=_NEAREST) if allows and isinstance(item, Rule) else item
