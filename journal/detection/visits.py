"""Blocked queries of one client that stand close together, and which sites among them a person went to. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from journal.detection.rules import Rules
from journal.detection.signs import COMING_SECONDS, MOST_BEATS, is_part, is_resolver, site_of
from policy.categories import CATEGORIES, Severity

UNLAWFUL = frozenset(each.id for each in CATEGORIES if each.severity is Severity.UNLAWFUL)
MALWARE = "malware"
_UNRELATED = frozenset(each.id for each in CATEGORIES if each.severity is Severity.UNRELATED)
_MOST_SITES = 32
"""Sites of one visit that are told apart: no person goes to so many within seconds."""
_MOST_NUISANCES = 32
_MOST_NAMES = 6
NAME_LETTERS = 255
"""What is kept of a name: escapes make it up to four times as long as a name can be."""


@dataclass(slots=True)
class Touch:
    """What was asked for of one site and category. In a visit: within seconds."""

    category: str
    site: str
    first: float
    """Seconds since 1970, as all times here."""
    first_text: str
    """The same as the log has it."""
    last: float
    last_text: str
    room: str
    group: str
    device: str
    after_search: float | None
    """Seconds since a search engine was looked up; None: it was not, lately."""
    queries: int = 1
    names: dict[str, int] = field(default_factory=dict)
    front: bool = False
    """A name of it is one that people visit, not a part of a page or a program."""
    sure: bool = True
    """Nothing speaks for a page that asked for it."""
    later: list[float] = field(default_factory=list)
    """When it was come back to, each time after a pause; the last of them."""

    def add(self, name: str, moment: float, text: str) -> None:
        """Count one more query."""
        self.queries += 1
        if moment - self.last >= COMING_SECONDS:
            self._come(moment)
        self.last, self.last_text = moment, text
        self.note(name)

    def note(self, name: str) -> None:
        """Keep a name with how often it was asked for."""
        if name in self.names:
            self.names[name] += 1
        elif len(self.names) < _MOST_NAMES:
            self.names[name] = 1
            if not self.front and not is_part(name):
                self.front = True

    def join(self, other: "Touch") -> None:
        """Take in what followed at the same site."""
        self.queries += other.queries
        if other.first - self.last >= COMING_SECONDS:
            self._come(other.first)
        self._come(*other.later)
        self.last, self.last_text = other.last, other.last_text
        self.front = self.front or other.front
        self.sure = self.sure or other.sure
        for name, count in other.names.items():
            if name in self.names or len(self.names) < _MOST_NAMES:
                self.names[name] = self.names.get(name, 0) + count

    def _come(self, *moments: float) -> None:
        self.later = [*self.later, *moments][-MOST_BEATS:]

    def kept(self) -> list[Any]:
        """Return it as JSON has it."""
        return [getattr(self, name) for name in _TOUCH]


_TOUCH = tuple(Touch.__dataclass_fields__)


@dataclass(slots=True)
class Visit:
    """Blocked queries without a longer pause between them."""

    begun: float
    last: float
    nuisances: dict[str, float] = field(default_factory=dict)
    """When each advertising or tracking site was asked for last."""
    touches: dict[tuple[str, str], Touch] = field(default_factory=dict)
    """By category and site."""

    def ends(self, rules: Rules) -> float:
        """Return when it is over if nothing more is blocked."""
        return min(self.last + rules.visit_gap, self.begun + rules.visit_longest)

    def nuisance(self, name: str, moment: float) -> None:
        """Note an advertising or tracking name."""
        self.last = moment
        if len(self.nuisances) < _MOST_NUISANCES:
            self.nuisances.setdefault(site_of(name), moment)

    def room_for(self, key: tuple[str, str]) -> bool:
        """Whether another site can be told apart."""
        return key in self.touches or len(self.touches) < _MOST_SITES

    def judged(self, rules: Rules, *, lenient: frozenset[str]) -> Iterator[tuple[Touch, bool]]:
        """Yield each site with whether a person went there; a page or a program asked for the others.

        `lenient`: categories of tools, which ask for many sites at once, but for parts only.
        """
        touches = list(self.touches.values())
        for touch in touches:
            near = sum(abs(moment - touch.first) <= rules.page_spread for moment in self.nuisances.values())
            touch.sure = near < rules.page_nuisances
            if near >= rules.page_nuisances + (touch.category not in _UNRELATED):
                yield touch, False
                continue
            beside = sum(
                abs(other.first - touch.first) <= rules.page_spread
                for other in touches
                if other is touch or other.category != MALWARE  # a program that calls home hides nobody
            )
            crowd = beside >= rules.page_sites + (touch.category in UNLAWFUL)
            ahead = touch.after_search is not None and 0 <= touch.after_search <= rules.prefetch_seconds
            if touch.category in lenient and not touch.front:
                yield touch, not all(map(is_resolver, touch.names))
            else:
                yield touch, touch.front and not crowd and not ahead and not all(map(is_resolver, touch.names))

    def kept(self) -> list[Any]:
        """Return it as JSON has it."""
        return [self.begun, self.last, self.nuisances, [touch.kept() for touch in self.touches.values()]]
