"""While the server is stopped, no command begins an empty journal in the place of one that is gone."""

import asyncio
from collections.abc import Sequence

import pytest

from journal.opening import opened_journal
from journal.recovering import keep_copy
from settings.model import Paths, Settings
from tests.cli.installation import Bench
from tests.cli.log_scene import WHY, bench

__all__ = ["bench"]

COMMANDS = (
    ("journal", "show"),
    ("journal", "sign"),
    ("journal", "archive"),
    ("journal", "contacts", "list"),
    ("log", "search", *WHY),
)


@pytest.mark.parametrize("command", COMMANDS, ids=[" ".join(each[:2]) for each in COMMANDS])
def test_a_command_says_what_is_wrong_and_what_to_do(bench: Bench, command: Sequence[str]) -> None:
    settings = Settings(paths=Paths(bench.folder / "var"))

    async def begin() -> None:
        async with opened_journal(settings):
            pass
        assert (await keep_copy(settings)).is_sound

    asyncio.run(begin())
    settings.paths.journal_db.unlink()
    said = bench.refused(1, *command)
    assert "journal-last-good.db shows that there were some" in said
    assert "start it if it does not run" in said
    bench.run("status")
    assert not settings.paths.journal_db.exists()
