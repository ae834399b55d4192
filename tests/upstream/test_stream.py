"""Upstreams by TCP: pipelining, matching, loss of connections, limits. TLS adds nothing here; see test_tls.py."""

import asyncio
import socket

import dns.message
import pytest

from resolver.upstream.address import parse_upstream
from resolver.upstream.stream import StreamUpstream
from resolver.wire import MalformedMessage
from tests.upstream.messages import TIMEOUT, Inbox, answer, ask, closing, name_in, query, until
from tests.upstream.stream_server import ServerConnection, answering, framed, serving, silent

SOON = 0.3
"""Seconds for what is meant to run out in a test."""


def upstream_at(
    port: int, *, idle_seconds: float = 30.0, connect_seconds: float = 2.0, query_seconds: float = TIMEOUT
) -> StreamUpstream:
    return StreamUpstream(
        parse_upstream(f"tcp://127.0.0.1:{port}"),
        None,
        idle_seconds=idle_seconds,
        connect_seconds=connect_seconds,
        query_seconds=query_seconds,
    )


async def test_the_reply_has_the_query_s_id_and_the_wire_another() -> None:
    async with serving(answering) as server, closing(upstream_at(server.port)) as upstream:
        asked = [query(ident=7) for _ in range(8)]
        replies = [await ask(upstream, message) for message in asked]
        assert replies == [answer(message) for message in asked]
        assert len({message[:2] for message in server.received}) > 1
        assert {message[2:] for message in server.received} == {asked[0][2:]}
        assert len(server.connections) == 1
        assert upstream.ignored == 0


async def test_answers_may_come_in_any_order() -> None:
    def backwards(connection: ServerConnection, _message: bytes) -> None:
        if len(connection.received) == 50:
            connection.send(*(answer(message) for message in reversed(connection.received)))

    async with serving(backwards) as server, closing(upstream_at(server.port)) as upstream:
        inbox = Inbox()
        for number in range(50):
            inbox.ask(upstream, query(f"n{number}.example.org", ident=number), f"n{number}")
        for number in range(50):
            assert await inbox.outcome(f"n{number}") == answer(query(f"n{number}.example.org", ident=number))
        assert len(server.connections) == 1


async def test_equal_queries_in_flight_each_get_an_answer() -> None:
    async with serving(answering) as server, closing(upstream_at(server.port)) as upstream:
        inbox = Inbox()
        for number in range(20):
            inbox.ask(upstream, query(ident=number), str(number))
        for number in range(20):
            assert await inbox.outcome(str(number)) == answer(query(ident=number))
        assert len({message[:2] for message in server.received}) == 20


async def test_an_answer_may_come_octet_by_octet() -> None:
    async def dribble(connection: ServerConnection, message: bytes) -> None:
        for octet in framed(answer(message)):
            connection.transport.write(bytes((octet,)))
            await asyncio.sleep(0)

    tasks = []

    def behaviour(connection: ServerConnection, message: bytes) -> None:
        tasks.append(asyncio.get_running_loop().create_task(dribble(connection, message)))

    async with serving(behaviour) as server, closing(upstream_at(server.port)) as upstream:
        assert await ask(upstream, query()) == answer(query())
        await asyncio.gather(*tasks)


async def test_the_longest_message_passes() -> None:
    texts = ["x" * 255] * 254 + ["y" * 180]

    def behaviour(connection: ServerConnection, message: bytes) -> None:
        connection.send(answer(message, *texts))

    async with serving(behaviour) as server, closing(upstream_at(server.port)) as upstream:
        reply = await ask(upstream, query())
        assert reply is not None
        assert 65_000 < len(reply) < 65_536


async def test_what_is_no_reply_is_ignored_and_the_wait_goes_on() -> None:
    def behaviour(connection: ServerConnection, message: bytes) -> None:
        good = answer(message)
        connection.send(
            b"",
            b"\x00",
            bytes((good[0] ^ 1,)) + good[1:],  # another id
            answer(message[:2] + query("another.example.org")[2:]),
            good.replace(b"www", b"wWw"),
            message,  # not a response
            good[:2] + b"\x81\x80" + bytes(8),  # no question, and yet no error
            good,
        )

    async with serving(behaviour) as server, closing(upstream_at(server.port)) as upstream:
        assert await ask(upstream, query()) == answer(query())
        assert upstream.ignored == 7
        assert len(server.connections) == 1


