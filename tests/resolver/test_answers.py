"""Replies: the same header and EDNS rules whoever made them, sinkholes for every type, sizes that are kept."""

import ipaddress
import json
import struct
from collections.abc import Callable

import dns.flags
import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.decision import Action, Decision, Reason, Why
from resolver.answers import Sinkhole, any_reply, dressed, ede_option, own_reply, record, rejection, sinkhole
from resolver.records import Answer, read_answer
from resolver.special import special_reply
from resolver.wire import Query, Rcode, Rejected, parse_query
from settings.model import BlockAnswer, Blocking, School
from tests.harness import wire
from tests.resolver.world import address_record, errors, header_of, judged, response, texts, ttls

BLOCKED = Decision(Action.BLOCK, Reason(Why.CATEGORY, category="adult", list_id="some-list", rule="example.org"))
SCHOOL = School(name="School 12", language="en", contact="mailto:it@school.example")


def query_of(
    name: str | bytes = "WwW.Example.ORG",
    kind: str | int = "A",
    *,
    flags: int = wire.RD,
    edns: wire.Edns | None = None,
) -> Query:
    """Return a query as it is parsed."""
    query = parse_query(wire.query(name, kind, flags=flags, edns=edns))
    assert isinstance(query, Query)
    return query


def sink(mode: BlockAnswer = BlockAnswer.NULL, page: str = "10.0.0.80, fd00::80") -> Sinkhole:
    """Return a sinkhole."""
    return sinkhole(Blocking(answer=mode, page_address=page), SCHOOL)


def upstream_answer(query: Query, *answers: bytes, **parts: object) -> Answer:
    """Return what an upstream said to a query."""
    asked = query.name + query.question[-4:]
    message = response(asked, *answers, **parts)  # type: ignore[arg-type] # handed on
    return read_answer(message, asked, 0.0, dnssec_ok=query.dnssec_ok, may_be_private=True)[0]


def forwarded(query: Query, *, rcode: int = 0, options: bytes = b"", limit: int = 1232) -> bytes:
    """Return the reply to a query with one address, or an error, of an upstream that sets every flag."""
    every = wire.QR | wire.AA | wire.RD | wire.RA | wire.Z | wire.AD | wire.CD
    answer = upstream_answer(query, *([] if rcode else [address_record()]), rcode=rcode, flags=every)
    return b"".join(dressed(answer, query, 30, limit=limit, options=options))


KINDS: dict[str, Callable[[Query], bytes]] = {
    "forwarded": forwarded,
    "forwarded error": lambda query: forwarded(query, rcode=2),
    "stale": lambda query: forwarded(query, options=ede_option(3)),
    "cut": lambda query: forwarded(query, limit=40),
    "sinkhole": lambda query: sink().reply(query, BLOCKED)[0],
    "sinkhole page": lambda query: sink(BlockAnswer.PAGE).reply(query, BLOCKED)[0],
    "sinkhole nxdomain": lambda query: sink(BlockAnswer.NXDOMAIN).reply(query, BLOCKED)[0],
    "canary": lambda query: sink().reply(query, Decision(Action.BLOCK, Reason(Why.BYPASS)))[0],
    "any": any_reply,
    "special": lambda query: special_reply(query, "www.invalid")[0],
    "localhost": lambda query: special_reply(query, "localhost")[0],
    "refused": lambda query: own_reply(query, Rcode.REFUSED, options=ede_option(18)),
    "servfail": lambda query: own_reply(query, Rcode.SERVFAIL, options=ede_option(22)),
    "rejected": lambda query: rejection(Rejected(Rcode.FORMERR, query.flags, query.question, query.edns)),
    "bad version": lambda query: rejection(Rejected(Rcode.BADVERS, query.flags, query.question, edns=True)),
}
OPTIONS = ((3, b""), (10, b"c" * 8), (65001, b"x"))


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(
    "flags", [0, wire.RD, wire.RD | wire.CD, wire.CD, wire.AD | wire.Z | wire.AA | wire.TC | wire.RA]
)
@pytest.mark.parametrize(
    "edns",
    [None, wire.Edns(), wire.Edns(flags=0xFFFF), wire.Edns(options=OPTIONS), wire.Edns(512, 0x8000, options=OPTIONS)],
    ids=["plain", "EDNS", "every flag", "options", "small"],
)
def test_every_reply_follows_the_same_header_and_edns_rules(
    make: Callable[[Query], bytes], flags: int, edns: wire.Edns | None
) -> None:
    """Rows 18 and 19 of RELIABILITY.md section 1."""
    query = query_of(flags=flags, edns=edns)
    body = make(query)
    reply = judged(b"\x12\x34" + body)
    _, sent, questions, *_ = header_of(b"\x12\x34" + body)
    assert sent & wire.QR
    assert sent & wire.RA
    assert not sent & wire.AA
    assert not sent & wire.Z
    assert not sent & 0x7800
    assert sent & (wire.RD | wire.CD) == flags & (wire.RD | wire.CD)
    assert questions == 1
    assert wire.question_of(b"\x12\x34" + body) == query.question
    assert bool(sent & wire.TC) == (make is KINDS["cut"])
    if edns is None and make is not KINDS["bad version"]:
        assert reply.edns == -1
    else:
        assert reply.edns == 0
        assert reply.payload == 1232
        assert reply.ednsflags & 0xFFFF in (0, dns.flags.DO)
        assert {int(option.otype) for option in reply.options} <= {15}
        if make not in (KINDS["rejected"], KINDS["bad version"]):
            assert edns is not None
            assert bool(reply.ednsflags & dns.flags.DO) == bool(edns.flags & wire.DO)
    asked_for_ad = flags & wire.AD or (edns is not None and edns.flags & wire.DO)
    genuine = make in (KINDS["forwarded"], KINDS["forwarded error"], KINDS["stale"], KINDS["cut"])
    assert bool(sent & wire.AD) == bool(asked_for_ad and genuine)


