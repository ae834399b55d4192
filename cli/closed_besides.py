"""What keeps a service closed for a group though the service itself is open: categories that hold its names."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from blocklists.errors import ListError
from blocklists.generation import compiled_text, current_generation, generation_folder, read_manifest
from blocklists.index import Index
from blocklists.rules import Format, Rule, Scope
from blocklists.sources import Source, read_items
from cli.policy_file import opened, snapshot_of
from policy.decide import decide
from policy.decision import Why
from policy.groups import closed_categories
from policy.levels import Level
from policy.snapshot import Snapshot
from settings.model import Settings

_BY_LISTS = (Why.LOCKED, Why.CATEGORY, Why.SERVICE)


@dataclass(frozen=True, slots=True)
class ClosedBesides:
    """A category (or another service) that closes names of a service."""

    service: str
    closer: str
    count: int
    """Names of the service that it closes."""
    all: int
    """Names that the service has."""


def closed_besides(settings: Settings, group: str, services: Sequence[str]) -> list[ClosedBesides]:
    """Return what closes names of these services for the group while they are open themselves.

    What is closed in the very same hours closes nothing besides. Where nothing is compiled, or nothing that can be
    read, nothing is found.
    """

    async def read() -> Snapshot:
        async with await opened(settings) as policy:
            return await snapshot_of(policy, settings)

    snapshot = asyncio.run(read())
    found: list[ClosedBesides] = []
    if snapshot.groups[group].level not in (Level.HIGH, Level.OFF):  # these close everything, and everybody knows
        with suppress(ListError, OSError):
            found = list(_found(settings.paths.lists, snapshot, group, services))
    return found


def _found(lists: Path, snapshot: Snapshot, group_id: str, services: Sequence[str]) -> Iterator[ClosedBesides]:
    generation = current_generation(lists)
    if not generation:
        return
    folder = generation_folder(lists, generation)
    group = snapshot.groups[group_id]
    index = Index.open(folder)
    try:
        for service in services:
            closed = closed_categories(group.level, group.blocked_categories) - {service}
            if hours := group.hours.get(service):
                closed -= {each for each, theirs in group.hours.items() if theirs == hours}
            view = snapshot.views[group_id].varied(closed=closed)
            names = names_of(folder, service)
            closers: Counter[str] = Counter()
            for name in names:
                reason = decide(view, name, index.lookup(name)).reason
                if reason.why in _BY_LISTS:
                    closers[reason.category] += 1
            for closer, count in closers.most_common():
                yield ClosedBesides(service, closer, count, len(names))
    finally:
        index.close()


def names_of(generation: Path, service: str) -> set[str]:
    """Return the names that the lists of a generation give a service. Raises ListError, OSError."""
    names: set[str] = set()
    for each in read_manifest(generation).lists:
        if each.category == service:
            source = replace(Source(each.id, each.id, service, ""), format=Format(each.format))
            items = read_items(compiled_text(generation, each.id), source)
            names.update(
                item.name
                for item in items
                if isinstance(item, Rule) and not item.allows and item.scope in (Scope.EXACT, Scope.SUBTREE)
            )
    return names