async def test_letter_case_comes_back_as_it_went() -> None:
    async with serving(answering) as server, closing(upstream_at(server.port)) as upstream:
        assert await ask(upstream, query("wWw.eXample.ORG")) == answer(query("wWw.eXample.ORG"))


async def test_an_error_may_leave_the_question_out() -> None:
    def behaviour(connection: ServerConnection, message: bytes) -> None:
        connection.send(message[:2] + b"\x81\x81" + bytes(8))

    async with serving(behaviour) as server, closing(upstream_at(server.port)) as upstream:
        reply = await ask(upstream, query(ident=9))
        assert reply is not None
        read = dns.message.from_wire(reply)
        assert (read.id, read.rcode(), read.question) == (9, 1, dns.message.from_wire(query()).question)


async def test_a_query_on_a_connection_that_closes_is_asked_again() -> None:
    def behaviour(connection: ServerConnection, message: bytes) -> None:
        if len(connection.server.connections) == 1 and name_in(message) == "lost.example.org":
            connection.transport.close()
        else:
            answering(connection, message)

    async with serving(behaviour) as server, closing(upstream_at(server.port)) as upstream:
        assert await ask(upstream, query())
        assert await ask(upstream, query("lost.example.org")) == answer(query("lost.example.org"))
        assert len(server.connections) == 2
        assert not server.connections[0].open


@pytest.mark.parametrize("abruptly", [False, True])
async def test_a_query_is_asked_again_only_once(abruptly: bool) -> None:
    def behaviour(connection: ServerConnection, _message: bytes) -> None:
        if abruptly:
            connection.transport.abort()
        else:
            connection.transport.close()

    async with serving(behaviour) as server, closing(upstream_at(server.port)) as upstream:
        assert await ask(upstream, query()) is None
        assert len(server.received) == 2


async def test_all_in_flight_move_to_one_fresh_connection() -> None:
    def behaviour(connection: ServerConnection, message: bytes) -> None:
        if connection is connection.server.connections[0]:
            if len(connection.received) == 30:
                connection.transport.abort()
        else:
            answering(connection, message)

    async with serving(behaviour) as server, closing(upstream_at(server.port)) as upstream:
        inbox = Inbox()
        for number in range(30):
            inbox.ask(upstream, query(f"n{number}.example.org"), str(number))
        for number in range(30):
            assert await inbox.outcome(str(number)) == answer(query(f"n{number}.example.org"))
        assert len(server.connections) == 2


async def test_a_stalled_query_holds_up_no_other() -> None:
    def behaviour(connection: ServerConnection, message: bytes) -> None:
        if name_in(message) != "stalled.example.org":
            answering(connection, message)

    async with serving(behaviour) as server, closing(upstream_at(server.port, query_seconds=SOON)) as upstream:
        inbox = Inbox()
        inbox.ask(upstream, query("stalled.example.org"), "stalled")
        for _ in range(5):
            assert await ask(upstream, query())
        assert inbox.replies["stalled"] == []
        assert await inbox.outcome("stalled") is None
        assert await ask(upstream, query())
        assert len(server.connections) == 1


async def test_a_connection_that_has_gone_silent_is_left() -> None:
    def behaviour(connection: ServerConnection, message: bytes) -> None:
        if connection is not connection.server.connections[0]:
            answering(connection, message)

    async with serving(behaviour) as server, closing(upstream_at(server.port, query_seconds=SOON)) as upstream:
        inbox = Inbox()
        inbox.ask(upstream, query("first.example.org"), "first")
        await asyncio.sleep(SOON / 2)  # so that the second outlives the first
        inbox.ask(upstream, query("second.example.org"), "second")
        assert await inbox.outcome("first") is None
        assert await inbox.outcome("second") == answer(query("second.example.org"))
        await until(lambda: not server.connections[0].open)


