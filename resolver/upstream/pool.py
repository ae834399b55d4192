"""Ask the best of several upstreams: measured health, hedged retries, one forward for equal questions in flight.

A question goes to the server with the shortest smoothed round trip. If no answer has come after a few round trips, the
next server is asked as well (or the same one again, from another port), and the first good answer wins. A server that
stays silent sinks in the order; one that stays silent for long is only probed, until it speaks again.
"""

import logging
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Protocol

from resolver.entropy import Entropy
from resolver.records import Answer, read_answer
from resolver.upstream.address import UpstreamAddress
from resolver.upstream.udp import UdpUpstream
from resolver.wire import AD, CD, HEADER, MAX_UDP, NS, RD, TC, MalformedMessage, Rcode

DEADLINE = 4.5
"""Seconds after which a question has failed: just before stub resolvers give up (5 s)."""
STALE_AFTER = 1.8
"""Seconds after which an answer past its end is better than none (RFC 8767 section 5)."""
FIRST_PATIENCE = 0.4
"""Seconds before the second try while a server's round trip is not known."""
MIN_PATIENCE, MAX_PATIENCE = 0.12, 0.7
MAX_TRIES = 5
"""Tries for one question over all servers (RFC 9520 section 3.1 asks for a bound)."""
MAX_IN_FLIGHT = 4096
SILENT = 4
"""Tries without any reply after which a server is out of order until a probe is answered."""
PROBE_SECONDS = 2.0
"""Between probes of a server that is out of order: few packets, and back well within 10 s."""
MEASURE_SECONDS = 30.0
"""A server that was not used for so long is measured anew, so that the order stays true."""
PLAIN_AFTER = 2
"""Unanswered tries with EDNS after which one without is made (RFC 6891 section 6.2.2)."""
PLAIN_SECONDS = 600.0
"""For how long a server that cannot do EDNS, or changes letter case, is asked without."""
TICK = 0.025
"""Seconds between looks at what is overdue."""
_MISMATCHES = 3
"""Replies with the right id and the wrong question after which the question goes by TCP: someone may be guessing."""

_ANSWERS = frozenset({Rcode.NOERROR.value, Rcode.NXDOMAIN.value})
_DISLIKES = frozenset({Rcode.FORMERR.value, Rcode.NOTIMP.value})
"""What servers say that do not know EDNS, or the question."""
_OPT = b"\x00\x00\x29" + MAX_UDP.to_bytes(2) + b"\x00\x00"


logger = logging.getLogger("schoolfilter.upstream")


class Failure(Enum):
    """Why no answer could be had."""

    SILENT = "no upstream answered in time"
    ERROR = "upstreams answered with an error"
    MALFORMED = "upstreams sent what is not a DNS message"
    BUSY = "too many questions in flight"


class Stream(Protocol):
    """An upstream by TCP, TLS or HTTPS."""

    def ask(self, query: bytes, done: Callable[[bytes | None], None]) -> Callable[[], None]:
        """Send a whole message; `done` gets the reply or None, once, later. Returns a function that cancels."""

    def close(self) -> None:
        """Close the connections."""


Done = Callable[["Ask", Answer | None, Failure | None], None]


class Server:
    """One upstream and what is known of its health."""

    def __init__(self, address: UpstreamAddress, udp: UdpUpstream | None, stream: Stream) -> None:
        self.address = address
        self.udp = udp
        self.stream = stream
        """The upstream itself, or the way to it by TCP when UDP answers are cut."""
        self.srtt = 0.0
        """Smoothed round trip in seconds; 0 while unknown."""
        self.rttvar = 0.0
        self.penalty = 0.0
        """Seconds added to the round trip in the order of servers, for keeping silent since the last reply."""
        self.patience = FIRST_PATIENCE
        """Seconds after which another try is worth its packet."""
        self.missed = 0
        """Tries since the last reply."""
        self.backup = False
        """Asked only while no other server is in order."""
        self.queries = 0
        self.failures = 0
        self.last_reply = 0.0
        self.probed = 0.0
        self.no_edns_until = 0.0
        self.no_case_until = 0.0

    @property
    def healthy(self) -> bool:
        """Whether it is asked before others that are not."""
        return self.missed < SILENT

    def replied(self, now: float, sent_at: float) -> None:
        """Take a reply into the measure (RFC 6298's smoothing)."""
        rtt = now - sent_at
        self.missed = 0
        self.penalty = 0.0
        self.last_reply = now
        if self.srtt:
            self.rttvar += (abs(rtt - self.srtt) - self.rttvar) / 4
            self.srtt += (rtt - self.srtt) / 8
        else:
            self.srtt, self.rttvar = rtt, rtt / 2
        patience = 2 * self.srtt + 4 * self.rttvar
        self.patience = MIN_PATIENCE if patience < MIN_PATIENCE else min(patience, MAX_PATIENCE)

    def kept_silent(self) -> None:
        """Let the server sink in the order: it let a question wait."""
        self.missed += 1
        self.failures += 1
        self.penalty = min(self.penalty * 1.5 + self.patience, 5.0)


