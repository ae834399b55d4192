"""Hostile clients and packets of known crashes: the server answers or is silent by rule, lives, and stays small."""

import contextlib
import random
import resource
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.e2e.conftest import LISTS
from tests.harness import wire
from tests.harness.client import Tcp, Udp, ask, ask_raw, rcode
from tests.harness.server import Server
from tests.harness.upstream import FakeUpstream, Query, Send, reply, silent
from tests.harness.waiting import note, until

MIB = 1 << 20


@pytest.fixture(scope="module")
def quiet_upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as fake:
        yield fake


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, quiet_upstream: FakeUpstream) -> Iterator[Server]:
    """One server for all attacks here: what one leaves behind, the next may find."""
    made = Server(tmp_path_factory.mktemp("attacked"), (quiet_upstream.url,), {}, LISTS)
    made.prepare()
    try:
        made.start()
        pid = made.worker_pid()
        yield made
        assert made.worker_pid() == pid, "a worker died under attack and was replaced"
        made.stop()
    finally:
        made.kill()


def _memory(server: Server) -> int:
    status = Path(f"/proc/{server.worker_pid()}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def _head(flags: int = wire.RD, qd: int = 1, an: int = 0, ns: int = 0, ar: int = 0) -> bytes:
    return b"\x0b\xad" + struct.pack("!HHHHH", flags, qd, an, ns, ar)


NAME = wire.name_wire("crash.example.org")
TSIG = b"\x01k\0" + struct.pack("!HHIH", 250, 255, 0, 61) + b"\x0bhmac-sha256\0" + b"\0" * 48
KNOWN = {
    "pointer to itself (CVE-2000-0333 and many)": _head() + b"\xc0\x0c\0\1\0\1",
    "two pointers in a ring": _head() + b"\xc0\x0e\xc0\x0c\0\1\0\1",
    "pointer chain through the header": _head() + b"\xc0\x02\0\1\0\1",
    "counts of 65535 and nothing": _head(qd=65535, an=65535, ns=65535, ar=65535),
    "counts of 65535 and a question": _head(an=65535, ns=65535, ar=65535) + NAME + b"\0\1\0\1",
    "two OPT": _head(ar=2) + NAME + b"\0\1\0\1" + wire.opt() * 2,
    "forty OPT": _head(ar=40) + NAME + b"\0\1\0\1" + wire.opt() * 40,
    "OPT with garbage length": _head(ar=1) + NAME + b"\0\1\0\1" + wire.opt(b"\xff" * 7, length=0xFFFF),
    "OPT with option of length 65535": _head(ar=1) + NAME + b"\0\1\0\1" + wire.opt(b"\0\x08\xff\xff"),
    "ECS with prefix 255 (dnsmasq)": _head(ar=1) + NAME + b"\0\1\0\1" + wire.opt(b"\0\x08\0\x08\0\1\xff\xff\1\2\3\4"),
    "ECS of an unknown family": _head(ar=1) + NAME + b"\0\1\0\1" + wire.opt(b"\0\x08\0\x04\x4d\x4d\x08\0"),
    "cookie of one octet": _head(ar=1) + NAME + b"\0\1\0\1" + wire.opt(b"\0\x0a\0\x01x"),
    "cookie of 41 octets": _head(ar=1) + NAME + b"\0\1\0\1" + wire.opt(b"\0\x0a\0\x29" + b"x" * 41),
    "label of 0 octets first": _head() + b"\0" + NAME + b"\0\1\0\1",
    "label of 64 octets": _head() + b"\x40" + b"a" * 64 + b"\0\0\1\0\1",
    "name of 256 octets": _head() + (b"\x3f" + b"a" * 63) * 4 + b"\0\0\1\0\1",
    "labels to the end of the packet": _head() + b"\x01a" * 300,
    "TSIG without key (CVE-2020-8617)": _head(ar=1) + NAME + b"\0\1\0\1" + TSIG,
    "TSIG before OPT": _head(ar=2) + NAME + b"\0\1\0\1" + TSIG + wire.opt(),
    "TSIG as question": _head() + NAME + b"\0\xfa\0\xff",
    "TKEY query with TKEY record (CVE-2015-5477)": _head(ar=1)
    + NAME
    + b"\0\xf9\0\xff"
    + NAME
    + struct.pack("!HHIH", 249, 255, 0, 4)
    + b"\0" * 4,
    "SIG(0)": _head(ar=1) + NAME + b"\0\1\0\1" + b"\0" + struct.pack("!HHIH", 24, 255, 0, 18) + b"\0" * 18,
    "ANY of class ANY": _head() + NAME + b"\0\xff\0\xff",
    "DNAME": _head() + NAME + b"\0\x27\0\1",
    "NXT, KEY and old types (CVE-2002-0651)": _head() + NAME + b"\0\x1e\0\1",
    "IXFR with SOA": _head(ns=1) + NAME + b"\0\xfb\0\1" + wire.soa(),
    "UPDATE with a prerequisite": _head(flags=5 << 11, an=1) + NAME + b"\0\6\0\1" + wire.soa(),
    "NOTIFY with an answer": _head(flags=4 << 11, an=1) + NAME + b"\0\6\0\1" + wire.soa(),
    "DSO (RFC 8490)": _head(flags=6 << 11, qd=0) + b"\0\1\0\4\0\0\0\0",
    "zeros": b"\x0b\xad" + b"\0" * 510,
    "ones": b"\x0b\xad\x7f" + b"\xff" * 508,
}


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("what", KNOWN)
def test_packets_of_known_crashes_are_answered_by_rule(server: Server, what: str, tcp: bool) -> None:
    """An answer with the same id and a sound header; none of these is a response, so none is ignored."""
    found = ask_raw(server.address, KNOWN[what], tcp=tcp, timeout=20)
    assert found is not None
    assert found[:2] == b"\x0b\xad"
    _, flags, *_ = wire.header(found)
    assert flags & wire.QR
    assert flags & 15 in {0, 1, 2, 3, 4, 5, 9}
    assert len(found) <= 600


def test_64_kilobytes_over_tcp_do_no_harm(server: Server) -> None:
    contents = [
        b"\0" * 65535,
        b"\xff" * 65535,
        _head(qd=65535) + (b"\1a\0\0\1\0\1") * 9360,
        _head(ar=1) + NAME + b"\0\1\0\1" + wire.opt(b"\0\x0c\xff\x00" + b"\0" * 65280)[:65000],
        _head(ar=1) + NAME + b"\0\1\0\1" + wire.opt(b"\xfd\xe9\0\0" * 16000),
    ]
    for content in contents:
        with contextlib.suppress(OSError), Tcp(server.address, timeout=10) as connection:
            connection.send(content[:65535])
            if not content[2] & 0x80:  # a response is ignored in silence
                found = connection.receive()
                assert found is None or found[:2] == content[:2]
    assert ask(server.address, "after.example.org").answer


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.binary(max_size=600), min_size=1, max_size=25), st.integers(0, 3))
def test_any_bytes_over_udp_get_silence_or_an_answer_with_the_same_id(
    server: Server, datagrams: list[bytes], shape: int
) -> None:
    """Bytes as they come, or behind the beginning of a good query, so that the parser gets further in."""
    good = wire.query("fuzz.example.org", edns=wire.Edns())
    begin = (b"", good[2:12], good[2:35], good[2:])[shape]
    with Udp(server.address) as client:
        ids = set()
        for n, datagram in enumerate(datagrams):
            message = datagram if shape == 0 else struct.pack("!H", n) + begin + datagram
            ids.add(message[:2])
            client.send(message)
        last = wire.query("localhost", qid=0xFFFF)
        ids.add(last[:2])
        client.send(last)
        while (found := client.receive()) is not None:
            assert found[:2] in ids
            assert len(found) >= 12
            assert found[2] & 0x80
            if found[:2] == last[:2]:
                break
        else:
            raise AssertionError("the server no longer answers")


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.binary(max_size=400), min_size=1, max_size=10), st.booleans())
def test_any_bytes_over_tcp_get_silence_or_an_answer_with_the_same_id(
    server: Server, pieces: list[bytes], framed: bool
) -> None:
    with contextlib.suppress(ConnectionError), Tcp(server.address, timeout=20) as connection:
        if framed:
            connection.send(*pieces)
        else:
            connection.socket.sendall(b"".join(pieces))
        connection.socket.shutdown(socket.SHUT_WR)
        ids = {piece[:2] for piece in pieces}
        while (found := connection.receive()) is not None:
            assert found[2] & 0x80
            assert not framed or found[:2] in ids
    assert server.healthy()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_bytes_from_the_upstream_are_ignored_or_passed_on_as_a_whole_answer(
    server: Server, quiet_upstream: FakeUpstream, data: st.DataObject
) -> None:
    """Random replies, and good ones with some octets changed: the client gets one answer that a strict parser reads."""
    batch = [
        data.draw(st.one_of(st.binary(max_size=300), st.lists(st.integers(0, 2**20), max_size=6))) for _ in range(8)
    ]
    zone = f"fuzz{next(_zones)}.example.org"

    def handler(query: Query) -> list[Send]:
        chosen = batch[int(query.name[1 : query.name.index(".")]) % len(batch)]
        alias = wire.record("@", 300, "CNAME", f"t.{zone}.")
        good = reply(query, alias, wire.record(f"t.{zone}", 300, "A", "198.51.100.1"), authority=[wire.soa(zone)])
        if isinstance(chosen, bytes):
            return [Send(good[:2] + good[2 : 12 + len(query.name_raw) + 4] + chosen)]
        changed = bytearray(good)
        start = 12 + len(query.name_raw) + 4  # the question stays, or it would be no reply to us
        for number in chosen:
            changed[start + (number >> 8) % (len(good) - start)] = number & 255
        return [Send(bytes(changed))]

    quiet_upstream.on(zone, handler)
    with Udp(server.address) as client:
        asked = {n: wire.query(f"n{n}.{zone}", qid=n, edns=wire.Edns()) for n in range(len(batch))}
        for message in asked.values():
            client.send(message)
        found = client.collect(set(asked), 30)
    assert found.keys() == asked.keys(), "a client was left without an answer"
    for qid, message in found.items():
        assert wire.question_of(message) == wire.question_of(asked[qid])
        assert _well_formed(message), message.hex()


