"""The process that keeps the journal, for years, and whatever happens to it, the school does not notice.

Here is what goes round: batches (taking.py); once a minute the head, the sums of days and the nightly round; the words
for `status`. One that is damaged is replaced (journal/recovering.py); one that cannot be written now is waited for.
Who only adds to a file does not see that old pages of it went bad: so it is opened anew now and then, and checked then.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from journal.detection.folding import Folding
from journal.detection.rules import Rules
from journal.intake.days import days_to_sum, enter_day, is_over
from journal.intake.lessons import LessonScene
from journal.intake.rounds import Nightly, Signer
from journal.intake.state import JournalState, Unsent, read_state, write_state
from journal.intake.taking import PACE, Pace, Taking
from journal.notifying.notices import Memory, tell_due
from journal.opening import opened_journal, sign_of_life
from journal.recovering import begin_again
from settings.errors import SchoolfilterError
from settings.model import Settings
from storage.errors import DamagedDatabase
from storage.journal_db import JournalDb

GLANCE = 1.0
"""Seconds between two looks at the log when nothing waits."""
MINUTE = 60.0
CHECK_SECONDS, DOUBT_SECONDS = 3600.0, 60.0
"""After so long the file is checked: in any case; if something failed that may have failed because it is damaged."""
TELL_SECONDS = 30.0
STATE_SECONDS = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds after an error; doubles while it stays."""

logger = logging.getLogger("schoolfilter.journal")


@dataclass(frozen=True, slots=True)
class Commands:
    """What runs in processes of its own; nothing does if a command is empty."""

    nightly: Sequence[str] = ()
    """The round that archives, removes and erases."""
    sign: Sequence[str] = ()
    """Signs the head, and begins the journal if there is none."""


