"""TCP connections in this process, over loopback; the clock of their deadlines is wound by hand."""

import os
import socket
import struct
from pathlib import Path

import pytest

from settings.model import Durability
from tests.harness import wire
from tests.resolver.tcp_house import BLOCKED, IDLE, buffered, framed, house, until
from tests.resolver.world import address_record, judged, texts


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_question_is_answered(tmp_path: Path, host: str) -> None:
    async with house(tmp_path) as some:
        client = await some.connect(some.listen(host), host)
        await client.send(framed(BLOCKED))
        reply = await client.reply()
        assert wire.qid_of(reply) == 1
        assert texts(judged(reply)) == ["0.0.0.0"]
        assert some.written() == 1


async def test_octets_may_come_one_by_one(tmp_path: Path) -> None:
    """Row 23."""
    async with house(tmp_path) as some:
        client = await some.connect(some.listen())
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        octets = framed(BLOCKED, wire.query("localhost", qid=2))
        for number in range(len(octets)):
            await client.send(octets[number : number + 1])
            whole = len(framed(BLOCKED)) if number + 1 >= len(framed(BLOCKED)) else 0
            await buffered(some, (number + 1 - whole) % (len(octets) - len(framed(BLOCKED))) if whole else number + 1)
        assert [wire.qid_of(await client.reply()) for _ in range(2)] == [1, 2]


@pytest.mark.parametrize("cut", [1, 2, 3, 20, 50, 1000])
async def test_messages_may_be_cut_anywhere(tmp_path: Path, cut: int) -> None:
    async with house(tmp_path) as some:
        client = await some.connect(some.listen())
        octets = framed(*(wire.query(f"n{number}.games.example.org", qid=number) for number in range(50)))
        for begin in range(0, len(octets), cut):
            await client.send(octets[begin : begin + cut])
        assert [wire.qid_of(await client.reply()) for _ in range(50)] == list(range(50))
        assert some.written() == 50


async def test_answers_may_come_out_of_order(tmp_path: Path) -> None:
    async with house(tmp_path) as some:
        client = await some.connect(some.listen())
        await client.send(
            framed(wire.query("slow.example.org", qid=7), wire.query("slower.example.org", qid=8), BLOCKED)
        )
        assert wire.qid_of(await client.reply()) == 1
        some.world.server.reply_by_stream(1, address_record())
        some.finish()
        assert wire.qid_of(await client.reply()) == 8
        some.world.server.reply_by_stream(0, address_record())
        some.finish()
        assert wire.qid_of(await client.reply()) == 7
        assert some.written() == 3


async def test_a_large_answer_is_whole(tmp_path: Path) -> None:
    async with house(tmp_path) as some:
        client = await some.connect(some.listen())
        await client.send(framed(wire.query("big.example.org", "TXT")))
        await until(lambda: bool(some.world.server.stream.asked))
        records = [wire.record("@", 60, "TXT", f'"{number:0200d}"') for number in range(280)]
        some.world.server.reply_by_stream(0, *records)
        some.finish()
        assert len(judged(await client.reply()).answer) == 280


async def test_malformed_messages_get_their_error_and_the_connection_stays(tmp_path: Path) -> None:
    async with house(tmp_path) as some:
        client = await some.connect(some.listen())
        await client.send(framed(b"\x00\x09\x01\x00\x00\x07" + bytes(6), b"\x00\x0a\x81\x80" + bytes(8), BLOCKED))
        first = await client.reply()
        assert (wire.qid_of(first), wire.rcode_of(first)) == (9, 1)
        assert wire.qid_of(await client.reply()) == 1


@pytest.mark.parametrize("junk", [b"", b"\x00", b"\x00" * 11])
async def test_what_cannot_be_a_message_ends_the_connection(tmp_path: Path, junk: bytes) -> None:
    async with house(tmp_path) as some:
        client = await some.connect(some.listen())
        await client.send(framed(junk))
        assert await client.ended()
        await until(lambda: not some.connections.open)


async def test_a_good_question_before_junk_is_answered_however_the_octets_are_cut(tmp_path: Path) -> None:
    """RFC 7766 section 7: how octets are cut must not matter."""
    async with house(tmp_path) as some:
        client = await some.connect(some.listen())
        await client.send(framed(BLOCKED, b""))
        assert wire.qid_of(await client.reply()) == 1


async def test_a_half_closed_connection_gets_its_answers(tmp_path: Path) -> None:
    async with house(tmp_path) as some:
        port = some.listen()
        client = await some.connect(port)
        await client.send(framed(BLOCKED, wire.query("slow.example.org", qid=7)))
        client.sock.shutdown(socket.SHUT_WR)
        assert wire.qid_of(await client.reply()) == 1
        await until(lambda: bool(some.world.server.stream.asked))
        some.world.server.reply_by_stream(0, address_record())
        some.finish()
        assert wire.qid_of(await client.reply()) == 7
        some.world.now += IDLE + 1
        some.connections.sweep(some.world.now)
        assert await client.ended()
        quick = await some.connect(port)
        await quick.send(framed(BLOCKED))
        quick.sock.shutdown(socket.SHUT_WR)
        assert wire.qid_of(await quick.reply()) == 1
        assert await quick.ended()


async def test_answers_for_a_connection_that_is_gone_are_dropped(tmp_path: Path) -> None:
    async with house(tmp_path) as some:
        client = await some.connect(some.listen())
        await client.send(framed(wire.query("slow.example.org", qid=7)))
        await until(lambda: bool(some.world.server.stream.asked))
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not a farewell
        client.sock.close()
        await until(lambda: not some.connections.open)
        some.world.server.reply_by_stream(0, address_record())
        some.finish()
        assert some.world.engine.clients.get(socket.inet_aton("127.0.0.1"), 0.0).in_flight == 0


async def test_closing_lets_out_what_was_written(tmp_path: Path) -> None:
    async with house(tmp_path) as some:
        client = await some.connect(some.listen())
        await client.send(framed(BLOCKED))
        await until(lambda: some.written() == 1)
        some.connections.stop()
        some.connections.close()
        assert wire.qid_of(await client.reply()) == 1
        assert await client.ended()


async def test_lines_are_on_the_disk_before_answers_leave_if_so_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`durability = "batch"` holds for TCP as for UDP."""
    synced = 0
    original = os.fdatasync

    def counted(fd: int) -> None:
        nonlocal synced
        synced += 1
        original(fd)

    monkeypatch.setattr(os, "fdatasync", counted)
    async with house(tmp_path, durability=Durability.BATCH) as some:
        client = await some.connect(some.listen())
        await client.send(framed(BLOCKED))
        assert await client.reply()
        assert synced == 1
