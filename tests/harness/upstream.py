"""A DNS server on loopback (UDP and TCP, one port) that answers, lies, stalls or keeps silent as a test tells it to."""

import contextlib
import heapq
import itertools
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import dns.name

from tests.harness import wire


@dataclass(frozen=True, slots=True)
class Query:
    """One query as it came to us."""

    raw: bytes
    qid: int
    flags: int
    name: str
    """Lower case, no final dot."""
    name_raw: bytes
    """As it stood on the wire, letter case kept."""
    kind: int
    rdclass: int
    size: int | None
    """The payload size of its OPT, None without EDNS."""
    edns_flags: int
    options: tuple[wire.Option, ...]
    source: tuple[str, int]
    tcp: bool
    at: float
    """When it came, monotonic."""

    @property
    def dnssec_ok(self) -> bool:
        return bool(self.edns_flags & wire.DO)


@dataclass(frozen=True, slots=True)
class Send:
    """One thing to do about a query: bytes to send, when and from where."""

    data: bytes = b""
    delay: float = 0.0
    via: str = "same"
    """`same` socket, another `port`, or another `address` (127.0.0.2, same port)."""
    close: bool = False
    """TCP: close the connection instead of sending."""
    unframed: bool = False
    """TCP: send the bytes without their length in front."""


Handler = Callable[[Query], Iterable[Send]]


def parse_query(raw: bytes, source: tuple[str, int], tcp: bool) -> Query:
    """Read a query that our server sent; strict, because our server must send good ones."""
    qid, flags, questions, answers, authorities, additional = wire.header(raw)
    if (questions, answers, authorities) != (1, 0, 0) or flags & wire.QR:
        raise ValueError(f"not a plain query: {raw.hex()}")
    end = wire.question_end(raw)
    kind, rdclass = struct.unpack_from("!HH", raw, end - 4)
    size, edns_flags, options = None, 0, []
    if additional:
        if raw[end] != 0 or additional != 1:
            raise ValueError(f"not one OPT record: {raw.hex()}")
        opt_type, size, _extended, _version, edns_flags, length = struct.unpack_from("!HHBBHH", raw, end + 1)
        at, stop = end + 11, end + 11 + length
        if opt_type != wire.OPT or stop != len(raw):
            raise ValueError(f"not one OPT record: {raw.hex()}")
        while at < stop:
            code, n = struct.unpack_from("!HH", raw, at)
            options.append((code, raw[at + 4 : at + 4 + n]))
            at += 4 + n
    elif end != len(raw):
        raise ValueError(f"bytes behind the question: {raw.hex()}")
    name_raw = raw[12 : end - 4]
    name = dns.name.from_wire(raw, 12)[0].to_text(omit_final_dot=True).lower()
    return Query(
        raw, qid, flags, name, name_raw, kind, rdclass, size, edns_flags, tuple(options), source, tcp, time.monotonic()
    )


def reply(
    query: Query,
    *answers: bytes,
    rcode: int = 0,
    flags: int = 0,
    authority: Sequence[bytes] = (),
    additional: Sequence[bytes] = (),
    edns: bool | None = None,
    qid: int | None = None,
    question: bytes | None = None,
    qr: bool = True,
    options: bytes = b"",
) -> bytes:
    """Return an answer to a query; every part of it can be made wrong."""
    extra = list(additional)
    if edns if edns is not None else query.size is not None:
        extra.append(wire.opt(options, flags=query.edns_flags & wire.DO))
    head = flags | wire.RA | (query.flags & (wire.RD | wire.CD)) | rcode | (wire.QR if qr else 0)
    counts = (1, len(answers), len(authority), len(extra))
    asked = query.name_raw + struct.pack("!HH", query.kind, query.rdclass) if question is None else question
    start = struct.pack("!HHHHHH", query.qid if qid is None else qid, head, *counts)
    return start + asked + b"".join(answers) + b"".join(authority) + b"".join(extra)


def says(*answers: bytes, delay: float = 0.0, **parts: object) -> Handler:
    """Return a handler that always gives these records (and parts, see `reply`)."""
    return lambda query: [Send(reply(query, *answers, **parts), delay)]  # type: ignore[arg-type]  # keywords of reply


def silent(_: Query) -> Iterable[Send]:
    """Never answer."""
    return ()


def address_of(name: str) -> str:
    """Return the IPv4 address that the fake gives a name by default: the same one each time."""
    number = zlib.crc32(name.lower().encode())
    return f"198.51.{100}.{number % 250 + 1}"


def usual(query: Query) -> Iterable[Send]:
    """Answer A, AAAA and TXT for every name, NODATA for the rest."""
    if query.kind == wire.A:
        return [Send(reply(query, wire.record("@", 300, "A", address_of(query.name))))]
    if query.kind == wire.AAAA:
        return [
            Send(
                reply(
                    query, wire.record("@", 300, "AAAA", f"2001:db8::{zlib.crc32(query.name.encode()) % 65521 + 1:x}")
                )
            )
        ]
    if query.kind == wire.TXT:
        return [Send(reply(query, wire.record("@", 300, "TXT", '"usual text"')))]
    return [Send(reply(query, authority=[wire.soa()]))]


