"""Measure look-ups in a compiled index: `python -m bench.lookup LISTS_FOLDER NAMES` prints microseconds as JSON."""

import json
import random
import sys
import timeit
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench.names import listed, unlisted
from blocklists.index import open_current

_SAMPLE = 50_000
"""Names of each kind, all over the index: more than the processor's caches hold."""


def _microseconds(look_up: Callable[[str], object], names: list[str]) -> float:
    def every() -> None:
        for name in names:
            look_up(name)

    every()  # the pages are mapped in by the first pass
    return median(timeit.repeat(every, number=1, repeat=7)) / len(names) * 1e6


def main() -> None:
    """Measure and print."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    index = open_current(folder)
    chosen = random.Random(1).sample(range(count), min(_SAMPLE, count))
    kinds = {
        "listed": [listed(number) for number in chosen],
        "below_listed": ["www." + listed(number) for number in chosen],
        "unlisted": [unlisted(number) for number in chosen],
        "deep": ["a.b.c.d.e.f.g.h." + unlisted(number) for number in chosen],
    }
    for kind, names in kinds.items():
        found = sum(bool(index.lookup(name)) for name in names)
        if found != (len(names) if "listed" in kind.split("_") else 0):
            sys.exit(f"expected all or none of the {kind} names to be found, found {found} of {len(names)}")
    json.dump({kind: _microseconds(index.lookup, names) for kind, names in kinds.items()}, sys.stdout)


if __name__ == "__main__":
    main()
