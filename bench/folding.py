"""What the incident rules cost a line of the query log."""

import time
from collections.abc import Sequence
from statistics import median

from bench.plan import Bench
from bench.results import Outcome, Section, Target
from bench.traffic_log import lines, school_day
from journal.detection.folding import Folding
from journal.detection.rules import Rules

_SEED = 11


def folding(bench: Bench) -> Outcome:
    """Fold a made school day: its blocked lines, and its other ones as the tailer passes over them, and not."""
    if not bench.with_ours:
        return Outcome(())
    bench.say("making a school day")
    day = [line.split(b"\t") for line in lines(school_day(_SEED))]
    watched = Folding.watched
    blocked = [each for each in day if each[7] != b"allow" or each[5] in watched]
    others = [each for each in day if each[7] == b"allow" and each[5] not in watched]
    bench.say("folding it")
    rounds = bench.plan.rounds
    passed = median(_pass(others) for _ in range(rounds)) / len(others) * 1e6
    taken = median(_take(others) for _ in range(rounds)) / len(others) * 1e6
    folded = median(_take(blocked) for _ in range(rounds)) / len(blocked) * 1e6
    return Outcome(
        (
            Section(
                "Incident rules",
                f"A made school day of {len(day):,} lines, {len(blocked) / len(day):.0%} of them blocked or rewritten "
                "(far more than in a school: pupils' pages without their advertising). The tailer hands the rules only "
                "blocked and rewritten lines and look-ups of search engines.",
                ("line", "CPU µs"),
                (
                    ("allowed: passed over", f"{passed:.2f}"),
                    ("allowed, if it were handed over", f"{taken:.2f}"),
                    ("blocked or rewritten", f"{folded:.2f}"),
                ),
            ),
        ),
        (
            Target("incident rules, a line that is not blocked", 1.0, "µs", passed),
            Target("incident rules, a blocked line", 10.0, "µs", folded),
        ),
    )


def _pass(day: Sequence[Sequence[bytes]]) -> float:
    watched, handed = Folding.watched, 0
    begun = time.process_time()
    for line in day:
        if line[7] != b"allow" or line[5] in watched:
            handed += 1
    return time.process_time() - begun


def _take(day: Sequence[Sequence[bytes]]) -> float:
    rules = Folding(Rules(), {})
    begun = time.process_time()
    for line in day:
        rules.take(line)
    rules.found()
    rules.changed()
    return time.process_time() - begun
