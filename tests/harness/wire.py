"""DNS messages made by hand, so that tests can also say what no library would say."""

import secrets
import struct
from collections.abc import Iterable
from dataclasses import dataclass

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

QR, AA, TC, RD, RA, Z, AD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0040, 0x0020, 0x0010
DO = 0x8000
OPT, A, AAAA, CNAME, SOA, TXT, MX, HTTPS, SVCB, ANY = 41, 1, 28, 5, 6, 16, 15, 65, 64, 255
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, BADVERS = 0, 1, 2, 3, 4, 5, 16
POINTER = b"\xc0\x0c"
"""Points at the question's name."""

Option = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Edns:
    """An OPT record to put into a query."""

    size: int = 1232
    flags: int = 0
    version: int = 0
    options: tuple[Option, ...] = ()

    def wire(self) -> bytes:
        """Return the record."""
        data = b"".join(struct.pack("!HH", code, len(value)) + value for code, value in self.options)
        return opt(data, self.size, self.flags, self.version)


def opt(data: bytes = b"", size: int = 1232, flags: int = 0, version: int = 0, length: int | None = None) -> bytes:
    """Return an OPT record, with a lie about its length if wanted."""
    said = len(data) if length is None else length
    return struct.pack("!BHHBBHH", 0, OPT, size, 0, version, flags, said) + data


def name_wire(name: str) -> bytes:
    """Return a name in wire form, letter case kept."""
    return dns.name.from_text(name).to_wire() or b"\0"


def rdtype(kind: str | int) -> int:
    """Return the number of a type."""
    return kind if isinstance(kind, int) else int(dns.rdatatype.from_text(kind))


def query(
    name: str | bytes,
    kind: str | int = "A",
    *,
    qid: int | None = None,
    flags: int = RD,
    rdclass: int = 1,
    edns: Edns | None = None,
) -> bytes:
    """Return a query. A name in bytes is taken as it is."""
    raw = name if isinstance(name, bytes) else name_wire(name)
    qid = secrets.randbelow(65536) if qid is None else qid
    head = struct.pack("!HHHHHH", qid, flags, 1, 0, 0, 0 if edns is None else 1)
    return head + raw + struct.pack("!HH", rdtype(kind), rdclass) + (b"" if edns is None else edns.wire())


def header(message: bytes) -> tuple[int, int, int, int, int, int]:
    """Return id, flags and the four counts."""
    found: tuple[int, int, int, int, int, int] = struct.unpack_from("!HHHHHH", message)
    return found


def qid_of(message: bytes) -> int:
    """Return the id of a message."""
    return header(message)[0]


def rcode_of(message: bytes) -> int:
    """Return the four bits of the header."""
    return header(message)[1] & 15


def question_end(message: bytes) -> int:
    """Return where the one question of a message ends (no compression there)."""
    at = 12
    while message[at]:
        if message[at] > 63:
            raise ValueError("compressed or unknown label in a question")
        at += message[at] + 1
    if at + 5 > len(message):
        raise ValueError("question is cut")
    return at + 5


def question_of(message: bytes) -> bytes:
    """Return name, type and class of the question as they stand in the message."""
    return message[12 : question_end(message)]


def raw_record(owner: bytes, kind: int, ttl: int, data: bytes, rdclass: int = 1, length: int | None = None) -> bytes:
    """Return a record made of bytes, with a lie about its length if wanted."""
    return owner + struct.pack("!HHIH", kind, rdclass, ttl, len(data) if length is None else length) + data


def record(owner: str, ttl: int, kind: str | int, text: str) -> bytes:
    """Return a record from its text; "@" is the name of the question."""
    number = rdtype(kind)
    data = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.RdataType.make(number), text).to_wire() or b""
    return raw_record(POINTER if owner == "@" else name_wire(owner), number, ttl, data)


def soa(owner: str = "example.org", ttl: int = 300, minimum: int = 60) -> bytes:
    """Return a SOA record."""
    return record(owner, ttl, "SOA", f"ns.example.org. hostmaster.example.org. 1 7200 3600 1209600 {minimum}")


def joined(records: Iterable[bytes]) -> tuple[int, bytes]:
    """Return number and bytes of some records."""
    found = list(records)
    return len(found), b"".join(found)
