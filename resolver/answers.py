"""What we say in our own words (sinkholes, errors), and how an upstream's answer is dressed for a client."""

import ipaddress
import json
import struct
from dataclasses import dataclass

from policy.decision import Decision, Reason, Why
from policy.subjects import subject, title_of
from resolver.records import Answer
from resolver.wire import AAAA, AD, CD, EDE, HEADER, HINFO, MAX_UDP, QR, RA, RD, SOA, TC, A, Query, Rcode, Rejected
from settings.model import BlockAnswer, Blocking, School
from translations import _

MAX_DOWNSTREAM_SECONDS = 300
"""The longest TTL a client sees, so that a change of policy is felt soon (DESIGN section 5)."""
STALE_SECONDS = 30
"""TTL of an answer given after its end (RFC 8767 section 4)."""

EDE_STALE, EDE_BLOCKED, EDE_CENSORED, EDE_FILTERED, EDE_PROHIBITED = 3, 15, 16, 17, 18
EDE_NO_REACHABLE, EDE_NETWORK_ERROR, EDE_INVALID_DATA = 22, 23, 24

_INFO_CODES = {
    Why.LOCKED: EDE_CENSORED,  # a law outside the school demands it
    Why.CATEGORY: EDE_FILTERED,  # the council chose the category
    Why.SERVICE: EDE_FILTERED,
}
_SUB_ERRORS = {"malware": 1, "advertising": 5, "tracking": 5, "adult": 6}
"""Registry of draft-ietf-dnsop-structured-dns-error: malware 1, adware 5, network operator policy 6 is our default."""

_COUNT_ONE = b"\x00\x01"
_POINTER = b"\xc0\x0c"
"""The compression pointer to the name in the question."""


def echo_flags(flags: int, rcode: int) -> bytes:
    """Return the flag octets of a reply: QR and RA set, RD and CD copied, AA, Z and AD clear."""
    return (QR | RA | flags & (RD | CD) | rcode & 0x0F).to_bytes(2)


def opt_record(rcode: int = 0, *, dnssec_ok: bool = False, options: bytes = b"") -> bytes:
    """Return the OPT record of a reply (RFC 6891 section 6.1.2)."""
    flags = (rcode >> 4) << 24 | (0x8000 if dnssec_ok else 0)
    return b"\x00\x00\x29" + struct.pack("!HIH", MAX_UDP, flags, len(options)) + options


_BARE_OPT, _BARE_OPT_DO = opt_record(), opt_record(dnssec_ok=True)


def ede_option(code: int, text: str = "") -> bytes:
    """Return an Extended DNS Error as EDNS option (RFC 8914 section 2)."""
    extra = text.encode()
    return struct.pack("!HHH", EDE, len(extra) + 2, code) + extra


def rejection(message: Rejected) -> bytes:
    """Return the reply to a message that cannot be served, from its flags on."""
    question = message.question
    opcode = message.flags & 0x7800
    head = (int.from_bytes(echo_flags(message.flags, message.rcode)) | opcode).to_bytes(2)
    opt = opt_record(message.rcode) if message.edns else b""
    counts = struct.pack("!HHHH", bool(question), 0, 0, bool(opt))
    return head + counts + question + opt


def own_reply(
    query: Query, rcode: int, *, answers: tuple[bytes, ...] = (), authority: bytes = b"", options: bytes = b""
) -> bytes:
    """Return a reply of ours, from its flags on. Records are given without their owner: it is the question's name."""
    opt = opt_record(rcode, dnssec_ok=query.dnssec_ok, options=options) if query.edns else b""
    counts = struct.pack("!HHHH", 1, len(answers), bool(authority), query.edns)
    body = b"".join(_POINTER + record for record in answers)
    if authority:
        body += _POINTER + authority
    return echo_flags(query.flags, rcode) + counts + query.question + body + opt


def record(rtype: int, ttl: int, rdata: bytes) -> bytes:
    """Return a record of class IN without its owner."""
    return struct.pack("!HHIH", rtype, 1, ttl, len(rdata)) + rdata


def soa(ttl: int) -> bytes:
    """Return the SOA that lets a client keep a negative answer for `ttl` seconds (RFC 2308 section 3)."""
    mname = b"\x06filter\x0cschoolfilter\x07invalid\x00"
    rname = b"\x0ahostmaster\x0cschoolfilter\x07invalid\x00"
    return record(SOA, ttl, mname + rname + struct.pack("!IIIII", 1, 3600, 600, 86400, ttl))


_HINFO_ANY = b"\x07RFC8482\x00"
"""RFC 8482 section 4.2: the small answer to ANY."""


def any_reply(query: Query) -> bytes:
    """Return the small answer to a question for ANY."""
    return own_reply(query, Rcode.NOERROR, answers=(record(HINFO, MAX_DOWNSTREAM_SECONDS, _HINFO_ANY),))


def no_data_reply(query: Query) -> bytes:
    """Return the answer that the name has nothing of this type."""
    return own_reply(query, Rcode.NOERROR, authority=soa(MAX_DOWNSTREAM_SECONDS))


