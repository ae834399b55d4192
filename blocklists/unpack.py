"""Find the text of one list in what a source publishes: a plain or packed file, an archive, or a folder of lists.

What a thing is, its first bytes tell, never its name. Nothing is ever written by a name that stands in an archive.
"""

import bz2
import gzip
import io
import lzma
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from blocklists.archives import (
    HEAD,
    Contents,
    Kind,
    cut_off,
    damaged,
    folder_contents,
    kind_of,
    pieces_of,
    reader,
    tar_contents,
    zip_contents,
)
from blocklists.errors import RefusedText
from blocklists.formats import v2fly
from blocklists.lines import text_lines
from blocklists.rules import Format
from blocklists.sources import detect_in
from translations import _

MAX_ARCHIVE = 512 << 20
"""Bytes of an archive after unpacking: all of UT1 has 150 MB."""
MAX_RATIO = 250
"""How many times larger a file may become by unpacking: lists of names become three to ten times larger."""
_RATIO_FLOOR = 4 << 20
"""Bytes below which the ratio says nothing."""
_MAX_INCLUDED = 4 << 20
"""Bytes of one v2fly file; the largest one has 150 kB."""
_MAX_INCLUDES = 5_000
"""Files read for one v2fly list, however often they include one another."""
_XZ_MEMORY = 128 << 20
"""What `xz -9` asks for, twice."""
_PIECE = 1 << 16
_SHOWN = 20

_PARTS = ("domains", "urls")
"""The files of a squidGuard category in the order in which they are read: lines of `domains` keep their numbers. Its
`expressions` are about URLs: they say nothing to DNS, and as lines of a list of names each would be a fault."""
_INCLUDE = re.compile(
    rb"^[ \t]*include:[ \t]*[a-z0-9!_-]+(?:[ \t]+@\S+)*[ \t\r]*(?:#.*)?$", re.MULTILINE | re.IGNORECASE
)
_NO_NAME = re.compile(r"[^a-z0-9!_-]", re.IGNORECASE)
"""What no v2fly file has in its name."""

Told = Callable[[Format], None]
"""Is told the format of a text where it shows by the place where the text was found, before its first piece."""


def unpacked(file: BinaryIO, member: str, scratch: Path, told: Told = lambda _form: None) -> Iterator[bytes]:
    """Yield the text of a list out of a file; of an archive that of one member.

    An archive that is packed as a whole is unpacked into a nameless file in `scratch`. Raises RefusedText, OSError.
    """
    file.seek(0)
    kind = kind_of(file.read(HEAD))
    file.seek(0)
    match kind:
        case Kind.ZIP:
            yield from _part(zip_contents(file), member, told)
        case Kind.TAR:
            yield from _part(tar_contents(file), member, told)
        case Kind.TEXT:
            yield from _single(pieces_of(file), member)
        case _:
            pieces = _within_ratio(_gunzipped(file) if kind is Kind.GZIP else _decoded(file, kind), file)
            head, rest = _beginning(pieces)
            if kind_of(head) is not Kind.TAR:
                yield from _single(chain([head], rest), member)
                return
            with TemporaryFile(dir=scratch) as spool:
                for piece in _bounded(chain([head], rest)):
                    spool.write(piece)
                yield from _part(tar_contents(spool), member, told)


def unpacked_path(
    path: Path, member: str, form: Format | None, scratch: Path, told: Told = lambda _form: None
) -> Iterator[bytes]:
    """Yield the text of a list out of a local file or folder. Raises RefusedText, OSError.

    A v2fly file finds the files it includes beside it.
    """
    if path.is_dir():
        yield from _part(folder_contents(path), member, told)
        return
    with path.open("rb") as file:
        if not member and _INCLUDE.search(file.read(_MAX_INCLUDED)) and (form or detect_in(path)) is Format.V2FLY:
            siblings = Contents([each.name for each in path.parent.iterdir() if each.is_file()], reader(path.parent))
            start = _NO_NAME.sub("-", path.name)  # it may be called youtube.txt here
            yield from _flattened(start, {name: name for name in siblings.names} | {start: path.name}, siblings)
        else:
            yield from unpacked(file, member, scratch, told)


# One file


def _single(pieces: Iterator[bytes], member: str) -> Iterator[bytes]:
    if member:
        message = _("expected an archive or folder with the part {member!r}, found a single text: leave the part out")
        raise RefusedText(message.format(member=member))
    yield from _plain(pieces)


def _plain(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Pass a text on; refuse what is packed once more."""
    head, rest = _beginning(pieces)
    if kind_of(head) is not Kind.TEXT:
        found = kind_of(head).value
        raise RefusedText(
            _("expected a text, found a file packed twice ({found}); unpack it first").format(found=found)
        )
    yield head
    yield from rest


def _beginning(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return enough bytes to know what follows, and the rest."""
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= HEAD:
            break
    return head, pieces


def _gunzipped(file: BinaryIO) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=file) as unpacker:
        while True:
            try:
                piece = unpacker.read1(_PIECE)  # read() would lose what precedes a failure
            except EOFError as error:
                raise cut_off(Kind.GZIP) from error
            except gzip.BadGzipFile as error:
                if str(error).startswith("Not a gzipped file"):
                    return  # what follows the whole file is none: gzip(1) ignores it, too
                raise damaged(Kind.GZIP, error) from error
            except zlib.error as error:
                raise damaged(Kind.GZIP, error) from error
            if not piece:
                return
            yield piece


