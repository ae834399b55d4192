"""An installation with a query log, an archive and a journal that speaks of both, made once for a file of tests."""

import asyncio
from pathlib import Path

import pytest

from tests.journal.evidence_scene import build


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return its state folder."""
    folder = tmp_path_factory.mktemp("evidence")
    asyncio.run(build(folder))
    return folder
