"""The snapshot: who belongs to which group, and which entries each view holds."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.snapshot import Entry, EntryKind, Group, IPNetwork, Level, SnapshotBuilder, build_snapshot


def group(id_: str, *networks: str, level: Level = Level.MEDIUM) -> Group:
    return Group(id_, id_.title(), level, frozenset({"games"}), tuple(ipaddress.ip_network(each) for each in networks))


GROUPS = [
    group("pupils"),
    group("teachers", "10.0.2.0/24", "fd00:2::/64", level=Level.LOW),
    group("room5", "10.0.2.128/25", "10.0.2.200/32"),
    group("all", "0.0.0.0/0"),
]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.0.2.7", "teachers"),
        ("10.0.2.130", "room5"),
        ("10.0.2.200", "room5"),
        ("10.0.3.1", "all"),
        ("::ffff:10.0.2.7", "teachers"),
        ("fd00:2::9", "teachers"),
        ("fd00:3::9", "pupils"),
        ("fe80::1%eth0", "pupils"),
        ("::1", "pupils"),
    ],
)
def test_longest_network_decides_the_group(address: str, expected: str) -> None:
    snapshot = build_snapshot(GROUPS, (), default_group="pupils")
    assert snapshot.group_of(address) == expected
    assert snapshot.view_of(address).group == expected


V4 = st.builds(
    lambda n, p: ipaddress.ip_network((n & 0xFF0000FF, p), strict=False), st.integers(0, 2**32 - 1), st.integers(0, 32)
)
V6 = st.builds(
    lambda n, p: ipaddress.ip_network((n << 64, p), strict=False), st.integers(0, 2**64 - 1), st.integers(0, 128)
)


@given(st.lists(V4 | V6, max_size=12, unique=True), st.ip_addresses(), st.data())
def test_group_of_agrees_with_asking_every_network(
    networks: list[IPNetwork], address: ipaddress.IPv4Address | ipaddress.IPv6Address, data: st.DataObject
) -> None:
    groups = [Group(f"g{i}", "", Level.LOW, frozenset(), (network,)) for i, network in enumerate(networks)]
    if data.draw(st.booleans()) and networks:
        address = data.draw(st.sampled_from(networks)).network_address
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return
    snapshot = build_snapshot([group("pupils"), *groups], (), default_group="pupils")
    holders = [n for n in networks if n.version == address.version and address in n]
    longest = max(holders, key=lambda n: n.prefixlen, default=None)
    expected = "pupils" if longest is None else f"g{networks.index(longest)}"
    assert snapshot.group_of(str(address)) == expected


def test_default_group_must_exist() -> None:
    with pytest.raises(ValueError, match="default group 'pupils'"):
        build_snapshot([group("teachers")], (), default_group="pupils")


def test_an_entry_for_one_group_beats_the_one_for_all_and_stays_in_its_group() -> None:
    general = Entry(EntryKind.ALLOW, "example.org", note="all")
    special = Entry(EntryKind.ALLOW, "example.org", "teachers", note="teachers")
    lonely = Entry(EntryKind.BLOCK, "example.net", "nobody")
    for order in ([general, special, lonely], [lonely, special, general]):
        snapshot = build_snapshot(GROUPS, order, default_group="pupils")
        assert snapshot.views["teachers"].allow["example.org"] is special
        assert snapshot.views["pupils"].allow["example.org"] is general
        assert all("example.net" not in view.block for view in snapshot.views.values())


def test_built_bit_by_bit_is_built_at_once() -> None:
    entries = [Entry(EntryKind.BLOCK, f"n{i}.example.org", "teachers" if i % 3 else None) for i in range(50)]
    builder = SnapshotBuilder(GROUPS, "pupils")
    for start in range(0, 50, 7):
        builder.add(entries[start : start + 7])
    at_once = build_snapshot(GROUPS, entries, default_group="pupils", protected=("example.com",), version=3)
    assert builder.build(protected=("example.com",), version=3) == at_once
    assert at_once.version == 3
    assert at_once.views["pupils"].protected == {"example.com"}
