"""What was measured, as values: runs, medians, ratios between servers, targets met and missed. Pure."""

from dataclasses import dataclass, field
from statistics import median

from bench.load import Measured


@dataclass(frozen=True, slots=True)
class Series:
    """All runs of one server in one situation, one for each round."""

    server: str
    runs: tuple[Measured, ...]

    @property
    def cpu_us(self) -> float:
        """Median processor time for each query."""
        return median(run.cpu_us for run in self.runs)

    @property
    def per_second(self) -> float:
        """Median throughput."""
        return median(run.per_second for run in self.runs)

    @property
    def p50_ms(self) -> float:
        """Median over the rounds of the median latency."""
        return median(run.answers.p50_us for run in self.runs) / 1000

    @property
    def p99_ms(self) -> float:
        """Median over the rounds of the 99th percentile of latency."""
        return median(run.answers.p99_us for run in self.runs) / 1000

    @property
    def lost(self) -> float:
        """Largest share of queries without an answer."""
        return max(run.lost for run in self.runs)

    def cpu_text(self) -> str:
        """Return the median with the lowest and the highest round."""
        costs = [run.cpu_us for run in self.runs]
        return f"{self.cpu_us:.2f} ({min(costs):.2f}–{max(costs):.2f})"


def ratio(one: Series, other: Series) -> float:
    """Return how many times the other's processor time one takes: the median of the rounds' ratios.

    Rounds are compared one by one because a shared machine is slow for some seconds at a time, for both alike.
    """
    return median(a.cpu_us / b.cpu_us for a, b in zip(one.runs, other.runs, strict=True))


@dataclass(frozen=True, slots=True)
class Target:
    """One figure that was promised, and what was measured."""

    text: str
    limit: float
    unit: str
    value: float | None
    """None: not measured in this run."""

    @property
    def verdict(self) -> str:
        """Return `met`, `missed by …` or `not measured`."""
        if self.value is None:
            return "not measured"
        if self.value <= self.limit:
            return "met"
        return f"missed by {self.value / self.limit - 1:.0%}" if self.limit else "missed"


@dataclass(frozen=True, slots=True)
class Section:
    """One table of the report."""

    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one scenario gives to the report."""

    sections: tuple[Section, ...]
    targets: tuple[Target, ...] = ()
    series: dict[str, Series] = field(default_factory=dict)
    """The single runs, by situation, for the JSON file."""


COST_COLUMNS = ("server", "CPU µs a query", "queries/s", "lost")


def cost_row(name: str, series: Series, *more: str) -> tuple[str, ...]:
    """Return the row of a series under COST_COLUMNS and those that follow."""
    lost = "0" if series.lost == 0 else f"{series.lost:.2%}"
    return (name, series.cpu_text(), f"{series.per_second:,.0f}", lost, *more)


def against(ours: Series | None, other: Series) -> float | None:
    """Return ours ÷ the other, None where ours was not measured."""
    return None if ours is None else ratio(ours, other)


def against_text(ours: Series | None, other: Series) -> str:
    """Return ours ÷ the other as a cell of a table."""
    value = against(ours, other)
    return "–" if value is None else f"{value:.2f}"


def megabytes(size: int) -> str:
    """Return bytes as text in units of 10^6, as the targets are meant."""
    return f"{size / 1e6:.1f}"
