"""The files in archives and folders, read with care: what a header claims is not believed, and nothing is written."""

import os
import posixpath
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from blocklists.errors import RefusedText
from translations import _

MAX_MEMBERS = 10_000
"""Files in an archive or folder: the domain lists of v2fly have 1,500."""
_MAX_DIRECTORY = 2 << 20
"""Bytes of a zip file's directory; one of MAX_MEMBERS files stays below."""


_T = TypeVar("_T")


HEAD = 512
"""Bytes by which the kind of a file is known."""
_PIECE = 1 << 16


class Kind(Enum):
    """What a file is, by its first bytes."""

    TEXT = "text"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZIP = "zip"
    TAR = "tar"


_MAGIC = (
    (b"\x1f\x8b", Kind.GZIP),
    (b"BZh", Kind.BZIP2),
    (b"\xfd7zXZ\0", Kind.XZ),
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),  # one without any file
)


@dataclass(frozen=True, slots=True)
class Contents:
    """The files of an archive or folder."""

    names: Sequence[str]
    read: Callable[[str], Iterator[bytes]]
    aliases: Sequence[str] = ()
    """Further names of the same files, by links: they can be read, too."""


def pieces_of(file: BinaryIO) -> Iterator[bytes]:
    """Yield the rest of a file. Raises OSError."""
    while piece := file.read(_PIECE):
        yield piece


def kind_of(head: bytes) -> Kind:
    """Return what a file is that begins so; give it HEAD bytes if there are so many."""
    if head[257:262] == b"ustar":
        return Kind.TAR
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), Kind.TEXT)


class _Careful:
    """A file that is not read in large pieces: what a header claims must not fill the memory."""

    def __init__(self, file: BinaryIO, kind: Kind, largest: int) -> None:
        self._file = file
        self._kind = kind
        self._largest = largest
        self.seek = file.seek
        self.tell = file.tell

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._largest + 1 if size < 0 else min(size, self._largest + 1))
        if len(data) > self._largest:
            raise damaged(self._kind, _("its headers are too large"))
        return data

    def seekable(self) -> bool:
        return True


def zip_contents(file: BinaryIO) -> Contents:
    """Return the files of a zip archive. Both this and reading them raise RefusedText, OSError."""
    with _mapped(Kind.ZIP):
        archive = zipfile.ZipFile(cast("BinaryIO", _Careful(file, Kind.ZIP, _MAX_DIRECTORY)))
    infos = {
        info.filename: info
        for info in _counted(archive.infolist())
        if not info.is_dir() and not stat.S_ISLNK(info.external_attr >> 16)
    }

    def read(name: str) -> Iterator[bytes]:
        info = infos[name]
        if info.flag_bits & 1:
            raise RefusedText(_("expected an archive that everybody can read, found one with a password"))
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise RefusedText(_("expected a zip file packed in the usual way (deflate), found another one"))
        with _mapped(Kind.ZIP), archive.open(info) as part:
            while piece := part.read(_PIECE):
                yield piece

    return Contents(list(infos), read)


def tar_contents(file: BinaryIO) -> Contents:
    """Return the files of a tar archive that is not packed. Both this and reading them raise RefusedText, OSError."""
    places: dict[str, tuple[int, int]] = {}
    links: dict[str, str] = {}
    file.seek(0)
    careful = cast("BinaryIO", _Careful(file, Kind.TAR, _PIECE))
    with _mapped(Kind.TAR), tarfile.open(fileobj=careful, mode="r:") as archive:
        for info in _counted(iter(archive.next, None)):
            # Devices are passed over; so are files with holes, which no list has.
            if info.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and info.sparse is None and info.size >= 0:
                places[info.name] = info.offset_data, info.size
            elif info.issym():
                links[info.name] = posixpath.join(posixpath.dirname(info.name), info.linkname)
            elif info.islnk():
                links[info.name] = info.linkname
    aliases = _linked(list(places), links)

    def read(name: str) -> Iterator[bytes]:
        offset, left = places[aliases.get(name, name)]
        file.seek(offset)
        while left:
            piece = file.read(min(left, _PIECE))
            if not piece:
                raise cut_off(Kind.TAR)
            left -= len(piece)
            yield piece

    return Contents(list(places), read, list(aliases))


def _linked(names: Sequence[str], links: Mapping[str, str]) -> dict[str, str]:
    """Return the names that files have by links to them or to their folders, and which files these are.

    A link that leads out of the archive, or to a link, leads to nothing.
    """
    files = {posixpath.normpath(name): name for name in names}
    folders: dict[str, list[str]] = {}
    for path in files:
        folders.setdefault(posixpath.dirname(path), []).append(path)
    found = (
        pair
        for name, target in ((posixpath.normpath(name), posixpath.normpath(target)) for name, target in links.items())
        for pair in (
            [(name, files[target])]
            if target in files
            else [(posixpath.join(name, posixpath.basename(path)), files[path]) for path in folders.get(target, ())]
        )
    )
    return {name: file for name, file in _counted(found) if name not in files}


def folder_contents(folder: Path) -> Contents:
    """Return the files of a folder and of those in it. Raises RefusedText, OSError."""
    names: list[str] = []
    aliases: list[str] = []
    inside = folder.resolve()
    found = (
        (path, kept)
        for root, folders, files in os.walk(folder)
        for paths, kept in (
            ((Path(root) / name for name in files), names),
            ((path for name in folders for path in _in_linked_folder(Path(root) / name, inside)), aliases),
        )
        for path in paths
        if path.is_file()
    )
    for path, kept in _counted(found):
        kept.append(path.relative_to(folder).as_posix())
    return Contents(sorted(names), reader(folder), sorted(aliases))


def _in_linked_folder(path: Path, inside: Path) -> Iterable[Path]:
    """Return what is in the folder to which a link leads, unless that lies outside (UT1: `porn` is `adult`)."""
    return path.iterdir() if path.is_symlink() and path.resolve().is_relative_to(inside) else ()


def reader(folder: Path) -> Callable[[str], Iterator[bytes]]:
    """Return the function that reads a file of a folder by its name."""

    def read(name: str) -> Iterator[bytes]:
        with (folder / name).open("rb") as file:
            yield from pieces_of(file)

    return read


def _counted(items: Iterable[_T]) -> Iterator[_T]:
    for number, item in enumerate(items):
        if number == MAX_MEMBERS:
            raise RefusedText(_("expected at most {limit} files, found more").format(limit=MAX_MEMBERS))
        yield item


@contextmanager
def _mapped(kind: Kind) -> Iterator[None]:
    """Turn what the libraries say about damaged archives into words."""
    try:
        yield
    except EOFError as error:
        raise cut_off(kind) from error
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        struct.error,
        NotImplementedError,
        RecursionError,  # headers that announce headers, without end
        ValueError,
        OverflowError,
    ) as error:
        raise damaged(kind, error) from error


def cut_off(kind: Kind) -> RefusedText:
    """Return what is to be said of a file that ends too early."""
    return RefusedText(_("expected a whole {kind} file, found one that was cut off").format(kind=kind.value))


def damaged(kind: Kind, error: Exception | str) -> RefusedText:
    """Return what is to be said of a file that cannot be read."""
    message = _("expected a {kind} file, found a damaged one ({error})")
    return RefusedText(message.format(kind=kind.value, error=error))
