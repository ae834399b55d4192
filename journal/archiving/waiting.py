"""What an erasure waits for: until then a round of the archive cannot carry it out whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from journal.archiving.erasure import Erasure, erasures
from journal.detection.remembering import client_of
from journal.detection.rules import Rules
from journal.whole_line import is_time
from resolver.segments import begun, list_segments
from settings.model import Settings
from storage.journal_db import JournalDb

LATE = timedelta(days=1)
"""So much later a line may stand in the log than it was asked."""


class For(StrEnum):
    """What an erasure can wait for."""

    SEGMENTS = "segments"
    """Segments of its span are still open."""
    INCIDENT = "incident"
    """The incident rules have something of it in mind, of which an incident may yet come, or one may go on."""
    INTAKE = "intake"
    """The journal has not taken in all of the query log: it is busy, or does not run."""
    ROUND = "round"
    """Nothing but the next round."""


@dataclass(frozen=True, slots=True)
class Wait:
    """How long an erasure waits."""

    reason: For
    until: datetime | None = None
    """By the school's clock, if nothing more is asked for meanwhile; None: soon, nobody can say when."""


async def wait_of(journal: JournalDb, settings: Settings, erasure: Erasure, now: datetime) -> Wait:
    """Return what an erasure that is not carried out waits for longest. `now`: in the school's zone."""
    since, until = erasure.span(now.tzinfo or UTC)
    waits = []
    closed = erasure.open_until(now)
    if closed is not None:
        waits.append((closed, For.SEGMENTS))
    forgotten = await in_mind_until(journal, settings, erasure, since, until)
    if forgotten is not None and forgotten > now:
        waits.append((forgotten, For.INCIDENT))
    if waits:
        moment, reason = max(waits)
        return Wait(reason, moment.astimezone(now.tzinfo))
    if forgotten is not None or await _untaken(journal, texts_of(settings, since, until)):
        return Wait(For.INTAKE)
    return Wait(For.ROUND)


async def ready(journal: JournalDb, settings: Settings, now: datetime) -> set[int]:
    """Return the records of the erasures that wait for nothing but a round. `now`: in the school's zone."""
    return {
        each.record
        for each in await erasures(journal)
        if each.done is None and (await wait_of(journal, settings, each, now)).reason is For.ROUND
    }


async def in_mind_until(
    journal: JournalDb, settings: Settings, erasure: Erasure, since: datetime, until: datetime
) -> datetime | None:
    """Return until when the rules have something of a span in mind that may yet become a record; None: nothing.

    That moment may have passed: the process that keeps the journal drops it as soon as it gets there.
    """
    rules, first, last = Rules.of(settings), since.timestamp(), until.timestamp()
    found = None
    for name, state in (await journal.folds()).items():
        try:
            client = client_of(state)
        except ValueError:  # nothing becomes a record of it: the tailer drops it when it begins
            continue
        for each, forgotten in client.remembered(rules):
            theirs = name in erasure.clients or each.device in erasure.devices
            if theirs and each.first < last and each.last >= first:
                found = max(found or 0.0, forgotten)
    return None if found is None else datetime.fromtimestamp(found, UTC)


def texts_of(settings: Settings, since: datetime, until: datetime) -> list[str]:
    """Return the segments that are still there as text and may hold lines of a span."""
    return [
        segment.path.name
        for segment in list_segments(settings.paths.query_log)
        if segment.written >= since.timestamp() and _begins_before(segment.path, until)
    ]


def _begins_before(path: Path, until: datetime) -> bool:
    """Tell whether a segment may hold lines of before: a worker writes later what a full disk did not take."""
    if begun(path.name) < until:
        return True
    if begun(path.name) - until > LATE:
        return False
    try:
        with path.open("rb") as file:
            file.readline()
            time = file.readline().partition(b"\t")[0]
    except FileNotFoundError:  # a round removed it just now
        return False
    return is_time(time) and datetime.fromisoformat(time.decode()) < until


async def _untaken(journal: JournalDb, names: Sequence[str]) -> bool:
    for name in names:
        if await journal.segment(name) is None:
            return True
    return False
