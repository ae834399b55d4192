"""What teachers ask for: names checked before anybody decides, what opening them means, requests made of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from approval.demand import Demand
from blocklists.bundles import load_bundles
from blocklists.index import open_current
from blocklists.suffixes import bundled
from policy.decide import decide
from policy.decision import Listing, Reason, Why
from policy.groups import closed_categories
from policy.levels import Level
from policy.name_warnings import KnownNames, NameWarning, describe, known_names, warnings_for
from policy.names import display_name
from policy.orders import Scope
from policy.snapshot import Snapshot
from policy.subjects import title_of
from policy.views import Entry, EntryKind, View
from storage.requests import NewRequest, RequestKind
from translations import _, language

Listings = Mapping[str, Sequence[Listing]]
"""What the lists say, by name."""


class Obstacle(StrEnum):
    """Why no order can open a name."""

    SUFFIX = "suffix"
    """Strangers register their own names below it."""
    LOCKED = "locked"
    """A list holds it in a category that the law forbids."""
    BYPASS = "bypass"
    """By it devices go around the filter."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A name that no order can open."""

    name: str
    obstacle: Obstacle
    text: str
    """In words, in the language in use."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What there is to know of a name before it is opened."""

    name: str
    warnings: tuple[NameWarning, ...]
    """What is odd about it, and which lists hold it."""
    closed: Mapping[str, Reason]
    """Why it is closed now, by group; groups for which it is open do not stand here."""
    demand: Demand | None = None
    """Who asked for it lately; None if nobody looked."""


def look_up(lists: Path, names: Iterable[str]) -> Listings:
    """Return what the lists in force say of canonical names. Raises ListError, OSError."""
    index = open_current(lists)
    try:
        return {name: index.lookup(name) for name in names}
    finally:
        index.close()


def refusals(names: Iterable[str], listings: Listings) -> list[Refusal]:
    """Return those of the names that no order can open."""
    return [refusal for name in names if (refusal := _refusal(name, listings[name])) is not None]


def _refusal(name: str, listings: Sequence[Listing]) -> Refusal | None:
    shown = display_name(name)
    if bundled().hold(name):
        text = _(
            "{name}: below this strangers register their own names, so that it would open far more than one site. "
            "Give the name of the site, such as example.{name}."
        )
        return Refusal(name, Obstacle.SUFFIX, text.format(name=shown))
    # The rules themselves are asked what stands above the director's list: one order of precedence, in one place.
    opened_by = Entry(EntryKind.ALLOW, name)
    view = View("", Level.LOW, closed_categories(Level.LOW, frozenset()), {name: opened_by}, {}, frozenset())
    reason = decide(view, name, listings).reason
    if reason.why is Why.LOCKED:
        text = _(
            "{name} will not open: the list {list} holds {rule} in the category {category}, which the law forbids. "
            "No order opens it; if the list is wrong, take the name out there: schoolfilter lists show {list}"
        )
        category = f"{title_of(reason.category, language())} ({reason.category})"
        rule = display_name(reason.rule)
        said = text.format(name=shown, list=reason.list_id, rule=rule, category=category)
        return Refusal(name, Obstacle.LOCKED, said)
    if reason.why is Why.BYPASS:
        text = _("{name} will not open: by {rule} devices go around the school's filter.")
        return Refusal(name, Obstacle.BYPASS, text.format(name=shown, rule=reason.rule))
    return None


def trusted_names(snapshot: Snapshot, often: Iterable[str] = ()) -> KnownNames:
    """Return the names that a new one is compared with: of the bundles, of the director's list, and `often` used."""
    bundles = (each.name for bundle in load_bundles().values() for each in bundle)
    return known_names([*bundles, *snapshot.reserve.entries, *often], bundled())


def facts_about(
    names: Iterable[str],
    group: str | None,
    snapshot: Snapshot,
    listings: Listings,
    known: KnownNames,
    demand: Mapping[str, Demand] | None = None,
) -> dict[str, Facts]:
    """Return what there is to know of canonical names before they are opened for a group (None: for everyone)."""
    views = [view for id_, view in snapshot.views.items() if group in (None, id_)]
    return {
        name: Facts(
            name,
            warnings_for(name, known, bundled(), listings[name]),
            {view.group: made.reason for view in views if (made := decide(view, name, listings[name])).blocked},
            None if demand is None else demand.get(name),
        )
        for name in names
    }


def requests_for(
    kind: RequestKind,
    names: Iterable[str],
    *,
    group: str | None = None,
    scope: Scope = Scope.ALWAYS,
    until: date | None = None,
    reason: str = "",
    facts: Mapping[str, Facts] | None = None,
) -> list[NewRequest]:
    """Return a request for each name, with what its check said in the language in use."""
    return [
        NewRequest(kind, name, group, scope, until, reason, _warnings(facts[name]) if facts else "") for name in names
    ]


def _warnings(facts: Facts) -> str:
    return "\n".join(map(describe, facts.warnings))
