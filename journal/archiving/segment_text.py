"""Segments of the query log as DuckDB can read them: only whole lines, each with the columns that it has to have.

DuckDB takes a text as it comes or not at all. So each segment is looked over first, at the speed of memory; one that is
being written, or that holds anything which no worker wrote, is copied without what is torn or damaged.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from resolver.querylog import COLUMNS, HEADER_LINE

_CHUNK = 4 << 20
_LONGEST = 1 << 16
"""A line has at most some 1,300 octets; DuckDB's buffers need not hold more than this."""
_HEADER = HEADER_LINE.rstrip(b"\n")
_ORDINARY = bytes(octet for octet in range(0x20, 0x7F))
"""What lines consist of, but for the tabs and the line feeds: taken out of a text, only its form is left."""


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


def open_text(
    path: Path, scratch: Path, *, octets: int | None = None, growing: bool = False, careful: bool = False
) -> Text:
    """Open a segment. Raises OSError.

    `octets`: how many of the first are meant, whole lines; all, if it is not given. `growing`: somebody may be writing
    to it. `careful`: look at each line by itself, whatever the first look says.
    """
    if octets is not None and octets < path.stat().st_size:
        with _beginning(path, octets, scratch) as copy:
            return open_text(Path(copy.path), scratch, careful=careful)
    with path.open("rb") as file:
        header = file.readline(_LONGEST)
        columns = header.count(b"\t") + 1
        sound = header == HEADER_LINE or (header.startswith(_HEADER + b"\t") and _is_whole(header, columns))
        if sound and not careful and not growing and _all_whole(file, columns):
            return Text(os.dup(file.fileno()), columns, 0)
        file.seek(len(header))
        with tempfile.TemporaryFile(dir=scratch) as copy:
            copy.write(HEADER_LINE)
            damaged = _copy(file, copy, careful=careful or not sound or columns != len(COLUMNS))
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


def lines_of(path: Path, octets: int, *, careful: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Yield the first octets of a segment in parts: how many lines each has, and those that are not damaged.

    The header is no line. Raises OSError.
    """
    with path.open("rb") as file:
        header = file.readline(_LONGEST)[:octets]
        columns = header.count(b"\t") + 1
        sound = header.startswith(_HEADER)
        yield int(not sound), []
        left = octets - len(header)
        for chunk in _chunks(file):
            if left <= 0:
                return
            part = chunk[:left]
            left -= len(part)
            lines = part.decode("latin-1").split("\n")[:-1]
            if careful or not sound or columns != len(COLUMNS) or not _is_whole(part, columns):
                yield len(lines), [good for line in lines if (good := undamaged(line)) is not None]
            else:
                yield len(lines), lines


def undamaged(line: str) -> str | None:
    """Return the columns of a line that has the form of the log; None if it has not."""
    fields = line.split("\t")
    if (
        len(fields) < len(COLUMNS)
        or len(line) >= _LONGEST
        or not (line.isascii() and line.replace("\t", "").isprintable())
    ):
        return None
    try:
        moment = datetime.fromisoformat(fields[0])
        # DuckDB gives the time back in the one form in which workers write it.
        if moment.tzinfo is None or moment.isoformat(timespec="milliseconds") != fields[0]:
            return None
    except (ValueError, OverflowError):
        return None
    return line if len(fields) == len(COLUMNS) else "\t".join(fields[: len(COLUMNS)])


def _all_whole(file: IO[bytes], columns: int) -> bool:
    while chunk := file.read(_CHUNK):
        if not chunk.endswith(b"\n"):
            chunk += file.readline(_LONGEST)
        if not _is_whole(chunk, columns):
            return False
    return True


def _is_whole(chunk: bytes, columns: int) -> bool:
    """Tell whether a text consists of lines that all have so many columns, and of nothing but printable ASCII."""
    form = b"\t" * (columns - 1) + b"\n"
    half = _LONGEST // 2  # a line that is too long has a stretch of this length without a line feed
    return chunk.translate(None, _ORDINARY) == form * chunk.count(b"\n") and all(
        chunk.find(b"\n", begin, begin + half) >= 0 for begin in range(0, len(chunk), half)
    )


def _copy(file: IO[bytes], copy: IO[bytes], *, careful: bool) -> int:
    """Copy the whole lines; return how many were left out."""
    damaged = 0
    for chunk in _chunks(file):
        if not careful and _is_whole(chunk, len(COLUMNS)):
            copy.write(chunk)
            continue
        lines = chunk.decode("latin-1").split("\n")[:-1]
        kept = [good for line in lines if (good := undamaged(line)) is not None]
        damaged += len(lines) - len(kept)
        copy.write("".join(f"{line}\n" for line in kept).encode("ascii"))
    return damaged


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
