"""`lists`: where the names of each category come from; add, remove, refresh, show and search."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from blocklists.compile import rebuild
from blocklists.errors import ListError
from blocklists.fetch import FetchRules
from blocklists.formats import Format
from blocklists.generation import Manifest, current_generation
from blocklists.intake import count
from blocklists.refresh import Result, add, chosen, refresh, remove
from blocklists.search import search
from blocklists.sources import Source, find_source, load_sources, text_path
from blocklists.suffixes import bundled
from cli.arguments import NAME
from cli.context import pass_settings
from cli.errors import Failure
from cli.table import print_json, print_table
from cli.terminal import Terminal, printable
from policy.categories import BY_ID
from policy.names import display_name
from settings.model import Settings
from translations import _, language

_WIDEST_ERROR = 60


@click.group(help=_("Manage the lists of names. Example: schoolfilter lists show"))
def lists() -> None:
    """Hold the commands about lists."""


@lists.command(
    "add",
    help=_(
        "Add a list and compile it. LOCATION is a file, an https: address, or starter:CATEGORY.\n\n"
        "Example: schoolfilter lists add our-games /srv/games.txt --category games"
    ),
)
@click.argument("id_", metavar="ID")
@click.argument("location")
@click.option("--category", required=True, metavar="CATEGORY", help=_("What the list is about."))
@click.option("--title", default="", metavar="TEXT", help=_("What people call the list."))
@click.option("--format", "form", type=click.Choice(list(Format)), help=_("How it is written, if not to be detected."))
@pass_settings
def add_command(settings: Settings, id_: str, location: str, category: str, title: str, form: Format | None) -> None:
    """Fetch, judge, register and compile a list."""
    folder = settings.paths.lists
    wanted = Source(id=id_, title=title or id_, category=category, location=location, format=form)
    added = add(folder, wanted, FetchRules(), datetime.now(UTC))
    manifest = rebuild(folder)
    terminal = Terminal()
    terminal.say(
        _("{id}: {rules} rules for the category {category}, {skipped} lines skipped").format(
            id=added.id, rules=added.rules, category=added.category, skipped=added.skipped
        )
    )
    _say_in_force(terminal, manifest)


@lists.command(
    "remove", help=_("Remove a list and compile the others.\n\nExample: schoolfilter lists remove our-games")
)
@click.argument("id_", metavar="ID")
@pass_settings
def remove_command(settings: Settings, id_: str) -> None:
    """Forget a list."""
    remove(settings.paths.lists, id_)
    terminal = Terminal()
    terminal.say(_("{id}: removed").format(id=id_))
    _say_in_force(terminal, rebuild(settings.paths.lists))


@lists.command(
    "refresh",
    help=_(
        "Fetch lists anew (all, if none is named) and compile them.\n\nExample: schoolfilter lists refresh our-games"
    ),
)
@click.argument("ids", nargs=-1, metavar="[ID]…")
@pass_settings
def refresh_command(settings: Settings, ids: tuple[str, ...]) -> None:
    """Get each list; one that fails keeps its last good text."""
    folder = settings.paths.lists
    rules = FetchRules()
    terminal = Terminal()
    failed = []
    for source in chosen(folder, ids):
        outcome = refresh(folder, source, rules, datetime.now(UTC))
        now = outcome.source
        match outcome.result:
            case Result.CHANGED:
                text = _("{id}: changed: {rules} rules, {skipped} lines skipped")
                terminal.say(text.format(id=now.id, rules=now.rules, skipped=now.skipped))
            case Result.UNCHANGED:
                terminal.say(_("{id}: unchanged").format(id=now.id))
            case Result.FAILED:
                failed.append(now.id)
                text = _("{id}: the last good text stays in force: {error}")
                click.echo(printable(text.format(id=now.id, error=now.last_error)), err=True)
    _say_in_force(terminal, rebuild(folder))
    if failed:
        raise Failure(_("could not refresh: {lists}").format(lists=", ".join(failed)))


@lists.command("show", help=_("Show all lists, or one in full.\n\nExample: schoolfilter lists show starter-games"))
@click.argument("id_", metavar="[ID]", required=False)
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def show_command(settings: Settings, id_: str | None, as_json: bool) -> None:
    """Print what is known of lists."""
    folder = settings.paths.lists
    sources = load_sources(folder)
    if id_ is not None:
        _show_one(folder, find_source(sources, id_), as_json)
    elif as_json:
        print_json([asdict(source) for source in sources])
    else:
        headings = (_("LIST"), _("CATEGORY"), _("RULES"), _("SKIPPED"), _("LAST REFRESH"), _("REMARK"))
        print_table(headings, map(_row, sources))
        Terminal().say(_("Generation in force: {generation}").format(generation=current_generation(folder) or "-"))


@lists.command(
    "search", help=_("Find the lines that speak of a name.\n\nExample: schoolfilter lists search example.org")
)
@click.argument("name", type=NAME)
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def search_command(settings: Settings, name: str, as_json: bool) -> None:
    """Print every line that covers the name."""
    hits = search(settings.paths.lists, name)
    if as_json:
        print_json([asdict(hit) for hit in hits])
    elif not hits:
        Terminal().say(_("No list speaks of {name}.").format(name=display_name(name)))
    else:
        headings = (_("LIST"), _("LINE"), _("NAME"), _("COVERS"), _("CATEGORY"), _("REMARK"))
        rows = (
            (
                hit.list_id,
                str(hit.line),
                display_name(hit.name),
                _("this name") if hit.scope == "exact" else _("and all below"),
                hit.category,
                _remark(hit.allows, hit.enabled),
            )
            for hit in hits
        )
        print_table(headings, rows)


def _say_in_force(terminal: Terminal, manifest: Manifest) -> None:
    text = _("{names} names of {lists} lists are in force (generation {generation}).")
    terminal.say(text.format(names=manifest.names, lists=len(manifest.lists), generation=manifest.generation))


def _row(source: Source) -> tuple[str, ...]:
    error = printable(source.last_error)
    if len(error) > _WIDEST_ERROR:
        error = error[: _WIDEST_ERROR - 1] + "…"
    remark = error or ("" if source.enabled else _("switched off"))
    return source.id, source.category, str(source.rules), str(source.skipped), source.last_refresh, remark


def _remark(allows: bool, enabled: bool) -> str:
    words = [_("exception")] if allows else []
    return ", ".join(words if enabled else [*words, _("list is switched off")])


def _show_one(folder: Path, source: Source, as_json: bool) -> None:
    path = text_path(folder, source.id)
    try:
        census = count(path, source.format, bundled())
    except OSError as error:
        message = _("the last good text of {id} cannot be read ({error}); run: schoolfilter lists refresh {id}")
        raise ListError(message.format(id=source.id, error=error)) from error
    reports = [skipped.report(source.id) for skipped in census.first_skipped]
    if as_json:
        print_json(asdict(source) | {"format": census.format, "skipped_lines": reports, "text": str(path)})
        return
    terminal = Terminal()
    title = BY_ID[source.category].title(language()) if source.category in BY_ID else source.category
    terminal.say(f"{source.id}: {source.title}")
    terminal.say(_("Category: {category}").format(category=f"{title} ({source.category})"))
    terminal.say(_("Location: {location}").format(location=source.location))
    terminal.say(_("Format: {format}").format(format=census.format))
    terminal.say(_("Rules: {rules}, skipped lines: {skipped}").format(rules=census.rules, skipped=census.skipped))
    terminal.say(_("Last refresh: {time}").format(time=source.last_refresh or "-"))
    terminal.say(_("Last good text: {path}").format(path=path))
    if source.last_error:
        terminal.say(_("Last error: {error}").format(error=source.last_error))
    if not source.enabled:
        terminal.say(_("The list is switched off."))
    for report in reports:
        terminal.say(f"  {report}")
    if census.skipped > len(reports):
        terminal.say(_("  … and {more} more").format(more=census.skipped - len(reports)))
