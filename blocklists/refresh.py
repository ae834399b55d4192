"""Add, remove, refresh and change lists; a text is put in place only after it was found good."""

import mmap
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, TypedDict, Unpack
from urllib.parse import unquote, urlsplit

from blocklists.disk import DISK, Disk, alone
from blocklists.errors import ListError, RefusedText
from blocklists.fetch import FetchRules, Marks, Progress, fetch
from blocklists.intake import BAD_PERCENT, accepted, check_file, count, judge, store
from blocklists.parts import forget_part
from blocklists.places import check_url
from blocklists.rules import Format
from blocklists.signature import (
    check_checksum,
    check_signature,
    find_checksum,
    parse_public_key,
    parse_signature,
)
from blocklists.sources import (
    TEXTS,
    Source,
    check_category,
    check_id,
    find_source,
    load_sources,
    save_sources,
    text_path,
    with_source,
)
from blocklists.starters import is_packaged, packaged_text
from blocklists.unpack import unpacked, unpacked_path
from translations import _

_INCOMING = ".incoming-"
"""Begins the name of a text that was not found good yet."""
_PART = ".part-"
"""Begins the name of a transfer; one that was cut off is continued by the next refresh."""
_STALE = timedelta(days=7)
"""What is left of a transfer or a crash longer than this is of no use any more."""
_TRANSFERS = "transfers"
"""Locked while a list is transferred, so that two processes do not write the same part."""
_MAX_SMALL = 1 << 20
"""Bytes of a file of checksums or a signature."""
_MINISIG = ".minisig"
_PIECE = 1 << 16


class Result(StrEnum):
    """How a refresh went."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a refresh did to one list."""

    source: Source
    result: Result
    words: str = ""
    """Why nothing was taken though there was something; empty if there is nothing to be said."""


class Changes(TypedDict, total=False):
    """The settings of a list that may be changed after it was added."""

    title: str
    category: str
    format: Format | None
    subdomains: bool | None
    suffixes: bool
    accepted: tuple[str, ...]
    shadow: bool
    enabled: bool


@dataclass(frozen=True, slots=True)
class _Way:
    """How lists are taken in."""

    rules: FetchRules
    now: datetime
    bad_percent: int
    force: bool
    progress: Progress | None
    disk: Disk


@dataclass(frozen=True, slots=True)
class _Taken:
    """What came from where a list lives."""

    sha256: str
    marks: Marks
    form: Format | None = None
    """None if the place does not tell it."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What came of looking for a new text."""

    source: Source
    """The list as it stood when it was looked for."""
    text: Path | None
    """None if there is nothing to be put in place."""
    settled: Callable[[Source], Source]
    """Returns the list as it stands then. A function, as somebody may have changed its settings meanwhile."""
    words: str = ""
    sha256: str = ""
    """Of the text that is to be put in place; empty if there is none."""


def check_location(location: str) -> str:
    """Return the location in the form in which it is kept: a file by its absolute path. Raises ListError."""
    if is_packaged(location):
        packaged_text(location)
        return location
    if "://" in location:
        check_url(location)
        return location
    return str(Path(location).expanduser().absolute())


def add(
    lists_folder: Path,
    source: Source,
    rules: FetchRules,
    now: datetime,
    *,
    bad_percent: int = BAD_PERCENT,
    force: bool = False,
    progress: Progress | None = None,
    disk: Disk = DISK,
) -> Source:
    """Fetch a new list and register it; nothing is kept of one that cannot be had. Raises ListError, OSError.

    `force` takes a text though many of its lines are at fault.
    """
    check_id(source.id)
    check_category(source.category)
    wanted = replace(source, location=check_location(source.location))
    if source.checksum:
        wanted = replace(wanted, checksum=check_location(source.checksum))
    if source.minisign:
        parse_public_key(source.minisign)
    _refuse_taken_id(lists_folder, wanted.id)
    way = _Way(rules, now, bad_percent, force, progress, disk)
    with _obtained(lists_folder, wanted, way) as found, alone(lists_folder):
        _refuse_taken_id(lists_folder, wanted.id)  # another process may have been faster
        return _put_in_place(lists_folder, found, wanted, disk)


def remove(lists_folder: Path, list_id: str, *, disk: Disk = DISK) -> None:
    """Forget a list and its text. Raises ListError, OSError."""
    with alone(lists_folder):
        sources = load_sources(lists_folder)
        find_source(sources, list_id)
        # In this order: a text without its list is harmless, a list without its text would stop every compile.
        save_sources(lists_folder, [each for each in sources if each.id != list_id], disk)
        disk.remove(text_path(lists_folder, list_id))
    forget_part(_part_path(lists_folder, list_id))


