"""`allow`, `block` and `remove`: the entries that people make by hand."""

import asyncio
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain
from zoneinfo import ZoneInfo

import click

from blocklists.bundles import load_bundles
from blocklists.index import open_current
from blocklists.suffixes import bundled
from cli.context import Installation, pass_installation, who
from cli.errors import Failure, Misuse
from cli.table import print_json, print_table
from cli.typed import names_of, order_of, text_of
from policy.decide import decide, entry_for
from policy.decision import Listing, Why
from policy.levels import Level
from policy.names import display_name, parse_name, with_parents
from policy.needed import BUNDLES
from policy.snapshot import Entry, EntryKind, Snapshot, View, closed_categories
from policy.subjects import subject, title_of
from settings.model import ApprovalMode, Settings
from storage.policy_db import PolicyDb, open_policy
from storage.policy_rows import NewEntry, Order, StoredEntry
from translations import _, language

Listings = dict[str, tuple[Listing, ...]]
"""What the lists say, by name."""


@click.command(
    help=_(
        "Put names on the director's list: each opens with all names below it. "
        "Example: schoolfilter allow example.org --order 12 --date 2026-09-02\n\n"
        "To read a bundle before it is ordered: schoolfilter allow --bundle education --list"
    )
)
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--group", metavar="ID", help=_("For this group only; if not given: for everyone."))
@click.option("--reason", default="", metavar="TEXT", help=_("Why, in a sentence."))
@click.option("--order", "number", metavar="NUMBER", help=_("The number of the director's order."))
@click.option("--date", "day", metavar="YYYY-MM-DD", help=_("The date of the order."))
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
@click.option("--yes", is_flag=True, help=_("With --with-dependencies: open all that is proposed, ask nothing."))
@click.option(
    "--list",
    "listing",
    is_flag=True,
    help=_("Show the entries in force instead; with --bundle: what the bundle would open, for the director to read."),
)
@click.option("--json", "as_json", is_flag=True, help=_("With --list: print JSON."))
@pass_installation
def allow(
    installation: Installation,
    names: tuple[str, ...],
    group: str | None,
    reason: str,
    number: str | None,
    day: str | None,
    bundle: str | None,
    with_dependencies: bool,
    within: float,
    days: int,
    yes: bool,
    listing: bool,
    as_json: bool,
) -> None:
    """Add allow entries that rest on an order, or list those there are."""
    settings = installation.settings
    _check_mixture(names, bundle, with_dependencies, yes)
    if _wants_list(names, bundle, listing, as_json):
        if bundle is not None:
            _print_bundle(settings, bundle, as_json)
        else:
            _print_entries(settings, EntryKind.ALLOW, group, as_json)
        return
    if settings.approval.mode is ApprovalMode.SIGNATURE:
        message = _(
            'approval.mode is "signature", and approval by signature is not part of this version yet: nothing was '
            'changed. Let the director sign an order on paper, set approval.mode = "paper" in {path}, and give its '
            "number and date: schoolfilter allow {name} --order NUMBER --date YYYY-MM-DD"
        )
        raise Failure(message.format(path=installation.loaded.path, name=names[0] if names else f"--bundle {bundle}"))
    order, note = order_of(number, day), text_of(reason, "--reason")
    if bundle is not None:
        _allow_bundle(settings, bundle, group, note, order)
        return
    wanted = [NewEntry(EntryKind.ALLOW, each, group, note, order) for each in names_of(names)]
    snapshot = _allow(settings, wanted)
    if with_dependencies:
        # Imported here: only who asks for it pays for reading the log, and it needs words of this module.
        from cli.dependencies import offer

        needed = offer(settings, wanted[0], snapshot, within=within, days=days, all_of_them=yes)
        if needed:
            _allow(settings, needed)


def _allow(settings: Settings, wanted: Sequence[NewEntry]) -> Snapshot:
    """Add the entries, all or none, and say so."""
    listings = _look_up(settings, wanted)
    _refuse_what_cannot_open(wanted, listings)
    snapshot = asyncio.run(_add(settings, wanted))
    for entry in wanted:
        _say_allowed(entry, listings[entry.name], snapshot)
    return snapshot


