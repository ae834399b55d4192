"""What a whole line of the query log is: one word on it for all who take lines in, archive or search them. Pure.

Whole is a line that has the columns of the log (later versions may add some at the end), holds nothing but printable
ASCII between its tabs, is shorter than `LONGEST`, and names a time as a worker writes it. Each other line is damaged.
"""

import re

from resolver.querylog import COLUMNS, HEADER_LINE

LONGEST = 1 << 16
"""Octets. A line has at most some 1,300; nobody needs a buffer for more than this."""

# As written, 1970 to 2200: no clock of a school shows another year, and within these every moment has a day, a stamp
# and a place on every time scale that the journal uses.
_LEAP_YEAR = rb"(?:19(?:7[26]|8[048]|9[26])|20(?:[02468][048]|[13579][26])|21(?:0[48]|[2468][048]|[13579][26]))"
_DAY = (
    rb"(?:(?:19[7-9]\d|2[01]\d\d|2200)-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    rb"|02-(?:0[1-9]|1\d|2[0-8]))|" + _LEAP_YEAR + rb"-02-29)"
)
_TIME = _DAY + rb"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}(?:\+|-(?!00:00))(?:[01]\d|2[0-3]):[0-5]\d"
DAY = re.compile(_DAY)
TIME = re.compile(_TIME)
"""RFC 3339 with milliseconds and an offset in minutes; DuckDB gives it back octet by octet."""

_LINES_WITH_TIMES = re.compile(rb"(?:" + _TIME + rb"\t[^\n]*+\n)*+")
_ORDINARY = bytes(octet for octet in range(0x20, 0x7F))
"""What lines consist of, but for the tabs and the line feeds: taken out of a text, only its form is left."""


def is_time(octets: bytes) -> bool:
    """Return whether octets are a time column."""
    return TIME.fullmatch(octets) is not None


def is_day(text: str) -> bool:
    """Return whether a text is a day (YYYY-MM-DD) that a time column can name."""
    return text.isascii() and DAY.fullmatch(text.encode()) is not None


def is_whole(line: bytes) -> bool:
    """Return whether a line, given without its line feed, has the form of the log."""
    return (
        line.count(b"\t") >= len(COLUMNS) - 1
        and len(line) < LONGEST
        and not line.replace(b"\t", b"").translate(None, _ORDINARY)
        and is_time(line[: line.index(b"\t")])
    )


def is_header(line: bytes) -> bool:
    """Return whether a line, given with its line feed, names the columns of the log, and perhaps of later versions."""
    return line == HEADER_LINE or (
        line.startswith(HEADER_LINE[:-1] + b"\t") and line.endswith(b"\n") and has_form(line, line.count(b"\t") + 1)
    )


def are_whole(octets: bytes, columns: int) -> bool:
    """Return whether a text consists of whole lines, each with its line feed, that all have so many columns."""
    return has_form(octets, columns) and _LINES_WITH_TIMES.fullmatch(octets) is not None


def has_form(octets: bytes, columns: int) -> bool:
    """Return whether lines, each with its line feed, are whole but perhaps for their times, with so many columns each.

    It may say no to a line that is longer than half of `LONGEST`.
    """
    form = b"\t" * (columns - 1) + b"\n"
    half = LONGEST // 2  # a line that is too long has a stretch of this length without a line feed
    return (
        columns >= len(COLUMNS)
        and octets.translate(None, _ORDINARY) == form * octets.count(b"\n")
        and all(octets.find(b"\n", begin, begin + half) >= 0 for begin in range(0, len(octets), half))
    )