def change(lists_folder: Path, list_id: str, *, disk: Disk = DISK, **changes: Unpack[Changes]) -> Source:
    """Change settings of a list and return it as it stands then. Raises ListError, OSError.

    What changes how its text is read has the text read again: one that holds no rule then is refused.
    """
    if "category" in changes:
        check_category(changes["category"])
    with alone(lists_folder):
        sources = load_sources(lists_folder)
        before = find_source(sources, list_id)
        after = replace(before, **changes)
        after = replace(after, accepted=tuple(dict.fromkeys(after.accepted)))
        if (after.format, after.subdomains) != (before.format, before.subdomains):
            census = count(text_path(lists_folder, list_id), after)
            judge(census, after, force=True)
            after = replace(after, rules=census.rules, skipped=census.skipped, unused=census.unused)
        if after != before:
            save_sources(lists_folder, with_source(sources, after), disk)
        return after


def chosen(lists_folder: Path, list_ids: Sequence[str]) -> tuple[Source, ...]:
    """Return the lists to refresh: those named, or all that are enabled. Raises ListError for an unknown one."""
    sources = load_sources(lists_folder)
    if list_ids:
        return tuple(find_source(sources, list_id) for list_id in dict.fromkeys(list_ids))
    return tuple(source for source in sources if source.enabled)


def refresh(
    lists_folder: Path,
    source: Source,
    rules: FetchRules,
    now: datetime,
    *,
    bad_percent: int = BAD_PERCENT,
    force: bool = False,
    progress: Progress | None = None,
    disk: Disk = DISK,
) -> Outcome:
    """Get one list anew; if that fails for any reason, its last good text stays and the reason is kept with it.

    `force` takes a text that shrank, grew or has many lines at fault, and one that was rolled back or refused before.
    """
    way = _Way(rules, now, bad_percent, force, progress, disk)
    try:
        with _obtained(lists_folder, source, way) as found, alone(lists_folder):
            before = _registered(lists_folder, source)
            if before is None:  # removed while it was being fetched
                return Outcome(found.settled(source), Result.UNCHANGED, _("the list was removed meanwhile"))
            if _way_to(before) != _way_to(found.source):
                words = _("the list was changed while it was fetched, so what came was not taken; refresh it again")
                return Outcome(before, Result.UNCHANGED, words)
            if _is_refused(found.sha256, before) and not force:  # rolled back while it was being fetched
                return Outcome(before, Result.UNCHANGED, _not_again())
            after = _put_in_place(lists_folder, found, before, disk)
            changed = after.sha256 != before.sha256
            return Outcome(after, Result.CHANGED if changed else Result.UNCHANGED, found.words)
    except (ListError, OSError) as error:
        with alone(lists_folder):
            before = _registered(lists_folder, source)
            failed = replace(before or source, last_error=str(error))
            if before is not None:
                save_sources(lists_folder, with_source(load_sources(lists_folder), failed), disk)
        return Outcome(failed, Result.FAILED, str(error))


@contextmanager
def _obtained(lists_folder: Path, source: Source, way: _Way) -> Iterator[_Found]:
    """Get a list's text aside and judge it. Raises ListError, OSError."""
    texts = lists_folder / TEXTS
    way.disk.make_folder(texts)
    incoming = texts / f"{_INCOMING}{source.id}"
    with alone(lists_folder, _TRANSFERS):
        _sweep(texts, way)
        try:
            # A round takes hours: what it was called with may have been rolled back or changed since.
            yield _look(lists_folder, _registered(lists_folder, source) or source, incoming, way)
        finally:
            way.disk.remove(incoming)


def _look(lists_folder: Path, source: Source, incoming: Path, way: _Way) -> _Found:
    """Write a new text to a file and judge it. Raises ListError, OSError."""
    taken = _transfer(lists_folder, source, incoming, way)
    moment = way.now.isoformat(timespec="seconds")
    if taken is None:
        # The server knows the version that it sent last, whatever became of that here.
        words = _not_again() if source.rejected else ""
        return _Found(source, None, lambda now: replace(now, last_refresh=moment, last_error=words), words)
    sha256, marks = taken.sha256, taken.marks
    if _is_refused(sha256, source) and not way.force:
        words = _not_again()

        def refused(now: Source) -> Source:
            # The server will say that nothing changed since: it is this text that is not taken.
            rejected = sha256 if now.rejected == source.rejected else now.rejected
            return replace(now, rejected=rejected, last_error=words, etag=marks.etag, last_modified=marks.last_modified)

        return _Found(source, None, refused, words)
    form = source.format or taken.form
    census = count(incoming, replace(source, format=form))
    judge(census, source, bad_percent=way.bad_percent, force=way.force)

    def settled(now: Source) -> Source:
        kept = replace(now, format=now.format or taken.form, etag=marks.etag, last_modified=marks.last_modified)
        after = accepted(kept, census, sha256, way.now)
        if now.rejected not in (source.rejected, sha256):  # something was rejected while this was being fetched
            after = replace(after, rejected=now.rejected)
        return replace(after, rolled_back=tuple(each for each in after.rolled_back if each != sha256))

    return _Found(source, incoming, settled, sha256=sha256)


