"""An engine with fakes around it: servers that only note what they are asked, lists, a clock wound by hand."""

import ipaddress
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, cast

import dns.edns
import dns.flags
import dns.message
import dns.opcode

from policy.decision import Listing
from policy.groups import Group
from policy.levels import Level
from policy.names import with_parents
from policy.snapshot import Snapshot, build_snapshot
from policy.views import Entry, EntryKind
from resolver.answers import sinkhole
from resolver.engine import Engine, Waiter
from resolver.entropy import Entropy
from resolver.upstream.address import parse_upstream
from resolver.upstream.forwarder import Forwarder
from resolver.upstream.pool import TICK, Server, Upstreams
from resolver.upstream.udp import Asked, UdpUpstream
from resolver.wire import HEADER
from settings.model import BlockAnswer, Blocking, School
from tests.harness import wire

BEGIN = 1000.0
"""What the clock of a world shows at first."""


class Sent(NamedTuple):
    """A question that a fake server was asked by UDP."""

    tail: bytes
    question: bytes
    asked: Asked
    at: float


class FakeUdp:
    """Takes questions and keeps them; may refuse to."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.error: OSError | None = None

    def send(self, tail: bytes, question: bytes, asked: Asked, now: float) -> None:
        """See UdpUpstream."""
        if self.error is not None:
            raise self.error
        self.sent.append(Sent(tail, question, asked, now))

    def sweep(self, now: float) -> None:
        """See UdpUpstream."""


class FakeStream:
    """Takes questions and keeps them."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, Callable[[bytes | None], None]]] = []
        self.closed = False

    def ask(self, query: bytes, done: Callable[[bytes | None], None]) -> Callable[[], None]:
        """See Stream."""
        self.asked.append((query, done))
        return lambda: None

    def close(self) -> None:
        """See Stream."""
        self.closed = True


class FakeServer(NamedTuple):
    """A server, and the fakes that stand for its transports."""

    server: Server
    udp: FakeUdp
    stream: FakeStream

    def reply(self, number: int, *answers: bytes, **parts: object) -> None:
        """Let the server answer the UDP question of that number."""
        sent = self.udp.sent[number]
        sent.asked.on_reply(response(sent.question, *answers, **parts), sent.at)  # type: ignore[arg-type] # handed on

    def reply_by_stream(self, number: int, *answers: bytes, **parts: object) -> None:
        """Let the server answer the stream's question of that number."""
        query, done = self.stream.asked[number]
        done(response(wire.question_of(query), *answers, **parts))  # type: ignore[arg-type] # handed on


def fake_server(number: int = 0, *, udp: bool = True) -> FakeServer:
    """Return a server that nobody runs."""
    scheme = "udp" if udp else "tcp"
    fake_udp, fake_stream = FakeUdp(), FakeStream()
    address = parse_upstream(f"{scheme}://127.0.0.{number + 1}:5300")
    return FakeServer(Server(address, cast(UdpUpstream, fake_udp) if udp else None, fake_stream), fake_udp, fake_stream)


def response(
    question: bytes,
    *answers: bytes,
    authority: Iterable[bytes] = (),
    additional: Iterable[bytes] = (),
    rcode: int = 0,
    flags: int = wire.QR | wire.RD | wire.RA,
) -> bytes:
    """Return a response to a question as an upstream would send it, with the id 0."""
    parts = [wire.joined(records) for records in (answers, authority, additional)]
    counts = struct.pack("!HHHH", 1, *(number for number, _ in parts))
    return b"\x00\x00" + (flags | rcode).to_bytes(2) + counts + question + b"".join(octets for _, octets in parts)


def address_record(address: str = "192.0.2.1", ttl: int = 60) -> bytes:
    """Return an A or AAAA record of the question's name."""
    return wire.record("@", ttl, "AAAA" if ":" in address else "A", address)


