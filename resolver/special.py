"""Names that are ours to answer and must not leak upstream (RFC 6761, 6303, 6762, 7686, 8375, 8880, 9462)."""

from policy.names import with_parents
from resolver.answers import own_reply, record, soa
from resolver.wire import AAAA, PTR, A, Query, Rcode, wire_name

_LOOPBACK = {A: b"\x7f\x00\x00\x01", AAAA: b"\x00" * 15 + b"\x01"}
_IPV4ONLY = (b"\xc0\x00\x00\xaa", b"\xc0\x00\x00\xab")  # 192.0.0.170 and .171 (RFC 8880 section 7.1)

_EMPTY_ZONES = frozenset(
    {"invalid", "onion", "test", "local", "home.arpa", "resolver.arpa", "10.in-addr.arpa", "168.192.in-addr.arpa"}
    | {f"{n}.172.in-addr.arpa" for n in range(16, 32)}
    | {f"{n}.in-addr.arpa" for n in ("0", "127", "254.169", "2.0.192", "100.51.198", "113.0.203", "255.255.255.255")}
    | {f"{n}.e.f.ip6.arpa" for n in "89ab"}
    | {"d.f.ip6.arpa", "c.f.ip6.arpa", "8.b.d.0.1.0.0.2.ip6.arpa", ("0." * 31) + "0.ip6.arpa"}
)
"""Zones that exist nowhere, so that nobody outside learns the school's addresses (RFC 6303 section 4)."""

_LOOPBACK_REVERSE = frozenset({"1.0.0.127.in-addr.arpa", "1." + "0." * 31 + "ip6.arpa"})


def is_special(name: str) -> bool:
    """Whether the name is answered by ourselves, whatever policy and lists say."""
    if name.endswith("localhost") and (name == "localhost" or name.endswith(".localhost")):
        return True
    last = name.rpartition(".")[2]
    if last == "arpa":
        return name in ("ipv4only.arpa", *_LOOPBACK_REVERSE) or any(p in _EMPTY_ZONES for p in with_parents(name))
    return last in ("invalid", "onion", "test", "local")


def special_reply(query: Query, name: str, ttl: int = 300) -> tuple[bytes, Rcode]:
    """Return the answer to a special name, from its flags on, and its response code."""
    answers: tuple[bytes, ...] = ()
    exists = name in _EMPTY_ZONES or name in ("localhost", "ipv4only.arpa") or name.endswith(".localhost")
    if name == "localhost" or name.endswith(".localhost"):
        address = _LOOPBACK.get(query.qtype)
        answers = () if address is None else (record(query.qtype, ttl, address),)
    elif name == "ipv4only.arpa" and query.qtype == A:
        answers = tuple(record(A, ttl, address) for address in _IPV4ONLY)
    elif name in _LOOPBACK_REVERSE:
        exists = True
        answers = (record(PTR, ttl, wire_name("localhost")),) if query.qtype == PTR else ()
    elif name.endswith("resolver.arpa"):
        exists = True  # RFC 9462 section 4: no designated resolver, and no word to anyone upstream
    rcode = Rcode.NOERROR if exists else Rcode.NXDOMAIN
    return own_reply(query, rcode, answers=answers, authority=b"" if answers else soa(ttl)), rcode
