"""The kernel's neighbour table and gateways: octets of a real kernel, `ip` as judge, and octets of nobody."""

import contextlib
import errno
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.neighbours import (
    Neighbours,
    NetlinkError,
    gateways,
    neighbours,
    parse_default_route,
    parse_messages,
    parse_neighbour,
)

ROOT = Path(__file__).parents[2]
DONE, ERROR, ROUTE, NEIGHBOUR = 3, 2, 24, 28

# Of Linux 6.18 on x86-64, with the addresses of a test network. The byte order is the machine's.
little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="the captured octets are little-endian")

TAIL = "0800040000000000140003007a1700000a0000000a00000000000000"
CAPTURED = {
    "stale": ("0200000003000000 0400 0001 08000100c0000209 0a00020002005e1000090000", ("192.0.2.9", 9)),
    "permanent": ("0200000003000000 8000 0001 08000100c000020a 0a00020002005e10000a0000", ("192.0.2.10", 10)),
    "reachable": ("0200000003000000 0200 0001 08000100c000020b 0a00020002005e10000b0000", ("192.0.2.11", 11)),
    "delay": ("0200000003000000 0800 0001 08000100c000020b 0a00020002005e10000b0000", ("192.0.2.11", 11)),
    "probe": ("0200000003000000 1000 0001 08000100c000020b 0a00020002005e10000b0000", ("192.0.2.11", 11)),
    "failed": ("0200000003000000 2000 0001 08000100c000020c", None),
    "failed, with its last MAC": ("0200000003000000 2000 0001 08000100c000020c 0a00020002005e10000c0000", None),
    "incomplete": ("0200000003000000 0100 0001 08000100c000020c", None),
    "incomplete, with its last MAC": ("0200000003000000 0100 0001 08000100c000020c 0a00020002005e10000c0000", None),
    "permanent, without a MAC": ("0200000003000000 8000 0001 08000100c000020c", None),
    "no state": ("0200000003000000 0000 0001 08000100c000020c 0a00020002005e10000c0000", None),
    "without ARP": ("0200000003000000 4000 0001 08000100c000020d 0a00020002005e10000d0000", None),
    "loopback": ("0200000001000000 4000 0003 0800010000000000 0a00020000000000000000 00", None),
    "IPv6": (
        "0a00000003000000 0400 0001 1400010020010db8000000000000000000000009 0a00020002005e1000090000",
        ("2001:db8::9", 9),
    ),
    "IPv6, of a router": (
        "0a00000003000000 0400 8001 14000100fe800000000000000000000000000007 0a00020002005e1000070000",
        ("fe80::7", 7),
    ),
    "IPv6 of many": (
        "0a00000002000000 4000 0005 14000100ff020000000000000000000000000016 0a0002003333000000160000",
        None,
    ),
}
"""The payload of a message before what is of no interest here, and the address with the last octet of its MAC."""


@little_endian
@pytest.mark.parametrize(("payload", "found"), CAPTURED.values(), ids=CAPTURED)
def test_a_neighbour_is_one_whose_mac_the_kernel_holds_for_good(payload: str, found: tuple[str, int] | None) -> None:
    expected = None if found is None else (found[0], f"02:00:5e:10:00:{found[1]:02x}")
    assert parse_neighbour(bytes.fromhex(payload + TAIL)) == expected


ROUTES = {
    "by one gateway": ("02000000fe03000100000000 08000f00fe000000 08000500c0000201 0800040003000000", ["192.0.2.1"]),
    "by two gateways": (
        "02000000fe03000100000000 08000f00fe000000 24000900"
        "1000000003000000 08000500c00002fe 1000000002000000 08000500c63364fe",
        ["192.0.2.254", "198.51.100.254"],
    ),
    "IPv6": (
        "0a000000fe03000100000000 08000f00fe000000 0800060063000000"
        "1400050020010db80000000000000000000000fe 0800040003000000",
        ["2001:db8::fe"],
    ),
    "by IPv6": (
        "02000000fe03000100000000 16001200 0a00fe800000000000000000000000000003 0000 0800040003000000",
        ["fe80::3"],
    ),
    "no way": ("02000000fe03000700000000 08000f00fe000000 08000600e7030000", []),
    "without gateway": ("02000000fe03000100000000 08000f00fe000000 0800040003000000", []),
    "to a network": ("02180000fe03000100000000 08000100cb007100 08000500c00002fd 0800040003000000", []),
    "to itself": ("02200000ff02fe0200000000 08000f00ff000000 08000100c0000201 08000700c0000201", []),
}


