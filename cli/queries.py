"""Read the query log forward, oldest line first, for what looks at days of it. Format: docs/querylog.md."""

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import attrgetter
from pathlib import Path

from policy.decision import Action
from resolver.dependencies import Query
from resolver.querylog import COLUMNS
from resolver.segments import Segment, list_segments

_TIME, _CLIENT, _NAME, _ACTION, _REASON, _CATEGORY, _LIST = (
    COLUMNS.index(column) for column in ("time", "client", "name", "action", "reason", "category", "list")
)
_DECIDED = {Action.ALLOW.encode(): False, Action.REWRITE.encode(): False, Action.BLOCK.encode(): True}
"""Whether the policy closed it, by the actions that say so; all others are about the server, not about the name."""


def queries_since(folder: Path, since: datetime) -> Iterator[Query]:
    """Yield the decided queries of all workers since a moment, oldest first. Damaged lines are left out."""
    begin = since.timestamp()
    by_worker: dict[int, list[Segment]] = {}
    for segment in list_segments(folder):
        if segment.written >= begin:
            by_worker.setdefault(segment.worker, []).append(segment)
    return heapq.merge(*(_worker(own, begin) for own in by_worker.values()), key=attrgetter("moment"))


def _worker(segments: Sequence[Segment], since: float) -> Iterator[Query]:
    for segment in segments:
        try:
            file = segment.path.open("rb")
        except FileNotFoundError:
            continue  # retention took it away between the listing and the look
        with file:
            for line in file:
                query = _query(line)
                if query is not None and query.moment >= since:
                    yield query


def _query(line: bytes) -> Query | None:
    """Return what a whole line says; None for the header, other actions, torn and damaged lines."""
    fields = line.split(b"\t")
    if len(fields) < len(COLUMNS) or not line.endswith(b"\n"):
        return None
    blocked = _DECIDED.get(fields[_ACTION])
    if blocked is None:
        return None
    try:
        moment = datetime.fromisoformat(fields[_TIME].decode("ascii")).timestamp()
        # Names that are not plain letters are escaped in the log; what else stands there was not written by us.
        client, name = fields[_CLIENT].decode("ascii"), fields[_NAME].decode("ascii").lower()
        why, category, list_id = (fields[at].decode("ascii") for at in (_REASON, _CATEGORY, _LIST))
    except ValueError:
        return None
    return Query(moment, client, name, blocked, why, category, list_id)
