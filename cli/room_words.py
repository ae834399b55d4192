"""What holds in a room, in words: for the commands about rooms, lessons and pauses."""

from collections.abc import Iterator
from datetime import datetime

import click

from cli.scene import Scene
from policy.lessons import Holding, State, holding, levels_in, of_timetable
from policy.levels import Level
from policy.timetable import Exam
from translations import _


def time_text(moment: datetime, now: datetime) -> str:
    """Return a moment as people at school say it: the time, and the day if it is another."""
    local = moment.astimezone(now.tzinfo)
    return f"{local:%H:%M}" if local.date() == now.date() else f"{local:%Y-%m-%d %H:%M}"


def say_room(scene: Scene, room: str) -> None:
    """Print what holds in a room now, and that the server knows it at once."""
    for line in room_lines(scene, room):
        click.echo(line)
    click.echo(_("The server follows within a second."))


def room_lines(scene: Scene, room: str) -> Iterator[str]:
    """Yield what holds in a room now, as sentences."""
    yield _sentence(holding(scene.circumstances, room, scene.now), room, scene.now)
    for (where, group), standing in sorted(scene.circumstances.places.items()):
        if where == room and standing.held is not None:
            found = of_timetable(standing.held, standing.level, scene.now)
            text = _("For the group {group} there is a lesson by the timetable: {lesson}.")
            yield text.format(group=group, lesson=_timetable(found, scene.now))
    for exam in exams_in(scene, room):
        text = _("An exam restricts it to the level {level}{groups}: {title}.")
        groups = f" ({', '.join(sorted(exam.groups))})" if exam.groups else ""
        yield text.format(level=exam.level, groups=groups, title=exam.title or exam.id)
    for level, groups_ in levels_in(scene.snapshot, room).items():
        yield _("Level {level} there now: {groups}.").format(level=level, groups=", ".join(groups_))


def exams_in(scene: Scene, room: str) -> list[Exam]:
    """Return the exams that restrict a room now."""
    return [exam for exam in scene.circumstances.exams if not exam.rooms or room in exam.rooms]


def _sentence(found: Holding, room: str, now: datetime) -> str:
    match found.state:
        case State.LESSON:
            text = _("{room} is open under {teacher} until {until}.")
            return text.format(room=room, teacher=found.who, until=_until(found, now))
        case State.TIMETABLE:
            text = _("{room} is open by the timetable: {lesson}.")
            return text.format(room=room, lesson=_timetable(found, now))
        case State.PAUSE:
            text = _("{room} is at the level {level} until {until}, whatever else is planned: {reason} ({person}).")
            return text.format(
                room=room, level=found.level, until=_until(found, now), reason=found.about, person=found.who
            )
        case State.CLOSED if found.level is Level.OFF:
            return _("{room} is closed: no lesson is on, and nothing opens.").format(room=room)
        case State.CLOSED:
            text = _("{room} is closed to the level {level}: no lesson is on.")
            return text.format(room=room, level=found.level)
        case State.OWN if found.level is None:
            return _("{room} is not supervised: each group has its own level there.").format(room=room)
        case State.OWN:
            text = _("{room} is not supervised: it is at its own level {level} at any time.")
            return text.format(room=room, level=found.level)


def short(found: Holding, now: datetime) -> str:
    """Return what holds in a room in a few words, for a table."""
    match found.state:
        case State.LESSON:
            return _("open: {teacher}, until {until}").format(teacher=found.who, until=_until(found, now))
        case State.TIMETABLE:
            return _("open by the timetable: {lesson}").format(lesson=_timetable(found, now))
        case State.PAUSE:
            text = _("pause: {level} until {until} ({person})")
            return text.format(level=found.level, until=_until(found, now), person=found.who)
        case State.CLOSED:
            return _("closed") if found.level is Level.OFF else _("closed to {level}").format(level=found.level)
        case State.OWN:
            return _("own level: {level}").format(level=found.level) if found.level else _("as each group")


def as_json(found: Holding) -> dict[str, object]:
    """Return what holds in a room for machines."""
    return {
        "state": found.state,
        "level": found.level,
        "who": found.who,
        "about": found.about,
        "until": found.until.isoformat() if found.until else None,
    }


def _timetable(found: Holding, now: datetime) -> str:
    parts = [found.who, found.about, _("until {until}").format(until=_until(found, now))]
    if found.level is not None:
        parts.append(_("level {level}").format(level=found.level))
    return ", ".join(part for part in parts if part)


def _until(found: Holding, now: datetime) -> str:
    return time_text(found.until, now) if found.until is not None else "-"
