"""What counts as a reply, and what padding does to a query."""

import dns.edns
import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.upstream.exchange import is_reply, padded, question_of, restored
from resolver.upstream.stream import Frames
from resolver.wire import MalformedMessage
from tests.upstream.messages import answer, query
from tests.upstream.stream_server import framed

QUESTION = b"\x03www\x07example\x03org\x00\x00\x01\x00\x01"
REPLY = b"\x12\x34\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00" + QUESTION


@pytest.mark.parametrize("edns", [True, False])
def test_the_question_is_found(edns: bool) -> None:
    assert question_of(query("www.example.org", edns=edns)) == QUESTION


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x00" * 12,
        REPLY[:-1],
        REPLY[:20],
        REPLY[:4] + b"\x00\x02" + REPLY[6:],
        REPLY[:12] + b"\x80" + REPLY[13:],
    ],
)
def test_a_query_without_one_whole_question_is_refused(message: bytes) -> None:
    with pytest.raises(MalformedMessage):
        question_of(message)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (REPLY, True),
        (REPLY + b"anything", True),
        (REPLY.replace(b"www", b"wwW"), False),
        (REPLY.replace(b"example", b"another"), False),
        (REPLY[:-3] + b"\x1c\x00\x01", False),
        (REPLY[:-1] + b"\x03", False),
        (REPLY[:-1], False),
        (REPLY[:2] + b"\x01" + REPLY[3:], False),  # a query
        (REPLY[:2] + b"\xa9" + REPLY[3:], False),  # another opcode
        (REPLY[:11], False),
        (b"", False),
        (b"\x12\x34\x81\x85" + bytes(8), True),  # REFUSED and not a word more
        (b"\x12\x34\x81\x82" + bytes(7) + b"\x01" + b"\x00\x00\x29\x04\xd0" + bytes(6), True),
        (b"\x12\x34\x81\x80" + bytes(8), False),  # NOERROR needs its question
        (b"\x12\x34\x81\x83" + bytes(8), False),  # so does NXDOMAIN
        (b"\x12\x34\x81\x82\x00\x00\x00\x01" + bytes(4), False),  # an error with an answer
    ],
)
def test_only_the_reply_to_the_question_is_one(message: bytes, expected: bool) -> None:
    assert is_reply(QUESTION, message) is expected


@given(st.binary(max_size=64))
def test_no_octets_pass_that_do_not_hold_the_question_or_an_error(message: bytes) -> None:
    if is_reply(QUESTION, message):
        assert message[12:].startswith(QUESTION) or message[3] & 15 in {1, 2, 4, 5}


def test_the_reply_has_the_id_of_the_query_and_always_a_question() -> None:
    assert restored(REPLY, QUESTION, b"\xff\xff" + REPLY[2:]) == REPLY
    short = restored(REPLY, QUESTION, b"\xff\xff\x81\x85" + bytes(8))
    assert short == b"\x12\x34\x81\x85\x00\x01" + bytes(6) + QUESTION
    assert dns.message.from_wire(short).rcode() == 5


@given(st.integers(1, 60), st.booleans())
def test_padding_fills_the_block_and_changes_nothing_else(length: int, dnssec_ok: bool) -> None:
    asked = dns.message.make_query("a" * length + ".example.org", "A", use_edns=0, want_dnssec=dnssec_ok, payload=1232)
    wire = asked.to_wire()
    result = padded(wire, question_of(wire))
    assert len(result) % 128 == 0
    read = dns.message.from_wire(result)
    assert read == asked
    assert (read.ednsflags, read.payload) == (asked.ednsflags, 1232)
    assert [option.otype for option in read.options] == [dns.edns.OptionType.PADDING]


@pytest.mark.parametrize(
    "wire",
    [
        query(edns=False),
        answer(query()),
        query() + b"\x00",
        query()[:-1] + b"\x05",
        query()[:10] + b"\x00\x02" + query()[12:],
    ],
)
def test_what_does_not_end_in_its_only_opt_is_not_padded(wire: bytes) -> None:
    assert padded(wire, question_of(wire)) == wire


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(1, 40), min_size=1))
def test_messages_come_whole_however_the_stream_is_cut(messages: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(framed(message) for message in messages)
    frames = Frames()
    found = []
    at = turn = 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        found += frames.feed(stream[at : at + size])
        at += size
        turn += 1
    assert found == messages
    assert Frames().feed(stream) == messages
