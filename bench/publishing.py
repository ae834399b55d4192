"""What the school feels when the lists are renewed: queries lost, and the longest wait for an answer."""

import time

from bench import load, ours
from bench.plan import MIDDLE, Bench
from bench.processes import BenchError
from bench.results import Outcome, Section, Target
from bench.rounds import ask_all, hit_names
from blocklists.generation import current_generation

RATE = 20_000
"""Queries a second: far more than a school asks."""


def publishing(bench: Bench) -> Outcome:
    """Publish new generations of a large list while queries come in without a pause."""
    if not bench.with_ours:
        return Outcome(())
    installation = bench.installation(MIDDLE)
    file = hit_names(bench)
    rows = []
    worst_lost = worst_wait = 0.0
    with ours.schoolfilter(installation) as server:
        ask_all(server, file)
        quiet = load.own(bench.work, server.port, file, bench.plan.publish_seconds, rate=RATE)
        rows.append(("nothing", *_row(quiet)))
        for number in range(1, bench.plan.publishes + 1):
            bench.say(f"publishing: generation {number} of {bench.plan.publishes} under {RATE:,} queries/s")
            ours.write_list(installation.config.parent, MIDDLE, changed=1000 * number)
            before = current_generation(installation.lists)
            begun = time.perf_counter()
            work = ours.refresh(installation)
            try:
                answers = load.own(bench.work, server.port, file, bench.plan.publish_seconds, rate=RATE)
                if work.wait(timeout=120):
                    raise BenchError("`lists refresh` failed; see commands.out")
            finally:
                work.kill()
            took = time.perf_counter() - begun
            if current_generation(installation.lists) == before:
                raise BenchError("expected a new generation in force, found the old one")
            rows.append((f"a new generation ({took:.0f} s)", *_row(answers)))
            worst_lost = max(worst_lost, answers.sent - answers.answered)
            worst_wait = max(worst_wait, answers.max_us / 1000)
    return Outcome(
        (
            Section(
                "A new generation under load",
                f"{RATE:,} queries a second at random moments; meanwhile `lists refresh` reads, checks, compiles and "
                f"publishes a list of {MIDDLE:,} names of which a thousand are new. The first row is the same load "
                "with nothing else going on: what the machine itself does to latencies.",
                ("meanwhile", "sent", "lost", "p50 ms", "p99 ms", "longest ms"),
                tuple(rows),
            ),
        ),
        (
            Target("queries lost while a new generation is published", 0, "", worst_lost),
            Target("longest wait for an answer meanwhile", 20.0, "ms", worst_wait),
        ),
    )


def _row(answers: load.Answers) -> tuple[str, ...]:
    return (
        f"{answers.sent:,}",
        f"{answers.sent - answers.answered:,}",
        f"{answers.p50_us / 1000:.2f}",
        f"{answers.p99_us / 1000:.2f}",
        f"{answers.max_us / 1000:.1f}",
    )
