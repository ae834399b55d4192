"""Upstream answers, drawn: dnspython builds them, we take them apart, dnspython judges what is put together again."""

import struct

import dns.edns
import dns.message
import dns.name
import dns.rcode
import dns.rrset
from hypothesis import given
from hypothesis import strategies as st

from resolver.records import (
    MAX_CACHED_SECONDS,
    Answer,
    _read_answer,
    _rebuild,
    _usual_answer,
    walk,
)
from resolver.wire import HEADER
from tests.harness import wire
from tests.resolver.test_records import NOW, OPT, A, again, ede, question, taken
from tests.resolver.world import judged, response

TTLS = st.one_of(st.integers(0, 400), st.integers(0, 0x7FFFFFFF))
OWNERS = st.sampled_from(["www.example.org.", "WWW.example.ORG.", "b.example.net.", "c.example.net.", "example.org."])
DATA = st.sampled_from(
    [
        ("A", "192.0.2.1"), ("A", "192.0.2.2"), ("A", "10.0.0.1"), ("AAAA", "2001:db8::1"), ("AAAA", "fd00::1"),
        ("CNAME", "b.example.net."), ("CNAME", "c.example.net."), ("CNAME", "www.example.org."),
        ("MX", "10 mx.example.org."),
        ("TXT", '"hello" "world"'), ("SRV", "1 2 443 b.example.net."), ("HTTPS", "1 . alpn=h2 ipv4hint=192.0.2.1"),
        ("HTTPS", "0 c.example.net."), ("SVCB", "1 b.example.net. ipv4hint=10.0.0.1"), ("NS", "ns.example.org."),
        ("DNAME", "d.example.net."), ("SOA", "ns.example.org. h.example.org. 1 2 3 4 90"), ("PTR", "b.example.net."),
        ("RRSIG", "A 8 3 60 20300101000000 20200101000000 1 example.org. AAAA"), ("NSEC", "z.example.org. A"),
        ("CAA", '0 issue "ca.example.net"'), ("TYPE65280", "\\# 4 c00cc00c"),
    ]
)  # fmt: skip
RECORDS = st.lists(st.tuples(OWNERS, TTLS, DATA), max_size=5)


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """Draw a response as an honest, or nearly honest, server would build it: with compression."""
    kind = draw(st.sampled_from(["A", "AAAA", "HTTPS", "MX", "CNAME", "TXT", "SOA", "RRSIG"]))
    message = dns.message.make_response(dns.message.make_query("www.example.org", kind, use_edns=draw(st.booleans())))
    message.set_rcode(dns.rcode.Rcode(draw(st.sampled_from([0, 0, 0, 3, 2]))))
    for section in (message.answer, message.authority, message.additional):
        for owner, ttl, (rdtype, data) in draw(RECORDS):
            section.append(dns.rrset.from_text(owner, ttl, "IN", rdtype, data))
    return message.to_wire()


@given(responses(), st.booleans(), st.booleans(), st.integers(0, 100_000))
def test_what_dnspython_builds_is_taken_apart_and_put_together(
    message: bytes, dnssec_ok: bool, may_be_private: bool, ttl: int
) -> None:
    before = judged(message)
    answer, rewritten = taken(message, dnssec_ok=dnssec_ok, may_be_private=may_be_private)
    after = again(answer, wire.question_of(message), ttl)
    for had, has in zip(before.sections[1:], after.sections[1:], strict=True):
        assert {(r.name, r.rdtype, r[0].to_text()) for r in has} <= {(r.name, r.rdtype, r[0].to_text()) for r in had}
        for rrset in has:
            assert dnssec_ok or rrset.rdtype not in (46, 47) or rrset.rdtype == before.question[0].rdtype
            if rrset.rdtype == 1 and not may_be_private:
                assert rrset[0].to_text() != "10.0.0.1"
    assert answer.ttl <= MAX_CACHED_SECONDS
    assert not (may_be_private and rewritten)


