"""A school whose director signs with a key, and what the tests type for the director."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest
from click.testing import Result

from tests.cli.installation import Bench, FakeIndex, prepared

PASSPHRASE = "four words without sense"
LISTED = {"games.example": "games", "unlawful.example": "terrorism"}
Rows = list[dict[str, object]]


@contextmanager
def signing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Make an installation with the director's key; approval.mode is "signature"."""
    monkeypatch.setattr("approval.requests.open_current", lambda _: FakeIndex(LISTED))
    monkeypatch.setenv("SUDO_USER", "teacher")
    with prepared(folder, monkeypatch) as bench:
        bench.environ = {"SCHOOLFILTER_APPROVAL__MODE": "signature"}
        done = bench.run("orders", "key", "create", stdin=f"{PASSPHRASE}\n")
        assert done.exit_code == 0, done.output
        yield bench


def approve(bench: Bench, *arguments: str, passphrase: str = PASSPHRASE) -> Result:
    """Sign what is asked for."""
    return bench.run("approve", *arguments, "--yes", stdin=f"{passphrase}\n")


def approved(bench: Bench, *arguments: str, passphrase: str = PASSPHRASE) -> str:
    """Sign what is asked for, which must succeed; return what is printed."""
    result = approve(bench, *arguments, passphrase=passphrase)
    assert result.exit_code == 0, result.output
    return result.stdout


def listed(bench: Bench) -> list[object]:
    """Return the names on the director's list."""
    return [entry["name"] for entry in cast("Rows", bench.json("allow", "--list", "--json"))]


def waiting(bench: Bench) -> list[object]:
    """Return the names that are asked for."""
    return [entry["name"] for entry in cast("Rows", bench.json("requests", "--json"))]


def someone_sits_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the commands believe that they run in a terminal; what is typed is the standard input."""
    for module in ("cli.asking", "cli.approve", "cli.init"):
        monkeypatch.setattr(f"{module}.asks", lambda: True)
