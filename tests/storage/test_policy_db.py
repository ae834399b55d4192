# ruff: noqa: ASYNC240, ASYNC221 - a test has its loop for itself: blocking it harms nobody
"""policy.db: what goes in comes out as policy, nothing is lost, and no accident replaces a good policy."""

import asyncio
import ipaddress
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from policy.categories import CATEGORIES
from policy.levels import Level
from policy.snapshot import EntryKind, build_snapshot
from storage import policy_schema
from storage.database import Migration, database
from storage.errors import BusyDatabase, DamagedDatabase, NewerDatabase, UnreachableDatabase
from storage.policy_db import CHUNK, DataVersion, PolicyDb, open_policy
from storage.policy_rows import (
    GroupChange,
    GroupInUse,
    NewEntry,
    Order,
    UnknownEntry,
    UnknownGroup,
)

AT = datetime(2026, 9, 2, 8, 0, tzinfo=UTC)
LATER = datetime(2026, 9, 3, 8, 0, tzinfo=UTC)
ORDER = Order("12", date(2026, 9, 2))


def allow(name: str, group: str | None = None) -> NewEntry:
    return NewEntry(EntryKind.ALLOW, name, group, "for the lesson", ORDER)


def block(name: str, group: str | None = None) -> NewEntry:
    return NewEntry(EntryKind.BLOCK, name, group, "asked by the council")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "policy.db"


async def test_a_new_school_begins_with_its_groups(path: Path) -> None:
    async with await open_policy(path) as policy:
        snapshot = await policy.load_snapshot(["example.com"])
    assert list(snapshot.groups) == ["pupils", "teachers", "staff", "guests"]
    assert snapshot.default_group == "pupils"
    assert {id_: view.level for id_, view in snapshot.views.items()} == {
        "pupils": Level.MEDIUM,
        "teachers": Level.LOW,
        "staff": Level.OPEN,
        "guests": Level.MEDIUM,
    }
    assert snapshot.views["pupils"].closed == {category.id for category in CATEGORIES}
    assert snapshot.views["pupils"].protected == {"example.com"}
    assert path.stat().st_mode & 0o777 == 0o600


async def test_the_first_groups_are_entered_once_and_their_removal_lasts(path: Path) -> None:
    async with await open_policy(path) as policy:
        await policy.remove_group("guests", at=AT, by="director")
    async with await open_policy(path) as policy:
        assert [group.id for group in await policy.groups()] == ["pupils", "teachers", "staff"]
        assert await policy.version() == 2


async def test_many_processes_may_open_a_new_file_at_once(path: Path) -> None:
    opened = await asyncio.gather(*(open_policy(path) for _ in range(8)))
    versions = [await policy.version() for policy in opened]
    for policy in opened:
        await policy.close()
    assert versions == [1] * 8


async def test_entries_become_the_snapshot_with_their_document(path: Path) -> None:
    async with await open_policy(path) as policy:
        await policy.add_entries([allow("example.org"), allow("example.net", "teachers")], at=AT, by="teacher")
        await policy.add_entries([block("example.com")], at=AT, by="teacher")
        snapshot = await policy.load_snapshot(())
    assert set(snapshot.views["pupils"].allow) == {"example.org"}
    assert set(snapshot.views["teachers"].allow) == {"example.org", "example.net"}
    assert snapshot.views["pupils"].allow["example.org"].document == "order 12 of 2026-09-02"
    assert snapshot.views["pupils"].block["example.com"].note == "asked by the council"
    assert snapshot.views["pupils"].block["example.com"].document == ""
    assert snapshot.version == 3


async def test_a_snapshot_of_many_chunks_is_whole(path: Path) -> None:
    entries = [allow(f"n{i}.example.org", "guests" if i % 7 else None) for i in range(2 * CHUNK + 3)]
    async with await open_policy(path) as policy:
        await policy.add_entries(entries, at=AT, by="teacher")
        snapshot = await policy.load_snapshot(())
        groups = await policy.groups()
    stored = [entry for view in snapshot.views.values() for entry in view.allow.values()]
    assert {entry.name for entry in stored} == {entry.name for entry in entries}
    assert snapshot == build_snapshot(groups, stored, default_group="pupils", version=2)


async def test_an_entry_added_again_replaces_and_keeps_the_old_one(path: Path) -> None:
    async with await open_policy(path) as policy:
        assert await policy.add_entries([allow("example.org")], at=AT, by="one") == []
        renewed = NewEntry(EntryKind.ALLOW, "example.org", None, "again", Order("13", date(2026, 9, 3)))
        replaced = await policy.add_entries([renewed], at=LATER, by="two")
        assert [entry.order for entry in replaced] == [ORDER]
        in_force = await policy.entries(EntryKind.ALLOW)
        history = await policy.entries(EntryKind.ALLOW, removed=True)
    assert [(entry.added_by, entry.order) for entry in in_force] == [("two", renewed.order)]
    assert [(e.added_at, e.removed_at, e.removed_by) for e in history] == [(AT, LATER, "two"), (LATER, None, "")]


