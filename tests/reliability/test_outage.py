"""Upstreams that are dead, slow, flapping, and what clients get meanwhile: row 24, and several servers."""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.harness import wire
from tests.harness.client import Udp, addresses, ask, ede, judged, rcode
from tests.harness.server import Server
from tests.harness.upstream import FakeUpstream, Query, Send, reply, says, silent, usual
from tests.harness.waiting import note, until

Fresh = Callable[[str], str]


def _serve(folder: Path, *upstreams: str) -> Iterator[Server]:
    server = Server(folder, upstreams)
    server.prepare()
    try:
        yield server.start()
        server.stop()
    finally:
        server.kill()


def _expire(server: Server, fake: FakeUpstream, name: str) -> None:
    """Ask until the upstream is asked again: the answer of before has expired."""
    before = len(fake.queries(name))

    def expired() -> bool:
        ask(server.address, name)
        return len(fake.queries(name)) > before

    until("the answer to expire", expired)


@pytest.fixture
def lone(tmp_path: Path) -> Iterator[tuple[Server, FakeUpstream]]:
    """A server with one upstream that the test may break."""
    with FakeUpstream() as fake:
        for server in _serve(tmp_path, fake.url):
            yield server, fake


def test_row_24_an_outage_is_bridged_with_stale_answers_and_ends_with_it(
    lone: tuple[Server, FakeUpstream], fresh: Fresh
) -> None:
    """Known names: stale with TTL 30 and EDE 3; unknown ones: SERVFAIL; after recovery: fresh answers again."""
    server, fake = lone
    known, expired = fresh("known"), fresh("expired")
    fake.on(expired, says(wire.record("@", 1, "A", "198.51.100.1")))
    ask(server.address, expired, edns=wire.Edns())
    _expire(server, fake, expired)
    ask(server.address, known)
    fake.asleep = True
    asked = len(fake.queries(expired))
    stale = ask(server.address, expired, edns=wire.Edns())
    if not ede(stale):  # a second may not have passed: it was still fresh
        _expire(server, fake, expired)
        stale = ask(server.address, expired, edns=wire.Edns())
    assert addresses(stale) == ["198.51.100.1"]
    assert 1 <= stale.answer[0].ttl <= 30  # 30, or the TTL it once had, if that was less: none grows
    assert [int(option.code) for option in ede(stale)] == [3]
    assert len(fake.queries(expired)) > asked, "the upstream was not even asked"
    plain = ask(server.address, expired)
    assert addresses(plain) == ["198.51.100.1"]
    assert addresses(ask(server.address, known)), "what is not expired is answered as ever"
    started = time.monotonic()
    unknown = ask(server.address, fresh("unknown"), edns=wire.Edns())
    note(f"SERVFAIL after {time.monotonic() - started:.2f} s of silence")
    assert rcode(unknown) == "SERVFAIL"
    assert {int(option.code) for option in ede(unknown)} <= {0, 13, 22, 23}
    (line, *_) = [line for line in server.log_lines(expired) if line["source"] == "stale"]
    assert line["rcode"] == "NOERROR"
    fake.on(expired, says(wire.record("@", 300, "A", "198.51.100.2")))
    fake.asleep = False
    started = time.monotonic()
    until("a new name to be answered", lambda: rcode(ask(server.address, fresh("back"))) == "NOERROR", 20)
    note(f"back after {time.monotonic() - started:.2f} s")
    until("the fresh answer", lambda: addresses(ask(server.address, expired)) == ["198.51.100.2"], 40)


def test_row_24_a_closed_port_is_noticed_and_survived(tmp_path: Path, fresh: Fresh) -> None:
    """The upstream's process is gone: ICMP says 'port unreachable'. Answered with SERVFAIL, no crash."""
    fake = FakeUpstream()
    fake.close()
    for server in _serve(tmp_path, fake.url):
        for _ in range(2):
            assert rcode(ask(server.address, fresh("dead"))) == "SERVFAIL"
        assert server.healthy()


def test_row_24_the_second_server_takes_over_and_the_dead_one_is_not_hammered(tmp_path: Path, fresh: Fresh) -> None:
    with FakeUpstream() as first, FakeUpstream() as second:
        first.asleep = True
        for server in _serve(tmp_path, first.url, second.url):
            for _ in range(100):
                assert rcode(ask(server.address, fresh("failover"))) == "NOERROR"
            tries = len(first.queries())
            note(f"{tries} packets to the dead server for 100 questions")
            assert tries <= 40, "the dead server is hammered"
            first.asleep = False
            _until_asked(server, first, tries, fresh)


def _until_asked(server: Server, fake: FakeUpstream, tries: int, fresh: Fresh) -> None:
    def noticed() -> bool:
        ask(server.address, fresh("failover"))
        return len(fake.queries()) > tries

    until("the first server to be probed again", noticed, 40)


def test_row_24_no_server_at_all_and_one_that_refuses(tmp_path: Path, fresh: Fresh) -> None:
    """One refuses everything, the other works: clients do not notice."""
    with FakeUpstream() as refusing, FakeUpstream() as good:
        refusing.fallback = says(rcode=5)
        for server in _serve(tmp_path, refusing.url, good.url):
            for _ in range(20):
                assert rcode(ask(server.address, fresh("refused"))) == "NOERROR"


