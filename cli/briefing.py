"""`briefing`: the sheet on which pupils' briefing on harmful content is recorded (R4)."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from cli.context import pass_settings
from cli.errors import Misuse
from cli.paper_output import deliver, draw_up, expect_place, paper_options
from cli.policy_file import opened, snapshot_of
from cli.typed import text_of
from journal.documents.kept_papers import KeptPaper, PaperKind
from journal.documents.pupils import closed_to_pupils, written_contact
from policy.group_titles import shown_title
from policy.levels import Level
from policy.snapshot import Snapshot
from settings.model import Settings
from translations import _, spoken

if TYPE_CHECKING:
    from papers.numbered import Numbered


@click.command(
    help=_(
        "Print the sheet for a briefing of pupils on harmful content: the rules in plain words, lines to sign.\n\n"
        "Example: schoolfilter briefing --group pupils --room room-5 --language kk"
    )
)
@click.option("--group", required=True, metavar="GROUP", help=_("Who is briefed."))
@click.option("--room", metavar="ROOM", help=_("Where; if not given, there is a line to write it on."))
@click.option("--topic", default="", metavar="TEXT", help=_("What is spoken of besides the rules."))
@paper_options
@pass_settings
def briefing(
    settings: Settings, group: str, room: str | None, topic: str, tongues: tuple[str, ...], output: Path
) -> None:
    """Draw the sheet up."""
    now = datetime.now(ZoneInfo(settings.school.time_zone)).replace(microsecond=0)
    expect_place(output, PaperKind.BRIEFING, personal=False)
    kept = asyncio.run(_draw(settings, group, room, text_of(topic, "--topic"), tongues, now))
    deliver(kept, output, personal=False)


async def _draw(
    settings: Settings, group: str, room: str | None, topic: str, tongues: tuple[str, ...], now: datetime
) -> KeptPaper:
    from papers.briefing import BriefingSheet, briefing_pdf

    async with await opened(settings) as policy:
        snapshot, trail = await snapshot_of(policy, settings), await policy.audit_head()
    _require(snapshot, group, room)
    found = snapshot.groups[group]
    place = snapshot.schedule.rooms[room] if room is not None else None
    closed = closed_to_pupils(snapshot, [found])

    def draw(paper: "Numbered", language: str) -> bytes:
        with spoken(language):
            title = shown_title(found.id, found.title)
        sheet = BriefingSheet(
            paper,
            group=title,
            room=place.title if place is not None else "",
            topic=topic,
            only_list=closed.only_list or (place is not None and place.level is Level.HIGH),
            closed=closed.always,
            at_times=closed.partly,
            contact=written_contact(settings.school.contact),
        )
        return briefing_pdf(sheet, language)

    says = {"group": group, "room": room or "", "topic": topic}
    return await draw_up(settings, PaperKind.BRIEFING, draw, tongues, trail=trail, now=now, says=says)


def _require(snapshot: Snapshot, group: str, room: str | None) -> None:
    """Raise Misuse for a group or a room that does not exist."""
    if group not in snapshot.groups:
        message = _("expected one of the groups {groups}, found {found}")
        raise Misuse(message.format(groups=", ".join(sorted(snapshot.groups)), found=repr(group[:60])))
    if room is not None and room not in snapshot.schedule.rooms:
        message = _("expected a room that is entered, found {found}. Which there are: schoolfilter rooms")
        raise Misuse(message.format(found=repr(room[:60])))
