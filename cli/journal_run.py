"""`journal run`: the process that keeps the journal. The supervisor keeps it running; by hand it is for trying."""

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from cli.context import Installation, pass_installation
from cli.errors import Failure
from journal.intake.state import LOCK
from journal.intake.tailer import Commands, Tailer
from settings.load import find
from translations import _


@click.command(
    "run",
    help=_(
        "Keep the journal: follow the query log, find incidents, archive what is due. `schoolfilter run` starts this "
        "by itself. Example: schoolfilter journal run"
    ),
)
@pass_installation
def run_command(installation: Installation) -> None:
    """Keep the journal until SIGTERM or SIGINT, or until standard input, if it is a pipe, is closed."""
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s schoolfilter journal %(levelname)s %(message)s"
    )
    _step_back()
    with _alone(installation.settings.paths.run / LOCK):
        asyncio.run(_keep(installation))


def _step_back() -> None:
    """Let the workers go first, and be ended before them if memory runs out: what waits in files is not lost."""
    with contextlib.suppress(OSError):  # a container may forbid it
        os.nice(10)
        Path("/proc/self/oom_score_adj").write_text("500\n", encoding="ascii")


async def _keep(installation: Installation) -> None:
    loop = asyncio.get_running_loop()
    tailer = Tailer(
        installation.settings, commands=Commands(command(installation, "archive"), command(installation, "sign"))
    )
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, tailer.stop)
    if _is_pipe(0):
        loop.add_reader(0, _listen, tailer)
    await tailer.run()


def command(installation: Installation, name: str) -> list[str]:
    """Return the command line of `journal NAME` for this installation."""
    config = find(installation.config)
    chosen = ["--config", str(config)] if config is not None else []
    return [sys.executable, "-m", "cli.main", *chosen, "journal", name]


def _listen(tailer: Tailer) -> None:
    """End with whoever started us: its end closes the pipe."""
    if not os.read(0, 4096):
        asyncio.get_running_loop().remove_reader(0)
        tailer.stop()


def _is_pipe(descriptor: int) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except OSError:
        return False


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock of the journal. Raises Failure that names who holds it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            keeper = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            message = _(
                "The journal is kept already, by process {pid}: `schoolfilter run` starts it by itself. "
                "To look into the journal: schoolfilter journal show"
            )
            raise Failure(message.format(pid=keeper)) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
