"""The data of an export, as other programs read them: nothing lost, nothing that a spreadsheet would run."""

import csv
import io
import json
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

import duckdb
import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import journal.exporting.export_data as module
from journal.exporting.export_data import Column, Format, data_of, inert, parquet_data
from journal.exporting.export_package import Package
from tests.journal.exports import COLUMNS
from translations import LANGUAGES, spoken

HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    '=HYPERLINK("http://example.org")',
]


def filled(form: Format, rows: Sequence[Sequence[str]], columns: Sequence[Column] = COLUMNS, batch: int = 2) -> bytes:
    """Return the data that are made of rows."""
    out = io.BytesIO()
    batches = [rows[at : at + batch] for at in range(0, len(rows), batch)]
    with TemporaryDirectory() as folder:
        data = data_of(form, "querylog", columns, batches, Path(folder))
        assert data.path == f"data/querylog.{form}"
        assert data.fill(out) == len(rows)
        assert list(Path(folder).iterdir()) == []
    return out.getvalue()


def read_csv(octets: bytes, delimiter: str) -> list[list[str]]:
    assert octets.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(octets.decode("utf-8-sig"), newline=""), delimiter=delimiter))


# What the csv module itself reads back as it was: it takes a lone CR in quotes too.
cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | st.sampled_from(HOSTILE)
rows_of_cells = st.lists(st.tuples(cells, cells, cells, cells), max_size=5)


@given(rows_of_cells)
@example([tuple(HOSTILE[:4])])
def test_csv_comes_back_as_it_was_but_for_the_apostrophe_before_formulas(rows: list[tuple[str, ...]]) -> None:
    found = read_csv(filled(Format.CSV, rows), ",")
    assert found[0] == ["time", "room", "name", "ms"]
    assert [tuple(row) for row in found[1:]] == [tuple(map(inert, row)) for row in rows]
    assert all(cell[:1] not in set("=+-@\t\r\n") for row in found for cell in row if cell)


@pytest.mark.parametrize("cell", HOSTILE)
@pytest.mark.parametrize("form", [Format.CSV, Format.XLSX])
def test_no_spreadsheet_runs_what_stands_in_a_cell(cell: str, form: Format) -> None:
    """A device or a room can be called anything by whoever may change them; so can an incident's note."""
    octets = filled(form, [(cell, cell, cell, cell)])
    if form is Format.CSV:
        assert read_csv(octets, ",")[1] == ["'" + cell] * 4
        return
    row = next(openpyxl.load_workbook(io.BytesIO(octets)).active.iter_rows(min_row=2))
    assert [each.data_type for each in row] == ["s"] * 4
    assert all(each.hyperlink is None for each in row)
    assert [each.value.replace("_x000D_", "\r") for each in row] == [cell] * 4


def test_an_apostrophe_is_put_only_where_it_is_needed() -> None:
    assert [inert(each) for each in ("", "a-b", "1.5", "xn--p1ai", "'=x", "10.0.0.5", "::1")] == [
        "", "a-b", "1.5", "xn--p1ai", "'=x", "10.0.0.5", "::1",
    ]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_csv_is_as_excel_of_that_country_takes_it_apart(language: str) -> None:
    """With a decimal point, Excel in Russian would make the 12th of March of 12.3."""
    with spoken(language):
        octets = filled(Format.CSV, [("t", "a;b,c", 'say "x"', "12.3")])
        form = data_of(Format.CSV, "querylog", COLUMNS, [], Path()).form
    delimiter, number = (",", "12.3") if language == "en" else (";", "12,3")
    assert read_csv(octets, delimiter)[1] == ["t", "a;b,c", 'say "x"', number]
    assert (form["delimiter"], form["decimal"]) == (delimiter, number[2])
    assert octets.count(b"\r\n") == octets.count(b"\n") == 2


@given(rows_of_cells)
def test_json_lines_hold_every_text_as_it_is(rows: list[tuple[str, ...]]) -> None:
    *lines, rest = filled(Format.JSONL, rows).split(b"\n")
    found = [json.loads(line) for line in lines]
    assert rest == b""
    assert found == [dict(zip(("time", "room", "name", "ms"), row, strict=True)) for row in rows]


