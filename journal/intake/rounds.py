"""What the journal does now and then in child processes: rounds of the archive, and signing the head."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from datetime import date, datetime, tzinfo

from journal.archiving.waiting import ready
from journal.intake.children import run_child
from journal.trust.signing import is_due
from settings.model import Settings
from storage.journal_db import JournalDb
from translations import _

AFTER_HOUR = 1
"""By the school's clock: the day before is over, and its segments are closed."""
HEAD_START = 120.0
"""Seconds after our start: when the power comes back, the whole school asks at once."""
AGAIN = 3600.0
"""Seconds after a round that failed."""

logger = logging.getLogger("schoolfilter.journal")


class Nightly:
    """Archives, removes and erases by a command, once a night or when the machine is on again; never twice at once.

    And once more when an erasure that had to wait need not wait any longer.
    """

    def __init__(self, command: Sequence[str], zone: tzinfo, started: float) -> None:
        """`command`: none if it is empty. `started`: by the loop's clock."""
        self._command = command
        self._zone = zone
        self._not_before = self._first = started + HEAD_START
        self._done: date | None = None
        self._wanted = False
        """Whether another one is due though that of today is done."""
        self._erasing: set[int] = set()
        """The erasures for which there was one: what holds them up now, the next night has to deal with."""
        self._task: asyncio.Task[None] | None = None
        self.failed = False
        """Whether a round failed since somebody looked at this."""

    def look(self, now: datetime) -> None:
        """Begin a round if one is due."""
        local = now.astimezone(self._zone)
        running = self._task is not None and not self._task.done()
        early = asyncio.get_running_loop().time() < self._not_before or local.hour < AFTER_HOUR
        if not self._command or running or early or (self._done == local.date() and not self._wanted):
            return
        self._wanted = False
        self._task = asyncio.create_task(self._round(local.date()))

    async def look_for_erasures(self, journal: JournalDb, settings: Settings, now: datetime) -> None:
        """Let a round be due, once, for each erasure that waits for nothing else any more. Raises StorageError."""
        if self._command:
            found = await ready(journal, settings, now.astimezone(self._zone))
            self._wanted = self._wanted or not found <= self._erasing
            self._erasing |= found

    async def again(self) -> None:
        """End a round that is under way, and let another be due at once: what the last one left is to be looked at."""
        await self.stop()
        self._done, self._not_before = None, self._first
        self._erasing.clear()  # another journal may give their records to others

    async def stop(self) -> None:
        """End a round that is under way: it is safe at any moment, and the next one mends."""
        await _ended(self._task)

    async def _round(self, day: date) -> None:
        code = -1
        try:
            code = await run_child(self._command)
        except OSError as error:  # no process, memory or descriptor to be had now
            logger.error("the nightly round cannot be started now: %s", error)
        if code:
            logger.error("the nightly round ended with status %d; it is tried again in an hour", code)
            self._done, self._not_before = None, asyncio.get_running_loop().time() + AGAIN
            self.failed = True
        else:
            self._done = day


class Signer:
    """Signs the head by a command: when we start, once an hour if the chain grew, and when we end."""

    def __init__(self, command: Sequence[str], settings: Settings) -> None:
        """`command`: nothing is signed if it is empty."""
        self._command = command
        self._settings = settings
        self._looked = False
        self._task: asyncio.Task[None] | None = None
        self.error = ""
        """Why heads cannot be signed now."""
        self.failed = False
        """Whether a head could not be signed since somebody looked at this."""

    async def begin(self) -> None:
        """Let the command begin the journal: then we need no key, nor what reads keys."""
        if self._command:
            await self._sign()

    async def look(self, journal: JournalDb, now: datetime) -> None:
        """Sign in the background if it is due. Raises StorageError, OSError."""
        if not self._command or (self._task is not None and not self._task.done()):
            return
        # The first time in any case: the command also sees whether journal.db still holds what was signed before.
        if not self._looked or await is_due(journal, self._settings, now):
            self._looked = True
            self._task = asyncio.create_task(self._sign())

    async def again(self) -> None:
        """End what is being signed, and let it be due at once. heads.txt may have a head then that journal.db lacks."""
        await _ended(self._task)
        self._task, self._looked = None, False

    async def end(self, journal: JournalDb) -> None:
        """Sign what was added since. Raises StorageError."""
        if self._task is not None:
            await self._task
        last = await journal.last_head()
        if self._command and (last is None or last.number < (await journal.head()).number):
            await self._sign()

    async def _sign(self) -> None:
        code = -1
        try:
            code = await run_child(self._command, idle=False)
        except OSError as error:  # no process, memory or descriptor to be had now
            logger.error("the head of the journal cannot be signed now: %s", error)
        self.error = _("The head of the journal cannot be signed; the messages of the server say why.") if code else ""
        self.failed = self.failed or code != 0


async def _ended(task: asyncio.Task[None] | None) -> None:
    """End a task, and wait until it has ended."""
    if task is not None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
