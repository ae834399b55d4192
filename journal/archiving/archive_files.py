"""Files of the archive: how segments become one, how one is written anew, and how both are known to be right.

DuckDB reads and sorts; whether nothing was lost or changed on the way is judged by plain Python, line by line.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from hashlib import sha256
from pathlib import Path

import duckdb

from journal.archiving.duck import literal
from journal.archiving.log_table import ASIDE, PLAIN, archived, parquet, table, taken
from journal.archiving.segment_text import Text, lines_of
from policy.decision import Action, Why
from resolver.querylog import COLUMNS
from settings.errors import SchoolfilterError
from translations import _

LINES = 2_000_000
"""How many lines a file holds at most, but for a single segment with more."""
_BATCH = 10_000
_IS_BLOCKED_DETAIL = f"NOT (action = '{Action.ALLOW}' AND reason <> '{Why.SHADOW}')"
_SORTED = "PARQUET_VERSION v2, COMPRESSION zstd"
"""Version 2 packs times that lie close together; measured in docs/decisions/0013-archive.md."""
_UNSORTED = "COMPRESSION snappy"
_FEW = 200_000
"""Up to so many different texts of a column are kept in memory with their numbers."""


class ArchiveError(SchoolfilterError):
    """A file of the archive is not what it has to be."""


@dataclass(frozen=True, slots=True)
class Print:
    """What stands for many lines, in whatever order they come. Two of them are compared within one process only."""

    rows: int = 0
    sum: int = 0

    def and_of(self, lines: Sequence[str]) -> "Print":
        """Return the print of these lines and those before."""
        return Print(self.rows + len(lines), self.sum + sum(map(hash, lines)))


@dataclass(frozen=True, slots=True)
class Judged:
    """What a segment holds, as plain Python reads it."""

    lines: int
    """Without the header."""
    damaged: int
    """Lines that have not the form of the log."""
    print: Print
    """Of what is to be archived."""


def judge(path: Path, octets: int, *, blocked_only: bool) -> Judged:
    """Read the first octets of a segment. Raises OSError."""
    lines, damaged, made = 0, 0, Print()
    for count, whole in lines_of(path, octets):
        lines += count
        damaged += count - len(whole)
        made = made.and_of([line for line in whole if _is_kept(line)] if blocked_only else whole)
    return Judged(lines, damaged, made)


def _is_kept(line: str) -> bool:
    """Tell whether a line is archived with log.detail = "blocked"."""
    action, reason = line.split("\t", 9)[7:9]
    return action != Action.ALLOW or reason == Why.SHADOW


def write_texts(
    connection: duckdb.DuckDBPyConnection, texts: Sequence[Text], path: Path, *, blocked_only: bool
) -> None:
    """Write segments into a file of the archive. Raises duckdb.Error for what DuckDB cannot take."""
    rows = taken([(text.path, text.columns) for text in texts])
    kept = f"SELECT * FROM ({rows}) WHERE {_IS_BLOCKED_DETAIL}" if blocked_only else rows  # noqa: S608 - constants
    unsorted = path.with_name(f"{path.name}.part{ASIDE}")
    try:
        _copy(connection, kept, (), unsorted, _UNSORTED)
        _write(connection, f"({archived(parquet([str(unsorted)]))})", "true", (), path)
    finally:
        unsorted.unlink(missing_ok=True)


def rewrite(
    connection: duckdb.DuckDBPyConnection, old: Path, new: Path, *, without: str = "", values: Sequence[str] = ()
) -> tuple[int, int]:
    """Write a file anew: without some rows, or, if no condition says which, without who asked.

    Return the rows before and after. Raises ArchiveError if the new one is not what it has to be.
    """
    kept = f"NOT ({without})" if without else "true"

    def changed(source: str) -> str:
        return source if without else f"(SELECT * REPLACE ('' AS client, '' AS device) FROM {source})"  # noqa: S608 - a path

    _write(connection, changed(parquet([str(old)])), kept, values, new)
    expected = f"SELECT * FROM {changed(f'({table((), [str(old)])})')} WHERE {kept}"  # noqa: S608 - values are bound
    written = _print_of(connection, expected, values)
    expect(new, written, print_of(connection, new))
    return count_rows(connection, old, "true", ()), written.rows


def print_of(connection: duckdb.DuckDBPyConnection, path: Path) -> Print:
    """Return what stands for the lines of a file of the archive."""
    return _print_of(connection, table((), [str(path)]), ())


def expect(path: Path, expected: Print, found: Print) -> None:
    """Raise ArchiveError if two prints differ."""
    if found != expected:
        message = _(
            "{path}: what was written is not what was read: expected {expected} lines, found {found}, or others. "
            "Nothing was removed. Check the disk and the memory of this machine; it is tried again at the next round."
        )
        raise ArchiveError(message.format(path=path, expected=expected.rows, found=found.rows))


def _print_of(connection: duckdb.DuckDBPyConnection, rows: str, values: Sequence[str]) -> Print:
    columns = " || chr(9) || ".join(f'"{column}"' for column in COLUMNS)
    cursor = connection.execute(f"SELECT {columns} FROM ({rows})", values)  # noqa: S608 - constants and paths
    made = Print()
    while batch := cursor.fetchmany(_BATCH):
        made = made.and_of([line for (line,) in batch])
    return made


def count_rows(connection: duckdb.DuckDBPyConnection, path: Path, condition: str, values: Sequence[str]) -> int:
    """Return how many rows of a file fulfil a condition."""
    query = f"SELECT count(*) FROM {parquet([str(path)])} WHERE {condition}"  # noqa: S608 - values are bound
    return int(connection.execute(query, values).fetchall()[0][0])


def rows_by_day(
    connection: duckdb.DuckDBPyConnection, path: Path, condition: str, values: Sequence[str], zone: tzinfo
) -> dict[str, int]:
    """Return how many rows of a file fulfil a condition, by day (YYYY-MM-DD) in a time zone; only days that have any.

    The rows lie between the years 1 and 9999, whatever the zone.
    """
    # By minutes, not days: DuckDB knows time zones only with an extension that is not loaded.
    query = f"""SELECT date_trunc('minute', "at"), count(*) FROM {parquet([str(path)])} WHERE {condition} GROUP BY 1"""  # noqa: S608 - values are bound
    found: Counter[str] = Counter()
    for minute, rows in connection.execute(query, values).fetchall():
        found[minute.replace(tzinfo=UTC).astimezone(zone).date().isoformat()] += rows
    return dict(found)


def _write(connection: duckdb.DuckDBPyConnection, source: str, where: str, values: Sequence[str], path: Path) -> None:
    """Sort the rows of a Parquet file into another one.

    They are sorted as numbers that stand for their texts: so a file of two million rows is sorted in the memory that it
    is given, where texts would go to the disk and back. A column of very many texts stays as it is.
    """
    columns = [f'"{column}"' for column in PLAIN]
    counts = ", ".join(f"approx_count_distinct({column})" for column in columns)
    (distinct,) = connection.execute(f"SELECT {counts} FROM {source}").fetchall()  # noqa: S608 - a path
    few = {column: f"texts_{number}" for number, column in enumerate(columns) if distinct[number] <= _FEW}
    made = []
    try:
        for column, name in few.items():
            connection.execute(f"CREATE TYPE {name} AS ENUM (SELECT DISTINCT {column} FROM {source} ORDER BY 1)")  # noqa: S608 - a path
            made.append(name)
        numbers = ", ".join(f"{column}::{few[column]} AS {column}" if column in few else column for column in columns)
        texts = ", ".join(f"{column}::VARCHAR AS {column}" for column in columns)
        rows = f"""SELECT "at", "offset", {texts} FROM (
            SELECT "at", "offset", {numbers} FROM {source} WHERE {where} ORDER BY client, "at")"""  # noqa: S608 - values are bound
        _copy(connection, rows, values, path, _SORTED)
    finally:
        for name in made:
            connection.execute(f"DROP TYPE {name}")


def _copy(connection: duckdb.DuckDBPyConnection, rows: str, values: Sequence[str], path: Path, form: str) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    connection.execute(f"COPY ({rows}) TO {literal(path)} (FORMAT parquet, USE_TMP_FILE false, {form})", values)


def digest_of_file(path: Path, octets: int | None = None) -> str:
    """Return the SHA-256 of a file, or of its first octets. Raises OSError."""
    hashed = sha256()
    left = path.stat().st_size if octets is None else octets
    with path.open("rb") as file:
        while left > 0 and (chunk := file.read(min(left, 1 << 20))):
            hashed.update(chunk)
            left -= len(chunk)
    return hashed.hexdigest()


def total(prints: Iterable[Print]) -> Print:
    """Return what stands for the lines of all."""
    rows = summed = 0
    for each in prints:
        rows, summed = rows + each.rows, summed + each.sum
    return Print(rows, summed)
