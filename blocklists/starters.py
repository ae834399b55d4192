"""The lists that come with the program, one for each category; their texts are in the folder `starter`."""

from datetime import datetime
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from blocklists.disk import Disk
from blocklists.errors import ListError
from blocklists.generation import facts_of
from blocklists.intake import accepted, count
from blocklists.sources import TEXTS, Source, save_sources, text_path
from blocklists.suffixes import bundled
from policy.categories import BY_ID, CATEGORIES
from translations import _

STARTER = "starter:"
"""A location of this scheme names a list that comes with the program: `starter:games`."""


def starter_sources() -> tuple[Source, ...]:
    """Return the starter lists as a new installation has them."""
    return tuple(
        Source(
            id=f"starter-{category.id}",
            title=f"{category.title('en')} (starter)",
            category=category.id,
            location=STARTER + category.id,
        )
        for category in CATEGORIES
    )


def starter_file(location: str) -> Traversable:
    """Return the file behind a `starter:` location. Raises ListError."""
    name = location.removeprefix(STARTER)
    if name not in BY_ID:
        message = _("there is no starter list {found!r}; there are: {known}")
        raise ListError(message.format(found=name, known=", ".join(BY_ID)))
    return files("blocklists").joinpath("starter", f"{name}.txt")


def register_starter(lists_folder: Path, disk: Disk, now: datetime) -> None:
    """Make the starter lists the school's lists. The caller holds the folder alone."""
    disk.make_folder(lists_folder / TEXTS)
    registered = []
    for source in starter_sources():
        path = text_path(lists_folder, source.id)
        disk.write(path, starter_file(source.location).read_bytes())
        census = count(path, None, bundled())
        registered.append(accepted(source, census, facts_of(path).sha256, now))
    save_sources(lists_folder, registered, disk)
