"""What we send to an upstream and which of its replies we believe: rows 1, 2, 3, 4, 10, 28, 33, 34, 36."""

import itertools
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterable

import pytest

from tests.harness import wire
from tests.harness.client import Udp, addresses, ask, ask_raw, judged, rcode
from tests.harness.server import Server
from tests.harness.upstream import FakeUpstream, Handler, Query, Send, reply, says, silent
from tests.harness.waiting import until

GOOD, BAD = "198.51.100.1", "203.0.113.66"
Fresh = Callable[[str], str]


def _bad(query: Query, **parts: object) -> bytes:
    return reply(query, wire.record("@", 300, "A", BAD), **parts)  # type: ignore[arg-type]  # keywords of reply


def _good(query: Query) -> bytes:
    return reply(query, wire.record("@", 300, "A", GOOD))


def _other_question(query: Query, name: str = "", kind: int = 0, rdclass: int = 1) -> bytes:
    raw = wire.name_wire(name) if name else query.name_raw
    return raw + (kind or query.kind).to_bytes(2, "big") + rdclass.to_bytes(2, "big")


def _flip_case(name: bytes) -> bytes:
    """Return the name with the case of its letters turned round; a length octet below 64 is no letter."""
    return name.swapcase()


LIES: dict[str, Callable[[Query], list[Send]]] = {
    "wrong id": lambda q: [Send(_bad(q, qid=q.qid ^ 1))],
    "many wrong ids": lambda q: [Send(_bad(q, qid=(q.qid + n) % 65536)) for n in range(1, 33)],
    "wrong name": lambda q: [Send(_bad(q, question=_other_question(q, "evil.example.org")))],
    "wrong type": lambda q: [Send(_bad(q, question=_other_question(q, kind=wire.TXT)))],
    "wrong class": lambda q: [Send(_bad(q, question=_other_question(q, rdclass=3)))],
    "wrong case": lambda q: [
        Send(_bad(q, question=_flip_case(q.name_raw) + q.kind.to_bytes(2, "big") + b"\0\1")),
    ],
    "no question": lambda q: [Send(q.raw[:2] + bytes.fromhex("8180 0000 0000 0000 0000"))],
    "not a response": lambda q: [Send(_bad(q, qr=False))],
    "other opcode": lambda q: [Send(_bad(q, flags=0x2000))],
    "other port": lambda q: [Send(_bad(q), via="port")],
    "other address": lambda q: [Send(_bad(q), via="address")],
    "empty datagram": lambda _: [Send(b"")],
    "one octet": lambda _: [Send(b"\0")],
    "header cut": lambda q: [Send(_bad(q)[:11])],
    "random bytes": lambda _: [Send(secrets.token_bytes(120)) for _ in range(5)],
    "all of it": lambda q: [
        Send(_bad(q, qid=q.qid ^ 5)),
        Send(b""),
        Send(_bad(q), via="port"),
        Send(_bad(q, question=_other_question(q, "evil.example.org"))),
        Send(secrets.token_bytes(300)),
    ],
}


@pytest.mark.parametrize("lie", LIES)
def test_row_01_junk_before_the_good_reply_is_passed_over(
    server: Server, upstream: FakeUpstream, fresh: Fresh, lie: str
) -> None:
    """A bad packet neither ends the wait nor reaches the client."""
    name = fresh("junk")
    upstream.on(name, lambda q: [Send(_good(q))] if q.tcp else [*LIES[lie](q), Send(_good(q), delay=0.05)])
    assert addresses(ask(server.address, name)) == [GOOD]
    assert addresses(ask(server.address, name)) == [GOOD], "from cache"


