"""What the answer would look like on the wire, made by the very code that makes it. Pure; `check` prints it."""

import struct
from dataclasses import dataclass

from dnslib import DNSRecord

from policy.decision import Action, Decision
from resolver.answers import Sinkhole
from resolver.special import special_reply
from resolver.wire import EDE, IN, OPT, RCODE_NAMES, TYPE_NAMES, Query, parse_query, wire_name

_TYPES = {name: number for number, name in TYPE_NAMES.items()}
_MAX_TYPE = 0xFFFF


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """The parts of an answer that a person can check with `dig`."""

    rcode: str
    records: tuple[str, ...]
    """Answer section, as `A 0.0.0.0`."""
    ttl: int | None
    """Seconds that the client may keep it, also when there is no record (RFC 2308)."""
    extended_error: int | None = None
    """Info-code of RFC 8914, if the client speaks EDNS."""
    extended_text: str = ""


def type_number(text: str) -> int:
    """Return the number of a record type: `AAAA`, `https`, `TYPE65`. Raises ValueError."""
    name = text.upper()
    if name in _TYPES:
        return _TYPES[name]
    number = name.removeprefix("TYPE")
    if name.startswith("TYPE") and number.isascii() and number.isdigit() and 0 < int(number[:6]) <= _MAX_TYPE:
        return int(number)
    raise ValueError(f"expected a record type such as A, AAAA, HTTPS or TYPE65, found {text!r}")


def own_answer(decision: Decision, name: str, qtype: int, sinkhole: Sinkhole) -> WireAnswer | None:
    """Return the answer that we would give ourselves; None if it is the upstream's to give, or nobody gets one."""
    if decision.action is Action.BLOCK:
        reply, _rcode = sinkhole.reply(_query(name, qtype), decision)
    elif decision.action is Action.LOCAL:
        reply, _rcode = special_reply(_query(name, qtype), name)
    else:
        return None
    return _read(reply)


def _query(name: str, qtype: int) -> Query:
    question = wire_name(name) + struct.pack("!HH", qtype, IN)
    opt = struct.pack("!BHHIH", 0, OPT, 1232, 0, 0)
    query = parse_query(struct.pack("!6H", 0, 0x0100, 1, 0, 0, 1) + question + opt)
    if not isinstance(query, Query):  # a canonical name and a valid type always make a query
        raise TypeError(f"expected a query for {name!r}, found {query!r}")
    return query


def _read(reply: bytes) -> WireAnswer:
    message = DNSRecord.parse(b"\x00\x00" + reply)
    ttls = [record.ttl for record in (*message.rr, *message.auth)]
    code, text = _extended_error(message)
    return WireAnswer(
        rcode=RCODE_NAMES[message.header.rcode],
        records=tuple(f"{TYPE_NAMES.get(record.rtype, record.rtype)} {record.rdata}" for record in message.rr),
        ttl=min(ttls, default=None),
        extended_error=code,
        extended_text=text,
    )


def _extended_error(message: DNSRecord) -> tuple[int | None, str]:
    for record in message.ar:
        if record.rtype != OPT:
            continue
        for option in record.rdata:
            if option.code == EDE:
                return int.from_bytes(option.data[:2]), option.data[2:].decode("utf-8", "replace")
    return None, ""
