"""Groups: kinds of users, how far each is restricted, and what that closes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from policy.categories import BY_ID, Severity
from policy.hours import Hours
from policy.levels import Level
from policy.networks import IPNetwork
from policy.services import SERVICES_BY_ID


@dataclass(frozen=True, slots=True)
class Group:
    """A kind of user: which networks it asks from, how far it is restricted, what is closed to it."""

    id: str
    title: str
    level: Level
    blocked_categories: frozenset[str]
    """Categories and services."""
    networks: tuple[IPNetwork, ...] = ()
    hours: Mapping[str, Hours] = field(default_factory=dict)
    """When a blocked category or service is blocked; one that does not stand here always is."""
    safe_search: Mapping[str, str] = field(default_factory=dict)
    """The mode of each engine (policy/safesearch.py); one that does not stand here is off."""
    supervised: bool = False
    """Whether rooms and lessons restrict it: pupils work under a teacher's eyes (R1 2.9), teachers do not (R1 2.10)."""

    def blocked_at(self, local: datetime | None) -> frozenset[str]:
        """Return what is blocked at a moment of the school's time; None means at any time: hours do not count."""
        if local is None or not self.hours:
            return self.blocked_categories
        return frozenset(
            id_ for id_ in self.blocked_categories if id_ not in self.hours or self.hours[id_].active(local)
        )


_LOCKED = frozenset(category.id for category in BY_ID.values() if category.locked)
_HARMFUL = frozenset(category.id for category in BY_ID.values() if category.severity is Severity.HARMFUL)


def closed_categories(level: Level, blocked: frozenset[str]) -> frozenset[str]:
    """Return the categories and services a level closes, given those the council blocked for the group."""
    if level is Level.OPEN:
        return _LOCKED
    if level is Level.LOW:
        return _LOCKED | _HARMFUL | (blocked & SERVICES_BY_ID.keys())
    return _LOCKED | blocked
