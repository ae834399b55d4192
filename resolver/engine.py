"""The slow lane: parse, decide, look up, forward, and make the reply and its log line. Knows no socket.

Listeners look a datagram up by its octets and come here with what they do not find. Whatever is answered here is
stored as finished reply in the view of the client, so that the next one like it never comes here. Replies to questions
that had to be forwarded wait in `outbox`, their log lines in `lines`: the lines are written first.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Protocol, TypeGuard

from policy.decide import decide
from policy.decision import Action, Decision, Listing, Reason, Why
from policy.snapshot import Snapshot
from resolver.answers import (
    EDE_INVALID_DATA,
    EDE_NETWORK_ERROR,
    EDE_NO_REACHABLE,
    EDE_PROHIBITED,
    EDE_STALE,
    MAX_DOWNSTREAM_SECONDS,
    STALE_SECONDS,
    Sinkhole,
    any_reply,
    dressed,
    ede_option,
    own_reply,
    rejection,
)
from resolver.cache import Finished, Generations, Source, ViewState
from resolver.clients import MAX_IN_FLIGHT as MAX_CLIENT_IN_FLIGHT
from resolver.clients import Client, Clients
from resolver.records import Answer
from resolver.special import is_special, special_reply
from resolver.upstream.forwarder import Forwarder
from resolver.upstream.pool import MAX_IN_FLIGHT, Ask, Failure, Upstreams, ask_key
from resolver.wire import (
    ANY,
    CD,
    IN,
    MAX_UDP,
    META_TYPES,
    RCODE_NAMES,
    TRANSFERS,
    TYPE_NAMES,
    Query,
    Rcode,
    Rejected,
    is_below,
    name_text,
    parse_query,
    type_text,
    wire_name,
)

FAILURE_FIRST, FAILURE_MOST = 1.0, 5.0
"""Seconds for which a failure is remembered, doubling (RFC 9520 section 3.2): short, to feel a recovery at once."""
MAX_FAILURES = 10_000
PREFETCH_SHARE = 0.1
"""A popular answer is fetched again in the last tenth of its life."""
POPULAR_SECONDS = 3
"""Popular: asked for in that many different seconds."""
REPORT_SECONDS = 60.0
STREAM_LIMIT = 65_535

_INF = float("inf")
_ALLOW = Action.ALLOW
_ANSWERS = frozenset({Rcode.NOERROR.value, Rcode.NXDOMAIN.value})
"""Response codes that answer the question; all others are failures."""
_FAILURE_EDE = {
    Failure.SILENT: EDE_NO_REACHABLE,
    Failure.ERROR: EDE_NETWORK_ERROR,
    Failure.MALFORMED: EDE_INVALID_DATA,
    Failure.BUSY: EDE_NETWORK_ERROR,
}

logger = logging.getLogger("schoolfilter.resolver")

Reply = tuple[bytes, bytes]
"""Everything behind the id, and the end of the log line (empty: not to be logged)."""


class Index(Protocol):
    """What the lists say."""

    def lookup(self, name: str) -> tuple[Listing, ...]:
        """Return what is said of a name and of its parents."""


class Peer(Protocol):
    """Where a late reply goes."""

    def send(self, message: bytes) -> None:
        """Send a whole message."""


class Waiter:
    """A client's question that is on its way upstream. The listener sets `peer`."""

    __slots__ = ("client", "decision", "ident", "peer", "query", "started", "state", "stream", "text")

    def __init__(
        self, client: Client, query: Query, text: str, decision: Decision, ident: bytes, started: float, *, stream: bool
    ) -> None:
        self.client = client
        self.state = client.state
        """The view it was decided in."""
        self.query = query
        self.text = text
        self.decision = decision
        self.ident = ident
        self.started = started
        self.stream = stream
        self.peer: Peer | None = None


class Counters:
    """What has been done since the start."""

    __slots__ = ("blocked", "cached", "failed", "forwarded", "queries", "refused", "stale")

    def __init__(self) -> None:
        self.queries = self.blocked = self.cached = self.forwarded = self.failed = self.refused = self.stale = 0


