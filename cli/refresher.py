"""`lists refresh --scheduled`: the process that keeps the lists current, for years, at the lowest priority.

It sleeps, forks for each round and looks on: what a compile takes of memory is given back when the child ends, a round
that hangs can be ended at once, and whatever happens in it, this process lives. A child that is killed at any moment
leaves a working generation in force (blocklists/publish.py).
"""

import contextlib
import logging
import os
import random
import select
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from blocklists.note import Note, read_note, write_note
from blocklists.schedule import Last, Timing, next_due
from settings.errors import SchoolfilterError
from settings.model import Settings

if TYPE_CHECKING:
    from blocklists.rounds import Round

HEAD_START = 60.0
"""Seconds before the first round may begin: when the power comes back, the whole school asks at once."""
ROUND_SECONDS = 4 * 3600.0
"""A round that takes longer hangs: dozens of lists over a slow line take an hour."""
GLANCE = 60.0
"""How often the clock is looked at: it may be set, and a machine may have slept."""
_OOM_SCORE = 900
"""If memory runs out, the kernel ends this process first and never a worker."""

logger = logging.getLogger("schoolfilter.lists")


def serve(settings: Settings, *, chance: Callable[[], float] = random.random, head_start: float = HEAD_START) -> None:
    """Refresh all lists on schedule until SIGTERM or SIGINT, or until standard input, if it is a pipe, is closed."""
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s schoolfilter lists %(levelname)s %(message)s"
    )
    if not settings.lists.refresh_hours:
        logger.info("lists.refresh_hours is 0: nothing is refreshed by itself")
        return
    step_back()
    with _Ears.open() as ears:
        _Refresher(settings, ears, chance).run(head_start)


def step_back() -> None:
    """Take the lowest priority for processor and disk, and be the first to go if memory runs out."""
    # SCHED_IDLE brings the idle class of disk access along; the niceness is for kernels that know no such policy.
    for act in (
        lambda: os.nice(19),
        lambda: os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0)),
        lambda: Path("/proc/self/oom_score_adj").write_text(f"{_OOM_SCORE}\n", encoding="ascii"),
    ):
        try:
            act()
        except OSError as error:  # a container may forbid it; lists must be refreshed all the same
            logger.warning("cannot lower the priority: %s", error)


@dataclass(slots=True)
class _Ears:
    """Waits for time, a signal, or the end of whoever started us."""

    descriptor: int
    parent: int
    """Standard input if it is a pipe: its end is the end of the supervisor; else -1."""
    told_to_stop: bool = False

    @classmethod
    @contextlib.contextmanager
    def open(cls) -> Iterator["_Ears"]:
        hear, tell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        before = signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
        signums = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
        handlers = {signum: signal.signal(signum, lambda *_: None) for signum in signums}
        try:
            yield cls(hear, 0 if _is_pipe(0) else -1)
        finally:
            signal.set_wakeup_fd(before)
            for signum, handler in handlers.items():
                signal.signal(signum, handler)
            os.close(hear)
            os.close(tell)

    def wait(self, seconds: float) -> bool:
        """Wait at most so long, less if something happens; return whether to go on."""
        if not self.told_to_stop:
            watched = [self.descriptor] + ([self.parent] if self.parent >= 0 else [])
            ready = select.select(watched, [], [], max(seconds, 0.0))[0]
            if self.descriptor in ready:
                heard = os.read(self.descriptor, 4096)
                self.told_to_stop = signal.SIGTERM in heard or signal.SIGINT in heard
            if self.parent in ready and not os.read(self.parent, 4096):
                self.told_to_stop = True
        return not self.told_to_stop


def _is_pipe(descriptor: int) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except OSError:
        return False


