"""Replies that match but cannot be read, and chains without end: rows 6, 7 (upstream side) and 25."""

import itertools
import struct
from collections.abc import Callable

import dns.exception
import pytest

from tests.harness import wire
from tests.harness.client import Udp, addresses, ask, judged, rcode
from tests.harness.server import Server
from tests.harness.upstream import FakeUpstream, Query, Send, reply, says

Fresh = Callable[[str], str]
GOOD = "198.51.100.1"


def _counts(message: bytes, answers: int, authority: int = 0, additional: int = 0) -> bytes:
    return message[:6] + struct.pack("!HHH", answers, authority, additional) + message[12:]


def _plain(query: Query, *records: bytes) -> bytes:
    return reply(query, *records, edns=False)


def _a(owner: bytes = wire.POINTER, data: bytes = b"\xc6\x33\x64\x01", length: int | None = None) -> bytes:
    return wire.raw_record(owner, wire.A, 300, data, length=length)


def _here(query: Query) -> int:
    """Where the first record begins."""
    return 12 + len(query.name_raw) + 4


MALFORMED: dict[str, Callable[[Query], bytes]] = {
    "record cut in its head": lambda q: _plain(q, _a())[:-6],
    "record cut in its data": lambda q: _plain(q, _a())[:-1],
    "more records counted than there are": lambda q: _counts(_plain(q, _a()), 2),
    "65535 records counted": lambda q: _counts(_plain(q, _a()), 65535, 65535, 65535),
    "data length over the end": lambda q: _plain(q, _a(length=400)),
    "address of three octets": lambda q: _plain(q, _a(data=b"\xc6\x33\x64")),
    "address of five octets": lambda q: _plain(q, _a(data=b"\xc6\x33\x64\1\1")),
    "owner points at itself": lambda q: _plain(q, _a(struct.pack("!H", 0xC000 | _here(q)))),
    "owner points forward": lambda q: _plain(q, _a(struct.pack("!H", 0xC000 | (_here(q) + 14)))),
    "owner points behind the end": lambda q: _plain(q, _a(b"\xff\xff")),
    "owner points into the header": lambda q: _plain(q, _a(b"\xc0\x05")),
    "two pointers in a ring": lambda q: _plain(
        q, _a(struct.pack("!H", 0xC000 | (_here(q) + 16))), _a(struct.pack("!H", 0xC000 | _here(q)))
    ),
    "label type 01": lambda q: _plain(q, _a(b"\x41abc\0")),
    "label type 10": lambda q: _plain(q, _a(b"\x80abc\0")),
    "owner of 256 octets and more": lambda q: _plain(q, _a((b"\x3f" + b"a" * 63) * 4 + b"\0")),
    "CNAME that points at itself": lambda q: _plain(
        q, wire.raw_record(wire.POINTER, wire.CNAME, 300, struct.pack("!H", 0xC000 | (_here(q) + 12)))
    ),
    "CNAME cut": lambda q: _plain(q, wire.raw_record(wire.POINTER, wire.CNAME, 300, b"\x05ab")),
    "CNAME longer than its data": lambda q: _plain(q, wire.raw_record(wire.POINTER, wire.CNAME, 300, b"\1a\0xx")),
    "CNAME without data": lambda q: _plain(q, wire.raw_record(wire.POINTER, wire.CNAME, 300, b"")),
    "two OPT records": lambda q: _counts(_plain(q, _a()) + wire.opt() + wire.opt(), 1, 0, 2),
    "OPT with a cut option": lambda q: _counts(_plain(q, _a()) + wire.opt(b"\0\x08\0\xff\0"), 1, 0, 1),
}
HARMLESS = {"owner points into the header", "two OPT records", "OPT with a cut option", "address of five octets"}
"""Here a careful server may also repair: what it passes on must be a whole message that a strict parser reads."""