@given(responses())
def test_no_ttl_ever_grows(message: bytes) -> None:
    answer, _ = taken(message, may_be_private=True, dnssec_ok=True)
    if not answer.ttl:
        return
    before = judged(message)
    after = again(answer, wire.question_of(message), answer.ttl)
    for had, has in zip(before.sections[1:], after.sections[1:], strict=True):
        for rrset in has:
            assert answer.ttl <= max(
                r.ttl for r in had if r.name == rrset.name and r.rdtype == rrset.rdtype and r[0] == rrset[0]
            )


USUAL_RECORDS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([1, 28]), st.integers(0, 0xFFFFFFFF), st.binary(min_size=4, max_size=4)),
        st.tuples(st.sampled_from([1, 28]), st.integers(0, 0xFFFFFFFF), st.binary(min_size=16, max_size=16)),
    ),
    max_size=4,
)


@given(
    st.sampled_from(["A", "AAAA"]),
    USUAL_RECORDS,
    st.sampled_from([b"", OPT, wire.opt(ede(3)), wire.opt(flags=0x8000), wire.opt(version=1), wire.opt(size=4096), A]),
    st.integers(0, 0x07FF),
    st.binary(max_size=3),
    st.integers(0, 30),
    st.booleans(),
)
def test_the_fast_path_takes_apart_as_the_careful_one_does(
    kind: str, records: list[tuple[int, int, bytes]], last: bytes, bits: int, junk: bytes, cut: int, dnssec_ok: bool
) -> None:
    made = [wire.raw_record(wire.POINTER, rdtype, ttl, data) for rdtype, ttl, data in records]
    message = response(question(kind=kind), *made, additional=[last] if last else [], flags=wire.QR | bits & ~15) + junk
    message = message[: len(message) - cut] if cut < 20 else message
    _the_same(message, question(kind=kind), dnssec_ok=dnssec_ok)


@given(responses(), st.booleans())
def test_the_fast_path_agrees_on_what_dnspython_builds(message: bytes, dnssec_ok: bool) -> None:
    _the_same(message, wire.question_of(message), dnssec_ok=dnssec_ok)


def _the_same(message: bytes, asked: bytes, *, dnssec_ok: bool) -> None:
    start = HEADER + len(asked)
    if len(message) < start:
        return
    try:
        usual = _usual_answer(message, asked, start, NOW)
    except IndexError:
        usual = None  # that it must not escape from read_answer is another test
    if usual is None:
        return
    for may_be_private in (False, True):
        careful, rewritten = _read_answer(message, asked, start, NOW, dnssec_ok, may_be_private)
        assert not rewritten
        for slot in Answer.__slots__:
            if slot != "segments":
                assert getattr(usual, slot) == getattr(careful, slot), slot
        assert usual.body(5) == careful.body(5)


@given(responses(), st.sets(st.integers(0, 15)))
def test_a_message_written_again_holds_the_records_that_were_kept(message: bytes, drop: set[int]) -> None:
    asked = wire.question_of(message)
    start = HEADER + len(asked)
    records, answers, authorities, additionals = walk(message, start)
    drop &= set(range(len(records)))
    rebuilt, after = _rebuild(message, start, records, drop)
    counts = [
        len([index for index in range(first, first + count) if index not in drop])
        for first, count in ((0, answers), (answers, authorities), (answers + authorities, additionals))
    ]
    whole = rebuilt[:6] + struct.pack("!HHH", *counts) + rebuilt[12:]
    flat = [rrset for section in judged_raw(message) for rrset in section]
    assert [rrset for section in judged_raw(whole) for rrset in section] == [
        each for index, each in enumerate(flat) if index not in drop
    ]
    assert [record.end for record in after][-1:] == ([len(rebuilt)] if after else [])
    assert walk(whole, start)[0] == after


def judged_raw(message: bytes) -> list[list[tuple[dns.name.Name, int, int, str]]]:
    """Return every record of each section, OPT included, as dnspython reads it."""
    found = judged(message)
    sections = [[(r.name, int(r.rdtype), r.ttl, str(r[0])) for r in section] for section in found.sections[1:]]
    if found.opt is not None:
        sections[2].append((found.opt.name, 41, found.opt.ttl, str(found.opt[0])))
    return sections
