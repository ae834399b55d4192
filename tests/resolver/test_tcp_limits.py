"""TCP: limits in all and per client, deadlines by a clock wound by hand."""

import asyncio
import errno
import os
import socket
from pathlib import Path

import pytest

from resolver.tcp import MAX_PIPELINED, MAX_UNREAD, MESSAGE_SECONDS
from tests.harness import wire
from tests.resolver.tcp_house import BLOCKED, IDLE, buffered, framed, house, until
from tests.resolver.world import address_record

# -- limits ------------------------------------------------------------------------------------------------------------


async def test_connections_per_client_are_limited(tmp_path: Path) -> None:
    """Row 12."""
    async with house(tmp_path, most=20, per_client=3) as some:
        port = some.listen()
        kept = [await some.connect(port) for _ in range(3)]
        await until(lambda: len(some.connections.open) == 3)
        assert await (await some.connect(port)).ended()
        other = await some.connect(port, source="127.0.0.2")
        for client in (*kept, other):
            await client.send(framed(BLOCKED))
            assert await client.reply()
        kept[0].sock.close()
        await until(lambda: len(some.connections.open) == 3)
        again = await some.connect(port)
        await again.send(framed(BLOCKED))
        assert await again.reply()


async def test_when_all_places_are_taken_the_idlest_goes(tmp_path: Path) -> None:
    async with house(tmp_path, most=4, per_client=4) as some:
        port = some.listen()
        clients = []
        for number in range(4):
            clients.append(await some.connect(port, source=f"127.0.0.{number + 1}"))
            await until(lambda count=number + 1: len(some.connections.open) == count)  # type: ignore[misc] # bound now
        await clients[0].send(framed(BLOCKED))
        assert await clients[0].reply()
        newest = await some.connect(port, source="127.0.0.9")
        assert await clients[1].ended(), "the idlest is the second: the first has just asked"
        for client in (clients[0], clients[2], clients[3], newest):
            await client.send(framed(BLOCKED))
            assert await client.reply()
        assert len(some.connections.open) == 4


async def test_who_waits_for_an_answer_is_not_the_idlest(tmp_path: Path) -> None:
    async with house(tmp_path, most=2, per_client=4) as some:
        port = some.listen()
        waiting = [await some.connect(port, source=f"127.0.0.{n}") for n in (1, 2)]
        for number, client in enumerate(waiting):
            await client.send(framed(wire.query(f"slow{number}.example.org", qid=number)))
        await until(lambda: len(some.world.server.stream.asked) == 2)
        assert await (await some.connect(port, source="127.0.0.3")).ended()
        for number, client in enumerate(waiting):
            some.world.server.reply_by_stream(number, address_record())
            some.finish()
            assert wire.qid_of(await client.reply()) < 2


async def test_questions_on_their_way_are_limited_and_reading_goes_on_after(tmp_path: Path) -> None:
    async with house(tmp_path) as some:
        client = await some.connect(some.listen())
        count = MAX_PIPELINED + 150
        await client.send(framed(*(wire.query(f"n{number}.example.org", qid=number) for number in range(count))))
        asked = some.world.server.stream.asked
        await until(lambda: len(asked) >= MAX_PIPELINED)
        assert len(asked) == MAX_PIPELINED
        answered = 0
        seen: set[int] = set()
        while len(seen) < count:
            await until(lambda: len(asked) > answered)  # noqa: B023 - read at once
            for number in range(answered, len(asked)):
                some.world.server.reply_by_stream(number, address_record())
            answered = len(asked)
            some.finish()
            while len(seen) < answered:
                seen.add(wire.qid_of(await client.reply()))
        assert seen == set(range(count))
        assert some.written() == count


# -- deadlines ---------------------------------------------------------------------------------------------------------


async def test_an_idle_connection_is_closed(tmp_path: Path) -> None:
    async with house(tmp_path) as some:
        client = await some.connect(some.listen())
        await client.send(framed(BLOCKED))
        assert await client.reply()
        some.connections.sweep(some.world.now + IDLE - 0.1)
        assert len(some.connections.open) == 1
        some.connections.sweep(some.world.now + IDLE + 0.1)
        assert await client.ended()
        await until(lambda: not some.connections.open)


async def test_a_connection_that_never_says_a_word_is_closed(tmp_path: Path) -> None:
    async with house(tmp_path) as some:
        client = await some.connect(some.listen())
        await until(lambda: bool(some.connections.open))
        some.connections.sweep(some.world.now + IDLE + 0.1)
        assert await client.ended()


