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
from blocklists.formats import cancelled_rules, detect, parse
from blocklists.lines import text_lines
from blocklists.rules import Format, Item
from policy.categories import BY_ID
from policy.services import SERVICES_BY_ID
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
    """The absolute path of a file or folder, an https: URL, `starter:CATEGORY` or `service:SERVICE`."""
    format: Format | None = None
    """None means: detected anew in each text."""
    member: str = ""
    """Which part of an archive or folder: a category of UT1 (`gambling`), a file of v2fly (`youtube`)."""
    subdomains: bool | None = None
    """For plain domains: whether a name covers what is below it; None means: as the format has it."""
    suffixes: bool = False
    """Whether public suffixes are listed on purpose (lists of dynamic DNS or hosting)."""
    accepted: tuple[str, ...] = ()
    """Names that were held back and that the operator let through."""
    shadow: bool = False
    """On trial: only counted what it would have blocked."""
    enabled: bool = True
    licence: str = ""
    homepage: str = ""
    checksum: str = ""
    """Where the file of checksums is that names the list (SHA-256, SHA-512 or MD5); empty if there is none."""
    minisign: str = ""
    """The public key that signs the list (`LOCATION.minisig`); empty if nobody signs it."""
    last_refresh: str = ""
    """When the text was last found good (RFC 3339); empty if never."""
    last_error: str = ""
    """Why the last attempt failed; empty if it did not."""
    rules: int = 0
    skipped: int = 0
    """Lines at fault."""
    unused: int = 0
    """Lines that are well formed but say nothing to DNS."""
    rejected: str = ""
    """The SHA-256 of a text that was rolled back or refused at publishing; it is not taken again."""
    rolled_back: tuple[str, ...] = ()
    """The SHA-256 of texts that were rolled back, newest first; a source that goes back to one of them is not followed,
    even after others were taken, unless it is forced."""
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
    """Return the category or service if there is one of that id. Raises ListError, naming the nearest."""
    if category in BY_ID or category in SERVICES_BY_ID:
        return category
    nearest = get_close_matches(category, [*BY_ID, *SERVICES_BY_ID], n=1, cutoff=0.5)
    if nearest:
        message = _("there is no category {found!r}; did you mean {nearest!r}?")
        raise ListError(message.format(found=category, nearest=nearest[0]))
    message = _("there is no category {found!r}; there are: {known}; and the services: {services}")
    raise ListError(message.format(found=category, known=", ".join(BY_ID), services=", ".join(SERVICES_BY_ID)))


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


def read_items(path: Path, source: Source) -> Iterator[Item]:
    """Yield what a text says, read as the list's settings have it. Raises OSError."""
    form = source.format or detect_in(path)
    cancelled: frozenset[str] = frozenset()
    if form is Format.ADBLOCK:  # `$badfilter` takes back rules that may stand before it
        with path.open("rb") as stream:
            cancelled = cancelled_rules(text_lines(stream))
    with path.open("rb") as stream:
        yield from parse(text_lines(stream), form, subdomains=source.subdomains, cancelled=cancelled)


def _source(raw: dict[str, Any]) -> Source:
    known = {field.name for field in fields(Source)}
    source = Source(**{key: value for key, value in raw.items() if key in known})
    # JSON knows neither enums nor tuples.
    return replace(
        source,
        format=Format(source.format) if source.format else None,
        accepted=tuple(source.accepted),
        rolled_back=tuple(source.rolled_back),
    )


def _unreadable(path: Path, error: Exception) -> ListError:
    return ListError(
        _(
            "{path} cannot be read ({error}): restore it from a backup, or remove it to begin with the starter lists"
        ).format(path=path, error=error)
    )
