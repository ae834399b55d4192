"""What the journal does now and then in child processes: the round of the night, and signing the head."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from datetime import date, datetime, tzinfo

from journal.intake.children import run_child
from journal.trust.signing import is_due
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
    """Archives, removes and erases by a command, once a night or when the machine is on again; never twice at once."""

    def __init__(self, command: Sequence[str], zone: tzinfo, started: float) -> None:
        """`command`: none if it is empty. `started`: by the loop's clock."""
        self._command = command
        self._zone = zone
        self._not_before = started + HEAD_START
        self._done: date | None = None
        self._task: asyncio.Task[None] | None = None

    def look(self, now: datetime) -> None:
        """Begin a round if one is due."""
        local = now.astimezone(self._zone)
        running = self._task is not None and not self._task.done()
        early = asyncio.get_running_loop().time() < self._not_before or local.hour < AFTER_HOUR
        if not self._command or running or early or self._done == local.date():
            return
        self._task = asyncio.create_task(self._round(local.date()))

    def again(self) -> None:
        """Let another round be due today: what the last one left is to be looked at."""
        self._done = None

    async def stop(self) -> None:
        """End a round that is under way: it is safe at any moment, and the next one mends."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _round(self, day: date) -> None:
        code = -1
        try:
            code = await run_child(self._command)
        except OSError as error:  # no process, memory or descriptor to be had now
            logger.error("the nightly round cannot be started now: %s", error)
        if code:
            logger.error("the nightly round ended with status %d; it is tried again in an hour", code)
            self._not_before = asyncio.get_running_loop().time() + AGAIN
        else:
            self._done = day


class Signer:
    """Signs the head by a command: when we start, once an hour if the chain grew, and when we end."""

    def __init__(self, command: Sequence[str]) -> None:
        """`command`: nothing is signed if it is empty."""
        self._command = command
        self._looked = False
        self._task: asyncio.Task[None] | None = None
        self.error = ""
        """Why heads cannot be signed now."""

    async def begin(self) -> None:
        """Let the command begin the journal: then we need no key, nor what reads keys."""
        if self._command:
            await self._sign()

    async def look(self, journal: JournalDb, now: datetime) -> None:
        """Sign in the background if it is due. Raises StorageError."""
        if not self._command or (self._task is not None and not self._task.done()):
            return
        # The first time in any case: the command also sees whether journal.db still holds what was signed before.
        if not self._looked or await is_due(journal, now):
            self._looked = True
            self._task = asyncio.create_task(self._sign())

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
