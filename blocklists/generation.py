"""One compiled generation of the index: the files of its folder and what its manifest says."""

import hashlib
import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, NamedTuple

from blocklists.errors import BrokenIndex
from blocklists.rules import Scope
from policy.decision import Terms

FORMAT = 2
"""Raised when an older program could not read what we write."""

NAMES = "names.marisa"
"""A trie over reversed labels and over networks (blocklists.networks); it numbers its keys."""
SETS = "sets.bin"
"""For each key number the number of its membership set, in the machine's byte order."""
MEMBERSHIPS = "sets.json"
"""What the sets are: {"memberships": [[list, category, scope, allows, terms], …], "sets": [[0, 3], …]}."""
PATTERNS = "patterns.json"
"""The expressions: [[expression, as the list writes it, number of the membership], …]."""
TEXTS = "texts"
"""A folder with the texts that were compiled, `ID.txt`: hard links where the file system has them."""
MANIFEST = "manifest.json"

GENERATIONS = "generations"
CURRENT = "current"
"""A text file that holds the name of the generation in force; replacing it is what publishes one."""
CANDIDATE = "candidate"
"""A text file that holds the name of a generation that was refused or rolled back."""

WIDTHS: Mapping[int, Literal["B", "H", "I"]] = {1: "B", 2: "H", 4: "I"}
"""Bytes of a set number and its code in `array` and `struct`."""


class Membership(NamedTuple):
    """What one list says of a name."""

    list_id: str
    category: str
    scope: Scope
    allows: bool
    terms: Terms | None = None


class WhyHeld(StrEnum):
    """Why a rule was held back."""

    SUFFIX = "suffix"
    """It speaks of a whole public suffix: strangers register their names below it."""
    BROAD = "broad"
    """It covers too many of the names that the school asks for most."""
    NETWORK = "network"
    """It covers private addresses, or a large part of the internet."""
    PATTERNS = "patterns"
    """There are more expressions than look-ups have time for."""


@dataclass(frozen=True, slots=True)
class Held:
    """A rule that was held back."""

    name: str
    """The name, the network, or the expression as the list writes it: what `Source.accepted` must hold."""
    line: int
    why: WhyHeld
    share: float = 0.0
    """Of the names the school asks for most, how large a part it covers (0 to 1)."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """By what a file is known to be whole."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CompiledList:
    """What of one list went into the generation."""

    id: str
    category: str
    format: str
    rules: int
    skipped: int
    """Lines at fault."""
    sha256: str
    """Of the text that was compiled."""
    size: int = 0
    """Of the text that was compiled, in bytes."""
    unused: int = 0
    """Lines that are well formed but say nothing to DNS."""
    patterns: int = 0
    addresses: int = 0
    """How many of the rules are patterns and networks."""
    shadow: bool = False
    held: tuple[Held, ...] = ()
    """The first rules that were held back for the operator (they are not among `rules`)."""
    held_count: int = 0
    """How many were held back in all."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation is made of."""

    generation: str
    created: str
    """RFC 3339."""
    names: int
    """Names, each counted once however many lists hold it; so are patterns and addresses."""
    patterns: int
    addresses: int
    width: int
    """Bytes of a set number."""
    lists: tuple[CompiledList, ...]
    categories: Mapping[str, int]
    """How many names each category has."""
    files: Mapping[str, FileFacts]
    byte_order: str = sys.byteorder
    format: int = FORMAT

    def content(self) -> str:
        """Return a digest of what was compiled; equal inputs give an equal one, whenever and however often."""
        # How large a share of the school's queries a held rule covers differs every day and changes nothing.
        lists = (replace(each, held=tuple(replace(held, share=0.0) for held in each.held)) for each in self.lists)
        facts = {"lists": [asdict(each) for each in lists], "files": {k: asdict(v) for k, v in self.files.items()}}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> str:
        """Return the text of manifest.json."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """Read a generation's manifest. Raises BrokenIndex."""
    try:
        raw: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        written = (raw["format"], raw["byte_order"])
        if written != (FORMAT, sys.byteorder):
            found = f"format {written[0]}, {written[1]}-endian"
            raise broken(folder, f"expected format {FORMAT}, {sys.byteorder}-endian, found {found}")
        raw["lists"] = tuple(_compiled_list(each) for each in raw["lists"])
        raw["files"] = {name: FileFacts(**facts) for name, facts in raw["files"].items()}
        manifest = Manifest(**raw)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise broken(folder, f"its manifest cannot be read ({type(error).__name__}: {error})") from error
    if set(manifest.files) != {NAMES, SETS, MEMBERSHIPS, PATTERNS} or manifest.width not in WIDTHS:
        raise broken(folder, "its manifest does not describe an index")
    return manifest


