"""A pool of upstreams that nobody runs, and what came of each question."""

from resolver.entropy import Entropy
from resolver.records import Answer
from resolver.upstream.pool import (
    TICK,
    Ask,
    Failure,
    Upstreams,
    ask_key,
)
from tests.harness import wire
from tests.resolver.world import BEGIN, FakeServer, fake_server

NAME = wire.name_wire("www.example.org")
Outcome = tuple[Answer | None, Failure | None]


class Pool:
    """Some servers, and what came of each question."""

    def __init__(self, *servers: FakeServer) -> None:
        self.now = BEGIN
        self.servers = servers
        self.pending: dict[bytes, Ask] = {}
        self.upstreams = Upstreams([each.server for each in servers], Entropy(), lambda: self.now, self.pending)
        self.outcomes: list[Outcome] = []
        self.stale = 0

    def ask(self, name: bytes = NAME, *, dnssec_ok: bool = False, by_tcp: bool = False) -> Ask:
        """Ask a question."""
        key = ask_key(name, 1, dnssec_ok=dnssec_ok, checking_disabled=False)
        ask = Ask(self.upstreams, key, name, 1, dnssec_ok=dnssec_ok, checking_disabled=False)
        ask.done = self._done
        ask.on_stale = self._on_stale
        if by_tcp:
            ask.by_tcp = True
        before = len(self.outcomes)
        self.upstreams.start(ask, self.now)
        assert len(self.outcomes) == before, "the outcome was told before start() returned"
        return ask

    def _done(self, ask: Ask, answer: Answer | None, failure: Failure | None) -> None:
        assert (answer is None) != (failure is None)
        assert ask.key not in self.pending
        self.outcomes.append((answer, failure))

    def _on_stale(self, _ask: Ask) -> None:
        self.stale += 1

    def wind(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self.now < end - 1e-9:
            self.now = min(self.now + TICK, end)
            for ask in list(self.pending.values()):
                self.upstreams.overdue(ask, self.now)

    @property
    def asked(self) -> list[int]:
        """How often each server was asked by UDP."""
        return [len(each.udp.sent) for each in self.servers]

    @property
    def answer(self) -> Answer:
        """The one answer."""
        ((answer, failure),) = self.outcomes
        assert answer is not None, failure
        return answer

    @property
    def failure(self) -> Failure:
        """The one failure."""
        ((answer, failure),) = self.outcomes
        assert failure is not None, answer
        return failure


def pool(count: int = 1, *, udp: bool = True) -> Pool:
    """Return a pool of so many servers, of which nothing is known."""
    return Pool(*(fake_server(number, udp=udp) for number in range(count)))


def known(server: FakeServer, rtt: float) -> None:
    """Let a server's round trip be known."""
    for _ in range(8):
        server.server.replied(BEGIN, BEGIN - rtt)
