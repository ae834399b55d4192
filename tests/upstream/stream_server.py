"""A DNS server over TCP or TLS whose behaviour each test writes as a function."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

from tests.upstream.messages import answer, until


class ServerConnection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, server: "StreamServer") -> None:
        self.server = server
        self.received: list[bytes] = []
        self.raw = bytearray()
        self.open = False
        self._pending = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the connection."""
        self.transport = cast(asyncio.Transport, transport)
        self.open = True
        self.server.connections.append(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Note the end."""
        self.open = False

    def data_received(self, data: bytes) -> None:
        """Hand each whole message to the behaviour of the test."""
        self.raw += data
        self._pending += data
        while len(self._pending) >= 2:
            end = 2 + int.from_bytes(self._pending[:2])
            if len(self._pending) < end:
                return
            message = bytes(self._pending[2:end])
            del self._pending[:end]
            self.received.append(message)
            self.server.behaviour(self, message)

    def send(self, *messages: bytes) -> None:
        """Send messages in one piece."""
        self.transport.write(b"".join(framed(message) for message in messages))

    @property
    def tls(self) -> ssl.SSLObject:
        """The TLS object of the connection."""
        return cast(ssl.SSLObject, self.transport.get_extra_info("ssl_object"))


Behaviour = Callable[[ServerConnection, bytes], None]


class StreamServer:
    """The server; `connections` are all that were ever made."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.connections: list[ServerConnection] = []
        self.port = 0

    @property
    def received(self) -> list[bytes]:
        """Every message, connection by connection."""
        return [message for connection in self.connections for message in connection.received]


def framed(message: bytes) -> bytes:
    """Return a message with its length before it."""
    return len(message).to_bytes(2) + message


def answering(connection: ServerConnection, message: bytes) -> None:
    """Answer each query at once."""
    connection.send(answer(message))


def silent(_connection: ServerConnection, _message: bytes) -> None:
    """Answer nothing."""


@asynccontextmanager
async def serving(
    behaviour: Behaviour, context: ssl.SSLContext | None = None, port: int = 0
) -> AsyncIterator[StreamServer]:
    """Run a server on loopback; at the end every connection is cut."""
    server = StreamServer(behaviour)
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: ServerConnection(server), "127.0.0.1", port, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for connection in server.connections:
            connection.transport.abort()
        await until(lambda: not any(connection.open for connection in server.connections))
