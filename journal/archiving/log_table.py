"""The query log as a table of DuckDB, whether it lies in segments or in the archive.

A file of the archive holds the columns of the log as they are, but for the time, which is kept as a moment (UTC, in
milliseconds) and an offset in minutes. Its rows are sorted by client and time: what one client asked lies together. Of
segments only whole lines come here (segment_text.py).
"""

from collections.abc import Sequence
from pathlib import Path

from resolver.querylog import COLUMNS

PLAIN = COLUMNS[1:]
"""The columns that the archive holds as they are."""

ASIDE = ".new"
"""What the name of a file of the archive ends in before it is put in its place."""

_PLAIN = ", ".join(f'"{column}"' for column in PLAIN)
_MINUTES = "CAST(substr(zone, 2, 2) AS SMALLINT) * 60 + CAST(substr(zone, 5, 2) AS SMALLINT)"
_OFFSET = f"CAST(CASE substr(zone, 1, 1) WHEN '-' THEN -({_MINUTES}) ELSE {_MINUTES} END AS SMALLINT)"
_FROM_TEXT = f"""SELECT "time", CAST(substr("time", 1, 23) AS TIMESTAMP_MS) AS moment, substr("time", 24) AS zone,
    {_PLAIN}"""
_TIME = """
    strftime(moment, '%Y-%m-%dT%H:%M:%S.%g') || CASE WHEN "offset" < 0 THEN '-' ELSE '+' END
    || lpad(CAST(abs("offset") // 60 AS VARCHAR), 2, '0') || ':' || lpad(CAST(abs("offset") % 60 AS VARCHAR), 2, '0')
"""


def aside(path: Path) -> Path:
    """Return where a file of the archive lies before it is put in its place."""
    return path.with_name(path.name + ASIDE)


def taken(texts: Sequence[tuple[str, int]]) -> str:
    """Return the query for the rows of segments (path, number of columns), with the time in two parts."""
    return f"SELECT moment, zone, {_PLAIN} FROM ({_texts(texts)})"  # noqa: S608 - constants and paths


def archived(rows: str) -> str:
    """Return the query for what is `taken`, with the columns of the archive."""
    return f"""SELECT CAST(moment - to_minutes("offset") AS TIMESTAMP_MS) AS "at", "offset", {_PLAIN}
        FROM (SELECT *, {_OFFSET} AS "offset" FROM {rows})"""  # noqa: S608 - constants and paths


def table(texts: Sequence[tuple[str, int]], archives: Sequence[str]) -> str:
    """Return the query for all rows: the columns of the log, `moment` (as clocks showed it) and `at` (UTC)."""
    parts = []
    if texts:
        parts.append(f"""SELECT "time", {_PLAIN}, CAST(moment AS TIMESTAMP) AS moment,
            CAST(moment - to_minutes("offset") AS TIMESTAMP) AS "at"
            FROM (SELECT *, {_OFFSET} AS "offset" FROM ({_texts(texts)}))""")  # noqa: S608 - constants and paths
    if archives:
        parts.append(f"""SELECT {_TIME} AS "time", {_PLAIN}, moment, "at" FROM (
            SELECT * REPLACE (CAST("at" AS TIMESTAMP) AS "at"), "at" + to_minutes("offset") AS moment
            FROM {parquet(archives)})""")  # noqa: S608 - constants and paths
    if not parts:
        nothing = ", ".join(f"'' AS \"{column}\"" for column in COLUMNS)
        parts.append(f"SELECT {nothing}, TIMESTAMP 'epoch' AS moment, TIMESTAMP 'epoch' AS \"at\" WHERE false")
    return " UNION ALL ".join(parts)


def parquet(archives: Sequence[str]) -> str:
    """Return what stands behind FROM for files of the archive, with the columns that they have."""
    return f"read_parquet({_list(archives)}, hive_partitioning = false)"


def _texts(texts: Sequence[tuple[str, int]]) -> str:
    """Return the query for the rows of segments, with their time taken apart."""
    parts = []
    for columns in sorted({columns for _path, columns in texts}):
        names = [*COLUMNS, *(f"more_{number}" for number in range(len(COLUMNS), columns))]
        typed = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
        never_null = ", ".join(f"'{name}'" for name in names)
        paths = _list([path for path, count in texts if count == columns])
        parts.append(f"""{_FROM_TEXT} FROM read_csv({paths}, columns = {{{typed}}}, force_not_null = [{never_null}],
            auto_detect = false, header = true, delim = '\t', quote = '', escape = '', new_line = '\\n',
            max_line_size = 65536, buffer_size = 4194304, parallel = true)""")
    return " UNION ALL ".join(parts)


def _list(paths: Sequence[str]) -> str:
    return "[" + ", ".join("'" + path.replace("'", "''") + "'" for path in paths) + "]"
