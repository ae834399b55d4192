"""A DNS over HTTPS server whose behaviour each test writes as a function; it can do much that a good one never does."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset
from h2.settings import SettingCodes

from tests.upstream.messages import answer, until


@dataclass(slots=True)
class Request:
    """One request; `body` is whole when the behaviour sees it."""

    stream: int
    headers: dict[str, str]
    body: bytearray = field(default_factory=bytearray)
    reset: int | None = None
    """The code of the client's RST_STREAM, if it sent one."""


class HttpsServerConnection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, server: "HttpsServer") -> None:
        self.server = server
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._unsent: dict[int, tuple[bytes, bool]] = {}
        self.requests: dict[int, Request] = {}
        self.open = False
        self.most_open = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the connection and begin."""
        self.transport = cast(asyncio.Transport, transport)
        self.open = True
        self.server.connections.append(self)
        self.h2.initiate_connection()
        self.h2.update_settings(self.server.settings)  # in force when the client has agreed
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Note the end."""
        self.open = False

    def data_received(self, data: bytes) -> None:
        """Collect requests and hand each whole one to the behaviour of the test."""
        for event in self.h2.receive_data(data):
            if isinstance(event, RequestReceived):
                headers = {str(name): str(value) for name, value in event.headers}
                self.requests[event.stream_id] = Request(event.stream_id, headers)
                self.most_open = max(self.most_open, self.h2.open_inbound_streams)
            elif isinstance(event, DataReceived):
                self.requests[event.stream_id].body += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, StreamEnded):
                self.server.behaviour(self, self.requests[event.stream_id])
            elif isinstance(event, StreamReset):
                self.requests[event.stream_id].reset = event.error_code
        self.flush()

    def flush(self) -> None:
        """Write what h2 has to say, and as much of each body as the client's windows let out."""
        for stream, (body, end) in list(self._unsent.items()):
            if self.requests[stream].reset is not None:
                del self._unsent[stream]
                continue
            while body and (size := min(len(body), self.h2.local_flow_control_window(stream), 16384)):
                self.h2.send_data(stream, body[:size])
                body = body[size:]
            self._unsent[stream] = body, end
            if not body:
                del self._unsent[stream]
                if end:
                    self.h2.end_stream(stream)
        self.transport.write(self.h2.data_to_send())

    def respond(
        self,
        request: Request,
        body: bytes,
        *,
        status: str = "200",
        content_type: str | None = "application/dns-message",
        end: bool = True,
    ) -> None:
        """Send a response as flow control allows."""
        headers = [(":status", status)]
        if content_type is not None:
            headers.append(("content-type", content_type))
        self.h2.send_headers(request.stream, headers)
        self._unsent[request.stream] = body, end
        self.flush()

    def reset(self, request: Request, code: ErrorCodes) -> None:
        """Reset a stream."""
        self.h2.reset_stream(request.stream, code)
        self.flush()

    def go_away(self, last_stream: int) -> None:
        """Say GOAWAY and close."""
        self.h2.close_connection(ErrorCodes.NO_ERROR, last_stream_id=last_stream)
        self.flush()
        self.transport.close()


Behaviour = Callable[[HttpsServerConnection, Request], None]


class HttpsServer:
    """The server; `connections` are all that were ever made."""

    def __init__(self, behaviour: Behaviour, settings: dict[SettingCodes | int, int]) -> None:
        self.behaviour = behaviour
        self.settings = settings
        self.connections: list[HttpsServerConnection] = []
        self.port = 0

    @property
    def requests(self) -> list[Request]:
        """Every request, connection by connection."""
        return [request for connection in self.connections for request in connection.requests.values()]


def answering(connection: HttpsServerConnection, request: Request) -> None:
    """Answer each query at once."""
    connection.respond(request, answer(bytes(request.body)))


def silent(_connection: HttpsServerConnection, _request: Request) -> None:
    """Answer nothing."""


@asynccontextmanager
async def serving(
    behaviour: Behaviour,
    context: ssl.SSLContext,
    *,
    port: int = 0,
    settings: dict[SettingCodes | int, int] | None = None,
) -> AsyncIterator[HttpsServer]:
    """Run a server on loopback; at the end every connection is cut."""
    server = HttpsServer(behaviour, settings or {})
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: HttpsServerConnection(server), "127.0.0.1", port, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for connection in server.connections:
            connection.transport.abort()
        await until(lambda: not any(connection.open for connection in server.connections))
