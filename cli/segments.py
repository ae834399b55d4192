"""Read the query log's segments: newest lines first, and what is added while we watch. Format: docs/querylog.md."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from pathlib import Path

from resolver.querylog import COLUMNS, HEADER_LINE
from resolver.segments import Segment as Segment
from resolver.segments import list_segments as list_segments

_HEADER = HEADER_LINE.rstrip()
_BLOCK = 1 << 16
_READ_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class LogLine:
    """One query as the log holds it; the fields are the columns."""

    moment: datetime
    """The time column, parsed: to sort by."""
    fields: tuple[str, ...]

    def __getitem__(self, column: str) -> str:
        return self.fields[COLUMNS.index(column)]

    def as_dict(self) -> dict[str, str]:
        """Return column and value, in the order of the columns."""
        return dict(zip(COLUMNS, self.fields, strict=True))


def parse_line(raw: bytes) -> LogLine | None:
    """Return the line, or None for the header and for what is damaged. Later versions may add columns at the end."""
    # Split on tabs only: str.splitlines and str.split know many more separators than the format has.
    fields = tuple(field.decode("utf-8", "backslashreplace") for field in raw.split(b"\t"))
    if len(fields) < len(COLUMNS):
        return None
    try:
        moment = datetime.fromisoformat(fields[0])
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return LogLine(moment, fields[: len(COLUMNS)])


Damaged = Callable[[Path, bytes], None]
"""Told of each line that does not have the form of the log, and of its file."""


def newest_first(segments: list[Segment], ends: dict[Path, int], damaged: Damaged) -> Iterator[LogLine]:
    """Yield lines of all workers, newest first, reading each file only as far back as it is asked for.

    Bytes behind `ends[path]` are left out: that is where a torn last line stands, or where a follower takes over.
    """
    by_worker: dict[int, list[Segment]] = {}
    for segment in segments:
        by_worker.setdefault(segment.worker, []).append(segment)
    streams = (_worker_newest_first(own, ends, damaged) for own in by_worker.values())
    return heapq.merge(*streams, key=attrgetter("moment"), reverse=True)


def _worker_newest_first(segments: list[Segment], ends: dict[Path, int], damaged: Damaged) -> Iterator[LogLine]:
    for segment in reversed(segments):
        for raw in _lines_backwards(segment.path, ends.get(segment.path, segment.size)):
            line = _line(segment.path, raw, damaged)
            if line is not None:
                yield line


def _line(path: Path, raw: bytes, damaged: Damaged) -> LogLine | None:
    line = parse_line(raw)
    if line is None and not raw.startswith(_HEADER):
        damaged(path, raw)
    return line


def _lines_backwards(path: Path, end: int) -> Iterator[bytes]:
    """Yield the whole lines before `end`, last one first."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        tail = b""
        while end > 0:
            start = max(0, end - _BLOCK)
            file.seek(start)
            pieces = (file.read(end - start) + tail).split(b"\n")
            tail = pieces[0]
            yield from (piece for piece in reversed(pieces[1:]) if piece)
            end = start
        if tail:
            yield tail


def whole_end(segment: Segment) -> int:
    """Return the offset behind the last complete line: behind it, a worker may be writing just now."""
    end = segment.size
    with segment.path.open("rb") as file:
        while end > 0:
            start = max(0, end - _BLOCK)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            end = start
    return 0


def whole_ends(segments: list[Segment]) -> dict[Path, int]:
    """Return `whole_end` of every segment that is still there."""
    ends: dict[Path, int] = {}
    for segment in segments:
        try:
            ends[segment.path] = whole_end(segment)
        except FileNotFoundError:
            ends[segment.path] = 0
    return ends


@dataclass(slots=True)
class Follower:
    """Gives the lines that were added since the last call, across rolls and new workers."""

    folder: Path
    damaged: Damaged
    ends: dict[Path, int] = field(default_factory=dict)
    """How far each segment has been read; always the end of a line."""

    def new_lines(self) -> list[LogLine]:
        """Return what has been written since the last call, in the order of time. A torn last line waits."""
        segments = list_segments(self.folder)
        lines: list[LogLine] = []
        for segment in segments:
            at = self.ends.get(segment.path, 0)
            if segment.size > at:
                self.ends[segment.path] = at + self._read(segment.path, at, lines)
        present = {segment.path for segment in segments}
        self.ends = {path: at for path, at in self.ends.items() if path in present}
        return sorted(lines, key=attrgetter("moment"))

    def _read(self, path: Path, at: int, lines: list[LogLine]) -> int:
        """Append the whole lines behind `at`; return how many bytes they took."""
        taken = 0
        try:
            with path.open("rb") as file:
                file.seek(at)
                rest = b""
                while block := file.read(_READ_AT_ONCE):
                    *whole, rest = (rest + block).split(b"\n")
                    for raw in whole:
                        taken += len(raw) + 1
                        line = _line(path, raw, self.damaged)
                        if line is not None:
                            lines.append(line)
        except FileNotFoundError:
            return taken
        return taken
