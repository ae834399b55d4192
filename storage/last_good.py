"""The last good copy of a database, beside it: what goes on if the file itself is damaged or gone.

policy.db is copied by a worker that could load it, journal.db by the round of the night that found it whole.
"""

from pathlib import Path

from storage.database import copy_database
from storage.errors import translated


def last_good(path: Path) -> Path:
    """Return where the copy of a database lies, be it there or not: `policy-last-good.db` beside `policy.db`."""
    return path.with_stem(f"{path.stem}-last-good")


def remember(path: Path) -> None:
    """Copy a database that was just found good. Blocks on the disk. Raises StorageError."""
    with translated(path):
        copy_database(path, last_good(path))


def restore(path: Path, new: Path) -> None:
    """Write what the copy of a database holds to another file. Blocks on the disk. Raises StorageError."""
    with translated(last_good(path)):
        copy_database(last_good(path), new)