class Ask:
    """One question in flight, and who waits for its answer."""

    # Class attributes are the defaults: a question that is answered at once sets few of them.
    may_be_private = False
    """The answer may hold private addresses."""
    by_tcp = False
    """The client asked by TCP, so its question goes on by TCP (RFC 5625 section 4.4.1)."""
    rewritten = False
    """Private addresses were taken out of the answer."""
    gave_stale = False
    tries = mismatches = errors = 0
    last: "Server | None" = None
    asked: "tuple[Server, ...]" = ()
    """Servers it was sent to, in turn."""
    refused: "tuple[Server, ...]" = ()
    """Servers that answered with an error."""
    streamed: "tuple[Server, ...]" = ()
    """Servers asked again by TCP."""
    failure = Failure.SILENT
    done: "Done | None" = None
    on_stale: "Callable[[Ask], None] | None" = None
    started = next_at = stale_at = deadline = 0.0

    def __init__(
        self, pool: "Upstreams", key: bytes, name: bytes, qtype: int, *, dnssec_ok: bool, checking_disabled: bool
    ) -> None:
        self.pool = pool
        self.key = key
        self.name = name
        """Lower case, wire format."""
        self.qtype = qtype
        self.question = name + qtype.to_bytes(2, "big") + b"\x00\x01"
        self.dnssec_ok = dnssec_ok
        self.flags = RD | AD | CD if checking_disabled else RD | AD
        self.waiters: list[Any] = []
        """Belongs to the caller."""
        self.order: list[Server] = pool.servers


class Attempt:
    """One try at one server; what the socket reports comes in here."""

    __slots__ = ("ask", "plain", "pool", "server")

    def __init__(self, pool: "Upstreams", ask: Ask, server: Server, *, plain: bool = False) -> None:
        self.pool = pool
        self.ask = ask
        self.server = server
        self.plain = plain
        """Sent without EDNS, because tries with it went unanswered."""

    def on_reply(self, reply: bytes, sent_at: float) -> None:
        """See `Asked`."""
        now = self.pool.clock()
        if self.plain and self.server.missed >= PLAIN_AFTER:
            self.server.no_edns_until = now + PLAIN_SECONDS
        self.server.replied(now, sent_at)
        if self.ask.done is not None:
            self.pool.take(self.ask, self.server, reply, now, by_stream=False)

    def on_mismatch(self, *, only_case: bool) -> None:
        """See `Asked`."""
        ask = self.ask
        if ask.done is None:
            return
        ask.mismatches += 1
        if only_case or ask.mismatches == _MISMATCHES:
            self.pool.by_stream(ask, self.server, only_case=only_case)

    def on_error(self) -> None:
        """See `Asked`."""
        self.server.kept_silent()
        ask = self.ask
        if ask.done is None:
            return
        self.pool.after_error(ask)