async def test_an_idle_connection_is_closed_and_a_new_one_opened_when_needed() -> None:
    async with serving(answering) as server, closing(upstream_at(server.port, idle_seconds=0.05)) as upstream:
        assert await ask(upstream, query())
        await until(lambda: not server.connections[0].open)
        assert await ask(upstream, query())
        assert len(server.connections) == 2


async def test_a_connection_with_a_query_in_flight_is_not_idle() -> None:
    async with (
        serving(silent) as server,
        closing(upstream_at(server.port, idle_seconds=0.05, query_seconds=SOON)) as upstream,
    ):
        assert await ask(upstream, query()) is None
        assert len(server.received) == 1


async def test_a_refused_connection_fails_and_says_why() -> None:
    async with serving(answering) as server:
        pass
    async with closing(upstream_at(server.port)) as upstream:
        assert await ask(upstream, query()) is None
        assert "Connect call failed" in upstream.error


async def test_a_dead_server_fails_also_what_waits_for_room() -> None:
    async with serving(answering) as server:
        pass
    async with closing(upstream_at(server.port)) as upstream:
        inbox = Inbox()
        for number in range(1_000):
            inbox.ask(upstream, query(), str(number))
        for number in range(1_000):
            assert await inbox.outcome(str(number)) is None


async def test_connecting_takes_only_so_long() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(2)]  # a full queue: the kernel lets further attempts hang
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        async with closing(upstream_at(port, connect_seconds=0.1)) as upstream:
            assert await ask(upstream, query()) is None
            assert upstream.error == "no connection within 0.1 s"
        for filler in fillers:
            filler.close()


async def test_queries_wait_for_the_connection_together() -> None:
    async with serving(answering) as server, closing(upstream_at(server.port)) as upstream:
        inbox = Inbox()
        for number in range(10):
            inbox.ask(upstream, query(ident=number), str(number))
            await asyncio.sleep(0)
        for number in range(10):
            assert await inbox.outcome(str(number)) == answer(query(ident=number))
        assert len(server.connections) == 1


async def test_a_restarted_server_is_asked_at_once() -> None:
    async with serving(answering) as server:
        port = server.port
        upstream = upstream_at(port)
        assert await ask(upstream, query())
    async with closing(upstream):
        assert await ask(upstream, query("down.example.org")) is None
        async with serving(answering, port=port):
            assert await ask(upstream, query("up.example.org")) == answer(query("up.example.org"))


async def test_many_queries_spread_over_at_most_four_connections() -> None:
    held: list[tuple[ServerConnection, bytes]] = []

    def behaviour(connection: ServerConnection, message: bytes) -> None:
        held.append((connection, message))

    async with serving(behaviour) as server, closing(upstream_at(server.port)) as upstream:
        inbox = Inbox()
        for number in range(900):
            inbox.ask(upstream, query(f"n{number}.example.org"), str(number))
        await until(lambda: len(held) == 800)
        assert [len(connection.received) for connection in server.connections] == [200] * 4
        server.behaviour = answering
        for connection, message in held:  # each answer makes room for one that waits
            answering(connection, message)
        for number in range(900):
            assert await inbox.outcome(str(number)) == answer(query(f"n{number}.example.org"))
        assert len(server.connections) == 4


async def test_what_waits_is_bounded() -> None:
    async with serving(silent) as server, closing(upstream_at(server.port)) as upstream:
        inbox = Inbox()
        for number in range(2801):
            inbox.ask(upstream, query(), "last" if number == 2800 else "others")
        assert await inbox.outcome("last") is None
        assert inbox.replies["others"] == []


async def test_queries_wait_while_the_server_does_not_read() -> None:
    received = []

    def behaviour(connection: ServerConnection, message: bytes) -> None:
        received.append(message)
        if len(received) == 1:
            connection.transport.pause_reading()
        answering(connection, message)

    def long_query(number: int) -> bytes:
        wire = query(f"n{number}.example.org")
        rdata = b"\xfd\xe9" + (60_000).to_bytes(2) + bytes(60_000)  # an option for local use
        return wire[:-2] + len(rdata).to_bytes(2) + rdata

    async with serving(behaviour) as server, closing(upstream_at(server.port)) as upstream:
        assert await ask(upstream, query())
        inbox = Inbox()
        (carrier,) = upstream.alive
        number = 0
        while not carrier.unsent:  # first the kernel takes it, then the transport's buffer, then nobody
            inbox.ask(upstream, long_query(number), str(number))
            number += 1
            await asyncio.sleep(0.001)
        assert number < 200
        server.connections[0].transport.resume_reading()
        for each in range(number):
            assert await inbox.outcome(str(each)) == answer(query(f"n{each}.example.org"))
        assert len(server.connections) == 1


