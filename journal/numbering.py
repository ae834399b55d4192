"""The numbers by which people name incidents and erasures: none is given twice, whatever became of journal.db.

They stand on papers and in people's notes. So where records are lost, those that follow begin behind all that may have
been given: the alarm says from where, and the chain alone is gone by.
"""

from journal.trust.alarms import Alarm
from storage.evidence import Kind, Record, text, whole
from storage.journal_db import JournalDb

_NUMBERED = (Kind.INCIDENT, Kind.REPORTED, Kind.ERASURE)
MARGIN = 100
"""So many records may have been entered after the last one that is known to have been there."""
_UNKNOWN = 10_000
"""If it is not known how many were."""
_MOST = 10**9
"""No chain gets so long: a head that says so is none."""
_LONGEST = 12
"""Digits of a number."""


class Numbering:
    """The numbers of one sort, by month or by year, told from the records that have them and from alarms."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._lost: list[tuple[str, int]] = []
        """Until which month numbers were lost, and the greatest that may have been."""

    def note(self, record: Record) -> None:
        """Note a record: one that has a number, or an alarm. Others say nothing here."""
        if record.kind is Kind.ALARM and text(record.body, "what") == Alarm.DAMAGED:
            self._lost.append((text(record.body, "until"), min(whole(record.body, "numbers"), _MOST)))
        elif record.kind in _NUMBERED:
            period, _, number = text(record.body, "id").rpartition("-")
            if number.isdecimal() and len(number) <= _LONGEST:
                self._last[period] = max(self._last.get(period, 0), int(number))

    def next(self, period: str) -> str:
        """Give the next number of a month (`2026-11`) or a year (`2026`), with it before."""
        lost = [number for until, number in self._lost if period <= until[: len(period)]]
        number = self._last[period] = max(self._last.get(period, 0), *lost, 0) + 1
        return f"{period}-{number:04d}"

    def may_have_been_given(self, kept: int, known: int) -> int:
        """Return the greatest number of any period that may have been given in records behind `kept`, which are lost.

        Each took a record at least. `known`: the last record that is known to have been there, 0 if none is.
        """
        noted = max([*self._last.values(), *(number for _until, number in self._lost)], default=0)
        entered = min(known, _MOST) - kept if known and known >= kept else _UNKNOWN
        return -(-(noted + entered + MARGIN) // 100) * 100


async def numbering_of(journal: JournalDb) -> Numbering:
    """Return what a journal has numbered; in a transaction, as it stands in it. Raises StorageError."""
    numbering = Numbering()
    async for record in journal.records((*_NUMBERED, Kind.ALARM)):
        numbering.note(record)
    return numbering
