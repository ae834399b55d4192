"""How fast the journal takes in the query log when it has to catch up: all of it, from the file to journal.db."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from statistics import median

from bench.plan import Bench
from bench.results import Outcome, Section, Target
from bench.school_traffic import lines, school_day
from resolver.querylog import HEADER_LINE

BLOCKED = 0.12
"""Share of the lines that are not `allow`: a school's day has fewer."""
LINES = 1_000_000
PER_SECOND = 200_000
"""On one core."""

PROGRAM = """
import asyncio, json, sys, time
from pathlib import Path
from journal.intake.tailer import Tailer
from settings.model import Paths, Settings

async def main(state):
    tailer = Tailer(Settings(paths=Paths(Path(state))), glance=0.01)
    begun = time.perf_counter()
    task = asyncio.create_task(tailer.run())
    while not tailer.idle:
        await asyncio.sleep(0.01)
    took = time.perf_counter() - begun
    used = time.process_time()
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    tailer.stop()
    await task
    print(json.dumps([took, used, int(peak.split()[1]) / 1024]))

asyncio.run(main(sys.argv[1]))
"""


def tailer(bench: Bench) -> Outcome:
    """Take in a million lines of a school day from segments that are there already."""
    if not bench.with_ours:
        return Outcome(())
    rows = []
    costs = []
    for workers in (1, 2):
        state = bench.work / f"tailer-{workers}"
        bench.say(f"tailer: writing {LINES:,} lines of {workers} worker{'s' if workers > 1 else ''}")
        share = write_log(state / "querylog", LINES, workers)
        for _round in range(bench.plan.rounds):
            for path in state.glob("journal.db*"):
                path.unlink()
            said = subprocess.run(
                [sys.executable, "-c", PROGRAM, str(state)], check=True, capture_output=True, text=True
            ).stdout
            took, used, megabytes = json.loads(said)
            costs.append(used / LINES * 1e6)
            rows.append(
                (
                    str(workers), f"{share:.0%}", f"{LINES / took:,.0f}", f"{used / LINES * 1e6:.2f}",
                    f"{megabytes:.0f}",
                )
            )  # fmt: skip
    return Outcome(
        (
            Section(
                "The journal catches up",
                f"{LINES:,} lines of a school day lie in segments; one process reads, hashes, counts and folds them, "
                "one transaction a batch. The processor time includes the start of the process.",
                ("workers", "not allowed", "lines/s", "CPU µs/line", "MiB at most"),
                tuple(rows),
            ),
        ),
        (Target("processor time to take in a line", 1e6 / PER_SECOND, "µs", median(costs)),),
    )


def write_log(folder: Path, count: int, workers: int) -> float:
    """Write segments with so many lines; return the share of those that are not `allow`."""
    folder.mkdir(parents=True)
    day = list(lines(school_day(5, rooms=4)))
    allowed = sum(b"\tallow\t" in each for each in day)
    # The day has all the noise that the rules must not fall for; a school's has far more that is allowed.
    times = max(round((len(day) - allowed) * (1 - BLOCKED) / BLOCKED / allowed), 1)
    made = [line for each in day for line in [each] * (times if b"\tallow\t" in each else 1)]
    made = (made * (count // len(made) + 1))[:count] if len(made) < count else made[:count]
    open_ones: dict[tuple[int, bytes], Path] = {}
    buffers: dict[Path, list[bytes]] = {}
    for number, line in enumerate(made):
        key = number % workers, line[:13]
        if key not in open_ones:
            hour = f"{line[:4].decode()}{line[5:7].decode()}{line[8:10].decode()}T{int(line[11:13]):02d}0000"
            open_ones[key] = folder / f"{hour}-w{key[0]}-{len(open_ones) + 1:04d}.tsv"
            buffers[open_ones[key]] = []
        buffers[open_ones[key]].append(line)
    for path, its in buffers.items():
        path.write_bytes(HEADER_LINE + b"\n".join(its) + b"\n")
    shares = Counter(b"\tallow\t" in line for line in made)
    return shares[False] / len(made)
