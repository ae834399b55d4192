"""An installation in a temporary folder, and commands given to it in English."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from cli.main import cli
from policy.decision import Listing
from settings.load import load


class Bench:
    """Runs commands as a person would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "var" / "schoolfilter.toml"
        self.environ: dict[str, str] = {}
        """Settings that every command finds in its environment."""

    def run(self, *arguments: str, stdin: str = "", **environ: str) -> Result:
        """Run a command; an exception that reaches the person is an error of the test."""
        env = {"SCHOOLFILTER_SCHOOL__LANGUAGE": "en", **self.environ, **environ}
        result = CliRunner(env=env).invoke(cli, ["--config", str(self.config), *arguments], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def today(self) -> date:
        """Return the day at the school: for some hours it is another one than where the tests run."""
        return datetime.now(ZoneInfo(load(self.config, self.environ).school.time_zone)).date()

    def done(self, *arguments: str) -> str:
        """Run a command that must succeed and return what it prints."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *arguments: str) -> object:
        """Run a command that must succeed and return the JSON it prints."""
        return json.loads(self.done(*arguments))

    def refused(self, status: int, *arguments: str) -> str:
        """Run a command that must fail with this status and return what stands on stderr."""
        result = self.run(*arguments)
        assert result.exit_code == status, result.output
        assert result.stdout == ""
        return result.stderr


class FakeIndex:
    """Lists that hold some names, as blocklists.index.Index shows them."""

    def __init__(self, listed: dict[str, str]) -> None:
        self.listed = listed

    def lookup(self, name: str) -> tuple[Listing, ...]:
        """Return the listings that cover the name."""
        return tuple(
            Listing(f"list-{category}", category, listed)
            for listed, category in self.listed.items()
            if name == listed or name.endswith(f".{listed}")
        )

    def close(self) -> None:
        """Release nothing."""


class Minutes(datetime):
    """A clock by which each rebuild is a minute after the one before: generations are named by the second."""

    passed = 0

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        Minutes.passed += 1
        return cls(2026, 9, 2, 8, 0, tzinfo=tz) + timedelta(minutes=Minutes.passed)


@contextmanager
def prepared(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Make an installation without compiling any list."""
    monkeypatch.setattr("cli.init.ensure_starter", lambda *_: None)
    bench = Bench(folder)
    bench.done("init", "--state", str(folder / "var"))
    yield bench
