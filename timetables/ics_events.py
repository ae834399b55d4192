"""What an iCalendar file (RFC 5545) says, event by event, with times as the school's clocks show them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

import icalendar

from policy.levels import Level
from timetables.errors import BadCalendarFile
from timetables.words import kind_in
from translations import _

MAX_BYTES = 5 * 1024 * 1024
MAX_EVENTS = 5_000
YEARS = range(1970, 2200)
"""What lies outside is a slip of a program, and no zone is defined there."""

_ZONE = re.compile(r"(BEGIN|END)(?:;[^:]*)?:VTIMEZONE\s*", re.IGNORECASE)
_EVENT = re.compile(r"^BEGIN(?:;[^:\n]*)?:VEVENT[ \t\r]*$", re.IGNORECASE | re.MULTILINE)
_ESCAPED = re.compile(r"\\([nN,;\\])")
_TEACHER = re.compile(r"^[ \t]*(?:teacher|мұғалім|мугалим|учитель)[ \t]*:(.+)", re.IGNORECASE | re.MULTILINE)

_DAY = timedelta(days=1)


class Unusable(ValueError):  # noqa: N818 - reads as what it is: "except Unusable"
    """What an event says cannot be taken; the message says what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a file."""

    uid: str
    title: str
    place: str
    teacher: str
    group: str
    level: Level | None
    kind: str
    """exam, holiday, term or lesson, if its categories or else its title say so."""
    cancelled: bool
    start: datetime
    """Naive, in `zone`; midnight of the first day for an event of whole days."""
    length: timedelta
    zone: tzinfo
    all_day: bool
    rule: Mapping[str, list[object]]
    """The parts of its RRULE; empty if it does not recur."""
    excluded: frozenset[date]
    """Moments, or dates, of the school's time on which it does not recur."""
    extra: tuple[date, ...]
    """Moments, or dates, of the school's time on which it recurs besides."""
    replaces: date | None
    """The moment, or date, of the school's time that it stands in the place of."""
    following: bool
    """It also stands in the place of all that follows."""

    def __str__(self) -> str:
        return f"{self.title or self.uid!r} ({self.start:%Y-%m-%d})"


@dataclass(frozen=True, slots=True)
class File:
    """A file, taken apart."""

    events: tuple[Event, ...]
    notes: tuple[str, ...]
    """What could not be taken, for people."""
    text: str
    """With long lines joined and without zones."""
    rows: tuple[str, ...]
    """What we wrote ourselves besides the events (ics_writing.py)."""
    digest: str


def read_file(data: bytes, zone: tzinfo) -> File:
    """Take a file apart. Raises BadCalendarFile for what is none, or larger than any school's calendar."""
    text = unfolded(data)
    if len(_EVENT.findall(text)) > MAX_EVENTS:
        raise BadCalendarFile(_("expected at most {most} events; export a shorter time").format(most=MAX_EVENTS))
    text = _without_zones(text)
    try:
        calendars = icalendar.Calendar.from_ical(text, multiple=True)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise BadCalendarFile(_no_calendar(f"{error}")) from error
    if not calendars or any(each.name != "VCALENDAR" for each in calendars):
        raise BadCalendarFile(_no_calendar(", ".join(str(each.name) for each in calendars)))
    events: list[Event] = []
    notes: list[str] = []
    for component in (part for calendar in calendars for part in calendar.subcomponents):
        if component.name != "VEVENT":
            notes.append(_("{name}: left out, expected events (VEVENT)").format(name=component.name))
            continue
        title = _text(component, "SUMMARY") or _text(component, "UID")
        try:
            events.append(_event(component, zone, notes))
        except Unusable as error:
            notes.append(_("{title}: left out, {problem}").format(title=title, problem=error))
    rows = tuple(_plain(value) for calendar in calendars for value in _all(calendar, "X-SCHOOLFILTER-ROW"))
    digest = "".join(_text(calendar, "X-SCHOOLFILTER-DIGEST") for calendar in calendars)
    return File(tuple(events), tuple(notes), text, rows, digest)


def unfolded(data: bytes) -> str:
    """Return the text of a file with long lines joined. Raises BadCalendarFile."""
    if len(data) > MAX_BYTES:
        text = _("expected a calendar of at most {most} MB, found {found}; export a shorter time")
        raise BadCalendarFile(text.format(most=MAX_BYTES >> 20, found=f"{len(data) / (1 << 20):.1f}"))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadCalendarFile(_no_calendar(_("text that is not UTF-8"))) from error
    # The library joins lines with an expression that takes hours for a million empty ones.
    lines: list[list[str]] = [[]]
    for line in text.replace("\r\n", "\n").split("\n"):
        if line[:1] in (" ", "\t"):
            lines[-1].append(line[1:])
        elif line:
            lines.append([line])
    return "\n".join(map("".join, lines)).lstrip("\n")


def _without_zones(text: str) -> str:
    """Leave zones out. They are known by their names; the rules that a file brings along may be stale, or endless."""
    kept = []
    inside = False
    for line in text.split("\n"):
        found = _ZONE.fullmatch(line)
        if found is not None and (inside or found[1].upper() == "BEGIN"):
            inside = found[1].upper() == "BEGIN"
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def _no_calendar(found: str) -> str:
    text = _("expected an iCalendar file (BEGIN:VCALENDAR), found {found}; export the calendar again as .ics")
    return text.format(found=found[:200] or "-")


