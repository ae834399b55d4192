"""Upstreams by TLS: nothing is asked of a server that cannot prove who it is, and never in plain text."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import dns.message
import pytest

from resolver.upstream.address import parse_upstream
from resolver.upstream.stream import StreamUpstream
from resolver.upstream.tls import UnreadableAuthorities, https_context, tls_context
from tests.upstream.certificates import Authority, Identity
from tests.upstream.messages import answer, ask, closing, query, until
from tests.upstream.stream_server import ServerConnection, answering, serving


@asynccontextmanager
async def asking(
    port: int, ca_file: str, name: str = "dns.example.org", *, idle_seconds: float = 30.0
) -> AsyncIterator[StreamUpstream]:
    address = parse_upstream(f"tls://127.0.0.1:{port}" + (f"#{name}" if name else ""))
    upstream = StreamUpstream(address, tls_context(ca_file), idle_seconds=idle_seconds, connect_seconds=5.0)
    async with closing(upstream):
        yield upstream


async def test_a_server_with_the_right_name_is_asked(authority: Authority) -> None:
    context = authority.issue("dns.example.org").server_context("dot")
    async with serving(answering, context) as server, asking(server.port, authority.ca_file) as upstream:
        for number in range(3):
            reply = await ask(upstream, query(ident=number))
            assert reply is not None
            read = dns.message.from_wire(reply)
            assert (read.id, str(read.answer[0][0])) == (number, "192.0.2.1")
        (connection,) = server.connections
        assert connection.tls.selected_alpn_protocol() == "dot"
        assert connection.tls.version() in {"TLSv1.2", "TLSv1.3"}


async def test_without_a_name_the_certificate_must_be_for_the_address(authority: Authority) -> None:
    context = authority.issue("127.0.0.1").server_context()
    async with serving(answering, context) as server, asking(server.port, authority.ca_file, "") as upstream:
        assert await ask(upstream, query(edns=False)) == answer(query(edns=False))


async def test_queries_are_padded(authority: Authority) -> None:
    context = authority.issue("dns.example.org").server_context()
    async with serving(answering, context) as server, asking(server.port, authority.ca_file) as upstream:
        assert await ask(upstream, query("a.example.org"))
        assert await ask(upstream, query("a-much-longer-name-than-that.example.org"))
        assert [len(message) for message in server.received] == [128, 128]


def wrong_name(authority: Authority) -> Identity:
    return authority.issue("other.example.org", "example.org", "127.0.0.1")


def common_name_only(authority: Authority) -> Identity:
    return authority.issue("127.0.0.1", common_name="dns.example.org")


def expired(authority: Authority) -> Identity:
    return authority.issue("dns.example.org", expired=True)


def self_signed(authority: Authority) -> Identity:
    return authority.issue("dns.example.org", self_signed=True)


@pytest.mark.parametrize(
    ("issue", "reason"),
    [
        (wrong_name, "Hostname mismatch"),
        (common_name_only, "Hostname mismatch"),
        (expired, "certificate has expired"),
        (self_signed, "self-signed certificate"),
    ],
)
async def test_a_server_that_cannot_prove_who_it_is_is_not_asked(
    authority: Authority, issue: Callable[[Authority], Identity], reason: str
) -> None:
    context = issue(authority).server_context("dot")
    async with serving(answering, context) as server, asking(server.port, authority.ca_file) as upstream:
        assert await ask(upstream, query()) is None
        assert server.received == []
        assert reason in upstream.error


async def test_a_name_is_not_taken_for_the_address(authority: Authority) -> None:
    context = authority.issue("dns.example.org").server_context()
    async with serving(answering, context) as server, asking(server.port, authority.ca_file, "") as upstream:
        assert await ask(upstream, query()) is None
        assert "IP address mismatch" in upstream.error


async def test_an_authority_that_nobody_named_is_not_trusted(authority: Authority) -> None:
    context = authority.issue("dns.example.org").server_context()
    async with serving(answering, context) as server, asking(server.port, "") as upstream:
        assert await ask(upstream, query()) is None
        assert server.received == []


async def test_a_plain_text_server_learns_nothing(authority: Authority) -> None:
    async with serving(answering) as server, asking(server.port, authority.ca_file) as upstream:
        # The first two octets of a TLS record make the server wait for a long message: it says something at once.
        outcome = asyncio.ensure_future(ask(upstream, query("secret.example.org")))
        await until(lambda: bool(server.connections and server.connections[0].raw))
        server.connections[0].send(answer(query("secret.example.org")))
        assert await outcome is None
        for connection in server.connections:
            assert connection.raw[:1] == b"\x16"  # a TLS handshake and nothing else
            assert b"secret" not in connection.raw


async def test_a_server_that_says_nothing_in_the_handshake_is_given_up(authority: Authority) -> None:
    async with serving(answering) as server:
        address = parse_upstream(f"tls://127.0.0.1:{server.port}#dns.example.org")
        upstream = StreamUpstream(address, tls_context(authority.ca_file), connect_seconds=0.1)
        async with closing(upstream):
            assert await ask(upstream, query()) is None
            await until(lambda: not any(connection.open for connection in server.connections))


async def test_a_query_on_a_connection_that_closes_is_asked_again(authority: Authority) -> None:
    def behaviour(connection: ServerConnection, message: bytes) -> None:
        if len(connection.server.connections) == 1:
            connection.transport.close()
        else:
            answering(connection, message)

    context = authority.issue("dns.example.org").server_context()
    async with serving(behaviour, context) as server, asking(server.port, authority.ca_file) as upstream:
        assert await ask(upstream, query())
        assert len(server.connections) == 2


async def test_the_session_is_kept_for_the_next_connection(authority: Authority) -> None:
    context = authority.issue("dns.example.org").server_context()
    async with (
        serving(answering, context) as server,
        asking(server.port, authority.ca_file, idle_seconds=0.05) as upstream,
    ):
        resumed = []
        for number in range(3):
            assert await ask(upstream, query())
            resumed.append(server.connections[number].tls.session_reused)
            await until(lambda: not server.connections[-1].open)
        assert resumed == [False, True, True]


@pytest.mark.parametrize("context", [tls_context(), https_context()])
def test_contexts_verify_and_refuse_old_tls(context: ssl.SSLContext) -> None:
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("content", [None, "", "not a certificate"])
def test_a_file_without_authorities_is_an_error_that_names_it(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UnreadableAuthorities, match=r"ca\.pem: expected certificates in PEM format"):
        tls_context(str(path))
