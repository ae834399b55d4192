"""`allow`: put names on the director's list by an order on paper, or ask the director to."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import IO
from zoneinfo import ZoneInfo

import click

from approval.ledger_book import is_signed, read_book
from approval.requests import look_up, refusals
from blocklists.bundles import load_bundles
from cli import directors_list
from cli.context import Installation, pass_installation
from cli.errors import Misuse
from cli.name_facts import say
from cli.policy_file import opened
from cli.table import print_json, print_table
from cli.typed import day_of, names_of, order_of, text_of
from cli.wanted import Wanted, ask, enter, group_option
from policy.names import display_name
from policy.needed import BUNDLES
from policy.orders import Order, Scope
from settings.model import Settings
from translations import _


@click.command(
    help=_(
        "Put names on the director's list: each opens with all names below it.\n\n"
        "Where the director signs paper: schoolfilter allow example.org --order 12 --date 2026-09-02\n\n"
        "Where the director signs with a key, this makes a request: schoolfilter allow example.org --reason 'chemistry'"
        "\n\nTo read a bundle before it is ordered: schoolfilter allow --bundle education --list"
    )
)
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option(
    "--from-file",
    "file",
    type=click.File(encoding="utf-8-sig"),
    help=_("More names, one on a line; what follows # is a remark. - means standard input."),
)
@click.option("--group", metavar="ID", help=_("For this group only; if not given: for everyone."))
@click.option("--reason", default="", metavar="TEXT", help=_("Why, in a sentence; the director reads it."))
@click.option(
    "--order", "number", metavar="NUMBER", help=_("The number of the order that the director signed on paper.")
)
@click.option("--date", "day", metavar="YYYY-MM-DD", help=_("The date of that order."))
@click.option("--request", "requested", is_flag=True, help=_("Ask for it, also where the director signs paper."))
@click.option("--until", metavar="YYYY-MM-DD", help=_("The last day on which it is open; if not given: no end."))
@click.option(
    "--scope",
    type=click.Choice([each.value for each in Scope]),
    default=Scope.ALWAYS.value,
    show_default=True,
    help=_("lessons: not by itself; a teacher may open it for a room during a lesson."),
)
@click.option(
    "--bundle",
    type=click.Choice(BUNDLES),
    help=_("All names of a bundle that comes with the program: what lessons or devices need."),
)
@click.option(
    "--with-dependencies",
    is_flag=True,
    help=_("Propose what else the site needs: names that devices asked for right after it and did not get."),
)
@click.option(
    "--within",
    type=click.FloatRange(min=0.1, max=300),
    default=10,
    show_default=True,
    help=_("With --with-dependencies: how many seconds after the site."),
)
@click.option(
    "--days",
    type=click.IntRange(min=1, max=3650),
    default=7,
    show_default=True,
    help=_("With --with-dependencies: how many days of the query log."),
)
@click.option("--yes", is_flag=True, help=_("With --with-dependencies: take all that is proposed, ask nothing."))
@click.option(
    "--list",
    "listing",
    is_flag=True,
    help=_("Show the list in force instead; with --bundle: what the bundle would open, for the director to read."),
)
@click.option("--json", "as_json", is_flag=True, help=_("With --list: print JSON."))
@pass_installation
def allow(
    installation: Installation,
    names: tuple[str, ...],
    file: IO[str] | None,
    group: str | None,
    reason: str,
    number: str | None,
    day: str | None,
    requested: bool,
    until: str | None,
    scope: str,
    bundle: str | None,
    with_dependencies: bool,
    within: float,
    days: int,
    yes: bool,
    listing: bool,
    as_json: bool,
) -> None:
    """Enter an order on paper, make requests, or list what is in force."""
    settings = installation.settings
    given = (*names, *_names_in(file))
    _check_mixture(given, bundle, with_dependencies, yes, listing, as_json)
    if listing:
        if bundle is not None:
            _print_bundle(settings, bundle, as_json)
        else:
            _print_list(settings, group, as_json)
        return
    # Without the paper it is a question to the director, in every school.
    asking = requested or is_signed(settings) or not (number or day)
    order = None if asking else order_of(number, day, _no_order())
    if asking and (number or day):
        raise Misuse(_by_signature() if is_signed(settings) else _("expected --request or --order, found both"))
    wanted = Wanted(
        tuple(names_of(given)) if bundle is None else tuple(each.name for each in load_bundles()[bundle]),
        group,
        Scope(scope),
        _end(settings, until),
        text_of(reason, "--reason") or (_("bundle {bundle}").format(bundle=bundle) if bundle is not None else ""),
        bundle,
    )
    snapshot = ask(settings, wanted) if order is None else enter(settings, wanted, order)
    if with_dependencies:
        # Imported here: only who asks for it pays for reading the log.
        from cli.dependencies import note_of, offer

        [site] = wanted.names
        again = _again(wanted, order, requested, note_of(site))
        found = offer(settings, site, group, snapshot, within=within, days=days, all_of_them=yes, again=again)
        if found:
            more = replace(wanted, names=tuple(found), reason=note_of(site))
            ask(settings, more) if order is None else enter(settings, more, order)


def _again(wanted: Wanted, order: tuple[str, date] | None, requested: bool, reason: str) -> list[str]:
    """Return the options of a command that opens more in the same way."""
    paper = ["--order", order[0], "--date", order[1].isoformat()] if order is not None else []
    until = ["--until", wanted.until.isoformat()] if wanted.until is not None else []
    scope = ["--scope", wanted.scope] if wanted.scope is not Scope.ALWAYS else []
    request = ["--request"] if requested else []
    return [*group_option(wanted.group), *paper, *request, *until, *scope, "--reason", reason]


def _end(settings: Settings, until: str | None) -> date | None:
    if until is None:
        return None
    day, today = day_of(until, "--until"), datetime.now(ZoneInfo(settings.school.time_zone)).date()
    if day < today:
        message = _("--until: expected today ({today}) or a later day, found {day}")
        raise Misuse(message.format(today=today.isoformat(), day=day.isoformat()))
    return day


def _names_in(file: IO[str] | None) -> list[str]:
    if file is None:
        return []
    try:
        found = [line.partition("#")[0].strip() for line in file]
    except UnicodeDecodeError:
        message = _("--from-file: expected a text file with one name on a line (UTF-8), found another kind of file")
        raise Misuse(message) from None
    return [name for name in found if name]


def _no_order() -> str:
    return _(
        "an allow entry needs the director's order: expected --order NUMBER and --date YYYY-MM-DD. "
        "Example: schoolfilter allow example.org --order 12 --date 2026-09-02. "
        "To ask for it before there is an order: schoolfilter allow example.org --request"
    )


def _by_signature() -> str:
    return _(
        "--order, --date: the director signs with a key here, so that no number is entered. Make the request without "
        "them; the director approves it with: sudo schoolfilter approve"
    )


def _check_mixture(
    names: Sequence[str], bundle: str | None, with_dependencies: bool, yes: bool, listing: bool, as_json: bool
) -> None:
    """Raise Misuse for options that do not go together."""
    if bundle is not None and names:
        raise Misuse(_("expected names or --bundle, found both"))
    if with_dependencies and len(names) != 1:
        raise Misuse(_("--with-dependencies: expected one name, the site, found {count}").format(count=len(names)))
    if yes and not with_dependencies:
        raise Misuse(_("--yes goes with --with-dependencies"))
    if listing and names:
        raise Misuse(_("expected names or --list, found both"))
    if as_json and not listing:
        raise Misuse(_("--json goes with --list"))
    if not listing and not names and not bundle:
        raise Misuse(_("expected at least one name, such as example.org; --list shows the list in force"))


# -- shown -------------------------------------------------------------------------------------------------------------


def _print_list(settings: Settings, group: str | None, as_json: bool) -> None:
    zone = ZoneInfo(settings.school.time_zone)

    async def read() -> Sequence[Order]:
        async with await opened(settings) as policy:
            return (await read_book(policy, settings)).ledger.orders

    found = directors_list.in_force(asyncio.run(read()), datetime.now(zone).date(), group)
    if as_json:
        print_json([directors_list.as_json(each) for each in found])
    elif not found:
        click.echo(_("No entries."))
    else:
        print_table(directors_list.headings(), (directors_list.row(each, zone) for each in found))


def _print_bundle(settings: Settings, bundle: str, as_json: bool) -> None:
    """Print what an order for a bundle opens; what it does not open is told with the reason."""
    names = [each.name for each in load_bundles()[bundle]]
    closed = {each.name: each.text for each in refusals(names, look_up(settings.paths.lists, names))}
    if as_json:
        facts = [{"name": name, "display": display_name(name), "closed": closed.get(name, "")} for name in names]
        print_json(facts)
        return
    for name in names:
        if name not in closed:
            click.echo(display_name(name))
    say(closed.values())
