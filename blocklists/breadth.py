"""Which rules cover so much of what the school uses that they are held, and which are not though they do. Pure.

What is in force is never taken out of force because people asked for it: such a rule is only told. Neither is a rule
of a locked category, which no one but the law decides about. Where nothing can be measured (no query log, or one of
blocked queries only), texts that have not changed keep what was decided before.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from blocklists.generation import Manifest, WhyHeld
from blocklists.holding import MIN_TOP, broad_names
from blocklists.sources import Source
from blocklists.starters import is_packaged
from policy.categories import BY_ID
from policy.decision import Listing


class Lookup(Protocol):
    """What is asked of an index."""

    def lookup(self, name: str) -> Sequence[Listing]:
        """Return what the lists say of a name."""
        ...


class Covering(NamedTuple):
    """A rule in force that covers too much, and how large a part (0 to 1)."""

    list_id: str
    category: str
    rule: str
    share: float


@dataclass(frozen=True, slots=True)
class Breadth:
    """By what rules are judged too broad."""

    top: tuple[str, ...] = ()
    """The names the school uses most; empty if nothing can be measured."""
    percent: float = 5
    """A rule that covers more than this share of them is too broad."""
    broad: Mapping[str, float] = field(default_factory=dict)
    """The names that cover too much, with their shares."""
    in_force: frozenset[tuple[str, str]] = frozenset()
    """Rules that were in force before, by list and name or expression."""
    decided: Mapping[tuple[str, str], Mapping[str, float]] = field(default_factory=dict)
    """Where nothing can be measured: what was held before, by list and SHA-256 of its text."""

    @classmethod
    def of(
        cls, top: Sequence[str], percent: float, before: Manifest | None = None, old: Lookup | None = None
    ) -> "Breadth":
        """Weigh rules by the names asked for most and by the generation before."""
        if len(set(top)) < MIN_TOP:
            lists = before.lists if before is not None and percent < 100 else ()
            decided = {
                (each.id, each.sha256): {held.name: held.share for held in each.held if held.why is WhyHeld.BROAD}
                for each in lists
            }
            return cls(percent=percent, decided=decided)
        known = _covered(old, top) if old is not None else {}
        # Who covers a single name may have been there for that name alone, and not for all below it.
        in_force = frozenset((list_id, rule) for (list_id, _, rule), count in known.items() if count > 1)
        return cls(tuple(top), percent, broad_names(top, percent), in_force)

    def names(self, source: Source, sha256: str) -> Mapping[str, float]:
        """Return the names and expressions that are too broad for a list with such a text, and their shares."""
        if locked(source):
            return {}
        if not self.top:
            return self.decided.get((source.id, sha256), {})
        return {name: share for name, share in self.broad.items() if (source.id, name) not in self.in_force}

    def may_hold(self, source: Source, rule: str) -> bool:
        """Tell whether a rule of a list may be held if it covers too much."""
        return not locked(source) and (source.id, rule) not in self.in_force

    def covering(self, index: Lookup, sources: Sequence[Source]) -> Iterator[Covering]:
        """Yield the rules of an index that cover too much and are in force though nobody let them through."""
        known = {source.id: source for source in sources}
        for (list_id, category, rule), count in _covered(index, self.top).items():
            source = known.get(list_id)
            if source is None or is_packaged(source.location) or source.shadow or rule in source.accepted:
                continue
            if count > len(self.top) * self.percent / 100:
                yield Covering(list_id, category, rule, count / len(self.top))


def locked(source: Source) -> bool:
    """Tell whether a list is of a category that no allow entry can open."""
    return source.category in BY_ID and BY_ID[source.category].locked


def _covered(index: Lookup, names: Sequence[str]) -> Mapping[tuple[str, str, str], int]:
    return Counter(
        key
        for name in names
        for key in {
            (listing.list_id, listing.category, listing.name) for listing in index.lookup(name) if not listing.allows
        }
    )
