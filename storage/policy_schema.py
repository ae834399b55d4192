"""The tables of policy.db, and what a new school begins with."""

from dataclasses import dataclass

from policy.categories import CATEGORIES
from policy.group_titles import first_titles
from policy.levels import Level
from policy.safesearch import SAFE
from storage.database import Migration
from storage.policy_carry_over import carry_over

DEFAULT_GROUP = "pupils"
"""Whoever asks from a network that nobody entered is taken for a pupil: the careful mistake."""

FIRST_BLOCKED: tuple[str, ...] = tuple(category.id for category in CATEGORIES)
"""R1 2.11: only what relates to education. No service by itself: the categories hold those that they mean. No document
speaks of advertising and tracking; they are closed as well, because advertising shows what the other categories hide
and tracking gathers pupils' data (R1 2.14). The council opens what it wants with
`schoolfilter groups set pupils --unblock video`."""


@dataclass(frozen=True, slots=True)
class FirstGroup:
    """A group of a new school."""

    id: str
    title: str
    level: Level
    supervised: bool
    """Whether rooms and lessons restrict it (R1 2.9 and 2.10)."""


def first_groups() -> tuple[FirstGroup, ...]:
    """Return the groups of a new school, titles in the language in use.

    All get the same blocked categories. The levels of teachers and staff leave them open; but if one of these groups is
    set to medium one day, that does what it says instead of opening everything. Servers get what lessons and devices
    need, and what the director's list opens.
    """
    groups = (
        (DEFAULT_GROUP, Level.MEDIUM, True),
        ("primary", Level.HIGH, True),
        ("senior", Level.MEDIUM, True),
        ("teachers", Level.LOW, False),
        ("staff", Level.OPEN, False),
        ("guests", Level.MEDIUM, True),
        ("servers", Level.MEDIUM, False),
    )
    titles = first_titles()
    return tuple(FirstGroup(id_, titles[id_], level, supervised) for id_, level, supervised in groups)


FIRST_SAFE: dict[str, dict[str, str]] = dict.fromkeys((DEFAULT_GROUP, "primary", "senior", "guests"), SAFE)
"""Mode of each engine by group. Teachers and staff search for themselves: their results are nobody's lesson."""

