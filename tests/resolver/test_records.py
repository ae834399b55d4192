"""Upstream answers taken apart: what is kept, what is dropped, how long it lives; dnspython builds and judges."""

import itertools
import struct
from collections.abc import Callable

import dns.edns
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.addresses import private_v4, private_v6
from resolver.records import (
    MAX_CACHED_SECONDS,
    MAX_NEGATIVE_SECONDS,
    MAX_RECORDS,
    Answer,
    read_answer,
)
from resolver.wire import AD, HEADER, TC, MalformedMessage, wire_name
from tests.harness import wire
from tests.resolver.world import address_record, judged, response, texts, ttls

NOW = 500.0
NAME = wire.name_wire("www.example.org")
OPT = wire.opt()


def question(name: str = "www.example.org", kind: str | int = "A") -> bytes:
    """Return a question section."""
    return wire.name_wire(name) + struct.pack("!HH", wire.rdtype(kind), 1)


def taken(message: bytes, *, dnssec_ok: bool = False, may_be_private: bool = False) -> tuple[Answer, bool]:
    """Read a response."""
    return read_answer(
        message, wire.question_of(message), NOW, dnssec_ok=dnssec_ok, may_be_private=may_be_private
    )  # fmt: skip


def again(answer: Answer, asked: bytes, ttl: int = 7) -> dns.message.Message:
    """Put an answer together again and read it with dnspython."""
    head = b"\x00\x00" + (wire.QR | answer.flags | answer.rcode & 15).to_bytes(2) + b"\x00\x01" + answer.counts
    message = judged(head + asked + answer.body(ttl))
    assert ttls(message) <= {ttl}
    assert answer.size == len(answer.body(ttl))
    assert answer.expires == NOW + answer.ttl
    return message


def kept(message: bytes, *, dnssec_ok: bool = False, may_be_private: bool = False) -> list[str]:
    """Return the data of the answer records that are kept."""
    answer, _ = taken(message, dnssec_ok=dnssec_ok, may_be_private=may_be_private)
    return texts(again(answer, wire.question_of(message)))


CNAME_B = wire.record("@", 60, "CNAME", "b.example.net.")
A_OF_B = wire.record("b.example.net", 60, "A", "192.0.2.9")
SOA = wire.soa(ttl=300, minimum=60)
RRSIG = wire.record("@", 60, "RRSIG", "A 8 3 60 20300101000000 20200101000000 1 example.org. AAAA")
NSEC = wire.record("@", 60, "NSEC", "z.example.org. A")
A = address_record()

KEPT: dict[str, tuple[bytes, list[str]]] = {
    "one address": (response(question(), A), ["192.0.2.1"]),
    "two addresses": (response(question(), A, address_record("192.0.2.2")), ["192.0.2.1", "192.0.2.2"]),
    "address and OPT": (response(question(), A, additional=[OPT]), ["192.0.2.1"]),
    "a name in other case": (response(question("WWW.Example.ORG"), A), ["192.0.2.1"]),
    "owner in other case": (response(question(), wire.record("WWW.EXAMPLE.ORG", 60, "A", "192.0.2.1")), ["192.0.2.1"]),
    "a chain": (response(question(), CNAME_B, A_OF_B), ["b.example.net.", "192.0.2.9"]),
    "a chain the wrong way round": (response(question(), A_OF_B, CNAME_B), ["192.0.2.9", "b.example.net."]),
    "the alias alone": (response(question(kind="CNAME"), CNAME_B), ["b.example.net."]),
    "a stranger behind": (response(question(), A, A_OF_B), ["192.0.2.1"]),
    "a stranger behind and OPT": (response(question(), A, A_OF_B, additional=[OPT]), ["192.0.2.1"]),
    "a stranger before": (response(question(), A_OF_B, A), ["192.0.2.1"]),
    "strangers only": (response(question(), A_OF_B), []),
    "a stranger and an authority": (response(question(), A, A_OF_B, authority=[SOA]), ["192.0.2.1"]),
    "a stranger behind a chain": (
        response(question(), CNAME_B, A_OF_B, wire.record("c.example.net", 1, "A", "192.0.2.66")),
        ["b.example.net.", "192.0.2.9"],
    ),
    "parent and child of the name": (
        response(
            question(), wire.record("example.org", 1, "A", "192.0.2.3"), A,
            wire.record("a.www.example.org", 1, "A", "192.0.2.4"),
        ),
        ["192.0.2.1"],
    ),
    "a signature nobody asked for": (response(question(), A, RRSIG), ["192.0.2.1"]),
    "a signature before": (response(question(), RRSIG, A), ["192.0.2.1"]),
    "class CH": (response(question(), A, wire.raw_record(wire.POINTER, 16, 1, b"\x01x", 3)), ["192.0.2.1"]),
    "another type of the name": (response(question(), wire.record("@", 9, "TXT", '"x"'), A), ['"x"', "192.0.2.1"]),
    "an unknown type": (
        response(question(kind=65280), wire.raw_record(wire.POINTER, 65280, 60, b"\xc0\x0c\x00")), ["\\# 3 c00c00"],
    ),
    "OPT among the answers": (response(question(), OPT, A), ["192.0.2.1"]),
}  # fmt: skip


