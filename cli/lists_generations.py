"""`lists generations`, `diff`, `publish`, `discard` and `rollback`: what is in force, what waits, and going back."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import click

from blocklists.changes import CategoryChange, Changes, ListChange, Turned, compare, pair_to_compare
from blocklists.publish import Limits
from blocklists.rollback import discard_candidate, publish_candidate, rollback
from blocklists.shelf import Kept, candidate_name, generations, read_candidate
from blocklists.sources import Source, load_sources
from cli.amounts import number
from cli.context import pass_settings
from cli.lists_effect import effect_of, end, say_effect, say_felt, views_now
from cli.lists_words import age, feeds, say_problems, why_held
from cli.table import columns, print_json, print_table
from cli.terminal import Terminal
from policy.names import display_name
from resolver.asked import asked_lately
from settings.model import Settings
from translations import _

_SETTINGS = {
    "category": "--category",
    "title": "--title",
    "location": "LOCATION",
    "member": "--member",
    "format": "--format",
    "subdomains": "--subdomains",
    "suffixes": "--suffixes",
    "accepted": "--accept",
    "shadow": "--shadow",
    "enabled": "--enable",
    "checksum": "--checksum",
    "minisign": "--minisign",
}
"""What a person sets of a list, and the option it is set with."""


@click.command(
    "generations",
    help=_("Show the compiled generations that are kept.\n\nExample: schoolfilter lists generations"),
)
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def generations_command(settings: Settings, as_json: bool) -> None:
    """Print the generations, newest first."""
    found = generations(settings.paths.lists)
    if as_json:
        print_json([_generation_json(each) for each in found])
    elif not found:
        Terminal().say(_("Nothing is compiled yet. Next: schoolfilter lists refresh"))
    else:
        now = datetime.now(UTC)
        headings = (_("GENERATION"), _("COMPILED"), _("LISTS"), _("NAMES"), _("REMARK"))
        print_table(headings, (_generation_row(each, now) for each in found))


def _generation_row(kept: Kept, now: datetime) -> tuple[str, ...]:
    words = [_("in force")] if kept.in_force else []
    if kept.candidate:
        words.append(_("candidate: waits for `lists publish`"))
    if kept.manifest is None:
        return kept.name, "", "", "", "; ".join([*words, _("damaged: {error}").format(error=kept.error)])
    manifest = kept.manifest
    shown = age(manifest.created, now), str(len(manifest.lists)), number(manifest.names)
    return kept.name, *shown, "; ".join(words)


def _generation_json(kept: Kept) -> dict[str, object]:
    manifest = kept.manifest
    return {
        "generation": kept.name,
        "created": manifest.created if manifest else None,
        "lists": len(manifest.lists) if manifest else None,
        "names": manifest.names if manifest else None,
        "categories": dict(manifest.categories) if manifest else None,
        "in_force": kept.in_force,
        "candidate": kept.candidate,
        "error": kept.error,
    }


@click.command(
    "publish",
    short_help=_("Put the candidate in force."),
    help=_(
        "Put the candidate in force: the new texts that were refused or rolled back. They are looked at again; --force "
        "takes them whatever is found.\n\nExample: schoolfilter lists publish --force"
    ),
)
@click.option("--force", is_flag=True, help=_("Whatever the checks find."))
@pass_settings
def publish_command(settings: Settings, force: bool) -> None:
    """Give the candidate another chance; exit status 1 if it is refused again."""
    folder, limits = settings.paths.lists, Limits.of(settings)
    effect = effect_of(settings, lambda asked: publish_candidate(folder, force=force, asked=asked, limits=limits))
    say_effect(Terminal(), effect)
    end(effect)


@click.command(
    "discard",
    short_help=_("Throw the candidate away."),
    help=_(
        "Throw the candidate away: the texts it was refused for are not taken again.\n\n"
        "Example: schoolfilter lists discard"
    ),
)
@pass_settings
def discard_command(settings: Settings) -> None:
    """Forget the candidate."""
    candidate = read_candidate(settings.paths.lists)
    name = discard_candidate(settings.paths.lists)
    terminal = Terminal()
    terminal.say(_("The candidate {generation} is thrown away.").format(generation=name))
    if candidate is not None and candidate.refused:
        text = _("These lists keep the text they have until their source sends another one: {lists}")
        terminal.say(text.format(lists=", ".join(each.id for each in candidate.refused)))


@click.command(
    "rollback",
    short_help=_("Go back to the generation before."),
    help=_(
        "Put the generation before (or a named one) in force again, with its lists and their texts. What is rolled "
        "back is not taken again until its source sends something new.\n\nExample: schoolfilter lists rollback"
    ),
)
@click.argument("generation", required=False)
@pass_settings
def rollback_command(settings: Settings, generation: str | None) -> None:
    """Go back."""
    before = load_sources(settings.paths.lists)
    effect = effect_of(settings, lambda _asked: rollback(settings.paths.lists, generation))
    terminal = Terminal()
    say_effect(terminal, effect)
    for line in gone_back(before, load_sources(settings.paths.lists)):
        terminal.say(line)
    candidate = read_candidate(settings.paths.lists)
    if candidate is not None:
        kept = [each.id for each in candidate.refused if each.kept]
        off = [each.id for each in candidate.refused if not each.kept]
        if kept:
            text = _("Not taken again until the source sends something new: {lists}")
            terminal.say(text.format(lists=", ".join(kept)))
        if off:
            text = _("Switched off, for that generation did not have them: {lists}")
            terminal.say(text.format(lists=", ".join(off)))
        terminal.say(_("To go forward again: schoolfilter lists publish --force"))


def gone_back(before: Sequence[Source], now: Sequence[Source]) -> list[str]:
    """Return which settings of lists a rollback undid, and which lists it brought back, as sentences. Pure."""
    known = {source.id: source for source in before}
    undone = []
    for source in now:
        if source.id not in known:
            continue
        was = known[source.id]
        # A list that the older generation did not have is switched off, and told of elsewhere.
        off = was.enabled and not source.enabled
        options = [
            option
            for field, option in _SETTINGS.items()
            if getattr(was, field) != getattr(source, field) and not (off and field == "enabled")
        ]
        if options:
            undone.append(f"{source.id} ({', '.join(options)})")
    lines = []
    if undone:
        text = _("Settings are as they were then, too: {lists}")
        lines.append(text.format(lists=", ".join(undone)))
    back = [source.id for source in now if source.id not in known]
    if back:
        text = _("Removed since, and there again: {lists}")
        lines.append(text.format(lists=", ".join(back)))
    return lines


@click.command(
    "diff",
    short_help=_("Show what a new generation changes."),
    help=_(
        "Show what the candidate would change (or what the last publishing changed), weighed by what the school asks "
        "for.\n\nExample: schoolfilter lists diff --names 50"
    ),
)
@click.option(
    "--names", type=click.IntRange(0, 10_000), default=10, show_default=True, help=_("How many names to show.")
)
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def diff_command(settings: Settings, names: int, as_json: bool) -> None:
    """Compare two generations."""
    folder = settings.paths.lists
    old, new = pair_to_compare(folder)
    changes = compare(folder, old, new, asked_lately(settings), views_now(settings))
    if as_json:
        print_json(_changes_json(changes, candidate=new == candidate_name(folder), names=names))
        return
    terminal = Terminal()
    waits = new == candidate_name(folder)
    text = _("The candidate {new} against {old}, which is in force:") if waits else _("{new}, in force, against {old}:")
    terminal.say(text.format(new=new, old=old))
    _say_changes(terminal, changes)
    say_felt(terminal, (*changes.closes, *changes.opens), changes.questions, names)
    candidate = read_candidate(folder) if waits else None
    if candidate is not None:
        say_problems(terminal, candidate.problems)
        terminal.say(_("To take it: schoolfilter lists publish --force. To throw it away: schoolfilter lists discard"))


def _say_changes(terminal: Terminal, changes: Changes) -> None:
    if not changes.lists:
        terminal.say(_("No list says anything else."))
        return
    headings = (_("LIST"), _("CATEGORY"), _("RULES BEFORE"), _("NOW"), _("NAMES ADDED"), _("REMOVED"))
    for line in columns(headings, map(_list_row, changes.lists)):
        terminal.say(f"  {line}")
    for each in changes.lists:
        for held in each.held:
            text = _("  {list}:{line}: {name} is held now: {why}")
            name, why = display_name(held.name), why_held(held)
            terminal.say(text.format(list=each.id, line=held.line, name=name, why=why))
        for held in each.let_through:
            text = _("  {list}: {name} is no longer held")
            terminal.say(text.format(list=each.id, name=display_name(held.name)))
    if changes.categories:
        of_categories = (_("CATEGORY"), _("NAMES BEFORE"), _("NOW"), _("ADDED"), _("REMOVED"))
        for line in columns(of_categories, map(_category_row, changes.categories)):
            terminal.say(f"  {line}")


def _list_row(change: ListChange) -> tuple[str, ...]:
    counts = change.before, change.now, change.added, change.removed
    return change.id, change.category, *map(number, counts)


def _category_row(change: CategoryChange) -> tuple[str, ...]:
    counts = change.before, change.now, change.added, change.removed
    return feeds(change.id), *map(number, counts)


def _changes_json(changes: Changes, *, candidate: bool, names: int) -> dict[str, object]:
    return {
        "old": changes.old,
        "new": changes.new,
        "candidate": candidate,
        "questions": changes.questions,
        "lists": [asdict(each) for each in changes.lists],
        "categories": [asdict(each) for each in changes.categories],
        "closes": [_turned_json(each) for each in changes.closes[:names]],
        "closes_count": len(changes.closes),
        "opens": [_turned_json(each) for each in changes.opens[:names]],
        "opens_count": len(changes.opens),
    }


def _turned_json(turned: Turned) -> dict[str, object]:
    return {
        "name": turned.name,
        "display": display_name(turned.name),
        "group": turned.group,
        "count": turned.count,
        "before": {"action": turned.before.action, "reason": asdict(turned.before.reason)},
        "now": {"action": turned.now.action, "reason": asdict(turned.now.reason)},
    }
