"""Queries and names on the wire: every rule of their docstrings in tables, and dnspython as oracle."""

import struct

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from resolver.wire import (
    HEADER,
    MAX_POINTERS,
    MalformedMessage,
    Query,
    Rcode,
    Rejected,
    edns_options,
    name_text,
    parse_query,
    read_name,
    skip_name,
    type_text,
    wire_name,
)
from tests.harness import wire

ID = b"\x12\x34"
QUESTION = wire.name_wire("WwW.Example.ORG") + b"\x00\x01\x00\x01"
ROOT = b"\x00\x00\x02\x00\x01"


def head(flags: int = wire.RD, qd: int = 1, an: int = 0, ns: int = 0, ar: int = 0) -> bytes:
    """Return a header."""
    return ID + struct.pack("!HHHHH", flags, qd, an, ns, ar)


def labels(*lengths: int) -> bytes:
    """Return a name with labels of these lengths."""
    return b"".join(bytes((length,)) + b"a" * length for length in lengths) + b"\x00"


def option(code: int, value: bytes) -> bytes:
    """Return an EDNS option."""
    return struct.pack("!HH", code, len(value)) + value


PLAIN = head() + QUESTION
TYPE_CLASS = b"\x00\x01\x00\x01"
LONGEST = labels(63, 63, 63, 61)

SILENCE = {
    "nothing": b"",
    "an id": ID,
    "eleven octets": PLAIN[:11],
    "a response": head(wire.QR | wire.RD) + QUESTION,
    "a response with an opcode": head(wire.QR | 0x2000) + QUESTION,
    "a broken response": head(wire.QR, 7),
}

