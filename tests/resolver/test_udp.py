"""The UDP listener over real loopback sockets, in this process."""

import asyncio
import select
import socket
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

from resolver.querylog import HEADER_LINE, QueryLog
from resolver.udp import BATCH, UdpListener, client_of
from settings.model import Durability
from tests.harness import wire
from tests.resolver.world import World, address_record, judged, listed, policy, texts

WAIT = 5.0


class Desk:
    """A listening socket with a world behind it, and clients before it."""

    def __init__(self, folder: Path, host: str, bound: str = "") -> None:
        self.family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.host = host
        self.world = World(policy(), listed("games.example.org"))
        self.log = QueryLog(folder, 0, UTC, segment_bytes=1 << 20, durability=Durability.BATCH, clock=lambda: 1e9)
        self.log.open()
        self.folder = folder
        sock = socket.socket(self.family, socket.SOCK_DGRAM)
        if self.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((bound or host, 0))
        self.sock = sock
        self.port = sock.getsockname()[1]
        self.listener = UdpListener(sock, self.world.engine, self.log, self.world.clock, self.finish)
        self.clients: list[socket.socket] = []

    def finish(self) -> None:
        """Write and send what was late, as a worker does."""
        engine = self.world.engine
        lines, engine.lines = engine.lines, []
        outbox, engine.outbox = engine.outbox, []
        if lines:
            stamp = self.log.stamp()
            self.log.write(stamp + stamp.join(lines))
        for peer, message in outbox:
            peer.send(message)
        self.listener.flush()

    def client(self, connect: bool = True) -> socket.socket:
        """Return a client's socket."""
        made = socket.socket(self.family, socket.SOCK_DGRAM)
        made.bind((self.host, 0))
        made.settimeout(WAIT)
        if connect:
            made.connect((self.host, self.port))
        self.clients.append(made)
        return made

    def serve(self) -> None:
        """Let the listener read what has come; something must have."""
        assert select.select([self.sock], [], [], WAIT)[0]
        while select.select([self.sock], [], [], 0)[0]:
            self.listener._readable()

    def written(self) -> list[str]:
        """Return all lines of the log."""
        content = b"".join(path.read_bytes() for path in sorted(self.folder.glob("*.tsv")))
        return content.removeprefix(HEADER_LINE).decode().splitlines()

    def close(self) -> None:
        """Close everything."""
        for each in (self.sock, *self.clients):
            each.close()
        self.log.close()


