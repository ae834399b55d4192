"""Orders of the director: what one says, and the list that a row of them leaves in force."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from enum import StrEnum


class OrderKind(StrEnum):
    """What an order does, and whose signature it needs."""

    PAPER = "paper"
    """Signed on paper and entered by the teacher; there is no signature here."""
    KEY = "key"
    """Names the first key of a director and is signed by it; it confirms the paper orders before it."""
    ORDER = "order"
    """Signed by the key in force."""
    HANDOVER = "handover"
    """A new director: names the new key, signed by the key in force."""
    REPLACEMENT = "replacement"
    """The key was lost: names a new one and is signed by it; `document` names the paper act."""


class Scope(StrEnum):
    """When an added name opens."""

    ALWAYS = "always"
    LESSONS = "lessons"
    """Not by itself: a teacher may open it for a room during a lesson."""


@dataclass(frozen=True, slots=True)
class Addition:
    """A name that an order puts on the director's list; it covers the name and all below it."""

    name: str
    group: str | None = None
    """The group it is for; None means every group."""
    scope: Scope = Scope.ALWAYS
    until: date | None = None
    """The last day on which it holds; None means no end."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Removal:
    """A name that an order takes off the director's list, as it was added: for the same group."""

    name: str
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Permit:
    """For how long teachers may open, for one room, what no order lists and no harmful category holds."""

    minutes: int
    """At most so many at a time; 0 withdraws the permit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order of the ledger, as it is signed. `policy/order_text.py` says what a good one is."""

    sequence: int
    """Its place in the ledger: 1, 2, 3…"""
    kind: OrderKind
    number: str
    """As the school's register of orders has it; only a removal on paper and an order about a key may have none."""
    date: date
    previous: str
    """The digest of the order before it."""
    additions: tuple[Addition, ...] = ()
    removals: tuple[Removal, ...] = ()
    permit: Permit | None = None
    key: str = ""
    """The public key that a KEY, HANDOVER or REPLACEMENT names."""
    document: str = ""
    note: str = ""
    entered_at: datetime
    """UTC, whole seconds."""
    entered_by: str
    requests: tuple[int, ...] = ()
    """The requests it answers."""
    school: str

    @property
    def document_text(self) -> str:
        """The order as log, block page and sheets name it: `order 12 of 2026-09-02`, `paper order 12 of 2026-09-02`."""
        paper = self.kind is OrderKind.PAPER
        if self.number:
            return f"{'paper ' if paper else ''}order {self.number} of {self.date.isoformat()}"
        return f"{'paper, no order,' if paper else self.kind} of {self.date.isoformat()}"


@dataclass(frozen=True, slots=True)
class Listed:
    """A name on the director's list, and the order that put it there."""

    addition: Addition
    order: Order


Place = tuple[str, str | None]
"""Name and group: an addition replaces one of the same place, a removal ends it."""


def replay(orders: Iterable[Order], on: date | None) -> dict[Place, Listed]:
    """Return the director's list that these orders, in their order, leave in force on a day.

    None means any day: also what has expired is there.
    """
    listed: dict[Place, Listed] = {}
    for order in orders:
        for removal in order.removals:
            listed.pop((removal.name, removal.group), None)
        for addition in order.additions:
            listed[addition.name, addition.group] = Listed(addition, order)
    if on is None:
        return listed
    return {place: each for place, each in listed.items() if each.addition.until is None or each.addition.until >= on}


def as_of(orders: Iterable[Order], day: date, zone: tzinfo) -> tuple[Order, ...]:
    """Return the orders that had been entered by the end of a day of the school's time."""
    return tuple(order for order in orders if order.entered_at.astimezone(zone).date() <= day)


def permit_of(orders: Sequence[Order]) -> Permit | None:
    """Return the permit that the last order which speaks of one gives; None if it was withdrawn or never given."""
    last = next((order.permit for order in reversed(orders) if order.permit is not None), None)
    return last if last is not None and last.minutes else None
