"""TCP connections in this process, a world behind them and clients before them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path

from resolver.querylog import HEADER_LINE, QueryLog
from resolver.tcp import Connections
from settings.model import Durability
from tests.harness import wire
from tests.resolver.world import World, listed, policy

WAIT = 10.0
"""Seconds until what must come has come."""
IDLE = 10.0
BLOCKED = wire.query("games.example.org", qid=1)


def framed(*messages: bytes) -> bytes:
    """Return messages as TCP carries them."""
    return b"".join(len(message).to_bytes(2) + message for message in messages)


class Client:
    """One client's connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.loop = asyncio.get_running_loop()

    async def send(self, octets: bytes) -> None:
        """Send octets."""
        async with asyncio.timeout(WAIT):
            await self.loop.sock_sendall(self.sock, octets)

    async def _exactly(self, count: int) -> bytes:
        octets = b""
        while len(octets) < count:
            more = await self.loop.sock_recv(self.sock, count - len(octets))
            if not more:
                raise EOFError
            octets += more
        return octets

    async def reply(self) -> bytes:
        """Return the next message."""
        async with asyncio.timeout(WAIT):
            return await self._exactly(int.from_bytes(await self._exactly(2)))

    async def ended(self) -> bool:
        """Wait until the server has closed; whether nothing came before."""
        async with asyncio.timeout(WAIT):
            try:
                return not await self.loop.sock_recv(self.sock, 1)
            except ConnectionResetError:
                return True


class House:
    """All connections, a world behind them, and clients before them."""

    def __init__(self, folder: Path, most: int = 20, per_client: int = 10, durability: Durability = Durability.NONE):
        self.world = World(policy(), listed("games.example.org"), allowed_networks=("127.0.0.0/8", "::1/128"))
        self.folder = folder
        self.log = QueryLog(folder, 0, UTC, segment_bytes=1 << 24, durability=durability, clock=lambda: 1e9)
        self.log.open()
        self.connections = Connections(
            self.world.engine, self.log, self.world.clock, most=most, per_client=per_client, idle=IDLE
        )
        self.clients: list[Client] = []
        self.listening: list[socket.socket] = []

    def listen(self, host: str = "127.0.0.1", send_buffer: int = 0) -> int:
        """Listen; return the port."""
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        if send_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        sock.bind((host, 0))
        sock.listen(100)
        self.listening.append(sock)
        self.connections.listen(asyncio.get_running_loop(), sock)
        port: int = sock.getsockname()[1]
        return port

    async def connect(self, port: int, host: str = "127.0.0.1", source: str = "", receive_buffer: int = 0) -> Client:
        """Return a connected client."""
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        if source:
            sock.bind((source, 0))
        client = Client(sock)
        self.clients.append(client)
        async with asyncio.timeout(WAIT):
            await client.loop.sock_connect(sock, (host, port))
        return client

    def finish(self) -> None:
        """Send what was late, as a worker does."""
        engine = self.world.engine
        if engine.lines:
            stamp = self.log.stamp()
            self.log.write(stamp + stamp.join(engine.lines))
            engine.lines.clear()
        outbox, engine.outbox = engine.outbox, []
        for peer, message in outbox:
            peer.send(message)

    def written(self) -> int:
        """Return how many lines the log has."""
        content = b"".join(path.read_bytes() for path in self.folder.glob("*.tsv"))
        return content.removeprefix(HEADER_LINE).count(b"\n")


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(WAIT):
        while not condition():
            await asyncio.sleep(0.001)


@asynccontextmanager
async def house(
    folder: Path, most: int = 20, per_client: int = 10, durability: Durability = Durability.NONE
) -> AsyncIterator[House]:
    """Open a house, and see that nothing is left of it."""
    made = House(folder, most, per_client, durability)
    try:
        yield made
    finally:
        for client in made.clients:
            client.sock.close()
        made.connections.stop()
        for connection in list(made.connections.open):
            connection.abort()
        await until(lambda: not made.connections.open)
        await asyncio.sleep(0)
        for sock in made.listening:
            sock.close()
        made.log.close()


async def buffered(some: House, count: int) -> None:
    """Wait until the one connection has so many octets of an unfinished message."""
    await until(lambda: bool(some.connections.open) and len(next(iter(some.connections.open))._buffer) == count)
