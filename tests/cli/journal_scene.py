"""A school's journal for tests of commands: incidents put in, records read out."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from journal.trust.signing import sign_head
from settings.load import load
from settings.model import Settings
from storage.evidence import Body, Kind, Record
from tests.cli.installation import Bench, prepared
from tests.journal.incident_scene import NOW, enter, journal_in


class Journal:
    """The journal of an installation, past the commands."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def enter(self, at: datetime = NOW, **changes: Any) -> int:
        """Enter an incident; return its record."""

        async def work() -> int:
            async with journal_in(self.settings) as journal:
                return await enter(journal, at, **changes)

        return asyncio.run(work())

    def add(self, kind: Kind, body: Body, at: datetime = NOW, *, private: Body | None = None) -> int:
        """Add a record; return its number."""

        async def work() -> int:
            async with journal_in(self.settings) as journal, journal.changing(at) as change:
                return await change.add(kind, body, private=private)

        return asyncio.run(work())

    def sign(self, at: datetime = NOW) -> None:
        """Sign the head."""

        async def work() -> None:
            async with journal_in(self.settings) as journal:
                await sign_head(journal, self.settings, at)

        asyncio.run(work())

    def unseal(self, number: int) -> None:
        """Erase what a record seals."""

        async def work() -> None:
            async with journal_in(self.settings) as journal, journal.changing(NOW) as change:
                await change.unseal([number])

        asyncio.run(work())

    def records(self, *kinds: Kind) -> list[Record]:
        """Return records with what is private."""

        async def work() -> list[Record]:
            async with journal_in(self.settings) as journal:
                return [each async for each in journal.records(kinds, private=True)]

        return asyncio.run(work())


@contextmanager
def school(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Bench, Journal]]:
    """Make an installation; yield commands and journal."""
    with prepared(folder, monkeypatch) as bench:
        bench.environ["SCHOOLFILTER_SCHOOL__TIME_ZONE"] = "Asia/Almaty"
        monkeypatch.setenv("SUDO_USER", "aigul")
        yield bench, Journal(load(bench.config, {"SCHOOLFILTER_SCHOOL__TIME_ZONE": "Asia/Almaty"}))
