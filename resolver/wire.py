"""The DNS message on the wire: parse a query, walk records, name things. Pure: bytes in, values out."""

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

HEADER = 12
MAX_NAME = 255
"""Octets of a name on the wire, with its root label (RFC 1035 section 2.3.4)."""
MAX_UDP = 1232
"""What we advertise and what we send at most by UDP without fragments (RFC 9715, DNS flag day 2020)."""
MIN_UDP = 512
MAX_POINTERS = 16
"""Compression pointers followed for one name: enough for honest servers, and a bound for the others (RFC 9267)."""

QR, AA, TC, RD = 0x8000, 0x0400, 0x0200, 0x0100
RA, AD, CD = 0x0080, 0x0020, 0x0010
DO = 0x8000
"""In the flags of the OPT record."""

IN = 1
A, NS, CNAME, SOA, PTR, HINFO, MX, TXT, AAAA, SRV, DNAME, OPT, RRSIG, SVCB, HTTPS = (
    1, 2, 5, 6, 12, 13, 15, 16, 28, 33, 39, 41, 46, 64, 65,
)  # fmt: skip
TKEY, TSIG, IXFR, AXFR, MAILB, MAILA, ANY = 249, 250, 251, 252, 253, 254, 255

TRANSFERS = frozenset({IXFR, AXFR})
META_TYPES = frozenset({OPT, TKEY, TSIG, MAILB, MAILA})
"""Types that mean something about the message, not about a name (RFC 6895 section 3.1)."""

COOKIE, EDE = 10, 15
"""EDNS option codes (RFC 7873, RFC 8914)."""

TYPE_NAMES = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT", 17: "RP", 18: "AFSDB",
    24: "SIG", 25: "KEY", 28: "AAAA", 29: "LOC", 33: "SRV", 35: "NAPTR", 36: "KX", 37: "CERT", 39: "DNAME", 41: "OPT",
    42: "APL", 43: "DS", 44: "SSHFP", 45: "IPSECKEY", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 49: "DHCID", 50: "NSEC3",
    51: "NSEC3PARAM", 52: "TLSA", 53: "SMIMEA", 55: "HIP", 59: "CDS", 60: "CDNSKEY", 61: "OPENPGPKEY", 62: "CSYNC",
    63: "ZONEMD", 64: "SVCB", 65: "HTTPS", 99: "SPF", 108: "EUI48", 109: "EUI64", 249: "TKEY", 250: "TSIG",
    251: "IXFR", 252: "AXFR", 253: "MAILB", 254: "MAILA", 255: "ANY", 256: "URI", 257: "CAA",
}  # fmt: skip


