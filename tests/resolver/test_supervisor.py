"""Binding the sockets, with words for people when it cannot be done; the companions beside the workers."""

import asyncio
import contextlib
import errno
import gc
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from resolver import companion, supervisor
from resolver.companion import Companion
from resolver.supervisor import ServerError, Supervisor, bind
from settings.model import Paths, Server, Settings


@contextmanager
def bound(listen: tuple[str, ...], workers: int = 1) -> Iterator[tuple[list[list[socket.socket]], list[str]]]:
    """Bind; yield each worker's sockets, UDP first, and the addresses; close all."""
    places, addresses = bind(listen, workers)
    sockets = [[*place.udp, *place.tcp] for place in places]
    try:
        yield sockets, addresses
    finally:
        for sock in (sock for row in sockets for sock in row):
            sock.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.7", "[::1]"])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_port_drawn_by_the_kernel_is_the_same_for_udp_and_tcp_and_every_worker(host: str, workers: int) -> None:
    with bound((f"{host}:0",), workers) as (sockets, addresses):
        (address,) = addresses
        port = int(address.rpartition(":")[2])
        assert port > 0
        assert address == f"{host}:{port}"
        assert len(sockets) == workers
        for row in sockets:
            assert [sock.type for sock in row] == [socket.SOCK_DGRAM, socket.SOCK_STREAM]
            assert {sock.getsockname()[:2] for sock in row} == {(host.strip("[]"), port)}


def test_several_addresses_keep_their_order() -> None:
    with bound(("127.0.0.1:0", "[::1]:0", "127.0.0.2:0")) as (sockets, addresses):
        assert [address.rpartition(":")[0] for address in addresses] == ["127.0.0.1", "[::1]", "127.0.0.2"]
        assert len(sockets[0]) == 6


def test_both_families_may_have_one_port() -> None:
    with bound(("127.0.0.1:0",)) as (_, (first,)), bound((f"[::1]:{first.rpartition(':')[2]}",)) as (_, (second,)):
        assert first.rpartition(":")[2] == second.rpartition(":")[2]


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_port_that_is_taken_is_an_error_for_people(kind: socket.SocketKind, workers: int) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ServerError) as caught:
            bind((address,), workers)
        assert address in str(caught.value)
        assert "doctor" in str(caught.value)
        assert "server.listen" in str(caught.value)


def test_a_second_schoolfilter_does_not_share_the_port_in_silence() -> None:
    with bound(("127.0.0.1:0",), 2) as (_, (address,)), pytest.raises(ServerError):
        bind((address,), 2)


def test_an_address_of_another_machine_is_an_error_for_people() -> None:
    with pytest.raises(ServerError, match=r"192\.0\.2\.1:5353.*`ip address`"):
        bind(("192.0.2.1:5353",), 1)


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.EACCES, "below 1024"), (errno.EAFNOSUPPORT, "cannot listen"), (errno.EADDRINUSE, "taken")],
)
def test_every_reason_has_its_words(monkeypatch: pytest.MonkeyPatch, code: int, words: str) -> None:
    def refuse(*_: object) -> int:
        raise OSError(code, "the kernel's words")

    monkeypatch.setattr(supervisor, "_probe", refuse)
    with pytest.raises(ServerError, match=words):
        bind(("127.0.0.1:53",), 1)


def test_if_one_address_cannot_be_had_none_is_kept() -> None:
    with bound(("127.0.0.1:0",)) as (_, (taken,)):
        with socket.socket() as probe:
            probe.bind(("127.0.0.3", 0))
            free = f"127.0.0.3:{probe.getsockname()[1]}"
        with pytest.raises(ServerError) as caught:
            bind((free, taken), 1)
        del caught
        with bound((free,)) as (_, addresses):
            assert addresses == [free]
        gc.collect()


