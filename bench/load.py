"""Load on a server: dnsperf for throughput, our own generator for latency and for many clients."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.processes import BenchError, cpu_between, cpu_seconds

IN_FLIGHT = 100
"""Queries always under way: a busy school, and enough to keep every server measured at its limit."""

_SENT = re.compile(r"Queries sent:\s+(\d+)")
_COMPLETED = re.compile(r"Queries completed:\s+(\d+)")
_SECONDS = re.compile(r"Run time \(s\):\s+([\d.]+)")
_CODES = re.compile(r"Response codes:\s+(.+)")
_CODE = re.compile(r"([A-Z0-9]+) (\d+) \(")


@dataclass(frozen=True, slots=True)
class Answers:
    """What came back from one load."""

    sent: int
    answered: int
    seconds: float
    codes: dict[str, int]
    """Answers by response code."""
    p50_us: float = 0.0
    """0 where the generator does not tell."""
    p99_us: float = 0.0
    max_us: float = 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One load and what it cost the server."""

    answers: Answers
    cpu_seconds: float

    @property
    def cpu_us(self) -> float:
        """Processor time of the server for each answered query, in microseconds."""
        return self.cpu_seconds * 1e6 / self.answers.answered

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.answers.answered / self.answers.seconds

    @property
    def lost(self) -> float:
        """Share of queries that were never answered."""
        return 1 - self.answers.answered / self.answers.sent


def parse_dnsperf(text: str) -> Answers:
    """Read the statistics that dnsperf prints at its end."""
    sent, completed, seconds = _SENT.search(text), _COMPLETED.search(text), _SECONDS.search(text)
    if not (sent and completed and seconds):
        raise BenchError(f"expected dnsperf's statistics, found:\n{text[-600:]}")
    codes = _CODES.search(text)
    return Answers(
        int(sent[1]),
        int(completed[1]),
        float(seconds[1]),
        {code: int(count) for code, count in _CODE.findall(codes[1])} if codes else {},
    )


def parse_own(text: str) -> Answers:
    """Read the line that our load generator prints."""
    data = json.loads(text)
    names = {"0": "NOERROR", "2": "SERVFAIL", "3": "NXDOMAIN", "5": "REFUSED"}
    return Answers(
        data["sent"],
        data["answered"],
        data["seconds"],
        {names.get(code, code): count for code, count in data["rcodes"].items()},
        data["p50_us"],
        data["p99_us"],
        data["max_us"],
    )


def dnsperf(port: int, names: Path, seconds: float, *, once: bool = False) -> Answers:
    """Keep 100 queries under way for that long; `once` stops earlier, at the end of the names."""
    path = shutil.which("dnsperf")
    if path is None:
        raise BenchError("dnsperf is not installed: apt-get install dnsperf")
    command = [path, "-s", "127.0.0.1", "-p", str(port), "-d", str(names), "-q", str(IN_FLIGHT), "-t", "1"]
    command += ["-l", f"{seconds:g}", *(("-n", "1") if once else ())]
    return parse_dnsperf(_run(command, seconds))


def own(
    work: Path, port: int, names: Path, seconds: float, *, rate: int = 0, clients: int = 1, once: bool = False
) -> Answers:
    """Load with bench/load.c: paced at `rate` queries a second, or 100 always under way if that is 0."""
    mode = ("rate", str(rate)) if rate else ("flight", str(IN_FLIGHT))
    command = [
        str(work / "load"),
        str(port),
        str(names),
        f"{seconds:g}",
        *mode,
        str(clients),
        *(("once",) if once else ()),
    ]
    return parse_own(_run(command, seconds))


def _run(command: list[str], seconds: float) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 20, check=True)
    except subprocess.TimeoutExpired:
        raise BenchError(f"expected `{' '.join(command)}` to end after {seconds} s, it did not") from None
    except subprocess.CalledProcessError as error:
        raise BenchError(f"`{' '.join(command)}` failed:\n{error.stdout}{error.stderr}") from None
    return done.stdout


class Meter:
    """Processor time of a server around one load."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before = cpu_seconds(pid)

    def stop(self, answers: Answers) -> Measured:
        """Return the load with what it cost; raises if next to nothing was answered."""
        used = cpu_between(self._before, cpu_seconds(self._pid))
        if answers.answered < answers.sent // 2:
            raise BenchError(f"expected answers, but of {answers.sent} queries only {answers.answered} were answered")
        return Measured(answers, used)
