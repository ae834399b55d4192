"""UDP sizes, TCP and its limits: rows 9, 12, 22, 23 and RELIABILITY section 5, Transport and load."""

import contextlib
import os
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness import wire
from tests.harness.client import Tcp, Udp, addresses, ask, ask_raw, judged, rcode
from tests.harness.server import ESTABLISHED, Server, sockets_of
from tests.harness.upstream import FakeUpstream, Query, Send, reply, silent
from tests.harness.waiting import until
from tests.reliability.conftest import BLOCKED

Fresh = Callable[[str], str]
IDLE = 2.0


def _big(records: int, text: str = "x" * 200) -> Callable[[Query], list[Send]]:
    """Return a handler whose answer is large: cut on UDP as a good server does, whole on TCP."""

    def handler(query: Query) -> list[Send]:
        whole = reply(query, *(wire.record("@", 300, "TXT", f'"{n:03} {text}"') for n in range(records)))
        fits = query.tcp or len(whole) <= (query.size or 512)
        return [Send(whole if fits else reply(query, flags=wire.TC))]

    return handler


def _strings(message: bytes) -> int:
    return wire.header(message)[3]


@pytest.mark.parametrize("records", [2, 4, 5, 40, 250])
def test_row_09_a_cut_answer_is_fetched_over_tcp_and_cut_again_for_small_clients(
    server: Server, upstream: FakeUpstream, fresh: Fresh, records: int
) -> None:
    name = fresh("big")
    upstream.on(name, _big(records))
    whole = ask(server.address, name, "TXT", tcp=True)
    assert len(whole.answer[0]) == records
    for edns in (None, *(wire.Edns(size=s) for s in (0, 512, 700, 1232, 1400, 4096, 65535))):
        message = wire.query(name, "TXT", edns=edns)
        found = ask_raw(server.address, message)
        assert found is not None
        cut = bool(wire.header(found)[1] & wire.TC)
        limit = 512 if edns is None else min(max(edns.size, 512), 1232)
        room = 12 + len(wire.question_of(message)) + records * (12 + 205) + (0 if edns is None else 11)
        assert cut == (room > limit), f"size {limit}, needed {room}, cut {cut}"
        judged(message, found, truncated=cut)
        if not cut:
            assert _strings(found) == records


