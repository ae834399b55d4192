"""Listen by TCP (RFC 7766): pipelining, answers in any order, limits in all and per client, deadlines."""

import asyncio
import errno
import logging
import socket
from collections import Counter
from collections.abc import Callable

from resolver.engine import Engine, Waiter
from resolver.querylog import QueryLog
from resolver.udp import client_of
from resolver.wire import HEADER

MESSAGE_SECONDS = 5.0
"""For a whole message, from its first octet (RFC 7766 section 10: slow senders must not hold a place)."""
MAX_PIPELINED = 100
"""Questions of one connection on their way upstream at once; reading stops until some are answered."""
ACCEPT_BATCH = 64
"""Connections taken in one turn of the loop."""
ACCEPT_PAUSE = 0.1
COMPLAIN_SECONDS = 60.0
_NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
MAX_UNREAD = 256 * 1024
"""Octets of answers a client may leave unread before it is dropped."""

logger = logging.getLogger("schoolfilter.tcp")


class Connections:
    """All TCP connections of a worker and their limits."""

    def __init__(
        self, engine: Engine, log: QueryLog, clock: Callable[[], float], *, most: int, per_client: int, idle: float
    ) -> None:
        self.engine = engine
        self.log = log
        self.clock = clock
        self._most = most
        self._per_client = per_client
        self._idle = idle
        self.open: dict[Connection, None] = {}
        """In the order of their last activity: the idlest first."""
        self._by_client: Counter[str] = Counter()
        self._listening: list[socket.socket] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._joining: set[asyncio.Task[object]] = set()
        self._complained = -COMPLAIN_SECONDS

    def listen(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        """Serve a listening socket."""
        sock.setblocking(False)
        self._loop = loop
        self._listening.append(sock)
        loop.add_reader(sock.fileno(), self._accept, loop, sock)

    def _accept(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        """Take new connections. asyncio's own loop would log a trace for each one it cannot take."""
        for _ in range(ACCEPT_BATCH):
            try:
                conn, _address = sock.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _NO_ROOM:
                    self._pause(loop, sock, error)
                    return
                continue  # this one is gone again already
            conn.setblocking(False)
            task = loop.create_task(loop.connect_accepted_socket(lambda: Connection(self), conn))
            self._joining.add(task)
            task.add_done_callback(self._joining.discard)

    def _pause(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, error: OSError) -> None:
        """Let the idlest connection go and try again a little later: the backlog keeps who waits."""
        now = self.clock()
        if now - self._complained >= COMPLAIN_SECONDS:
            self._complained = now
            logger.error("no room for more TCP connections: %s; the idlest are closed", error.strerror)
        idlest = next((c for c in self.open if not c.waiting), None)
        if idlest is not None:
            idlest.abort()
        loop.remove_reader(sock.fileno())
        loop.call_later(ACCEPT_PAUSE, self._resume, loop, sock)

    def _resume(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        if sock in self._listening:
            loop.add_reader(sock.fileno(), self._accept, loop, sock)

    def admit(self, connection: "Connection", address: str) -> bool:
        """Take a new connection in, or say no. When all places are taken the idlest connection has to go."""
        if self._by_client[address] >= self._per_client:
            return False
        if len(self.open) >= self._most:
            idlest = next((c for c in self.open if not c.waiting), None)
            if idlest is None:
                return False
            idlest.abort()
        self.open[connection] = None
        self._by_client[address] += 1
        return True

    def dismiss(self, connection: "Connection", address: str) -> None:
        """Forget a connection that is gone."""
        if connection in self.open:
            del self.open[connection]
            self._by_client[address] -= 1
            if not self._by_client[address]:
                del self._by_client[address]

    def active(self, connection: "Connection") -> None:
        """Move a connection to the end of the row: it just did something."""
        if connection in self.open:
            del self.open[connection]
            self.open[connection] = None

    def sweep(self, now: float) -> None:
        """Close connections that are idle, or have been sending one message for too long. Once a second."""
        for connection in list(self.open):
            connection.check(now, self._idle)

    def stop(self) -> None:
        """Take no more connections."""
        listening, self._listening = self._listening, []
        for sock in listening:
            if self._loop is not None:
                self._loop.remove_reader(sock.fileno())

    def close(self) -> None:
        """Close every connection, after what was written has left."""
        for connection in list(self.open):
            connection.close()


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, all_connections: Connections) -> None:
        self._all = all_connections
        self._transport: asyncio.Transport | None = None
        self._address = ""
        self._buffer = bytearray()
        self._begun = 0.0
        """When the unfinished message began; 0 if there is none."""
        self._last = 0.0
        self._paused = False
        self.waiting = 0
        """Questions on their way upstream."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection in, if there is a place."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio's promise for a stream server
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._address = peer[0].partition("%")[0] if peer else ""
        self._last = self._all.clock()
        if not peer or not self._all.admit(self, self._address):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        del exc
        self._all.dismiss(self, self._address)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Take octets, however they are cut."""
        self._last = self._all.clock()
        self._all.active(self)
        self._buffer += data
        if not self._paused:
            self._take_messages()

    def eof_received(self) -> bool:
        """Keep the writing half open while answers are due (RFC 7766 section 6.2.4)."""
        return self.waiting > 0

    def _take_messages(self) -> None:
        buffer = self._buffer
        engine = self._all.engine
        now = self._last
        lines: list[bytes] = []
        replies: list[bytes] = []
        hopeless = False
        at = 0
        while len(buffer) - at >= 2 and not self._paused:
            end = at + 2 + (buffer[at] << 8 | buffer[at + 1])
            if len(buffer) < end:
                break
            message = bytes(buffer[at + 2 : end])
            at = end
            client = client_of(engine, self._address, now)
            client.budget -= 1
            reply = engine.handle(message, client, now, stream=True)
            if isinstance(reply, Waiter):
                reply.peer = self
                self.waiting += 1
                if self.waiting >= MAX_PIPELINED:
                    self._pause()
            elif reply is not None:
                body, tail = reply
                if tail:
                    lines += self._all.log.stamp(), client.prefix, tail
                replies += (len(body) + 2).to_bytes(2), message[:2], body
            elif len(message) < HEADER:
                hopeless = True  # it does not speak DNS: what came before is answered, then the line is cut
                break
        del buffer[:at]
        self._begun = ((0.0 if at else self._begun) or now) if buffer and not self._paused else 0.0
        if lines:
            self._all.log.write(b"".join(lines))
        if replies:
            self._write(b"".join(replies))
        if hopeless:
            self.close()

    def send(self, message: bytes) -> None:
        """Send a late reply."""
        self.waiting -= 1
        self._last = self._all.clock()
        self._write(len(message).to_bytes(2) + message)
        if self._paused and self.waiting < MAX_PIPELINED // 2:
            self._resume()

    def _write(self, octets: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(octets)
        if transport.get_write_buffer_size() > MAX_UNREAD:
            transport.abort()

    def _pause(self) -> None:
        self._paused = True
        if self._transport is not None:
            self._transport.pause_reading()

    def _resume(self) -> None:
        self._paused = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
            self._take_messages()

    def check(self, now: float, idle: float) -> None:
        """Close the connection if it is idle or too slow."""
        if self._begun and now - self._begun > MESSAGE_SECONDS:
            self.abort()
        elif not self.waiting and now - self._last > idle:
            if self._transport is not None and self._transport.is_closing():
                self.abort()  # it was asked to go and still has not read its answers
            else:
                self.close()

    def close(self) -> None:
        """Close once everything written has left."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._all.dismiss(self, self._address)
        if self._transport is not None:
            self._transport.abort()
