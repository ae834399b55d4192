"""`log export`: a zip of what was asked for, for nobody else's eyes, whole or not at all."""

import csv
import io
import json
import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import openpyxl
import pytest

from cli.handout import confidential
from resolver.querylog import COLUMNS
from storage.evidence import Kind
from tests.cli.installation import Bench
from tests.cli.log_scene import WHY, bench, line, records, write_segment

__all__ = ["bench"]

PERIOD = ("--from", "2026-09-02", "--to", "2026-09-02")


def export(bench: Bench, *arguments: str) -> zipfile.ZipFile:
    out = bench.folder / "out.zip"
    bench.done("log", "export", *PERIOD, *WHY, "--output", str(out), *arguments)
    return zipfile.ZipFile(out)


def read(archive: zipfile.ZipFile, form: str, folder: Path) -> list[tuple[str, ...]]:
    """Return the rows as a program that is not ours reads them, numbers as texts."""
    octets = archive.read(f"data/querylog.{form}")
    if form == "csv":
        return [tuple(row) for row in csv.reader(io.StringIO(octets.decode("utf-8-sig"), newline=""))][1:]
    if form == "jsonl":
        return [tuple(json.loads(each).values()) for each in octets.splitlines()]
    if form == "xlsx":
        rows = openpyxl.load_workbook(io.BytesIO(octets)).active.iter_rows(min_row=2, values_only=True)
        return [tuple("" if cell is None else str(cell) for cell in row) for row in rows]
    path = folder / "read.parquet"
    path.write_bytes(octets)
    found = duckdb.read_parquet(str(path))
    assert tuple(found.columns) == COLUMNS
    return [tuple(map(str, row)) for row in found.fetchall()]


@pytest.mark.parametrize("form", ["csv", "jsonl", "xlsx", "parquet"])
def test_each_form_holds_the_lines_as_they_are(bench: Bench, form: str) -> None:
    lines = [
        line("10:00:01", "www.example.org", client="10.0.0.5", device="lab-05", room="214", ms="12.3"),
        line("10:00:02", "games.example.net", client="10.0.0.6", action="block", category="games", list="our-games"),
    ]
    write_segment(bench, *lines, line("10:00:03", "other.example", client="10.9.9.9"))
    with export(bench, "--format", form, "--client", "10.0.0.0/24") as archive:
        rows = read(archive, form, bench.folder)
        manifest = json.loads(archive.read("manifest.json"))
    assert rows == [tuple(each.decode().rstrip("\n").split("\t")) for each in lines]
    assert manifest["rows"] == 2
    assert manifest["filters"] == {"--client": "10.0.0.0/24"}
    assert [column["name"] for column in manifest["columns"]] == list(COLUMNS)


def test_headings_are_in_the_language_of_the_export(bench: Bench) -> None:
    with export(bench, "--language", "ru") as archive:
        first = archive.read("data/querylog.csv").decode("utf-8-sig").splitlines()[0]
        manifest = json.loads(archive.read("manifest.json"))
    assert first.count(";") == len(COLUMNS) - 1
    assert manifest["form"]["delimiter"] == ";"
    assert manifest["form"]["decimal"] == ","


def test_look_and_export_are_on_record(bench: Bench) -> None:
    export(bench, "--device", "lab-05").close()
    access, exported = records(bench, Kind.ACCESS, Kind.EXPORT)
    assert access.body["what"] == "log export"
    asked = {"--from": "2026-09-02", "--to": "2026-09-02", "--device": "lab-05", "--format": "csv"}
    assert access.private == {"asked": asked}
    assert {key: exported.body[key] for key in ("what", "format", "rows", "access", "reason")} == {
        "what": "log", "format": "csv", "rows": 2, "access": access.number, "reason": WHY[1],
    }  # fmt: skip
    assert exported.private == {"filters": {"--device": "lab-05"}}


def test_it_says_what_was_written_by_which_key_and_where_the_chain_stands(bench: Bench) -> None:
    out = bench.folder / "out.zip"
    printed = bench.done("log", "export", *PERIOD, *WHY, "--output", str(out))
    assert f"Written: {out}" in printed
    assert "Queries: 4" in printed
    assert "SHA256:" in printed
    assert "Head of the journal: 3:" in printed


def test_without_output_the_file_is_named_by_its_days(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bench.folder)
    bench.done("log", "export", "--from", "2026-09-01", "--to", "2026-09-30 12:00", *WHY)
    assert (bench.folder / "log-2026-09-01_2026-09-30.zip").is_file()


@pytest.mark.parametrize("period", [(), ("--from", "2026-09-02"), ("--to", "2026-09-02")])
def test_the_period_has_to_be_given(bench: Bench, period: tuple[str, ...]) -> None:
    assert "expected the period" in bench.refused(2, "log", "export", *period, *WHY)


def test_an_export_is_never_written_over(bench: Bench) -> None:
    out = bench.folder / "out.zip"
    out.write_bytes(b"evidence")
    assert "found one" in bench.refused(1, "log", "export", *PERIOD, *WHY, "--output", str(out))
    assert out.read_bytes() == b"evidence"
    assert records(bench, Kind.ACCESS) == []


@pytest.mark.parametrize(
    "place", ["journal.exporting.export.sign_head", "journal.exporting.export_package.Package.sums"]
)
def test_what_fails_leaves_no_file(bench: Bench, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(place, full)
    folder = bench.folder / "stick"
    folder.mkdir()
    told = bench.refused(1, "log", "export", *PERIOD, *WHY, "--output", str(folder / "out.zip"))
    assert "No space left" in told
    assert list(folder.iterdir()) == []
    assert not list((bench.folder / "var" / "tmp").iterdir())


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_nobody_else_may_read_what_is_confidential(
    tmp_path: Path, umask: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", lambda _descriptor, user, group: given.append((user, group)))
    monkeypatch.setenv("SUDO_UID", "1000")
    monkeypatch.setenv("SUDO_GID", "1001")
    path = tmp_path / "log.zip"
    with confidential(path) as file:
        file.write(b"data")
        [aside] = tmp_path.iterdir()
        assert aside != path
        assert stat.S_IMODE(aside.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == b"data"
    assert given == [(1000, 1001)]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("user", [None, "", "somebody"])
def test_without_a_person_behind_sudo_it_stays_roots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: str | None
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.delenv("SUDO_UID", raising=False)
    if user is not None:
        monkeypatch.setenv("SUDO_UID", user)
    with confidential(tmp_path / "log.zip") as file:
        file.write(b"data")
    assert (tmp_path / "log.zip").stat().st_uid == os.getuid()


def test_a_memory_stick_without_owners_is_written_to_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_arguments: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_UID", "1000")
    monkeypatch.setattr(os, "fchown", refused)
    with confidential(tmp_path / "log.zip") as file:
        file.write(b"data")
    assert (tmp_path / "log.zip").read_bytes() == b"data"


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "log.zip").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError), confidential(tmp_path / "log.zip"):
        raise AssertionError("nothing is written")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("output", "status", "told"),
    [("missing/out.zip", 1, "missing: No such file"), ("out.txt", 2, "ends in .zip"), ("out", 2, "ends in .zip")],
)
def test_a_place_where_nothing_can_be_written_is_refused_before_the_look(
    bench: Bench, output: str, status: int, told: str
) -> None:
    place = ("--output", str(bench.folder / output))
    assert told in bench.refused(status, "log", "export", "--today", *WHY, *place)
    assert told in bench.refused(status, "journal", "export", "--month", "2026-09", *WHY, *place)
    assert records(bench, Kind.ACCESS, Kind.EXPORT) == []
