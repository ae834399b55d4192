"""What lets the server start and yet does nothing is named: by `config check`, and by `doctor`."""

import json
from pathlib import Path

import pytest

from cli.doctor import doctor
from cli.settings_doubts import doubts
from settings.load import load_with_sources
from tests.cli.fakes import installation, run
from tests.cli.installation import Bench, prepared

PASSWORD = "correct horse\n"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    with prepared(tmp_path, monkeypatch) as bench:
        return bench


def named(bench: Bench, text: str) -> list[str]:
    """Return what `config check` says of these settings, with which the server starts."""
    bench.config.write_text(text, "utf-8")
    load_with_sources(bench.config, {})
    result = bench.run("config", "check")
    assert result.exit_code == 0, result.output  # an update does not fail because a group was renamed
    assert ("is fine" in result.stdout) is (result.stderr == "")
    assert ("The server starts with these settings, but" in result.stdout) is (result.stderr != "")
    return result.stderr.splitlines()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('at_risk = ["gambling", "self-harm"]', []),
        (
            'at_risk = ["self-harn"]',
            ["at_risk: expected a category that exists, found 'self-harn'. Did you mean self-harm?"],
        ),
        (
            'at_risk = ["zzz"]',
            ["at_risk: expected a category that exists, found 'zzz'. Known here: terrorism, extremism"],
        ),
        ('unwatched_groups = ["teachers", "pupils"]', []),
        (
            'unwatched_groups = ["teachrs", "9"]',
            [
                "unwatched_groups: expected a group that exists, found 'teachrs'. Did you mean teachers?",
                "unwatched_groups: expected a group that exists, found '9'. Known here: guests, ",
            ],
        ),
    ],
)
def test_categories_and_groups_that_do_not_exist_are_named(bench: Bench, text: str, expected: list[str]) -> None:
    said = named(bench, f"[incidents]\n{text}\n")
    assert len(said) == len(expected)
    for line, words in zip(said, expected, strict=True):
        assert line.startswith(f"{bench.config}: incidents.{words}")


def test_a_group_that_was_removed_is_named_only_if_somebody_wrote_it(bench: Bench) -> None:
    bench.done("groups", "remove", "servers")
    assert named(bench, "[incidents]\n") == []
    (said,) = named(bench, '[incidents]\nunwatched_groups = ["teachers", "staff", "servers"]\n')
    assert "found 'servers'" in said


@pytest.mark.parametrize("text", [None, b"", b"no database at all" * 100])
def test_where_no_policy_is_to_be_had_no_group_is_judged(bench: Bench, text: bytes | None) -> None:
    policy = bench.config.parent / "policy.db"
    policy.unlink()
    if text is not None:
        policy.write_bytes(text)
    assert named(bench, '[incidents]\nunwatched_groups = ["teachrs"]\n') == []
    assert (policy.read_bytes() if policy.exists() else None) == text


@pytest.mark.parametrize("key", ["smtp_password_file", "telegram_token_file"])
@pytest.mark.parametrize(
    ("text", "mode", "expected"),
    [
        (PASSWORD, 0o600, ""),
        (PASSWORD, 0o640, ""),
        (None, 0, "found a file that cannot be read: No such file or directory"),
        ("", 0o600, "expected a secret on one line"),
        ("a\nb\n", 0o600, "expected a secret on one line"),
        (PASSWORD, 0o644, "found one that everybody can: chmod 600"),
    ],
)
def test_a_secret_that_cannot_be_used_is_named(
    bench: Bench, key: str, text: str | None, mode: int, expected: str
) -> None:
    secret = bench.folder / "secret"
    if text is not None:
        secret.write_text(text)
        secret.chmod(mode)
    said = named(bench, f'[notices]\n{key} = "{secret}"\n')
    assert [line.startswith(f"{bench.config}: notices.{key}: {secret}: ") for line in said] == [True] * bool(expected)
    assert expected in "".join(said)


def test_a_relative_path_of_a_secret_is_named_though_it_is_right_from_here(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bench.folder)
    (bench.folder / "secret").write_text(PASSWORD)
    (bench.folder / "secret").chmod(0o600)
    (said,) = named(bench, '[notices]\nsmtp_password_file = "secret"\n')
    assert "notices.smtp_password_file: expected a full path, such as /etc/" in said


def test_a_mail_server_without_a_sender_is_named(bench: Bench) -> None:
    server = '[notices]\nsmtp_server = "smtp://mail.example.org"\n'
    (said,) = named(bench, server)
    assert "notices.mail_from: expected an address such as filter@school.example, found an empty text" in said
    assert named(bench, f'{server}mail_from = "filter@school.example"\n') == []


def test_what_another_user_may_not_read_is_not_judged(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.config.write_text('[notices]\nsmtp_password_file = "/nowhere/secret"\n', "utf-8")
    loaded = load_with_sources(bench.config, {})
    assert doubts(loaded, mine=False) == []
    assert [each.key for each in doubts(loaded)] == ["notices.smtp_password_file"]


def test_doctor_names_them_too(tmp_path: Path) -> None:
    where = installation(
        tmp_path,
        incidents__at_risk="self-harn",
        notices__smtp_server="smtp://mail.example.org",
        upstream__servers="udp://127.0.0.1:9",
        server__listen="127.0.0.1:0",
    )
    found = [each for each in json.loads(run(doctor, where, "--json").output) if each["subject"] == "settings"]
    assert [each["health"] for each in found] == ["problem", "warning"]
    assert "schoolfilter.toml: notices.mail_from: " in found[0]["text"]
    assert "Did you mean self-harm?" in found[1]["text"]
    assert all("schoolfilter config check" in each["remedy"] for each in found)
