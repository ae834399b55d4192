"""policy.db of an older version: nothing a school entered is lost, and its history tells the same as before."""

import asyncio
import json
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from policy.hours import parse_hours
from policy.levels import Level
from policy.orders import Order, OrderKind, as_of, replay
from policy.safesearch import SAFE
from storage import policy_carry_over
from storage.database import value
from storage.policy_db import PolicyDb, open_policy
from storage.policy_load import PolicyLoader
from storage.policy_rows import GroupChange, stamp
from storage.policy_schema import MIGRATIONS
from tests.storage.policies import AT, rows, snapshot_of

BEGIN = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)

InForce = dict[tuple[str, str | None], tuple[str, str, str]]
"""Number and date of the order and the note, by name and group."""


class Old:
    """A policy.db as the version before kept it, changed as that version did. Written down from its code."""

    def __init__(self, path: Path, schema: int = 2) -> None:
        self.path = path
        self.version = 0
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT, applied_at TEXT) STRICT")
            for number, migration in enumerate(MIGRATIONS[:schema], 1):
                for statement in migration.statements:
                    raw.execute(statement)
                raw.execute("INSERT INTO migrations VALUES (?, ?, ?)", (number, migration.name, stamp(BEGIN)))
            raw.execute(f"PRAGMA user_version = {schema}")
            raw.execute("INSERT INTO meta (key, value) VALUES ('default_group', 'pupils')")
            raw.commit()
        for id_, level in (("pupils", "medium"), ("teachers", "low"), ("staff", "open"), ("guests", "medium")):
            self.group(id_, level)
        self.note(BEGIN, "schoolfilter", "begin", {"groups": ["pupils", "teachers", "staff", "guests"]})

    def run(self, statement: str, *arguments: object) -> None:
        with closing(sqlite3.connect(self.path)) as raw:
            raw.execute(statement, arguments)
            raw.commit()

    def note(self, at: datetime, by: str, what: str, detail: object) -> None:
        self.version += 1
        self.run("UPDATE meta SET value = ? WHERE key = 'version'", self.version)
        text = detail if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False)
        self.run("INSERT INTO changes VALUES (?, ?, ?, ?, ?)", self.version, stamp(at), by, what, text)

    def group(self, id_: str, level: str, at: datetime = BEGIN) -> None:
        self.run(
            "INSERT INTO groups (id, title, level, added_at, added_by) VALUES (?, ?, ?, ?, 'one')",
            *(id_, id_.title(), level, stamp(at)),
        )

    def allow(
        self, *names: str, at: datetime, number: str = "12", day: str = "2026-03-01", group: str | None = None,
        note: str = "for the lesson", by: str = "teacher"
    ) -> None:  # fmt: skip
        for name in names:
            self._end(name, group, at, by)
            self.run(
                "INSERT INTO entries (kind, name, group_id, note, order_number, order_date, added_at, added_by)"
                " VALUES ('allow', ?, ?, ?, ?, ?, ?, ?)",
                *(name, group, note, number, day, stamp(at), by),
            )
        self.note(at, by, "add entries", {"entries": [["allow", n, group or "", f"order {number}"] for n in names]})

    def remove(self, *names: str, at: datetime, group: str | None = None, by: str = "teacher") -> None:
        for name in names:
            self._end(name, group, at, by)
        self.note(at, by, "remove entries", {"names": names, "kind": None, "group": group})

    def _end(self, name: str, group: str | None, at: datetime, by: str) -> None:
        self.run(
            "UPDATE entries SET removed_at = ?, removed_by = ?"
            " WHERE kind = 'allow' AND name = ? AND group_id IS ? AND removed_at IS NULL",
            *(stamp(at), by, name, group),
        )

    def in_force(self, at: datetime | None = None) -> InForce:
        """Return the allow entries of a moment, or of now."""
        query = "SELECT name, group_id, order_number, order_date, note FROM entries WHERE kind = 'allow' AND "
        if at is None:
            found = rows(self.path, query + "removed_at IS NULL")
        else:
            then = stamp(at)
            found = rows(self.path, f"{query} added_at <= '{then}' AND (removed_at IS NULL OR removed_at > '{then}')")
        return {
            (str(row[0]), None if row[1] is None else str(row[1])): (str(row[2]), str(row[3]), str(row[4]))
            for row in found
        }


@pytest.fixture
def old(tmp_path: Path) -> Old:
    return Old(tmp_path / "policy.db")


async def orders_of(policy: PolicyDb) -> tuple[Order, ...]:
    loaded = await PolicyLoader(policy).load(())
    assert loaded.ledger.findings == ()
    return loaded.ledger.orders


