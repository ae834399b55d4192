"""Segments of the query log as DuckDB can read them: only whole lines, each with the columns that it has to have.

DuckDB takes a text as it comes or not at all. So each segment is looked over first, at the speed of memory; one that is
being written, or that holds anything which no worker wrote, is copied without what is torn or damaged.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from journal.whole_line import LONGEST, are_whole, is_header, is_whole
from resolver.querylog import COLUMNS, HEADER_LINE

_CHUNK = 4 << 20


@dataclass(frozen=True, slots=True)
class Text:
    """A segment that is open for reading."""

    descriptor: int
    columns: int
    """How many columns it has: later versions may add some at the end."""
    damaged: int
    """Lines that were left out."""

    @property
    def path(self) -> str:
        """Under which others open it, though it may have no name any more."""
        return f"/proc/{os.getpid()}/fd/{self.descriptor}"

    def close(self) -> None:
        """Close it; a copy is gone then."""
        os.close(self.descriptor)


def open_text(path: Path, scratch: Path, *, octets: int | None = None, growing: bool = False) -> Text:
    """Open a segment. Raises OSError.

    `octets`: how many of the first are meant, whole lines; all, if it is not given. `growing`: somebody may be writing
    to it.
    """
    if octets is not None and octets < path.stat().st_size:
        with _beginning(path, octets, scratch) as copy:
            return open_text(Path(copy.path), scratch)
    with path.open("rb") as file:
        header = file.readline()
        columns = header.count(b"\t") + 1
        sound = is_header(header)
        if sound and not growing and _all_whole(file, columns):
            return Text(os.dup(file.fileno()), columns, 0)
        file.seek(len(header))
        with tempfile.TemporaryFile(dir=scratch) as copy:
            copy.write(HEADER_LINE)
            damaged = _copy(file, copy, columns)
            copy.flush()
            return Text(os.dup(copy.fileno()), len(COLUMNS), damaged + int(not sound))


@contextmanager
def _beginning(path: Path, octets: int, scratch: Path) -> Iterator[Text]:
    """Copy the first octets of a segment: what was added to it behind our back is no part of the log."""
    with path.open("rb") as file, tempfile.TemporaryFile(dir=scratch) as copy:
        while octets > 0 and (chunk := file.read(min(octets, _CHUNK))):
            copy.write(chunk)
            octets -= len(chunk)
        copy.flush()
        yield Text(copy.fileno(), 0, 0)


def lines_of(path: Path, octets: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the first octets of a segment in parts: how many lines each has, and those that are not damaged.

    The header is no line. Raises OSError.
    """
    with path.open("rb") as file:
        header = file.readline()[:octets]
        columns = header.count(b"\t") + 1
        sound = is_header(header)
        yield int(not sound), []
        left = octets - len(header)
        for chunk in _chunks(file):
            if left <= 0:
                return
            part = chunk[:left]
            left -= len(part)
            count = part.count(b"\n")
            if columns != len(COLUMNS) or not are_whole(part, columns):
                part = b"".join(_whole(part))
            yield count, part.decode("ascii").split("\n")[:-1]


def _all_whole(file: IO[bytes], columns: int) -> bool:
    while chunk := file.read(_CHUNK):
        if not chunk.endswith(b"\n"):
            chunk += file.readline(LONGEST)
        if not are_whole(chunk, columns):
            return False
    return True


def _copy(file: IO[bytes], copy: IO[bytes], columns: int) -> int:
    """Copy the whole lines; return how many were left out."""
    damaged = 0
    for chunk in _chunks(file):
        if columns == len(COLUMNS) and are_whole(chunk, columns):
            copy.write(chunk)
            continue
        kept = _whole(chunk)
        damaged += chunk.count(b"\n") - len(kept)
        copy.writelines(kept)
    return damaged


def _whole(chunk: bytes) -> list[bytes]:
    """Return those of many lines that are whole, with the columns of this version."""
    lines = chunk.split(b"\n")[:-1]
    return [b"\t".join(line.split(b"\t")[: len(COLUMNS)]) + b"\n" for line in lines if is_whole(line)]


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield what is left of a file in parts that end in a line feed; what follows the last one is left out."""
    rest = b""
    while chunk := file.read(_CHUNK):
        end = chunk.rfind(b"\n") + 1
        if not end:
            rest += chunk
            continue
        yield rest + chunk[:end]
        rest = chunk[end:]
