"""A worker's control socket: one JSON object a line in, one out."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.control import MAX_REQUEST, _answer, serve_control

WAIT = 10.0


def status(_request: Mapping[str, object]) -> Mapping[str, object]:
    """Answer as a worker does."""
    return {"worker": 0, "policy_error": "нет файла"}


def flush(request: Mapping[str, object]) -> Mapping[str, object]:
    """Answer as a worker does."""
    return {"flushed": len(str(request.get("name", "")))}


HANDLERS = {"status": status, "flush": flush}


class Caller:
    """One connection to the socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def say(self, line: bytes) -> bytes:
        """Send octets; return the line that comes back, or nothing if the other side has closed."""
        async with asyncio.timeout(WAIT):
            self._writer.write(line)
            await self._writer.drain()
            return await self._reader.readline()

    async def ask(self, request: object) -> object:
        """Send a request."""
        return json.loads(await self.say(json.dumps(request).encode() + b"\n"))


@asynccontextmanager
async def calling(path: Path) -> AsyncIterator[Caller]:
    """Connect to a socket."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        yield Caller(reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def serving(path: Path) -> AsyncIterator[Path]:
    """Serve on a socket."""
    server = await serve_control(path, HANDLERS)
    try:
        yield path
    finally:
        server.close()
        await server.wait_closed()


async def test_requests_and_their_answers_on_one_connection(tmp_path: Path) -> None:
    async with serving(tmp_path / "run" / "worker-0.sock") as path, calling(path) as caller:
        assert await caller.ask({"do": "status"}) == {"worker": 0, "policy_error": "нет файла"}
        assert await caller.ask({"do": "flush", "name": "example.org"}) == {"flushed": 11}
        assert await caller.ask({"do": "flush"}) == {"flushed": 0}


async def test_only_our_own_user_may_open_it(tmp_path: Path) -> None:
    async with serving(tmp_path / "run" / "worker-0.sock") as path:
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"nonsense\n", "expected one JSON object a line"),
        (b"\n", "expected one JSON object a line"),
        (b"\xff\xfe\n", "expected one JSON object a line"),
        (b"[]\n", "expected a JSON object"),
        (b"null\n", "expected a JSON object"),
        (b"{}\n", "expected do to be one of flush, status"),
        (b'{"do": ["status"]}\n', "expected do to be one of flush, status"),
        (b'{"do": "stop"}\n', "expected do to be one of flush, status"),
    ],
)
async def test_what_is_no_request_is_told_what_was_expected(tmp_path: Path, line: bytes, expected: str) -> None:
    async with serving(tmp_path / "s") as path, calling(path) as caller:
        assert json.loads(await caller.say(line)) == {"error": expected}
        assert await caller.ask({"do": "flush"}) == {"flushed": 0}


async def test_a_line_without_end_ends_the_conversation_and_nothing_else(tmp_path: Path) -> None:
    async with serving(tmp_path / "s") as path:
        async with calling(path) as caller:
            assert await caller.say(b"x" * (3 * MAX_REQUEST)) == b""
        async with calling(path) as caller:
            assert await caller.ask({"do": "flush"}) == {"flushed": 0}


async def test_the_socket_of_a_worker_that_was_killed_is_in_nobody_s_way(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("left over")
    async with serving(path), calling(path) as caller:
        assert await caller.ask({"do": "flush"}) == {"flushed": 0}


async def test_several_may_ask_at_once(tmp_path: Path) -> None:
    async with serving(tmp_path / "s") as path, calling(path) as one, calling(path) as other:
        assert await one.ask({"do": "flush", "name": "a"}) == {"flushed": 1}
        assert await other.ask({"do": "flush", "name": "ab"}) == {"flushed": 2}
        assert await one.ask({"do": "flush", "name": "abc"}) == {"flushed": 3}


@given(st.one_of(st.binary(max_size=60), st.integers(0, MAX_REQUEST).map(lambda depth: b"[" * depth)))
def test_any_line_has_an_answer(line: bytes) -> None:
    assert isinstance(_answer(line, HANDLERS), Mapping)
