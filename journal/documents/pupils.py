"""What is closed to pupils, for papers that tell people of it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from policy.groups import Group, closed_categories
from policy.levels import Level
from policy.snapshot import Snapshot
from policy.subjects import SUBJECT_IDS

_ONLY_LIST = frozenset({Level.HIGH, Level.OFF})


@dataclass(frozen=True, slots=True)
class ClosedToPupils:
    """Categories and services by id, the gravest first."""

    always: tuple[str, ...]
    """Closed to every group."""
    partly: tuple[str, ...]
    """Closed to some groups, or at some hours."""
    only_list: bool
    """In some group or room no more than the white list opens."""


def closed_to_pupils(snapshot: Snapshot, groups: Iterable[Group] | None = None) -> ClosedToPupils:
    """Return what is closed to these groups; if none are given, to all supervised ones, else to the default group."""
    asked = list(groups) if groups is not None else [each for each in snapshot.groups.values() if each.supervised]
    looked_at = asked or [snapshot.groups[snapshot.default_group]]
    sometimes = [closed_categories(each.level, each.blocked_categories) for each in looked_at]
    always = frozenset.intersection(
        *(closed_categories(each.level, each.blocked_categories - each.hours.keys()) for each in looked_at)
    )
    rooms = snapshot.schedule.rooms.values() if groups is None else ()
    return ClosedToPupils(
        _ordered(always),
        _ordered(frozenset.union(*sometimes) - always),
        any(each.level in _ONLY_LIST for each in (*looked_at, *rooms)),
    )


def _ordered(ids: frozenset[str]) -> tuple[str, ...]:
    return tuple(id_ for id_ in SUBJECT_IDS if id_ in ids)


def written_contact(contact: str) -> str:
    """Return the school's contact as people write it: without `mailto:` and `tel:`."""
    return contact.removeprefix("mailto:").removeprefix("tel:")
