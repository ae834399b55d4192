"""How servers are loaded: rounds over all of them in turn, with which names, warm or never asked before."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path

from bench import load, names, servers
from bench.load import Answers, Measured, Meter
from bench.plan import Bench
from bench.results import Series
from bench.servers import Server

HIT_NAMES, HIT_BLOCKED = 10_000, 3_000
_MISSES_A_SECOND = 150_000
"""More than any server measured forwards in a second: a run ends by time, its names never come twice."""

Load = Callable[[Server], Answers]


def ask_all(server: Server, file: Path) -> Answers:
    """Ask for every name twice: the answers are then in the server's cache, and so is what it makes of them."""
    load.dnsperf(server.port, file, 10.0, once=True)
    return load.dnsperf(server.port, file, 10.0, once=True)


def rounds(bench: Bench, where: str, those: Sequence[Server], warm_up: Load | None, run: Load) -> dict[str, Series]:
    """Measure each server once in each round, in turn, so that a noisy moment of the machine hits them alike."""
    runs: dict[str, list[Measured]] = {server.name: [] for server in those}
    for number in range(bench.plan.rounds):
        bench.say(f"{where}: round {number + 1} of {bench.plan.rounds}")
        for server in those:
            if warm_up is not None:
                warm_up(server)
            meter = Meter(server.pid)
            runs[server.name].append(meter.stop(run(server)))
    return {name: Series(name, tuple(measured)) for name, measured in runs.items()}


def blocked_names() -> Iterable[str]:
    return (names.listed(number) for number in range(HIT_BLOCKED))


def hit_names(bench: Bench) -> Path:
    path = bench.work / "hits.txt"
    if not path.exists():
        names.write_lines(path, (f"{name} A" for name in names.hits(HIT_NAMES, HIT_BLOCKED)))
    return path


def miss_names(bench: Bench) -> Path:
    count = int(_MISSES_A_SECOND * bench.plan.seconds)
    unique = names.unique(bench.next_miss_run(), count)
    return names.write_lines(bench.work / "misses.txt", (f"{name} A" for name in unique))


def check(server: Server) -> None:
    blocked = list(islice(blocked_names(), 5))
    servers.check_answers(server, [*blocked, *("www." + name for name in blocked)], names.unique(0, 5))
