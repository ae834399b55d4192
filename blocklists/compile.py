"""Compile the last good texts into the folder of a new generation.

Two passes keep five million names in bounded memory: the first feeds the trie, which drops duplicates by itself, and
spools the keys; the second gives each key number its membership set. No name is ever an object for longer than a line.
"""

import json
import os
import shutil
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import marisa_trie

from blocklists.breadth import Breadth
from blocklists.disk import Disk
from blocklists.errors import BrokenIndex, ListError
from blocklists.generation import (
    MANIFEST,
    MEMBERSHIPS,
    NAMES,
    PATTERNS,
    SETS,
    TEXTS,
    WIDTHS,
    CompiledList,
    Held,
    Manifest,
    Membership,
    WhyHeld,
    compiled_text,
    facts_of,
    verify,
)
from blocklists.holding import held_network, held_patterns, name_judge
from blocklists.index import Index
from blocklists.memberships import MembershipSets, NumberedSets
from blocklists.networks import MARK, IPNetwork, network_key, parse_network
from blocklists.patterns import MAX_PATTERNS, fault_of
from blocklists.rules import Format, Rule, Scope
from blocklists.sources import Source, detect_in, read_items, text_path
from blocklists.suffixes import Suffixes, bundled
from policy.decision import Listing, Terms
from policy.names import reversed_labels
from translations import _

_TRIES = 1
"""One trie, not marisa's default of three nested ones: 6.8 bytes a name instead of 4.8, look-ups a third faster."""
_CACHE = marisa_trie.HUGE_CACHE
"""0.1 bytes a name, and names that are listed are found in nine tenths of the time."""

_SPOOL_LINES = 8192

MAX_HELD = 200
"""Held rules of one list that the manifest keeps: a person reads no more."""

_Kind = tuple[Scope, bool, Terms | None]

WrittenPattern = tuple[str, str, int]
"""An expression, how the list writes it, and the number of its membership."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one list says, to ask the finished index for."""

    list_id: str
    scope: Scope
    name: str


@dataclass(frozen=True, slots=True)
class Built:
    """What was compiled."""

    manifest: Manifest
    samples: tuple[Sample, ...]