async def test_the_same_name_may_stand_for_a_group_and_for_all_and_both_ways(path: Path) -> None:
    async with await open_policy(path) as policy:
        entries = [allow("example.org"), allow("example.org", "teachers"), block("example.org")]
        await policy.add_entries(entries, at=AT, by="one")
        assert len(await policy.entries()) == 3
        assert len(await policy.entries(group="teachers")) == 1
        ended = await policy.remove_entries(["example.org"], at=LATER, by="two")
        assert [(entry.kind, entry.group) for entry in ended] == [(EntryKind.ALLOW, None), (EntryKind.BLOCK, None)]
        assert [entry.group for entry in await policy.entries()] == ["teachers"]


async def test_adding_and_removing_is_all_or_nothing(path: Path) -> None:
    async with await open_policy(path) as policy:
        with pytest.raises(UnknownGroup, match=r"pupils, teachers, staff, guests.*nobody"):
            await policy.add_entries([allow("example.org"), allow("example.net", "nobody")], at=AT, by="one")
        assert await policy.entries() == []
        await policy.add_entries([allow("example.org")], at=AT, by="one")
        with pytest.raises(UnknownEntry, match=r"example\.net"):
            await policy.remove_entries(["example.org", "example.net"], at=AT, by="one")
        with pytest.raises(UnknownEntry, match=r"example\.org"):
            await policy.remove_entries(["example.org"], kind=EntryKind.BLOCK, at=AT, by="one")
        with pytest.raises(UnknownGroup):
            await policy.remove_entries(["example.org"], group="nobody", at=AT, by="one")
        assert len(await policy.entries()) == 1
        assert await policy.version() == 2


async def test_a_group_is_changed_as_one(path: Path) -> None:
    network, other = ipaddress.ip_network("10.0.2.0/24"), ipaddress.ip_network("fd00:2::/64")
    async with await open_policy(path) as policy:
        change = GroupChange(Level.HIGH, "Room 5", ("local",), ("games", "social"), (network, other))
        await policy.set_group("guests", change, at=AT, by="one")
        guests = (await policy.load_snapshot(())).groups["guests"]
        assert (guests.level, guests.title, guests.networks) == (Level.HIGH, "Room 5", (network, other))
        assert "local" in guests.blocked_categories
        assert not {"games", "social"} & guests.blocked_categories
        with pytest.raises(GroupInUse, match="belongs to guests"):
            await policy.set_group("staff", GroupChange(level=Level.LOW, networks=(network,)), at=AT, by="one")
        with pytest.raises(UnknownEntry, match="expected a network of staff"):
            await policy.set_group("staff", GroupChange(drop_networks=(network,)), at=AT, by="one")
        await policy.set_group("guests", GroupChange(drop_networks=(network,)), at=AT, by="one")
        await policy.set_group("staff", GroupChange(networks=(network,)), at=AT, by="one")
        await policy.set_group("staff", GroupChange(networks=(network,)), at=AT, by="one")
        groups = {group.id: group for group in await policy.groups()}
    assert groups["guests"].networks == (other,)
    assert (groups["staff"].networks, groups["staff"].level) == ((network,), Level.OPEN)


async def test_groups_come_and_go_but_not_by_mistake(path: Path) -> None:
    async with await open_policy(path) as policy:
        await policy.add_group("room5", "Room 5", Level.HIGH, ["games"], at=AT, by="one")
        with pytest.raises(GroupInUse, match="room5"):
            await policy.add_group("room5", "Room 5", Level.HIGH, [], at=AT, by="one")
        change = GroupChange(networks=(ipaddress.ip_network("10.0.5.0/24"),))
        await policy.set_group("room5", change, at=AT, by="one")
        await policy.add_entries([allow("example.org", "room5")], at=AT, by="one")
        with pytest.raises(GroupInUse, match="networks: 1, entries: 1"):
            await policy.remove_group("room5", at=AT, by="one")
        with pytest.raises(GroupInUse, match="pupils"):
            await policy.remove_group("pupils", force=True, at=AT, by="one")
        with pytest.raises(UnknownGroup):
            await policy.remove_group("room6", at=AT, by="one")
        await policy.remove_group("room5", force=True, at=AT, by="one")
        snapshot = await policy.load_snapshot(())
        assert "room5" not in snapshot.groups
        assert snapshot.group_of("10.0.5.1") == "pupils"
        await policy.add_group("room5", "New", Level.LOW, [], at=LATER, by="one")
        room = (await policy.load_snapshot(())).groups["room5"]
        assert (room.title, room.networks, room.blocked_categories) == ("New", (), frozenset())
        assert await policy.entries(group="room5") == []


