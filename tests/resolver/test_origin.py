"""Who stands behind a router: messages of dnsmasq, dig, kdig and dnspython, and whatever else may come."""

import ipaddress
import socket
import subprocess
from collections.abc import Iterator

import dns.edns
import dns.message
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from resolver.origin import Origin, origin_of
from resolver.wire import HEADER
from tests.harness import wire
from tests.resolver.world import World, address_record

MAC = "02:00:5e:10:00:05"
OCTETS = bytes.fromhex("02005e100005")

# What dnsmasq 2.90 sent for www.example.org, asked by 127.0.0.5, whose neighbour table entry had that MAC.
HEAD = "0100000100000000000103777777076578616d706c65036f72670000010001"
DNSMASQ = {
    "add-mac": (f"de33{HEAD}0000290200000000 00000afde90006 02005e100005", Origin(MAC)),
    "add-mac=base64": (f"b98b{HEAD}0000290200000000 00000cfe310008 4167426545414146", Origin(MAC)),
    "add-mac=text": (
        f"5678{HEAD}0000290200000000 000015fe310011 30323a30303a35653a31303a30303a3035",
        Origin(MAC),
    ),
    # Its own address is loopback: a question of the router itself.
    "all four lines": (
        f"3adf{HEAD}0000290200000000 000016fde90006 02005e100005 0008000800012000 7f000005",
        Origin(MAC),
    ),
    "add-subnet=24": (f"a65f{HEAD}0000290200000000 00000b00080007 00011800 7f0000", Origin()),
}
"""By the lines in its settings."""


@pytest.mark.parametrize(("message", "origin"), DNSMASQ.values(), ids=DNSMASQ)
def test_what_dnsmasq_says_of_its_client_is_read(message: str, origin: Origin) -> None:
    octets = bytes.fromhex(message)
    assert dns.message.from_wire(octets).question[0].name.to_text() == "www.example.org."
    assert origin_of(octets) == origin


def asked(*options: tuple[int, bytes]) -> bytes:
    """Return a query with EDNS options."""
    return wire.query("www.example.org", edns=wire.Edns(options=options))


def subnet(address: str, prefix: int | None = None) -> bytes:
    """Return the data of a Client Subnet option as dnspython writes it."""
    family = 128 if ":" in address else 32
    return dns.edns.ECSOption(address, family if prefix is None else prefix).to_wire() or b""


