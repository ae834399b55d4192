"""`groups`: who is restricted how far, which networks they ask from, and what is closed to them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import click

from cli import protocol
from cli.arguments import NETWORK
from cli.context import Installation, pass_installation, who
from cli.errors import Misuse
from cli.groups_notes import warn_closed_besides, warn_outside, warn_without_effect
from cli.policy_file import opened
from cli.restrictions import Restrictions, options, restrictions_of, safe_search_line
from cli.table import print_json, print_table
from cli.typed import id_of, text_of
from cli.words import category_title
from policy.categories import BY_ID
from policy.groups import Group, closed_categories
from policy.levels import Level
from policy.networks import IPNetwork
from policy.presets import Preset
from policy.safesearch import ENGINES, OFF, SAFE
from policy.services import SERVICES, SERVICES_BY_ID
from settings.model import Settings
from storage.policy_db import PolicyDb
from storage.policy_rows import GroupChange, UnknownGroup
from storage.policy_schema import FIRST_BLOCKED
from translations import _

_id_argument = click.argument("id_", metavar="ID")
_level_option = click.option(
    "--level",
    type=click.Choice([level.value for level in Level]),
    help=_("high, medium, low, off (nothing opens) or open (staff)."),
)
_title_option = click.option("--title", metavar="TEXT", help=_("What people call the group."))
_supervised_option = click.option(
    "--supervised/--unsupervised",
    "supervised",
    default=None,
    help=_("Whether rooms and lessons restrict it: pupils yes, teachers no."),
)
_network_option = click.option(
    "--network", "networks", type=NETWORK, multiple=True, help=_("A network of this group (may be repeated).")
)


@click.group(
    invoke_without_command=True,
    help=_("Show the groups, or change one. Example: schoolfilter groups set teachers --network 10.0.2.0/24"),
)
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_installation
@click.pass_context
def groups(ctx: click.Context, installation: Installation, as_json: bool) -> None:
    """List the groups if no command follows."""
    if ctx.invoked_subcommand is not None:
        if as_json:
            raise Misuse(_("--json stands behind the command: groups show ID --json"))
        return
    found, default = _read(installation.settings)
    if as_json:
        print_json([_as_json(group, default) for group in found])
        return
    headings = (
        _("GROUP"),
        _("TITLE"),
        _("LEVEL"),
        _("SUPERVISED"),
        _("NETWORKS"),
        _("CLOSED CATEGORIES"),
        _("SERVICES"),
        _("SAFE SEARCH"),
    )
    print_table(headings, (_row(group, default) for group in found))
    click.echo(_("* the group of every client whose network is in no other group"))


@groups.command(help=_("Show one group. Example: schoolfilter groups show pupils"))
@_id_argument
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_installation
def show(installation: Installation, id_: str, as_json: bool) -> None:
    """Print everything about a group."""
    group, default = _one(installation.settings, id_)
    if as_json:
        print_json(_as_json(group, default))
        return
    click.echo(f"{group.id}: {group.title}")
    click.echo(_("Level: {level}").format(level=group.level))
    if group.supervised:
        click.echo(_("Supervised: yes, rooms and lessons restrict it."))
    else:
        click.echo(_("Supervised: no, rooms and lessons do not restrict it."))
    networks = ", ".join(map(str, group.networks)) or "-"
    click.echo(_("Networks: {networks}").format(networks=networks))
    if group.id == default:
        click.echo(_("Every client whose network is in no other group belongs here."))
    click.echo(_("Safe search: {engines}").format(engines=safe_search_line(group.safe_search)))
    closed = _closed(group)
    click.echo(_("Closed categories:"))
    for category in sorted(closed - SERVICES_BY_ID.keys()):
        locked = category in BY_ID and BY_ID[category].locked
        click.echo(f"  {category_title(category)}" + (f"  [{_('by law')}]" if locked else _hours_of(group, category)))
    services = sorted(closed & SERVICES_BY_ID.keys())
    click.echo(_("Closed services:") + ("" if services else " -"))
    for service in services:
        click.echo(f"  {category_title(service)}{_hours_of(group, service)}")


@groups.command(
    "set",
    help=_(
        "Change a group.\n\nExample: schoolfilter groups set pupils --block tiktok --block games "
        "--hours 'mon-fri 08:00-13:30' --protocol 3 --date 2026-09-01\n\n"
        "With nothing but a protocol, all that holds for the group without one rests on it."
    ),
)
@_id_argument
@_level_option
@_title_option
@_supervised_option
@options
@click.option(
    "--unblock",
    "unblock",
    multiple=True,
    metavar="ID",
    help=_("Open a category or a service (may be repeated)."),
)
@_network_option
@click.option(
    "--drop-network",
    "drop",
    type=NETWORK,
    multiple=True,
    help=_("A network no longer of this group (may be repeated)."),
)
@protocol.options
@pass_installation
def set_(
    installation: Installation,
    id_: str,
    level: str | None,
    title: str | None,
    supervised: bool | None,
    preset: str | None,
    block: tuple[str, ...],
    hours: str | None,
    safe_search: tuple[str, ...],
    youtube: str | None,
    unblock: tuple[str, ...],
    networks: tuple[IPNetwork, ...],
    drop: tuple[IPNetwork, ...],
    number: str | None,
    day: str | None,
) -> None:
    """Change a group, all of it or nothing."""
    document = protocol.document_of(number, day)
    asked = restrictions_of(preset, block, hours, unblock, safe_search, youtube)
    chosen, now = Level(level) if level else None, datetime.now(UTC)
    change = GroupChange(
        chosen,
        _title(title),
        asked.block,
        asked.unblock,
        networks,
        drop,
        asked.hours,
        tuple(asked.safe_search.items()),
        supervised,
    )
    if asked.preset is not None:
        change = _with_preset(change, asked.preset, _one(installation.settings, id_)[0])
    if change == GroupChange() and not document:
        raise Misuse(_("expected something to change, such as --level, --block or --network; --help lists them"))
    _change(installation.settings, lambda policy: policy.set_group(id_, change, document=document, at=now, by=who()))
    click.echo(_("{group} is changed; the server follows within a second.").format(group=id_))
    protocol.say_without(document, _("To add it, repeat the command with --protocol NUMBER --date YYYY-MM-DD."))
    warn_without_effect(_one(installation.settings, id_)[0], asked.block)
    warn_closed_besides(installation.settings, id_, [*(asked.block if asked.hours else ()), *asked.unblock])
    warn_outside(installation.settings, networks)


@groups.command(help=_("Add a group.\n\nExample: schoolfilter groups add room5 --level high --network 10.0.5.0/24"))
@_id_argument
@_level_option
@_title_option
@_supervised_option
@options
@_network_option
@protocol.options
@pass_installation
def add(
    installation: Installation,
    id_: str,
    level: str | None,
    title: str | None,
    supervised: bool | None,
    preset: str | None,
    block: tuple[str, ...],
    hours: str | None,
    safe_search: tuple[str, ...],
    youtube: str | None,
    networks: tuple[IPNetwork, ...],
    number: str | None,
    day: str | None,
) -> None:
    """Add a group. What is not given is as a new school has it for pupils."""
    document = protocol.document_of(number, day)
    id_of(id_)
    asked, now = restrictions_of(preset, block, hours, (), safe_search, youtube), datetime.now(UTC)
    chosen = Level(level) if level else asked.preset.level if asked.preset else Level.MEDIUM
    blocked, modes = _first(asked, chosen)

    async def work(policy: PolicyDb) -> None:
        await policy.add_group(
            *(id_, _title(title) or id_, chosen, blocked, networks),
            hours=asked.hours,
            safe_search=modes,
            supervised=chosen not in (Level.LOW, Level.OPEN) if supervised is None else supervised,
            document=document,
            at=now,
            by=who(),
        )

    _change(installation.settings, work)
    click.echo(_("The group {group} is added, at the level {level}.").format(group=id_, level=chosen))
    next_step = _("To add it: schoolfilter groups set {group} --protocol NUMBER --date YYYY-MM-DD")
    protocol.say_without(document, next_step.format(group=id_))
    warn_without_effect(_one(installation.settings, id_)[0], asked.block)
    warn_outside(installation.settings, networks)


@groups.command(help=_("Remove a group. Example: schoolfilter groups remove room5"))
@_id_argument
@click.option("--force", is_flag=True, help=_("Even if it has networks or entries: clients fall to the default group."))
@protocol.options
@pass_installation
def remove(installation: Installation, id_: str, force: bool, number: str | None, day: str | None) -> None:
    """Remove a group that is no longer needed; its history stays."""
    document, now = protocol.document_of(number, day), datetime.now(UTC)

    async def work(policy: PolicyDb) -> None:
        await policy.remove_group(id_, force=force, document=document, at=now, by=who())

    _change(installation.settings, work)
    click.echo(_("The group {group} is removed.").format(group=id_))
    protocol.say_without(document, _("It is given with --protocol NUMBER --date YYYY-MM-DD."))


def _read(settings: Settings) -> tuple[list[Group], str]:
    async def read() -> tuple[list[Group], str]:
        async with await opened(settings) as policy:
            return await policy.groups(), await policy.default_group()

    return asyncio.run(read())


def _one(settings: Settings, id_: str) -> tuple[Group, str]:
    """Return a group and the id of the default group. Raises UnknownGroup."""
    found, default = _read(settings)
    group = next((each for each in found if each.id == id_), None)
    if group is None:
        message = _("expected a group that exists ({groups}), found {group}.")
        raise UnknownGroup(message.format(groups=", ".join(each.id for each in found), group=id_))
    return group, default


def _change(settings: Settings, work: Callable[[PolicyDb], Awaitable[None]]) -> None:
    async def change() -> None:
        async with await opened(settings) as policy:
            await work(policy)

    asyncio.run(change())


def _title(title: str | None) -> str | None:
    return None if title is None else text_of(title, "--title", 80)


def _with_preset(change: GroupChange, preset: Preset, group: Group) -> GroupChange:
    """Return the change that also does what a preset says; what was asked for by name goes before it."""
    off = dict.fromkeys((engine.id for engine in ENGINES), OFF)
    modes = {**off, **preset.safe_search, **dict(change.safe_search)}
    return replace(
        change,
        level=change.level or preset.level,
        block=tuple(sorted(preset.blocked.union(change.block).difference(change.unblock))),
        unblock=tuple(sorted(group.blocked_categories.difference(preset.blocked, change.block).union(change.unblock))),
        safe_search=tuple(modes.items()),
    )


def _first(asked: Restrictions, level: Level) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return what is blocked for a new group, and its safe search."""
    if asked.preset is not None:
        return tuple(sorted(asked.preset.blocked.union(asked.block))), {**asked.preset.safe_search, **asked.safe_search}
    modes = {} if level is Level.OPEN else SAFE
    return asked.block or FIRST_BLOCKED, {**modes, **asked.safe_search}


