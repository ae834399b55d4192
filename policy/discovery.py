"""Who is out there: clients that asked, which of them are known devices, and whether a router asks for all of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from policy.devices import Device, Directory, is_randomised
from policy.networks import parse_address
from translations import _

ENOUGH_QUERIES = 1_000
"""With fewer nobody can say who asks for whom: one telephone asks as much in an hour."""
NEARLY_ALL = 0.9
"""No device of a school asks nine questions of ten. The tenth is left to those who already ask by themselves."""
HALF, MUCH = 0.5, 0.3
"""A router by itself asks only for the time and its updates. With half of all questions it asks for others; with a
third too, if some devices never ask. But whoever talks to the router alone is mostly not seen from here at all."""
SILENT_DEVICES = 3
"""Two devices that never ask may be a printer and a switch."""


@dataclass(frozen=True, slots=True)
class Lease:
    """What a DHCP server noted down about an address."""

    mac: str
    """As policy/devices.py writes it; empty if the server did not say, as for IPv6."""
    hostname: str
    """As the device calls itself; empty if it has not said."""
    expires: int | None
    """Unix time; None: never."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How often an address asked."""

    address: str
    """As policy/devices.py writes it."""
    queries: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """A client that asked, with all that is known of it."""

    address: str
    mac: str
    """Empty if nobody knows it: the client is in another network than this server."""
    hostname: str
    randomised: bool
    """The MAC was made up by the device (`about_randomised` of policy/devices.py)."""
    device: Device | None
    group: str
    """That of the network it asks from."""
    first: datetime
    last: datetime
    queries: int
    share: float
    """Of all queries, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Silent:
    """A device of the network that never asked: it is off, needs no names, or has them from somebody else."""

    mac: str
    addresses: tuple[str, ...]
    hostname: str
    device: Device | None


class Whereabouts:
    """What is known of addresses: what the kernel sees on the cable now, else what DHCP gave out."""

    __slots__ = ("_leases", "_names", "macs")

    def __init__(self, neighbours: Mapping[str, str], leases: Mapping[str, Lease]) -> None:
        self.macs: Mapping[str, str] = {a: lease.mac for a, lease in leases.items() if lease.mac} | dict(neighbours)
        """MAC by address."""
        self._leases = leases
        # A name is given with the IPv4 address, and the same device asks by IPv6 too.
        self._names = {lease.mac: lease.hostname for lease in leases.values() if lease.mac and lease.hostname}

    def mac(self, address: str) -> str:
        """Return the MAC of an address; empty if it is not known."""
        return self.macs.get(address, "")

    def hostname(self, address: str) -> str:
        """Return what the device of an address calls itself; empty if that is not known."""
        lease = self._leases.get(address)
        # The lease may be of a device that had the address before: then its MAC is another one.
        if lease is not None and lease.hostname and lease.mac in ("", self.mac(address)):
            return lease.hostname
        return self._names.get(self.mac(address), "")


def discover(
    seen: Iterable[Seen], whereabouts: Whereabouts, directory: Directory, group_of: Callable[[str], str]
) -> tuple[Found, ...]:
    """Return who asked, the busiest first. `group_of` says which group a network's address has."""
    clients = sorted(seen, key=lambda each: (-each.queries, parse_address(each.address).packed))
    total = sum(each.queries for each in clients)
    return tuple(
        Found(
            each.address,
            mac := whereabouts.mac(each.address),
            whereabouts.hostname(each.address),
            bool(mac) and is_randomised(mac),
            directory.find(each.address, mac),
            group_of(each.address),
            each.first,
            each.last,
            each.queries,
            each.queries / total if total else 0.0,
        )
        for each in clients
    )


def silent(
    asked: Iterable[str], whereabouts: Whereabouts, directory: Directory, *, apart: Iterable[str] = ()
) -> tuple[Silent, ...]:
    """Return the devices of the network none of whose addresses asked, but those that have an address in `apart`."""
    heard = {whereabouts.mac(address) for address in (*asked, *apart)}
    addresses: dict[str, list[str]] = {}
    for address, mac in whereabouts.macs.items():
        if mac not in heard:
            addresses.setdefault(mac, []).append(address)
    return tuple(
        Silent(
            mac,
            tuple(theirs),
            next(filter(None, map(whereabouts.hostname, theirs)), ""),
            next(filter(None, (directory.find(address, mac) for address in theirs)), None),
        )
        for mac, theirs in sorted(addresses.items())
    )


class Sign(StrEnum):
    """What gives away that somebody asks for others."""

    ROUTER = "router"
    """Nearly all queries come from the gateway."""
    PARTLY = "partly"
    """More queries come from the gateway than a router needs for itself."""
    SOMEBODY = "somebody"
    """Nearly all queries come from one address that is not the gateway. It may be the one device in use."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One address asks for many devices, and so all of them look like one."""

    address: str
    """The busiest of its addresses."""
    queries: int
    """Of all its addresses."""
    total: int
    silent: int
    """How many devices of the network never ask."""
    reason: Sign
    trusted: bool
    """It is among `devices.trusted_routers`, but its queries do not say who asked."""

    @property
    def share(self) -> float:
        """Its part of all queries, 0 to 1."""
        return self.queries / self.total


