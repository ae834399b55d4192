# ruff: noqa: S608 - the tests make statements of names that stand in them
"""Evidence in policy.db: no accident takes a row away, and no trigger of somebody else goes unnoticed."""

import sqlite3

import pytest

from storage.audit import Fault, Finding, StrangeTrigger
from storage.policy_db import PolicyDb, open_policy
from tests.storage.policies import by_hand, go_on, rows

FILL = {
    "audit": "SELECT {number}, at, by, what, document, detail, state, digest FROM audit WHERE number = 1",
    "orders": "SELECT {number}, body, digest, signature FROM orders WHERE sequence = 1",
}


@pytest.mark.parametrize("table", ["audit", "orders"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET digest = 'x'",
        "UPDATE OR REPLACE {table} SET digest = 'x'",
        "UPDATE {table} SET digest = digest",
        "DELETE FROM {table}",
        "DELETE FROM {table} WHERE rowid = (SELECT max(rowid) FROM {table})",
        "INSERT OR REPLACE INTO {table} {first}",
        "REPLACE INTO {table} {first}",
        "INSERT OR IGNORE INTO {table} {far}",
        "INSERT INTO {table} {far}",
        "INSERT INTO {table} {before}",
        "INSERT INTO {table} {null}",
        "INSERT INTO {table} {first} ON CONFLICT DO UPDATE SET digest = 'x'",
    ],
)
async def test_rows_of_evidence_are_only_ever_added(worked: PolicyDb, table: str, statement: str) -> None:
    before = rows(worked.path, f"SELECT * FROM {table}")
    fill = {
        name: FILL[table].format(number=n) for name, n in (("first", 1), ("far", 99), ("before", 0), ("null", "NULL"))
    }
    with pytest.raises(sqlite3.IntegrityError, match=f"{table}: rows are only ever added"):
        by_hand(worked.path, statement.format(table=table, **fill), guarded=True)
    assert rows(worked.path, f"SELECT * FROM {table}") == before


async def test_the_guards_come_back_when_the_file_is_opened(worked: PolicyDb) -> None:
    names = "SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
    guards = rows(worked.path, names)
    assert len(guards) == 6
    by_hand(worked.path)
    assert rows(worked.path, names) == []
    await open_policy(worked.path)
    assert rows(worked.path, names) == guards
    assert await worked.verify_audit() is None


async def test_what_follows_a_change_lives_in_its_connection_only(worked: PolicyDb) -> None:
    """Another program must be able to open the file: it does not know our function."""
    by_hand(worked.path, "INSERT INTO meta VALUES ('k', 1)", guarded=True)
    assert not [row for row in rows(worked.path, "SELECT sql FROM sqlite_master") if "tally" in str(row[0])]


STRANGERS = [
    "CREATE TRIGGER evil AFTER INSERT ON audit BEGIN UPDATE entries SET removed_at = '2026'; END",
    "CREATE VIEW evil AS SELECT * FROM groups",
    "CREATE TRIGGER evil BEFORE DELETE ON orders BEGIN SELECT 1; END",
]


@pytest.mark.parametrize("statement", STRANGERS)
async def test_a_trigger_of_somebody_else_is_named_and_nothing_is_changed_while_it_is_there(
    worked: PolicyDb, statement: str
) -> None:
    head = await worked.audit_head()
    by_hand(worked.path, statement, guarded=True)
    assert await worked.verify_audit() == Finding(Fault.STRANGER, 12, "evil")
    with pytest.raises(StrangeTrigger, match="holds evil, a trigger or view that this program did not make"):
        await go_on(worked)
    assert await worked.audit_head() == head
    assert "pupils" in {group.id for group in await worked.groups()}
    by_hand(worked.path, f"DROP {statement.split()[1]} evil", guarded=True)
    await go_on(worked)
    assert await worked.verify_audit() is None


async def test_a_guard_that_somebody_emptied_is_a_stranger(worked: PolicyDb) -> None:
    by_hand(worked.path, "CREATE TRIGGER audit_update BEFORE UPDATE ON audit BEGIN SELECT 1; END")
    await open_policy(worked.path)
    assert await worked.verify_audit() == Finding(Fault.STRANGER, 12, "audit_update")
