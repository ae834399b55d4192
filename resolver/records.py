"""What an upstream said, taken apart once: checked, cleaned, and cut where its TTLs stand."""

import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from typing import NamedTuple

from resolver.addresses import addresses_in, is_private
from resolver.wire import (
    AAAA,
    AD,
    CNAME,
    DNAME,
    EDE,
    HEADER,
    HTTPS,
    IN,
    MX,
    NS,
    OPT,
    PTR,
    RRSIG,
    SOA,
    SRV,
    SVCB,
    TC,
    A,
    MalformedMessage,
    Rcode,
    edns_options,
    is_below,
    read_name,
    skip_name,
)  # fmt: skip

MAX_CACHED_SECONDS = 86_400
"""The longest an answer is kept (a day); far below the 7 days of RFC 8767 section 4."""
MAX_NEGATIVE_SECONDS = 10_800
"""RFC 2308 section 5: one to three hours work well."""
MAX_RECORDS = 2_000
"""Records walked in one message; a 64 KB answer of empty records must not hold the worker (KeyTrap's lesson)."""
_ADDRESS_OCTETS = {A: 4, AAAA: 16}
_WITH_ADDRESSES = frozenset({A, AAAA, HTTPS, SVCB})
_A_IN, _AAAA_IN = b"\x00\x01\x00\x01", b"\x00\x1c\x00\x01"
_MAYBE_PRIVATE = {4: frozenset({0, 10, 127, 169, 172, 192}), 16: frozenset({0, 0xFC, 0xFD, 0xFE})}
"""First octets of addresses that have to be looked at more closely."""
MAX_CHAIN = 16
"""CNAMEs followed in one answer."""

_RR = struct.Struct("!HHIH")
_USUAL_RECORD = struct.Struct("!HHHIHB")
"""Pointer to the question, type, class, TTL, length, and the first octet of the address."""
_COUNTS = struct.Struct("!HHHH")
DS = 43
_DNSSEC_ONLY = frozenset({RRSIG, 47, 50})
"""RRSIG, NSEC, NSEC3: only for clients that set DO (RFC 4035 section 3.2.1), unless asked for by type."""


class Record(NamedTuple):
    """Where one record stands in its message."""

    owner: int
    """Offset of its name."""
    rtype: int
    rclass: int
    ttl: int
    body: int
    """Offset of its type field; the TTL stands at body + 4, the data at body + 10."""
    end: int


class Answer:
    """An upstream's answer to one question: immutable but for the mark that a newer one has come."""

    __slots__ = (
        "counts",
        "ede",
        "expires",
        "flags",
        "rcode",
        "segments",
        "size",
        "superseded",
        "targets",
        "ttl",
    )

    def __init__(
        self, rcode: int, flags: int, counts: bytes, segments: tuple[bytes, ...], ttl: int,
        targets: tuple[bytes, ...], ede: bytes, now: float, size: int,
    ) -> None:  # fmt: skip
        self.rcode = rcode
        self.flags = flags
        """AD and TC of the header, nothing else."""
        self.counts = counts
        """The counts of answers, authorities, additionals (without OPT): 6 octets."""
        self.segments = segments
        """What follows the question, cut at its TTL fields: `ttl.join(segments)` is the message again."""
        self.ttl = ttl
        """Seconds; the least of all records, so no TTL ever grows. 0: not to be used again."""
        self.targets = targets
        """Other names that the answer leads to (CNAME, SVCB targets), lower-case wire format: decided too."""
        self.ede = ede
        """The upstream's Extended DNS Errors as EDNS options, to be handed on."""
        self.expires = now + ttl
        self.superseded = False
        self.size = size
        """Octets behind the question."""

    def body(self, ttl: int) -> bytes:
        """Return everything behind the question with each TTL set, in seconds."""
        return ttl.to_bytes(4, "big").join(self.segments)


