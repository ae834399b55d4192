"""The policy in force at one moment, immutable: groups, rooms, devices, entries, and what each kind of client gets."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from policy.calendar import Calendar
from policy.circumstances import Circumstances, Schedule, circumstances
from policy.devices import Device, Directory
from policy.groups import Group, closed_categories
from policy.levels import Level
from policy.moments import later, shown
from policy.names import with_parents
from policy.needed import APP_STORES, Needed
from policy.networks import IPAddress, Routes, parse_address
from policy.rooms import Closure, Lesson
from policy.safesearch import rewrites
from policy.views import Entry, EntryKind, View

_DAY = timedelta(days=1)


class Entries(NamedTuple):
    """Entries of one kind: by group, None for those that are for everyone; then by name."""

    by_group: Mapping[str | None, Mapping[str, Entry]]

    @property
    def general(self) -> Mapping[str, Entry]:
        """Those for everyone."""
        return self.by_group.get(None, {})

    def of_group(self, group: str) -> Mapping[str, Entry]:
        """Return those for one group only."""
        return self.by_group.get(group, {})

    def table(self, group: str) -> Mapping[str, Entry]:
        """Return what holds for a group: an entry of its own beats one of the same name for all."""
        return _with_special(self.general, self.of_group(group))

    def all(self) -> Iterator[Entry]:
        """Yield every entry."""
        for table in self.by_group.values():
            yield from table.values()


class Place(NamedTuple):
    """Where a client stands: what of it the policy knows."""

    group: str
    room: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class Reserve:
    """What the director's orders let teachers open in a lesson."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    """Every name on the list, whatever its scope and group."""
    minutes: int = 0
    """For how long a teacher may open what no order names, as long as no harmful category holds it; 0: not at all."""
    document: str = ""
    """The order that says so."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Who is who, and what everybody gets now. Build with SnapshotBuilder, never change."""

    views: Mapping[str, View]
    """By group, outside any room."""
    default_group: str
    routes: Routes[str] = field(default_factory=Routes)
    """Networks of groups, and of rooms that have one."""
    version: int = 0
    """Counts up with each change in policy.db; shown by `status`."""
    groups: Mapping[str, Group] = field(default_factory=dict)
    schedule: Schedule = field(default_factory=Schedule)
    directory: Directory = field(default_factory=Directory, compare=False)
    room_routes: Routes[str] = field(default_factory=Routes)
    closures: tuple[Closure, ...] = ()
    reserve: Reserve = field(default_factory=Reserve)
    entries: Entries = field(default_factory=lambda: Entries({}))
    """The director's list."""
    ends: frozenset[date] = frozenset()
    """The last days of entries that end."""
    circumstances: Circumstances = field(default_factory=Circumstances)
    moment: datetime | None = None
    """When it holds; None: what holds in some hours only holds, lessons and timetable do not."""
    _closed_for: frozenset[str] = field(init=False, compare=False, repr=False)
    """Devices for which something is closed: closures can be many, and each new client is asked about."""
    _made: dict[Place, View] = field(default_factory=dict, init=False, compare=False, repr=False)
    _alike: dict[tuple[object, ...], View] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Gather once for which devices something is closed."""
        object.__setattr__(self, "_closed_for", frozenset(each.device for each in self.closures if each.device))

    # -- who is who ------------------------------------------------------------------------------------------------

    def place_of(self, address: str, mac: str = "") -> Place:
        """Return where a client stands. Raises ValueError for a text that is no address.

        A device is known by its address, else by its MAC; what is not said of it, the networks say; what these do not
        say either, is as for a pupil.
        """
        parsed = parse_address(address)
        return self.place(parsed, self.directory.find(str(parsed), mac))

    def place(self, address: IPAddress | None, device: Device | None) -> Place:
        """Return where a client stands, if its device is known already; without an address nothing but that counts."""
        group = device.group if device is not None else None
        room = device.room if device is not None else None
        if address is not None:
            if room is None and (found := self.room_routes.find(address)) is not None:
                room = found[1]
            if group is None and (found := self.routes.find(address)) is not None:
                group = found[1]
        if group is None and room is not None and room in self.schedule.rooms:
            group = self.schedule.rooms[room].group
        if group is None or group not in self.views:
            group = self.default_group
        return Place(group, room or "", device.id if device is not None else "")

    def group_of(self, address: str) -> str:
        """Return the group of a client's address. Raises ValueError for a text that is no address."""
        return self.place_of(address).group

    # -- what everybody gets ---------------------------------------------------------------------------------------

    def view(self, place: Place) -> View:
        """Return what clients in a place get. Places that get the same have the same view, and share its replies."""
        situation = self.situation(place)
        view = self._made.get(situation)
        if view is None:
            view = self._made[situation] = self._make(situation)
        return view

    def situation(self, place: Place) -> Place:
        """Return what of a place makes a difference: most devices are as all others of their group and room."""
        group = self.groups.get(place.group)
        counts = group is not None and (
            group.supervised
            or any(place.room in exam.rooms and group.id in exam.groups for exam in self.circumstances.exams)
        )
        room = place.room if counts and place.room in self.schedule.rooms else ""
        return place._replace(room=room, device=place.device if place.device in self._closed_for else "")

    def _make(self, place: Place) -> View:
        base = self.views[place.group]
        group = self.groups.get(place.group)
        if group is None or not (place.room or place.device):
            return base
        level, cause = self.circumstances.level_of(group, place.room)
        overrides = self._overrides(place, group)
        if level is base.level and cause is base.cause and not overrides:
            return base
        same = (place.group, level, cause, *overrides.values())
        view = self._alike.get(same)
        if view is None:
            closed = closed_categories(level, group.blocked_at(self.moment))
            view = base.varied(level=level, closed=closed, cause=cause).with_overrides(overrides)
            self._alike[same] = view
        return view

    def _overrides(self, place: Place, group: Group) -> dict[str, Entry]:
        """Return the exceptions for a place. What is nearer to the person counts: room, then lesson, then device."""
        found: dict[str, Entry] = {}
        if group.supervised and place.room:
            found |= {each.name: _closed(each) for each in self.closures if each.room == place.room}
        lesson = self.circumstances.lesson_in(place.room) if group.supervised else None
        if lesson is not None:
            found |= {entry.name: entry for entry in self._of_lesson(lesson)}
        if place.device:
            found |= {each.name: _closed(each) for each in self.closures if each.device == place.device}
        return found

    def _of_lesson(self, lesson: Lesson) -> Iterable[Entry]:
        note = f"{lesson.teacher} ({lesson.room})"
        for name in lesson.opened:
            listed = self.permitted(name)
            if listed is not None:
                yield replace(listed, kind=EntryKind.ALLOW, name=name, group=None, note=note)
            elif self._is_free(lesson):
                yield Entry(EntryKind.ALLOW, name, None, note, self.reserve.document, limited=True)
        for name in lesson.closed:
            yield Entry(EntryKind.BLOCK, name, None, note)

    def permitted(self, name: str) -> Entry | None:
        """Return the entry of the director's list, whatever its scope and group, by which a teacher may open a name."""
        entries = self.reserve.entries
        for parent in with_parents(name):
            entry = entries.get(parent)
            if entry is not None and not _over(entry, self.moment):
                return entry
        return None

    # -- when ------------------------------------------------------------------------------------------------------

    def at(self, now: datetime) -> "Snapshot":
        """Return the policy at an aware moment of the school's time: itself, if nothing is different then.

        Views that stay as they are stay the same objects, so that the replies kept for them stay good. Ask the policy
        as it was loaded, never one that `at` gave: what has run out does not come back when a clock is put back.
        """
        if not self._timely:
            return self
        then = circumstances(self.schedule, now)
        ended = bool(self.ends) and min(self.ends) < now.date()
        general = _lasting(self.entries.general, now) if ended else self.entries.general
        views: dict[str, View] = {}
        for id_, view in self.views.items():
            group = self.groups[id_]
            level, cause = then.level_of(group)
            closed = closed_categories(level, group.blocked_at(now))
            if closed != view.closed or level is not view.level or cause is not view.cause:
                view = view.varied(level=level, closed=closed, cause=cause)
            if ended:
                view = view.varied(allow=_with_special(general, _lasting(self.entries.of_group(id_), now)))
            views[id_] = view
        policy = replace(self, views=views, circumstances=then, moment=now)
        return self if policy.same_as(self) and (self.moment is not None or not self.schedule.rooms) else policy

    @property
    def _timely(self) -> bool:
        schedule = self.schedule
        return bool(
            self.ends
            or schedule.rooms
            or schedule.lessons
            or schedule.pauses
            or schedule.calendar != Calendar()
            or any(group.hours for group in self.groups.values())
        )

    def same_as(self, other: "Snapshot") -> bool:
        """Whether two moments of one loaded policy are alike for everybody."""
        return self.circumstances == other.circumstances and self._in_force() == other._in_force()

    def _in_force(self) -> tuple[object, ...]:
        return (
            [(view.level, view.closed, view.cause) for view in self.views.values()],
            [group.blocked_at(self.moment) for group in self.groups.values() if group.hours],
            [end for end in self.ends if self.moment is not None and end < self.moment.date()],
            [lesson.id for lesson in self.schedule.lessons if self._is_free(lesson)],
        )

    def next_change(self, now: datetime) -> datetime | None:
        """Return the next moment of the school's time at which `at` may give something else; None if never."""
        moments = [
            hours.next_change(now)
            for group in self.groups.values()
            for id_, hours in group.hours.items()
            if id_ in group.blocked_categories
        ]
        moments.append(self.schedule.next_change(now))
        moments += [later(datetime.combine(day, time(), now.tzinfo), _DAY) for day in self.ends]
        moments += [
            shown(later(lesson.begins, timedelta(minutes=self.reserve.minutes))).astimezone(now.tzinfo)
            for lesson in self.schedule.lessons
            if self._is_free(lesson, now)
        ]
        return min((moment for moment in moments if moment is not None and moment > now), default=None)

    def _is_free(self, lesson: Lesson, now: datetime | None = None) -> bool:
        """Whether a lesson may still have open what no order names."""
        moment = now or self.moment
        if not lesson.opened or moment is None:
            return False
        return moment < later(lesson.begins, timedelta(minutes=self.reserve.minutes))


