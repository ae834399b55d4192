"""The values of the calendar as the JSON that storage keeps: rows of kind, id and body."""

from collections.abc import Iterable, Mapping
from datetime import date

from policy.calendar import Calendar
from policy.levels import Level
from policy.timetable import (
    Bells,
    BellsOn,
    Exam,
    Minutes,
    Period,
    Slot,
    Span,
    SpanKind,
    Substitution,
    Weeks,
)
from policy.timetable_texts import parse_weekdays, parse_window, weekdays_text

Value = Bells | BellsOn | Span | Exam | Slot | Substitution
Row = tuple[str, str, dict[str, object]]

KINDS = ("bells", "bells-on", "term", "holiday", "exam", "slot", "substitution")


def row(value: Value) -> Row:
    """Return kind, id and body of a value. Values that have no id of their own are known by their days."""
    match value:
        case Bells():
            return "bells", value.id, body(value)
        case BellsOn():
            return "bells-on", value.date.isoformat(), body(value)
        case Span():
            days = value.begin.isoformat() if value.begin == value.end else f"{value.begin}/{value.end}"
            return str(value.kind), days, body(value)
        case Exam():
            return "exam", value.id, body(value)
        case Slot():
            return "slot", value.id, body(value)
        case Substitution():
            return "substitution", value.id, body(value)


def rows(calendar: Calendar) -> list[Row]:
    """Return all rows of a calendar."""
    return [row(value) for value in values(calendar)]


def values(calendar: Calendar) -> tuple[Value, ...]:
    """Return all values of a calendar."""
    return (
        *calendar.bells,
        *calendar.bells_on,
        *calendar.spans,
        *calendar.exams,
        *calendar.slots,
        *calendar.substitutions,
    )


def body(value: Value) -> dict[str, object]:
    """Return a value as JSON, without what its row says of it."""
    match value:
        case Bells():
            periods = [[each.shift, each.number, str(Minutes(each.begin, each.end))] for each in value.periods]
            return {"periods": periods, "weekdays": weekdays_text(value.weekdays)}
        case BellsOn():
            return {"date": value.date.isoformat(), "bells": value.bells}
        case Span():
            return {"begin": value.begin.isoformat(), "end": value.end.isoformat(), "title": value.title}
        case Exam():
            return {
                "begin": value.begin.isoformat(),
                "end": value.end.isoformat(),
                "level": str(value.level),
                "window": str(value.window) if value.window is not None else None,
                "rooms": sorted(value.rooms),
                "groups": sorted(value.groups),
                "title": value.title,
            }
        case Slot():
            return {
                "weekdays": weekdays_text(value.weekdays),
                "window": str(value.window),
                "room": value.room,
                "group": value.group,
                "level": str(value.level) if value.level is not None else None,
                "teacher": value.teacher,
                "title": value.title,
                "weeks": str(value.weeks),
                "begin": value.begin.isoformat() if value.begin is not None else None,
                "end": value.end.isoformat() if value.end is not None else None,
            }
        case Substitution():
            return {
                "date": value.date.isoformat(),
                "room": value.room,
                "window": str(value.window),
                "teacher": value.teacher,
                "to_room": value.to_room,
                "title": value.title,
            }


def from_body(kind: str, id: str, body: Mapping[str, object]) -> Value:  # noqa: A002 - as the column is called
    """Return the value of a stored row. Raises ValueError for one that nobody here wrote."""
    match kind:
        case "bells":
            return Bells(id, tuple(_period(each) for each in _list(body, "periods")), _weekdays(body))
        case "bells-on":
            return BellsOn(_date(body, "date"), _text(body, "bells"))
        case SpanKind.TERM | SpanKind.HOLIDAY:
            return Span(SpanKind(kind), _date(body, "begin"), _date(body, "end"), _text(body, "title"))
        case "exam":
            window = _maybe(body, "window")
            return Exam(
                id,
                _date(body, "begin"),
                _date(body, "end"),
                Level(_text(body, "level")),
                parse_window(window) if window is not None else None,
                _texts(body, "rooms"),
                _texts(body, "groups"),
                _text(body, "title"),
            )
        case "slot":
            level = _maybe(body, "level")
            return Slot(
                id,
                _weekdays(body),
                parse_window(_text(body, "window")),
                _maybe(body, "room"),
                _maybe(body, "group"),
                Level(level) if level is not None else None,
                _text(body, "teacher"),
                _text(body, "title"),
                Weeks(_text(body, "weeks")),
                _maybe_date(body, "begin"),
                _maybe_date(body, "end"),
            )
        case "substitution":
            return Substitution(
                id,
                _date(body, "date"),
                _text(body, "room"),
                parse_window(_text(body, "window")),
                _text(body, "teacher"),
                _maybe(body, "to_room"),
                _text(body, "title"),
            )
    raise ValueError(f"expected one of the kinds {', '.join(KINDS)}, found {kind!r}")


def calendar_of(rows: Iterable[tuple[str, str, Mapping[str, object]]]) -> Calendar:
    """Return the calendar that rows of kind, id and body make. Raises ValueError for a row that nobody here wrote."""
    found: list[Value] = [from_body(*each) for each in rows]
    return Calendar(
        tuple(each for each in found if isinstance(each, Bells)),
        tuple(each for each in found if isinstance(each, BellsOn)),
        tuple(each for each in found if isinstance(each, Span)),
        tuple(each for each in found if isinstance(each, Exam)),
        tuple(each for each in found if isinstance(each, Slot)),
        tuple(each for each in found if isinstance(each, Substitution)),
    )


def _period(found: object) -> Period:
    match found:
        case [int(shift), int(number), str(minutes)]:
            window = parse_window(minutes)
            if isinstance(window, Minutes):
                return Period(shift, number, window.begin, window.end)
    raise ValueError(f"expected shift, number and hours of a period, found {found!r}")


def _weekdays(body: Mapping[str, object]) -> frozenset[int]:
    text = _text(body, "weekdays")
    return parse_weekdays(text) if text else frozenset()


def _text(body: Mapping[str, object], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str):
        raise ValueError(f"expected a text in {key}, found {value!r}")  # noqa: TRY004 - one kind of error for what is stored
    return value


def _maybe(body: Mapping[str, object], key: str) -> str | None:
    return None if body.get(key) is None else _text(body, key)


def _date(body: Mapping[str, object], key: str) -> date:
    return date.fromisoformat(_text(body, key))


def _maybe_date(body: Mapping[str, object], key: str) -> date | None:
    return None if body.get(key) is None else _date(body, key)


def _list(body: Mapping[str, object], key: str) -> list[object]:
    value = body.get(key)
    if not isinstance(value, list):
        raise ValueError(f"expected a list in {key}, found {value!r}")  # noqa: TRY004 - as above
    return value


def _texts(body: Mapping[str, object], key: str) -> frozenset[str]:
    values = _list(body, key)
    if not all(isinstance(each, str) for each in values):
        raise ValueError(f"expected texts in {key}, found {values!r}")
    return frozenset(str(each) for each in values)
