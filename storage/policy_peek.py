"""A look at policy.db that leaves it as it is: nothing is made or migrated, so another version may be using it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from storage.database import BUSY_MILLISECONDS
from storage.errors import translated


def group_ids(path: Path) -> frozenset[str]:
    """Return the ids of the groups in force. Raises StorageError."""
    with _peeked(path) as connection:
        return frozenset(str(id_) for (id_,) in connection.execute("SELECT id FROM groups WHERE removed_at IS NULL"))


@contextmanager
def _peeked(path: Path) -> Iterator[sqlite3.Connection]:
    with translated(path):
        # Not mode=ro: who may not write could not take a log along that somebody has left there.
        where = f"{path.absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(where, uri=True, timeout=BUSY_MILLISECONDS / 1000)) as connection:
            yield connection
