"""Read the lists that come with the program as a compile reads them."""

from pathlib import Path

from blocklists.rules import Item, Rule
from blocklists.sources import Source, read_items
from blocklists.starters import packaged_text


def path_of(source: Source) -> Path:
    return Path(str(packaged_text(source.location)))


def items_of(source: Source) -> list[Item]:
    return list(read_items(path_of(source), source))


def rules_of(source: Source) -> list[Rule]:
    items = items_of(source)
    assert all(isinstance(item, Rule) for item in items), "a packaged list has no line that is skipped"
    return [item for item in items if isinstance(item, Rule)]
