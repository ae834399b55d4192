"""A look at policy.db changes nothing, so that a newer version may take it before the older one is stopped."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from storage.errors import DamagedDatabase, UnreachableDatabase
from storage.policy_db import open_policy
from storage.policy_peek import group_ids
from tests.storage.policies import by_hand


async def test_the_groups_in_force_are_seen_and_nothing_is_left_or_changed(tmp_path: Path) -> None:
    path = tmp_path / "with ? and #" / "policy.db"
    path.parent.mkdir()
    policy = await open_policy(path)
    known = {group.id for group in await policy.groups()}
    await policy.remove_group("servers", force=False, document="", at=datetime(2026, 9, 2, tzinfo=UTC), by="test")
    by_hand(path, "PRAGMA user_version = 1")  # as another version has it
    before = path.read_bytes()
    assert group_ids(path) == known - {"servers"}
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["policy.db"]


def test_without_a_policy_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(UnreachableDatabase):
        group_ids(tmp_path / "policy.db")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_policy_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "policy.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(DamagedDatabase):
        group_ids(path)
