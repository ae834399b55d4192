"""The files of the query log as they lie in its folder. Format: docs/querylog.md."""

import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_SEGMENT = re.compile(
    r"((?:19[789]|20[0-9]|21[0-9])[0-9]{5}T(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9])-w([0-9]+)-([0-9]+)\.tsv"
)


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of the query log, as it was when we looked."""

    path: Path
    worker: int
    order: tuple[str, int]
    """Sorts the segments of one worker by age."""
    size: int
    written: float
    """When it was last written, in seconds since 1970."""


def list_segments(folder: Path) -> list[Segment]:
    """Return the segments in the folder, oldest first for each worker. Other files are left alone."""
    found: list[Segment] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                match = _SEGMENT.fullmatch(entry.name)
                if match is None or not _is_begun_at_a_moment(entry.name):
                    continue
                try:
                    facts = entry.stat()
                except FileNotFoundError:
                    continue  # retention took it away between the listing and the look
                order = (match[1], int(match[3]))
                found.append(Segment(folder / entry.name, int(match[2]), order, facts.st_size, facts.st_mtime))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(found, key=lambda segment: (segment.worker, segment.order))


def begun(name: str) -> datetime:
    """Return when a segment was begun, by its name. Raises ValueError."""
    return datetime.fromisoformat(f"{name[:15]}+0000")


def _is_begun_at_a_moment(name: str) -> bool:
    try:
        begun(name)
    except ValueError:
        return False
    return True


def by_sequence(folder: Path, worker: int) -> list[tuple[int, str]]:
    """Return sequence and name of a worker's segments in the folder, the greatest last. Raises OSError.

    By names alone: a look at each of some thousand files would hold up the worker.
    """
    with os.scandir(folder) as entries:
        matches = (_SEGMENT.fullmatch(entry.name) for entry in entries)
        return sorted((int(match[3]), match[0]) for match in matches if match is not None and int(match[2]) == worker)