async def test_every_change_is_noted_with_its_person(path: Path) -> None:
    async with await open_policy(path) as policy:
        await policy.set_group("guests", GroupChange(level=Level.HIGH), at=AT, by="deputy")
        await policy.add_entries([allow("example.org")], at=LATER, by="teacher")
    with closing(sqlite3.connect(path)) as raw:
        rows = raw.execute("SELECT version, at, by, what, detail FROM changes ORDER BY version").fetchall()
    assert [(row[0], row[2], row[3]) for row in rows] == [
        (1, "schoolfilter", "begin"),
        (2, "deputy", "set group"),
        (3, "teacher", "add entries"),
    ]
    assert "medium Guests" in rows[1][4]
    assert "order 12 of 2026-09-02" in rows[2][4]


async def test_a_change_that_is_cancelled_leaves_nothing(path: Path) -> None:
    async with await open_policy(path) as policy:
        entries = [allow(f"n{i}.example.org") for i in range(2000)]
        task = asyncio.create_task(policy.add_entries(entries, at=AT, by="one"))
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await policy.entries() == []
        await policy.add_entries(entries[:1], at=AT, by="one")
        assert await policy.version() == 2


async def settled(policy: PolicyDb) -> DataVersion:
    """Wait until the file is old enough to be trusted by its time stamp."""
    while not (found := await policy.data_version())[-1]:
        await asyncio.sleep(0.01)
    return found


async def test_data_version_moves_with_every_change_of_others_and_rests_otherwise(path: Path) -> None:
    async with await open_policy(path) as reader, await open_policy(path) as writer:
        for number in range(3):
            before = await settled(reader)
            await reader.load_snapshot(())
            await reader.entries()
            assert await reader.data_version() == before
            await writer.add_entries([allow(f"n{number}.example.org")], at=AT, by="one")
            assert await reader.data_version() != before
            assert f"n{number}.example.org" in (await reader.load_snapshot(())).views["pupils"].allow


async def test_two_changes_within_one_tick_of_the_clock_are_both_seen(path: Path) -> None:
    async with await open_policy(path) as policy:
        os.utime(path)
        fresh = await policy.data_version()
        assert fresh != await settled(policy)


async def test_a_change_whose_writer_was_killed_is_seen(path: Path) -> None:
    """Its rows are in the write-ahead log only, and the file itself has not moved."""
    async with await open_policy(path) as policy:
        before = await settled(policy)
        script = (
            "import os, sqlite3, sys\n"
            "raw = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
            "raw.execute(\"UPDATE groups SET level = 'high' WHERE id = 'guests'\")\n"
            "os._exit(9)\n"
        )
        subprocess.run([sys.executable, "-c", script, str(path)], check=False)
        assert await policy.data_version() != before
        assert (await policy.load_snapshot(())).views["guests"].level is Level.HIGH


async def test_a_file_put_in_its_place_is_noticed_and_read(path: Path, tmp_path: Path) -> None:
    restored = tmp_path / "backup.db"
    async with await open_policy(restored) as backup:
        await backup.add_entries([block("example.net")], at=AT, by="one")
    async with await open_policy(path) as policy:
        await policy.add_entries([block("example.org")], at=AT, by="one")
        before = await settled(policy)
        restored.replace(path)
        assert await policy.data_version() != before
        assert set((await policy.load_snapshot(())).views["pupils"].block) == {"example.net"}


async def test_a_copy_written_over_it_is_noticed_and_read(path: Path, tmp_path: Path) -> None:
    async with await open_policy(path) as policy:
        shutil.copy(path, tmp_path / "copy.db")
        await policy.add_entries([block("example.org")], at=AT, by="one")
        before = await settled(policy)
        shutil.copy(tmp_path / "copy.db", path)
        assert await policy.data_version() != before
        assert (await policy.load_snapshot(())).views["pupils"].block == {}


