"""Tables as text (CSV): what Excel and LibreOffice save is read, and what is written they open as it is meant."""

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from timetables.errors import BadTable
from timetables.words import COLUMNS, meanings, plain
from translations import _

T = TypeVar("T")
V = TypeVar("V")

MAX_BYTES = 2 * 1024 * 1024
MAX_ROWS = 10_000
MAX_PROBLEMS = 50
"""So many are told; who has more has the wrong file."""

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""Begins what a spreadsheet would calculate, or what we marked as none: written behind an apostrophe."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table."""

    line: int
    """Where it begins in the file; the first is 1."""
    cells: Mapping[str, str]
    """By column; those that the file does not have are missing."""
    fault: str = ""
    """What is wrong with the line as such."""

    def text(self, column: str) -> str:
        """Return a cell; empty if the file has no such column."""
        return self.cells.get(column, "")

    def read(self, column: str, parse: Callable[[str], V]) -> V:
        """Return what a cell means. Raises ValueError, which names the column, if `parse` does."""
        try:
            return parse(self.text(column))
        except ValueError as error:
            raise ValueError(
                _("column {column}: {problem}").format(column=COLUMNS[column][0], problem=error)
            ) from error

    def maybe(self, column: str, parse: Callable[[str], V]) -> V | None:
        """Return what a cell means; None for an empty one."""
        return self.read(column, parse) if self.text(column) else None


def read_rows(data: bytes, columns: Collection[str], required: Collection[str]) -> list[Row]:
    """Return the lines of a table with a header row, which may be in any of the four languages.

    Raises BadTable, also for a column that nobody knows: what stands in it would be lost.
    """
    text = _decoded(data)
    words = meanings({column: COLUMNS[column] for column in columns})
    header, delimiter = _header(text, words)
    found = [words.get(plain(cell), "") for cell in header]
    _check_header(header, found, columns, required)
    problems: list[str] = []
    rows = []
    for line, cells in islice(_lines(text, delimiter, problems), 1, None):
        if not any(cells):
            continue
        fault = ""
        if any(cells[len(header) :]):
            fault = _("expected at most {expected} cells, as in the header, found {found}")
            fault = fault.format(expected=len(header), found=len(cells))
        rows.append(Row(line, {column: cell for column, cell in zip(found, cells, strict=False) if column}, fault))
        if len(rows) > MAX_ROWS:
            problems.append(_problem(line, _("expected at most {most} lines").format(most=MAX_ROWS)))
            break
    _raise(problems)
    return rows


def converted(rows: Iterable[Row], convert: Callable[[Row], T]) -> list[T]:
    """Return what each row means. Raises BadTable with all lines for which `convert` raises ValueError."""
    values = []
    problems = []
    for row in rows:
        if row.fault:
            problems.append(_problem(row.line, row.fault))
            continue
        try:
            values.append(convert(row))
        except ValueError as error:
            problems.append(_problem(row.line, str(error)))
    _raise(problems)
    return values


def written(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> bytes:
    """Return a table as UTF-8 with its mark and semicolons: Excel in Kazakhstan and Kyrgyzstan opens it as columns."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS[column][0] for column in columns)
    for row in rows:
        writer.writerow(_shown(row.get(column, "")) for column in columns)
    return out.getvalue().encode("utf-8-sig")


def _decoded(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        text = _("expected a table of at most {most} MB, found {found}")
        raise BadTable(text.format(most=MAX_BYTES >> 20, found=f"{len(data) / (1 << 20):.1f}"))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        text = _("expected UTF-8; save the table as 'CSV UTF-8' and read it again")
        raise BadTable(_problem(line, text)) from error


def _header(text: str, words: Mapping[str, str]) -> tuple[list[str], str]:
    """Return the header row and the delimiter by which more of it is known."""
    headers = {each: next((cells for _, cells in _lines(text, each, [])), []) for each in ",;"}
    delimiter = max(headers, key=lambda each: sum(plain(cell) in words for cell in headers[each]))
    return headers[delimiter], delimiter


def _check_header(header: list[str], found: list[str], columns: Collection[str], required: Collection[str]) -> None:
    known = ", ".join(COLUMNS[column][0] for column in columns)
    problems = [
        _("expected the columns {known}, found {cell!r}").format(known=known, cell=cell[:80])
        for cell, column in zip(header, found, strict=True)
        if cell and not column
    ]
    problems += [
        _("expected the column {column!r} once, found it twice").format(column=COLUMNS[column][0])
        for column in columns
        if found.count(column) > 1
    ]
    problems += [
        _("expected a column {column!r} in the first line, found none").format(column=COLUMNS[column][0])
        for column in required
        if column not in found
    ]
    _raise([_problem(1, problem) for problem in problems])


def _lines(text: str, delimiter: str, problems: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line and its cells; what ends the reading goes to `problems`."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            problems.append(
                _problem(line, _("expected cells, with quotation marks in pairs, found {error}").format(error=error))
            )
            return
        if cells is None:
            return
        yield line, [_meant(cell.strip()) for cell in cells]


def _shown(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _meant(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _problem(line: int, problem: str) -> str:
    return _("line {line}: {problem}").format(line=line, problem=problem)


def _raise(problems: list[str]) -> None:
    if len(problems) > MAX_PROBLEMS:
        more = _("and {count} more").format(count=len(problems) - MAX_PROBLEMS)
        raise BadTable(*problems[:MAX_PROBLEMS], more)
    if problems:
        raise BadTable(*problems)
