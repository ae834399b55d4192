"""Workers and the supervisor are killed, stopped and replaced under load: no received answer is missing in the log."""

import os
import signal
import time
from itertools import count

from tests.e2e.conftest import Maker
from tests.harness import wire
from tests.harness.client import Udp, ask, ask_raw
from tests.harness.load import Load
from tests.harness.server import Server
from tests.harness.upstream import FakeUpstream, Send, reply
from tests.harness.waiting import note, until


def _unlogged(server: Server, load: Load) -> set[str]:
    """Return names whose answer a client holds but which the log does not have. A torn last line is no line."""
    logged = set()
    for path in server.segments():
        for line in path.read_bytes().split(b"\n")[1:-1]:
            fields = line.split(b"\t")
            if len(fields) >= 14:
                logged.add(fields[5].decode())
    return {name for name in load.answers if name not in logged}


def test_every_answer_a_client_received_is_in_the_log_though_workers_are_killed(make: Maker) -> None:
    """kill -9, four times, under load: forwarded, cached and blocked names. Then a clean stop."""
    server = make()
    blocked = count()

    def name(client: int, n: int) -> str:
        kind = n % 3
        if kind == 0:
            return f"n{client}-{n}.example.org"
        return f"b{next(blocked)}.gambling.example.net" if kind == 1 else f"n{client}-{n - 2}.example.org"

    seen = set()
    with Load(server.address, name) as load:
        for _ in range(4):
            before = len(load.answers)
            until("some answers", lambda before=before: len(load.answers) > before + 200)  # type: ignore[misc]
            pid = until("a worker", server.worker_pid)
            seen.add(pid)
            os.kill(pid, signal.SIGKILL)
            killed = time.monotonic()
            until("a new worker", lambda: server.worker_pid() not in {0, *seen}, 30)
            note(f"a new worker after {time.monotonic() - killed:.2f} s")
    note(f"{len(load.answers)} answers, {len(load.lost)} of {load.sent} without one")
    assert len(seen) == 4
    assert not _unlogged(server, load)
    # The socket outlives the worker or not: what was in flight in a killed process may be lost, no more.
    assert len(load.lost) <= 4 * 3 * 8
    server.stop()
    assert server.log_lines() is not None


def test_the_other_worker_goes_on_while_one_is_replaced(make: Maker) -> None:
    """Two workers: both serve, one is killed, clients of the other notice nothing; status shows both again."""
    server = make({"server": {"workers": 2}})
    with Load(server.address, lambda client, n: f"w{client}-{n}.example.org", clients=12) as load:
        until("both workers to serve", lambda: all(server.worker(n).get("queries") for n in (0, 1)))
        first, second = server.worker_pid(0), server.worker_pid(1)
        assert first != second
        os.kill(first, signal.SIGKILL)
        until("worker 0 to be replaced", lambda: server.worker_pid(0) not in (0, first), 30)
        assert server.worker_pid(1) == second, "the other worker was touched"
        sent = load.sent
        until("load to go on", lambda: load.sent > sent + 200, 20)
    assert not _unlogged(server, load)
    assert len(load.lost) <= 4 * 8
    assert {path.name.split("-")[1] for path in server.segments()} == {"w0", "w1"}


def test_a_worker_that_hangs_is_no_reason_to_stop_slowly(make: Maker) -> None:
    """SIGSTOP freezes a worker: the supervisor still ends within its deadline, and by force if it must."""
    server = make({"server": {"workers": 2}})
    os.kill(server.worker_pid(0), signal.SIGSTOP)
    assert server.process is not None
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(30)
    server.kill()


def test_sigterm_finishes_what_is_in_flight(make: Maker, upstream: FakeUpstream) -> None:
    """Questions whose upstream answer comes after the SIGTERM are answered, over UDP and TCP, and logged."""
    server = make()
    upstream.on("slow.example.org", lambda q: [Send(reply(q, wire.record("@", 300, "A", "198.51.100.1")), delay=1.0)])
    asked = {n: wire.query(f"n{n}.slow.example.org", qid=n) for n in range(20)}
    with Udp(server.address) as client:
        for message in asked.values():
            client.send(message)
        until("the questions to go upstream", lambda: len({q.name for q in upstream.below("slow.example.org")}) == 20)
        server.stop()
        found = client.collect(set(asked), 5)
    assert len(found) == 20
    assert {wire.rcode_of(message) for message in found.values()} == {wire.NOERROR}
    assert sum(line["name"].endswith("slow.example.org") for line in server.log_lines()) == 20


def test_sigterm_does_not_wait_for_ever_for_an_upstream_that_is_silent(make: Maker, upstream: FakeUpstream) -> None:
    server = make()
    upstream.asleep = True
    with Udp(server.address) as client:
        client.send(wire.query("never.example.org"))
        until("the question to go upstream", lambda: upstream.queries("never.example.org"))
        server.stop()


def test_a_supervisor_that_is_killed_leaves_no_worker_behind(make: Maker) -> None:
    """kill -9 of the supervisor: its workers end by themselves, so that a restart finds the port free."""
    server = make({"server": {"workers": 2}})
    pids = [server.worker_pid(0), server.worker_pid(1)]
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(10)
    until("the workers to end", lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), 30)  # noqa: PTH110
    server.process = None
    server.start()
    assert ask(server.address, "again.example.org").answer


def test_a_restart_continues_the_log_and_repairs_a_torn_tail(make: Maker) -> None:
    """kill -9, then half a line as a power cut leaves it: the next start makes the log whole again and goes on."""
    server = make()
    ask(server.address, "first.example.org")
    server.kill()
    (path,) = server.segments()
    with path.open("ab") as segment:
        segment.write(b"2026-09-02T10:00:00.000+06:00\t127.0.0.1\t\t\tpup")
    server.start()
    ask(server.address, "second.example.org")
    server.stop()
    assert server.log_lines("first.example.org")
    assert server.log_lines("second.example.org")


def test_a_second_server_on_the_same_port_says_what_is_wrong(make: Maker) -> None:
    """It must not share the port in silence (SO_REUSEPORT), and must name the address and a next step."""
    server = make()
    port = server.address[1]
    second = make({"server": {"listen": [f"127.0.0.1:{port}"]}}, lists={}, start=False)
    done = second.command("run", check=False)
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr
    assert ask_raw(server.address, wire.query("localhost")) is not None