def walk(data: bytes, start: int) -> tuple[list[Record], int, int, int]:
    """Return all records behind the question, and the counts of the three sections.

    Raises MalformedMessage if the message does not hold together.
    """
    _, answers, authorities, additionals = _COUNTS.unpack_from(data, 4)
    total = answers + authorities + additionals
    if total > MAX_RECORDS:
        raise MalformedMessage(f"{total} records")
    records = []
    at = start
    size = len(data)
    try:
        for _ in range(total):
            owner = at
            at = at + 2 if data[at] >= 0xC0 else skip_name(data, at)
            rtype, rclass, ttl, length = _RR.unpack_from(data, at)
            end = at + 10 + length
            if end > size:
                raise MalformedMessage("a record that ends early")
            records.append(Record(owner, rtype, rclass, ttl, at, end))
            at = end
    except (IndexError, struct.error):
        raise MalformedMessage("a record that ends early") from None
    return records, answers, authorities, additionals


def read_answer(
    data: bytes, question: bytes, now: float, *, dnssec_ok: bool, may_be_private: bool
) -> tuple[Answer, bool]:
    """Take apart a response whose id and question were checked; say whether private addresses were taken out.

    Dropped: records that the question does not lead to, DNSSEC records the client did not ask for, OPT (hop by hop),
    and, unless `may_be_private`, addresses inside the school's own networks (DNS rebinding).
    Raises MalformedMessage.
    """
    start = HEADER + len(question)
    usual = _usual_answer(data, question, start, now)
    if usual is not None:
        return usual, False
    try:
        return _read_answer(data, question, start, now, dnssec_ok, may_be_private)
    except (IndexError, struct.error):
        raise MalformedMessage("a record that ends early") from None


def _usual_answer(data: bytes, question: bytes, start: int, now: float) -> Answer | None:
    """Take apart what most answers are: public addresses of the name itself, perhaps a bare OPT. None: look closer."""
    if data[3] & 0x0F or data[8:11] != b"\x00\x00\x00" or data[11] > 1:
        return None
    kind = question[-4:]
    octets = 4 if kind == _A_IN else 16 if kind == _AAAA_IN else 0
    if not octets or not data[7] or data[6]:
        return None
    segments = []
    least = MAX_CACHED_SECONDS
    maybe_private = _MAYBE_PRIVATE[octets]
    kind_number = data[start - 3]
    at = cut = start
    try:
        for _ in range(data[7]):
            owner, rtype, rclass, ttl, length, first = _USUAL_RECORD.unpack_from(data, at)
            if owner != 0xC00C or rtype != kind_number or rclass != IN or length != octets or first in maybe_private:
                return None
            segments.append(data[cut : at + 6])
            cut = at + 10
            if ttl < least:
                least = ttl
            at = cut + 2 + octets
    except struct.error:
        return None
    end = len(data)
    if data[11] and (
        end < at + 11 or data[at : at + 3] != b"\x00\x00\x29" or data[at + 5] or data[at + 9] or data[at + 10]
    ):
        return None
    if end < at:
        return None
    segments.append(data[cut:at])
    flags = (data[2] << 8 | data[3]) & (AD | TC)
    if flags & TC:
        return None
    return Answer(0, flags, data[6:10] + b"\x00\x00", tuple(segments), least, (), b"", now, at - start)


