"""Tells people of incidents: once where it arrives, again and again where it does not, and never in a flood."""

import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from journal.incidents import KINDS, Incident, replay
from journal.notifying.aside import aside
from journal.notifying.contacts import Channel, Contact, Role, contacts_of
from journal.notifying.mail import Letter, send_mail
from journal.notifying.notice_text import Notice, notice
from journal.notifying.sending import NotSent, SendRules, Unreachable
from journal.notifying.telegram import send_telegram
from journal.notifying.telling import AGE, Delivery, Message, Route, deliveries_of, plan, to_enter, to_tell, told_body
from journal.notifying.webhook import send_webhook, webhook_value
from journal.titles import Titles, titles_now
from settings.model import Settings
from storage.evidence import START, Body, Head, Kind, text
from storage.journal_db import JournalDb
from translations import _

logger = logging.getLogger("schoolfilter.journal")


@dataclass(frozen=True, slots=True)
class Failed:
    """That a route failed."""

    at: datetime
    error: str


@dataclass(slots=True)
class Memory:
    """What a process remembers between two rounds. All else is in the journal, so nothing is lost with it."""

    settled: Head = START
    """Where the chain stood when there was nothing left to tell."""
    tried: dict[Route, datetime] = field(default_factory=dict)
    """When a route failed last."""
    unsent: dict[Route, Failed] = field(default_factory=dict)
    """Routes that failed and did not work since, as long as somebody waits to be told."""
    owed: list[tuple[Incident, Body]] = field(default_factory=list)
    """What is to be entered of messages that went out: while it cannot be, no other goes out."""


_MEMORY = Memory()
_RULES = SendRules()


async def tell_due(
    journal: JournalDb, settings: Settings, now: datetime, *, memory: Memory = _MEMORY, rules: SendRules = _RULES
) -> None:
    """Tell whoever is to be told now, and enter who was. Raises StorageError, never for what did not arrive.

    `journal`: nobody else may have a transaction open on this connection meanwhile. `now`: aware. What arrived but
    could not be entered, for the power failed in between, is sent once more, as the same letter.
    """
    head = await journal.head()
    if head == memory.settled and not memory.owed:
        return
    await _enter_owed(journal, memory, now)
    zone = ZoneInfo(settings.school.time_zone)
    incidents, deliveries = await _recent(journal, now)
    told = [*await contacts(journal), *_webhook(settings)]
    found = plan(incidents, told, deliveries, memory.tried, now, zone)
    broken: dict[Channel, str] = {}
    titles = await titles_now(settings.paths.policy_db) if found.messages else Titles()
    for message in found.messages:
        failure = broken.get(message.channel, "")
        if not failure:
            failure = await _tell(message, titles, settings, now, rules, broken)
        if failure:
            memory.tried[message.route] = now
            memory.unsent[message.route] = Failed(now, failure)
            entered = to_enter(message, deliveries, now, zone)
        else:
            memory.tried.pop(message.route, None)
            memory.unsent.pop(message.route, None)
            entered = list(message.incidents)
        memory.owed += [(incident, told_body(message, incident, failure)) for incident in entered]
        await _enter_owed(journal, memory, now)
    routes = {Route(each.name, channel) for each in told for channel in each.channels}
    memory.unsent = {route: failed for route, failed in memory.unsent.items() if found.waits and route in routes}
    if not found.waits:
        memory.settled = head


async def _enter_owed(journal: JournalDb, memory: Memory, now: datetime) -> None:
    """Enter who was told. A full disk may keep us from it for hours, in which nobody is to get a letter each minute."""
    if not memory.owed:
        return
    async with journal.changing(now) as change:
        for incident, body in memory.owed:
            record = await journal.record(incident.record)
            # journal.db may have been put back meanwhile: then under this number stands something else, or nothing.
            if record is not None and text(record.body, "id") == incident.id:
                await change.add(Kind.TOLD, body)
    memory.owed.clear()


async def contacts(journal: JournalDb) -> list[Contact]:
    """Return who is told, with their addresses: for telling, and for whoever keeps them."""
    return list(contacts_of([each async for each in journal.records((Kind.CONTACT,), private=True)]).values())


async def deliver(
    contact: Contact,
    channel: Channel,
    said: Notice,
    incidents: Sequence[Incident],
    settings: Settings,
    now: datetime,
    rules: SendRules = _RULES,
) -> None:
    """Send a notice to a contact by one channel, aside. Raises NotSent, Unreachable."""
    try:
        await aside(_work(contact, channel, said, incidents, settings, now, rules), rules.total_seconds)
    except TimeoutError:
        raise Unreachable(_("no answer in time")) from None


def _work(
    contact: Contact,
    channel: Channel,
    said: Notice,
    incidents: Sequence[Incident],
    settings: Settings,
    now: datetime,
    rules: SendRules,
) -> Callable[[], None]:
    notices = settings.notices
    match channel:
        case Channel.MAIL:
            return partial(send_mail, Letter(contact.mail, said, now), notices, rules)
        case Channel.TELEGRAM:
            return partial(send_telegram, contact.telegram, said, notices, rules)
        case Channel.WEBHOOK:
            return partial(send_webhook, webhook_value(incidents, said, settings.school.name), notices, rules)


async def _recent(journal: JournalDb, now: datetime) -> tuple[list[Incident], list[Delivery]]:
    """Return the incidents of late with no more of what is personal than a notice says, and who was told of them."""
    records = [each async for each in journal.records(KINDS, since=now - AGE, private=True)]
    incidents = [replace(each, client="", teacher="", asked=(), notes=()) for each in to_tell(replay(records))]
    return incidents, deliveries_of(records)


def _webhook(settings: Settings) -> list[Contact]:
    """Return the webhook as a contact that nobody entered; none if there is no webhook."""
    if not settings.notices.webhook:
        return []
    return [Contact(0, "webhook", Role.RESPONSIBLE, (), (), settings.school.language, (Channel.WEBHOOK,))]


async def _tell(
    message: Message,
    titles: Titles,
    settings: Settings,
    now: datetime,
    rules: SendRules,
    broken: dict[Channel, str],
) -> str:
    """Send a message; return why it did not arrive, empty if it did. A broken channel is tried once in a round."""
    try:
        said = notice(
            message.incidents,
            school=settings.school.name,
            zone=ZoneInfo(settings.school.time_zone),
            language=message.contact.language,
            instead=message.instead,
            titles=titles,
        )
        await deliver(message.contact, message.channel, said, message.incidents, settings, now, rules)
    except Unreachable as error:
        broken[message.channel] = str(error)
        return str(error)
    except NotSent as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - whatever one message runs into, the others go out
        kind, where = type(error).__name__, "".join(traceback.format_tb(error.__traceback__))
        # Without what the error says: that may hold an address or a key.
        logger.error("a notice was not sent for an error of the program: %s\n%s", kind, where)
        failure = _(
            "an error of the program ({kind}) kept it from being sent. See the server's own messages: "
            "journalctl -u schoolfilter"
        )
        return failure.format(kind=kind)
    return ""
