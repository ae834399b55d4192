"""Which incidents are to be told now, to whom and with which others. Pure: from the records of the chain."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from journal.incidents import Incident, Rule, State
from journal.notifying.contacts import Channel, Contact, Recipient, Role, recipients
from policy.categories import Severity
from storage.evidence import Body, Kind, Record, text, whole

TOLD_RULES = frozenset({Rule.ATTEMPT, Rule.UNLAWFUL, Rule.AT_RISK, Rule.BEACON, Rule.REPORT})
"""A contact with harmful content that is no attempt is entered, but nobody is called for it, unless it repeats."""
URGENT_RULES = frozenset({Rule.UNLAWFUL, Rule.AT_RISK})
"""These do not wait until others come."""

AGE = timedelta(days=31)
"""An incident that could not be told for so long is told no more; `status` and the monthly report name it."""
GATHER = timedelta(minutes=2)
"""What comes within this time is one message."""
APART = timedelta(minutes=15)
"""The least time between two messages to one contact."""
HURRY = timedelta(minutes=3)
"""The same when an attempt waits."""
MOST_HURRIED = 10
"""Messages in a day after which an attempt waits like all else: what is urgent must find room later in the day."""
MOST_A_DAY = 20
"""Messages to one contact in a day; what comes later is told on the next one."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)


class Route(NamedTuple):
    """A way to a contact."""

    contact: str
    channel: Channel


@dataclass(frozen=True, slots=True)
class Delivery:
    """A Kind.TOLD record: that somebody was told of an incident, or could not be."""

    record: int
    at: datetime
    incident: int
    route: Route
    arrived: bool


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to one contact now."""

    contact: Contact
    channel: Channel
    incidents: tuple[Incident, ...]
    instead: Role | None
    """In whose place the contact is told, if it is so for any of them."""

    @property
    def route(self) -> Route:
        """Return the way it goes."""
        return Route(self.contact.name, self.channel)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be told."""

    messages: tuple[Message, ...]
    """Now."""
    waits: bool
    """Whether there is anything that was not told yet, these messages or others."""


def deliveries_of(records: Iterable[Record]) -> list[Delivery]:
    """Return who was told, oldest first."""
    return [
        Delivery(
            each.number,
            each.at,
            whole(each.body, "incident"),
            Route(text(each.body, "contact"), Channel(text(each.body, "channel"))),
            each.body.get("arrived") is True,
        )
        for each in records
        if each.kind is Kind.TOLD
    ]


def told_body(message: Message, incident: Incident, failure: str) -> Body:
    """Return the body of the record that somebody was told of an incident; `failure`: why not, empty if it arrived."""
    return {
        "incident": incident.record,
        "contact": message.contact.name,
        "role": message.contact.role.value,
        "channel": message.channel.value,
        "arrived": not failure,
        "text": failure,
    }


def to_tell(incidents: Iterable[Incident]) -> list[Incident]:
    """Return those that somebody is called for: what is harmful when the same client comes again to such a category.

    `incidents`: those of AGE in the order of entry, with clients and devices. What follows soon is the same incident,
    so another one is of another hour or day. Whose personal part was erased is nobody's repeat.
    """
    came: set[tuple[str, str]] = set()
    found = []
    for each in incidents:
        whose = (each.device or each.client, each.category)
        if each.rule in TOLD_RULES or (whose[0] and whose in came):
            found.append(each)
        if each.rule is Rule.HARMFUL:
            came.add(whose)
    return found


def plan(
    incidents: Collection[Incident],
    contacts: Collection[Contact],
    deliveries: Sequence[Delivery],
    tried: Mapping[Route, datetime],
    now: datetime,
    zone: tzinfo,
) -> Plan:
    """Return what is to be told now. `tried`: when a route failed last; after a restart nobody knows, then at once.

    `incidents`: of `to_tell`.
    """
    messages = []
    waits = False
    people = [each for each in contacts if Channel.WEBHOOK not in each.channels]
    for contact in contacts:
        for channel in contact.channels:
            route = Route(contact.name, channel)
            own = [each for each in deliveries if each.route == route]
            waiting = _waiting(incidents, contact, people, own, deliveries, now, zone)
            if not waiting:
                continue
            waits = True
            if _is_time([each for each, _instead in waiting], own, tried.get(route), now, zone):
                instead = next((role for _incident, role in waiting if role is not None), None)
                messages.append(Message(contact, channel, tuple(each for each, _instead in waiting), instead))
    return Plan(tuple(messages), waits)


