"""Folders for what does not fit: one that somebody works in stays, and whatever a killed process left is removed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from journal.archiving.duck import scratch, sweep
from settings.model import Paths, Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def installed(tmp_path: Path) -> Settings:
    return replace(Settings(), paths=Paths(tmp_path / "var"))


@contextmanager
def another(settings: Settings, how: str = "work") -> Iterator["subprocess.Popen[str]"]:
    """Start another process that works in a folder (tests/journal/scratching.py)."""
    command = [sys.executable, "-m", "tests.journal.scratching", str(settings.paths.state), how]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go_on(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def left(settings: Settings) -> list[str]:
    """Return the files in all folders."""
    return sorted(path.name for path in (settings.paths.state / "tmp").rglob("*") if path.is_file())


def folders(settings: Settings) -> list[Path]:
    return sorted((settings.paths.state / "tmp").iterdir())


def test_a_folder_stays_while_its_process_works_and_goes_when_that_was_killed(installed: Settings) -> None:
    with another(installed) as process:
        assert said(process) == "working"
        sweep(installed)
        assert left(installed) == ["querylog.xlsx"]
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert left(installed) == ["querylog.xlsx"]
        sweep(installed)
    assert folders(installed) == []


def test_nothing_is_left_in_peace(installed: Settings) -> None:
    with another(installed) as process:
        assert said(process) == "working"
        go_on(process)
        assert said(process) == "done"
        assert process.wait() == 0
    assert folders(installed) == []


def test_our_own_folders_stay_while_we_work(installed: Settings) -> None:
    with scratch(installed) as one, scratch(installed) as other:
        sweep(installed)
        assert folders(installed) == sorted([one, other])


@pytest.mark.parametrize("number", [1, os.getpid()], ids=["of the first", "ours"])
def test_a_folder_goes_though_another_process_has_its_number_now(installed: Settings, number: int) -> None:
    """After a reboot, or in another container, a number is somebody else's."""
    folder = installed.paths.state / "tmp" / f"duckdb-{number}-abc"
    folder.mkdir(parents=True)
    (folder / "querylog.xlsx").write_text("pupils")
    sweep(installed)
    assert folders(installed) == []


def test_a_folder_that_was_made_and_never_locked_goes(installed: Settings) -> None:
    with another(installed, "die-before-lock") as process:
        assert process.wait() == -signal.SIGKILL
    assert len(folders(installed)) == 1
    sweep(installed)
    assert folders(installed) == []


@pytest.mark.parametrize("how", ["wait-before-open", "wait-before-lock"])
def test_who_was_swept_between_making_and_locking_works_in_a_new_folder(installed: Settings, how: str) -> None:
    with another(installed, how) as process:
        assert said(process) == "made"
        sweep(installed)
        assert folders(installed) == []
        go_on(process)
        assert said(process) == "working"
        sweep(installed)
        assert left(installed) == ["querylog.xlsx"]
        go_on(process)
        assert said(process) == "done"
    assert folders(installed) == []


def test_who_works_in_haste_never_loses_a_folder_to_a_sweep(installed: Settings) -> None:
    with another(installed, "many") as process:
        sweeps = 0
        while process.poll() is None:
            sweep(installed)
            sweeps += 1
        assert said(process) == "done"
        assert process.wait() == 0
    assert sweeps > 10
    assert folders(installed) == []


def test_what_is_no_folder_of_ours_stays(installed: Settings, tmp_path: Path) -> None:
    place = installed.paths.state / "tmp"
    place.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept.txt").write_text("kept")
    (place / "duckdb-link").symlink_to(tmp_path / "elsewhere")
    (place / "duckdb-file").write_text("kept")
    (place / "other").mkdir()
    sweep(installed)
    assert [path.name for path in folders(installed)] == ["duckdb-file", "duckdb-link", "other"]
    assert (tmp_path / "elsewhere" / "kept.txt").read_text() == "kept"


def test_without_a_place_there_is_nothing_to_sweep(installed: Settings) -> None:
    sweep(installed)
    assert not installed.paths.state.exists()
