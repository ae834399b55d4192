"""Wait for something to become true, without blind sleeping and never for ever."""

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")
_PAUSE = 0.02


def until(what: str, look: Callable[[], _T], seconds: float = 10.0) -> _T:
    """Look again and again until the value is true; return it. Fail, naming what we waited for, after the deadline."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s for: {what}")
        time.sleep(_PAUSE)
    return found


def note(text: str) -> None:
    """Show a measured figure to whoever runs pytest with -s or -rP; figures are never asserted strictly."""
    print(text)  # noqa: T201 - this is the one place
