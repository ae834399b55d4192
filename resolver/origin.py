"""Who stands behind a router that asks for its devices: what it says of them in the EDNS options of a query. Pure.

Only for routers that the school trusts (`devices.trusted_routers`): anybody can write such an option. dnsmasq adds them
with `add-mac` and `add-subnet=32,128`, and needs `strip-mac` and `strip-subnet` beside: without those it passes on, in
place of its own, what a device has written itself. None of this goes upstream: a question is packed anew there.
"""

import binascii
import ipaddress
from collections.abc import Iterator
from typing import NamedTuple

from policy.devices import mac_text, parse_mac
from policy.networks import parse_address
from resolver.wire import HEADER, OPT, MalformedMessage, edns_options, skip_name

_SUBNET = 8
"""EDNS Client Subnet (RFC 7871)."""
_MAC = 65001
"""The MAC as octets: dnsmasq's `add-mac`. Of the range for private use (RFC 6891 section 9), as is the next."""
_DEVICE_ID = 65073
"""The MAC as text or in base64: dnsmasq's `add-mac=text` and `add-mac=base64`."""
_WHOLE = {(1, 32): 4, (2, 128): 16}
"""Octets of an address that is given whole, by family and prefix length. A shorter prefix is no device."""


class Origin(NamedTuple):
    """What a query says of the device that first asked; what is not said is empty."""

    mac: str = ""
    """As policy/devices.py writes it."""
    address: str = ""
    """As policy/devices.py writes it."""


_NOBODY = Origin()


def origin_of(message: bytes) -> Origin:
    """Return who first asked, as far as a query tells. What is malformed or contradicts itself tells nothing.

    A second, different value can only be the device's own: which of the two is true nobody knows.
    """
    macs, addresses = set(), set()
    try:
        for code, value in _options(message):
            if code == _MAC:
                macs.add(mac_text(value))
            elif code == _DEVICE_ID:
                macs.add(_device_id(value))
            elif code == _SUBNET:
                addresses.add(_whole_address(value))
    except (MalformedMessage, IndexError):
        return _NOBODY
    return Origin(_only(macs), _only(addresses))


def _options(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the EDNS options of a query with one question. Raises MalformedMessage or IndexError."""
    if message[4:10] != b"\x00\x01\x00\x00\x00\x00":
        raise MalformedMessage("no query with one question")
    at = skip_name(message, HEADER) + 4
    for _ in range(message[10] << 8 | message[11]):
        at = skip_name(message, at)
        start = at + 10
        end = start + (message[at + 8] << 8 | message[at + 9])
        if end > len(message):
            raise MalformedMessage("data of a record that ends early")
        if message[at] << 8 | message[at + 1] == OPT:
            yield from edns_options(message[start:end])
        at = end


def _device_id(value: bytes) -> str:
    try:
        if len(value) == 8:
            return mac_text(binascii.a2b_base64(value, strict_mode=True))
        return parse_mac(value.decode("ascii"))
    except ValueError:
        return ""


def _whole_address(value: bytes) -> str:
    """Return the address of a Client Subnet option (RFC 7871 section 6) if it is that of one device."""
    if len(value) < 4 or value[3]:  # the scope is the answer's to say
        return ""
    if _WHOLE.get((value[0] << 8 | value[1], value[2])) != len(value) - 4:
        return ""
    address = parse_address(str(ipaddress.ip_address(value[4:])))
    # A router's own question comes from its loopback: then nobody stands behind it.
    return "" if address.is_loopback or address.is_unspecified or address.is_multicast else str(address)


def _only(values: set[str]) -> str:
    values.discard("")
    return values.pop() if len(values) == 1 else ""
