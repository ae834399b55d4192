"""A worker's control socket: one JSON object a line in, one out. For `status` and `cache flush`."""

import asyncio
import json
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

MAX_REQUEST = 4096
"""Octets of one request line."""

logger = logging.getLogger("schoolfilter.control")

Handler = Callable[[Mapping[str, object]], Mapping[str, object]]


async def serve_control(path: Path, handlers: Mapping[str, Handler]) -> asyncio.Server:
    """Serve requests such as {"do": "status"} on a UNIX socket that only our own user can open."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(_answer(line, handlers)).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):  # gone, or a line without end
            pass
        finally:
            writer.close()

    _clear(path)
    before = os.umask(0o177)
    try:
        return await asyncio.start_unix_server(converse, path, limit=MAX_REQUEST)
    finally:
        os.umask(before)


def _clear(path: Path) -> None:
    """Make room: the socket of a worker that was killed still lies there."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)


def _answer(line: bytes, handlers: Mapping[str, Handler]) -> Mapping[str, object]:
    try:
        request = json.loads(line)
    except ValueError:
        return {"error": "expected one JSON object a line"}
    if not isinstance(request, dict):
        return {"error": "expected a JSON object"}
    handler = handlers.get(str(request.get("do")))
    if handler is None:
        return {"error": f"expected do to be one of {', '.join(sorted(handlers))}"}
    return handler(request)