def listed(orders: Sequence[Order]) -> InForce:
    """Return the director's list that orders leave, as `Old.in_force` does."""
    return {
        place: (each.order.number, each.order.date.isoformat(), each.addition.reason)
        for place, each in replay(orders, None).items()
    }


async def test_allow_entries_become_paper_orders_one_for_each_command(old: Old) -> None:
    second, third = BEGIN + timedelta(days=1), BEGIN + timedelta(days=2)
    old.allow("a.example.org", "b.example.org", at=BEGIN)
    old.allow("c.example.org", at=second, number="13", day="2026-03-02", group="teachers", note="", by="deputy")
    old.allow("a.example.org", at=second, number="13", day="2026-03-02", note="again")
    old.remove("b.example.org", at=third, by="deputy")
    expected = old.in_force()
    async with await open_policy(old.path) as policy:
        orders = await orders_of(policy)
        snapshot = await snapshot_of(policy)
    assert {order.kind for order in orders} == {OrderKind.PAPER}
    assert [
        (
            o.number,
            o.date.isoformat(),
            o.entered_at,
            o.entered_by,
            [a.name for a in o.additions],
            [r.name for r in o.removals],
        )
        for o in orders
    ] == [
        ("12", "2026-03-01", BEGIN, "teacher", ["a.example.org", "b.example.org"], []),
        ("13", "2026-03-02", second, "deputy", ["c.example.org"], []),
        ("13", "2026-03-02", second, "teacher", ["a.example.org"], []),
        ("", "2026-03-03", third, "deputy", [], ["b.example.org"]),
    ]
    assert listed(orders) == expected
    assert set(snapshot.views["pupils"].allow) == {"a.example.org"}
    assert set(snapshot.views["teachers"].allow) == {"a.example.org", "c.example.org"}
    assert snapshot.views["pupils"].allow["a.example.org"].document == "paper order 13 of 2026-03-02"


class Step(NamedTuple):
    """One command of the past."""

    wait: int
    """Seconds since the one before."""
    name: str
    group: str | None
    number: str
    """Of the order; empty: the entry is removed."""
    by: str


def entered(wait: int) -> Step:
    return Step(wait, "a.example.org", None, "12", "teacher")


def ended(wait: int) -> Step:
    return Step(wait, "a.example.org", None, "", "teacher")


def steps(waits: Sequence[int]) -> st.SearchStrategy[list[Step]]:
    return st.lists(
        st.builds(
            Step,
            st.sampled_from(waits),
            st.sampled_from(["a.example.org", "b.example.org"]),
            st.sampled_from([None, "teachers"]),
            st.sampled_from(["", "12", "13"]),
            st.sampled_from(["teacher", "deputy"]),
        ),
        max_size=8,
    )


def carried_over(folder: str, past: Sequence[Step]) -> tuple[dict[datetime | None, InForce], tuple[Order, ...]]:
    """Let a school do these things, and open its policy; return what the tables said of each day, and the orders.

    The day None is now.
    """
    old = Old(Path(folder) / "policy.db")
    moments = [BEGIN + timedelta(seconds=wait) for wait in accumulate(step.wait for step in past)]
    for step, at in zip(past, moments, strict=True):
        if step.number:
            old.allow(step.name, at=at, number=step.number, group=step.group, by=step.by, note=step.number)
        else:
            old.remove(step.name, at=at, group=step.group, by=step.by)
    ends = {at.replace(hour=23, minute=59, second=59) for at in (BEGIN, *moments)}
    told: dict[datetime | None, InForce] = {end: old.in_force(end) for end in (*ends, None)}

    async def read() -> tuple[Order, ...]:
        async with await open_policy(old.path) as policy:
            assert await policy.verify_audit() is None
            return await orders_of(policy)

    return told, asyncio.run(read())


