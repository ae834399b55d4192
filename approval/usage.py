"""When each entry of the director's list was last used: `usage.json`, because the query log is shorter than a year.

A round reads what the query log has grown by since the last one. It notes for each entry the day of the last query that
the entry covers: the name itself or one below it, if no longer entry does.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

from approval.records import read_record, write_record
from blocklists.disk import alone
from policy.decision import Action, Why
from policy.names import with_parents

USAGE = "usage.json"
_LOCK = "usage.lock"

_BLOCK = 8 << 20
_OPENED = frozenset(action.encode() for action in (Action.ALLOW, Action.REWRITE))
_BY_ENTRY = tuple(why.encode() for why in (Why.ALLOWED, Why.EXCEPTION, Why.PROTECTED, Why.SAFE_SEARCH))
"""Reasons behind which an entry may stand. A teacher opens what is listed for lessons by an exception, a protected name
opens before the director's list is asked, and a search engine that an order opened is answered in its safe mode."""
_COLUMNS = (b"time", b"name", b"action", b"reason")


@dataclass(frozen=True, slots=True)
class Usage:
    """What is known of the use of the director's list."""

    since: date | None = None
    """The day since which nothing was missed; None if the log does not tell what is allowed (`log.detail`)."""
    last: Mapping[str, date] = field(default_factory=dict)
    """By entry: when a name that it covers was last asked for. What does not stand here was not, as far as we know."""
    noted: date | None = None
    """The day of the last round; None before the first."""
    read: Mapping[str, int] = field(default_factory=dict)
    """By segment of the query log: how many octets were read."""


def load_usage(state: Path) -> Usage:
    """Return what the last round noted. Raises DamagedRecord and OSError."""
    return read_record(state / USAGE, _usage, Usage())


def note_usage(
    state: Path, entries: Collection[str], log_folder: Path, *, today: date, retention_days: int, full: bool
) -> Usage:
    """Read on in the query log and note which of the entries (canonical names) were used. For once a day.

    `retention_days`: how long segments are kept; who reads more seldom misses some. `full`: whether the log tells what
    is allowed (`log.detail = "full"`). What was known of other entries is forgotten. Raises DamagedRecord and OSError.
    """
    with alone(state, _LOCK):
        before = load_usage(state)
        names = frozenset(entries)
        last = {name: day for name, day in before.last.items() if name in names}
        first = today
        read: dict[str, int] = {}
        for path in sorted(log_folder.glob("*.tsv")):
            try:
                with path.open("rb") as file:
                    begun, read[path.name] = _note_segment(file, before.read.get(path.name, 0), names, last, today)
            except FileNotFoundError:
                continue  # retention took it away between the listing and the look
            first = min(first, begun or today)
        usage = Usage(_since(before, first, today, retention_days) if full else None, last, today, read)
        write_record(state / USAGE, _as_json(usage))
        return usage


def _since(before: Usage, first: date, today: date, retention_days: int) -> date:
    """Return the day since which nothing was missed, if `first` is the day of the first line that was new to us."""
    if before.noted is None or (today - before.noted).days > retention_days:
        return first
    # What was logged while only blocked queries were logged says nothing of use, even if it is still there.
    return before.since or today


def _note_segment(
    file: BinaryIO, done: int, names: Collection[str], last: dict[str, date], today: date
) -> tuple[date | None, int]:
    """Note the uses in a segment from an offset on; return the day of its first new line and the new offset."""
    header = file.readline()
    columns = header.rstrip(b"\n").split(b"\t")
    if not header.endswith(b"\n") or not set(columns).issuperset(_COLUMNS):
        return None, 0
    time_at, name_at, action_at, reason_at = map(columns.index, _COLUMNS)
    offset, begun = max(done, len(header)), None
    for lines in _lines_from(file, offset):
        for line in lines:
            offset += len(line) + 1
            wanted = any(reason in line for reason in _BY_ENTRY)
            if begun is not None and not wanted:
                continue
            fields = line.split(b"\t")
            day = _day(fields[time_at], today) if len(fields) >= len(columns) else None
            if day is None:
                continue  # damaged
            begun = begun or day
            if wanted and fields[action_at] in _OPENED and fields[reason_at] in _BY_ENTRY:
                entry = _entry_for(fields[name_at].decode("ascii", "replace"), names)
                if entry is not None:
                    last[entry] = max(day, last.get(entry, day))
    return begun, offset


def _lines_from(file: BinaryIO, offset: int) -> Iterator[list[bytes]]:
    """Yield the whole lines behind an offset in pieces. A last line without its end is left for the next round."""
    file.seek(offset)
    rest = b""
    while block := file.read(_BLOCK):
        *lines, rest = (rest + block).split(b"\n")
        yield lines


def _day(moment: bytes, today: date) -> date | None:
    """Return the day of a moment of the log, no later than today: a clock may have been wrong for a while."""
    try:
        return min(date.fromisoformat(moment[:10].decode("ascii")), today)
    except ValueError:
        return None


def _entry_for(name: str, names: Collection[str]) -> str | None:
    return next((parent for parent in with_parents(name) if parent in names), None)


def _usage(raw: Any) -> Usage:
    return Usage(
        date.fromisoformat(raw["since"]) if raw["since"] else None,
        {str(name): date.fromisoformat(day) for name, day in raw["last"].items()},
        date.fromisoformat(raw["noted"]),
        {str(segment): int(octets) for segment, octets in raw["read"].items()},
    )


def _as_json(usage: Usage) -> dict[str, object]:
    return {
        "since": usage.since.isoformat() if usage.since else None,
        "noted": usage.noted.isoformat() if usage.noted else None,
        "last": {name: day.isoformat() for name, day in usage.last.items()},
        "read": dict(usage.read),
    }
