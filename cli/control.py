"""Ask running workers over their control sockets, and read what the supervisor wrote about itself."""

import contextlib
import errno
import json
import os
import re
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from settings.errors import SchoolfilterError
from translations import _

TIMEOUT = 2.0
"""Seconds. A worker answers from memory within a millisecond; one that needs longer is in trouble: that is news."""
MAX_ANSWER = 1 << 20
"""Bytes. A status line has some kilobytes; anything near this is not one of our workers."""

_SOCKET_NAME = re.compile(r"worker-([0-9]+)\.sock")
_T = TypeVar("_T")


class ControlError(SchoolfilterError):
    """A worker could not be asked, or said something else than expected; the message is for people."""


@dataclass(frozen=True, slots=True)
class Listening:
    """What the supervisor says of itself (`run/listening.json`)."""

    pid: int | None
    """None if it could not say anything, and only its workers are there."""
    listen: tuple[str, ...]
    """Empty in that case."""
    workers: int


@dataclass(frozen=True, slots=True)
class UpstreamStatus:
    """How one worker sees one upstream."""

    address: str
    healthy: bool
    rtt_ms: float | None
    """None until the first answer."""
    failures: int
    queries: int


@dataclass(frozen=True, slots=True)
class ClientCount:
    """How often one client asked, or was refused."""

    client: str
    count: int


