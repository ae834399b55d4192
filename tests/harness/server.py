"""Our server as a real process: a folder of its own, prepared by the real commands, started, watched, stopped."""

import atexit
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path

from tests.harness import wire
from tests.harness.client import Address, ask_raw
from tests.harness.waiting import until

ROOT = Path(__file__).resolve().parents[2]
ENDLESS_SECONDS = 60.0
"""A command or a stop that takes longer hangs."""
HEADER = [
    "time", "client", "device", "room", "group", "name", "type", "action", "reason", "category", "list", "rcode",
    "source", "ms",
]  # fmt: skip

Value = str | int | float | bool | list[str] | dict[str, list[str]]
Sections = Mapping[str, Mapping[str, Value]]


@dataclass
class Server:
    """A folder with settings and state, and the process that serves it (if started)."""

    folder: Path
    upstreams: tuple[str, ...] = ()
    sections: Sections = field(default_factory=dict)
    """Settings that differ from those below, by section."""
    lists: Mapping[str, str] = field(default_factory=dict)
    """Category -> text of a list of domains for it."""
    process: subprocess.Popen[bytes] | None = None
    addresses: tuple[Address, ...] = ()
    _code: int | None = None

    @property
    def config(self) -> Path:
        return self.folder / "schoolfilter.toml"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def address(self) -> Address:
        return self.addresses[0]

    @property
    def environ(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SCHOOLFILTER_", "LC_", "LANG"))}
        return kept | {"LANG": "C.UTF-8", "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}

    def write_config(self) -> None:
        """Write the settings file."""
        defaults: dict[str, dict[str, Value]] = {
            "school": {
                "name": "Test school",
                "country": "kg",
                "language": "en",
                "time_zone": "Asia/Bishkek",
                "contact": "mailto:it@school.example",
            },
            "server": {
                "listen": ["127.0.0.1:0"],
                "workers": 1,
                "allowed_networks": ["127.0.0.0/8", "::1/128"],
                "rate_limit": 0,
            },
            "upstream": {"servers": list(self.upstreams)},
            "blocking": {"answer": "null", "ttl": 10},
            "log": {"durability": "second", "detail": "full"},
            "approval": {"mode": "paper"},
            "web": {"listen": "127.0.0.1:0"},
            "paths": {"state": str(self.state)},
        }
        lines: list[str] = []
        for section in {**defaults, **self.sections}:
            lines.append(f"[{section}]")
            values = {**defaults.get(section, {}), **self.sections.get(section, {})}
            lines += [f"{key} = {_toml(value)}" for key, value in values.items()]
        self.config.write_text("\n".join(lines) + "\n")

    def prepare(self) -> None:
        """Make the state folder as a person would: settings, `init`, lists."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write_config()
        self._init()
        for category, text in self.lists.items():
            self.add_list(f"test-{category}", category, text)

    def _init(self) -> None:
        """Run `init`; where it was run with the same settings before, what came of it is copied: that costs nothing."""
        kept = _folder_of_inits() / sha256(repr(self.sections).encode()).hexdigest()
        if not kept.exists():
            self.command("init")
            shutil.copytree(self.state, kept, symlinks=True)
        elif not self.state.exists():
            shutil.copytree(kept, self.state, symlinks=True)

    def add_list(self, name: str, category: str, text: str) -> Path:
        """Bind a file of names to a category."""
        source = self.folder / f"{name}.txt"
        source.write_text(text)
        self.command("lists", "add", name, str(source), "--category", category)
        return source

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `schoolfilter --config … ARGUMENTS`."""
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", "--config", str(self.config), *arguments],
            cwd=ROOT,
            env=self.environ,
            text=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=ENDLESS_SECONDS,
            check=False,
        )
        if check:
            assert done.returncode == 0, f"{' '.join(arguments)} -> {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def start(self, before: Iterable[str] = ()) -> "Server":
        """Start the server and wait until it says that it listens. `before` goes before the command (prlimit …)."""
        assert self.process is None
        (self.state / "run" / "listening.json").unlink(missing_ok=True)
        with (self.folder / "output.txt").open("ab") as output:
            self.process = subprocess.Popen(
                [*before, sys.executable, "-m", "cli.main", "--config", str(self.config), "run"],
                cwd=ROOT,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            listening = until("listening.json", self.listening, ENDLESS_SECONDS)
            self.addresses = tuple(_address(text) for text in _strings(listening["listen"]))
        except BaseException:
            self.kill()
            raise
        return self

    def listening(self) -> dict[str, object]:
        """Return what the supervisor wrote about itself, {} if nothing yet."""
        assert self.process is not None
        assert self.process.poll() is None, f"the server ended with {self.process.returncode}:\n{self.output()}"
        with contextlib.suppress(FileNotFoundError, ValueError):
            found = json.loads((self.state / "run" / "listening.json").read_text())
            assert isinstance(found, dict)
            return found
        return {}

    def output(self) -> str:
        """Return what the server printed."""
        path = self.folder / "output.txt"
        return path.read_text(errors="replace")[-20_000:] if path.exists() else ""

    def stop(self, *, quietly: bool = True) -> None:
        """Ask the server to stop; it must do so cleanly and, if `quietly`, must never have shown a traceback."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(ENDLESS_SECONDS)
        finally:
            self.kill()
        code = self._code
        assert code == 0, f"exit status {code} after SIGTERM:\n{self.output()}"
        assert not quietly or "Traceback" not in self.output(), self.output()
        assert not (self.state / "run" / "listening.json").exists(), "listening.json is left after a clean stop"

    def kill(self) -> None:
        """End what is left of the process group, whatever happened."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self._code = self.process.wait(ENDLESS_SECONDS)
            self.process = None

    def control(self, worker: int, request: Mapping[str, object]) -> dict[str, object]:
        """Ask a worker over its control socket; {} if it is not there."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(10)
            connection.connect(str(self.state / "run" / f"worker-{worker}.sock"))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as stream:
                answer = json.loads(stream.readline() or b"{}")
            assert isinstance(answer, dict)
            return answer
        return {}

    def worker(self, number: int = 0) -> dict[str, object]:
        """Return the status of a worker, {} while it is not there."""
        return self.control(number, {"do": "status"})

    def worker_pid(self, number: int = 0) -> int:
        """Return the process of a worker, 0 while it is not there."""
        pid = self.worker(number).get("pid", 0)
        assert isinstance(pid, int)
        return pid

    def segments(self) -> list[Path]:
        """Return the files of the query log."""
        return sorted((self.state / "querylog").glob("*.tsv"))

    def log_lines(self, name: str | None = None, *, torn: bool = False) -> list[dict[str, str]]:
        """Return all lines of the query log (of one name). All are whole; a file's last need not be if `torn`."""
        found = []
        for path in self.segments():
            text = path.read_text()
            lines = text.split("\n")
            assert torn or lines[-1] == "", f"{path.name} ends within a line: {lines[-1]!r}"
            assert lines[0].split("\t")[: len(HEADER)] == HEADER, f"{path.name} begins with {lines[0]!r}"
            for line in lines[1:-1]:
                fields = line.split("\t")
                assert len(fields) >= len(HEADER), f"{path.name}: {line!r}"
                if name in (None, fields[5]):
                    found.append(dict(zip(HEADER, fields, strict=False)))
        return found

    def healthy(self) -> bool:
        """Tell whether the server answers a question that needs nobody else."""
        return ask_raw(self.address, wire.query("localhost", "A"), timeout=5.0) is not None


ESTABLISHED, UNCONNECTED, LISTENING = "01", "07", "0A"
"""States in /proc/net/tcp and /proc/net/udp."""


def sockets_of(pid: int) -> list[tuple[str, str, str]]:
    """Return the internet sockets of a process as the kernel shows them: kind, local address in hex, state."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            inodes.add(str(entry.readlink()))
    found = []
    for kind in ("udp", "udp6", "tcp", "tcp6"):
        for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]:
            fields = line.split()
            if f"socket:[{fields[9]}]" in inodes:
                found.append((kind, fields[1], fields[3]))
    return found


@cache
def _folder_of_inits() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="inits-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _toml(value: Value) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {json.dumps(v)}" for k, v in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _strings(value: object) -> list[str]:
    assert isinstance(value, list)
    assert value
    return [str(item) for item in value]
