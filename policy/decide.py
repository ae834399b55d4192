"""Decide whether a name opens in a view. The tuple RULES is the order of precedence: first opinion wins."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from policy.bypass import BYPASS_NAMES
from policy.categories import CATEGORIES, Severity
from policy.decision import Action, Decision, Listing, Reason, Why
from policy.levels import Level
from policy.names import with_parents
from policy.services import SERVICES_BY_ID
from policy.statements import in_force
from policy.views import Entry, EntryKind, View

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
    locked = [listing for listing in listings if listing.category in _LOCKED]
    return Decision(Action.BLOCK, _listed(Why.LOCKED, _foremost(locked))) if locked else None


def _closed(view: View, _: str, __: Listings) -> Decision | None:
    """Nobody looks anything up without a lesson in a supervised room (R1 2.9), or where the level is `off`."""
    return Decision(Action.BLOCK, Reason(view.cause, rule="off")) if view.level is Level.OFF else None


def _exceptions(view: View, name: str, listings: Listings) -> Decision | None:
    """Stand above the director's list: a teacher closes a name for a lesson, or opens what the director lets open."""
    entry = entry_for(view.overrides, name)
    if entry is None:
        return None
    if entry.kind is EntryKind.BLOCK:
        return Decision(Action.BLOCK, _entry(Why.EXCEPTION, entry))
    if entry.limited and _any_harmful(listings):
        return None
    return Decision(Action.ALLOW, _entry(Why.EXCEPTION, entry), limited=entry.limited)


def _directors_list(view: View, name: str, _: Listings) -> Decision | None:
    entry = entry_for(view.allow, name)
    return None if entry is None else _allowed(entry)


def _hand_made_blocks(view: View, name: str, _: Listings) -> Decision | None:
    """Stand below the director's list on purpose: a teacher cannot close what an order opened."""
    entry = entry_for(view.block, name)
    return None if entry is None else Decision(Action.BLOCK, _entry(Why.BLOCKED, entry))


def _level_high(view: View, _: str, __: Listings) -> Decision | None:
    return Decision(Action.BLOCK, Reason(view.cause, rule="high")) if view.level is Level.HIGH else None


def _services(view: View, _: str, listings: Listings) -> Decision | None:
    """Stand above what is needed: the council closed this very service, knowing that lessons use it."""
    closed = [each for each in listings if each.category in view.closed and each.category in SERVICES_BY_ID]
    return Decision(Action.BLOCK, _listed(Why.SERVICE, _foremost(closed))) if closed else None


def _needed(view: View, name: str, _: Listings) -> Decision | None:
    """Lists hold what schools need (UT1 `games` has chess.com, `audio-video` what YouTube's sign-in needs)."""
    for parent in with_parents(name):
        needed = view.needed.get(parent)
        if needed is not None and (needed.subtree or parent == name):
            return Decision(Action.ALLOW, Reason(Why.NEEDED, category=needed.bundle, rule=parent))
    return None


def _categories(view: View, _: str, listings: Listings) -> Decision | None:
    closed = [listing for listing in listings if listing.category in view.closed]
    return Decision(Action.BLOCK, _listed(Why.CATEGORY, _foremost(closed))) if closed else None


RULES: tuple[Rule, ...] = (
    _protected,
    _bypass,
    _locked,
    _closed,
    _exceptions,
    _directors_list,
    _hand_made_blocks,
    _level_high,
    _services,
    _needed,
    _categories,
)

_ABOUT_ENTRIES = tuple(rule for rule in RULES if rule not in (_protected, _bypass, _exceptions, _needed))
"""What is left to ask when people entered a name, and no bundle, exception or bypass list speaks of it."""
_ABOUT_LISTINGS = tuple(rule for rule in _ABOUT_ENTRIES if rule not in (_directors_list, _hand_made_blocks))
"""What is left to ask when nobody entered it either."""