_zones = iter(range(1_000_000))


def _well_formed(message: bytes) -> bool:
    """Tell whether the sections hold what the counts promise, names are bounded, and nothing is left over."""
    _, _, qd, an, ns, ar = wire.header(message)
    at = 12
    try:
        for _ in range(qd):
            at = _skip_name(message, at) + 4
        for _ in range(an + ns + ar):
            at = _skip_name(message, at)
            (length,) = struct.unpack_from("!H", message, at + 8)
            at += 10 + length
    except (struct.error, IndexError, ValueError):
        return False
    return at == len(message)


def _skip_name(message: bytes, at: int) -> int:
    after, octets, position = 0, 0, at
    while True:
        length = message[position]
        if length >= 0xC0:
            target = struct.unpack_from("!H", message, position)[0] & 0x3FFF
            if target >= position:
                raise ValueError("a pointer that does not go backward")
            after = after or position + 2
            position = target
        elif length >= 0x40:
            raise ValueError("an unknown label type")
        else:
            octets += length + 1
            position += length + 1
            if octets > 255:
                raise ValueError("a name over 255 octets")
            if not length:
                return after or position


def test_a_thousand_hanging_tcp_connections_starve_nobody(server: Server) -> None:
    """From twenty addresses, some silent, some with half a message; UDP and a new TCP client are served meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    before = _memory(server)
    hanging: list[socket.socket] = []
    try:
        for n in range(1000):
            connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            hanging.append(connection)
            connection.settimeout(2)
            connection.bind((f"127.0.50.{n % 20 + 1}", 0))
            with contextlib.suppress(OSError):
                connection.connect(server.address)
                if n % 3:
                    connection.sendall(b"\0\x30\0\0"[: n % 4 + 1])
            if n % 100 == 50:
                assert ask(server.address, f"udp{n}.example.org").answer
        for n in range(30):
            assert ask(server.address, f"beside{n}.example.org").answer
        started = time.monotonic()

        def served() -> bool:
            with contextlib.suppress(OSError):
                return ask_raw(server.address, wire.query("tcp.example.org"), source="127.0.51.1", tcp=True) is not None
            return False

        until("a new TCP client to be served", served, 40)
        note(f"a new TCP client was served after {time.monotonic() - started:.2f} s")
        assert _memory(server) - before < 64 * MIB
    finally:
        for connection in hanging:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert ask(server.address, "later.example.org", tcp=True).answer


def test_random_tails_of_one_client_push_nobody_out_and_memory_is_bounded(server: Server) -> None:
    """Water torture, bounded: 20,000 names that nobody asked before; a popular name is still served from cache."""
    ask(server.address, "popular.example.org")
    before = _memory(server)
    with Udp(server.address, "127.0.52.1") as client:
        for batch in range(200):
            ids = set()
            for n in range(100):
                ids.add(n)
                client.send(wire.query(f"{random.getrandbits(64):x}-{batch}.example.org", qid=n))
            client.collect(ids, 5)
    ask(server.address, "popular.example.org")
    line = server.log_lines("popular.example.org")[-1]
    assert line["source"] == "cache"
    growth = _memory(server) - before
    note(f"memory grew by {growth / MIB:.1f} MiB")
    assert growth < 80 * MIB


def test_one_clients_stalled_questions_leave_room_for_others(server: Server, quiet_upstream: FakeUpstream) -> None:
    """3,000 questions in flight to a zone that is silent: others are answered, and every one of these is, too."""
    quiet_upstream.on("tarpit.example.org", silent)
    with Udp(server.address, "127.0.53.1") as hostile:
        answered = 0
        for n in range(3000):
            hostile.send(wire.query(f"n{n}.tarpit.example.org", qid=n))
            if n % 100 == 0:
                assert ask(server.address, f"meanwhile{n}.example.org", source="127.0.53.2").answer
        found = hostile.collect(set(range(3000)), 20)
        answered = len(found)
    codes = {wire.rcode_of(message) for message in found.values()}
    note(f"{answered} of 3000 answered, with {codes}")
    assert codes <= {wire.SERVFAIL, wire.REFUSED}
    assert answered >= 2900, "left without an answer (a few may be lost to a full socket buffer)"


def test_running_out_of_descriptors_stops_neither_udp_nor_tcp_for_good(
    tmp_path: Path, quiet_upstream: FakeUpstream
) -> None:
    """EMFILE at accept: every query is answered meanwhile (SERVFAIL if it needs a socket), then all is well."""
    small = Server(tmp_path, (quiet_upstream.url,), {"server": {"tcp_idle_seconds": 2.0}}, LISTS)
    small.prepare()
    try:
        small.start(before=["prlimit", "--nofile=100:100"])
        ask(small.address, "known.example.org")
        crowd = []
        for n in range(200):
            connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            connection.settimeout(2)
            connection.bind((f"127.0.54.{n % 10 + 1}", 0))
            crowd.append(connection)
            with contextlib.suppress(OSError):
                connection.connect(small.address)
        for n in range(10):
            assert ask(small.address, "known.example.org").answer
            assert rcode(ask(small.address, f"crowded{n}.example.org")) in {"NOERROR", "SERVFAIL"}
        for connection in crowd:
            connection.close()
        until("UDP to be forwarded again", lambda: ask(small.address, f"n{next(_zones)}.example.org").answer, 30)
        until("TCP to be served again", lambda: _tcp_served(small), 30)
        assert len(small.log_lines("crowded9.example.org")) == 1
        small.stop(quietly=False)  # asyncio reports each failed accept of the control socket
    finally:
        small.kill()


def _tcp_served(server: Server) -> bool:
    with contextlib.suppress(OSError):
        return ask_raw(server.address, wire.query("tcp.example.org"), tcp=True, timeout=5) is not None
    return False


def test_after_all_of_it_the_server_is_small_and_has_not_leaked(server: Server) -> None:
    """Runs last in this file, but does not need to: the bounds hold at any moment."""
    pid = server.worker_pid()
    until("idle connections to be closed", lambda: len(list(Path(f"/proc/{pid}/fd").iterdir())) < 600, 30)
    assert _memory(server) < 220 * MIB
    assert "Traceback" not in server.output(), server.output()
