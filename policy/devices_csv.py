"""Devices as a table that people keep in a spreadsheet: CSV written, and read back whatever program has saved it."""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from policy.devices import Device
from translations import _

COLUMNS = ("id", "title", "group", "room", "address", "mac", "note")

_WORDS = {
    "id": "id",
    "идентификатор": "id",
    "title": "title",
    "атауы": "title",
    "аталуы": "title",
    "аталышы": "title",
    "название": "title",
    "group": "group",
    "топ": "group",
    "тобы": "group",
    "группа": "group",
    "room": "room",
    "кабинет": "room",
    "address": "address",
    "мекенжай": "address",
    "мекенжайы": "address",
    "дарек": "address",
    "дареги": "address",
    "адрес": "address",
    "mac": "mac",
    "mac-мекенжай": "mac",
    "mac-дарек": "mac",
    "mac-адрес": "mac",
    "note": "note",
    "ескертпе": "note",
    "эскертүү": "note",
    "примечание": "note",
}
"""Column by how its heading is written in four languages: a table is read whatever language is in use."""
_DELIMITERS = ",;\t"
"""Excel writes a semicolon where the comma stands in numbers, as in Kazakh, Kyrgyz and Russian."""
_BETWEEN = re.compile(r"[\s,;]+")
"""What may stand between the addresses of one cell."""
_FORMULA = re.compile(r"'*[=+@-]")
"""What a spreadsheet takes for a formula, and what of it was made harmless before."""
_GUARDED = re.compile(r"'+[=+@-]")


@dataclass(frozen=True, slots=True)
class Row:
    """One device as the table has it."""

    line: int
    """Its number in the file."""
    cells: Mapping[str, str]
    """By column; only columns that the table has."""
    fault: str = ""
    """What is wrong with the form of the line, in words."""

    def values(self, column: str) -> tuple[str, ...] | None:
        """Return the texts of a cell that may hold several; None if there is no such column."""
        cell = self.cells.get(column)
        return None if cell is None else tuple(filter(None, _BETWEEN.split(cell)))


def read_table(text: str) -> list[Row]:
    """Return the rows; empty ones are left out. Raises ValueError for what is no table of devices."""
    bare = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    headings = bare.partition("\n")[0]
    reader = csv.reader(io.StringIO(bare, newline=""), delimiter=max(_DELIMITERS, key=headings.count))
    try:
        columns = _columns(next(reader, []))
        return [_row(reader.line_num, columns, cells) for cells in reader if any(map(str.strip, cells))]
    except csv.Error as error:
        expected = _("line {line}: expected cells of a table, found what cannot be read: {error}")
        raise ValueError(expected.format(line=reader.line_num, error=error)) from None


def write_table(devices: Iterable[Device], delimiter: str = ",") -> str:
    """Return devices as a table that `read_table` reads. What a spreadsheet would take for a formula is guarded."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(COLUMNS)
    for device in devices:
        group, room = device.group or "", device.room or ""
        cells = (device.id, device.title, group, room, " ".join(device.addresses), " ".join(device.macs), device.note)
        writer.writerow([f"'{cell}" if _FORMULA.match(cell) else cell for cell in cells])
    return out.getvalue()


def _columns(headings: list[str]) -> list[str]:
    """Return the columns in the order of the table. Raises ValueError."""
    known = ", ".join(COLUMNS)
    columns = [_WORDS.get(heading.strip().lower(), "") for heading in headings]
    strange = [heading for heading, column in zip(headings, columns, strict=True) if not column and heading.strip()]
    if strange or "id" not in columns:
        expected = _("line 1: expected the headings {known}, of which id is needed; found {found}")
        found = ", ".join(repr(heading[:40]) for heading in (strange or headings)) or "-"
        raise ValueError(expected.format(known=known, found=found))
    twice = sorted({column for column in columns if column and columns.count(column) > 1})
    if twice:
        expected = _("line 1: expected each heading once, found {found} more than once")
        raise ValueError(expected.format(found=", ".join(twice)))
    return columns


def _row(line: int, columns: list[str], cells: list[str]) -> Row:
    """Return a row. Excel leaves empty cells at the end of a row out, or adds some."""
    filled = [*cells, *[""] * (len(columns) - len(cells))]
    surplus = [cell for cell in filled[len(columns) :] if cell.strip()]
    fault = ""
    if surplus:
        expected = _(
            "expected {count} cells as in the first line, found more: {cells}. A comma inside a cell needs quotation "
            "marks."
        )
        fault = expected.format(count=len(columns), cells=", ".join(repr(cell[:40]) for cell in surplus))
    return Row(line, {column: _plain(cell) for column, cell in zip(columns, filled, strict=False) if column}, fault)


def _plain(cell: str) -> str:
    text = cell.strip()
    return text[1:] if _GUARDED.match(text) else text
