"""`act`: draw up the act of a check of access history (R4)."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from cli.context import pass_settings
from cli.errors import Failure, Misuse
from cli.known_days import expect_known
from cli.looks import look
from cli.paper_output import deliver, draw_up, expect_place, paper_options, say_behind
from cli.policy_file import opened
from cli.reasons import reason_option, reason_or_asked
from cli.typed import day_of, order_of, text_of
from journal.documents.kept_papers import KeptPaper, PaperKind
from journal.opening import opened_journal
from settings.model import Settings
from translations import _, spoken

if TYPE_CHECKING:
    from journal.documents.act import Checked
    from papers.act import Asked, LiveTest, Member
    from papers.numbered import Numbered

_LONGEST = 2_000
"""Letters of what a commission writes about its check."""

# What draws and counts is imported where it is used: help starts without it.


@click.command(
    help=_(
        "Draw up the act of a check of access history: what was asked for and blocked in a period, incidents, whether "
        "the evidence is whole, levels and lists in force, and a test of sample names on the running server. Exit "
        "status: 1 if something is wrong; the act says what.\n\n"
        "Example: schoolfilter act --from 2026-10-01 --to 2026-10-31 --commission 'Asanova B., deputy director' "
        "--order 45 --date 2026-09-28"
    )
)
@click.option("--from", "first", required=True, metavar="YYYY-MM-DD", help=_("The first day of the period."))
@click.option("--to", "last", required=True, metavar="YYYY-MM-DD", help=_("Its last day."))
@click.option(
    "--commission",
    "people",
    multiple=True,
    metavar="'NAME, OFFICE'",
    help=_("Who takes part; may be given several times. If not given: lines to write on."),
)
@click.option("--method", metavar="TEXT", help=_("How it was checked; if not given: as the program does it."))
@click.option("--found", metavar="TEXT", help=_("What the commission found; if not given: lines to write on."))
@click.option("--order", "number", metavar="NUMBER", help=_("The order that appoints the commission."))
@click.option("--date", "day", metavar="YYYY-MM-DD", help=_("Its date."))
@reason_option(required=False)
@paper_options
@pass_settings
def act(
    settings: Settings,
    first: str,
    last: str,
    people: tuple[str, ...],
    method: str | None,
    found: str | None,
    number: str | None,
    day: str | None,
    reason: str,
    tongues: tuple[str, ...],
    output: Path,
) -> None:
    """Check, draw up, keep, hand out."""
    now = datetime.now(ZoneInfo(settings.school.time_zone)).replace(microsecond=0)
    asked = _asked(first, last, people, method, found, number, day, now)
    expect_place(output, PaperKind.ACT, personal=True)
    kept, checked, test = asyncio.run(_drawn_up(settings, asked, reason_or_asked(reason), tongues, now))
    deliver(kept, output, personal=True)
    say_behind(checked.behind)
    if wrong := _next_steps(checked, test):
        message = _("something is wrong; the act says what. See also: {commands}")
        raise Failure(message.format(commands=", ".join(wrong)))


def _next_steps(checked: "Checked", test: "LiveTest") -> list[str]:
    """Return the commands that show what is wrong; none if nothing is."""
    days = f"--from {checked.first.isoformat()} --to {checked.last.isoformat()}"
    name = next((each.name for each in test.tested if each.agrees is False), "")
    shown = {
        "schoolfilter journal verify": not checked.journal.is_sound,
        # It says only what is wrong with the journal if anything is.
        f"schoolfilter log verify {days}": checked.journal.is_sound and not checked.log.is_sound,
        "schoolfilter audit verify": bool(checked.policy.fault),
        "schoolfilter orders verify": bool(checked.policy.ledger_faults),
        f"schoolfilter check {name}": bool(name),
    }
    return [command for command, is_wrong in shown.items() if is_wrong]


def _asked(
    first: str,
    last: str,
    people: Sequence[str],
    method: str | None,
    found: str | None,
    number: str | None,
    day: str | None,
    now: datetime,
) -> "Asked":
    from papers.act import Asked

    begin, end = day_of(first, "--from"), day_of(last, "--to")
    if end < begin or end > now.date():
        message = _("expected a period that has been, --from not after --to; found {first} to {last}")
        raise Misuse(message.format(first=first, last=last))
    order_number, order_day = "", None
    if number is not None or day is not None:
        missing = _("expected the order with its date, such as --order 45 --date 2026-09-28, found only one of the two")
        order_number, order_day = order_of(number, day, missing)
    return Asked(
        begin,
        end,
        order_number,
        order_day,
        [_member(each) for each in people],
        text_of(method or "", "--method", _LONGEST),
        text_of(found or "", "--found", _LONGEST),
    )


def _member(text: str) -> "Member":
    from papers.act import Member

    name, _comma, office = text_of(text, "--commission").partition(",")
    if not name.strip():
        raise Misuse(_("--commission: expected name and office, such as 'Asanova B., deputy director'; found no name"))
    return Member(name.strip(), office.strip())


async def _drawn_up(
    settings: Settings, asked: "Asked", reason: str, tongues: Sequence[str], now: datetime
) -> "tuple[KeptPaper, Checked, LiveTest]":
    """Return the paper and what it rests on."""
    from cli.live_test import live_test
    from journal.documents.act import act_of, check
    from papers.act import act_pdf

    async with await opened(settings) as database:
        await expect_known(settings, asked.first, asked.last)
        await look(settings, "act", reason, {"--from": asked.first.isoformat(), "--to": asked.last.isoformat()})
        async with opened_journal(settings) as journal:
            seed = (await journal.head()).link
        checked = await check(settings, database, asked.first, asked.last, now)
    test = await asyncio.to_thread(live_test, settings, checked.policy, seed, now)

    def draw(paper: "Numbered", language: str) -> bytes:
        with spoken(language):
            said = act_of(asked, checked, test, paper)
        return act_pdf(said, language)

    says = _says(asked, checked, test)
    kept = await draw_up(settings, PaperKind.ACT, draw, tongues, trail=checked.policy.trail, now=now, says=says)
    return kept, checked, test


def _says(asked: "Asked", checked: "Checked", test: "LiveTest") -> dict[str, object]:
    from journal.documents.own_tests import said_of

    return {
        "from": asked.first.isoformat(),
        "to": asked.last.isoformat(),
        "queries": checked.sums.queries,
        "blocked": checked.sums.blocked_queries,
        "incidents": len(checked.incidents),
        "tested": len(test.tested),
        **said_of(test),
        "sound": not _next_steps(checked, test),
    }
