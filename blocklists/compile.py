"""Compile the last good texts into a new generation of the index and publish it, or leave the old one in force.

Two passes keep five million names in bounded memory: the first feeds the trie, which drops duplicates by itself, and
spools the keys; the second gives each key number its membership set. No name is ever an object for longer than a line.
"""

import logging
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import marisa_trie

from blocklists.disk import DISK, Disk, alone
from blocklists.errors import BrokenIndex, ListError
from blocklists.formats import Format, Rule, Scope
from blocklists.generation import (
    CURRENT,
    GENERATIONS,
    MANIFEST,
    MEMBERSHIPS,
    NAMES,
    SETS,
    WIDTHS,
    CompiledList,
    Manifest,
    Membership,
    current_generation,
    facts_of,
    generation_folder,
    verify,
)
from blocklists.index import Index, open_current
from blocklists.memberships import MembershipSets, NumberedSets
from blocklists.sources import SOURCES, Source, detect_in, load_sources, read_items, text_path
from blocklists.starters import register_starter
from blocklists.suffixes import Suffixes, bundled
from policy.names import reversed_labels
from translations import _

_log = logging.getLogger(__name__)

_BUILDING = ".building"
"""A generation that is being written; one that is found at the start was left by a crash."""

_TRIES = 1
"""One trie, not marisa's default of three nested ones: 12.5 bytes a name instead of 7.7, look-ups a third faster."""

_SPOOL_LINES = 8192


def rebuild(lists_folder: Path, *, disk: Disk = DISK, now: datetime | None = None) -> Manifest:
    """Compile all enabled lists and publish the result; return the manifest that is in force then.

    Nothing is published if nothing changed. Whatever goes wrong, the generation in force stays.
    Raises ListError, OSError.
    """
    with alone(lists_folder):
        return _rebuild(lists_folder, disk, now or datetime.now(UTC))


def _rebuild(lists_folder: Path, disk: Disk, now: datetime) -> Manifest:
    generations = lists_folder / GENERATIONS
    disk.make_folder(generations)
    building = generations / _BUILDING
    disk.remove(building)
    disk.make_folder(building)
    sources = [source for source in load_sources(lists_folder) if source.enabled]
    built = _build(lists_folder, sources, building, disk, now)
    previous = _sound_current(lists_folder)
    if previous is not None and previous.content() == built.manifest.content():
        disk.remove(building)
        return previous
    _check(building, built)
    folder = generation_folder(lists_folder, built.manifest.generation)
    disk.remove(folder)  # of the same second and content, but not in force: left by a crash
    disk.move(building, folder)
    before = _pointed_to(lists_folder)
    disk.replace_text(lists_folder / CURRENT, built.manifest.generation + "\n")
    for other in sorted(generations.iterdir()):
        if other.name not in (built.manifest.generation, before):
            disk.remove(other)
    return built.manifest


@dataclass(frozen=True, slots=True)
class _Built:
    manifest: Manifest
    samples: tuple[tuple[str, str], ...]
    """A name of each list and the list, to ask the finished index for."""


def _build(lists_folder: Path, sources: Sequence[Source], folder: Path, disk: Disk, now: datetime) -> _Built:
    memberships: list[Membership] = []
    # Spooled beside the index and not under /tmp, which is memory on many machines.
    with TemporaryFile("w+", encoding="ascii", dir=lists_folder) as spool:
        feed = _Feed(lists_folder, sources, bundled(), spool, memberships)
        trie = marisa_trie.Trie(feed.keys(), num_tries=_TRIES)
        disk.save(folder / NAMES, _saver(trie))
        spool.seek(0)
        sets = _number_sets(trie, spool, memberships)
    names = len(trie)
    del trie  # its memory is needed for what follows
    width = next(width for width in WIDTHS if len(sets.sets) <= 1 << (8 * width))
    disk.write(folder / SETS, array(WIDTHS[width], sets.numbers).tobytes())
    disk.write(folder / MEMBERSHIPS, sets.to_json(memberships).encode())
    files = {name: facts_of(folder / name) for name in (NAMES, SETS, MEMBERSHIPS)}
    draft = Manifest("", now.isoformat(timespec="seconds"), names, width, tuple(feed.compiled), sets.categories, files)
    name = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{draft.content()[:8]}"
    manifest = Manifest(name, draft.created, names, width, draft.lists, draft.categories, files)
    disk.write(folder / MANIFEST, manifest.to_json().encode())
    disk.sync(folder)
    return _Built(manifest, tuple(feed.samples))


