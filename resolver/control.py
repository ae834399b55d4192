"""A worker's control socket: one JSON object a line in, one out. For `status` and `cache flush`."""

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

MAX_REQUEST = 4096
"""Octets of one request line."""

Handler = Callable[[Mapping[str, object]], Mapping[str, object]]


async def serve_control(path: Path, handlers: Mapping[str, Handler]) -> asyncio.Server:
    """Serve requests such as {"do": "status"} on a UNIX socket that only our own user can open."""
    _clear(path)
    before = os.umask(0o177)
    try:
        return await asyncio.get_running_loop().create_unix_server(lambda: _Conversation(handlers), path)
    finally:
        os.umask(before)


class _Conversation(asyncio.Protocol):
    """One who asks. A protocol, not a stream: there is no task that a stopping worker would have to cancel."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio's promise for a stream server
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the way back."""
        del exc
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Answer every whole line; hang up on one without end."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if self._transport is None:
            return
        for line in lines:
            self._transport.write(json.dumps(_answer(line, self._handlers)).encode() + b"\n")
        if len(self._buffer) > MAX_REQUEST:
            self._transport.abort()


def _clear(path: Path) -> None:
    """Make room: the socket of a worker that was killed still lies there."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)


def _answer(line: bytes, handlers: Mapping[str, Handler]) -> Mapping[str, object]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):  # nested a thousand deep is no request either
        return {"error": "expected one JSON object a line"}
    if not isinstance(request, dict):
        return {"error": "expected a JSON object"}
    handler = handlers.get(str(request.get("do")))
    if handler is None:
        return {"error": f"expected do to be one of {', '.join(sorted(handlers))}"}
    return handler(request)