def test_row_01_lies_alone_never_reach_the_client(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    """Whoever hears nothing but lies says SERVFAIL. All at once: each waits for its time-out."""
    names = {fresh("lies"): lie for lie in LIES}
    for name, lie in names.items():
        upstream.on(name, lambda q, lie=lie: [] if q.tcp else LIES[lie](q))  # type: ignore[misc]  # bound early
    with Udp(server.address) as client:
        asked = {wire.qid_of(message): message for message in (wire.query(name) for name in names)}
        for message in asked.values():
            client.send(message)
        found = client.collect(set(asked))
    assert found.keys() == asked.keys(), "silence instead of SERVFAIL"
    for qid, message in found.items():
        response = judged(asked[qid], message)
        assert rcode(response) == "SERVFAIL"
        assert not response.answer


def test_row_02_ids_and_ports_are_not_to_be_guessed(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    zone = fresh("entropy")
    with Udp(server.address) as client:
        for batch in range(20):
            asked = [wire.query(f"n{batch}-{n}.{zone}") for n in range(20)]
            for message in asked:
                client.send(message)
            assert len(client.collect({wire.qid_of(m) for m in asked})) == len({wire.qid_of(m) for m in asked})
    seen = [query for query in upstream.below(zone) if not query.tcp]
    assert len(seen) >= 400
    ids = [query.qid for query in seen]
    ports = [query.source[1] for query in seen]
    assert len(set(ids)) > 0.95 * len(ids)
    assert max(Counter((b - a) % 65536 for a, b in itertools.pairwise(ids)).values()) < 10, "ids follow a step"
    uses = Counter(ports)
    assert len(uses) >= 64, f"{len(uses)} ports in {len(seen)} queries"
    assert max(uses.values()) <= 32, "a port was used again and again"
    steps = Counter((b - a) for a, b in itertools.pairwise(ports) if a != b)
    assert max(steps.values()) < len(ports) // 10, "ports follow a step"


def test_row_02_the_clients_id_and_port_are_not_passed_on(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    zone = fresh("clientid")
    for n in range(8):
        assert ask_raw(server.address, wire.query(f"n{n}.{zone}", qid=4711)) is not None
    assert sum(query.qid == 4711 for query in upstream.below(zone)) <= 1


@pytest.mark.parametrize("kind", ["A", "TXT"])
def test_row_03_equal_questions_in_flight_share_one_forward(
    server: Server, upstream: FakeUpstream, fresh: Fresh, kind: str
) -> None:
    name = fresh("Merge")
    upstream.on(name, _usual_after(0.3))
    clients = [Udp(server.address, f"127.0.1.{n + 1}") for n in range(50)]
    try:
        asked = []
        for n, client in enumerate(clients):
            asked.append(wire.query(name.upper() if n % 2 else name, kind))
            client.send(asked[-1])
        for client, message in zip(clients, asked, strict=True):
            found = client.receive()
            assert found is not None
            assert judged(message, found).answer
    finally:
        for client in clients:
            client.close()
    # One, and perhaps a hedged retry: never one for each client.
    assert 1 <= len(upstream.queries(name.lower())) <= 3


def _usual_after(delay: float) -> Handler:
    def handler(query: Query) -> Iterable[Send]:
        text = '"x"' if query.kind == wire.TXT else GOOD
        return [Send(reply(query, wire.record("@", 300, query.kind, text)), delay)]

    return handler


def test_row_04_unrelated_records_are_neither_passed_on_nor_cached(
    server: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    name, victim, second = fresh("poison"), fresh("victim"), fresh("victim")
    extra = wire.record(victim, 300, "A", BAD)
    upstream.on(
        name,
        says(
            wire.record("@", 300, "A", GOOD),
            extra,
            authority=[wire.record(victim, 300, "NS", f"ns.{victim}."), wire.record(second, 300, "A", BAD)],
            additional=[wire.record(f"ns.{victim}", 300, "A", BAD), wire.record(second, 300, "A", BAD)],
        ),
    )
    upstream.on(victim, says(wire.record("@", 300, "A", GOOD)))
    upstream.on(second, says(wire.record("@", 300, "A", GOOD)))
    for _ in range(2):
        response = ask(server.address, name, edns=wire.Edns())
        assert addresses(response) == [GOOD]
        for section in (response.answer, response.authority, response.additional):
            assert BAD not in " ".join(rrset.to_text() for rrset in section)
    for other in (victim, second):
        assert addresses(ask(server.address, other)) == [GOOD]
        assert upstream.queries(other), "answered from what nobody asked for"


def test_row_04_another_type_of_the_same_name_is_asked_for_itself(
    server: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    name = fresh("types")
    assert ask(server.address, name, "A").answer
    assert ask(server.address, name, "AAAA").answer
    assert {query.kind for query in upstream.queries(name)} == {wire.A, wire.AAAA}


def test_row_10_silent_names_delay_nobody_else(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    zone = fresh("stalled")
    upstream.on(zone, silent)
    with Udp(server.address) as stuck:
        asked = [wire.query(f"n{n}.{zone}") for n in range(100)]
        for message in asked:
            stuck.send(message)
        until("the silent names reach the upstream", lambda: len({q.name for q in upstream.below(zone)}) == 100)
        for _ in range(20):
            assert rcode(ask(server.address, fresh("brisk"))) == "NOERROR"
        found = stuck.collect({wire.qid_of(message) for message in asked})
    assert len(found) == len({wire.qid_of(message) for message in asked}), "silence instead of SERVFAIL"
    assert {wire.rcode_of(message) for message in found.values()} == {wire.SERVFAIL}


def test_row_10_a_name_that_stalls_is_not_waited_for_by_answers_over_tcp(
    server: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    """The upstream cuts its answer, takes the TCP query and says nothing more."""
    stalled = fresh("tcpstall")
    upstream.on(stalled, lambda q: [] if q.tcp else [Send(reply(q, flags=wire.TC))])
    results: list[bytes | None] = []
    waiting = threading.Thread(target=lambda: results.append(ask_raw(server.address, wire.query(stalled))))
    waiting.start()
    until("the TCP query", lambda: any(query.tcp for query in upstream.queries(stalled)))
    assert rcode(ask(server.address, fresh("brisk"))) == "NOERROR"
    waiting.join()
    assert results[0] is not None
    # SERVFAIL, or the truth that it was cut; but not an empty answer that looks whole.
    assert wire.rcode_of(results[0]) == wire.SERVFAIL or wire.header(results[0])[1] & wire.TC


def test_row_22_and_28_only_our_own_edns_goes_upstream(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    """ECS, cookies and unknown options stay here; we advertise at most 1232 (RFC 9715)."""
    name = fresh("hop")
    ecs = (8, bytes.fromhex("0001 1800 c00002"))
    options = (ecs, (10, b"12345678"), (65001, b"private"), (3, b""), (12, b"\0" * 20))
    ask(server.address, name, edns=wire.Edns(size=4096, flags=0x7FFF, options=options))
    (query, *_) = upstream.queries(name)
    assert not {code for code, _ in query.options} & {8, 3, 12, 65001}
    assert all(data[:8] != b"12345678" for code, data in query.options if code == 10)
    assert query.edns_flags & 0x7FFF == 0, "MBZ bits are copied"
    assert query.size is not None
    assert 512 <= query.size <= 1232
    plain = fresh("hop")
    ask(server.address, plain)
    assert all(query.size is None or 512 <= query.size <= 1232 for query in upstream.queries(plain))


def test_row_28_one_clients_ecs_does_not_split_or_poison_the_cache(
    server: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    name = fresh("ecs")
    for net in (b"\xc0\x00\x02", b"\xc6\x33\x64"):
        response = ask(server.address, name, edns=wire.Edns(options=((8, b"\0\1\x18\0" + net),)))
        assert response.answer
    assert len(upstream.queries(name)) == 1


@pytest.mark.parametrize("code", [wire.FORMERR, wire.NOTIMP])
def test_row_33_an_upstream_without_edns_is_asked_again_without(
    server: Server, upstream: FakeUpstream, fresh: Fresh, code: int
) -> None:
    name = fresh("noedns")

    def old(query: Query) -> Iterable[Send]:
        if query.size is not None:
            return [Send(reply(query, rcode=code, edns=False))]
        return [Send(_good(query))]

    upstream.on(name, old)
    assert addresses(ask(server.address, name, edns=wire.Edns())) == [GOOD]


def test_row_33_a_formerr_of_the_header_alone_is_understood(
    server: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    """Very old servers answer OPT with the header and nothing else (RFC 6891 7)."""
    name = fresh("bareheader")

    def old(query: Query) -> Iterable[Send]:
        if query.size is not None:
            return [Send(query.raw[:2] + bytes.fromhex("8181 0000 0000 0000 0000"))]
        return [Send(_good(query))]

    upstream.on(name, old)
    response = ask(server.address, name, edns=wire.Edns())
    assert addresses(response) == [GOOD] or rcode(response) == "SERVFAIL"


def test_row_34_a_query_over_tcp_is_forwarded_over_tcp_first(
    server: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    name = fresh("tcpfirst")
    assert ask(server.address, name, tcp=True).answer
    assert upstream.queries(name)[0].tcp


def test_row_36_an_upstream_that_changes_the_case_is_still_understood(
    server: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    name = fresh("lowercase-only")

    def lowering(query: Query) -> Iterable[Send]:
        question = query.name_raw.lower() + query.kind.to_bytes(2, "big") + b"\0\1"
        return [Send(reply(query, wire.record("@", 300, "A", GOOD), question=question))]

    upstream.on(name, lowering)
    assert addresses(ask(server.address, name.title())) == [GOOD]