@settings(max_examples=40, deadline=None)
@given(steps([0, 0, 1, 86400]))
def test_any_history_of_the_directors_list_is_told_as_the_old_tables_told_it(past: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        told, orders = carried_over(folder, past)
    for end, expected in told.items():
        assert listed(orders if end is None else as_of(orders, end.date(), UTC)) == expected, end
    assert {order.number for order in orders if order.number} == {step.number for step in past if step.number}


@settings(max_examples=25, deadline=None)
@example([entered(0), ended(86400), entered(-7200)])
@example([entered(0), ended(-7200), entered(86400), ended(-7200)])
@given(steps([0, 1, 86400, -7200, -86400 * 400]))
def test_a_clock_that_was_put_back_does_not_change_what_is_in_force(past: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        told, orders = carried_over(folder, past)
    assert listed(orders) == told[None]


async def test_changes_keep_who_when_and_what_and_become_a_chain_that_verifies(old: Old) -> None:
    old.allow("a.example.org", at=BEGIN + timedelta(hours=1))
    old.note(BEGIN + timedelta(hours=2), "deputy", "set group", {"group": "guests", "before": "medium Guests"})
    old.note(BEGIN + timedelta(hours=3), "deputy", "x", "torn")
    async with await open_policy(old.path) as policy:
        changes = await policy.changes()
        assert await policy.verify_audit() is None
        assert await policy.version() == len(changes) == 5
        await policy.set_group("guests", GroupChange(level=Level.HIGH), at=AT, by="deputy")
        assert await policy.verify_audit() is None
    assert [(each.at, each.by, each.what) for each in changes[:-1]] == [
        (BEGIN, "schoolfilter", "begin"),
        (BEGIN + timedelta(hours=1), "teacher", "add entries"),
        (BEGIN + timedelta(hours=2), "deputy", "set group"),
        (BEGIN + timedelta(hours=3), "deputy", "x"),
    ]
    assert changes[1].detail == {"entries": [["allow", "a.example.org", "", "order 12"]]}
    assert changes[2].detail["before"] == "medium Guests"
    assert changes[3].detail == {"detail": "torn"}
    assert (changes[4].what, changes[4].detail) == ("carried over", {"changes": 4, "orders": 1, "left out": []})
    assert "changes" not in [row[0] for row in rows(old.path, "SELECT name FROM sqlite_master")]


async def test_groups_are_as_they_were_and_rooms_restrict_those_whose_level_is_not_for_staff(old: Old) -> None:
    now, hours = stamp(BEGIN), "mon-fri 08:00-13:30"
    old.group("lab", "high")
    old.group("gone", "medium")
    old.run("UPDATE groups SET removed_at = ?, removed_by = 'one' WHERE id = 'gone'", stamp(BEGIN + timedelta(days=1)))
    old.run("INSERT INTO networks (network, group_id, added_at, added_by) VALUES ('10.0.5.0/24', 'lab', ?, 'one')", now)
    for category, text, removed in (("games", hours, None), ("video", "", now), ("adult", "", None)):
        old.run(
            "INSERT INTO group_categories (group_id, category, hours, added_at, added_by, removed_at)"
            " VALUES ('pupils', ?, ?, ?, 'one', ?)",
            *(category, text, now, removed),
        )
    old.run(
        "INSERT INTO group_safe_search (group_id, engine, mode, added_at, added_by)"
        " VALUES ('pupils', 'google', 'on', ?, 'one')",
        now,
    )
    async with await open_policy(old.path) as policy:
        groups = {each.id: each for each in await policy.groups()}
        before = {each.id: each for each in await policy.groups(at=BEGIN)}
        assert await policy.default_group() == "pupils"
    assert [(each.id, each.title, each.level, each.supervised) for each in groups.values()] == [
        ("pupils", "Pupils", "medium", True),
        ("teachers", "Teachers", "low", False),
        ("staff", "Staff", "open", False),
        ("guests", "Guests", "medium", True),
        ("lab", "Lab", "high", True),
    ]
    assert groups["pupils"].blocked_categories == {"games", "adult"}
    assert groups["pupils"].hours == {"games": parse_hours(hours)}
    assert groups["pupils"].safe_search == {"google": "on"}
    assert [str(network) for network in groups["lab"].networks] == ["10.0.5.0/24"]
    assert before == groups | {"gone": before["gone"]}


async def test_blocks_stay_blocks_with_their_history(old: Old) -> None:
    for name, removed in (("a.example.org", None), ("b.example.org", stamp(BEGIN))):
        old.run(
            "INSERT INTO entries (kind, name, note, order_number, order_date, added_at, added_by, removed_at)"
            " VALUES ('block', ?, 'council', '', '', ?, 'one', ?)",
            *(name, stamp(BEGIN), removed),
        )
    old.allow("a.example.org", at=BEGIN)
    async with await open_policy(old.path) as policy:
        assert [(each.name, each.note, each.document) for each in await policy.blocks()] == [
            ("a.example.org", "council", "")
        ]
        assert [each.name for each in await policy.blocks(removed=True)] == ["a.example.org", "b.example.org"]
        assert set((await snapshot_of(policy)).views["pupils"].allow) == {"a.example.org"}


async def test_what_no_order_can_hold_is_left_out_and_named_and_texts_are_made_to_fit(old: Old) -> None:
    old.allow("Not A Name", "a.example.org", at=BEGIN, note="n" * 400)
    old.allow("b.example.org", at=BEGIN, number="", day="", note="tab\there\u200b")
    old.allow("c.example.org", at=BEGIN, number="1" * 60, by="p" * 200)
    old.allow("d.example.org", at=BEGIN, day="yesterday")
    async with await open_policy(old.path) as policy:
        orders = await orders_of(policy)
        assert (await policy.changes())[-1].detail["left out"] == ["Not A Name", "d.example.org"]
        assert await policy.verify_audit() is None
    assert listed(orders) == {
        ("a.example.org", None): ("12", "2026-03-01", "n" * 300),
        ("b.example.org", None): ("-", "2026-03-01", "tab here "),
        ("c.example.org", None): ("1" * 40, "2026-03-01", "for the lesson"),
    }


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "", "yesterday"])
async def test_a_stamp_of_no_time_is_left_out_and_named(old: Old, at: str) -> None:
    old.allow("a.example.org", "b.example.org", at=BEGIN)
    old.run("UPDATE entries SET added_at = ? WHERE name = 'b.example.org'", at)
    async with await open_policy(old.path) as policy:
        orders = await orders_of(policy)
        assert (await policy.changes())[-1].detail["left out"] == ["b.example.org"]
        assert await policy.verify_audit() is None
    assert [place[0] for place in listed(orders)] == ["a.example.org"]


