"""Who is on the cable: the kernel's table of neighbours (which MAC an address has) and its gateways, by netlink.

Netlink and not /proc/net: the service does not see that (`ProcSubset=pid`), and the table for IPv6 is not there at all.
The parsers are pure: octets in, values out.
"""

import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from policy.devices import mac_text
from translations import _

_TIMEOUT = 1.0
"""Seconds. The kernel answers while it is asked; this only keeps a mistake from becoming a standstill."""
_OCTETS = 1 << 16
"""More than the kernel puts into one datagram of a dump (32 KiB)."""

# include/uapi/linux/netlink.h, rtnetlink.h, neighbour.h. Numbers are in the byte order of the machine.
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_RTM_NEWROUTE, _RTM_GETROUTE, _RTM_NEWNEIGH, _RTM_GETNEIGH = 24, 26, 28, 30
_REQUEST_DUMP = 0x001 | 0x300
_NDA_DST, _NDA_LLADDR = 1, 2
_USABLE = 0x02 | 0x04 | 0x08 | 0x10 | 0x80
"""States with a MAC that holds: reachable, stale, delay, probe, permanent. Not: incomplete, failed, noarp, none."""
_RTA_GATEWAY, _RTA_MULTIPATH, _RTA_VIA = 5, 9, 18
_ATTRIBUTE = 0x3FFF
"""The upper two bits of an attribute's type are flags."""

_HEADER = struct.Struct("=IHHII")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")
_ROUTE = struct.Struct("=BBBBBBBBI")
_SHORTS = struct.Struct("=HH")
_NEXT_HOP = struct.Struct("=HBBi")
_ERROR = struct.Struct("=i")


class NetlinkError(ValueError):
    """The kernel's answer is no netlink message, or says that it refuses."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What the kernel knows of the devices on its networks."""

    macs: Mapping[str, str] = field(default_factory=dict)
    """MAC by address, both as policy/devices.py writes them. An address that two networks use is left out."""
    reason: str = ""
    """Why the kernel did not tell, in words; empty if it did."""


def neighbours() -> Neighbours:
    """Return the neighbours, IPv4 and IPv6. Needs no privilege; where netlink is closed, says so in `reason`."""
    macs: dict[str, str] = {}
    try:
        for payload in _dump(_RTM_GETNEIGH, _RTM_NEWNEIGH, _NEIGHBOUR.size):
            neighbour = parse_neighbour(payload)
            if neighbour is not None:
                address, mac = neighbour
                # Who is at the same link-local address on two networks cannot be told by the address alone.
                macs[address] = mac if macs.get(address, mac) == mac else ""
    except (OSError, NetlinkError) as error:
        said = _("The kernel does not tell which devices are on the network: {error}. The service needs AF_NETLINK.")
        return Neighbours(reason=said.format(error=error))
    return Neighbours({address: mac for address, mac in macs.items() if mac})


def gateways() -> frozenset[str]:
    """Return the addresses of the routers to which this machine sends what is not for its own networks.

    An IPv6 router mostly stands there with its link-local address only. Empty where netlink is closed.
    """
    try:
        return frozenset(
            gateway
            for payload in _dump(_RTM_GETROUTE, _RTM_NEWROUTE, _ROUTE.size)
            for gateway in parse_default_route(payload)
        )
    except (OSError, NetlinkError):
        return frozenset()


def _dump(request: int, wanted: int, size: int) -> Iterator[bytes]:
    """Ask the kernel for one of its tables. Raises OSError or NetlinkError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as sock:
        sock.settimeout(_TIMEOUT)
        sock.sendto(_HEADER.pack(_HEADER.size + size, request, _REQUEST_DUMP, 1, 0) + bytes(size), (0, 0))
        while True:
            data, (sender, _groups) = sock.recvfrom(_OCTETS)
            if sender:  # a process, not the kernel
                continue
            for kind, payload in parse_messages(data):
                if kind == _NLMSG_DONE:
                    return
                if kind == wanted:
                    yield payload


def parse_messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and payload of the messages in a datagram. Raises NetlinkError, also for an error of the kernel's."""
    at = 0
    while at < len(data):
        if at + _HEADER.size > len(data):
            raise NetlinkError("a header that ends early")
        length, kind, _flags, _sequence, _port = _HEADER.unpack_from(data, at)
        if length < _HEADER.size or at + length > len(data):
            raise NetlinkError("a message of an impossible length")
        payload = data[at + _HEADER.size : at + length]
        if kind in (_NLMSG_ERROR, _NLMSG_DONE):
            _refuse_error(kind, payload)
        yield kind, payload
        at += _aligned(length)


def _refuse_error(kind: int, payload: bytes) -> None:
    if len(payload) < _ERROR.size:
        if kind == _NLMSG_ERROR:
            raise NetlinkError("an error message that ends early")
        return
    (code,) = _ERROR.unpack_from(payload)
    if code:
        raise NetlinkError(os.strerror(-code) if -code in errno.errorcode else f"error {code}")


def parse_neighbour(payload: bytes) -> tuple[str, str] | None:
    """Return address and MAC of an RTM_NEWNEIGH message; None if nothing usable is known. Raises NetlinkError."""
    if len(payload) < _NEIGHBOUR.size:
        raise NetlinkError("a neighbour that ends early")
    state = _NEIGHBOUR.unpack_from(payload)[2]
    attributes = dict(_attributes(payload[_NEIGHBOUR.size :]))
    address, mac = _address(attributes.get(_NDA_DST, b"")), mac_text(attributes.get(_NDA_LLADDR, b""))
    return (address, mac) if state & _USABLE and address and mac else None


def parse_default_route(payload: bytes) -> Iterator[str]:
    """Yield the gateways of an RTM_NEWROUTE message if it is a default route. Raises NetlinkError."""
    if len(payload) < _ROUTE.size:
        raise NetlinkError("a route that ends early")
    prefix = _ROUTE.unpack_from(payload)[1]
    attributes = dict(_attributes(payload[_ROUTE.size :]))
    if prefix == 0:
        yield from _gateways_in(attributes)
        for hop in _next_hops(attributes.get(_RTA_MULTIPATH, b"")):
            yield from _gateways_in(dict(_attributes(hop)))


def _gateways_in(attributes: Mapping[int, bytes]) -> Iterator[str]:
    # RTA_VIA: an IPv4 route by an IPv6 gateway; its address stands behind two octets of its family.
    for octets in (attributes.get(_RTA_GATEWAY, b""), attributes.get(_RTA_VIA, b"")[2:]):
        if address := _address(octets):
            yield address


def _next_hops(data: bytes) -> Iterator[bytes]:
    """Yield the attributes of each next hop of a route that has several."""
    at = 0
    while at < len(data):
        if at + _NEXT_HOP.size > len(data):
            raise NetlinkError("a next hop that ends early")
        length = _NEXT_HOP.unpack_from(data, at)[0]
        if length < _NEXT_HOP.size or at + length > len(data):
            raise NetlinkError("a next hop of an impossible length")
        yield data[at + _NEXT_HOP.size : at + length]
        at += _aligned(length)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        if at + _SHORTS.size > len(data):
            raise NetlinkError("an attribute that ends early")
        length, kind = _SHORTS.unpack_from(data, at)
        if length < _SHORTS.size or at + length > len(data):
            raise NetlinkError("an attribute of an impossible length")
        yield kind & _ATTRIBUTE, data[at + _SHORTS.size : at + length]
        at += _aligned(length)


def _address(octets: bytes) -> str:
    return str(ipaddress.ip_address(octets)) if len(octets) in (4, 16) else ""


def _aligned(length: int) -> int:
    return length + 3 & ~3
