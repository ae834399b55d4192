"""Look at a new generation before it is published: what it must not close, must not let go, and must not become. Pure.

A finding refuses the generation only if a list that brought a new text is to blame for it. What the operator did by
hand (a list removed, switched off, put on trial), and what was so before, is told but goes through: it was decided.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from blocklists.breadth import Covering, Lookup
from blocklists.generation import CompiledList, Manifest, WhyHeld
from blocklists.suffixes import Suffixes
from policy.decide import decide
from policy.decision import Decision, Listing, Reason, Why
from policy.levels import Level
from policy.names import display_name
from policy.views import View
from translations import _

BLOCKED: Mapping[str, tuple[str, ...]] = {
    "terrorism": ("kavkazcenter.com",),
    "extremism": ("hizb-ut-tahrir.info",),
    "hatred": ("dailystormer.su", "stormfront.org"),
    "self-harm": ("sanctioned-suicide.net",),
    "drugs": ("leafly.com",),
    "adult": ("pornhub.com", "xvideos.com", "xhamster.com"),
    "gambling": ("1xbet.com", "mostbet.com"),
    "violence": ("bestgore.com",),
    "weapons": ("guns.ru",),
    "dating": ("tinder.com", "badoo.com"),
    "alcohol-tobacco": ("iqos.com",),
    "bypass": ("nordvpn.com", "protonvpn.com"),
    "malware": ("malware.wicar.org",),
    "downloads": ("thepiratebay.org",),
    "games": ("roblox.com", "store.steampowered.com"),
    "social": ("tiktok.com", "instagram.com"),
    "messengers": ("discord.com",),
    "video": ("netflix.com", "twitch.tv"),
    "transactions": ("aliexpress.com",),
    "advertising": ("doubleclick.net",),
    "tracking": ("google-analytics.com",),
}
"""What stays blocked: the best-known names of each category, all in the lists that come with the program."""

SHRINK_FLOOR, SHRINK_SHARE = 1000, 0.5
"""A category of so many names that loses more than this share at once has lost a list, not names."""
GROWTH_FLOOR, GROWTH_FACTOR = 10_000, 5
"""A category that gains so many names and is so many times as large holds something that is not of it."""


class Kind(StrEnum):
    """What may be wrong with a generation."""

    CLOSED = "closed"
    """A name that must stay open would be closed."""
    LOST = "lost"
    """A name that must stay blocked would no longer be."""
    SHRUNK = "shrunk"
    EMPTY = "empty"
    GROWN = "grown"
    HELD = "held"
    """A rule covers too much of what the school uses and is held from now on."""
    BROAD = "broad"
    """A rule covers too much and is in force: it was before, or is of a locked category."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding."""

    kind: Kind
    refuses: bool
    """Whether the generation must not be published because of it; else it is only told."""
    lists: tuple[str, ...]
    """The lists to blame, or, if none is, those concerned."""
    category: str
    name: str = ""
    rule: str = ""
    """The listed name or expression that closes it."""
    line: int | None = None
    """Of the list's new text."""
    before: int = 0
    now: int = 0
    """Names of the category; for rules that cover too much, the share in percent."""

    def words(self) -> str:
        """Return the finding as a sentence: `games:12: roblox.example would close …`."""
        lists = ", ".join(self.lists) or _("(no list)")
        match self.kind:
            case Kind.CLOSED:
                where = lists if self.line is None else f"{lists}:{self.line}"
                text = _("{where}: {rule} ({category}) closes {name}, which must stay open")
                return text.format(
                    where=where, rule=display_name(self.rule), category=self.category, name=display_name(self.name)
                )
            case Kind.LOST:
                text = _("{lists}: {name} ({category}) must stay blocked and no longer is")
            case Kind.SHRUNK:
                text = _("{lists}: the category {category} shrinks from {before} names to {now}")
            case Kind.EMPTY:
                text = _("{lists}: the category {category} loses all of its {before} names")
            case Kind.GROWN:
                text = _("{lists}: the category {category} grows from {before} names to {now}")
            case Kind.HELD | Kind.BROAD:
                return self._broad_words(lists)
        return text.format(
            lists=lists, name=display_name(self.name), category=self.category, before=self.before, now=self.now
        )

    def _broad_words(self, lists: str) -> str:
        if self.kind is Kind.HELD:
            text = _(
                "{where}: {rule} covers {percent} % of the names that the school asks for most, so it is held and "
                "blocks nothing. See: schoolfilter lists held {lists}"
            )
        else:
            text = _(
                "{where}: {rule} ({category}) covers {percent} % of the names that the school asks for most, and is in "
                "force"
            )
        where = lists if self.line is None else f"{lists}:{self.line}"
        rule = display_name(self.rule)
        return text.format(where=where, lists=lists, rule=rule, category=self.category, percent=self.now)


@dataclass(frozen=True, slots=True)
class OpenName:
    """A name that must stay open."""

    name: str
    subtree: bool = True
    """With all below it."""
    needed: bool = True
    """The tables of needed names open it whatever category holds it, so that only a locked or sweeping rule harms."""


@dataclass(frozen=True, slots=True)
class Expectations:
    """What a generation is held against."""

    open: tuple[OpenName, ...] = ()
    blocked: tuple[str, ...] = tuple(name for names in BLOCKED.values() for name in names)


