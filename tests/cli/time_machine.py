"""A school whose clock a test sets: what it did on which day."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Self

import pytest

from storage.policy_db import PolicyDb, open_policy
from tests.cli.installation import Bench

_WHERE = ("cli.groups", "cli.block", "cli.audit", "cli.policy_matrix", "cli.matrix_state", "storage.policy_db")


class _Clock(datetime):
    """What modules take for the class datetime."""

    moment = datetime(2026, 9, 1, 4, 0, tzinfo=UTC)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        found = _Clock.moment.astimezone(tz)
        return cls.fromisoformat(found.isoformat())


def set_clock(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Let the commands of the policy believe that it is this moment."""
    monkeypatch.setattr(_Clock, "moment", moment)
    for module in _WHERE:
        monkeypatch.setattr(f"{module}.datetime", _Clock)


def begun_on(monkeypatch: pytest.MonkeyPatch, bench: Bench, moment: datetime) -> Path:
    """Let the school begin anew at this moment; return its policy.db."""
    file = bench.folder / "var" / "policy.db"
    file.unlink()
    set_clock(monkeypatch, moment)
    with_policy(bench, PolicyDb.version)
    return file


def with_policy(bench: Bench, work: Callable[[PolicyDb], Awaitable[object]]) -> None:
    """Change the policy past the commands, or make a new one."""

    async def change() -> None:
        async with await open_policy(bench.folder / "var" / "policy.db") as policy:
            await work(policy)

    asyncio.run(change())
