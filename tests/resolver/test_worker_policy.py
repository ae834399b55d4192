"""A worker never dies of a policy: the last good one stays in force, the status says why, and it tries again."""

import asyncio
import logging
import resource
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from policy.snapshot import Snapshot
from resolver import worker as worker_module
from resolver.hours import HourlyPolicy
from resolver.worker import Worker
from settings.model import Paths, Settings, UpstreamSettings
from storage.errors import BusyDatabase
from storage.last_good import last_good
from storage.policy_db import PolicyDb, open_policy
from storage.policy_load import PolicyLoader
from storage.policy_rows import NewEntry

NOW = datetime(2026, 9, 2, 8, 0, tzinfo=UTC)
DEADLINE = 20.0
"""Seconds after which a test has failed."""


@pytest.fixture
async def stored(tmp_path: Path) -> AsyncIterator[PolicyDb]:
    async with await open_policy(tmp_path / "policy.db") as policy:
        yield policy


@pytest.fixture
async def worker(tmp_path: Path, stored: PolicyDb) -> Worker:
    """Return a worker that has loaded a policy in which nothing is blocked by hand."""
    settings = Settings(paths=Paths(tmp_path), upstream=UpstreamSettings(servers=("udp://127.0.0.1:9",)))
    assert settings.paths.policy_db == stored.path
    worker = Worker(settings, 0)
    await worker.load_policy()
    assert worker.policy_error == ""
    return worker


