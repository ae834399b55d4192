"""Take the text of a list in: bound it, look at what it is, and refuse what would harm the school."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from blocklists.errors import RefusedText
from blocklists.fetch import MAX_TRANSFER
from blocklists.rules import Format, Rule, Scope, Skipped
from blocklists.sources import Source, detect_in, read_items
from translations import _, mark

MAX_TEXT = 256 << 20
"""Bytes after unpacking: a bomb of 64 MiB would otherwise fill the disk."""

SHRINK_FLOOR = 100
"""Below so many rules a list may change more: it is small or made by hand."""
SHRINK_SHARE = 0.5
"""A list that loses this much at once has been cut off, emptied or replaced by something else."""
SMALL_FLOOR = 5
SMALL_SHARE = 0.1
"""A small list may change, too, but not to nearly nothing: then it is a word that some server says ("Moved")."""
GROWTH_FACTOR = 10
GROWTH_FLOOR = 100_000
"""A list that grows by more than both at once has become something else (the list of all names there are)."""
BAD_FLOOR = 3
"""Fewer lines at fault are the slips of a list made by hand; whatever their share, the rest is meant."""
BAD_PERCENT = 20
"""Of the lines that say something; above it the text is of another kind than it was taken for."""

_LOOKED_AT = 1 << 16
"""Bytes at the beginning by which a web page or a picture is known."""
_EXAMPLES = 3

_PLAIN = frozenset({Format.DOMAINS, Format.WILDCARD, Format.V2FLY})
"""Formats in which any word is a name."""
_NO_LABEL = mark("a domain name such as example.org (lists of whole top-level domains: --suffixes)")


@dataclass(frozen=True, slots=True)
class Census:
    """What a text holds."""

    format: Format
    rules: int
    skipped: int
    """Lines at fault."""
    unused: int
    """Lines that are well formed but say nothing to DNS."""
    first_skipped: tuple[Skipped, ...]
    """The first lines at fault."""
    labels: int = 0
    """Rules about a single label in a format in which that may be any word; not if the list means such names."""
    first_unused: tuple[Skipped, ...] = ()
    """The first lines that are unused, or a single label."""


def store(pieces: Iterable[bytes], target: Path) -> str:
    """Write the text of a list to a file and return its SHA-256. Raises RefusedText.

    The file is forced to the disk, so that the caller only has to put it in place.
    """
    digest = hashlib.sha256()
    size = 0
    head = b""
    with target.open("wb") as file:
        for piece in pieces:
            if len(head) < _LOOKED_AT:
                head += piece[: _LOOKED_AT - len(head)]
                _refuse_other_things(head)
            size += len(piece)
            if size > MAX_TEXT:
                raise RefusedText(_("expected a list of at most {limit} MiB, found more").format(limit=MAX_TEXT >> 20))
            digest.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def count(text: Path, source: Source, first: int = 20) -> Census:
    """Read a text through and count what it says; keep the first lines at fault. Raises OSError."""
    found = source.format or detect_in(text)
    rules = faults = unused = labels = 0
    kept: list[Skipped] = []
    others: list[Skipped] = []
    by_label = found in _PLAIN and not source.suffixes
    for item in read_items(text, replace(source, format=found)):
        if isinstance(item, Rule):
            rules += 1
            if by_label and "." not in item.name and item.scope is not Scope.PATTERN:
                labels += 1
                if len(others) < first:
                    others.append(Skipped(item.line, _NO_LABEL, item.name, fault=False))
        elif item.fault:
            faults += 1
            if len(kept) < first:
                kept.append(item)
        else:
            unused += 1
            if len(others) < first:
                others.append(item)
    return Census(found, rules, faults, unused, tuple(kept), labels, tuple(others))


def judge(census: Census, source: Source, *, bad_percent: int = BAD_PERCENT, force: bool = False) -> None:
    """Refuse a text that must not replace the one we have. Raises RefusedText.

    `force` is for a person who has looked at it and means it; a text without any rule is refused nevertheless.
    """
    names = census.rules - census.labels
    if names == 0:
        raise RefusedText(
            _("expected a list of names (formats: {formats}), found none: {examples}").format(
                formats=", ".join(Format), examples=_examples(census, source) or _("it is empty")
            )
        )
    if force:
        return
    if census.skipped >= BAD_FLOOR and census.skipped * 100 > bad_percent * (census.rules + census.skipped):
        raise RefusedText(
            _(
                "expected at most {limit} % of the lines at fault, found {skipped} of {all} ({examples}); "
                "if it is of another format, name that; if it is meant, refresh the list with --force"
            ).format(
                limit=bad_percent,
                skipped=census.skipped,
                all=census.rules + census.skipped,
                examples=_examples(census, source),
            )
        )
    least = SHRINK_SHARE if source.rules >= SHRINK_FLOOR else SMALL_SHARE if source.rules >= SMALL_FLOOR else 0
    if names <= source.rules * least and names < source.rules:
        raise _unlike_before(census, source)
    if source.rules and census.rules > max(source.rules * GROWTH_FACTOR, source.rules + GROWTH_FLOOR):
        raise _unlike_before(census, source)


def accepted(source: Source, census: Census, sha256: str, now: datetime) -> Source:
    """Return the list as it stands after its text was found good."""
    return replace(
        source,
        last_refresh=now.isoformat(timespec="seconds"),
        last_error="",
        rules=census.rules,
        skipped=census.skipped,
        unused=census.unused,
        rejected="",
        sha256=sha256,
    )


def check_file(path: Path) -> None:
    """Refuse what is neither a folder nor a file of bearable size: a device or a pipe would never end."""
    if not path.exists():
        raise RefusedText(_("expected a file, found nothing at {path}").format(path=path))
    if not path.is_dir() and not path.is_file():
        raise RefusedText(_("expected a file or folder, found something else: {path}").format(path=path))
    if path.is_file() and path.stat().st_size > MAX_TRANSFER:
        raise RefusedText(_("expected a file of at most {limit} MiB, found more").format(limit=MAX_TRANSFER >> 20))


def _unlike_before(census: Census, source: Source) -> RefusedText:
    return RefusedText(
        _(
            "expected about {last} rules as last time, found {now}: kept the last good text; "
            "if this is meant, refresh the list with --force"
        ).format(last=source.rules, now=census.rules)
    )


def _examples(census: Census, source: Source) -> str:
    shown = census.first_skipped or census.first_unused
    return "; ".join(skipped.report(source.id) for skipped in shown[:_EXAMPLES])


def _refuse_other_things(head: bytes) -> None:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<"):
        found = start[:60].decode("utf-8", "replace")
        raise RefusedText(_("expected a list, found a web page that begins {found!r}").format(found=found))
    if b"\0" in head:
        raise RefusedText(_("expected a text, found binary data"))
