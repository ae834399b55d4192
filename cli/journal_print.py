"""`journal print`: the journal of access to internet content of a month, as the commission knows it (R4)."""

import asyncio
from calendar import monthrange
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from cli.context import pass_settings
from cli.errors import Misuse
from cli.known_days import expect_known
from cli.looks import look
from cli.paper_output import deliver, draw_up, expect_place, paper_options
from cli.policy_file import opened, snapshot_of
from cli.reasons import reason_option, reason_or_asked
from journal.documents.beginning import begun_after
from journal.documents.kept_papers import KeptPaper, PaperKind
from journal.incidents import KINDS
from journal.opening import opened_journal
from settings.model import Settings
from storage.evidence import Kind
from translations import _, spoken

if TYPE_CHECKING:
    from papers.journal_sheet import SheetIncident
    from papers.numbered import Numbered


@click.command(
    "print",
    help=_(
        "Print the journal of a month as PDF, to sign and to file. It names devices: that you look is recorded.\n\n"
        "Example: schoolfilter journal print 2026-11 --language kk"
    ),
)
@click.argument("month", metavar="YYYY-MM")
@click.option("--names", is_flag=True, help=_("With the names of the sites that were asked for."))
@reason_option(required=False)
@paper_options
@pass_settings
def print_command(
    settings: Settings, month: str, names: bool, reason: str, tongues: tuple[str, ...], output: Path
) -> None:
    """Draw the sheet up."""
    now = datetime.now(ZoneInfo(settings.school.time_zone)).replace(microsecond=0)
    first = month_of(month, now.date())
    expect_place(output, PaperKind.JOURNAL, personal=True)
    kept = asyncio.run(_draw(settings, first, names, reason_or_asked(reason), tongues, now))
    deliver(kept, output, personal=True)


def month_of(text: str, today: date) -> date:
    """Return the first day of a month that has begun. Raises Misuse."""
    try:
        first = datetime.strptime(text.strip(), "%Y-%m").date()  # noqa: DTZ007 - a month of the school's calendar
    except ValueError:
        message = _("expected a month as YYYY-MM, such as 2026-11, found {found}")
        raise Misuse(message.format(found=repr(text[:60]))) from None
    if first > today:
        message = _("expected a month that has begun, found {found}")
        raise Misuse(message.format(found=f"{first:%Y-%m}"))
    return first


async def _draw(
    settings: Settings, first: date, names: bool, reason: str, tongues: tuple[str, ...], now: datetime
) -> KeptPaper:
    from journal.documents.printed import Titles, lines_of_month
    from papers.journal_sheet import JournalSheet, journal_sheet_pdf

    async with await opened(settings) as policy:
        snapshot, trail = await snapshot_of(policy, settings), await policy.audit_head()
    titles = Titles(
        {id_: room.title for id_, room in snapshot.schedule.rooms.items()},
        {id_: group.title for id_, group in snapshot.groups.items()},
    )
    month, last = f"{first:%Y-%m}", first.replace(day=monthrange(first.year, first.month)[1])
    await expect_known(settings, first, last)
    await look(settings, "journal print", reason, {"month": month, "--names": "yes" if names else ""})
    zone = now.tzinfo or ZoneInfo(settings.school.time_zone)
    async with opened_journal(settings) as journal:
        records = [record async for record in journal.records((*KINDS, Kind.BEGUN), private=True)]
    incidents = [each for each in records if each.kind in KINDS]

    def lines() -> "list[SheetIncident]":
        return lines_of_month(incidents, month, zone, titles, names=names)

    def draw(paper: "Numbered", language: str) -> bytes:
        with spoken(language):
            sheet = JournalSheet(
                paper,
                first.year,
                first.month,
                finished=last < now.date(),
                begun=begun_after(records, first, zone),
                with_names=names,
                incidents=lines(),
            )
        return journal_sheet_pdf(sheet, language)

    says = {"month": month, "incidents": len(lines()), "names": names}
    return await draw_up(settings, PaperKind.JOURNAL, draw, tongues, trail=trail, now=now, says=says)