def _closed(group: Group) -> frozenset[str]:
    return closed_categories(group.level, group.blocked_categories)


def _hours_of(group: Group, id_: str) -> str:
    hours = group.hours.get(id_)
    return f"  [{hours}]" if hours else ""


def _row(group: Group, default: str) -> tuple[str, ...]:
    closed = _closed(group)
    share = _("{count} of {all}")
    safe = sum(mode != OFF for mode in group.safe_search.values())
    return (
        group.id + ("*" if group.id == default else ""),
        group.title,
        group.level,
        _("yes") if group.supervised else _("no"),
        ", ".join(map(str, group.networks)) or "-",
        share.format(count=len(closed & BY_ID.keys()), all=len(BY_ID)),
        share.format(count=len(closed & SERVICES_BY_ID.keys()), all=len(SERVICES)),
        share.format(count=safe, all=len(ENGINES)),
    )


def _as_json(group: Group, default: str) -> dict[str, object]:
    closed = _closed(group)
    return {
        "id": group.id,
        "title": group.title,
        "level": group.level,
        "supervised": group.supervised,
        "default": group.id == default,
        "networks": [str(network) for network in group.networks],
        "blocked_categories": sorted(group.blocked_categories - SERVICES_BY_ID.keys()),
        "blocked_services": sorted(group.blocked_categories & SERVICES_BY_ID.keys()),
        "closed_categories": sorted(closed - SERVICES_BY_ID.keys()),
        "closed_services": sorted(closed & SERVICES_BY_ID.keys()),
        "hours": {id_: str(hours) for id_, hours in sorted(group.hours.items())},
        "safe_search": {engine.id: group.safe_search.get(engine.id, OFF) for engine in ENGINES},
    }
