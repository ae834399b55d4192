"""Networks as keys: a network's key is a prefix of the keys of all it holds, and of no other."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocklists.networks import MARK, IPNetwork, address_key, key_network, network_key, network_text, parse_network

V4 = st.builds(lambda n, b: ip_network((n, b), strict=False), st.integers(0, 2**32 - 1), st.integers(0, 32))
V6 = st.builds(lambda n, b: ip_network((n, b), strict=False), st.integers(1 << 120, 2**128 - 1), st.integers(0, 128))
NETWORK = V4 | V6


@given(NETWORK, NETWORK)
def test_a_key_is_a_prefix_exactly_of_what_its_network_holds(one: IPNetwork, other: IPNetwork) -> None:
    holds = one.prefixlen <= other.prefixlen and other.network_address in one
    assert network_key(other).startswith(network_key(one)) is holds
    address = other.network_address
    assert address_key(address.packed).startswith(network_key(one)) is (address in one)
    assert key_network(network_key(one)) == one
    assert parse_network(network_text(one)) == one


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7/32", "192.0.2.7"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:DB8::/32", "2001:db8::/32"),
    ],
)
def test_a_network_has_one_form(text: str, shown: str) -> None:
    assert network_text(parse_network(text)) == shown


def test_an_ipv4_address_is_the_same_within_ipv6() -> None:
    plain, mapped = ip_address("192.0.2.7"), ip_address("::ffff:192.0.2.7")
    assert address_key(mapped.packed) == address_key(plain.packed)
    assert address_key(plain.packed).startswith(MARK)
