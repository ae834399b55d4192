"""The list refresher beside the workers: started with them, ended with them, and its death is nothing to them."""

import json
import os
import signal
from pathlib import Path

from tests.e2e.conftest import Maker
from tests.harness.client import ask
from tests.harness.load import Load
from tests.harness.server import Server
from tests.harness.waiting import until


def refresher_pid(server: Server) -> int:
    """Return the process that keeps the lists current, 0 if there is none now."""
    try:
        pid = int(json.loads((server.state / "lists" / "refresh.json").read_text())["pid"])
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return 0
    return pid if b"--scheduled" in words else 0


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_run_keeps_a_refresher_and_its_death_does_not_touch_the_workers(make: Maker) -> None:
    server = make()
    first = until("the refresher", lambda: refresher_pid(server), 30)
    worker = until("the worker", server.worker_pid)
    with Load(server.address, lambda client, n: f"r{client}-{n}.example.org") as load:
        os.kill(first, signal.SIGKILL)
        second = until("a new refresher", lambda: (pid := refresher_pid(server)) != first and pid, 30)
        sent = load.sent
        until("load to go on", lambda: load.sent > sent + 200, 20)
    assert not load.lost
    assert server.worker_pid() == worker
    server.stop()
    until("the refresher to end", lambda: gone(second), 5)


def test_a_supervisor_that_is_killed_leaves_no_refresher_behind(make: Maker) -> None:
    server = make()
    pid = until("the refresher", lambda: refresher_pid(server), 30)
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(10)
    until("the refresher to end", lambda: gone(pid), 10)
    server.process = None


def test_no_refresher_runs_if_the_settings_say_so(make: Maker) -> None:
    server = make({"lists": {"refresh_hours": 0}})
    assert ask(server.address, "any.example.org").answer
    assert server.process is not None
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    commands = [Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0") for child in children]
    assert not any(b"--scheduled" in words for words in commands)
    assert any(b"resolver.worker" in words for words in commands)
    assert not (server.state / "lists" / "refresh.json").exists()