class SnapshotBuilder:
    """Collects groups and entries a few at a time, so that a running resolver can build one between two queries."""

    def __init__(self, groups: Iterable[Group], default_group: str) -> None:
        """Begin with the groups. Raises ValueError if the default group is not one of them."""
        self._groups = {group.id: group for group in groups}
        if default_group not in self._groups:
            raise ValueError(f"expected the default group {default_group!r} among the groups {sorted(self._groups)}")
        self._default_group = default_group
        self._tables: dict[EntryKind, dict[str | None, dict[str, Entry]]] = {kind: {None: {}} for kind in EntryKind}

    def add(self, entries: Iterable[Entry]) -> None:
        """Take more entries; those of a group that does not exist have no effect."""
        for entry in entries:
            self._tables[entry.kind].setdefault(entry.group, {})[entry.name] = entry

    def build(
        self,
        *,
        protected: Iterable[str] = (),
        version: int = 0,
        needed: Iterable[Needed] = (),
        moment: datetime | None = None,
        schedule: Schedule | None = None,
        directory: Directory | None = None,
        closures: Iterable[Closure] = (),
        reserve: Reserve | None = None,
    ) -> Snapshot:
        """Return the snapshot. Copies the general entries once for each group that has entries of its own.

        `moment` is the school's local time; without it, what is blocked in some hours only is blocked.
        """
        schedule = schedule or Schedule()
        reserve = reserve or Reserve()
        shielded = frozenset(protected)
        for_staff = {each.name: each for each in needed}
        for_all = {name: each for name, each in for_staff.items() if each.bundle != APP_STORES}
        alike: dict[tuple[bool, frozenset[tuple[str, str]]], View] = {}
        allowed, blocked = Entries(self._tables[EntryKind.ALLOW]), Entries(self._tables[EntryKind.BLOCK])
        views = {}
        for group in self._groups.values():
            closed = closed_categories(group.level, group.blocked_at(None))
            allow, block = allowed.table(group.id), blocked.table(group.id)
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
        rooms = schedule.rooms.values()
        of_groups = [(network, group.id) for group in self._groups.values() for network in group.networks]
        of_rooms = [(network, room.group) for room in rooms if room.group for network in room.networks]
        entries = (*allowed.all(), *reserve.entries.values())
        snapshot = Snapshot(
            views,
            self._default_group,
            Routes([*of_groups, *of_rooms]),
            version,
            self._groups,
            schedule,
            directory or Directory(()),
            Routes((network, room.id) for room in rooms for network in room.networks),
            tuple(closures),
            reserve,
            entries=allowed,
            ends=frozenset(entry.until for entry in entries if entry.until is not None),
        )
        return snapshot if moment is None else snapshot.at(moment)


