# ruff: noqa: S608 - the tests make statements of names that stand in them
"""The audit trail: whoever changes it, or the policy past it, is found, whatever comes after."""

import json
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.levels import Level
from storage.audit import GENESIS, TOOK_OVER, Fault, Finding, Head, describe
from storage.errors import StorageError
from storage.policy_db import PolicyDb, open_policy
from storage.policy_rows import GroupChange, stamp
from storage.tally import Tally
from tests.storage.policies import AT, CHANGES, LATER, block, by_hand, go_on, rows


async def fault_of(worked: PolicyDb) -> Fault | None:
    finding = await worked.verify_audit()
    return None if finding is None else finding.fault


def rewrite(path: Path) -> None:
    """Compute all digests anew, as somebody who knows how would do."""
    with closing(sqlite3.connect(path)) as raw:
        found = raw.execute(
            "SELECT number, at, by, what, document, detail, state FROM audit ORDER BY number"
        ).fetchall()
        digest = GENESIS
        for row in found:
            digest = independent_digest(digest, *row)
            raw.execute("UPDATE audit SET digest = ? WHERE number = ?", (digest, row[0]))
        raw.commit()


def independent_digest(*parts: object) -> str:
    """Return the digest of a row as the format says, without the code under test."""
    return sha256((json.dumps(parts, ensure_ascii=False, separators=(",", ":")) + "\n").encode()).hexdigest()


# a whole trail


async def test_the_chain_can_be_followed_without_the_program(worked: PolicyDb) -> None:
    digest = GENESIS
    for number, row in enumerate(rows(worked.path, "SELECT * FROM audit ORDER BY number"), 1):
        assert row[0] == number
        digest = independent_digest(digest, *row[:7])
        assert row[7] == digest
    assert await worked.audit_head() == Head(number, digest)


async def test_a_written_down_head_is_found_again_as_long_as_it_is_there(worked: PolicyDb) -> None:
    head = await worked.audit_head()
    await go_on(worked)
    for written in (head, Head(head.number, head.digest[:8]), await worked.audit_head()):
        assert await worked.verify_audit(written) is None
    for written in (Head(head.number, "0" * 64), Head(head.number - 1, head.digest), Head(999, head.digest)):
        assert await worked.verify_audit(written) == Finding(Fault.HEAD, written.number)


async def test_changes_are_read_between_two_moments_with_what_they_say(worked: PolicyDb) -> None:
    changes = await worked.changes()
    assert [each.number for each in changes] == list(range(1, len(changes) + 1))
    assert {each.number for each in changes if each.at == LATER} == {
        each.number for each in await worked.changes(since=LATER, until=LATER)
    }
    assert changes[1].document == "protocol 3 of 2026-09-01"
    assert changes[-1].digest == (await worked.audit_head()).digest


async def test_a_change_that_fails_leaves_no_row_and_a_sound_trail(worked: PolicyDb) -> None:
    before = await worked.audit_head()

    async def break_off() -> None:
        async with worked.changing(stamp(AT), "deputy", "broken", {}) as connection:
            await connection.execute("DELETE FROM requests")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        await break_off()
    assert await worked.audit_head() == before
    assert await worked.verify_audit() is None


STATEMENTS = (
    "INSERT INTO objects (kind, id, body, document, added_at, added_by) VALUES ('x', {n}, '{{}}', '', '', '')",
    "UPDATE objects SET removed_at = '2026', removed_by = 'x' WHERE id = '{n}' AND removed_at IS NULL",
    "UPDATE objects SET body = '{{\"n\": {n}}}' WHERE kind = 'x'",
    "DELETE FROM objects WHERE id = '{n}'",
    "INSERT INTO meta VALUES ('k{n}', {n}) ON CONFLICT DO UPDATE SET value = value + 1",
    "DELETE FROM meta WHERE key = 'k{n}'",
    "INSERT OR IGNORE INTO groups (id, added_at, added_by) VALUES ('g{n}', '', '')",
    "DELETE FROM groups WHERE id = 'g{n}'",
)


