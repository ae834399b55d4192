"""One change of the calendar: checked against rooms and groups, made whole or not at all, told with what holds then."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import click

from cli.context import who
from cli.errors import Failure, Misuse
from cli.policy_file import opened, snapshot_of
from cli.protocol import say_without
from cli.scene import Scene, clock
from cli.timetable_words import line_of, now_lines, school_day_line
from cli.typed import text_of
from policy.calendar import Bells, BellsOn, Calendar, Exam, Slot, Span, Substitution
from policy.calendar_bodies import Value, calendar_of, row, rows, values
from policy.calendar_faults import faults
from policy.levels import Level
from settings.model import Settings
from storage.policy_rows import UnknownGroup
from translations import _

LONGEST_PERSON = 120
LONGEST_TITLE = 200
_LONGEST_ID = 120

Key = tuple[str, str]
"""Kind and id of a value."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What to do with the calendar. A value takes the place of the one of its kind and id."""

    what: str
    puts: tuple[Value, ...] = ()
    drops: tuple[Key, ...] = ()
    document: str = ""


Plan = Callable[[Scene], Edit]
"""Says what to do, from what holds now; raises Failure or Misuse if it cannot be done."""


def by_key(calendar: Calendar) -> dict[Key, Value]:
    """Return the values of a calendar by kind and id."""
    return {row(value)[:2]: value for value in values(calendar)}


def change(settings: Settings, plan: Plan) -> None:
    """Make the change that is planned from what holds now, and tell what holds then."""
    before, edit, after = asyncio.run(_made(settings, plan))
    _say_difference(before, edit)
    if not edit.puts and not edit.drops:
        click.echo(_("Nothing was changed."))
        return
    _say_now(before, edit, after)
    _warn(before, after.snapshot.schedule.calendar)
    if edit.puts:
        say_without(edit.document, _("To add it, repeat the command with --protocol NUMBER --date YYYY-MM-DD."))
    else:
        say_without(edit.document, _("It is given with --protocol NUMBER --date YYYY-MM-DD."))


def preview(scene: Scene, edit: Edit) -> None:
    """Tell what a change would do."""
    _say_difference(scene, edit)
    _warn(scene, edited(scene.snapshot.schedule.calendar, edit))
    click.echo(_("Nothing was changed."))


def edited(calendar: Calendar, edit: Edit) -> Calendar:
    """Return the calendar as a change makes it."""
    kept = [each for each in rows(calendar) if each[:2] not in edit.drops]
    return calendar_of({(kind, id_): (kind, id_, body) for kind, id_, body in (*kept, *map(row, edit.puts))}.values())


def check(scene: Scene, wanted: Collection[Value], refusal: type[Failure] = Failure) -> None:
    """Raise `refusal` if values cannot be so at this school, with everything that is in the way."""
    bells = {each.id for each in (*scene.snapshot.schedule.calendar.bells, *wanted) if isinstance(each, Bells)}
    counted = Counter(row(value)[:2] for value in wanted)
    found = [_("expected it once: {value}").format(value=" ".join(key)) for key, count in counted.items() if count > 1]
    found += [f"{' '.join(row(value)[:2])}: {fault}" for value in wanted for fault in _unfit(scene, value, bells)]
    if found:
        raise refusal("\n".join([*found, _("Nothing was changed.")]))


def _unfit(scene: Scene, value: Value, bells: Collection[str]) -> Iterator[str]:
    for text, what, longest in _texts(value):
        try:
            text_of(text, what, longest)
        except Misuse as error:
            yield str(error)
    for find, ids in ((scene.room, rooms_of(value)), (scene.group, groups_of(value))):
        for id_ in ids:
            try:
                find(id_)
            except (Failure, UnknownGroup) as error:
                yield str(error)
    match value:
        case BellsOn() if value.bells not in bells:
            text = _("expected bells that exist ({known}), found {bells}.")
            yield text.format(known=", ".join(sorted(bells)) or "-", bells=value.bells)
        case Slot(level=Level.OPEN):
            yield _("expected one of the levels off, high, medium, low: no lesson makes staff of pupils")
        case _:
            pass


def rooms_of(value: Value) -> list[str]:
    """Return the rooms that a value names."""
    match value:
        case Exam():
            return sorted(value.rooms)
        case Slot():
            return [value.room] if value.room is not None else []
        case Substitution():
            return [value.room] if value.to_room is None else [value.room, value.to_room]
        case _:
            return []


def groups_of(value: Value) -> list[str]:
    """Return the groups that a value names."""
    match value:
        case Exam():
            return sorted(value.groups)
        case Slot():
            return [value.group] if value.group is not None else []
        case _:
            return []


def _texts(value: Value) -> Iterator[tuple[str, str, int]]:
    """Yield what people wrote, what it is called, and how long it may be: files hold anything."""
    yield row(value)[1], "id", _LONGEST_ID
    match value:
        case Slot() | Substitution():
            yield value.teacher, "teacher", LONGEST_PERSON
            yield value.title, "title", LONGEST_TITLE
        case Span() | Exam():
            yield value.title, "title", LONGEST_TITLE
        case _:
            pass


async def _made(settings: Settings, plan: Plan) -> tuple[Scene, Edit, Scene]:
    async with await opened(settings) as policy:
        now = clock(settings)
        before = Scene(now, (await snapshot_of(policy, settings)).at(now))
        edit = plan(before)
        if not edit.puts and not edit.drops:
            return before, edit, before
        puts = [row(value) for value in edit.puts]
        await policy.change_objects(edit.what, puts, edit.drops, document=edit.document, at=now, by=who())
        return before, edit, Scene(now, (await snapshot_of(policy, settings)).at(now))


def _say_difference(scene: Scene, edit: Edit) -> None:
    """Print what is no longer so (-) and what is (+)."""
    before = by_key(scene.snapshot.schedule.calendar)
    same = 0
    for key in edit.drops:
        click.echo(f"- {line_of(before[key])}")
    for value in edit.puts:
        old = before.get(row(value)[:2])
        if old == value:
            same += 1
            continue
        if old is not None:
            click.echo(f"- {line_of(old)}")
        click.echo(f"+ {line_of(value)}")
    if same:
        click.echo(_("Already so: {count}.").format(count=same))


def _say_now(before: Scene, edit: Edit, after: Scene) -> None:
    """Print what holds now where the change may be felt, and that the server knows it at once."""
    known = by_key(before.snapshot.schedule.calendar)
    touched = [*edit.puts, *(known[key] for key in edit.drops)]
    # Days and bells, and exams for everybody, are felt everywhere.
    everywhere = any(not rooms_of(value) and not groups_of(value) for value in touched)
    schedule, groups = after.snapshot.schedule, after.snapshot.groups
    click.echo(school_day_line(schedule.calendar, after.now.date()))
    rooms = schedule.rooms if everywhere else {room for value in touched for room in rooms_of(value)}
    for line in now_lines(after, rooms, groups):
        click.echo(line)
    click.echo(_("The server follows within a second."))


def _warn(scene: Scene, after: Calendar) -> None:
    """Tell on stderr what cannot be meant and was not so before."""
    schedule, groups = scene.snapshot.schedule, scene.snapshot.groups
    before = set(faults(schedule.calendar, schedule.rooms, groups))
    for fault in faults(after, schedule.rooms, groups):
        if fault not in before:
            click.echo(_("Warning: {problem}").format(problem=fault), err=True)
