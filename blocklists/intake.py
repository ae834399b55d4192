"""Take the text of a list in: unpack it, bound it, look at what it is, and refuse what would harm the school."""

import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path

from blocklists.errors import RefusedText
from blocklists.formats import Format, Rule, Skipped
from blocklists.sources import Source, detect_in, read_items
from blocklists.suffixes import Suffixes
from translations import _

MAX_TRANSFER = 64 << 20
"""Bytes that may come over the net or from a file; the largest public lists have some 100 MB, 25 MB packed."""
MAX_TEXT = 256 << 20
"""Bytes after unpacking: a bomb of 64 MiB would otherwise fill the disk."""

SHRINK_FLOOR = 100
"""Below so many rules a list may change as it likes: it is small or made by hand."""
SHRINK_SHARE = 0.5
"""A list that loses more than this at once has been cut off, emptied or replaced by something else."""

_GZIP = b"\x1f\x8b"
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Census:
    """What a text holds."""

    format: Format
    rules: int
    skipped: int
    first_skipped: tuple[Skipped, ...]


def store(chunks: Iterable[bytes], target: Path) -> str:
    """Write what came to a file, unpacked, and return its SHA-256. Raises RefusedText.

    The file is forced to the disk, so that the caller only has to put it in place.
    """
    digest = hashlib.sha256()
    size = 0
    with target.open("wb") as file:
        for piece in _unpacked(_bounded(chunks)):
            if size == 0:
                _refuse_other_things(piece)
            size += len(piece)
            if size > MAX_TEXT:
                raise RefusedText(_("expected a list of at most {limit} MiB, found more").format(limit=MAX_TEXT >> 20))
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def count(text: Path, form: Format | None, suffixes: Suffixes, first: int = 20) -> Census:
    """Read a text through and count its rules; keep the first lines that were skipped."""
    found = form or detect_in(text)
    rules = skipped = 0
    kept: list[Skipped] = []
    for item in read_items(text, found, suffixes):
        if isinstance(item, Rule):
            rules += 1
        else:
            skipped += 1
            if len(kept) < first:
                kept.append(item)
    return Census(found, rules, skipped, tuple(kept))


def judge(census: Census, source: Source) -> None:
    """Refuse a text that must not replace the one we have. Raises RefusedText."""
    if census.rules == 0:
        example = census.first_skipped[0].report(source.id) if census.first_skipped else _("it is empty")
        raise RefusedText(
            _("expected a list of names (formats: {formats}), found none: {example}").format(
                formats=", ".join(Format), example=example
            )
        )
    if source.rules >= SHRINK_FLOOR and census.rules < source.rules * SHRINK_SHARE:
        raise RefusedText(
            _(
                "expected about {last} rules as last time, found {now}: kept the last good text; "
                "if this is meant, remove the list and add it again"
            ).format(last=source.rules, now=census.rules)
        )


def accepted(source: Source, census: Census, sha256: str, now: datetime) -> Source:
    """Return the list as it stands after its text was found good."""
    return replace(
        source,
        last_refresh=now.isoformat(timespec="seconds"),
        last_error="",
        rules=census.rules,
        skipped=census.skipped,
        sha256=sha256,
    )


def file_chunks(path: Path) -> Iterator[bytes]:
    """Yield a regular file in pieces. Raises RefusedText, OSError."""
    if not path.is_file():  # a device or a pipe would never end
        if path.exists():
            raise RefusedText(_("expected a file, found something else: {path}").format(path=path))
        raise RefusedText(_("expected a file, found nothing at {path}").format(path=path))
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _bounded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_TRANSFER:
            limit = MAX_TRANSFER >> 20
            raise RefusedText(_("expected a transfer of at most {limit} MiB, found more").format(limit=limit))
        yield chunk


def _unpacked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Undo gzip where the first bytes say so; a server may pack on its own and a source may be a .gz file."""
    head = b"".join(islice(chunks, 1))
    while 0 < len(head) < len(_GZIP) and (more := next(chunks, b"")):
        head += more
    if not head.startswith(_GZIP):
        if head:
            yield head
        yield from chunks
        return
    unpacker = zlib.decompressobj(wbits=31)
    for chunk in _chain(head, chunks):
        pending = chunk
        while pending:
            if unpacker.eof:  # a gzip file may have several members
                if not pending.strip(b"\0"):  # padding
                    break
                unpacker = zlib.decompressobj(wbits=31)
            try:
                piece = unpacker.decompress(pending, _PIECE)
            except zlib.error as error:
                raise RefusedText(
                    _("expected a gzip file, found a damaged one ({error})").format(error=error)
                ) from error
            pending = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
            if piece:
                yield piece
    if not unpacker.eof:
        raise RefusedText(_("expected a whole gzip file, found one that was cut off"))


def _chain(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest


def _refuse_other_things(head: bytes) -> None:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<"):
        found = start[:60].decode("utf-8", "replace")
        raise RefusedText(_("expected a list, found a web page that begins {found!r}").format(found=found))
    if b"\0" in head:
        raise RefusedText(_("expected a text, found binary data (archives other than .gz must be unpacked first)"))
