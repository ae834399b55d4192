"""The compiled lists as the resolver reads them: one memory-mapped look-up for a name and all its parents."""

import hashlib
import json
import mmap
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import marisa_trie

from blocklists.errors import BrokenIndex
from blocklists.generation import (
    MEMBERSHIPS,
    NAMES,
    PATTERNS,
    SETS,
    WIDTHS,
    Manifest,
    Membership,
    broken,
    current_generation,
    generation_folder,
    other_generations,
    read_manifest,
)
from blocklists.memberships import read_memberships
from blocklists.networks import address_key, key_network, network_text
from blocklists.rules import Scope
from policy.decision import Listing, Terms

if TYPE_CHECKING:
    from blocklists.patterns import Patterns

__all__ = ["BrokenIndex", "Index", "current_generation", "open_current"]

_Shape = tuple[str, str, bool, Terms | None]
"""A Listing without its name: list, category, allows, terms."""

_NAT64 = b"\x00\x64\xff\x9b" + bytes(8)

_new = tuple.__new__
"""Makes a Listing in half the time of its own constructor, which is written in Python."""


class Index:
    """A generation of lists. Immutable; it stays usable after its folder was removed."""

    def __init__(
        self,
        generation: str,
        prefixes: Callable[[str], Iterable[tuple[str, int]]],
        sets: Sequence[int],
        memberships: Sequence[Sequence[Membership]],
        names: int,
        mapped: mmap.mmap | None = None,
        *,
        patterns: "tuple[Patterns, Sequence[Listing]] | None" = None,
        addresses: int = 0,
    ) -> None:
        self.generation = generation
        self.names = names
        self.has_addresses = addresses > 0
        """Whether `lookup_address` can find anything: if not, no answer need be looked into."""
        self._prefixes = prefixes
        self._sets = sets
        self._mapped = mapped
        self._patterns = patterns
        # Prebuilt for each set: what holds for the name itself, and what of that reaches the names below it.
        self._own = [_shapes(each for each in one if each.scope is not Scope.BELOW) for one in memberships]
        self._below = [
            _shapes(each for each in one if each.scope in (Scope.SUBTREE, Scope.BELOW)) for one in memberships
        ]

    @classmethod
    def open(cls, folder: Path) -> "Index":
        """Map a generation. Raises BrokenIndex.

        Of the big files only the sizes are checked: to read them whole would cost the start of a worker a second.
        It may be called in a thread while others answer: expressions are compiled a few hundred at a time, for RE2 does
        not let anybody else work meanwhile (2,000 take 25 ms in all, 10 ms without a break).
        """
        manifest = read_manifest(folder)
        memberships, sets_raw = _memberships(folder, manifest)
        patterns = _patterns(folder, manifest, memberships)
        for name in (NAMES, SETS):
            _check_size(folder, name, manifest)
        trie = marisa_trie.Trie()
        try:
            trie.mmap(str(folder / NAMES))
            mapped = _map(folder / SETS)
        except (OSError, RuntimeError, ValueError) as error:
            raise broken(folder, f"it cannot be mapped ({error})") from error
        keys = manifest.names + manifest.addresses
        if len(trie) != keys or manifest.files[SETS].size != keys * manifest.width:
            raise broken(folder, f"expected {keys} names and networks, found {len(trie)}")
        sets: Sequence[int] = memoryview(mapped).cast(WIDTHS[manifest.width]) if mapped is not None else ()
        members = [[memberships[number] for number in one] for one in sets_raw]
        return cls(
            folder.name,
            trie.iter_prefixes_with_ids,
            sets,
            members,
            manifest.names,
            mapped,
            patterns=patterns,
            addresses=manifest.addresses,
        )

    @classmethod
    def empty(cls) -> "Index":
        """Return an index of no names."""
        return cls("", lambda _key: (), (), (), 0)

    def lookup(self, name: str) -> tuple[Listing, ...]:
        """Return what the lists say of a name.

        The most specific listed name first, then by the order of the lists; what expressions say comes last.
        """
        if not name.isascii():
            return ()
        # This is the path of every query that no cache answers: policy.names.reversed_labels is written out, no list is
        # kept on the way, and the usual case (one list speaks of one name) makes nothing but its own answer.
        labels = name.split(".")
        labels.reverse()
        labels.append("")
        key = ".".join(labels)
        listings: tuple[Listing, ...] = ()
        for prefix, number in self._prefixes(key):
            if prefix == key:
                shapes = self._own[self._sets[number]]
                listed = name
            else:
                shapes = self._below[self._sets[number]]
                listed = name[1 - len(prefix) :]
            if len(shapes) == 1:
                list_id, category, allows, terms = shapes[0]
                only = (_new(Listing, (list_id, category, listed, allows, terms)),)
                listings = only + listings if listings else only
            else:
                more = [_new(Listing, (shape[0], shape[1], listed, shape[2], shape[3])) for shape in shapes]
                listings = (*more, *listings)
        if self._patterns is not None:
            patterns, said = self._patterns
            if found := patterns.found_in(name):
                listings += tuple([said[number] for number in found])
        return listings

    def lookup_address(self, packed: bytes) -> tuple[Listing, ...]:
        """Return what the lists say of an address (4 or 16 octets): the smallest network that holds it first.

        An IPv4 address that DNS64 has put into IPv6 (64:ff9b::/96, RFC 6052) is where the device will arrive: what is
        said of it holds as well.
        """
        if not self.has_addresses:
            return ()
        found = list(self._prefixes(address_key(packed)))
        if len(packed) == 16 and packed.startswith(_NAT64):
            found = [*self._prefixes(address_key(packed[12:])), *found]
        return tuple(
            Listing(list_id, category, network_text(key_network(prefix)), allows, terms)
            for prefix, number in reversed(found)
            for list_id, category, allows, terms in self._own[self._sets[number]]
        )

    def close(self) -> None:
        """Forget the maps; look-ups find nothing from now on."""
        self._prefixes = lambda _key: ()
        if isinstance(self._sets, memoryview):
            self._sets.release()
        self._sets = ()
        if self._mapped is not None:
            self._mapped.close()
            self._mapped = None
        self._patterns = None
        self.has_addresses = False