@dataclass(frozen=True, slots=True)
class Sinkhole:
    """How blocked names are answered here: the mode, the addresses of the page, the words."""

    mode: BlockAnswer
    ttl: int
    page_v4: bytes
    page_v6: bytes
    language: str
    organisation: str
    contact: str

    def reply(self, query: Query, decision: Decision) -> tuple[bytes, Rcode]:
        """Return the answer to a blocked question, from its flags on, and its response code.

        Every type gets one consistent answer; negative ones carry an SOA so that clients keep them for `ttl` seconds.
        """
        options = self._explain(query, decision.reason) if query.edns else b""
        if self.mode is BlockAnswer.NXDOMAIN or decision.reason.why is Why.BYPASS:
            # A canary is only understood as NXDOMAIN, whatever the mode.
            return own_reply(query, Rcode.NXDOMAIN, authority=soa(self.ttl), options=options), Rcode.NXDOMAIN
        address = b""
        if decision.reason.why is not Why.REBINDING:
            address = {A: self.page_v4, AAAA: self.page_v6}.get(query.qtype, b"")
        if address:
            answers = (record(query.qtype, self.ttl, address),)
            return own_reply(query, Rcode.NOERROR, answers=answers, options=options), Rcode.NOERROR
        return own_reply(query, Rcode.NOERROR, authority=soa(self.ttl), options=options), Rcode.NOERROR

    def _explain(self, query: Query, reason: Reason) -> bytes:
        code = _INFO_CODES.get(reason.why, EDE_BLOCKED)
        text = reason_text(reason, self.language)
        option = ede_option(code, text)
        if query.wants_structured_error:
            error: dict[str, object] = {"j": text, "l": self.language, "s": _SUB_ERRORS.get(reason.category, 6)}
            if self.contact:
                error["c"] = [self.contact]
            if self.organisation:
                error["o"] = self.organisation
            option = ede_option(code, json.dumps(error, ensure_ascii=False, separators=(",", ":"), sort_keys=True))
        # Text never pushes the answer over the client's size (RFC 8914 section 3).
        room = query.udp_size - HEADER - len(query.question) - 160
        return option if len(option) <= room else ede_option(code)


def sinkhole(blocking: Blocking, school: School) -> Sinkhole:
    """Build the sinkhole from the settings."""
    v4, v6 = b"\x00" * 4, b"\x00" * 16
    if blocking.answer is BlockAnswer.PAGE:
        v4 = v6 = b""
        for text in filter(None, map(str.strip, blocking.page_address.split(","))):
            address = ipaddress.ip_address(text)
            if address.version == 4:
                v4 = address.packed
            else:
                v6 = address.packed
    return Sinkhole(blocking.answer, blocking.ttl, v4, v6, school.language, school.name, school.contact)


def reason_text(reason: Reason, language: str) -> str:
    """Return the reason in a few words of the school's language."""
    if subject(reason.category) is not None:
        return title_of(reason.category, language)
    if reason.why is Why.LEVEL:
        return _("Only sites on the director's list open here")
    if reason.why is Why.REBINDING:
        return _("A public name with a private address")
    return _("Blocked by the school")


def dressed(answer: Answer, query: Query, ttl: int, *, limit: int, options: bytes = b"") -> tuple[bytes, bytes, bytes]:
    """Dress an upstream's answer for a client: return what stands before the records, the records, what stands behind.

    `limit` is the most octets the client takes; a longer answer is cut to nothing with TC set (RFC 2181 section 9).
    AD is passed on only to a client that asked for it with AD or DO (RFC 6840 section 5.7).
    """
    # Without EDNS there is no room for the upper bits of a long response code.
    rcode = answer.rcode & 0x0F if answer.rcode < 16 or query.edns else Rcode.SERVFAIL
    flags = QR | RA | query.flags & (RD | CD) | rcode | answer.flags & TC
    if answer.flags & AD and (query.dnssec_ok or query.flags & AD):
        flags |= AD
    size = HEADER + len(query.question) + answer.size
    opt = b""
    if query.edns:
        options += answer.ede
        if not options and answer.rcode < 16:
            opt = _BARE_OPT_DO if query.dnssec_ok else _BARE_OPT
        else:
            opt = opt_record(answer.rcode, dnssec_ok=query.dnssec_ok, options=options)
            if options and size + len(opt) > limit:
                opt = opt_record(answer.rcode, dnssec_ok=query.dnssec_ok)
        size += len(opt)
    if size > limit:
        counts = b"\x00\x01\x00\x00\x00\x00\x00\x01" if query.edns else b"\x00\x01\x00\x00\x00\x00\x00\x00"
        return (flags | TC).to_bytes(2, "big") + counts + query.question, b"", opt
    counts = answer.counts
    if query.edns:
        extra = (counts[4] << 8 | counts[5]) + 1
        counts = counts[:4] + extra.to_bytes(2, "big")
    return flags.to_bytes(2, "big") + _COUNT_ONE + counts + query.question, answer.body(ttl), opt