@asynccontextmanager
async def serving(state: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Supervisor]:
    """Run a supervisor whose worker is ready at once and does nothing; stop it at the end."""

    async def work(self: Supervisor, place: Any) -> int:
        place.ready.set()
        await self._stop.wait()
        return 0

    monkeypatch.setattr(Supervisor, "_run_once", work)
    monkeypatch.setattr(supervisor, "NOTICE_SECONDS", 0.01)
    settings = Settings(server=Server(listen=("127.0.0.1:0",)), paths=Paths(state))
    found = Supervisor(settings, None)
    greeted = asyncio.Event()

    async def on_ready(_supervisor: Supervisor) -> None:
        greeted.set()

    task = asyncio.create_task(found.run(on_ready))
    try:
        async with asyncio.timeout(30):
            await greeted.wait()
        yield found
    finally:
        found._stop.set()
        async with asyncio.timeout(30):
            assert await task == 0


async def test_where_it_listens_is_written_as_soon_as_it_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = tmp_path / "run"
    in_the_way = run / "listening.new"
    in_the_way.mkdir(parents=True)
    tries = 0
    write = supervisor._write_notice

    def counted(*arguments: Any) -> str:
        nonlocal tries
        tries += 1
        return write(*arguments)

    monkeypatch.setattr(supervisor, "_write_notice", counted)
    async with serving(tmp_path, monkeypatch) as found, asyncio.timeout(30):
        while tries < 5:
            await asyncio.sleep(0.001)
        assert not (run / "listening.json").exists()
        in_the_way.rmdir()
        while not (run / "listening.json").exists():
            await asyncio.sleep(0.001)
        said = json.loads((run / "listening.json").read_text())
        assert (said["pid"], said["listen"], said["workers"]) == (os.getpid(), found.bound, 1)
        done = tries
        await asyncio.sleep(0.05)  # five times as long as it waits between two tries
        assert tries == done
    assert caplog.text.count("cannot write") == 1, "a disk that is full for days fills no journal"
    assert list(run.iterdir()) == []


async def test_what_can_never_be_written_keeps_nobody_from_stopping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run" / "listening.new").mkdir(parents=True)
    async with serving(tmp_path, monkeypatch):
        pass
    (tmp_path / "run" / "listening.new").rmdir()
    await asyncio.sleep(0.05)
    assert not (tmp_path / "run" / "listening.json").exists(), "written after the end"


def program(tmp_path: Path, body: str) -> list[str]:
    """Return a command that notes its process in a file, then does something."""
    started = tmp_path / "started"
    code = f"import os, signal, sys, time\nopen({str(started)!r}, 'a').write(f'{{os.getpid()}}\\n')\n{body}"
    return [sys.executable, "-c", code]


async def starts(tmp_path: Path, count: int) -> list[int]:
    """Wait until the companion was started so often; return its processes."""
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(FileNotFoundError):
                lines = (tmp_path / "started").read_text().splitlines()
                if len(lines) >= count:
                    return [int(line) for line in lines]
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("body", ["sys.exit(3)", "os.kill(os.getpid(), signal.SIGKILL)"], ids=["failed", "killed"])
async def test_a_companion_that_ends_is_started_again_however_it_ended(tmp_path: Path, body: str) -> None:
    task = asyncio.create_task(Companion("journal", program(tmp_path, body), first_pause=0.01).run())
    pids = await starts(tmp_path, 4)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert len(set(pids)) == len(pids)


async def test_a_companion_that_cannot_be_started_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    task = asyncio.create_task(Companion("journal", [str(tmp_path / "nothing")], first_pause=0.001).run())
    async with asyncio.timeout(30):
        while caplog.text.count("the journal cannot be started now") < 3:
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    "body",
    ["time.sleep(60)", "signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(60)"],
    ids=["ends when told", "has to be killed"],
)
async def test_the_companion_ends_with_us(tmp_path: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(companion, "STOP_SECONDS", 0.3)
    task = asyncio.create_task(Companion("journal", program(tmp_path, body)).run())
    (pid,) = await starts(tmp_path, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(pid)
