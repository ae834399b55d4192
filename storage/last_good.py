"""The last policy that a worker could load, beside policy.db: it begins with that if policy.db is damaged or gone."""

from pathlib import Path

from storage.database import copy_database
from storage.errors import translated

NAME = "policy-last-good.db"


def last_good(policy_db: Path) -> Path:
    """Return where the copy of a policy lies, be it there or not."""
    return policy_db.with_name(NAME)


def remember(policy_db: Path) -> None:
    """Copy a policy that was just loaded. Blocks on the disk. Raises StorageError."""
    with translated(policy_db):
        copy_database(policy_db, last_good(policy_db))