@little_endian
@pytest.mark.parametrize(("payload", "found"), ROUTES.values(), ids=ROUTES)
def test_gateways_are_those_of_default_routes(payload: str, found: list[str]) -> None:
    assert list(parse_default_route(bytes.fromhex(payload))) == found


# -- what is no netlink ------------------------------------------------------------------------------------------------


def message(kind: int, payload: bytes = b"", length: int | None = None) -> bytes:
    """Return a netlink message, with a lie about its length if wanted."""
    size = 16 + len(payload)
    return struct.pack("=IHHII", size if length is None else length, kind, 2, 1, 0) + payload + bytes(-size % 4)


def attribute(kind: int, value: bytes) -> bytes:
    """Return an attribute."""
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def neighbour(*attributes: bytes, state: int = 4) -> bytes:
    """Return the payload of a message about a neighbour."""
    return struct.pack("=BxxxiHBB", 2, 3, state, 0, 1) + b"".join(attributes)


def default_route(*attributes: bytes) -> bytes:
    """Return the payload of a message about a default route."""
    return struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 3, 0, 1, 0) + b"".join(attributes)


def test_messages_of_a_datagram_come_one_by_one_with_their_padding_left_out() -> None:
    datagram = message(NEIGHBOUR, b"abcde") + message(ROUTE) + message(DONE, bytes(4))
    assert list(parse_messages(datagram)) == [(NEIGHBOUR, b"abcde"), (ROUTE, b""), (DONE, bytes(4))]


@pytest.mark.parametrize(
    ("datagram", "told"),
    [
        (message(NEIGHBOUR)[:15], "a header that ends early"),
        (message(NEIGHBOUR, length=15), "a message of an impossible length"),
        (message(NEIGHBOUR, length=0), "a message of an impossible length"),
        (message(NEIGHBOUR, b"abcd", length=21), "a message of an impossible length"),
        (message(ERROR, b"ab"), "an error message that ends early"),
        (message(ERROR, struct.pack("=i", -errno.EPERM)), os.strerror(errno.EPERM)),
        (message(DONE, struct.pack("=i", -errno.EMSGSIZE)), os.strerror(errno.EMSGSIZE)),
        (message(ERROR, struct.pack("=i", -(2**31))), "error -2147483648"),
        (message(ERROR, struct.pack("=i", 1)), "error 1"),
    ],
)
def test_what_is_no_message_or_an_error_is_told(datagram: bytes, told: str) -> None:
    with pytest.raises(NetlinkError, match=told):
        list(parse_messages(datagram))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        neighbour()[:-1],
        neighbour(b"\x08"),
        neighbour(struct.pack("=HH", 3, 1)),
        neighbour(struct.pack("=HH", 9, 1) + b"abcd"),
        neighbour(struct.pack("=HH", 0, 1) + b"abcd"),
    ],
)
def test_a_damaged_neighbour_is_refused(payload: bytes) -> None:
    with pytest.raises(NetlinkError):
        parse_neighbour(payload)


@pytest.mark.parametrize(
    "payload",
    [
        default_route()[:-1],
        default_route(struct.pack("=HH", 3, 5)),
        default_route(attribute(9, b"1234567")),
        default_route(attribute(9, struct.pack("=HBBi", 7, 0, 0, 1))),
        default_route(attribute(9, struct.pack("=HBBi", 9, 0, 0, 1))),
        default_route(attribute(9, struct.pack("=HBBi", 0, 0, 0, 1))),
    ],
)
def test_a_damaged_route_is_refused(payload: bytes) -> None:
    with pytest.raises(NetlinkError):
        list(parse_default_route(payload))


def test_what_says_nothing_of_an_address_is_no_error() -> None:
    assert parse_neighbour(neighbour()) is None
    assert list(parse_default_route(default_route())) == []
    assert list(parse_default_route(default_route(attribute(9, struct.pack("=HBBi", 8, 0, 0, 1))))) == []