def _allow_bundle(settings: Settings, bundle: str, group: str | None, note: str, order: Order) -> None:
    """Add all names of a bundle that an order can open; name the others."""
    text = note or _("bundle {bundle}").format(bundle=bundle)
    entries = [NewEntry(EntryKind.ALLOW, each.name, group, text, order) for each in load_bundles()[bundle]]
    closed = _closed_of_bundle(settings, entries)
    wanted = [entry for entry in entries if entry.name not in closed]
    snapshot = asyncio.run(_add(settings, wanted))
    said = _("The bundle {bundle}: {count} names, with all names below them, are allowed {audience}: {document}.")
    document, audience = document_of(order), audience_of(group)
    click.echo(said.format(bundle=bundle, count=len(wanted), audience=audience, document=document))
    for refusal in closed.values():
        click.echo(f"  {refusal}")
    _say_off(snapshot, group)
    click.echo(
        _("See them with: schoolfilter allow --list. To take them back: schoolfilter remove --bundle {bundle}").format(
            bundle=shlex.join([bundle, *(("--group", group) if group is not None else ())])
        )
    )


def _closed_of_bundle(settings: Settings, entries: Sequence[NewEntry]) -> dict[str, str]:
    """Return the names of a bundle that no entry opens, each with the reason in words."""
    closed = _what_cannot_open(entries, _look_up(settings, entries))
    for entry in entries:
        if bundled().hold(entry.name):
            text = _("{name} will not open whole: strangers register their own names below it.")
            closed[entry.name] = text.format(name=display_name(entry.name))
    return closed


def _print_bundle(settings: Settings, bundle: str, as_json: bool) -> None:
    """Print what an order for a bundle opens; what it does not open is told with the reason."""
    entries = [NewEntry(EntryKind.ALLOW, each.name) for each in load_bundles()[bundle]]
    closed = _closed_of_bundle(settings, entries)
    if as_json:
        facts = [
            {"name": each.name, "display": display_name(each.name), "closed": closed.get(each.name, "")}
            for each in entries
        ]
        print_json(facts)
        return
    for entry in entries:
        if entry.name not in closed:
            click.echo(display_name(entry.name))
    for refusal in closed.values():
        click.echo(f"  {refusal}")


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
    if _wants_list(names, None, listing, as_json):
        _print_entries(settings, EntryKind.BLOCK, group, as_json)
        return
    wanted = [NewEntry(EntryKind.BLOCK, each, group, text_of(reason, "--reason")) for each in names_of(names)]
    snapshot = asyncio.run(_add(settings, wanted))
    for entry in wanted:
        _say_blocked(entry, snapshot)


@click.command(
    help=_(
        "End the entries for names; the lists decide about them again. Example: schoolfilter remove example.org\n\n"
        "A whole bundle: schoolfilter remove --bundle education"
    )
)
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--group", metavar="ID", help=_("The entries of this group; if not given: those for everyone."))
@click.option(
    "--kind", type=click.Choice([each.value for each in EntryKind]), help=_("Only these; if not given: both.")
)
@click.option("--bundle", type=click.Choice(BUNDLES), help=_("All allow entries for names of a bundle."))
@pass_installation
def remove(
    installation: Installation, names: tuple[str, ...], group: str | None, kind: str | None, bundle: str | None
) -> None:
    """End entries; they stay in the database with the moment and the person."""
    if bool(names) == (bundle is not None):
        raise Misuse(_("expected names, such as example.org, or --bundle"))
    if bundle is not None and kind == EntryKind.BLOCK:
        raise Misuse(_("--bundle: a bundle has allow entries only"))
    canonical = names_of(names)

    async def end() -> list[StoredEntry]:
        async with await opened(installation.settings) as policy:
            chosen, now = EntryKind(kind) if kind else None, datetime.now(UTC)
            ending = canonical
            if bundle is not None:
                chosen, ending = EntryKind.ALLOW, await _entered(policy, bundle, group)
            return await policy.remove_entries(ending, kind=chosen, group=group, at=now, by=who())

    ended = asyncio.run(end())
    if bundle is not None:
        text = _("The bundle {bundle}: {count} names are no longer on the director's list ({audience}).")
        click.echo(text.format(bundle=bundle, count=len(ended), audience=audience_of(group)))
        return
    for entry in ended:
        if entry.kind is EntryKind.ALLOW:
            text = _("{name} is no longer on the director's list ({audience}; it rested on {document}).")
        else:
            text = _("{name} is no longer blocked by hand ({audience}).")
        shown, document = display_name(entry.name), document_of(entry.order) if entry.order else ""
        click.echo(text.format(name=shown, audience=audience_of(entry.group), document=document))


