"""The school at which most tests of the journal's commands begin."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.installation import Bench
from tests.cli.journal_scene import Journal, school


@pytest.fixture
def at_school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Bench, Journal]]:
    """A school whose journal is empty."""
    with school(tmp_path, monkeypatch) as found:
        yield found