@pytest.mark.parametrize("address", [b"", b"abc", b"abcde", bytes(15), bytes(17)])
def test_an_address_of_another_length_is_none(address: bytes) -> None:
    assert parse_neighbour(neighbour(attribute(1, address), attribute(2, b"\x02abcde"))) is None
    assert list(parse_default_route(default_route(attribute(5, address)))) == []


PIECES = st.binary(max_size=60) | st.lists(
    st.tuples(st.sampled_from([1, 2, 5, 9, 18, 0x4001, 0x8002]), st.binary(max_size=20)), max_size=4
).map(lambda pairs: b"".join(attribute(*pair) for pair in pairs))

PARSERS: tuple[Callable[[bytes], object], ...] = (
    lambda octets: list(parse_messages(octets)),
    parse_neighbour,
    lambda octets: list(parse_default_route(octets)),
)


@given(PIECES, st.sampled_from([ERROR, DONE, ROUTE, NEIGHBOUR]), st.none() | st.integers(0, 80))
def test_any_octets_give_something_or_the_one_error(octets: bytes, kind: int, length: int | None) -> None:
    for parse in PARSERS:
        for payload in (octets, neighbour(octets), default_route(octets), message(kind, octets, length)):
            with contextlib.suppress(NetlinkError):
                parse(payload)


# -- a kernel that answers as it is told -------------------------------------------------------------------------------


class FakeKernel:
    """A netlink socket whose answers are made up."""

    def __init__(self, *datagrams: bytes, sender: int = 0, error: OSError | None = None) -> None:
        self.datagrams = [(datagram, (sender, 0)) for datagram in datagrams]
        self.error = error
        self.asked: list[bytes] = []

    def __call__(self, *_arguments: int) -> "FakeKernel":
        """See socket.socket."""
        if self.error is not None:
            raise self.error
        return self

    def __enter__(self) -> "FakeKernel":
        return self

    def __exit__(self, *_arguments: object) -> None:
        pass

    def settimeout(self, seconds: float) -> None:
        """See socket.socket."""

    def sendto(self, data: bytes, _address: tuple[int, int]) -> None:
        """See socket.socket."""
        self.asked.append(data)

    def recvfrom(self, _size: int) -> tuple[bytes, tuple[int, int]]:
        """See socket.socket."""
        if not self.datagrams:
            raise TimeoutError("timed out")
        return self.datagrams.pop(0)


def table(*pairs: tuple[str, str]) -> bytes:
    """Return messages about neighbours."""
    return b"".join(
        message(
            NEIGHBOUR,
            neighbour(
                attribute(1, socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)),
                attribute(2, bytes.fromhex(mac.replace(":", ""))),
            ),
        )
        for address, mac in pairs
    )


ONE, OTHER = "02:00:5e:10:00:01", "02:00:5e:10:00:02"


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> FakeKernel:
    fake = FakeKernel()
    monkeypatch.setattr(socket, "socket", fake)
    return fake


def test_a_table_in_several_datagrams_is_read_to_its_end(kernel: FakeKernel) -> None:
    parts = (table(("192.0.2.1", ONE)), table(("fd00::2", OTHER)) + message(DONE, bytes(4)), table(("192.0.2.9", ONE)))
    kernel.datagrams = [(part, (0, 0)) for part in parts]
    assert neighbours() == Neighbours({"192.0.2.1": ONE, "fd00::2": OTHER})
    (asked,) = kernel.asked
    assert struct.unpack_from("=IHH", asked) == (len(asked), 30, 0x301)


def test_an_address_that_is_two_devices_on_two_networks_is_left_out(kernel: FakeKernel) -> None:
    both = table(("fe80::1", ONE), ("fe80::2", ONE), ("fe80::1", OTHER), ("fe80::2", ONE), ("fe80::1", ONE))
    kernel.datagrams = [(both + message(DONE), (0, 0))]
    assert neighbours() == Neighbours({"fe80::2": ONE})


def test_what_another_process_says_is_not_believed(kernel: FakeKernel) -> None:
    kernel.datagrams = [
        (table(("192.0.2.66", ONE)) + message(DONE), (4711, 0)),
        (table(("192.0.2.1", ONE)) + message(DONE), (0, 0)),
    ]
    assert neighbours().macs == {"192.0.2.1": ONE}


