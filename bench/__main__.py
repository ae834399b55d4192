"""`python -m bench`: measure, show, save."""

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console

from bench import archive, folding, growth, publishing, report, school, servers, speed, tailer, verifying
from bench.plan import FULL, QUICK, Bench
from bench.processes import BenchError
from bench.results import Outcome

ROOT = Path(__file__).parent.parent

_QUIET = 0.5
"""Load average above which figures, latencies above all, say more about the neighbours than about the servers."""

SCENARIOS: dict[str, Callable[[Bench], Outcome]] = {
    "hits": speed.hits,
    "misses": speed.misses,
    "latency": speed.latency,
    "lists": growth.lists,
    "flat": growth.flat,
    "publishing": publishing.publishing,
    "school": school.school,
    "tailer": tailer.tailer,
    "folding": folding.folding,
    "verifying": verifying.verifying,
    "archive": archive.archive,
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="At most two minutes: fewer rounds, lists up to 500,000 names.")
@click.option("--only", multiple=True, type=click.Choice(tuple(SCENARIOS)), help="Only this part; may be repeated.")
@click.option("--peers", is_flag=True, help="Only the peers, not schoolfilter.")
@click.option("--write", is_flag=True, help="Renew the figures in docs/benchmarks.md.")
def main(quick: bool, only: tuple[str, ...], peers: bool, write: bool) -> None:
    """Measure schoolfilter beside unbound, dnsmasq and a bare C echo; everything stays on 127.0.0.0/8."""
    if write and (only or peers):
        raise click.UsageError("--write needs the whole benchmark: leave out --only and --peers")
    started, busy = datetime.now(UTC), os.getloadavg()[0]
    console = Console()
    progress = Console(stderr=True, highlight=False)
    # Under var/ and not /tmp: logs go where a school's would go, to a disk and not to memory.
    (ROOT / "var").mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="bench-", dir=ROOT / "var") as folder:
        work = Path(folder)
        try:
            servers.compile_programs(work)
            with servers.upstream(work) as upstream:
                bench = Bench(QUICK if quick else FULL, work, upstream, not peers, lambda text: progress.print(text))
                outcomes = [scenario(bench) for name, scenario in SCENARIOS.items() if not only or name in only]
        except BenchError as error:
            progress.print(str(error), style="red", markup=False)
            sys.exit(1)
    where = report.conditions(" ".join(["python -m bench", *sys.argv[1:]]), started, busy)
    report.show(console, outcomes)
    saved = report.save(ROOT / "bench" / "results", where, outcomes)
    if busy > _QUIET:
        progress.print(f"The machine was busy before the run (load average {busy:.2f}): repeat it when it is idle.")
    progress.print(f"Saved {saved.relative_to(ROOT)} after {where.seconds:.0f} s", markup=False)
    if write:
        page = ROOT / "docs" / "benchmarks.md"
        text = report.replace_between(page.read_text(encoding="utf-8"), report.markdown(where, outcomes))
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