@pytest.mark.parametrize("depth", [100, *range(800, 1000, 20), 100_000])
async def test_a_detail_too_deep_to_be_read_is_kept_as_a_text_or_as_it_is(old: Old, depth: int) -> None:
    deep = '{"a":' + "[" * depth + "]" * depth + "}"
    old.note(BEGIN, "one", "odd", deep)
    async with await open_policy(old.path) as policy:
        async with policy.reading() as connection:
            kept = await value(connection, "SELECT detail FROM audit WHERE what = 'odd'")
        assert "[" * depth in str(kept)
        assert [each.what for each in await policy.changes()][1:] == ["odd", "carried over"]
        assert await policy.verify_audit() is None


async def test_a_command_with_more_names_than_an_order_holds_becomes_several(
    old: Old, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_carry_over, "MOST_ENTRIES", 2)
    names = [f"n{number}.example.org" for number in range(5)]
    old.allow(*names, at=BEGIN)
    async with await open_policy(old.path) as policy:
        orders = await orders_of(policy)
    assert [[each.name for each in order.additions] for order in orders] == [names[:2], names[2:4], names[4:]]


async def test_it_happens_once_and_leaves_a_copy_of_what_was(old: Old) -> None:
    old.allow("a.example.org", at=BEGIN)
    for _ in range(2):
        async with await open_policy(old.path) as policy:
            assert len(await orders_of(policy)) == 1
            assert len(await policy.changes()) == 3
    copy = old.path.with_name("policy.db.schema-2")
    assert rows(copy, "SELECT name FROM entries WHERE kind = 'allow'") == [("a.example.org",)]


async def test_many_processes_may_open_an_older_file_at_once(old: Old) -> None:
    old.allow("a.example.org", at=BEGIN)
    opened = await asyncio.gather(*(open_policy(old.path) for _ in range(6)))
    assert {await policy.version() for policy in opened} == {3}
    assert len(await orders_of(opened[0])) == 1


async def test_a_new_file_has_nothing_to_carry_over(tmp_path: Path) -> None:
    async with await open_policy(tmp_path / "policy.db") as policy:
        assert [each.what for each in await policy.changes()] == ["begin"]
        assert await orders_of(policy) == ()


async def test_a_policy_of_the_first_schema_gets_safe_search_for_all_but_staff(tmp_path: Path) -> None:
    old = Old(tmp_path / "policy.db", schema=1)
    old.group("old", "medium")
    old.run("UPDATE groups SET removed_at = added_at WHERE id = 'old'")
    old.allow("a.example.org", at=BEGIN, group="teachers")
    async with await open_policy(old.path) as policy:
        groups = await policy.groups()
        changes = await policy.changes()
        assert await policy.verify_audit() is None
        assert set((await snapshot_of(policy)).views["teachers"].allow) == {"a.example.org"}
    assert {each.id: each.safe_search for each in groups} == {
        "pupils": SAFE,
        "teachers": SAFE,
        "staff": {},
        "guests": SAFE,
    }
    assert rows(old.path, "SELECT 1 FROM group_safe_search WHERE group_id IN ('old', 'staff')") == []
    assert [each.what for each in changes] == ["begin", "add entries", "safe search", "carried over"]
    assert changes[2].detail["groups"] == ["pupils", "teachers", "guests"]
    assert changes[2].at.utcoffset() is not None
    assert old.path.with_name("policy.db.schema-1").exists()
