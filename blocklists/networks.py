"""Networks as keys of the index trie: the bits of a prefix, so that a network is a prefix of all it holds. Pure."""

import ipaddress

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_MARKS = {4: "\\4", 6: "\\6"}
"""Begin the keys. No key of a name begins so: names as text write unusual octets as \\DDD, up to \\255."""
MARK = "\\"
_MAPPED = bytes(10) + b"\xff\xff"
_MAPPED_BITS = 8 * len(_MAPPED)


def parse_network(text: str) -> IPNetwork:
    """Return the network; an IPv4 one that is written as IPv6 (::ffff:192.0.2.0/120) as IPv4. Raises ValueError."""
    network = ipaddress.ip_network(text)
    if network.version == 6 and network.prefixlen >= _MAPPED_BITS and network.network_address.packed[:12] == _MAPPED:
        return ipaddress.IPv4Network((network.network_address.packed[12:], network.prefixlen - _MAPPED_BITS))
    return network


def network_text(network: IPNetwork) -> str:
    """Return a network as people write it: a single address without its prefix length."""
    return str(network.network_address if network.prefixlen == network.max_prefixlen else network)


def network_key(network: IPNetwork) -> str:
    """Return the key of a network."""
    bits = f"{int(network.network_address):0{network.max_prefixlen}b}"
    return _MARKS[network.version] + bits[: network.prefixlen]


def address_key(packed: bytes) -> str:
    """Return the key of an address (4 or 16 octets): the keys of the networks that hold it are its prefixes."""
    if len(packed) == 16 and packed.startswith(_MAPPED):
        packed = packed[12:]
    return _MARKS[4 if len(packed) == 4 else 6] + f"{int.from_bytes(packed):0{8 * len(packed)}b}"


def key_network(key: str) -> IPNetwork:
    """Return the network of a key."""
    bits = key[2:]
    if key.startswith(_MARKS[4]):
        return ipaddress.IPv4Network((int(bits.ljust(32, "0"), 2), len(bits)))
    return ipaddress.IPv6Network((int(bits.ljust(128, "0"), 2), len(bits)))
