"""`groups`: who is restricted how far, which networks they ask from, and what is closed to them."""

import asyncio
import ipaddress
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import click

from cli.arguments import NETWORK
from cli.closed_besides import closed_besides
from cli.context import Installation, pass_installation, who
from cli.errors import Misuse
from cli.policy import category_title, opened
from cli.restrictions import Restrictions, options, restrictions_of, safe_search_line
from cli.table import print_json, print_table
from cli.typed import text_of
from policy.categories import BY_ID
from policy.levels import Level
from policy.presets import Preset
from policy.safesearch import ENGINES, OFF, SAFE
from policy.services import SERVICES, SERVICES_BY_ID
from policy.snapshot import Group, IPNetwork, closed_categories
from settings.model import Settings
from storage.policy_db import PolicyDb
from storage.policy_rows import GroupChange, UnknownGroup
from storage.policy_schema import FIRST_BLOCKED
from translations import _

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
"""What stands in the query log, on command lines and in addresses: plain letters, no spaces."""

_id_argument = click.argument("id_", metavar="ID")
_level_option = click.option(
    "--level",
    type=click.Choice([level.value for level in Level]),
    help=_("high, medium, low, off (nothing opens) or open (staff)."),
)
_title_option = click.option("--title", metavar="TEXT", help=_("What people call the group."))
_network_option = click.option(
    "--network", "networks", type=NETWORK, multiple=True, help=_("A network of this group (may be repeated).")
)


@click.group(
    invoke_without_command=True,
    help=_("Show the groups, or change one. Example: schoolfilter groups set teachers --network 10.0.2.0/24"),
)
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@click.pass_context
def groups(ctx: click.Context, as_json: bool) -> None:
    """List the groups if no command follows."""
    if ctx.invoked_subcommand is not None:
        if as_json:
            raise Misuse(_("--json stands behind the command: groups show ID --json"))
        return
    installation = ctx.find_object(Installation)
    assert installation is not None  # noqa: S101 - the root group puts it there before any command runs
    found, default = _read(installation.settings)
    if as_json:
        print_json([_as_json(group, default) for group in found])
        return
    headings = (
        _("GROUP"),
        _("TITLE"),
        _("LEVEL"),
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
        "--hours 'mon-fri 08:00-13:30'"
    ),
)
@_id_argument
@_level_option
@_title_option
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
@pass_installation
def set_(
    installation: Installation,
    id_: str,
    level: str | None,
    title: str | None,
    preset: str | None,
    block: tuple[str, ...],
    hours: str | None,
    safe_search: tuple[str, ...],
    youtube: str | None,
    unblock: tuple[str, ...],
    networks: tuple[IPNetwork, ...],
    drop: tuple[IPNetwork, ...],
) -> None:
    """Change a group, all of it or nothing."""
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
    )
    if asked.preset is not None:
        change = _with_preset(change, asked.preset, _one(installation.settings, id_)[0])
    if change == GroupChange():
        raise Misuse(_("expected something to change, such as --level, --block or --network; --help lists them"))
    _change(installation.settings, lambda policy: policy.set_group(id_, change, at=now, by=who()))
    click.echo(_("{group} is changed; the server follows within a second.").format(group=id_))
    _warn_without_effect(installation.settings, id_, asked.block)
    _warn_closed_besides(installation.settings, id_, [*(asked.block if asked.hours else ()), *asked.unblock])
    _warn_outside(installation.settings, networks)


@groups.command(help=_("Add a group.\n\nExample: schoolfilter groups add room5 --level high --network 10.0.5.0/24"))
@_id_argument
@_level_option
@_title_option
@options
@_network_option
@pass_installation
def add(
    installation: Installation,
    id_: str,
    level: str | None,
    title: str | None,
    preset: str | None,
    block: tuple[str, ...],
    hours: str | None,
    safe_search: tuple[str, ...],
    youtube: str | None,
    networks: tuple[IPNetwork, ...],
) -> None:
    """Add a group. What is not given is as a new school has it for pupils."""
    if not _ID.fullmatch(id_):
        message = _("expected an id of small Latin letters, digits and hyphens, such as room-5, found {text}")
        raise Misuse(message.format(text=repr(id_[:60])))
    asked, now = restrictions_of(preset, block, hours, (), safe_search, youtube), datetime.now(UTC)
    chosen = Level(level) if level else asked.preset.level if asked.preset else Level.MEDIUM
    blocked, modes = _first(asked, chosen)

    async def work(policy: PolicyDb) -> None:
        await policy.add_group(
            *(id_, _title(title) or id_, chosen, blocked, networks),
            hours=asked.hours,
            safe_search=modes,
            at=now,
            by=who(),
        )

    _change(installation.settings, work)
    click.echo(_("The group {group} is added, at the level {level}.").format(group=id_, level=chosen))
    _warn_without_effect(installation.settings, id_, asked.block)
    _warn_outside(installation.settings, networks)


@groups.command(help=_("Remove a group. Example: schoolfilter groups remove room5"))
@_id_argument
@click.option("--force", is_flag=True, help=_("Even if it has networks or entries: clients fall to the default group."))
@pass_installation
def remove(installation: Installation, id_: str, force: bool) -> None:
    """Remove a group that is no longer needed; its history stays."""
    now = datetime.now(UTC)
    _change(installation.settings, lambda policy: policy.remove_group(id_, force=force, at=now, by=who()))
    click.echo(_("The group {group} is removed.").format(group=id_))


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


def _warn_without_effect(settings: Settings, id_: str, block: Sequence[str]) -> None:
    group, _default = _one(settings, id_)
    idle = [category_title(each) for each in block if each not in _closed(group)]
    if idle:
        message = _("Note: at the level {level} these stay open all the same: {ids}. Level medium closes them.")
        click.echo(message.format(level=group.level, ids=", ".join(idle)), err=True)


def _warn_closed_besides(settings: Settings, id_: str, opened_at_times: Sequence[str]) -> None:
    """Name what keeps services closed that were opened, or are to be closed in some hours only."""
    services = [each for each in opened_at_times if each in SERVICES_BY_ID]
    if not services:
        return
    for each in closed_besides(settings, id_, services):
        text = _("Note: {closer} is closed for {group} too: of {all} names of {service}, {count} stay closed.")
        title, service = category_title(each.closer), category_title(each.service)
        click.echo(
            text.format(closer=title, group=id_, count=each.count, all=each.all, service=service),
            err=True,
        )


def _warn_outside(settings: Settings, networks: Sequence[IPNetwork]) -> None:
    allowed = [ipaddress.ip_network(text) for text in settings.server.allowed_networks]
    for network in networks:
        if not any(_holds(holder, network) for holder in allowed):
            message = _("Note: clients of {network} get no answers until server.allowed_networks holds that network.")
            click.echo(message.format(network=network), err=True)


def _holds(holder: IPNetwork, network: IPNetwork) -> bool:
    return holder.version == network.version and network.subnet_of(holder)  # type: ignore[arg-type] # same version


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
        "default": group.id == default,
        "networks": [str(network) for network in group.networks],
        "blocked_categories": sorted(group.blocked_categories - SERVICES_BY_ID.keys()),
        "blocked_services": sorted(group.blocked_categories & SERVICES_BY_ID.keys()),
        "closed_categories": sorted(closed - SERVICES_BY_ID.keys()),
        "closed_services": sorted(closed & SERVICES_BY_ID.keys()),
        "hours": {id_: str(hours) for id_, hours in sorted(group.hours.items())},
        "safe_search": {engine.id: group.safe_search.get(engine.id, OFF) for engine in ENGINES},
    }
