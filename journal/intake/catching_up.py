"""Waiting until the journal has taken in what the query log holds: figures on paper must not lack the last queries."""

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from journal.intake.segment_files import Followed, read_at
from journal.intake.state import read_state
from resolver.querylog import HEADER_LINE
from resolver.segments import Segment, list_segments
from settings.model import Settings
from storage.journal_db import JournalDb

PATIENCE = 5.0
"""Seconds. A line is taken about three seconds after it was written (journal/intake/taking.py)."""
_GLANCE = 0.2
_FRESH_SECONDS = 60
_TAIL = 1 << 16


async def catch_up(settings: Settings, journal: JournalDb, until: datetime, *, patience: float = PATIENCE) -> int:
    """Wait until the journal has what the query log holds now of the time before `until`; at most `patience` seconds.

    Return by how many seconds it is behind, 0 if it is not. Without a process that keeps the journal nothing is waited
    for. Raises StorageError, OSError.
    """
    goals = {
        segment.path.name: (segment, end)
        for segment in list_segments(settings.paths.query_log)
        if (end := _end(segment)) > len(HEADER_LINE)
    }
    loop = asyncio.get_running_loop()
    over = loop.time() + patience
    while True:
        oldest = await _oldest(journal, goals, until)
        if oldest is None or loop.time() >= over or not _is_kept(settings):
            break
        await asyncio.sleep(_GLANCE)
    return 0 if oldest is None else max(int((datetime.now(UTC) - oldest).total_seconds()), 1)


async def _oldest(journal: JournalDb, goals: Mapping[str, tuple[Segment, int]], until: datetime) -> datetime | None:
    """Return the moment of the oldest line that is not taken; None if there is none."""
    positions, found = await journal.positions(), []
    for name, (segment, end) in goals.items():
        taken = max(positions[name].taken if name in positions else 0, len(HEADER_LINE))
        if taken >= end or (name not in positions and await journal.segment(name) is not None):
            continue
        with contextlib.suppress(FileNotFoundError):
            moment = Followed(segment, taken).next_moment()
            found.append(moment or datetime.fromtimestamp(segment.written, UTC))
    return min((moment for moment in found if moment < until), default=None)


def _end(segment: Segment) -> int:
    """Return where the whole lines of a segment end; 0 if it has none, or is gone."""
    start = max(segment.size - _TAIL, 0)
    try:
        found = read_at(segment.path, start, segment.size - start).rfind(b"\n")
    except FileNotFoundError:
        return 0
    return start + found + 1 if found >= 0 else 0


def _is_kept(settings: Settings) -> bool:
    state = read_state(settings)
    return state is not None and state.age(datetime.now(UTC)) <= _FRESH_SECONDS and Path(f"/proc/{state.pid}").exists()
