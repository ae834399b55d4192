"""Listen by UDP: datagrams in batches, replies in place. The hottest code there is: read it with docs/decisions/0003.

`recvmmsg` and `sendmmsg` are called through ctypes, because the socket module has neither: one system call for up to 64
datagrams, no address objects, and the local address of a wildcard socket comes and goes for free (IP_PKTINFO).
The arrays are laid out once; a reply is written over the query it answers, so both calls share them.
"""

import asyncio
import ctypes
import errno
import logging
import socket
import struct
import sys
from collections.abc import Callable

from resolver.clients import Client
from resolver.engine import Engine, Waiter
from resolver.querylog import QueryLog
from resolver.replies import Reply

BATCH = 64
"""Datagrams a system call brings (DESIGN section 3): bounds how long anyone else waits for the loop."""
MAX_BATCHES = 4
BUFFER = 4096 + 64
"""Octets of a slot. Not a power of two: slots at the same place of their pages would fight for the same cache lines."""
RECEIVE_BUFFER = 4 * 1024 * 1024
"""What we ask the kernel to hold while we are busy: 64 clients' page loads; it grants what it may."""

_NAME = 28  # sizeof(struct sockaddr_in6), the larger of the two
_CONTROL = 64
_IOV = struct.Struct("@PN")
# struct mmsghdr: name, namelen, iov, iovlen, control, controllen, flags; then the length of the message. Native sizes
# and alignment, so it holds on 32-bit ARM as on 64-bit machines.
_HDR = struct.Struct("@PIPNPNi0P")
_MMSG = struct.Struct(f"@{_HDR.size}sI0P")
_LEN_AT = _HDR.size
_CONTROLLEN_AT = struct.calcsize("@PIPNP0N")
_IPV6_RECVPKTINFO = 49
_ANY_INTERFACE = b"\x00" * 4
_SILENCE = errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR

logger = logging.getLogger("schoolfilter.udp")


def _address(buffer: bytearray) -> int:
    return ctypes.addressof((ctypes.c_char * len(buffer)).from_buffer(buffer))


class _Arrays:
    """The memory that one `recvmmsg` or `sendmmsg` works on."""

    def __init__(self, *, control: bool) -> None:
        self.data = bytearray(BATCH * BUFFER)
        self.names = bytearray(BATCH * _NAME)
        self.controls = bytearray(BATCH * _CONTROL)
        self.iovs = bytearray(BATCH * _IOV.size)
        self.headers = bytearray(BATCH * _MMSG.size)
        data, names, controls, iovs = map(_address, (self.data, self.names, self.controls, self.iovs))
        for i in range(BATCH):
            _IOV.pack_into(self.iovs, i * _IOV.size, data + i * BUFFER, BUFFER)
            header = _HDR.pack(
                names + i * _NAME, _NAME, iovs + i * _IOV.size, 1,
                controls + i * _CONTROL if control else 0, _CONTROL if control else 0, 0,
            )  # fmt: skip
            _MMSG.pack_into(self.headers, i * _MMSG.size, header, 0)
        self.at = _address(self.headers)
        self.fresh_headers = bytes(self.headers)
        self.fresh_iovs = bytes(self.iovs)
        self.view = memoryview(self.data)
        self.lengths = memoryview(self.iovs).cast("L")  # size_t is an unsigned long on Linux


_libc = ctypes.CDLL(None, use_errno=True)
_recvmmsg = _libc.recvmmsg
_recvmmsg.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p]
_sendmmsg = _libc.sendmmsg
_sendmmsg.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int]

_LENGTHS = [struct.Struct("=" + f"{_LEN_AT}xI{_MMSG.size - _LEN_AT - 4}x" * n) for n in range(BATCH + 1)]
_V4 = [struct.Struct("=" + "4x4s20x" * n) for n in range(BATCH + 1)]
_V6 = [struct.Struct("=" + "8x16s4x" * n) for n in range(BATCH + 1)]
_PLACES = [(i, i * BUFFER + 2, i * 2 + 1) for i in range(BATCH)]
"""For each slot: its number, where the message begins behind the id, where the length of its reply is noted."""


class UdpPeer:
    """Where the reply to one datagram goes."""

    __slots__ = ("_control", "_listener", "_name")

    def __init__(self, listener: "UdpListener", name: bytes, control: bytes) -> None:
        self._listener = listener
        self._name = name
        self._control = control

    def send(self, message: bytes) -> None:
        """Queue a late reply; it leaves with `flush`."""
        self._listener.late.append((self._name, self._control, message))


