"""The query log: one text line a query, written to the kernel before the answer leaves (DESIGN sections 3 and 6).

A segment is one file; it begins with a header line and is closed for good when it is full or the hour ends. Its number
follows the greatest that lies in the folder: a clock that begins anew at each power-up gives no name twice. What could
not be written (disk full, disk broken) is kept in memory within a bound and written when the disk is back; what did not
fit is counted. Answers go out in any case: a log that fails must not take the school's internet with it.
"""

import contextlib
import errno
import fcntl
import logging
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from resolver.segments import by_sequence
from settings.model import Durability

COLUMNS = (
    "time", "client", "device", "room", "group", "name", "type", "action", "reason", "category", "list", "rcode",
    "source", "ms",
)  # fmt: skip
HEADER_LINE = "\t".join(COLUMNS).encode() + b"\n"

_BEGUN = "%Y%m%dT%H%M%S"
"""How the name of a segment begins: when it was begun, UTC."""

KEPT_WHEN_FAILING = 8 * 1024 * 1024
"""Octets kept in memory while the disk refuses: about 80,000 queries."""
RETRY_SECONDS = 1.0
_REPAIR_STEP = 65_536

logger = logging.getLogger("schoolfilter.querylog")


class QueryLog:
    """The segments of one worker."""

    def __init__(
        self,
        folder: Path,
        worker: int,
        zone: tzinfo,
        *,
        segment_bytes: int,
        durability: Durability,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._worker = worker
        self._zone = zone
        self._segment_bytes = segment_bytes
        self._durability = durability
        self._clock = clock
        self._fd = -1
        self._size = 0
        self._hour = -1
        self._sequence = 0
        self._unwritten = b""
        self._retry_at = 0.0
        self._second = -1
        self._stamp = b""
        self._offset = b""
        self._dirty = False
        self.error = ""
        """Why nothing can be written now; empty when all is well."""
        self.lost_lines = 0

    def open(self) -> None:
        """Open the first segment; a failure is noted, not raised."""
        self._roll()

    def stamp(self) -> bytes:
        """Return the time column for lines written now, with its tab: RFC 3339 with milliseconds and offset."""
        now = self._clock()
        second = int(now)
        if second != self._second:
            moment = datetime.fromtimestamp(second, self._zone).isoformat()
            self._stamp = moment[:19].encode()
            self._offset = moment[19:].encode()
            self._second = second
        return b"%b.%03d%b\t" % (self._stamp, (now - second) * 1000, self._offset)

    def write(self, lines: bytes) -> None:
        """Hand whole lines to the kernel. Never raises and never waits for a disk that fails."""
        if self._unwritten or self._fd < 0:
            self._write_failing(lines)
            return
        try:
            written = os.write(self._fd, lines)
        except OSError as error:
            self._failed(error)
            self._keep(lines)
            return
        self._dirty = True
        self._size += written
        if self._durability is Durability.BATCH:
            self.sync(self._fd)
        if written != len(lines):
            # The rest must come first when the disk is back: half a line is never followed by another line.
            self._failed(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
            self._unwritten = lines[written:]
        elif self._size >= self._segment_bytes and abs(self._clock() - self._retry_at) >= RETRY_SECONDS:
            self._retry_at = self._clock() if self.error else 0.0
            self._roll()

    def _write_failing(self, lines: bytes) -> None:
        self._keep(lines)
        now = self._clock()
        if abs(now - self._retry_at) >= RETRY_SECONDS:
            self._retry_at = now
            self.retry()

    def _keep(self, lines: bytes) -> None:
        if len(self._unwritten) + len(lines) <= KEPT_WHEN_FAILING:
            self._unwritten += lines
        else:
            self.lost_lines += lines.count(b"\n")

    def retry(self) -> None:
        """Try to write what is kept, in a new segment if the old one is gone."""
        if self._fd < 0:
            self._roll()
        while self._fd >= 0 and self._unwritten:
            try:
                written = os.write(self._fd, self._unwritten)
            except OSError as error:
                self._failed(error)
                return
            self._size += written
            self._unwritten = self._unwritten[written:]
            self._dirty = True
        if self._fd >= 0:
            self._recovered()

    def _recovered(self) -> None:
        if self.error:
            logger.warning("the query log can be written again; %d lines were lost so far", self.lost_lines)
            self.error = ""

    def _failed(self, error: OSError) -> None:
        if not self.error:
            logger.error("the query log cannot be written: %s; answers go on, lines are kept in memory", error)
        self.error = f"{error.strerror or error}"

    def _roll(self) -> None:
        """Close the segment and begin the next. The new one is opened first: a full disk must not lose the old."""
        now = self._clock()
        begun = datetime.fromtimestamp(now, UTC).strftime(_BEGUN)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # What lies there is looked at each time, not only at the start: the folder's disk may have come later.
            # Counted only if it comes into being: `log verify` takes a number left out for a segment taken away.
            lying = by_sequence(self._folder, self._worker)
            sequence = max(self._sequence, lying[-1][0] if lying else 0) + 1
            path = self._folder / f"{begun}-w{self._worker}-{sequence:04d}.tsv"
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self._failed(error)
            return
        try:
            if os.write(fd, HEADER_LINE) != len(HEADER_LINE):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            with contextlib.suppress(OSError):
                os.close(fd)
                path.unlink(missing_ok=True)
            self._failed(error)
            return
        with contextlib.suppress(OSError):  # a file system without locks
            # For as long as it is open: the journal takes no segment for closed that somebody may still write to.
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        self._close_segment()
        self._fd = fd
        self._sequence = sequence
        self._size = len(HEADER_LINE)
        self._hour = int(now // 3600)
        if not self._unwritten:
            self._recovered()

    @property
    def sync_wanted(self) -> int:
        """Return a descriptor to be synced to disk now (by another thread), or -1. Called once a second."""
        if self._unwritten or self._fd < 0:
            self.retry()
        if self._fd >= 0 and not self._unwritten and int(self._clock() // 3600) != self._hour:
            self._roll()
        if self._durability is not Durability.SECOND or not self._dirty or self._fd < 0:
            return -1
        self._dirty = False
        return self._fd

    def sync(self, fd: int) -> None:
        """Bring a segment to the disk itself; a disk that cannot is an alarm, not a reason to stop. Any thread."""
        try:
            os.fdatasync(fd)
        except OSError as error:
            if error.errno != errno.EBADF:  # closed meanwhile: then it was synced on the way
                self._failed(error)

    def close(self) -> None:
        """Write what is left, sync and close the segment."""
        if self._unwritten:
            self.retry()
            self.lost_lines += self._unwritten.count(b"\n")
            self._unwritten = b""
        self._close_segment()

    def _close_segment(self) -> None:
        if self._fd < 0:
            return
        if self._durability is not Durability.NONE:
            self.sync(self._fd)
        with contextlib.suppress(OSError):  # whatever it says, the descriptor is gone
            os.close(self._fd)
        self._fd = -1


def repair(folder: Path, worker: int) -> list[str]:
    """Mend segments whose last line a power cut tore: cut the torn part off; return what was done, in plain words."""
    done = []
    try:
        lying = by_sequence(folder, worker)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        return [f"{folder}: cannot be looked at: {error.strerror or error}"]
    for _sequence, name in lying[-2:]:  # older ones were closed in peace
        try:
            done += _repair(folder / name)
        except OSError as error:
            done.append(f"{name}: cannot be looked at: {error.strerror or error}")
    return done


def _repair(path: Path) -> list[str]:
    with path.open("r+b") as segment:
        size = keep = segment.seek(0, os.SEEK_END)
        while keep:
            begin = max(keep - _REPAIR_STEP, 0)
            segment.seek(begin)
            newline = segment.read(keep - begin).rfind(b"\n")
            if newline >= 0:
                keep = begin + newline + 1
                break
            keep = begin
        if keep == size and size:
            return []
        segment.truncate(keep)
        if not keep:
            # Not removed: the journal may know its name, and a clock that begins anew would give it again.
            segment.seek(0)
            segment.write(HEADER_LINE)
            segment.flush()
        os.fsync(segment.fileno())
    if not keep:
        return [f"{path.name}: not even its first line was whole; it is empty now"]
    return [f"{path.name}: cut {size - keep} octets of a torn last line"]