def _decoded(file: BinaryIO, kind: Kind) -> Iterator[bytes]:
    """Undo bzip2 or xz; several streams may follow one another, with padding between them."""

    def fresh() -> bz2.BZ2Decompressor | lzma.LZMADecompressor:
        return bz2.BZ2Decompressor() if kind is Kind.BZIP2 else lzma.LZMADecompressor(memlimit=_XZ_MEMORY)

    unpacker, data = fresh(), b""
    while True:
        if not data and (unpacker.eof or unpacker.needs_input):
            data = file.read(_PIECE)
            if not data:
                break
        if unpacker.eof:
            data = data.lstrip(b"\0")
            if not data:
                continue
            unpacker = fresh()
        try:
            piece = unpacker.decompress(data, _PIECE)
        except (OSError, lzma.LZMAError) as error:
            raise damaged(kind, error) from error
        data = unpacker.unused_data if unpacker.eof else b""
        if piece:
            yield piece
    if not unpacker.eof:
        raise cut_off(kind)


def _within_ratio(pieces: Iterator[bytes], packed: BinaryIO) -> Iterator[bytes]:
    limit = _RATIO_FLOOR + MAX_RATIO * os.fstat(packed.fileno()).st_size
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            message = _("expected a list that grows by unpacking at most {ratio}-fold, found one that grows more")
            raise RefusedText(message.format(ratio=MAX_RATIO))
        yield piece


def _bounded(pieces: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_ARCHIVE:
            limit = MAX_ARCHIVE >> 20
            raise RefusedText(_("expected an archive of at most {limit} MiB, found more").format(limit=limit))
        yield piece


# Which of them


def _part(contents: Contents, member: str, told: Told) -> Iterator[bytes]:
    """Yield the text of a squidGuard category, of a v2fly list with all it includes, or of a plain file."""
    # Who names no part means the only one there is, by whatever other names it goes.
    known = [*contents.names, *contents.aliases] if member else contents.names
    names = [name for name in known if not _is_clutter(name)]
    categories = _categories(names)
    lists = {name.rpartition("/")[2]: name for name in names if _is_v2fly(name)}
    if not member:
        if len(categories) == 1:
            told(Format.DOMAINS)
            yield from _joined(contents, next(iter(categories.values())))
        elif len(names) == 1:
            yield from _plain(contents.read(names[0]))
        else:
            expected = _("expected a single list, found none. ")
            if names:
                expected = _("expected a single list, found several: choose one with --member NAME. ")
            raise RefusedText(expected + _there(names))
        return
    if (folder := _named(categories, member)) is not None:
        told(Format.DOMAINS)  # its URLs may look like rules of another format
        yield from _joined(contents, categories[folder])
    elif member in lists:
        yield from _flattened(member, lists, contents)
    elif (name := _named(names, member)) is not None:
        yield from _plain(contents.read(name))
    else:
        raise RefusedText(_("expected the part {member!r}, found none. ").format(member=member) + _there(names))


def _is_clutter(name: str) -> bool:
    """Tell whether a file is one that systems leave in archives by themselves."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


def _is_v2fly(name: str) -> bool:
    folder, _slash, last = name.rpartition("/")
    return (folder == "data" or folder.endswith("/data")) and "." not in last


def _categories(names: Sequence[str]) -> dict[str, list[str]]:
    """Return the folders that are squidGuard categories, each with its files in the order of reading."""
    found: dict[str, list[str]] = {}
    for part in _PARTS:
        for name in names:
            folder, _slash, last = name.rpartition("/")
            if last == part:
                found.setdefault(folder, []).append(name)
    return found


def _named(paths: Iterable[str], member: str) -> str | None:
    """Return the path of that name, or the only one that ends with it."""
    known = list(paths)
    if member in known:
        return member
    ending = [path for path in known if path.endswith(f"/{member}")]
    if len(ending) > 1:
        message = _("expected one part {member!r}, found several: {there}")
        raise RefusedText(message.format(member=member, there=_shown(ending)))
    return ending[0] if ending else None


def _there(names: Sequence[str]) -> str:
    parts = sorted({folder.rpartition("/")[2] for folder in _categories(names)})
    parts = parts or sorted(name.rpartition("/")[2] for name in names if _is_v2fly(name)) or sorted(names)
    return _("There are: {there}").format(there=_shown(parts)) if parts else _("There are none at all")


def _shown(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (_(" and {more} more").format(more=more) if more > 0 else "")


def _joined(contents: Contents, names: Sequence[str]) -> Iterator[bytes]:
    """Yield one file after the other; `urls` say nothing to DNS, but are counted with the rest."""
    last = b"\n"
    for name in names:
        if not last.endswith(b"\n"):
            yield b"\n"
        for piece in _plain(contents.read(name)):
            yield piece
            last = piece or last


def _flattened(name: str, paths: dict[str, str], contents: Contents) -> Iterator[bytes]:
    """Yield a v2fly list with what it includes. Only files that are there are read: a name is never made a path."""
    reads = 0

    def read(wanted: str) -> Iterable[str] | None:
        nonlocal reads
        reads += 1
        if wanted not in paths:
            return None
        text = b""
        for piece in _plain(contents.read(paths[wanted])):
            text += piece
            if len(text) > _MAX_INCLUDED or reads > _MAX_INCLUDES:
                raise RefusedText(_("expected v2fly lists of usual size, found {name!r}").format(name=wanted))
        return text_lines(io.BytesIO(text))

    for line in v2fly.flatten(name, read):
        yield line.encode() + b"\n"
