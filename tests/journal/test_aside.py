"""Work aside: its result and its errors come back; neither the loop nor the end of the process waits for it."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from journal.notifying.aside import aside

ROOT = Path(__file__).parents[2]


async def test_results_and_errors_come_back() -> None:
    def fail() -> None:
        raise KeyError("x")

    assert await aside(lambda: threading.current_thread().daemon, 5) is True
    with pytest.raises(KeyError):
        await aside(fail, 5)


async def test_what_takes_too_long_is_given_up_and_its_late_result_hurts_nobody() -> None:
    go = threading.Event()
    with pytest.raises(TimeoutError):
        await aside(lambda: go.wait(5), 0.01)
    go.set()
    assert await aside(lambda: 7, 5) == 7


def test_a_process_ends_while_work_goes_on() -> None:
    code = (
        "import asyncio, threading\nfrom journal.notifying.aside import aside\n"
        "async def main():\n"
        "    try: await aside(threading.Event().wait, 0.05)\n"
        "    except TimeoutError: print('given up')\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    assert (done.stdout, done.stderr) == ("given up\n", "")
