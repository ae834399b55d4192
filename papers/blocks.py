"""What papers are told in, one block below the other: sections, facts, tables, sentences (templates/blocks.typ)."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from papers.press import Value

WIDTH = 170
"""Of the text on a page, in millimetres: the columns of a table make as much."""

Block = dict[str, Value]


class Column(NamedTuple):
    """A column of a table."""

    words: str
    width: int
    """In millimetres."""
    right: bool = False
    """Numbers stand below each other by their last digit."""


def section(words: str) -> Block:
    """Return the heading of what follows."""
    return {"kind": "section", "words": words}


def sentence(words: str) -> Block:
    """Return a paragraph."""
    return {"kind": "text", "words": words}


def lines(count: int) -> Block:
    """Return lines to write on."""
    return {"kind": "lines", "count": count}


def warning(words: str, meaning: str) -> Block:
    """Return a mark that nobody overlooks, with what it means."""
    return {"kind": "mark", "words": words, "meaning": meaning}


def facts(rows: Iterable[tuple[str, str]]) -> Block:
    """Return rows of label and text."""
    return {"kind": "facts", "rows": [{"label": label, "text": text} for label, text in rows]}


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> Block:
    """Return a table whose head stands on each page."""
    return {
        "kind": "table",
        "columns": [{"words": each.words, "width": each.width, "right": each.right} for each in columns],
        "rows": [list(row) for row in rows],
    }


def number(count: int) -> str:
    """Return a whole number in groups of three digits: `1 234 567`."""
    return f"{count:,}".replace(",", " ")