def _closed(closure: Closure) -> Entry:
    return Entry(EntryKind.BLOCK, closure.name, None, closure.note, closure.document)


def _over(entry: Entry, moment: datetime | None) -> bool:
    return entry.until is not None and moment is not None and moment.date() > entry.until


def _lasting(entries: Mapping[str, Entry], now: datetime) -> Mapping[str, Entry]:
    return {name: entry for name, entry in entries.items() if not _over(entry, now)}


def _with_special(general: Mapping[str, Entry], special: Mapping[str, Entry]) -> Mapping[str, Entry]:
    return {**general, **special} if special else general


def build_snapshot(
    groups: Iterable[Group],
    entries: Iterable[Entry],
    *,
    default_group: str,
    protected: Iterable[str] = (),
    version: int = 0,
    needed: Iterable[Needed] = (),
    moment: datetime | None = None,
    schedule: Schedule | None = None,
    directory: Directory | None = None,
    closures: Iterable[Closure] = (),
    reserve: Reserve | None = None,
) -> Snapshot:
    """Build the immutable policy. An entry for one group beats an entry of the same name for all.

    Raises ValueError if the default group does not exist.
    """
    builder = SnapshotBuilder(groups, default_group)
    builder.add(entries)
    return builder.build(
        protected=protected,
        version=version,
        needed=needed,
        moment=moment,
        schedule=schedule,
        directory=directory,
        closures=closures,
        reserve=reserve,
    )
