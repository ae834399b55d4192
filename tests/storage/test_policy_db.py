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
from pathlib import Path

import pytest

from policy.categories import CATEGORIES
from policy.levels import Level
from storage import policy_schema
from storage.database import Migration, database
from storage.errors import BusyDatabase, DamagedDatabase, NewerDatabase, UnreachableDatabase
from storage.policy_db import DataVersion, PolicyDb, open_policy
from storage.policy_rows import GroupChange, GroupInUse, NewEntry, UnknownEntry, UnknownGroup
from tests.storage.policies import AT, LATER, block, snapshot_of

GROUPS = ["pupils", "primary", "senior", "teachers", "staff", "guests", "servers"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "policy.db"


async def test_a_new_school_begins_with_its_groups(path: Path) -> None:
    async with await open_policy(path) as policy:
        snapshot = await snapshot_of(policy, ["example.com"])
    assert list(snapshot.groups) == GROUPS
    assert snapshot.default_group == "pupils"
    assert {id_: (view.level, snapshot.groups[id_].supervised) for id_, view in snapshot.views.items()} == {
        "pupils": (Level.MEDIUM, True),
        "primary": (Level.HIGH, True),
        "senior": (Level.MEDIUM, True),
        "teachers": (Level.LOW, False),
        "staff": (Level.OPEN, False),
        "guests": (Level.MEDIUM, True),
        "servers": (Level.MEDIUM, False),
    }
    assert snapshot.views["pupils"].closed == {category.id for category in CATEGORIES}
    assert snapshot.views["pupils"].protected == {"example.com"}
    assert path.stat().st_mode & 0o777 == 0o600


async def test_the_first_groups_are_entered_once_and_their_removal_lasts(path: Path) -> None:
    async with await open_policy(path) as policy:
        await policy.remove_group("guests", at=AT, by="director")
    async with await open_policy(path) as policy:
        assert [group.id for group in await policy.groups()] == [id_ for id_ in GROUPS if id_ != "guests"]
        assert await policy.version() == 2


async def test_many_processes_may_open_a_new_file_at_once(path: Path) -> None:
    opened = await asyncio.gather(*(open_policy(path) for _ in range(8)))
    versions = [await policy.version() for policy in opened]
    for policy in opened:
        await policy.close()
    assert versions == [1] * 8


async def test_blocks_become_the_snapshot_with_their_document(path: Path) -> None:
    async with await open_policy(path) as policy:
        await policy.add_blocks([block("example.org"), block("example.net", "teachers")], at=AT, by="teacher")
        document = "protocol 3 of 2026-09-01"
        await policy.add_blocks([block("example.com")], document=document, at=AT, by="teacher")
        snapshot = await snapshot_of(policy)
    assert set(snapshot.views["pupils"].block) == {"example.org", "example.com"}
    assert set(snapshot.views["teachers"].block) == {"example.org", "example.net", "example.com"}
    assert snapshot.views["pupils"].block["example.com"].document == document
    assert snapshot.views["pupils"].block["example.org"].note == "asked by the council"
    assert snapshot.views["pupils"].block["example.org"].document == ""
    assert snapshot.version == 3


async def test_a_block_added_again_replaces_and_keeps_the_old_one(path: Path) -> None:
    async with await open_policy(path) as policy:
        assert await policy.add_blocks([block("example.org")], at=AT, by="one") == []
        renewed = NewEntry("example.org", None, "again")
        replaced = await policy.add_blocks([renewed], document="protocol 4 of 2026-09-03", at=LATER, by="two")
        assert [(entry.note, entry.document) for entry in replaced] == [("asked by the council", "")]
        in_force = await policy.blocks()
        history = await policy.blocks(removed=True)
    assert [(entry.added_by, entry.note, entry.document) for entry in in_force] == [
        ("two", "again", "protocol 4 of 2026-09-03")
    ]
    assert [(e.added_at, e.removed_at, e.removed_by) for e in history] == [(AT, LATER, "two"), (LATER, None, "")]


async def test_a_block_repeated_with_a_document_rests_on_it_and_repeated_without_one_stays_so(path: Path) -> None:
    third, fourth = "protocol 3 of 2026-09-01", "protocol 4 of 2026-09-03"
    async with await open_policy(path) as policy:
        await policy.add_blocks([block("example.org")], at=AT, by="one")
        for document, rests_on, person in (
            (third, third, "two"),
            ("", third, "two"),
            (third, third, "two"),
            (fourth, fourth, "five"),
        ):
            by = ["two", "three", "four", "five"][(await policy.version()) - 2]
            await policy.add_blocks([block("example.org")], document=document, at=LATER, by=by)
            assert [(each.document, each.added_by) for each in await policy.blocks()] == [(rests_on, person)]
        assert len(await policy.blocks(removed=True)) == 3
        assert await policy.version() == 6


async def test_the_same_name_may_be_blocked_for_a_group_and_for_all(path: Path) -> None:
    async with await open_policy(path) as policy:
        await policy.add_blocks([block("example.org"), block("example.org", "teachers")], at=AT, by="one")
        assert len(await policy.blocks()) == 2
        assert len(await policy.blocks(group="teachers")) == 1
        ended = await policy.remove_blocks(["example.org"], at=LATER, by="two")
        assert [entry.group for entry in ended] == [None]
        assert [entry.group for entry in await policy.blocks()] == ["teachers"]


async def test_adding_and_removing_is_all_or_nothing(path: Path) -> None:
    async with await open_policy(path) as policy:
        with pytest.raises(UnknownGroup, match=r"pupils, primary, senior, teachers, staff, guests, servers.*nobody"):
            await policy.add_blocks([block("example.org"), block("example.net", "nobody")], at=AT, by="one")
        assert await policy.blocks() == []
        await policy.add_blocks([block("example.org")], at=AT, by="one")
        with pytest.raises(UnknownEntry, match=r"example\.net"):
            await policy.remove_blocks(["example.org", "example.net"], at=AT, by="one")
        with pytest.raises(UnknownEntry, match=r"example\.org"):
            await policy.remove_blocks(["example.org"], group="guests", at=AT, by="one")
        with pytest.raises(UnknownGroup):
            await policy.remove_blocks(["example.org"], group="nobody", at=AT, by="one")
        assert len(await policy.blocks()) == 1
        assert await policy.version() == 2


async def test_a_group_is_changed_as_one(path: Path) -> None:
    network, other = ipaddress.ip_network("10.0.2.0/24"), ipaddress.ip_network("fd00:2::/64")
    async with await open_policy(path) as policy:
        change = GroupChange(Level.HIGH, "Room 5", ("local",), ("games", "social"), (network, other))
        await policy.set_group("guests", change, at=AT, by="one")
        guests = (await snapshot_of(policy)).groups["guests"]
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
        await policy.add_blocks([block("example.org", "room5")], at=AT, by="one")
        with pytest.raises(GroupInUse, match="networks: 1, entries: 1"):
            await policy.remove_group("room5", at=AT, by="one")
        with pytest.raises(GroupInUse, match="pupils"):
            await policy.remove_group("pupils", force=True, at=AT, by="one")
        with pytest.raises(UnknownGroup):
            await policy.remove_group("room6", at=AT, by="one")
        await policy.remove_group("room5", force=True, at=AT, by="one")
        snapshot = await snapshot_of(policy)
        assert "room5" not in snapshot.groups
        assert snapshot.group_of("10.0.5.1") == "pupils"
        await policy.add_group("room5", "New", Level.LOW, [], at=LATER, by="one")
        room = (await snapshot_of(policy)).groups["room5"]
        assert (room.title, room.networks, room.blocked_categories) == ("New", (), frozenset())
        assert await policy.blocks(group="room5") == []


async def test_every_change_is_noted_with_its_person_and_document(path: Path) -> None:
    async with await open_policy(path) as policy:
        document = "protocol 3 of 2026-09-01"
        await policy.set_group("guests", GroupChange(level=Level.HIGH), document=document, at=AT, by="deputy")
        await policy.add_blocks([block("example.org")], at=LATER, by="teacher")
        changes = await policy.changes()
        assert [each.number for each in await policy.changes(since=LATER, until=LATER)] == [3]
        assert [each.number for each in await policy.changes(since=AT)][-2:] == [2, 3]
    assert [(each.number, each.by, each.what, each.document) for each in changes] == [
        (1, "schoolfilter", "begin", ""),
        (2, "deputy", "set group", document),
        (3, "teacher", "add blocks", ""),
    ]
    assert [each.at for each in changes[1:]] == [AT, LATER]
    before, after = changes[1].detail["before"], changes[1].detail["after"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    assert before["group guests"] | {"level": "high"} == after["group guests"] != before["group guests"]
    assert changes[2].detail == {"before": {}, "after": {"block example.org": {"note": "asked by the council"}}}


async def test_a_change_that_is_cancelled_leaves_nothing(path: Path) -> None:
    async with await open_policy(path) as policy:
        entries = [block(f"n{i}.example.org") for i in range(2000)]
        task = asyncio.create_task(policy.add_blocks(entries, at=AT, by="one"))
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await policy.blocks() == []
        await policy.add_blocks(entries[:1], at=AT, by="one")
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
            await snapshot_of(reader)
            await reader.blocks()
            assert await reader.data_version() == before
            await writer.add_blocks([block(f"n{number}.example.org")], at=AT, by="one")
            assert await reader.data_version() != before
            assert f"n{number}.example.org" in (await snapshot_of(reader)).views["pupils"].block


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
            "raw.execute(\"UPDATE objects SET body = json_set(body, '$.level', 'high') WHERE id = 'guests'\")\n"
            "os._exit(9)\n"
        )
        subprocess.run([sys.executable, "-c", script, str(path)], check=False)
        assert await policy.data_version() != before
        assert (await snapshot_of(policy)).views["guests"].level is Level.HIGH


async def test_a_file_put_in_its_place_is_noticed_and_read(path: Path, tmp_path: Path) -> None:
    restored = tmp_path / "backup.db"
    async with await open_policy(restored) as backup:
        await backup.add_blocks([block("example.net")], at=AT, by="one")
    async with await open_policy(path) as policy:
        await policy.add_blocks([block("example.org")], at=AT, by="one")
        before = await settled(policy)
        restored.replace(path)
        assert await policy.data_version() != before
        assert set((await snapshot_of(policy)).views["pupils"].block) == {"example.net"}


async def test_a_copy_written_over_it_is_noticed_and_read(path: Path, tmp_path: Path) -> None:
    async with await open_policy(path) as policy:
        shutil.copy(path, tmp_path / "copy.db")
        await policy.add_blocks([block("example.org")], at=AT, by="one")
        before = await settled(policy)
        shutil.copy(tmp_path / "copy.db", path)
        assert await policy.data_version() != before
        assert (await snapshot_of(policy)).views["pupils"].block == {}


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
                await snapshot_of(policy)
        with pytest.raises(DamagedDatabase):
            await policy.add_blocks([block("example.org")], at=AT, by="one")
    assert path.read_bytes() == content


async def test_a_file_that_vanished_is_told_and_not_made_anew(path: Path) -> None:
    async with await open_policy(path) as policy:
        path.unlink()
        with pytest.raises(UnreachableDatabase, match=r"policy\.db"):
            await policy.data_version()
        with pytest.raises(UnreachableDatabase, match=r"policy\.db"):
            await snapshot_of(policy)
    assert not path.exists()


async def test_many_readers_and_writers_at_once_lose_nothing(path: Path) -> None:
    async with await open_policy(path) as policy:
        writes = [policy.add_blocks([block(f"n{i}.example.org")], at=AT, by="one") for i in range(20)]
        reads = [snapshot_of(policy) for _ in range(20)]
        await asyncio.gather(*(each for pair in zip(writes, reads, strict=True) for each in pair))
        assert len(await policy.blocks()) == 20
        assert await policy.version() == 21
    assert not path.with_name("policy.db-wal").exists()


async def test_a_damaged_file_is_told_when_it_is_opened(path: Path) -> None:
    path.write_bytes(b"not a database at all, only text" * 200)
    with pytest.raises(DamagedDatabase, match=r"policy\.db: expected a sound database"):
        await open_policy(path)


async def test_a_file_with_a_torn_page_is_told_when_it_is_opened(path: Path) -> None:
    async with await open_policy(path) as policy:
        await policy.add_blocks([block(f"n{i}.example.org") for i in range(500)], at=AT, by="one")
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
            await snapshot_of(policy)


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
                await policy.add_blocks([block("example.org")], at=AT, by="one")
            raw.execute("ROLLBACK")
        await policy.add_blocks([block("example.org")], at=AT, by="one")


async def test_a_migration_leaves_a_copy_and_its_note(path: Path) -> None:
    async with await open_policy(path) as policy:
        await policy.add_blocks([block("example.org")], at=AT, by="one")
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
        assert [entry.name for entry in await policy.blocks()] == ["example.org"]


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