def _shapes(members: Iterable[Membership]) -> tuple[_Shape, ...]:
    return tuple((each.list_id, each.category, each.allows, each.terms) for each in members)


def open_current(lists_folder: Path) -> Index:
    """Open the generation in force; an empty index if nothing is compiled yet. Raises BrokenIndex."""
    generation = current_generation(lists_folder)
    return Index.open(generation_folder(lists_folder, generation)) if generation else Index.empty()


def open_older(lists_folder: Path) -> Index | None:
    """Open the best generation that can be opened besides the one in force; None if there is none."""
    for generation in other_generations(lists_folder):
        try:
            return Index.open(generation_folder(lists_folder, generation))
        except (BrokenIndex, OSError):
            continue
    return None


def _memberships(folder: Path, manifest: Manifest) -> tuple[list[Membership], list[list[int]]]:
    try:
        return read_memberships(_checked(folder, MEMBERSHIPS, manifest))
    except (ValueError, TypeError, KeyError) as error:
        raise broken(folder, f"{MEMBERSHIPS} cannot be understood ({error})") from error


def _patterns(
    folder: Path, manifest: Manifest, memberships: Sequence[Membership]
) -> "tuple[Patterns, Sequence[Listing]] | None":
    data = _checked(folder, PATTERNS, manifest)
    if not manifest.patterns:
        return None
    # Imported here: few lists have expressions, and a worker that needs none is spared the library.
    from blocklists.patterns import Patterns

    try:
        raw: list[tuple[str, str, int]] = json.loads(data)
        said = [_new(Listing, (m[0], m[1], written, m[3], m[4])) for _, written, n in raw for m in (memberships[n],)]
        return Patterns([expression for expression, _, _ in raw]), said
    except (ValueError, TypeError, IndexError) as error:
        raise broken(folder, f"{PATTERNS} cannot be understood ({error})") from error


def _checked(folder: Path, name: str, manifest: Manifest) -> bytes:
    """Read a small file whole. Raises BrokenIndex if it is not the file that was compiled."""
    try:
        data = (folder / name).read_bytes()
    except OSError as error:
        raise broken(folder, f"{name} cannot be read ({error.strerror})") from error
    if hashlib.sha256(data).hexdigest() != manifest.files[name].sha256:
        raise broken(folder, f"{name} is not the file that was compiled")
    return data


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
