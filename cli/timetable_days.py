"""`timetable bells`, `bells-on`, `term`, `holiday` and `exam`: on which days and at which times school is held."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

import click

from cli import protocol
from cli.context import pass_settings
from cli.errors import Misuse
from cli.scene import Scene
from cli.timetable_change import LONGEST_TITLE, Edit, change, check
from cli.timetable_typed import hours_option, lesson_option, title_option, weekdays_of, window_of
from cli.typed import day_of, id_of, text_of
from policy.calendar import Bells, BellsOn, Exam, Minutes, Period, Span, SpanKind
from policy.calendar_bodies import Value
from policy.calendar_faults import faults_of_bells
from policy.hours import parse_clock
from policy.levels import Level
from policy.timetable import DAY, MOST, clock
from policy.timetable_texts import weekdays_text
from settings.model import Settings
from timetables.words import NONE, plain
from translations import _

_USUAL_DAYS = frozenset(range(5))
_PERIOD = re.compile(r"([0-9]{1,2})[ :.]\s*([0-9].*)")
_EXAM_LEVELS = [Level.HIGH.value, Level.OFF.value]

_id_argument = click.argument("id_", metavar="ID")
_begin_argument = click.argument("begin", metavar="BEGIN")


@click.command(
    help=_(
        "Set the bells of a shift; other shifts keep theirs.\n\n"
        "Example: schoolfilter timetable bells usual --days mon-sat --period '1 08:00-08:45' --period '2 08:55-09:40'"
    )
)
@_id_argument
@click.option(
    "--period",
    "periods",
    multiple=True,
    required=True,
    metavar="'N HH:MM-HH:MM'",
    help=_("A lesson between two bells (may be repeated)."),
)
@click.option(
    "--shift", type=click.IntRange(1, MOST), default=1, metavar="N", help=_("The shift; if not given: the first.")
)
@click.option(
    "--days",
    metavar="DAYS",
    help=_("On which days they ring, such as mon-fri (at first), or none: only on days set with bells-on."),
)
@protocol.options
@pass_settings
def bells(
    settings: Settings,
    id_: str,
    periods: tuple[str, ...],
    shift: int,
    days: str | None,
    number: str | None,
    day: str | None,
) -> None:
    """Put bells in the place of those of the same id and shift."""
    document, ring = protocol.document_of(number, day), _periods(periods, shift)
    given = None if days is None else _days(days)
    id_of(id_)
    if wrong := [*_backward(ring), *faults_of_bells(Bells(id_, tuple(ring)))]:
        raise Misuse("\n".join([*wrong, _("Nothing was changed.")]))

    def plan(scene: Scene) -> Edit:
        all_bells = {each.id: each for each in scene.snapshot.schedule.calendar.bells}
        others = [each for each in all_bells.values() if each.id != id_ and each.weekdays & _USUAL_DAYS]
        if given is None and id_ not in all_bells and others:
            text = _("--days: expected on which days they ring, or none: on {days} the bells {bells} ring already")
            raise Misuse(text.format(days=weekdays_text(others[0].weekdays), bells=others[0].id))
        before = all_bells.get(id_) or Bells(id_, (), _USUAL_DAYS)
        kept = [each for each in before.periods if each.shift != shift]
        in_order = sorted([*kept, *ring], key=lambda each: (each.shift, each.number))
        wanted = replace(before, periods=tuple(in_order), weekdays=before.weekdays if given is None else given)
        return Edit("set bells", (wanted,), document=document)

    change(settings, plan)


@click.command(
    "bells-on", help=_("Let other bells ring on one date. Example: schoolfilter timetable bells-on 2026-12-30 short")
)
@click.argument("date_", metavar="DATE")
@_id_argument
@protocol.options
@pass_settings
def bells_on(settings: Settings, date_: str, id_: str, number: str | None, day: str | None) -> None:
    """Set the bells of a date."""
    _enter(settings, "set bells of a day", BellsOn(day_of(date_, "DATE"), id_), protocol.document_of(number, day))


@click.command(
    help=_("Enter a term. Example: schoolfilter timetable term 2026-09-01 2026-10-31 --protocol 3 --date 2026-08-28")
)
@_begin_argument
@click.argument("end", metavar="END")
@title_option
@protocol.options
@pass_settings
def term(settings: Settings, begin: str, end: str, title: str, number: str | None, day: str | None) -> None:
    """Enter a term."""
    span = Span(SpanKind.TERM, *_span(begin, end), text_of(title, "--title", LONGEST_TITLE))
    _enter(settings, "enter term", span, protocol.document_of(number, day))


@click.command(
    help=_("Enter a holiday. Example: schoolfilter timetable holiday 2026-12-31 2027-01-10 --title 'winter holidays'")
)
@_begin_argument
@click.argument("end", metavar="[END]", required=False)
@title_option
@protocol.options
@pass_settings
def holiday(settings: Settings, begin: str, end: str | None, title: str, number: str | None, day: str | None) -> None:
    """Enter a holiday."""
    span = Span(SpanKind.HOLIDAY, *_span(begin, end), text_of(title, "--title", LONGEST_TITLE))
    if not span.title:
        raise Misuse(_("--title: expected what the holiday is called, found nothing"))
    _enter(settings, "enter holiday", span, protocol.document_of(number, day))


@click.command(
    help=_(
        "Enter an exam. It restricts, whatever else is planned; without a time it lasts all day, without rooms and "
        "groups it is for all supervised groups.\n\n"
        "Example: schoolfilter timetable exam maths-9 2027-05-28 --hours 09:00-13:00 --room room5 --level off"
    )
)
@_id_argument
@_begin_argument
@click.argument("end", metavar="[END]", required=False)
@hours_option
@lesson_option
@click.option("--room", "rooms", multiple=True, metavar="ID", help=_("A room (may be repeated)."))
@click.option("--group", "groups", multiple=True, metavar="ID", help=_("A group (may be repeated)."))
@click.option(
    "--level",
    required=True,
    type=click.Choice(_EXAM_LEVELS),
    help=_("high: only the director's list opens; off: nothing opens."),
)
@title_option
@protocol.options
@pass_settings
def exam(
    settings: Settings,
    id_: str,
    begin: str,
    end: str | None,
    hours: str | None,
    lesson: str | None,
    rooms: tuple[str, ...],
    groups: tuple[str, ...],
    level: str,
    title: str,
    number: str | None,
    day: str | None,
) -> None:
    """Enter an exam."""
    wanted = Exam(
        id_of(id_),
        *_span(begin, end),
        Level(level),
        window_of(hours, lesson) if (hours, lesson) != (None, None) else None,
        frozenset(rooms),
        frozenset(groups),
        text_of(title, "--title", LONGEST_TITLE),
    )
    _enter(settings, "enter exam", wanted, protocol.document_of(number, day))


def _enter(settings: Settings, what: str, value: Value, document: str) -> None:
    def plan(scene: Scene) -> Edit:
        check(scene, (value,))
        return Edit(what, (value,), document=document)

    change(settings, plan)


def _span(begin: str, end: str | None) -> tuple[date, date]:
    """Return the first and the last day, which are the same if no last one is given. Raises Misuse."""
    first = day_of(begin, "BEGIN")
    last = first if end is None else day_of(end, "END")
    if last < first:
        text = _("expected an end on or after the beginning, {begin}, found {end}")
        raise Misuse(text.format(begin=first, end=last))
    return first, last


def _days(text: str) -> frozenset[int]:
    return frozenset() if plain(text) in map(plain, NONE) else weekdays_of(text)


def _backward(periods: Sequence[Period]) -> Iterator[str]:
    """Tell lessons that end on the next day: what is written as their end is before their beginning."""
    for each in periods:
        if each.end > DAY:
            where = f"--period {each.number} {clock(each.begin)}-{clock(each.end)}"
            yield _("{where}: the end is before the beginning").format(where=where)


def _periods(texts: Sequence[str], shift: int) -> list[Period]:
    """Return the lessons of a shift. Raises Misuse, which tells every text that is none."""
    found: dict[int, Period] = {}
    faults = []
    for text in texts:
        match = _PERIOD.fullmatch(text.strip())
        try:
            if match is None:
                expected = _("expected the number of a lesson and its hours, such as '1 08:00-08:45', found {text!r}")
                raise ValueError(expected.format(text=text[:60]))
            minutes, which = Minutes(*parse_clock(match[2].strip())), int(match[1])
            if which in found:
                raise ValueError(_("expected lesson {lesson} once, found it again").format(lesson=which))
            found[which] = Period(shift, which, minutes.begin, minutes.end)
        except ValueError as error:
            faults.append(f"--period: {error}")
    if faults:
        raise Misuse("\n".join(faults))
    return list(found.values())
