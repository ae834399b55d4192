"""Commands that the journal runs beside itself: what they need of memory and libraries is given back at their end."""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

STOP_SECONDS = 1.5
"""How long a child may take to end when it is no longer wanted."""
_OOM_SCORE = 900

logger = logging.getLogger("schoolfilter.journal")


async def run_child(command: Sequence[str], *, idle: bool = True) -> int:
    """Run a command; return its exit status. A cancellation ends it. Raises OSError.

    `idle`: at the lowest priority, however long it may take then.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    try:
        if idle:
            _step_back(process.pid)
        return await process.wait()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
                try:
                    await asyncio.wait_for(process.wait(), STOP_SECONDS)
                except TimeoutError:
                    process.kill()
                    await process.wait()


def _step_back(pid: int) -> None:
    """Give a process the lowest priority for processor and disk, and let it be the first to go if memory runs out."""
    # SCHED_IDLE brings the idle class of disk access along; the niceness is for kernels that know no such policy.
    for act in (
        lambda: os.setpriority(os.PRIO_PROCESS, pid, 19),
        lambda: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0)),
        lambda: Path(f"/proc/{pid}/oom_score_adj").write_text(f"{_OOM_SCORE}\n", encoding="ascii"),
    ):
        with contextlib.suppress(OSError):  # a container may forbid it, or it has ended already
            act()
