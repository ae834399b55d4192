"""Add, remove and refresh lists; a text is put in place only after it was found good."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from blocklists.disk import DISK, Disk, alone
from blocklists.errors import ListError
from blocklists.fetch import FetchRules, check_url, fetch
from blocklists.intake import accepted, count, file_chunks, judge, store
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
from blocklists.starters import STARTER, starter_file
from blocklists.suffixes import bundled
from translations import _

_INCOMING = ".incoming-"
"""Begins the name of a text that was not found good yet."""


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


def check_location(location: str) -> str:
    """Return the location in the form in which it is kept: a file by its absolute path. Raises ListError."""
    if location.startswith(STARTER):
        starter_file(location)
        return location
    if "://" in location:
        check_url(location)
        return location
    return str(Path(location).expanduser().absolute())


def add(lists_folder: Path, source: Source, rules: FetchRules, now: datetime, *, disk: Disk = DISK) -> Source:
    """Fetch a new list and register it; nothing is kept of one that cannot be had. Raises ListError, OSError."""
    check_id(source.id)
    check_category(source.category)
    wanted = replace(source, location=check_location(source.location))
    if any(each.id == wanted.id for each in load_sources(lists_folder)):
        raise ListError(_("there is a list {id} already; remove it first, or choose another id").format(id=wanted.id))
    with _obtained(lists_folder, wanted, rules, now, disk) as (incoming, found), alone(lists_folder):
        _put_in_place(lists_folder, incoming, found, disk)
    return found


def remove(lists_folder: Path, list_id: str, *, disk: Disk = DISK) -> None:
    """Forget a list and its text. Raises ListError, OSError."""
    with alone(lists_folder):
        sources = load_sources(lists_folder)
        find_source(sources, list_id)
        # In this order: a text without its list is harmless, a list without its text would stop every compile.
        save_sources(lists_folder, [each for each in sources if each.id != list_id], disk)
        disk.remove(text_path(lists_folder, list_id))


def chosen(lists_folder: Path, list_ids: Sequence[str]) -> tuple[Source, ...]:
    """Return the lists to refresh: those named, or all that are enabled. Raises ListError for an unknown one."""
    sources = load_sources(lists_folder)
    if list_ids:
        return tuple(find_source(sources, list_id) for list_id in dict.fromkeys(list_ids))
    return tuple(source for source in sources if source.enabled)


def refresh(lists_folder: Path, source: Source, rules: FetchRules, now: datetime, *, disk: Disk = DISK) -> Outcome:
    """Get one list anew; if that fails for any reason, its last good text stays and the reason is kept with it."""
    try:
        with _obtained(lists_folder, source, rules, now, disk) as (incoming, found), alone(lists_folder):
            if _still_there(lists_folder, source):
                _put_in_place(lists_folder, incoming, found, disk)
            changed = found.sha256 != source.sha256
            return Outcome(found, Result.CHANGED if changed else Result.UNCHANGED)
    except (ListError, OSError) as error:
        failed = replace(source, last_error=str(error))
        with alone(lists_folder):
            if _still_there(lists_folder, source):
                save_sources(lists_folder, with_source(load_sources(lists_folder), failed), disk)
        return Outcome(failed, Result.FAILED)


@contextmanager
def _obtained(
    lists_folder: Path, source: Source, rules: FetchRules, now: datetime, disk: Disk
) -> Iterator[tuple[Path | None, Source]]:
    """Get a list's text aside and judge it: the file (None if it has not changed) and the list as it stands then."""
    disk.make_folder(lists_folder / TEXTS)
    incoming = lists_folder / TEXTS / f"{_INCOMING}{source.id}"
    try:
        fresh = _transfer(lists_folder, source, rules, incoming)
        if fresh is None:
            yield None, replace(source, last_refresh=now.isoformat(timespec="seconds"), last_error="")
            return
        census = count(incoming, fresh.format, bundled())
        judge(census, source)
        yield incoming, accepted(fresh, census, fresh.sha256, now)
    finally:
        disk.remove(incoming)


def _transfer(lists_folder: Path, source: Source, rules: FetchRules, incoming: Path) -> Source | None:
    """Write what the location holds to a file; return the list with the marks of this version, None if unchanged."""
    if source.location.startswith(STARTER):
        text = starter_file(source.location).read_bytes()
        return replace(source, sha256=store([text], incoming))
    if "://" not in source.location:
        return replace(source, sha256=store(file_chunks(Path(source.location)), incoming))
    # The marks of the last version count only as long as we still have its text.
    have = text_path(lists_folder, source.id).exists()
    marks = (source.etag, source.last_modified) if have else ("", "")
    with fetch(source.location, rules, etag=marks[0], last_modified=marks[1]) as download:
        if download is None:
            return None
        digest = store(download.chunks, incoming)
        return replace(source, sha256=digest, etag=download.etag, last_modified=download.last_modified)


def _still_there(lists_folder: Path, source: Source) -> bool:
    """Tell whether the list was not removed while it was being fetched."""
    return any(each.id == source.id for each in load_sources(lists_folder))


def _put_in_place(lists_folder: Path, incoming: Path | None, found: Source, disk: Disk) -> None:
    if incoming is not None:
        disk.move(incoming, text_path(lists_folder, found.id))
    save_sources(lists_folder, with_source(load_sources(lists_folder), found), disk)