@settings(max_examples=25, deadline=None)
@given(work=st.lists(st.lists(st.tuples(st.sampled_from(STATEMENTS), st.integers(0, 2)), max_size=4), max_size=4))
async def test_whatever_the_program_does_to_any_table_the_trail_follows(
    tmp_path_factory: pytest.TempPathFactory, work: list[list[tuple[str, int]]]
) -> None:
    policy = await open_policy(tmp_path_factory.mktemp("trail") / "policy.db")
    for statements in work:
        async with policy.changing(stamp(AT), "deputy", "work", {}) as connection:
            await connection.execute("DROP INDEX IF EXISTS objects_in_force")
            for statement, number in statements:
                await connection.execute(statement.format(n=number))
        assert await policy.verify_audit() is None


# an altered trail


@pytest.mark.parametrize("column", ["at", "by", "what", "document", "detail", "state", "digest"])
@pytest.mark.parametrize("number", [1, 2, 5, -1])
async def test_an_edited_row_is_named(worked: PolicyDb, column: str, number: int) -> None:
    last = (await worked.audit_head()).number
    row = number if number > 0 else last
    by_hand(worked.path, f"UPDATE audit SET {column} = replace({column} || 'x', '0x', '1') WHERE number = {row}")
    assert await worked.verify_audit() == Finding(Fault.DIGEST, row)
    await go_on(worked)
    assert await worked.verify_audit() == Finding(Fault.DIGEST, row)


ALTERED: list[tuple[str, tuple[str, ...], Finding]] = [
    ("first-row-removed", ("DELETE FROM audit WHERE number = 1",), Finding(Fault.NUMBER, 1)),
    ("row-removed", ("DELETE FROM audit WHERE number = 4",), Finding(Fault.NUMBER, 4)),
    (
        "row-removed-and-the-rest-numbered-anew",
        ("DELETE FROM audit WHERE number = 4", "UPDATE audit SET number = number - 1 WHERE number > 4"),
        Finding(Fault.DIGEST, 4),
    ),
    (
        "rows-exchanged",
        (
            "UPDATE audit SET number = -3 WHERE number = 3",
            "UPDATE audit SET number = 3 WHERE number = 4",
            "UPDATE audit SET number = 4 WHERE number = -3",
        ),
        Finding(Fault.DIGEST, 3),
    ),
    (
        "row-put-in",
        (
            "UPDATE audit SET number = -number WHERE number > 4",
            "UPDATE audit SET number = 1 - number WHERE number < 0",
            "INSERT INTO audit SELECT 5, at, by, 'allowed by the council', document, detail, state, digest FROM audit"
            " WHERE number = 4",
        ),
        Finding(Fault.DIGEST, 5),
    ),
    ("all-removed", ("DELETE FROM audit",), Finding(Fault.NUMBER, 1)),
    ("version-changed", ("UPDATE meta SET value = value + 1 WHERE key = 'version'",), Finding(Fault.NUMBER, 13)),
]


@pytest.mark.parametrize(("statements", "finding"), [pytest.param(*rest, id=name) for name, *rest in ALTERED])
async def test_rows_taken_out_moved_or_put_in_are_found(
    worked: PolicyDb, statements: tuple[str, ...], finding: Finding
) -> None:
    assert (await worked.audit_head()).number == CHANGES
    by_hand(worked.path, *statements)
    assert await worked.verify_audit() == finding


@pytest.mark.parametrize("cut", [1, 3, 12])
@pytest.mark.parametrize("careful", [False, True])
async def test_a_cut_tail_shows_also_after_further_changes(worked: PolicyDb, cut: int, careful: bool) -> None:
    by_hand(worked.path, f"DELETE FROM audit WHERE number > {CHANGES - cut}")
    if careful:
        by_hand(worked.path, f"UPDATE meta SET value = {CHANGES - cut} WHERE key = 'version'")
    assert await fault_of(worked) is (Fault.STATE if careful else Fault.NUMBER)
    await go_on(worked)
    assert await fault_of(worked) is Fault.STATE


async def test_a_file_put_back_as_a_whole_shows_by_a_written_down_head_only(worked: PolicyDb, tmp_path: Path) -> None:
    earlier = worked.path.read_bytes()
    await go_on(worked)
    head = await worked.audit_head()
    worked.path.write_bytes(earlier)
    assert await worked.verify_audit() is None, "what it cannot show"
    assert await worked.verify_audit(head) == Finding(Fault.HEAD, head.number)


async def test_a_trail_written_anew_shows_by_a_written_down_head_only(worked: PolicyDb) -> None:
    head = await worked.audit_head()
    by_hand(worked.path, "UPDATE audit SET by = 'director' WHERE number = 2")
    assert await worked.verify_audit() == Finding(Fault.DIGEST, 2)
    rewrite(worked.path)
    assert await worked.verify_audit() is None, "what it cannot show"
    assert await worked.verify_audit(head) == Finding(Fault.HEAD, head.number)


