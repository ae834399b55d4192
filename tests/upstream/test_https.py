"""Upstreams by HTTPS: the form of requests, what is taken for an answer, and how HTTP/2 connections end."""

import asyncio
import gc
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import dns.message
import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from resolver.upstream import https
from resolver.upstream.address import parse_upstream
from resolver.upstream.https import HttpsUpstream, objection_to
from resolver.upstream.tls import https_context
from tests.upstream.certificates import Authority
from tests.upstream.https_server import HttpsServerConnection, Request, answering, serving, silent
from tests.upstream.messages import TIMEOUT, Inbox, answer, ask, closing, name_in, query, until

SOON = 0.3
"""Seconds for what is meant to run out in a test."""


@pytest.fixture(scope="module")
def context(authority: Authority) -> ssl.SSLContext:
    """Return the context of a good server."""
    return authority.issue("dns.example.org").server_context("h2")


@asynccontextmanager
async def asking(
    port: int,
    authority: Authority,
    *,
    idle_seconds: float = 30.0,
    query_seconds: float = TIMEOUT,
) -> AsyncIterator[HttpsUpstream]:
    upstream = HttpsUpstream(
        parse_upstream(f"https://dns.example.org:{port}/dns-query#127.0.0.1"),
        https_context(authority.ca_file),
        idle_seconds=idle_seconds,
        connect_seconds=5.0,
        query_seconds=query_seconds,
    )
    async with closing(upstream):
        yield upstream


def answered(reply: bytes | None, ident: int = 0x1234) -> bool:
    if reply is None:
        return False
    read = dns.message.from_wire(reply)
    return read.id == ident and str(read.answer[0][0]) == "192.0.2.1"


async def test_a_query_is_a_post_without_anything_that_tells_who_asks(
    authority: Authority, context: ssl.SSLContext
) -> None:
    async with serving(answering, context) as server, asking(server.port, authority) as upstream:
        assert answered(await ask(upstream, query(ident=77)), 77)
        (request,) = server.requests
        assert request.headers == {
            ":method": "POST",
            ":scheme": "https",
            ":authority": f"dns.example.org:{server.port}",
            ":path": "/dns-query",
            "accept": "application/dns-message",
            "content-type": "application/dns-message",
            "content-length": "128",
        }
        assert len(request.body) == 128  # padded
        assert request.body[:2] == b"\x00\x00"
        assert dns.message.from_wire(bytes(request.body)).question == dns.message.from_wire(query()).question


async def test_answers_may_come_in_any_order_on_one_connection(authority: Authority, context: ssl.SSLContext) -> None:
    def backwards(connection: HttpsServerConnection, _request: Request) -> None:
        if len(connection.requests) == 50:
            for request in reversed(connection.requests.values()):
                answering(connection, request)

    async with serving(backwards, context) as server, asking(server.port, authority) as upstream:
        inbox = Inbox()
        for number in range(50):
            inbox.ask(upstream, query(f"n{number}.example.org", ident=number), str(number))
        for number in range(50):
            reply = await inbox.outcome(str(number))
            assert answered(reply, number)
            assert reply is not None
            assert name_in(reply) == f"n{number}.example.org"
        assert len(server.connections) == 1


def respond_with(change: Callable[[HttpsServerConnection, Request], None]) -> Callable[..., None]:
    """Return a behaviour that spoils the response to bad.example.org and answers all else."""

    def behaviour(connection: HttpsServerConnection, request: Request) -> None:
        if name_in(bytes(request.body)) == "bad.example.org":
            change(connection, request)
        else:
            answering(connection, request)

    return behaviour


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda c, r: c.respond(r, answer(bytes(r.body)), status="500"), "HTTP status 500"),
        (lambda c, r: c.respond(r, b"", status="302"), "HTTP status 302"),
        (lambda c, r: c.respond(r, answer(bytes(r.body)), content_type="text/html"), "found 'text/html'"),
        (lambda c, r: c.respond(r, answer(bytes(r.body)), content_type=None), "found ''"),
        (lambda c, r: c.respond(r, b""), "no reply"),
        (lambda c, r: c.respond(r, b"<html>"), "no reply"),
        (lambda c, r: c.respond(r, answer(query("other.example.org", ident=0))), "no reply"),
        (lambda c, r: c.respond(r, answer(bytes(r.body)).replace(b"bad", b"bAd")), "no reply"),
        (lambda c, r: c.respond(r, b"\x00\x01" + answer(bytes(r.body))[2:]), "no reply"),
        (lambda c, r: c.respond(r, answer(bytes(r.body)) + bytes(200_000)), "more than 65535 octets"),
        (lambda c, r: c.reset(r, ErrorCodes.INTERNAL_ERROR), ""),
    ],
)
async def test_what_is_no_answer_fails_its_query_and_no_other(
    authority: Authority,
    context: ssl.SSLContext,
    change: Callable[[HttpsServerConnection, Request], None],
    reason: str,
) -> None:
    async with serving(respond_with(change), context) as server, asking(server.port, authority) as upstream:
        assert await ask(upstream, query("bad.example.org")) is None
        assert reason in upstream.error
        assert answered(await ask(upstream, query()))
        assert upstream.error == ""
        assert len(server.connections) == 1