@pytest.fixture(params=["127.0.0.1", "::1"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """Return a listener for each family."""
    made = Desk(tmp_path, request.param)
    yield made
    made.close()


def test_a_batch_is_answered_in_one_go_and_is_in_the_log_before(desk: Desk) -> None:
    clients = [desk.client() for _ in range(10)]
    for number, client in enumerate(clients):
        client.send(wire.query("games.example.org", qid=number))
        client.send(wire.query("localhost", qid=1000 + number))
    desk.serve()
    assert len(desk.written()) == 20
    for number, client in enumerate(clients):
        replies = [client.recv(4096), client.recv(4096)]
        assert [wire.qid_of(reply) for reply in replies] == [number, 1000 + number]
        assert texts(judged(replies[0])) == ["0.0.0.0"]
        assert texts(judged(replies[1])) == ["127.0.0.1"]
    assert desk.world.engine.counters.queries == 20
    assert desk.world.engine.counters.blocked == 10
    assert all(line.split("\t")[1] == desk.host for line in desk.written())


def test_more_than_a_batch_is_answered_in_turns(desk: Desk) -> None:
    client = desk.client()
    for number in range(BATCH * 2 + 5):
        client.send(wire.query("games.example.org", qid=number))
    desk.serve()
    assert [wire.qid_of(client.recv(4096)) for _ in range(BATCH * 2 + 5)] == list(range(BATCH * 2 + 5))
    assert len(desk.written()) == BATCH * 2 + 5


def test_answers_silences_and_waits_in_one_batch_do_not_mix(desk: Desk) -> None:
    """A reply is written over its query: nothing may be left of another, longer or shorter."""
    client = desk.client()
    long = wire.query("x" * 60 + ".games.example.org", qid=1, edns=wire.Edns(options=((12, bytes(300)),)))
    for message in (
        long,
        b"",
        b"\x00",
        b"\x12\x34" + bytes(9),
        wire.query("away.example.org", qid=2),
        wire.query("localhost", qid=3),
        b"\x00\x04" + b"\x81\x80" + bytes(8),
        wire.query("games.example.org", qid=5),
        b"\x00\x06\x01\x00\x00\x05" + bytes(6),
        wire.query("away.example.org", qid=7),
        long[:2] + long[2:].upper(),
    ):
        client.send(message)
    desk.serve()
    found = [client.recv(4096) for _ in range(5)]
    assert [wire.qid_of(reply) for reply in found] == [1, 3, 5, 6, 1]
    assert [judged(reply).rcode() for reply in found] == [0, 0, 0, 1, 0]
    desk.world.now += 0.01
    desk.world.server.reply(0, address_record())
    desk.finish()
    late = [client.recv(4096) for _ in range(2)]
    assert [wire.qid_of(reply) for reply in late] == [2, 7]
    assert all(texts(judged(reply)) == ["192.0.2.1"] for reply in late)
    assert len(desk.written()) == 7
    client.send(wire.query("games.example.org", qid=9))
    desk.serve()
    assert len(client.recv(4096)) < 120


def test_late_replies_go_to_who_asked(desk: Desk) -> None:
    clients = [desk.client() for _ in range(BATCH + 20)]
    for number, client in enumerate(clients):
        client.send(wire.query("www.example.org", qid=number))
    desk.serve()
    assert len(desk.world.server.udp.sent) == 1
    desk.world.server.reply(0, address_record())
    desk.finish()
    assert [wire.qid_of(client.recv(4096)) for client in clients] == list(range(BATCH + 20))
    assert len(desk.written()) == BATCH + 20


def test_a_finished_reply_is_used_again_until_its_ttls_must_change(desk: Desk) -> None:
    client = desk.client()

    def ask() -> tuple[list[str], int]:
        client.send(wire.query("www.example.org"))
        desk.serve()
        reply = judged(client.recv(4096))
        return texts(reply), reply.answer[0].ttl

    client.send(wire.query("www.example.org"))
    desk.serve()
    desk.world.server.reply(0, address_record(ttl=60))
    desk.finish()
    client.recv(4096)
    seen = []
    for step in (0.0, 0.5, 0.4, 0.2, 10.0, 48.0):
        desk.world.now += step
        seen.append(ask())
    assert seen == [(["192.0.2.1"], ttl) for ttl in (60, 59, 59, 58, 48, 0)]
    assert len(desk.world.server.udp.sent) <= 2
    assert desk.world.engine.counters.cached == 6
    assert len(desk.written()) == 7


def test_a_datagram_larger_than_any_query_harms_nobody(desk: Desk) -> None:
    client = desk.client()
    client.send(wire.query("localhost", qid=1) + bytes(9000))
    client.send(wire.query("localhost", qid=2))
    desk.serve()
    assert judged(client.recv(4096)).rcode() == 1
    assert texts(judged(client.recv(4096))) == ["127.0.0.1"]


def test_a_reader_that_wakes_for_nothing_goes_on(desk: Desk) -> None:
    desk.listener._readable()
    client = desk.client()
    client.send(wire.query("localhost"))
    desk.serve()
    assert client.recv(4096)


def test_a_client_that_went_away_harms_nobody(desk: Desk) -> None:
    gone, stays = desk.client(), desk.client()
    for _ in range(3):
        gone.send(wire.query("localhost"))
        stays.send(wire.query("localhost"))
    gone.close()
    desk.serve()
    for _ in range(3):
        assert stays.recv(4096)
    stays.send(wire.query("localhost"))
    desk.serve()
    assert stays.recv(4096)


@pytest.mark.parametrize("asked", ["127.0.0.5", "127.0.0.1", "127.1.2.3"])
def test_a_wildcard_socket_answers_from_the_address_that_was_asked(tmp_path: Path, asked: str) -> None:
    desk = Desk(tmp_path, "127.0.0.1", "0.0.0.0")
    try:
        client = desk.client(connect=False)
        client.sendto(wire.query("localhost", qid=1), (asked, desk.port))
        client.sendto(wire.query("www.example.org", qid=2), (asked, desk.port))
        desk.serve()
        assert client.recvfrom(4096)[1] == (asked, desk.port)
        desk.world.server.reply(0, address_record())
        desk.finish()
        reply, address = client.recvfrom(4096)
        assert address == (asked, desk.port)
        assert texts(judged(reply)) == ["192.0.2.1"]
    finally:
        desk.close()


def test_a_wildcard_socket_tells_addresses_apart_within_a_batch(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "127.0.0.1", "0.0.0.0")
    try:
        client = desk.client(connect=False)
        for turn in range(3):
            for number in range(20):
                client.sendto(wire.query("localhost", qid=number), (f"127.0.{turn}.{number + 1}", desk.port))
            desk.serve()
            assert {client.recvfrom(4096)[1][0] for _ in range(20)} == {f"127.0.{turn}.{n + 1}" for n in range(20)}
    finally:
        desk.close()


def test_an_ipv6_wildcard_socket(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "::1", "::")
    try:
        client = desk.client()
        client.send(wire.query("localhost", "AAAA"))
        desk.serve()
        assert texts(judged(client.recv(4096))) == ["::1"]
        client.send(wire.query("www.example.org"))
        desk.serve()
        desk.world.server.reply(0, address_record())
        desk.finish()
        assert texts(judged(client.recv(4096))) == ["192.0.2.1"]
    finally:
        desk.close()


def test_a_log_that_fails_does_not_keep_answers_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    client = desk.client()
    client.send(wire.query("localhost"))
    with monkeypatch.context() as patch:
        patch.setattr("resolver.querylog.os.write", _full)
        desk.serve()
    assert client.recv(4096)
    assert desk.log.error
    desk.log.retry()
    assert len(desk.written()) == 1


def _full(_fd: int, _octets: bytes) -> int:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("fe80::1%lo", "fe80::1"), ("10.1.2.3", "10.1.2.3")],
)
def test_clients_by_tcp_are_the_same_as_by_udp(text: str, address: str) -> None:
    world = World()
    assert client_of(world.engine, text, 0.0).address == address
    assert client_of(world.engine, text, 0.0) is client_of(world.engine, address, 1.0)


async def test_attached_to_a_loop_it_answers_by_itself(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "127.0.0.1")
    loop = asyncio.get_running_loop()
    try:
        desk.listener.attach(loop)
        client = desk.client()
        client.setblocking(False)
        await loop.sock_sendall(client, wire.query("localhost"))
        async with asyncio.timeout(WAIT):
            assert await loop.sock_recv(client, 4096)
        desk.listener.detach(loop)
        await loop.sock_sendall(client, wire.query("localhost"))
        assert select.select([desk.sock], [], [], WAIT)[0]
        await asyncio.sleep(0)
        assert not select.select([client], [], [], 0)[0]
    finally:
        desk.close()
