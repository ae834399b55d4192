"""Sums of queries as people see them: a table, with bars whose red end is what was blocked."""

import json
from collections.abc import Sequence
from typing import get_args

from rich.cells import cell_len
from rich.text import Text

from cli.amounts import number
from cli.log_words import heading
from cli.printable import printable
from cli.terminal import Terminal
from journal.archiving.statistics import By, Top
from translations import _

BY: tuple[By, ...] = get_args(By)
"""What sums are made by."""
_BAR = 40
"""Cells of the longest bar."""


def print_sums(sums: Sequence[Top], by: str, *, as_json: bool) -> None:
    """Print sums by a column; on a terminal with bars."""
    terminal = Terminal()
    if as_json:
        for each in sums:
            value = {by: each.value, "queries": each.queries, "blocked": each.blocked}
            terminal.print(Text(json.dumps(value, ensure_ascii=False), end=""))
        return
    if not sums:
        terminal.say(_("No queries."))
        return
    headings = (heading(by).upper(), _("QUERIES"), _("BLOCKED"), "%")
    rows = [
        (_shown(each.value, by) or _("(none)"), number(each.queries), number(each.blocked), _share(each))
        for each in sums
    ]
    widths = [max(map(cell_len, column)) for column in zip(headings, *rows, strict=True)]
    most = max(each.queries for each in sums)
    terminal.say(_row(headings, widths).rstrip())
    for each, row in zip(sums, rows, strict=True):
        line = Text(_row(row, widths), end="")
        if terminal.is_terminal:
            line.append(_bar(each, most))
        line.rstrip()
        terminal.print(line)


def _shown(value: str, by: str) -> str:
    """Return a value as people read it; hours stand in the log's counts as `2026-09-02T10`."""
    return f"{value.replace('T', ' ')}:00" if by == "hour" else printable(value)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = cells
    padded = first + " " * (widths[0] - cell_len(first))
    return "  ".join([padded, *(each.rjust(width) for each, width in zip(others, widths[1:], strict=True)), ""])


def _share(each: Top) -> str:
    """Return how many of a hundred were blocked."""
    return f"{100 * each.blocked / each.queries:.1f}" if each.queries else ""


def _bar(each: Top, most: int) -> Text:
    whole = max(1, round(_BAR * each.queries / most))
    blocked = min(whole, round(_BAR * each.blocked / most))
    return Text.assemble(("█" * (whole - blocked), "green"), ("█" * blocked, "red"))
