"""`journal export`: the incidents of a month as a zip that other people's programs read, check and prove."""

import csv
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import openpyxl
import pytest

from journal.exporting.export_data import Column
from journal.exporting.incident_table import incident_columns
from storage.evidence import Kind
from tests.cli.installation import Bench
from tests.cli.journal_scene import Journal, school

WHY = ("--reason", "meeting of the commission")
SPOKE = {"text": "spoke with the pupil", "measures": "none"}
Scene = tuple[Bench, Journal, list[int]]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Two incidents in November, one of them reviewed; one in October."""
    with school(tmp_path, monkeypatch) as (bench, journal):
        at = datetime(2026, 11, 3, 5, tzinfo=UTC)
        first = journal.enter(at, id="2026-11-0001", first="2026-11-03T10:00:00.000+05:00")
        second = journal.enter(at, id="2026-11-0002", first="2026-11-30T23:59:00.000+05:00", room="=cmd()")
        other = journal.enter(at, id="2026-10-0001", first="2026-10-31T10:00:00.000+05:00")
        review = journal.add(Kind.REVIEW, {"incident": first}, private=SPOKE)
        correction = journal.add(Kind.CORRECTION, {"corrects": review}, private={"text": "with two pupils"})
        yield bench, journal, [first, second, other, review, correction]


def export(bench: Bench, *arguments: str, name: str = "out.zip") -> zipfile.ZipFile:
    out = bench.folder / name
    bench.done("journal", "export", *WHY, "--output", str(out), *arguments)
    return zipfile.ZipFile(out)


def table(archive: zipfile.ZipFile, form: str) -> list[dict[str, str]]:
    """Return the rows as a program that is not ours reads them."""
    names = [column.name for column in incident_columns()]
    octets = archive.read(f"data/journal.{form}")
    if form == "jsonl":
        return [json.loads(line) for line in octets.splitlines()]
    if form == "csv":
        rows = list(csv.reader(io.StringIO(octets.decode("utf-8-sig"), newline="")))
        return [dict(zip(names, row, strict=True)) for row in rows[1:]]
    cells = openpyxl.load_workbook(io.BytesIO(octets)).active.iter_rows(min_row=2, values_only=True)
    return [dict(zip(names, ("" if cell is None else str(cell) for cell in row), strict=True)) for row in cells]


@pytest.mark.parametrize("form", ["csv", "jsonl", "xlsx"])
def test_each_form_holds_the_incidents_of_the_month_with_what_was_done(scene: Scene, form: str) -> None:
    bench, _journal, (*_others, review, _correction) = scene
    with export(bench, "--month", "2026-11", "--format", form) as archive:
        first, second = table(archive, form)
        manifest = json.loads(archive.read("manifest.json"))
    assert (first["number"], second["number"]) == ("2026-11-0001", "2026-11-0002")
    [reviewed] = first["reviews"].split("; ")
    said = f"record {review} schoolfilter review: spoke with the pupil, measures: none"
    if form != "jsonl":
        said = f"schoolfilter, review: spoke with the pupil, measures: none (record {review})"
    assert reviewed.endswith(f"+05:00 {said}")
    assert (first["entered"], first["first"]) == ("2026-11-03T10:00:00.000+05:00", "2026-11-03T10:00:00.000+05:00")
    assert first["state"] == "reviewed"
    assert first["client"]
    assert second["room"] == ("'=cmd()" if form == "csv" else "=cmd()")
    assert (manifest["what"], manifest["rows"], manifest["from"], manifest["to"]) == (
        "journal",
        2,
        "2026-11-01",
        "2026-11-30",
    )


def test_each_entry_stands_for_itself_and_a_report_of_the_last_evening_is_of_its_day(scene: Scene) -> None:
    bench, journal, (_first, second, *_rest) = scene
    journal.add(Kind.REVIEW, {"incident": second}, private=SPOKE)
    journal.add(Kind.CLOSED, {"incident": second}, private={"text": "a talk"})
    # By the clock of the log it is 31 October, by that of the school 1 November.
    journal.enter(id="2026-11-0003", first="2026-10-31T20:30:00.000+00:00", last="damaged")
    with export(bench, "--month", "2026-11") as archive:
        _one, told, reported = table(archive, "csv")
    assert [entry.split(" ", 1)[1].rpartition(" (")[0] for entry in told["reviews"].split("; ")] == [
        "schoolfilter, review: spoke with the pupil, measures: none",
        "schoolfilter, closed: a talk",
    ]
    assert (reported["first"], reported["last"]) == ("2026-11-01T01:30:00.000+05:00", "damaged")


def test_strangers_tools_find_it_whole_and_the_proof_shows_what_it_is_about(scene: Scene) -> None:
    bench, journal, (first, second, other, review, correction) = scene
    folder = bench.folder / "unpacked"
    with export(bench, "--month", "2026-11") as archive:
        archive.extractall(folder)
    for command in ([sys.executable, "-I", "check.py"], ["sha256sum", "--strict", "-c", "SHA256SUMS"]):
        result = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        assert result.returncode == 0, result.stdout
    lines = [json.loads(line) for line in (folder / "chain" / "proof.jsonl").read_text().splitlines()]
    shown = {line["number"] for line in lines if "body" in line}
    access, exported = journal.records(Kind.ACCESS, Kind.EXPORT)
    assert shown == {first, second, review, correction, access.number, exported.number}
    assert other not in shown
    assert exported.body["manifest"] == sha256((folder / "manifest.json").read_bytes()).hexdigest()
    assert access.body == {"what": "journal export", "reason": "meeting of the commission"}
    assert bench.done("journal", "verify")


REPORT = {
    "id": "2026-11-0009", "rule": "report", "severity": "", "category": "gambling", "audience": "responsible",
    "room": "", "group": "pupils", "lesson": "", "first": "2026-11-05T10:00:00.000+05:00",
    "last": "2026-11-05T10:00:00.000+05:00", "queries": 0, "names": 1, "signs": [], "name": "casino.example",
    "decided": "allow",
}  # fmt: skip


def full_report(journal: Journal) -> tuple[int, int, int, int, int]:
    """Enter a report of which everything is known; return its records."""
    at = datetime(2026, 11, 5, 5, tzinfo=UTC)
    report = journal.add(Kind.REPORTED, REPORT, at, private={"by": "Omarov B.", "note": "roulette"})
    told = {"incident": report, "contact": "Asanova A.", "role": "responsible", "channel": "mail"}
    failed = journal.add(Kind.TOLD, {**told, "arrived": False, "text": "no answer in time"}, at)
    arrived = journal.add(Kind.TOLD, {**told, "arrived": True, "text": ""}, at)
    review = journal.add(Kind.REVIEW, {"incident": report}, at, private={"text": "closed it", "measures": ""})
    correction = journal.add(
        Kind.CORRECTION, {"incident": report, "corrects": review}, at, private={"text": "another site"}
    )
    return report, failed, arrived, review, correction


def test_who_reported_who_was_told_and_what_was_corrected_stand_there_in_codes_for_programs(scene: Scene) -> None:
    bench, journal, _numbers = scene
    _report, failed, arrived, review, correction = full_report(journal)
    with export(bench, "--month", "2026-11", "--format", "jsonl") as archive:
        row = table(archive, "jsonl")[-1]
    moment = "2026-11-05T10:00:00.000+05:00"
    assert (row["reporter"], row["note"]) == ("Omarov B.", "roulette")
    assert (row["rule"], row["category"], row["state"], row["asked"]) == (
        "report", "gambling", "reviewed", "casino.example",
    )  # fmt: skip
    assert row["told"].split("; ") == [
        f"{moment} record {failed} mail responsible Asanova A.: not arrived, no answer in time",
        f"{moment} record {arrived} mail responsible Asanova A.: arrived",
    ]
    assert row["reviews"].split("; ") == [
        f"{moment} record {review} schoolfilter review: closed it",
        f"{moment} record {correction} schoolfilter correction of record {review}: another site",
    ]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_who_reported_who_was_told_and_what_was_corrected_stand_there_in_words_for_people(
    scene: Scene, form: str
) -> None:
    bench, journal, _numbers = scene
    _report, failed, arrived, review, correction = full_report(journal)
    with export(bench, "--month", "2026-11", "--format", form) as archive:
        row = table(archive, form)[-1]
    moment = "2026-11-05T10:00:00.000+05:00"
    assert (row["reporter"], row["note"]) == ("Omarov B.", "roulette")
    assert (row["rule"], row["category"]) == ("reported site", "Gambling")
    assert row["told"].split("; ") == [
        f"{moment} Asanova A. (responsible person), mail: did not arrive: no answer in time (record {failed})",
        f"{moment} Asanova A. (responsible person), mail: arrived (record {arrived})",
    ]
    assert row["reviews"].split("; ") == [
        f"{moment} schoolfilter, review: closed it (record {review})",
        f"{moment} schoolfilter, correction of record {review}: another site (record {correction})",
    ]


@pytest.mark.parametrize("tongue", ["kk", "ky", "ru"])
def test_people_read_no_code_in_their_language_and_programs_the_same_in_all(scene: Scene, tongue: str) -> None:
    bench, _journal, _numbers = scene
    codes = {"deliberate-attempt", "harmful", "gambling", "reviewed", "repeated; varied"}
    columns = ("rule", "severity", "category", "state", "signs")
    with export(bench, "--month", "2026-11", "--language", tongue, "--format", "xlsx") as archive:
        row = table(archive, "xlsx")[0]
    with export(bench, "--month", "2026-11", "--language", tongue, "--format", "jsonl", name="2.zip") as archive:
        plain = table(archive, "jsonl")[0]
    assert {plain[column] for column in columns} == codes
    for column in columns:
        assert row[column]
        assert not any(each.isascii() and each.isalpha() for each in row[column])


def test_what_was_erased_leaves_no_reporter_and_no_note(scene: Scene) -> None:
    bench, journal, _numbers = scene
    report, _failed, _arrived, review, _correction = full_report(journal)
    journal.unseal(report)
    journal.unseal(review)
    with export(bench, "--month", "2026-11", "--format", "jsonl") as archive:
        row = table(archive, "jsonl")[-1]
    assert (row["reporter"], row["note"]) == ("", "")
    assert row["reviews"].split("; ")[0].endswith("review: –")


def test_days_may_be_given_instead_of_a_month(scene: Scene) -> None:
    bench, _journal, _numbers = scene
    with export(bench, "--from", "2026-10-31", "--to", "2026-11-29") as archive:
        assert [row["number"] for row in table(archive, "csv")] == ["2026-11-0001", "2026-11-0003"]
    with export(bench, "--from", "2026-01-01", "--to", "2026-01-01", name="none.zip") as archive:
        assert table(archive, "csv") == []


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--month", "2026-13"),
        ("--month", "2026-11", "--from", "2026-11-01"),
        ("--from", "2026-11-01"),
        ("--from", "2026-11-02", "--to", "2026-11-01"),
        ("--month", "0000-01"),
        ("--month", "2999-01"),
        ("--from", "2999-01-01", "--to", "2999-01-02"),
    ],
)
def test_a_period_that_is_none_is_said_to_be(scene: Scene, arguments: tuple[str, ...]) -> None:
    bench, journal, _numbers = scene
    assert "expected" in bench.refused(2, "journal", "export", *WHY, *arguments)
    assert journal.records(Kind.ACCESS) == []


def test_without_a_reason_nothing_is_shown_and_nothing_is_written_over(scene: Scene) -> None:
    bench, journal, _numbers = scene
    assert "--reason" in bench.refused(2, "journal", "export", "--month", "2026-11")
    (bench.folder / "out.zip").write_text("mine")
    text = bench.refused(1, "journal", "export", "--month", "2026-11", *WHY, "--output", str(bench.folder / "out.zip"))
    assert "never written over" in text
    assert (bench.folder / "out.zip").read_text() == "mine"
    assert journal.records(Kind.ACCESS, Kind.EXPORT) == []


def test_columns_have_names_of_their_own() -> None:
    columns: list[Column] = incident_columns()
    assert len({column.name for column in columns}) == len({column.heading for column in columns}) == len(columns)
