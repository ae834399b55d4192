"""The files of the query log as they lie in its folder. Format: docs/querylog.md."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

_SEGMENT = re.compile(r"([0-9]{8}T[0-9]{6})-w([0-9]+)-([0-9]+)\.tsv")


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
                if match is None:
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
