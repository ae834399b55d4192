"""`journal verify` and `log verify`: what a person reads, and the exit status that a script goes by."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from journal.trust.device_key import device_fingerprint, device_key
from journal.trust.verdict import Broken, Trouble, describe
from storage.evidence import Kind
from storage.journal_db import StoredArchive, open_journal
from tests.cli.installation import Bench, prepared
from tests.journal.evidence_scene import AT, NAMES, REWRITTEN, build, by_hand, rows


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the installation once."""
    folder = tmp_path_factory.mktemp("evidence")
    asyncio.run(build(folder))
    return folder


@pytest.fixture
def bench(scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with prepared(tmp_path, monkeypatch) as made:
        made.environ["SCHOOLFILTER_SCHOOL__TIME_ZONE"] = "Asia/Almaty"
        shutil.copytree(scene, tmp_path / "var", dirs_exist_ok=True)
        yield made


def database(bench: Bench) -> Path:
    return bench.folder / "var" / "journal.db"


def test_a_whole_journal_names_the_head_to_write_down(bench: Bench) -> None:
    ((link,),) = rows(database(bench), "SELECT link FROM chain WHERE number = 23")
    said = bench.done("journal", "verify")
    fingerprint = device_fingerprint(device_key(bench.folder / "var" / "device.key"))
    assert said.splitlines()[:4] == [
        "The journal is whole: 23 records.",
        "Signed by this machine up to record 22, at 2026-11-03 11:00.",
        f"Key of this machine, for evidence: {fingerprint}",
        "Records whose personal part was erased, as others say: 1",
    ]
    assert f"journal verify --head 23:{str(link)[:16]}" in said
    assert bench.done("journal", "verify", "--head", f"23:{str(link)[:8]}", "--head", f"23:{link}") == said


@pytest.mark.parametrize("command", ["journal", "log"])
def test_a_head_that_is_not_there_is_named(bench: Bench, command: str) -> None:
    text = bench.refused(1, command, "verify", "--head", "17:00000000")
    said = "Record 17 is not the one written down (--head 17:00000000). First compare what was typed with the paper"
    assert text.startswith(said)
    bench.refused(1, command, "verify", "--head", "99:00000000")


@pytest.mark.parametrize("head", ["", "17", "17:123", "x:00000000", "017:00000000", "17:0000000g"])
def test_a_head_that_is_mistyped_is_said_to_be(bench: Bench, head: str) -> None:
    assert "expected number and digits as a paper has them" in bench.refused(2, "journal", "verify", "--head", head)


def test_the_first_broken_link_is_named_and_the_rest_counted(bench: Bench) -> None:
    by_hand(
        database(bench),
        "UPDATE chain SET by = 'somebody' WHERE number = 12",
        "UPDATE sealed SET salt = 'x' WHERE number = 9",
        "DELETE FROM inspectors",  # what follows from the chain is not judged by a chain that is broken
    )
    text = bench.refused(1, "journal", "verify")
    assert text == f"{describe(Broken(Trouble.LINK, 12))}\nFound besides: 1. --json shows all of it.\n"
    result = bench.run("journal", "verify", "--json")
    assert result.exit_code == 1
    said = json.loads(result.stdout)
    assert said["sound"] is False
    assert [(each["trouble"], each["record"]) for each in said["broken"]] == [("link", 12), ("seal", 9)]


def test_json_of_a_whole_journal(bench: Bench) -> None:
    said = bench.json("journal", "verify", "--json")
    assert isinstance(said, dict)
    assert (said["sound"], said["records"], said["erased"], said["broken"], said["alarms"]) == (True, 23, 1, [], [])
    assert said["written"] == f"23:{said['head'][:16]}"
    assert said["key"] == device_fingerprint(device_key(bench.folder / "var" / "device.key"))
    assert said["signed"] == {"record": 22, "at": "2026-11-03T06:00:00.000+00:00"}


def test_without_a_journal_there_is_nothing_to_verify(bench: Bench) -> None:
    database(bench).unlink()
    assert "journal.db" in bench.refused(1, "journal", "verify")
    assert not database(bench).exists()


def test_a_whole_log_says_what_was_verified(bench: Bench) -> None:
    said = bench.done("log", "verify")
    assert said.splitlines()[:2] == [
        "The query log is whole: 8 segments, the first begun at 2026-11-02 21:00, the last at 2026-11-03 00:00.",
        "Files read: 8, megabytes: 0. Removed by the rules, as the journal says: 3",
    ]
    assert "journal verify --head 23:" in said
    assert "No log of worker" not in said


def test_days_are_those_of_the_school(bench: Bench) -> None:
    def segments(*arguments: str) -> object:
        said = bench.json("log", "verify", *arguments, "--json")
        assert isinstance(said, dict)
        return said["segments"], said["first"], said["last"]

    assert segments("--from", "2026-11-02", "--to", "2026-11-02") == (6, NAMES[0], NAMES[-1])
    assert segments("--from", "2026-11-03", "--to", "2026-11-03") == (4, NAMES[-2], "20261102T190000-w1-0004.tsv")
    assert segments("--to", "2026-11-01") == (0, None, None)
    assert segments("--from", "2026-11-04") == (0, None, None)
    assert "knows of no segment" in bench.done("log", "verify", "--from", "2026-11-04")
    assert "not before --from" in bench.refused(2, "log", "verify", "--from", "2026-11-04", "--to", "2026-11-03")


def test_a_changed_file_is_named_if_it_is_of_the_days_asked_for(bench: Bench) -> None:
    path = bench.folder / "var" / "archive" / REWRITTEN
    path.write_bytes(path.read_bytes().replace(b"PAR2", b"PAR3"))
    text = bench.refused(1, "log", "verify")
    assert text == f"{describe(Broken(Trouble.CHANGED, 17, REWRITTEN))}\n"
    bench.done("log", "verify", "--from", "2026-11-05")


def test_hours_without_a_log_are_named(bench: Bench) -> None:
    by_hand(database(bench), "UPDATE positions SET segment = '20261103T030000-w0-0001.tsv' WHERE segment LIKE '%w0%'")
    log = bench.folder / "var" / "querylog"
    (log / "20261102T190000-w0-0004.tsv").rename(log / "20261103T030000-w0-0001.tsv")
    said = bench.done("log", "verify")
    assert "No log of worker 0 from 2026-11-03 00:00 to 2026-11-03 08:00.\n" in said
    assert "the server stood still, could not write, or somebody took the log away" in said


def test_a_paper_that_is_gone_is_named(bench: Bench) -> None:
    async def enter() -> None:
        async with open_journal(database(bench)) as journal, journal.changing(AT) as change:
            files = [{"file": "act-2026-001-ru.pdf", "sha256": "ab" * 32}]
            await change.add(Kind.PAPER, {"paper": "act", "number": 1, "year": 2026, "files": files})

    asyncio.run(enter())
    text = bench.refused(1, "journal", "verify")
    assert text == f"{describe(Broken(Trouble.MISSING, 24, 'papers/2026/act-2026-001-ru.pdf'))}\n"


def test_what_was_taken_over_after_damage_is_said_not_to_be_proven(bench: Bench) -> None:
    file = "date=2026-10-01/0001.parquet"
    path = bench.folder / "var" / "archive" / file
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PAR1")
    digest = sha256(b"PAR1").hexdigest()

    async def enter() -> None:
        async with open_journal(database(bench)) as journal, journal.changing(AT) as change:
            body = {"file": file, "digest": digest, "bytes": 4, "rows": 1, "day": "2026-10-01", "segments": []}
            record = await change.add(Kind.ARCHIVE, body | {"adopted": 20})
            await change.put_archive(StoredArchive(file, "2026-10-01", 1, 4, digest, record))

    asyncio.run(enter())
    said = bench.done("log", "verify")
    assert "taken over after damage, of which nothing is proven before record 24: 1\n" in said
    assert "taken over" not in bench.done("log", "verify", "--from", "2026-11-01")
    told = bench.json("log", "verify", "--json")
    assert isinstance(told, dict)
    assert told["adopted"] == [{"file": file, "record": 24}]