@pytest.mark.parametrize(("message", "answers"), KEPT.values(), ids=KEPT)
def test_only_what_the_question_leads_to_is_kept(message: bytes, answers: list[str]) -> None:
    assert kept(message) == answers


def test_dname_and_what_it_made_are_kept() -> None:
    dname = wire.record("example.org", 60, "DNAME", "example.net.")
    made = wire.record("@", 60, "CNAME", "www.example.net.")
    address = wire.record("www.example.net", 60, "A", "192.0.2.1")
    answer, _ = taken(response(question(), dname, made, address))
    assert texts(again(answer, question())) == ["example.net.", "www.example.net.", "192.0.2.1"]
    assert answer.targets == (wire_name("www.example.net"),)


def test_dname_of_a_stranger_is_dropped() -> None:
    assert kept(response(question(), wire.record("other.example", 60, "DNAME", "evil.example."), A)) == ["192.0.2.1"]


def chain(links: int) -> bytes:
    """Return a response with so many CNAMEs and an address at their end."""
    names = ["www.example.org", *(f"n{number}.example.net" for number in range(links))]
    records = [wire.record(owner, 60, "CNAME", target + ".") for owner, target in itertools.pairwise(names)]
    return response(question(), *records, wire.record(names[-1], 60, "A", "192.0.2.1"))


@pytest.mark.parametrize("links", [1, 2, 11, 16])
def test_chains_up_to_sixteen_links_are_followed(links: int) -> None:
    answer, _ = taken(chain(links))
    assert answer.targets == tuple(wire_name(f"n{number}.example.net") for number in range(links))
    assert texts(again(answer, question()))[-1] == "192.0.2.1"
    assert answer.ttl == 60


@pytest.mark.parametrize("links", [17, 18, 500])
def test_longer_chains_end_and_are_not_remembered(links: int) -> None:
    answer, _ = taken(chain(links))
    assert len(answer.targets) == 16
    assert "192.0.2.1" not in texts(again(answer, question()))
    assert answer.ttl == 0


LOOPS = {
    "to itself": [("@", "www.example.org.")],
    "of two": [("@", "b.example.net."), ("b.example.net", "www.example.org.")],
    "away from the name": [("@", "b.example.net."), ("b.example.net", "c.example."), ("c.example", "b.example.net.")],
}


@pytest.mark.parametrize("links", LOOPS.values(), ids=LOOPS)
def test_loops_of_aliases_end(links: list[tuple[str, str]]) -> None:
    answer, _ = taken(response(question(), *(wire.record(owner, 60, "CNAME", target) for owner, target in links)))
    assert len(texts(again(answer, question()))) == len(links)
    assert answer.ttl == 0


# -- DNSSEC ------------------------------------------------------------------------------------------------------------


