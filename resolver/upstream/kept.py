"""Kept connections to one upstream: who carries which query, deadlines, asking again after a loss, idle closing."""

import asyncio
import socket
import ssl
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from math import inf
from typing import cast

from resolver.upstream.address import UpstreamAddress
from resolver.upstream.exchange import padded, question_of, restored

Done = Callable[[bytes | None], None]
"""Gets the reply with the query's own id, or None if there is none."""

_MAX_WAITING = 2_000
"""Queries that may wait for room on a connection; the next one fails at once, so that memory is bounded."""
_UNACKNOWLEDGED_MILLISECONDS = 2_000
"""Data not acknowledged for this long ends the connection: a rebooted router or a NAT that forgot us says nothing.

It leaves the rest of the query's 5 s for asking again.
"""
_GOODBYE_SECONDS = 2.0
"""How long the TLS closing of an idle connection may take."""


@dataclass(slots=True, eq=False)
class Exchange:
    """A query on its way, from ask() to its reply or failure."""

    query: bytes
    question: bytes
    body: bytes
    """What goes out behind the id."""
    done: Done
    deadline: float
    carrier: "Connection | None" = None
    """The connection that has it now."""
    key: int | None = None
    """What it is known by on that connection (message id or stream); None while it waits to be written."""
    asked_again: bool = False

    def reply(self, message: bytes) -> bytes:
        """Return a reply as whoever asked expects it."""
        return restored(self.query, self.question, message)


