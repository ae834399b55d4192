"""Find the lines of the lists' texts that hold a name or a parent of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from blocklists.errors import ListError
from blocklists.formats import Format, Item, Rule, Scope, parse
from blocklists.lines import text_blocks
from blocklists.sources import Source, detect_in, load_sources, text_path
from blocklists.suffixes import Suffixes, bundled, refuse_suffixes
from policy.names import with_parents


@dataclass(frozen=True, slots=True)
class Hit:
    """A line of a list that speaks of a name."""

    list_id: str
    category: str
    line: int
    name: str
    """The listed name: the one asked for or a parent."""
    scope: Scope
    allows: bool
    enabled: bool
    """Whether the list is compiled at all."""


def search(lists_folder: Path, name: str) -> tuple[Hit, ...]:
    """Return every line that covers a canonical name, list by list, the most specific listed name first."""
    return tuple(hit for source in load_sources(lists_folder) for hit in _hits(lists_folder, source, name))


def find_line(lists_folder: Path, list_id: str, name: str) -> int | None:
    """Return the line of a list that speaks of a canonical name most specifically; None if there is none."""
    try:
        source = next((each for each in load_sources(lists_folder) if each.id == list_id), None)
        hits = _hits(lists_folder, source, name) if source is not None else []
    except (ListError, OSError):  # who asks explains a decision that stands; the line is an extra
        return None
    return hits[0].line if hits else None


def _hits(lists_folder: Path, source: Source, name: str) -> list[Hit]:
    path = text_path(lists_folder, source.id)
    if not path.exists():
        return []
    covering = list(with_parents(name))
    with path.open("rb") as stream:
        rules = [
            item
            for item in _rules_about(stream, source.format or detect_in(path), name, bundled())
            if item.name in covering and (item.scope is Scope.SUBTREE or item.name == name)
        ]
    rules.sort(key=lambda rule: (covering.index(rule.name), rule.line))
    return [
        Hit(source.id, source.category, rule.line, rule.name, rule.scope, rule.allows, source.enabled) for rule in rules
    ]


def _rules_about(stream: BinaryIO, form: Format, name: str, suffixes: Suffixes) -> Iterator[Rule]:
    """Parse only the blocks that can speak of the name: five million lines are searched in a second, not in ten.

    Every name that covers it (no single label does) ends in its last two labels. A block with other than ASCII
    letters is parsed in any case, for there the name may be written differently.
    """
    needle = ".".join(name.split(".")[-2:])
    first = 1
    for lines in text_blocks(stream):
        text = "\n".join(lines)
        if not text.isascii() or needle in text.lower():
            items: Iterator[Item] = refuse_suffixes(parse(lines, form, first), suffixes)
            yield from (item for item in items if isinstance(item, Rule))
        first += len(lines)
