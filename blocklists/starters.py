"""The lists that come with the program; their texts are in the folders `starter` and `service`."""

from datetime import datetime
from difflib import get_close_matches
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from blocklists.disk import Disk
from blocklists.errors import ListError
from blocklists.generation import facts_of
from blocklists.intake import accepted, count
from blocklists.rules import Format
from blocklists.sources import TEXTS, Source, load_sources, save_sources, text_path
from policy.categories import BY_ID, CATEGORIES
from policy.services import SERVICES
from translations import _

STARTER = "starter:"
"""A location of this scheme names a list for a category: `starter:games`."""
SERVICE = "service:"
"""A location of this scheme names the domains of a service: `service:youtube`."""
PACKAGED = (STARTER, SERVICE)
"""Locations that need no network and no file of the school."""

OFFERED = "packaged.txt"
"""Names the packaged lists that this school has been given once, so that one it removed stays removed."""

_FURTHER: dict[str, tuple[str, str, Format | None]] = {
    "gambling-local": ("gambling", "Gambling in Kazakhstan and Kyrgyzstan (starter)", None),
    "gambling-names": ("gambling", "Gambling: patterns of names (starter)", Format.ADBLOCK),
}
"""Starter lists beside the one of each category: category, title, format."""

_FIRST_OFFER = frozenset(f"starter-{category.id}" for category in CATEGORIES)
"""What version 0.1 came with; it kept no record."""


def starter_sources() -> tuple[Source, ...]:
    """Return the lists for categories as a new installation has them."""
    return tuple(
        Source(
            id=f"starter-{category.id}",
            title=f"{category.title('en')} (starter)",
            category=category.id,
            location=STARTER + category.id,
            licence="Apache-2.0",
        )
        for category in CATEGORIES
    ) + tuple(
        Source(
            id=f"starter-{name}",
            title=title,
            category=category,
            location=STARTER + name,
            format=form,
            licence="Apache-2.0",
        )
        for name, (category, title, form) in _FURTHER.items()
    )


def service_sources() -> tuple[Source, ...]:
    """Return the lists of services; they block nothing until a group is kept from a service."""
    return tuple(
        Source(
            id=f"service-{service.id}",
            title=service.title("en"),
            category=service.id,
            location=SERVICE + service.id,
            licence="MIT",
            homepage="https://github.com/v2fly/domain-list-community",
        )
        for service in SERVICES
    )


def packaged_sources() -> tuple[Source, ...]:
    """Return all lists that come with the program."""
    return starter_sources() + service_sources()


def is_packaged(location: str) -> bool:
    """Say whether the text of a list comes with the program."""
    return location.startswith(PACKAGED)


def packaged_text(location: str) -> Traversable:
    """Return the file behind a `starter:` or `service:` location. Raises ListError, naming the nearest."""
    if location.startswith(SERVICE):
        folder, name = "service", location.removeprefix(SERVICE)
        known = [service.id for service in SERVICES]
    else:
        folder, name = "starter", location.removeprefix(STARTER)
        known = [*BY_ID, *_FURTHER]
    if name not in known:
        nearest = get_close_matches(name, known, n=1, cutoff=0.5)
        if nearest:
            message = _("no list {found!r} comes with the program; did you mean {nearest!r}?")
            raise ListError(message.format(found=location, nearest=f"{folder}:{nearest[0]}"))
        message = _("no list {found!r} comes with the program; there are: {known}")
        raise ListError(message.format(found=location, known=", ".join(known)))
    return files("blocklists").joinpath(folder, f"{name}.txt")


def register_starter(lists_folder: Path, disk: Disk, now: datetime) -> None:
    """Make the packaged lists the school's lists. The caller holds the folder alone."""
    everything = packaged_sources()
    save_sources(lists_folder, [_placed(lists_folder, source, disk, now) for source in everything], disk)
    _remember(lists_folder, {source.id for source in everything}, disk)


def missing_packaged(lists_folder: Path, sources: tuple[Source, ...]) -> tuple[Source, ...]:
    """Return the packaged lists that this school was never given: those of a newer version. Raises OSError."""
    offered = _offered(lists_folder) | {source.id for source in sources}
    return tuple(source for source in packaged_sources() if source.id not in offered)


def register_missing(lists_folder: Path, disk: Disk, now: datetime) -> tuple[Source, ...]:
    """Add what `missing_packaged` names to the school's lists, and return it. The caller holds the folder alone.

    Raises ListError, OSError.
    """
    sources = load_sources(lists_folder)
    added = tuple(_placed(lists_folder, each, disk, now) for each in missing_packaged(lists_folder, sources))
    if added:
        save_sources(lists_folder, (*sources, *added), disk)
        # Written last: a cut before it is harmless, for what stands among the sources counts as offered, too.
        _remember(lists_folder, _offered(lists_folder) | {source.id for source in added}, disk)
    return added


def _placed(lists_folder: Path, source: Source, disk: Disk, now: datetime) -> Source:
    """Put the text of a packaged list in place and return the list as it stands then."""
    disk.make_folder(lists_folder / TEXTS)
    path = text_path(lists_folder, source.id)
    disk.write(path, packaged_text(source.location).read_bytes())
    census = count(path, source)
    return accepted(source, census, facts_of(path).sha256, now)


def _offered(lists_folder: Path) -> frozenset[str]:
    try:
        return frozenset((lists_folder / OFFERED).read_text(encoding="utf-8").split())
    except FileNotFoundError:
        return _FIRST_OFFER


def _remember(lists_folder: Path, ids: set[str] | frozenset[str], disk: Disk) -> None:
    disk.replace_text(lists_folder / OFFERED, "".join(f"{each}\n" for each in sorted(ids)))