def examine(
    new: Lookup,
    manifest: Manifest,
    old: Lookup | None,
    before: Manifest | None,
    expected: Expectations,
    suffixes: Suffixes,
) -> tuple[Problem, ...]:
    """Return all findings about a new generation, those that refuse it first.

    Without a generation in force nothing refuses: a filter with a doubtful list is better than none.
    """
    changed = _changed(manifest, before)
    found = [*_closed(new, old, changed, expected.open, suffixes), *_held(manifest, before)]
    if old is not None and before is not None:
        found += _lost(new, old, changed, expected.blocked)
        found += _sizes(manifest, before, changed)
    return tuple(sorted(found, key=lambda problem: not problem.refuses))


def _changed(manifest: Manifest, before: Manifest | None) -> frozenset[str]:
    """Return the lists that brought a new text since, and those that are new."""
    if before is None:
        return frozenset()
    texts = {each.id: each.sha256 for each in before.lists}
    return frozenset(each.id for each in manifest.lists if texts.get(each.id) != each.sha256)


def _opinions(index: Lookup, name: str) -> Iterator[tuple[Decision, Listing | None]]:
    """Yield how each category that speaks of a name would close it if it were closed, with the listing that does."""
    listings = index.lookup(name)
    for category in dict.fromkeys(listing.category for listing in listings):
        own = [listing for listing in listings if listing.category == category]
        silenced = {listing.list_id for listing in own}
        # Exceptions hold for their own list, whatever category it has.
        own += [each for each in listings if each.category != category and each.list_id in silenced]
        decision = decide(_closing(category), name, own)
        if decision.blocked:
            reason = decision.reason
            yield decision, next((e for e in own if (e.list_id, e.name) == (reason.list_id, reason.rule)), None)


def _closing(category: str) -> View:
    return View("", Level.MEDIUM, frozenset({category}), {}, {}, frozenset())


def _closed(
    new: Lookup, old: Lookup | None, changed: frozenset[str], names: Iterable[OpenName], suffixes: Suffixes
) -> Iterator[Problem]:
    for each in names:
        seen: set[str] = set()
        # A rule for what is below a name (`*.name`, a pattern) need not speak of the name itself.
        for name in (each.name, f"www.{each.name}") if each.subtree else (each.name,):
            before = {_who(decision.reason) for decision, _listing in _opinions(old, name)} if old is not None else None
            for decision, listing in _opinions(new, name):
                reason = decision.reason
                if reason.list_id in seen:
                    continue
                seen.add(reason.list_id)
                grave = not each.needed or reason.why is Why.LOCKED or _sweeping(listing, suffixes)
                refuses = grave and before is not None and reason.list_id in changed and _who(reason) not in before
                if refuses or grave or before is None or _who(reason) not in before:
                    yield Problem(Kind.CLOSED, refuses, (reason.list_id,), reason.category, each.name, reason.rule)


def _who(reason: Reason) -> tuple[str, str]:
    return reason.list_id, reason.category


def _sweeping(listing: Listing | None, suffixes: Suffixes) -> bool:
    if listing is None:
        return False
    return (listing.terms is not None and listing.terms.pattern) or suffixes.hold(listing.name)


def _lost(new: Lookup, old: Lookup, changed: frozenset[str], names: Iterable[str]) -> Iterator[Problem]:
    for name in names:
        held = [decision.reason for decision, _listing in _opinions(old, name)]
        if held and not any(True for _ in _opinions(new, name)):
            holders = tuple(dict.fromkeys(reason.list_id for reason in held))
            guilty = tuple(each for each in holders if each in changed)
            yield Problem(Kind.LOST, bool(guilty), guilty or holders, held[0].category, name)


def _held(manifest: Manifest, before: Manifest | None) -> Iterator[Problem]:
    """Yield what is held for its breadth from now on: until it is looked at, its names stay open."""
    lists = before.lists if before is not None else ()
    known = {(each.id, held.name) for each in lists for held in each.held if held.why is WhyHeld.BROAD}
    for each in manifest.lists:
        for held in each.held:
            if held.why is WhyHeld.BROAD and (each.id, held.name) not in known:
                percent = round(100 * held.share)
                yield Problem(Kind.HELD, False, (each.id,), each.category, rule=held.name, line=held.line, now=percent)


def covering(rules: Iterable[Covering]) -> Iterator[Problem]:
    """Yield what is to be told of rules that cover too much and are in force."""
    for each in rules:
        percent = round(100 * each.share)
        yield Problem(Kind.BROAD, False, (each.list_id,), each.category, rule=each.rule, now=percent)


def _sizes(manifest: Manifest, before: Manifest, changed: frozenset[str]) -> Iterator[Problem]:
    known = {each.id for each in before.lists}
    for category, had in before.categories.items():
        has = manifest.categories.get(category, 0)
        if has == 0:
            kind = Kind.EMPTY
        elif had >= SHRINK_FLOOR and has < had * SHRINK_SHARE:
            kind = Kind.SHRUNK
        elif has - had >= GROWTH_FLOOR and has > had * GROWTH_FACTOR:
            kind = Kind.GROWN
        else:
            continue
        # Of a list that was just added its size is not a surprise.
        guilty = _of_category(manifest.lists, category, changed & known)
        if kind is Kind.GROWN and not guilty:
            continue  # a list was added
        concerned = guilty or _of_category(before.lists, category, frozenset(known))
        yield Problem(kind, bool(guilty), concerned, category, before=had, now=has)


def _of_category(lists: Iterable[CompiledList], category: str, among: frozenset[str]) -> tuple[str, ...]:
    return tuple(each.id for each in lists if each.category == category and each.id in among)