def test_dnssec_records_are_for_clients_with_do() -> None:
    message = response(question(), A, RRSIG, authority=[SOA, NSEC], additional=[OPT])
    plain, _ = taken(message)
    signed, _ = taken(message, dnssec_ok=True)
    assert plain.counts == struct.pack("!HHH", 1, 1, 0)
    assert signed.counts == struct.pack("!HHH", 2, 2, 0)
    assert not any(rrset.rdtype in (46, 47) for part in again(plain, question()).sections[1:] for rrset in part)


@pytest.mark.parametrize(("kind", "record"), [("RRSIG", RRSIG), ("NSEC", NSEC)])
def test_dnssec_records_that_were_asked_for_by_type_are_kept(kind: str, record: bytes) -> None:
    answer, _ = taken(response(question(kind=kind), record))
    assert answer.counts[:2] == b"\x00\x01"


# -- private addresses -------------------------------------------------------------------------------------------------

PRIVATE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "127.0.0.1", "127.9.9.9", "169.254.0.1", "172.16.0.1",
    "172.31.255.255", "192.168.0.1", "192.168.255.255", "::", "::1", "::127.0.0.1", "::10.0.0.1", "::ffff:10.0.0.1",
    "::ffff:127.0.0.1", "::ffff:0.0.0.0", "::ffff:192.168.1.1", "fc00::1", "fd12::1", "fe80::1", "febf::1",
]  # fmt: skip
PUBLIC = [
    "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.64.0.1", "126.0.0.1", "128.0.0.1", "169.253.0.1", "169.255.0.1",
    "172.15.255.255", "172.32.0.0", "192.167.0.1", "192.169.0.1", "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1",
    "fec0::1", "ff02::1", "64:ff9b::808:808",
]  # fmt: skip


def svcb(hint: str, kind: str = "HTTPS") -> bytes:
    """Return a record of the question's name with an address hint."""
    return wire.record("@", 60, kind, f"1 . ipv{6 if ':' in hint else 4}hint={hint}")


def kind_of(address: str) -> str:
    """Return the type of an address record."""
    return "AAAA" if ":" in address else "A"


@pytest.mark.parametrize("make", [address_record, svcb], ids=["address", "hint"])
@pytest.mark.parametrize("address", PRIVATE)
@pytest.mark.parametrize("extra", [(), (OPT,)], ids=["", "OPT"])
def test_private_addresses_are_taken_out(make: Callable[[str], bytes], address: str, extra: tuple[bytes, ...]) -> None:
    kind = kind_of(address) if make is address_record else "HTTPS"
    message = response(question(kind=kind), make(address), additional=extra)
    answer, rewritten = taken(message)
    assert rewritten
    assert texts(again(answer, question(kind=kind))) == []
    assert answer.counts == bytes(6)
    assert answer.ttl == 0
    answer, rewritten = taken(message, may_be_private=True)
    assert not rewritten
    assert len(texts(again(answer, question(kind=kind)))) == 1


@pytest.mark.parametrize("make", [address_record, svcb], ids=["address", "hint"])
@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_stay(make: Callable[[str], bytes], address: str) -> None:
    kind = kind_of(address) if make is address_record else "HTTPS"
    answer, rewritten = taken(response(question(kind=kind), make(address)))
    assert not rewritten
    assert len(texts(again(answer, question(kind=kind)))) == 1


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("extra", [(), (OPT,)], ids=["", "OPT"])
def test_a_private_address_among_public_ones(place: int, extra: tuple[bytes, ...]) -> None:
    records = [address_record("192.0.2.1", 60), address_record("192.0.2.2", 50)]
    records.insert(place, address_record("10.0.0.1", 40))
    answer, rewritten = taken(response(question(), *records, additional=extra))
    assert rewritten
    assert texts(again(answer, question())) == ["192.0.2.1", "192.0.2.2"]
    assert answer.ttl == 50


