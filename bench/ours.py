"""Our own server as a user would set it up: a config file, the commands, `run`; and what is measured only on it."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from bench.names import listed, write_lines
from bench.processes import BenchError, Finished, Memory, memory, run_measured
from bench.servers import START_TIMEOUT, Server, free_port, started
from blocklists.generation import current_generation, generation_folder

_CATEGORY = "adult"


@dataclass(frozen=True, slots=True)
class Installation:
    """A state folder with its settings file and one compiled list."""

    config: Path
    state: Path
    port: int
    names: int
    compiled: Finished
    """What `lists add` took: reading, checking and compiling the list."""

    @property
    def lists(self) -> Path:
        """The folder of the compiled lists."""
        return self.state / "lists"

    def index_bytes(self) -> int:
        """Return the size of the generation in force."""
        folder = generation_folder(self.lists, current_generation(self.lists))
        return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())

    def logged(self) -> int:
        """Return how many queries the query log holds."""
        lines = 0
        for segment in (self.state / "querylog").glob("*.tsv"):
            with segment.open("rb") as file:
                while piece := file.read(1 << 20):
                    lines += piece.count(b"\n")
            lines -= 1  # the header
        return lines


def _command(config: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "cli.main", "--config", str(config), *arguments]


def write_list(folder: Path, names: int, changed: int = 0) -> Path:
    """Write a list as its makers publish it, packed: AdBlock rules under a header, an exception for each 1,000.

    `changed` of its names are others than in the list that is written without it.
    """
    head = ("[Adblock Plus]", "! Title: bench", "! Expires: 1 day", f"! Number of entries: {names}")
    numbers = chain(range(changed, names), range(names, names + changed))
    rules = (
        f"||{listed(number)}^" if number % 1000 else f"||{listed(number)}^\n@@||open.{listed(number)}^"
        for number in numbers
    )
    return write_lines(folder / "bench.txt.gz", chain(head, rules))


def refresh(installation: Installation) -> "subprocess.Popen[bytes]":
    """Begin to fetch and compile the list anew, as the schedule does."""
    with (installation.config.parent / "commands.out").open("ab") as output:
        return subprocess.Popen(
            _command(installation.config, "lists", "refresh", "bench"), stdout=output, stderr=subprocess.STDOUT
        )


def install(work: Path, upstream_port: int, names: int) -> Installation:
    """Set up a state folder with a list of that many names, blocked for everyone, by the commands a user types."""
    folder = work / f"ours-{names}"
    folder.mkdir()
    port = free_port()
    state = folder / "state"
    config = folder / "schoolfilter.toml"
    config.write_text(
        f"""[server]
listen = ["127.0.0.1:{port}"]
workers = 1
rate_limit = 0

[upstream]
servers = ["udp://127.0.0.1:{upstream_port}"]

[log]
durability = "second"

[lists]
refresh_hours = 0

[paths]
state = "{state}"
""",
        encoding="utf-8",
    )
    output = folder / "commands.out"
    source = write_list(folder, names)
    run_measured(_command(config, "init"), output, 60)
    arguments = ("lists", "add", "bench", str(source), "--category", _CATEGORY)
    # On one core, as on the weakest machine that a school has.
    compiled = run_measured(["taskset", "-c", "0", *_command(config, *arguments)], output, 240)
    run_measured(_command(config, "groups", "set", "pupils", "--block", _CATEGORY), output, 60)
    return Installation(config, state, port, names, compiled)


@contextmanager
def schoolfilter(installation: Installation, label: str = "schoolfilter") -> Iterator[Server]:
    """Run our server on the installation; the first answer counts once it is the blocked answer to a listed name."""
    command = _command(installation.config, "run")
    output = installation.config.parent / "run.out"
    with started(label, command, output, installation.port, listed(0), START_TIMEOUT) as server:
        yield server


def status(installation: Installation) -> dict[str, object]:
    """Return what worker 0 says of itself."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        control.settimeout(5)
        control.connect(str(installation.state / "run" / "worker-0.sock"))
        control.sendall(b'{"do": "status"}\n')
        with control.makefile("rb") as answers:
            reply: dict[str, object] = json.loads(answers.readline())
    return reply


def worker_memory(installation: Installation) -> Memory:
    """Return the memory of worker 0; `mapped` is the list index."""
    pid = status(installation)["pid"]
    assert isinstance(pid, int)
    return memory([pid], str(installation.lists.resolve()))


@dataclass(frozen=True, slots=True)
class LookUp:
    """Cost of one look-up in the index, in microseconds, by kind of name."""

    listed: float
    below_listed: float
    excepted: float
    unlisted: float
    deep: float
    open_ms: float
    """What opening the index takes, in milliseconds."""

    @property
    def worst(self) -> float:
        """The dearest kind."""
        return max(self.listed, self.below_listed, self.excepted, self.unlisted, self.deep)


def look_up(installation: Installation) -> LookUp:
    """Measure look-ups in a fresh process, so that nothing else of the benchmark is in its memory."""
    command = [sys.executable, "-m", "bench.lookup", str(installation.lists), str(installation.names)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise BenchError(f"`{' '.join(command)}` failed:\n{done.stderr}")
    return LookUp(**json.loads(done.stdout))
