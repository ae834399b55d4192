"""What one generation changes against another: names by list and category, and what the school would feel of it."""

import json
import mmap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import marisa_trie

from blocklists.asked import Asked
from blocklists.breadth import Lookup
from blocklists.errors import ListError
from blocklists.generation import (
    MEMBERSHIPS,
    NAMES,
    PATTERNS,
    SETS,
    WIDTHS,
    CompiledList,
    Manifest,
    broken,
    generation_folder,
    read_manifest,
)
from blocklists.holding import Held
from blocklists.index import Index
from blocklists.shelf import candidate_name, generations, pointed_to, previous
from policy.decide import decide
from policy.decision import Decision
from policy.views import View
from translations import _


@dataclass(frozen=True, slots=True)
class ListChange:
    """How one list differs."""

    id: str
    category: str
    before: int
    """Rules; 0 if the list was not there."""
    now: int
    added: int
    """Names, patterns and networks that the list speaks of now and did not."""
    removed: int
    held: tuple[Held, ...]
    """What is held for the operator now and was not (of the first that each generation names)."""
    let_through: tuple[Held, ...]
    """What was held and is not any more."""


@dataclass(frozen=True, slots=True)
class CategoryChange:
    """How many names a category gains and loses; exceptions do not count."""

    id: str
    before: int
    now: int
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class Turned:
    """A name that the school asks for and that is decided otherwise."""

    name: str
    group: str
    count: int
    """How often it was asked for."""
    before: Decision
    now: Decision


@dataclass(frozen=True, slots=True)
class Changes:
    """All that differs."""

    old: str
    new: str
    """Generations."""
    lists: tuple[ListChange, ...]
    """Only those that differ."""
    categories: tuple[CategoryChange, ...]
    closes: tuple[Turned, ...]
    """What opened and would not, most asked for first."""
    opens: tuple[Turned, ...]
    questions: int
    """How many questions were weighed."""


def pair_to_compare(lists_folder: Path) -> tuple[str, str]:
    """Return what `lists diff` compares: the generation in force and the candidate, else the one before and it.

    After a rollback to the oldest, the newer one is what was before. Raises ListError if there is only one.
    """
    in_force, candidate = pointed_to(lists_folder), candidate_name(lists_folder)
    if in_force and candidate:
        return in_force, candidate
    before = previous(lists_folder) or next(
        (each.name for each in generations(lists_folder) if each.manifest is not None and not each.in_force), ""
    )
    if not (in_force and before):
        raise ListError(_("there is only one generation of the lists, so there is nothing to compare it with"))
    return before, in_force


def compare(lists_folder: Path, old: str, new: str, asked: Asked, views: Mapping[str, View]) -> Changes:
    """Compare two generations name by name. `views` are those of the groups now. Raises BrokenIndex, OSError.

    Walks through both: some 4 seconds for each million names, in little memory.
    """
    folders = generation_folder(lists_folder, old), generation_folder(lists_folder, new)
    manifests = read_manifest(folders[0]), read_manifest(folders[1])
    added, removed = count_differences(*folders)
    with ExitStack() as stack:
        indexes = []
        for folder in folders:
            indexes.append(Index.open(folder))
            stack.callback(indexes[-1].close)
        felt = turned(asked, indexes[0], indexes[1], views)
    return Changes(
        old,
        new,
        tuple(_list_changes(manifests[0], manifests[1], added, removed)),
        tuple(_category_changes(manifests[0], manifests[1], added, removed)),
        tuple(each for each in felt if each.now.blocked),
        tuple(each for each in felt if not each.now.blocked),
        asked.questions,
    )


def turned(asked: Asked, old: Lookup, new: Lookup, views: Mapping[str, View]) -> tuple[Turned, ...]:
    """Return the names asked for that are blocked by one index and not by the other, most asked for first. Pure."""
    spoken: dict[str, tuple[Sequence[Any], Sequence[Any]] | None] = {}
    found = []
    for (group, name), count in asked.counts.items():
        view = views.get(group)
        if view is None:  # a group that is no more
            continue
        if name not in spoken:
            listings = tuple(old.lookup(name)), tuple(new.lookup(name))
            spoken[name] = listings if listings[0] != listings[1] else None
        both = spoken[name]
        if both is None:
            continue
        before, now = decide(view, name, both[0]), decide(view, name, both[1])
        if before.blocked != now.blocked:
            found.append(Turned(name, group, count, before, now))
    return tuple(sorted(found, key=lambda each: (-each.count, each.name, each.group)))


Subject = tuple[str, str]
"""("list", id) or ("category", id)."""
Counts = tuple[Counter[Subject], Counter[Subject]]


