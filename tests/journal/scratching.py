"""A process that works in a scratch folder: `python -m tests.journal.scratching STATE HOW`.

It says what it has come to, a word a line, and goes on when it is told a line.
"""

import fcntl
import os
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from journal.archiving.duck import scratch
from settings.model import Paths, Settings

_flock, _mkdtemp = fcntl.flock, tempfile.mkdtemp


def main(state: str, how: str) -> None:
    """Work in a folder: as usual, dying or waiting before it is opened or locked; or in many, in haste."""
    settings = replace(Settings(), paths=Paths(Path(state)))
    if how == "die-before-lock":
        fcntl.flock = lambda _descriptor, _how: os.kill(os.getpid(), signal.SIGKILL)
    if how == "wait-before-lock":
        fcntl.flock = _wait_to_lock
    if how == "wait-before-open":
        tempfile.mkdtemp = _wait_to_open  # type: ignore[assignment]
    for number in range(200 if how == "many" else 1):
        with scratch(settings) as folder:
            (folder / "querylog.xlsx").write_text("pupils")
            if how != "many":
                _say("working")
            if (folder / "querylog.xlsx").read_text() != "pupils":
                raise AssertionError(number)
    _say("done")


def _wait_to_lock(descriptor: Any, how: int) -> None:
    fcntl.flock = _flock
    _say("made")
    _flock(descriptor, how)


def _wait_to_open(**named: Any) -> str:
    tempfile.mkdtemp = _mkdtemp
    folder: str = _mkdtemp(**named)
    _say("made")
    return folder


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()
    if word != "done":
        sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:])
