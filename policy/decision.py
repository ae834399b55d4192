"""What was decided about a name and why: the one reason object that log, `check`, EDE and pages show."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Action(StrEnum):
    """What the client gets; the `action` column of the query log."""

    ALLOW = "allow"
    BLOCK = "block"
    REWRITE = "rewrite"
    """Answered with the addresses of another name (safe search)."""
    LOCAL = "local"
    """Answered by ourselves because of what the name is (special-use names), not because of policy."""
    REFUSE = "refuse"
    """The client or the message may not be served: network, rate limit, form."""
    FAIL = "fail"
    """Nobody upstream answered."""


class Why(StrEnum):
    """The rule that decided; the `reason` column of the query log."""

    PROTECTED = "protected"
    """The school's, the ministry's or our own name: never blocked (R2)."""
    BYPASS = "bypass"
    """A name by which devices leave the filter (canary, private relay): always closed."""
    LOCKED = "locked"
    """A locked category (severity unlawful)."""
    ALLOWED = "allowed"
    """An allow entry of the director's list."""
    BLOCKED = "blocked"
    """A hand-made block entry."""
    LEVEL = "level"
    """The level closes what the director's list does not hold."""
    LESSON = "lesson"
    """No lesson is going on in a supervised room, or the lesson's own level closes it."""
    TIMETABLE = "timetable"
    """The timetable of internet use closes it now."""
    EXAM = "exam"
    """An exam is going on."""
    PAUSE = "pause"
    """A person has put the group or the room on another level for a while."""
    EXCEPTION = "exception"
    """An exception for this room, this device or this lesson."""
    CATEGORY = "category"
    """A category that is blocked for the group."""
    SERVICE = "service"
    """A service (YouTube, TikTok …) that the council blocked for the group."""
    NEEDED = "needed"
    """A name that lessons or devices need: no category closes it."""
    SAFE_SEARCH = "safe-search"
    """A search engine or video site that answers in its safe mode."""
    SHADOW = "shadow"
    """Allowed, but a list in shadow mode would have blocked it."""
    DEFAULT = "default"
    """No rule speaks of it."""
    REBINDING = "rebinding"
    """A public name answered with a private address."""
    SPECIAL = "special"
    """A special-use name (RFC 6761)."""
    NETWORK = "network"
    """The client is not in allowed_networks."""
    RATE = "rate"
    """The client is over its rate limit."""
    MALFORMED = "malformed"
    """The query cannot be served as written (form, opcode, class, type)."""
    UPSTREAM = "upstream"
    """No upstream gave a usable answer."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The conditions under which a statement of a list holds. Nearly all statements have none."""

    important: bool = False
    """`$important`: exceptions without it do not silence this one."""
    types: tuple[int, ...] = ()
    """`$dnstype=A|AAAA`: for questions of these types only; empty means all."""
    other_types: tuple[int, ...] = ()
    """`$dnstype=~A`: for questions of all types but these."""
    excluded: tuple[str, ...] = ()
    """`$denyallow=a|b`: not for these names and what is below them."""
    nearest: bool = False
    """An exception of a format in which the most specific statement wins (RPZ, unbound, dnsmasq): it silences only
    statements of its list about the same name or one above it."""
    shadow: bool = False
    """The list is on trial: it is only counted what it would have blocked."""
    pattern: bool = False
    """It speaks of names by an expression; `Listing.name` is the expression as the list writes it."""


class Listing(NamedTuple):
    """One statement of one list about a name. A tuple, because the index makes them on the path of a query."""

    list_id: str
    category: str
    """A category, or a service."""
    name: str
    """The listed name: the one asked for, or the parent that covers it; a pattern or network as the list writes it."""
    allows: bool = False
    """An exception (`@@`) of that list."""
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a decision is what it is."""

    why: Why
    category: str = ""
    """A category or service; for Why.NEEDED the bundle."""
    list_id: str = ""
    rule: str = ""
    """The name of the entry or listing that decided (may be a parent of the name asked for)."""
    note: str = ""
    """What a person wrote as reason."""
    document: str = ""
    """The order or protocol it rests on, as `order 12 of 2026-09-02`."""
    via: str = ""
    """What the answer leads to and was decided, if it was not the name asked for: the target of a CNAME or SVCB record,
    or an IP address as people write it."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The safe mode of an engine: the name that is answered in the place of the one asked for."""

    engine: str
    target: str
    """Its addresses are asked for live, under this name (CNAME)."""
    a: tuple[bytes, ...] = ()
    """Four octets each: the answer if nobody upstream knows the target."""
    aaaa: tuple[bytes, ...] = ()
    """Sixteen octets each."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome for one name and one view."""

    action: Action
    reason: Reason
    rewrite: Rewrite | None = None
    """With Action.REWRITE only."""
    limited: bool = False
    """The entry that opened it does not open what lists put into a harmful category, nor what leads there."""
    blocked: bool = field(init=False, compare=False)
    """Whether the client gets a sinkhole answer."""
    columns: str = field(init=False, compare=False, repr=False)
    """Action, reason, category and list as the query log has them, between tabs."""

    def __post_init__(self) -> None:
        """Work out once what every query with this decision needs."""
        reason = self.reason
        object.__setattr__(self, "blocked", self.action is Action.BLOCK)
        columns = f"{self.action}\t{reason.why}\t{reason.category}\t{reason.list_id}"
        object.__setattr__(self, "columns", columns)
