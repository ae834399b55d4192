"""`run/journal.json`: what the tailer says of itself, for `status` and for its own next start."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from settings.model import Settings

FILE = "journal.json"
LOCK = "journal.lock"
"""Held by the one process that keeps the journal; its text is the number of that process."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """What somebody was to be told, and could not be told last time."""

    contact: str
    channel: str
    at: str
    """When it was tried last, RFC 3339 in the school's time zone."""
    error: str
    """Why; it names neither secrets nor addresses."""


@dataclass(frozen=True, slots=True)
class JournalState:
    """The tailer as it was a few seconds ago."""

    pid: int
    at: str
    """When this was written, RFC 3339."""
    lag_seconds: int = 0
    """Age of the oldest line that was not taken in yet; 0 if there is none."""
    lag_bytes: int = 0
    lines: int = 0
    """Taken in since this process began."""
    segments: int = 0
    """Followed now."""
    last: str = ""
    """Time column of the last line that was taken in."""
    error: str = ""
    """Why nothing can be taken in now; empty when all is well."""
    head: str = ""
    """Where the chain stood: `NUMBER:LINK`."""
    since: str = ""
    """When this process began, RFC 3339."""
    unsent: tuple[Unsent, ...] = ()
    """Ways to people that failed and did not work since."""

    def age(self, now: datetime) -> float:
        """Return how many seconds ago this was written."""
        return abs((now - datetime.fromisoformat(self.at)).total_seconds())


def read_state(settings: Settings) -> JournalState | None:
    """Return what the tailer last said; None if it never did or if it cannot be read."""
    try:
        raw: Mapping[str, Any] = json.loads((settings.paths.run / FILE).read_bytes())
        unsent = tuple(Unsent(**each) for each in raw.get("unsent", ()))
        state = JournalState(**{**raw, "unsent": unsent})
        if datetime.fromisoformat(state.at).tzinfo is None:
            return None
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return state


def write_state(settings: Settings, state: JournalState) -> None:
    """Replace the file at once. Raises OSError."""
    path = settings.paths.run / FILE
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(asdict(state), ensure_ascii=False) + "\n", encoding="utf-8")
    beside.chmod(0o600)
    beside.replace(path)
