"""IP addresses inside records: where they stand, and which of them no public name should have."""

import ipaddress
from collections.abc import Iterator

from resolver.wire import AAAA, HTTPS, SVCB, A, skip_name

_NAT64 = b"\x00\x64\xff\x9b" + b"\x00" * 8
"""64:ff9b::/96 leads to the IPv4 address in its end (RFC 6052)."""
_HINTS = {4: 4, 6: 16}
"""SVCB parameters that hold addresses (RFC 9460 section 7.3): ipv4hint and ipv6hint, and the octets of one address."""


def addresses_in(rtype: int, rdata: bytes) -> Iterator[bytes]:
    """Yield the addresses that the data of a record holds: those of A and AAAA, and the hints of SVCB and HTTPS.

    Raises IndexError or MalformedMessage if an SVCB record does not hold together.
    """
    if rtype in (A, AAAA):
        yield rdata
    elif rtype in (SVCB, HTTPS):
        at = skip_name(rdata, 2)
        while at + 4 <= len(rdata):
            key = rdata[at] << 8 | rdata[at + 1]
            end = at + 4 + (rdata[at + 2] << 8 | rdata[at + 3])
            octets = _HINTS.get(key)
            if octets:
                value = rdata[at + 4 : end]
                yield from (value[i : i + octets] for i in range(0, len(value), octets))
            at = end


def is_private(packed: bytes) -> bool:
    """Whether an address is one that no public name should have; so is what is no address at all."""
    return private_v4(packed) if len(packed) == 4 else private_v6(packed)


def private_v4(address: bytes) -> bool:
    """Whether 4 octets are an address that no public name should have: 0/8, 10/8, 127/8,
    169.254/16, 172.16/12, 192.168/16.
    """
    if len(address) != 4:
        return True
    first, second = address[0], address[1]
    return (
        first in (0, 10, 127)
        or (first == 169 and second == 254)
        or (first == 172 and 16 <= second < 32)
        or (first == 192 and second == 168)
    )


def private_v6(address: bytes) -> bool:
    """Whether 16 octets are such an address: ::, ::1, fc00::/7, fe80::/10, or a private IPv4 address mapped in."""
    if len(address) != 16:
        return True
    if address[:12] == _NAT64:
        return private_v4(address[12:])
    if address[:12] in (b"\x00" * 10 + b"\xff\xff", b"\x00" * 12):
        return private_v4(address[12:])
    return address[0] & 0xFE == 0xFC or (address[0] == 0xFE and address[1] & 0xC0 == 0x80)


def address_text(packed: bytes) -> str:
    """Return an address as people write it."""
    return str(ipaddress.ip_address(packed))
