"""Lines of the query log as people see them: a table in colour, or one JSON object a line."""

import json
from collections.abc import Callable, Iterable

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from cli.printable import printable
from cli.segments import LogLine
from cli.terminal import Terminal
from policy.decision import Action

_STYLES = {
    Action.ALLOW: "green",
    Action.BLOCK: "red",
    Action.REWRITE: "bold green",
    Action.LOCAL: "cyan",
    Action.REFUSE: "magenta",
    Action.FAIL: "yellow",
}
_WIDEST = 40
"""No column but the last may push the others further than this; the widest address has 39 characters."""

Printer = Callable[[Iterable[LogLine]], None]


def cells(line: LogLine) -> tuple[str, ...]:
    """Return what a person sees of a line. The name comes last: the one thing whose length strangers choose."""
    why = line["reason"]
    if line["category"]:
        why += f":{line['category']}"
    # The offset is the same in every line of a school; the log itself keeps it.
    moment = line["time"][:10] + " " + line["time"][11:23]
    who = line["device"] or line["client"]
    shown = (moment, who, line["group"], line["action"], why, line["rcode"], line["source"], line["ms"], line["type"])
    return (*(printable(cell) for cell in shown), printable(line["name"]))


def layout(row: tuple[str, ...], widths: list[int]) -> str:
    """Return the row with its columns aligned; widens `widths` for the rows to come."""
    *columns, last = row
    for i, cell in enumerate(columns):
        widths[i] = min(max(widths[i], cell_len(cell)), _WIDEST)
    return "  ".join([*(set_cell_size(cell, widths[i]) for i, cell in enumerate(columns)), last])


def table_printer(terminal: Terminal) -> Printer:
    """Return what prints lines as a table in colour, whose columns stay where they are from call to call."""
    widths = [23, 15, 7, 6, 8, 8, 8, 5, 5]

    def print_lines(lines: Iterable[LogLine]) -> None:
        rows = [(line["action"], cells(line)) for line in lines]
        for _action, row in rows:
            layout(row, widths)  # first let the widest cell of the batch speak, then print all alike
        for action, row in rows:
            style = _STYLES[Action(action)] if action in set(Action) else ""
            terminal.print(Text(layout(row, widths), style=style, end=""))

    return print_lines


def json_printer(terminal: Terminal) -> Printer:
    """Return what prints one JSON object a line."""

    def print_lines(lines: Iterable[LogLine]) -> None:
        for line in lines:
            terminal.print(Text(json.dumps(line.as_dict()), end=""))

    return print_lines
