"""The data of an export: rows become CSV, JSON Lines, XLSX or Parquet, whatever their number, in little memory.

CSV is for Excel, which takes lines apart by the habits of its country: where numbers have a comma, a semicolon stands
between columns. So a CSV in Kazakh, Kyrgyz or Russian has semicolons and decimal commas (12.3 would become the 12th of
March), one in English commas and decimal points. A first line `sep=;` would suit each Excel, but break all other
readers, and Excel then reads the letters wrong. What a spreadsheet may take for a formula begins with an apostrophe.
All other forms hold the values as they are.
"""

import csv
import io
import json
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, BinaryIO

from storage.evidence import Body
from translations import language

if TYPE_CHECKING:
    from xlsxwriter.format import Format as Look
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

Batches = Iterable[Sequence[Sequence[str]]]
"""Rows, some thousands at a time."""

_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
"""What a cell begins with that a spreadsheet may take for a formula (OWASP, CSV injection)."""
_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]+)?")
"""Never with a sign, and never more digits than a spreadsheet keeps."""
_SHEET_ROWS = 1_048_576
_CELL = 32_767
"""Characters that a cell of Excel can hold."""
_WIDTHS = {"time": 30, "name": 40}


class Format(StrEnum):
    """What form the data of an export have."""

    CSV = "csv"
    JSONL = "jsonl"
    XLSX = "xlsx"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    """For programs: in JSON Lines and Parquet, and in the manifest."""
    heading: str
    """For people: in CSV and XLSX."""
    number: bool = False


@dataclass(frozen=True, slots=True)
class Data:
    """A file with data, before it is written."""

    path: str
    """Inside the zip."""
    fill: Callable[[BinaryIO], int]
    """Writes it and returns the number of rows."""
    is_packed: bool = False
    """Whether it is small as it is."""
    form: Body = field(default_factory=dict)
    """What a reader has to know."""


def data_of(form: Format, stem: str, columns: Sequence[Column], batches: Batches, staging: Path) -> Data:
    """Return the data in a form, but for Parquet; headings and decimals as the language in use has them.

    `staging`: a folder for what XLSX needs while it is written; only the service's user may look into it.
    """
    path = f"data/{stem}.{form}"
    match form:
        case Format.CSV:
            comma, decimal = _habits()
            said: Body = {"delimiter": comma, "decimal": decimal, "encoding": "utf-8-sig", "apostrophe": "formulas"}
            return Data(path, lambda file: _write_csv(file, columns, batches), form=said)
        case Format.JSONL:
            return Data(path, lambda file: _write_jsonl(file, columns, batches))
        case Format.XLSX:
            return Data(path, lambda file: _write_xlsx(file, stem, columns, batches, staging), is_packed=True)
        case Format.PARQUET:
            raise ValueError("expected a form that is made of rows; Parquet is copied")


def parquet_data(stem: str, copy: Callable[[Path], int], staging: Path) -> Data:
    """Return the data as a Parquet file, which `copy` writes."""

    def fill(file: BinaryIO) -> int:
        with TemporaryDirectory(dir=staging) as folder:
            made = Path(folder) / f"{stem}.parquet"
            rows = copy(made)
            _append(file, made)
        return rows

    return Data(f"data/{stem}.parquet", fill, is_packed=True)


def inert(cell: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in _FORMULA else cell


def _habits() -> tuple[str, str]:
    """Return what stands between columns and in numbers where the language in use is spoken."""
    return (",", ".") if language() == "en" else (";", ",")


def _write_csv(file: BinaryIO, columns: Sequence[Column], batches: Batches) -> int:
    comma, decimal = _habits()
    numbers = [at for at, column in enumerate(columns) if column.number]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=comma)
    file.write(b"\xef\xbb\xbf")
    writer.writerow([inert(column.heading) for column in columns])
    rows = 0
    for batch in batches:
        harmless = [[f"'{cell}" if cell[:1] in _FORMULA else cell for cell in row] for row in batch]
        for at in numbers:
            for cells, row in zip(harmless, batch, strict=True):
                cells[at] = _decimal(row[at], decimal)
        writer.writerows(harmless)
        rows += len(batch)
        file.write(_taken(text))
    file.write(_taken(text))
    return rows


def _taken(text: io.StringIO) -> bytes:
    octets = text.getvalue().encode("utf-8", "backslashreplace")
    text.seek(0)
    text.truncate()
    return octets


def _decimal(cell: str, decimal: str) -> str:
    return cell.replace(".", decimal) if _NUMBER.fullmatch(cell) else inert(cell)


def _write_jsonl(file: BinaryIO, columns: Sequence[Column], batches: Batches) -> int:
    names = [column.name for column in columns]
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    rows = 0
    for batch in batches:
        text = "".join([encode(dict(zip(names, row, strict=True))) + "\n" for row in batch])
        file.write(text.encode("utf-8", "backslashreplace"))
        rows += len(batch)
    return rows


def _write_xlsx(file: BinaryIO, stem: str, columns: Sequence[Column], batches: Batches, staging: Path) -> int:
    from xlsxwriter.workbook import Workbook

    with TemporaryDirectory(dir=staging) as folder:
        made = Path(folder) / f"{stem}.xlsx"
        # Row by row to the disk; a text is a text, whatever it begins with.
        options = {"constant_memory": True, "tmpdir": folder, "strings_to_urls": False, "strings_to_formulas": False}
        rows = 0
        with Workbook(str(made), {**options, "use_zip64": True}) as book:
            bold = book.add_format({"bold": True})
            sheet, at = None, _SHEET_ROWS
            for batch in batches:
                for row in batch:
                    if sheet is None or at >= _SHEET_ROWS:
                        sheet, at = _sheet(book, columns, bold), 1
                    for place, cell in enumerate(row):
                        if columns[place].number and _NUMBER.fullmatch(cell):
                            sheet.write_number(at, place, float(cell))
                        elif cell:
                            sheet.write_string(at, place, _fitting(cell))
                    at += 1
                rows += len(batch)
            if sheet is None:
                _sheet(book, columns, bold)
        _append(file, made)
    return rows


def _sheet(book: "Workbook", columns: Sequence[Column], bold: "Look") -> "Worksheet":
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 0)
    for place, column in enumerate(columns):
        sheet.set_column(place, place, _WIDTHS.get(column.name, 14))
        sheet.write_string(0, place, column.heading, bold)
    return sheet


def _fitting(cell: str) -> str:
    """Return a text that fits into a cell; xlsxwriter leaves out a longer one altogether."""
    safe = cell.encode("utf-8", "backslashreplace").decode()
    return safe if len(safe) <= _CELL else f"{safe[: _CELL - 1]}…"


def _append(file: BinaryIO, made: Path) -> None:
    with made.open("rb") as source:
        shutil.copyfileobj(source, file, 1 << 20)