class Connection(asyncio.Protocol, ABC):
    """One connection and the queries on it. A subclass knows how they are written and read."""

    limit: int
    """Queries that it may carry at once."""

    def __init__(self, owner: "KeptUpstream") -> None:
        self.owner = owner
        self.established = False
        self.made_at = 0.0
        self.last_heard = 0.0
        self.unsent: deque[Exchange] = deque()
        self.in_flight: dict[int, Exchange] = {}
        self.transport: asyncio.Transport | None = None
        self.gone = asyncio.Event()
        self._writable = True
        self._flush_due = False

    @property
    def room(self) -> int:
        """How many more queries it may be given."""
        return self.limit - len(self.in_flight) - len(self.unsent)

    @property
    def idle(self) -> bool:
        """Whether nobody waits for it."""
        return self.established and not self.in_flight and not self.unsent

    def send(self, exchange: Exchange) -> None:
        """Carry a query; it is written together with all others of this turn of the event loop."""
        exchange.carrier = self
        exchange.key = None
        self.unsent.append(exchange)
        self.flush_soon()

    def forget(self, exchange: Exchange) -> None:
        """Let go of a query that was cancelled or took too long; what still comes for it is ignored."""
        exchange.carrier = None
        if exchange.key is None:
            self.unsent.remove(exchange)
        else:
            del self.in_flight[exchange.key]

    def abandon(self) -> list[Exchange]:
        """Let go of every query, oldest first, and return them."""
        exchanges = [*self.in_flight.values(), *self.unsent]
        self.in_flight.clear()
        self.unsent.clear()
        for exchange in exchanges:
            exchange.carrier = None
        return exchanges

    def flush_soon(self) -> None:
        """Write what is unsent at the end of this turn of the event loop, if it can be written."""
        if self.transport is not None and self._writable and not self._flush_due:
            self._flush_due = True
            self.owner.loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        if self.transport is not None and self._writable and self.unsent:
            self.write_out(self.transport)

    @abstractmethod
    def write_out(self, transport: asyncio.Transport) -> None:
        """Write as many unsent queries as the protocol allows and move them to in_flight."""

    @abstractmethod
    def data_received(self, data: bytes) -> None:
        """Take in what the server says."""

    def begin(self, transport: asyncio.Transport) -> str:  # noqa: ARG002 - for subclasses
        """Check and say what comes before the first query; return what stands against it, if anything does."""
        return ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: connected, and for TLS the certificate has been verified."""
        self.transport = cast(asyncio.Transport, transport)
        self.owner.alive.add(self)
        self.transport.get_extra_info("socket").setsockopt(
            socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MILLISECONDS
        )
        objection = self.begin(self.transport)
        if objection:
            self.owner.lost(self, ConnectionError(objection))
            self.abort()
            return
        self.established = True
        self.made_at = self.last_heard = self.owner.loop.time()
        self.owner.error = ""
        self.flush_soon()

    def connection_lost(self, exc: Exception | None) -> None:
        """End, whoever wanted it."""
        self.transport = None
        self.gone.set()
        self.owner.alive.discard(self)
        self.owner.lost(self, exc)

    def pause_writing(self) -> None:
        """Hold queries back: the server does not read."""
        self._writable = False

    def resume_writing(self) -> None:
        """Go on: the server reads again."""
        self._writable = True
        self.flush_soon()

    def close(self) -> None:
        """Close politely."""
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self.transport is not None:
            self.transport.abort()


class KeptUpstream(ABC):
    """One upstream, asked over connections that are opened when needed and kept while they are used."""

    max_connections: int

    def __init__(
        self,
        address: UpstreamAddress,
        context: ssl.SSLContext | None,
        *,
        idle_seconds: float = 30.0,
        connect_seconds: float = 2.0,
        query_seconds: float = 5.0,
    ) -> None:
        self.address = address
        self.ignored = 0
        """Messages that were no reply to anything we had asked."""
        self.error = ""
        """Why the last connection was lost or never came about; empty while all is well."""
        self._context = context
        self._idle_seconds = idle_seconds
        self._connect_seconds = connect_seconds
        self._query_seconds = query_seconds
        self._longest_nap = min(query_seconds, idle_seconds)
        """Between two sweeps: no query's time is up before the next one, so that ask() need not set the timer anew."""
        self._exchanges: dict[Exchange, None] = {}  # oldest first, as all have the same time
        self._waiting: deque[Exchange] = deque()
        self._connections: list[Connection] = []
        self.alive: set[Connection] = set()
        """Connections whose transport is open, those that nobody is given to any more included."""
        self._connecting: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that asks."""
        return asyncio.get_running_loop()

    def ask(self, query: bytes, done: Done) -> Callable[[], None]:
        """Send a query; `done` gets the reply, or None on failure: once, and never before this returns.

        Returns a function that cancels: after it, `done` is not called. Raises MalformedMessage if `query` is none.
        """
        loop = self.loop
        question = question_of(query)
        sent = query if self._context is None else padded(query, question)
        exchange = Exchange(query, question, sent[2:], done, loop.time() + self._query_seconds)
        self._exchanges[exchange] = None
        if self._closed:
            self.fail(exchange)
        else:
            self._place(exchange)
            if self._timer is None:
                self._timer = loop.call_later(self._longest_nap, self._sweep)
        return partial(self._cancel, exchange)

    def close(self) -> None:
        """Close every connection; queries on their way fail, and so does what is asked later."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for exchange in self._exchanges:
            self.fail(exchange)
        self._waiting.clear()
        for connection in self.alive.union(self._connections):
            connection.abandon()
            connection.abort()
        self._connections.clear()
        for task in self._connecting:
            task.cancel()

    async def wait_closed(self) -> None:
        """Return when, after close(), every socket is closed and everybody has been told."""
        await asyncio.gather(*self._connecting, return_exceptions=True)
        for connection in list(self.alive):
            await connection.gone.wait()
        await asyncio.sleep(0)  # the turn of the event loop in which those who asked are told

    @abstractmethod
    def new_connection(self) -> Connection:
        """Return a connection that is yet to be established."""

    # For connections.

    def finish(self, exchange: Exchange, reply: bytes | None) -> None:
        """Tell whoever asked; the connection has let go of the query."""
        if exchange in self._exchanges:
            del self._exchanges[exchange]
            if self._waiting:
                self.fill()
            exchange.done(reply)

    def fail(self, exchange: Exchange) -> None:
        """Tell whoever asked that there is no reply, in the next turn of the event loop."""
        self.loop.call_soon(self.finish, exchange, None)

    def again(self, exchange: Exchange) -> None:
        """Ask once more what the server has not answered and will not answer there; the second time it fails."""
        if exchange.asked_again:
            self.fail(exchange)
        else:
            exchange.asked_again = True
            self._place(exchange)

    def lost(self, connection: Connection, error: Exception | None) -> None:
        """Give the queries of a lost connection to a fresh one: a server may close at any moment (RFC 7766 6.2.4)."""
        if connection not in self._connections:
            return
        self._connections.remove(connection)
        if error is not None:
            self.error = str(error) or type(error).__name__
        for exchange in connection.abandon():
            if connection.established:
                self.again(exchange)
            else:
                self.fail(exchange)
        self.fill()

    def fill(self) -> None:
        """Give waiting queries to whatever connection has room now."""
        while self._waiting:
            connection = next((each for each in self._connections if each.room > 0), None)
            if connection is None:
                if len(self._connections) >= self.max_connections:
                    return
                connection = self._open()
            connection.send(self._waiting.popleft())

    # Inside.

    def _place(self, exchange: Exchange) -> None:
        """Give a query to a connection with room, else to a new one, else let it wait.

        What is asked again prefers connections that are still being made: the server may be about to close the others.
        """
        for connection in self._connections:
            if connection.room > 0 and not (exchange.asked_again and connection.established):
                connection.send(exchange)
                return
        if len(self._connections) < self.max_connections:
            self._open().send(exchange)
        elif len(self._waiting) < _MAX_WAITING:
            self._waiting.append(exchange)
            self.fill()
        else:
            self.fail(exchange)

    def _open(self) -> Connection:
        connection = self.new_connection()
        self._connections.append(connection)
        task = self.loop.create_task(self._connect(connection))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return connection

    async def _connect(self, connection: Connection) -> None:
        encrypted = self._context is not None
        try:
            async with asyncio.timeout(self._connect_seconds):
                await self.loop.create_connection(
                    lambda: connection,
                    self.address.host,
                    self.address.port,
                    ssl=self._context,
                    server_hostname=self.address.server_name if encrypted else None,
                    ssl_shutdown_timeout=_GOODBYE_SECONDS if encrypted else None,
                )
        except TimeoutError:
            self.lost(connection, ConnectionError(f"no connection within {self._connect_seconds:g} s"))
        except (OSError, ValueError) as error:  # ssl.SSLError is the one, what the TLS library refuses the other
            # Its frames hold the future that holds the exception: a circle that would stay until it is looked for.
            self.lost(connection, error.with_traceback(None))

    def _cancel(self, exchange: Exchange) -> None:
        if exchange in self._exchanges:
            del self._exchanges[exchange]
            self._release(exchange)

    def _release(self, exchange: Exchange) -> None:
        """Take a query from wherever it is."""
        if exchange.carrier is not None:
            exchange.carrier.forget(exchange)
            self.fill()
        elif exchange in self._waiting:
            self._waiting.remove(exchange)

    def _sweep(self) -> None:
        """End queries whose time is up, drop connections that have gone silent, close idle ones."""
        loop = self.loop
        now = loop.time()
        for exchange in list(takewhile(lambda each: each.deadline <= now, self._exchanges)):
            connection = exchange.carrier
            self._release(exchange)
            self.fail(exchange)
            if connection is not None and connection.established:
                # Not a word since it was asked, and time enough for one: it is the connection that is dead.
                since = max(exchange.deadline - self._query_seconds, connection.made_at)
                if connection.last_heard <= since <= now - self._query_seconds / 2:
                    self.lost(connection, ConnectionError("the server has gone silent"))
                    connection.abort()
        for connection in [each for each in self._connections if each.idle]:
            if connection.last_heard + self._idle_seconds <= now:
                self._connections.remove(connection)
                connection.close()
        soonest = now + self._longest_nap
        if self._exchanges:
            soonest = min(soonest, next((each.deadline for each in self._exchanges if each.deadline > now), inf))
        for connection in self._connections:
            if connection.idle:
                soonest = min(soonest, connection.last_heard + self._idle_seconds)
        keep_going = self._exchanges or self._connections
        self._timer = loop.call_at(soonest, self._sweep) if keep_going else None
