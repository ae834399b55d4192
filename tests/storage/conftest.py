"""A policy.db after changes of all kinds, made once: many tests damage a copy of it."""

import asyncio
from ipaddress import ip_network
from pathlib import Path

import pytest

from policy.levels import Level
from storage.approval_db import ApprovalDb
from storage.policy_db import PolicyDb, open_policy
from storage.policy_rows import GroupChange
from storage.requests import NewRequest, Outcome, RequestKind
from tests.storage.policies import AT, CHANGES, LATER, ROOM, block, enter_paper


async def _work(policy: PolicyDb) -> None:
    change = GroupChange(Level.HIGH, block=("tiktok",), unblock=("video",), safe_search=(("google", "off"),))
    await policy.set_group("guests", change, document="protocol 3 of 2026-09-01", at=AT, by="deputy")
    await policy.add_blocks([block("a.example.org"), block("b.example.org", "guests")], at=AT, by="deputy")
    await policy.remove_blocks(["a.example.org"], at=LATER, by="deputy")
    await policy.change_objects("room", [("room", "r5", ROOM)], at=AT, by="deputy")
    await policy.change_objects("room", [("room", "r5", ROOM | {"title": "Room Five"})], at=LATER, by="deputy")
    await enter_paper(policy, "c.example.org")
    approval = ApprovalDb(policy)
    await approval.ask([NewRequest(RequestKind.ALLOW, "d.example.org", reason="lesson")], at=AT, by="teacher")
    await approval.close([1], Outcome.REJECTED, answer="no", at=AT, by="director")
    await policy.add_group("lab", "Lab", Level.LOW, [], [], at=AT, by="deputy")
    await policy.remove_group("lab", at=AT, by="deputy")
    networks = (ip_network("10.0.5.0/24"),)
    await policy.set_group("pupils", GroupChange(networks=networks), at=AT, by="deputy")


@pytest.fixture(scope="session")
def worked_on(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the file."""
    path = tmp_path_factory.mktemp("policy") / "policy.db"

    async def make() -> None:
        policy = await open_policy(path)
        await _work(policy)
        assert await policy.verify_audit() is None
        assert await policy.version() == CHANGES

    asyncio.run(make())
    return path.read_bytes()


@pytest.fixture
def worked(tmp_path: Path, worked_on: bytes) -> PolicyDb:
    """Return a policy after twelve changes; every table has rows in force, and past ones."""
    path = tmp_path / "policy.db"
    path.write_bytes(worked_on)
    return PolicyDb(path)