@pytest.mark.parametrize(
    ("headers", "objection"),
    [
        ([(b":status", b"200"), (b"content-type", b"application/dns-message")], ""),
        ([(b":status", b"200"), (b"content-type", b"Application/DNS-Message ; charset=x")], ""),
        ([(b":status", b"204"), (b"content-type", b"application/dns-message")], "HTTP status 204"),
        ([(b"content-type", b"application/dns-message")], "HTTP status "),
        (
            [(b":status", b"200"), (b"content-type", b"\xff" * 200)],
            f"expected content of type application/dns-message, found '{'ÿ' * 80}'",
        ),
    ],
)
def test_only_a_plain_success_with_a_dns_message_is_taken(headers: list[tuple[bytes, bytes]], objection: str) -> None:
    assert objection_to(headers) == objection


async def test_the_longest_messages_pass_many_at_once(authority: Authority, context: ssl.SSLContext) -> None:
    """Together they are far more than the windows of HTTP/2 hold."""

    def behaviour(connection: HttpsServerConnection, request: Request) -> None:
        connection.respond(request, answer(bytes(request.body), *["x" * 255] * 254))

    async with serving(behaviour, context) as server, asking(server.port, authority) as upstream:
        inbox = Inbox()
        for number in range(12):
            inbox.ask(upstream, query(f"n{number}.example.org"), str(number))
        for number in range(12):
            reply = await inbox.outcome(str(number))
            assert reply is not None
            assert len(reply) > 65_000
        assert len(server.connections) == 1


async def test_queries_go_out_in_pieces_if_the_server_s_window_is_small(
    authority: Authority, context: ssl.SSLContext
) -> None:
    settings: dict[SettingCodes | int, int] = {SettingCodes.INITIAL_WINDOW_SIZE: 50}
    async with serving(answering, context, settings=settings) as server, asking(server.port, authority) as upstream:
        assert answered(await ask(upstream, query()))  # the server's settings come with its answer
        inbox = Inbox()
        for number in range(20):
            inbox.ask(upstream, query(ident=number), str(number))
        for number in range(20):
            assert answered(await inbox.outcome(str(number)), number)


async def test_an_answer_may_come_before_the_query_is_out(authority: Authority, context: ssl.SSLContext) -> None:
    settings: dict[SettingCodes | int, int] = {SettingCodes.INITIAL_WINDOW_SIZE: 0}
    async with serving(answering, context, settings=settings) as server, asking(server.port, authority) as upstream:
        assert answered(await ask(upstream, query()))  # the server's settings come with its answer
        inbox = Inbox()
        inbox.ask(upstream, query(), "early")
        await until(lambda: len(server.requests) == 2)
        (connection,) = server.connections
        connection.respond(connection.requests[3], answer(query(ident=0)))
        assert answered(await inbox.outcome("early"))
        await until(lambda: connection.requests[3].reset == ErrorCodes.CANCEL)


