"""Compile and publish, and tell what this school would feel of it: what it asks for and is decided otherwise."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import click
from rich.console import Console

from blocklists.asked import Asked
from blocklists.changes import Turned, turned
from blocklists.errors import BrokenIndex
from blocklists.generation import Manifest
from blocklists.index import Index, open_current
from blocklists.publish import Limits, Published, rebuild
from cli.amounts import number
from cli.lists_words import WARN, feeds, say_more, say_problems
from cli.policy_file import opened, snapshot_of
from cli.terminal import Terminal
from policy.decision import Decision, Why
from policy.names import display_name
from policy.views import View
from resolver.asked import LATELY, asked_lately
from settings.model import Settings
from translations import _

_NAMES_TOLD = 5


@dataclass(frozen=True, slots=True)
class Effect:
    """What came of a change to the lists."""

    published: Published | None
    """How the rebuild ended; None if there was none (a rollback)."""
    manifest: Manifest
    felt: tuple[Turned, ...]
    questions: int
    """How many questions of the school were weighed."""


def views_now(settings: Settings) -> Mapping[str, View]:
    """Return the views of all groups; none where no policy has been made."""
    if not settings.paths.policy_db.exists():
        return {}

    async def read() -> Mapping[str, View]:
        async with await opened(settings) as policy:
            return (await snapshot_of(policy, settings)).views

    return asyncio.run(read())


def compile_lists(settings: Settings, *, force: bool = False) -> Effect:
    """Compile all lists and put the result in force, if it may be or `force` says so. Raises ListError, OSError."""
    return effect_of(
        settings,
        lambda asked: rebuild(settings.paths.lists, asked=asked, limits=Limits.of(settings), force=force),
    )


def effect_of(settings: Settings, change: Callable[[Asked], Published | Manifest]) -> Effect:
    """Do what changes the generation in force and look what the school feels of it. Raises ListError, OSError."""
    with Console(stderr=True).status(_("Reading the query log, compiling the lists …")):  # in a terminal only
        return _effect_of(settings, change)


def _effect_of(settings: Settings, change: Callable[[Asked], Published | Manifest]) -> Effect:
    asked = asked_lately(settings)
    try:
        before = open_current(settings.paths.lists)
    except BrokenIndex:
        before = Index.empty()
    try:
        done = change(asked)
        now = open_current(settings.paths.lists)
        try:
            felt = turned(asked, before, now, views_now(settings))
        finally:
            now.close()
    finally:
        before.close()
    published = done if isinstance(done, Published) else None
    manifest = done.manifest if isinstance(done, Published) else done
    return Effect(published, manifest, felt, asked.questions)


def say_effect(terminal: Terminal, effect: Effect, about: Collection[str] = ()) -> None:
    """Say what was found, what the school feels, and what is in force. `about`: lists that were changed by hand."""
    published, manifest = effect.published, effect.manifest
    if published is not None:
        say_problems(terminal, published.problems, taken=not published.refused, about=about)
        if published.refused:
            text = _(
                "Not put in force: {lists}. See: schoolfilter lists diff; then take it: schoolfilter lists publish "
                "--force, or throw it away: schoolfilter lists discard"
            )
            terminal.say(text.format(lists=", ".join(published.refused)), WARN)
    if published is not None and not published.changed:
        text = _("Nothing changed: generation {generation} stays in force. Names: {names}, lists: {lists}.")
    else:
        say_felt(terminal, effect.felt, effect.questions)
        text = _(
            "In force: generation {generation}; the server follows within a second. Names: {names}, lists: {lists}."
        )
    terminal.say(text.format(generation=manifest.generation, names=number(manifest.names), lists=len(manifest.lists)))


def end(effect: Effect) -> None:
    """Leave the command with exit status 1 if a new text was refused."""
    if effect.published is not None and effect.published.refused:
        click.get_current_context().exit(1)


def say_felt(terminal: Terminal, felt: Sequence[Turned], questions: int, names: int = _NAMES_TOLD) -> None:
    """Say which names that the school asked for lately are decided otherwise from now on."""
    days = LATELY.days
    closes = [each for each in felt if each.now.blocked]
    opens = [each for each in felt if not each.now.blocked]
    if closes:
        text = _("Asked for in the last {days} days, and blocked from now on: {count}")
        terminal.say(text.format(days=days, count=number(len(closes))), WARN)
        _say_turned(terminal, closes, names)
    if opens:
        text = _("Asked for in the last {days} days, and open from now on: {count}")
        terminal.say(text.format(days=days, count=number(len(opens))), WARN)
        _say_turned(terminal, opens, names)
    if not felt and questions:
        text = _("Of what the school asked for in the last {days} days, nothing is decided otherwise.")
        terminal.say(text.format(days=days))


def _say_turned(terminal: Terminal, turned: Sequence[Turned], names: int) -> None:
    for each in turned[:names]:
        text = _("  {name}: {count} times by {group}; {reason}")
        decided = each.now if each.now.blocked else each.before
        terminal.say(
            text.format(
                name=display_name(each.name), count=number(each.count), group=each.group, reason=because(decided)
            )
        )
    say_more(terminal, len(turned) - names)


def because(decision: Decision) -> str:
    """Return in a few words what blocks a name."""
    reason = decision.reason
    if reason.why in (Why.LOCKED, Why.CATEGORY, Why.SERVICE):
        rule = display_name(reason.rule)
        return _("{category}, {rule} in {list}").format(category=feeds(reason.category), rule=rule, list=reason.list_id)
    return reason.why
