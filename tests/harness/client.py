"""Clients over raw sockets, from any loopback address, and the rules that every answer must keep."""

import contextlib
import socket
import struct
import time
from types import TracebackType
from typing import Self

import dns.edns
import dns.message
import dns.rcode
import dns.rrset

from tests.harness import wire

Address = tuple[str, int]
HANG = 20.0
"""Longer than any answer may take: only a hang reaches it."""
MAX_DOWNSTREAM_TTL = 300
"""Allowed answers live at most 5 minutes downstream, so that a change of policy is felt (DESIGN section 5)."""
OUR_OPTIONS = {15}
"""EDNS options that our answers may hold unasked: Extended DNS Errors."""


def family_of(address: str) -> socket.AddressFamily:
    """Return the family of an address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Udp:
    """A connected UDP socket: an answer from another address or port than the one asked never arrives."""

    def __init__(self, server: Address, source: str = "") -> None:
        self._socket = socket.socket(family_of(server[0]), socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        if source:
            self._socket.bind((source, 0))
        self._socket.connect(server)

    def send(self, message: bytes) -> None:
        """Send one datagram."""
        self._socket.send(message)

    def receive(self, timeout: float = HANG) -> bytes | None:
        """Return the next datagram, None if none comes in time."""
        self._socket.settimeout(max(timeout, 0.0001))
        with contextlib.suppress(TimeoutError, BlockingIOError, ConnectionRefusedError):
            return self._socket.recv(65535)
        return None

    def ask(self, message: bytes, timeout: float = HANG) -> bytes | None:
        """Send a query and return the answer with its id."""
        self.send(message)
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            found = self.receive(left)
            if found is not None and found[:2] == message[:2]:
                return found
        return None

    def collect(self, ids: set[int], timeout: float = HANG) -> dict[int, bytes]:
        """Return the answers to these ids, as far as they come in time."""
        found: dict[int, bytes] = {}
        deadline = time.monotonic() + timeout
        while ids - found.keys() and (left := deadline - time.monotonic()) > 0:
            message = self.receive(left)
            if message is not None and len(message) >= 2:
                found.setdefault(wire.qid_of(message.ljust(12, b"\0")), message)
        return found

    def close(self) -> None:
        """Close it."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class Tcp:
    """A TCP connection for DNS."""

    def __init__(self, server: Address, source: str = "", timeout: float = HANG) -> None:
        self.socket = socket.socket(family_of(server[0]), socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect(server)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, *messages: bytes) -> None:
        """Send messages in one segment."""
        self.socket.sendall(b"".join(struct.pack("!H", len(m)) + m for m in messages))

    def receive(self) -> bytes | None:
        """Return the next message, None at the end of the stream or when none comes in time."""
        with contextlib.suppress(TimeoutError, ConnectionError):
            head = self._exactly(2)
            return self._exactly(struct.unpack("!H", head)[0]) if head else None
        return None

    def ended(self, timeout: float) -> bool:
        """Tell whether the server closes the connection within the time (what it says before is read away)."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                if not self.socket.recv(65536):
                    return True
            except TimeoutError:
                return False
            except ConnectionError:
                return True
        return False

    def _exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            more = self.socket.recv(size - len(found))
            if not more:
                return b""
            found += more
        return found

    def close(self) -> None:
        """Close it."""
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def ask_raw(
    server: Address, message: bytes, *, source: str = "", tcp: bool = False, timeout: float = HANG
) -> bytes | None:
    """Send bytes, return the bytes that answer them."""
    if not tcp:
        with Udp(server, source) as udp:
            return udp.ask(message, timeout)
    with Tcp(server, source, timeout) as connection:
        connection.send(message)
        return connection.receive()


def ask(
    server: Address,
    name: str,
    kind: str | int = "A",
    *,
    source: str = "",
    tcp: bool = False,
    flags: int = wire.RD,
    edns: wire.Edns | None = None,
    rdclass: int = 1,
    truncated: bool = False,
    timeout: float = HANG,
) -> dns.message.Message:
    """Ask, check the answer against the rules for every answer, and return it parsed."""
    message = wire.query(name, kind, flags=flags, edns=edns, rdclass=rdclass)
    found = ask_raw(server, message, source=source, tcp=tcp, timeout=timeout)
    assert found is not None, f"no answer within {timeout:g} s to {name} {kind}"
    return judged(message, found, tcp=tcp, truncated=truncated)


def judged(asked: bytes, answered: bytes, *, tcp: bool = False, truncated: bool = False) -> dns.message.Message:
    """Check the rules of header and EDNS that hold for every answer, wherever it comes from; return it parsed.

    RFC 1035 4.1.1 (id, QR, opcode, RD, RA, AA, Z), RFC 4343 4.1 (case of the question), RFC 6891 6.1 (OPT only if
    asked, nothing unknown echoed), RFC 3225 (DO copied), RFC 9715 (size on UDP).
    """
    request = dns.message.from_wire(asked, ignore_trailing=True)
    response = dns.message.from_wire(answered)  # also: no byte behind the last record
    qid, flags, questions, *_ = wire.header(answered)
    asked_flags = wire.header(asked)[1]
    assert qid == wire.qid_of(asked)
    assert flags & wire.QR
    assert flags & 0x7800 == asked_flags & 0x7800, "opcode changed"
    assert flags & wire.RD == asked_flags & wire.RD, "RD is not copied"
    assert flags & wire.RA, "RA is not set"
    assert not flags & wire.AA, "AA is set by a forwarder"
    assert not flags & wire.Z, "Z is set"
    assert flags & wire.CD == asked_flags & wire.CD, "CD is not copied (RFC 4035 3.2.2)"
    assert bool(flags & wire.TC) == truncated, f"TC is {bool(flags & wire.TC)}, expected {truncated}"
    assert questions == 1
    assert wire.question_of(answered) == wire.question_of(asked), "the question is not echoed byte for byte"
    assert (response.opt is None) == (request.opt is None), "OPT in the answer iff in the query"
    limit = 65535 if tcp else 512
    if request.opt is not None and response.opt is not None:
        if not tcp:
            limit = min(max(512, request.payload), 1232)
        assert response.edns == 0, "EDNS version"
        assert 512 <= response.payload <= 1232, f"own size is {response.payload}"
        assert response.ednsflags & 0x7FFF == 0, "MBZ bits of EDNS are set"
        assert response.ednsflags & wire.DO == request.ednsflags & wire.DO, "DO is not copied"
        assert {int(option.otype) for option in response.options} <= OUR_OPTIONS, "an option nobody asked for"
    assert len(answered) <= limit, f"{len(answered)} octets for a client that takes {limit}"
    for rrset in (*response.answer, *response.authority, *response.additional):
        assert rrset.ttl <= MAX_DOWNSTREAM_TTL, f"TTL {rrset.ttl} is over the downstream limit: {rrset}"
    return response


def ede(response: dns.message.Message) -> list[dns.edns.EDEOption]:
    """Return the Extended DNS Errors of an answer."""
    return [option for option in response.options if isinstance(option, dns.edns.EDEOption)]


def addresses(response: dns.message.Message) -> list[str]:
    """Return the addresses in the answer section."""
    return [
        rdata.to_text()
        for rrset in response.answer
        for rdata in rrset
        if rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
    ]


def rcode(response: dns.message.Message) -> str:
    """Return the code of an answer as text, extended bits included."""
    return dns.rcode.to_text(response.rcode())


def texts(rrsets: list[dns.rrset.RRset]) -> list[str]:
    """Return a section as text, for messages and comparisons."""
    return [rrset.to_text() for rrset in rrsets]
