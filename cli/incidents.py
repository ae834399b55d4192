"""Incidents as commands read them: all that the journal holds, one by its number, and what is shown of each."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from cli.errors import Failure, Misuse
from journal.incidents import KINDS, Incident, State, replay
from journal.opening import opened_journal
from settings.model import Settings
from storage.evidence import Kind, Record, text
from storage.journal_db import JournalDb
from translations import _

_NUMBER = re.compile(r"([0-9]{4}-(?:0[1-9]|1[0-2]))-([0-9]{1,12})")
_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Told:
    """The incidents, and the records that they are told from."""

    incidents: tuple[Incident, ...]
    records: Mapping[int, Record]

    def incident(self, number: str) -> Incident:
        """Return the incident of that number. Raises Failure, which says which there are."""
        for each in self.incidents:
            if each.id == number:
                return each
        last = max((each.id for each in self.incidents if each.month == number[:7]), default="")
        if last:
            message = _("there is no incident {number}; the last one of that month is {last}.")
            raise Failure(message.format(number=number, last=last))
        message = _("there is no incident {number}, and no other of that month. See: schoolfilter journal show")
        raise Failure(message.format(number=number))

    def holding(self, record: int) -> Incident | None:
        """Return the incident that a record is about; None if it is about none."""
        for each in self.incidents:
            if record == each.record or any(note.record == record for note in each.notes):
                return each
        return None

    def site(self, incident: Incident) -> str:
        """Return the site that was reported; empty for what is no report."""
        return text(self.records[incident.record].body, "name")

    def corrections(self, record: int) -> list[Record]:
        """Return what was said later about a record that is wrong, oldest first."""
        return [
            each
            for each in self.records.values()
            if each.kind is Kind.CORRECTION and each.body.get("corrects") == record
        ]


async def read(settings: Settings, *, private: bool = False) -> Told:
    """Return all incidents. `private`: with what is personal; who asks for it enters a look first."""
    async with opened_journal(settings) as journal:
        return await read_from(journal, private=private)


async def read_from(journal: JournalDb, *, private: bool = False) -> Told:
    """Return all incidents of an open journal; in a transaction, as they stand in it."""
    records = [each async for each in journal.records(KINDS, private=private)]
    return Told(tuple(replay(records)), {each.number: each for each in records})


def number_of(typed: str) -> str:
    """Return the number of an incident as the journal has it: `2026-11-7` means 2026-11-0007. Raises Misuse."""
    found = _NUMBER.fullmatch(typed.strip())
    if found is None:
        message = _("expected the number of an incident, such as 2026-11-0007, found {found}")
        raise Misuse(message.format(found=repr(typed[:60])))
    return f"{found[1]}-{int(found[2]):04d}"


def month_of(typed: str) -> str:
    """Return a month, `2026-11`. Raises Misuse."""
    if _MONTH.fullmatch(typed) is None:
        raise Misuse(
            _("--month: expected a month as YYYY-MM, such as 2026-11, found {found}").format(found=repr(typed))
        )
    return typed


def open_first(incidents: Collection[Incident]) -> list[Incident]:
    """Return them with those that wait for somebody first, the newest at the top of each part."""
    return sorted(incidents, key=lambda each: (each.state is State.CLOSED, -each.record))


def facts_json(incident: Incident) -> dict[str, object]:
    """Return for machines what is not personal."""
    return {
        "number": incident.id,
        "record": incident.record,
        "at": incident.at.isoformat(),
        "rule": incident.rule,
        "severity": incident.severity,
        "category": incident.category,
        "audience": incident.audience,
        "room": incident.room,
        "group": incident.group,
        "lesson": incident.lesson,
        "first": incident.first,
        "last": incident.last,
        "queries": incident.queries,
        "names": incident.names,
        "signs": list(incident.signs),
        "state": incident.state,
    }


def personal_json(incident: Incident) -> dict[str, object]:
    """Return for machines what is personal; who prints it enters a look first."""
    return {
        "client": incident.client,
        "device": incident.device,
        "teacher": incident.teacher,
        "asked": [{"name": name, "queries": count} for name, count in incident.asked],
    }
