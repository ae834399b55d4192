"""What a command about rooms, devices, lessons and pauses starts from and leaves: the policy, at the school's time."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from cli.context import who
from cli.errors import Failure
from cli.policy_file import opened, snapshot_of
from policy import devices
from policy.circumstances import Circumstances
from policy.devices import Device
from policy.groups import Group
from policy.lessons import outdated
from policy.rooms import Lesson, Pause, Placed, Room, body_of
from policy.snapshot import Snapshot
from policy.subjects import nearest
from settings.model import Settings
from storage.policy_db import PolicyDb
from storage.policy_load import CLOSURE, DEVICE, LESSON, PAUSE, ROOM
from storage.policy_rows import UnknownEntry, UnknownGroup
from translations import _


@dataclass(frozen=True, slots=True)
class Scene:
    """The policy in force at a moment."""

    now: datetime
    """In the school's zone, whole seconds: so moments are kept."""
    snapshot: Snapshot
    """As it is now."""

    @property
    def circumstances(self) -> Circumstances:
        """What holds now in rooms and for groups."""
        return self.snapshot.circumstances

    def room(self, id_: str) -> Room:
        """Return a room. Raises Failure, which names those that exist."""
        rooms = self.snapshot.schedule.rooms
        if id_ not in rooms:
            if not rooms:
                message = _(
                    "found no room {room}, and no other. Add it: schoolfilter rooms add {room} --network NETWORK"
                )
                raise Failure(message.format(room=id_))
            message = _("expected a room that exists ({rooms}), found {room}.")
            raise Failure(message.format(rooms=", ".join(sorted(rooms)), room=id_))
        return rooms[id_]

    def device(self, id_: str) -> Device:
        """Return a device. Raises Failure, which names the nearest of those that exist."""
        known = {each.id: each for each in self.snapshot.directory.devices}
        if id_ not in known:
            if not known:
                message = _("found no device {device}, and no other. See who asks: schoolfilter devices discover")
                raise Failure(message.format(device=id_))
            message = _("expected a device that exists, such as {near}, found {device}. See: schoolfilter devices")
            raise Failure(message.format(near=nearest(id_, known) or min(known), device=id_))
        return known[id_]

    def group(self, id_: str) -> Group:
        """Return a group. Raises UnknownGroup."""
        groups = self.snapshot.groups
        if id_ not in groups:
            message = _("expected a group that exists ({groups}), found {group}.")
            raise UnknownGroup(message.format(groups=", ".join(groups), group=id_))
        return groups[id_]


Stored = Placed | Device


@dataclass(frozen=True, slots=True)
class Change:
    """What to do, all of it or nothing."""

    what: str
    puts: tuple[Stored, ...] = ()
    drops: tuple[Stored, ...] = ()
    document: str = ""


Plan = Callable[[Scene], Change]
"""Says what to do, from what holds now; raises Failure or Misuse if it cannot be done."""


def clock(settings: Settings) -> datetime:
    """Return what time it is at school."""
    return datetime.now(ZoneInfo(settings.school.time_zone)).replace(microsecond=0)


def look(settings: Settings) -> Scene:
    """Return what holds now."""

    async def work() -> Scene:
        async with await opened(settings) as policy:
            return await _scene(policy, settings, clock(settings))

    return asyncio.run(work())


def make(settings: Settings, plan: Plan) -> Scene:
    """Make the change that is planned from what holds now; return what holds then."""

    async def work() -> Scene:
        async with await opened(settings) as policy:
            now = clock(settings)
            scene = await _scene(policy, settings, now)
            change = plan(scene)
            await _put_away(policy, scene)
            puts = [(_kind(each), each.id, _body(each)) for each in change.puts]
            drops = [(_kind(each), each.id) for each in change.drops]
            await policy.change_objects(change.what, puts, drops, document=change.document, at=now, by=who())
            return await _scene(policy, settings, now)

    return asyncio.run(work())


async def _scene(policy: PolicyDb, settings: Settings, now: datetime) -> Scene:
    return Scene(now, (await snapshot_of(policy, settings)).at(now))


async def _put_away(policy: PolicyDb, scene: Scene) -> None:
    """End what was over before today, as a change of its own: the one that follows shows what it did and no more."""
    schedule = scene.snapshot.schedule
    lessons, pauses = outdated(schedule.lessons, scene.now), outdated(schedule.pauses, scene.now)
    over = [*((LESSON, id_) for id_ in lessons), *((PAUSE, id_) for id_ in pauses)]
    if over:
        with suppress(UnknownEntry):  # somebody else did it in this moment
            await policy.change_objects("put away", drops=over, at=scene.now, by=who())


def _kind(value: Stored) -> str:
    match value:
        case Room():
            return ROOM
        case Lesson():
            return LESSON
        case Pause():
            return PAUSE
        case Device():
            return DEVICE
        case _:
            return CLOSURE


def _body(value: Stored) -> dict[str, object]:
    return devices.body(value) if isinstance(value, Device) else body_of(value)
