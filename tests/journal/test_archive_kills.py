"""A round that is killed at any moment, for real, loses and doubles nothing."""

import random
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from settings.model import Log
from storage.evidence import Kind
from tests.journal.log_folder import ZONE, installation, row
from tests.journal.test_archive import archives, clock_has_stood, closed, found, records, round_of

BEGUN = datetime(2026, 9, 2, 10, tzinfo=ZONE)
KILLS = 100
LINES = 50

# Imports once; then each round is a fork that is killed after a while.
_ROUNDS = """
import asyncio, os, signal, sys, time
from datetime import datetime
from pathlib import Path
from journal.archiving.archive import archive_round
from settings.model import Log
from tests.journal.log_folder import installation

settings = installation(Path(sys.argv[1]), Log(anonymise_days=3))
for line in sys.stdin:
    now, seconds = line.split()
    child = os.fork()
    if child == 0:
        asyncio.run(archive_round(settings, datetime.fromisoformat(now)))
        os._exit(0)
    time.sleep(float(seconds))
    os.kill(child, signal.SIGKILL)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def test_a_hundred_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    """Days are archived and anonymised, and texts removed, by rounds that are killed after a random while."""
    chance = random.Random(20260902)  # noqa: S311 - the same moments each time
    settings = installation(tmp_path, Log(anonymise_days=3))
    statuses: Counter[int] = Counter()
    day = 0
    command = [sys.executable, "-c", _ROUNDS, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as rounds:
        assert rounds.stdin is not None
        assert rounds.stdout is not None
        while statuses[-9] < KILLS:
            rows = [row(BEGUN + timedelta(days=day, seconds=each), room=f"day-{day}") for each in range(LINES)]
            closed(settings, rows, BEGUN + timedelta(days=day), number=day + 1)
            day += 1
            now = BEGUN + timedelta(days=day)
            clock_has_stood(settings, now)
            for _round in range(6):
                rounds.stdin.write(f"{now.isoformat()} {chance.uniform(0.02, 0.2):.4f}\n")
                rounds.stdin.flush()
                statuses[int(rounds.stdout.readline())] += 1
        rounds.stdin.close()
    written = {f"day-{each}": LINES for each in range(day)}
    assert Counter(each[3] for each in found(settings)) == written
    round_of(settings, BEGUN + timedelta(days=day))
    assert Counter(each[3] for each in found(settings)) == written
    assert Counter(bool(each[1]) for each in found(settings)) == {True: 3 * LINES, False: (day - 3) * LINES}
    files = {str(path.relative_to(settings.paths.archive)) for path in settings.paths.archive.glob("*/*")}
    assert files == {each.file for each in archives(settings)}
    assert records(settings, Kind.ALARM) == []
    assert set(statuses) <= {0, -9}
