"""A made school day as the lines of the query log."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from random import Random

from bench.traffic_day import LESSONS, STAFF, Day, devices
from bench.traffic_names import pool
from bench.traffic_planted import Planting
from policy.bypass import BYPASS_NAMES
from policy.categories import BY_ID, Severity
from policy.names import with_parents
from policy.safesearch import SAFE, rewrites

_FIRST = datetime(2026, 11, 2, tzinfo=timezone(timedelta(hours=5)))
"""A Monday; the offset is that of Almaty."""
_REWRITES = rewrites(SAFE)


def school_day(seed: int, rooms: int = 8) -> Day:
    """Return a school day with what is planted in it and the noise around."""
    random = Random(seed)
    made = Day(random, pool(), devices(rooms, random))
    Planting(made).all(len(made.devices) / 100)
    for number, device in enumerate(made.devices):
        begin, end = LESSONS[0][0] - random.random() * 1800, LESSONS[-1][1] + random.random() * 3600
        made.background(number, begin, end)
        for first, last in LESSONS:
            if random.random() < (0.55 if device.group not in STAFF else 0.4):
                made.lesson(number, first, last)
    return made


def lines(made: Day, number_of_day: int = 0) -> Iterator[bytes]:
    """Yield the lines of the query log without their line feed, in order of time."""
    date = _FIRST + timedelta(days=number_of_day)
    decisions: dict[tuple[bool, bool, str], str] = {}
    rest = [f"{each.client}\t{each.id}\t{each.room}\t{each.group}" for each in made.devices]
    known, stamp, closed_now = -1, "", True
    for moment, number, name, kind in sorted(made.asked):
        device, second = made.devices[number], int(moment)
        if second != known:
            known, stamp = second, (date + timedelta(seconds=second)).isoformat()[:19]
            closed_now = not any(first <= second < last for first, last in LESSONS)
        key = device.group in STAFF, device.supervised and closed_now, name
        columns = decisions.get(key)
        if columns is None:
            columns = decisions[key] = _columns(made, *key)
        yield f"{stamp}.{int((moment - second) * 1000):03d}+05:00\t{rest[number]}\t{name}\t{kind}\t{columns}".encode()


def _columns(made: Day, staff: bool, closed: bool, name: str) -> str:
    """Return the columns from `action` on as the policy of a new school would have them."""
    category = "malware" if name in made.malicious else made.names.category(name)
    severity = BY_ID[category].severity if category else None
    if not staff and any(parent in BYPASS_NAMES for parent in with_parents(name)):
        decision = "block\tbypass\tbypass\t"
    elif severity is Severity.UNLAWFUL:
        decision = f"block\tlocked\t{category}\tstarter-{category}"
    elif closed:
        decision = "block\tlesson\t\t"
    elif severity is Severity.HARMFUL or (severity is not None and not staff):
        decision = f"block\tcategory\t{category}\tstarter-{category}"
    elif name in _REWRITES and not staff:
        return "rewrite\tsafe-search\t\t\tNOERROR\tpolicy\t0.2"
    else:
        return "allow\tdefault\t\t\tNOERROR\tcache\t0.1"
    return f"{decision}\tNOERROR\tpolicy\t0.1"