def _compiled_list(raw: dict[str, Any]) -> CompiledList:
    held = tuple(Held(**each | {"why": WhyHeld(each["why"])}) for each in raw["held"])
    return CompiledList(**raw | {"held": held})


def facts_of(path: Path) -> FileFacts:
    """Read a file whole and return its size and digest."""
    with path.open("rb") as file:
        return FileFacts(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def verify(folder: Path) -> Manifest:
    """Read every byte of an index and return its manifest. Raises BrokenIndex at the first difference.

    Of the texts, which no look-up needs, only the sizes are checked.
    """
    manifest = read_manifest(folder)
    for name, expected in manifest.files.items():
        try:
            found = facts_of(folder / name)
        except OSError as error:
            raise broken(folder, f"{name} cannot be read ({error.strerror})") from error
        if found != expected:
            raise broken(folder, f"{name} is not the file that was compiled")
    for compiled in manifest.lists:
        text = compiled_text(folder, compiled.id)
        try:
            size = text.stat().st_size
        except OSError as error:
            raise broken(folder, f"{text.name} cannot be read ({error.strerror})") from error
        if size != compiled.size:
            raise broken(folder, f"{text.name} is not the text that was compiled")
    return manifest


def verify_current(lists_folder: Path) -> Manifest | None:
    """Read every byte of the generation in force, for a flipped bit that no opening sees; None if there is none.

    Costs the reading of the index (70 MB for five million names). Raises BrokenIndex.
    """
    generation = current_generation(lists_folder)
    return verify(generation_folder(lists_folder, generation)) if generation else None


def compiled_text(folder: Path, list_id: str) -> Path:
    """Return where a generation keeps the text of a list that it was compiled from."""
    return folder / TEXTS / f"{list_id}.txt"


def current_generation(lists_folder: Path) -> str:
    """Return the name of the generation in force; an empty text if nothing was ever published."""
    try:
        return (lists_folder / CURRENT).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise BrokenIndex(f"expected the name of a generation in {lists_folder / CURRENT}: {error}") from error


def other_generations(lists_folder: Path) -> list[str]:
    """Return what may take the place of a generation in force that is damaged, the best first. Raises OSError.

    Those before it come first, newest first: what is newer was given up once. The candidate is not among them.
    """
    try:
        in_force = current_generation(lists_folder)
    except BrokenIndex:
        in_force = ""
    candidate = ""
    with suppress(OSError, ValueError):
        candidate = (lists_folder / CANDIDATE).read_text(encoding="utf-8").strip()
    folders = (lists_folder / GENERATIONS).glob("[!.]*")
    names = sorted((path.name for path in folders if path.is_dir()), reverse=True)
    others = [name for name in names if name not in (in_force, candidate)]
    return sorted(others, key=lambda name: name > in_force)


def generation_folder(lists_folder: Path, generation: str) -> Path:
    """Return where a generation is kept."""
    if "/" in generation or generation.startswith("."):
        raise BrokenIndex(f"expected the name of a generation in {lists_folder / CURRENT}, found {generation[:80]!r}")
    return lists_folder / GENERATIONS / generation


def broken(folder: Path, why: str) -> BrokenIndex:
    """Return the error that names the folder and the next step."""
    return BrokenIndex(f"the list index {folder} is damaged: {why}; run: schoolfilter lists refresh")
