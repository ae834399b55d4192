"""`groups`: who is restricted how far, which networks they ask from, and what is closed to them."""

import asyncio
import difflib
import ipaddress
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import click

from cli.arguments import NETWORK
from cli.context import Installation, pass_installation, who
from cli.errors import Misuse
from cli.policy import category_title, opened
from cli.table import print_json, print_table
from cli.typed import text_of
from policy.categories import BY_ID
from policy.snapshot import Group, IPNetwork, Level, closed_categories
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
_block_option = click.option(
    "--block", "block", multiple=True, metavar="CATEGORY", help=_("Close a category (may be repeated).")
)
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
    headings = (_("GROUP"), _("TITLE"), _("LEVEL"), _("NETWORKS"), _("CLOSED CATEGORIES"))
    print_table(headings, (_row(group, default) for group in found))
    click.echo(_("* the group of every client whose network is in no other group"))


@groups.command(help=_("Show one group. Example: schoolfilter groups show pupils"))
@_id_argument
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_installation
def show(installation: Installation, id_: str, as_json: bool) -> None:
    """Print everything about a group."""
    found, default = _read(installation.settings)
    group = next((each for each in found if each.id == id_), None)
    if group is None:
        message = _("expected a group that exists ({groups}), found {group}.")
        raise UnknownGroup(message.format(groups=", ".join(each.id for each in found), group=id_))
    if as_json:
        print_json(_as_json(group, default))
        return
    click.echo(f"{group.id}: {group.title}")
    click.echo(_("Level: {level}").format(level=group.level))
    networks = ", ".join(map(str, group.networks)) or "-"
    click.echo(_("Networks: {networks}").format(networks=networks))
    if group.id == default:
        click.echo(_("Every client whose network is in no other group belongs here."))
    click.echo(_("Closed categories:"))
    for category in sorted(closed_categories(group.level, group.blocked_categories)):
        locked = category in BY_ID and BY_ID[category].locked
        click.echo(f"  {category_title(category)}" + (f"  [{_('by law')}]" if locked else ""))


@groups.command("set", help=_("Change a group. Example: schoolfilter groups set pupils --unblock video --level medium"))
@_id_argument
@_level_option
@_title_option
@_block_option
@click.option("--unblock", "unblock", multiple=True, metavar="CATEGORY", help=_("Open a category (may be repeated)."))
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
    block: tuple[str, ...],
    unblock: tuple[str, ...],
    networks: tuple[IPNetwork, ...],
    drop: tuple[IPNetwork, ...],
) -> None:
    """Change a group, all of it or nothing."""
    change = GroupChange(
        Level(level) if level else None, _title(title), _categories(block), _openable(unblock), networks, drop
    )
    if change == GroupChange():
        raise Misuse(_("expected something to change, such as --level, --block or --network; --help lists them"))
    now = datetime.now(UTC)
    _change(installation.settings, lambda policy: policy.set_group(id_, change, at=now, by=who()))
    click.echo(_("{group} is changed; the server follows within a second.").format(group=id_))
    _warn_outside(installation.settings, networks)


@groups.command(help=_("Add a group. Example: schoolfilter groups add room5 --level high --network 10.0.5.0/24"))
@_id_argument
@_level_option
@_title_option
@_block_option
@_network_option
@pass_installation
def add(
    installation: Installation,
    id_: str,
    level: str | None,
    title: str | None,
    block: tuple[str, ...],
    networks: tuple[IPNetwork, ...],
) -> None:
    """Add a group; without --block it has the categories closed that a new school closes for pupils."""
    if not _ID.fullmatch(id_):
        message = _("expected an id of small Latin letters, digits and hyphens, such as room-5, found {text}")
        raise Misuse(message.format(text=repr(id_[:60])))
    blocked, now = _categories(block) or FIRST_BLOCKED, datetime.now(UTC)
    chosen = Level(level) if level else Level.MEDIUM

    async def work(policy: PolicyDb) -> None:
        await policy.add_group(id_, _title(title) or id_, chosen, blocked, networks, at=now, by=who())

    _change(installation.settings, work)
    click.echo(_("The group {group} is added, at the level {level}.").format(group=id_, level=chosen))
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


def _change(settings: Settings, work: Callable[[PolicyDb], Awaitable[None]]) -> None:
    async def change() -> None:
        async with await opened(settings) as policy:
            await work(policy)

    asyncio.run(change())


def _title(title: str | None) -> str | None:
    return None if title is None else text_of(title, "--title", 80)


def _categories(ids: Sequence[str]) -> tuple[str, ...]:
    unknown = []
    for id_ in ids:
        if id_ not in BY_ID:
            near = difflib.get_close_matches(id_, BY_ID, n=1, cutoff=0.5)
            hint = (
                _("did you mean {name}?").format(name=near[0]) if near else _("`schoolfilter categories` lists them.")
            )
            unknown.append(_("expected a category, found {text}: {hint}").format(text=repr(id_[:60]), hint=hint))
    if unknown:
        raise Misuse("\n".join(unknown))
    return tuple(ids)


def _openable(ids: Sequence[str]) -> tuple[str, ...]:
    locked = [category_title(id_) for id_ in _categories(ids) if BY_ID[id_].locked]
    if locked:
        message = _("the law forbids {categories}: closed for every group, nobody can open it. Nothing was changed.")
        raise Misuse(message.format(categories=", ".join(locked)))
    return tuple(ids)


def _warn_outside(settings: Settings, networks: Sequence[IPNetwork]) -> None:
    allowed = [ipaddress.ip_network(text) for text in settings.server.allowed_networks]
    for network in networks:
        if not any(_holds(holder, network) for holder in allowed):
            message = _("Note: clients of {network} get no answers until server.allowed_networks holds that network.")
            click.echo(message.format(network=network), err=True)


def _holds(holder: IPNetwork, network: IPNetwork) -> bool:
    return holder.version == network.version and network.subnet_of(holder)  # type: ignore[arg-type] # same version


def _row(group: Group, default: str) -> tuple[str, ...]:
    closed = closed_categories(group.level, group.blocked_categories)
    share = _("{count} of {all}").format(count=len(closed & BY_ID.keys()), all=len(BY_ID))
    networks = ", ".join(map(str, group.networks)) or "-"
    return group.id + ("*" if group.id == default else ""), group.title, group.level, networks, share


def _as_json(group: Group, default: str) -> dict[str, object]:
    return {
        "id": group.id,
        "title": group.title,
        "level": group.level,
        "default": group.id == default,
        "networks": [str(network) for network in group.networks],
        "blocked_categories": sorted(group.blocked_categories),
        "closed_categories": sorted(closed_categories(group.level, group.blocked_categories)),
    }