def test_row_06_an_answer_that_cannot_be_read_becomes_servfail(
    server: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    names = {fresh("malformed"): what for what in MALFORMED}
    for name, what in names.items():
        upstream.on(name, lambda q, what=what: [Send(MALFORMED[what](q))])  # type: ignore[misc]  # bound early
    with Udp(server.address) as client:
        asked = {wire.qid_of(m): (m, what) for m, what in ((wire.query(n), w) for n, w in names.items())}
        for message, _ in asked.values():
            client.send(message)
        found = client.collect(set(asked))
    assert not [what for qid, (_, what) in asked.items() if qid not in found], "silence instead of SERVFAIL"
    wrong = {}
    for qid, message in found.items():
        what = asked[qid][1]
        try:
            response = judged(asked[qid][0], message)
        except (AssertionError, dns.exception.DNSException) as error:
            wrong[what] = f"{error!r}: {message.hex()}"
            continue
        if rcode(response) != "SERVFAIL" and not (what in HARMLESS and addresses(response) in ([], [GOOD])):
            wrong[what] = response.to_text()
    assert not wrong
    assert server.healthy()


@pytest.mark.parametrize("code", ["SERVFAIL", "REFUSED", "NOTIMP"])
def test_row_06_an_upstreams_own_failure_is_told_as_failure(
    server: Server, upstream: FakeUpstream, fresh: Fresh, code: str
) -> None:
    name = fresh("failure")
    upstream.on(name, says(rcode={"SERVFAIL": 2, "REFUSED": 5, "NOTIMP": 4}[code]))
    response = ask(server.address, name, edns=wire.Edns())
    assert rcode(response) in {"SERVFAIL", code}
    assert not response.answer


def _chain(names: list[str], last: bytes) -> list[bytes]:
    return [
        *(wire.record(a, 300, "CNAME", f"{b}.") for a, b in itertools.pairwise(names)),
        wire.raw_record(wire.name_wire(names[-1]), wire.A, 300, last),
    ]


@pytest.mark.parametrize("hops", [1, 2, 8, 11])
def test_row_25_a_chain_of_usual_length_is_passed_on(
    server: Server, upstream: FakeUpstream, fresh: Fresh, hops: int
) -> None:
    names = [fresh(f"hop{n}") for n in range(hops + 1)]
    upstream.on(names[0], says(*_chain(names, b"\xc6\x33\x64\x01")))
    for _ in range(2):
        response = ask(server.address, names[0], edns=wire.Edns())
        assert addresses(response) == [GOOD]
        assert len(response.answer) == hops + 1


def test_row_25_records_of_a_chain_count_in_any_order(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    names = [fresh("order") for _ in range(4)]
    upstream.on(names[0], says(*reversed(_chain(names, b"\xc6\x33\x64\x01"))))
    assert addresses(ask(server.address, names[0])) == [GOOD]


def test_row_25_loops_and_endless_chains_are_answered(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    itself, ring, long, open_end = fresh("self"), [fresh("ring") for _ in range(3)], fresh("long"), fresh("open")
    upstream.on(itself, says(wire.record("@", 300, "CNAME", f"{itself}.")))
    circle = [wire.record(a, 300, "CNAME", f"{b}.") for a, b in zip(ring, ring[1:] + ring[:1], strict=True)]
    upstream.on(ring[0], says(*circle))
    names = [long, *(f"n{n}.{long}" for n in range(400))]
    upstream.on(long, lambda q: [Send(reply(q, *_chain(names, b"\xc6\x33\x64\x01"), flags=0 if q.tcp else wire.TC))])
    # An upstream that only ever gives the next step: we must not walk for ever.
    upstream.on(
        open_end, lambda q: [Send(reply(q, wire.record("@", 300, "CNAME", f"x{len(upstream.queries())}.{open_end}.")))]
    )
    for name in (itself, ring[0], long, open_end):
        message = wire.query(name, edns=wire.Edns())
        with Udp(server.address) as client:
            found = client.ask(message)
        assert found is not None, f"no answer to {name}"
        assert not addresses(judged(message, found, truncated=bool(wire.header(found)[1] & wire.TC))) or name == long
    assert len(upstream.below(open_end)) <= 40
    assert server.healthy()


def test_row_25_an_answer_that_does_not_belong_to_the_chain_is_ignored(
    server: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    name, target, stray = fresh("chain"), fresh("target"), fresh("stray")
    records = [
        wire.record("@", 300, "CNAME", f"{target}."),
        wire.record(target, 300, "A", GOOD),
        wire.record(stray, 300, "A", "203.0.113.9"),
        wire.record(stray, 300, "CNAME", "gambling.example.net."),
    ]
    upstream.on(name, says(*records))
    assert addresses(ask(server.address, name)) == [GOOD], "owner names outside the chain have no say"