def to_enter(message: Message, deliveries: Iterable[Delivery], now: datetime, zone: tzinfo) -> list[Incident]:
    """Return the incidents for which a failure is entered: once a day for each, however often it is tried."""
    today = now.astimezone(zone).date()
    noted = {
        each.incident
        for each in deliveries
        if each.route == message.route and not each.arrived and each.at.astimezone(zone).date() == today
    }
    return [each for each in message.incidents if each.record not in noted]


def pause(first: datetime, last: datetime) -> timedelta:
    """Return for how long a route is left alone that failed first and last then: each time as long as all before."""
    return min(max(last - first, FIRST_PAUSE), LONGEST_PAUSE)


def _waiting(
    incidents: Collection[Incident],
    contact: Contact,
    people: Collection[Contact],
    own: Sequence[Delivery],
    deliveries: Sequence[Delivery],
    now: datetime,
    zone: tzinfo,
) -> list[tuple[Incident, Role | None]]:
    """Return what a contact is still to be told of, and in whose place."""
    arrived = {each.incident: each.at for each in own if each.arrived}
    # Whoever is entered later is not told what others were told before.
    elder = {each.incident for each in deliveries if each.arrived and each.record < contact.record}
    found = []
    for incident in incidents:
        if incident.state not in (State.NEW, State.TOLD):
            continue
        if now - incident.at > AGE:
            continue
        recipient = _recipient(incident, contact, people)
        if recipient is None:
            continue
        told = arrived.get(incident.record)
        if incident.record not in elder if told is None else _went_on(incident, told, zone):
            found.append((incident, recipient.instead))
    return found


def _recipient(incident: Incident, contact: Contact, people: Collection[Contact]) -> Recipient | None:
    """Return the contact as one that is told of an incident; None if it is not. The webhook hears of all."""
    if Channel.WEBHOOK in contact.channels:
        return Recipient(contact)
    return next((each for each in recipients(incident, people) if each.contact == contact), None)


def _went_on(incident: Incident, told: datetime, zone: tzinfo) -> bool:
    """Return whether there were queries on a later day than somebody was told."""
    try:
        last = datetime.fromisoformat(incident.last)
    except ValueError:
        return False
    return last.astimezone(zone).date() > told.astimezone(zone).date()


def _is_time(
    waiting: Sequence[Incident], own: Sequence[Delivery], tried: datetime | None, now: datetime, zone: tzinfo
) -> bool:
    urgent = any(each.rule in URGENT_RULES or each.severity == Severity.UNLAWFUL for each in waiting)
    messages = sorted({each.at for each in own if each.arrived})  # those of one message have one time
    today = now.astimezone(zone).date()
    sent = sum(each.astimezone(zone).date() == today for each in messages)
    if sent >= MOST_A_DAY:
        return False
    if tried is not None:
        last = messages[-1] if messages else None
        failed = [each.at for each in own if not each.arrived and (last is None or each.at > last)]
        return not _within(tried, now, pause(min(failed, default=tried), tried))
    if urgent:
        return True
    gathered = not _within(min(each.at for each in waiting), now, GATHER)
    hurried = sent < MOST_HURRIED and any(each.rule is Rule.ATTEMPT for each in waiting)
    return gathered and not (messages and _within(messages[-1], now, HURRY if hurried else APART))


def _within(begin: datetime, now: datetime, span: timedelta) -> bool:
    """Return whether a span that began then is going on. A clock that was put back must not make it last for years."""
    return timedelta() <= now - begin < span
