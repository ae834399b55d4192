"""`block`: close names by hand."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import click

from cli import protocol
from cli.asking import confirmed
from cli.context import Installation, pass_installation, who
from cli.errors import Misuse
from cli.policy_file import opened, snapshot_of
from cli.shared_names import is_shared, shield_of
from cli.table import print_json, print_table
from cli.typed import names_of, text_of
from cli.words import audience_of
from policy.decide import entry_for
from policy.names import display_name
from policy.snapshot import Snapshot
from settings.model import Settings
from storage.policy_rows import NewEntry, StoredEntry
from translations import _


@click.command(
    help=_(
        "Block names and all names below them. Names below which strangers have sites of their own (com, com.kz, "
        "blogspot.com) are asked about first: such a block closes all of these.\n\n"
        "Example: schoolfilter block example.org --reason 'a game' --protocol 3 --date 2026-09-01"
    )
)
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--group", metavar="ID", help=_("For this group only; if not given: for everyone."))
@click.option("--reason", default="", metavar="TEXT", help=_("Why, in a sentence."))
@protocol.options
@click.option("--yes", is_flag=True, help=_("Ask nothing, also where many sites are closed at once."))
@click.option("--list", "listing", is_flag=True, help=_("Show what is blocked by hand instead."))
@click.option("--json", "as_json", is_flag=True, help=_("With --list: print JSON."))
@pass_installation
def block(
    installation: Installation,
    names: tuple[str, ...],
    group: str | None,
    reason: str,
    number: str | None,
    day: str | None,
    yes: bool,
    listing: bool,
    as_json: bool,
) -> None:
    """Add blocks, or list those there are."""
    settings = installation.settings
    _check_mixture(names, listing, as_json)
    if listing:
        _print_list(settings, group, as_json)
        return
    document = protocol.document_of(number, day)
    wanted = [NewEntry(each, group, text_of(reason, "--reason")) for each in names_of(names)]

    if not _meant(wanted, yes=yes):
        click.echo(_("Nothing was changed."))
        return

    async def add() -> Snapshot:
        async with await opened(settings) as policy:
            await policy.add_blocks(wanted, document=document, at=datetime.now(UTC), by=who())
            return await snapshot_of(policy, settings)

    snapshot = asyncio.run(add())
    for entry in wanted:
        _say_blocked(entry, snapshot)


def _check_mixture(names: Sequence[str], listing: bool, as_json: bool) -> None:
    if listing and names:
        raise Misuse(_("expected names or --list, found both"))
    if as_json and not listing:
        raise Misuse(_("--json goes with --list"))
    if not listing and not names:
        raise Misuse(_("expected at least one name, such as example.org; --list shows what is blocked by hand"))


def _meant(wanted: Sequence[NewEntry], *, yes: bool) -> bool:
    """Return whether to close names of more than one site. Raises Misuse where nobody can be asked."""
    shared = [each for each in wanted if is_shared(each.name)]
    for each in shared:
        text = _(
            "{name}: below this strangers have sites of their own. The block closes all of them, {audience}. "
            "To close one: schoolfilter block SITE.{name}"
        )
        click.echo(text.format(name=display_name(each.name), audience=audience_of(each.group)), err=True)
    return not shared or confirmed(_("Close them all?"), yes=yes)


def _say_blocked(entry: NewEntry, snapshot: Snapshot) -> None:
    name = display_name(entry.name)
    views = [view for id_, view in snapshot.views.items() if entry.group in (None, id_)]
    shield = shield_of(entry.name, views[0].protected)
    opened_by = {view.group: found for view in views if (found := entry_for(view.allow, entry.name)) is not None}
    if shield:
        text = _("The block of {name} has no effect: {rule} is protected (school.protected in the settings file).")
        click.echo(text.format(name=name, rule=display_name(shield)))
    elif len(opened_by) == len(views):
        text = _(
            "The block of {name} has no effect: the director's list opens {rule} ({document}). "
            "It takes effect when that entry ends: schoolfilter remove {rule} --kind allow"
        )
        first = next(iter(opened_by.values()))
        click.echo(text.format(name=name, rule=display_name(first.name), document=first.document))
    else:
        text = _("{name} and all names below it are blocked {audience}.")
        click.echo(text.format(name=name, audience=audience_of(entry.group)))
        if opened_by:
            text = _("  It has no effect for {groups}: the director's list opens the name there.")
            click.echo(text.format(groups=", ".join(opened_by)))


def _print_list(settings: Settings, group: str | None, as_json: bool) -> None:
    async def read() -> list[StoredEntry]:
        async with await opened(settings) as policy:
            return await policy.blocks(group=group)

    entries = asyncio.run(read())
    if as_json:
        print_json([_as_json(entry) for entry in entries])
    elif not entries:
        click.echo(_("No entries."))
    else:
        headings = (_("NAME"), _("GROUP"), _("DOCUMENT"), _("SINCE"), _("BY"), _("REASON"))
        zone = ZoneInfo(settings.school.time_zone)
        print_table(headings, (_row(entry, zone) for entry in entries))


def _row(entry: StoredEntry, zone: ZoneInfo) -> tuple[str, ...]:
    return (
        display_name(entry.name),
        entry.group or _("everyone"),
        protocol.document_words(entry.document),
        entry.added_at.astimezone(zone).date().isoformat(),
        entry.added_by,
        entry.note,
    )


def _as_json(entry: StoredEntry) -> dict[str, object]:
    return {
        "kind": "block",
        "name": entry.name,
        "display": display_name(entry.name),
        "group": entry.group,
        "reason": entry.note,
        "document": entry.document,
        "added_at": entry.added_at.isoformat(),
        "added_by": entry.added_by,
    }