async def test_a_cancelled_query_hears_nothing() -> None:
    async with serving(silent) as server, closing(upstream_at(server.port)) as upstream:
        inbox = Inbox()
        inbox.ask(upstream, query("early.example.org"), "early")()  # before anything was written
        cancel = inbox.ask(upstream, query("flying.example.org"), "flying")
        await until(lambda: len(server.received) == 1)
        cancel()
        cancel()
        server.behaviour = answering
        answering(server.connections[0], server.received[0])
        assert await ask(upstream, query()) == answer(query())
        assert inbox.replies == {"early": [], "flying": []}
        assert [name_in(message) for message in server.received] == ["flying.example.org", "www.example.org"]
        assert upstream.ignored == 1  # the answer nobody waited for


async def test_cancelling_what_waits_for_room_frees_its_place() -> None:
    async with serving(silent) as server, closing(upstream_at(server.port)) as upstream:
        inbox = Inbox()
        cancels = [inbox.ask(upstream, query(f"n{number}.example.org"), "many") for number in range(801)]
        late = inbox.ask(upstream, query("late.example.org"), "late")
        await until(lambda: len(server.received) == 800)
        cancels[-1]()
        late()
        inbox.ask(upstream, query("next.example.org"), "next")
        cancels[0]()
        await until(lambda: len(server.received) == 801)
        assert name_in(max(server.received, key=lambda message: b"next" in message)) == "next.example.org"
        assert inbox.replies == {"many": [], "late": [], "next": []}


async def test_cancelling_after_the_outcome_changes_nothing() -> None:
    async with serving(answering) as server, closing(upstream_at(server.port)) as upstream:
        inbox = Inbox()
        cancel = inbox.ask(upstream, query())
        assert await inbox.outcome()
        cancel()
        assert await ask(upstream, query())


async def test_a_failure_on_its_way_can_still_be_cancelled() -> None:
    upstream = upstream_at(1)
    upstream.close()
    inbox = Inbox()
    inbox.ask(upstream, query(), "cancelled")()
    inbox.ask(upstream, query(), "told")
    assert await inbox.outcome("told") is None
    assert inbox.replies["cancelled"] == []


async def test_closing_tells_everyone_who_waits() -> None:
    async with serving(silent) as server, closing(upstream_at(server.port)) as upstream:
        inbox = Inbox()
        inbox.ask(upstream, query(), "flying")
        await until(lambda: len(server.received) == 1)
        inbox.ask(upstream, query(), "unsent")
        upstream.close()
        assert await inbox.outcome("flying") is None
        assert await inbox.outcome("unsent") is None
        await until(lambda: not server.connections[0].open)


async def test_closing_while_connecting_leaves_nothing_behind() -> None:
    async with serving(answering) as server, closing(upstream_at(server.port)) as upstream:
        inbox = Inbox()
        inbox.ask(upstream, query())
        await asyncio.sleep(0)
        upstream.close()
        assert await inbox.outcome() is None


async def test_whoever_is_told_may_ask_again_at_once() -> None:
    async with serving(answering) as server, closing(upstream_at(server.port)) as upstream:
        replies: list[bytes | None] = []

        def done(reply: bytes | None) -> None:
            replies.append(reply)
            if len(replies) < 5:
                upstream.ask(query(ident=len(replies)), done)

        upstream.ask(query(ident=0), done)
        await until(lambda: len(replies) == 5)
        assert replies == [answer(query(ident=number)) for number in range(5)]


async def test_what_is_no_query_is_the_caller_s_mistake() -> None:
    async with closing(upstream_at(1)) as upstream:
        with pytest.raises(MalformedMessage):
            upstream.ask(b"\x00\x00", lambda _reply: None)