@pytest.mark.parametrize(
    ("datagrams", "error", "told"),
    [
        ([], OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol"), "Address family not supported"),
        ([], PermissionError(errno.EPERM, "Operation not permitted"), "Operation not permitted"),
        ([message(ERROR, struct.pack("=i", -errno.EACCES))], None, os.strerror(errno.EACCES)),
        ([b"nonsense"], None, "a header that ends early"),
        ([table(("192.0.2.1", ONE))], None, "timed out"),
    ],
)
def test_where_the_kernel_does_not_tell_there_is_a_reason_and_no_neighbour(
    kernel: FakeKernel, datagrams: Iterable[bytes], error: OSError | None, told: str
) -> None:
    kernel.error = error
    kernel.datagrams = [(datagram, (0, 0)) for datagram in datagrams]
    found = neighbours()
    assert not found.macs
    assert told in found.reason
    assert "AF_NETLINK" in found.reason
    kernel.datagrams = [(datagram, (0, 0)) for datagram in datagrams]
    assert gateways() == frozenset()


# -- the judge: iproute2 -----------------------------------------------------------------------------------------------

NETWORK = """
set -e
ip link set lo up
ip link add school type veth peer name other
ip link set school up
ip link set other up
ip addr add 192.0.2.1/24 dev school
ip addr add 198.51.100.1/24 dev other
ip -6 addr add 2001:db8::1/64 dev school nodad
ip neigh add 192.0.2.9 lladdr 02:00:5e:10:00:09 dev school nud stale
ip neigh add 192.0.2.10 lladdr 02:00:5e:10:00:0a dev school nud permanent
ip neigh add 192.0.2.11 lladdr 02:00:5e:10:00:0b dev school nud reachable
ip neigh add 192.0.2.12 dev school nud failed
ip neigh add 192.0.2.13 lladdr 02:00:5e:10:00:0d dev school nud noarp
ip neigh add 198.51.100.7 lladdr 02:00:5e:10:00:17 dev other nud stale
ip neigh add 2001:db8::9 lladdr 02:00:5e:10:00:09 dev school nud stale
ip neigh add fe80::8 lladdr 02:00:5e:10:00:08 dev school nud stale
ip route add default nexthop via 192.0.2.254 nexthop via 198.51.100.254
ip -6 route add default via 2001:db8::fe dev school
ip route add 203.0.113.0/24 via 192.0.2.253
exec "$@"
"""
TELL = """
import json, subprocess
from resolver.neighbours import gateways, neighbours
print(json.dumps({
    "ours": dict(neighbours().macs),
    "gateways": sorted(gateways()),
    "theirs": json.loads(subprocess.run(["ip", "-j", "neigh"], check=True, capture_output=True).stdout),
}))
"""


def in_a_network_of_its_own(program: str) -> dict[str, object]:
    """Run a Python program in a network namespace with the neighbours above, and return what it prints."""
    command = ["unshare", "--map-root-user", "--net", "sh", "-c", NETWORK, "sh", sys.executable, "-c", program]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if "unshare failed" in run.stderr:
        pytest.skip(f"this machine lets nobody make a network namespace: {run.stderr}")
    assert run.returncode == 0, run.stderr
    told: dict[str, object] = json.loads(run.stdout)
    return told


def test_ip_neigh_says_the_same() -> None:
    told = in_a_network_of_its_own(TELL)
    theirs = told["theirs"]
    assert isinstance(theirs, list)
    held = {each["dst"]: each["lladdr"] for each in theirs if "lladdr" in each and each["state"] != ["FAILED"]}
    assert told["ours"] == held
    assert set(held) == {"192.0.2.9", "192.0.2.10", "192.0.2.11", "198.51.100.7", "2001:db8::9", "fe80::8"}
    assert told["gateways"] == ["192.0.2.254", "198.51.100.254", "2001:db8::fe"]


def test_this_machine_is_asked_without_any_privilege() -> None:
    """Whatever its neighbours are: the real kernel answers, and in a form that is understood."""
    found = neighbours()
    assert found.reason == ""
    assert all(len(mac) == 17 for mac in found.macs.values())
    assert isinstance(gateways(), frozenset)