def _read_answer(
    data: bytes, question: bytes, start: int, now: float, dnssec_ok: bool, may_be_private: bool
) -> tuple[Answer, bool]:
    records, answers, authorities, additionals = walk(data, start)
    flags = data[2] << 8 | data[3]
    rcode = flags & 0x0F
    qtype = question[-4] << 8 | question[-3]
    targets, in_chain = _chain(data, question[:-4].lower(), records[:answers])
    names = (question[:-4].lower(), *targets)
    named = answers + authorities
    drop: set[int] = set()
    private = False
    ede = b""
    for index, record in enumerate(records):
        rtype = record.rtype
        _check(data, record)
        if rtype == OPT:
            drop.add(index)
            rcode, ede = _read_opt(data, record, rcode)
        elif (index < answers and index not in in_chain) or (
            rtype in _DNSSEC_ONLY and not dnssec_ok and rtype != qtype
        ):
            drop.add(index)
        elif (
            not may_be_private
            and rtype in _WITH_ADDRESSES
            and any(is_private(packed) for packed in addresses_in(rtype, data[record.body + 10 : record.end]))
        ):
            private = True
            drop.add(index)
        elif record.rclass != IN or (index >= answers and not _belongs(data, record, names, dnssec_ok, index < named)):
            drop.add(index)
    for index, record in enumerate(records):
        if record.rtype in (SVCB, HTTPS) and index in in_chain and index not in drop:
            target = read_name(data, record.body + 12)
            if target != b"\x00" and target not in targets:
                targets = (*targets, target)
                if len(targets) > 2 * MAX_CHAIN:
                    raise MalformedMessage("too many names that the answer leads to")
    if drop and not (min(drop) >= answers + authorities and _is_tail(drop, len(records))):
        data, records = _rebuild(data, start, records, drop)
        kept = [index for index in range(answers + authorities + additionals) if index not in drop]
        answers, authorities, additionals = (
            sum(index < answers for index in kept),
            sum(answers <= index < answers + authorities for index in kept),
            sum(index >= answers + authorities for index in kept),
        )
    elif drop:
        records = records[: -len(drop)]
        additionals -= len(drop)
    ttl = 0  # what was cut is not the whole answer, even if TCP brought it (RFC 2181 section 9)
    if not flags & TC:
        ttl = _lifetime(data, records, rcode, qtype, answers, authorities)
    end = records[-1].end if records else start
    cuts = [record.body + 4 for record in records]
    segments = []
    at = start
    for cut in cuts:
        segments.append(data[at:cut])
        at = cut + 4
    segments.append(data[at:end])
    counts = struct.pack("!HHH", answers, authorities, additionals)
    return Answer(rcode, flags & (AD | TC), counts, tuple(segments), ttl, targets, ede, now, end - start), private


def _belongs(data: bytes, record: Record, names: tuple[bytes, ...], dnssec_ok: bool, authority: bool) -> bool:
    """Whether a record behind the answers says something about the names asked for (RFC 2181 section 5.4.1).

    Kept are the zone's SOA, NS and DS, and proofs for those who asked for them. The additional section is left out: it
    is a courtesy, and the favourite place for what was not asked.
    """
    if not authority:
        return False
    if record.rtype in _DNSSEC_ONLY:
        return dnssec_ok
    if record.rtype not in (SOA, NS, DS):
        return False
    zone = read_name(data, record.owner)
    return any(is_below(name, zone) for name in names)


def _check(data: bytes, record: Record) -> None:
    """Refuse what a weak parser in a client could stumble over: bad names, addresses of the wrong length."""
    if data[record.owner] != 0xC0 or data[record.owner + 1] != HEADER:
        read_name(data, record.owner)
    wanted = _ADDRESS_OCTETS.get(record.rtype)
    if wanted is not None and record.end - record.body - 10 != wanted and record.rclass == IN:
        raise MalformedMessage("an address of the wrong length")
    expand = _COMPRESSIBLE.get(record.rtype)
    if expand is not None:
        expand(data, record.body + 10, record.end)


def _is_tail(drop: set[int], count: int) -> bool:
    """Whether only the last records go: then the message can simply be cut short (the OPT usually stands last)."""
    return min(drop) == count - len(drop)


def _chain(data: bytes, name: bytes, answers: list[Record]) -> tuple[tuple[bytes, ...], set[int]]:
    """Follow the CNAMEs from the name asked for; return their targets and which answer records belong to the chain."""
    if all(data[r.owner] == 0xC0 and data[r.owner + 1] == HEADER and r.rtype not in (CNAME, DNAME) for r in answers):
        return (), set(range(len(answers)))  # the usual answer: every record is the question's own
    owners = [read_name(data, record.owner) for record in answers]
    chain = [name]
    while len(chain) <= MAX_CHAIN:
        target = next(
            (
                read_name(data, record.body + 10)
                for owner, record in zip(owners, answers, strict=True)
                if record.rtype == CNAME and owner == chain[-1]
            ),
            None,
        )
        if target is None or target in chain:
            break
        chain.append(target)
    members = set(chain)
    in_chain = {
        index
        for index, (owner, record) in enumerate(zip(owners, answers, strict=True))
        if owner in members or (record.rtype in (DNAME, RRSIG) and any(link.endswith(owner) for link in chain))
    }
    return tuple(chain[1:]), in_chain


