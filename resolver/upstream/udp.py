"""Plain DNS by UDP to upstreams: many short-lived sockets with random ports, one poll set for all of them."""

import asyncio
import select
import socket
from collections import deque
from collections.abc import Callable
from typing import Protocol

from resolver.entropy import Entropy
from resolver.upstream.address import UpstreamAddress
from resolver.wire import HEADER

FRESH_PER_SECOND = 400
"""Up to this rate every query has a socket of its own; above it, the newest sockets are used again."""
POOL = 256
"""Sockets in use at once; the oldest is closed for each new one, so a port lives for half a second under full load."""
PATIENCE = 5.0
"""Seconds for which a socket with questions in flight is spared, unless there are far too many."""
IDLE_SECONDS = 10.0
"""A socket whose answers have all come, or are given up, is closed after this."""
_RECEIVE = 4096
_PORT_TRIES = 4


class Asked(Protocol):
    """What a question in flight wants to hear from its socket."""

    def on_reply(self, reply: bytes, sent_at: float) -> None:
        """Take a reply whose address, port, id and question (letter case included) match."""

    def on_mismatch(self, *, only_case: bool) -> None:
        """Take notice of a reply that had the id but another question. The wait goes on."""

    def on_error(self) -> None:
        """Take notice that the network refuses to carry the question (ICMP)."""


class _Socket:
    __slots__ = ("born", "fd", "inflight", "sock")

    def __init__(self, sock: socket.socket, born: float) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.born = born
        self.inflight: dict[bytes, tuple[Asked, bytes, float]] = {}


class UdpSockets:
    """All UDP sockets towards upstreams, in one epoll set of their own.

    One callback of the loop serves them all: a callback each would cost more than the answers do.
    `after` runs once behind each batch of replies.
    """

    def __init__(self, entropy: Entropy, clock: Callable[[], float], after: Callable[[], None]) -> None:
        self._entropy = entropy
        self._clock = clock
        self._after = after
        self._epoll = select.epoll()
        self._by_fd: dict[int, _Socket] = {}

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to serve replies on the loop."""
        loop.add_reader(self._epoll.fileno(), self._readable)

    def close(self) -> None:
        """Close every socket."""
        for entry in list(self._by_fd.values()):
            self.drop(entry)
        self._epoll.close()

    def open(self, address: UpstreamAddress, now: float) -> _Socket:
        """Open a connected socket on a random port of 1024 to 65535 (RFC 5452 section 9.2)."""
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            for _ in range(_PORT_TRIES):
                port = 1024 + self._entropy.below(65536 - 1024)
                try:
                    sock.bind(("", port))
                except OSError:
                    continue  # taken: draw again; in the end the kernel's own choice serves
                break
            sock.connect((address.host, address.port))
        except OSError:
            sock.close()
            raise
        entry = _Socket(sock, now)
        try:
            self._epoll.register(entry.fd, select.EPOLLIN)
        except OSError:
            sock.close()
            raise
        self._by_fd[entry.fd] = entry
        return entry

    def drop(self, entry: _Socket) -> None:
        """Close a socket; answers still on their way are lost to it."""
        if self._by_fd.pop(entry.fd, None) is not None:
            self._epoll.unregister(entry.fd)
            entry.sock.close()

    def _readable(self) -> None:
        by_fd = self._by_fd
        for fd, _events in self._epoll.poll(0, 64):
            entry = by_fd.get(fd)
            if entry is not None:
                self._drain(entry)
        self._after()

    def _drain(self, entry: _Socket) -> None:
        inflight = entry.inflight
        for _ in range(8):  # junk before the good answer must be read past, but not for ever
            try:
                reply = entry.sock.recv(_RECEIVE)
            except BlockingIOError:
                return
            except OSError:
                waiting = list(inflight.values())
                inflight.clear()
                for asked, _question, _sent in waiting:
                    asked.on_error()
                return
            waiter = inflight.get(reply[:2])
            if waiter is None or len(reply) < HEADER or reply[2] & 0xF8 != 0x80:
                continue  # not ours, not a response, or not to a query
            asked, question, sent_at = waiter
            echoed = reply[HEADER : HEADER + len(question)]
            if echoed == question and reply[4:6] == b"\x00\x01":
                del inflight[reply[:2]]
                asked.on_reply(reply, sent_at)
                return  # more may have come, but mostly has not: the poll set tells
            if reply[4:6] == b"\x00\x00" and len(reply) == HEADER and reply[3] & 0x0F:
                # An error without a question: all that some servers say to EDNS (RFC 6891 section 7).
                del inflight[reply[:2]]
                asked.on_reply(reply[:4] + b"\x00\x01" + reply[6:12] + question, sent_at)
            else:
                asked.on_mismatch(only_case=echoed.lower() == question.lower())


class UdpUpstream:
    """One upstream by UDP."""

    def __init__(self, address: UpstreamAddress, sockets: UdpSockets, entropy: Entropy) -> None:
        self.address = address
        self._sockets = sockets
        self._entropy = entropy
        self._pool: deque[_Socket] = deque()
        self._fresh = float(FRESH_PER_SECOND)
        self._refilled = 0.0

    def send(self, tail: bytes, question: bytes, asked: Asked, now: float) -> None:
        """Send a message (given without its id) with a random id from a random port.

        Raises OSError if it cannot even be sent.
        """
        entry = self._choose(now)
        take = self._entropy.take
        inflight = entry.inflight
        ident = take(2)
        while ident in inflight:
            ident = take(2)
        entry.sock.send(ident + tail)
        inflight[ident] = (asked, question, now)

    def _choose(self, now: float) -> _Socket:
        if now - self._refilled > 0.05:
            self._fresh = min(FRESH_PER_SECOND, self._fresh + (now - self._refilled) * FRESH_PER_SECOND)
            self._refilled = now
        pool = self._pool
        if self._fresh >= 1 or not pool:
            self._fresh -= 1
            entry = self._sockets.open(self.address, now)
            pool.append(entry)
            oldest = pool[0]
            if len(pool) > POOL and (not oldest.inflight or now - oldest.born > PATIENCE or len(pool) > 4 * POOL):
                self._sockets.drop(pool.popleft())
            return entry
        return pool[self._entropy.below(len(pool))]

    def sweep(self, now: float) -> None:
        """Close sockets that are no longer needed."""
        while self._pool and now - self._pool[0].born > IDLE_SECONDS:
            self._sockets.drop(self._pool.popleft())
