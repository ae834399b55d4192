"""How much is measured, and the state that scenarios share: work folder, upstream, installations of our server."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench import ours
from bench.servers import Server

SMALL, MIDDLE, LARGE = 10_000, 500_000, 5_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """Lengths and counts."""

    rounds: int
    seconds: float
    """Length of each measured load."""
    list_sizes: tuple[int, ...]
    peer_list_sizes: tuple[int, ...]
    clients: tuple[int, ...] = (1, 200, 2_000)
    starts: int = 3
    publishes: int = 3
    publish_seconds: float = 15.0
    """Length of the load around each published generation: longer than a compile takes."""
    archived_days: int = 25
    """Days of four million queries each."""
    peer_load_seconds: float = 60.0
    """How long a peer may take to load a list before that is the result."""


FULL = Plan(rounds=5, seconds=2.0, list_sizes=(SMALL, MIDDLE, LARGE), peer_list_sizes=(MIDDLE, LARGE))
QUICK = Plan(
    rounds=2, seconds=1.0, list_sizes=(SMALL, MIDDLE), peer_list_sizes=(MIDDLE,), starts=2, publishes=1, archived_days=1
)


@dataclass(slots=True)
class Bench:
    """One invocation."""

    plan: Plan
    work: Path
    upstream: Server
    with_ours: bool
    say: Callable[[str], None]
    installations: dict[int, ours.Installation] = field(default_factory=dict)
    miss_runs: int = 0

    def installation(self, names: int) -> ours.Installation:
        """Return the installation with a list of that size; it is made when first asked for."""
        if names not in self.installations:
            self.say(f"setting up schoolfilter with a list of {names:,} names")
            self.installations[names] = ours.install(self.work, self.upstream.port, names)
        return self.installations[names]

    def next_miss_run(self) -> int:
        """Return a number whose names nobody was asked yet."""
        self.miss_runs += 1
        return self.miss_runs
