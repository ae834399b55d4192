"""`timetable import` and `export`: the calendar as tables for spreadsheets and as iCalendar for phones."""

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

import click

from cli import protocol
from cli.context import pass_settings
from cli.errors import Misuse
from cli.handout import hand_out
from cli.scene import Scene, look
from cli.timetable_change import Edit, by_key, change, check, preview
from policy.calendar import Calendar
from policy.calendar_bodies import KINDS, Value, row, values
from settings.model import Settings
from timetables.calendar_tables import (
    read_bells,
    read_days,
    read_slots,
    read_substitutions,
    write_bells,
    write_days,
    write_slots,
    write_substitutions,
)
from timetables.errors import BadCalendarFile, BadTable
from translations import _

_CSV, _ICS = "csv", "ics"
_KINDS: Mapping[str, tuple[str, ...]] = {
    "slots": ("slot",),
    "bells": ("bells",),
    "days": ("term", "holiday", "exam", "bells-on"),
    "substitutions": ("substitution",),
}
"""Kinds of values by the table that holds them."""
_READ: Mapping[str, Callable[[bytes], tuple[Value, ...]]] = {
    "slots": read_slots,
    "bells": read_bells,
    "days": read_days,
    "substitutions": read_substitutions,
}
_WRITE: Mapping[str, Callable[[Calendar], bytes]] = {
    "slots": lambda calendar: write_slots(calendar.slots),
    "bells": lambda calendar: write_bells(calendar.bells),
    "days": lambda calendar: write_days((*calendar.spans, *calendar.exams, *calendar.bells_on)),
    "substitutions": lambda calendar: write_substitutions(calendar.substitutions),
}
_YEAR = timedelta(days=365)

_format_option = click.option(
    "--format", "form", type=click.Choice([_CSV, _ICS]), help=_("Table or iCalendar; if not given: as the file's name.")
)
_kind_option = click.option(
    "--kind", type=click.Choice(list(_KINDS)), help=_("What the table holds; if not given: slots, the lessons.")
)


@click.command(
    "import",
    short_help=_("Take the timetable from a file."),
    help=_(
        "Take lessons, bells, days or substitutions from a table (CSV), or lessons and days from iCalendar: all of it "
        "or nothing. It shows what is no longer so (-) and what is (+). FILE - means standard input.\n\n"
        "Example: schoolfilter timetable import slots.csv --dry-run"
    ),
)
@click.argument("file", metavar="FILE", type=click.File("rb"))
@_format_option
@_kind_option
@click.option("--replace", is_flag=True, help=_("End what is not in the file, of the kinds that are in it."))
@click.option("--dry-run", is_flag=True, help=_("Only show what would change."))
@protocol.options
@pass_settings
def import_command(
    settings: Settings,
    file: IO[bytes],
    form: str | None,
    kind: str | None,
    replace: bool,
    dry_run: bool,
    number: str | None,
    day: str | None,
) -> None:
    """Take values from a file."""
    document, data, its_form = protocol.document_of(number, day), file.read(), _form(form, file.name)

    def plan(scene: Scene) -> Edit:
        found, kinds = _read(settings, scene, data, its_form, kind)
        check(scene, found, Misuse)
        known, wanted = by_key(scene.snapshot.schedule.calendar), {row(value)[:2]: value for value in found}
        # With a protocol all that the file holds rests on it, also what is so already.
        puts = [value for key, value in wanted.items() if document or known.get(key) != value]
        drops = [key for key in known if replace and key[0] in kinds and key not in wanted]
        if not puts and not drops:
            click.echo(_("Already so: {count}.").format(count=len(found)))
        return Edit("import timetable", tuple(puts), tuple(drops), document)

    if dry_run:
        scene = look(settings)
        preview(scene, plan(scene))
    else:
        change(settings, plan)


@click.command(
    "export",
    short_help=_("Write the timetable to a file."),
    help=_(
        "Write lessons, bells, days or substitutions as a table (CSV), or all as iCalendar. Import reads both.\n\n"
        "Example: schoolfilter timetable export --output timetable.ics"
    ),
)
@_format_option
@_kind_option
@click.option(
    "--output",
    type=click.Path(dir_okay=False, readable=False, path_type=Path),
    metavar="FILE",
    help=_("Where to write; if not given: standard output."),
)
@pass_settings
def export_command(settings: Settings, form: str | None, kind: str | None, output: Path | None) -> None:
    """Write a file."""
    its_form = form or _CSV if output is None else _form(form, output.name)
    if its_form == _ICS and kind is not None:
        raise Misuse(_("--kind: an iCalendar file holds all kinds; expected --format csv with it"))
    scene = look(settings)
    write = _WRITE[kind or "slots"]
    data = _ics(settings, scene) if its_form == _ICS else write(scene.snapshot.schedule.calendar)
    if output is None:
        click.echo(data, nl=False)
    else:
        hand_out(output, data)
        click.echo(_("Written: {path}").format(path=output))


def _form(form: str | None, name: str) -> str:
    """Return what a file is, by its name if nothing else says it. Raises Misuse."""
    found = form or Path(name).suffix.lower().removeprefix(".")
    if found not in (_CSV, _ICS):
        raise Misuse(_("expected --format csv or ics, or a file whose name ends so, found {name!r}").format(name=name))
    return found


def _read(
    settings: Settings, scene: Scene, data: bytes, form: str, kind: str | None
) -> tuple[Collection[Value], Collection[str]]:
    """Return the values of a file, and of which kinds they may be. Raises Misuse, which tells every bad line."""
    try:
        if form == _CSV:
            return _READ[kind or "slots"](data), _KINDS[kind or "slots"]
        # Imported when it is needed: iCalendar takes longer to load than all other commands take.
        from timetables.ics_reading import read_calendar

        titles = {room.id: room.title for room in scene.snapshot.schedule.rooms.values()}
        imported = read_calendar(data, ZoneInfo(settings.school.time_zone), titles)
    except (BadTable, BadCalendarFile) as error:
        raise Misuse("\n".join([str(error), _("Nothing was changed.")])) from None
    for note in imported.notes:
        click.echo(_("Note: {note}").format(note=note), err=True)
    wanted = _KINDS[kind] if kind is not None else KINDS
    found = [value for value in values(imported.calendar) if row(value)[0] in wanted]
    return found, {row(value)[0] for value in found}


def _ics(settings: Settings, scene: Scene) -> bytes:
    from timetables.ics_writing import LONGEST, Export, write_calendar

    schedule, today = scene.snapshot.schedule, scene.now.date()
    days = [(each.begin, each.end) for each in schedule.calendar.spans]
    days += [(each.begin, each.end) for each in schedule.calendar.exams]
    ahead = [(first, last) for first, last in days if last >= today]
    begin = min([today, *(first for first, _last in ahead)])
    end = max([last for _first, last in ahead], default=today + _YEAR)
    # What is further away comes with the file of the next year.
    begin, end = max(begin, today - _YEAR), min(end, max(begin, today - _YEAR) + timedelta(days=LONGEST - 1))
    school = settings.school
    names = {room.id: room.title for room in schedule.rooms.values()}
    export = Export(begin, end, ZoneInfo(school.time_zone), scene.now, school.name, rooms=names)
    return write_calendar(schedule.calendar, export)