def test_a_private_address_behind_an_alias_and_as_glue() -> None:
    alias = response(question(), CNAME_B, wire.record("b.example.net", 60, "A", "10.0.0.1"))
    assert kept(alias) == ["b.example.net."]
    glue = wire.record("ns.example.net", 60, "A", "192.168.1.1")
    answer, rewritten = taken(response(question(), A, additional=[glue]))
    assert rewritten
    assert answer.counts == struct.pack("!HHH", 1, 0, 0)


@given(st.binary(min_size=4, max_size=4))
def test_every_ipv4_address_is_as_private_inside_ipv6(address: bytes) -> None:
    assert private_v6(bytes(10) + b"\xff\xff" + address) == private_v4(address) == private_v6(bytes(12) + address)


# -- EDNS --------------------------------------------------------------------------------------------------------------


def ede(code: int, text: str = "") -> bytes:
    """Return an EDE option."""
    return struct.pack("!HHH", 15, 2 + len(text), code) + text.encode()


@pytest.mark.parametrize("additional", [[0, 1, 2], [1, 0, 2], [1, 2, 0], [0], []])
def test_opt_is_dropped_wherever_it_stands(additional: list[int]) -> None:
    glue = [wire.opt(ede(22)), *(wire.record(f"ns{n}.example.net", 60, "A", f"192.0.2.{n}") for n in (1, 2))]
    answer, _ = taken(response(question(), A, additional=[glue[number] for number in additional]))
    assert texts(again(answer, question())) == ["192.0.2.1"]
    assert answer.counts == struct.pack("!HHH", 1, 0, 0)  # the additional section is a courtesy, and left out
    assert answer.ede == (ede(22) if 0 in additional else b"")


def test_extended_errors_are_handed_on_and_nothing_else_of_opt() -> None:
    options = struct.pack("!HH", 10, 8) + b"c" * 8 + ede(6, "bogus") + struct.pack("!HH", 12, 30) + bytes(30) + ede(7)
    answer, _ = taken(response(question(), additional=[wire.opt(options)], rcode=2))
    assert answer.ede == ede(6, "bogus") + ede(7)
    assert answer.rcode == 2


def test_extended_errors_are_bounded() -> None:
    answer, _ = taken(response(question(), additional=[wire.opt(ede(1, "x" * 500) + ede(1, "y" * 100) * 50)]))
    assert len(answer.ede) <= 512
    assert b"x" not in answer.ede


def test_the_whole_response_code_is_read() -> None:
    extended = b"\x00" + struct.pack("!HHBBHH", 41, 1232, 1, 0, 0, 0)
    answer, _ = taken(response(question(), additional=[extended]))
    assert answer.rcode == 16
    assert answer.ttl == 0


@pytest.mark.parametrize("bits", [0, AD, TC, AD | TC, 0x0400 | 0x0040 | 0x0010 | 0x0080])
@pytest.mark.parametrize("records", [[A], [CNAME_B, A_OF_B]])
def test_only_ad_and_tc_of_the_header_are_kept(bits: int, records: list[bytes]) -> None:
    answer, _ = taken(response(question(), *records, flags=wire.QR | bits))
    assert answer.flags == bits & (AD | TC)


# -- how long ----------------------------------------------------------------------------------------------------------

