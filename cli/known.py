"""What may be asked for by its id: what the policy knows now, and what the query log ever had."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from cli.days import start_of
from cli.errors import Failure, Misuse
from cli.policy_file import opened, snapshot_of
from journal.incidents import KINDS
from journal.opening import opened_journal
from policy.snapshot import Snapshot
from policy.subjects import SUBJECT_IDS, nearest
from settings.errors import SchoolfilterError
from settings.model import Settings
from storage.evidence import text
from translations import _


@dataclass(slots=True)
class Known:
    """Ids by what they are of."""

    rooms: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    categories: set[str] = field(default_factory=lambda: set(SUBJECT_IDS))
    told: bool = False
    """Whether policy and journal could be read. If not, nothing can be said to be unknown."""


def expect_known(
    settings: Settings, rooms: Sequence[str] = (), groups: Sequence[str] = (), categories: Sequence[str] = ()
) -> None:
    """Let ids pass that policy or log know. Raises Misuse, which names the nearest for each that is unknown."""
    if not (rooms or groups or categories):
        return
    known = asyncio.run(_known(settings))
    if not known.told:
        return
    faults = [
        *_unknown(rooms, known.rooms, _("expected a room that policy or query log know, found {id}: {hint}")),
        *_unknown(groups, known.groups, _("expected a group that policy or query log know, found {id}: {hint}")),
        *_unknown(categories, known.categories, _("expected a category or a service, found {text}: {hint}")),
    ]
    if faults:
        raise Misuse("\n".join(faults))


async def unknown_devices(settings: Settings, devices: Sequence[str], first: date, last: date) -> list[str]:
    """Return the devices that neither the policy knows, nor an incident, nor the query log of these days.

    None of them if that cannot be found out: nobody's request may be lost because of a damaged file.
    """
    if not devices:
        return []
    snapshot = await _snapshot(settings)
    found = {each.id for each in snapshot.directory.devices} if snapshot is not None else set()
    if not set(devices) - found:
        return []
    try:
        async with opened_journal(settings) as journal:
            async for record in journal.records(KINDS, private=True):
                found.add(text(record.private or {}, "device"))
        for device in set(devices) - found:
            if await _in_log(settings, device, first, last):
                found.add(device)
    except (SchoolfilterError, OSError):
        return []
    return [each for each in devices if each not in found]


async def _in_log(settings: Settings, device: str, first: date, last: date) -> bool:
    from journal.archiving.search import Filter, opened_search  # DuckDB is loaded only when it is used

    zone = ZoneInfo(settings.school.time_zone)
    wanted = Filter(since=start_of(first, zone), until=start_of(last + timedelta(days=1), zone), devices=(device,))
    async with opened_search(settings, wanted) as searcher:
        return searcher.count(wanted) > 0


async def _known(settings: Settings) -> Known:
    known = Known()
    snapshot = await _snapshot(settings)
    if snapshot is None:
        return known
    known.rooms |= set(snapshot.schedule.rooms)
    known.groups |= set(snapshot.groups)
    with suppress(SchoolfilterError, OSError):
        async with opened_journal(settings) as journal:
            for tally in await journal.tallies():
                known.rooms.add(tally.room)
                known.groups.add(tally.group)
                known.categories.add(tally.category)
        known.told = True
    return known


async def _snapshot(settings: Settings) -> Snapshot | None:
    """Return the policy in force; None if it cannot be read."""
    with suppress(SchoolfilterError, Failure, OSError):
        async with await opened(settings) as policy:
            return await snapshot_of(policy, settings)
    return None


def _unknown(ids: Iterable[str], known: set[str], message: str) -> list[str]:
    faults = []
    for each in ids:
        if each and each not in known:  # an empty one asks for what has none
            near = nearest(each, known - {""}) or min(known - {""}, default="")
            hint = _("did you mean {name}?").format(name=near) if near else _("there is none yet")
            faults.append(message.format(id=repr(each[:60]), text=repr(each[:60]), hint=hint))
    return faults
