"""Start the workers, keep them running, and hold their sockets: a worker may die, its queries wait for the next.

The sockets are bound here and handed down. While a worker is being replaced, its UDP queue and its TCP backlog go on
filling in the kernel, and the new worker answers what the old one left.
"""

import asyncio
import contextlib
import errno
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from resolver.companion import Companion
from resolver.udp import RECEIVE_BUFFER
from settings.checks import split_listen
from settings.errors import SchoolfilterError
from settings.model import Settings
from translations import _

STOP_SECONDS = 8.0
"""How long a worker may take to finish what is in flight; more than a question's deadline."""
READY_SECONDS = 30.0
NOTICE_SECONDS = 1.0
"""Between two tries to write where we listen, as long as that cannot be written: a disk may be full for days."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 5.0
"""Seconds before a worker that died is started again; doubles while it keeps dying at once."""
STEADY_SECONDS = 30.0
"""A worker that lived so long did not die at once."""
EX_CONFIG = 78
_LISTEN_BACKLOG = 1024
_RCVBUFFORCE = 33

logger = logging.getLogger("schoolfilter.supervisor")


class ServerError(SchoolfilterError):
    """The server cannot start; the message says what to do."""

    def __init__(self, message: str) -> None:
        Exception.__init__(self, message)


@dataclass
class _Place:
    """One worker's sockets, which outlive it, and the process that has them now."""

    number: int
    udp: list[socket.socket] = field(default_factory=list)
    tcp: list[socket.socket] = field(default_factory=list)
    process: asyncio.subprocess.Process | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)


