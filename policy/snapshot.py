"""The policy in force at one moment, immutable: groups, their networks, entries, and the view of each group."""

import ipaddress
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from policy.bypass import BYPASS_NAMES
from policy.categories import BY_ID, Severity
from policy.decision import Rewrite
from policy.hours import Hours
from policy.levels import Level
from policy.needed import APP_STORES, Needed
from policy.safesearch import rewrites
from policy.services import SERVICES_BY_ID

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


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

    def blocked_at(self, local: datetime | None) -> frozenset[str]:
        """Return what is blocked at a moment of the school's time; None means at any time: hours do not count."""
        if local is None or not self.hours:
            return self.blocked_categories
        return frozenset(
            id_ for id_ in self.blocked_categories if id_ not in self.hours or self.hours[id_].active(local)
        )


@dataclass(frozen=True, slots=True)
class View:
    """What one group gets now; everything `decide` needs besides the name and its listings."""

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
    spoken: frozenset[str] = field(init=False, compare=False, repr=False)
    """All names, but those of entries, of which or of what is below them a rule may speak: `decide` asks one set
    instead of four. Entries are not in it: they can be many, and all views share them."""

    def __post_init__(self) -> None:
        """Gather the names once."""
        object.__setattr__(self, "spoken", BYPASS_NAMES.union(self.protected, self.needed, self.rewrites))

    def varied(self, **changes: object) -> "View":
        """Return the view with other values in fields that `spoken` is not made of, without gathering it again.

        A hundred groups have few kinds of tables, and a change of hour may touch them all between two queries.
        """
        view = copy(self)
        for name, value in changes.items():
            object.__setattr__(view, name, value)
        return view


Routes = tuple[tuple[int, int, Mapping[int, str]], ...]
"""IP version, host bits, and group by network number; longest prefix first."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All views and the networks that lead to them. Build with `build_snapshot`, never change."""

    views: Mapping[str, View]
    default_group: str
    networks: tuple[tuple[IPNetwork, str], ...]
    """Longest prefix first."""
    version: int = 0
    """Counts up with each change in policy.db; shown by `status`."""
    groups: Mapping[str, Group] = field(default_factory=dict)
    routes: Routes = ()
    """The networks by prefix length: a look-up costs the same for 3 rooms and for 3,000 devices."""

    def group_of(self, address: str) -> str:
        """Return the group of a client address: the longest network that holds it, else the default group.

        Raises ValueError for a text that is no address.
        """
        ip = ipaddress.ip_address(address.partition("%")[0])
        # An IPv4 client on a socket that serves both families shows up as ::ffff:10.0.0.5.
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        version, number = ip.version, int(ip)
        for family, host_bits, groups in self.routes:
            if family == version and (group := groups.get(number >> host_bits)) is not None:
                return group
        return self.default_group

    def view_of(self, address: str) -> View:
        """Return the view of a client address."""
        return self.views[self.group_of(address)]

    def at(self, local: datetime) -> "Snapshot":
        """Return the policy at a moment of the school's time: itself, if nothing is different then.

        Views that stay as they are stay the same objects, so that the replies kept for them stay good.
        """
        changed = {}
        for group in self.groups.values():
            if group.hours:
                view = self.views[group.id]
                closed = closed_categories(group.level, group.blocked_at(local))
                if closed != view.closed:
                    changed[group.id] = view.varied(closed=closed)
        return replace(self, views={**self.views, **changed}) if changed else self

    def next_change(self, local: datetime) -> datetime | None:
        """Return the next moment of the school's time at which `at` may give something else; None if never."""
        moments = (
            hours.next_change(local)
            for group in self.groups.values()
            for id_, hours in group.hours.items()
            if id_ in group.blocked_categories
        )
        return min((moment for moment in moments if moment is not None), default=None)


_LOCKED = frozenset(category.id for category in BY_ID.values() if category.locked)
_HARMFUL = frozenset(category.id for category in BY_ID.values() if category.severity is Severity.HARMFUL)


