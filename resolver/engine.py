"""The slow lane: parse, decide, look up, and make the reply and its log line. Knows no socket.

Listeners look a datagram up by its octets and come here with what they do not find. Whatever is answered here is
stored as finished reply in the view of the client, so that the next one like it never comes here. Replies to questions
that had to be forwarded wait in `outbox`, their log lines in `lines`: the lines are written first.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from policy.decision import Action, Decision, Reason, Why
from policy.snapshot import Snapshot
from policy.views import View
from resolver.answers import MAX_DOWNSTREAM_SECONDS, Sinkhole, any_reply, no_data_reply
from resolver.cache import Finished, Source, ViewState
from resolver.clients import MAX_IN_FLIGHT as MAX_CLIENT_IN_FLIGHT
from resolver.clients import Client, Clients, Standing, no_mac
from resolver.judge import REBINDING, Index, Judge
from resolver.lookups import Lookups, Outcome
from resolver.origin import origin_of
from resolver.records import Answer
from resolver.replies import Counters, Replies, Reply, plain_body
from resolver.rewriting import from_table, is_address_type, led_to
from resolver.special import is_special, special_reply
from resolver.succession import States, Succession, comings
from resolver.upstream.forwarder import Forwarder
from resolver.upstream.pool import Ask, Failure, ask_key
from resolver.wire import ANY, CD, IN, META_TYPES, TRANSFERS, Query, Rcode, Rejected, parse_query, wire_name

PREFETCH_SHARE = 0.1
"""A popular answer is fetched again in the last tenth of its life."""
POPULAR_SECONDS = 3
"""Popular: asked for in that many different seconds."""
REPORT_SECONDS = 60.0

_INF = float("inf")
_SPECIAL = Decision(Action.LOCAL, Reason(Why.SPECIAL))

logger = logging.getLogger("schoolfilter.resolver")


class Peer(Protocol):
    """Where a late reply goes."""

    def send(self, message: bytes) -> None:
        """Send a whole message."""


class Waiter:
    """A client's question that is on its way upstream. The listener sets `peer`."""

    __slots__ = ("client", "decision", "ident", "payer", "peer", "query", "started", "state", "stream")

    def __init__(
        self, client: Client, query: Query, decision: Decision, ident: bytes, started: float, *, stream: bool
    ) -> None:
        self.client = client
        self.payer = client.payer or client
        """On whose bound it is."""
        self.state = client.state
        """The view it was decided in."""
        self.query = query
        self.decision = decision
        self.ident = ident
        self.started = started
        self.stream = stream
        self.peer: Peer | None = None


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
        trusted_routers: Iterable[str] = (),
        mac_of: Callable[[str], str] = no_mac,
    ) -> None:
        self.snapshot = snapshot
        self._judge = Judge(index)
        self._replies = Replies(sinkhole, blocked_only)
        self.counters: Counters = self._replies.counters
        self._silently = refuse_silently
        self._clock = clock
        self._cache_entries = cache_entries
        self._cache_octets = cache_octets
        self._states: States = {}
        self._past: list[ViewState] = []
        """Views that are no longer in force and still hold replies."""
        self.clients = Clients(allowed_networks, rate_limit, self._standing, routers=trusted_routers, mac_of=mac_of)
        self.lookups = Lookups(
            forwarder,
            entries=cache_entries,
            octets=cache_octets,
            stale_seconds=stale_seconds,
            private_zones=private_zones,
            concluded=self._concluded,
            waiting=self._waiting,
            clock=clock,
        )
        self.outbox: list[tuple[Peer, bytes]] = []
        self.lines: list[bytes] = []
        """Log lines without their time, for what is in the outbox."""

    # -- policy and lists ------------------------------------------------------------------------------------------

    def set_policy(self, snapshot: Snapshot) -> None:
        """Put another policy in force, at once and for everyone. Views that are the same objects keep their replies."""
        self._change_policy(snapshot, {})

    def _change_policy(self, snapshot: Snapshot, alike: States) -> None:
        """Keep the replies of views that are the same objects, and of those that are known to say the same."""
        self.snapshot = snapshot
        kept: States = {}
        for state in self._states.values():
            for view, places in comings(state, snapshot):
                if id(view) not in kept and (view is state.view or alike.get(id(view)) is state):
                    kept[id(view)] = state
                    state.view, state.places = view, places
                    break
        self._renew(kept)

    def set_index(self, index: Index) -> None:
        """Put another index in force, at once; the caller closes the old one."""
        self._judge = Judge(index)
        self._renew({})

    def prepare(self, change: Snapshot | Index) -> Succession:
        """Return a change of policy or lists, to be stepped through between answers and then put in force."""
        if isinstance(change, Snapshot):
            return Succession(self._states, self._judge, change, self._judge, self._new_state)
        return Succession(self._states, self._judge, self.snapshot, Judge(change), self._new_state)

    def succeed(self, change: Succession) -> None:
        """Put a prepared change in force, with the replies that it takes over.

        If anything else was put in force since it was begun, what it has looked at is worthless: all is made anew.
        """
        undisturbed = change.states is self._states
        if change.judge is change.before:
            self._change_policy(change.snapshot, change.kept)
        else:
            self.set_index(change.judge.index)
        if undisturbed:
            self._states.update(change.heirs)

    def _renew(self, kept: States) -> None:
        """Let all replies be made anew, but those of the views that are kept."""
        # To free fifty thousand replies takes as long as to answer a thousand queries: `tidy` does it bit by bit.
        lasting = set(map(id, kept.values()))
        self._past += [state for state in self._states.values() if id(state) not in lasting]
        self._states = kept
        self.clients.policy_changed()

    def tidy(self, entries: int) -> bool:
        """Free some replies of views that are no longer in force; whether there are more."""
        past = self._past
        while past and entries > 0:
            entries -= past[-1].finished.release(entries)
            if not len(past[-1].finished):
                past.pop()
        return bool(past)

    def _standing(self, address: str, mac: str) -> Standing:
        """Return where a client stands, and the replies for whoever stands there. No address: the MAC alone tells."""
        snapshot = self.snapshot
        place = snapshot.place_of(address, mac) if address else snapshot.place(None, snapshot.directory.find("", mac))
        view = snapshot.view(place)
        state = self._states.get(id(view))
        if state is None:
            state = self._states[id(view)] = self._new_state(view)
        state.places.add(snapshot.situation(place))
        return place, state

    def _new_state(self, view: View) -> ViewState:
        return ViewState(view, self._cache_entries, self._cache_octets)

    def flush_name(self, name: str) -> int:
        """Forget what upstreams said about a name and all below it; everything if the name is empty."""
        flushed = self.lookups.forget(wire_name(name) if name else b"")
        self._renew({})
        return flushed

    # -- questions -------------------------------------------------------------------------------------------------

    def handle(self, message: bytes, client: Client, now: float, *, stream: bool) -> Reply | Waiter | None:
        """Answer a message, or promise to (a Waiter), or be silent (None)."""
        if client.front:
            return self._on_behalf(message, client, now, stream=stream)
        counters = self.counters
        octets = message[2:]
        payer = client.payer or client
        if not stream and client.allowed and payer.budget >= 0:
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
            if self._silently:
                counters.refused += 1
                return None
            return self._replies.refused(query, Why.NETWORK)
        if payer.budget < 0 and self.clients.over_rate(payer, now):
            self._report_rate(payer, now)
            return self._replies.refused(query, Why.RATE)
        if isinstance(query, Rejected):
            return self._replies.rejected(query)
        key = b"" if stream or query.options else octets
        return self._answer(query, client, message[:2], key, now, stream=stream)

    def _on_behalf(self, message: bytes, router: Client, now: float, *, stream: bool) -> Reply | Waiter | None:
        """Answer whom a trusted router asks for, in that client's view and under its name in the log."""
        origin = origin_of(message)
        client = self.clients.behind(router, origin.address, origin.mac, now)
        if client.payer is None:  # the listener has put it on the router's bill
            router.budget += 1
            client.budget -= 1
        result = self.handle(message, client, now, stream=stream)
        if result is None or isinstance(result, Waiter):
            return result
        body, tail = result
        return body, client.prefix + tail if tail else b""

    def _answer(
        self, query: Query, client: Client, ident: bytes, key: bytes, now: float, *, stream: bool
    ) -> Reply | Waiter:
        """Answer a well-formed question. `key`: under which the finished reply may be stored; empty for not at all."""
        qtype = query.qtype
        replies, lookups = self._replies, self.lookups
        if query.qclass != IN or qtype in META_TYPES or qtype in TRANSFERS:
            return replies.refused(query, Why.MALFORMED)
        upstreams = lookups.zone_of(query.text)
        if upstreams is None:
            if is_special(query.text):
                body, rcode = special_reply(query, query.text)
                return self._constant(client, key, (body, replies.tail(query, _SPECIAL, rcode, "local")))
            upstreams = lookups.forwarder.default
        decision = self._judge.question(client.state.view, query)
        if decision.blocked:
            return self._constant(client, key, replies.blocked(query, decision, "policy"), blocked=1)
        if qtype == ANY:
            tail = replies.tail(query, decision, Rcode.NOERROR, "local")
            return self._constant(client, key, (any_reply(query), tail))
        rewrite = decision.rewrite
        if rewrite is not None:
            if not is_address_type(qtype):
                tail = replies.tail(query, decision, Rcode.NOERROR, "policy")
                return self._constant(client, key, (no_data_reply(query), tail))
            upstreams = lookups.upstreams_of(rewrite.target)
        asked = _asked(query, decision)
        answer = lookups.answers.get(asked)
        if answer is not None and now < answer.expires:
            self.counters.cached += 1
            return self._reply(query, client, decision, answer, asked, key, now, "cache", 0.0, stream=stream)
        stale = answer if lookups.usable(answer, now) else None
        if lookups.failures and (failed := lookups.failed_lately(asked, now)) is not None:
            if stale is not None:
                return self._stale_reply(query, client, decision, stale, 0.0, now, stream=stream)
            if failed.said is None or rewrite is not None:
                return self._nobody_knows(query, decision, failed.failure, 0.0, now, stream=stream)
            self.counters.failed += 1
            return self._reply(query, client, decision, failed.said, asked, b"", now, "cache", 0.0, stream=stream)
        payer = client.payer or client
        if payer.in_flight >= MAX_CLIENT_IN_FLIGHT:
            payer.refused += 1
            self._report_rate(payer, now)
            return replies.refused(query, Why.RATE)
        ask = lookups.forwarder.pending.get(asked)
        if ask is None:
            if lookups.full:
                return replies.failed(query, Failure.BUSY)
            name = query.text if rewrite is None else rewrite.target
            ask = lookups.start(upstreams, asked, name, now, by_tcp=stream)
            self.counters.forwarded += 1
        if stale is not None and (ask.gave_stale or upstreams.all_silent):
            return self._stale_reply(query, client, decision, stale, 0.0, now, stream=stream)
        waiter = Waiter(client, query, decision, ident, now, stream=stream)
        payer.in_flight += 1
        ask.waiters.append(waiter)
        return waiter

    # -- answers ---------------------------------------------------------------------------------------------------

    def _concluded(self, ask: Ask, outcome: Outcome) -> None:
        """Answer all who wait for a question that has ended."""
        now = self._clock()
        for waiter in ask.waiters:
            waiter.payer.in_flight -= 1
            try:
                self._conclude(waiter, outcome, now)
            except Exception:  # whatever is wrong with one reply, the others who wait get theirs
                logger.exception("no reply could be made for %s", waiter.query.text)

    def _conclude(self, waiter: Waiter, outcome: Outcome, now: float) -> None:
        """Reply to one who waited."""
        client = self.clients.current(waiter.client)
        took = now - waiter.started
        query, decision, stream = waiter.query, waiter.decision, waiter.stream
        reply: Reply
        if client.state is not waiter.state:  # the policy changed while the question was away
            decision = self._judge.question(client.state.view, query)
        if decision.blocked:
            reply = self._replies.blocked(query, decision, "policy", took)
        elif _asked(query, decision) != outcome.key:
            self._answer_anew(waiter, client, now)
            return
        elif outcome.stale is not None:
            reply = self._stale_reply(query, client, decision, outcome.stale, took, now, stream=stream)
        elif outcome.answer is None:
            reply = self._nobody_knows(query, decision, outcome.failure or Failure.SILENT, took, now, stream=stream)
        else:
            # Not stored as finished reply yet: names that are asked once would only push out others.
            reply = self._reply(
                query, client, decision, outcome.answer, outcome.key, b"", now, "upstream", took,
                stream=stream, rebinding=outcome.rebinding,
            )  # fmt: skip
        self._deliver(waiter, client, reply)

    def _answer_anew(self, waiter: Waiter, client: Client, now: float) -> None:
        """Safe search came or went while a question was away: what was asked is not what is to be answered now."""
        result = self._answer(waiter.query, client, waiter.ident, b"", now, stream=waiter.stream)
        if isinstance(result, Waiter):
            result.peer, result.started = waiter.peer, waiter.started
        else:
            self._deliver(waiter, client, result)

    def _deliver(self, waiter: Waiter, client: Client, reply: Reply) -> None:
        body, tail = reply
        if waiter.peer is None:
            return
        if tail:
            self.lines.append(client.prefix + tail)
        self.outbox.append((waiter.peer, waiter.ident + body))

    def _reply(
        self, query: Query, client: Client, decision: Decision, answer: Answer, asked: bytes, key: bytes,
        now: float, source: str, took: float, *, stream: bool, rebinding: bool = False,
    ) -> Reply:  # fmt: skip
        """Give an answer to a client; decide about what it leads to first."""
        replies = self._replies
        decision = self._judge.answer(client.state.view, query, decision, answer)
        if decision.blocked:
            return replies.blocked(query, decision, source, took)
        if decision.rewrite is not None:
            led = led_to(decision.rewrite, query.qtype, answer, now)
            if led is None:
                return self._nobody_knows(query, decision, Failure.ERROR, took, now, stream=stream)
            answer = led
        elif rebinding and answer.counts[:2] == b"\x00\x00":
            return replies.blocked(query, REBINDING, source, took)
        ttl, until = _lifetime(answer, now, hash(key) if key else 0)
        body = plain_body(query, answer, ttl, stream=stream)
        if key and answer.ttl:
            tail = replies.tail(query, decision, answer.rcode, "cache")
            self._store(client, key, (until, body, tail, 0, Source(query, answer, asked)))
        return body, replies.tail(query, decision, answer.rcode, source, took)

    def _stale_reply(
        self, query: Query, client: Client, decision: Decision, stale: Answer, took: float, now: float, *, stream: bool
    ) -> Reply:
        """Give an answer past its end; decide about what it leads to first."""
        decision = self._judge.answer(client.state.view, query, decision, stale)
        if decision.blocked:
            return self._replies.blocked(query, decision, "stale", took)
        answer: Answer | None = stale
        if decision.rewrite is not None:
            answer = led_to(decision.rewrite, query.qtype, stale, now)
        if answer is None:
            return self._nobody_knows(query, decision, Failure.ERROR, took, now, stream=stream)
        return self._replies.stale(query, decision, answer, took, stream=stream)

    def _nobody_knows(
        self, query: Query, decision: Decision, failure: Failure, took: float, now: float, *, stream: bool
    ) -> Reply:
        """Give the published addresses of a search engine's safe mode, if it is one, else say that it failed."""
        known = from_table(decision.rewrite, query.qtype, now) if decision.rewrite is not None else None
        if known is None:
            return self._replies.failed(query, failure, took)
        return self._replies.answered(query, decision, known, known.ttl, "policy", took, stream=stream)

    def _waiting(self, ask: Ask, stale: Answer) -> None:
        """Answer those who have waited long with what was true before."""
        now = self._clock()
        waiters, ask.waiters = ask.waiters, []
        for waiter in waiters:
            client = self.clients.current(waiter.client)
            query, took = waiter.query, now - waiter.started
            decision = self._judge.question(client.state.view, query)
            if not decision.blocked and _asked(query, decision) != ask.key:
                ask.waiters.append(waiter)  # safe search came or went: it is seen to when the question ends
                continue
            waiter.payer.in_flight -= 1
            if decision.blocked:
                reply = self._replies.blocked(query, decision, "policy", took)
            else:
                reply = self._stale_reply(query, client, decision, stale, took, now, stream=waiter.stream)
            self._deliver(waiter, client, reply)

    # -- finished replies ------------------------------------------------------------------------------------------

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
        body = plain_body(source.query, answer, ttl, stream=False)
        again = source._replace(seconds=source.seconds + 1)
        client.state.finished.young[key] = (until, body, tail, 0, again)
        if answer.expires - now < answer.ttl * PREFETCH_SHARE and source.seconds >= POPULAR_SECONDS:
            self.lookups.prefetch(source.key, now)
        self.counters.cached += 1
        return body, tail

    def _store(self, client: Client, key: bytes, finished: Finished) -> None:
        cache = client.state.finished
        if client.era != cache.era:
            client.era = cache.era
            client.inserts = 0
        client.inserts += 1
        cache.put(key, finished, probation=client.inserts > cache.share)

    def _constant(self, client: Client, key: bytes, reply: Reply, *, blocked: int = 0) -> Reply:
        """Reply with what does not change while the view lasts."""
        if key:
            self._store(client, key, (_INF, *reply, blocked, None))
        return reply

    def _report_rate(self, client: Client, now: float) -> None:
        if now - client.reported >= REPORT_SECONDS:
            client.reported = now
            logger.warning("client %s asks faster than server.rate_limit allows and is refused", client.address)


def _asked(query: Query, decision: Decision) -> bytes:
    """Return the key of the question to put to upstreams: the client's own, or what safe search makes of it."""
    if decision.rewrite is not None:  # the same for whoever asks, however it is asked
        name = wire_name(decision.rewrite.target)
        return ask_key(name, query.qtype, dnssec_ok=False, checking_disabled=False)
    return ask_key(query.name, query.qtype, dnssec_ok=query.dnssec_ok, checking_disabled=bool(query.flags & CD))


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
