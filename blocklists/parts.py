"""What is kept of a transfer that was cut off, and whether the next try can go on from there (RFC 9110, 13.1.5)."""

import json
import os
from dataclasses import asdict, dataclass
from datetime import timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO

_STRONG_AGE = timedelta(seconds=60)
"""A file that changed shortly before it was sent may change again within the second that Last-Modified can tell."""
_STATE = ".state"


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a part that was kept. Without such a note a part is worth nothing: it may be of a version that
    cannot be told from the next one, or full of holes after a power cut."""

    url: str = ""
    exact: bool = False
    validator: str = ""
    size: int = 0


def keep_part(target: Path, file: IO[bytes], kept: Kept) -> None:
    """Note what has come into the open file at the target, if it can be continued. Raises OSError."""
    if not kept.size or not kept.validator:
        return
    file.flush()
    os.fsync(file.fileno())
    _state_path(target).write_text(json.dumps(asdict(kept)))


def find_part(target: Path, url: str, exact: bool) -> Kept:
    """Return what is known of the part at the target; one of size 0 if there is none of this URL."""
    try:
        kept = Kept(**json.loads(_state_path(target).read_bytes()))
        if (kept.url, kept.exact, kept.size) == (url, exact, target.stat().st_size):
            return kept
    except (OSError, ValueError, TypeError):
        pass
    return Kept()


def begin_part(target: Path) -> None:
    """Forget what is known of the part: from here on it grows, and a note would be wrong."""
    _state_path(target).unlink(missing_ok=True)


def forget_part(target: Path) -> None:
    """Remove what was kept of a transfer, if anything."""
    target.unlink(missing_ok=True)
    _state_path(target).unlink(missing_ok=True)


def validator(headers: Message) -> str:
    """Return by what a part of an answer may be continued: only what changes with each octet of the file."""
    etag: str = headers.get("ETag", "")
    if etag.startswith('"'):
        return etag
    modified: str = headers.get("Last-Modified", "")
    try:
        age = parsedate_to_datetime(headers.get("Date", "")) - parsedate_to_datetime(modified)
    except (TypeError, ValueError):
        return ""
    return modified if age >= _STRONG_AGE else ""


def _state_path(target: Path) -> Path:
    return target.with_name(target.name + _STATE)
