"""The form of records: that each says what others go by, so that none of them need doubt it. Pure."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import cast

from journal.incidents import is_incident
from journal.trust.coverage import named
from storage.evidence import Body, Kind, text, texts

_MOST = 1 << 63
"""SQLite keeps whole numbers below it."""
_LONGEST_PART = 255
"""Octets of a name in a folder."""
_LONGEST_HEAD = 100
_NUMBERS = (
    "bytes", "lines", "damaged", "rows", "rows_before", "rows_after", "queries", "adopted", "kept", "heads", "numbers",
)  # fmt: skip


class Contradiction(ValueError):  # noqa: N818 - reads as what it is
    """A record does not say what it must, or not what those before it allow."""


def expect_form(kind: str, body: Body) -> None:
    """Raise Contradiction if a record has not the form that those of its kind have.

    Where no more than a value is missing, who reads it takes that for an empty text or 0.
    """
    form = _FORMS.get(kind)
    if form is not None:
        form(body)


def _incident(body: Body) -> None:
    if not is_incident(body):
        raise Contradiction(f"expected an incident, found {str(body)[:200]!r}")


def _segment(body: Body) -> None:
    _numbers(body)
    _expect(named(text(body, "name")) is not None, "the name of a segment", body.get("name"))
    for day in (*texts(body, "days"), *(text(body, end)[:10] for end in ("first", "last"))):
        _expect(not day or _is_day(day), "a day", day)


def _archive(body: Body) -> None:
    _numbers(body)
    _expect_path(text(body, "file"), 2)
    _expect(_is_day(text(body, "day")), "a day", body.get("day"))


def _day(body: Body) -> None:
    _numbers(body)
    _expect(_is_day(text(body, "date")), "a day", body.get("date"))


def _account(body: Body) -> None:
    _expect(text(body, "do") in ("made", "revoked"), "what was done with an account", body.get("do"))
    _expect(_is_day(text(body, "until")), "a day", body.get("until"))


def _alarm(body: Body) -> None:
    _numbers(body)
    _expect(len(text(body, "head")) <= _LONGEST_HEAD, "a head", body.get("head"))


def _paper(body: Body) -> None:
    files, year = body.get("files", []), body.get("year", 0)
    _expect(isinstance(year, int) and 0 <= year <= date.max.year, "a year", year)
    _expect(isinstance(files, list), "a list of files", files)
    for each in cast("list[object]", files):
        _expect(isinstance(each, Mapping), "a file", each)
        _expect_path(text(cast(Body, each), "file"), 1)


def _numbers(body: Body) -> None:
    for key in _NUMBERS:
        found = body.get(key, 0)
        _expect(isinstance(found, int) and 0 <= found < _MOST, f"a number of {key}", found)


_FORMS: Mapping[str, Callable[[Body], None]] = {
    Kind.SEGMENT: _segment, Kind.ARCHIVE: _archive, Kind.REWRITTEN: _numbers, Kind.DAY: _day, Kind.PAPER: _paper,
    Kind.ACCOUNT: _account, Kind.ALARM: _alarm, Kind.INCIDENT: _incident, Kind.REPORTED: _incident,
}  # fmt: skip
"""Of the others nothing is gone by that could be missing."""


def _expect(is_so: bool, what: str, found: object) -> None:
    if not is_so:
        raise Contradiction(f"expected {what}, found {str(found)[:200]!r}")


def _expect_path(path: str, depth: int) -> None:
    """Raise Contradiction for a path that leads out of its folder, or that no file can have."""
    parts = path.split("/")
    _expect(len(parts) == depth and all(map(_is_name, parts)), "the path of a file inside its folder", path)


def _is_name(part: str) -> bool:
    try:
        octets = part.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return False
    return part not in ("", ".", "..") and b"\0" not in octets and len(octets) <= _LONGEST_PART


def _is_day(day: str) -> bool:
    try:
        return date.fromisoformat(day).isoformat() == day
    except ValueError:
        return False