def closed_categories(level: Level, blocked: frozenset[str]) -> frozenset[str]:
    """Return the categories and services a level closes, given those the council blocked for the group."""
    if level is Level.OPEN:
        return _LOCKED
    if level is Level.LOW:
        return _LOCKED | _HARMFUL | (blocked & SERVICES_BY_ID.keys())
    return _LOCKED | blocked


class SnapshotBuilder:
    """Collects groups and entries a few at a time, so that a running resolver can build one between two queries."""

    def __init__(self, groups: Iterable[Group], default_group: str) -> None:
        """Begin with the groups. Raises ValueError if the default group is not one of them."""
        self._groups = {group.id: group for group in groups}
        if default_group not in self._groups:
            raise ValueError(f"expected the default group {default_group!r} among the groups {sorted(self._groups)}")
        self._default_group = default_group
        self._general: dict[EntryKind, dict[str, Entry]] = {kind: {} for kind in EntryKind}
        self._special: dict[tuple[str, EntryKind], dict[str, Entry]] = {}

    def add(self, entries: Iterable[Entry]) -> None:
        """Take more entries; those of a group that does not exist have no effect."""
        for entry in entries:
            if entry.group is None:
                self._general[entry.kind][entry.name] = entry
            else:
                self._special.setdefault((entry.group, entry.kind), {})[entry.name] = entry

    def build(
        self,
        *,
        protected: Iterable[str] = (),
        version: int = 0,
        needed: Iterable[Needed] = (),
        moment: datetime | None = None,
    ) -> Snapshot:
        """Return the snapshot. Copies the general entries once for each group that has entries of its own.

        `moment` is the school's local time; without it, what is blocked in some hours only is blocked.
        """
        shielded = frozenset(protected)
        for_staff = {each.name: each for each in needed}
        for_all = {name: each for name, each in for_staff.items() if each.bundle != APP_STORES}
        alike: dict[tuple[bool, frozenset[tuple[str, str]]], View] = {}
        views = {}
        for group in self._groups.values():
            closed = closed_categories(group.level, group.blocked_at(moment))
            allow, block = self._entries(group.id, EntryKind.ALLOW), self._entries(group.id, EntryKind.BLOCK)
            kind = (group.level is Level.OPEN, frozenset(group.safe_search.items()))
            like = alike.get(kind)
            if like is None:
                names = for_staff if group.level is Level.OPEN else for_all
                tables = rewrites(group.safe_search)
                view = View(group.id, group.level, closed, allow, block, shielded, names, tables)
                alike[kind] = view
            else:
                view = like.varied(group=group.id, level=group.level, closed=closed, allow=allow, block=block)
            views[group.id] = view
        networks = sorted(
            ((network, group.id) for group in self._groups.values() for network in group.networks),
            key=lambda pair: (-pair[0].prefixlen, str(pair[0])),
        )
        return Snapshot(views, self._default_group, tuple(networks), version, self._groups, _routes(networks))

    def _entries(self, group: str, kind: EntryKind) -> Mapping[str, Entry]:
        special = self._special.get((group, kind))
        return self._general[kind] | special if special else self._general[kind]


def _routes(networks: Iterable[tuple[IPNetwork, str]]) -> Routes:
    tables: dict[tuple[int, int], dict[int, str]] = {}
    for network, group in networks:
        host_bits = network.max_prefixlen - network.prefixlen
        table = tables.setdefault((network.version, host_bits), {})
        table.setdefault(int(network.network_address) >> host_bits, group)
    return tuple((version, host_bits, table) for (version, host_bits), table in tables.items())


def build_snapshot(
    groups: Iterable[Group],
    entries: Iterable[Entry],
    *,
    default_group: str,
    protected: Iterable[str] = (),
    version: int = 0,
    needed: Iterable[Needed] = (),
    moment: datetime | None = None,
) -> Snapshot:
    """Build the immutable policy. An entry for one group beats an entry of the same name for all.

    Raises ValueError if the default group does not exist.
    """
    builder = SnapshotBuilder(groups, default_group)
    builder.add(entries)
    return builder.build(protected=protected, version=version, needed=needed, moment=moment)
