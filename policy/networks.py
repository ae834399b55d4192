"""Networks of clients, and what the longest of them that holds an address leads to."""

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

V = TypeVar("V")


def parse_address(text: str) -> IPAddress:
    """Return a client's address without its zone (`%eth0`); an IPv4 client of an IPv6 socket as what it is.

    Raises ValueError for a text that is no address.
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    # An IPv4 client on a socket that serves both families shows up as ::ffff:10.0.0.5.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return address if mapped is None else mapped


class Routes(Generic[V]):
    """Networks by prefix length: a look-up costs the same for 3 rooms and for 3,000 devices. Immutable once built."""

    __slots__ = ("_pairs", "_tables")

    def __init__(self, pairs: Iterable[tuple[IPNetwork, V]] = ()) -> None:
        """Take networks with what they lead to; of two equal networks the first counts."""
        self._pairs = tuple(sorted(pairs, key=lambda pair: (-pair[0].prefixlen, str(pair[0]))))
        tables: dict[tuple[int, int], dict[int, tuple[IPNetwork, V]]] = {}
        for network, value in self._pairs:
            host_bits = network.max_prefixlen - network.prefixlen
            table = tables.setdefault((network.version, host_bits), {})
            table.setdefault(int(network.network_address) >> host_bits, (network, value))
        self._tables = tuple((version, host_bits, table) for (version, host_bits), table in tables.items())

    def __eq__(self, other: object) -> bool:
        """Whether the same networks lead to the same."""
        return isinstance(other, Routes) and self._pairs == other._pairs

    def __hash__(self) -> int:
        """Fit `__eq__`."""
        return hash(self._pairs)

    def __iter__(self) -> Iterator[tuple[IPNetwork, V]]:
        """Yield networks and values, longest prefix first."""
        return iter(self._pairs)

    def find(self, address: IPAddress) -> tuple[IPNetwork, V] | None:
        """Return the longest network that holds an address, and what it leads to."""
        version, number = address.version, int(address)
        for family, host_bits, table in self._tables:
            if family == version and (found := table.get(number >> host_bits)) is not None:
                return found
        return None
