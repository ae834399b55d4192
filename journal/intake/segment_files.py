"""The segments that are being followed: their files, how far each was taken, and the digest of what was taken."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from journal.whole_line import is_header, is_time
from resolver.segments import Segment
from settings.errors import SchoolfilterError
from storage.journal_db import Position
from translations import _

if TYPE_CHECKING:
    from hashlib import _Hash

_TIME_OCTETS = len("2026-09-02T10:15:30.250+05:00")
STEP = 1 << 20
"""Octets read at once where all that was taken is read again."""


class UnreadableLog(SchoolfilterError):  # noqa: N818 - reads as what it is
    """The query log cannot be read now."""


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Name the query log as what cannot be read: storage/errors.py takes every other OSError for one of a database."""
    try:
        yield
    except OSError as error:
        message = _("{path}: the query log cannot be read: {error}. Check that its disk is there and sound.")
        raise UnreadableLog(message.format(path=error.filename or folder, error=error.strerror or error)) from error


@dataclass(slots=True)
class Followed:
    """A segment that is open or not yet taken in whole."""

    segment: Segment
    """As it was when we last looked."""
    taken: int = 0
    lines: int = 0
    damaged: int = 0
    first: str = ""
    last: str = ""
    days: set[str] = field(default_factory=set)
    digest: "_Hash" = field(default_factory=sha256)
    noted: bool = False
    """Whether the journal knows it as it stands here."""
    end: int = -1
    """Where its whole lines end, if they were read up to there; -1: nobody has looked yet."""
    still: float = 0.0
    """Since when it did not grow, by a clock that nobody sets."""

    @property
    def name(self) -> str:
        """Return the name by which the journal knows it."""
        return self.segment.path.name

    @property
    def whole(self) -> bool:
        """Return whether all whole lines that it holds were taken."""
        return self.taken in (self.segment.size, self.end)

    def position(self) -> Position:
        """Return what the journal keeps of it."""
        digest, days = self.digest.hexdigest(), tuple(sorted(self.days))
        return Position(self.taken, self.lines, self.damaged, self.first, self.last, digest, days)

    def read(self, most: int) -> bytes:
        """Return the next whole lines, about `most` octets; empty if there are none yet. Raises OSError."""
        waiting = self.segment.size - self.taken
        while True:
            octets = read_at(self.segment.path, self.taken, min(waiting, most))
            end = octets.rfind(b"\n") + 1
            if most >= waiting:
                self.end = self.taken + end
                return octets[:end]
            if end:
                return octets[:end]
            most *= 2  # a line of that length is nothing that a worker wrote; it is still a line

    def force(self) -> None:
        """Bring what was taken to the disk itself. Raises OSError.

        The journal is forced to the disk with each batch; a power cut must not leave it telling of lines that the log
        has lost. Whoever writes the log waits for the disk a second later, or never (log.durability).
        """
        descriptor = os.open(self.segment.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def next_moment(self) -> datetime | None:
        """Return the moment that the next line names; None if it names none. Raises OSError."""
        time = read_at(self.segment.path, self.taken, _TIME_OCTETS)
        return datetime.fromisoformat(time.decode()) if is_time(time) else None


def read_at(path: Path, start: int, count: int) -> bytes:
    """Return octets of a file. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(descriptor, count, start)
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Return whether a worker has the segment open: as long as it has, it may write to it. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks: then names and times have to do
        return False
    finally:
        os.close(descriptor)
    return False


def begin(segment: Segment, now: float) -> Followed | None:
    """Return a segment as it is before its first line; None while its header is not whole. Raises OSError."""
    followed = Followed(segment, still=now)
    with segment.path.open("rb") as file:
        header = file.readline(segment.size)
    if not header.endswith(b"\n"):
        return None
    if not is_header(header):
        followed.damaged = 1
    followed.taken = len(header)
    followed.digest.update(header)
    return followed


def resume(segment: Segment, position: Position, now: float) -> Followed:
    """Return a segment as it was left, its digest worked out anew from what the file holds now. Raises OSError.

    If `position()` of what is returned is another one, the file is not what was taken in. One that shrank is followed
    from its new end.
    """
    followed = Followed(
        segment, position.taken, position.lines, position.damaged, position.first, position.last, set(position.days),
        noted=True, still=now,
    )  # fmt: skip
    if segment.size < position.taken:
        followed.taken = _whole_lines(segment.path, segment.size)
    newlines = 0
    for start in range(0, followed.taken, STEP):
        octets = read_at(segment.path, start, min(STEP, followed.taken - start))
        newlines += octets.count(b"\n")
        followed.digest.update(octets)
    if followed.taken != position.taken:
        followed.lines = max(newlines - 1, 0)
    return followed


def _whole_lines(path: Path, size: int) -> int:
    """Return how many octets of a file are whole lines."""
    while size:
        begin = max(size - STEP, 0)
        newline = read_at(path, begin, size - begin).rfind(b"\n")
        if newline >= 0:
            return begin + newline + 1
        size = begin
    return 0
