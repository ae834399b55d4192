"""What the tests of tampering share: an installation made once, a copy of it to spoil, and what is named then."""

import asyncio
from pathlib import Path

import pytest

from journal.trust.verdict import Trouble, Verdict, describe
from settings.model import Settings
from tests.journal.evidence_scene import build, copied


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the installation once."""
    folder = tmp_path_factory.mktemp("evidence")
    asyncio.run(build(folder))
    return folder


@pytest.fixture
def settings(scene: Path, tmp_path: Path) -> Settings:
    """Return a copy that may be spoiled."""
    return copied(scene, tmp_path)


def first(verdict: Verdict) -> tuple[Trouble, int, str]:
    """Return what is named."""
    broken = verdict.broken[0]
    assert describe(broken)
    return broken.trouble, broken.number, broken.where


def journal_of(settings: Settings) -> Path:
    """Return the path of journal.db."""
    return settings.paths.journal_db
