"""Sums of queries by hour, day, room, group, category or action, as the tailer counted them: nothing is personal."""

from datetime import date, timedelta
from typing import Literal, NamedTuple

from policy.decision import Action
from storage.journal_db import JournalDb, Tally

By = Literal["hour", "day", "room", "group", "category", "action"]
"""What queries can be summed by."""


class Top(NamedTuple):
    """How often something was asked for."""

    value: str
    queries: int
    blocked: int

    @property
    def share(self) -> float:
        """How much of it was blocked, 0 to 1."""
        return self.blocked / self.queries if self.queries else 0.0


async def statistics(journal: JournalDb, first: date, last: date, by: By) -> list[Top]:
    """Return the sums of these days, both with them, in the school's time zone, in the order of the values."""
    queries: dict[str, int] = {}
    blocked: dict[str, int] = {}
    async for hour, tally, count in journal.counts(first.isoformat(), (last + timedelta(days=1)).isoformat()):
        value = _value(hour, tally, by)
        queries[value] = queries.get(value, 0) + count
        if tally.action == Action.BLOCK:
            blocked[value] = blocked.get(value, 0) + count
    return [Top(value, queries[value], blocked.get(value, 0)) for value in sorted(queries)]


def _value(hour: str, tally: Tally, by: By) -> str:
    match by:
        case "hour":
            return hour
        case "day":
            return hour[:10]
        case "room":
            return tally.room
        case "group":
            return tally.group
        case "category":
            return tally.category
        case "action":
            return tally.action