def _saver(trie: marisa_trie.Trie) -> Callable[[Path], None]:
    return lambda path: trie.save(str(path))


@dataclass(slots=True)
class _Feed:
    """The rules of all lists as keys for the trie; spools them with their memberships and counts as it goes."""

    lists_folder: Path
    sources: Sequence[Source]
    suffixes: Suffixes
    spool: IO[str]
    memberships: list[Membership]
    compiled: list[CompiledList] = field(default_factory=list)
    samples: list[tuple[str, str]] = field(default_factory=list)

    def keys(self) -> Iterator[str]:
        for source in self.sources:
            yield from self._keys_of(source)

    def _keys_of(self, source: Source) -> Iterator[str]:
        path = text_path(self.lists_folder, source.id)
        numbers: dict[tuple[Scope, bool], int] = {}
        latest: tuple[Scope, bool] | None = None
        lines: list[str] = []
        rules = skipped = 0
        try:
            sha256 = facts_of(path).sha256
            form: Format = source.format or detect_in(path)
            for item in read_items(path, form, self.suffixes):
                if not isinstance(item, Rule):
                    skipped += 1
                    continue
                rules += 1
                kind = (item.scope, item.allows)
                if kind != latest:
                    latest = kind
                    lines.append(f"#{self._number(source, kind, numbers, item.name)}\n")
                key = reversed_labels(item.name)
                lines.append(key + "\n")
                if len(lines) >= _SPOOL_LINES:
                    self.spool.write("".join(lines))
                    lines.clear()
                yield key
        except OSError as error:
            raise ListError(
                _(
                    "the last good text of the list {id} cannot be read ({error}): the compiled lists stay as they "
                    "are; run: schoolfilter lists refresh {id}"
                ).format(id=source.id, error=error)
            ) from error
        self.spool.write("".join(lines))
        self.compiled.append(CompiledList(source.id, source.category, form, rules, skipped, sha256))

    def _number(
        self, source: Source, kind: tuple[Scope, bool], numbers: dict[tuple[Scope, bool], int], name: str
    ) -> int:
        number = numbers.get(kind)
        if number is None:
            number = numbers[kind] = len(self.memberships)
            self.memberships.append(Membership(source.id, source.category, *kind))
            self.samples.append((name, source.id))
        return number


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


def _check(folder: Path, built: _Built) -> None:
    """Open what was written as a worker would, after reading every byte of it back. Raises BrokenIndex."""
    verify(folder)
    index = Index.open(folder)
    try:
        for name, list_id in built.samples:
            if all(listing.list_id != list_id for listing in index.lookup(name)):
                raise BrokenIndex(f"the index {folder} was not written as compiled: {name} of {list_id} is missing")
    finally:
        index.close()


def _pointed_to(lists_folder: Path) -> str:
    try:
        return current_generation(lists_folder)
    except BrokenIndex:
        return ""


def _sound_current(lists_folder: Path) -> Manifest | None:
    """Return the manifest in force, if every byte of its generation is as it was compiled."""
    generation = _pointed_to(lists_folder)
    try:
        return verify(generation_folder(lists_folder, generation)) if generation else None
    except BrokenIndex:
        return None


def ensure_starter(lists_folder: Path, *, disk: Disk = DISK, now: datetime | None = None) -> None:
    """Register the starter lists in a new folder, and compile a first generation if none is in force.

    Costs next to nothing where everything is in place. Raises ListError, OSError.
    """
    moment = now or datetime.now(UTC)
    if not (lists_folder / SOURCES).exists():
        with alone(lists_folder):
            if not (lists_folder / SOURCES).exists():  # another process may have been faster
                register_starter(lists_folder, disk, moment)
    try:
        open_current(lists_folder).close()
        if current_generation(lists_folder):
            return
    except BrokenIndex as error:
        _log.warning("%s: compiling the lists again", error)
    rebuild(lists_folder, disk=disk, now=moment)
