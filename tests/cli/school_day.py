"""A school in which commands about rooms, lessons and pauses are given at moments that the test names."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from approval.orders import Draft, enter_on_paper
from policy.calendar import Bells, Period
from policy.calendar_bodies import Value, row
from policy.decide import decide
from policy.decision import Decision
from policy.orders import Addition, Permit, Scope
from policy.snapshot import Place, Snapshot
from settings.load import load
from settings.model import Settings
from storage.policy_db import PolicyDb, open_policy
from storage.policy_load import PolicyLoader
from tests.cli.installation import Bench, FakeIndex

ZONE = ZoneInfo("Asia/Almaty")
LISTED = {"games.example": "games", "adult.example": "adult", "unlawful.example": "terrorism"}
"""What the lists hold, by category."""


class SchoolDay(Bench):
    """A bench with a clock that stands still."""

    now = datetime(2026, 9, 2, 9, tzinfo=ZONE)
    """A Wednesday."""

    def at(self, clock: str, day: int = 2) -> None:
        """Put the clock to a time of a day of September 2026."""
        hour, minute = clock.split(":")
        self.now = datetime(2026, 9, day, int(hour), int(minute), tzinfo=ZONE)

    @property
    def settings(self) -> Settings:
        """The settings of the installation."""
        return load(self.config, {})

    @property
    def policy(self) -> PolicyDb:
        """The policy, for what no command of this test does."""
        return asyncio.run(open_policy(self.settings.paths.policy_db))

    def plan(self, *values: Value) -> None:
        """Enter bells, lessons of the timetable or exams."""
        puts = [row(value) for value in values]
        asyncio.run(self.policy.change_objects("plan", puts, at=datetime.now(UTC), by="test"))

    def order(
        self, *names: str, scope: Scope = Scope.LESSONS, minutes: int | None = None, group: str | None = None
    ) -> None:
        """Enter an order of the director on paper: names for lessons, a permit of so many minutes."""
        additions = tuple(Addition(name, group, scope) for name in names)
        permit = None if minutes is None else Permit(minutes)
        draft = Draft(number="12", date=date(2026, 9, 1), additions=additions, permit=permit)
        asyncio.run(enter_on_paper(self.policy, self.settings, draft, at=datetime.now(UTC), by="test"))

    def snapshot(self) -> Snapshot:
        """Return the policy as a worker has it now."""
        return asyncio.run(PolicyLoader(self.policy).load(("school.example",))).snapshot.at(self.now)

    def decided(self, name: str, group: str = "pupils", room: str = "") -> Decision:
        """Return what a client in a place gets now."""
        return decide(self.snapshot().view(Place(group, room)), name, FakeIndex(LISTED).lookup(name))

    def opens(self, name: str, group: str = "pupils", room: str = "") -> bool:
        """Tell whether a name opens for a client in a place now."""
        return not self.decided(name, group, room).blocked


BELLS = Bells("usual", (Period(1, 1, 510, 555), Period(1, 2, 565, 610)))
"""08:30-09:15, 09:25-10:10."""


@contextmanager
def school_day(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SchoolDay]:
    """Make an installation without lists, whose commands go by the clock of the test."""
    monkeypatch.setattr("cli.init.ensure_starter", lambda *_: None)
    monkeypatch.setattr("approval.requests.open_current", lambda _: FakeIndex(LISTED))
    bench = SchoolDay(folder)
    for module in ("cli.scene", "cli.lesson_list"):
        monkeypatch.setattr(f"{module}.clock", lambda _settings: bench.now)
    for module in ("cli.scene", "cli.lesson", "cli.pause"):
        monkeypatch.setattr(f"{module}.who", lambda: "asanova")
    monkeypatch.setenv("SCHOOLFILTER_SCHOOL__PROTECTED", "school.example")
    bench.done("init", "--state", str(folder / "var"))
    yield bench