# a policy changed past the trail

TABLES = {
    "entries": ("name", "group_id", "note", "document", "added_at", "added_by", "removed_at", "removed_by"),
    "group_categories": ("group_id", "category", "hours", "document", "added_at", "added_by", "removed_at"),
    "group_safe_search": ("group_id", "engine", "mode", "document", "added_at", "added_by", "removed_at"),
    "groups": ("id", "added_at", "added_by", "removed_at"),
    "meta": ("value",),
    "networks": ("network", "group_id", "document", "added_at", "added_by", "removed_at"),
    "objects": ("kind", "id", "body", "document", "added_at", "added_by", "removed_at", "removed_by"),
    "orders": ("sequence", "body", "digest", "signature"),
    "requests": ("kind", "name", "group_id", "reason", "asked_at", "asked_by", "outcome", "decided_by", "answer"),
}
OTHER_VALUES = {"kind": "iif(kind = 'block', 'allow', iif(kind = 'allow', 'remove', 'x'))", "outcome": "'approved'"}


async def test_every_table_is_tried_below(worked: PolicyDb) -> None:
    found = rows(worked.path, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    assert [str(row[0]) for row in found if row[0] not in ("audit", "migrations")] == sorted(TABLES)


@pytest.mark.parametrize(
    ("table", "column"), [(table, column) for table, columns in TABLES.items() for column in columns]
)
@pytest.mark.parametrize("row", ["min", "max"])
async def test_a_value_changed_past_the_trail_is_found_for_ever(
    worked: PolicyDb, table: str, column: str, row: str
) -> None:
    value = OTHER_VALUES.get(column, f"ifnull({column}, '') || '7'")
    by_hand(
        worked.path,
        f"UPDATE {table} SET {column} = {value} WHERE {place(table)} ="
        f" (SELECT {row}({place(table)}) FROM {table} WHERE {other(table)})",
    )
    assert await fault_of(worked) is Fault.STATE
    await go_on(worked)
    assert await fault_of(worked) is Fault.STATE


def place(table: str) -> str:
    return "key" if table == "meta" else "rowid"


def other(table: str) -> str:
    return "key <> 'version'" if table == "meta" else "true"


DOUBLED = {
    ("entries", "row"): "99",
    ("entries", "name"): "'doubled.example.org'",
    ("group_categories", "row"): "99999",
    ("group_categories", "category"): "'vk'",
    ("group_safe_search", "row"): "99999",
    ("group_safe_search", "engine"): "'other'",
    ("groups", "id"): "'doubled'",
    ("meta", "key"): "'doubled'",
    ("networks", "row"): "99",
    ("networks", "network"): "'10.0.6.0/24'",
    ("objects", "row"): "99999",
    ("objects", "id"): "'doubled'",
    ("orders", "sequence"): "2",
    ("requests", "id"): "99",
}
"""What a row put in must have of its own."""


@pytest.mark.parametrize("table", sorted(TABLES))
async def test_a_row_removed_or_doubled_past_the_trail_is_found_for_ever(worked: PolicyDb, table: str) -> None:
    before = worked.path.read_bytes()
    first = f"(SELECT min({place(table)}) FROM {table} WHERE {other(table)})"
    by_hand(worked.path, f"DELETE FROM {table} WHERE {place(table)} = {first}")
    assert await fault_of(worked) is Fault.STATE
    worked.path.write_bytes(before)
    columns = ", ".join(
        DOUBLED.get((table, str(column[0])), str(column[0]))
        for column in rows(worked.path, f"SELECT name FROM pragma_table_info('{table}')")
    )
    by_hand(worked.path, f"INSERT INTO {table} SELECT {columns} FROM {table} WHERE {place(table)} = {first}")
    assert await fault_of(worked) is Fault.STATE
    await go_on(worked)
    assert await fault_of(worked) is Fault.STATE


async def test_what_is_put_back_exactly_is_no_fault(worked: PolicyDb) -> None:
    by_hand(worked.path, "UPDATE entries SET note = note || 'x'", "UPDATE entries SET note = rtrim(note, 'x')")
    assert await worked.verify_audit() is None


async def test_a_column_that_somebody_added_is_found(worked: PolicyDb) -> None:
    by_hand(worked.path, "ALTER TABLE entries ADD COLUMN more TEXT")
    assert await fault_of(worked) is Fault.STATE


async def test_a_table_that_somebody_filled_is_found(worked: PolicyDb) -> None:
    by_hand(worked.path, "CREATE TABLE more (a BLOB)", "INSERT INTO more VALUES (x'ff')")
    assert await fault_of(worked) is Fault.STATE


async def test_octets_that_are_no_text_are_found_and_stop_nobody_from_ending_them(worked: PolicyDb) -> None:
    by_hand(worked.path, "UPDATE entries SET note = CAST(x'ff00fe' AS TEXT) WHERE removed_at IS NULL")
    assert await fault_of(worked) is Fault.STATE
    await worked.remove_blocks(["b.example.org"], group="guests", at=LATER, by="deputy")
    assert await fault_of(worked) is Fault.STATE
    by_hand(worked.path, "UPDATE audit SET by = CAST(x'ff00fe' AS TEXT) WHERE number = 2")
    assert await worked.verify_audit() == Finding(Fault.DIGEST, 2)


@pytest.mark.parametrize("value", ["x'70'", "CAST('pupils' AS BLOB)", "1", "1.0", "'1'", "'pupils' || char(0) || 'x'"])
async def test_values_that_look_alike_are_told_apart(worked: PolicyDb, value: str) -> None:
    by_hand(worked.path, "UPDATE meta SET value = 'pupils' WHERE key = 'default_group'")
    assert await worked.verify_audit() is None
    by_hand(worked.path, f"UPDATE meta SET value = {value} WHERE key = 'default_group'")
    assert await fault_of(worked) is Fault.STATE


async def test_a_state_is_long_enough_that_nobody_finds_other_rows_for_it(worked: PolicyDb) -> None:
    assert {len(each.state) * 4 for each in await worked.changes()} == {2048}


# putting right


@pytest.mark.parametrize("touched", [False, True])
async def test_a_change_that_puts_right_counts_anew_and_says_whether_something_was_there(
    worked: PolicyDb, touched: bool
) -> None:
    if touched:
        by_hand(worked.path, "UPDATE orders SET body = body || 'x'")
    async with worked.changing(stamp(AT), "deputy", "put right", {"why": "test"}, anew=True) as connection:
        await connection.execute("INSERT INTO meta VALUES ('k', 1)")
    assert (await worked.changes())[-1].detail == {"why": "test", TOOK_OVER: touched}
    assert await worked.verify_audit() is None
    await go_on(worked)
    assert await worked.verify_audit() is None


# cost


async def test_what_a_change_costs_does_not_grow_with_what_is_there(
    worked: PolicyDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []
    take = Tally.take

    def counting(self: Tally, sign: int, table: str, *row: str) -> int:
        taken.append(table)
        return take(self, sign, table, *row)

    monkeypatch.setattr(Tally, "take", counting)
    costs = []
    for number in range(2):
        taken.clear()
        await worked.set_group("pupils", GroupChange(level=(Level.LOW, Level.HIGH)[number]), at=LATER, by="deputy")
        costs.append(sorted(taken))
        await worked.add_blocks([block(f"n{each}.example.org") for each in range(300)], at=LATER, by="deputy")
        await worked.change_objects("devices", [("device", f"d{each}", {}) for each in range(300)], at=LATER, by="x")
    assert costs[0] == costs[1] == ["meta", "meta", "objects", "objects", "objects"]
    assert await worked.verify_audit() is None


# words


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_is_said_with_the_next_step(fault: Fault) -> None:
    said = describe(Finding(fault, 17, "evil"))
    assert "Put back the last good backup of policy.db" in said
    assert ("evil" if fault is Fault.STRANGER else "17") in said
    assert "{" not in said


def test_a_state_that_somebody_wrote_does_not_stop_the_next_change() -> None:
    assert Tally().carried_on("no number") == Tally().carried_on("")


@pytest.mark.parametrize("detail", ["[]", "torn"])
async def test_a_detail_that_nobody_here_wrote_is_found_and_told(worked: PolicyDb, detail: str) -> None:
    by_hand(worked.path, f"UPDATE audit SET detail = '{detail}' WHERE number = 3")
    assert await worked.verify_audit() == Finding(Fault.DIGEST, 3)
    with pytest.raises(StorageError, match="expected a sound database"):
        await worked.changes()
