"""Server processes and what /proc says of them: processor time and memory of a whole tree."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")
_MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$")


class BenchError(Exception):
    """The benchmark cannot go on; the message says what was expected, what was found and what to do."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of one or several processes, in bytes."""

    rss: int
    pss: int
    """RSS with each shared page divided by the number of processes that map it."""
    mapped: int = 0
    """The part of rss that is pages of the files asked about (the mapped index)."""


def cpu_ticks(stat: str) -> int:
    """Return utime + stime, in clock ticks, of one /proc/PID/stat (all threads of the process)."""
    # The command stands in parentheses and may itself hold spaces and parentheses: count from the last one.
    fields = stat.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def parse_smaps(text: str, folder: str) -> Memory:
    """Return the sums of one /proc/PID/smaps; `mapped` counts the files below the folder."""
    rss = pss = mapped = 0
    inside = False
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key == "Rss":
            size = int(value.split()[0]) * 1024
            rss += size
            mapped += size if inside else 0
        elif key == "Pss":
            pss += int(value.split()[0]) * 1024
        elif match := _MAPPING.match(line):
            inside = bool(folder) and match[1].startswith(folder)
    return Memory(rss, pss, mapped)


def tree(pid: int) -> list[int]:
    """Return the process and all its descendants."""
    found = [pid]
    for known in found:
        for task in (_PROC / str(known) / "task").glob("*"):
            try:
                found += map(int, (task / "children").read_text(encoding="ascii").split())
            except FileNotFoundError:  # a thread that ended meanwhile
                continue
    return found


def cpu_seconds(pid: int) -> dict[int, float]:
    """Return the processor time used so far by each process of the tree."""
    return {
        each: cpu_ticks((_PROC / str(each) / "stat").read_text(encoding="utf-8", errors="replace")) / _TICKS
        for each in tree(pid)
    }


def cpu_between(before: dict[int, float], after: dict[int, float]) -> float:
    """Return the processor time used between two readings; raises if a process died, as its time is lost."""
    if gone := before.keys() - after.keys():
        raise BenchError(f"expected the server's processes to live through the load, but {sorted(gone)} ended")
    return sum(after.values()) - sum(before.values())


def memory(pids: Sequence[int], folder: str = "") -> Memory:
    """Return the memory of the processes together."""
    parts = [parse_smaps((_PROC / str(pid) / "smaps").read_text(encoding="utf-8"), folder) for pid in pids]
    return Memory(sum(p.rss for p in parts), sum(p.pss for p in parts), sum(p.mapped for p in parts))


@contextmanager
def running(command: Sequence[str], output: Path, environ: dict[str, str] | None = None) -> Iterator[int]:
    """Run the command in a process group of its own, yield its id, end the group at the end."""
    with output.open("ab") as sink:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | (environ or {}),
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def is_running(pid: int) -> bool:
    """Tell whether a child of ours is still there (a zombie is not)."""
    try:
        state = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


@dataclass(frozen=True, slots=True)
class Finished:
    """What one command took."""

    seconds: float
    peak_rss: int
    """Bytes, of the largest process of it."""


def run_measured(command: Sequence[str], output: Path, timeout: float) -> Finished:
    """Run the command to its end and return time and peak memory; raises with its last words if it fails."""
    start = time.perf_counter()
    with output.open("ab") as sink:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT)
    deadline = start + timeout
    while True:
        # wait4 and not Popen.wait: only it tells the peak memory of this one child.
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        if time.perf_counter() > deadline:
            process.kill()
        time.sleep(0.002)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BenchError(
            f"expected `{' '.join(command)}` to succeed within {timeout:.0f} s, but it ended with "
            f"{process.returncode} after {seconds:.1f} s:\n{last_words(output)}"
        )
    return Finished(seconds, usage.ru_maxrss * 1024)


def last_words(output: Path, lines: int = 15) -> str:
    """Return the end of what a command printed."""
    return "\n".join(output.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
