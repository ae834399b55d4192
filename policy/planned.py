"""The lessons of one day: what substitutions leave of the slots, and what they put in their place."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import reduce
from typing import NamedTuple

from policy.levels import Level, stricter
from policy.timetable import Minutes, Slot, Substitution


class Cause(StrEnum):
    """What makes a lesson go on."""

    TIMETABLE = "timetable"
    SUBSTITUTION = "substitution"


class Planned(NamedTuple):
    """A lesson of a day: a slot, what is left of one, or a substitution. A tuple: there are hundreds of them."""

    room: str | None
    group: str | None
    begin: int
    """Minutes of the day, as those of a window."""
    end: int
    began: int
    """When its whole window begins: earlier than `begin` if a substitution ends in the middle of a slot."""
    level: Level | None
    own: bool
    """The room's own level counts, also beside `level`."""
    cause: Cause
    teacher: str
    title: str
    id: str
    """Of the slot or the substitution."""


def planned(
    slots: Iterable[tuple[Slot, Minutes]], substitutions: Iterable[tuple[Substitution, Minutes]]
) -> Iterator[Planned]:
    """Yield the lessons that slots and substitutions of one day come to, each given with its minutes on that day."""
    changes = list(substitutions)
    taken: dict[str | None, list[Minutes]] = {change.room: [] for change, _ in changes}
    beside: dict[str | None, list[tuple[Slot, Minutes]]] = {change.room: [] for change, _ in changes}
    for change, minutes in changes:
        taken[change.room].append(minutes)
    for slot, minutes in slots:
        if slot.room not in taken:
            yield _of_slot(slot, minutes, minutes.begin, minutes.end)
        else:
            beside[slot.room].append((slot, minutes))
            for begin, end in _left(minutes, taken[slot.room]):
                yield _of_slot(slot, minutes, begin, end)
    for change, minutes in changes:
        if change.teacher:
            yield from _of_substitution(change, minutes, beside[change.room])


def _of_slot(slot: Slot, minutes: Minutes, begin: int, end: int) -> Planned:
    return Planned(
        slot.room,
        slot.group,
        begin,
        end,
        minutes.begin,
        slot.level,
        slot.room is not None and slot.level is None,
        Cause.TIMETABLE,
        slot.teacher,
        slot.title,
        slot.id,
    )


def _of_substitution(
    change: Substitution, minutes: Minutes, beside: Iterable[tuple[Slot, Minutes]]
) -> Iterator[Planned]:
    """Yield one lesson for everybody in the room, or one for each group that has one there in the window."""
    by_group: dict[str | None, list[Slot]] = {}
    for slot, its in beside:
        if its.begin < minutes.end and minutes.begin < its.end:
            by_group.setdefault(slot.group, []).append(slot)
    for group, replaced in (by_group or {None: []}).items():
        levels = [slot.level for slot in replaced]
        yield Planned(
            change.to_room or change.room,
            group,
            minutes.begin,
            minutes.end,
            minutes.begin,
            reduce(stricter, levels, None),
            None in levels or not levels,
            Cause.SUBSTITUTION,
            change.teacher,
            change.title or next((slot.title for slot in replaced if slot.title), ""),
            change.id,
        )


def _left(window: Minutes, taken: Iterable[Minutes]) -> Iterator[tuple[int, int]]:
    """Yield what is left of a window."""
    begin = window.begin
    for each in sorted(taken, key=lambda minutes: minutes.begin):
        if begin < min(each.begin, window.end):
            yield begin, min(each.begin, window.end)
        begin = max(begin, each.end)
    if begin < window.end:
        yield begin, window.end
