"""The lists of the index in force with their versions, and names that they hold, to try them out."""

from collections.abc import Callable, Collection, Iterator
from datetime import date, datetime
from itertools import islice
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

from blocklists.errors import ListError
from blocklists.generation import (
    CompiledList,
    Manifest,
    compiled_text,
    current_generation,
    generation_folder,
    read_manifest,
)
from blocklists.index import Index
from blocklists.rules import Format, Rule, Scope
from blocklists.sources import Source, load_sources, read_items
from papers.period import Index as Lists
from papers.period import ListLine
from policy.categories import BY_ID
from settings.model import Settings

_LOOKED_AT = 2_000
"""Rules of a list from which one is taken by chance: lists of millions need not be read to their end."""
_TRIED = 50
"""Names of a list that are tried, until one is in force: an exception may have opened it."""


class Sample(NamedTuple):
    """A name that lists hold."""

    category: str
    """A category or service."""
    name: str


def lists_in_force(settings: Settings) -> Lists:
    """Return the lists of the index in force. Raises ListError."""
    manifest = _manifest(settings)
    if manifest is None:
        return Lists("", "", (), 0, 0)
    refreshed = {(each.id, each.sha256): each.last_refresh for each in _sources(settings, manifest)}
    zone = ZoneInfo(settings.school.time_zone)
    lists = (
        ListLine(each.id, each.category, each.rules, each.sha256, _day(refreshed.get((each.id, each.sha256), ""), zone))
        for each in manifest.lists
        if each.category in BY_ID and not each.shadow
    )
    services = [each for each in manifest.lists if each.category not in BY_ID and not each.shadow]
    rules = sum(each.rules for each in services)
    return Lists(manifest.generation, manifest.content(), tuple(lists), len(services), rules)


def samples(
    settings: Settings, index: Index, seed: str, wanted: Collection[str], closes: Callable[[str], bool]
) -> list[Sample]:
    """Return a name for each wanted category or service that lists of an index hold, by chance; the seed decides which.

    Nobody knows them before the seed: the head of the chain is one. `closes`: whether the policy closes a name; only
    such are taken. Raises ListError, OSError.
    """
    manifest = _manifest(settings)
    if manifest is None or manifest.generation != index.generation:
        return []
    sources = {each.id: each for each in _sources(settings, manifest)}
    chance = Random(seed)  # noqa: S311 - it has to be the same again, not secret
    found: dict[str, str] = {}
    for compiled in chance.sample(manifest.lists, len(manifest.lists)):
        if compiled.category in found or compiled.category not in wanted or compiled.shadow or not compiled.rules:
            continue
        source = sources.get(compiled.id) or Source(compiled.id, compiled.id, compiled.category, "")
        names = list(islice(_names(settings, manifest, compiled, source), _LOOKED_AT))
        for name in chance.sample(names, min(len(names), _TRIED)):
            said = index.lookup(name)
            if any(each.category == compiled.category for each in said) and closes(name):
                found[compiled.category] = name
                break
    return [Sample(category, found[category]) for category in sorted(found)]


def _names(settings: Settings, manifest: Manifest, compiled: CompiledList, source: Source) -> Iterator[str]:
    text = compiled_text(generation_folder(settings.paths.lists, manifest.generation), compiled.id)
    whole = Source(
        source.id, source.title, source.category, "", format=Format(compiled.format), subdomains=source.subdomains
    )
    for item in read_items(text, whole):
        if isinstance(item, Rule) and item.scope in (Scope.SUBTREE, Scope.EXACT) and not item.allows:
            yield item.name


def _manifest(settings: Settings) -> Manifest | None:
    generation = current_generation(settings.paths.lists)
    return read_manifest(generation_folder(settings.paths.lists, generation)) if generation else None


def _sources(settings: Settings, manifest: Manifest) -> Iterator[Source]:
    """Yield what is known of the lists, then and now."""
    folder = settings.paths.lists
    for place in (generation_folder(folder, manifest.generation), folder):
        try:
            yield from load_sources(place)
        except ListError:
            continue


def _day(moment: str, zone: ZoneInfo) -> date | None:
    return datetime.fromisoformat(moment).astimezone(zone).date() if moment else None