class Engine:
    """One worker's mind. `clock` is monotonic, in seconds."""

    def __init__(
        self,
        snapshot: Snapshot,
        index: Index,
        sinkhole: Sinkhole,
        forwarder: Forwarder,
        *,
        allowed_networks: tuple[str, ...],
        rate_limit: int,
        refuse_silently: bool,
        cache_entries: int,
        cache_octets: int,
        stale_seconds: float,
        private_zones: Iterable[str],
        blocked_only: bool,
        clock: Callable[[], float],
    ) -> None:
        self.snapshot = snapshot
        self.index = index
        self._sinkhole = sinkhole
        self.forwarder = forwarder
        self._silently = refuse_silently
        self._stale_seconds = stale_seconds
        self._private_zones = frozenset(private_zones)
        self._blocked_only = blocked_only
        self._clock = clock
        self._cache_entries = cache_entries
        self._cache_octets = cache_octets
        self._states: dict[str, ViewState] = {}
        self.clients = Clients(allowed_networks, rate_limit, self._state_of)
        self.answers: Generations[Answer] = Generations(cache_entries, cache_octets, _answer_octets)
        self._answer_inserts: dict[str, int] = {}
        self._answer_era = 0
        self._failures: dict[bytes, tuple[float, float, Answer | None, Failure | None]] = {}
        self.counters = Counters()
        self._done, self._on_stale = self._answered, self._offer_stale
        self.outbox: list[tuple[Peer, bytes]] = []
        self.lines: list[bytes] = []
        """Log lines without their time, for what is in the outbox."""

    # -- policy and lists ------------------------------------------------------------------------------------------

    def set_policy(self, snapshot: Snapshot) -> None:
        """Put another policy in force, at once and for everyone."""
        self.snapshot = snapshot
        self._views_changed()

    def set_index(self, index: Index) -> None:
        """Put another index in force; the caller closes the old one."""
        self.index = index
        self._views_changed()

    def _views_changed(self) -> None:
        for state in self._states.values():
            state.finished.clear()  # idle clients still hold the view; its replies need not wait for them
        self._states = {}
        self.clients.policy_changed()

    def _state_of(self, address: str) -> ViewState:
        group = self.snapshot.group_of(address)
        state = self._states.get(group)
        if state is None:
            state = ViewState(self.snapshot.views[group], self._cache_entries, self._cache_octets)
            self._states[group] = state
        return state

    def flush_name(self, name: str) -> int:
        """Forget what upstreams said about a name and all below it; everything if the name is empty."""
        ending = wire_name(name)
        doomed = [key for key in self.answers.all_keys() if not name or is_below(key[:-3], ending)]
        for key in doomed:
            answer = self.answers.pop(key)
            if answer is not None:
                answer.superseded = True
                answer.expires = 0.0
        self._failures = {k: v for k, v in self._failures.items() if name and not is_below(k[:-3], ending)}
        for state in self._states.values():
            state.finished.clear()
        return len(doomed)

    # -- questions -------------------------------------------------------------------------------------------------

    def handle(self, message: bytes, client: Client, now: float, *, stream: bool) -> Reply | Waiter | None:
        """Answer a message, or promise to (a Waiter), or be silent (None)."""
        counters = self.counters
        octets = message[2:]
        if not stream and client.allowed and client.budget >= 0:
            known = client.state.finished.get(octets)
            if known is not None:
                reply = self._again(known, client, octets, now)
                if reply is not None:
                    counters.queries += 1
                    return reply
        query = parse_query(message)
        if query is None:
            return None
        counters.queries += 1
        if not client.allowed:
            counters.refused += 1
            return None if self._silently else self._refused(query, Why.NETWORK)
        if client.budget < 0 and self.clients.over_rate(client, now):
            counters.refused += 1
            self._report_rate(client, now)
            return self._refused(query, Why.RATE)
        if isinstance(query, Rejected):
            counters.refused += 1
            return rejection(query), self._rejected_tail(query)
        key = b"" if stream or query.options else octets
        return self._answer(query, client, message[:2], key, now, stream=stream)

    def _answer(
        self, query: Query, client: Client, ident: bytes, key: bytes, now: float, *, stream: bool
    ) -> Reply | Waiter:
        """Answer a well-formed question. `key`: under which the finished reply may be stored; empty for not at all."""
        qtype = query.qtype
        if query.qclass != IN or qtype in META_TYPES or qtype in TRANSFERS:
            self.counters.refused += 1
            return self._refused(query, Why.MALFORMED)
        name = query.text
        upstreams = self._upstreams(name)
        if upstreams is None:
            if is_special(name):
                body, rcode = special_reply(query, name)
                return self._constant(client, key, body, self._tail(query, name, _SPECIAL, rcode, "local"), blocked=0)
            upstreams = self.forwarder.default
        decision = decide(client.state.view, name, self.index.lookup(name))
        if decision.blocked:
            self.counters.blocked += 1
            body, rcode = self._sinkhole.reply(query, decision)
            return self._constant(client, key, body, self._tail(query, name, decision, rcode, "policy"), blocked=1)
        if qtype == ANY:
            return self._constant(
                client, key, any_reply(query), self._tail(query, name, decision, Rcode.NOERROR, "local"), blocked=0
            )
        akey = ask_key(query.name, qtype, dnssec_ok=query.dnssec_ok, checking_disabled=bool(query.flags & CD))
        answer = self.answers.get(akey)
        if answer is not None and now < answer.expires:
            self.counters.cached += 1
            return self._reply(query, name, client, decision, answer, akey, key, now, "cache", 0.0, stream=stream)
        if self._failures:
            remembered = self._remembered_failure(query, name, client, decision, akey, answer, now, stream=stream)
            if remembered is not None:
                return remembered
        waiter = Waiter(client, query, name, decision, ident, now, stream=stream)
        return self._forward(waiter, upstreams, akey, answer, now)

    def _upstreams(self, name: str) -> Upstreams | None:
        """Return the servers of the zone that a rule sends elsewhere, or None."""
        zones = self.forwarder.zones
        if not zones:
            return None
        while name:
            if name in zones:
                return zones[name]
            name = name.partition(".")[2]
        return None

    def _forward(
        self, waiter: Waiter, upstreams: Upstreams, akey: bytes, stale: Answer | None, now: float
    ) -> Reply | Waiter:
        client, query, name = waiter.client, waiter.query, waiter.text
        pending = self.forwarder.pending
        ask = pending.get(akey)
        if client.in_flight >= MAX_CLIENT_IN_FLIGHT:
            self.counters.refused += 1
            client.refused += 1
            self._report_rate(client, now)
            return self._refused(query, Why.RATE)
        if ask is None:
            if len(pending) >= MAX_IN_FLIGHT:
                self.counters.failed += 1
                return self._failed(query, name, Failure.BUSY, 0.0)
            ask = self._ask(upstreams, akey, query, name)
            ask.by_tcp = waiter.stream
            self.counters.forwarded += 1
            self.forwarder.start(upstreams, ask, now)
            if self._usable_stale(stale, now) and upstreams.all_silent:
                return self._stale_reply(query, name, client, waiter.decision, stale, 0.0, stream=waiter.stream)
        elif self._usable_stale(stale, now) and (ask.gave_stale or upstreams.all_silent):
            return self._stale_reply(query, name, client, waiter.decision, stale, 0.0, stream=waiter.stream)
        client.in_flight += 1
        ask.waiters.append(waiter)
        return waiter

    def _ask(self, upstreams: Upstreams, akey: bytes, query: Query, name: str) -> Ask:
        ask = Ask(
            upstreams, akey, query.name, query.qtype,
            dnssec_ok=query.dnssec_ok, checking_disabled=bool(query.flags & CD),
        )  # fmt: skip
        ask.may_be_private = upstreams is not self.forwarder.default or (
            bool(self._private_zones) and self._in_private_zone(name)
        )
        ask.done = self._done
        ask.on_stale = self._on_stale
        return ask

    def _in_private_zone(self, name: str) -> bool:
        zones = self._private_zones
        while zones and name:
            if name in zones:
                return True
            name = name.partition(".")[2]
        return False

    # -- answers ---------------------------------------------------------------------------------------------------

    def _answered(self, ask: Ask, answer: Answer | None, failure: Failure | None) -> None:
        """Take the outcome of a forward: keep it, and answer all who wait for it."""
        now = self._clock()
        error = answer is None or answer.rcode not in _ANSWERS
        if error:
            before = self._failures.get(ask.key)
            gap = min(before[1] * 2, FAILURE_MOST) if before else FAILURE_FIRST
            if len(self._failures) >= MAX_FAILURES:
                self._failures.clear()
            # What was said of a failure is kept only if it is small: there may be ten thousand of them.
            said = answer if answer is not None and answer.size <= MAX_UDP else None
            self._failures[ask.key] = (now + gap, gap, said, failure)
        elif answer is not None:
            self._failures.pop(ask.key, None)
            self._keep(ask, answer)
        old = self.answers.get(ask.key) if error else None
        for waiter in ask.waiters:
            waiter.client.in_flight -= 1
            try:
                self._conclude(waiter, ask, answer, failure, old, now)
            except Exception:  # whatever is wrong with one reply, the others who wait get theirs
                logger.exception("no reply could be made for %s", waiter.text)

    def _conclude(
        self, waiter: Waiter, ask: Ask, answer: Answer | None, failure: Failure | None, old: Answer | None, now: float
    ) -> None:
        """Reply to one who waited; `old` is what was true before, for when the question failed."""
        client = self.clients.current(waiter.client)
        took = now - waiter.started
        query, name, decision = waiter.query, waiter.text, waiter.decision
        if client.state is not waiter.state:
            decision = decide(client.state.view, name, self.index.lookup(name))
        error = answer is None or answer.rcode not in _ANSWERS
        if decision.blocked:  # the policy changed while the question was away
            self.counters.blocked += 1
            body, rcode = self._sinkhole.reply(query, decision)
            reply = body, self._tail(query, name, decision, rcode, "policy", took)
        elif error and self._usable_stale(old, now):
            reply = self._stale_reply(query, name, client, decision, old, took, stream=waiter.stream)
        elif answer is None:
            self.counters.failed += 1
            reply = self._failed(query, name, failure or Failure.SILENT, took)
        else:
            # Not stored as finished reply yet: names that are asked once would only push out others.
            reply = self._reply(
                query, name, client, decision, answer, ask.key, b"", now, "upstream", took,
                stream=waiter.stream, rebinding=ask.rewritten,
            )  # fmt: skip
        self._deliver(waiter, client, reply)

    def _deliver(self, waiter: Waiter, client: Client, reply: Reply) -> None:
        body, tail = reply
        if waiter.peer is None:
            return
        if tail:
            self.lines.append(client.prefix + tail)
        self.outbox.append((waiter.peer, waiter.ident + body))

    def _keep(self, ask: Ask, answer: Answer) -> None:
        before = self.answers.pop(ask.key)
        if before is not None:
            before.superseded = True
        if not answer.ttl:
            return
        if self._answer_era != self.answers.era:
            self._answer_era = self.answers.era
            self._answer_inserts.clear()
        probation = False
        if ask.waiters and before is None:
            address = ask.waiters[0].client.address
            inserts = self._answer_inserts.get(address, 0)
            self._answer_inserts[address] = inserts + 1
            probation = inserts >= self.answers.share
        self.answers.put(ask.key, answer, probation=probation)

    def _reply(
        self, query: Query, name: str, client: Client, decision: Decision, answer: Answer, akey: bytes, key: bytes,
        now: float, source: str, took: float, *, stream: bool, rebinding: bool = False,
    ) -> Reply:  # fmt: skip
        """Dress an answer for a client; decide about the names it leads to first."""
        if answer.targets:
            blocked = self._blocked_target(client, decision, answer)
            if blocked is not None:
                self.counters.blocked += 1
                body, rcode = self._sinkhole.reply(query, blocked)
                return body, self._tail(query, name, blocked, rcode, source, took)
        if rebinding and answer.counts[:2] == b"\x00\x00":
            self.counters.blocked += 1
            blocked = Decision(Action.BLOCK, Reason(Why.REBINDING))
            body, rcode = self._sinkhole.reply(query, blocked)
            return body, self._tail(query, name, blocked, rcode, source, took)
        ttl, until = _lifetime(answer, now, hash(key) if key else 0)
        head, records, opt = dressed(answer, query, ttl, limit=STREAM_LIMIT if stream else query.udp_size)
        body = head + records + opt
        if key and answer.ttl:
            tail = self._tail(query, name, decision, answer.rcode, "cache")
            self._store(client, key, (until, body, tail, 0, Source(query, answer, akey)))
        return body, self._tail(query, name, decision, answer.rcode, source, took)

    def _blocked_target(self, client: Client, decision: Decision, answer: Answer) -> Decision | None:
        """Decide about the names an answer leads to. What an order opened is closed again only by a locked category."""
        if decision.reason.why is Why.PROTECTED:
            return None
        opened = decision.reason.why is Why.ALLOWED
        for target in answer.targets:
            name = name_text(target)
            verdict = decide(client.state.view, name, self.index.lookup(name))
            reason = verdict.reason
            if verdict.blocked and (not opened or reason.why is Why.LOCKED):
                via = Reason(
                    reason.why, reason.category, reason.list_id, reason.rule, reason.note, reason.document, via=name
                )
                return Decision(Action.BLOCK, via)
        return None

    def _again(self, known: Finished, client: Client, key: bytes, now: float) -> Reply | None:
        """Use a finished reply again, with its TTLs counted down; None if its time is over."""
        until, body, tail, blocked, source = known
        if now < until:
            self.counters.cached += 1
            self.counters.blocked += blocked
            return body, tail
        if source is None or source.answer.superseded or now >= source.answer.expires:
            client.state.finished.pop(key)
            return None
        answer = source.answer
        ttl, until = _lifetime(answer, now, hash(key))
        head, records, opt = dressed(answer, source.query, ttl, limit=source.query.udp_size)
        body = head + records + opt
        again = source._replace(seconds=source.seconds + 1)
        client.state.finished.young[key] = (until, body, tail, 0, again)
        if answer.expires - now < answer.ttl * PREFETCH_SHARE and source.seconds >= POPULAR_SECONDS:
            self._prefetch(source, now)
        self.counters.cached += 1
        return body, tail

    def _prefetch(self, source: Source, now: float) -> None:
        """Fetch a popular answer again before it ends, so that nobody has to wait for it."""
        if source.key in self.forwarder.pending or len(self.forwarder.pending) >= MAX_IN_FLIGHT // 2:
            return
        query = source.query
        name = query.text
        upstreams = self._upstreams(name) or self.forwarder.default
        self.forwarder.start(upstreams, self._ask(upstreams, source.key, query, name), now)

    def _store(self, client: Client, key: bytes, finished: Finished) -> None:
        cache = client.state.finished
        if client.era != cache.era:
            client.era = cache.era
            client.inserts = 0
        client.inserts += 1
        cache.put(key, finished, probation=client.inserts > cache.share)

    def _constant(self, client: Client, key: bytes, body: bytes, tail: bytes, *, blocked: int) -> Reply:
        """Reply with what does not change while the view lasts."""
        if key:
            self._store(client, key, (_INF, body, tail, blocked, None))
        return body, tail

    # -- failures --------------------------------------------------------------------------------------------------

    def _remembered_failure(
        self, query: Query, name: str, client: Client, decision: Decision, akey: bytes, stale: Answer | None,
        now: float, *, stream: bool,
    ) -> Reply | None:  # fmt: skip
        failure = self._failures.get(akey)
        if failure is None or now >= failure[0]:
            return None
        if self._usable_stale(stale, now):
            return self._stale_reply(query, name, client, decision, stale, 0.0, stream=stream)
        self.counters.failed += 1
        if failure[2] is not None:
            return self._reply(query, name, client, decision, failure[2], akey, b"", now, "cache", 0.0, stream=stream)
        return self._failed(query, name, failure[3] or Failure.SILENT, 0.0)

    def _usable_stale(self, answer: Answer | None, now: float) -> TypeGuard[Answer]:
        return answer is not None and now < answer.expires + self._stale_seconds

    def _offer_stale(self, ask: Ask) -> None:
        """Answer those who have waited long with what was true before; the question stays on its way (RFC 8767)."""
        now = self._clock()
        stale = self.answers.get(ask.key)
        if not self._usable_stale(stale, now):
            return
        waiters, ask.waiters = ask.waiters, []
        for waiter in waiters:
            waiter.client.in_flight -= 1
            client = self.clients.current(waiter.client)
            decision = decide(client.state.view, waiter.text, self.index.lookup(waiter.text))
            if decision.blocked:
                body, rcode = self._sinkhole.reply(waiter.query, decision)
                reply = body, self._tail(waiter.query, waiter.text, decision, rcode, "policy", now - waiter.started)
            else:
                reply = self._stale_reply(
                    waiter.query, waiter.text, client, decision, stale, now - waiter.started, stream=waiter.stream
                )
            self._deliver(waiter, client, reply)

    def _stale_reply(
        self, query: Query, name: str, client: Client, decision: Decision, answer: Answer, took: float, *, stream: bool
    ) -> Reply:
        """Give an answer past its end with a short TTL and the word for it (RFC 8767 section 4, EDE 3)."""
        blocked = self._blocked_target(client, decision, answer) if answer.targets else None
        if blocked is not None:
            body, rcode = self._sinkhole.reply(query, blocked)
            return body, self._tail(query, name, blocked, rcode, "stale", took)
        self.counters.stale += 1
        limit = STREAM_LIMIT if stream else query.udp_size
        ttl = min(STALE_SECONDS, answer.ttl)
        head, records, opt = dressed(answer, query, ttl, limit=limit, options=ede_option(EDE_STALE))
        return head + records + opt, self._tail(query, name, decision, answer.rcode, "stale", took)

    def _failed(self, query: Query, name: str, failure: Failure, took: float) -> Reply:
        options = ede_option(_FAILURE_EDE[failure])
        body = own_reply(query, Rcode.SERVFAIL, options=options)
        return body, self._tail(query, name, _FAILED, Rcode.SERVFAIL, "none", took)

    def _refused(self, query: Query | Rejected, why: Why) -> Reply:
        decision = Decision(Action.REFUSE, Reason(why))
        if isinstance(query, Rejected):
            return rejection(query._replace(rcode=Rcode.REFUSED)), self._rejected_tail(query, decision, Rcode.REFUSED)
        body = own_reply(query, Rcode.REFUSED, options=ede_option(EDE_PROHIBITED))
        return body, self._tail(query, query.text, decision, Rcode.REFUSED, "local")

    def _report_rate(self, client: Client, now: float) -> None:
        if now - client.reported >= REPORT_SECONDS:
            client.reported = now
            logger.warning("client %s asks faster than server.rate_limit allows and is refused", client.address)

    # -- the log ---------------------------------------------------------------------------------------------------

    def _tail(self, query: Query, name: str, decision: Decision, rcode: int, source: str, took: float = 0.0) -> bytes:
        if self._blocked_only and decision.action is _ALLOW:
            return b""
        kind = TYPE_NAMES.get(query.qtype) or type_text(query.qtype)
        code = RCODE_NAMES.get(rcode) or f"RCODE{rcode}"
        return f"{name}\t{kind}\t{decision.columns}\t{code}\t{source}\t{took * 1000:.1f}\n".encode("ascii")

    def _rejected_tail(self, query: Rejected, decision: Decision | None = None, rcode: Rcode | None = None) -> bytes:
        question = query.question
        name = name_text(question[:-4].lower()) if question else ""
        qtype = type_text(question[-4] << 8 | question[-3]) if question else ""
        why = decision.reason.why if decision else Why.MALFORMED
        return f"{name}\t{qtype}\trefuse\t{why}\t\t\t{(rcode or query.rcode).name}\tlocal\t0.0\n".encode("ascii")


_SPECIAL = Decision(Action.LOCAL, Reason(Why.SPECIAL))
_FAILED = Decision(Action.FAIL, Reason(Why.UPSTREAM))


def _answer_octets(answer: Answer) -> int:
    return answer.size


def _lifetime(answer: Answer, now: float, spread: int) -> tuple[int, float]:
    """Return the TTL to send, and the moment from which it would be too high.

    A long TTL goes down in steps of up to a 64th, always to what is left at the end of the step: it is never more than
    the truth. `spread` makes the steps of different replies end at different moments: ten thousand names that were
    fetched together must not all be written anew in the same instant.
    """
    left = answer.expires - now
    if left >= MAX_DOWNSTREAM_SECONDS:
        return MAX_DOWNSTREAM_SECONDS, answer.expires - MAX_DOWNSTREAM_SECONDS
    whole = int(left) if left > 0 else 0
    ttl = whole - spread % ((whole >> 6) or 1)
    return ttl, answer.expires - ttl
