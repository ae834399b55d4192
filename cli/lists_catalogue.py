"""`lists catalogue`: which public lists can be added by their id alone."""

import textwrap
from collections.abc import Collection, Iterable

import click

from blocklists.catalogue import CATALOGUE, Entry
from blocklists.sources import load_sources
from cli.amounts import number
from cli.context import pass_settings
from cli.lists_words import feeds, titled
from cli.table import print_json, print_table
from cli.terminal import Terminal
from settings.model import Settings
from translations import _


@click.command(
    "catalogue",
    short_help=_("Show the public lists that can be added."),
    help=_(
        "Show the public lists that can be added by their id; with WORD only those in which it stands.\n\n"
        "Example: schoolfilter lists catalogue gambling"
    ),
)
@click.argument("word", required=False)
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def catalogue_command(settings: Settings, word: str | None, as_json: bool) -> None:
    """Print what can be added, or one entry in full."""
    present = {source.id for source in load_sources(settings.paths.lists)}
    found = matching(CATALOGUE.values(), word or "")
    terminal = Terminal()
    if as_json:
        print_json([_as_json(each, present) for each in found])
    elif word is not None and word in CATALOGUE:
        _say_one(terminal, CATALOGUE[word], present)
    elif not found:
        terminal.say(
            _("The catalogue has no list about {word}; all it has: schoolfilter lists catalogue").format(
                word=repr(word)
            )
        )
    else:
        headings = (_("ID"), _("FEEDS"), _("NAMES, ABOUT"), _("ADDED"), _("MEANING"))
        print_table(headings, (_row(each, present) for each in found))
        terminal.say(_("One in full: schoolfilter lists catalogue ID. To add one: schoolfilter lists add ID"))


def matching(entries: Iterable[Entry], word: str) -> list[Entry]:
    """Return the entries in which a word stands, in any case of its letters. Pure."""
    wanted = word.casefold()
    return [
        each
        for each in entries
        if any(
            wanted in text.casefold()
            for text in (each.id, each.title, each.category, feeds(each.category), each.meaning, _(each.meaning))
        )
    ]


def _row(entry: Entry, present: Collection[str]) -> tuple[str, ...]:
    added = _("yes") if entry.id in present else ""
    return entry.id, entry.category, number(entry.names), added, textwrap.shorten(_(entry.meaning), 90, placeholder="…")


def _say_one(terminal: Terminal, entry: Entry, present: Collection[str]) -> None:
    terminal.say(titled(entry.id, entry.title))
    terminal.say(_(entry.meaning))
    terminal.say(_("Feeds: {category}").format(category=feeds(entry.category)))
    terminal.say(_("Names: about {count}").format(count=number(entry.names)))
    terminal.say(_("Licence: {licence}").format(licence=entry.licence))
    terminal.say(_("Homepage: {homepage}").format(homepage=entry.homepage))
    first, *mirrors = entry.urls
    terminal.say(_("Location: {location}").format(location=first + (f" › {entry.member}" if entry.member else "")))
    for mirror in mirrors:
        terminal.say(_("Mirror: {location}").format(location=mirror))
    if entry.remark:
        terminal.say(_(entry.remark))
    if entry.id in present:
        terminal.say(_("It is added: schoolfilter lists show {id}").format(id=entry.id))
    else:
        terminal.say(_("To add it: schoolfilter lists add {id}").format(id=entry.id))


def _as_json(entry: Entry, present: Collection[str]) -> dict[str, object]:
    return {
        "id": entry.id,
        "title": entry.title,
        "category": entry.category,
        "names": entry.names,
        "licence": entry.licence,
        "homepage": entry.homepage,
        "urls": list(entry.urls),
        "member": entry.member,
        "format": entry.format,
        "checksum": entry.checksum,
        "meaning": _(entry.meaning),
        "remark": _(entry.remark) if entry.remark else "",
        "added": entry.id in present,
    }
