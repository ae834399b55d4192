"""The lists a school has: `sources.json` and the last good text of each."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from blocklists.disk import DISK, Disk
from blocklists.errors import ListError
from blocklists.formats import Format, Item, detect, parse
from blocklists.lines import text_lines
from blocklists.suffixes import Suffixes, refuse_suffixes
from policy.categories import BY_ID
from translations import _

SOURCES = "sources.json"
TEXTS = "texts"
_FORMAT = 1
_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""It names a file and stands in a column of the query log."""


@dataclass(frozen=True, slots=True)
class Source:
    """One list: what it is, where it lives, and how its last refresh went."""

    id: str
    title: str
    category: str
    location: str
    """A file's absolute path, an https: URL, or `starter:CATEGORY`."""
    format: Format | None = None
    """None means: detected anew in each text."""
    enabled: bool = True
    last_refresh: str = ""
    """When the text was last found good (RFC 3339); empty if never."""
    last_error: str = ""
    """Why the last attempt failed; empty if it did not."""
    rules: int = 0
    skipped: int = 0
    sha256: str = ""
    etag: str = ""
    last_modified: str = ""


def check_id(list_id: str) -> str:
    """Return the id if it can be one. Raises ListError."""
    if not _ID.fullmatch(list_id):
        expected = _("expected an id of small letters, digits and hyphens such as my-list, found {found!r}")
        raise ListError(expected.format(found=list_id))
    return list_id


def check_category(category: str) -> str:
    """Return the category if there is one of that id. Raises ListError, naming the nearest."""
    if category in BY_ID:
        return category
    nearest = get_close_matches(category, BY_ID, n=1, cutoff=0.5)
    if nearest:
        message = _("there is no category {found!r}; did you mean {nearest!r}?")
        raise ListError(message.format(found=category, nearest=nearest[0]))
    message = _("there is no category {found!r}; there are: {known}")
    raise ListError(message.format(found=category, known=", ".join(BY_ID)))


def load_sources(lists_folder: Path) -> tuple[Source, ...]:
    """Return the lists in their order; none if the folder is new. Raises ListError."""
    path = lists_folder / SOURCES
    try:
        raw: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    try:
        if raw["format"] != _FORMAT:
            raise ValueError(f"expected format {_FORMAT}, found {raw['format']!r}")
        return tuple(_source(each) for each in raw["lists"])
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(path, error) from error


def save_sources(lists_folder: Path, sources: Sequence[Source], disk: Disk = DISK) -> None:
    """Replace `sources.json` at once. The caller holds the folder alone."""
    text = json.dumps({"format": _FORMAT, "lists": [asdict(each) for each in sources]}, ensure_ascii=False, indent=1)
    disk.replace_text(lists_folder / SOURCES, text + "\n")


def find_source(sources: Sequence[Source], list_id: str) -> Source:
    """Return the list of that id. Raises ListError, naming the nearest."""
    for source in sources:
        if source.id == list_id:
            return source
    nearest = get_close_matches(list_id, [each.id for each in sources], n=1, cutoff=0.4)
    if nearest:
        message = _("there is no list {found!r}; did you mean {nearest!r}?")
        raise ListError(message.format(found=list_id, nearest=nearest[0]))
    message = _("there is no list {found!r}; `schoolfilter lists show` names those there are")
    raise ListError(message.format(found=list_id))


def with_source(sources: Sequence[Source], changed: Source) -> tuple[Source, ...]:
    """Return the lists with one of them replaced, or added at the end."""
    if any(each.id == changed.id for each in sources):
        return tuple(changed if each.id == changed.id else each for each in sources)
    return (*sources, changed)


def text_path(lists_folder: Path, list_id: str) -> Path:
    """Return where the last good text of a list is kept."""
    return lists_folder / TEXTS / f"{list_id}.txt"


def detect_in(path: Path) -> Format:
    """Return the format of a text. Raises OSError."""
    with path.open("rb") as stream:
        return detect(text_lines(stream))


def read_items(path: Path, form: Format, suffixes: Suffixes) -> Iterator[Item]:
    """Yield what a text says, as it is compiled. Raises OSError."""
    with path.open("rb") as stream:
        yield from refuse_suffixes(parse(text_lines(stream), form), suffixes)


def _source(raw: dict[str, Any]) -> Source:
    known = {field.name for field in fields(Source)}
    source = Source(**{key: value for key, value in raw.items() if key in known})
    return replace(source, format=Format(source.format) if source.format else None)


def _unreadable(path: Path, error: Exception) -> ListError:
    return ListError(
        _(
            "{path} cannot be read ({error}): restore it from a backup, or remove it to begin with the starter lists"
        ).format(path=path, error=error)
    )
