"""Answer a name with the addresses of another one: how safe search is brought about. Pure."""

from policy.decision import Rewrite
from resolver.answers import soa
from resolver.records import Answer, addresses
from resolver.wire import AAAA, CNAME, SOA, A, Rcode, wire_name

TABLE_SECONDS = 30
"""TTL of addresses from the table: the target is asked for again soon."""

_QUESTION = b"\xc0\x0c"
"""A pointer to the name asked for."""
_RDATA_AT = 10
_Record = tuple[bytes, int, bytes]
"""Owner, type, data."""
_OCTETS = {A: 4, AAAA: 16}


def is_address_type(qtype: int) -> bool:
    """Whether a question of this type is led to the target. All others get no data: a hint could lead around it."""
    return qtype in _OCTETS


def led_to(rewrite: Rewrite, qtype: int, found: Answer, now: float) -> Answer | None:
    """Return an alias to the target with the addresses that upstreams found for it; None if it leads nowhere.

    A target without IPv6 gives no data. No signature comes along and nothing is said to be authentic: what we say here,
    the zone's owner did not sign.
    """
    if found.rcode != Rcode.NOERROR:
        return None
    octets = _OCTETS[qtype]
    packed = tuple(each for each in addresses(found) if len(each) == octets)
    if not packed and qtype == A:
        return None
    answer = _alias(rewrite.target, qtype, packed, found.ttl, now)
    answer.expires = found.expires
    return answer


def from_table(rewrite: Rewrite, qtype: int, now: float) -> Answer | None:
    """Return an alias to the target with the addresses that were published for it; None if none were."""
    if not (rewrite.a or rewrite.aaaa):
        return None
    return _alias(rewrite.target, qtype, rewrite.a if qtype == A else rewrite.aaaa, TABLE_SECONDS, now)


def no_data(ttl: int, now: float) -> Answer:
    """Return an answer without records that may be kept for `ttl` seconds."""
    return _answer((), (_QUESTION, SOA, soa(ttl)[_RDATA_AT:]), ttl, now)


def _alias(target: str, qtype: int, packed: tuple[bytes, ...], ttl: int, now: float) -> Answer:
    if not packed:
        return no_data(ttl, now)
    name = wire_name(target)
    # The target is written out: a pointer to it would depend on the length of the name that was asked for.
    return _answer(((_QUESTION, CNAME, name), *((name, qtype, each) for each in packed)), None, ttl, now)


def _answer(answers: tuple[_Record, ...], authority: _Record | None, ttl: int, now: float) -> Answer:
    segments, data = [], b""
    for owner, rtype, rdata in (*answers, authority) if authority else answers:
        segments.append(data + owner + rtype.to_bytes(2) + b"\x00\x01")
        data = len(rdata).to_bytes(2) + rdata
    segments.append(data)
    counts = len(answers).to_bytes(2) + (b"\x00\x01" if authority else b"\x00\x00") + b"\x00\x00"
    size = sum(map(len, segments)) + 4 * (len(segments) - 1)
    return Answer(Rcode.NOERROR, 0, counts, tuple(segments), ttl, (), b"", now, size)