def test_row_09_tc_without_tcp_is_never_removed(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    """The upstream cuts its answer but refuses TCP: the client learns that it was cut, or SERVFAIL."""
    name = fresh("notcp")
    partial = wire.record("@", 300, "A", "198.51.100.1")
    upstream.on(name, lambda q: [Send(close=True)] if q.tcp else [Send(reply(q, partial, flags=wire.TC))])
    for _ in range(2):
        message = wire.query(name)
        found = ask_raw(server.address, message)
        assert found is not None
        assert wire.header(found)[1] & wire.TC or wire.rcode_of(found) == wire.SERVFAIL
    over_tcp = ask_raw(server.address, wire.query(name), tcp=True)
    assert over_tcp is not None
    assert wire.rcode_of(over_tcp) == wire.SERVFAIL or wire.header(over_tcp)[1] & wire.TC


def _broken_tcp(how: str) -> Callable[[Query], list[Send]]:
    def handler(query: Query) -> list[Send]:
        if not query.tcp:
            return [Send(reply(query, flags=wire.TC))]
        good = reply(query, wire.record("@", 300, "A", "203.0.113.66"))
        bad = {
            "half a message": [Send(struct.pack("!H", len(good)) + good[:9], unframed=True), Send(close=True)],
            "length 0": [Send(b"")],
            "wrong id": [Send(reply(query, wire.record("@", 300, "A", "203.0.113.66"), qid=query.qid ^ 1))],
            "garbage": [Send(b"\xff" * 5000, unframed=True), Send(close=True)],
            "closed at once": [Send(close=True)],
        }
        return bad[how]

    return handler


def test_row_09_a_broken_tcp_answer_of_the_upstream_is_servfail(
    server: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    names = {fresh("badtcp"): how for how in ("half a message", "length 0", "wrong id", "garbage", "closed at once")}
    asked = {}
    for qid, (name, how) in enumerate(names.items()):
        upstream.on(name, _broken_tcp(how))
        asked[qid] = wire.query(name, qid=qid)
    with Udp(server.address) as client:
        for message in asked.values():
            client.send(message)
        found = client.collect(set(asked))
    assert found.keys() == asked.keys(), "silence"
    for message in found.values():
        assert wire.rcode_of(message) == wire.SERVFAIL or wire.header(message)[1] & wire.TC
        assert not wire.header(message)[3]


def test_row_09_and_19_tcp_serves_every_source_of_answers(server: Server, fresh: Fresh) -> None:
    for name in (fresh("tcp"), BLOCKED, "localhost"):
        assert rcode(ask(server.address, name, tcp=True)) == "NOERROR"


def test_row_22_an_answer_that_is_larger_than_asked_is_dealt_with(
    server: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    """An upstream that ignores our size and sends 4 KB by UDP: passed on by the client's size, or fetched by TCP."""
    name = fresh("oversize")
    records = [wire.record("@", 300, "TXT", f'"{n:03} {"y" * 200}"') for n in range(20)]
    upstream.on(name, lambda q: [Send(reply(q, *records))])
    ask(server.address, name, "TXT", edns=wire.Edns(), truncated=True)
    assert len(ask(server.address, name, "TXT", tcp=True).answer[0]) == 20


def test_row_23_several_queries_in_one_segment_are_all_answered(server: Server, fresh: Fresh) -> None:
    asked = {n: wire.query(fresh("segment"), "A", qid=n) for n in range(50)}
    with Tcp(server.address) as connection:
        connection.send(*asked.values())
        found = [connection.receive() for _ in asked]
    assert None not in found
    for message in found:
        assert message is not None
        assert judged(asked.pop(wire.qid_of(message)), message, tcp=True).answer
    assert not asked


def test_row_23_a_query_fed_octet_by_octet_is_answered(server: Server, fresh: Fresh) -> None:
    message = wire.query(fresh("octets"))
    with Tcp(server.address) as connection:
        for octet in struct.pack("!H", len(message)) + message:
            connection.socket.sendall(bytes([octet]))
        found = connection.receive()
        assert found is not None
        judged(message, found, tcp=True)
        # Split across messages: the tail of one and the head of the next together.
        both = b"".join(struct.pack("!H", len(m)) + m for m in (message, wire.query(BLOCKED, qid=7)))
        connection.socket.sendall(both[: len(message) + 7])
        first = connection.receive()
        connection.socket.sendall(both[len(message) + 7 :])
        second = connection.receive()
    assert first is not None
    assert second is not None
    assert wire.qid_of(second) == 7


def test_row_23_a_slow_answer_does_not_hold_up_the_ones_behind_it(
    server: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    """Out of order: the slow question is answered when the test says so, after the quick ones were."""
    slow, parked = fresh("slow"), []

    def hold(query: Query) -> list[Send]:
        parked.append(query)
        return []

    upstream.on(slow, hold)
    with Tcp(server.address) as connection:
        connection.send(wire.query(slow, qid=1), wire.query(fresh("quick"), qid=2), wire.query(BLOCKED, qid=3))
        found = [connection.receive(), connection.receive()]
        assert {wire.qid_of(message) for message in found if message} == {2, 3}
        upstream.on(slow, lambda q: [Send(reply(q, wire.record("@", 300, "A", "198.51.100.1")))])
        last = connection.receive()
    assert last is not None
    assert wire.qid_of(last) == 1
    assert wire.rcode_of(last) in {wire.NOERROR, wire.SERVFAIL}


def test_row_23_a_connection_serves_one_query_after_another(server: Server, fresh: Fresh) -> None:
    with Tcp(server.address) as connection:
        for n in range(30):
            message = wire.query(fresh("again"), qid=n)
            connection.send(message)
            found = connection.receive()
            assert found is not None
            judged(message, found, tcp=True)


def test_row_23_a_client_that_sends_and_closes_its_half_still_gets_its_answers(
    server: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    name = fresh("halfclose")
    upstream.on(name, lambda q: [Send(reply(q, wire.record("@", 300, "A", "198.51.100.1")), delay=0.2)])
    with Tcp(server.address) as connection:
        connection.send(wire.query(name, qid=1), wire.query(fresh("other"), qid=2))
        connection.socket.shutdown(socket.SHUT_WR)
        found = {wire.qid_of(m) for m in (connection.receive(), connection.receive()) if m is not None}
    assert found == {1, 2}


def test_row_05_malformed_tcp_streams_do_no_harm(server: Server, fresh: Fresh) -> None:
    streams = [
        b"\0\0",
        b"\0\0" * 1000,
        b"\0\x01x",
        b"\xff\xff" + b"\0" * 65535,
        b"\0\x0b" + b"\0" * 11,
        b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(200),
        os.urandom(100_000),
    ]
    for stream in streams:
        with contextlib.suppress(OSError), Tcp(server.address, timeout=5) as connection:
            connection.socket.sendall(stream)
            connection.socket.shutdown(socket.SHUT_WR)
            connection.ended(5)
    assert ask(server.address, fresh("after"), tcp=True).answer


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory, upstream: FakeUpstream) -> Iterator[Server]:
    """A server with small limits on TCP, which also listens on IPv6 and on every IPv4 address."""
    folder: Path = tmp_path_factory.mktemp("narrow")
    limits = {"tcp_connections": 24, "tcp_connections_per_client": 4, "tcp_idle_seconds": IDLE}
    server = Server(folder, (upstream.url,), {"server": {"listen": ["127.0.0.1:0", "[::1]:0"], **limits}})
    server.prepare()
    try:
        yield server.start()
        server.stop()
    finally:
        server.kill()


def _descriptors(server: Server) -> int:
    return len(list(Path(f"/proc/{server.worker_pid()}/fd").iterdir()))


def _alive(connection: Tcp, fresh: Fresh) -> bool:
    """Tell whether the connection still serves."""
    try:
        connection.send(wire.query("localhost"))
    except ConnectionError:
        return False
    return connection.receive() is not None


def test_row_12_one_client_has_a_limited_number_of_connections(narrow: Server, fresh: Fresh) -> None:
    """The fifth of one client is closed (or an older one of that client is); others are not touched."""
    other = Tcp(narrow.address, "127.0.2.2")
    mine = [Tcp(narrow.address, "127.0.2.1") for _ in range(8)]
    try:
        until("the server to close some", lambda: sum(_alive(c, fresh) for c in mine) <= 4)
        assert any(_alive(c, fresh) for c in mine)
        assert _alive(other, fresh)
    finally:
        for connection in (other, *mine):
            connection.close()


def test_row_12_the_total_is_limited_and_udp_goes_on(narrow: Server, fresh: Fresh) -> None:
    crowd = []
    try:
        for n in range(60):
            with contextlib.suppress(OSError):
                crowd.append(Tcp(narrow.address, f"127.0.3.{n // 3 + 1}", timeout=5))
        for _ in range(20):
            assert ask(narrow.address, fresh("crowd")).answer
        held = [state for kind, _, state in sockets_of(narrow.worker_pid()) if kind == "tcp" and state == ESTABLISHED]
        assert 0 < len(held) <= 24
    finally:
        for connection in crowd:
            connection.close()
    assert ask(narrow.address, fresh("crowd"), tcp=True).answer, "TCP is served again when the crowd has gone"


def test_row_12_idle_and_half_sent_connections_are_ended_without_leak(narrow: Server, fresh: Fresh) -> None:
    """Idle from the start; idle after an answer; a message whose rest never comes; drip-fed for ever."""
    before = _descriptors(narrow)
    silent_one = Tcp(narrow.address, "127.0.4.1")
    served = Tcp(narrow.address, "127.0.4.2")
    served.send(wire.query(fresh("idle")))
    assert served.receive() is not None
    half = Tcp(narrow.address, "127.0.4.3")
    half.socket.sendall(b"\0\x40abc")
    length_only = Tcp(narrow.address, "127.0.4.4")
    length_only.socket.sendall(b"\0")
    for connection in (silent_one, served, half, length_only):
        assert connection.ended(IDLE * 8), "never ended"
        connection.close()
    until("the descriptors to be given back", lambda: _descriptors(narrow) <= before + 2)


def test_row_12_a_message_that_drips_in_is_ended_by_the_deadline_for_the_whole(narrow: Server) -> None:
    """Slowloris: an octet now and then must not keep the connection alive (RFC 7766 6.2.3)."""
    with Tcp(narrow.address, "127.0.4.9") as drip:
        drip.socket.sendall(b"\xff\xff")

        def ended() -> bool:
            try:
                drip.socket.sendall(b"x")
            except ConnectionError:
                return True
            return drip.ended(0.3)

        until("the dripping connection to be ended", ended, IDLE * 10)


def test_row_12_a_client_that_never_reads_does_not_hold_memory(
    narrow: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    """A slow reader is dropped, or its queries are no longer read; either way the server stays small."""
    name = fresh("unread")
    upstream.on(name, _big(250))
    assert ask(narrow.address, name, "TXT", tcp=True).answer
    start = _rss(narrow)
    with Tcp(narrow.address, "127.0.4.20", timeout=1.0) as reader:
        with contextlib.suppress(OSError):
            for n in range(4000):
                reader.send(wire.query(name, "TXT", qid=n))
        assert ask(narrow.address, fresh("beside")).answer
        assert _rss(narrow) - start < 40 << 20, "answers pile up for a client that does not read"


def _rss(server: Server) -> int:
    status = Path(f"/proc/{server.worker_pid()}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def test_row_12_queries_in_flight_over_tcp_are_forgotten_when_the_client_leaves(
    narrow: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    zone = fresh("left")
    upstream.on(zone, silent)
    before = _descriptors(narrow)
    for n in range(12):
        with Tcp(narrow.address, "127.0.4.30") as leaver:
            leaver.send(*(wire.query(f"n{n}-{k}.{zone}") for k in range(10)))
    assert narrow.healthy()
    until("what was opened for them to be closed", lambda: _descriptors(narrow) <= before + 40, 30)


def test_answers_leave_from_the_address_that_was_asked(narrow: Server, fresh: Fresh) -> None:
    """IPv4 and IPv6, UDP and TCP; the sockets of the client are connected, so another source is not heard."""
    assert len(narrow.addresses) == 2
    for address in narrow.addresses:
        for tcp in (False, True):
            assert rcode(ask(address, fresh("family"), tcp=tcp)) == "NOERROR"


def test_the_log_knows_ipv6_clients(narrow: Server, fresh: Fresh) -> None:
    name = fresh("six")
    ask(narrow.addresses[1], name)
    assert [line["client"] for line in narrow.log_lines(name)] == ["::1"]


def test_answers_of_a_wildcard_listener_leave_from_the_address_that_was_asked(
    tmp_path_factory: pytest.TempPathFactory, upstream: FakeUpstream, fresh: Fresh
) -> None:
    """RFC 2181 4: asked at 127.0.0.3, answered from 127.0.0.3, though the socket is bound to every address."""
    server = Server(tmp_path_factory.mktemp("wild"), (upstream.url,), {"server": {"listen": ["0.0.0.0:0"]}})
    server.prepare()
    try:
        server.start()
        port = server.address[1]
        for host in ("127.0.0.1", "127.0.0.3", "127.9.8.7"):
            for _ in range(2):  # forwarded, then from cache
                assert addresses(ask((host, port), "wild.example.org"))
            assert addresses(ask((host, port), "wild.example.org", tcp=True))
        server.stop()
    finally:
        server.kill()


def test_icmp_errors_of_clients_that_left_do_no_harm(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    """The answer to a closed socket comes back as 'port unreachable'."""
    for _ in range(20):
        name = fresh("gone")
        upstream.on(name, lambda q: [Send(reply(q, wire.record("@", 300, "A", "198.51.100.1")), delay=0.05)])
        with Udp(server.address) as client:
            client.send(wire.query(name))
    for _ in range(5):
        assert ask(server.address, fresh("stays")).answer