ERRORS = {
    "header only": (head(), Rcode.FORMERR, False),
    "no question": (head(qd=0), Rcode.FORMERR, False),
    "no question but its octets": (head(qd=0) + QUESTION, Rcode.FORMERR, False),
    "two questions": (head(qd=2) + QUESTION + QUESTION, Rcode.FORMERR, False),
    "256 questions": (head(qd=256) + QUESTION, Rcode.FORMERR, False),
    "an answer": (head(an=1) + QUESTION + wire.record("@", 1, "A", "192.0.2.1"), Rcode.FORMERR, False),
    "an authority": (head(ns=1) + QUESTION + wire.soa(), Rcode.FORMERR, False),
    "name without end": (head() + b"\x03www", Rcode.FORMERR, False),
    "label cut": (head() + b"\x05ww", Rcode.FORMERR, False),
    "type cut": (head() + QUESTION[:-3], Rcode.FORMERR, False),
    "class cut": (head() + QUESTION[:-1], Rcode.FORMERR, False),
    "pointer to itself": (head() + b"\xc0\x0c" + TYPE_CLASS, Rcode.FORMERR, False),
    "pointer behind a label": (head() + b"\x03www\xc0\x0c" + TYPE_CLASS, Rcode.FORMERR, False),
    "pointer into the header": (head() + b"\xc0\x00" + TYPE_CLASS, Rcode.FORMERR, False),
    "label of 64": (head() + b"\x40" + b"a" * 64 + b"\x00" + TYPE_CLASS, Rcode.FORMERR, False),
    "label type 10": (head() + b"\x80a\x00" + TYPE_CLASS, Rcode.FORMERR, False),
    "name of 256": (head() + labels(63, 63, 63, 62) + TYPE_CLASS, Rcode.FORMERR, False),
    "name of 501": (head() + labels(*(1,) * 250) + TYPE_CLASS, Rcode.FORMERR, False),
    "an octet too many": (PLAIN + b"\x00", Rcode.FORMERR, True),
    "a record too many": (PLAIN + wire.opt(), Rcode.FORMERR, True),
    "a record too few": (head(ar=1) + QUESTION, Rcode.FORMERR, True),
    "two OPT": (head(ar=2) + QUESTION + wire.opt() + wire.opt(), Rcode.FORMERR, True),
    "two OPT with one between": (
        head(ar=3) + QUESTION + wire.opt() + wire.record("@", 1, "A", "192.0.2.1") + wire.opt(), Rcode.FORMERR, True,
    ),
    "OPT of a name": (head(ar=1) + QUESTION + b"\x01a" + wire.opt(), Rcode.FORMERR, True),
    "OPT of a pointer": (head(ar=1) + QUESTION + b"\xc0\x0c" + wire.opt()[1:], Rcode.FORMERR, True),
    "OPT cut": (head(ar=1) + QUESTION + wire.opt()[:-1], Rcode.FORMERR, True),
    "OPT longer than the message": (head(ar=1) + QUESTION + wire.opt(length=1), Rcode.FORMERR, True),
    "octets behind OPT": (head(ar=1) + QUESTION + wire.opt() + b"\x00", Rcode.FORMERR, True),
    "half an option": (head(ar=1) + QUESTION + wire.opt(b"\x00\x0a\x00"), Rcode.FORMERR, True),
    "option longer than OPT": (head(ar=1) + QUESTION + wire.opt(b"\x00\x0a\x00\x09" + b"a" * 8), Rcode.FORMERR, True),
    "additional record cut": (head(ar=1) + QUESTION + b"\xc0\x0c\x00\x01", Rcode.FORMERR, True),
    "version 1": (head(ar=1) + QUESTION + wire.opt(version=1), Rcode.BADVERS, True),
    "version 255 with options": (
        head(ar=1) + QUESTION + wire.opt(option(3, b""), version=255), Rcode.BADVERS, True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("message", SILENCE.values(), ids=SILENCE)
def test_what_is_no_query_is_met_with_silence(message: bytes) -> None:
    assert parse_query(message) is None


@pytest.mark.parametrize(("message", "rcode", "echoed"), ERRORS.values(), ids=ERRORS)
def test_what_is_malformed_gets_its_error(message: bytes, rcode: Rcode, echoed: bool) -> None:
    rejected = parse_query(message)
    assert isinstance(rejected, Rejected)
    assert rejected.rcode is rcode
    assert rejected.question == (QUESTION if echoed else b"")
    assert rejected.flags == wire.RD


@pytest.mark.parametrize("opcode", range(1, 16))
def test_other_opcodes_are_not_implemented(opcode: int) -> None:
    flags = opcode << 11 | wire.RD
    for message in (head(flags) + QUESTION, head(flags, 3), head(flags, an=1)):
        assert parse_query(message) == Rejected(Rcode.NOTIMP, flags, b"", edns=False)


@pytest.mark.parametrize("length", range(60))
def test_cookies_have_8_or_16_to_40_octets(length: int) -> None:
    message = head(ar=1) + QUESTION + wire.opt(option(10, b"c" * length))
    possible = length == 8 or 16 <= length <= 40
    assert isinstance(parse_query(message), Query) == possible


@pytest.mark.parametrize("edns", [False, True])
def test_edns_errors_say_whether_the_query_had_edns(edns: bool) -> None:
    junk = b"" if not edns else wire.opt()
    rejected = parse_query(head(ar=int(edns)) + QUESTION + junk + b"\x00")
    assert isinstance(rejected, Rejected)
    assert rejected.edns == edns


@pytest.mark.parametrize(
    ("size", "limit"), [(0, 512), (511, 512), (512, 512), (1000, 1000), (1232, 1232), (1233, 1232), (65535, 1232)]
)
@pytest.mark.parametrize("options", [b"", option(3, b"")])
def test_the_udp_size_stays_between_512_and_1232(size: int, limit: int, options: bytes) -> None:
    query = parse_query(head(ar=1) + QUESTION + wire.opt(options, size=size))
    assert isinstance(query, Query)
    assert query.udp_size == limit


@pytest.mark.parametrize("options", [b"", option(3, b"")])
@pytest.mark.parametrize(("flags", "dnssec_ok"), [(0, False), (0x8000, True), (0x7FFF, False), (0xFFFF, True)])
def test_only_do_counts_among_the_flags_of_opt(options: bytes, flags: int, dnssec_ok: bool) -> None:
    query = parse_query(head(ar=1) + QUESTION + wire.opt(options, flags=flags))
    assert isinstance(query, Query)
    assert query.edns
    assert query.dnssec_ok == dnssec_ok
    assert query.options == bool(options)


def test_an_ede_option_asks_for_structured_errors() -> None:
    for options, wanted in [
        (option(15, b"\x00\x00"), True),
        (option(15, b""), True),
        (option(3, b"") + option(15, b"\x00\x00"), True),
        (option(3, b""), False),
        (option(65535, b"x" * 50), False),
    ]:
        query = parse_query(head(ar=1) + QUESTION + wire.opt(options))
        assert isinstance(query, Query)
        assert query.wants_structured_error == wanted


def test_other_additional_records_are_stepped_over() -> None:
    other = wire.record("@", 1, "TXT", '"x"')
    for records, count, edns in [(other, 1, False), (other + wire.opt(), 2, True), (wire.opt() + other, 2, True)]:
        query = parse_query(head(ar=count) + QUESTION + records)
        assert isinstance(query, Query)
        assert query.edns == edns
        assert query.udp_size == (1232 if edns else 512)


@pytest.mark.parametrize("name", [b"\x00", labels(63), LONGEST, labels(*(1,) * 127), labels(63, 63, 63, 59, 1)])
def test_the_longest_names_are_taken(name: bytes) -> None:
    assert len(name) <= 255
    query = parse_query(head() + name + TYPE_CLASS)
    assert isinstance(query, Query)
    assert (query.name, query.text) == (name, name_text(name))


def test_the_question_keeps_its_case_and_the_name_loses_it() -> None:
    query = parse_query(PLAIN)
    assert isinstance(query, Query)
    assert query.question == QUESTION
    assert query.name == wire.name_wire("www.example.org")
    assert query.text == "www.example.org"
    assert (query.qtype, query.qclass, query.edns, query.udp_size) == (1, 1, False, 512)


@given(st.binary(max_size=300))
@example(head(ar=65535) + QUESTION + (b"\x00\x00\x01\x00\x01" + bytes(6)) * 4000)
def test_any_octets_give_a_query_an_error_or_silence(message: bytes) -> None:
    assert isinstance(parse_query(message), Query | Rejected | None)


@given(st.integers(0, 65535).map(lambda flags: flags & 0x07FF), st.binary(max_size=100), st.integers(0, 3))
def test_any_octets_behind_a_header_give_a_query_or_an_error(flags: int, rest: bytes, additional: int) -> None:
    result = parse_query(head(flags, ar=additional) + rest)
    assert isinstance(result, Query | Rejected)
    assert result.question == b"" or rest.startswith(result.question)


@given(st.binary(max_size=60), st.integers(0, 3))
def test_any_octets_behind_a_question_leave_the_question_readable(rest: bytes, additional: int) -> None:
    result = parse_query(head(ar=additional) + QUESTION + rest)
    assert isinstance(result, Query | Rejected)
    assert result.question == QUESTION


NAMES = st.lists(st.binary(min_size=1, max_size=63), max_size=5).filter(lambda parts: sum(map(len, parts)) < 240)


@given(
    NAMES,
    st.integers(0, 65535),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0, 512, 1232, 4096]),
    st.lists(st.tuples(st.sampled_from([3, 8, 11, 12, 65001]), st.binary(max_size=20)), max_size=3),
)
def test_queries_of_dnspython_are_read_as_they_were_meant(
    parts: list[bytes], qtype: int, edns: bool, dnssec: bool, size: int, options: list[tuple[int, bytes]]
) -> None:
    name = dns.name.Name([*parts, b""])
    message = wire.query(name.to_wire() or b"\x00", qtype)
    if edns:
        asked = dns.message.from_wire(message)
        asked.use_edns(
            0,
            dns.flags.DO if dnssec else 0,
            size,
            options=[dns.edns.GenericOption(dns.edns.OptionType.make(code), value) for code, value in options],
        )
        message = asked.to_wire()
    query = parse_query(message)
    assert isinstance(query, Query)
    assert query.name == (name.to_wire() or b"").lower()
    assert query.question == wire.question_of(message)
    assert (query.qtype, query.qclass, query.edns) == (qtype, 1, edns)
    assert query.dnssec_ok == (edns and dnssec)
    assert query.options == (edns and bool(options))
    assert query.udp_size == (min(max(size, 512), 1232) if edns else 512)


