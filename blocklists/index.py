"""The compiled lists as the resolver reads them: one memory-mapped look-up for a name and all its parents."""

import hashlib
import json
import mmap
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import marisa_trie

from blocklists.errors import BrokenIndex
from blocklists.formats import Scope
from blocklists.generation import (
    MEMBERSHIPS,
    NAMES,
    SETS,
    WIDTHS,
    Manifest,
    broken,
    current_generation,
    generation_folder,
    read_manifest,
)
from policy.decision import Listing
from policy.names import MAX_NAME

__all__ = ["BrokenIndex", "Index", "current_generation", "open_current"]

_Shape = tuple[str, str, bool]
"""A Listing without its name: list, category, allows."""


class Index:
    """A generation of lists. Immutable; it stays usable after its folder was removed."""

    def __init__(
        self,
        generation: str,
        prefixes: Callable[[str], Iterable[tuple[str, int]]],
        sets: Sequence[int],
        memberships: Sequence[Sequence[tuple[str, str, Scope, bool]]],
        names: int,
        mapped: mmap.mmap | None = None,
    ) -> None:
        self.generation = generation
        self.names = names
        self._prefixes = prefixes
        self._sets = sets
        self._mapped = mapped
        # Prebuilt for each set: what holds for the name itself, and what of that reaches the names below it.
        self._own: list[tuple[_Shape, ...]] = [tuple((m[0], m[1], m[3]) for m in one) for one in memberships]
        self._below: list[tuple[_Shape, ...]] = [
            tuple((m[0], m[1], m[3]) for m in one if m[2] is Scope.SUBTREE) for one in memberships
        ]

    @classmethod
    def open(cls, folder: Path) -> "Index":
        """Map a generation. Raises BrokenIndex.

        Of the big files only the sizes are checked: to read them whole would cost the start of a worker a second.
        """
        manifest = read_manifest(folder)
        memberships = _read_memberships(folder, manifest)
        for name in (NAMES, SETS):
            _check_size(folder, name, manifest)
        trie = marisa_trie.Trie()
        try:
            trie.mmap(str(folder / NAMES))
            mapped = _map(folder / SETS)
        except (OSError, RuntimeError, ValueError) as error:
            raise broken(folder, f"it cannot be mapped ({error})") from error
        if len(trie) != manifest.names or manifest.files[SETS].size != manifest.names * manifest.width:
            raise broken(folder, f"expected {manifest.names} names, found {len(trie)}")
        sets: Sequence[int] = memoryview(mapped).cast(WIDTHS[manifest.width]) if mapped is not None else ()
        return cls(folder.name, trie.iter_prefixes_with_ids, sets, memberships, manifest.names, mapped)

    @classmethod
    def empty(cls) -> "Index":
        """Return an index of no names."""
        return cls("", lambda _key: (), (), (), 0)

    def lookup(self, name: str) -> tuple[Listing, ...]:
        """Return what the lists say of a name: the most specific listed name first, then by the order of the lists."""
        if not name.isascii():
            return ()
        beyond_lists = "\\" in name or len(name) > MAX_NAME
        if beyond_lists:
            # No list can hold such a name (unusual octets are escaped), but a parent may be listed with all below it.
            name = _plain_parent(name)
        # policy.names.reversed_labels, written out: this is the path of every query that no cache answers.
        key = ".".join(name.split(".")[::-1]) + "."
        found = list(self._prefixes(key))
        if not found:
            return ()
        found.reverse()
        listings = []
        for prefix, number in found:
            beyond = len(key) - len(prefix)
            if beyond:
                shapes = self._below[self._sets[number]]
                listed = name[beyond:]
            else:
                shapes = self._own[self._sets[number]]
                listed = name
            for list_id, category, allows in shapes:  # no comprehension: its frame costs as much as one look-up step
                listings.append(Listing(list_id, category, listed, allows))
        return tuple(listings)

    def close(self) -> None:
        """Forget the maps; look-ups find nothing from now on."""
        self._prefixes = lambda _key: ()
        if isinstance(self._sets, memoryview):
            self._sets.release()
        self._sets = ()
        if self._mapped is not None:
            self._mapped.close()
            self._mapped = None


def _plain_parent(name: str) -> str:
    """Return what stands above the last label that has an escape, shortened to a length that lists can hold."""
    odd = name.rfind("\\")
    if odd >= 0:
        name = name[odd:].partition(".")[2]
    while len(name) > MAX_NAME:
        name = name.partition(".")[2]
    return name


def open_current(lists_folder: Path) -> Index:
    """Open the generation in force; an empty index if nothing is compiled yet. Raises BrokenIndex."""
    generation = current_generation(lists_folder)
    return Index.open(generation_folder(lists_folder, generation)) if generation else Index.empty()


def open_older(lists_folder: Path) -> Index | None:
    """Open the newest generation that can be opened, whatever the pointer says; None if there is none."""
    folder = generation_folder(lists_folder, "none").parent
    for generation in sorted((each.name for each in folder.glob("*") if each.is_dir()), reverse=True):
        try:
            return Index.open(generation_folder(lists_folder, generation))
        except (BrokenIndex, OSError):
            continue
    return None


def _read_memberships(folder: Path, manifest: Manifest) -> list[list[tuple[str, str, Scope, bool]]]:
    try:
        data = (folder / MEMBERSHIPS).read_bytes()
    except OSError as error:
        raise broken(folder, f"{MEMBERSHIPS} cannot be read ({error.strerror})") from error
    if hashlib.sha256(data).hexdigest() != manifest.files[MEMBERSHIPS].sha256:
        raise broken(folder, f"{MEMBERSHIPS} is not the file that was compiled")
    raw = json.loads(data)
    known = [(list_id, category, Scope(scope), allows) for list_id, category, scope, allows in raw["memberships"]]
    return [[known[number] for number in one] for one in raw["sets"]]


def _check_size(folder: Path, name: str, manifest: Manifest) -> None:
    expected = manifest.files[name].size
    try:
        found = (folder / name).stat().st_size
    except OSError as error:
        raise broken(folder, f"{name} cannot be read ({error.strerror})") from error
    if found != expected:
        raise broken(folder, f"expected {name} of {expected} bytes, found {found}")


def _map(path: Path) -> mmap.mmap | None:
    if path.stat().st_size == 0:  # no names: mmap refuses an empty file
        return None
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