@pytest.mark.parametrize("fault", ["servfail", "garbage", "lies", "slow", "closed"])
def test_row_24_one_bad_server_of_two_costs_no_answer(tmp_path: Path, fresh: Fresh, fault: str) -> None:
    with FakeUpstream() as bad, FakeUpstream() as good:
        bad.fallback = {
            "servfail": says(rcode=2),
            "garbage": lambda q: [Send(q.raw[:2] + b"\x81\x80" + b"\xff" * 40)],
            "lies": lambda q: [Send(reply(q, wire.record("@", 300, "A", "203.0.113.66"), qid=q.qid ^ 1))],
            "slow": lambda q: [Send(send.data, 4.0) for send in usual(q)],
            "closed": usual,
        }[fault]
        if fault == "closed":
            bad.close()
        for server in _serve(tmp_path, bad.url, good.url):
            for _ in range(30):
                response = ask(server.address, fresh("fault"))
                assert rcode(response) == "NOERROR"
                assert addresses(response)[0].startswith("198.51.100.")


def test_row_24_flapping_costs_few_answers_and_few_packets(lone: tuple[Server, FakeUpstream], fresh: Fresh) -> None:
    """Five short outages, questions all the time, known and new: at least 99 of 100 known ones answered."""
    server, fake = lone
    known = [fresh("flap") for _ in range(20)]
    for name in known:
        fake.on(name, says(wire.record("@", 1, "A", "198.51.100.1")))
        ask(server.address, name)
    answered = asked = 0
    for _ in range(5):
        for asleep in (True, False):
            fake.asleep = asleep
            with Udp(server.address) as client:
                messages = {n: wire.query(name, qid=n) for n, name in enumerate(known)}
                for message in messages.values():
                    client.send(message)
                found = client.collect(set(messages))
            asked += len(messages)
            answered += sum(wire.rcode_of(message) == 0 for message in found.values())
            assert len(found) == len(messages), "a client was left without any answer"
    assert answered >= 0.99 * asked, f"{answered} of {asked}"
    assert len(fake.queries()) <= 2 * asked + 100


def test_a_refresh_of_a_stale_answer_goes_on_behind_it(lone: tuple[Server, FakeUpstream], fresh: Fresh) -> None:
    """An upstream that is slower than a client's patience: the client gets the old answer, the cache the new one."""
    server, fake = lone
    name = fresh("slow")
    fake.on(name, says(wire.record("@", 1, "A", "198.51.100.1")))
    ask(server.address, name)
    fake.on(name, silent)
    _expire(server, fake, name)
    fake.on(name, says(wire.record("@", 300, "A", "198.51.100.2"), delay=2.5))
    until("the new answer", lambda: addresses(ask(server.address, name)) == ["198.51.100.2"], 60)


def test_a_servers_silence_is_answered_to_every_waiting_client(lone: tuple[Server, FakeUpstream], fresh: Fresh) -> None:
    server, fake = lone
    fake.asleep = True
    name = fresh("nobody")
    clients = [Udp(server.address, f"127.0.5.{n + 1}") for n in range(20)]
    message = wire.query(name)
    try:
        for client in clients:
            client.send(message)
        for client in clients:
            found = client.receive()
            assert found is not None
            assert rcode(judged(message, found)) == "SERVFAIL"
    finally:
        for client in clients:
            client.close()


def test_row_24_lost_packets_cost_no_answer(lone: tuple[Server, FakeUpstream], fresh: Fresh) -> None:
    """The first packet of every question is lost: asked again well before the client gives up."""
    server, fake = lone
    zone = fresh("lossy")
    seen: set[str] = set()

    def lossy(query: Query) -> Iterable[Send]:
        if query.name in seen:
            return usual(query)
        seen.add(query.name)
        return ()

    fake.on(zone, lossy)
    asked = {n: wire.query(f"n{n}.{zone}", qid=n) for n in range(50)}
    started = time.monotonic()
    with Udp(server.address) as client:
        for message in asked.values():
            client.send(message)
        found = client.collect(set(asked))
    note(f"50 answers after a lost packet each: {time.monotonic() - started:.2f} s")
    assert {wire.rcode_of(message) for message in found.values()} == {wire.NOERROR}
    assert len(found) == 50


@pytest.mark.parametrize("manners", ["keeps", "closes after each answer", "closes instead of every third answer"])
def test_a_tcp_upstream_may_close_its_connections_when_it_likes(tmp_path: Path, fresh: Fresh, manners: str) -> None:
    with FakeUpstream() as fake:
        numbers = itertools.count(1)

        def handler(query: Query) -> Iterable[Send]:
            assert query.tcp
            n = next(numbers)
            if manners.endswith("third answer") and n % 3 == 0:
                return [Send(close=True)]
            return [*usual(query), *([Send(close=True)] if manners.endswith("each answer") else [])]

        fake.fallback = handler
        for server in _serve(tmp_path, fake.url.replace("udp", "tcp")):
            for _ in range(30):
                assert rcode(ask(server.address, fresh("tcp"))) == "NOERROR"
        assert not fake.complaints
        if manners == "keeps":
            assert len({query.source for query in fake.queries()}) <= 4, "the connection is not kept"