SAID = {
    "nothing": ((), Origin()),
    "other options": (((10, b"12345678"), (12, bytes(8)), (15, b"")), Origin()),
    "mac": (((65001, OCTETS),), Origin(MAC)),
    "mac as text": (((65073, b"02:00:5E:10:00:05"),), Origin(MAC)),
    "mac in base64": (((65073, b"AgBeEAAF"),), Origin(MAC)),
    "the same mac three times": (((65001, OCTETS), (65001, OCTETS), (65073, b"AgBeEAAF")), Origin(MAC)),
    "address": (((8, subnet("192.0.2.5")),), Origin("", "192.0.2.5")),
    "IPv6 address": (((8, subnet("2001:db8::5")),), Origin("", "2001:db8::5")),
    "IPv4 address in IPv6": (((8, b"\0\2\x80\0" + bytes(10) + b"\xff\xff\xc0\0\2\5"),), Origin("", "192.0.2.5")),
    "mac and address": (((8, subnet("192.0.2.5")), (10, b"12345678"), (65001, OCTETS)), Origin(MAC, "192.0.2.5")),
    # What is not of one device
    "mac of many": (((65001, b"\x01\0\x5e\0\0\1"),), Origin()),
    "mac of none": (((65001, bytes(6)),), Origin()),
    "mac of five octets": (((65001, OCTETS[:5]),), Origin()),
    "mac of eight octets": (((65001, OCTETS + b"\0\0"),), Origin()),
    "no mac as text": (((65073, b"teacher"),), Origin()),
    "no text at all": (((65073, b"\xff\xfe"),), Origin()),
    "base64 with other letters": (((65073, b"AgBe!AAF"),), Origin()),
    "base64 of five octets": (((65073, b"AgBeEAA="),), Origin()),
    "network": (((8, subnet("192.0.2.0", 24)),), Origin()),
    "IPv6 network": (((8, subnet("2001:db8::", 56)),), Origin()),
    "no address wanted": (((8, b"\0\1\0\0"),), Origin()),
    "prefix of 32 with three octets": (((8, b"\0\1\x20\0\xc0\0\2"),), Origin()),
    "prefix of 32 with five octets": (((8, b"\0\1\x20\0\xc0\0\2\5\0"),), Origin()),
    "prefix of 33": (((8, b"\0\1\x21\0\xc0\0\2\5\0"),), Origin()),
    "prefix of 32 in IPv6": (((8, subnet("2001:db8::", 32)),), Origin()),
    "an answer's scope": (((8, b"\0\1\x20\x20\xc0\0\2\5"),), Origin()),
    "unknown family": (((8, b"\0\3\x20\0\xc0\0\2\5"),), Origin()),
    "empty subnet": (((8, b""),), Origin()),
    "the router itself": (((8, subnet("127.0.0.1")),), Origin()),
    "the router itself in IPv6": (((8, subnet("::1")),), Origin()),
    "no address": (((8, subnet("0.0.0.0")),), Origin()),
    "an address of many": (((8, subnet("239.1.1.1")),), Origin()),
    # One of the two was written by the device itself
    "two macs": (((65001, OCTETS), (65001, OCTETS[:5] + b"\x06")), Origin()),
    "two macs in two ways": (((65001, OCTETS), (65073, b"02:00:5e:10:00:06")), Origin()),
    "two addresses": (((8, subnet("192.0.2.5")), (8, subnet("192.0.2.6")), (65001, OCTETS)), Origin(MAC)),
    "an empty subnet beside the mac": (((8, b""), (65001, OCTETS)), Origin(MAC)),
    "nonsense beside the mac": (((65073, b"x"), (65001, OCTETS)), Origin(MAC)),
}


@pytest.mark.parametrize(("options", "origin"), SAID.values(), ids=SAID)
def test_only_what_names_one_device_is_taken(options: tuple[tuple[int, bytes], ...], origin: Origin) -> None:
    assert origin_of(asked(*options)) == origin


GOOD = asked((65001, OCTETS), (8, subnet("192.0.2.5")))


def test_an_option_is_found_behind_other_records() -> None:
    opt = wire.Edns(options=((65001, OCTETS),)).wire()
    other = wire.record("@", 1, "TXT", '"x"')
    message = GOOD[:10] + b"\x00\x03" + wire.question_of(GOOD) + other + opt + other
    assert origin_of(message) == Origin(MAC)


def test_options_are_found_in_a_long_record_and_behind_many_records() -> None:
    long = asked((12, bytes(700)), (65001, OCTETS))
    many = GOOD[:10] + b"\x01\x02" + wire.question_of(GOOD) + wire.record("@", 1, "A", "192.0.2.1") * 257
    assert origin_of(long) == origin_of(many + wire.Edns(options=((65001, OCTETS),)).wire()) == Origin(MAC)


@pytest.mark.parametrize("length", range(len(GOOD)))
def test_a_message_that_was_cut_tells_nothing(length: int) -> None:
    assert origin_of(GOOD[:length]) == Origin()


@pytest.mark.parametrize(
    "counts", [(0, 0, 0, 1), (2, 0, 0, 1), (1, 1, 0, 1), (1, 0, 1, 1), (1, 0, 0, 0), (1, 0, 0, 2), (257, 0, 0, 1)]
)
def test_what_is_no_query_with_one_question_tells_nothing(counts: tuple[int, ...]) -> None:
    message = GOOD[:4] + b"".join(count.to_bytes(2) for count in counts) + GOOD[HEADER:]
    assert origin_of(message) == Origin()


@given(st.binary(max_size=200))
@example(GOOD[:10] + b"\xff\xff" + wire.question_of(GOOD) + (b"\x00\x00\x01\x00\x01" + bytes(6)) * 5900)
def test_any_octets_are_survived(message: bytes) -> None:
    assert isinstance(origin_of(message), Origin)


