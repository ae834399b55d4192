"""A school's query log of any length, made by DuckDB: pages with what they pull in, names by Zipf's law, lesson hours.

The same seed makes the same lines. What it cannot show is in docs/benchmarks.md.
"""

from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path

import duckdb

from resolver.querylog import HEADER_LINE

CLIENTS, NAMES, ROOMS, WORKERS = 500, 50_000, 12, 3
_ZONE = timezone(timedelta(hours=5))
_LINES_A_PAGE = 9


class School:
    """Makes segments, day by day."""

    def __init__(self) -> None:
        self._duck = duckdb.connect(":memory:", config={"memory_limit": "2GB"})
        self._duck.execute("SELECT setseed(0.42)")
        self._duck.execute(f"""
            CREATE TABLE names AS SELECT i, CASE WHEN i % 3 = 0 THEN 'www.'
                    WHEN i % 5 = 0 THEN 'cdn' || hash(i) % 90 || '.' WHEN i % 7 = 0 THEN 'api.'
                    ELSE substr(md5(i::VARCHAR), 1, (hash(i) % 8 + 2)::INTEGER) || '.' END
                || substr(md5((i // 4)::VARCHAR), 1, (4 + hash(i // 4) % 9)::INTEGER)
                || ['.com', '.net', '.kz', '.org', '.ru', '.com'][(1 + hash(i // 4) % 6)::INTEGER] AS name
            FROM range({NAMES}) AS r(i)""")  # noqa: S608 - constants
        self._duck.execute(f"""
            CREATE TABLE clients AS SELECT i, '10.20.' || i // 250 || '.' || (i % 250 + 2) AS client,
                CASE WHEN i % 3 = 0 THEN '' ELSE 'dev-' || lpad(i::VARCHAR, 3, '0') END AS device,
                'room-' || i % {ROOMS} AS room, CASE WHEN i % 10 = 0 THEN 'staff' ELSE 'pupils' END AS grp
            FROM range({CLIENTS}) AS r(i)""")  # noqa: S608 - constants

    def name(self, rank: int) -> str:
        """Return the name that is asked for so often: 1 is the one asked for most."""
        return str(self._duck.execute("SELECT name FROM names WHERE i = ?", [rank]).fetchall()[0][0])

    def write_day(self, folder: Path, day: date, lines: int) -> list[tuple[Path, int]]:
        """Write about so many lines of a day into segments of the hour; return each with its lines."""
        self._duck.execute(f"""
            CREATE OR REPLACE TABLE lines AS
            WITH pages AS (
                SELECT (random() * {CLIENTS})::INTEGER % {CLIENTS} AS client,
                    ((8 + 6 * (random() + random()) * 0.7) * 3600000)::BIGINT AS begun,
                    floor(exp(random() * ln({NAMES})))::INTEGER AS site FROM range({lines // _LINES_A_PAGE})
            ), asked AS (
                SELECT client, begun + (random() * 1500)::BIGINT AS t, CASE WHEN part = 0 THEN site
                    WHEN part < 4 THEN (hash(site, part) % {NAMES})::INTEGER
                    ELSE floor(exp(random() * ln({NAMES})))::INTEGER END AS n
                FROM pages, range(5) AS r(part)
            ), queries AS (
                SELECT client AS c, t + also * 2 AS t, n, also, random() AS r1, random() AS r2
                FROM asked, range(2) AS r(also) WHERE also = 0 OR hash(t, n) % 10 < 8
            )
            SELECT t, c, strftime(TIMESTAMP '{day}' + to_milliseconds(t), '%Y-%m-%dT%H:%M:%S.%g') || '+05:00' || chr(9)
                || concat_ws(chr(9), client, device, room, grp, name,
                    CASE WHEN also = 0 THEN 'A' WHEN hash(n) % 3 = 0 THEN 'HTTPS' ELSE 'AAAA' END)
                || CASE WHEN n % 9 = 4 THEN concat_ws(chr(9), '', 'block', 'category',
                        ['games', 'ads', 'adult', 'social'][1 + n % 4], 'list-' || n % 5, 'NOERROR', 'policy',
                        printf('%.1f', r2 * 0.2))
                    ELSE concat_ws(chr(9), '', 'allow', 'default', '', '',
                        CASE WHEN hash(n) % 25 = 0 THEN 'NXDOMAIN' ELSE 'NOERROR' END,
                        CASE WHEN r1 < 0.7 THEN 'cache' ELSE 'upstream' END,
                        printf('%.1f', CASE WHEN r1 < 0.7 THEN r2 * 0.1 ELSE 3 + 80 * r2 * r2 * r2 END)) END AS line
            FROM queries JOIN clients ON clients.i = c JOIN names ON names.i = n""")  # noqa: S608 - constants
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for hour in range(24):
            begun = datetime.combine(day, time(hour), _ZONE).astimezone(UTC)
            for worker in range(WORKERS):
                rows = self._duck.execute(
                    "SELECT line FROM lines WHERE c % ? = ? AND t // 3600000 = ? ORDER BY t", [WORKERS, worker, hour]
                ).fetchall()
                if rows:
                    path = folder / f"{begun:%Y%m%dT%H%M%S}-w{worker}-{hour + 1:04d}.tsv"
                    path.write_bytes(HEADER_LINE + "".join(f"{line}\n" for (line,) in rows).encode("ascii"))
                    written.append((path, len(rows)))
        return written