NXDOMAIN, SERVFAIL, REFUSED = 3, 2, 5
LIFETIMES: dict[str, tuple[bytes, int]] = {
    "one": (response(question(), address_record(ttl=60)), 60),
    "the least": (response(question(), address_record(ttl=60), address_record("192.0.2.2", 20)), 20),
    "the least of the chain": (response(question(), wire.record("@", 5, "CNAME", "b.example.net."), A_OF_B), 5),
    "the least of all sections": (
        response(question(), A, authority=[wire.record("example.org", 11, "NS", "ns.example.org.")]), 11,
    ),
    "not the TTL field of OPT": (response(question(), A, additional=[wire.opt()]), 60),
    "not of dropped records": (response(question(), wire.record("c.example", 1, "A", "192.0.2.7"), A), 60),
    "zero": (response(question(), address_record(ttl=0)), 0),
    "a day and more": (response(question(), address_record(ttl=86_401)), MAX_CACHED_SECONDS),
    "a week": (response(question(kind="TXT"), wire.record("@", 604_800, "TXT", '"x"')), MAX_CACHED_SECONDS),
    "nothing found, SOA": (response(question(), authority=[wire.soa(ttl=300, minimum=60)]), 60),
    "nothing found, short SOA": (response(question(), authority=[wire.soa(ttl=30, minimum=60)]), 30),
    "nothing found, long SOA": (
        response(question(), authority=[wire.soa(ttl=99_999, minimum=99_999)]), MAX_NEGATIVE_SECONDS,
    ),
    "nothing found, no SOA": (response(question()), 0),
    "no such name": (response(question(), authority=[wire.soa()], rcode=NXDOMAIN), 60),
    "no such name, no SOA": (response(question(), rcode=NXDOMAIN), 0),
    "alias of nothing, SOA": (response(question(), CNAME_B, authority=[wire.soa(minimum=33)]), 33),
    "alias of nothing, no SOA": (response(question(), CNAME_B), 0),
    "alias of no name": (response(question(), CNAME_B, authority=[wire.soa(minimum=3)], rcode=NXDOMAIN), 3),
    "delegation instead of an answer": (
        response(question(), authority=[wire.record("example.org", 60, "NS", "ns.example.org.")]), 0,
    ),
    "an error": (response(question(), authority=[wire.soa()], rcode=SERVFAIL), 0),
    "an error with an answer": (response(question(), A, rcode=REFUSED), 0),
    "SOA asked for": (response(question("example.org", "SOA"), wire.soa("example.org", 300, 7)), 300),
}  # fmt: skip


@pytest.mark.parametrize(("message", "seconds"), LIFETIMES.values(), ids=LIFETIMES)
def test_answers_live_as_long_as_their_shortest_record(message: bytes, seconds: int) -> None:
    answer, _ = taken(message)
    assert answer.ttl == seconds
    again(answer, wire.question_of(message))


@pytest.mark.parametrize("ttl", [0x80000000, 0xFFFFFFFF])
@pytest.mark.parametrize("extra", [(), (wire.record("@", 600, "TXT", '"x"'),)])
def test_a_ttl_with_its_top_bit_set_is_capped(ttl: int, extra: tuple[bytes, ...]) -> None:
    record = wire.raw_record(wire.POINTER, 1, ttl, b"\xc0\x00\x02\x01")
    answer, _ = taken(response(question(), record, *extra))
    assert answer.ttl == (600 if extra else MAX_CACHED_SECONDS)


# -- what does not hold together ---------------------------------------------------------------------------------------


def raw(kind: int, data: bytes, length: int | None = None) -> bytes:
    """Return a record of the question's name with any data."""
    return wire.raw_record(wire.POINTER, kind, 60, data, length=length)