async def _entered(policy: PolicyDb, bundle: str, group: str | None) -> list[str]:
    """Return the names of a bundle that have an allow entry for exactly this audience. Raises Failure if none has."""
    of_bundle = {each.name for each in load_bundles()[bundle]}
    entries = await policy.entries(EntryKind.ALLOW, group=group)
    names = [entry.name for entry in entries if entry.name in of_bundle and entry.group == group]
    if not names:
        message = _("no name of the bundle {bundle} is on the director's list ({audience}). Nothing was changed.")
        raise Failure(message.format(bundle=bundle, audience=audience_of(group)))
    return names


async def opened(settings: Settings) -> PolicyDb:
    """Open the policy of an installation. Raises Failure if `init` has not been run."""
    if not settings.paths.policy_db.exists():
        message = _("expected the policy in {path}, found nothing; make it with: schoolfilter init")
        raise Failure(message.format(path=settings.paths.policy_db))
    return await open_policy(settings.paths.policy_db)


async def snapshot_of(policy: PolicyDb, settings: Settings) -> Snapshot:
    """Return the policy in force with all that the settings and the bundles add to it."""
    needed = chain.from_iterable(load_bundles().values())
    return await policy.load_snapshot([parse_name(name) for name in settings.school.protected], needed=needed)


def audience_of(group: str | None) -> str:
    """Return for whom an entry is, in words."""
    return _("for everyone") if group is None else _("for the group {group}").format(group=group)


def document_of(order: Order) -> str:
    """Return the paper an entry rests on, in the language in use."""
    return _("order {number} of {date}").format(number=order.number, date=order.date.isoformat())


def _check_mixture(names: Sequence[str], bundle: str | None, with_dependencies: bool, yes: bool) -> None:
    """Raise Misuse for options of `allow` that do not go together."""
    if bundle is not None and names:
        raise Misuse(_("expected names or --bundle, found both"))
    if with_dependencies and len(names) != 1:
        raise Misuse(_("--with-dependencies: expected one name, the site, found {count}").format(count=len(names)))
    if yes and not with_dependencies:
        raise Misuse(_("--yes goes with --with-dependencies"))


def _wants_list(names: Sequence[str], bundle: str | None, listing: bool, as_json: bool) -> bool:
    if listing and names:
        raise Misuse(_("expected names or --list, found both"))
    if as_json and not listing:
        raise Misuse(_("--json goes with --list"))
    if not listing and not names and not bundle:
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
    refused = _what_cannot_open(entries, listings)
    if refused:
        raise Failure("\n".join([*refused.values(), _("Nothing was changed.")]))


def _what_cannot_open(entries: Sequence[NewEntry], listings: Listings) -> dict[str, str]:
    """Return the names that no entry opens, each with the reason in words."""
    refused = {}
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
            refused[entry.name] = text.format(name=shown, list=reason.list_id, rule=rule, category=title)
        elif reason.why is Why.BYPASS:
            text = _("{name} will not open: by {rule} devices go around the school's filter.")
            refused[entry.name] = text.format(name=shown, rule=reason.rule)
    return refused


def category_title(id_: str) -> str:
    """Return a category or service as people know it, in the language in use."""
    return id_ if subject(id_) is None else f"{title_of(id_, language())} ({id_})"


async def _add(settings: Settings, entries: Sequence[NewEntry]) -> Snapshot:
    async with await opened(settings) as policy:
        await policy.add_entries(entries, at=datetime.now(UTC), by=who())
        return await snapshot_of(policy, settings)


def _views_for(snapshot: Snapshot, group: str | None) -> list[View]:
    return [view for id_, view in snapshot.views.items() if group is None or id_ == group]


def _say_allowed(entry: NewEntry, listings: Sequence[Listing], snapshot: Snapshot) -> None:
    name, document = display_name(entry.name), document_of(entry.order) if entry.order else ""
    text = _("{name} and all names below it are allowed {audience}: {document}.")
    click.echo(text.format(name=name, audience=audience_of(entry.group), document=document))
    for listing in listings:
        if not listing.allows:
            text = _("  The list {list} holds {rule} in the category {category}; the order goes before it.")
            title = category_title(listing.category)
            click.echo(text.format(list=listing.list_id, rule=display_name(listing.name), category=title))
    _say_off(snapshot, entry.group)


def _say_off(snapshot: Snapshot, group: str | None) -> None:
    off = [view.group for view in _views_for(snapshot, group) if view.level is Level.OFF]
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
