"""Decide whether a name opens in a view. The tuple RULES is the order of precedence: first opinion wins."""

from collections.abc import Callable, Mapping, Sequence

from policy.bypass import BYPASS_NAMES
from policy.categories import BY_ID, Severity
from policy.decision import Action, Decision, Listing, Reason, Why
from policy.names import with_parents
from policy.snapshot import Entry, Level, View

Listings = Sequence[Listing]
Rule = Callable[[View, str, Listings], Decision | None]

_DEFAULT = Decision(Action.ALLOW, Reason(Why.DEFAULT))


def _protected(view: View, name: str, _: Listings) -> Decision | None:
    """The school's own and the ministry's sites can never be blocked by any list (R2)."""
    for parent in with_parents(name):
        if parent in view.protected:
            return Decision(Action.ALLOW, Reason(Why.PROTECTED, rule=parent))
    return None


def _bypass(view: View, name: str, _: Listings) -> Decision | None:
    """Staff decide for themselves; everyone else stays with the school's resolver."""
    if view.level is Level.OPEN:
        return None
    for parent in with_parents(name):
        if parent in BYPASS_NAMES:
            return Decision(Action.BLOCK, Reason(Why.BYPASS, category="bypass", rule=parent))
    return None


def _locked(_: View, __: str, listings: Listings) -> Decision | None:
    locked = [listing for listing in listings if _gravity(listing) == _LOCKED]
    return Decision(Action.BLOCK, _listed(Why.LOCKED, _foremost(locked))) if locked else None


def _closed(view: View, _: str, __: Listings) -> Decision | None:
    return Decision(Action.BLOCK, Reason(Why.LEVEL, rule="off")) if view.level is Level.OFF else None


def _directors_list(view: View, name: str, _: Listings) -> Decision | None:
    entry = entry_for(view.allow, name)
    return None if entry is None else Decision(Action.ALLOW, _entry(Why.ALLOWED, entry))


def _hand_made_blocks(view: View, name: str, _: Listings) -> Decision | None:
    """Stand below the director's list on purpose: a teacher cannot close what an order opened."""
    entry = entry_for(view.block, name)
    return None if entry is None else Decision(Action.BLOCK, _entry(Why.BLOCKED, entry))


def _level_high(view: View, _: str, __: Listings) -> Decision | None:
    return Decision(Action.BLOCK, Reason(Why.LEVEL, rule="high")) if view.level is Level.HIGH else None


def _categories(view: View, _: str, listings: Listings) -> Decision | None:
    closed = [listing for listing in listings if listing.category in view.closed]
    return Decision(Action.BLOCK, _listed(Why.CATEGORY, _foremost(closed))) if closed else None


RULES: tuple[Rule, ...] = (
    _protected,
    _bypass,
    _locked,
    _closed,
    _directors_list,
    _hand_made_blocks,
    _level_high,
    _categories,
)


def decide(view: View, name: str, listings: Listings) -> Decision:
    """Decide about a canonical name, given what the lists say of it and of its parents.

    An exception of a list (`@@`) silences that list only: a stranger's list cannot open what another closes.
    """
    if not listings:
        # Most names are spoken of by nobody: one walk over the parents tells, and the level alone decides.
        allow, block, protected = view.allow, view.block, view.protected
        rest, dot = name, "."
        while dot and not (rest in allow or rest in block or rest in protected or rest in BYPASS_NAMES):
            _, dot, rest = rest.partition(".")
        if not dot:
            return _UNSPOKEN[view.level]
    elif any(listing.allows for listing in listings):
        excepted = {listing.list_id for listing in listings if listing.allows}
        listings = [listing for listing in listings if listing.list_id not in excepted]
    return _first_opinion(view, name, listings)


def _first_opinion(view: View, name: str, listings: Listings) -> Decision:
    for rule in RULES:
        decision = rule(view, name, listings)
        if decision is not None:
            return decision
    return _DEFAULT


_SEVERITIES = tuple(Severity)
_LOCKED = _SEVERITIES.index(Severity.UNLAWFUL)


def _gravity(listing: Listing) -> int:
    """Return 0 for the gravest severity; a category that is not built in comes last."""
    category = BY_ID.get(listing.category)
    return len(_SEVERITIES) if category is None else _SEVERITIES.index(category.severity)


def _foremost(listings: Listings) -> Listing:
    """Return the listing to name as reason: the gravest, then the one nearest to the name asked for.

    A site on an advertising list and on an adult list is an incident of the second kind, whatever order the lists have.
    """
    return min(listings, key=lambda listing: (_gravity(listing), -len(listing.name), listing.list_id))


def _listed(why: Why, listing: Listing) -> Reason:
    return Reason(why, category=listing.category, list_id=listing.list_id, rule=listing.name)


def _entry(why: Why, entry: Entry) -> Reason:
    return Reason(why, rule=entry.name, note=entry.note, document=entry.document)


def entry_for(entries: Mapping[str, Entry], name: str) -> Entry | None:
    """Return the entry that covers a name: its own or its nearest parent's."""
    return next((entries[parent] for parent in with_parents(name) if parent in entries), None)


_UNSPOKEN = {
    level: _first_opinion(View("", level, frozenset(), {}, {}, frozenset()), "example.org", ()) for level in Level
}
"""What each level makes of a name that no list and no person speaks of."""
