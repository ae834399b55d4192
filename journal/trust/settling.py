"""What became of alarms: each is open until a person settles it with words, told from the records of the chain.

The alarm stays: that the evidence was in danger is as true as before. The same again is another alarm.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from storage.evidence import Kind, Record, whole
from storage.journal_db import JournalDb

ALARM_KINDS = (Kind.ALARM, Kind.SETTLED)
"""The records that alarms are told from."""


@dataclass(frozen=True, slots=True)
class ToldAlarm:
    """An alarm as it stands."""

    record: Record
    """What was noticed."""
    settled: Record | None = None
    """Who dealt with it, and when; what was found is personal: free words. None: nobody did yet."""

    @property
    def is_open(self) -> bool:
        """Whether nobody has settled it."""
        return self.settled is None


def alarms_told_by(records: Iterable[Record]) -> list[ToldAlarm]:
    """Return the alarms that records of ALARM_KINDS tell of, in the order of entry. Pure; other kinds are left out."""
    found: dict[int, ToldAlarm] = {}
    for record in records:
        if record.kind is Kind.ALARM:
            found[record.number] = ToldAlarm(record)
        elif record.kind is Kind.SETTLED:
            number = whole(record.body, "alarm")
            if number in found and found[number].is_open:
                found[number] = replace(found[number], settled=record)
    return list(found.values())


async def read_alarms(journal: JournalDb, *, private: bool = False) -> list[ToldAlarm]:
    """Return all alarms, oldest first; they are few, and an index leads to them.

    `private`: with what was found; who asks for it enters a look first.
    """
    return alarms_told_by([each async for each in journal.records(ALARM_KINDS, private=private)])