@dataclass(frozen=True, slots=True)
class LessonOn:
    """A lesson that a teacher opened, and that a worker has in force."""

    room: str
    teacher: str
    ends: str
    """RFC 3339."""


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """What one worker says of itself."""

    worker: int
    pid: int
    started: float
    now: float
    queries: int
    blocked: int
    cached: int
    forwarded: int
    failed: int
    refused: int
    policy_version: int
    policy_error: str
    ledger_faults: tuple[str, ...]
    """What is wrong with the ledger of orders, in the words of the worker."""
    lessons: tuple[LessonOn, ...]
    index_generation: str
    index_names: int
    index_error: str
    log_error: str
    log_lost_lines: int
    cache_entries: int
    cache_bytes: int
    rss_bytes: int
    upstreams: tuple[UpstreamStatus, ...] = ()
    rate_limited: tuple[ClientCount, ...] = ()
    clients: tuple[ClientCount, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """One worker's status, or why there is none."""

    worker: int
    status: WorkerStatus | None
    error: str = ""


def read_listening(run: Path) -> Listening | None:
    """Return what the supervisor wrote, if that process still lives; else how many workers live, None if none does.

    A supervisor that was killed leaves its file behind, so the file alone proves nothing. One that started on a full
    disk has none, but workers whose sockets are open.
    """
    try:
        found: object = json.loads((run / "listening.json").read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return _by_sockets(run)
    except PermissionError:
        raise
    except (OSError, ValueError) as error:
        raise ControlError(f"expected a description of the running server in {run}, found: {error}") from None
    try:
        fields = _object(found)
        pid = _whole(fields, "pid")
        listening = Listening(
            pid,
            tuple(_text({"listen": address}, "listen") for address in _array(fields, "listen")),
            _whole(fields, "workers"),
        )
    except ControlError as error:
        raise ControlError(f"{run / 'listening.json'}: {error}") from None
    return listening if _alive(pid) else _by_sockets(run)


def _by_sockets(run: Path) -> Listening | None:
    workers = sum(map(_is_open, worker_sockets(run).values()))
    return Listening(None, (), workers) if workers else None


def _is_open(path: Path) -> bool:
    """Tell whether a process listens on a socket: that of a worker that was killed still lies there."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(TIMEOUT)
        connection.connect(str(path))
        return True
    return False


def worker_sockets(run: Path) -> dict[int, Path]:
    """Return the control socket of each worker by its number."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        found = {int(match[1]): path for path in run.iterdir() if (match := _SOCKET_NAME.fullmatch(path.name))}
        return dict(sorted(found.items()))
    return {}


def ask(path: Path, request: Mapping[str, object], timeout: float = TIMEOUT) -> dict[str, object]:
    """Send one request to one worker and return its answer. Raises ControlError."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            connection.connect(str(path))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as stream:
                line = stream.readline(MAX_ANSWER)
    except TimeoutError:
        raise ControlError(_("no answer within {seconds} s").format(seconds=f"{timeout:g}")) from None
    except OSError as error:
        if error.errno in (errno.ECONNREFUSED, errno.ENOENT):
            raise ControlError(_("the process behind its socket is gone")) from None
        if error.errno in (errno.EACCES, errno.EPERM):
            raise ControlError(_("not permitted: run this command with sudo")) from None
        raise ControlError(str(error)) from None
    if not line.endswith(b"\n"):
        raise ControlError(f"expected one line of JSON, found {len(line)} bytes that do not end")
    try:
        answer = _object(json.loads(line))
    except ValueError as error:
        raise ControlError(f"expected one line of JSON, found something else: {error}") from None
    if "error" in answer:
        raise ControlError(str(answer["error"]))
    return answer


def statuses(run: Path, timeout: float = TIMEOUT) -> tuple[Reply, ...]:
    """Ask every worker how it is, all at once: one that hangs must not hide the others."""

    def one(number: int, path: Path) -> Reply:
        try:
            return Reply(number, parse_status(ask(path, {"do": "status"}, timeout)))
        except ControlError as error:
            return Reply(number, None, str(error))

    sockets = worker_sockets(run)
    with ThreadPoolExecutor(max_workers=max(len(sockets), 1)) as pool:
        return tuple(pool.map(one, sockets.keys(), sockets.values()))


def flush(path: Path, name: str, timeout: float = TIMEOUT) -> int:
    """Make one worker forget what it keeps of a name ("" means everything); return how many answers that was."""
    return _whole(ask(path, {"do": "flush", "name": name}, timeout), "flushed")


def parse_status(fields: Mapping[str, object]) -> WorkerStatus:
    """Return the status in an answer. Raises ControlError if a key is missing: then versions do not match."""
    return WorkerStatus(
        worker=_whole(fields, "worker"),
        pid=_whole(fields, "pid"),
        started=_number(fields, "started"),
        now=_number(fields, "now"),
        queries=_whole(fields, "queries"),
        blocked=_whole(fields, "blocked"),
        cached=_whole(fields, "cached"),
        forwarded=_whole(fields, "forwarded"),
        failed=_whole(fields, "failed"),
        refused=_whole(fields, "refused"),
        policy_version=_whole(fields, "policy_version"),
        policy_error=_text(fields, "policy_error"),
        ledger_faults=tuple(map(str, _array(fields, "ledger_faults"))),
        lessons=tuple(_lesson(_object(item)) for item in _array(fields, "lessons")),
        index_generation=_text(fields, "index_generation"),
        index_names=_whole(fields, "index_names"),
        index_error=_text(fields, "index_error"),
        log_error=_text(fields, "log_error"),
        log_lost_lines=_whole(fields, "log_lost_lines"),
        cache_entries=_whole(fields, "cache_entries"),
        cache_bytes=_whole(fields, "cache_bytes"),
        rss_bytes=_whole(fields, "rss_bytes"),
        upstreams=tuple(_upstream(_object(item)) for item in _array(fields, "upstreams")),
        rate_limited=tuple(_count(_object(item), "refused") for item in _array(fields, "rate_limited")),
        clients=tuple(_count(_object(item), "queries") for item in _array(fields, "clients")),
    )


def _upstream(fields: Mapping[str, object]) -> UpstreamStatus:
    rtt = fields.get("rtt_ms")
    return UpstreamStatus(
        address=_text(fields, "address"),
        healthy=_typed(fields, "healthy", bool),
        rtt_ms=None if rtt is None else _number(fields, "rtt_ms"),
        failures=_whole(fields, "failures"),
        queries=_whole(fields, "queries"),
    )


def _lesson(fields: Mapping[str, object]) -> LessonOn:
    return LessonOn(_text(fields, "room"), _text(fields, "teacher"), _text(fields, "ends"))


def _count(fields: Mapping[str, object], key: str) -> ClientCount:
    return ClientCount(_text(fields, "client"), _whole(fields, key))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    except OverflowError:
        return False
    return True


def _object(found: object) -> dict[str, object]:
    if not isinstance(found, dict):
        raise ControlError(f"expected a JSON object, found {type(found).__name__}")
    return found


def _typed(fields: Mapping[str, object], key: str, kind: type[_T]) -> _T:
    found = fields.get(key)
    if not isinstance(found, kind):
        raise ControlError(
            _(
                "expected {key} as {kind}, found {found}: restart schoolfilter after an upgrade, "
                "so that command and server are of one version"
            ).format(key=key, kind=kind.__name__, found=repr(found))
        )
    return found


def _whole(fields: Mapping[str, object], key: str) -> int:
    return _typed(fields, key, int)


def _text(fields: Mapping[str, object], key: str) -> str:
    return _typed(fields, key, str)


def _array(fields: Mapping[str, object], key: str) -> list[object]:
    return _typed(fields, key, list)


def _number(fields: Mapping[str, object], key: str) -> float:
    found = fields.get(key)
    return float(found) if isinstance(found, int) else _typed(fields, key, float)
