"""What the refresher leaves written for `status` and for its own next start: `refresh.json`."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from blocklists.disk import DISK, Disk
from blocklists.schedule import Last

NOTE = "refresh.json"


@dataclass(frozen=True, slots=True)
class Note:
    """What the refresher says of itself. Times are RFC 3339, empty for never."""

    pid: int = 0
    """Of the refresher; it may have ended since."""
    running: bool = False
    """Whether a round was under way when this was written."""
    good: str = ""
    """When a round last reached the sources."""
    tried: str = ""
    """When the last round ended."""
    failures: int = 0
    """How many rounds in a row could not get every list."""
    next: str = ""
    """When the next round begins."""
    changed: tuple[str, ...] = ()
    """Lists for which the last round brought a new text."""
    failed: tuple[str, ...] = ()
    """Lists that it could not get; their last good texts stay."""
    refused: tuple[str, ...] = ()
    """Lists whose new text the checks refused."""
    generation: str = ""
    """What was in force at its end."""
    published: bool = False
    """Whether that was put in force by it."""
    error: str = ""
    """Why the lists could not be compiled; empty if they could."""

    def last(self) -> Last:
        """Return what the schedule is worked out from."""
        return Last(_moment(self.good), _moment(self.tried), self.failures)


def read_note(lists_folder: Path) -> Note | None:
    """Return what the refresher last said; None if it never did or if it cannot be read."""
    try:
        raw: dict[str, Any] = json.loads((lists_folder / NOTE).read_bytes())
        for key in ("changed", "failed", "refused"):
            raw[key] = tuple(map(str, raw[key]))
        return Note(**raw)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def write_note(lists_folder: Path, note: Note, disk: Disk = DISK) -> None:
    """Replace the note at once. Raises OSError."""
    disk.make_folder(lists_folder)
    disk.replace_text(lists_folder / NOTE, json.dumps(asdict(note), ensure_ascii=False, indent=1) + "\n")


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