# -- names as text -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"\x00", "."),
        (b"\x03www\x07example\x03org\x00", "www.example.org"),
        (b"\x03a.b\x03org\x00", "a\\046b.org"),
        (b"\x01.\x00", "\\046"),
        (b"\x01\\\x00", "\\092"),
        (b"\x02\t\n\x00", "\\009\\010"),
        (b"\x03a b\x00", "a\\032b"),
        (b"\x04_dmr\x04a-_9\x00", "_dmr.a-_9"),
        (b"\x01\x00\x00", "\\000"),
        (b"\x02\xc3\xa9\x00", "\\195\\169"),
        (b"\x01\x7f\x00", "\\127"),
        (b"\x01@\x01*\x00", "\\064.\\042"),
    ],
)
def test_names_as_text(name: bytes, text: str) -> None:
    assert name_text(name) == text


@given(NAMES)
def test_the_text_of_a_name_leads_back_to_it(parts: list[bytes]) -> None:
    lower = [part.lower() for part in parts]
    name = b"".join(bytes((len(part),)) + part for part in lower) + b"\x00"
    text = name_text(name)
    assert text.isascii()
    assert text.isprintable()
    assert " " not in text
    assert dns.name.from_text(text).to_wire() == name


@given(NAMES, NAMES)
def test_different_names_have_different_texts(one: list[bytes], other: list[bytes]) -> None:
    texts = [name_text(dns.name.Name([*(p.lower() for p in parts), b""]).to_wire() or b"") for parts in (one, other)]
    assert (texts[0] == texts[1]) == ([p.lower() for p in one] == [p.lower() for p in other])