class FakeUpstream:
    """The server. Rules go by name: the exact one, else the nearest parent's, else `fallback`."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.fallback: Handler = usual
        self.asleep = False
        """While true: nothing is answered, everything is counted."""
        self.complaints: list[str] = []
        """Queries that no server should send."""
        self._rules: dict[str, Handler] = {}
        self._queries: list[Query] = []
        self._lock = threading.Lock()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._tickets = itertools.count()
        self._tick = threading.Condition()
        self._open: set[socket.socket] = set()
        self._closed = threading.Event()
        self._udp, self._tcp = _bind(address)
        self.address: tuple[str, int] = self._udp.getsockname()
        self._liar = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._liar.bind((address, 0))
        self._stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._stranger.bind(("127.0.0.2", self.address[1]))
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._serve_udp, self._serve_tcp, self._run_timers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def url(self) -> str:
        """What the settings call this server."""
        return f"udp://{self.address[0]}:{self.address[1]}"

    def on(self, name: str, handler: Handler) -> None:
        """Answer this name and all below it so."""
        with self._lock:
            self._rules[name.lower()] = handler

    def queries(self, name: str | None = None, kind: int | None = None) -> list[Query]:
        """Return what was asked so far, of one name (and type) or at all."""
        with self._lock:
            found = list(self._queries)
        return [q for q in found if name in (None, q.name) and kind in (None, q.kind)]

    def below(self, zone: str) -> list[Query]:
        """Return what was asked of a zone and all below it."""
        return [q for q in self.queries() if q.name == zone or q.name.endswith("." + zone)]

    def close(self) -> None:
        """Stop; the port is closed then, as that of a dead server."""
        self._closed.set()
        with self._tick:
            self._tick.notify()
        # A thread in recvfrom does not notice a close: shutdown wakes it.
        for sock in (self._udp, self._tcp, *list(self._open)):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for sock in (self._udp, self._tcp, self._liar, self._stranger, *list(self._open)):
            sock.close()
        for thread in self._threads:
            thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _handle(self, raw: bytes, source: tuple[str, int], tcp: bool) -> Iterable[Send]:
        try:
            query = parse_query(raw, source, tcp)
        except (ValueError, struct.error, IndexError) as error:
            self.complaints.append(str(error))
            return ()
        with self._lock:
            self._queries.append(query)
            handler = self._rule(query.name)
        if self.asleep:
            return ()
        try:
            return list(handler(query))
        except Exception as error:  # noqa: BLE001 - a mistake in a test must not stop the thread, but fail the test
            self.complaints.append(f"handler of {query.name}: {error!r}")
            return ()

    def _rule(self, name: str) -> Handler:
        rest = name
        while True:
            if rest in self._rules:
                return self._rules[rest]
            _, dot, rest = rest.partition(".")
            if not dot:
                return self.fallback

    def _serve_udp(self) -> None:
        while not self._closed.is_set():
            try:
                raw, source = self._udp.recvfrom(65535)
            except OSError:
                if self._closed.is_set():
                    return
                continue  # an ICMP error of somebody who left
            if not raw and self._closed.is_set():
                return
            for send in self._handle(raw, source, tcp=False):
                sock = {"same": self._udp, "port": self._liar, "address": self._stranger}[send.via]
                self._later(send.delay, _udp_sender(sock, send.data, source))

    def _serve_tcp(self) -> None:
        while not self._closed.is_set():
            try:
                connection, source = self._tcp.accept()
            except OSError:
                return
            self._open.add(connection)
            threading.Thread(target=self._serve_connection, args=(connection, source), daemon=True).start()

    def _serve_connection(self, connection: socket.socket, source: tuple[str, int]) -> None:
        lock = threading.Lock()
        with contextlib.suppress(OSError), connection:
            while (head := _exactly(connection, 2)) and (raw := _exactly(connection, struct.unpack("!H", head)[0])):
                for send in self._handle(raw, source, tcp=True):
                    self._later(send.delay, _tcp_sender(connection, send, lock))
        self._open.discard(connection)

    def _later(self, delay: float, work: Callable[[], None]) -> None:
        if delay <= 0:
            work()
            return
        with self._tick:
            heapq.heappush(self._timers, (time.monotonic() + delay, next(self._tickets), work))
            self._tick.notify()

    def _run_timers(self) -> None:
        while not self._closed.is_set():
            with self._tick:
                now = time.monotonic()
                if not self._timers or self._timers[0][0] > now:
                    self._tick.wait(self._timers[0][0] - now if self._timers else None)
                    continue
                work = heapq.heappop(self._timers)[2]
            work()


def _bind(address: str) -> tuple[socket.socket, socket.socket]:
    """Return a UDP and a listening TCP socket on one free port."""
    for _ in range(50):
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcp.bind((address, 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
            continue
        tcp.listen(512)
        return udp, tcp
    raise AssertionError("found no port that is free for UDP and TCP")


def _udp_sender(sock: socket.socket, data: bytes, target: tuple[str, int]) -> Callable[[], None]:
    def send() -> None:
        with contextlib.suppress(OSError):
            sock.sendto(data, target)

    return send


def _tcp_sender(connection: socket.socket, send: Send, lock: threading.Lock) -> Callable[[], None]:
    def work() -> None:
        with contextlib.suppress(OSError), lock:
            if send.close:
                connection.shutdown(socket.SHUT_RDWR)
            else:
                connection.sendall(send.data if send.unframed else struct.pack("!H", len(send.data)) + send.data)

    return work


def _exactly(connection: socket.socket, size: int) -> bytes:
    """Return so many bytes, or fewer at the end of the stream."""
    found = b""
    while len(found) < size and (more := connection.recv(size - len(found))):
        found += more
    return found if len(found) == size else b""
