"""A maker of servers for tests that break them, and pieces that several of these tests use."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.server import Sections, Server
from tests.harness.upstream import FakeUpstream

BLOCKED = "gambling.example.net"
LISTS = {"gambling": f"{BLOCKED}\nother-casino.example.net\n", "terrorism": "terror.example.net\n"}

Maker = Callable[..., Server]


@pytest.fixture
def upstream() -> Iterator[FakeUpstream]:
    with FakeUpstream() as fake:
        yield fake
        assert not fake.complaints, f"our server sent bad queries: {fake.complaints[:5]}"


def _kill(servers: list[Server]) -> None:
    for server in servers:
        server.kill()


@pytest.fixture
def make(tmp_path: Path, upstream: FakeUpstream) -> Iterator[Maker]:
    """Return a function that prepares and starts a server; what is running at the end must stop cleanly."""
    made: list[Server] = []

    def maker(sections: Sections | None = None, *, lists: dict[str, str] | None = None, start: bool = True) -> Server:
        folder = tmp_path / f"server{len(made)}"
        server = Server(folder, (upstream.url,), sections or {}, LISTS if lists is None else lists)
        made.append(server)
        server.prepare()
        return server.start() if start else server

    with contextlib.ExitStack() as stack:
        stack.callback(_kill, made)
        yield maker
        for server in made:
            if server.process is not None:
                server.stop()
