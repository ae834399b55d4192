"""The levels of restriction, and which of two is the stricter one."""

from enum import StrEnum


class Level(StrEnum):
    """How far a group or a room is restricted (DESIGN section 5; R4 prescribes `high` for computer rooms)."""

    HIGH = "high"
    """Only the director's list opens."""
    MEDIUM = "medium"
    """All opens but the group's blocked categories."""
    LOW = "low"
    """Only unlawful and harmful categories are blocked, and the services that the council chose."""
    OFF = "off"
    """Nothing opens."""
    OPEN = "open"
    """Staff: only locked categories are blocked."""


_FREEDOM = {level: rank for rank, level in enumerate((Level.OFF, Level.HIGH, Level.MEDIUM, Level.LOW, Level.OPEN))}


def stricter(one: Level | None, other: Level | None) -> Level | None:
    """Return the level that opens less, the first of two equal ones; None stands for no restriction at all."""
    if one is None or other is None:
        return other if one is None else one
    return one if _FREEDOM[one] <= _FREEDOM[other] else other
