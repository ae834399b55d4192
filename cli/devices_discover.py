"""`devices discover`: who asks that nobody has named, who never asks, and whether a router asks for all of them."""

import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from ipaddress import ip_network
from itertools import count

import click

from cli import machine
from cli.amounts import number
from cli.context import pass_settings
from cli.devices_show import asked_since, moment_text, warn_of_detail
from cli.groups_notes import warn_outside
from cli.scene import Scene, look
from cli.table import print_json, print_table
from cli.vicinity import Vicinity, look_around, of_others, own_among, reached_at
from policy.devices import about_randomised
from policy.discovery import Found, Seen, Silent, Suspicion, advice, discover, meaning, router_suspicion, silent
from policy.networks import IPNetwork, Routes, parse_address
from resolver.askers import Asker
from settings.model import LogDetail, Settings
from translations import _

_NO_ID = re.compile(r"[^a-z0-9_-]+")
_LONGEST_ID = 32


@dataclass(frozen=True, slots=True)
class _Client:
    """A client that asked, and what it gets."""

    found: Found
    own: bool
    """It is this machine."""
    router: bool
    group: str
    """With what its device says of it, as all that follows."""
    group_network: IPNetwork | None
    """By which network it has the group; None: by its device, by its room, or because no network says it."""
    room: str
    room_network: IPNetwork | None

    @property
    def is_new(self) -> bool:
        """Whether it asks and nobody has named it."""
        return self.found.device is None and not self.own


@dataclass(frozen=True, slots=True)
class _Discovery:
    """All that was found."""

    clients: tuple[_Client, ...]
    silent: tuple[Silent, ...]
    suspicion: Suspicion | None
    vicinity: Vicinity


@click.command(
    "discover",
    short_help=_("Show who asks that nobody has named."),
    help=_(
        "Show who asks that nobody has named, by the query log, the devices that the system sees on the network, and "
        "lease files (devices.lease_files). Tells too who is in the network and never asks, and whether a router asks "
        "for everybody.\n\nExample: schoolfilter devices discover --days 1"
    ),
)
@click.option(
    "--days", type=click.IntRange(1, 3650), default=7, show_default=True, help=_("How many days of the query log.")
)
@click.option("--all", "everybody", is_flag=True, help=_("Show those that have a name too, and this machine."))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def discover_command(settings: Settings, days: int, everybody: bool, as_json: bool) -> None:
    """Print who is out there."""
    scene = look(settings)
    found = _discovery(settings, scene, days)
    shown = [client for client in found.clients if everybody or client.is_new]
    own = reached_at(settings.server.listen, found.vicinity.gateways) or _("this machine's address")
    if as_json:
        print_json(_as_json(found, shown, days, own))
        return
    for complaint in found.vicinity.complaints:
        click.echo(_("Note: {text}").format(text=complaint), err=True)
    warn_of_detail(settings)
    for line in _suspicion_lines(found.suspicion, own):
        click.echo(line)
    _print_clients(settings, scene, found, shown, days)
    _print_silent(found.silent, days)
    _print_example(scene, found.clients)


def _discovery(settings: Settings, scene: Scene, days: int) -> _Discovery:
    askers = asked_since(settings, scene.now - timedelta(days=days))
    vicinity = look_around(settings.devices, scene.now.timestamp())
    where, directory = vicinity.whereabouts, scene.snapshot.directory
    addresses = {each.address for each in askers}
    own = own_among(addresses | where.macs.keys())
    logged = _logged(askers)
    by_id = {device.id: device for device in directory.devices}
    clients = tuple(
        _client(scene, each if each.device else replace(each, device=by_id.get(logged[each.address])), vicinity, own)
        for each in discover(_seen(askers), where, directory, scene.snapshot.group_of)
    )
    lines = machine.newest_lines(settings.paths)
    suspicion = router_suspicion(
        of_others(machine.clients(lines, askers).queries, own),
        vicinity.gateways,
        where,
        own=own,
        trusted=settings.devices.trusted_routers,
    )
    # Where only blocked queries are logged, nobody can say who never asks.
    full = settings.log.detail is LogDetail.FULL
    quiet = silent(addresses, where, directory, apart=(*vicinity.gateways, *own)) if full else ()
    return _Discovery(clients, quiet, suspicion, vicinity)


def _logged(askers: Iterable[Asker]) -> Mapping[str, str]:
    """Return by address as which device it asked last; empty if as none."""
    return {each.address: each.device for each in sorted(askers, key=lambda each: each.last)}


def _seen(askers: Iterable[Asker]) -> Iterator[Seen]:
    """Yield each address once, whatever devices it was."""
    by_address: dict[str, list[Asker]] = {}
    for asker in askers:
        by_address.setdefault(asker.address, []).append(asker)
    for address, own in by_address.items():
        queries = sum(each.queries for each in own)
        yield Seen(address, queries, min(each.first for each in own), max(each.last for each in own))


def _client(scene: Scene, found: Found, vicinity: Vicinity, own: Collection[str]) -> _Client:
    snapshot, device = scene.snapshot, found.device
    place = snapshot.place(parse_address(found.address), device)
    return _Client(
        found,
        found.address in own or parse_address(found.address).is_loopback,
        found.address in vicinity.gateways,
        place.group,
        None if device and device.group else _network(snapshot.routes, found.address),
        place.room,
        None if device and device.room else _network(snapshot.room_routes, found.address),
    )


