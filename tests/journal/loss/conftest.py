"""An installation whose journal is lost in many ways, and a tailer that does not wait long."""

from datetime import timedelta
from pathlib import Path

import pytest

from settings.model import Settings
from tests.journal.tailing import Clock, at, installation

MORNING = at("2026-09-02T10:00:00")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return installation(tmp_path)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock", MORNING + timedelta(minutes=30))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journal.intake.tailer.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("journal.intake.tailer.STATE_SECONDS", 0.0)