def _transfer(lists_folder: Path, source: Source, incoming: Path, way: _Way) -> _Taken | None:
    """Write the text that the location holds to a file; return what is known of it, None if it has not changed."""
    if is_packaged(source.location):
        return _Taken(store([packaged_text(source.location).read_bytes()], incoming), Marks())
    texts = lists_folder / TEXTS
    forms: list[Format] = []
    if "://" not in source.location:
        path = Path(source.location)
        check_file(path)
        _verify(source, path, lists_folder, way)
        sha256 = store(unpacked_path(path, source.member, source.format, texts, forms.append), incoming)
        return _Taken(sha256, Marks(), next(iter(forms), None))
    # The marks of the last version count only as long as we still have its text.
    known = text_path(lists_folder, source.id).exists() and not way.force
    marks = Marks(source.etag, source.last_modified) if known else Marks()
    part = _part_path(lists_folder, source.id)
    exact = bool(source.checksum or source.minisign)
    fresh = fetch(source.location, part, way.rules, marks, exact=exact, progress=way.progress)
    if fresh is None:
        return None
    try:
        _verify(source, part, lists_folder, way)
        with part.open("rb") as file:
            sha256 = store(unpacked(file, source.member, texts, forms.append), incoming)
        return _Taken(sha256, fresh, next(iter(forms), None))
    finally:
        forget_part(part)


def _verify(source: Source, path: Path, lists_folder: Path, way: _Way) -> None:
    """Compare what came, as it came, with its checksum and signature. Raises ListError, OSError."""
    if not source.checksum and not source.minisign:
        return
    if path.is_dir():
        raise RefusedText(_("expected a file to compare with its checksum, found the folder {path}").format(path=path))
    aside = _part_path(lists_folder, source.id + "-check")
    with path.open("rb") as file:
        if source.checksum:
            text = _small(source.checksum, aside, way).decode("utf-8", "replace")
            name = unquote(urlsplit(source.location).path if "://" in source.location else source.location)
            check_checksum(find_checksum(text, name.rpartition("/")[2]), iter(lambda: file.read(_PIECE), b""))
        if source.minisign:
            signature = parse_signature(_small(_signature_of(source.location), aside, way))
            with _mapped(file) as data:
                check_signature(parse_public_key(source.minisign), signature, data)


def _signature_of(location: str) -> str:
    if "://" not in location:
        return location + _MINISIG
    parts = urlsplit(location)
    return parts._replace(path=parts.path + _MINISIG).geturl()


def _small(location: str, aside: Path, way: _Way) -> bytes:
    """Return a small file that belongs to a list. Raises ListError, OSError."""
    if "://" not in location:
        path = Path(location)
        check_file(path)
        with path.open("rb") as file:
            return file.read(_MAX_SMALL)
    try:
        fetch(location, aside, way.rules, limit=_MAX_SMALL, exact=True)
        return aside.read_bytes()
    finally:
        forget_part(aside)


@contextmanager
def _mapped(file: BinaryIO) -> Iterator[bytes | memoryview]:
    """Show a file as bytes without holding it in memory."""
    if not os.fstat(file.fileno()).st_size:  # there is nothing to map
        yield b""
        return
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data, memoryview(data) as view:
        yield view


def _part_path(lists_folder: Path, list_id: str) -> Path:
    return lists_folder / TEXTS / f"{_PART}{list_id}"


def _sweep(texts: Path, way: _Way) -> None:
    """Remove what transfers and crashes left long ago."""
    oldest = (way.now - _STALE).timestamp()
    for path in texts.glob(".*"):
        if path.name.startswith((_INCOMING, _PART)) and path.stat().st_mtime < oldest:
            way.disk.remove(path)


def _refuse_taken_id(lists_folder: Path, list_id: str) -> None:
    if any(each.id == list_id for each in load_sources(lists_folder)):
        raise ListError(_("there is a list {id} already; remove it first, or choose another id").format(id=list_id))


def _registered(lists_folder: Path, source: Source) -> Source | None:
    """Return the list as it stands now; None if it was removed while it was being fetched."""
    return next((each for each in load_sources(lists_folder) if each.id == source.id), None)


def _way_to(source: Source) -> tuple[object, ...]:
    """Return what decides which text is a list's: if it is another one now, what came is not the list's text."""
    return source.location, source.member, source.format, source.checksum, source.minisign


def _is_refused(sha256: str, source: Source) -> bool:
    """Tell whether a text was refused or rolled back, ever, and is not the one in force."""
    return bool(sha256) and sha256 != source.sha256 and sha256 in (source.rejected, *source.rolled_back)


def _put_in_place(lists_folder: Path, found: _Found, before: Source, disk: Disk) -> Source:
    after = found.settled(before)
    if found.text is not None:
        disk.move(found.text, text_path(lists_folder, after.id))
    save_sources(lists_folder, with_source(load_sources(lists_folder), after), disk)
    return after


def _not_again() -> str:
    return _(
        "what is published now was refused or rolled back here before, so the text in force stays; "
        "to take it nevertheless: refresh the list with --force"
    )
