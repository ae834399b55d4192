"""What this machine knows of the network around it, for `doctor` and `devices discover`: devices, routers, itself."""

import socket
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from policy.discovery import Lease, Whereabouts
from policy.networks import parse_address
from resolver.leases import LeasesError, read_leases
from resolver.neighbours import gateways, neighbours
from settings.checks import split_listen
from settings.model import DeviceSettings

_DNS_PORT = 53


@dataclass(frozen=True, slots=True)
class Vicinity:
    """What is known now."""

    whereabouts: Whereabouts = field(default_factory=lambda: Whereabouts({}, {}))
    gateways: frozenset[str] = frozenset()
    """Addresses of the routers to which this machine sends what is not for its own networks, IPv4 and IPv6."""
    complaints: tuple[str, ...] = ()
    """Why something is not known, in words."""


def look_around(settings: DeviceSettings, now: float) -> Vicinity:
    """Ask the kernel and read the lease files, as far as the settings say so. `now`: Unix time."""
    leases: dict[str, Lease] = {}
    complaints = []
    for path in settings.lease_files:
        try:
            leases |= read_leases(Path(path), now).by_address
        except LeasesError as error:
            complaints.append(str(error))
    macs = {}
    if settings.neighbours:
        table = neighbours()
        macs = dict(table.macs)
        complaints += [table.reason] if table.reason else []
    return Vicinity(Whereabouts(macs, leases), gateways(), tuple(complaints))


def source_for(address: str) -> str:
    """Return the address from which this machine would ask another one; empty if it has none. Sends nothing."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect((address, _DNS_PORT))
            return str(parse_address(sock.getsockname()[0]))
    except OSError:
        return ""


def own_among(addresses: Iterable[str]) -> frozenset[str]:
    """Return those that are this machine's own: the ones from which it asks itself."""
    return frozenset(address for address in addresses if source_for(address) == address)


def of_others(queries: Mapping[str, int], own: Collection[str]) -> dict[str, int]:
    """Return queries by address without those of this machine; what is no address is left out too."""
    return {client: count for client, count in queries.items() if client not in own and not _no_device(client)}


def _no_device(client: str) -> bool:
    """Tell whether this is the machine itself, as in a try, or no address at all."""
    try:
        return parse_address(client).is_loopback
    except ValueError:
        return True


def reached_at(listen: Sequence[str], routers: Iterable[str]) -> str:
    """Return the address to give out to devices by DHCP: where we listen, else our own in the network of a router.

    IPv4 before IPv6; empty if nothing tells.
    """
    named = [parse_address(split_listen(text)[0]) for text in listen]
    found = [str(address) for address in named if not (address.is_unspecified or address.is_loopback)]
    if not found:
        found = [source for router in sorted(routers) if (source := source_for(router))]
    return min(found, key=lambda each: ip_address(each).version, default="")