NAME_OF_10 = wire.name_wire("a.b.c.org")
LIES: dict[str, bytes] = {
    "A of 3 octets": response(question(), raw(1, b"abc")),
    "A of 5 octets": response(question(), raw(1, b"abcde")),
    "A of none": response(question(), raw(1, b"")),
    "AAAA of 4 octets": response(question(kind="AAAA"), raw(28, b"abcd")),
    "A of 16 octets in an answer for AAAA": response(question(kind="AAAA"), raw(1, bytes(16))),
    "record cut in its data": response(question(), A)[:-1],
    "record cut before its data": response(question(), A)[:-4],
    "record cut in its head": response(question(), A)[:-7],
    "record cut in its owner": response(question(), A)[:-15],
    "no record where one is promised": response(question(), A)[:-16],
    "second record cut": response(question(), A, A)[:-4],
    "OPT cut in its head": response(question(), A, additional=[OPT])[:-7],
    "OPT cut in its flags": response(question(), A, additional=[OPT])[:-5],
    "OPT cut behind its type": response(question(), A, additional=[OPT])[:-8],
    "OPT promised": response(question(), A, additional=[OPT])[: -len(OPT)],
    "OPT with a broken option": response(question(), A, additional=[wire.opt(b"\x00\x0f\x00\x09a")]),
    "data longer than the message": response(question(kind="TXT"), raw(16, b"\x01x", length=400)),
    "owner points forward": response(question(), b"\xc0\xff" + A[2:]),
    "owner points to itself": response(question(), (0xC000 | HEADER + len(question())).to_bytes(2) + A[2:]),
    "owner points into the header": response(question(), b"\xc0\x00" + A[2:]),
    "owner of a label type that does not exist": response(question(), b"\x81aa" + A[2:]),
    "alias without data": response(question(), raw(5, b"")),
    "alias cut": response(question(), raw(5, b"\x05ab")),
    "alias that points to itself": response(
        question(), raw(5, (0xC000 | HEADER + len(question()) + 12).to_bytes(2))
    ),
    "alias that ends behind its record": response(question(), raw(5, NAME_OF_10, length=4) + A, A),
    "alias that ends before its record": response(question(), raw(5, NAME_OF_10 + b"\x00")),
    "name server that ends behind its record": response(
        question(), A, authority=[raw(2, NAME_OF_10, length=4), wire.soa()]
    ),
    "MX without a name": response(question(kind="MX"), raw(15, b"\x00\x0a")),
    "MX that ends before its record": response(question(kind="MX"), raw(15, b"\x00\x0a" + NAME_OF_10 + b"junk")),
    "SRV of 3 octets": response(question(kind="SRV"), raw(33, b"abc")),
    "SOA without numbers": response(question(), authority=[raw(6, b"\x00\x00")], rcode=NXDOMAIN),
    "SOA with half its numbers": response(question(), authority=[raw(6, bytes(12))], rcode=NXDOMAIN),
    "SOA with a number too many": response(question(), authority=[raw(6, bytes(26))], rcode=NXDOMAIN),
    "SVCB without data": response(question(kind="HTTPS"), raw(65, b"")),
    "SVCB with a name cut": response(question(kind="HTTPS"), raw(65, b"\x00\x01\x05ab")),
    "more records than are walked": response(question())[:6] + (MAX_RECORDS + 1).to_bytes(2) + response(question())[8:]
    + wire.POINTER * 40_000,
}  # fmt: skip


@pytest.mark.parametrize("message", LIES.values(), ids=LIES)
def test_what_does_not_hold_together_is_refused(message: bytes) -> None:
    """RFC 5625 section 6.3, RFC 9267: what a weak parser could stumble over is not handed on."""
    with pytest.raises(MalformedMessage):
        taken(message)


@given(st.sampled_from(["A", "AAAA", "CNAME", "HTTPS", "TXT", "SOA"]), st.binary(max_size=8), st.binary(max_size=120))
def test_any_octets_give_an_answer_or_are_refused(kind: str, counts: bytes, rest: bytes) -> None:
    message = b"\x00\x00\x81\x80\x00\x01" + counts[:6].ljust(6, b"\x00") + question(kind=kind) + rest
    try:
        answer, _ = taken(message, dnssec_ok=bool(rest), may_be_private=len(rest) % 2 == 0)
    except MalformedMessage:
        return
    assert isinstance(answer, Answer)
    assert answer.size == len(answer.body(1))


@pytest.mark.parametrize("address", ["203.0.113.1", "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("last", [b"", OPT, wire.opt(ede(3))], ids=["", "OPT", "EDE"])
def test_wherever_an_answer_is_cut_it_is_refused(address: str, count: int, last: bytes) -> None:
    """Addresses that cannot be private take the fast path, the others the careful one."""
    asked = question(kind=kind_of(address))
    message = response(asked, *[address_record(address)] * count, additional=[last] if last else [])
    taken(message)
    for end in range(HEADER + len(asked), len(message)):
        with pytest.raises(MalformedMessage):
            taken(message[:end])
