"""`inspector` and --as-inspector: who has an account looks in their own name, and can do nothing else."""

import json
from datetime import UTC, datetime, timedelta

import click
import pytest

import approval.key_file
from approval.key_file import Cost
from cli.main import COMMANDS, cli
from storage.evidence import Kind
from tests.cli.installation import Bench
from tests.cli.log_scene import WHY, bench, records

__all__ = ["bench"]

NAME = "A. Omarova"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guess costs nothing, so that the tests are quick."""
    monkeypatch.setattr(approval.key_file, "COST", Cost(1, 8 * 1024, 1))


def day(days: int) -> str:
    """Return a day from now on in UTC; an offset of a day more or less is not what is tested."""
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def account(bench: Bench) -> str:
    """Make an account; return its passphrase."""
    printed = bench.done("inspector", "add", NAME, "--until", day(20), "--order", "12", "--date", "2026-10-01")
    [passphrase] = [each.split()[-1] for each in printed.splitlines() if each.startswith("Passphrase: ")]
    return passphrase


SEARCH = ("log", "search", "--as-inspector", NAME, *WHY)


def test_a_look_is_in_the_inspectors_name(bench: Bench) -> None:
    passphrase = account(bench)
    result = bench.run(*SEARCH, stdin=f"{passphrase}\n", SUDO_USER="aigul")
    assert result.exit_code == 0, result.output
    assert "www.example.org" in result.stdout
    [access] = records(bench, Kind.ACCESS)
    assert access.by == f"inspector {NAME}"


def test_the_export_names_the_inspector(bench: Bench) -> None:
    passphrase, out = account(bench), bench.folder / "out.zip"
    arguments = ("--from", "2026-09-02", "--to", "2026-09-02", "--output", str(out), *WHY)
    result = bench.run("log", "export", "--as-inspector", NAME, *arguments, stdin=f"{passphrase}\n")
    assert result.exit_code == 0, result.output
    assert [record.by for record in records(bench, Kind.ACCESS, Kind.EXPORT)] == [f"inspector {NAME}"] * 2


@pytest.mark.parametrize("arguments", [SEARCH, ("log", "tail", "--as-inspector", NAME)])
def test_with_a_wrong_passphrase_nothing_is_shown_and_it_is_on_record(bench: Bench, arguments: tuple[str, ...]) -> None:
    account(bench)
    result = bench.run(*arguments, stdin="wrong\n", SUDO_USER="aigul")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "not the passphrase" in result.stderr
    [refused] = records(bench, Kind.ACCESS)
    assert (refused.by, refused.body["refused"], refused.body["inspector"]) == ("aigul", "passphrase", NAME)


@pytest.mark.parametrize(("language", "words"), [("en", "order 12 of 2026-10-01"), ("ru", "приказ 12 от 2026-10-01")])
def test_the_order_of_an_account_is_told_in_the_readers_language(bench: Bench, language: str, words: str) -> None:
    account(bench)
    bench.done("inspector", "add", "B. Omarova", "--until", day(20))
    first, second = bench.run("inspector", "list", SCHOOLFILTER_SCHOOL__LANGUAGE=language).stdout.splitlines()[1:]
    assert words in first
    assert (words in second, "of 2026" in second) == (False, False)
    found = bench.json("inspector", "list", "--json")
    assert isinstance(found, list)
    assert found[0]["document"] == "order 12 of 2026-10-01"


def test_a_revoked_account_is_no_account(bench: Bench) -> None:
    passphrase = account(bench)
    bench.done("inspector", "revoke", NAME)
    result = bench.run(*SEARCH, stdin=f"{passphrase}\n")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "was ended" in result.stderr
    assert "whose account can be ended" in bench.refused(1, "inspector", "revoke", NAME)


@pytest.mark.parametrize(
    ("arguments", "what", "asked"),
    [
        (("log", "stats", "--by", "hour"), "log stats", {"--by": "hour"}),
        (("journal", "show", "--state", "new"), "journal show", {"--state": "new"}),
        (("journal", "show", "--alarms"), "journal show --alarms", {}),
    ],
)
def test_what_shows_nobody_is_on_record_only_in_an_inspectors_name(
    bench: Bench, arguments: tuple[str, ...], what: str, asked: dict[str, str]
) -> None:
    passphrase = account(bench)
    bench.done(*arguments)
    assert records(bench, Kind.ACCESS) == []
    result = bench.run(*arguments, "--as-inspector", NAME, "--reason", "check in May", stdin=f"{passphrase}\n")
    assert result.exit_code == 0, result.output
    [access] = records(bench, Kind.ACCESS)
    assert (access.by, access.private) == (f"inspector {NAME}", {"asked": asked})
    assert access.body == {"what": what, "reason": "check in May"}


def test_an_inspector_who_counts_is_asked_why_and_nobody_else(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    passphrase = account(bench)
    monkeypatch.setattr("cli.reasons.asks", lambda: True)
    assert "Why do you look" not in bench.run("log", "stats").stderr
    result = bench.run("log", "stats", "--as-inspector", NAME, stdin=f"{passphrase}\ncheck in May\n")
    assert "Why do you look" in result.stderr
    assert [record.body["reason"] for record in records(bench, Kind.ACCESS)] == ["check in May"]


def test_an_account_that_was_ended_keeps_its_document(bench: Bench) -> None:
    account(bench)
    bench.done("inspector", "revoke", NAME)
    assert "order 12 of 2026-10-01" in bench.done("inspector", "list")


def test_the_list_shows_accounts_and_no_secret(bench: Bench) -> None:
    assert bench.done("inspector", "list") == "No inspector has an account.\n"
    passphrase = account(bench)
    bench.done("inspector", "add", "B", "--until", day(1))
    bench.done("inspector", "revoke", "B")
    listed = bench.done("inspector", "list")
    assert "order 12 of 2026-10-01" in listed
    assert listed.splitlines()[0].split("  ", 1)[0] == "NAME"
    assert listed.splitlines()[0].isupper()
    found = bench.json("inspector", "list", "--json")
    assert [(each["name"], each["state"]) for each in json.loads(json.dumps(found))] == [
        (NAME, "valid"),
        ("B", "revoked"),
    ]
    assert passphrase not in listed + str(found)
    assert "argon2" not in listed + str(found)


@pytest.mark.parametrize(
    "arguments",
    [
        (NAME, "--until", day(-2)),
        (NAME, "--until", day(400)),
        (NAME, "--until", "soon"),
        (NAME, "--until", day(20), "--order", "12"),
        (NAME, "--until", day(20), "--date", "2026-10-01"),
        ("", "--until", day(20)),
        ("O'Brien", "--until", day(20)),
        ("a\x1b[31m", "--until", day(20)),
        ("x" * 61, "--until", day(20)),
        (NAME,),
    ],
)
def test_misuse_makes_no_account(bench: Bench, arguments: tuple[str, ...]) -> None:
    bench.refused(2, "inspector", "add", *arguments)
    assert records(bench, Kind.ACCOUNT) == []


def commands(group: click.Group, words: tuple[str, ...] = ()) -> dict[str, click.Command]:
    """Return each command by its words."""
    found: dict[str, click.Command] = {}
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found |= commands(command, (*words, name))
        else:
            found[" ".join((*words, name))] = command
    return found


def test_only_commands_that_read_take_an_inspector() -> None:
    """An inspector must not be able to change anything, nor to end somebody's account."""
    taking = {
        name for name, command in commands(cli).items() if any("--as-inspector" in each.opts for each in command.params)
    }
    assert {"log tail", "log search", "log stats", "log export"} <= taking
    assert taking <= {
        "log tail", "log search", "log stats", "log export", "log verify",
        "journal show", "journal verify", "journal export", "journal accesses",
    }  # fmt: skip
    assert "inspector" in COMMANDS