@pytest.mark.parametrize("text", ["example.org", "a.b.c.example.net", "xn--80ak6aa92e.com", ""])
def test_canonical_names_and_their_wire_format(text: str) -> None:
    assert wire_name(text) == (dns.name.from_text(text + ".").to_wire() if text else b"\x00")


@pytest.mark.parametrize(("qtype", "text"), [(1, "A"), (65, "HTTPS"), (255, "ANY"), (0, "TYPE0"), (65280, "TYPE65280")])
def test_types_as_text(qtype: int, text: str) -> None:
    assert type_text(qtype) == text


# -- names in messages -------------------------------------------------------------------------------------------------


def oracle(data: bytes, at: int) -> tuple[bytes, int] | None:
    """Return the name at an offset and the offset behind it, as dnspython reads it; None if it refuses."""
    try:
        name, used = dns.name.from_wire(data, at)
    except (dns.exception.DNSException, ValueError):
        return None
    return (name.to_wire() or b"").lower(), at + used


def ours(data: bytes, at: int) -> tuple[bytes, int] | None:
    """Return the same as we read it."""
    try:
        return read_name(data, at), skip_name(data, at)
    except (MalformedMessage, IndexError):
        return None


HEAD = bytes(HEADER)
CHAIN_15 = HEAD + b"\x01a\x00" + b"".join(b"\xc0" + bytes((12 if n == 0 else 15 + 2 * (n - 1),)) for n in range(15))

NAMES_IN_MESSAGES = {
    "plain": (HEAD + b"\x01A\x02bC\x00", 12, b"\x01a\x02bc\x00"),
    "root": (HEAD + b"\x00", 12, b"\x00"),
    "pointer": (HEAD + b"\x01a\x00\xc0\x0c", 15, b"\x01a\x00"),
    "label and pointer": (HEAD + b"\x01a\x00\x01b\xc0\x0c", 15, b"\x01b\x01a\x00"),
    "pointer to a pointer": (HEAD + b"\x01a\x00\xc0\x0c\xc0\x0f", 17, b"\x01a\x00"),
    "pointer into the middle": (HEAD + b"\x01a\x01b\x00\xc0\x0e", 17, b"\x01b\x00"),
    "longest": (HEAD + LONGEST, 12, LONGEST),
    "longest in two parts": (HEAD + labels(63, 63, 63)[:-1] + b"\x3d" + b"a" * 61 + b"\x00\xc0\x0c", 12 + 255, LONGEST),
    "fifteen pointers": (CHAIN_15, len(CHAIN_15) - 2, b"\x01a\x00"),
}

