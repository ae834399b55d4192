"""A process that lets a tailer be killed again and again while workers go on writing: `python -m tests.journal.kills`.

All is imported before the first fork: what is killed is the tailer at its work, not Python at its start.
"""

import asyncio
import os
import random
import signal
import sys
import time
from datetime import datetime
from pathlib import Path

from bench.school_traffic import lines as lines_of
from bench.school_traffic import school_day
from journal.detection.signs import site_of
from journal.intake.state import FILE
from journal.intake.tailer import Tailer
from journal.intake.taking import Pace
from journal.opening import opened_journal
from settings.model import Settings
from tests.journal.tailing import Clock, Worker, installation

WORKERS = 2
LONGEST = 0.06
"""Seconds that a tailer may live."""
SEGMENT_LINES = 1500


def main(folder: Path, kills: int, seed: int) -> None:
    """Write a school day and kill a tailer so many times meanwhile. Raises RuntimeError if that was no test."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    settings = installation(folder)
    day = list(lines_of(school_day(seed, rooms=1)))
    batch = max(len(day) // kills, 1)
    clock = Clock(folder / "clock", _moment(day[0]))
    workers = [Worker(settings.paths.query_log, number) for number in range(WORKERS)]
    since_roll = [SEGMENT_LINES] * WORKERS
    buffers = [b""] * WORKERS
    asyncio.run(_begin(settings))
    site_of("www.example.org")  # reads the public suffixes
    at_work = 0
    for kill in range(kills):
        said = _said(settings)
        tailer = os.fork()
        if tailer == 0:
            _tail(settings, clock)
        mine = day[kill * batch : (kill + 1) * batch] if kill < kills - 1 else day[kill * batch :]
        lives = time.monotonic() + chance.random() * LONGEST
        for line in mine:
            number = chance.randrange(WORKERS)
            since_roll[number] += 1
            if since_roll[number] >= SEGMENT_LINES:
                since_roll[number] = 0
                if buffers[number]:
                    workers[number].write(buffers[number])
                    buffers[number] = b""
                workers[number].roll(_moment(line))
            buffers[number] += line + b"\n"
        for number, octets in enumerate(buffers):
            torn = chance.randrange(len(octets) + 1)
            workers[number].write(octets[:torn])
            time.sleep(0.001)
            workers[number].write(octets[torn:])
            buffers[number] = b""
        if mine:
            clock.set(_moment(mine[-1]))
        time.sleep(max(lives - time.monotonic(), 0.0))
        os.kill(tailer, signal.SIGKILL)
        _pid, status = os.waitpid(tailer, 0)
        if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
            raise RuntimeError(f"expected a tailer that lives until it is killed, found status {status} at kill {kill}")
        at_work += _said(settings) != said
    if at_work < kills // 10:
        raise RuntimeError(f"expected many of {kills} tailers to be killed after they took something in: {at_work}")


def _moment(line: bytes) -> datetime:
    return datetime.fromisoformat(line[:29].decode())


def _said(settings: Settings) -> int:
    """Return when a tailer wrote last what it had taken in; each does so after its first batch."""
    path = settings.paths.run / FILE
    return path.stat().st_mtime_ns if path.exists() else 0


async def _begin(settings: Settings) -> None:
    async with opened_journal(settings):
        pass


def _tail(settings: Settings, clock: Clock) -> None:
    try:
        # Small batches, so that there are many transactions to be killed in.
        asyncio.run(Tailer(settings, clock=clock, pace=Pace(batch_octets=8_000), glance=0.003).run())
    finally:
        os._exit(3)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
