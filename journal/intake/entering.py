"""How what the incident rules found becomes records of the chain: numbered, with lesson and teacher of the moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from journal.detection.folding import Folding, Found, Repeat
from journal.numbering import Numbering
from storage.evidence import Kind
from storage.journal_db import Change, JournalDb


class Lessons(Protocol):
    """Tells which lesson is on: journal/intake/lessons.py."""

    async def at(self, room: str, moment: datetime) -> tuple[str, str]:
        """Return the lesson in words and its teacher; empty if nobody knows."""
        ...


Placed = tuple[Found, str, str]
"""What was found, with lesson and teacher."""


async def placed(found: Sequence[Found], lessons: Lessons) -> list[Placed]:
    """Find out in which lessons it was. Before the transaction: others may wait to write."""
    return [(each, *await lessons.at(each.room, datetime.fromisoformat(each.first))) for each in found]


class Register:
    """Numbers incidents by month, among those that other processes enter."""

    def __init__(self) -> None:
        self._numbering = Numbering()
        self._seen = 0

    async def enter(
        self, change: Change, journal: JournalDb, folding: Folding, found: Sequence[Placed], repeats: Sequence[Repeat]
    ) -> None:
        """Enter incidents, and how those went on that were entered before."""
        for each, lesson, teacher in found:
            folding.entered(each.key, await self._incident(change, journal, each, lesson, teacher))
        for repeat in repeats:
            await change.add(
                Kind.REPEAT,
                {
                    "incident": repeat.record, "last": repeat.last, "queries": repeat.queries, "names": repeat.names,
                    "signs": list(repeat.signs),
                },
                private=_asked(repeat.asked),
            )  # fmt: skip

    async def _incident(self, change: Change, journal: JournalDb, found: Found, lesson: str, teacher: str) -> int:
        return await change.add(
            Kind.INCIDENT,
            {
                "id": await self._next(journal, found.first[:7]), "rule": found.rule.value,
                "severity": found.severity, "category": found.category, "audience": found.audience.value,
                "room": found.room, "group": found.group, "lesson": lesson, "first": found.first, "last": found.last,
                "queries": found.queries, "names": found.names, "signs": list(found.signs),
            },
            private={"client": found.client, "device": found.device, "teacher": teacher, **_asked(found.asked)},
        )  # fmt: skip

    async def _next(self, journal: JournalDb, month: str) -> str:
        """Return the id of the next incident of a month. Reads what was added since it last did."""
        async for record in journal.records((Kind.INCIDENT, Kind.REPORTED, Kind.ALARM), after=self._seen):
            self._seen = record.number
            self._numbering.note(record)
        return self._numbering.next(month)


def _asked(asked: Sequence[tuple[str, int]]) -> Mapping[str, object]:
    return {"asked": [list(pair) for pair in asked]}