def router_suspicion(
    queries: Mapping[str, int],
    gateways: Iterable[str],
    whereabouts: Whereabouts,
    *,
    own: Iterable[str] = (),
    trusted: Iterable[str] = (),
    more: int = 0,
) -> Suspicion | None:
    """Return who asks for others, if the queries of each client show it.

    `own` are the addresses of this machine: what it asks itself counts for nothing, as does loopback. Queries of a
    trusted router that say who asked count for that device. `more` are queries of clients that nobody has named: then
    it cannot be said who never asks. Raises ValueError for a client that is no address.
    """
    ours = set(own)
    counts = {
        address: count
        for address, count in queries.items()
        if address not in ours and not parse_address(address).is_loopback
    }
    total = sum(counts.values()) + more
    if total < ENOUGH_QUERIES or not counts:
        return None
    routers = _router_addresses(gateways, whereabouts.macs)
    quiet = 0 if more else len(silent(counts, whereabouts, Directory(), apart=(*routers, *ours)))
    suspects = {address: count for address, count in counts.items() if address in routers}
    asked = sum(suspects.values())
    busiest = max(counts, key=lambda each: counts[each])
    if asked >= NEARLY_ALL * total:
        reason = Sign.ROUTER
    elif asked >= HALF * total or (asked >= MUCH * total and quiet >= max(SILENT_DEVICES, len(counts) - len(suspects))):
        reason = Sign.PARTLY
    elif counts[busiest] >= NEARLY_ALL * total:
        suspects, reason = {busiest: counts[busiest]}, Sign.SOMEBODY
    else:
        return None
    address = max(suspects, key=lambda each: suspects[each])
    return Suspicion(address, sum(suspects.values()), total, quiet, reason, not suspects.keys().isdisjoint(trusted))


def _router_addresses(gateways: Iterable[str], macs: Mapping[str, str]) -> frozenset[str]:
    """Return the gateways and the other IPv6 addresses of the same devices: a route names the link-local one only.

    Other IPv4 addresses with a router's MAC may be devices for which it answers (proxy ARP): they ask for themselves.
    """
    known = frozenset(gateways)
    theirs = {macs[gateway] for gateway in known if gateway in macs}
    return known | {address for address, mac in macs.items() if mac in theirs and ":" in address}


def meaning(suspicion: Suspicion) -> str:
    """Return what was seen and what it does to the rules, in words."""
    match suspicion.reason:
        case Sign.ROUTER:
            seen = _("{percent} % of {total} queries come from one address, {address}, which is the router.")
        case Sign.PARTLY:
            seen = _(
                "{percent} % of {total} queries come from the router, {address}. That is more than it needs for itself."
            )
        case Sign.SOMEBODY:
            seen = _("{percent} % of {total} queries come from one address, {address}.")
    seen = seen.format(percent=int(100 * suspicion.share), total=suspicion.total, address=suspicion.address)
    others = _("Other devices that are in the network and never ask: {count}.").format(count=suspicion.silent)
    effect = _(
        "All devices behind it look like one: every rule by room, group or device is blind, and the log cannot tell "
        "who asked."
    )
    return " ".join((seen, others, effect) if suspicion.silent else (seen, effect))


def advice(suspicion: Suspicion, own: str) -> tuple[str, ...]:
    """Return what to change, the most likely first. `own` is the address under which devices reach this server."""
    if suspicion.trusted:
        return (_trusted_but_mute(),)
    if suspicion.reason is Sign.SOMEBODY:
        return (*(text.format(own=own, address=suspicion.address) for text in _somebody()), _router_says_who())
    return (*(text.format(own=own, address=suspicion.address) for text in _routers()), _router_says_who())


def _routers() -> tuple[str, ...]:
    return (
        _(
            "In the router, change what it gives out to devices (LAN, DHCP server, option 6): as DNS server {own} and "
            "no other, instead of its own address {address}. Then let the devices connect anew. See "
            "docs/router-dhcp.md."
        ),
        _("OpenWrt: uci set dhcp.lan.dhcp_option='6,{own}'; uci commit dhcp; /etc/init.d/dnsmasq restart"),
        _(
            "Keenetic: My networks and Wi-Fi, Home segment, IP settings, DHCP server: DNS 1 is {own}, DNS 2 stays "
            "empty; and switch the router's own internet filter off."
        ),
        _("MikroTik: /ip dhcp-server network set [find] dns-server={own}"),
        _("TP-Link: Advanced, Network, DHCP Server: Primary DNS is {own}, Secondary DNS stays empty."),
    )


def _somebody() -> tuple[str, ...]:
    return (
        _("If {address} is the only device in use now, this is no fault."),
        _(
            "If {address} is a second router or a Wi-Fi box, make it an access point (AP mode, bridge): the cable in "
            "one of its LAN ports, its own DHCP server off."
        ),
        _(
            "If {address} is a server that asks for others, such as a domain controller, give out {own} to devices by "
            "DHCP (option 6) and send only the domain's own names to that server ([upstream.zones])."
        ),
    )


def _router_says_who() -> str:
    return _(
        "If it has to stay as it is and the router runs dnsmasq 2.87 or newer: add the lines add-mac, strip-mac, "
        "add-subnet=32,128 and strip-subnet to its dnsmasq.conf, and its address to trusted_routers in the section "
        "[devices] of this server's settings. Without the strip lines any device could pass for another."
    )


def _trusted_but_mute() -> str:
    return _(
        "It is among trusted_routers, but its queries do not say who asked. See that its dnsmasq has the lines "
        "add-mac, strip-mac, add-subnet=32,128 and strip-subnet and was started again, and that devices ask it "
        "directly."
    )
