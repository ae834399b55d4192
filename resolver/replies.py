"""What a client gets to hear, and the end of its log line: answers, sinkholes, errors, each with its words."""

from dataclasses import dataclass, field

from policy.decision import Action, Decision, Reason, Why
from resolver.answers import (
    EDE_INVALID_DATA,
    EDE_NETWORK_ERROR,
    EDE_NO_REACHABLE,
    EDE_PROHIBITED,
    EDE_STALE,
    STALE_SECONDS,
    Sinkhole,
    dressed,
    ede_option,
    own_reply,
    rejection,
)
from resolver.records import Answer
from resolver.upstream.pool import Failure
from resolver.wire import RCODE_NAMES, TYPE_NAMES, Query, Rcode, Rejected, name_text, type_text

STREAM_LIMIT = 65_535

_ALLOW = Action.ALLOW
_SHADOW = Why.SHADOW
_FAILURE_EDE = {
    Failure.SILENT: EDE_NO_REACHABLE,
    Failure.ERROR: EDE_NETWORK_ERROR,
    Failure.MALFORMED: EDE_INVALID_DATA,
    Failure.BUSY: EDE_NETWORK_ERROR,
}
_FAILED = Decision(Action.FAIL, Reason(Why.UPSTREAM))

Reply = tuple[bytes, bytes]
"""Everything behind the id, and the end of the log line (empty: not to be logged)."""


@dataclass(slots=True)
class Counters:
    """What has been done since the start."""

    queries: int = 0
    blocked: int = 0
    cached: int = 0
    forwarded: int = 0
    failed: int = 0
    refused: int = 0
    stale: int = 0


@dataclass(frozen=True, slots=True)
class Replies:
    """The words of this resolver. Counts what it says no to."""

    sinkhole: Sinkhole
    blocked_only: bool
    """Allowed queries are not logged (log.detail = "blocked")."""
    counters: Counters = field(default_factory=Counters)

    def tail(self, query: Query, decision: Decision, rcode: int, source: str, took: float = 0.0) -> bytes:
        """Return the end of a log line, from the name on; `took` in seconds."""
        if self.blocked_only and decision.action is _ALLOW and decision.reason.why is not _SHADOW:
            return b""
        kind = TYPE_NAMES.get(query.qtype) or type_text(query.qtype)
        code = RCODE_NAMES.get(rcode) or f"RCODE{rcode}"
        return f"{query.text}\t{kind}\t{decision.columns}\t{code}\t{source}\t{took * 1000:.1f}\n".encode("ascii")

    def answered(
        self, query: Query, decision: Decision, answer: Answer, ttl: int, source: str, took: float, *, stream: bool
    ) -> Reply:
        """Give an answer."""
        body = plain_body(query, answer, ttl, stream=stream)
        return body, self.tail(query, decision, answer.rcode, source, took)

    def blocked(self, query: Query, decision: Decision, source: str, took: float = 0.0) -> Reply:
        """Say that it is blocked."""
        self.counters.blocked += 1
        body, rcode = self.sinkhole.reply(query, decision)
        return body, self.tail(query, decision, rcode, source, took)

    def stale(self, query: Query, decision: Decision, answer: Answer, took: float, *, stream: bool) -> Reply:
        """Give an answer past its end with a short TTL and the word for it (RFC 8767 section 4, EDE 3)."""
        self.counters.stale += 1
        limit = STREAM_LIMIT if stream else query.udp_size
        ttl = min(STALE_SECONDS, answer.ttl)
        head, records, opt = dressed(answer, query, ttl, limit=limit, options=ede_option(EDE_STALE))
        return head + records + opt, self.tail(query, decision, answer.rcode, "stale", took)

    def failed(self, query: Query, failure: Failure, took: float = 0.0) -> Reply:
        """Say that nobody answered."""
        self.counters.failed += 1
        body = own_reply(query, Rcode.SERVFAIL, options=ede_option(_FAILURE_EDE[failure]))
        return body, self.tail(query, _FAILED, Rcode.SERVFAIL, "none", took)

    def refused(self, query: Query | Rejected, why: Why) -> Reply:
        """Say that this client, or this question, is not served."""
        self.counters.refused += 1
        decision = Decision(Action.REFUSE, Reason(why))
        if isinstance(query, Rejected):
            return rejection(query._replace(rcode=Rcode.REFUSED)), _rejected_tail(query, why, Rcode.REFUSED)
        body = own_reply(query, Rcode.REFUSED, options=ede_option(EDE_PROHIBITED))
        return body, self.tail(query, decision, Rcode.REFUSED, "local")

    def rejected(self, query: Rejected) -> Reply:
        """Say what is wrong with a message."""
        self.counters.refused += 1
        return rejection(query), _rejected_tail(query, Why.MALFORMED, query.rcode)


def plain_body(query: Query, answer: Answer, ttl: int, *, stream: bool) -> bytes:
    """Return an answer as the client that asked gets it, from its flags on."""
    head, records, opt = dressed(answer, query, ttl, limit=STREAM_LIMIT if stream else query.udp_size)
    return head + records + opt


def _rejected_tail(query: Rejected, why: Why, rcode: Rcode) -> bytes:
    question = query.question
    name = name_text(question[:-4].lower()) if question else ""
    qtype = type_text(question[-4] << 8 | question[-3]) if question else ""
    return f"{name}\t{qtype}\trefuse\t{why}\t\t\t{rcode.name}\tlocal\t0.0\n".encode("ascii")
