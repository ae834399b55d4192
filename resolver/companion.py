"""Keep more processes running beside the workers: each may fail as often as it likes, they do not notice."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Sequence

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
"""Seconds before it is started again; doubles while it keeps ending."""
STEADY_SECONDS = 600.0
"""A process that lived so long did not end at once."""
STOP_SECONDS = 2.0
"""How long it may take to end: nobody waits for what it does."""

logger = logging.getLogger("schoolfilter.supervisor")


class Companion:
    """A command that is kept running until it is told to stop."""

    def __init__(self, name: str, command: Sequence[str], *, first_pause: float = FIRST_PAUSE) -> None:
        """`name`: what the command is called in messages."""
        self._name = name
        self._command = command
        self._first_pause = first_pause
        self._process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Keep the process running, for ever. When this task is cancelled, the process is ended."""
        loop = asyncio.get_running_loop()
        pause = self._first_pause
        try:
            while True:
                begun = loop.time()
                try:
                    code = await self._run_once()
                except OSError as error:  # no process, memory or descriptor to be had now
                    logger.error("the %s cannot be started now: %s", self._name, error)
                else:
                    logger.error("the %s ended with status %d; it is started again", self._name, code)
                if loop.time() - begun > STEADY_SECONDS:
                    pause = self._first_pause
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
        finally:
            await self._end()

    async def _run_once(self) -> int:
        """Run the process until it ends; return its exit status.

        Its standard input is a pipe that nobody writes to: it closes when we die, however we die, and tells it to end.
        """
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        return await self._process.wait()

    async def _end(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()
