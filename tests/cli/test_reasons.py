"""Why somebody looks is asked where a person sits, and nowhere else."""

import pytest

from storage.evidence import Kind
from tests.cli.installation import Bench
from tests.cli.log_scene import bench, records

__all__ = ["bench"]


@pytest.fixture
def at_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.reasons.asks", lambda: True)


@pytest.mark.parametrize(("typed", "reason"), [("a  question \n", "a  question"), ("\n", "")])
@pytest.mark.parametrize(
    "command", [("log", "tail"), ("journal", "show", "--names"), ("journal", "accesses", "--names")]
)
@pytest.mark.usefixtures("at_terminal")
def test_a_person_is_asked_and_may_give_none(bench: Bench, command: tuple[str, ...], typed: str, reason: str) -> None:
    result = bench.run(*command, stdin=typed)
    assert result.exit_code == 0, result.output
    assert "Why do you look?" in result.stderr
    [access] = records(bench, Kind.ACCESS)
    assert access.body["reason"] == reason


@pytest.mark.usefixtures("at_terminal")
def test_who_gave_a_reason_is_not_asked(bench: Bench) -> None:
    result = bench.run("log", "tail", "--reason", "slow computer")
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.usefixtures("at_terminal")
def test_who_leaves_the_question_sees_nothing(bench: Bench) -> None:
    result = bench.run("log", "tail", stdin="")
    assert (result.exit_code, result.stdout) == (1, "")
    assert records(bench, Kind.ACCESS) == []


def test_where_nobody_sits_nobody_is_asked(bench: Bench) -> None:
    result = bench.run("log", "tail", stdin="not read\n")
    assert (result.exit_code, result.stderr) == (0, "")
    [access] = records(bench, Kind.ACCESS)
    assert access.body["reason"] == ""
