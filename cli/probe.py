"""Ask each configured upstream one real question, and say what came of it."""

import contextlib
import errno
import secrets
import socket
import ssl
import struct
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from dnslib import QTYPE, DNSError, DNSQuestion, DNSRecord

from cli.facts import Outcome, Probe
from resolver.upstream.address import Scheme, UpstreamAddress
from resolver.upstream.tls import UnreadableAuthorities, https_context, tls_context
from resolver.wire import RCODE_NAMES, Rcode

TIMEOUT = 1.5
"""Seconds for one try: far more than any server needs that a school could work with."""
TRIES = 2
"""One lost datagram is no finding."""
_ANYBODY = "example.org"
"""A name that every resolver of the world knows (RFC 2606)."""
_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EACCES, errno.EPERM})


@dataclass(frozen=True, slots=True)
class Target:
    """An upstream to be asked, and for what."""

    address: UpstreamAddress
    zone: str = ""
    """The zone it is asked for; empty if it is asked for everything."""


class _Garbage(Exception):  # noqa: N818 - never leaves this module
    """What came back is no answer to the question."""


def probe_all(targets: Sequence[Target], ca_file: str = "", timeout: float = TIMEOUT) -> tuple[Probe, ...]:
    """Ask all upstreams at once."""
    with ThreadPoolExecutor(max_workers=max(len(targets), 1)) as pool:
        return tuple(pool.map(lambda target: probe(target, ca_file, timeout), targets))


def probe(target: Target, ca_file: str = "", timeout: float = TIMEOUT) -> Probe:
    """Ask one upstream. Never raises for what the network or the server does."""
    text = str(target.address)
    started = time.monotonic()
    try:
        rcode, invents = _ask(target, ca_file, timeout)
    except TimeoutError:
        return Probe(text, Outcome.TIMEOUT)
    except ConnectionRefusedError:
        return Probe(text, Outcome.CLOSED)
    except (ssl.SSLError, UnreadableAuthorities) as error:
        return Probe(text, Outcome.CERTIFICATE, getattr(error, "verify_message", "") or str(error))
    except OSError as error:
        outcome = Outcome.UNREACHABLE if error.errno in _NO_ROUTE else Outcome.CLOSED
        return Probe(text, outcome, error.strerror or str(error))
    except _Garbage as error:
        return Probe(text, Outcome.GARBAGE, str(error))
    spent = (time.monotonic() - started) * 1000
    fine = rcode == Rcode.NOERROR or (target.zone and rcode == Rcode.NXDOMAIN)
    detail = "" if fine else RCODE_NAMES.get(rcode, str(rcode))
    return Probe(text, Outcome.ANSWER if fine else Outcome.ERROR_CODE, detail, spent, invents)


def ask(address: UpstreamAddress, question: DNSQuestion, ca_file: str, timeout: float = TIMEOUT) -> DNSRecord | None:
    """Return an upstream's whole answer; None if none came, or for DNS over HTTPS, which is not spoken here."""
    if address.scheme is Scheme.HTTPS:
        return None
    try:
        if address.scheme is Scheme.UDP:
            answer = _by_udp(address, question, timeout)
            return None if answer.header.tc else answer
        with socket.create_connection((address.host, address.port), timeout) as plain:
            if address.scheme is Scheme.TCP:
                return _by_stream(plain, question)
            with tls_context(ca_file).wrap_socket(plain, server_hostname=address.server_name) as encrypted:
                return _by_stream(encrypted, question)
    except (OSError, UnreadableAuthorities, _Garbage):
        return None


def _ask(target: Target, ca_file: str, timeout: float) -> tuple[int, bool]:
    """Return the response code to a harmless question, and whether an address was made up for an impossible name."""
    question = DNSQuestion(target.zone, QTYPE.SOA) if target.zone else DNSQuestion(_ANYBODY, QTYPE.A)
    address = target.address
    if address.scheme is Scheme.UDP:
        rcode = _by_udp(address, question, timeout).header.rcode
        return rcode, rcode == Rcode.NOERROR and not target.zone and _invents(address, timeout)
    with socket.create_connection((address.host, address.port), timeout) as plain:
        if address.scheme is Scheme.TCP:
            return _by_stream(plain, question).header.rcode, False
        context = https_context(ca_file) if address.scheme is Scheme.HTTPS else tls_context(ca_file)
        with context.wrap_socket(plain, server_hostname=address.server_name) as encrypted:
            if address.scheme is Scheme.HTTPS:
                # A finished handshake proves route, port, clock, certificate and name: what goes wrong in schools.
                return Rcode.NOERROR, False
            return _by_stream(encrypted, question).header.rcode, False


def _invents(address: UpstreamAddress, timeout: float) -> bool:
    """Tell whether the server gives an address for a name under .invalid, which cannot exist (RFC 6761 section 6.4)."""
    impossible = DNSQuestion(f"{secrets.token_hex(8)}.invalid", QTYPE.A)
    with contextlib.suppress(OSError, _Garbage):
        return any(record.rtype == QTYPE.A for record in _by_udp(address, impossible, timeout).rr)
    return False


def _by_udp(address: UpstreamAddress, question: DNSQuestion, timeout: float) -> DNSRecord:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout)
        # Connected, so that the kernel tells of a closed port and lets nobody else answer.
        sock.connect((address.host, address.port))
        for attempt in range(TRIES):
            query = _query(question)
            sock.send(query.pack())
            try:
                return _answer(query, sock.recv(65535))
            except TimeoutError:
                if attempt == TRIES - 1:
                    raise
    raise TimeoutError


def _by_stream(connection: socket.socket, question: DNSQuestion) -> DNSRecord:
    query = _query(question)
    packet = query.pack()
    connection.sendall(struct.pack("!H", len(packet)) + packet)
    with connection.makefile("rb") as stream:
        head = stream.read(2)
        if len(head) < 2:
            raise _Garbage("the connection was closed without an answer")
        return _answer(query, stream.read(int.from_bytes(head)))


def _query(question: DNSQuestion) -> DNSRecord:
    query = DNSRecord(q=question)
    query.header.id = secrets.randbits(16)
    query.header.rd = 1
    return query


def _answer(query: DNSRecord, reply: bytes) -> DNSRecord:
    try:
        answer = DNSRecord.parse(reply)
    except DNSError as error:
        raise _Garbage(f"{len(reply)} octets that are no DNS message: {error}") from None
    if answer.header.id != query.header.id or not answer.header.qr:
        raise _Garbage("a message that is no answer to the question")
    return answer
