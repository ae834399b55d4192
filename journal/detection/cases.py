"""An incident while it goes on: its totals, and when it is entered, told again, and over. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from journal.detection.signs import Sign
from journal.detection.visits import Touch
from journal.incidents import Rule

MOST_NAMES = 100
"""Different names that are kept and told apart; more are counted as queries only."""
_MOST_LETTERS = 8_000
"""Of all of them: a client that invents long names must not fill journal.db."""
_TOLD_EVERY = 300.0
"""Seconds of the log between two records about the same incident while it goes on."""
_TOLD_NEW = 60.0
"""The same if it is about more than more queries: another name, another sign."""
_FIRST_RECORDS = 3
_RECORD_SECONDS = 450.0
"""No more records than those, and one more in so many seconds: nine in three quarters of an hour."""


@dataclass(slots=True)
class Case:
    """An incident of one client, rule and category that may still go on."""

    rule: Rule
    category: str
    room: str
    group: str
    device: str
    first: float
    first_text: str
    last: float
    last_text: str
    due: float
    """When it is to be entered: at once, or after it was seen whether more comes of it."""
    queries: int = 0
    names: dict[str, int] = field(default_factory=dict)
    signs: list[str] = field(default_factory=list)
    """In the order in which they came: so what is written of them sooner is the beginning of what is written later."""
    shown: float | None = None
    """When it was due: since then it is an incident, whatever comes."""
    closed: bool = False
    """Too long ago for anything to belong to it."""
    record: int = 0
    """Its record in the chain; 0: not entered."""
    told: int = 0
    """The queries that records speak of."""
    told_last: float = 0.0
    told_signs: int = 0
    told_names: int = 0
    repeats: int = 0
    """Records that followed the first."""

    @classmethod
    def of(cls, rule: Rule, touches: Iterable[Touch], *, due: float) -> "Case":
        """Begin one with what was asked for so far; room, group and device are those of the first."""
        first, *others = touches
        case = cls(
            rule, first.category, first.room, first.group, first.device, first.first, first.first_text, first.last,
            first.last_text, due,
        )  # fmt: skip
        for each in (first, *others):
            case.add(each)
        return case

    def add(self, touch: Touch) -> None:
        """Add what was asked for."""
        if touch.last >= self.last:
            self.last, self.last_text = touch.last, touch.last_text
        self.queries += touch.queries
        for name, count in touch.names.items():
            known = self.names.get(name)
            if known is not None:
                self.names[name] = known + count
            elif len(self.names) < MOST_NAMES and len(name) + sum(map(len, self.names)) <= _MOST_LETTERS:
                self.names[name] = count

    def drop(self, names: Iterable[str]) -> None:
        """Take out names that turned out to belong to something else."""
        for name in names:
            self.queries -= self.names.pop(name)

    def sign(self, *signs: Sign) -> None:
        """Note what speaks for it."""
        self.signs += [sign for sign in signs if sign not in self.signs]

    @property
    def ready(self) -> bool:
        """Whether it is an incident, whatever comes."""
        return self.shown is not None

    @property
    def asked(self) -> tuple[tuple[str, int], ...]:
        """The names with how often each was asked for, most first."""
        return tuple(sorted(self.names.items(), key=lambda pair: (-pair[1], pair[0])))

    @property
    def news(self) -> bool:
        """Whether there is more than records tell."""
        return self.queries != self.told or len(self.signs) != self.told_signs

    def tells(self, now: float) -> bool:
        """Whether it is time for another record."""
        if not (self.record and self.news):
            return False
        if self.closed:
            return True
        new = len(self.names) != self.told_names or len(self.signs) != self.told_signs
        # A clock that was put back must not keep it untold for years.
        return not (0 <= now - self.told_last < (_TOLD_NEW if new else _TOLD_EVERY)) and (
            self.repeats < _FIRST_RECORDS + (self.last - self.first) // _RECORD_SECONDS
        )

    def written(self, now: float) -> None:
        """Note that a record tells how it stands."""
        if self.told:
            self.repeats += 1
        self.told, self.told_last = self.queries, now
        self.told_signs, self.told_names = len(self.signs), len(self.names)

    def kept(self) -> list[Any]:
        """Return it as JSON has it."""
        return [getattr(self, name) for name in _CASE]


_CASE = tuple(Case.__dataclass_fields__)
