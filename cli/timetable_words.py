"""The values of the calendar in words, and what it says about now: for all that `timetable` prints."""

from collections.abc import Collection, Iterator
from datetime import date

from cli.room_words import short
from cli.scene import Scene
from policy.calendar import Bells, BellsOn, Calendar, Exam, Minutes, Periods, Slot, Span, Substitution, Weeks, Window
from policy.calendar_bodies import Value, row
from policy.hours import DAYS
from policy.lessons import holding, of_timetable
from policy.timetable import Period
from policy.timetable_texts import weekdays_text
from translations import _


def line_of(value: Value) -> str:
    """Return a value on one line, as `timetable remove` takes kind and id."""
    kind, id_, _body = row(value)
    words = ", ".join(each for each in _parts(value) if each)
    return f"{kind} {id_}: {words}" if words else f"{kind} {id_}"


def period_text(period: Period) -> str:
    """Return a lesson between two bells: `2 09:25-10:10`."""
    return f"{period.number} {Minutes(period.begin, period.end)}"


def day_text(day: date) -> str:
    """Return a date with its weekday."""
    return f"{DAYS[day.weekday()]} {day}"


def school_day_line(calendar: Calendar, day: date) -> str:
    """Return whether a day is a school day, and which bells ring."""
    if not calendar.is_school_day(day):
        return _("{day} is no school day.").format(day=day_text(day))
    bells = calendar.bells_of(day)
    return _("{day} is a school day. Bells: {bells}").format(day=day_text(day), bells=bells.id if bells else "-")


def now_lines(scene: Scene, rooms: Collection[str], groups: Collection[str]) -> Iterator[str]:
    """Yield what holds now in rooms, for groups there and anywhere, and which exams are on."""
    now_holds, now = scene.circumstances, scene.now
    for room in sorted(now_holds.rooms.keys() & set(rooms)):
        yield f"{room}: {short(holding(now_holds, room, now), now)}"
        for (where, group), standing in sorted(now_holds.places.items()):
            if where == room and standing.held is not None:
                yield f"{room}, {group}: {short(of_timetable(standing.held, standing.level, now), now)}"
    for group, standing in sorted(now_holds.groups.items()):
        if group in groups and standing.held is not None:
            text = _("{group}: level {level} until {until}")
            yield text.format(group=group, level=standing.level, until=f"{standing.held.until:%H:%M}")
    for exam in now_holds.exams:
        yield line_of(exam)


def _parts(value: Value) -> tuple[str, ...]:
    match value:
        case Bells():
            by_shift = [
                period_text(each) if each.shift == 1 else f"{each.shift}/{period_text(each)}" for each in value.periods
            ]
            return weekdays_text(value.weekdays), *by_shift
        case BellsOn():
            return (_("bells {bells}").format(bells=value.bells),)
        case Span():
            return (value.title,)
        case Exam():
            return (
                f"{value.begin}/{value.end}",
                _window(value.window) if value.window is not None else _("all day"),
                _("level {level}").format(level=value.level),
                *(_("room {room}").format(room=room) for room in sorted(value.rooms)),
                *(_("group {group}").format(group=group) for group in sorted(value.groups)),
                value.title,
            )
        case Slot():
            return (
                weekdays_text(value.weekdays),
                weeks_text(value.weeks),
                span_text(value),
                _window(value.window),
                _("room {room}").format(room=value.room) if value.room is not None else "",
                _("group {group}").format(group=value.group) if value.group is not None else "",
                _("level {level}").format(level=value.level) if value.level is not None else "",
                value.teacher,
                value.title,
            )
        case Substitution():
            return (
                day_text(value.date),
                _window(value.window),
                _("room {room}").format(room=value.room),
                _("in {room} instead").format(room=value.to_room) if value.to_room is not None else "",
                value.teacher or _("cancelled"),
                value.title,
            )


def weeks_text(weeks: Weeks) -> str:
    """Return in which weeks a slot holds; no text for every week."""
    match weeks:
        case Weeks.ODD:
            return _("odd weeks")
        case Weeks.EVEN:
            return _("even weeks")
        case Weeks.EVERY:
            return ""


def span_text(slot: Slot) -> str:
    """Return the first and the last day of a slot; no text if it has neither."""
    return f"{slot.begin or ''}/{slot.end or ''}" if slot.begin is not None or slot.end is not None else ""


def _window(window: Window) -> str:
    return _("lesson {window}").format(window=window) if isinstance(window, Periods) else str(window)