def _read_opt(data: bytes, record: Record, rcode: int) -> tuple[int, bytes]:
    """Return the whole response code and the EDE options of an upstream's OPT record."""
    ede = b""
    for code, value in edns_options(data[record.body + 10 : record.end]):
        if code == EDE and 2 <= len(value) <= 128 and len(ede) < 256:
            ede += struct.pack("!HH", EDE, len(value)) + value
    return (record.ttl >> 24) << 4 | rcode, ede


def _lifetime(data: bytes, records: list[Record], rcode: int, qtype: int, answers: int, authorities: int) -> int:
    """Return for how many seconds the answer may be kept and given; 0 for not at all."""
    if rcode not in (Rcode.NOERROR, Rcode.NXDOMAIN):
        return 0
    # A TTL with its top bit set is a very large one, capped like all others (RFC 8767 section 4).
    least = min((record.ttl for record in records), default=0)
    positive = rcode == Rcode.NOERROR and any(r.rtype == qtype for r in records[:answers])
    if positive:
        return min(least, MAX_CACHED_SECONDS)
    for record in records[answers : answers + authorities]:
        if record.rtype == SOA:
            minimum = int.from_bytes(data[record.end - 4 : record.end])  # RFC 2308 section 5
            return min(least, minimum, MAX_NEGATIVE_SECONDS)
    return 0  # no SOA: a negative answer must not be cached (RFC 2308 section 5)


def addresses(answer: Answer) -> Iterator[bytes]:
    """Yield every address that an answer holds, 4 or 16 octets; what does not hold together is passed over."""
    for before, segment in pairwise(answer.segments):  # cut at the TTLs: behind type and class
        rtype = before[-4] << 8 | before[-3]
        if rtype in _WITH_ADDRESSES:
            with suppress(IndexError, MalformedMessage):
                for packed in addresses_in(rtype, segment[2 : 2 + (segment[0] << 8 | segment[1])]):
                    if len(packed) in (4, 16):
                        yield packed


def _single(prefix: int) -> Callable[[bytes, int, int], bytes]:
    def expand(data: bytes, at: int, end: int) -> bytes:
        if skip_name(data, at + prefix) != end:
            raise MalformedMessage("octets behind the name of a record")
        return data[at : at + prefix] + read_name(data, at + prefix)

    return expand


def _two(suffix: int) -> Callable[[bytes, int, int], bytes]:
    def expand(data: bytes, at: int, end: int) -> bytes:
        second = skip_name(data, at)
        rest = skip_name(data, second)
        if end - rest != suffix:
            raise MalformedMessage("a record of the wrong length")
        return read_name(data, at) + read_name(data, second) + data[rest:end]

    return expand


_COMPRESSIBLE: dict[int, Callable[[bytes, int, int], bytes]] = {
    NS: _single(0), CNAME: _single(0), PTR: _single(0), DNAME: _single(0), MX: _single(2), SRV: _single(6),
    3: _single(0), 4: _single(0), 7: _single(0), 8: _single(0), 9: _single(0), 18: _single(2), 21: _single(2),
    SOA: _two(20), 14: _two(0), 17: _two(0),
}  # fmt: skip
"""Types whose data may hold compressed names (RFC 3597 section 4); all others are copied as they are."""


def _rebuild(data: bytes, start: int, records: list[Record], drop: set[int]) -> tuple[bytes, list[Record]]:
    """Write the message again without some records, every name whole so that no pointer dangles. Rare."""
    out = bytearray(data[:start])
    kept = []
    for index, record in enumerate(records):
        if index in drop:
            continue
        expand = _COMPRESSIBLE.get(record.rtype)
        rdata = data[record.body + 10 : record.end]
        if expand is not None:
            rdata = expand(data, record.body + 10, record.end)
        owner = len(out)
        out += read_name(data, record.owner)
        body = len(out)
        out += _RR.pack(record.rtype, record.rclass, record.ttl, len(rdata)) + rdata
        kept.append(record._replace(owner=owner, body=body, end=len(out)))
    return bytes(out), kept
