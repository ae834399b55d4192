"""All upstreams of a worker: the default ones and those of chosen zones, every question in flight, and the clock."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from resolver.entropy import Entropy
from resolver.upstream.address import Scheme, UpstreamAddress
from resolver.upstream.pool import TICK, Ask, Server, Stream, Upstreams
from resolver.upstream.stream import StreamUpstream
from resolver.upstream.udp import UdpSockets, UdpUpstream


def make_servers(
    addresses: Sequence[UpstreamAddress], sockets: UdpSockets, entropy: Entropy, ca_file: str
) -> list[Server]:
    """Build the transports for some addresses. TLS and HTTP/2 are imported only where they are used."""
    servers: list[Server] = []
    for address in addresses:
        udp: UdpUpstream | None = None
        stream: Stream
        if address.scheme is Scheme.HTTPS:
            from resolver.upstream.https import HttpsUpstream
            from resolver.upstream.tls import https_context

            stream = HttpsUpstream(address, https_context(ca_file))
        elif address.scheme is Scheme.TLS:
            from resolver.upstream.tls import tls_context

            stream = StreamUpstream(address, tls_context(ca_file))
        else:
            if address.scheme is Scheme.UDP:
                udp = UdpUpstream(address, sockets, entropy)
            stream = StreamUpstream(replace(address, scheme=Scheme.TCP), None)
        servers.append(Server(address, udp, stream))
    return servers


class Forwarder:
    """All upstreams of a worker: the default ones and those of chosen zones, and every question in flight."""

    def __init__(self, entropy: Entropy, clock: Callable[[], float], after: Callable[[], None]) -> None:
        self.pending: dict[bytes, Ask] = {}
        self.default = Upstreams((), entropy, clock, self.pending, after)
        self.zones: dict[str, Upstreams] = {}
        self._after = after
        self._clock = clock
        self._handle: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to look after the clock."""
        self._loop = loop

    def start(self, upstreams: Upstreams, ask: Ask, now: float) -> None:
        """Send a question; equal ones must have been joined by the caller (`pending`)."""
        upstreams.start(ask, now)
        if self._handle is None and self._loop is not None:
            self._handle = self._loop.call_later(TICK, self._tick)

    def _tick(self) -> None:
        now = self._clock()
        self._handle = self._loop.call_later(TICK, self._tick) if self.pending and self._loop is not None else None
        for ask in list(self.pending.values()):
            if now >= ask.next_at or now >= ask.stale_at or now >= ask.deadline:
                ask.pool.overdue(ask, now)
        self._after()

    def maintain(self, now: float) -> None:
        """Look after the health of all servers; once a second."""
        for upstreams in (self.default, *self.zones.values()):
            upstreams.maintain(now)

    def close(self) -> None:
        """Close all connections."""
        if self._handle is not None:
            self._handle.cancel()
        for upstreams in (self.default, *self.zones.values()):
            for server in upstreams.servers:
                server.stream.close()