plain = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=12)


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(plain.filter(bool), plain, plain, st.sampled_from(["", "0.1", "12.3", "1e5", "-1", "007"])),
        max_size=5,
    )
)
def test_xlsx_is_read_by_another_program_as_it_was(rows: list[tuple[str, ...]]) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(filled(Format.XLSX, rows))).active
    found = list(sheet.iter_rows(values_only=True))
    assert found[0] == ("time", "room", "name", "ms")
    assert len(found) == len(rows) + 1
    for row, expected in zip(found[1:], rows, strict=True):
        numbers = {"0.1": 0.1, "12.3": 12.3, "007": 7}
        wanted = (*(cell or None for cell in expected[:3]), numbers.get(expected[3], expected[3] or None))
        assert row == wanted


def test_xlsx_goes_on_in_a_new_sheet_where_one_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SHEET_ROWS", 4)
    octets = filled(Format.XLSX, [(str(at), "", "x", "") for at in range(7)], batch=5)
    book = openpyxl.load_workbook(io.BytesIO(octets))
    found = [[row[0] for row in sheet.iter_rows(values_only=True)] for sheet in book.worksheets]
    assert found == [["time", "0", "1", "2"], ["time", "3", "4", "5"], ["time", "6"]]


def test_a_text_too_long_for_a_cell_is_cut_and_says_so() -> None:
    octets = filled(Format.XLSX, [("t", "x" * 40_000, "", "")])
    cell = openpyxl.load_workbook(io.BytesIO(octets)).active["B2"].value
    assert len(cell) == 32_767
    assert cell.endswith("x…")


@pytest.mark.parametrize("form", [Format.CSV, Format.JSONL, Format.XLSX])
def test_no_rows_are_an_export_too(form: Format) -> None:
    octets = filled(form, [])
    if form is Format.CSV:
        assert read_csv(octets, ",") == [["time", "room", "name", "ms"]]
    elif form is Format.JSONL:
        assert octets == b""
    else:
        assert [row[0].value for row in openpyxl.load_workbook(io.BytesIO(octets)).active.iter_rows()] == ["time"]


@pytest.mark.parametrize("form", [Format.CSV, Format.JSONL, Format.XLSX])
def test_what_is_no_unicode_does_not_stop_an_export(form: Format) -> None:
    """A text of a damaged database may hold half of a surrogate pair."""
    assert b"\\udcff" in filled(form, [("t", "a\udcff", "", "")]) or form is Format.XLSX


@pytest.mark.parametrize("form", [Format.CSV, Format.JSONL, Format.XLSX])
def test_memory_does_not_grow_with_the_rows(form: Format, tmp_path: Path) -> None:
    """The rows alone would take some 8 MB if they were kept."""
    row = ("2026-09-02T10:15:30.250+05:00", "room-214", "www.example.org", "12.3")
    batches = ([tuple(f"{cell}{number}" for cell in row) for number in range(200)] for _batch in range(80))
    with (tmp_path / "data").open("wb") as out, ZipFile(out, "w") as archive:
        data = data_of(form, "querylog", COLUMNS, batches, tmp_path)
        tracemalloc.start()
        try:
            rows = Package(archive).stream(data)
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert rows == 16_000
    assert peak < 2 << 20


def test_parquet_is_copied_whole_and_nothing_stays_behind(tmp_path: Path) -> None:
    def copy(path: Path) -> int:
        duckdb.sql(f"COPY (SELECT 'a' AS name UNION ALL SELECT '=b') TO '{path}' (FORMAT parquet)")
        return 2

    out = io.BytesIO()
    assert parquet_data("querylog", copy, tmp_path).fill(out) == 2
    assert list(tmp_path.iterdir()) == []
    kept = tmp_path / "kept.parquet"
    kept.write_bytes(out.getvalue())
    found = duckdb.read_parquet(str(kept)).fetchall()
    assert sorted(found) == [("=b",), ("a",)]