@given(st.binary(max_size=80), st.integers(0, 3))
def test_any_octets_behind_a_question_are_survived(rest: bytes, additional: int) -> None:
    assert isinstance(origin_of(GOOD[:10] + additional.to_bytes(2) + wire.question_of(GOOD) + rest), Origin)


@given(st.lists(st.tuples(st.sampled_from([8, 65001, 65073, 3, 10]), st.binary(max_size=24)), max_size=4))
def test_any_option_gives_a_mac_and_an_address_or_nothing(options: list[tuple[int, bytes]]) -> None:
    origin = origin_of(asked(*options))
    assert not origin.mac or len(origin.mac) == 17
    assert not origin.address or "/" not in origin.address


@given(st.binary(min_size=6, max_size=6), st.ip_addresses())
@example(OCTETS, ipaddress.ip_address("192.0.2.5"))
@example(OCTETS, ipaddress.ip_address("2001:db8::5"))
def test_what_dnspython_writes_is_read_as_it_was_meant(
    octets: bytes, address: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> None:
    query = dns.message.make_query("www.example.org", "AAAA", use_edns=True)
    mac = dns.edns.GenericOption(dns.edns.OptionType.make(65001), octets)
    query.use_edns(0, options=[mac, dns.edns.ECSOption(str(address), address.max_prefixlen)])
    origin = origin_of(query.to_wire())
    assert origin.mac == (octets.hex(":") if octets[0] % 2 == 0 and any(octets) else "")
    plain = address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address
    nobody = plain.is_loopback or plain.is_multicast or plain.is_unspecified
    assert origin.address == ("" if nobody else str(plain))


# -- the judges: programs that others wrote ----------------------------------------------------------------------------


@pytest.fixture
def ear() -> Iterator[socket.socket]:
    """Return a socket that takes one query."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(10)
        yield sock


@pytest.mark.parametrize(
    ("command", "origin"),
    [
        (["dig", "+subnet=192.0.2.5/32"], Origin("", "192.0.2.5")),
        (["dig", "+subnet=2001:db8::5/128"], Origin("", "2001:db8::5")),
        (["dig", "+subnet=192.0.2.5/24"], Origin()),
        (["dig", "+ednsopt=65001:02005e100005"], Origin(MAC)),
        (["dig", "+ednsopt=65073:30323a30303a35653a31303a30303a3035"], Origin(MAC)),
        (["dig", "+ednsopt=65001:02005e100005", "+subnet=192.0.2.5/32", "+nsid"], Origin(MAC, "192.0.2.5")),
        (["kdig", "+subnet=192.0.2.5/32"], Origin("", "192.0.2.5")),
        (["kdig", "+subnet=2001:db8::5/128"], Origin("", "2001:db8::5")),
        (["kdig", "+subnet=2001:db8::5/64"], Origin()),
        (["kdig", "+ednsopt=65001:02005e100005", "+padding=128"], Origin(MAC)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_dig_and_kdig_write_is_read(ear: socket.socket, command: list[str], origin: Origin) -> None:
    port = str(ear.getsockname()[1])
    with subprocess.Popen(
        [*command, "@127.0.0.1", "-p", port, "+tries=1" if command[0] == "dig" else "+retry=0", "www.example.org"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as program:
        message = ear.recv(4096)
        program.terminate()
    assert origin_of(message) == origin


# -- what becomes of it ------------------------------------------------------------------------------------------------


def test_nothing_of_it_goes_upstream_nor_comes_back() -> None:
    world = World()
    heard = world.ask(edns=wire.Edns(options=((65001, OCTETS), (65073, b"AgBeEAAF"), (8, subnet("192.0.2.5")))))
    (sent,) = world.server.udp.sent
    forwarded = dns.message.from_wire(b"\x00\x00" + sent.tail)
    assert (forwarded.edns, forwarded.options) == (0, ())
    assert OCTETS not in sent.tail
    world.server.reply(0, address_record())
    world.finish()
    assert heard.reply.options == ()