def build(
    lists_folder: Path,
    sources: Sequence[Source],
    folder: Path,
    disk: Disk,
    now: datetime,
    *,
    breadth: Breadth | None = None,
) -> Built:
    """Compile the lists into a folder of their own, together with the texts they come from.

    `breadth` says which rules cover too much and are held. Raises ListError, OSError.
    """
    disk.make_folder(folder / TEXTS)
    # Spooled beside the index and not under /tmp, which is memory on many machines.
    with TemporaryFile("w+", encoding="ascii", dir=lists_folder) as spool:
        feed = _Feed(lists_folder, folder, disk, bundled(), breadth or Breadth(), spool)
        trie = marisa_trie.Trie(feed.keys(sources), num_tries=_TRIES, cache_size=_CACHE)
        disk.save(folder / NAMES, _saver(trie))
        spool.seek(0)
        sets = _number_sets(trie, spool, feed.memberships)
    addresses = sum(1 for _ in trie.iterkeys(MARK))
    names = len(trie) - addresses
    del trie  # its memory is needed for what follows
    patterns = feed.judged_patterns()
    width = next(width for width in WIDTHS if len(sets.sets) <= 1 << (8 * width))
    disk.write(folder / SETS, array(WIDTHS[width], sets.numbers).tobytes())
    disk.write(folder / MEMBERSHIPS, sets.to_json(feed.memberships).encode())
    disk.write(folder / PATTERNS, (json.dumps(patterns) + "\n").encode())
    disk.sync(folder / TEXTS)
    files = {name: facts_of(folder / name) for name in (NAMES, SETS, MEMBERSHIPS, PATTERNS)}
    draft = Manifest(
        generation="",
        created=now.isoformat(timespec="seconds"),
        names=names,
        patterns=len(patterns),
        addresses=addresses,
        width=width,
        lists=tuple(tally.compiled() for tally in feed.tallies),
        categories=sets.categories,
        files=files,
    )
    manifest = replace(draft, generation=f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{draft.content()[:8]}")
    disk.write(folder / MANIFEST, manifest.to_json().encode())
    disk.sync(folder)
    return Built(manifest, tuple(feed.samples))


def _saver(trie: marisa_trie.Trie) -> Callable[[Path], None]:
    return lambda path: trie.save(str(path))


def _linker(text: Path) -> Callable[[Path], None]:
    """Return what gives a text a second name; where the file system has no links, it is copied."""

    def link(target: Path) -> None:
        try:
            os.link(text, target)
        except FileNotFoundError:
            raise
        except OSError:
            shutil.copyfile(text, target)

    return link


@dataclass(slots=True)
class _Tally:
    """What one list came to so far."""

    source: Source
    form: Format
    size: int
    sha256: str
    rules: int = 0
    skipped: int = 0
    unused: int = 0
    patterns: int = 0
    addresses: int = 0
    held: list[Held] = field(default_factory=list)
    held_count: int = 0

    def hold(self, held: Held) -> None:
        self.held_count += 1
        # Those that are too broad are few, and the next compile may have to know them.
        if len(self.held) < MAX_HELD or held.why is WhyHeld.BROAD:
            self.held.append(held)

    def compiled(self) -> CompiledList:
        return CompiledList(
            id=self.source.id,
            category=self.source.category,
            format=self.form,
            rules=self.rules,
            skipped=self.skipped,
            sha256=self.sha256,
            size=self.size,
            unused=self.unused,
            patterns=self.patterns,
            addresses=self.addresses,
            shadow=self.source.shadow,
            held=tuple(self.held),
            held_count=self.held_count,
        )


@dataclass(slots=True)
class _Feed:
    """The rules of all lists as keys for the trie; spools them with their memberships and counts as it goes."""

    lists_folder: Path
    folder: Path
    disk: Disk
    suffixes: Suffixes
    breadth: Breadth
    spool: IO[str]
    memberships: list[Membership] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    tallies: list[_Tally] = field(default_factory=list)
    patterns: list[tuple[_Tally, Rule, int]] = field(default_factory=list)
    """The expressions of all lists, with the numbers of their memberships."""

    def keys(self, sources: Iterable[Source]) -> Iterator[str]:
        for source in sources:
            try:
                yield from self._keys_of(self._taken_in(source))
            except OSError as error:
                raise ListError(
                    _(
                        "the last good text of the list {id} cannot be read ({error}): the compiled lists stay as they "
                        "are; run: schoolfilter lists refresh {id}"
                    ).format(id=source.id, error=error)
                ) from error

    def _taken_in(self, source: Source) -> _Tally:
        """Make a text part of the generation before it is read, so that what is compiled is what is kept."""
        text = compiled_text(self.folder, source.id)
        self.disk.save(text, _linker(text_path(self.lists_folder, source.id)))
        facts = facts_of(text)
        tally = _Tally(source, source.format or detect_in(text), facts.size, facts.sha256)
        self.tallies.append(tally)
        return tally

    def _keys_of(self, tally: _Tally) -> Iterator[str]:
        source = replace(tally.source, format=tally.form)
        numbers: dict[_Kind, int] = {}
        kind: _Kind | None = None
        last = ""
        rules = 0
        lines: list[str] = []
        judge = name_judge(source, self.suffixes, self.breadth.names(source, tally.sha256))
        exact, address, pattern = Scope.EXACT, Scope.ADDRESS, Scope.PATTERN
        for item in read_items(compiled_text(self.folder, source.id), source):
            if not isinstance(item, Rule):
                if item.fault:
                    tally.skipped += 1
                else:
                    tally.unused += 1
                continue
            name, scope, allows, _line, terms, _written = item
            if scope is pattern:
                self._take_pattern(tally, item, numbers)
                continue
            if scope is address:
                network = _network_of(tally, item)
                if network is None:
                    continue
                key = network_key(network)
                tally.addresses += 1
            else:
                if scope is not exact and (held := judge(item)) is not None:
                    tally.hold(held)
                    continue
                key = reversed_labels(name)
            rules += 1
            if kind is None or kind[0] is not scope or kind[1] is not allows or kind[2] != terms:
                kind = (scope, allows, terms)
                lines.append(f"#{self._number(source, item, numbers)}\n")
            lines.append(key + "\n")
            if len(lines) >= _SPOOL_LINES:
                self.spool.write("".join(lines))
                lines.clear()
            if key != last:  # zones of RPZ name everything twice: once for itself, once for what is below it
                last = key
                yield key
        self.spool.write("".join(lines))
        tally.rules += rules

    def _take_pattern(self, tally: _Tally, rule: Rule, numbers: dict[_Kind, int]) -> None:
        if len(self.patterns) >= MAX_PATTERNS:
            tally.hold(Held(rule.written or rule.name, rule.line, WhyHeld.PATTERNS))
        elif fault_of(rule.name):
            tally.skipped += 1
        else:
            self.patterns.append((tally, rule, self._number(tally.source, rule, numbers)))

    def _number(self, source: Source, rule: Rule, numbers: dict[_Kind, int]) -> int:
        """Return the number of the membership that a rule gives; it is new where the list has not said that before."""
        kind = (rule.scope, rule.allows, rule.terms)
        number = numbers.get(kind)
        if number is None:
            number = numbers[kind] = len(self.memberships)
            terms = rule.terms
            if source.shadow:
                terms = replace(terms or Terms(), shadow=True)
            if rule.scope is Scope.PATTERN:
                terms = replace(terms or Terms(), pattern=True)
            self.memberships.append(Membership(source.id, source.category, rule.scope, rule.allows, terms))
            if rule.scope is not Scope.PATTERN:  # what an expression is found in is not known
                self.samples.append(Sample(source.id, rule.scope, rule.name))
        return number

    def judged_patterns(self) -> list[WrittenPattern]:
        """Hold what is too broad among the expressions and count the others; return those, each once."""
        rules = [(tally.source, rule) for tally, rule, _ in self.patterns]
        judged = held_patterns(rules, self.suffixes, self.breadth.top, self.breadth.percent)
        kept: dict[WrittenPattern, None] = {}
        for position, (tally, rule, number) in enumerate(self.patterns):
            held = self._held_pattern(tally, rule, judged.get(position))
            if held is not None:
                tally.hold(held)
            else:
                tally.patterns += 1
                tally.rules += 1
                kept[rule.name, rule.written or rule.name, number] = None
        return list(kept)

    def _held_pattern(self, tally: _Tally, rule: Rule, held: Held | None) -> Held | None:
        source, written = tally.source, rule.written or rule.name
        if held is not None:
            return held if held.why is not WhyHeld.BROAD or self.breadth.may_hold(source, written) else None
        if self.breadth.top or rule.allows or {written, rule.name} & set(source.accepted):
            return None
        decided = self.breadth.names(source, tally.sha256)
        return Held(written, rule.line, WhyHeld.BROAD, decided[written]) if written in decided else None


def _network_of(tally: _Tally, rule: Rule) -> IPNetwork | None:
    try:
        network = parse_network(rule.name)
    except ValueError:
        tally.skipped += 1
        return None
    held = held_network(tally.source, rule, network)
    if held is not None:
        tally.hold(held)
        return None
    return network


def _number_sets(trie: marisa_trie.Trie, spool: IO[str], memberships: Sequence[Membership]) -> NumberedSets:
    """Give each key the number of its membership set."""
    sets = MembershipSets(memberships)
    of_key = array("I", bytes(4 * len(trie)))
    key_id = trie.key_id
    member = 0
    steps = sets.steps(member)
    for line in spool:
        if line[0] == "#":
            member = int(line[1:])
            steps = sets.steps(member)
            continue
        key = key_id(line[:-1])
        before = of_key[key]
        after = steps.get(before)
        of_key[key] = sets.grow(before, member) if after is None else after
    return sets.number(of_key)


def check(folder: Path, built: Built) -> None:
    """Open what was written as a worker would, after reading every byte of it back. Raises BrokenIndex."""
    verify(folder)
    index = Index.open(folder)
    try:
        for sample in built.samples:
            if all(listing.list_id != sample.list_id for listing in _asked(index, sample)):
                raise BrokenIndex(
                    f"the index {folder} was not written as compiled: {sample.name} of {sample.list_id} is missing"
                )
    finally:
        index.close()


def _asked(index: Index, sample: Sample) -> tuple[Listing, ...]:
    if sample.scope is Scope.ADDRESS:
        return index.lookup_address(parse_network(sample.name).network_address.packed)
    return index.lookup(("x." if sample.scope is Scope.BELOW else "") + sample.name)