def _event(component: icalendar.Component, zone: tzinfo, notes: list[str]) -> Event:
    # What the library could not read is missing from the event: it must not be taken for something it is not.
    for name, problem in component.errors:
        if name in (None, "DTSTART", "DTEND", "DURATION", "RRULE", "EXDATE", "RDATE", "RECURRENCE-ID"):
            text = _("{name} cannot be read: {problem}")
            raise Unusable(text.format(name=name or _("a line"), problem=str(problem)[:120]))
    for name in ("DTSTART", "DTEND", "DURATION", "RRULE", "RECURRENCE-ID"):
        if isinstance(component.get(name), list):
            raise Unusable(_("expected one {name}, found several").format(name=name))
    begin = _moment(component, "DTSTART")
    if begin is None:
        raise Unusable(_("expected a beginning (DTSTART), found none"))
    whole_days = not isinstance(begin, datetime)
    own, start = _own_time(begin, zone)
    parameters = getattr(component.get("DTSTART"), "params", {})
    if own is zone and "TZID" in parameters and not whole_days and getattr(begin, "tzinfo", None) is None:
        title = _text(component, "SUMMARY") or _text(component, "UID")
        text = _("{title}: the time zone {zone!r} is unknown, its times are taken as the school's")
        notes.append(text.format(title=title, zone=str(parameters["TZID"])))
    length = _length(component, begin, start, own, zone)
    title = _text(component, "SUMMARY")
    categories = " ".join(str(each) for value in _all(component, "CATEGORIES") for each in getattr(value, "cats", ()))
    kind = kind_in(categories) or kind_in(title)
    if kind in ("exam", "holiday", "term") and start.time() == time() and length % _DAY == timedelta():
        whole_days = True  # from midnight to midnight, as some programs write whole days
    rule = component.get("RRULE")
    replaces = _moment(component, "RECURRENCE-ID")
    level = _text(component, "X-SCHOOLFILTER-LEVEL")
    if level not in ("", *Level):
        raise Unusable(_("expected a level of {levels}, found {level!r}").format(levels=", ".join(Level), level=level))
    return Event(
        _text(component, "UID") or f"{title}@{start:%Y%m%dT%H%M}",
        title,
        _text(component, "LOCATION"),
        _teacher(component),
        _text(component, "X-SCHOOLFILTER-GROUP"),
        Level(level) if level else None,
        kind,
        _text(component, "STATUS").upper() == "CANCELLED",
        start,
        length,
        own,
        whole_days,
        {name.upper(): list(values) for name, values in rule.items()} if rule is not None else {},
        frozenset(_locals(component, "EXDATE", zone)),
        tuple(_locals(component, "RDATE", zone)),
        _local(replaces, zone) if replaces is not None else None,
        "RANGE" in getattr(component.get("RECURRENCE-ID"), "params", {}),
    )


def _own_time(moment: date, zone: tzinfo) -> tuple[tzinfo, datetime]:
    """Return the zone of a moment, and the moment as naive time of it. Floating times are the school's."""
    if not isinstance(moment, datetime):
        return zone, datetime.combine(moment, time())
    return moment.tzinfo or zone, moment.replace(tzinfo=None)


def _length(component: icalendar.Component, begin: date, start: datetime, own: tzinfo, zone: tzinfo) -> timedelta:
    duration, end = component.get("DURATION"), _moment(component, "DTEND")
    if end is None and duration is not None:
        length = duration.dt
    elif end is None:
        length = timedelta() if isinstance(begin, datetime) else _DAY
    elif isinstance(end, datetime) is not isinstance(begin, datetime):
        raise Unusable(_("expected dates, or dates and times, for both beginning and end"))
    elif not isinstance(end, datetime):
        length = end - begin
    else:
        length = end.replace(tzinfo=end.tzinfo or zone) - start.replace(tzinfo=own)
    if not isinstance(length, timedelta) or not timedelta(minutes=1) <= length <= 366 * _DAY:
        raise Unusable(_("expected an end after the beginning, at most a year later"))
    return length


def _moment(component: icalendar.Component, name: str) -> date | None:
    value = component.get(name)
    if value is None:
        return None
    moment = getattr(value, "dt", None)
    if not isinstance(moment, date) or moment.year not in YEARS:
        raise Unusable(_("expected a date in {name}, found {value}").format(name=name, value=str(value)[:80]))
    return moment


def _local(moment: date, zone: tzinfo) -> date:
    """Return a moment as the school's clocks show it; a date stays what it is."""
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        return moment
    return moment.astimezone(zone).replace(tzinfo=None)


def _locals(component: icalendar.Component, name: str, zone: tzinfo) -> Iterator[date]:
    for values in _all(component, name):
        for value in getattr(values, "dts", ()):
            if not isinstance(value.dt, date) or value.dt.year not in YEARS:
                raise Unusable(_("expected dates in {name}, found {value}").format(name=name, value=str(value.dt)[:80]))
            yield _local(value.dt, zone)


def _teacher(component: icalendar.Component) -> str:
    """Return who teaches. In exports of Google Calendar the organizer is the calendar's owner: the rest counts more."""
    described = _TEACHER.search(_written(component, "DESCRIPTION"))
    organizer = component.get("ORGANIZER")
    named = str(getattr(organizer, "params", {}).get("CN", ""))
    return _text(component, "X-TEACHER") or (described[1].strip() if described else "") or named


def _text(component: icalendar.Component, name: str) -> str:
    """Return a text on one line; empty if there is none."""
    return " ".join(_written(component, name).split())


def _written(component: icalendar.Component, name: str) -> str:
    return _plain(next(iter(_all(component, name)), ""))


def _plain(value: object) -> str:
    # What has no type of its own (X-…) is text (RFC 5545, 3.8.8.2), but the library leaves it as it stands in the file.
    if not isinstance(value, icalendar.vUnknown):
        return str(value)
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


def _all(component: icalendar.Component, name: str) -> Iterable[object]:
    value = component.get(name)
    return () if value is None else value if isinstance(value, list) else (value,)
