"""The root command: starts fast, speaks the school's language, and one broken part breaks no other."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli import main
from cli.context import who
from cli.errors import Failure, border
from settings.errors import SchoolfilterError
from tests.cli.installation import Bench


def test_a_command_whose_module_is_missing_does_not_break_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(main.COMMANDS, "nowhere", "cli.nowhere_at_all")
    bench = Bench(tmp_path)
    assert "nowhere" not in bench.done("--help")
    assert "nowhere" in bench.refused(2, "nowhere")


def test_allow_starts_without_the_resolver_and_its_libraries() -> None:
    script = (
        "import sys, click\n"
        "from cli.main import cli\n"
        "cli.get_command(click.Context(cli), 'allow')\n"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in {'resolver', 'rich', 'dnslib', 'h2', 'tldextract'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--config", "a.toml", "status"], "a.toml"),
        (["--config=a.toml"], "a.toml"),
        (["status", "--config", "a.toml"], None),
        (["--version", "--config", "a.toml"], "a.toml"),
        (["--config"], None),
        ([], None),
    ],
)
def test_the_settings_file_is_found_before_anything_is_parsed(arguments: list[str], expected: str | None) -> None:
    assert main._config_argument(arguments) == (Path(expected) if expected else None)


def test_version_and_help(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.done("--version").startswith("schoolfilter ")
    for name in main.COMMANDS:
        if name in bench.done("--help").split():
            assert "--help" in bench.done(name, "--help")


def test_errors_of_the_layers_below_become_one_line() -> None:
    for error, told in [
        (SchoolfilterError("expected a"), "expected a"),
        (PermissionError(13, "Permission denied", "/x"), "no permission for /x"),
        (FileNotFoundError(2, "No such file", "/x"), "/x: No such file"),
        (OSError("something"), "something"),
    ]:
        with pytest.raises(Failure, match=told), border():
            raise error


def test_a_change_is_recorded_under_the_person_behind_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "aigerim")
    assert who() == "aigerim"
    monkeypatch.delenv("SUDO_USER")
    assert who()

    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("cli.context.getpass.getuser", nobody)
    assert who().startswith("uid ")


def test_a_reader_that_has_gone_is_no_error_and_no_verdict(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cli.main", "--config", str(tmp_path / "var" / "schoolfilter.toml")]
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "schoolfilter.toml").touch()
    reading, writing = os.pipe()
    os.close(reading)
    environ = os.environ | {"SCHOOLFILTER_PATHS__STATE": str(tmp_path / "var"), "SCHOOLFILTER_SCHOOL__LANGUAGE": "en"}
    for words in (["inspector", "list"], ["journal", "verify"], ["categories"]):
        done = subprocess.run([*command, *words], stdout=writing, stderr=subprocess.PIPE, env=environ, check=False)
        assert (words, done.returncode, done.stderr) == (words, 141, b"")
    os.close(writing)
