"""What is told after a change of a group: what of it has no effect, or not the whole one."""

import ipaddress
from collections.abc import Sequence

import click

from cli.closed_besides import closed_besides
from cli.words import category_title
from policy.groups import Group, closed_categories
from policy.networks import IPNetwork
from policy.services import SERVICES_BY_ID
from settings.model import Settings
from translations import _


def warn_without_effect(group: Group, block: Sequence[str]) -> None:
    """Name what was blocked and stays open at the group's level."""
    closed = closed_categories(group.level, group.blocked_categories)
    idle = [category_title(each) for each in block if each not in closed]
    if idle:
        message = _("Note: at the level {level} these stay open all the same: {ids}. Level medium closes them.")
        click.echo(message.format(level=group.level, ids=", ".join(idle)), err=True)


def warn_closed_besides(settings: Settings, id_: str, opened_at_times: Sequence[str]) -> None:
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


def warn_outside(settings: Settings, networks: Sequence[IPNetwork]) -> None:
    """Name networks whose clients get no answers."""
    allowed = [ipaddress.ip_network(text) for text in settings.server.allowed_networks]
    for network in networks:
        if not any(_holds(holder, network) for holder in allowed):
            message = _("Note: clients of {network} get no answers until server.allowed_networks holds that network.")
            click.echo(message.format(network=network), err=True)


def _holds(holder: IPNetwork, network: IPNetwork) -> bool:
    return holder.version == network.version and network.subnet_of(holder)  # type: ignore[arg-type] # same version
