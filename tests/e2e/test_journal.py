"""The journal beside the workers: started with them, ended with them, and its death costs neither answers nor lines."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import BLOCKED, Maker
from tests.harness.client import ask
from tests.harness.load import Load
from tests.harness.server import ROOT, Server
from tests.harness.waiting import until


def said(server: Server) -> dict[str, object]:
    """Return what the process that keeps the journal said last; empty if nothing."""
    try:
        found: dict[str, object] = json.loads((server.state / "run" / "journal.json").read_text())
    except (OSError, ValueError):
        return {}
    return found


def journal_pid(server: Server) -> int:
    """Return the process that keeps the journal, 0 if there is none now."""
    pid = said(server).get("pid", 0)
    assert isinstance(pid, int)
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return 0
    return pid if b"journal" in words else 0


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def counted(server: Server) -> int:
    """Return how many queries the journal has counted, by another program's word."""
    done = subprocess.run(
        ["sqlite3", f"file:{server.state / 'journal.db'}?mode=ro", "SELECT ifnull(sum(queries), 0) FROM counts"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return int(done.stdout or -1)


def logged(server: Server) -> int:
    """Return how many lines the query log holds."""
    return sum(path.read_bytes().count(b"\n") - 1 for path in (server.state / "querylog").glob("*.tsv"))


def test_run_keeps_the_journal_and_its_death_costs_no_answer_and_no_line(make: Maker) -> None:
    server = make()
    first = until("the journal", lambda: journal_pid(server), 30)
    worker = until("the worker", server.worker_pid)
    with Load(server.address, lambda client, n: f"r{client}-{n}.example.org") as load:
        os.kill(first, signal.SIGKILL)
        until("a new process", lambda: (pid := journal_pid(server)) != first and pid, 30)
        sent = load.sent
        until("load to go on", lambda: load.sent > sent + 200, 20)
    assert not load.lost
    assert server.worker_pid() == worker
    until("all lines to be counted", lambda: counted(server) == logged(server) > 200, 30)


def test_status_says_how_far_the_journal_is_and_warns_without_it(make: Maker) -> None:
    server = make({"lists": {"refresh_hours": 0}})
    ask(server.address, BLOCKED)
    until("the line to be taken in", lambda: said(server).get("lines"), 30)
    pid = journal_pid(server)
    status = json.loads(server.command("status", "--json", check=False).stdout)
    assert status["journal"] | {"running": True, "lag_seconds": 0, "lag_bytes": 0, "error": ""} == status["journal"]
    assert not any("journal" in problem for problem in status["problems"])
    os.kill(pid, signal.SIGSTOP)
    state = server.state / "run" / "journal.json"
    state.write_text(state.read_text().replace(str(said(server)["at"]), "2026-01-01T00:00:00+00:00"))
    assert "The journal is not kept" in server.command("status", check=False).stdout
    os.kill(pid, signal.SIGCONT)


def test_a_second_one_says_who_keeps_the_journal(make: Maker) -> None:
    server = make({"lists": {"refresh_hours": 0}})
    pid = until("the journal", lambda: journal_pid(server), 30)
    for command in (["journal"], ["journal", "run"]):
        done = server.command(*command, check=False)
        assert done.returncode == 1
        assert f"by process {pid}:" in done.stderr
        assert "schoolfilter journal show" in done.stderr


def test_a_supervisor_that_is_killed_leaves_no_journal_behind(make: Maker) -> None:
    server = make({"lists": {"refresh_hours": 0}})
    pid = until("the journal", lambda: journal_pid(server), 30)
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(10)
    until("the journal to end", lambda: gone(pid), 20)
    server.process = None


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_peace_when_told(make: Maker, signum: signal.Signals) -> None:
    server = make(start=False)
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "--config", str(server.config), "journal"],
        cwd=ROOT, env=server.environ, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        until("the journal", lambda: journal_pid(server) == process.pid, 30)
        process.send_signal(signum)
        _out, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert "Traceback" not in err


def test_at_rest_it_is_small_and_does_nothing(make: Maker) -> None:
    server = make({"lists": {"refresh_hours": 0}})
    first = until("the journal", lambda: journal_pid(server), 30)
    until("its head to be signed", lambda: (server.state / "heads.txt").exists(), 30)
    used = _processor_seconds(first)
    time.sleep(2)  # what it does at rest shows in time only
    assert _processor_seconds(first) - used <= 0.1
    resident = int(Path(f"/proc/{first}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    assert resident < 40 << 20


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