@pytest.mark.parametrize("opcode", [1, 2, 4, 5, 6])
def test_a_rejection_keeps_the_opcode_and_needs_no_question(opcode: int) -> None:
    body = rejection(Rejected(Rcode.NOTIMP, opcode << 11 | wire.RD, b"", edns=False))
    assert len(body) == 10
    assert header_of(b"\x12\x34" + body)[1:] == (wire.QR | opcode << 11 | wire.RD | wire.RA | 4, 0, 0, 0, 0)


# -- sinkholes ---------------------------------------------------------------------------------------------------------

QTYPES = ["A", "AAAA", "HTTPS", "SVCB", "MX", "TXT", "CNAME", "SOA", "NS", "ANY", "SRV", "PTR", "DS", "TYPE65280"]
ADDRESSES = {
    BlockAnswer.NULL: {"A": ["0.0.0.0"], "AAAA": ["::"]},
    BlockAnswer.PAGE: {"A": ["10.0.0.80"], "AAAA": ["fd00::80"]},
    BlockAnswer.NXDOMAIN: {},
}


@pytest.mark.parametrize("mode", list(BlockAnswer))
@pytest.mark.parametrize("kind", QTYPES)
@pytest.mark.parametrize("edns", [None, wire.Edns(), wire.Edns(options=((15, b"\x00\x00"),))])
def test_sinkholes_for_every_type(mode: BlockAnswer, kind: str, edns: wire.Edns | None) -> None:
    query = query_of(kind=kind, edns=edns)
    body, rcode = sink(mode).reply(query, BLOCKED)
    reply = judged(b"\x12\x34" + body)
    expected = ADDRESSES[mode].get(kind, [])
    assert texts(reply) == expected
    assert rcode == (Rcode.NXDOMAIN if mode is BlockAnswer.NXDOMAIN else Rcode.NOERROR)
    assert int(reply.rcode()) == rcode.value
    assert ttls(reply) == {10}
    if not expected:  # RFC 2308: without it a client cannot keep the answer
        (soa,) = reply.authority
        assert soa.rdtype == 6
        assert soa[0].minimum == 10
        assert soa.name == reply.question[0].name
    assert not reply.additional
    assert [code for code, _ in errors(reply)] == ([] if edns is None else [17])


@pytest.mark.parametrize(
    ("page", "v4", "v6"),
    [
        ("10.0.0.80", ["10.0.0.80"], []),
        ("fd00::80", [], ["fd00::80"]),
        ("fd00::80,10.0.0.80", ["10.0.0.80"], ["fd00::80"]),
    ],
)
def test_a_page_without_an_address_of_the_family_gives_no_data(page: str, v4: list[str], v6: list[str]) -> None:
    for kind, expected in (("A", v4), ("AAAA", v6)):
        reply = judged(b"\x12\x34" + sink(BlockAnswer.PAGE, page).reply(query_of(kind=kind), BLOCKED)[0])
        assert texts(reply) == expected
        assert bool(reply.authority) != bool(expected)


