"""Windows and days of the timetable that people type."""

import click

from cli.errors import Misuse
from policy.calendar import Minutes, Periods, Window
from timetables.cells import read_weekdays, read_window
from translations import _

hours_option = click.option("--hours", metavar="HH:MM-HH:MM", help=_("The time, by the clock."))
lesson_option = click.option(
    "--lesson", metavar="N|N-N", help=_("The time, by the bells: 2, 2-3, or 2/1-2 for lessons of the second shift.")
)
title_option = click.option("--title", default="", metavar="TEXT", help=_("What people call it."))


def window_of(hours: str | None, lesson: str | None) -> Window:
    """Return the window that exactly one of the two options gives. Raises Misuse."""
    if (hours is None) == (lesson is None):
        raise Misuse(_("expected --hours such as 08:00-08:45, or --lesson such as 2"))
    option, text, kind = ("--hours", hours, Minutes) if lesson is None else ("--lesson", lesson, Periods)
    try:
        found = read_window(text or "")
    except ValueError as error:
        raise Misuse(f"{option}: {error}") from None
    if not isinstance(found, kind):
        raise Misuse(_("expected --hours such as 08:00-08:45, or --lesson such as 2"))
    return found


def weekdays_of(text: str) -> frozenset[int]:
    """Return weekdays such as mon-fri or mon,wed. Raises Misuse."""
    try:
        return read_weekdays(text)
    except ValueError as error:
        raise Misuse(f"--days: {error}") from None
