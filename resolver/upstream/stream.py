"""DNS over TCP and TLS to an upstream: length-framed messages, pipelined on kept connections (RFC 7766, RFC 7858)."""

import asyncio
import os

from resolver.upstream.exchange import is_reply
from resolver.upstream.kept import Connection, KeptUpstream

_MAX_IN_FLIGHT = 200
"""Queries on one connection. Beyond it the answers queue behind each other, and servers have limits of their own."""


class Frames:
    """Cuts a stream of octets into messages; each has its length in two octets before it (RFC 1035 section 4.2.2)."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that these octets complete; they may come in pieces of any size."""
        source: bytes | bytearray = data
        if self._rest:  # the usual case, whole messages in one piece, is cut without a copy
            self._rest += data
            source = self._rest
        messages = []
        start = 0
        size = len(source)
        while size - start >= 2:
            end = start + 2 + (source[start] << 8 | source[start + 1])
            if end > size:
                break
            messages.append(bytes(source[start + 2 : end]))
            start = end
        if source is self._rest:
            del self._rest[:start]
        elif start < size:
            self._rest += data[start:]
        return messages


class StreamConnection(Connection):
    """One TCP or TLS connection."""

    limit = _MAX_IN_FLIGHT

    def __init__(self, owner: KeptUpstream) -> None:
        super().__init__(owner)
        self._frames = Frames()

    def write_out(self, transport: asyncio.Transport) -> None:
        """Write every unsent query in one piece, each with a random id that no other in flight here has."""
        pieces = []
        for exchange in self.unsent:
            key = int.from_bytes(os.urandom(2))
            while key in self.in_flight:
                key = int.from_bytes(os.urandom(2))
            exchange.key = key
            self.in_flight[key] = exchange
            pieces.append((len(exchange.body) + 2 << 16 | key).to_bytes(4) + exchange.body)
        self.unsent.clear()
        transport.write(b"".join(pieces))

    def data_received(self, data: bytes) -> None:
        """Match replies to queries; what matches none is ignored, and the wait goes on."""
        self.last_heard = self.owner.loop.time()
        for message in self._frames.feed(data):
            exchange = self.in_flight.get(int.from_bytes(message[:2]))
            if exchange is None or not is_reply(exchange.question, message):
                self.owner.ignored += 1
                continue
            self.forget(exchange)
            self.owner.finish(exchange, exchange.reply(message))


class StreamUpstream(KeptUpstream):
    """An upstream asked over TCP, or over TLS if there is a context (never in plain text instead)."""

    max_connections = 4

    def new_connection(self) -> Connection:
        """Return a connection that is yet to be established."""
        return StreamConnection(self)