@pytest.mark.parametrize("mode", list(BlockAnswer))
def test_a_canary_is_nxdomain_in_every_mode(mode: BlockAnswer) -> None:
    _, rcode = sink(mode).reply(query_of("use-application-dns.net"), Decision(Action.BLOCK, Reason(Why.BYPASS)))
    assert rcode is Rcode.NXDOMAIN


@pytest.mark.parametrize("mode", [BlockAnswer.NULL, BlockAnswer.PAGE])
def test_a_rebinding_name_gets_no_address_at_all(mode: BlockAnswer) -> None:
    reply = judged(b"\x12\x34" + sink(mode).reply(query_of(), Decision(Action.BLOCK, Reason(Why.REBINDING)))[0])
    assert texts(reply) == []
    assert reply.authority


EXPLAINED = {
    Why.LOCKED: 16,
    Why.CATEGORY: 17,
    Why.BLOCKED: 15,
    Why.LEVEL: 15,
    Why.BYPASS: 15,
    Why.REBINDING: 15,
}


@pytest.mark.parametrize(("why", "code"), EXPLAINED.items())
@pytest.mark.parametrize("category", ["", "adult", "nobody-knows-it"])
def test_extended_errors_say_why(why: Why, code: int, category: str) -> None:
    decision = Decision(Action.BLOCK, Reason(why, category=category))
    reply = judged(b"\x12\x34" + sink().reply(query_of(edns=wire.Edns()), decision)[0])
    ((found, text),) = errors(reply)
    assert found == code
    assert text
    assert len(text) <= 100
    assert not text.startswith("{")


@pytest.mark.parametrize("language", ["kk", "ky", "ru", "en"])
def test_structured_errors_are_json_and_only_for_those_who_ask(language: str) -> None:
    school = School(name="№12 мектеп", language=language, contact="mailto:it@school.example")
    reply = judged(
        b"\x12\x34"
        + sinkhole(Blocking(), school).reply(query_of(edns=wire.Edns(options=((15, b"\x00\x00"),))), BLOCKED)[0]
    )
    ((code, text),) = errors(reply)
    assert code == 17
    said = json.loads(text)
    assert said["c"] == ["mailto:it@school.example"]
    assert said["o"] == "№12 мектеп"
    assert said["l"] == language
    assert isinstance(said["s"], int)
    assert said["j"]
    assert set(said) <= {"c", "j", "s", "o", "l"}


def test_structured_errors_leave_out_what_is_not_known() -> None:
    query = query_of(edns=wire.Edns(options=((15, b"\x00\x00"),)))
    ((_, text),) = errors(judged(b"\x12\x34" + sinkhole(Blocking(), School()).reply(query, BLOCKED)[0]))
    assert set(json.loads(text)) == {"j", "s", "l"}


@pytest.mark.parametrize("mode", list(BlockAnswer))
@pytest.mark.parametrize("kind", ["A", "AAAA", "TXT"])
@pytest.mark.parametrize("size", [0, 512, 1232, 65535])
@pytest.mark.parametrize("asks", [(), ((15, b"\x00\x00"),)])
@pytest.mark.parametrize("name", [b"\x00", (b"\x3f" + b"a" * 63) * 3 + b"\x3d" + b"a" * 61 + b"\x00"])
def test_the_text_never_pushes_a_sinkhole_over_the_clients_size(
    mode: BlockAnswer, kind: str, size: int, asks: tuple[tuple[int, bytes], ...], name: bytes
) -> None:
    school = School(
        name="Ұзын атауы бар мектеп " * 40, language="kk", contact="mailto:" + "a" * 300 + "@school.example"
    )
    query = query_of(name, kind, edns=wire.Edns(size, options=asks))
    body, _ = sinkhole(Blocking(answer=mode, page_address="10.0.0.80"), school).reply(query, BLOCKED)
    assert len(body) + 2 <= query.udp_size
    assert errors(judged(b"\x12\x34" + body))[0][0] == 17


# -- answers of upstreams, dressed -------------------------------------------------------------------------------------


def long_answer(query: Query, records: int, **parts: object) -> Answer:
    """Return an answer with so many TXT records of 61 octets each."""
    return upstream_answer(query, *(wire.record("@", 60, "TXT", f'"{n:048d}"') for n in range(records)), **parts)


