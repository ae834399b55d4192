"""`report`: draw up the monthly report to the district (R3 3.7, R4)."""

import asyncio
import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from cli.audit_words import title_of
from cli.context import pass_settings
from cli.errors import Failure, Misuse
from cli.known_days import expect_known
from cli.looks import look
from cli.paper_output import deliver, draw_up, expect_place, paper_options, say_behind
from cli.policy_file import opened
from cli.protocol import document_words
from cli.reasons import reason_option, reason_or_asked
from cli.table import print_json
from cli.typed import text_of
from journal.documents.kept_papers import KeptPaper, PaperKind
from papers.dates import short_day
from settings.model import Settings
from storage.audit import Change
from translations import _, language, spoken

if TYPE_CHECKING:
    from journal.documents.monthly_paper import MonthFacts
    from papers.numbered import Numbered

_LONGEST = 4_000
"""Letters of what the psychologist reports."""
_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")

# What draws and counts is imported where it is used: help starts without it.


@click.group(help=_("Reports of the school to the district, region and ministry."))
def report() -> None:
    """Hold the reports."""


@report.command(
    help=_(
        "Draw up the report of a month: queries, incidents and what was done about them, orders, changes of policy, "
        "lists. Its figures are compared with the sums in the journal's chain and with an independent count of the "
        "query log. It is due by the 25th of the month after; a month that is not over is marked as such. Exit status: "
        "1 if the figures do not agree; the report says where.\n\n"
        "Example: schoolfilter report monthly 2026-11 --language kk --language ru"
    )
)
@click.argument("month", metavar="YYYY-MM")
@click.option(
    "--psychologist", metavar="TEXT", help=_("What the psychologist reports; if not given: lines to write on.")
)
@click.option("--measures", metavar="TEXT", help=_("Measures taken; if not given: lines to write on."))
@click.option("--json", "as_json", is_flag=True, help=_("Print the figures as JSON, and draw up nothing."))
@reason_option(required=False)
@paper_options
@pass_settings
def monthly(
    settings: Settings,
    month: str,
    psychologist: str | None,
    measures: str | None,
    as_json: bool,
    reason: str,
    tongues: tuple[str, ...],
    output: Path,
) -> None:
    """Count, compare, draw up, keep, hand out."""
    now = datetime.now(ZoneInfo(settings.school.time_zone)).replace(microsecond=0)
    _expect_begun(month, now.date())
    said = tuple(
        text_of(text or "", option, _LONGEST)
        for text, option in ((psychologist, "--psychologist"), (measures, "--measures"))
    )
    if not as_json:
        expect_place(output, PaperKind.MONTHLY_REPORT, personal=True)
    facts = asyncio.run(_gathered(settings, month, reason_or_asked(reason), now))
    if as_json:
        from cli.report_json import report_json

        print_json(report_json(facts, now))
    else:
        deliver(asyncio.run(_drawn_up(settings, facts, said, tongues, now)), output, personal=True)
    say_behind(facts.behind)
    wrong = []
    if not facts.log.is_sound:
        wrong.append(_("the journal, or the query log of this month, is not whole. See: schoolfilter log verify"))
    if not facts.month.agrees:
        wrong.append(_("the figures do not agree with all of their sources; the report says where"))
    if wrong:
        raise Failure("\n".join(wrong))


def change_words(change: Change) -> tuple[str, str]:
    """Return what a change of policy did and the document it rests on, in the language in use, with days as there."""
    return title_of(change), document_words(change.document, lambda day: short_day(day, language()))


def _expect_begun(month: str, today: date) -> None:
    if not _MONTH.fullmatch(month) or month > today.isoformat()[:7]:
        message = _("expected a month that has begun, as YYYY-MM such as 2026-11, found {found}")
        raise Misuse(message.format(found=repr(month[:60])))


async def _gathered(settings: Settings, month: str, reason: str, now: datetime) -> "MonthFacts":
    from journal.documents.monthly import bounds
    from journal.documents.monthly_paper import gather_month

    async with await opened(settings) as database:
        await expect_known(settings, *bounds(month))
        await look(settings, "report monthly", reason, {"month": month})
        return await gather_month(settings, database, month, now)


async def _drawn_up(
    settings: Settings, facts: "MonthFacts", said: tuple[str, ...], tongues: Sequence[str], now: datetime
) -> KeptPaper:
    from journal.documents.monthly_paper import report_of
    from papers.monthly_report import monthly_report_pdf

    psychologist, measures = said

    def draw(paper: "Numbered", language: str) -> bytes:
        with spoken(language):
            found = report_of(facts, paper, change_words, psychologist=psychologist, measures=measures)
        return monthly_report_pdf(found, language)

    month = facts.month
    says = {
        "month": month.month,
        "until": month.until.isoformat(),
        "finished": month.finished,
        "queries": month.sums.queries,
        "blocked": month.sums.blocked_queries,
        "incidents": len(month.incidents),
        "reconciled": month.reconciled,
    }
    trail = facts.policy.trail
    return await draw_up(settings, PaperKind.MONTHLY_REPORT, draw, tongues, trail=trail, now=now, says=says)
