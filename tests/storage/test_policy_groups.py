"""policy.db: hours, services and safe search of groups, and how a school that has a policy comes to them."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from policy.categories import CATEGORIES
from policy.hours import parse_hours
from policy.levels import Level
from policy.needed import Needed
from policy.safesearch import SAFE
from policy.snapshot import EntryKind
from storage.database import database
from storage.errors import DamagedDatabase
from storage.policy_db import PolicyDb, open_policy
from storage.policy_rows import GroupChange, NewEntry, Order
from storage.policy_schema import MIGRATIONS

AT = datetime(2026, 9, 2, 8, 0, tzinfo=UTC)
LESSONS = parse_hours("mon-fri 08:00-13:30")
NIGHT = parse_hours("22:00-06:00")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "policy.db"


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute(query).fetchall()


async def test_a_new_school_begins_with_safe_search_for_pupils_and_guests(path: Path) -> None:
    async with await open_policy(path) as policy:
        groups = {group.id: group for group in await policy.groups()}
        assert await policy.version() == 1
    assert {id_: dict(group.safe_search) for id_, group in groups.items()} == {
        "pupils": SAFE,
        "guests": SAFE,
        "teachers": {},
        "staff": {},
    }
    assert all(group.blocked_categories == {category.id for category in CATEGORIES} for group in groups.values())
    assert not any(group.hours for group in groups.values())


async def test_services_and_hours_become_the_group_and_its_view(path: Path) -> None:
    async with await open_policy(path) as policy:
        change = GroupChange(block=("tiktok", "games"), hours=LESSONS)
        await policy.set_group("pupils", change, at=AT, by="deputy")
        snapshot = await policy.load_snapshot(())
        lesson = await policy.load_snapshot((), moment=datetime(2026, 9, 7, 9, 0))  # noqa: DTZ001 - local time
        free = await policy.load_snapshot((), moment=datetime(2026, 9, 7, 15, 0))  # noqa: DTZ001
    assert snapshot.groups["pupils"].hours == {"tiktok": LESSONS, "games": LESSONS}
    assert str(snapshot.groups["pupils"].hours["games"]) == "mon-fri 08:00-13:30"
    assert {"tiktok", "games"} <= lesson.views["pupils"].closed
    assert not {"tiktok", "games"} & free.views["pupils"].closed
    assert "games" in free.views["guests"].closed


async def test_blocking_again_changes_the_hours_and_keeps_the_history(path: Path) -> None:
    async with await open_policy(path) as policy:
        for hours in (LESSONS, LESSONS, NIGHT, None):
            await policy.set_group("pupils", GroupChange(block=("tiktok",), hours=hours), at=AT, by="deputy")
        group = next(each for each in await policy.groups() if each.id == "pupils")
        assert "tiktok" in group.blocked_categories
        assert not group.hours
        await policy.set_group("pupils", GroupChange(unblock=("tiktok",)), at=AT, by="deputy")
        assert "tiktok" not in next(each for each in await policy.groups() if each.id == "pupils").blocked_categories
    history = rows(path, "SELECT hours, removed_at FROM group_categories WHERE category = 'tiktok' ORDER BY row")
    assert [hours for hours, _ in history] == [str(LESSONS), str(NIGHT), ""]
    assert all(removed for _, removed in history)


async def test_blocking_what_is_blocked_is_no_new_row(path: Path) -> None:
    async with await open_policy(path) as policy:
        await policy.set_group("pupils", GroupChange(block=("games",)), at=AT, by="deputy")
    assert len(rows(path, "SELECT 1 FROM group_categories WHERE group_id = 'pupils' AND category = 'games'")) == 1


async def test_safe_search_is_set_per_engine_and_keeps_its_history(path: Path) -> None:
    async with await open_policy(path) as policy:
        modes = (("youtube", "strict"), ("brave", "off"), ("google", "on"))
        await policy.set_group("pupils", GroupChange(safe_search=modes), at=AT, by="deputy")
        found = (await policy.load_snapshot(())).groups["pupils"].safe_search
        assert dict(found) == {k: v for k, v in (SAFE | {"youtube": "strict"}).items() if k != "brave"}
        await policy.set_group("staff", GroupChange(safe_search=(("bing", "off"),)), at=AT, by="deputy")
        assert not (await policy.load_snapshot(())).groups["staff"].safe_search
    history = "SELECT engine, mode, removed_by FROM group_safe_search WHERE group_id = 'pupils' ORDER BY row"
    assert ("youtube", "moderate", "deputy") in rows(path, history)
    assert ("google", "on", None) in rows(path, history)
    assert ("brave", "on", "deputy") in rows(path, history)


async def test_a_group_is_added_and_removed_with_all_it_has(path: Path) -> None:
    async with await open_policy(path) as policy:
        await policy.add_group(
            "lab", "Lab", Level.MEDIUM, ["tiktok"], hours=NIGHT, safe_search={"google": "on"}, at=AT, by="deputy"
        )
        lab = (await policy.load_snapshot(())).groups["lab"]
        assert (lab.hours, lab.safe_search) == ({"tiktok": NIGHT}, {"google": "on"})
        await policy.remove_group("lab", at=AT, by="deputy")
        await policy.add_group("lab", "Lab", Level.MEDIUM, [], at=AT, by="deputy")
        lab = (await policy.load_snapshot(())).groups["lab"]
        assert (lab.blocked_categories, lab.hours, lab.safe_search) == (frozenset(), {}, {})


async def test_every_change_says_what_it_was(path: Path) -> None:
    async with await open_policy(path) as policy:
        change = GroupChange(block=("tiktok",), hours=LESSONS, safe_search=(("youtube", "strict"),))
        await policy.set_group("pupils", change, at=AT, by="deputy")
        await policy.add_group("lab", "Lab", Level.LOW, ["games"], safe_search={"google": "on"}, at=AT, by="deputy")
    changed, added = (json.loads(str(row[0])) for row in rows(path, "SELECT detail FROM changes WHERE version > 1"))
    assert (changed["block"], changed["hours"]) == (["tiktok"], "mon-fri 08:00-13:30")
    assert changed["safe_search"] == {"youtube": "strict"}
    assert (added["block"], added["hours"], added["safe_search"]) == (["games"], "", {"google": "on"})


async def test_what_is_needed_reaches_the_views(path: Path) -> None:
    async with await open_policy(path) as policy:
        snapshot = await policy.load_snapshot((), needed=[Needed("example.org", True, "education")])
    assert all("example.org" in view.needed for view in snapshot.views.values())


async def test_hours_that_somebody_else_wrote_are_told_as_damage(path: Path) -> None:
    async with await open_policy(path) as policy:
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            raw.execute("UPDATE group_categories SET hours = 'at noon' WHERE category = 'games'")
        with pytest.raises(DamagedDatabase, match="at noon"):
            await policy.load_snapshot(())


# from the first schema


async def first_schema(path: Path) -> None:
    """Make a policy as the first version kept it: groups of all levels, one removed, blocked categories, entries."""
    now = "2026-03-01T08:00:00+00:00"
    async with database(path, MIGRATIONS[:1], create=True) as connection:
        for id_, level, removed in (
            ("pupils", "medium", None),
            ("teachers", "low", None),
            ("staff", "open", None),
            ("lab", "high", None),
            ("old", "medium", now),
        ):
            await connection.execute(
                "INSERT INTO groups (id, title, level, added_at, added_by, removed_at) VALUES (?, ?, ?, ?, 'one', ?)",
                (id_, id_.title(), level, now, removed),
            )
        for category, removed in (("games", None), ("video", now), ("adult", None)):
            await connection.execute(
                "INSERT INTO group_categories (group_id, category, added_at, added_by, removed_at)"
                " VALUES ('pupils', ?, ?, 'one', ?)",
                (category, now, removed),
            )
        await connection.execute(
            "INSERT INTO networks (network, group_id, added_at, added_by) VALUES ('10.0.5.0/24', 'lab', ?, 'one')",
            (now,),
        )
        await connection.execute(
            "INSERT INTO entries (kind, name, group_id, note, order_number, order_date, added_at, added_by)"
            " VALUES ('allow', 'example.org', 'lab', 'for the lesson', '12', '2026-03-01', ?, 'one')",
            (now,),
        )
        await connection.execute("INSERT INTO meta (key, value) VALUES ('default_group', 'pupils')")
        await connection.execute("UPDATE meta SET value = 7 WHERE key = 'version'")
        await connection.execute(
            "INSERT INTO changes (version, at, by, what, detail) VALUES (7, ?, 'one', 'x', '{}')", (now,)
        )


async def test_a_policy_of_the_first_schema_keeps_all_it_has_and_gets_safe_search(path: Path) -> None:
    await first_schema(path)
    async with await open_policy(path) as policy:
        snapshot = await policy.load_snapshot(())
        entries = await policy.entries()
    assert list(snapshot.groups) == ["pupils", "teachers", "staff", "lab"]
    assert snapshot.groups["pupils"].blocked_categories == {"games", "adult"}
    assert not snapshot.groups["pupils"].hours
    assert snapshot.group_of("10.0.5.9") == "lab"
    assert [(entry.kind, entry.name, entry.group, entry.order) for entry in entries] == [
        (EntryKind.ALLOW, "example.org", "lab", Order("12", date(2026, 3, 1)))
    ]
    safe = {id_ for id_, group in snapshot.groups.items() if group.safe_search}
    assert safe == {"pupils", "teachers", "lab"}
    assert all(snapshot.groups[id_].safe_search == SAFE for id_ in safe)
    assert rows(path, "SELECT 1 FROM group_safe_search WHERE group_id IN ('old', 'staff')") == []


async def test_the_migration_is_a_change_of_policy_like_any_other(path: Path) -> None:
    await first_schema(path)
    async with await open_policy(path) as policy:
        assert await policy.version() == 8
        await policy.set_group("pupils", GroupChange(block=("tiktok",), hours=NIGHT), at=AT, by="deputy")
    changes = rows(path, "SELECT version, by, what, detail FROM changes ORDER BY version")
    assert [row[:3] for row in changes] == [
        (7, "one", "x"),
        (8, "schoolfilter", "safe search"),
        (9, "deputy", "set group"),
    ]
    assert sorted(json.loads(str(changes[1][3]))["groups"]) == ["lab", "pupils", "teachers"]
    stamped = str(rows(path, "SELECT at FROM changes WHERE version = 8")[0][0])
    assert datetime.fromisoformat(stamped).utcoffset() is not None
    assert path.with_name("policy.db.schema-1").exists()


async def test_the_first_schema_is_migrated_once(path: Path) -> None:
    await first_schema(path)
    for _ in range(2):
        async with await open_policy(path) as policy:
            await policy.set_group("pupils", GroupChange(safe_search=(("google", "off"),)), at=AT, by="deputy")
    async with PolicyDb(path) as policy:
        assert "google" not in (await policy.load_snapshot(())).groups["pupils"].safe_search


async def test_entries_in_bulk_are_one_change(path: Path) -> None:
    entries = [
        NewEntry(EntryKind.ALLOW, f"n{i}.example.org", None, "bundle", Order("1", date(2026, 9, 1))) for i in range(600)
    ]
    async with await open_policy(path) as policy:
        await policy.add_entries(entries, at=AT, by="deputy")
        assert await policy.version() == 2
        assert len((await policy.load_snapshot(())).views["pupils"].allow) == 600
