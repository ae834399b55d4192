"""The disk is full or the log cannot be written: DNS goes on, status tells, logging resumes; nothing is half a line."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Maker
from tests.harness import wire
from tests.harness.client import Udp, addresses, ask, ede
from tests.harness.server import Server
from tests.harness.waiting import note, until


def _mount(folder: Path) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=0777", "tmpfs", str(folder)]
    return os.geteuid() == 0 and subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.fixture
def small_disk(make: Maker) -> Iterator[Server]:
    """A server whose query log lies on a disk of 256 KiB."""
    server = make(start=False)
    folder = server.state / "querylog"
    if not _mount(folder):
        pytest.skip("needs the right to mount a small tmpfs")
    try:
        yield server.start()
        server.stop()
    finally:
        server.kill()
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_stops_the_log_but_not_dns(small_disk: Server) -> None:
    server = small_disk
    ask(server.address, "before.example.org")
    filler = server.state / "querylog" / "filler"
    descriptor = os.open(filler, os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        for size in (4096, 64, 1):
            with contextlib.suppress(OSError):
                while True:
                    os.write(descriptor, b"\0" * size)
    os.close(descriptor)
    n = 0

    def noticed() -> object:
        nonlocal n
        for _ in range(50):
            n += 1
            assert addresses(ask(server.address, f"full{n}.example.org"))
        return server.worker().get("log_error")

    until("status to tell of the log", noticed, 30)
    assert ede(ask(server.address, "gambling.example.net", edns=wire.Edns())), "filtering goes on"
    assert addresses(ask(server.address, "tcp-full.example.org", tcp=True))
    shown = server.command("status", "--json", check=False).stdout
    assert "log_lost_lines" in shown or "log_error" in shown
    assert server.command("status", check=False).stdout, "status for people"
    filler.unlink()
    count = 0

    def resumed() -> bool:
        nonlocal count
        count += 1
        ask(server.address, f"after{count}.example.org")
        return not server.worker().get("log_error")

    until("logging to resume", resumed, 30)
    ask(server.address, "resumed.example.org")
    logged = {line["name"] for line in server.log_lines()}  # every line is whole: log_lines checks
    assert {"before.example.org", "resumed.example.org"} <= logged
    missing = sum(f"full{k}.example.org" not in logged for k in range(1, n + 1))
    told = server.worker().get("log_lost_lines")
    assert isinstance(told, int)
    note(f"{missing} lines of {n} are missing, status tells of {told}")
    assert told >= missing, "lines were lost in silence"


def test_a_file_size_limit_is_a_full_disk_too(make: Maker) -> None:
    """RLIMIT_FSIZE: SIGXFSZ must not kill, EFBIG must not stop DNS; what could not be kept is counted."""
    server = make(start=False)
    server.start(before=["prlimit", "--fsize=200000:unlimited"])
    for n in range(2500):
        assert ask(server.address, f"l{n % 600}-{'x' * 40}.example.org") is not None
    assert server.worker().get("pid"), "the worker lives"
    server.log_lines(torn=True)  # a torn line at the very end of a file is no line, but nothing follows it
    subprocess.run(["prlimit", "--fsize=unlimited", "--pid", str(server.worker_pid())], check=True)

    def resumed() -> bool:
        ask(server.address, "resumed.example.org")
        return bool(server.log_lines("resumed.example.org", torn=True))

    until("logging to resume", resumed, 30)
    until("status to be content", lambda: not server.worker().get("log_error"), 30)
    lines = [line for line in server.log_lines(torn=True) if line["name"] != "resumed.example.org"]
    lost = server.worker().get("log_lost_lines")
    assert isinstance(lost, int)
    note(f"{len(lines)} lines of 2500, status tells of {lost}")
    assert len(lines) + lost >= 2500, "lines were lost in silence"
    server.stop()
    server.log_lines()


def test_a_segment_that_cannot_be_begun_stops_the_log_but_not_dns(make: Maker) -> None:
    """When the time comes to roll, a file stands where the folder was. Later the folder is back."""
    server = make({"log": {"segment_megabytes": 1}})
    folder, moved = server.state / "querylog", server.state / "querylog.moved"
    folder.rename(moved)
    folder.write_text("in the way")
    name = "x" * 63 + "." + "y" * 63 + ".example.org"
    n = 0

    def noticed() -> object:
        nonlocal n
        with Udp(server.address) as client:
            for _ in range(8):
                ids = set(range(200))
                for qid in ids:
                    client.send(wire.query(name, qid=qid))
                assert client.collect(ids).keys() == ids, "DNS stopped"
                n += 200
        return server.worker().get("log_error")

    until("status to tell of the log", noticed, 60)
    note(f"told after {n} queries")
    folder.unlink()
    moved.rename(folder)

    def resumed() -> bool:
        ask(server.address, name)
        return not server.worker().get("log_error")

    until("logging to resume", resumed, 30)
    ask(server.address, "resumed.example.org")
    assert server.log_lines("resumed.example.org")
    lost = server.worker().get("log_lost_lines")
    assert isinstance(lost, int)
    assert len(server.log_lines(name)) + lost >= n
