"""One compiled generation of the index: the files of its folder and what its manifest says."""

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from blocklists.errors import BrokenIndex
from blocklists.formats import Scope

FORMAT = 1
"""Raised when an older program could not read what we write."""

NAMES = "names.marisa"
"""A trie over reversed labels; it numbers its keys."""
SETS = "sets.bin"
"""For each key number the number of its membership set, in the machine's byte order."""
MEMBERSHIPS = "sets.json"
"""What the membership sets are: {"memberships": [[list, category, scope, allows], …], "sets": [[0, 3], …]}."""
MANIFEST = "manifest.json"

GENERATIONS = "generations"
CURRENT = "current"
"""A text file that holds the name of the generation in force; replacing it is what publishes one."""

WIDTHS: Mapping[int, Literal["B", "H", "I"]] = {1: "B", 2: "H", 4: "I"}
"""Bytes of a set number and its code in `array` and `struct`."""


class Membership(NamedTuple):
    """What one list says of a name."""

    list_id: str
    category: str
    scope: Scope
    allows: bool


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
    sha256: str
    """Of the text that was compiled."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation is made of."""

    generation: str
    created: str
    """RFC 3339."""
    names: int
    width: int
    lists: tuple[CompiledList, ...]
    categories: Mapping[str, int]
    """How many names each category has."""
    files: Mapping[str, FileFacts]
    byte_order: str = sys.byteorder
    format: int = FORMAT

    def content(self) -> str:
        """Return a digest of what was compiled; equal inputs give an equal one, whenever and however often."""
        facts = {"lists": [asdict(each) for each in self.lists], "files": {k: asdict(v) for k, v in self.files.items()}}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> str:
        """Return the text of manifest.json."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """Read a generation's manifest. Raises BrokenIndex."""
    try:
        raw: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        raw["lists"] = tuple(CompiledList(**each) for each in raw["lists"])
        raw["files"] = {name: FileFacts(**facts) for name, facts in raw["files"].items()}
        manifest = Manifest(**raw)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise broken(folder, f"its manifest cannot be read ({type(error).__name__}: {error})") from error
    if (manifest.format, manifest.byte_order) != (FORMAT, sys.byteorder):
        found = f"format {manifest.format}, {manifest.byte_order}-endian"
        raise broken(folder, f"expected format {FORMAT}, {sys.byteorder}-endian, found {found}")
    if set(manifest.files) != {NAMES, SETS, MEMBERSHIPS} or manifest.width not in WIDTHS:
        raise broken(folder, "its manifest does not describe an index")
    return manifest


def facts_of(path: Path) -> FileFacts:
    """Read a file whole and return its size and digest."""
    with path.open("rb") as file:
        return FileFacts(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def verify(folder: Path) -> Manifest:
    """Read every byte of a generation and return its manifest. Raises BrokenIndex at the first difference."""
    manifest = read_manifest(folder)
    for name, expected in manifest.files.items():
        try:
            found = facts_of(folder / name)
        except OSError as error:
            raise broken(folder, f"{name} cannot be read ({error.strerror})") from error
        if found != expected:
            raise broken(folder, f"{name} is not the file that was compiled")
    return manifest


def current_generation(lists_folder: Path) -> str:
    """Return the name of the generation in force; an empty text if nothing was ever published."""
    try:
        return (lists_folder / CURRENT).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise BrokenIndex(f"expected the name of a generation in {lists_folder / CURRENT}: {error}") from error


def generation_folder(lists_folder: Path, generation: str) -> Path:
    """Return where a generation is kept."""
    if "/" in generation or generation.startswith("."):
        raise BrokenIndex(f"expected the name of a generation in {lists_folder / CURRENT}, found {generation[:80]!r}")
    return lists_folder / GENERATIONS / generation


def broken(folder: Path, why: str) -> BrokenIndex:
    """Return the error that names the folder and the next step."""
    return BrokenIndex(f"the list index {folder} is damaged: {why}; run: schoolfilter lists refresh")
