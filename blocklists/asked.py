"""What the school asks for, as far as lists are weighed by it: who asked for which name, and how often."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Asked:
    """Questions counted by who asked and what for."""

    counts: Mapping[tuple[str, str], int]
    """Questions by group and canonical name."""
    opened: Mapping[str, int] = field(default_factory=dict)
    """Those of them that were answered and not blocked, by canonical name, of all groups together."""

    @classmethod
    def nothing(cls) -> "Asked":
        """Return what is known of a school that never asked."""
        return cls({})

    @property
    def questions(self) -> int:
        """How many questions were counted."""
        return sum(self.counts.values())

    def top(self, limit: int) -> tuple[str, ...]:
        """Return the names the school uses most, the foremost first.

        Blocked questions do not count: else whoever asks for many names of a blocked domain would have its rule held as
        too broad, and so opened.
        """
        return tuple(sorted(self.opened, key=lambda name: (-self.opened[name], name))[: max(limit, 0)])
