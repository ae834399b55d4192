"""A change of policy comes at once, whatever is being prepared for the lists, and neither spoils the other."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blocklists.index import Index
from policy.snapshot import Snapshot
from resolver import changes, succession
from resolver import worker as worker_module
from resolver.changes import Changes
from resolver.worker import Worker
from settings.model import Paths, Settings, UpstreamSettings
from storage.policy_db import open_policy
from storage.policy_rows import NewEntry
from tests.resolver.test_succession import ALL, fill, kept
from tests.resolver.world import Lists, World, block, columns, listed, policy, staff

NOW = datetime(2026, 9, 2, 8, 0, tzinfo=UTC)
DEADLINE = 20.0
"""Seconds after which a test has failed."""


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(succession, "STEP", 1)
    monkeypatch.setattr(changes, "STEP_SECONDS", 0.0)


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize("begun", range(0, 9, 2))
async def test_a_policy_goes_before_lists_that_are_being_prepared(begun: int) -> None:
    """Whenever it comes, and what both leave as it is is kept."""
    base = policy(groups=[staff()])
    world = World(base)
    fill(world)
    joined = Changes(world.engine, world.clock)
    lists = asyncio.create_task(joined.index(Lists(listed("a.example.org"))))
    await turns(begun)
    preparing = not lists.done()
    async with asyncio.timeout(DEADLINE):
        await joined.policy(policy(block("b.example.org"), groups=[staff()], version=2))
        assert world.engine.snapshot.version == 2
        assert preparing <= (not lists.done()), "the lists wait for the policy, not the policy for the lists"
        await lists
    assert kept(world) == ALL - {"a.example.org", "b.example.org"}
    assert columns(world.ask("a.example.org").line)["action"] == "block"
    assert columns(world.ask("b.example.org").line)["reason"] == "blocked"


async def test_a_policy_that_changes_nothing_does_not_spoil_what_is_prepared() -> None:
    world = World(policy())
    fill(world)
    joined = Changes(world.engine, world.clock)
    lists = asyncio.create_task(joined.index(Lists(listed("a.example.org"))))
    await turns(3)
    assert not lists.done()
    await joined.policy(policy(version=2))
    async with asyncio.timeout(DEADLINE):
        await lists
    assert world.engine.snapshot.version == 2
    assert kept(world) == ALL - {"a.example.org"}


async def test_policies_without_end_do_not_keep_lists_out() -> None:
    world = World()
    fill(world)
    joined = Changes(world.engine, world.clock)
    lists = asyncio.create_task(joined.index(Lists(listed("a.example.org"))))
    for version in range(2, 12):
        await turns(1)
        await joined.policy(policy(block("b.example.org"), version=version))
        world.jump(changes.INDEX_PATIENCE / 10)
    async with asyncio.timeout(DEADLINE):
        await lists
    assert columns(world.ask("a.example.org").line)["action"] == "block"
    assert columns(world.ask("b.example.org").line)["reason"] == "blocked"


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Yield what keeps new lists from being opened until it is set."""
    found = threading.Event()
    yield found
    found.set()


async def test_a_worker_hears_of_the_policy_while_lists_are_being_read(
    tmp_path: Path, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(_folder: Path) -> Index:
        begun.set()
        gate.wait(DEADLINE)
        return Index.empty()

    begun = threading.Event()
    monkeypatch.setattr(worker_module, "open_current", slow)
    monkeypatch.setattr(worker_module, "current_generation", lambda _folder: "a new one")
    settings = Settings(paths=Paths(tmp_path), upstream=UpstreamSettings(servers=("udp://127.0.0.1:9",)))
    async with asyncio.timeout(DEADLINE), await open_policy(settings.paths.policy_db) as stored:
        worker = Worker(settings, 0)
        await worker.load_policy()
        watching = [asyncio.create_task(each) for each in worker.watches()]
        try:
            while not begun.is_set():
                await asyncio.sleep(0.01)
            await stored.add_blocks([NewEntry("example.org")], at=NOW, by="test")
            while blocked(worker.engine.snapshot) != {"example.org"}:
                await asyncio.sleep(0.01)
        finally:
            gate.set()
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)


def blocked(snapshot: Snapshot) -> set[str]:
    """Return the names blocked by hand for everyone."""
    return set.intersection(*(set(view.block) for view in snapshot.views.values()))
