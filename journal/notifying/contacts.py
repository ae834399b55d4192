"""Who is told of incidents, and how: told from the Kind.CONTACT records of the chain. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from journal.incidents import Incident
from policy.categories import Severity
from storage.evidence import Body, Record, text, texts


class Role(StrEnum):
    """What a contact is to the school; the first three are the audiences of incidents."""

    CLASS_TEACHER = "class-teacher"
    PSYCHOLOGIST = "psychologist"
    RESPONSIBLE = "responsible"
    DIRECTOR = "director"


class Channel(StrEnum):
    """By what somebody is told."""

    MAIL = "mail"
    TELEGRAM = "telegram"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody who is told."""

    record: int
    """The record that says so; later records of this name take its place."""
    name: str
    role: Role
    groups: tuple[str, ...]
    """Only incidents of these groups; empty: of all."""
    rooms: tuple[str, ...]
    """Only incidents in these rooms; empty: in all."""
    language: str
    channels: tuple[Channel, ...]
    mail: str = ""
    """This and what follows is personal: empty if it was not asked for, or is erased."""
    telegram: str = ""
    """The number of a chat, or `@name` of a channel."""

    def covers(self, incident: Incident) -> bool:
        """Return whether group and room of the incident are this contact's."""
        return (not self.groups or incident.group in self.groups) and (not self.rooms or incident.room in self.rooms)

    @property
    def body(self) -> Body:
        """What the record says openly."""
        return {
            "name": self.name,
            "role": self.role.value,
            "groups": list(self.groups),
            "rooms": list(self.rooms),
            "language": self.language,
            "channels": [each.value for each in self.channels],
        }

    @property
    def private(self) -> Body:
        """What the record seals."""
        return {"mail": self.mail, "telegram": self.telegram}


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who is to be told of an incident."""

    contact: Contact
    instead: Role | None = None
    """In whose place, because there is nobody of that role for this group and room."""


def removal(name: str) -> Body:
    """Return the body of the record that ends a contact."""
    return {"name": name, "removed": True}


def contacts_of(records: Iterable[Record]) -> dict[str, Contact]:
    """Return the contacts that Kind.CONTACT records tell of, by name; addresses only as far as they were asked for."""
    found: dict[str, Contact] = {}
    for record in records:
        body, private = record.body, record.private or {}
        name = text(body, "name")
        found.pop(name, None)
        if body.get("removed") is not True:
            found[name] = Contact(
                record.number,
                name,
                Role(text(body, "role")),
                tuple(texts(body, "groups")),
                tuple(texts(body, "rooms")),
                text(body, "language"),
                tuple(map(Channel, texts(body, "channels"))),
                text(private, "mail"),
                text(private, "telegram"),
            )
    return found


def recipients(incident: Incident, contacts: Collection[Contact]) -> list[Recipient]:
    """Return who is to be told: those whose business it is, else the responsible person, else the director.

    The director is told of what the law forbids in any case.
    """
    wanted = Role(incident.audience.value)
    found: list[Recipient] = []
    for role in (wanted, Role.RESPONSIBLE, Role.DIRECTOR):
        found = [
            Recipient(each, None if role is wanted else wanted)
            for each in contacts
            if each.role is role and each.covers(incident)
        ]
        if found:
            break
    if incident.severity == Severity.UNLAWFUL:
        told = {each.contact.name for each in found}
        found += [
            Recipient(each)
            for each in contacts
            if each.role is Role.DIRECTOR and each.covers(incident) and each.name not in told
        ]
    return found
