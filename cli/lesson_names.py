"""Which names a teacher may open in a lesson: those that an order of the director permits. The others are refused."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from approval.requests import Listings, look_up, refusals
from blocklists.bundles import load_bundles
from cli.errors import Failure
from cli.name_facts import refuse
from cli.protocol import document_words
from cli.room_words import time_text
from cli.scene import Scene
from cli.typed import names_of
from cli.words import category_title
from policy.decide import decide
from policy.groups import closed_categories
from policy.lessons import free_until, permit_for
from policy.levels import Level
from policy.names import display_name
from policy.needed import BUNDLES
from policy.rooms import Lesson
from policy.views import Entry, View
from settings.model import Settings
from translations import _


@dataclass(frozen=True, slots=True)
class Asked:
    """What a teacher wants open."""

    names: tuple[str, ...] = ()
    bundles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OfBundle:
    """What of a bundle opens."""

    bundle: str
    entries: tuple[Entry, ...]
    count: int
    """How many names it has."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What opens, and by what."""

    entries: tuple[Entry, ...] = ()
    bundles: tuple[OfBundle, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names that open."""
        entries = (*self.entries, *(entry for each in self.bundles for entry in each.entries))
        return tuple(dict.fromkeys(entry.name for entry in entries))


def asked_of(texts: Sequence[str], file: IO[str] | None = None) -> Asked:
    """Return the names and bundles that a person typed, and the names of a file, one on a line. Raises Misuse."""
    lines = [line.partition("#")[0].strip() for line in file] if file is not None else []
    names = names_of([*(text for text in texts if text not in BUNDLES), *(line for line in lines if line)])
    return Asked(tuple(names), tuple(dict.fromkeys(text for text in texts if text in BUNDLES)))


def opened_in(settings: Settings, scene: Scene, lesson: Lesson, asked: Asked) -> Opened:
    """Return what opens in a lesson: all names or none; of a bundle, what can. Raises Misuse or Failure."""
    if not asked.names and not asked.bundles:
        return Opened()
    in_bundles = {bundle: tuple(each.name for each in load_bundles()[bundle]) for bundle in asked.bundles}
    listings = look_up(settings.paths.lists, [*asked.names, *(name for names in in_bundles.values() for name in names)])
    refuse(refusals(asked.names, listings))
    entries, faults = [], []
    for name in asked.names:
        entry = permit_for(scene.snapshot, lesson, name, scene.now)
        fault = _not_permitted(name) if entry is None else _harm(entry, listings)
        if fault:
            faults.append(fault)
        elif entry is not None:
            entries.append(entry)
    if faults:
        raise Failure("\n".join([*faults, *_what_to_do(scene, lesson), _("Nothing was changed.")]))
    bundles = tuple(_of_bundle(scene, lesson, bundle, names, listings) for bundle, names in in_bundles.items())
    return Opened(tuple(entries), bundles)


def opened_lines(scene: Scene, lesson: Lesson, opened: Opened) -> Iterator[str]:
    """Yield what was opened in a lesson, until when, and on what it rests."""
    ends = time_text(lesson.ends, scene.now)
    at_most = time_text(min(free_until(scene.snapshot, lesson), lesson.ends), scene.now)
    for entry in opened.entries:
        name, document = display_name(entry.name), document_words(entry.document)
        if entry.limited:
            text = _("{name} and all names below it are open until {until} at most: no order names it, but {document}")
            yield text.format(name=name, until=at_most, document=document)
        else:
            text = _("{name} and all names below it are open until {until}: {document}")
            yield text.format(name=name, until=ends, document=document)
    for each in opened.bundles:
        limited = sum(entry.limited for entry in each.entries)
        text = _("The bundle {bundle}: of {all} names orders permit {count} until {until}.")
        yield text.format(bundle=each.bundle, all=each.count, count=len(each.entries) - limited, until=ends)
        if limited:
            text = _("Besides, {count} that no order names are open until {until} at most.")
            yield text.format(count=limited, until=at_most)


def _of_bundle(scene: Scene, lesson: Lesson, bundle: str, names: Sequence[str], listings: Listings) -> OfBundle:
    """Return what of a bundle opens. Raises Failure if nothing does."""
    refused = {each.name for each in refusals(names, listings)}
    found = [
        entry
        for name in names
        if name not in refused
        and (entry := permit_for(scene.snapshot, lesson, name, scene.now)) is not None
        and not _harm(entry, listings)
    ]
    if not found:
        message = _(
            "no order of the director lets teachers open a name of the bundle {bundle}. Ask for all of it: "
            "schoolfilter allow --bundle {bundle} --scope lessons\nNothing was changed."
        )
        raise Failure(message.format(bundle=bundle))
    return OfBundle(bundle, tuple(found), len(names))


def _not_permitted(name: str) -> str:
    text = _(
        "{name}: no order of the director lets teachers open it. Ask for it: schoolfilter allow {name} --scope lessons"
    )
    return text.format(name=display_name(name))


def _harm(entry: Entry, listings: Listings) -> str:
    """Return what keeps a name closed though a teacher may open it; empty if nothing does."""
    # The rules themselves are asked, in a view in which nothing else is closed but what no teacher opens.
    closed = closed_categories(Level.LOW, frozenset())
    view = View("", Level.LOW, closed, {}, {}, frozenset(), overrides={entry.name: entry})
    decision = decide(view, entry.name, listings[entry.name])
    if not decision.blocked:
        return ""
    text = _(
        "{name} will not open: the list {list} holds {rule} in the category {category}. Only an order that names it "
        "opens it: schoolfilter allow {name} --scope lessons"
    )
    reason = decision.reason
    category, rule = category_title(reason.category), display_name(reason.rule)
    return text.format(name=display_name(entry.name), list=reason.list_id, rule=rule, category=category)


def _what_to_do(scene: Scene, lesson: Lesson) -> Iterator[str]:
    """Yield what holds for names that no order lists, if an order speaks of them."""
    reserve = scene.snapshot.reserve
    if reserve.minutes and scene.now >= free_until(scene.snapshot, lesson):
        text = _("Other names than those of orders open in the first {minutes} minutes of a lesson only ({document}).")
        yield text.format(minutes=reserve.minutes, document=document_words(reserve.document))
