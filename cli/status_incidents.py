"""What `status` says about the journal's contents: incidents that wait, notices that do not arrive, alarms, reports."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from cli.days import minute
from cli.incidents import read_from
from cli.journal_contacts import EXAMPLE
from journal.incidents import Incident, State
from journal.notifying.contacts import Contact, contacts_of
from journal.notifying.reminders import ReportDue, reports_due
from journal.notifying.telling import AGE, TOLD_RULES
from journal.opening import is_begun, opened_journal
from journal.trust.alarms import describe_alarm
from journal.trust.device_key import key_fault
from journal.trust.settling import read_alarms
from journal.trust.signing import known_key
from journal.trust.verdict import Broken, Trouble, describe
from journal.trust.witness import is_gone
from settings.errors import SchoolfilterError
from settings.model import Settings
from storage.errors import DamagedDatabase, NewerDatabase
from storage.evidence import Kind, Record
from storage.journal_db import JournalDb
from translations import _

_MOST_ALARMS = 5
"""So many open alarms are shown, the newest; `journal show --alarms` shows all."""
_UNSIGNED = timedelta(days=1)
"""Heads are signed each hour; a day without one is a fault."""
_LATE = timedelta(minutes=30)
"""Within this time whoever can be told has been told."""


@dataclass(frozen=True, slots=True)
class IncidentsState:
    """What waits for people."""

    new: int = 0
    told: int = 0
    reviewed: int = 0
    untold: datetime | None = None
    """When the oldest incident was entered that somebody should have been told of by now."""
    failure: str = ""
    """Why the last try to tell of it failed; empty: nobody is entered who could be told."""
    alarms: tuple[str, ...] = ()
    """The newest that nobody has settled, oldest first; each in words, with its record."""
    more_alarms: int = 0
    """How many there are besides."""
    reports: tuple[ReportDue, ...] = ()
    contacts: tuple[Contact, ...] | None = None
    """Who is told, without addresses; None: the journal cannot be read, or there is none."""
    webhook: bool = False
    """Whether a program is told of all."""
    unsigned: datetime | None = None
    """When the oldest record was entered that no signed head covers, if that is too long ago."""
    faults: tuple[str, ...] = ()
    """What is wrong with journal.db, heads.txt or device.key, each with the next step; also while nobody keeps them."""

    def problems(self, unsent: Sequence[str] = ()) -> list[str]:
        """Return what is wrong, one sentence each. `unsent`: what cannot be sent just now, as the journal says."""
        return [*self.alarm_problems(), *(unsent or self.untold_problems())]

    def alarm_problems(self) -> list[str]:
        """Return the alarms that are shown, and how many there are besides."""
        if not self.more_alarms:
            return [*self.alarms]
        said = _("Open alarms besides these: {count}. See: schoolfilter journal show --alarms")
        return [*self.alarms, said.format(count=self.more_alarms)]

    def untold_problems(self) -> list[str]:
        """Return why somebody was not told who should have been, a sentence; empty if there is nobody."""
        found = []
        if self.untold is not None and self.failure:
            said = _("Somebody could not be told of an incident: {error}. See: schoolfilter journal show --state new")
            found.append(said.format(error=self.failure.rstrip(".")))
        elif self.untold is not None:
            found.append(_("Nobody was told of new incidents. Who should be: schoolfilter journal contacts add"))
        return found

    def rows(self, zone: tzinfo) -> list[tuple[str, str]]:
        """Return what is shown, label and value; only what there is to say."""
        found = []
        if self.contacts == () and not self.webhook:
            # Not a problem by itself: a school that has just begun has nobody entered, and its server is well.
            said = _("Nobody is told of incidents. Enter somebody: {command}")
            found.append((_("incidents"), said.format(command=EXAMPLE)))
        if self.new or self.told or self.reviewed:
            said = _("{new} new, {told} told, {reviewed} reviewed and not closed; see: schoolfilter journal show")
            found.append((_("incidents"), said.format(new=self.new, told=self.told, reviewed=self.reviewed)))
        if self.untold is not None:
            said = _("the oldest of {moment}")
            found.append((_("nobody told"), said.format(moment=f"{self.untold.astimezone(zone):%Y-%m-%d %H:%M}")))
        if self.alarms:
            said = _("{count} open; when one is dealt with: schoolfilter journal settle NUMBER --text '…'")
            found.append((_("alarms"), said.format(count=len(self.alarms) + self.more_alarms)))
        for each in self.reports:
            said = _("for {month} is due by {day}: schoolfilter report monthly {month}")
            if each.overdue:
                said = _("for {month} was due by {day}: schoolfilter report monthly {month}")
            found.append((_("monthly report"), said.format(month=each.month, day=each.due.isoformat())))
        return found

    def as_json(self) -> dict[str, object]:
        """Return it for machines."""
        return {
            "new": self.new,
            "told": self.told,
            "reviewed": self.reviewed,
            "untold": self.untold.isoformat() if self.untold else None,
            "failure": self.failure,
            "faults": list(self.faults),
            "alarms": list(self.alarms),
            "more_alarms": self.more_alarms,
            "reports": [asdict(each) | {"due": each.due.isoformat()} for each in self.reports],
        }


def read_incidents_state(settings: Settings, now: datetime) -> IncidentsState:
    """Look into journal.db; what keeps from reading it is said if it lies in the file itself. Raises nothing."""

    async def work() -> IncidentsState:
        async with opened_journal(settings) as journal:
            state = await _state(journal, now, ZoneInfo(settings.school.time_zone), bool(settings.notices.webhook))
            return replace(state, faults=tuple([each async for each in _faults(journal, settings)]))

    try:
        if not is_begun(settings):
            return IncidentsState()
        return asyncio.run(work())
    except (DamagedDatabase, NewerDatabase) as error:
        return IncidentsState(faults=(str(error),))
    except (SchoolfilterError, OSError):
        return IncidentsState()


async def _state(journal: JournalDb, now: datetime, zone: tzinfo, webhook: bool) -> IncidentsState:
    told = await read_from(journal)
    open_ = {state: sum(each.state is state for each in told.incidents) for state in State}
    oldest = min((each for each in told.incidents if _is_untold(each, now)), key=lambda each: each.at, default=None)
    alarms = [each.record for each in await read_alarms(journal) if each.is_open]
    papers = [each.body async for each in journal.records((Kind.PAPER,))]
    begun = await journal.record(1)
    today = now.astimezone(zone).date()
    return IncidentsState(
        open_[State.NEW],
        open_[State.TOLD],
        open_[State.REVIEWED],
        oldest.at if oldest is not None else None,
        _failure(oldest) if oldest is not None else "",
        tuple(_words(each, zone) for each in alarms[-_MOST_ALARMS:]),
        max(len(alarms) - _MOST_ALARMS, 0),
        tuple(reports_due(papers, today, begun.at.astimezone(zone).date() if begun is not None else today)),
        tuple(contacts_of([each async for each in journal.records((Kind.CONTACT,))]).values()),
        webhook,
        await _unsigned(journal, now),
    )


async def _faults(journal: JournalDb, settings: Settings) -> AsyncIterator[str]:
    if is_gone(settings.paths.heads) and await journal.last_head() is not None:
        yield describe(Broken(Trouble.UNWITNESSED))
    if fault := key_fault(settings.paths.device_key, await known_key(journal)):
        yield fault


async def _unsigned(journal: JournalDb, now: datetime) -> datetime | None:
    last = await journal.last_head()
    first = await journal.record(last.number + 1 if last is not None else 1)
    return first.at if first is not None and now - first.at > _UNSIGNED else None


def _words(alarm: Record, zone: tzinfo) -> str:
    said = _("Alarm of {moment} (record {number}): {text}")
    return said.format(moment=minute(alarm.at, zone), number=alarm.number, text=describe_alarm(alarm.body))


def _is_untold(incident: Incident, now: datetime) -> bool:
    return incident.state is State.NEW and incident.rule in TOLD_RULES and _LATE < now - incident.at <= AGE


def _failure(incident: Incident) -> str:
    """Return why the last try to tell of an incident failed."""
    failed = [each for each in incident.notes if each.kind is Kind.TOLD]  # while it is new, none of them arrived
    return failed[-1].text if failed else ""
