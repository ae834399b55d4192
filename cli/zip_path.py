"""Where an export is written: a zip, in the place of nothing."""

import os
from pathlib import Path

from cli.errors import Failure, Misuse
from translations import _


def zip_path(output: Path | None, name: str) -> Path:
    """Return the path of a new zip; `name` if none is asked for. Raises Misuse, and Failure if something is there."""
    path = output or Path(name)
    if path.suffix.lower() != ".zip":
        message = _("--output: expected a file whose name ends in .zip, found {path}")
        raise Misuse(message.format(path=path))
    if os.path.lexists(path):
        message = _("expected no file at {path}, found one: an export is never written over. Choose --output.")
        raise Failure(message.format(path=path))
    return path
