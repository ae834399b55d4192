"""Incidents to test with: one as it is told from records, and a journal that holds some."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from journal.incidents import Audience, Incident, Rule, State
from journal.notifying.contacts import Channel, Contact, Role
from journal.numbering import numbering_of
from journal.opening import opened_journal
from settings.model import Notices, Paths, School, Settings
from storage.evidence import Kind, Record
from storage.journal_db import JournalDb

NOW = datetime(2026, 11, 25, 5, 0, tzinfo=UTC)
"""10:00 at school."""
SECRET_NAMES = (("casino.example", 9), ("poker.example", 3))
CLIENT = "192.0.2.77"
TEACHER = "Omarov B."

_INCIDENT = Incident(
    record=5,
    id="2026-11-0007",
    at=NOW,
    rule=Rule.ATTEMPT,
    severity="harmful",
    category="gambling",
    audience=Audience.CLASS_TEACHER,
    room="room21",
    group="7-b",
    lesson="7-b, Informatics",
    first="2026-11-25T09:40:00.000+05:00",
    last="2026-11-25T09:52:00.000+05:00",
    queries=12,
    names=2,
    signs=("repeated", "varied"),
    state=State.NEW,
    notes=(),
    sealed=True,
)


def incident(**changes: Any) -> Incident:
    """Return an incident that differs in this."""
    return replace(_INCIDENT, **changes)


def settings_in(folder: Path, **notices: str) -> Settings:
    """Return the settings of a school whose state is in a folder."""
    school = School(name="Мектеп № 12", language="en", time_zone="Asia/Almaty")
    return Settings(school=school, notices=Notices(**notices), paths=Paths(folder))


@asynccontextmanager
async def journal_in(settings: Settings) -> AsyncIterator[JournalDb]:
    """Open the journal of a school."""
    async with opened_journal(settings) as journal:
        yield journal


async def enter(journal: JournalDb, at: datetime = NOW, device: str = "pc-21-07", **changes: Any) -> int:
    """Enter an incident; return its record."""
    made = incident(**changes)
    async with journal.changing(at) as change:
        body: dict[str, object] = {
            "id": (await numbering_of(journal)).next(f"{at + timedelta(hours=5):%Y-%m}"),
            "rule": made.rule.value,
            "severity": made.severity,
            "category": made.category,
            "audience": made.audience.value,
            "room": made.room,
            "group": made.group,
            "lesson": made.lesson,
            "first": made.first,
            "last": made.last,
            "queries": made.queries,
            "names": made.names,
            "signs": list(made.signs),
        }
        private: dict[str, object] = {
            "client": CLIENT,
            "device": device,
            "teacher": TEACHER,
            "asked": [list(each) for each in SECRET_NAMES],
        }
        return await change.add(Kind.INCIDENT, body, private=private)


async def add_contact(
    journal: JournalDb,
    name: str = "Asanova A.",
    role: Role = Role.CLASS_TEACHER,
    *,
    groups: tuple[str, ...] = (),
    mail: str = "",
    telegram: str = "",
    language: str = "en",
    at: datetime = NOW,
) -> None:
    """Enter a contact."""
    channels = tuple(channel for channel, given in ((Channel.MAIL, mail), (Channel.TELEGRAM, telegram)) if given)
    made = Contact(0, name, role, groups, (), language, channels, mail, telegram)
    async with journal.changing(at) as change:
        await change.add(Kind.CONTACT, made.body, private=made.private)


async def told(journal: JournalDb) -> list[Record]:
    """Return the Kind.TOLD records."""
    return [each async for each in journal.records((Kind.TOLD,))]