class _Refresher:
    def __init__(self, settings: Settings, ears: _Ears, chance: Callable[[], float]) -> None:
        lists = settings.lists
        self._settings = settings
        self._folder = settings.paths.lists
        self._ears = ears
        self._chance = chance
        self._timing = Timing.of(lists.refresh_hours, lists.quiet, ZoneInfo(settings.school.time_zone))

    def run(self, head_start: float) -> None:
        due = self._appoint(read_note(self._folder) or Note(), head_start)
        while self._sleep_until(due):
            note = read_note(self._folder) or Note()
            # The machine may have slept through its time and woken up in a lesson.
            if (at := self._due(note.last(), 0.0)) > datetime.now(UTC) + timedelta(seconds=1):
                due = self._appoint(note, (at - datetime.now(UTC)).total_seconds())
                continue
            if not self._round(note):
                return
            due = self._appoint(read_note(self._folder) or Note(), GLANCE)

    def _due(self, last: Last, chance: float) -> datetime:
        due = next_due(last, self._timing, datetime.now(UTC), chance)
        assert due is not None  # noqa: S101 - serve() returns if the period is 0
        return due

    def _appoint(self, note: Note, least: float) -> datetime:
        """Draw the time of the next round, at least so many seconds away, and write it down."""
        due = max(self._due(note.last(), self._chance()), datetime.now(UTC) + timedelta(seconds=least))
        local = due.astimezone(self._timing.zone)
        self._write(replace(note, pid=os.getpid(), running=False, next=local.isoformat(timespec="seconds")))
        logger.info("the next refresh is at %s", local.isoformat(" ", "minutes"))
        return due

    def _sleep_until(self, due: datetime) -> bool:
        """Sleep until then by the clock on the wall, which may be set meanwhile; return whether to go on."""
        while (left := (due - datetime.now(UTC)).total_seconds()) > 0:
            wall, steady = time.time(), time.monotonic()
            if not self._ears.wait(min(left, GLANCE)):
                return False
            if abs((time.time() - wall) - (time.monotonic() - steady)) > GLANCE:
                logger.info("the clock was set")
                due = min(due, self._appoint(read_note(self._folder) or Note(), 0.0))
        return True

    def _round(self, note: Note) -> bool:
        """Run a round in a child and wait for it; return whether to go on."""
        self._write(replace(note, pid=os.getpid(), running=True))
        child = os.fork()
        if child == 0:
            self._in_child(note)
        deadline = time.monotonic() + ROUND_SECONDS
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                break
            go_on = self._ears.wait(min(deadline - time.monotonic(), GLANCE))
            if go_on and time.monotonic() < deadline:
                continue
            os.kill(child, signal.SIGKILL)  # safe at any moment; nothing it could finish is worth waiting for
            os.waitpid(child, 0)
            if not go_on:
                return False
            status = -1
        if status:
            logger.error("the refresh ended with status %d; what is in force stays", os.waitstatus_to_exitcode(status))
            now = datetime.now(UTC).isoformat(timespec="seconds")
            error = f"the refresh ended with status {status}"
            self._write(replace(note, tried=now, failures=note.failures + 1, error=error))
        return True

    def _in_child(self, note: Note) -> None:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
                signal.signal(signum, signal.SIG_DFL)
            done = self._make_round().run(note, all_lists=self._all_due(note))
            self._write(replace(done, pid=os.getppid()))
            self._note_use()
            status = 0
        except Exception:
            logger.exception("the refresh failed")
        finally:
            logging.shutdown()
            os._exit(status)

    def _note_use(self) -> None:
        """Note which names of the director's list are in use, while the log still has it: reviews are yearly."""
        # Imported in the child: what it brings along is given back with it.
        from cli.list_care import note_use_of_today

        try:
            note_use_of_today(self._settings)
        except (SchoolfilterError, OSError) as error:  # the lists are refreshed all the same
            logger.error("the use of the director's list could not be noted: %s", error)

    def _all_due(self, note: Note) -> bool:
        """Tell whether all lists are due, and not only those that failed a while ago."""
        good = note.last().good
        early = self._timing.period * 0.8
        return not note.failed or good is None or not timedelta() <= datetime.now(UTC) - good < early

    def _make_round(self) -> "Round":
        # Imported in the child: what they bring along is given back with it.
        from blocklists.fetch import FetchRules
        from blocklists.proxy import parse_proxy
        from blocklists.publish import Limits
        from blocklists.refresh import refresh
        from blocklists.rounds import Round
        from cli.printable import printable
        from resolver.asked import asked_lately

        settings = self._settings
        rules = FetchRules(proxy=parse_proxy(settings.lists.proxy))
        bad = settings.lists.bad_lines_percent
        return Round(
            self._folder,
            lambda source: refresh(self._folder, source, rules, datetime.now(UTC), bad_percent=bad),
            Limits.of(settings),
            lambda: asked_lately(settings),
            # Expressions of lists hold what their makers put there.
            lambda text: logger.info("%s", printable(text)),
        )

    def _write(self, note: Note) -> None:
        try:
            write_note(self._folder, note)
        except OSError as error:  # the disk is full: it may be better at the next round
            logger.error("cannot write down how the refresh stands: %s", error)
