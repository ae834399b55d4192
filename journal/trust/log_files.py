"""Files of the query log and of the archive, compared with what the chain says of them."""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from io import FileIO
from pathlib import Path

from journal.archiving.log_table import aside
from journal.trust.verdict import Broken, Trouble
from storage.journal_db import StoredSegment

Progress = Callable[[int, int], None]
"""Given the octets read so far, and all that there are."""
_STEP = 1 << 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file as the chain wants it."""

    path: Path
    where: str
    """How it is named to people."""
    record: int
    octets: int
    """How many of its first octets the digest is of; -1: all, however many."""
    digest: str
    is_log: bool = False
    """Whether it is text, of which half a line at the end counts for nothing."""
    is_open: bool = False
    """Whether more may follow."""


class Reading:
    """Counts what was read, and tells whoever waits."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self.octets = 0

    def add(self, octets: int) -> None:
        """Count octets."""
        self.octets += octets
        if self._progress is not None:
            self._progress(min(self.octets, self._total), self._total)


def judge(wanted: Wanted, reading: Reading) -> Broken | None:
    """Return what is wrong with a file; None if nothing is. Raises OSError."""
    try:
        descriptor = os.open(wanted.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return Broken(Trouble.MISSING, wanted.record, wanted.where)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return Broken(Trouble.CHANGED, wanted.record, wanted.where)  # a link lies in its place
    with FileIO(descriptor) as file:
        # What is longer or shorter is told by the size: it says more than that the digest is another.
        size = os.fstat(descriptor).st_size
        octets = size if wanted.octets < 0 else wanted.octets
        if size < octets:
            reading.add(size)
            return Broken(Trouble.SHORTER, wanted.record, wanted.where)
        digest = _digest(file, octets, reading)
        if size > octets and not wanted.is_open and not (wanted.is_log and _is_half_a_line(file)):
            return Broken(Trouble.LONGER, wanted.record, wanted.where)
    return None if digest == wanted.digest else Broken(Trouble.CHANGED, wanted.record, wanted.where)


def holds(path: Path, segment: StoredSegment) -> bool:
    """Return whether a file holds what a closed segment held, half a line at its end left aside. Raises OSError."""
    wanted = Wanted(path, segment.name, segment.record, segment.bytes, segment.digest, is_log=True)
    return judge(wanted, Reading(None, 0)) is None


def waits_aside(wanted: Wanted) -> bool:
    """Return whether a file of the archive was entered and its round cut off before it was put in place."""
    return judge(Wanted(aside(wanted.path), "", 0, wanted.octets, wanted.digest), Reading(None, 0)) is None


def listed(folder: Path) -> list[str]:
    """Return the names in a folder; nothing if there is none."""
    try:
        return [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def has_a_line(path: Path) -> bool:
    """Return whether a segment has a header; one without is what a worker left that died at once."""
    try:
        with path.open("rb") as file:
            return file.readline().endswith(b"\n")
    except OSError:
        return False


def _digest(file: FileIO, octets: int, reading: Reading) -> str:
    digest, left = sha256(), octets
    block = memoryview(bytearray(_STEP))
    while left and (count := file.readinto(block[: min(left, _STEP)])):
        digest.update(block[:count])
        reading.add(count)
        left -= count
    return digest.hexdigest()


def _is_half_a_line(file: FileIO) -> bool:
    """Return whether what follows has no line feed. Half a line is what a worker leaves that dies: nobody reads it."""
    while block := file.read(_STEP):
        if b"\n" in block:
            return False
    return True