def bind(listen: tuple[str, ...], workers: int) -> tuple[list[_Place], list[str]]:
    """Bind every address for every worker, UDP and TCP; return the places and the addresses with their real ports.

    Raises ServerError that says who may hold the port and what to do.
    """
    places = [_Place(number) for number in range(workers)]
    bound = []
    for text in listen:
        host, port = split_listen(text)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            port = _probe(family, host, port)
            for place in places:
                place.udp.append(_socket(family, socket.SOCK_DGRAM, host, port, shared=workers > 1))
                place.tcp.append(_socket(family, socket.SOCK_STREAM, host, port, shared=workers > 1))
        except OSError as error:
            _close(places)
            raise ServerError(_why_not_bound(text, error)) from error
        bound.append(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    return places, bound


def _close(places: list[_Place]) -> None:
    for place in places:
        for sock in (*place.udp, *place.tcp):
            sock.close()


def _probe(family: socket.AddressFamily, host: str, port: int) -> int:
    """Return the port, drawn by the kernel if it is 0 and free for both protocols; raise OSError if it is taken.

    Without this, SO_REUSEPORT would let a second schoolfilter share the port in silence.
    """
    for _attempt in range(20):
        with (
            socket.socket(family, socket.SOCK_STREAM) as tcp,
            socket.socket(family, socket.SOCK_DGRAM) as udp,
        ):
            for sock in (tcp, udp):
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind(_sockaddr(family, host, port))
            drawn: int = tcp.getsockname()[1]
            try:
                udp.bind(_sockaddr(family, host, drawn))
            except OSError:
                if port == 0:
                    continue
                raise
            return drawn
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _sockaddr(family: socket.AddressFamily, host: str, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
    if family != socket.AF_INET6:
        return host, port
    address, _percent, zone = host.partition("%")
    scope = 0
    if zone:
        scope = int(zone) if zone.isdigit() else socket.if_nametoindex(zone)
    return address, port, 0, scope


def _socket(
    family: socket.AddressFamily, kind: socket.SocketKind, host: str, port: int, *, shared: bool
) -> socket.socket:
    sock = socket.socket(family, kind)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            try:
                sock.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, RECEIVE_BUFFER)
            except PermissionError:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(_sockaddr(family, host, port))
        if kind == socket.SOCK_STREAM:
            sock.listen(_LISTEN_BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _why_not_bound(text: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return _(
            "{address} is taken by another program. `schoolfilter doctor` names it; "
            "or choose another address in server.listen."
        ).format(address=text)
    if error.errno == errno.EACCES:
        return _(
            "{address}: this user may not listen on a port below 1024. Start it as the system service "
            "(docs/install.md), or choose a port such as 5353 in server.listen."
        ).format(address=text)
    if error.errno == errno.EADDRNOTAVAIL:
        return _(
            "{address}: this machine does not have the address. `ip address` lists those it has; put one of them "
            "into server.listen."
        ).format(address=text)
    return _("{address}: cannot listen: {error}").format(address=text, error=error.strerror or error)


class Supervisor:
    """Runs the workers of one installation."""

    def __init__(
        self, settings: Settings, config: Path | None, companions: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """`companions`: commands to be kept running beside the workers, by what messages call them."""
        self._settings = settings
        self._config = config
        self._companions = companions or {}
        self._stop = asyncio.Event()
        self._fatal = 0
        self.bound: list[str] = []

    async def run(self, on_ready: Callable[["Supervisor"], Awaitable[None]] | None = None) -> int:
        """Run until SIGTERM or SIGINT; return the exit status. Raises ServerError if it cannot start."""
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, self._stop.set)
        places, self.bound = bind(self._settings.server.listen, self._settings.server.workers)
        keepers = [loop.create_task(self._keep(place)) for place in places]
        beside: list[asyncio.Task[None]] = []
        stopping = loop.create_task(self._stop.wait())
        notice = self._settings.paths.run / "listening.json"
        speaking: list[asyncio.Task[None]] = []
        try:
            ready = loop.create_task(self._all_ready(places))
            await asyncio.wait([ready, stopping], timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if not self._stop.is_set():  # the school waits for the workers; what else there is to do can wait
                beside = [loop.create_task(Companion(*each).run()) for each in self._companions.items()]
            if not ready.done() and not self._stop.is_set():
                logger.error("a worker did not become ready within %d seconds; waiting on", READY_SECONDS)
                await asyncio.wait([ready, stopping], return_when=asyncio.FIRST_COMPLETED)
            if ready.done():
                # At its first step, before `on_ready`, it has been written if it can be.
                speaking.append(loop.create_task(_keep_writing(notice, self.bound, self._settings.server.workers)))
                if on_ready is not None:
                    speaking.append(loop.create_task(_greet(on_ready, self)))
            ready.cancel()
            await stopping
        finally:
            for task in (*beside, *speaking):
                task.cancel()
            _remove(notice)  # nothing writes it any more: what was cancelled does not come to its next try
            await self._end(places, keepers)
            await asyncio.gather(*beside, *speaking, return_exceptions=True)
            _close(places)
        return self._fatal

    @staticmethod
    async def _all_ready(places: list[_Place]) -> None:
        for place in places:
            await place.ready.wait()

    async def _keep(self, place: _Place) -> None:
        """Keep one worker running, for ever."""
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE
        while not self._stop.is_set():
            begun = loop.time()
            try:
                code = await self._run_once(place)
            except OSError as error:  # no process, memory or descriptor to be had now
                logger.error("worker %d cannot be started now: %s", place.number, error)
                code = -1
            if self._stop.is_set():
                return
            if code == EX_CONFIG:
                self._fatal = 1
                self._stop.set()
                return
            logger.error("worker %d ended with status %d; it is started again", place.number, code)
            pause = FIRST_PAUSE if loop.time() - begun > STEADY_SECONDS else min(pause * 2, LONGEST_PAUSE)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)

    async def _run_once(self, place: _Place) -> int:
        """Run one worker until it ends; return its exit status."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        descriptors = [sock.fileno() for sock in (*place.udp, *place.tcp)]
        arguments = [
            sys.executable, "-m", "resolver.worker", str(place.number), str(theirs.fileno()),
            ",".join(str(sock.fileno()) for sock in place.udp),
            ",".join(str(sock.fileno()) for sock in place.tcp),
        ]  # fmt: skip
        if self._config is not None:
            arguments += ["--config", str(self._config)]
        with ours:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    *arguments,
                    pass_fds=[*descriptors, theirs.fileno()],
                    stdin=asyncio.subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                )
            place.process = process
            if self._stop.is_set():  # it was being made while the others were told
                process.terminate()
            waiting = asyncio.get_running_loop().create_task(self._hear(ours, place))
            code = await process.wait()
            waiting.cancel()
            place.ready.clear()
        return code

    @staticmethod
    async def _hear(ours: socket.socket, place: _Place) -> None:
        if await asyncio.get_running_loop().sock_recv(ours, 64):
            place.ready.set()

    async def _end(self, places: list[_Place], keepers: list["asyncio.Task[None]"]) -> None:
        """Ask every worker to finish, then wait, then insist."""
        self._stop.set()
        for signum, patience in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5.0)):
            for place in places:
                if place.process is not None and place.process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        place.process.send_signal(signum)
            _done, running = await asyncio.wait(keepers, timeout=patience)
            if not running:
                return
            logger.warning("%d workers did not end in time", len(running))
        for keeper in keepers:
            keeper.cancel()


async def _greet(on_ready: Callable[[Supervisor], Awaitable[None]], supervisor: Supervisor) -> None:
    try:
        await on_ready(supervisor)
    except asyncio.CancelledError:
        raise
    except Exception:
        logger.exception("could not say that the server is ready")  # words must not stop the server


async def _keep_writing(path: Path, bound: list[str], workers: int) -> None:
    """Say where we listen, for `status` and for whoever starts us; while it cannot be written, again and again."""
    said = ""
    while failure := _write_notice(path, bound, workers):
        if failure != said:  # `status` knows less of us, but the school has its internet
            logger.error("cannot write %s, which is tried again: %s", path, failure)
            said = failure
        await asyncio.sleep(NOTICE_SECONDS)
    if said:
        logger.info("%s is written now", path)


def _write_notice(path: Path, bound: list[str], workers: int) -> str:
    """Write it whole or not at all; return why it cannot be written, empty if it is."""
    beside = path.with_suffix(".new")
    text = json.dumps({"pid": os.getpid(), "listen": bound, "workers": workers}) + "\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        return str(error)
    return ""


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        logger.error("cannot remove %s: %s", path, error)
