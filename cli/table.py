"""Plain columns and JSON: how every listing of policy is printed."""

import json
from collections.abc import Iterable, Sequence

import click

from cli.printable import printable

GAP = "  "


def columns(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table, each column as wide as its widest cell; no cell acts on the terminal."""
    table = [tuple(headings), *(tuple(map(printable, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table to stdout."""
    click.echo("\n".join(columns(headings, rows)))


def print_json(value: object) -> None:
    """Print a value as JSON to stdout, letters as people read them."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