async def test_a_connection_that_waits_for_its_answer_is_not_idle(tmp_path: Path) -> None:
    async with house(tmp_path) as some:
        client = await some.connect(some.listen())
        await client.send(framed(wire.query("slow.example.org", qid=7)))
        await until(lambda: bool(some.world.server.stream.asked))
        some.connections.sweep(some.world.now + IDLE + 1)
        some.world.server.reply_by_stream(0, address_record())
        some.finish()
        assert wire.qid_of(await client.reply()) == 7


@pytest.mark.parametrize("begin", [b"\x00", b"\x00\x30", framed(BLOCKED)[:-3], framed(BLOCKED) + b"\x00"])
async def test_a_message_must_be_whole_in_time(tmp_path: Path, begin: bytes) -> None:
    """Slowloris: the deadline is for the message, not for each octet."""
    async with house(tmp_path) as some:
        client = await some.connect(some.listen())
        await client.send(begin)
        if len(begin) > len(BLOCKED) + 2:
            await client.reply()
        rest = len(begin) % (len(BLOCKED) + 2)
        await buffered(some, rest)
        some.world.now += MESSAGE_SECONDS - 1
        some.connections.sweep(some.world.now)
        await client.send(b"\x01")
        await buffered(some, rest + 1)
        some.world.now += 1.1
        some.connections.sweep(some.world.now)
        assert await client.ended()


async def test_each_message_has_its_own_time(tmp_path: Path) -> None:
    """A busy client whose segments always end within a message is not slow."""
    async with house(tmp_path) as some:
        client = await some.connect(some.listen())
        octets = framed(BLOCKED)
        await client.send(octets[:10])
        await buffered(some, 10)
        for _ in range(int(MESSAGE_SECONDS) + 3):
            some.world.now += 1.0
            some.connections.sweep(some.world.now)
            await client.send(octets[10:] + octets[:10])
            assert wire.qid_of(await client.reply()) == 1
            await buffered(some, 10)


async def test_a_slow_reader_is_dropped_when_too_much_is_unread(tmp_path: Path) -> None:
    async with house(tmp_path) as some:
        client = await some.connect(some.listen(send_buffer=4096), receive_buffer=4096)
        some.world.answered(*[wire.record("@", 60, "TXT", f'"{n:0200d}"') for n in range(280)], kind="TXT")
        question = framed(wire.query("www.example.org", "TXT"))
        for _ in range(MAX_UNREAD // 60_000 + 20):
            try:
                await client.send(question)
            except ConnectionError:
                break
            await asyncio.sleep(0)
        await until(lambda: not some.connections.open)


async def test_a_reader_that_stops_for_good_is_dropped_in_time(tmp_path: Path) -> None:
    """Row 12: no place is held for ever, however little was left unread."""
    async with house(tmp_path) as some:
        client = await some.connect(some.listen(send_buffer=4096), receive_buffer=4096)
        some.world.answered(*[wire.record("@", 60, "TXT", f'"{n:0200d}"') for n in range(280)], kind="TXT")
        await client.send(framed(*[wire.query("www.example.org", "TXT")] * 3))
        await until(lambda: some.world.engine.counters.cached == 3)
        assert len(some.connections.open) == 1
        for _ in range(60):
            some.world.now += 1.0
            some.connections.sweep(some.world.now)
            await asyncio.sleep(0)
        assert not some.connections.open


class Scarce(socket.socket):
    """A listening socket of a process that has run out of something."""

    refusals = 0
    code = errno.EMFILE

    def accept(self) -> tuple[socket.socket, object]:
        """See socket.socket."""
        if self.refusals:
            self.refusals -= 1
            raise OSError(self.code, os.strerror(self.code))
        return super().accept()


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENOBUFS, errno.ECONNABORTED])
async def test_who_cannot_be_taken_now_is_taken_later(
    tmp_path: Path, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Accept survives EMFILE: RELIABILITY.md section 5, Transport and load."""
    async with house(tmp_path) as some:
        idle = await some.connect(some.listen())
        await until(lambda: len(some.connections.open) == 1)
        sock = Scarce(socket.AF_INET, socket.SOCK_STREAM)
        sock.refusals, sock.code = 3, code
        sock.bind(("127.0.0.1", 0))
        sock.listen(10)
        some.listening.append(sock)
        some.connections.listen(asyncio.get_running_loop(), sock)
        client = await some.connect(sock.getsockname()[1])
        await client.send(framed(BLOCKED))
        assert wire.qid_of(await client.reply()) == 1
        assert len(caplog.records) == (0 if code == errno.ECONNABORTED else 1), "one line, not a flood"
        if code != errno.ECONNABORTED:
            assert await idle.ended(), "the idlest makes room"
