"""`journal export`: the incidents with what was done about them, as a signed zip that anybody can check."""

import asyncio
import calendar
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from cli.amounts import number
from cli.context import pass_settings, who
from cli.days import future
from cli.errors import Misuse
from cli.export_output import export_options, say_exported, zip_path
from cli.handout import confidential
from cli.incidents import month_of, read
from cli.looks import look
from cli.typed import day_of
from journal.exporting.export_data import Format, data_of
from journal.exporting.incident_table import between, incident_columns, records_about, row_of
from journal.opening import opened_journal
from settings.model import Settings
from translations import _, language, spoken

if TYPE_CHECKING:
    from journal.exporting.export import Exported

_FORMS = (Format.CSV, Format.JSONL, Format.XLSX)


@click.command(
    "export",
    help=_(
        "Write the incidents of a month or of some days, with what was done about them, into a zip with the digests, "
        "the signature and the proof by which anybody can check it without this program (README.txt in it says how). "
        "The export is entered in the journal with its reason.\n\n"
        "Example: schoolfilter journal export --month 2026-11 --format xlsx --reason 'meeting of the commission'"
    ),
)
@click.option("--month", metavar="YYYY-MM", help=_("The month."))
@click.option("--from", "first", metavar="YYYY-MM-DD", help=_("Or the first day …"))
@click.option("--to", "last", metavar="YYYY-MM-DD", help=_("… and the last one."))
@export_options(_FORMS, _("csv and xlsx open in Excel; jsonl is for programs."))
@pass_settings
def export_command(
    settings: Settings,
    month: str | None,
    first: str | None,
    last: str | None,
    form: str,
    reason: str,
    output: Path | None,
    tongue: str | None,
) -> None:
    """Enter the look, write the zip, say what it is."""
    days = _days(month, first, last)
    if days[0] > datetime.now(ZoneInfo(settings.school.time_zone)).date():
        raise future(month or days[0].isoformat(), "--month" if month else "--from")
    path = zip_path(output, f"journal-{'_'.join(day.isoformat() for day in days)}.zip")
    exported = asyncio.run(_export(settings, days, Format(form), reason, path, tongue or language()))
    say_exported(settings, path, exported, _("Incidents: {count}").format(count=number(exported.rows)))


def _days(month: str | None, first: str | None, last: str | None) -> tuple[date, date]:
    if month is not None and first is None and last is None:
        begin = day_of(f"{month_of(month)}-01", "--month")
        return begin, begin.replace(day=calendar.monthrange(begin.year, begin.month)[1])
    if month is not None or first is None or last is None:
        raise Misuse(_("expected a month, as --month 2026-11, or days, as --from 2026-09-01 --to 2026-09-30"))
    since, until = day_of(first, "--from"), day_of(last, "--to")
    if until < since:
        raise Misuse(_("--to: expected a day not before --from, found {day}").format(day=until.isoformat()))
    return since, until


async def _export(
    settings: Settings, days: tuple[date, date], form: Format, reason: str, path: Path, tongue: str
) -> "Exported":
    # Imported here: few commands write a zip.
    from journal.archiving.duck import scratch
    from journal.exporting.export import Wanted, write_export

    period = (days[0].isoformat(), days[1].isoformat())
    asked = {"--from": period[0], "--to": period[1], "--format": form.value}
    # The file first: a look is entered when there is something to write it to.
    with confidential(path) as out, scratch(settings) as staging, spoken(tongue):
        access = await look(settings, "journal export", reason, asked)
        told = await read(settings, private=True)
        zone = ZoneInfo(settings.school.time_zone)
        incidents = between(told.incidents, *days, zone)
        wanted = Wanted("journal", period, {}, reason, who(), access)
        columns = incident_columns()
        rows = [row_of(each, told.records, zone, words=form is not Format.JSONL) for each in incidents]
        data = data_of(form, "journal", columns, [rows], staging)
        async with opened_journal(settings) as journal:
            about = records_about(incidents, told.records)
            return await write_export(journal, settings, out, wanted, data, columns, about)