def decide(view: View, name: str, listings: Listings, qtype: int = 1) -> Decision:
    """Decide about a canonical name, given what the lists say of it and of its parents.

    `qtype` is the record type asked for: some statements of lists hold for some types only.
    """
    # Most names are spoken of by nobody: one walk over the parents tells, and the level alone decides.
    allow, block, spoken = view.allow, view.block, view.spoken
    rest, dot, said, entered = name, ".", False, False
    while dot:
        if rest in spoken:
            said = True
        if rest in allow or rest in block:
            entered = True
        _, dot, rest = rest.partition(".")
    if not (said or entered or listings):
        return _UNSPOKEN[view.level, view.cause]
    rules = RULES if said else _ABOUT_ENTRIES if entered else _ABOUT_LISTINGS
    held, shadow = in_force(listings, name, qtype)
    decision = _first_opinion(rules, view, name, held)
    if shadow and decision is _DEFAULT:
        decision = _on_trial(_first_opinion(rules, view, name, shadow))
    if name in view.rewrites and not decision.blocked:
        return _rewritten(view, name, decision)
    return decision


def is_harmful(listings: Listings, name: str, qtype: int = 1) -> bool:
    """Whether a list puts a name into a harmful category, given what the lists say of it; one on trial does not."""
    return bool(listings) and _any_harmful(in_force(listings, name, qtype)[0])


def _any_harmful(held: Listings) -> bool:
    return any(listing.category in _HARMFUL for listing in held)


def _first_opinion(rules: tuple[Rule, ...], view: View, name: str, listings: Listings) -> Decision:
    for rule in rules:
        decision = rule(view, name, listings)
        if decision is not None:
            return decision
    return _DEFAULT


def _on_trial(would: Decision) -> Decision:
    """Name the list in shadow mode that would have closed what nothing else speaks of.

    What an order or a lesson's need opened keeps that as its reason, whatever a list on trial says: the reason has
    effects of its own (on what the name leads to), and a trial must have none.
    """
    if not would.blocked:
        return _DEFAULT
    reason = would.reason
    return Decision(Action.ALLOW, Reason(Why.SHADOW, reason.category, reason.list_id, reason.rule))


def _rewritten(view: View, name: str, decision: Decision) -> Decision:
    """Answer an open name in its safe mode, whoever opened it: an order opens the engine, not its unsafe side.

    Only protected names stay as they are. That a list on trial would have closed it remains the reason.
    """
    why = decision.reason.why
    if why is Why.PROTECTED:
        return decision
    reason = decision.reason if why is Why.SHADOW else Reason(Why.SAFE_SEARCH, rule=name)
    return Decision(Action.REWRITE, reason, view.rewrites[name])


_SEVERITIES = tuple(Severity)
_GRAVITY = {category.id: _SEVERITIES.index(category.severity) for category in CATEGORIES}
"""By category: 0 is the gravest. Services and categories that are not built in come last."""
_LOCKED = frozenset(category.id for category in CATEGORIES if category.locked)
_HARMFUL = frozenset(category.id for category in CATEGORIES if category.severity is Severity.HARMFUL)


def _foremost(listings: Listings) -> Listing:
    """Return the listing to name as reason: the gravest, then the one nearest to the name asked for.

    A site on an advertising list and on an adult list is an incident of the second kind, whatever order the lists have.
    A list that names the site beats one whose expression happens to fit it.
    """
    return listings[0] if len(listings) == 1 else min(listings, key=_rank)


def _rank(listing: Listing) -> tuple[int, bool, int, str]:
    pattern = listing.terms is not None and listing.terms.pattern
    return _GRAVITY.get(listing.category, len(_SEVERITIES)), pattern, -len(listing.name), listing.list_id


def _listed(why: Why, listing: Listing) -> Reason:
    return Reason(why, category=listing.category, list_id=listing.list_id, rule=listing.name)


@lru_cache(maxsize=4096)
def _allowed(entry: Entry) -> Decision:
    """Return the decision by an entry of the director's list: a school opens the same few hundred all day."""
    return Decision(Action.ALLOW, _entry(Why.ALLOWED, entry))


def _entry(why: Why, entry: Entry) -> Reason:
    return Reason(why, rule=entry.name, note=entry.note, document=entry.document)


def entry_for(entries: Mapping[str, Entry], name: str) -> Entry | None:
    """Return the entry that covers a name: its own or its nearest parent's."""
    return next((entries[parent] for parent in with_parents(name) if parent in entries), None)


_UNSPOKEN = {
    (level, cause): _first_opinion(
        RULES, View("", level, frozenset(), {}, {}, frozenset(), cause=cause), "example.org", ()
    )
    for level in Level
    for cause in Why
}
"""What each level makes of a name that no list and no person speaks of."""