BROKEN_NAMES = {
    "to itself": (HEAD + b"\xc0\x0c", 12),
    "to the label before it": (HEAD + b"\x01a\xc0\x0c", 12),
    "forward": (HEAD + b"\xc0\x0e\x01a\x00", 12),
    "in a ring": (HEAD + b"\xc0\x0e\xc0\x0c", 14),
    "into the header": (bytes(HEADER) + b"\xc0\x00", 12),
    "behind the end": (HEAD + b"\xff\xff", 12),
    "cut": (HEAD + b"\xc0", 12),
    "label cut": (HEAD + b"\x05abc", 12),
    "no end": (HEAD + b"\x01a", 12),
    "label type 01": (HEAD + b"\x41" + b"a" * 65 + b"\x00", 12),
    "label type 10": (HEAD + b"\x80\x00\x00", 12),
    "over 255": (HEAD + labels(63, 63, 63, 62), 12),
    "over 255 by a pointer": (HEAD + labels(63, 63, 63) + b"\x3e" + b"a" * 62 + b"\xc0\x0c", 12 + 193),
    "nothing there": (HEAD, 12),
}


@pytest.mark.parametrize(("data", "at", "name"), NAMES_IN_MESSAGES.values(), ids=NAMES_IN_MESSAGES)
def test_names_in_messages(data: bytes, at: int, name: bytes) -> None:
    assert read_name(data, at) == name
    assert ours(data, at) == oracle(data, at)


@pytest.mark.parametrize(("data", "at"), BROKEN_NAMES.values(), ids=BROKEN_NAMES)
def test_broken_names_are_refused(data: bytes, at: int) -> None:
    with pytest.raises((MalformedMessage, IndexError)):
        read_name(data, at)


def test_chains_of_pointers_are_bounded() -> None:
    """A message of 64 KB must not make us walk it once for each of its names."""
    data = HEAD + b"\x01a\x00"
    at = 12
    for _ in range(MAX_POINTERS + 1):
        data += (0xC000 | at).to_bytes(2)
        at = len(data) - 2
    with pytest.raises(MalformedMessage):
        read_name(data, at)


@given(st.binary(max_size=40).map(lambda rest: HEAD + rest), st.integers(12, 52))
def test_any_octets_are_read_as_dnspython_reads_them(data: bytes, at: int) -> None:
    assert ours(data, at) == oracle(data, at) or _stricter(data)


PIECES = st.lists(
    st.one_of(
        st.integers(1, 63).map(lambda n: bytes((n,)) + b"X" * n),
        st.just(b"\x00"),
        st.integers(12, 200).map(lambda at: (0xC000 | at).to_bytes(2)),
    ),
    max_size=12,
).map(lambda pieces: HEAD + b"".join(pieces))


@given(PIECES, st.integers(12, 60))
def test_names_made_of_labels_and_pointers_are_read_as_dnspython_reads_them(data: bytes, at: int) -> None:
    """Or refused, where a pointer (or the middle of one) leads into the header."""
    assert ours(data, at) == oracle(data, at) or (ours(data, at) is None and _stricter(data))


def test_a_pointer_into_the_header_is_refused() -> None:
    with pytest.raises(MalformedMessage):
        read_name(HEAD + b"\x00\x01X\xc0\x00", 13)


def _stricter(data: bytes) -> bool:
    """Whether a pointer may lead into the header, which dnspython allows and no honest server does."""
    return any(data[at] >= 0xC0 and (data[at] & 0x3F) << 8 | data[at + 1] < HEADER for at in range(12, len(data) - 1))


@given(st.binary(max_size=40))
def test_any_octets_as_options_end(rdata: bytes) -> None:
    try:
        found = list(edns_options(rdata))
    except MalformedMessage:
        return
    assert b"".join(option(code, value) for code, value in found) == rdata