class Rcode(IntEnum):
    """Response codes that we send (RFC 1035 section 4.1.1, RFC 6891 section 9)."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    BADVERS = 16


RCODE_NAMES = {code.value: code.name for code in Rcode} | {
    6: "YXDOMAIN", 7: "YXRRSET", 8: "NXRRSET", 9: "NOTAUTH", 10: "NOTZONE",
}  # fmt: skip


class MalformedMessage(ValueError):  # noqa: N818 - reads as what it is
    """The octets are not a DNS message."""


class Query(NamedTuple):
    """One question that was put to us. Names are wire format; `name` is lower case, `question` as it came."""

    flags: int
    question: bytes
    """Name, type and class as sent: echoed byte for byte (the letter case is the client's)."""
    name: bytes
    text: str
    """The name as `name_text` writes it."""
    qtype: int
    qclass: int
    edns: bool
    udp_size: int
    """The client's limit for UDP, between 512 and 1232."""
    dnssec_ok: bool
    options: bool
    """Whether EDNS options came along: such a query is not looked up by its bytes."""
    wants_structured_error: bool
    """The client put an EDE option into its query (draft-ietf-dnsop-structured-dns-error section 5.1)."""


class Rejected(NamedTuple):
    """A message that gets an error instead of an answer."""

    rcode: Rcode
    flags: int
    question: bytes
    """What of the question could be read, to be echoed; empty if nothing could."""
    edns: bool


def parse_query(data: bytes) -> Query | Rejected | None:
    """Read a datagram or TCP message that claims to be a query. None means: drop it in silence.

    Silence is for what is not a query at all: shorter than a header, or a response (RFC 1035 section 4.1.1;
    two servers must never answer each other). The rest gets FORMERR, NOTIMP or BADVERS.
    """
    if len(data) < HEADER or data[2] & 0x80:
        return None
    flags = data[2] << 8 | data[3]
    if data[2] & 0x78:  # opcode; what follows has another shape (RFC 1996, RFC 2136)
        return Rejected(Rcode.NOTIMP, flags, b"", edns=False)
    # One question, no answers, no authority (RFC 9619).
    if data[4:10] != b"\x00\x01\x00\x00\x00\x00":
        return Rejected(Rcode.FORMERR, flags, b"", edns=False)
    end = HEADER
    size = len(data)
    lower = data.lower()  # length octets are below 64 and no letters, so they stay what they are
    labels = []
    try:
        while length := data[end]:
            if length > 63:  # a pointer has nowhere to point to in a question
                return Rejected(Rcode.FORMERR, flags, b"", edns=False)
            begin = end + 1
            end = begin + length
            labels.append(lower[begin:end])
    except IndexError:
        return Rejected(Rcode.FORMERR, flags, b"", edns=False)
    end += 1
    if end - HEADER > MAX_NAME or end + 4 > size:
        return Rejected(Rcode.FORMERR, flags, b"", edns=False)
    name = lower[HEADER:end]
    text = _labels_text(labels)
    qtype = data[end] << 8 | data[end + 1]
    qclass = data[end + 2] << 8 | data[end + 3]
    end += 4
    question = data[HEADER:end]
    if data[10:12] == b"\x00\x00":
        if end != size:
            return Rejected(Rcode.FORMERR, flags, question, edns=False)
        return Query(flags, question, name, text, qtype, qclass, False, MIN_UDP, False, False, False)
    if (
        size == end + 11
        and data[end : end + 3] == _ROOT_OPT
        and data[10:12] == b"\x00\x01"
        and data[size - 2 :] == b"\x00\x00"
    ):
        # The usual OPT: the only additional record, without options.
        if data[end + 6]:
            return Rejected(Rcode.BADVERS, flags, question, edns=True)
        limit = min(max(data[end + 3] << 8 | data[end + 4], MIN_UDP), MAX_UDP)
        return Query(flags, question, name, text, qtype, qclass, True, limit, data[end + 7] > 127, False, False)
    return _with_additional(data, end, Query(flags, question, name, text, qtype, qclass, True, 0, False, False, False))


def _with_additional(data: bytes, start: int, query: Query) -> Query | Rejected:
    """Read the additional section of a query: at most one OPT; anything else is stepped over."""
    opt: tuple[int, int, bytes] | None = None
    at = start
    try:
        for _ in range(data[10] << 8 | data[11]):
            owner = at
            at = skip_name(data, at)
            if at + 10 > len(data):
                raise MalformedMessage("a record that ends early")
            rtype = data[at] << 8 | data[at + 1]
            length = data[at + 8] << 8 | data[at + 9]
            rdata = data[at + 10 : at + 10 + length]
            if len(rdata) != length:
                raise MalformedMessage("data of a record that ends early")
            if rtype == OPT:
                if opt is not None or data[owner] != 0:
                    raise MalformedMessage("a second OPT record, or one that is not the root's")
                opt = (data[at + 2] << 8 | data[at + 3], int.from_bytes(data[at + 4 : at + 8]), rdata)
            at += 10 + length
        if at != len(data):
            raise MalformedMessage("octets after the last record")
        if opt is None:
            return query._replace(edns=False, udp_size=MIN_UDP)
        size, extended, rdata = opt
        if extended >> 16 & 0xFF:
            return Rejected(Rcode.BADVERS, query.flags, query.question, edns=True)
        structured = False
        for code, value in edns_options(rdata):
            if code == COOKIE and len(value) != 8 and not 16 <= len(value) <= 40:  # RFC 7873 section 5.2.2
                raise MalformedMessage("a cookie of impossible length")
            structured = structured or code == EDE
    except (MalformedMessage, IndexError):
        return Rejected(Rcode.FORMERR, query.flags, query.question, edns=opt is not None)
    return query._replace(
        udp_size=min(max(size, MIN_UDP), MAX_UDP),
        dnssec_ok=bool(extended & DO),
        options=bool(rdata),
        wants_structured_error=structured,
    )


def edns_options(rdata: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the options of an OPT record as code and value. Raises MalformedMessage if they do not fit."""
    at = 0
    while at < len(rdata):
        if at + 4 > len(rdata):
            raise MalformedMessage("an EDNS option that ends early")
        code = rdata[at] << 8 | rdata[at + 1]
        length = rdata[at + 2] << 8 | rdata[at + 3]
        at += 4
        if at + length > len(rdata):
            raise MalformedMessage("an EDNS option that is longer than its record")
        yield code, rdata[at : at + length]
        at += length


def skip_name(data: bytes, at: int) -> int:
    """Return the offset behind a name, which may end in a compression pointer.

    Raises MalformedMessage for a label type that does not exist, IndexError at the end of the data.
    """
    start = at
    while length := data[at]:
        if length >= 0xC0:
            data[at + 1]
            return at + 2
        if length > 63:
            raise MalformedMessage("a label type that does not exist")
        at += length + 1
        if at - start >= MAX_NAME:
            raise MalformedMessage("a name over 255 octets")
    return at + 1


def read_name(data: bytes, at: int) -> bytes:
    """Return a name uncompressed, in lower case. Pointers must point strictly backward (RFC 1035 section 4.1.4).

    Raises MalformedMessage, or IndexError at the end of the data.
    """
    labels = []
    total = 1
    limit = at
    pointers = 0
    while length := data[at]:
        if length >= 0xC0:
            at = (length & 0x3F) << 8 | data[at + 1]
            pointers += 1
            if at >= limit or at < HEADER or pointers > MAX_POINTERS:
                raise MalformedMessage("a compression pointer that does not point backward")
            limit = at
            continue
        if length > 63:
            raise MalformedMessage("a label type that does not exist")
        label = data[at : at + length + 1]
        if len(label) != length + 1:
            raise MalformedMessage("a label that ends early")
        labels.append(label)
        total += length + 1
        if total > MAX_NAME:
            raise MalformedMessage("a name over 255 octets")
        at += length + 1
    labels.append(b"\x00")
    return b"".join(labels).lower()


_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_")
_ESCAPES = {octet: f"\\{octet:03d}" for octet in range(256) if octet not in _PLAIN}
_DELETE_PLAIN = bytes(_PLAIN)
_ROOT_OPT = b"\x00\x00\x29"


def name_text(name: bytes) -> str:
    """Return a lower-case wire name as text without the final dot; unusual octets as \\DDD, the root as ".".

    The text is unambiguous: a dot inside a label is escaped too, so no label can pose as two.
    """
    parts = []
    at = 0
    while length := name[at]:
        parts.append(name[at + 1 : at + 1 + length])
        at += length + 1
    return _labels_text(parts)


def _labels_text(labels: list[bytes]) -> str:
    text = b".".join(labels)
    if len(text.translate(None, _DELETE_PLAIN)) == max(len(labels) - 1, 0):
        return text.decode("ascii") or "."
    return ".".join(label.decode("latin-1").translate(_ESCAPES) for label in labels)


def type_text(qtype: int) -> str:
    """Return the mnemonic of a record type, or TYPEnnn (RFC 3597 section 5)."""
    return TYPE_NAMES.get(qtype) or f"TYPE{qtype}"


def wire_name(text: str) -> bytes:
    """Return a canonical name as wire format."""
    return b"".join(bytes((len(label),)) + label.encode("ascii") for label in text.split(".") if label) + b"\x00"


def is_below(name: bytes, zone: bytes) -> bool:
    """Whether a wire name is another one or stands below it, at a border between labels."""
    at = len(name) - len(zone)
    if at < 0 or name[at:] != zone:
        return False
    position = 0
    while position < at:
        position += name[position] + 1
    return position == at