_LEVELS = ", ".join(f"'{level}'" for level in Level)

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        "groups, networks, categories, entries",
        (
            "CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID",
            # Every change of policy is one row, and its number is the version that `status` shows.
            """
            CREATE TABLE changes (
                version INTEGER PRIMARY KEY,
                at TEXT NOT NULL,
                by TEXT NOT NULL,
                what TEXT NOT NULL,
                detail TEXT NOT NULL
            ) STRICT
            """,
            f"""
            CREATE TABLE groups (
                id TEXT PRIMARY KEY,
                title TEXT NOT NULL,
                level TEXT NOT NULL CHECK (level IN ({_LEVELS})),
                added_at TEXT NOT NULL,
                added_by TEXT NOT NULL,
                removed_at TEXT,
                removed_by TEXT
            ) STRICT
            """,
            # In the tables below nothing is deleted: a row that no longer holds keeps the moment and the person, and at
            # most one row for the same thing is in force.
            """
            CREATE TABLE networks (
                row INTEGER PRIMARY KEY,
                network TEXT NOT NULL,
                group_id TEXT NOT NULL REFERENCES groups (id),
                added_at TEXT NOT NULL,
                added_by TEXT NOT NULL,
                removed_at TEXT,
                removed_by TEXT
            ) STRICT
            """,
            "CREATE UNIQUE INDEX networks_in_force ON networks (network) WHERE removed_at IS NULL",
            """
            CREATE TABLE group_categories (
                row INTEGER PRIMARY KEY,
                group_id TEXT NOT NULL REFERENCES groups (id),
                category TEXT NOT NULL,
                added_at TEXT NOT NULL,
                added_by TEXT NOT NULL,
                removed_at TEXT,
                removed_by TEXT
            ) STRICT
            """,
            "CREATE UNIQUE INDEX group_categories_in_force ON group_categories (group_id, category)"
            " WHERE removed_at IS NULL",
            """
            CREATE TABLE entries (
                row INTEGER PRIMARY KEY,
                kind TEXT NOT NULL CHECK (kind IN ('allow', 'block')),
                name TEXT NOT NULL,
                group_id TEXT REFERENCES groups (id),
                note TEXT NOT NULL,
                order_number TEXT NOT NULL,
                order_date TEXT NOT NULL,
                added_at TEXT NOT NULL,
                added_by TEXT NOT NULL,
                removed_at TEXT,
                removed_by TEXT
            ) STRICT
            """,
            "CREATE UNIQUE INDEX entries_in_force ON entries (kind, name, ifnull(group_id, ''))"
            " WHERE removed_at IS NULL",
            "INSERT INTO meta (key, value) VALUES ('version', 0)",
        ),
    ),
    Migration(
        "hours of blocked categories and services, safe search",
        (
            # Empty: at any time. A row is never changed: other hours are another row.
            "ALTER TABLE group_categories ADD COLUMN hours TEXT NOT NULL DEFAULT ''",
            """
            CREATE TABLE group_safe_search (
                row INTEGER PRIMARY KEY,
                group_id TEXT NOT NULL REFERENCES groups (id),
                engine TEXT NOT NULL,
                mode TEXT NOT NULL,
                added_at TEXT NOT NULL,
                added_by TEXT NOT NULL,
                removed_at TEXT,
                removed_by TEXT
            ) STRICT
            """,
            "CREATE UNIQUE INDEX group_safe_search_in_force ON group_safe_search (group_id, engine)"
            " WHERE removed_at IS NULL",
            # What a school has already gets what a new one begins with; for a level somebody set nobody knows who is in
            # the group, and unsafe results for a pupil are the worse mistake.
            """
            INSERT INTO group_safe_search (group_id, engine, mode, added_at, added_by)
            SELECT groups.id, first.column1, first.column2,
                strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now'), 'schoolfilter'
            FROM groups, (
                VALUES ('google', 'on'), ('youtube', 'moderate'), ('bing', 'on'), ('duckduckgo', 'on'),
                    ('yandex', 'on'), ('ecosia', 'on'), ('pixabay', 'on'), ('brave', 'on')
            ) AS first
            WHERE groups.removed_at IS NULL AND groups.level <> 'open'
            """,
            # A file without groups is a new one, whose history begins with them.
            "UPDATE meta SET value = value + 1 WHERE key = 'version' AND EXISTS (SELECT 1 FROM groups)",
            """
            INSERT INTO changes (version, at, by, what, detail)
            SELECT meta.value, strftime('%Y-%m-%dT%H:%M:%S+00:00', 'now'), 'schoolfilter', 'safe search',
                '{"groups": ' || (
                    SELECT json_group_array(DISTINCT group_id) FROM group_safe_search
                ) || ', "modes": "all engines on, youtube moderate"}'
            FROM meta WHERE meta.key = 'version' AND EXISTS (SELECT 1 FROM groups)
            """,
        ),
    ),
    Migration(
        "rooms, devices, calendar, requests, the ledger of orders, a chained audit trail",
        (
            # Rooms, devices, lessons, what the calendar consists of, and the changing part of groups: a body in JSON
            # for each, of which at most one of an id is in force. A change is a new row, so that any past day can be
            # shown; policy/ says what a body means.
            """
            CREATE TABLE objects (
                row INTEGER PRIMARY KEY,
                kind TEXT NOT NULL,
                id TEXT NOT NULL,
                body TEXT NOT NULL,
                document TEXT NOT NULL,
                added_at TEXT NOT NULL,
                added_by TEXT NOT NULL,
                removed_at TEXT,
                removed_by TEXT
            ) STRICT
            """,
            "CREATE UNIQUE INDEX objects_in_force ON objects (kind, id) WHERE removed_at IS NULL",
            """
            INSERT INTO objects (kind, id, body, document, added_at, added_by, removed_at, removed_by)
            SELECT 'group', id,
                json_object('level', level, 'supervised',
                    json(CASE WHEN level IN ('low', 'open') THEN 'false' ELSE 'true' END), 'title', title),
                '', added_at, added_by, removed_at, removed_by
            FROM groups
            """,
            "ALTER TABLE groups DROP COLUMN title",
            "ALTER TABLE groups DROP COLUMN level",
            # Documents of what the council decided: the protocol, as `protocol 3 of 2026-09-01`.
            "ALTER TABLE networks ADD COLUMN document TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE group_categories ADD COLUMN document TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE group_safe_search ADD COLUMN document TEXT NOT NULL DEFAULT ''",
            "ALTER TABLE entries ADD COLUMN document TEXT NOT NULL DEFAULT ''",
            # policy/ledger.py says what may stand here, and judges it at each load.
            """
            CREATE TABLE orders (
                sequence INTEGER PRIMARY KEY,
                body TEXT NOT NULL,
                digest TEXT NOT NULL,
                signature TEXT NOT NULL
            ) STRICT
            """,
            """
            CREATE TABLE requests (
                id INTEGER PRIMARY KEY,
                kind TEXT NOT NULL CHECK (kind IN ('allow', 'remove')),
                name TEXT NOT NULL,
                group_id TEXT,
                scope TEXT NOT NULL CHECK (scope IN ('always', 'lessons')),
                until TEXT,
                reason TEXT NOT NULL,
                warnings TEXT NOT NULL,
                asked_at TEXT NOT NULL,
                asked_by TEXT NOT NULL,
                outcome TEXT NOT NULL DEFAULT '' CHECK (outcome IN ('', 'approved', 'rejected', 'withdrawn')),
                decided_at TEXT,
                decided_by TEXT,
                answer TEXT NOT NULL DEFAULT '',
                sequence INTEGER
            ) STRICT
            """,
            """
            CREATE UNIQUE INDEX requests_open ON requests (kind, name, ifnull(group_id, ''), scope) WHERE outcome = ''
            """,
            # storage/audit.py chains the rows: `digest` covers the row and the digest before it; `state` stands for all
            # rows of all tables that the change left. A migration that changes tables counts it anew in a row of its
            # own, as carry_over does.
            """
            CREATE TABLE audit (
                number INTEGER PRIMARY KEY,
                at TEXT NOT NULL,
                by TEXT NOT NULL,
                what TEXT NOT NULL,
                document TEXT NOT NULL,
                detail TEXT NOT NULL,
                state TEXT NOT NULL,
                digest TEXT NOT NULL
            ) STRICT
            """,
        ),
        carry_over,
    ),
)