def _network(routes: Routes[str], address: str) -> IPNetwork | None:
    route = routes.find(parse_address(address))
    return route[0] if route is not None else None


def _suspicion_lines(suspicion: Suspicion | None, own: str) -> Iterator[str]:
    if suspicion is not None:
        yield meaning(suspicion)
        yield _("What to do:")
        yield from (f"  - {text}" for text in advice(suspicion, own))
        yield ""


def _print_clients(settings: Settings, scene: Scene, found: _Discovery, shown: list[_Client], days: int) -> None:
    if not shown:
        if any(not client.own for client in found.clients):
            text = _("Every client that asked in the last {days} days has a name; --all shows them.")
        else:
            text = _("Nobody asked in the last {days} days. How to point devices here: docs/router-dhcp.md")
        click.echo(text.format(days=days))
        return
    headings = (
        _("ADDRESS"),
        _("MAC"),
        _("HOST NAME"),
        _("GROUP"),
        _("ROOM"),
        _("DEVICE"),
        _("FIRST SEEN"),
        _("LAST SEEN"),
        _("QUERIES"),
    )
    print_table(headings, (_row(scene, client) for client in shown))
    if any(client.found.randomised for client in shown):
        click.echo(f"* {about_randomised()}")
    warn_outside(settings, [ip_network(client.found.address) for client in shown if not client.own])


def _row(scene: Scene, client: _Client) -> tuple[str, ...]:
    found = client.found
    return (
        found.address,
        f"{found.mac}*" if found.randomised else found.mac or "-",
        found.hostname or "-",
        _with_network(client.group, client.group_network),
        _with_network(client.room, client.room_network) if client.room else "-",
        _what(client),
        moment_text(scene, found.first),
        moment_text(scene, found.last),
        number(found.queries),
    )


def _with_network(id_: str, network: IPNetwork | None) -> str:
    return id_ if network is None else f"{id_} ({network})"


def _what(client: _Client) -> str:
    if client.own:
        return _("this machine")
    if client.found.device is not None:
        return client.found.device.id
    return _("the router") if client.router else "-"


def _print_silent(found: Collection[Silent], days: int) -> None:
    if not found:
        return
    text = _(
        "In the network, but never asked in the last {days} days: {count}. Such a device was switched off, needs no "
        "names (a printer, a switch), or has them from another DNS server and goes past the filter: see docs/"
        "router-dhcp.md, Closing the way around."
    )
    click.echo()
    click.echo(text.format(days=days, count=len(found)))
    headings = (_("MAC"), _("ADDRESSES"), _("HOST NAME"), _("DEVICE"))
    print_table(
        headings,
        (
            (
                each.mac,
                ", ".join(each.addresses),
                each.hostname or "-",
                each.device.id if each.device is not None else "-",
            )
            for each in found
        ),
    )


def _print_example(scene: Scene, clients: Iterable[_Client]) -> None:
    """Print a command that names the busiest client that has no name."""
    first = next((client.found for client in clients if client.is_new and not client.router), None)
    if first is not None:
        id_ = _free_id(first.hostname, {device.id for device in scene.snapshot.directory.devices})
        # A made-up MAC may be another one tomorrow.
        by = ["--address", first.address] if first.randomised or not first.mac else ["--mac", first.mac]
        click.echo()
        click.echo(_("To name the first of them:"))
        click.echo(f"  {shlex.join(['schoolfilter', 'devices', 'add', id_, *by])}")


def _free_id(hostname: str, taken: Collection[str]) -> str:
    """Return an id like what the device calls itself, or one for a computer, that no device has."""
    named = _NO_ID.sub("-", hostname.lower()).strip("-_")[:_LONGEST_ID]
    if named and named not in taken:
        return named
    base = named[: _LONGEST_ID - 5] or "pc"
    return next(id_ for n in count(1) if (id_ := f"{base}-{n}") not in taken)


def _as_json(found: _Discovery, shown: Iterable[_Client], days: int, own: str) -> dict[str, object]:
    suspicion = found.suspicion
    return {
        "days": days,
        "queries": sum(client.found.queries for client in found.clients),
        "suspicion": None if suspicion is None else _suspicion_json(suspicion, own),
        "clients": [_client_json(client) for client in shown],
        "silent": [
            {
                "mac": each.mac,
                "addresses": list(each.addresses),
                "hostname": each.hostname,
                "device": each.device.id if each.device is not None else None,
            }
            for each in found.silent
        ],
        "complaints": list(found.vicinity.complaints),
    }


def _suspicion_json(suspicion: Suspicion, own: str) -> dict[str, object]:
    return {
        "reason": suspicion.reason,
        "address": suspicion.address,
        "queries": suspicion.queries,
        "total": suspicion.total,
        "silent": suspicion.silent,
        "trusted": suspicion.trusted,
        "meaning": meaning(suspicion),
        "advice": list(advice(suspicion, own)),
    }


def _client_json(client: _Client) -> dict[str, object]:
    found = client.found
    return {
        "address": found.address,
        "mac": found.mac,
        "randomised": found.randomised,
        "hostname": found.hostname,
        "device": found.device.id if found.device is not None else None,
        "own": client.own,
        "router": client.router,
        "group": client.group,
        "group_network": str(client.group_network) if client.group_network is not None else None,
        "room": client.room,
        "room_network": str(client.room_network) if client.room_network is not None else None,
        "first": found.first.isoformat(),
        "last": found.last.isoformat(),
        "queries": found.queries,
    }
