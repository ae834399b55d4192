"""A file of the evidence is gone, empty or damaged while the server is stopped: it is said, with the next step."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from journal.trust.device_key import device_key
from tests.cli.evidence import evidence
from tests.cli.installation import Bench, prepared
from tests.journal.evidence_scene import rows

__all__ = ["evidence"]


@pytest.fixture
def bench(evidence: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with prepared(tmp_path, monkeypatch) as made:
        made.environ["SCHOOLFILTER_SCHOOL__TIME_ZONE"] = "Asia/Almaty"
        shutil.copytree(evidence, tmp_path / "var", dirs_exist_ok=True)
        yield made


def gone(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def garbage(path: Path) -> None:
    path.write_bytes(b"garbage" * 1000)


def another(path: Path) -> None:
    """Exchange the key for one that was made elsewhere."""
    path.unlink()
    device_key(path, make=True)


LOSSES = [
    ("journal.db", gone, "heads.txt shows that there were some"),
    ("journal.db", empty, "heads.txt shows that there were some"),
    ("journal.db", garbage, "file is not a database"),
    ("heads.txt", gone, "heads.txt is missing or empty"),
    ("heads.txt", empty, "heads.txt is missing or empty"),
    ("device.key", gone, "expected this machine's key, found no file"),
    ("device.key", another, "found another one: somebody put it there"),
]
EACH = pytest.mark.parametrize(("file", "lose", "said"), LOSSES)


@EACH
def test_a_stopped_server_is_no_reason_for_status_and_doctor_to_be_silent(
    bench: Bench, file: str, lose: Callable[[Path], None], said: str
) -> None:
    before = bench.run("status").output
    assert said not in before
    lose(bench.folder / "var" / file)
    left = sorted(path.name for path in (bench.folder / "var").iterdir())
    status = bench.run("status")
    assert status.exit_code == 1
    assert said in " ".join(status.output.split())
    findings = json.loads(bench.run("doctor", "--json").output)
    assert [each["health"] for each in findings if said in each["text"]] == ["problem"]
    assert sorted(path.name for path in (bench.folder / "var").iterdir()) == left, "who only looks changes nothing"


@pytest.mark.parametrize("command", ["journal", "log"])
@EACH
def test_verifying_says_it_with_the_next_step(
    bench: Bench, command: str, file: str, lose: Callable[[Path], None], said: str
) -> None:
    lose(bench.folder / "var" / file)
    result = bench.run(command, "verify")
    assert said in result.output
    if file == "device.key":  # the chain is none the worse for it
        assert result.exit_code == 0
        assert said in json.loads(bench.run(command, "verify", "--json").stdout)["key_fault"]
    else:
        assert result.exit_code == 1
        assert "start it if it does not run" in result.output
        assert "has free space" not in result.output


@pytest.mark.parametrize("command", ["journal", "log"])
def test_where_there_never_was_a_journal_verifying_says_so(bench: Bench, command: str) -> None:
    shutil.rmtree(bench.folder / "var" / "archive")
    for name in ("journal.db", "heads.txt"):
        (bench.folder / "var" / name).unlink()
    said = bench.refused(1, command, "verify")
    assert "there is no journal yet. The server begins it when it runs" in said
    assert not (bench.folder / "var" / "journal.db").exists()
    assert "journal.db" not in bench.run("status").output
    assert not (bench.folder / "var" / "journal.db").exists()


@pytest.mark.parametrize(
    "command",
    [
        ("journal", "export", "--from", "2026-11-01", "--to", "2026-11-30", "--reason", "check"),
        ("handover", "--from", "R. Seitova", "--to", "B. Usenov", "--order", "45", "--date", "2026-12-01"),
    ],
    ids=["export", "paper"],
)
def test_no_command_makes_a_new_key_in_silence(bench: Bench, command: tuple[str, ...]) -> None:
    key = bench.folder / "var" / "device.key"
    key.unlink()
    said = bench.refused(1, *command)
    assert "Put device.key back from the backup" in said
    assert not key.exists()
    query = "SELECT count(*) FROM chain WHERE kind IN ('alarm', 'export') OR body LIKE '%handover%'"
    assert rows(bench.folder / "var" / "journal.db", query) == [(0,)]
    assert not list(bench.folder.glob("*.zip"))


def test_the_server_makes_a_new_key_and_enters_it(bench: Bench) -> None:
    key = bench.folder / "var" / "device.key"
    key.unlink()
    bench.done("journal", "sign")
    assert key.exists()
    assert "signs with a new key" in bench.done("journal", "verify")
