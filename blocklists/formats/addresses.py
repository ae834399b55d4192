"""Lists of IP addresses and networks: answers that hold one of them are blocked."""

import ipaddress
import re
from collections.abc import Iterable, Iterator

from blocklists.formats.grammar import NO_LONG_LINE, SHOWN, fault
from blocklists.lines import MAX_LINE
from blocklists.rules import Item, Rule, Scope, Skipped
from translations import mark

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NO_NETWORK = mark("an IP address or a network such as 192.0.2.0/24")
_NO_PUBLIC = mark("a network of the public internet")
_NO_SMALL = mark("a network of at least /8 (IPv4) or /16 (IPv6)")

_SHORTEST = {4: 8, 6: 16}
"""No list may close more of the internet in one line."""

_OWN: dict[int, tuple[Network, ...]] = {
    4: tuple(
        map(
            ipaddress.IPv4Network,
            (
                "0.0.0.0/8",
                "10.0.0.0/8",
                "100.64.0.0/10",
                "127.0.0.0/8",
                "169.254.0.0/16",
                "172.16.0.0/12",
                "192.168.0.0/16",
                "224.0.0.0/3",
            ),
        )
    ),
    6: tuple(
        map(
            ipaddress.IPv6Network,
            ("::/127", "::ffff:0:0/96", "64:ff9b::/96", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
        )
    ),
}
"""Addresses of schools' own networks and of none (RFC 6890): the block page and the printers answer from there. With
the IPv4 addresses in IPv6 form, which would close all of IPv4 (::ffff:0:0/96) or all of it behind NAT64."""

_COMMENT = re.compile(r"[#;!]|//")


def parse_addresses(lines: Iterable[str], first_line: int) -> Iterator[Item]:
    """Yield what a list of addresses says."""
    for number, line in enumerate(lines, first_line):
        if len(line) > MAX_LINE:
            yield Skipped(number, NO_LONG_LINE, line[:SHOWN])
            continue
        text = _COMMENT.split(line, maxsplit=1)[0].strip("\ufeff \t\r\n\f\v,")
        if not text.strip():
            continue
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            yield fault(number, _NO_NETWORK, text)
            continue
        yield network_rule(network, number, text)


def network_rule(network: Network, number: int, text: str) -> Item:
    """Return the rule about a network, or the line with the reason if no list may speak of it."""
    if network.prefixlen < _SHORTEST[network.version]:
        return fault(number, _NO_SMALL, text)
    first, last = network.network_address, network.broadcast_address
    for own in _OWN[network.version]:
        if first <= own.broadcast_address and own.network_address <= last:  # type: ignore[operator] # one version
            return fault(number, _NO_PUBLIC, text)
    return Rule(str(network), Scope.ADDRESS, False, number)