@pytest.mark.parametrize("content", [b"", b"not a database at all, only text" * 200])
@pytest.mark.parametrize("by_rename", [True, False])
async def test_rubbish_in_its_place_is_told_and_never_taken_for_a_new_school(
    path: Path, tmp_path: Path, content: bytes, by_rename: bool
) -> None:
    rubbish = tmp_path / "rubbish"
    rubbish.write_bytes(content)
    async with await open_policy(path) as policy:
        before = await settled(policy)
        if by_rename:
            rubbish.replace(path)
        else:
            shutil.copy(rubbish, path)
        assert await policy.data_version() != before
        for _ in range(2):
            with pytest.raises(DamagedDatabase, match=r"policy\.db"):
                await policy.load_snapshot(())
        with pytest.raises(DamagedDatabase):
            await policy.add_entries([allow("example.org")], at=AT, by="one")
    assert path.read_bytes() == content


async def test_a_file_that_vanished_is_told_and_not_made_anew(path: Path) -> None:
    async with await open_policy(path) as policy:
        path.unlink()
        with pytest.raises(UnreachableDatabase, match=r"policy\.db"):
            await policy.data_version()
        with pytest.raises(UnreachableDatabase, match=r"policy\.db"):
            await policy.load_snapshot(())
    assert not path.exists()


async def test_many_readers_and_writers_at_once_lose_nothing(path: Path) -> None:
    async with await open_policy(path) as policy:
        writes = [policy.add_entries([allow(f"n{i}.example.org")], at=AT, by="one") for i in range(20)]
        reads = [policy.load_snapshot(()) for _ in range(20)]
        await asyncio.gather(*(each for pair in zip(writes, reads, strict=True) for each in pair))
        assert len(await policy.entries()) == 20
        assert await policy.version() == 21
    assert not path.with_name("policy.db-wal").exists()


async def test_a_damaged_file_is_told_when_it_is_opened(path: Path) -> None:
    path.write_bytes(b"not a database at all, only text" * 200)
    with pytest.raises(DamagedDatabase, match=r"policy\.db: expected a sound database"):
        await open_policy(path)


async def test_a_file_with_a_torn_page_is_told_when_it_is_opened(path: Path) -> None:
    async with await open_policy(path) as policy:
        await policy.add_entries([allow(f"n{i}.example.org") for i in range(500)], at=AT, by="one")
    with path.open("r+b") as file:
        for page in range(2, path.stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(os.urandom(4096))
    with pytest.raises(DamagedDatabase):
        await open_policy(path)


async def test_a_value_that_somebody_else_wrote_is_told_as_damage(path: Path) -> None:
    async with await open_policy(path) as policy:
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            raw.execute(
                "INSERT INTO networks (network, group_id, added_at, added_by) VALUES ('10.0/8', 'staff', '', '')"
            )
        with pytest.raises(DamagedDatabase, match=r"10\.0/8"):
            await policy.load_snapshot(())


async def test_a_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    async with await open_policy(path):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA user_version = 99")
    with pytest.raises(NewerDatabase, match="99"):
        await open_policy(path)


async def test_a_folder_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnreachableDatabase, match="No such file"):
        await open_policy(tmp_path / "nowhere" / "policy.db")


async def test_a_lock_held_too_long_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.database.BUSY_MILLISECONDS", 20)
    async with await open_policy(path) as policy:
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            raw.execute("BEGIN IMMEDIATE")
            with pytest.raises(BusyDatabase, match="Try again"):
                await policy.add_entries([allow("example.org")], at=AT, by="one")
            raw.execute("ROLLBACK")
        await policy.add_entries([allow("example.org")], at=AT, by="one")


async def test_a_migration_leaves_a_copy_and_its_note(path: Path) -> None:
    async with await open_policy(path) as policy:
        await policy.add_entries([allow("example.org")], at=AT, by="one")
    another = Migration("a column", ("ALTER TABLE groups ADD COLUMN colour TEXT",))
    async with database(path, (*policy_schema.MIGRATIONS, another)):
        pass
    last = len(policy_schema.MIGRATIONS)
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (last + 1,)
        notes = raw.execute("SELECT number, name FROM migrations ORDER BY number").fetchall()
        assert notes[last] == (last + 1, "a column")
    copy = path.with_name(f"policy.db.schema-{last}")
    assert copy.stat().st_mode & 0o777 == 0o600
    shutil.move(copy, path)
    async with await open_policy(path) as policy:
        assert [entry.name for entry in await policy.entries()] == ["example.org"]


async def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    async with await open_policy(path):
        pass
    broken = Migration("broken", ("ALTER TABLE groups ADD COLUMN colour TEXT", "SELECT * FROM nowhere"))
    with pytest.raises(UnreachableDatabase, match="nowhere"):
        async with database(path, (*policy_schema.MIGRATIONS, broken)):
            pass
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (len(policy_schema.MIGRATIONS),)
        assert "colour" not in [row[1] for row in raw.execute("PRAGMA table_info(groups)")]