class Heard:
    """What a client hears in the end."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.line = ""
        """Of the log, without time; only for what was answered at once."""
        self.silent = False

    def send(self, message: bytes) -> None:
        """See Peer."""
        self.messages.append(message)

    @property
    def message(self) -> bytes:
        """The one reply."""
        assert len(self.messages) == 1, f"{len(self.messages)} replies"
        return self.messages[0]

    @property
    def reply(self) -> dns.message.Message:
        """The one reply, as an independent parser reads it."""
        return judged(self.message)


def judged(message: bytes) -> dns.message.Message:
    """Read a message with dnspython, which refuses trailing octets and everything malformed."""
    return dns.message.from_wire(message, one_rr_per_rrset=True)


def errors(message: dns.message.Message) -> list[tuple[int, str]]:
    """Return the Extended DNS Errors of a reply: code and text."""
    found = [option for option in message.options if isinstance(option, dns.edns.EDEOption)]
    return [(int(option.code), option.text or "") for option in found]


def texts(message: dns.message.Message) -> list[str]:
    """Return the data of all answer records."""
    return [rdata.to_text() for rrset in message.answer for rdata in rrset]


def ttls(message: dns.message.Message) -> set[int]:
    """Return every TTL of a message."""
    return {rrset.ttl for section in (message.answer, message.authority, message.additional) for rrset in section}


class Lists:
    """What lists say, by name and by address."""

    def __init__(
        self,
        listings: Mapping[str, tuple[Listing, ...]] | None = None,
        addresses: Mapping[str, tuple[Listing, ...]] | None = None,
    ) -> None:
        self.listings = dict(listings or {})
        self.addresses = {ipaddress.ip_address(text).packed: said for text, said in (addresses or {}).items()}
        self.has_addresses = bool(self.addresses)

    def lookup(self, name: str) -> tuple[Listing, ...]:
        """See Index."""
        return tuple(listing for parent in with_parents(name) for listing in self.listings.get(parent, ()))

    def lookup_address(self, packed: bytes) -> tuple[Listing, ...]:
        """See Index."""
        assert self.has_addresses, "nobody should have asked"
        assert len(packed) in (4, 16)
        return self.addresses.get(packed, ())


def listed(name: str, category: str = "games", list_id: str = "some-list") -> dict[str, tuple[Listing, ...]]:
    """Return the saying of one list about one name."""
    return {name: (Listing(list_id, category, name),)}


def allow(name: str, group: str | None = None) -> Entry:
    """Return an entry of the director's list."""
    return Entry(EntryKind.ALLOW, name, group, document="order 12 of 2026-09-02")


def block(name: str, group: str | None = None) -> Entry:
    """Return a hand-made block."""
    return Entry(EntryKind.BLOCK, name, group)


def policy(
    *entries: Entry,
    level: Level = Level.MEDIUM,
    blocked: Iterable[str] = ("games",),
    groups: Iterable[Group] = (),
    protected: Iterable[str] = (),
    version: int = 1,
) -> Snapshot:
    """Return a policy with the group `pupils` for everyone, and others."""
    everyone = Group("pupils", "Pupils", level, frozenset(blocked))
    return build_snapshot([everyone, *groups], entries, default_group="pupils", protected=protected, version=version)


def staff(network: str = "10.0.9.0/24") -> Group:
    """Return a group for which nearly all is open."""
    return Group("staff", "Staff", Level.OPEN, frozenset(), (ipaddress.ip_network(network),))


