"""What each kind of reply of an upstream leads to: the next server, TCP, no EDNS, plain letters. Clock by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.upstream.pool import (
    DEADLINE,
    MAX_TRIES,
    PLAIN_SECONDS,
    TICK,
    Failure,
)
from tests.harness import wire
from tests.resolver.world import address_record, judged, response
from tests.upstream.pool_fakes import NAME, Pool, pool

# -- what a reply leads to ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rcode", [2, 5, 9])
def test_an_error_goes_to_the_next_server_at_once(rcode: int) -> None:
    some = pool(2)
    some.ask()
    some.servers[0].reply(0, rcode=rcode)
    assert some.asked == [1, 1]
    some.servers[1].reply(0, address_record())
    assert some.answer.rcode == 0


@pytest.mark.parametrize("count", [1, 2, 3])
def test_an_error_of_all_is_passed_on(count: int) -> None:
    some = pool(count)
    ask = some.ask()
    for _ in range(count):
        asking = [server for server in some.servers if server.udp.sent]
        for server in asking:
            if server.server not in ask.refused:
                server.reply(0, rcode=2)
    assert some.answer.rcode == 2
    assert some.asked == [1] * count


def test_an_error_of_one_and_silence_of_the_other_is_an_error() -> None:
    some = pool(2)
    some.ask()
    some.servers[0].reply(0, rcode=2)
    some.wind(DEADLINE + TICK)
    assert some.failure in (Failure.ERROR, Failure.SILENT)
    assert some.asked[0] == 1


@pytest.mark.parametrize("rcode", [1, 4])
def test_formerr_may_mean_that_it_dislikes_edns(rcode: int) -> None:
    """Row 33, RFC 6891 section 6.2.2."""
    some = pool()
    some.ask()
    server = some.servers[0]
    server.reply(0, rcode=rcode)
    assert some.asked == [2]
    assert judged(b"\0\0" + server.udp.sent[0].tail).edns == 0
    assert judged(b"\0\0" + server.udp.sent[1].tail).edns == -1
    server.reply(1, address_record())
    assert some.answer.rcode == 0
    some.ask()
    assert judged(b"\0\0" + server.udp.sent[2].tail).edns == -1
    some.now += PLAIN_SECONDS + 1
    some.ask()
    assert judged(b"\0\0" + server.udp.sent[-1].tail).edns == 0


def test_formerr_without_edns_too_is_about_the_question() -> None:
    some = pool()
    some.ask()
    server = some.servers[0]
    server.reply(0, rcode=1)
    server.reply(1, rcode=1)
    assert some.answer.rcode == 1
    some.ask()
    assert judged(b"\0\0" + server.udp.sent[2].tail).edns == 0


def test_silence_towards_edns_is_met_without_edns() -> None:
    some = pool()
    some.ask()
    server = some.servers[0]
    some.wind(1.5)
    assert [judged(b"\0\0" + sent.tail).edns for sent in server.udp.sent][:3] == [0, 0, -1]
    server.reply(2, address_record())
    assert some.answer.rcode == 0
    some.ask()
    assert judged(b"\0\0" + server.udp.sent[-1].tail).edns == -1


def test_those_who_want_dnssec_are_never_asked_without_edns() -> None:
    some = pool()
    some.ask(dnssec_ok=True)
    some.wind(DEADLINE - TICK)
    assert all(judged(b"\0\0" + sent.tail).ednsflags == 0x8000 for sent in some.servers[0].udp.sent)


def test_an_answer_that_was_cut_is_fetched_by_tcp() -> None:
    """Row 9."""
    some = pool()
    some.ask()
    some.servers[0].reply(0, flags=wire.QR | wire.TC)
    assert not some.outcomes
    assert len(some.servers[0].stream.asked) == 1
    some.servers[0].reply_by_stream(0, *[address_record(f"192.0.2.{n}") for n in range(200)])
    assert some.answer.counts[:2] == (200).to_bytes(2)


def test_an_answer_that_was_cut_and_no_tcp_is_a_failure() -> None:
    """TC is never removed."""
    some = pool()
    some.ask()
    some.servers[0].reply(0, address_record(), flags=wire.QR | wire.TC)
    some.servers[0].stream.asked[0][1](None)
    some.wind(DEADLINE + TICK)
    assert some.failure in (Failure.SILENT, Failure.ERROR)


def test_an_answer_that_was_cut_and_no_tcp_goes_to_the_next_server() -> None:
    some = pool(2)
    some.ask()
    some.servers[0].reply(0, flags=wire.QR | wire.TC)
    some.servers[0].stream.asked[0][1](None)
    assert some.asked == [1, 1]


def malformed(some: Pool, number: int = 0) -> None:
    """Let the first server send what does not hold together."""
    sent = some.servers[0].udp.sent[number]
    sent.asked.on_reply(response(sent.question, address_record())[:-1], sent.at)


def test_one_malformed_packet_does_not_end_the_wait() -> None:
    """TuDoor."""
    some = pool()
    some.ask()
    malformed(some)
    assert not some.outcomes
    some.servers[0].reply_by_stream(0, address_record())
    assert some.answer.rcode == 0


def test_malformed_by_tcp_too_is_a_failure() -> None:
    """Row 6."""
    some = pool()
    some.ask()
    malformed(some)
    query, done = some.servers[0].stream.asked[0]
    done(response(wire.question_of(query), address_record())[:-1])
    assert some.failure is Failure.MALFORMED


@pytest.mark.parametrize("behind", [-1, -4, -8, -16])
@pytest.mark.parametrize("address", ["203.0.113.1", "192.0.2.1"])
def test_wherever_a_reply_is_cut_it_is_malformed(behind: int, address: str) -> None:
    some = pool()
    some.ask()
    sent = some.servers[0].udp.sent[0]
    sent.asked.on_reply(response(sent.question, address_record(address))[:behind], sent.at)
    assert len(some.servers[0].stream.asked) == 1


def test_changed_letters_go_by_tcp_and_plain_letters_after() -> None:
    """Row 36."""
    some = pool()
    some.ask()
    server = some.servers[0]
    server.udp.sent[0].asked.on_mismatch(only_case=True)
    assert len(server.stream.asked) == 1
    assert wire.question_of(server.stream.asked[0][0])[:-4] == NAME
    server.reply_by_stream(0, address_record())
    assert some.answer.rcode == 0
    for _ in range(20):
        some.ask()
    assert {sent.question[:-4] for sent in server.udp.sent[1:]} == {NAME}
    some.now += PLAIN_SECONDS + 1
    for _ in range(20):
        some.ask()
    assert len({sent.question for sent in server.udp.sent[-20:]}) > 1


def test_some_wrong_questions_go_by_tcp_once() -> None:
    """Someone may be guessing: RFC 5452, row 1."""
    some = pool()
    some.ask()
    asked = some.servers[0].udp.sent[0].asked
    streams = []
    for _ in range(10):
        asked.on_mismatch(only_case=False)
        streams.append(len(some.servers[0].stream.asked))
    assert streams[0] == 0
    assert streams[-1] == 1
    assert not some.outcomes
    assert some.servers[0].server.healthy, "a forged packet must not mark the server down"
    some.servers[0].reply(0, address_record())
    assert some.answer.rcode == 0


def test_the_letters_are_drawn_anew_for_each_question() -> None:
    some = pool()
    for number in range(60):
        some.ask(wire.name_wire(f"n{number}.abcdefghijklmnop.example"))
    questions = [sent.question for sent in some.servers[0].udp.sent]
    assert all(sent.question in sent.tail for sent in some.servers[0].udp.sent)
    cases = {question[question.index(b"\x10") :] for question in questions}
    assert len(cases) > 50
    assert {question[:-4].lower() for question in questions} == {
        wire.name_wire(f"n{number}.abcdefghijklmnop.example") for number in range(60)
    }


REPLIES = st.tuples(
    st.integers(0, 0xFFFF), st.binary(min_size=6, max_size=6) | st.just(b"\0\1\0\0\0\0"), st.binary(max_size=40)
)


@given(st.lists(REPLIES, min_size=1, max_size=6), st.integers(1, 3))
def test_whatever_octets_come_the_question_has_one_outcome(replies: list[tuple[int, bytes, bytes]], count: int) -> None:
    """Row 5: never an exception, never a hang."""
    some = pool(count)
    some.ask()
    for flags, counts, rest in replies:
        for server in some.servers:
            for sent in list(server.udp.sent):
                head = b"\0\0" + (flags | wire.QR).to_bytes(2) + b"\0\1" + counts
                sent.asked.on_reply(head + sent.question + rest, sent.at)
            for query, done in list(server.stream.asked):
                done(b"\0\0" + (flags | wire.QR).to_bytes(2) + b"\0\1" + counts + wire.question_of(query) + rest)
    some.wind(DEADLINE + TICK)
    assert len(some.outcomes) == 1
    assert not some.pending


# -- servers by TCP, TLS, HTTPS ----------------------------------------------------------------------------------------


def streams(some: Pool) -> list[int]:
    """Return how often each server was asked by stream."""
    return [len(each.stream.asked) for each in some.servers]


def test_a_stream_server_is_asked_with_plain_letters() -> None:
    some = pool(udp=False)
    some.ask()
    query, _ = some.servers[0].stream.asked[0]
    assert wire.question_of(query)[:-4] == NAME
    assert judged(query).edns == 0
    some.servers[0].reply_by_stream(0, address_record())
    assert some.answer.rcode == 0


def test_a_stream_that_fails_hurries_to_the_next_server() -> None:
    some = pool(2, udp=False)
    some.ask()
    some.servers[0].stream.asked[0][1](None)
    assert streams(some) == [1, 1]
    some.servers[1].stream.asked[0][1](None)
    some.wind(DEADLINE + TICK)
    assert some.failure is Failure.SILENT
    assert sum(streams(some)) <= MAX_TRIES


@pytest.mark.parametrize("rcode", [0, 2])
def test_malformed_by_a_stream_server_goes_to_the_next(rcode: int) -> None:
    some = pool(2, udp=False)
    some.ask()
    query, done = some.servers[0].stream.asked[0]
    done(response(wire.question_of(query), address_record(), rcode=rcode)[:-1])
    assert streams(some) == [1, 1]


def test_a_question_that_came_by_tcp_goes_on_by_tcp() -> None:
    """Row 34."""
    some = pool()
    some.ask(by_tcp=True)
    assert (some.asked, streams(some)) == ([0], [1])
    some.servers[0].reply_by_stream(0, address_record())
    assert some.answer.rcode == 0


def test_a_question_that_came_by_tcp_goes_by_udp_where_there_is_no_tcp() -> None:
    some = pool()
    some.ask(by_tcp=True)
    some.servers[0].stream.asked[0][1](None)
    assert some.asked == [1]
    some.servers[0].reply(0, address_record())
    assert some.answer.rcode == 0
