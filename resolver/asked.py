"""Count in the query log what the school asks for, and what lists on trial would have blocked.

Three million lines are a week of a big school: lines are split as bytes and counted without an object for each.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter, itemgetter, methodcaller
from pathlib import Path
from typing import TypeVar

from blocklists.asked import Asked
from policy.decision import Action, Why
from resolver.querylog import COLUMNS
from resolver.segments import list_segments
from settings.model import LogDetail, Settings

LATELY = timedelta(days=7)
"""What the school asked for lately is what it asked for within a week: every lesson of the timetable is in it."""
LINES = 3_000_000
"""How many lines are read unless told otherwise: a week of a school of 1,000 devices, or some days of a big one."""
_DISTINCT = 300_000
"""How many different names are kept in mind; random names of one infected device must not fill the memory."""
_BLOCK = 8 << 20

_TIME, _GROUP, _NAME = COLUMNS.index("time"), COLUMNS.index("group"), COLUMNS.index("name")
_ACTION, _REASON = COLUMNS.index("action"), COLUMNS.index("reason")
_CATEGORY, _LIST = COLUMNS.index("category"), COLUMNS.index("list")

_WANTED = frozenset(action.encode() for action in (Action.ALLOW, Action.BLOCK, Action.REWRITE, Action.FAIL))
"""What is left out was turned away or answered by ourselves: no list has a say in it."""
_OPENED = frozenset(action.encode() for action in (Action.ALLOW, Action.REWRITE))
_SHADOW = f"\t{Action.ALLOW}\t{Why.SHADOW}\t".encode()

_Key = TypeVar("_Key")

_parts_of_all = methodcaller("split", b"\t", _ACTION + 1)
_asked_of = itemgetter(_GROUP, _NAME, _ACTION)


@dataclass(frozen=True, slots=True)
class ShadowCount:
    """What a list on trial would have blocked."""

    list_id: str
    category: str
    queries: int
    names: int
    """How many different names."""
    top: tuple[tuple[str, int], ...]
    """The names asked for most, with their counts."""
    groups: Mapping[str, int]
    """Queries by group."""


def asked_lately(settings: Settings) -> Asked:
    """Count what lists are weighed by, whoever weighs them. Raises OSError."""
    asked = read_asked(settings.paths.query_log, since=datetime.now(UTC) - LATELY)
    if settings.log.detail is LogDetail.BLOCKED:
        # Of what is allowed only the lists on trial are logged then, which says nothing of what the school uses.
        return replace(asked, opened={})
    return asked


def read_asked(folder: Path, *, limit_lines: int = LINES, since: datetime | None = None) -> Asked:
    """Count the newest lines of the query log by group and name; nothing if there is no log. Raises OSError."""
    found: Counter[tuple[bytes, bytes, bytes]] = Counter()
    left = limit_lines
    for lines in newest_blocks(folder, since):
        if left <= 0:
            break
        if len(lines) > left:
            lines = lines[-left:]
        left -= len(lines)
        try:
            block = Counter(map(_asked_of, map(_parts_of_all, lines)))
        except IndexError:  # a damaged line among them
            block = Counter(_asked_of(parts) for parts in map(_parts_of_all, lines) if len(parts) > _ACTION)
        found.update(block)
        _forget_rarest(found)
    counts: Counter[tuple[str, str]] = Counter()
    opened: Counter[str] = Counter()
    for (group, name, action), count in found.items():
        if action in _WANTED and name:
            text = name.decode("ascii", "replace")
            counts[group.decode("utf-8", "replace"), text] += count
            if action in _OPENED:
                opened[text] += count
    return Asked(counts, opened)


def shadow_counts(
    folder: Path, list_id: str | None = None, *, since: datetime | None = None, top: int = 10
) -> tuple[ShadowCount, ...]:
    """Count what lists on trial (or one of them) would have blocked, the busiest first. Raises OSError."""
    found: Counter[tuple[bytes, ...]] = Counter()
    wanted = list_id.encode() if list_id is not None else None
    for lines in newest_blocks(folder, since):
        for line in lines:
            if _SHADOW not in line:
                continue
            parts = line.split(b"\t")
            if len(parts) < len(COLUMNS) or (parts[_ACTION], parts[_REASON]) != (b"allow", b"shadow"):
                continue
            if wanted in (None, parts[_LIST]):
                found[parts[_LIST], parts[_CATEGORY], parts[_NAME], parts[_GROUP]] += 1
        _forget_rarest(found)
    by_list: dict[tuple[str, str], tuple[Counter[str], Counter[str]]] = {}
    for (listed, category, name, group), count in found.items():
        names, groups = by_list.setdefault((listed.decode(), category.decode()), (Counter(), Counter()))
        names[name.decode("ascii", "replace")] += count
        groups[group.decode("utf-8", "replace")] += count
    counted = (
        ShadowCount(listed, category, names.total(), len(names), tuple(names.most_common(top)), dict(groups))
        for (listed, category), (names, groups) in by_list.items()
    )
    return tuple(sorted(counted, key=lambda each: (-each.queries, each.list_id, each.category)))


def _forget_rarest(found: Counter[_Key]) -> None:
    if len(found) > _DISTINCT:
        kept = found.most_common(_DISTINCT // 2)
        found.clear()
        found.update(dict(kept))


def newest_blocks(folder: Path, since: datetime | None) -> Iterator[list[bytes]]:
    """Yield the whole lines of all segments in pieces, newest segment first and its end first; headers are left out."""
    # Newest first, whichever worker wrote them.
    for segment in sorted(list_segments(folder), key=attrgetter("order"), reverse=True):
        if since is not None and segment.written < since.timestamp():
            continue
        for lines in _blocks_backwards(segment.path):
            if since is None:
                yield lines
                continue
            stamp = _local_stamp(lines[-1], since)
            if stamp is None or lines[0][: len(stamp)] >= stamp:
                yield lines
            else:  # the clock may have been set meanwhile, so each line is looked at
                recent = [line for line in lines if line[: len(stamp)] >= stamp]
                if recent:
                    yield recent


def _local_stamp(line: bytes, since: datetime) -> bytes | None:
    """Return the moment as the log's time column would have it, down to the second; None for a damaged line."""
    try:
        there = datetime.fromisoformat(line.partition(b"\t")[0].decode("ascii"))
        return since.astimezone(there.tzinfo).isoformat()[:19].encode()
    except ValueError:
        return None


def _blocks_backwards(path: Path) -> Iterator[list[bytes]]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        end = file.seek(0, os.SEEK_END)
        tail = b""
        torn = True  # what follows the last line feed is being written just now
        while end > 0:
            start = max(0, end - _BLOCK)
            file.seek(start)
            lines = (file.read(end - start) + tail).split(b"\n")
            if torn:
                lines.pop()
                torn = False
            end = start
            if not lines:
                tail = b""
                continue
            tail = lines.pop(0) if start else b""
            if not start:
                lines = lines[1:]  # the header
            if lines:
                yield lines