@given(
    st.integers(0, 60),
    st.booleans(),
    st.booleans(),
    st.integers(0, 65535),
    st.integers(0, 4),
    st.sampled_from([0, 2, 3]),
)
def test_no_reply_is_ever_longer_than_its_limit(
    records: int, edns: bool, dnssec_ok: bool, size: int, said: int, rcode: int
) -> None:
    query = query_of(kind="TXT", edns=wire.Edns(size, 0x8000 if dnssec_ok else 0) if edns else None)
    handed = b"".join(ede_option(7, "e" * 60) for _ in range(said))
    answer = long_answer(query, records, additional=[wire.opt(handed)], rcode=rcode)
    for limit in (query.udp_size, 65535):
        message = b"\x12\x34" + b"".join(dressed(answer, query, 9, limit=limit, options=ede_option(3)))
        reply = judged(message)
        assert len(message) <= limit
        assert reply.rcode() == rcode
        assert (reply.edns == 0) == edns
        if reply.flags & dns.flags.TC:
            assert len(reply.answer) == 0
            assert 12 + len(query.question) + answer.size + (11 if edns else 0) > limit
        else:
            assert len(reply.answer) == records
            assert ttls(reply) <= {9}
        if errors(reply):
            assert errors(reply) == [(3, ""), *[(7, "e" * 60)] * min(said, 4)]


def test_a_reply_of_just_the_size_is_not_cut() -> None:
    for edns in (None, wire.Edns(700)):
        query = query_of(kind="TXT", edns=edns)
        answer = long_answer(query, 5)
        exactly = 12 + len(query.question) + answer.size + (11 if edns else 0)
        for limit, cut in ((exactly, False), (exactly - 1, True)):
            message = b"\x12\x34" + b"".join(dressed(answer, query, 9, limit=limit))
            assert bool(judged(message).flags & dns.flags.TC) == cut


@pytest.mark.parametrize("bits", [0, wire.AD, wire.TC, wire.AD | wire.TC])
@pytest.mark.parametrize("asked", [0, wire.AD])
@pytest.mark.parametrize("edns", [None, wire.Edns(), wire.Edns(flags=0x8000)])
def test_ad_is_never_invented_and_tc_never_removed(bits: int, asked: int, edns: wire.Edns | None) -> None:
    query = query_of(flags=wire.RD | asked, edns=edns)
    answer = upstream_answer(query, address_record(), flags=wire.QR | bits)
    sent = header_of(b"\x12\x34" + b"".join(dressed(answer, query, 9, limit=1232)))[1]
    wants = asked or (edns is not None and edns.flags)
    assert bool(sent & wire.AD) == bool(bits & wire.AD and wants)
    assert bool(sent & wire.TC) == bool(bits & wire.TC)


@pytest.mark.parametrize("edns", [None, wire.Edns()])
def test_extended_errors_of_upstreams_reach_clients_with_edns(edns: wire.Edns | None) -> None:
    query = query_of(edns=edns)
    answer = upstream_answer(query, additional=[wire.opt(ede_option(9, "no key"))], rcode=2)
    reply = judged(b"\x12\x34" + b"".join(dressed(answer, query, 0, limit=query.udp_size)))
    assert errors(reply) == ([] if edns is None else [(9, "no key")])


def test_extended_response_codes_need_edns() -> None:
    badcookie = b"\x00" + struct.pack("!HHBBHH", 41, 1232, 1, 0, 0, 0)
    for edns, code in ((None, 2), (wire.Edns(), 23)):  # without EDNS it can only be called a failure
        query = query_of(edns=edns)
        answer = upstream_answer(query, additional=[badcookie], rcode=7)
        assert judged(b"\x12\x34" + b"".join(dressed(answer, query, 0, limit=512))).rcode() == code


def test_own_records_are_what_they_say() -> None:
    address = record(1, 77, ipaddress.ip_address("192.0.2.7").packed)
    reply = judged(b"\x12\x34" + own_reply(query_of(), 0, answers=(address, address[:-1] + b"\x08")))
    assert texts(reply) == ["192.0.2.7", "192.0.2.8"]
    assert ttls(reply) == {77}


def test_any_is_answered_small() -> None:
    body = any_reply(query_of(kind="ANY"))
    reply = judged(b"\x12\x34" + body)
    assert len(body) < 100
    assert reply.answer[0].rdtype == 13
    assert texts(reply) == ['"RFC8482" ""']
