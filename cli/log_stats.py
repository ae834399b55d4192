"""`log stats`: how many queries there were and how many were blocked, without a word about who asked."""

import asyncio
from datetime import date, datetime
from zoneinfo import ZoneInfo

import click

from cli.context import inspects, pass_settings
from cli.days import future
from cli.errors import Misuse
from cli.inspecting import as_inspector
from cli.looks import note_inspector
from cli.reasons import reason_option, reason_or_asked
from cli.sums import BY, print_sums
from cli.typed import day_of
from journal.archiving.statistics import By, Top, statistics
from journal.opening import opened_journal
from settings.model import Settings
from translations import _

_EARLIEST = date(2000, 1, 1)


@click.command(
    help=_(
        "Count the queries by hour, day, room, group, category or action. No personal data are looked at, so that no "
        "reason is asked for.\n\nExample: schoolfilter log stats --by category --from 2026-09-01"
    )
)
@click.option("--by", type=click.Choice(BY), default="day", show_default=True, help=_("Count by this."))
@click.option("--from", "first", metavar="YYYY-MM-DD", help=_("The first day; if not given: from the beginning."))
@click.option("--to", "last", metavar="YYYY-MM-DD", help=_("The last day; if not given: until now."))
@reason_option(required=False)
@as_inspector
@click.option("--json", "as_json", is_flag=True, help=_("One JSON object a line."))
@pass_settings
def stats(settings: Settings, by: By, first: str | None, last: str | None, reason: str, as_json: bool) -> None:
    """Print the sums."""
    since = day_of(first, "--from") if first else _EARLIEST
    today = datetime.now(ZoneInfo(settings.school.time_zone)).date()
    if first and since > today:
        raise future(first, "--from")
    until = day_of(last, "--to") if last else today
    if until < since:
        raise Misuse(_("--to: expected a day not before --from, found {day}").format(day=until.isoformat()))
    why = reason_or_asked(reason) if inspects() else reason

    async def read() -> list[Top]:
        await note_inspector(settings, "log stats", why, {"--by": by, "--from": first or "", "--to": last or ""})
        async with opened_journal(settings) as journal:
            return await statistics(journal, since, until, by)

    print_sums(asyncio.run(read()), by, as_json=as_json)
