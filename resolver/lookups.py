"""What upstreams say: answers kept by question, failures remembered for a moment, and questions on their way."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeGuard

from resolver.cache import Generations
from resolver.clients import Client
from resolver.records import Answer
from resolver.upstream.forwarder import Forwarder
from resolver.upstream.pool import MAX_IN_FLIGHT, Ask, Failure, Upstreams
from resolver.wire import MAX_UDP, Rcode, is_below, name_text

FAILURE_FIRST, FAILURE_MOST = 1.0, 5.0
"""Seconds for which a failure is remembered, doubling (RFC 9520 section 3.2): short, to feel a recovery at once."""
MAX_FAILURES = 10_000

_ANSWERS = frozenset({Rcode.NOERROR.value, Rcode.NXDOMAIN.value})
"""Response codes that answer the question; all others are failures."""


class Failed(NamedTuple):
    """A question that could not be answered."""

    until: float
    gap: float
    """Seconds for which it is remembered."""
    said: Answer | None
    """The error, if an upstream gave one."""
    failure: Failure


class Outcome(NamedTuple):
    """How a question ended."""

    key: bytes
    answer: Answer | None
    """What an upstream said, be it an error."""
    failure: Failure | None
    stale: Answer | None
    """If it failed: what was true before, as long as that may be given."""
    rebinding: bool
    """Private addresses were taken out of the answer."""


class Lookups:
    """Asks upstreams and keeps what they say. `concluded` is called for each question that ends, with its waiters;
    `waiting` for one that takes long, if an answer past its end could be given meanwhile.
    """

    def __init__(
        self,
        forwarder: Forwarder,
        *,
        entries: int,
        octets: int,
        stale_seconds: float,
        private_zones: Iterable[str],
        concluded: Callable[[Ask, Outcome], None],
        waiting: Callable[[Ask, Answer], None],
        clock: Callable[[], float],
    ) -> None:
        self.forwarder = forwarder
        self.answers: Generations[Answer] = Generations(entries, octets, _answer_octets)
        self._stale_seconds = stale_seconds
        self._private_zones = frozenset(private_zones)
        self._concluded = concluded
        self._waiting = waiting
        self._clock = clock
        self._inserts: dict[str, int] = {}
        self._era = 0
        self.failures: dict[bytes, Failed] = {}
        self._done, self._on_stale = self._answered, self._offer_stale

    def zone_of(self, name: str) -> Upstreams | None:
        """Return the servers of the zone that a rule sends elsewhere, or None."""
        zones = self.forwarder.zones
        if not zones:
            return None
        while name:
            if name in zones:
                return zones[name]
            name = name.partition(".")[2]
        return None

    def upstreams_of(self, name: str) -> Upstreams:
        """Return the servers to ask about a name."""
        return self.zone_of(name) or self.forwarder.default

    @property
    def full(self) -> bool:
        """Whether too many questions are on their way."""
        return len(self.forwarder.pending) >= MAX_IN_FLIGHT

    def start(self, upstreams: Upstreams, key: bytes, name: str, now: float, *, by_tcp: bool = False) -> Ask:
        """Send the question of a key (see `ask_key`) on its way; `name` is the name in it as text."""
        ask = Ask(
            upstreams, key, key[:-3], key[-3] << 8 | key[-2],
            dnssec_ok=bool(key[-1] & 1), checking_disabled=bool(key[-1] & 2),
        )  # fmt: skip
        ask.may_be_private = upstreams is not self.forwarder.default or (
            bool(self._private_zones) and self._in_private_zone(name)
        )
        ask.by_tcp = by_tcp
        ask.done = self._done
        ask.on_stale = self._on_stale
        self.forwarder.start(upstreams, ask, now)
        return ask

    def prefetch(self, key: bytes, now: float) -> None:
        """Fetch an answer again before it ends, so that nobody has to wait for it."""
        pending = self.forwarder.pending
        if key not in pending and len(pending) < MAX_IN_FLIGHT // 2:
            name = name_text(key[:-3])
            self.start(self.upstreams_of(name), key, name, now)

    def _in_private_zone(self, name: str) -> bool:
        zones = self._private_zones
        while zones and name:
            if name in zones:
                return True
            name = name.partition(".")[2]
        return False

    def usable(self, answer: Answer | None, now: float) -> TypeGuard[Answer]:
        """Whether an answer, though past its end, may still be given."""
        return answer is not None and now < answer.expires + self._stale_seconds

    def failed_lately(self, key: bytes, now: float) -> Failed | None:
        """Return the failure of a question that is not to be asked again yet."""
        failed = self.failures.get(key)
        return failed if failed is not None and now < failed.until else None

    def forget(self, ending: bytes) -> int:
        """Forget all about a name (wire format) and what is below it, everything if it is empty; return how much."""
        doomed = [key for key in self.answers.all_keys() if not ending or is_below(key[:-3], ending)]
        for key in doomed:
            answer = self.answers.pop(key)
            if answer is not None:
                answer.superseded = True
                answer.expires = 0.0
        self.failures = {key: f for key, f in self.failures.items() if ending and not is_below(key[:-3], ending)}
        return len(doomed)

    def _answered(self, ask: Ask, answer: Answer | None, failure: Failure | None) -> None:
        """Take the outcome of a question: keep it, and tell."""
        now = self._clock()
        stale = None
        if answer is None or answer.rcode not in _ANSWERS:
            self._remember(ask.key, answer, failure or Failure.ERROR, now)
            old = self.answers.get(ask.key)
            stale = old if self.usable(old, now) else None
        else:
            self.failures.pop(ask.key, None)
            self._keep(ask, answer)
        self._concluded(ask, Outcome(ask.key, answer, failure, stale, ask.rewritten))

    def _remember(self, key: bytes, answer: Answer | None, failure: Failure, now: float) -> None:
        before = self.failures.get(key)
        gap = min(before.gap * 2, FAILURE_MOST) if before else FAILURE_FIRST
        if len(self.failures) >= MAX_FAILURES:
            self.failures.clear()
        # What was said of a failure is kept only if it is small: there may be ten thousand of them.
        said = answer if answer is not None and answer.size <= MAX_UDP else None
        self.failures[key] = Failed(now + gap, gap, said, failure)

    def _keep(self, ask: Ask, answer: Answer) -> None:
        before = self.answers.pop(ask.key)
        if before is not None:
            before.superseded = True
        if not answer.ttl:
            return
        if self._era != self.answers.era:
            self._era = self.answers.era
            self._inserts.clear()
        probation = False
        if ask.waiters and before is None:
            client: Client = ask.waiters[0].client
            inserts = self._inserts.get(client.address, 0)
            self._inserts[client.address] = inserts + 1
            probation = inserts >= self.answers.share
        self.answers.put(ask.key, answer, probation=probation)

    def _offer_stale(self, ask: Ask) -> None:
        """Offer those who have waited long what was true before; the question stays on its way (RFC 8767)."""
        stale = self.answers.get(ask.key)
        if self.usable(stale, self._clock()):
            self._waiting(ask, stale)


def _answer_octets(answer: Answer) -> int:
    return answer.size