def count_differences(old: Path, new: Path) -> Counts:
    """Count for each list and category the keys that were added and removed. Raises BrokenIndex."""
    added: Counter[Subject] = Counter()
    removed: Counter[Subject] = Counter()
    with ExitStack() as stack:
        before, now = _Contents(old, stack), _Contents(new, stack)
        pairs: Counter[tuple[int, int]] = Counter(_pairs(before, now))
        pairs.update((number, -1) for number in _gone(before, now))
        for (was, becomes), count in pairs.items():
            _count(before.subjects(was), now.subjects(becomes), count, added, removed)
        was_said, is_said = before.patterns, now.patterns
        for key in was_said.keys() | is_said.keys():
            _count(was_said.get(key, frozenset()), is_said.get(key, frozenset()), 1, added, removed)
    return added, removed


def _count(
    before: frozenset[Subject], now: frozenset[Subject], count: int, added: Counter[Subject], removed: Counter[Subject]
) -> None:
    for subject in now - before:
        added[subject] += count
    for subject in before - now:
        removed[subject] += count


def _pairs(before: "_Contents", now: "_Contents") -> Iterator[tuple[int, int]]:
    """Yield for each key of the new index the numbers of its sets, -1 for none before."""
    get, old_sets, new_sets = before.trie.get, before.sets, now.sets
    for key, number in now.trie.iteritems():
        known = get(key, -1)
        yield (old_sets[known] if known >= 0 else -1), new_sets[number]


def _gone(before: "_Contents", now: "_Contents") -> Iterator[int]:
    trie, sets = now.trie, before.sets
    return (sets[number] for key, number in before.trie.iteritems() if key not in trie)


class _Contents:
    """A generation's keys and what is said of them, mapped and not read into memory."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        manifest = read_manifest(folder)
        try:
            memberships = json.loads((folder / MEMBERSHIPS).read_bytes())
            patterns = json.loads((folder / PATTERNS).read_bytes())
            self.trie = marisa_trie.Trie()
            self.trie.mmap(str(folder / NAMES))
            self.sets: Sequence[int] = ()
            if manifest.files[SETS].size:
                with (folder / SETS).open("rb") as file:
                    mapped = stack.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
                view = memoryview(mapped).cast(WIDTHS[manifest.width])
                stack.callback(view.release)
                self.sets = view
        except (OSError, RuntimeError, ValueError) as error:
            raise broken(folder, f"it cannot be compared ({error})") from error
        members = [
            _said(list_id, category, allows) for list_id, category, _s, allows, *_t in memberships["memberships"]
        ]
        self._subjects = [frozenset().union(*(members[number] for number in one)) for one in memberships["sets"]]
        said: dict[tuple[str, str], frozenset[Subject]] = {}
        for _expression, written, number in patterns:
            list_id = memberships["memberships"][number][0]
            said[list_id, written] = said.get((list_id, written), frozenset()) | members[number]
        self.patterns = said

    def subjects(self, number: int) -> frozenset[Subject]:
        """Return which lists and categories a set speaks for; none for -1."""
        return self._subjects[number] if number >= 0 else frozenset()


def _said(list_id: str, category: str, allows: bool) -> frozenset[Subject]:
    own: frozenset[Subject] = frozenset({("list", list_id)})
    return own if allows else own | {("category", category)}


def _list_changes(
    old: Manifest, new: Manifest, added: Counter[Subject], removed: Counter[Subject]
) -> Iterator[ListChange]:
    before, now = {each.id: each for each in old.lists}, {each.id: each for each in new.lists}
    for list_id in dict.fromkeys((*now, *before)):
        was, becomes = before.get(list_id), now.get(list_id)
        subject = "list", list_id
        was_held, is_held = _held(was), _held(becomes)
        change = ListChange(
            list_id,
            (becomes or was or new.lists[0]).category,
            was.rules if was else 0,
            becomes.rules if becomes else 0,
            added[subject],
            removed[subject],
            tuple(held for name, held in is_held.items() if name not in was_held),
            tuple(held for name, held in was_held.items() if name not in is_held),
        )
        if change.added or change.removed or change.before != change.now or change.held or change.let_through:
            yield change


def _held(compiled: CompiledList | None) -> dict[str, Held]:
    return {held.name: held for held in compiled.held} if compiled is not None else {}


def _category_changes(
    old: Manifest, new: Manifest, added: Counter[Subject], removed: Counter[Subject]
) -> Iterator[CategoryChange]:
    for category in sorted({*old.categories, *new.categories}):
        subject = "category", category
        if added[subject] or removed[subject]:
            counts = old.categories.get(category, 0), new.categories.get(category, 0)
            yield CategoryChange(category, *counts, added[subject], removed[subject])
