"""Which lists hold a name, as small numbers: names by the million share a few dozen sets of memberships. Pure."""

import json
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from blocklists.generation import Membership
from blocklists.rules import Scope
from policy.decision import Terms

Set = tuple[int, ...]
"""Numbers of memberships, in order: first by list, then as they appear in it."""


@dataclass(frozen=True, slots=True)
class NumberedSets:
    """The finished sets, without those that were only passed through."""

    numbers: "array[int]"
    """For each key the number of its set."""
    sets: tuple[Set, ...]
    categories: Mapping[str, int]
    """How many names each category has (exceptions and lists on trial do not count)."""

    def to_json(self, memberships: Sequence[Membership]) -> str:
        """Return the text of sets.json."""
        written = [(*membership[:-1], _written(membership.terms)) for membership in memberships]
        return json.dumps({"memberships": written, "sets": self.sets}) + "\n"


def read_memberships(data: bytes) -> tuple[list[Membership], list[list[int]]]:
    """Return the memberships and the sets of sets.json. Raises ValueError, TypeError, KeyError."""
    raw = json.loads(data)
    memberships = [
        Membership(list_id, category, Scope(scope), allows, _read(terms))
        for list_id, category, scope, allows, terms in raw["memberships"]
    ]
    return memberships, raw["sets"]


_NO_TERMS = Terms()


def _written(terms: Terms | None) -> dict[str, Any] | None:
    """Return only what is said: nearly all terms say one thing."""
    if terms is None:
        return None
    said = ((field.name, getattr(terms, field.name)) for field in fields(Terms))
    return {name: value for name, value in said if value != getattr(_NO_TERMS, name)}


def _read(raw: Mapping[str, Any] | None) -> Terms | None:
    if raw is None:
        return None
    said: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()}
    return Terms(**said)


class MembershipSets:
    """Sets that grow by one membership at a time; each step is worked out once and then looked up."""

    def __init__(self, memberships: Sequence[Membership]) -> None:
        self._memberships = memberships
        self._sets: list[Set] = [()]
        self._known: dict[Set, int] = {(): 0}
        self._steps: dict[int, dict[int, int]] = {}

    def steps(self, member: int) -> dict[int, int]:
        """Return the steps worked out so far for a membership: set before to set after."""
        return self._steps.setdefault(member, {})

    def grow(self, before: int, member: int) -> int:
        """Work out a step: return the set that holds the membership too."""
        grown = self._joined(self._sets[before], member)
        after = self._known.setdefault(grown, len(self._sets))
        if after == len(self._sets):
            self._sets.append(grown)
        self.steps(member)[before] = after
        return after

    def _joined(self, one: Set, member: int) -> Set:
        added = self._memberships[member]
        alike = [n for n in one if self._memberships[n]._replace(scope=added.scope) == added]
        if any(self._memberships[n].scope is Scope.SUBTREE for n in alike):
            return one  # the name and all below it: what the list says of one of them alone adds nothing
        passed = alike if added.scope is Scope.SUBTREE else ()
        return tuple(sorted(set(one).difference(passed) | {member}))

    def number(self, of_key: "array[int]") -> NumberedSets:
        """Number the sets in use by their content, so that the same lists give the same bytes."""
        counts = Counter(of_key)
        used = sorted(self._sets[number] for number in counts)
        final = {self._known[one]: number for number, one in enumerate(used)}
        categories: Counter[str] = Counter()
        for one in used:
            members = (self._memberships[number] for number in one)
            for category in {member.category for member in members if _counts(member)}:
                categories[category] += counts[self._known[one]]
        numbers = array("I", map(final.__getitem__, of_key))
        return NumberedSets(numbers, tuple(used), dict(sorted(categories.items())))


def _counts(member: Membership) -> bool:
    on_trial = member.terms is not None and member.terms.shadow
    return not (member.allows or on_trial or member.scope is Scope.ADDRESS)
