"""`lists search`: which lists speak of a name, in which line, and whether that is in force."""

import ipaddress
from dataclasses import asdict
from datetime import UTC, datetime

import click

from blocklists.generation import current_generation
from blocklists.index import open_current
from blocklists.rules import Scope
from blocklists.search import Hit, find_line, search, terms_words
from cli.arguments import NAME
from cli.context import pass_settings
from cli.lists_words import age
from cli.printable import printable
from cli.table import print_json, print_table
from cli.terminal import Terminal
from policy.decision import Listing
from policy.names import display_name
from settings.model import Settings
from translations import _

_WIDEST = 60

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class _NameOrAddress(click.ParamType[str | IPAddress]):
    """A domain name, or an address as answers hold it."""

    name = "name"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str | IPAddress:
        """Return the address, else the canonical name. Raises Misuse, with a guess where the text is nearly a name."""
        try:
            return ipaddress.ip_address(str(value).strip())
        except ValueError:
            return NAME.convert(value, param, ctx)


@click.command(
    "search",
    short_help=_("Find the lines that speak of a name."),
    help=_(
        "Find the lines of all lists that speak of a name, in force or not, or those in force that speak of an address "
        "(answers that hold it are closed).\n\nExample: schoolfilter lists search example.org"
    ),
)
@click.argument("name", metavar="NAME", type=_NameOrAddress())
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def search_command(settings: Settings, name: str | IPAddress, as_json: bool) -> None:
    """Print every line that covers the name or the address."""
    if not isinstance(name, str):
        _search_address(settings, name, as_json)
        return
    hits = search(settings.paths.lists, name)
    if as_json:
        print_json([asdict(hit) for hit in hits])
        return
    terminal = Terminal()
    if not hits:
        terminal.say(_("No list speaks of {name}.").format(name=display_name(name)))
        return
    now = datetime.now(UTC)
    headings = (_("LIST"), _("LINE"), _("RULE"), _("COVERS"), _("FEEDS"), _("TEXT OF"), _("REMARK"))
    print_table(headings, (_row(hit, now) for hit in hits))
    generation = current_generation(settings.paths.lists)
    terminal.say(_("In force: generation {generation}.").format(generation=generation or "-"))


def _search_address(settings: Settings, address: IPAddress, as_json: bool) -> None:
    folder = settings.paths.lists
    index = open_current(folder)
    try:
        listings, generation = index.lookup_address(address.packed), index.generation
    finally:
        index.close()
    found = [(each, find_line(folder, each.list_id, each.name, allows=each.allows)) for each in listings]
    if as_json:
        print_json([_address_json(listing, line) for listing, line in found])
    elif not found:
        Terminal().say(_("No list in force speaks of {name}.").format(name=address))
    else:
        rows = ((each.list_id, str(line or ""), each.name, each.category, _of_address(each)) for each, line in found)
        print_table((_("LIST"), _("LINE"), _("NETWORK"), _("FEEDS"), _("REMARK")), rows)
        Terminal().say(_("In force: generation {generation}.").format(generation=generation or "-"))


def _address_json(listing: Listing, line: int | None) -> dict[str, object]:
    return {
        "list_id": listing.list_id,
        "category": listing.category,
        "network": listing.name,
        "line": line,
        "allows": listing.allows,
        "terms": list(terms_words(listing.terms)),
    }


def _of_address(listing: Listing) -> str:
    words = [_("exception")] if listing.allows else []
    return ", ".join(words + [_("on trial") if term == "shadow" else term for term in terms_words(listing.terms)])


def _row(hit: Hit, now: datetime) -> tuple[str, ...]:
    rule = printable(hit.written) or display_name(hit.name)
    if len(rule) > _WIDEST:  # an expression
        rule = rule[: _WIDEST - 1] + "…"
    return hit.list_id, str(hit.line), rule, covers(hit.scope), hit.category, age(hit.refreshed, now), _remark(hit)


def covers(scope: Scope) -> str:
    """Return in a few words what a rule covers."""
    match scope:
        case Scope.EXACT:
            return _("this name")
        case Scope.SUBTREE:
            return _("and all below it")
        case Scope.BELOW:
            return _("all below it")
        case Scope.PATTERN:
            return _("what is like it")
        case Scope.ADDRESS:
            return _("answers with it")


def _remark(hit: Hit) -> str:
    words = [_("exception")] if hit.allows else []
    words += [_("on trial") if term == "shadow" else term for term in hit.terms]
    if hit.held:
        words.append(_("held, does not block"))
    if not hit.enabled:
        words.append(_("list is switched off"))
    elif not hit.generation:
        words.append(_("in the newest text only, not in force"))
    return ", ".join(words)