async def test_a_connection_is_replaced_before_its_stream_ids_run_out(
    authority: Authority, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(https, "_RETIRED_AFTER", 7)
    async with serving(answering, context) as server, asking(server.port, authority) as upstream:
        for number in range(9):
            assert answered(await ask(upstream, query(ident=number)), number)
        assert len(server.connections) > 1
        assert all(max(connection.requests) <= 7 for connection in server.connections)


async def test_what_waits_goes_out_when_the_server_allows_more(authority: Authority, context: ssl.SSLContext) -> None:
    settings: dict[SettingCodes | int, int] = {SettingCodes.MAX_CONCURRENT_STREAMS: 200}
    async with serving(silent, context, settings=settings) as server, asking(server.port, authority) as upstream:
        inbox = Inbox()
        for number in range(210):
            inbox.ask(upstream, query(ident=number), str(number))
        await until(lambda: len(server.requests) == 200)  # 100 before the server has said how many it takes
        server.behaviour = answering
        (connection,) = server.connections
        for request in list(connection.requests.values()):
            answering(connection, request)
        for number in range(210):
            assert answered(await inbox.outcome(str(number)), number)


async def test_no_more_streams_than_the_server_allows(authority: Authority, context: ssl.SSLContext) -> None:
    held: list[tuple[HttpsServerConnection, Request]] = []

    def behaviour(connection: HttpsServerConnection, request: Request) -> None:
        held.append((connection, request))
        if len(held) == 2:
            asyncio.get_running_loop().call_soon(release)

    def release() -> None:
        pair = held[:]
        held.clear()
        for connection, request in pair:
            answering(connection, request)

    settings: dict[SettingCodes | int, int] = {SettingCodes.MAX_CONCURRENT_STREAMS: 2}
    async with serving(behaviour, context, settings=settings) as server, asking(server.port, authority) as upstream:
        inbox = Inbox()
        for label in ("first", "second"):  # the server's settings come with their answers
            inbox.ask(upstream, query(), label)
        assert answered(await inbox.outcome("first"))
        assert answered(await inbox.outcome("second"))
        for number in range(150):
            inbox.ask(upstream, query(ident=number), str(number))
        for number in range(150):
            assert answered(await inbox.outcome(str(number)), number)
        assert [connection.most_open for connection in server.connections] == [2]


async def test_a_refused_stream_is_asked_again_once(authority: Authority, context: ssl.SSLContext) -> None:
    def behaviour(connection: HttpsServerConnection, request: Request) -> None:
        if request.stream == 1 or name_in(bytes(request.body)) == "refused.example.org":
            connection.reset(request, ErrorCodes.REFUSED_STREAM)
        else:
            answering(connection, request)

    async with serving(behaviour, context) as server, asking(server.port, authority) as upstream:
        assert answered(await ask(upstream, query()))
        assert await ask(upstream, query("refused.example.org")) is None
        assert [len(connection.requests) for connection in server.connections] == [4]


async def test_after_goaway_queries_are_asked_again_on_a_new_connection(
    authority: Authority, context: ssl.SSLContext
) -> None:
    def behaviour(connection: HttpsServerConnection, request: Request) -> None:
        if connection is not connection.server.connections[0]:
            answering(connection, request)
        elif len(connection.requests) == 10:
            answering(connection, connection.requests[1])
            connection.go_away(last_stream=1)

    async with serving(behaviour, context) as server, asking(server.port, authority) as upstream:
        inbox = Inbox()
        for number in range(10):
            inbox.ask(upstream, query(ident=number), str(number))
        for number in range(10):
            assert answered(await inbox.outcome(str(number)), number)
        assert [len(connection.requests) for connection in server.connections] == [10, 9]


@pytest.mark.parametrize(
    "end",
    [
        lambda connection: connection.go_away(last_stream=0),
        lambda connection: connection.transport.close(),
        lambda connection: connection.transport.abort(),
        lambda connection: connection.transport.write(b"\0\0\0\4\0\0\0\0\1"),  # SETTINGS of a stream: an error
    ],
)
async def test_a_query_is_asked_again_only_once(
    authority: Authority, context: ssl.SSLContext, end: Callable[[HttpsServerConnection], None]
) -> None:
    async with (
        serving(lambda connection, _request: end(connection), context) as server,
        asking(server.port, authority) as upstream,
    ):
        assert await ask(upstream, query()) is None
        assert len(server.requests) == 2
        await until(lambda: not any(connection.open for connection in server.connections))


async def test_a_server_without_http2_is_not_asked(authority: Authority) -> None:
    context = authority.issue("dns.example.org").server_context("http/1.1")
    async with serving(answering, context) as server, asking(server.port, authority) as upstream:
        assert await ask(upstream, query()) is None
        assert upstream.error == "the server does not offer HTTP/2"
        assert server.requests == []


async def test_a_server_with_another_name_is_not_asked(authority: Authority) -> None:
    context = authority.issue("other.example.org").server_context("h2")
    async with serving(answering, context) as server, asking(server.port, authority) as upstream:
        assert await ask(upstream, query()) is None
        assert "Hostname mismatch" in upstream.error
        assert server.requests == []


async def test_a_slow_response_holds_up_no_other_and_is_given_up(authority: Authority, context: ssl.SSLContext) -> None:
    def half(connection: HttpsServerConnection, request: Request) -> None:
        connection.respond(request, answer(bytes(request.body))[:20], end=False)

    async with (
        serving(respond_with(half), context) as server,
        asking(server.port, authority, query_seconds=SOON) as upstream,
    ):
        inbox = Inbox()
        inbox.ask(upstream, query("bad.example.org"), "slow")
        for _ in range(5):
            assert answered(await ask(upstream, query()))
        assert inbox.replies["slow"] == []
        assert await inbox.outcome("slow") is None
        await until(lambda: server.requests[0].reset == ErrorCodes.CANCEL)
        assert answered(await ask(upstream, query()))


async def test_a_cancelled_query_hears_nothing_and_the_server_is_told(
    authority: Authority, context: ssl.SSLContext
) -> None:
    async with serving(silent, context) as server, asking(server.port, authority) as upstream:
        inbox = Inbox()
        inbox.ask(upstream, query(), "early")()
        cancel = inbox.ask(upstream, query(), "flying")
        await until(lambda: len(server.requests) == 1)
        cancel()
        await until(lambda: server.requests[0].reset == ErrorCodes.CANCEL)
        server.behaviour = answering
        assert answered(await ask(upstream, query()))
        assert inbox.replies == {"early": [], "flying": []}
        assert len(server.connections) == 1


async def test_an_answer_that_crosses_the_cancel_is_ignored(authority: Authority, context: ssl.SSLContext) -> None:
    cancels: list[Callable[[], None]] = []

    def behaviour(connection: HttpsServerConnection, request: Request) -> None:
        for cancel in cancels:
            cancel()
        answering(connection, request)

    async with serving(behaviour, context) as server, asking(server.port, authority) as upstream:
        inbox = Inbox()
        cancels.append(inbox.ask(upstream, query(), "cancelled"))
        await until(lambda: len(server.requests) == 1)
        assert answered(await ask(upstream, query()))
        assert inbox.replies["cancelled"] == []
        assert len(server.connections) == 1


async def test_an_idle_connection_is_closed_and_a_new_one_opened_when_needed(
    authority: Authority, context: ssl.SSLContext
) -> None:
    async with (
        serving(answering, context) as server,
        asking(server.port, authority, idle_seconds=0.05) as upstream,
    ):
        assert answered(await ask(upstream, query()))
        await until(lambda: not server.connections[0].open)
        assert answered(await ask(upstream, query()))
        assert len(server.connections) == 2


async def test_a_restarted_server_is_asked_at_once(authority: Authority, context: ssl.SSLContext) -> None:
    async with serving(answering, context) as server:
        port = server.port
    async with asking(port, authority) as upstream:
        assert await ask(upstream, query()) is None
        async with serving(answering, context, port=port):
            assert answered(await ask(upstream, query()))
        assert await ask(upstream, query()) is None
        async with serving(answering, context, port=port):
            assert answered(await ask(upstream, query()))


async def test_closing_tells_everyone_who_waits(authority: Authority, context: ssl.SSLContext) -> None:
    async with serving(silent, context) as server, asking(server.port, authority) as upstream:
        inbox = Inbox()
        inbox.ask(upstream, query(), "flying")
        await until(lambda: len(server.requests) == 1)
        upstream.close()
        assert await inbox.outcome("flying") is None


async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def speak_plainly(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


@pytest.mark.parametrize(
    ("behaviour", "most"),
    [
        pytest.param(None, 2, id="refused"),
        pytest.param(hang_up, 20, id="hangs-up"),
        pytest.param(speak_plainly, 20, id="no-tls"),
    ],
)
async def test_a_server_that_cannot_be_reached_leaves_no_garbage(
    behaviour: Callable[..., Awaitable[None]] | None, most: int, authority: Authority
) -> None:
    """It is tried with every question, and workers look for reference cycles rarely. asyncio leaves seven objects for
    each of its transports, of which there are two here.
    """
    server = await asyncio.start_server(behaviour or hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    if behaviour is None:
        server.close()
        await server.wait_closed()
    tries = 30
    async with asking(port, authority) as upstream:
        assert await ask(upstream, query()) is None
        gc.collect()
        gc.disable()
        try:
            for _ in range(tries):
                assert await ask(upstream, query()) is None
            await asyncio.sleep(0)
            assert gc.collect() <= most * tries
        finally:
            gc.enable()
            server.close()
