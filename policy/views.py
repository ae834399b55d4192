"""What one kind of client gets now: its view, and the entries that people made by hand."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from policy.bypass import BYPASS_NAMES
from policy.decision import Rewrite, Why
from policy.levels import Level
from policy.needed import Needed


class EntryKind(StrEnum):
    """Which way a hand-made entry decides."""

    ALLOW = "allow"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Entry:
    """A name that people allowed or blocked by hand; it covers the name and all below it."""

    kind: EntryKind
    name: str
    group: str | None = None
    """The group it is for; None means every group."""
    note: str = ""
    document: str = ""
    """The order or protocol it rests on, as `order 12 of 2026-09-02`; empty if none is needed."""
    until: date | None = None
    """The last day on which it holds."""
    limited: bool = False
    """It does not open what lists put into a harmful category."""


@dataclass(frozen=True, slots=True)
class View:
    """What clients in one situation get; everything `decide` needs besides the name and its listings."""

    group: str
    level: Level
    closed: frozenset[str]
    """Categories and services closed at this level for this group at this time; always holds the locked ones."""
    allow: Mapping[str, Entry]
    block: Mapping[str, Entry]
    protected: frozenset[str]
    needed: Mapping[str, Needed] = field(default_factory=dict)
    """By name: what no category closes."""
    rewrites: Mapping[str, Rewrite] = field(default_factory=dict)
    """By exact name: what is answered in its place."""
    cause: Why = Why.LEVEL
    """Why the level is what it is: the group's own, or a rule about rooms and times that stands above it."""
    overrides: Mapping[str, Entry] = field(default_factory=dict)
    """Exceptions for this room, device or lesson."""
    spoken: frozenset[str] = field(init=False, compare=False, repr=False)
    """All names, but those of entries, of which or of what is below them a rule may speak: `decide` asks one set
    instead of five. Entries are not in it: they can be many, and all views share them."""

    def __post_init__(self) -> None:
        """Gather the names once."""
        spoken = BYPASS_NAMES.union(self.protected, self.needed, self.rewrites, self.overrides)
        object.__setattr__(self, "spoken", spoken)

    def varied(self, **changes: object) -> "View":
        """Return the view with other values in fields that `spoken` is not made of, without gathering it again.

        A hundred groups have few kinds of tables, and a change of hour may touch them all between two queries.
        """
        view = copy(self)
        for name, value in changes.items():
            object.__setattr__(view, name, value)
        return view

    def without_limited(self) -> "View":
        """Return the view as it would be without the exceptions that are limited."""
        # Their names stay in `spoken`: there `decide` looks closer and finds nothing.
        return self.varied(overrides={name: each for name, each in self.overrides.items() if not each.limited})

    def with_overrides(self, overrides: Mapping[str, Entry]) -> "View":
        """Return the view of a place with exceptions of its own."""
        if not overrides:
            return self
        return self.varied(overrides=overrides, spoken=self.spoken.union(overrides))
