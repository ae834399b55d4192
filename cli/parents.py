"""`parents`: one page that explains restricted access to parents, in their language (R3 3.6)."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from cli.context import pass_settings
from cli.paper_output import deliver, draw_up, expect_place, paper_options
from cli.policy_file import opened, snapshot_of
from journal.documents.kept_papers import KeptPaper, PaperKind
from journal.documents.pupils import closed_to_pupils, written_contact
from settings.model import LogDetail, Settings
from translations import _

if TYPE_CHECKING:
    from papers.numbered import Numbered


@click.command(
    help=_(
        "Print a page for parents: why access is restricted, what is noted, whom to ask.\n\n"
        "Example: schoolfilter parents --language kk --language ru"
    )
)
@paper_options
@pass_settings
def parents(settings: Settings, tongues: tuple[str, ...], output: Path) -> None:
    """Draw the page up."""
    now = datetime.now(ZoneInfo(settings.school.time_zone)).replace(microsecond=0)
    expect_place(output, PaperKind.PARENTS, personal=False)
    deliver(asyncio.run(_draw(settings, tongues, now)), output, personal=False)


async def _draw(settings: Settings, tongues: tuple[str, ...], now: datetime) -> KeptPaper:
    from papers.parents import ParentsPage, parents_pdf

    async with await opened(settings) as policy:
        snapshot, trail = await snapshot_of(policy, settings), await policy.audit_head()
    closed = closed_to_pupils(snapshot)

    def draw(paper: "Numbered", language: str) -> bytes:
        page = ParentsPage(
            paper,
            closed=closed.always,
            partly=closed.partly,
            only_list=closed.only_list,
            allowed_too=settings.log.detail is LogDetail.FULL,
            retention_days=settings.log.retention_days,
            anonymise_days=settings.log.anonymise_days,
            contact=written_contact(settings.school.contact),
        )
        return parents_pdf(page, language)

    return await draw_up(settings, PaperKind.PARENTS, draw, tongues, trail=trail, now=now, says={})