class Tailer:
    """Keeps the journal of one installation."""

    def __init__(
        self,
        settings: Settings,
        *,
        commands: Commands | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        pace: Pace = PACE,
        glance: float = GLANCE,
    ) -> None:
        self._settings = settings
        self._commands = commands or Commands()
        self._signer = Signer(self._commands.sign, settings)
        self._clock = clock
        self._pace = pace
        self._glance = glance
        self._zone = ZoneInfo(settings.school.time_zone)
        self._since = clock()
        self._told = Memory()
        self._stop = asyncio.Event()
        self._taking: Taking | None = None
        self._lines = 0
        self._error = ""
        self._pause = FIRST_PAUSE
        self._doubt = False
        self.idle = False
        """Whether all that could be taken had been taken when it last looked."""
        state = read_state(settings)
        self._head = state.head if state is not None else ""
        self._written = -MINUTE

    def stop(self) -> None:
        """Finish the batch and end."""
        self._stop.set()

    async def run(self) -> None:
        """Keep the journal until told to stop."""
        nightly = Nightly(self._commands.nightly, self._zone, asyncio.get_running_loop().time())
        try:
            while not self._stop.is_set():
                try:
                    if not self._settings.paths.journal_db.exists() and sign_of_life(self._settings) is None:
                        await self._signer.begin()
                    async with opened_journal(self._settings) as journal:
                        replaced = await self._keep(journal, nightly)
                    if replaced:
                        self._drop_log()
                except DamagedDatabase as error:
                    await self._failed(str(error))
                    if error.path == self._settings.paths.journal_db:
                        # They have the old file open, and what they write would be lost.
                        await self._signer.again()
                        await nightly.again()
                        await self._begin_again()
                except (SchoolfilterError, OSError) as error:
                    await self._failed(str(error))
                except Exception as error:
                    logger.exception("the journal cannot go on; it begins again from what is written")
                    await self._failed(repr(error))
                else:
                    continue
                await self._wait(self._pause)
                self._pause = min(self._pause * 2, LONGEST_PAUSE)
        finally:
            await nightly.stop()

    async def _keep(self, journal: JournalDb, nightly: Nightly) -> bool:
        """Keep the journal until it is to be opened anew; return whether there is another file in its place."""
        settings, loop = self._settings, asyncio.get_running_loop()
        file = _file(settings.paths.journal_db)
        opened = loop.time()
        self._doubt = self._signer.failed = nightly.failed = False
        folding = Folding(Rules.of(settings), await journal.folds())
        if folding.unreadable:
            logger.error("what the incident rules remember of %d clients cannot be read: dropped", folding.unreadable)
        taking = await Taking.begin(journal, settings, LessonScene(settings), folding, self._pace)
        taking.days = await days_to_sum(journal)
        due = loop.time()
        async with _beside(self._tell()):
            while not self._stop.is_set():
                behind = await taking.step(self._clock())
                if taking is not self._taking:
                    self._count_lines()
                self._taking, self._error, self._pause = taking, "", FIRST_PAUSE
                if loop.time() >= due:
                    due = loop.time() + MINUTE
                    await self._signer.look(journal, self._clock())
                    if not behind:
                        await self._sum_days(journal, taking)
                        await nightly.look_for_erasures(journal, settings, self._clock())
                        nightly.look(self._clock())
                await self._say(journal)
                self.idle = not behind
                doubt, age = self._doubt or self._signer.failed or nightly.failed, loop.time() - opened
                if age >= CHECK_SECONDS or (doubt and age >= DOUBT_SECONDS):
                    break
                if behind:
                    await asyncio.sleep(0)
                elif _file(settings.paths.journal_db) != file:
                    break
                else:
                    await self._wait(self._glance)
            if self._stop.is_set():
                await self._sum_days(journal, taking)
                await self._signer.end(journal)
                await self._say(journal, now=True)
                return False
            return _file(settings.paths.journal_db) != file

    async def _sum_days(self, journal: JournalDb, taking: Taking) -> None:
        now = self._clock()
        for day in sorted(taking.days):
            if is_over(day, now, taking.following, self._zone):
                await enter_day(journal, day, self._zone, now)
                taking.days.discard(day)

    async def _tell(self) -> None:
        """Tell whoever is to be told of incidents, over a connection of its own: mail takes its time."""
        while True:
            try:
                async with opened_journal(self._settings) as journal:
                    while True:
                        await tell_due(journal, self._settings, self._clock(), memory=self._told)
                        await asyncio.sleep(TELL_SECONDS)
            except (SchoolfilterError, OSError) as error:
                logger.error("nobody can be told of incidents now: %s", error)
                if isinstance(error, DamagedDatabase) and error.path == self._settings.paths.journal_db:
                    self._doubt = True
            except Exception:
                logger.exception("nobody can be told of incidents now")
            await asyncio.sleep(TELL_SECONDS)

    # -- a damaged file ------------------------------------------------------------------------------------------------

    async def _begin_again(self) -> None:
        try:
            moved = await begin_again(self._settings, self._clock(), self._head)
        except (SchoolfilterError, OSError) as error:
            logger.error("the damaged journal cannot be replaced now: %s", error)
        else:
            kept = f"it is kept as {moved}" if moved else "it was gone or empty"
            logger.error("journal.db was damaged: %s, and the journal goes on from what is good", kept)

    def _drop_log(self) -> None:
        """Remove the write-ahead log of a file that is no longer there: it must not be applied to another one."""
        path = self._settings.paths.journal_db
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)

    # -- what it says of itself ----------------------------------------------------------------------------------------

    async def _failed(self, error: str) -> None:
        if error != self._error:
            logger.error("the journal cannot be kept now: %s", error)
        self._error = error
        self._count_lines()
        self._write_state()

    def _count_lines(self) -> None:
        """Add what was taken to what had been taken before: it is about to be taken by another one."""
        if self._taking is not None:
            self._lines += self._taking.lines
            self._taking.lines = 0

    async def _say(self, journal: JournalDb, *, now: bool = False) -> None:
        if now or asyncio.get_running_loop().time() - self._written >= STATE_SECONDS:
            self._head = "{}:{}".format(*await journal.head())
            self._write_state()

    def _write_state(self) -> None:
        self._written = asyncio.get_running_loop().time()
        taking, moment = self._taking, self._clock()
        seconds, octets = 0.0, 0
        if taking is not None:
            with contextlib.suppress(OSError):  # said already
                seconds, octets = taking.lag(moment)
        state = JournalState(
            os.getpid(),
            moment.isoformat(timespec="seconds"),
            int(seconds),
            octets,
            self._lines + (taking.lines if taking is not None else 0),
            len(list(taking.following)) if taking is not None else 0,
            taking.last if taking is not None else "",
            self._error or self._signer.error,
            self._head,
            self._since.isoformat(timespec="seconds"),
            self._unsent(),
        )
        try:
            write_state(self._settings, state)
        except OSError as error:  # the disk is full; `status` sees that nothing is written
            logger.error("cannot write down how the journal stands: %s", error)

    def _unsent(self) -> tuple[Unsent, ...]:
        return tuple(
            Unsent(
                route.contact, route.channel.value, failed.at.astimezone(self._zone).isoformat(timespec="seconds"),
                failed.error,
            )
            for route, failed in self._told.unsent.items()
        )  # fmt: skip

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Let something run as long as the block lasts."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        while not task.done():  # an error at the end of what it does may hide that it was told to end
            task.cancel()
            await asyncio.wait([task], timeout=1.0)


def _file(path: Path) -> tuple[int, int]:
    """Return which file a path names now."""
    try:
        facts = path.stat()
    except FileNotFoundError:
        return 0, 0
    return facts.st_dev, facts.st_ino
