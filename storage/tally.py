"""A tally of all rows of policy.db, past ones included: a sum of digests, which a change carries on by what it alters.

To count everything at each change would cost the more the longer a school works with it. A sum can be carried on: plus
the digest of a row that comes, minus that of one that goes. It is carried on from what the audit trail says, never
counted again from the tables; so what is changed past the trail stays missing in it for ever, whatever comes after.

The digests are 2048 bits long, because sums of shorter ones can be forged (Wagner, A Generalized Birthday Problem,
2002); for these it would take about 2^90 steps.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import shake_256

import aiosqlite

_OCTETS = 256
_NOT_COUNTED = ("audit", "migrations")
"""The trail itself is chained; what the program notes of its own migrations is no policy."""
_VERSION = f"text {b'version'.hex().upper()}"


class Tally:
    """What one transaction adds to the sum. SQLite calls `take` for each row."""

    def __init__(self) -> None:
        self._sum = 0

    def take(self, sign: int, table: str, *row: str) -> int:
        """Add (1) or take away (-1) a row of a table, whose values are written as `_row` says."""
        if (table, row[0]) == ("meta", _VERSION):
            return 0  # the number of the last change of the trail
        line = json.dumps([table, *row])
        self._sum += sign * int.from_bytes(shake_256(line.encode()).digest(_OCTETS))
        return 1

    def carried_on(self, state: str) -> str:
        """Return what a state becomes by these rows; empty stands for one without any row."""
        try:
            before = int(state or "0", 16)
        except ValueError:  # somebody else wrote it, and the chain tells
            before = 0
        return f"{(before + self._sum) % (1 << (8 * _OCTETS)):0{2 * _OCTETS}x}"


async def count(connection: aiosqlite.Connection) -> str:
    """Return the state of all rows that are there. Costs the more the more there are."""
    tally = Tally()
    await connection.create_function("counted", -1, tally.take)
    for table, columns in (await _tables(connection)).items():
        query = f"SELECT count(counted(1, {_text(table)}, {_row('', columns)})) FROM {_name(table)}"  # noqa: S608 - quoted
        async with connection.execute(query) as cursor:
            await cursor.fetchall()
    return tally.carried_on("")


async def watch(connection: aiosqlite.Connection) -> Tally:
    """Return a tally that follows all rows that this connection changes from now on. No transaction may have begun."""
    tally = Tally()
    await connection.create_function("tally", -1, tally.take)
    script = []
    for table, columns in (await _tables(connection)).items():
        gone = f"SELECT tally(-1, {_text(table)}, {_row('OLD.', columns)});"
        come = f"SELECT tally(1, {_text(table)}, {_row('NEW.', columns)});"
        for verb, steps in (("INSERT", come), ("UPDATE", gone + come), ("DELETE", gone)):
            # Temporary: they live in this connection only, and no other program meets a function that it does not know.
            trigger = _name(f"tally_{verb.lower()}_{table}")
            script.append(f"CREATE TEMP TRIGGER {trigger} AFTER {verb} ON main.{_name(table)} BEGIN {steps} END;")
    await connection.executescript("PRAGMA temp_store = MEMORY;\n" + "\n".join(script))
    return tally


async def _tables(connection: aiosqlite.Connection) -> Mapping[str, Sequence[str]]:
    query = """
        SELECT tables.name, columns.name FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns
        WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite@_%' ESCAPE '@' ORDER BY tables.name, columns.cid
    """
    found: dict[str, list[str]] = {}
    async with connection.execute(query) as cursor:
        for table, column in await cursor.fetchall():
            if table not in _NOT_COUNTED:
                found.setdefault(str(table), []).append(str(column))
    return found


def _row(prefix: str, columns: Sequence[str]) -> str:
    """Return values as type and octets: whatever somebody wrote into the file can be counted, also what is no text."""
    values = (prefix + _name(column) for column in columns)
    return ", ".join(f"typeof({value}) || ' ' || hex({value})" for value in values)


def _name(text: str) -> str:
    return '"{}"'.format(text.replace('"', '""'))


def _text(text: str) -> str:
    return "'{}'".format(text.replace("'", "''"))