class UdpListener:
    """One UDP socket, bound by whoever started us."""

    def __init__(
        self,
        sock: socket.socket,
        engine: Engine,
        log: QueryLog,
        clock: Callable[[], float],
        finish: Callable[[], None],
    ) -> None:
        sock.setblocking(False)
        self._sock = sock  # held, or the descriptor would be closed with it
        self._fd = sock.fileno()
        self._engine = engine
        self._log = log
        self._clock = clock
        self._finish = finish
        """Writes the log lines of late replies and sends them."""
        v6 = sock.family == socket.AF_INET6
        wildcard = sock.getsockname()[0] in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
        if wildcard and v6:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
        elif wildcard:
            sock.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO: answers leave from the address that was asked
        self._control = wildcard
        self._ifindex_at = struct.calcsize("@Nii0N") if wildcard and not v6 else 0
        """Where IP_PKTINFO names the interface: a reply takes the way that the routing tables say."""
        self._octets = _V6 if v6 else _V4
        self._in = _Arrays(control=wildcard)
        self._out = _Arrays(control=wildcard)
        self.late: list[tuple[bytes, bytes, bytes]] = []

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to answer."""
        loop.add_reader(self._fd, self._readable)

    def detach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stop taking queries; late replies can still be sent."""
        loop.remove_reader(self._fd)

    def _readable(self) -> None:
        # A full batch means that more waits: taking it now saves a turn of the loop, a few times over.
        for _ in range(MAX_BATCHES):
            if self._take_batch() < BATCH:
                break

    def _take_batch(self) -> int:
        arrays = self._in
        count: int = _recvmmsg(self._fd, arrays.at, BATCH, 0, None)
        if count <= 0:
            return 0
        now = self._clock()
        engine = self._engine
        known = engine.clients.by_octets.get
        view, lengths = arrays.view, arrays.lengths
        stamp = self._log.stamp()
        lines: list[bytes] = []
        skipped: list[int] = []
        hits = blocked = 0
        sizes = _LENGTHS[count].unpack_from(arrays.headers)
        octets = self._octets[count].unpack_from(arrays.names)
        for size, who, (slot, start, length_at) in zip(sizes, octets, _PLACES, strict=False):
            client = known(who) or engine.clients.get(who, now)
            client.budget -= 1
            finished = client.lookup(bytes(view[start : start + size - 2])) if size > 2 else None
            if finished is not None and client.budget >= 0 and now < finished[0]:
                body = finished[1]
                tail = finished[2]
                hits += 1
                blocked += finished[3]
                if tail:
                    lines += stamp, client.prefix, tail
                end = len(body)
                view[start : start + end] = body
                lengths[length_at] = end + 2
                continue
            reply = self._handle(bytes(view[start - 2 : start - 2 + size]), client, now)
            if reply is None:
                skipped.append(slot)
            elif isinstance(reply, Waiter):
                reply.peer = self._peer(slot)
                skipped.append(slot)
            else:
                body, tail = reply
                if tail:
                    lines += stamp, client.prefix, tail
                end = len(body)
                view[start : start + end] = body
                lengths[length_at] = end + 2
        counters = engine.counters
        counters.queries += hits
        counters.cached += hits
        counters.blocked += blocked
        if lines:
            self._log.write(b"".join(lines))
        if self._ifindex_at:
            for slot in range(count):
                at = slot * _CONTROL + self._ifindex_at
                arrays.controls[at : at + 4] = _ANY_INTERFACE
        self._send_around(count, skipped)
        arrays.headers[:] = arrays.fresh_headers
        arrays.iovs[:] = arrays.fresh_iovs
        if engine.outbox:
            self._finish()
        return count

    def _handle(self, message: bytes, client: Client, now: float) -> Reply | Waiter | None:
        """Answer one message; whatever is wrong with it, the others of its batch are answered too."""
        try:
            return self._engine.handle(message, client, now, stream=False)
        except Exception:
            logger.exception("a query from %s could not be handled: %s", client.address, message.hex())
            return None

    def _peer(self, slot: int) -> UdpPeer:
        arrays = self._in
        name = bytes(arrays.names[slot * _NAME : (slot + 1) * _NAME])
        control = b""
        if self._control:
            at = slot * _MMSG.size + _CONTROLLEN_AT
            length = int.from_bytes(arrays.headers[at : at + struct.calcsize("N")], sys.byteorder)
            control = bytes(arrays.controls[slot * _CONTROL : slot * _CONTROL + length])
        return UdpPeer(self, name, control)

    def _send_around(self, count: int, skipped: list[int]) -> None:
        """Send the slots of a batch, leaving some out."""
        start = 0
        for slot in skipped:
            if slot > start:
                self._send(self._in.at, start, slot)
            start = slot + 1
        if start < count:
            self._send(self._in.at, start, count)

    def _send(self, at: int, start: int, end: int) -> None:
        """Send slots start to end - 1. A message that the network refuses is left out; the others go on."""
        tries = 0
        while start < end:
            sent = _sendmmsg(self._fd, at + start * _MMSG.size, end - start, 0)
            if sent > 0:
                start += sent
                continue
            code = ctypes.get_errno()
            if code in _SILENCE or code == errno.ENOBUFS:
                tries += 1
                if tries < 3:
                    continue
                logger.warning("the network takes no more answers for now: %d are lost", end - start)
                return
            start += 1  # EPERM, ENETUNREACH, EMSGSIZE …: this one cannot be sent

    def flush(self) -> None:
        """Send the late replies that were queued."""
        late, self.late = self.late, []
        arrays = self._out
        for base in range(0, len(late), BATCH):
            chunk = late[base : base + BATCH]
            for slot, (name, control, message) in enumerate(chunk):
                start = slot * BUFFER
                arrays.data[start : start + len(message)] = message
                arrays.names[slot * _NAME : (slot + 1) * _NAME] = name
                arrays.lengths[slot * 2 + 1] = len(message)
                if self._control:
                    arrays.controls[slot * _CONTROL : slot * _CONTROL + len(control)] = control
                    at = slot * _MMSG.size + _CONTROLLEN_AT
                    struct.pack_into("@N", arrays.headers, at, len(control))
            self._send(arrays.at, 0, len(chunk))


def client_of(engine: Engine, address: str, now: float) -> Client:
    """Return the client of a textual address (TCP knows only that)."""
    host = address.partition("%")[0]
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return engine.clients.get(socket.inet_pton(family, host), now)


__all__ = ["BATCH", "RECEIVE_BUFFER", "UdpListener", "client_of"]
