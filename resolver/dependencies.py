"""What a site needs besides itself: names that clients asked for right after it and did not get. Pure.

A page that opens half is the commonest complaint after an order: its pictures and scripts live under other names. The
query log shows them. A query for the site begins an *occasion* of that client; what the client is refused within some
seconds belongs to it. What is refused all day long, whatever people look at, does not: each name is compared with how
often it is asked for in stretches of the same length outside the occasions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from policy.decision import Why

OPENABLE = frozenset({Why.LEVEL, Why.CATEGORY, Why.SERVICE, Why.BLOCKED})
"""Reasons that an entry of the director's list goes before. Locked categories and ways around the filter stay."""

LEAST_SHARE = 0.2
"""In a smaller part of the occasions a name is there by chance, or belongs to a corner of the site."""
LEAST_LIFT = 3.0
"""A name asked for nearly as often at other times is what people do beside the site, not part of it."""
FEW_OCCASIONS = 2
"""With no more occasions than this, a name seen once counts: a teacher has just tried the site."""


@dataclass(frozen=True, slots=True)
class Query:
    """What the analysis needs of a line of the query log."""

    moment: float
    """Seconds since 1970."""
    client: str
    name: str
    """Canonical: small letters."""
    blocked: bool
    why: str = ""
    category: str = ""
    list_id: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A name that was asked for after the site and not given."""

    name: str
    occasions: int
    """In how many occasions."""
    clients: int
    why: str
    """The reason of the last refusal, with its category and list."""
    category: str
    list_id: str
    share: float
    """Of all occasions."""
    elsewhere: float
    """Of the stretches of the same length outside the occasions."""

    @property
    def related(self) -> bool:
        """Tell whether the name belongs to the site rather than to what else people do."""
        return self.share >= LEAST_LIFT * self.elsewhere


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What the log says about a site."""

    occasions: int
    clients: int
    opened: bool
    """Whether these are occasions in which the site opened. If it never did, its page could not ask for anything, and
    what was asked for next is a weak hint."""
    refused: tuple[Refused, ...]
    """The most frequent first; only names that belong to the site."""


@dataclass(slots=True)
class _Seen:
    occasions: int = 0
    clients: set[str] = field(default_factory=set)
    last: Query | None = None


@dataclass(slots=True, eq=False)  # compared by what it is, not by what it counts
class _Tally:
    """Counts for occasions of one kind: those in which the site opened, or those in which it did not."""

    occasions: int = 0
    clients: set[str] = field(default_factory=set)
    names: dict[str, _Seen] = field(default_factory=dict)


@dataclass(slots=True)
class _Stretch:
    """What one client asks for now: within an occasion, or in a stretch of the same length outside."""

    end: float
    tally: _Tally | None
    """None outside occasions."""
    names: set[str] = field(default_factory=set)


def dependencies(queries: Iterable[Query], site: str, *, within: float) -> Dependencies:
    """Return what clients were refused within so many seconds after they asked for a site (or a name below it).

    The queries come in the order of time. Names below the site are left out: an entry for the site opens them too.
    """
    below = f".{site}"
    opened, closed = _Tally(), _Tally()
    elsewhere: dict[str, int] = {}
    stretches = 0
    current: dict[str, _Stretch] = {}
    for query in queries:
        stretch = current.get(query.client)
        if query.name == site or query.name.endswith(below):
            tally = closed if query.blocked else opened
            # Within an occasion, the page asks for its own names again and again. One that was closed a moment ago and
            # is open now begins anew: only from here on can it ask for what it needs.
            if stretch is None or stretch.tally not in (tally, opened) or query.moment >= stretch.end:
                tally.occasions += 1
                tally.clients.add(query.client)
                current[query.client] = _Stretch(query.moment + within, tally)
            continue
        if stretch is None or query.moment >= stretch.end:
            stretch = current[query.client] = _Stretch(query.moment + within, None)
            stretches += 1
        if stretch.tally is None:
            if query.name not in stretch.names:
                stretch.names.add(query.name)
                elsewhere[query.name] = elsewhere.get(query.name, 0) + 1
        elif query.blocked and query.why in OPENABLE:
            seen = stretch.tally.names.setdefault(query.name, _Seen())
            seen.last = query
            seen.clients.add(query.client)
            if query.name not in stretch.names:
                stretch.names.add(query.name)
                seen.occasions += 1
    tally = opened if opened.occasions else closed
    refused = _judged(tally, elsewhere, stretches)
    return Dependencies(tally.occasions, len(tally.clients), bool(opened.occasions), refused)


def _judged(tally: _Tally, elsewhere: Mapping[str, int], stretches: int) -> tuple[Refused, ...]:
    least = 1 if tally.occasions <= FEW_OCCASIONS else 2
    found = []
    for name, seen in tally.names.items():
        share = seen.occasions / tally.occasions
        if seen.occasions < least or share < LEAST_SHARE or seen.last is None:
            continue
        other = elsewhere.get(name, 0) / stretches if stretches else 0.0
        last = seen.last
        refused = Refused(name, seen.occasions, len(seen.clients), last.why, last.category, last.list_id, share, other)
        if refused.related:
            found.append(refused)
    return tuple(sorted(found, key=lambda each: (-each.occasions, -each.clients, each.name)))
