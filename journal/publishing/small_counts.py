"""Small counts are not made public: in a school everybody knows who the two pupils are. Pure.

Who reads what is published may know this program. So the rule is that each hidden count
could still be anything from 0 to LEAST - 1, whatever is worked out from the rest of the row. A test tries all rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LEAST = 5
"""Counts below this are not told; that there was nothing is not told either, for it would narrow the others."""
_MOST_HIDDEN = LEAST - 1


@dataclass(frozen=True, slots=True)
class PublicRow:
    """Counts of one month as they may be published."""

    counts: Mapping[str, int | None]
    """None: fewer than LEAST."""
    total: int | None
    """None: not told, because a difference would give a hidden count back."""


def public_row(counts: Mapping[str, int]) -> PublicRow:
    """Return what of these counts, and of their sum, may be told."""
    shown = {kind: count if count >= LEAST else None for kind, count in counts.items()}
    total = sum(counts.values())
    hidden = [kind for kind, count in shown.items() if count is None]
    rest = sum(counts[kind] for kind in hidden)
    if total < LEAST or (hidden and not _tells_nothing(rest, len(hidden))):
        return PublicRow(shown, None)
    return PublicRow(shown, total)


def _tells_nothing(rest: int, hidden: int) -> bool:
    """Return whether each hidden count can be 0, and can be the most that is hidden, if all of them make up `rest`."""
    return _MOST_HIDDEN <= rest <= _MOST_HIDDEN * (hidden - 1)
