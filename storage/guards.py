"""Triggers that keep the rows of evidence in policy.db from accidents, and the search for triggers of others."""

import aiosqlite

from storage.database import value

_ADDED_ONLY = {"orders": "sequence", "audit": "number"}
"""The tables whose rows are only ever added, each with what counts its rows."""

# An accident with the sqlite3 program must not cost evidence. Who means to change it drops the trigger first, and is
# found by the chain. INSERT OR REPLACE takes rows away without firing a trigger on DELETE: the number is refused first.
_GUARDS: dict[str, str] = {
    f"{table}_{verb.lower()}": (
        f"BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, '{table}: rows are only ever added'); END"
    )
    for table in _ADDED_ONLY
    for verb in ("UPDATE", "DELETE")
} | {
    f"{table}_next": (
        f"BEFORE INSERT ON {table} WHEN NEW.{number} IS NOT (SELECT ifnull(max({number}), 0) + 1 FROM {table})"  # noqa: S608 - names from above
        f" BEGIN SELECT RAISE(ABORT, '{table}: rows are only ever added, under the next number'); END"
    )
    for table, number in _ADDED_ONLY.items()
}

APPEND_ONLY: tuple[str, ...] = tuple(f"CREATE TRIGGER IF NOT EXISTS {name} {body}" for name, body in _GUARDS.items())
"""What is executed whenever policy.db is opened for changes. Others than these come with a migration only: a version
that does not know them takes them for a stranger's."""

_OURS = [f"CREATE TRIGGER {name} {body}" for name, body in _GUARDS.items()]
"""As SQLite keeps them."""


async def guard(connection: aiosqlite.Connection) -> None:
    """Put the triggers there, those that are missing."""
    for statement in APPEND_ONLY:
        await connection.execute(statement)


async def stranger(connection: aiosqlite.Connection) -> str:
    """Return the name of a trigger or view that nobody here wrote; empty if there is none.

    What such a trigger does happens in our own transactions, so that it would pass for a change of ours.
    """
    marks = ", ".join("?" * len(_OURS))
    query = f"SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view') AND sql NOT IN ({marks}) ORDER BY name"  # noqa: S608 - question marks only
    return str(await value(connection, query, _OURS) or "")
