"""`allow`, `block` and `remove`: the entries that people make by hand."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import click

from blocklists.index import open_current
from blocklists.suffixes import bundled
from cli.context import Installation, pass_installation, who
from cli.errors import Failure, Misuse
from cli.table import print_json, print_table
from cli.typed import names_of, order_of, text_of
from policy.categories import BY_ID
from policy.decide import decide, entry_for
from policy.decision import Listing, Why
from policy.names import display_name, with_parents
from policy.snapshot import Entry, EntryKind, Level, Snapshot, View, closed_categories
from settings.model import ApprovalMode, Settings
from storage.policy_db import PolicyDb, open_policy
from storage.policy_rows import NewEntry, Order, StoredEntry
from translations import _, language

Listings = dict[str, tuple[Listing, ...]]
"""What the lists say, by name."""


@click.command(
    help=_(
        "Put names on the director's list: each opens with all names below it. "
        "Example: schoolfilter allow example.org --order 12 --date 2026-09-02"
    )
)
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--group", metavar="ID", help=_("For this group only; if not given: for everyone."))
@click.option("--reason", default="", metavar="TEXT", help=_("Why, in a sentence."))
@click.option("--order", "number", metavar="NUMBER", help=_("The number of the director's order."))
@click.option("--date", "day", metavar="YYYY-MM-DD", help=_("The date of the order."))
@click.option("--list", "listing", is_flag=True, help=_("Show the entries in force instead."))
@click.option("--json", "as_json", is_flag=True, help=_("With --list: print JSON."))
@pass_installation
def allow(
    installation: Installation,
    names: tuple[str, ...],
    group: str | None,
    reason: str,
    number: str | None,
    day: str | None,
    listing: bool,
    as_json: bool,
) -> None:
    """Add allow entries that rest on an order, or list those there are."""
    settings = installation.settings
    if _wants_list(names, listing, as_json):
        _print_entries(settings, EntryKind.ALLOW, group, as_json)
        return
    if settings.approval.mode is ApprovalMode.SIGNATURE:
        message = _(
            'approval.mode is "signature", and approval by signature is not part of this version yet: nothing was '
            'changed. Let the director sign an order on paper, set approval.mode = "paper" in {path}, and give its '
            "number and date: schoolfilter allow {name} --order NUMBER --date YYYY-MM-DD"
        )
        raise Failure(message.format(path=installation.loaded.path, name=names[0]))
    order = order_of(number, day)
    wanted = [NewEntry(EntryKind.ALLOW, each, group, text_of(reason, "--reason"), order) for each in names_of(names)]
    listings = _look_up(settings, wanted)
    _refuse_what_cannot_open(wanted, listings)
    snapshot = asyncio.run(_add(settings, wanted))
    for entry in wanted:
        _say_allowed(entry, order, listings[entry.name], snapshot)


@click.command(
    help=_(
        "Block names and all names below them. Example: schoolfilter block example.org --reason 'council, minutes 3'"
    )
)
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--group", metavar="ID", help=_("For this group only; if not given: for everyone."))
@click.option("--reason", default="", metavar="TEXT", help=_("Why, in a sentence."))
@click.option("--list", "listing", is_flag=True, help=_("Show the entries in force instead."))
@click.option("--json", "as_json", is_flag=True, help=_("With --list: print JSON."))
@pass_installation
def block(
    installation: Installation,
    names: tuple[str, ...],
    group: str | None,
    reason: str,
    listing: bool,
    as_json: bool,
) -> None:
    """Add block entries, or list those there are."""
    settings = installation.settings
    if _wants_list(names, listing, as_json):
        _print_entries(settings, EntryKind.BLOCK, group, as_json)
        return
    wanted = [NewEntry(EntryKind.BLOCK, each, group, text_of(reason, "--reason")) for each in names_of(names)]
    snapshot = asyncio.run(_add(settings, wanted))
    for entry in wanted:
        _say_blocked(entry, snapshot)


@click.command(
    help=_("End the entries for names; the lists decide about them again. Example: schoolfilter remove example.org")
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--group", metavar="ID", help=_("The entries of this group; if not given: those for everyone."))
@click.option(
    "--kind", type=click.Choice([each.value for each in EntryKind]), help=_("Only these; if not given: both.")
)
@pass_installation
def remove(installation: Installation, names: tuple[str, ...], group: str | None, kind: str | None) -> None:
    """End entries; they stay in the database with the moment and the person."""
    canonical = names_of(names)

    async def end() -> list[StoredEntry]:
        async with await opened(installation.settings) as policy:
            chosen, now = EntryKind(kind) if kind else None, datetime.now(UTC)
            return await policy.remove_entries(canonical, kind=chosen, group=group, at=now, by=who())

    for entry in asyncio.run(end()):
        if entry.kind is EntryKind.ALLOW:
            text = _("{name} is no longer on the director's list ({audience}; it rested on {document}).")
        else:
            text = _("{name} is no longer blocked by hand ({audience}).")
        shown, document = display_name(entry.name), document_of(entry.order) if entry.order else ""
        click.echo(text.format(name=shown, audience=audience_of(entry.group), document=document))


async def opened(settings: Settings) -> PolicyDb:
    """Open the policy of an installation. Raises Failure if `init` has not been run."""
    if not settings.paths.policy_db.exists():
        message = _("expected the policy in {path}, found nothing; make it with: schoolfilter init")
        raise Failure(message.format(path=settings.paths.policy_db))
    return await open_policy(settings.paths.policy_db)


def audience_of(group: str | None) -> str:
    """Return for whom an entry is, in words."""
    return _("for everyone") if group is None else _("for the group {group}").format(group=group)


def document_of(order: Order) -> str:
    """Return the paper an entry rests on, in the language in use."""
    return _("order {number} of {date}").format(number=order.number, date=order.date.isoformat())


def _wants_list(names: Sequence[str], listing: bool, as_json: bool) -> bool:
    if listing and names:
        raise Misuse(_("expected names or --list, found both"))
    if as_json and not listing:
        raise Misuse(_("--json goes with --list"))
    if not listing and not names:
        raise Misuse(_("expected at least one name, such as example.org; --list shows the entries in force"))
    return listing


def _look_up(settings: Settings, entries: Sequence[NewEntry]) -> Listings:
    index = open_current(settings.paths.lists)
    try:
        return {entry.name: index.lookup(entry.name) for entry in entries}
    finally:
        index.close()


def _refuse_what_cannot_open(entries: Sequence[NewEntry], listings: Listings) -> None:
    """Raise Misuse for public suffixes, else Failure for names that no entry opens; each lists all of them."""
    suffixes = [display_name(entry.name) for entry in entries if bundled().hold(entry.name)]
    if suffixes:
        message = _(
            "{names}: below this strangers register their own names, so that it would open far more than one site. "
            "Give the name of the site, such as example.{first}."
        )
        raise Misuse(message.format(names=", ".join(suffixes), first=suffixes[0]))
    refused = []
    for entry in entries:
        # The rules themselves are asked what stands above the director's list: one order of precedence, in one place.
        opened_by = Entry(EntryKind.ALLOW, entry.name)
        view = View("", Level.LOW, closed_categories(Level.LOW, frozenset()), {entry.name: opened_by}, {}, frozenset())
        reason = decide(view, entry.name, listings[entry.name]).reason
        shown = display_name(entry.name)
        if reason.why is Why.LOCKED:
            text = _(
                "{name} will not open: the list {list} holds {rule} in the category {category}, which the law forbids. "
                "No order opens it; if the list is wrong, take the name out there: schoolfilter lists show {list}"
            )
            rule, title = display_name(reason.rule), category_title(reason.category)
            refused.append(text.format(name=shown, list=reason.list_id, rule=rule, category=title))
        elif reason.why is Why.BYPASS:
            text = _("{name} will not open: by {rule} devices go around the school's filter.")
            refused.append(text.format(name=shown, rule=reason.rule))
    if refused:
        raise Failure("\n".join([*refused, _("Nothing was changed.")]))


def category_title(id_: str) -> str:
    """Return a category as people know it, in the language in use."""
    category = BY_ID.get(id_)
    return id_ if category is None else f"{category.title(language())} ({id_})"


async def _add(settings: Settings, entries: Sequence[NewEntry]) -> Snapshot:
    async with await opened(settings) as policy:
        await policy.add_entries(entries, at=datetime.now(UTC), by=who())
        return await policy.load_snapshot(settings.school.protected)


def _views_for(snapshot: Snapshot, group: str | None) -> list[View]:
    return [view for id_, view in snapshot.views.items() if group is None or id_ == group]


def _say_allowed(entry: NewEntry, order: Order, listings: Sequence[Listing], snapshot: Snapshot) -> None:
    name = display_name(entry.name)
    text = _("{name} and all names below it are allowed {audience}: {document}.")
    click.echo(text.format(name=name, audience=audience_of(entry.group), document=document_of(order)))
    for listing in listings:
        if not listing.allows:
            text = _("  The list {list} holds {rule} in the category {category}; the order goes before it.")
            title = category_title(listing.category)
            click.echo(text.format(list=listing.list_id, rule=display_name(listing.name), category=title))
    off = [view.group for view in _views_for(snapshot, entry.group) if view.level is Level.OFF]
    if off:
        click.echo(_("  Nothing opens for {groups} at the level off.").format(groups=", ".join(off)))


def _say_blocked(entry: NewEntry, snapshot: Snapshot) -> None:
    name = display_name(entry.name)
    views = _views_for(snapshot, entry.group)
    shield = next((parent for parent in with_parents(entry.name) if parent in views[0].protected), "")
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


def _print_entries(settings: Settings, kind: EntryKind, group: str | None, as_json: bool) -> None:
    async def read() -> list[StoredEntry]:
        async with await opened(settings) as policy:
            return await policy.entries(kind, group=group)

    entries = asyncio.run(read())
    if as_json:
        print_json([_as_json(entry) for entry in entries])
    elif not entries:
        click.echo(_("No entries."))
    else:
        headings = (_("NAME"), _("GROUP"), _("ORDER"), _("SINCE"), _("BY"), _("REASON"))
        zone = ZoneInfo(settings.school.time_zone)
        print_table(headings, (_row(entry, zone) for entry in entries))


def _row(entry: StoredEntry, zone: ZoneInfo) -> tuple[str, ...]:
    return (
        display_name(entry.name),
        entry.group or _("everyone"),
        f"{entry.order.number} ({entry.order.date.isoformat()})" if entry.order else "",
        entry.added_at.astimezone(zone).date().isoformat(),
        entry.added_by,
        entry.note,
    )


def _as_json(entry: StoredEntry) -> dict[str, object]:
    return {
        "kind": entry.kind,
        "name": entry.name,
        "display": display_name(entry.name),
        "group": entry.group,
        "reason": entry.note,
        "order": {"number": entry.order.number, "date": entry.order.date.isoformat()} if entry.order else None,
        "document": str(entry.order) if entry.order else "",
        "added_at": entry.added_at.isoformat(),
        "added_by": entry.added_by,
    }
