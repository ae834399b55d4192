"""DNS over HTTPS to an upstream: POST requests as streams of one kept HTTP/2 connection (RFC 8484, RFC 9113)."""

import asyncio
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import H2Error, ProtocolError
from h2.settings import SettingCodes, Settings

from resolver.upstream.address import UpstreamAddress
from resolver.upstream.exchange import MAX_MESSAGE, is_reply
from resolver.upstream.kept import Connection, Exchange, KeptUpstream

_MAX_STREAMS = 200
"""Streams at once, if the server allows as many."""
_ASSUMED_STREAMS = 100
"""Until its SETTINGS are here: what RFC 9113 section 6.5.2 asks every server to allow at least."""
_RETIRED_AFTER = 2**30
"""Stream ids end at 2^31: long before, a connection takes nothing new, and the next one begins at 1."""
_SETTINGS = {
    SettingCodes.ENABLE_PUSH: 0,
    SettingCodes.MAX_HEADER_LIST_SIZE: 2**14,
    SettingCodes.INITIAL_WINDOW_SIZE: 2**18,  # the longest message fits with any padding of its frames
}
_WINDOW_STEP = 2**14
"""The connection's window is opened again in steps of this."""
_MEDIA_TYPE = b"application/dns-message"
_CONFIG = H2Configuration(
    client_side=True,
    header_encoding=None,
    validate_outbound_headers=False,  # ours are constants, valid as they stand
    normalize_outbound_headers=False,
)


@dataclass(slots=True)
class _Response:
    """What has come of a response."""

    objection: str = "a response without headers"
    """Why it is none that we take; empty if it may be one."""
    body: bytearray = field(default_factory=bytearray)


