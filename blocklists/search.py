"""Find the lines of the lists' texts that speak of a name, and tell which of them are in force."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from blocklists.errors import ListError
from blocklists.formats import STATELESS, cancelled_rules, parse
from blocklists.generation import (
    CompiledList,
    compiled_text,
    current_generation,
    generation_folder,
    read_manifest,
)
from blocklists.holding import name_judge
from blocklists.index import Index
from blocklists.networks import IPNetwork, parse_network
from blocklists.patterns import Patterns
from blocklists.rules import Format, Rule, Scope
from blocklists.sources import SOURCES, Source, detect_in, load_sources, read_items, text_path
from blocklists.suffixes import bundled
from policy.decision import Listing, Terms
from policy.names import with_parents

_BLOCK = 1 << 18
_READ_WHOLE = 16 << 20
"""Bytes of a text that is not in force, up to which it is read line by line for expressions as well."""
_DIGEST = 12

_TYPES = {1: "A", 2: "NS", 5: "CNAME", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV", 64: "SVCB", 65: "HTTPS"}


@dataclass(frozen=True, slots=True)
class Hit:
    """A line of a list that speaks of a name."""

    list_id: str
    category: str
    """A category, or a service."""
    line: int
    name: str
    """The listed name: the one asked for or a parent; an expression in RE2 syntax."""
    scope: Scope
    allows: bool
    enabled: bool
    """Whether the list is compiled at all."""
    written: str = ""
    """How an expression stands in the list; empty for names."""
    terms: tuple[str, ...] = ()
    """Under which conditions it holds, in the words of AdBlock lists: `important`, `dnstype=A|AAAA`, `shadow`."""
    held: bool = False
    """Whether the rule is held back for the operator."""
    generation: str = ""
    """The generation in which the line stands; empty if it only stands in a text that is not in force."""
    sha256: str = ""
    """Of the text in which it stands, the first digits."""
    refreshed: str = ""
    """When that text was last found good (RFC 3339)."""


def search(lists_folder: Path, name: str) -> tuple[Hit, ...]:
    """Return every line that covers a canonical name, list by list, the most specific listed name first.

    Lines in force come from the texts that were compiled, others from newer texts and lists that are switched off.
    Raises ListError, OSError.
    """
    shelf = _Shelf(lists_folder)
    listings = shelf.listings(name)
    hits: list[Hit] = []
    for source in shelf.all_sources():
        compiled = shelf.compiled.get(source.id)
        found = [] if compiled is None else _in_force(shelf, compiled, name, listings)
        now = shelf.sources.get(source.id)
        if now is not None and (compiled is None or compiled.sha256 != now.sha256):
            known = {_said(hit) for hit in found}
            found += [hit for hit in _only_newest(lists_folder, now, name) if _said(hit) not in known]
        hits += found
    return tuple(hits)


def find_line(lists_folder: Path, list_id: str, name: str, *, allows: bool | None = None) -> int | None:
    """Return the line behind a listing: of a canonical name, a network, or an expression as the list writes it.

    It is looked for in the text that was compiled, in the newest one if the list is not in force. The first line that
    holds this very name is returned, else the one that covers it most specifically; None if there is none.
    """
    try:
        shelf = _Shelf(lists_folder)
        compiled = shelf.compiled.get(list_id)
        if compiled is not None:
            source, path = shelf.source_of(compiled), compiled_text(shelf.folder, list_id)
        elif list_id in shelf.sources:
            source, path = shelf.sources[list_id], text_path(lists_folder, list_id)
        else:
            return None
        return _line_of(path, source, name, allows)
    except (ListError, OSError):  # who asks explains a decision that stands; the line is an extra
        return None


def _line_of(path: Path, source: Source, name: str, allows: bool | None) -> int | None:
    network = _network(name)
    if network is not None:
        rules: Iterable[Rule] = (
            rule for rule in _all_rules(path, source) if rule.scope is Scope.ADDRESS and _network(rule.name) == network
        )
    elif _is_name(name):
        # A listing names the rule itself, which need not cover its own name (`*.name` of an RPZ zone).
        own = (rule for rule in _rules_near(path, source, *_name_needles(name)) if _is_about(rule, name))
        found = _first(own, allows)
        if found is not None:
            return found
        rules = _covering(_rules_near(path, source, *_name_needles(name)), name)
    else:
        rules = _written(path, source, name)
    return _first(rules, allows)


def _is_about(rule: Rule, name: str) -> bool:
    return rule.name == name and rule.scope not in (Scope.PATTERN, Scope.ADDRESS)


def _first(rules: Iterable[Rule], allows: bool | None) -> int | None:
    return next((rule.line for rule in rules if allows is None or rule.allows is allows), None)


class _Shelf:
    """What lies in the lists folder: the lists as they are now, and the generation in force."""

    def __init__(self, lists_folder: Path) -> None:
        self.sources = {source.id: source for source in load_sources(lists_folder)}
        self.generation = current_generation(lists_folder)
        self.folder = generation_folder(lists_folder, self.generation or "none")
        self.compiled: dict[str, CompiledList] = {}
        self._then = self.sources
        if self.generation:
            self.compiled = {each.id: each for each in read_manifest(self.folder).lists}
            if (self.folder / SOURCES).exists():
                self._then = {source.id: source for source in load_sources(self.folder)}

    def listings(self, name: str) -> tuple[Listing, ...]:
        """Return what the index in force says of a name."""
        if not self.generation:
            return ()
        index = Index.open(self.folder)
        try:
            return index.lookup(name)
        finally:
            index.close()

    def all_sources(self) -> list[Source]:
        """Return the lists there are, then those that are in force though they were removed."""
        return [*self.sources.values(), *(s for id_, s in self._then.items() if id_ not in self.sources)]

    def source_of(self, compiled: CompiledList) -> Source:
        """Return a list with the settings with which it was compiled."""
        source = self._then.get(compiled.id) or self.sources.get(compiled.id)
        if source is None:
            source = Source(compiled.id, compiled.id, compiled.category, "")
        return replace(source, format=Format(compiled.format))

    def refreshed(self, compiled: CompiledList) -> str:
        """Return when the text that was compiled was last found good, as far as that is known."""
        for source in (self.sources.get(compiled.id), self._then.get(compiled.id)):
            if source is not None and source.sha256 == compiled.sha256:
                return source.last_refresh
        return ""


def _in_force(shelf: _Shelf, compiled: CompiledList, name: str, listings: Iterable[Listing]) -> list[Hit]:
    source = shelf.source_of(compiled)
    path = compiled_text(shelf.folder, compiled.id)
    said = {(listing.name, listing.allows) for listing in listings if listing.list_id == compiled.id}
    rules = _covering(_rules_near(path, source, *_name_needles(name)), name)
    # Expressions can stand in any line. Those in force are known by how they are written, and so are those held.
    spoken = {each.name for each in listings if each.list_id == compiled.id and each.terms and each.terms.pattern}
    for written in spoken.union(each.name for each in compiled.held if not _is_name(each.name)):
        near = (rule for rule in _written(path, source, written) if rule.scope is Scope.PATTERN)
        rules += [rule for rule in near if Patterns([rule.name]).found_in(name)]
    unique = {(rule.line, rule.name): rule for rule in rules}
    return [
        _hit(
            source,
            rule,
            held=(rule.written or rule.name, rule.allows) not in said,
            generation=shelf.generation,
            sha256=compiled.sha256[:_DIGEST],
            refreshed=shelf.refreshed(compiled),
        )
        for rule in unique.values()
    ]


def _only_newest(lists_folder: Path, source: Source, name: str) -> list[Hit]:
    path = text_path(lists_folder, source.id)
    if not path.exists():
        return []
    source = replace(source, format=source.format or detect_in(path))
    if path.stat().st_size <= _READ_WHOLE:
        rules = _covering(_all_rules(path, source), name)
    else:
        rules = _covering(_rules_near(path, source, *_name_needles(name)), name)
    judge = name_judge(source, bundled(), {}) if rules else None
    return [
        _hit(
            source,
            rule,
            held=judge is not None and rule.scope in (Scope.SUBTREE, Scope.BELOW) and judge(rule) is not None,
            sha256=source.sha256[:_DIGEST],
            refreshed=source.last_refresh,
        )
        for rule in rules
    ]


def _hit(source: Source, rule: Rule, *, held: bool, generation: str = "", sha256: str = "", refreshed: str = "") -> Hit:
    return Hit(
        list_id=source.id,
        category=source.category,
        line=rule.line,
        name=rule.name,
        scope=rule.scope,
        allows=rule.allows,
        enabled=source.enabled,
        written=rule.written,
        terms=terms_words(rule.terms, shadow=source.shadow),
        held=held,
        generation=generation,
        sha256=sha256,
        refreshed=refreshed,
    )


def _said(hit: Hit) -> tuple[object, ...]:
    return hit.name, hit.scope, hit.allows, hit.terms


def terms_words(terms: Terms | None, *, shadow: bool = False) -> tuple[str, ...]:
    """Return terms in the words of AdBlock lists, which need no translation."""
    terms = terms or Terms()
    words = []
    if terms.important:
        words.append("important")
    if terms.types or terms.other_types:
        only = [_TYPES.get(number, f"TYPE{number}") for number in terms.types]
        but = ["~" + _TYPES.get(number, f"TYPE{number}") for number in terms.other_types]
        words.append("dnstype=" + "|".join(only + but))
    if terms.excluded:
        words.append("denyallow=" + "|".join(terms.excluded))
    if terms.shadow or shadow:
        words.append("shadow")
    return tuple(words)


def _covering(rules: Iterable[Rule], name: str) -> list[Rule]:
    """Return the rules that speak of a name, the most specific listed name first, expressions last."""
    depths = {parent: depth for depth, parent in enumerate(with_parents(name))}
    found: list[tuple[int, int, Rule]] = []
    for rule in rules:
        if rule.scope is Scope.PATTERN:
            if Patterns([rule.name]).found_in(name):
                found.append((len(depths), rule.line, rule))
            continue
        depth = depths.get(rule.name)
        if depth is None or rule.scope is Scope.ADDRESS:
            continue
        if rule.scope is Scope.SUBTREE or (depth == 0) is (rule.scope is Scope.EXACT):
            found.append((depth, rule.line, rule))
    return [rule for _, _, rule in sorted(found, key=lambda each: each[:2])]


def _written(path: Path, source: Source, written: str) -> Iterator[Rule]:
    needle = written.lower().encode("utf-8", "replace")
    return (rule for rule in _rules_near(path, source, needle, None) if rule.written == written)


def _all_rules(path: Path, source: Source) -> Iterator[Rule]:
    return (item for item in read_items(path, source) if isinstance(item, Rule))


def _rules_near(path: Path, source: Source, needle: bytes, top: re.Pattern[bytes] | None) -> Iterator[Rule]:
    """Parse only the blocks that can hold what is looked for: five million lines are searched in a second, not in ten.

    A block with other than ASCII letters is parsed in any case, for there a name may be written differently. Formats
    in which a line can speak of another are read whole.
    """
    form = source.format or detect_in(path)
    if form not in STATELESS:
        yield from _all_rules(path, replace(source, format=form))
        return
    cancelled = frozenset[str]()
    if form is Format.ADBLOCK:
        blocks = (block for _, block in _blocks(path) if b"badfilter" in block)
        cancelled = cancelled_rules(line for block in blocks for line in _lines(block))
    for first, block in _blocks(path):
        low = block.lower()
        if (needle and needle in low) or (top is not None and top.search(low)) or not block.isascii():
            items = parse(_lines(block), form, first_line=first, subdomains=source.subdomains, cancelled=cancelled)
            yield from (item for item in items if isinstance(item, Rule))


def _name_needles(name: str) -> tuple[bytes, re.Pattern[bytes] | None]:
    """Return what a block holds that speaks of a name: its last two labels, or the last one alone as a name."""
    *_, top = labels = name.split(".")
    alone = re.compile(rb"""[\n|/* \t"'@:]\.?""" + re.escape(top.encode()) + rb"""[\n\r^/"' \t$|#,]""")
    return (".".join(labels[-2:]).encode() if len(labels) > 1 else b""), alone


def _blocks(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield a text in blocks of whole lines, each with the number of its first line and a line's end on both sides."""
    with path.open("rb") as stream:
        first = 1
        while block := stream.read(_BLOCK):
            block += (end := stream.readline(_BLOCK))
            endless = False
            while len(end) == _BLOCK and not end.endswith(b"\n"):  # a part of an endless line tells as much
                end = stream.readline(_BLOCK)
                endless = True
            if endless and end:
                block += b"\n"
            if first == 1:
                block = block.removeprefix(b"\xef\xbb\xbf")
            yield first, b"\n" + block + b"\n"
            first += block.count(b"\n")


def _lines(block: bytes) -> list[str]:
    text = block[1:-1].decode("utf-8", "replace")
    return text.removesuffix("\n").replace("\r\n", "\n").removesuffix("\r").split("\n")


def _network(text: str) -> IPNetwork | None:
    try:
        return parse_network(text)
    except ValueError:
        return None


def _is_name(text: str) -> bool:
    return re.fullmatch(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", text) is not None