@asynccontextmanager
async def watched(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator["asyncio.Task[None]"]:
    """Let a worker watch its policy, fast."""
    monkeypatch.setattr(worker_module, "WATCH_SECONDS", 0.001)
    policy, *others = worker.watches()
    for other in others:
        other.close()
    task = asyncio.create_task(policy)
    try:
        async with asyncio.timeout(DEADLINE):
            yield task
        assert not task.done(), "it watches on"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def blocked(snapshot: Snapshot) -> set[str]:
    """Return the names blocked by hand for everyone."""
    return set.intersection(*(set(view.block) for view in snapshot.views.values()))


def fail(*_arguments: object) -> None:
    raise OverflowError("date value out of range")


@pytest.mark.parametrize("broken", [(Snapshot, "at"), (Snapshot, "next_change"), (PolicyLoader, "_build")])
async def test_a_policy_that_cannot_be_put_in_force_leaves_the_last_good_one(
    worker: Worker,
    stored: PolicyDb,
    broken: tuple[type, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = worker.engine.snapshot
    hourly = worker.hourly
    await stored.add_blocks([NewEntry("example.org")], at=NOW, by="test")
    with monkeypatch.context() as patched:
        patched.setattr(*broken, fail)
        await worker.load_policy()
        await worker.load_policy()
    assert worker.engine.snapshot is before
    assert worker.hourly is hourly
    assert "date value out of range" in str(worker.status()["policy_error"])
    told = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(told) == 1, "once, not at each try"
    if broken[0] is Snapshot:
        assert told[0].exc_info is not None, "what nobody expected is told with where it was"
    await worker.load_policy()
    assert blocked(worker.engine.snapshot) == {"example.org"}
    assert worker.policy_error == ""


async def test_a_change_of_the_hour_that_fails_is_no_end(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    before = worker.engine.snapshot
    monkeypatch.setattr(HourlyPolicy, "advance", fail)
    async with watched(worker, monkeypatch) as task:
        while not worker.policy_error:
            await asyncio.sleep(0.001)
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert not task.done()
    assert worker.engine.snapshot.same_as(before)


async def test_a_file_that_was_busy_is_read_again_though_it_does_not_change(
    worker: Worker, stored: PolicyDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "RETRY_SECONDS", 0.05)
    load, tries = PolicyLoader.load, 0

    async def busy(self: PolicyLoader, *arguments: object, **more: object) -> object:
        nonlocal tries
        tries += 1
        if tries <= 3:
            raise BusyDatabase("busy")
        return await load(self, *arguments, **more)  # type: ignore[arg-type] # as they came

    await stored.add_blocks([NewEntry("example.org")], at=NOW, by="test")

    async def unchanged(_self: PolicyDb) -> tuple[object, ...]:
        return ("the same",)

    monkeypatch.setattr(PolicyLoader, "load", busy)
    monkeypatch.setattr(PolicyDb, "data_version", unchanged)
    async with watched(worker, monkeypatch):
        while not worker.policy_error:
            await asyncio.sleep(0.001)
        while worker.policy_error:
            await asyncio.sleep(0.001)
    assert tries == 4
    assert blocked(worker.engine.snapshot) == {"example.org"}


async def test_a_file_that_stays_unreadable_is_not_read_all_the_time(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    async def busy(_self: PolicyLoader, *_arguments: object, **_more: object) -> object:
        nonlocal tries
        tries += 1
        raise BusyDatabase("busy")

    async def unchanged(_self: PolicyDb) -> tuple[object, ...]:
        return ("the same",)

    monkeypatch.setattr(PolicyLoader, "load", busy)
    monkeypatch.setattr(PolicyDb, "data_version", unchanged)
    async with watched(worker, monkeypatch):
        while not worker.policy_error:
            await asyncio.sleep(0.001)
        for _ in range(100):
            await asyncio.sleep(0.001)
    assert tries == 1


@pytest.mark.parametrize("damage", ["garbage", "empty", "gone", "torn-room"])
async def test_a_worker_begins_with_the_last_good_policy_if_this_one_is_damaged_or_gone(
    worker: Worker, stored: PolicyDb, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    await stored.add_blocks([NewEntry("example.org")], at=NOW, by="test")
    await worker.load_policy()
    await worker._remember_policy(1.0)
    good = stored.path.read_bytes()
    if damage == "gone":
        stored.path.unlink()
    elif damage == "torn-room":
        with closing(sqlite3.connect(stored.path)) as raw:
            raw.execute(
                "INSERT INTO objects (kind, id, body, document, added_at, added_by)"
                " VALUES ('room', 'r5', 'torn', '', '2026', 'me')"
            )
            raw.commit()
    else:
        stored.path.write_bytes(b"" if damage == "empty" else b"no database" * 1000)
    for number in (0, 1):
        again = Worker(worker.settings, number)
        await again.load_policy()
        assert set(again.engine.snapshot.views["pupils"].block) == {"example.org"}
        assert again.policy_error
        assert not again.to_remember, "a damaged policy takes no good one's place"
    assert "the last good policy is in force" in caplog.text
    for file in stored.path.parent.glob("policy.db*"):
        file.unlink()
    stored.path.write_bytes(good)
    await again.load_policy()
    assert again.policy_error == ""


async def test_a_worker_that_begins_on_a_full_disk_has_the_last_good_policy(
    worker: Worker, stored: PolicyDb, caplog: pytest.LogCaptureFixture
) -> None:
    """Who reads policy.db has to write what readers share of its log; what was blocked must not be open meanwhile."""
    await stored.add_blocks([NewEntry("example.org")], at=NOW, by="test")
    await worker.load_policy()
    await worker._remember_policy(1.0)
    again = Worker(worker.settings, 0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        await again.load_policy()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "disk" in again.policy_error
    assert set(again.engine.snapshot.views["pupils"].block) == {"example.org"}
    assert "the last good policy is in force" in caplog.text
    await again.load_policy()
    assert again.policy_error == ""


async def test_the_copy_is_made_by_one_worker_and_not_at_each_change(worker: Worker, stored: PolicyDb) -> None:
    copy = last_good(stored.path)
    await worker._remember_policy(1.0)
    first = copy.stat().st_ino
    await stored.add_blocks([NewEntry("example.org")], at=NOW, by="test")
    await worker.load_policy()
    await worker._remember_policy(30.0)
    assert copy.stat().st_ino == first
    await worker._remember_policy(62.0)
    assert copy.stat().st_ino != first
    other = Worker(worker.settings, 1)
    await other.load_policy()
    assert not other.to_remember
