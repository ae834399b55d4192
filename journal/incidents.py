"""What an incident is, from first to last, told from the records of the chain. Pure.

There is no table of incidents: whoever asks replays the records. So what is shown is what is bound by the chain.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import product

from policy.categories import Severity
from storage.evidence import Body, Kind, Record, text, whole

KINDS = (
    Kind.INCIDENT, Kind.REPEAT, Kind.TOLD, Kind.REVIEW, Kind.CLOSED, Kind.REOPENED, Kind.CORRECTION, Kind.REPORTED,
)  # fmt: skip
"""The records that incidents are told from."""


class Rule(StrEnum):
    """Why something is an incident."""

    ATTEMPT = "deliberate-attempt"
    """Repeated, varied, search-like, after the block page, or by a tool against the filter (R1 2.7)."""
    UNLAWFUL = "unlawful-contact"
    """A single contact with what the law forbids."""
    HARMFUL = "harmful-contact"
    """A contact with harmful content of which no attempt came, perhaps by accident; told if it is not the first."""
    AT_RISK = "at-risk"
    """Self-harm or gambling: a pupil may need help (R3 1.11)."""
    BEACON = "malware-beacon"
    """A device asks for malicious names by itself: a problem of the device."""
    REPORT = "report"
    """A person reported a site that the filter let through (R1 3.4)."""


class Audience(StrEnum):
    """Whose business an incident is."""

    CLASS_TEACHER = "class-teacher"
    PSYCHOLOGIST = "psychologist"
    RESPONSIBLE = "responsible"


_NAMED = frozenset(product(Rule, Audience, (*Severity, "")))
_ID = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-[0-9]{4,12}")


class State(StrEnum):
    """How far people have got with an incident."""

    NEW = "new"
    TOLD = "told"
    REVIEWED = "reviewed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Note:
    """What a person or the program did about an incident."""

    record: int
    at: datetime
    kind: Kind
    by: str
    text: str
    """What was found or done, in a person's free words: personal, as below. For Kind.TOLD why it did not arrive."""
    measures: str = ""
    """Personal, too."""


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as it stands."""

    record: int
    """Its first record in the chain."""
    id: str
    """How people name it: `2026-11-0007`, counted by month."""
    at: datetime
    """When it was entered, UTC."""
    rule: Rule
    severity: str
    """As policy.categories.Severity; empty for reports."""
    category: str
    audience: Audience
    room: str
    group: str
    lesson: str
    first: str
    """Time of the first query, as the log has it; for reports when it was entered."""
    last: str
    queries: int
    names: int
    """How many different names were asked for."""
    signs: tuple[str, ...]
    """What the rule went by, such as `repeated`, `varied`, `search`."""
    state: State
    notes: tuple[Note, ...]
    sealed: bool
    """Whether there was personal data, erased or not."""
    decided: str = ""
    """For reports: how the site was decided for pupils when it was reported (policy.decision.Action); else empty."""
    client: str = ""
    """This and what follows is personal: empty if it was not asked for, or is erased."""
    device: str = ""
    teacher: str = ""
    """Who gave the lesson."""
    asked: tuple[tuple[str, int], ...] = ()
    """The names with how often they were asked for, most first."""

    @property
    def month(self) -> str:
        """Return the month in which it is numbered, as `2026-11`."""
        return self.id[:7]


def replay(records: Iterable[Record]) -> list[Incident]:
    """Return the incidents that records of KINDS tell of, in the order of entry. What belongs to none is left out.

    So is one whose record nobody here can have written: it must not hide the others. Verifying names it.
    """
    found: dict[int, Incident] = {}
    for record in records:
        if record.kind in (Kind.INCIDENT, Kind.REPORTED):
            if is_incident(record.body):
                found[record.number] = _entered(record)
            continue
        number = whole(record.body, "incident")
        if number in found:
            found[number] = _gone_on(found[number], record)
    return list(found.values())


def is_incident(body: Body) -> bool:
    """Return whether the record of an incident has what it is told by."""
    named = (text(body, "rule"), text(body, "audience"), text(body, "severity"))
    return named in _NAMED and _ID.fullmatch(text(body, "id")) is not None


def _entered(record: Record) -> Incident:
    body, private = record.body, record.private or {}
    return Incident(
        record=record.number,
        id=text(body, "id"),
        at=record.at,
        rule=Rule(text(body, "rule")),
        severity=text(body, "severity"),
        category=text(body, "category"),
        audience=Audience(text(body, "audience")),
        room=text(body, "room"),
        group=text(body, "group"),
        lesson=text(body, "lesson"),
        first=_time(body, "first"),
        last=_time(body, "last"),
        queries=whole(body, "queries"),
        names=whole(body, "names"),
        signs=tuple(map(str, _sequence(body.get("signs")))),
        state=State.NEW,
        notes=(),
        sealed=bool(record.seal),
        decided=text(body, "decided"),
        client=text(private, "client"),
        device=text(private, "device"),
        teacher=text(private, "teacher"),
        asked=_asked(private),
    )


def _gone_on(incident: Incident, record: Record) -> Incident:
    body = record.body
    if record.kind is Kind.REPEAT:
        # A repeat says how things stand in all, not what is new: a reader need not add up.
        return replace(
            incident,
            last=_time(body, "last"),
            queries=whole(body, "queries"),
            names=whole(body, "names"),
            signs=tuple(dict.fromkeys((*incident.signs, *map(str, _sequence(body.get("signs")))))),
            asked=_asked(record.private or {}) or incident.asked,
        )
    # What people write may name a pupil: it is sealed. Why a notice did not arrive names nobody.
    said = body if record.kind is Kind.TOLD else record.private or {}
    note = Note(record.number, record.at, record.kind, record.by, text(said, "text"), text(said, "measures"))
    state = incident.state
    match record.kind:
        case Kind.TOLD if body.get("arrived") is True and state is State.NEW:
            state = State.TOLD
        case Kind.REVIEW if state is not State.CLOSED:
            state = State.REVIEWED
        case Kind.CLOSED:
            state = State.CLOSED
        case Kind.REOPENED:
            state = State.REVIEWED
    return replace(incident, state=state, notes=(*incident.notes, note))


def _asked(private: Mapping[str, object]) -> tuple[tuple[str, int], ...]:
    """Return the names of a private part: a list of pairs."""
    pairs = [tuple(_sequence(each)) for each in _sequence(private.get("asked"))]
    return tuple((str(pair[0]), pair[1]) for pair in pairs if len(pair) == 2 and isinstance(pair[1], int))


def _time(body: Body, key: str) -> str:
    """Return a time of the log; empty if its year stands at the end of the calendar: no other time zone has it."""
    found = text(body, key)
    return "" if found[:4] in ("0000", "0001", "9999") else found


def _sequence(value: object) -> Sequence[object]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()