class World:
    """An engine and everything around it."""

    def __init__(
        self,
        snapshot: Snapshot | None = None,
        listings: Mapping[str, tuple[Listing, ...]] | None = None,
        addresses: Mapping[str, tuple[Listing, ...]] | None = None,
        *,
        servers: int = 1,
        mode: BlockAnswer = BlockAnswer.NULL,
        allowed_networks: tuple[str, ...] = ("127.0.0.0/8", "10.0.0.0/8", "::1/128"),
        rate_limit: int = 0,
        refuse_silently: bool = False,
        cache_entries: int = 1000,
        cache_octets: int = 1 << 20,
        stale_seconds: float = 86_400.0,
        private_zones: tuple[str, ...] = (),
        blocked_only: bool = False,
        trusted_routers: tuple[str, ...] = (),
    ) -> None:
        self.macs: dict[str, str] = {}
        """MAC by address, as the neighbour table would tell."""
        self.now = BEGIN
        self.lists = Lists(listings, addresses)
        self.forwarder = Forwarder(Entropy(), self.clock, self.finish)
        self.upstreams = [fake_server(number) for number in range(servers)]
        self.forwarder.default = self.join(*self.upstreams)
        self.engine = Engine(
            snapshot or policy(),
            self.lists,
            sinkhole(Blocking(answer=mode, page_address="10.0.0.80, fd00::80"), School(language="en")),
            self.forwarder,
            allowed_networks=allowed_networks,
            rate_limit=rate_limit,
            refuse_silently=refuse_silently,
            cache_entries=cache_entries,
            cache_octets=cache_octets,
            stale_seconds=stale_seconds,
            private_zones=private_zones,
            blocked_only=blocked_only,
            clock=self.clock,
            trusted_routers=trusted_routers,
            mac_of=lambda address: self.macs.get(address, ""),
        )
        self.lines: list[str] = []
        """Log lines of late replies, without time."""

    def clock(self) -> float:
        """Return the moment."""
        return self.now

    def join(self, *servers: FakeServer) -> Upstreams:
        """Return the servers as one set."""
        return Upstreams([each.server for each in servers], Entropy(), self.clock, self.forwarder.pending)

    def finish(self) -> None:
        """Write lines, send replies, as a worker does."""
        engine = self.engine
        self.lines += [line.decode("ascii") for line in engine.lines]
        engine.lines.clear()
        outbox, engine.outbox = engine.outbox, []
        for peer, message in outbox:
            peer.send(message)

    def wind(self, seconds: float) -> None:
        """Let time pass, as the loop would notice it."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(self.now + TICK, end)
            self.forwarder._tick()

    def jump(self, seconds: float) -> None:
        """Let time pass at once; nothing may be in flight."""
        assert not self.forwarder.pending
        self.now += seconds

    @property
    def server(self) -> FakeServer:
        """The first server."""
        return self.upstreams[0]

    def ask(
        self,
        name: str | bytes = "www.example.org",
        kind: str | int = "A",
        *,
        client: str = "127.0.0.1",
        stream: bool = False,
        qid: int = 0x1234,
        flags: int = wire.RD,
        edns: wire.Edns | None = None,
        rdclass: int = 1,
    ) -> Heard:
        """Ask a question."""
        message = wire.query(name, kind, qid=qid, flags=flags, edns=edns, rdclass=rdclass)
        return self.ask_raw(message, client=client, stream=stream)

    def ask_raw(self, message: bytes, *, client: str = "127.0.0.1", stream: bool = False) -> Heard:
        """Send octets."""
        heard = Heard()
        known = self.engine.clients.get(ipaddress.ip_address(client).packed, self.now)
        known.budget -= 1
        result = self.engine.handle(message, known, self.now, stream=stream)
        if result is None:
            heard.silent = True
        elif isinstance(result, Waiter):
            result.peer = heard
        else:
            body, tail = result
            heard.line = (known.prefix + tail).decode("ascii") if tail else ""
            heard.send(message[:2] + body)
        self.finish()
        return heard

    def answered(
        self, *answers: bytes, name: str = "www.example.org", kind: str | int = "A", edns: wire.Edns | None = None,
        client: str = "127.0.0.1", stream: bool = False, **parts: object,
    ) -> Heard:  # fmt: skip
        """Ask a question and let the first server answer it."""
        heard = self.ask(name, kind, edns=edns, client=client, stream=stream)
        assert not heard.messages, "it was answered without asking anyone"
        reply = self.server.reply_by_stream if stream else self.server.reply
        reply(-1, *(answers or (address_record(),)), **parts)
        self.finish()
        return heard


def columns(line: str) -> dict[str, str]:
    """Return the columns of a log line without its time."""
    names = ("client", "device", "room", "group", "name", "type", "action", "reason", "category", "list", "rcode",
             "source", "ms")  # fmt: skip
    assert line.endswith("\n")
    return dict(zip(names, line[:-1].split("\t"), strict=True))


def header_of(message: bytes) -> tuple[int, int, int, int, int, int]:
    """Return id, flags and the four counts."""
    assert len(message) >= HEADER
    return wire.header(message)
