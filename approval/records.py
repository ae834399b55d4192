"""The small JSON files of this package: read whole or refused, replaced at once."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from blocklists.disk import DISK
from settings.errors import SchoolfilterError
from translations import _

_Read = TypeVar("_Read")


class DamagedRecord(SchoolfilterError):  # noqa: N818 - reads as what it is
    """A file of ours holds something else than what we write."""


def read_record(path: Path, understand: Callable[[Any], _Read], missing: _Read) -> _Read:
    """Return what the file says, `missing` if there is none. Raises DamagedRecord and OSError."""
    try:
        return understand(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return missing
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        message = _(
            "{path}: expected what schoolfilter wrote there, found something else ({error}). Put it back from a "
            "backup, or take it away: then it begins anew, and what it held is forgotten."
        )
        raise DamagedRecord(message.format(path=path, error=error)) from None


def write_record(path: Path, content: object) -> None:
    """Replace the file at once, through the disk. Raises OSError."""
    DISK.make_folder(path.parent)
    DISK.replace_text(path, json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
