"""The tables of journal.db.

`chain` is the evidence, and rows are only ever added to it. `sealed` holds what of it is personal and may be erased.
The others are what the tailer goes on from, written in the same transaction as the records that follow from it.
"""

from storage.database import Migration

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        "chain, seals, heads, positions, segments, archive, counts, folds, inspectors",
        (
            """
            CREATE TABLE chain (
                number INTEGER PRIMARY KEY,
                at TEXT NOT NULL,
                kind TEXT NOT NULL,
                by TEXT NOT NULL,
                body TEXT NOT NULL,
                seal TEXT NOT NULL,
                link TEXT NOT NULL
            ) STRICT
            """,
            "CREATE INDEX chain_kind ON chain (kind, number)",
            "CREATE TABLE sealed (number INTEGER PRIMARY KEY, salt TEXT NOT NULL, body TEXT NOT NULL) STRICT",
            """
            CREATE TABLE heads (
                number INTEGER PRIMARY KEY,
                link TEXT NOT NULL,
                at TEXT NOT NULL,
                key TEXT NOT NULL,
                signature TEXT NOT NULL
            ) STRICT
            """,
            # Segments that are being followed: how far, and the digest of what was taken.
            """
            CREATE TABLE positions (
                segment TEXT PRIMARY KEY,
                taken INTEGER NOT NULL,
                lines INTEGER NOT NULL,
                damaged INTEGER NOT NULL,
                first TEXT NOT NULL,
                last TEXT NOT NULL,
                digest TEXT NOT NULL
            ) STRICT, WITHOUT ROWID
            """,
            # Segments that are closed and taken in whole; `archive` names the file that holds them, empty if none yet.
            """
            CREATE TABLE segments (
                name TEXT PRIMARY KEY,
                record INTEGER NOT NULL,
                bytes INTEGER NOT NULL,
                lines INTEGER NOT NULL,
                digest TEXT NOT NULL,
                archive TEXT NOT NULL DEFAULT '',
                removed INTEGER NOT NULL DEFAULT 0
            ) STRICT, WITHOUT ROWID
            """,
            # What each file of the archive has to be now. `file` is the path inside the archive's folder.
            """
            CREATE TABLE archives (
                file TEXT PRIMARY KEY,
                day TEXT NOT NULL,
                rows INTEGER NOT NULL,
                bytes INTEGER NOT NULL,
                digest TEXT NOT NULL,
                record INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID
            """,
            """
            CREATE TABLE tallies (
                id INTEGER PRIMARY KEY,
                room TEXT NOT NULL,
                grp TEXT NOT NULL,
                action TEXT NOT NULL,
                reason TEXT NOT NULL,
                category TEXT NOT NULL,
                UNIQUE (room, grp, action, reason, category)
            ) STRICT
            """,
            # `hour`: YYYY-MM-DDTHH as the query log has it, in the school's time zone.
            """
            CREATE TABLE counts (
                hour TEXT NOT NULL,
                tally INTEGER NOT NULL REFERENCES tallies (id),
                queries INTEGER NOT NULL,
                PRIMARY KEY (hour, tally)
            ) STRICT, WITHOUT ROWID
            """,
            "CREATE TABLE folds (client TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT, WITHOUT ROWID",
            """
            CREATE TABLE inspectors (
                name TEXT PRIMARY KEY,
                secret TEXT NOT NULL,
                until TEXT NOT NULL,
                record INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID
            """,
        ),
    ),
    Migration(
        "days of the segments that are followed",
        (
            # YYYY-MM-DD, separated by spaces.
            "ALTER TABLE positions ADD COLUMN days TEXT NOT NULL DEFAULT ''",
            """
            UPDATE positions SET days = CASE substr(first, 1, 10)
                WHEN substr(last, 1, 10) THEN substr(last, 1, 10)
                ELSE trim(min(substr(first, 1, 10), substr(last, 1, 10)) || ' '
                    || max(substr(first, 1, 10), substr(last, 1, 10)))
                END
            """,
        ),
    ),
)