def objection_to(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return why a response with these headers holds no DNS message, or nothing.

    Redirects are not followed: they could lead anywhere.
    """
    found = dict(headers)
    status = found.get(b":status", b"")
    if status != b"200":
        return f"HTTP status {status[:3].decode('latin-1')}"
    content_type = found.get(b"content-type", b"")
    if content_type.partition(b";")[0].strip().lower() != _MEDIA_TYPE:
        return f"expected content of type {_MEDIA_TYPE.decode()}, found {content_type[:80].decode('latin-1')!r}"
    return ""


class HttpsConnection(Connection):
    """One HTTP/2 connection."""

    limit = _ASSUMED_STREAMS

    def __init__(self, owner: KeptUpstream, headers: list[tuple[bytes, bytes]]) -> None:
        super().__init__(owner)
        self._headers = headers
        self._h2: H2Connection
        """Made when there is a server to speak to: it holds itself in circles, and one that cannot be reached is tried
        with every question."""
        self._responses: dict[int, _Response] = {}
        self._consumed = 0
        """Octets received that the server's window for this connection does not know of yet."""
        self._unsent_bodies: dict[int, bytes] = {}
        """What flow control has not let out yet, by stream."""

    def begin(self, transport: asyncio.Transport) -> str:
        """Say the preface of HTTP/2, if the server has agreed to it (ALPN)."""
        tls: ssl.SSLObject = transport.get_extra_info("ssl_object")
        if tls.selected_alpn_protocol() != "h2":
            return "the server does not offer HTTP/2"
        self._h2 = H2Connection(_CONFIG)
        self._h2.local_settings = Settings(client=True, initial_values=_SETTINGS)
        self._h2.initiate_connection()
        transport.write(self._h2.data_to_send())
        return ""

    def write_out(self, transport: asyncio.Transport) -> None:
        """Open a stream for each unsent query, as many as the server allows at once."""
        free = self._h2.remote_settings.max_concurrent_streams - self._h2.open_outbound_streams
        while self.unsent and free > 0:
            free -= 1
            exchange = self.unsent.popleft()
            stream = self._h2.get_next_available_stream_id()
            exchange.key = stream
            self.in_flight[stream] = exchange
            self._responses[stream] = _Response()
            body = b"\x00\x00" + exchange.body  # id 0: RFC 8484 section 4.1
            self._h2.send_headers(stream, [*self._headers, (b"content-length", b"%d" % len(body))])
            self._unsent_bodies[stream] = body
            self._send_body(stream)
            if stream >= _RETIRED_AFTER:
                self._leave("the connection has served its time")
                return
        transport.write(self._h2.data_to_send())

    def forget(self, exchange: Exchange) -> None:
        """Let go of a query; the server is told that nobody waits for the response."""
        stream = exchange.key
        if stream is None:
            super().forget(exchange)
        else:
            self._settle(stream)
            self._reset(stream)
            self._write()

    def data_received(self, data: bytes) -> None:
        """Take in frames; a server that breaks HTTP/2 is left, and its queries are asked again elsewhere."""
        self.last_heard = self.owner.loop.time()
        try:
            for event in self._h2.receive_data(data):
                self._take(event)
            if self._consumed >= _WINDOW_STEP:
                self._h2.increment_flow_control_window(self._consumed)
                self._consumed = 0
        except ProtocolError as error:
            self._leave(f"HTTP/2: {error}")
            return
        if self.unsent:
            self.flush_soon()
        self._write()

    def _take(self, event: Event) -> None:
        if isinstance(event, DataReceived):
            self._consumed += event.flow_controlled_length
            response = self._responses.get(event.stream_id)
            if response is not None:
                response.body += event.data
                if len(response.body) > MAX_MESSAGE:
                    self._refuse(event.stream_id, f"a response of more than {MAX_MESSAGE} octets")
        elif isinstance(event, StreamEnded):
            self._end(event.stream_id)
        elif isinstance(event, ResponseReceived):
            response = self._responses.get(event.stream_id)
            if response is not None:
                response.objection = objection_to(event.headers)
                if response.objection:
                    self._refuse(event.stream_id, response.objection)
        elif isinstance(event, StreamReset):
            exchange = self._settle(event.stream_id)
            if exchange is not None:
                # REFUSED_STREAM promises that nothing was done (RFC 9113 section 8.7).
                again = event.error_code == ErrorCodes.REFUSED_STREAM
                (self.owner.again if again else self.owner.fail)(exchange)
        elif isinstance(event, WindowUpdated):
            self._send_bodies()
        elif isinstance(event, RemoteSettingsChanged):
            self.limit = min(self._h2.remote_settings.max_concurrent_streams, _MAX_STREAMS)
            self._send_bodies()
            self.owner.fill()
        elif isinstance(event, ConnectionTerminated):
            # The server may still answer streams that it has begun, but h2 can read nothing behind a GOAWAY.
            # A DNS query may be asked twice, so all that is in flight is.
            self._leave("the server ended the HTTP/2 connection (GOAWAY)")

    def _end(self, stream: int) -> None:
        response = self._responses.get(stream)
        exchange = self.in_flight.get(stream)
        if response is None or exchange is None:
            return
        message = bytes(response.body)
        if response.objection or message[:2] != b"\x00\x00" or not is_reply(exchange.question, message):
            self._refuse(stream, response.objection or "a message that is no reply to the query")
            return
        if stream in self._unsent_bodies:
            self._reset(stream)  # answered before the query was out
        self._settle(stream)
        self.owner.error = ""
        self.owner.finish(exchange, exchange.reply(message))

    def _refuse(self, stream: int, objection: str) -> None:
        """Fail a query whose response is none: nothing else will come by its stream."""
        exchange = self._settle(stream)
        if exchange is not None:
            self.owner.ignored += 1
            self.owner.error = objection
            self.owner.fail(exchange)
            self._reset(stream)

    def _settle(self, stream: int) -> Exchange | None:
        """Forget a stream and return the query that went by it."""
        self._responses.pop(stream, None)
        self._unsent_bodies.pop(stream, None)
        exchange = self.in_flight.pop(stream, None)
        if exchange is not None:
            exchange.carrier = None
        return exchange

    def _send_bodies(self) -> None:
        for stream in list(self._unsent_bodies):
            self._send_body(stream)

    def _send_body(self, stream: int) -> None:
        """Send as much of a query as the server's flow control lets out."""
        body = self._unsent_bodies[stream]
        while body:
            size = min(len(body), self._h2.local_flow_control_window(stream), self._h2.max_outbound_frame_size)
            if size <= 0:
                self._unsent_bodies[stream] = body
                return
            self._h2.send_data(stream, body[:size], end_stream=size == len(body))
            body = body[size:]
        del self._unsent_bodies[stream]

    def _reset(self, stream: int) -> None:
        """Tell the server that nobody waits for a stream."""
        try:
            self._h2.reset_stream(stream, ErrorCodes.CANCEL)
        except H2Error:
            return  # it has ended meanwhile, or the whole connection has

    def _leave(self, why: str) -> None:
        """Take no more from this server; its queries go to a fresh connection."""
        self.owner.lost(self, ConnectionError(why))
        self._write()
        self.close()

    def _write(self) -> None:
        data = self._h2.data_to_send()
        if data and self.transport is not None:
            self.transport.write(data)


class HttpsUpstream(KeptUpstream):
    """An upstream asked over HTTPS. No cookies, no redirects, no user agent: nothing that tells who asks."""

    max_connections = 1

    def __init__(
        self,
        address: UpstreamAddress,
        context: ssl.SSLContext,
        *,
        idle_seconds: float = 30.0,
        connect_seconds: float = 2.0,
        query_seconds: float = 5.0,
    ) -> None:
        super().__init__(
            address,
            context,
            idle_seconds=idle_seconds,
            connect_seconds=connect_seconds,
            query_seconds=query_seconds,
        )
        self._headers = [
            (b":method", b"POST"),
            (b":scheme", b"https"),
            (b":authority", address.authority.encode("ascii")),
            (b":path", address.path.encode("ascii")),
            (b"accept", _MEDIA_TYPE),
            (b"content-type", _MEDIA_TYPE),
        ]

    def new_connection(self) -> Connection:
        """Return a connection that is yet to be established."""
        return HttpsConnection(self, self._headers)