class Upstreams:
    """The servers for one part of the name space."""

    def __init__(
        self,
        servers: Sequence[Server],
        entropy: Entropy,
        clock: Callable[[], float],
        pending: dict[bytes, Ask],
        after: Callable[[], None] = lambda: None,
    ) -> None:
        self.servers = list(servers)
        self.clock = clock
        self._entropy = entropy
        self._pending = pending
        self._was_silent = False
        self._after = after
        """Hands out the replies that an answer by TCP has brought about."""

    def start(self, ask: Ask, now: float) -> None:
        """Send the question for the first time. `ask.done` hears the outcome, never before this returns."""
        if len(self.servers) > 1:
            ask.order = sorted(self.servers, key=_rank)
        ask.started = now
        ask.deadline = now + DEADLINE
        ask.stale_at = now + STALE_AFTER
        self._pending[ask.key] = ask
        self._try(ask, now)

    def _try(self, ask: Ask, now: float) -> None:
        """Ask the next server in turn; servers that answered with an error are passed over."""
        if not ask.tries:
            server, rounds = ask.order[0], 0
        else:
            candidates = [server for server in ask.order if server not in ask.refused]
            if not candidates or ask.tries >= MAX_TRIES:
                ask.next_at = ask.deadline
                return
            server = min(candidates, key=ask.asked.count)  # the first of those asked least often
            rounds = ask.asked.count(server)
        ask.asked += (server,)
        ask.tries += 1
        ask.last = server
        ask.next_at = now + server.patience * 2**rounds
        self._send(ask, server, now, plain=rounds >= PLAIN_AFTER and not ask.dnssec_ok)

    def _send(self, ask: Ask, server: Server, now: float, *, plain: bool = False) -> None:
        server.queries += 1
        if server.udp is None or (ask.by_tcp and server not in ask.streamed):
            ask.streamed += (server,)
            self._stream(ask, server)
            return
        tail, question = self._message(ask, server, now, plain=plain)
        try:
            server.udp.send(tail, question, Attempt(self, ask, server, plain=plain), now)
        except OSError:  # no route, no buffer, a refusal that came in meanwhile
            server.kept_silent()
            ask.next_at = min(ask.next_at, now + TICK)

    def _message(self, ask: Ask, server: Server, now: float, *, plain: bool = False) -> tuple[bytes, bytes]:
        """Return the message behind its id, and its question, with the letter case drawn at random (0x20)."""
        if server.udp is not None and now >= server.no_case_until:
            name = self._entropy.letter_case(ask.name)
            question = name + ask.question[-4:]
        else:
            question = ask.question
        if plain or now < server.no_edns_until:
            return ask.flags.to_bytes(2, "big") + b"\x00\x01\x00\x00\x00\x00\x00\x00" + question, question
        edns = b"\x80\x00\x00\x00" if ask.dnssec_ok else b"\x00\x00\x00\x00"
        return ask.flags.to_bytes(2, "big") + b"\x00\x01\x00\x00\x00\x00\x00\x01" + question + _OPT + edns, question

    def _stream(self, ask: Ask, server: Server) -> None:
        sent_at = self.clock()
        tail, question = self._message(ask, server, sent_at)

        def done(reply: bytes | None) -> None:
            now = self.clock()
            if reply is None:
                server.kept_silent()
                if ask.done is not None:
                    self._stream_failed(ask, server, now)
                    self._after()
                return
            server.replied(now, sent_at)
            if ask.done is not None:
                if len(reply) == HEADER:  # an error without its question
                    reply = reply[:4] + b"\x00\x01" + reply[6:] + question
                self.take(ask, server, reply, now, by_stream=True)
                self._after()

        server.stream.ask(b"\x00\x00" + tail, done)

    def by_stream(self, ask: Ask, server: Server, *, only_case: bool) -> None:
        """Ask the same server again by TCP: its UDP reply was cut, or cannot be trusted."""
        if server in ask.streamed:
            return
        ask.streamed += (server,)
        if only_case:
            # It gave the question back in other letters. By TCP no letters are needed to tell friend from foe;
            # for a while it is asked in plain ones, so that an old router does not cost a connection each time.
            server.no_case_until = self.clock() + PLAIN_SECONDS
        ask.next_at = max(ask.next_at, self.clock() + MAX_PATIENCE)
        self._stream(ask, server)

    def _stream_failed(self, ask: Ask, server: Server, now: float) -> None:
        if ask.by_tcp and server.udp is not None:
            ask.by_tcp = False  # it does not do TCP: better by UDP than not at all
            self._send(ask, server, now)
            return
        if server in ask.streamed and server.udp is not None and now >= server.no_case_until:
            ask.refused += (server,)
        self.after_error(ask)

    def after_error(self, ask: Ask) -> None:
        """Try elsewhere after a try that was turned away, or end: where nobody is, no client need wait on."""
        ask.errors += 1
        if ask.errors >= MAX_TRIES:
            self.finish(ask, None, Failure.SILENT)
        else:
            self.hurry(ask)

    def hurry(self, ask: Ask) -> None:
        """Try the next server now, or fail if there is none left."""
        now = self.clock()
        if ask.tries < MAX_TRIES and any(server not in ask.refused for server in ask.order):
            # A refused packet costs nothing, so leave a moment between tries at one server.
            ask.next_at = min(ask.next_at, now + (0 if len(ask.order) > ask.tries else FIRST_PATIENCE))
            if ask.next_at <= now:
                self._try(ask, now)
        elif ask.refused and all(server in ask.refused for server in ask.order):
            self.finish(ask, None, ask.failure)

    def take(self, ask: Ask, server: Server, reply: bytes, now: float, *, by_stream: bool) -> None:
        """Judge a reply that is ours: finish with it, or try elsewhere."""
        rcode = reply[3] & 0x0F
        if rcode in _DISLIKES and now >= server.no_edns_until:
            server.no_edns_until = now + PLAIN_SECONDS  # RFC 6891 section 6.2.2: it may only dislike our OPT
            self._send(ask, server, now)
            return
        if reply[2] & TC >> 8 and not by_stream:
            self.by_stream(ask, server, only_case=False)
            return
        try:
            answer, ask.rewritten = read_answer(
                reply, ask.question, now, dnssec_ok=ask.dnssec_ok, may_be_private=ask.may_be_private
            )
        except MalformedMessage:
            self._refuse(ask, server, Failure.MALFORMED, None)
            return
        if answer.rcode in _ANSWERS:
            self.finish(ask, answer, None)
        else:
            self._refuse(ask, server, Failure.ERROR, answer)

    def _refuse(self, ask: Ask, server: Server, failure: Failure, answer: Answer | None) -> None:
        """Note that a server could not help; ask the next, or end with what it said."""
        server.failures += 1
        if answer is not None and answer.rcode in _DISLIKES:
            server.no_edns_until = 0.0  # it dislikes the question itself, EDNS or not
        ask.failure = failure
        if failure is Failure.MALFORMED and server.udp is not None and server not in ask.streamed:
            self.by_stream(ask, server, only_case=False)  # one bad packet must not end the wait (TuDoor)
            return
        if server not in ask.refused:
            ask.refused += (server,)
        if all(known in ask.refused for known in ask.order):
            self.finish(ask, answer, None if answer else failure)
        else:
            self._try(ask, self.clock())

    def finish(self, ask: Ask, answer: Answer | None, failure: Failure | None) -> None:
        """Give the outcome to those who wait, once."""
        done = ask.done
        if done is None:
            return
        ask.done = None
        self._pending.pop(ask.key, None)
        done(ask, answer, failure)

    def overdue(self, ask: Ask, now: float) -> None:
        """Do what the clock asks for: give up, offer a stale answer, or try again."""
        if now >= ask.deadline:
            self.finish(ask, None, ask.failure)
            return
        if now >= ask.stale_at and not ask.gave_stale and ask.on_stale is not None:
            ask.gave_stale = True
            ask.on_stale(ask)
        if now >= ask.next_at:
            if ask.last is not None:
                ask.last.kept_silent()
            self._try(ask, now)

    def maintain(self, now: float) -> None:
        """Probe servers that are new or out of order, measure those long unused, close idle sockets. Once a second."""
        silent = self.all_silent
        if silent != self._was_silent:
            self._was_silent = silent
            names = ", ".join(str(server.address) for server in self.servers) or "none is configured"
            logger.warning("no upstream answers: %s" if silent else "an upstream answers again: %s", names)
        backup_needed = not any(server.healthy for server in self.servers if not server.backup)
        for server in self.servers:
            if server.udp is not None:
                server.udp.sweep(now)
            if server.backup and not backup_needed:
                continue  # it does not even hear of us
            gap = PROBE_SECONDS if server.missed else MEASURE_SECONDS
            if now - max(server.last_reply, server.probed) >= gap or not server.probed:
                server.probed = now
                self._probe(server, now)

    def _probe(self, server: Server, now: float) -> None:
        """Ask a server for the root's name servers; only whether it answers matters."""
        server.missed += 1  # until it answers
        ask = Ask(self, b"", b"\x00", NS, dnssec_ok=False, checking_disabled=False)
        if server.udp is not None:
            tail, question = self._message(ask, server, now)
            try:
                server.udp.send(tail, question, Attempt(self, ask, server), now)
            except OSError:
                return
        else:
            tail, _question = self._message(ask, server, now)

            def done(reply: bytes | None) -> None:
                if reply is not None:
                    server.replied(self.clock(), now)

            server.stream.ask(b"\x00\x00" + tail, done)

    @property
    def all_silent(self) -> bool:
        """Whether no server is in order."""
        return not any(server.healthy for server in self.servers)


def _rank(server: Server) -> tuple[bool, bool, float]:
    return not server.healthy, server.backup, server.srtt + server.penalty


def ask_key(name: bytes, qtype: int, *, dnssec_ok: bool, checking_disabled: bool) -> bytes:
    """Return what makes two questions equal: name, type, DO and CD (class is always IN)."""
    return name + qtype.to_bytes(2, "big") + (b"\x00", b"\x01", b"\x02", b"\x03")[dnssec_ok | checking_disabled << 1]
