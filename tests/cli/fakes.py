"""A worker that only has a control socket, and what the commands need to be called on a folder of their own."""

import json
import os
import socket
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import click
from click.testing import CliRunner, Result

from cli.context import Installation

Answer = Callable[[dict[str, object]], bytes]

STATUS: dict[str, object] = {
    "worker": 0,
    "pid": 4711,
    "started": 1_788_300_000.0,
    "now": 1_788_307_320.0,
    "queries": 1000,
    "blocked": 300,
    "cached": 600,
    "forwarded": 100,
    "failed": 2,
    "refused": 1,
    "policy_version": 12,
    "policy_error": "",
    "ledger_faults": [],
    "lessons": [],
    "index_generation": "g1",
    "index_names": 5000,
    "index_error": "",
    "log_error": "",
    "log_lost_lines": 0,
    "cache_entries": 40,
    "cache_bytes": 81920,
    "rss_bytes": 50 << 20,
    "upstreams": [{"address": "udp://127.0.0.1:5400", "healthy": True, "rtt_ms": 12.3, "failures": 0, "queries": 100}],
    "rate_limited": [],
    "clients": [{"client": "10.0.0.5", "queries": 600}, {"client": "10.0.0.6", "queries": 400}],
}


def as_line(value: Mapping[str, object]) -> bytes:
    """Return an answer as a worker sends it."""
    return json.dumps(value).encode() + b"\n"


class FakeWorker:
    """Serves one control socket with made-up answers; remembers what it was asked."""

    def __init__(self, run: Path, number: int, answer: Answer) -> None:
        self.asked: list[dict[str, object]] = []
        self._answer = answer
        run.mkdir(parents=True, exist_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(run / f"worker-{number}.sock"))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _peer = self._socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                if line := stream.readline():  # none: somebody looks whether we are there
                    request = json.loads(line)
                    self.asked.append(request)
                    connection.sendall(self._answer(request))


def status_worker(run: Path, number: int = 0, **changes: object) -> FakeWorker:
    """Return a worker that is as STATUS says, but for the changes; it flushes three answers."""

    def answer(request: dict[str, object]) -> bytes:
        if request["do"] == "flush":
            return as_line({"flushed": 3})
        return as_line(STATUS | {"worker": number} | changes)

    return FakeWorker(run, number, answer)


def pretend_listening(run: Path, workers: int = 1, listen: tuple[str, ...] = ("127.0.0.1:5353",)) -> None:
    """Write what a supervisor writes; its process is this one."""
    run.mkdir(parents=True, exist_ok=True)
    found = {"pid": os.getpid(), "listen": list(listen), "workers": workers}
    (run / "listening.json").write_text(json.dumps(found))


def installation(state: Path, **settings: str) -> Installation:
    """Return an installation with its state in the folder; settings as `server__listen="…"`."""
    config = state / "schoolfilter.toml"
    state.mkdir(parents=True, exist_ok=True)
    config.write_text("")
    variables = {f"SCHOOLFILTER_{key.upper()}": value for key, value in settings.items()}
    return Installation(config, {"SCHOOLFILTER_PATHS__STATE": str(state)} | variables)


def run(command: click.Command, where: Installation, *arguments: str) -> Result:
    """Call a command as the command line does."""
    return CliRunner().invoke(command, list(arguments), obj=where, catch_exceptions=False)
