"""Measure a compiled index: `python -m bench.lookup LISTS_FOLDER NAMES` prints microseconds a look-up, opening in ms.

In processor time: what the kernel or the neighbours of a virtual machine take between two look-ups is not theirs.
"""

import json
import random
import sys
import timeit
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time

from bench.names import listed, unlisted
from blocklists.index import open_current

_SAMPLE = 50_000
"""Names of each kind, all over the index: more than the processor's caches hold."""
_ROUNDS = 11


def _microseconds(look_up: Callable[[str], object], names: list[str]) -> list[float]:
    """Return what a look-up took in each round, the shortest first."""

    def every() -> None:
        for name in names:
            look_up(name)

    every()  # the pages are mapped in by the first pass
    rounds = timeit.repeat(every, timer=process_time, number=1, repeat=_ROUNDS)
    return sorted(seconds / len(names) * 1e6 for seconds in rounds)


def main() -> None:
    """Measure and print the median of each kind; with `--least` the shortest round."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    choose: Callable[[list[float]], float] = min if "--least" in sys.argv else median
    index = open_current(folder)
    chosen = random.Random(1).sample(range(count), min(_SAMPLE, count))
    kinds = {
        "listed": [listed(number) for number in chosen],
        "below_listed": ["www." + listed(number) for number in chosen],
        # An exception and what it excepts: the list has one for each thousand names.
        "excepted": ["www.open." + listed(number) for number in range(0, count, 1000)],
        "unlisted": [unlisted(number) for number in chosen],
        "deep": ["a.b.c.d.e.f.g.h." + unlisted(number) for number in chosen],
    }
    for kind, names in kinds.items():
        # Only our list counts: a pattern of the starter lists may well fit a name made of syllables and "casino".
        found = sum(any(listing.list_id == "bench" for listing in index.lookup(name)) for name in names)
        if found != (0 if kind in ("unlisted", "deep") else len(names)):
            sys.exit(f"expected all or none of the {kind} names to be found, found {found} of {len(names)}")
    figures = {kind: choose(_microseconds(index.lookup, names)) for kind, names in kinds.items()}
    index.close()
    opened = timeit.repeat(lambda: open_current(folder).close(), number=1, repeat=_ROUNDS)
    json.dump(figures | {"open_ms": choose(opened) * 1e3}, sys.stdout)


if __name__ == "__main__":
    main()
