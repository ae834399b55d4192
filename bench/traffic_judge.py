"""How well the incident rules find what was planted in made school traffic, and what they take noise for."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bench.traffic_day import Day, Label
from bench.traffic_log import lines, school_day
from journal.detection.folding import Folding
from journal.detection.rules import DETECTED, Rules
from journal.incidents import Rule

_SLACK = 90.0
"""Seconds by which an incident and what was planted may miss each other."""


@dataclass(frozen=True, slots=True)
class Told:
    """An incident as the rules ended up with it."""

    client: str
    kind: str
    category: str
    first: float
    last: float
    names: tuple[str, ...]


@dataclass(slots=True)
class Score:
    """Counts by kind."""

    planted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    """Planted ones that an incident tells of."""
    told: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    """Incidents that tell of something planted."""
    missed: list[Label] = field(default_factory=list)
    wrong: list[Told] = field(default_factory=list)

    def precision(self, kind: str = "") -> float:
        """Return the share of incidents that are right; of all kinds if none is named."""
        return _share(self.right, self.told, kind)

    def recall(self, kind: str = "") -> float:
        """Return the share of what was planted that was found."""
        return _share(self.found, self.planted, kind)


def _share(part: Counter[str], whole: Counter[str], kind: str) -> float:
    many = whole[kind] if kind else whole.total()
    return (part[kind] if kind else part.total()) / many if many else 1.0


def incidents(day: Day, rules: Rules) -> list[Told]:
    """Return what the rules make of a day."""
    folding = Folding(rules, {})
    fields: list[bytes] = []
    for line in lines(day):
        fields = line.split(b"\t")
        if fields[7] != b"allow" or fields[5] in folding.watched:
            folding.take(fields)
    if not fields:
        return []
    last = fields[0].decode()
    midnight = datetime.fromisoformat(last[:10] + "T00:00:00" + last[23:])
    folding.settle((midnight + timedelta(days=2)).isoformat(timespec="milliseconds"))
    begins = midnight.timestamp()
    return [
        Told(
            each.client,
            each.rule,
            each.category,
            _seconds(each.first) - begins,
            _seconds(each.last) - begins,
            tuple(name for name, _ in each.asked),
        )
        for each in folding.found()
    ]


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def judge(seeds: Iterable[int], rooms: int, rules: Rules | None = None) -> Score:
    """Make the days of these seeds and count."""
    score = Score()
    for seed in seeds:
        day = school_day(seed, rooms)
        told = incidents(day, rules or Rules())
        for label in day.labels:
            score.planted[label.kind] += 1
            if any(_meets(label, each) for each in told):
                score.found[label.kind] += 1
            else:
                score.missed.append(label)
        for each in told:
            score.told[each.kind] += 1
            if any(_meets(label, each) for label in day.labels):
                score.right[each.kind] += 1
            else:
                score.wrong.append(each)
    return score


def _meets(label: Label, told: Told) -> bool:
    return (label.client, label.kind, label.category) == (told.client, told.kind, told.category) and (
        told.first - _SLACK <= label.last and label.first <= told.last + _SLACK
    )


def rows(score: Score, kinds: Sequence[Rule] = DETECTED) -> list[tuple[str, str, str, str, str]]:
    """Return kind, planted, incidents, precision and recall for a table; the last row is for all."""
    found = []
    for kind in (*kinds, ""):
        planted = score.planted[kind] if kind else score.planted.total()
        told = score.told[kind] if kind else score.told.total()
        shares = f"{score.precision(kind):.3f}", f"{score.recall(kind):.3f}"
        found.append((kind or "all", str(planted), str(told), *shares))
    return found
