"""`referral`: newly found harmful sites, for the state's system (R3 1.13)."""

import asyncio
import csv
import io
from datetime import UTC, date, datetime, tzinfo
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from approval.ledger_book import read_book
from blocklists.index import open_current
from cli.context import pass_settings, who
from cli.directors_list import in_force
from cli.errors import Misuse
from cli.handout import hand_out
from cli.paper_output import deliver, draw_up, expect_place, languages_of, paper_options
from cli.policy_file import opened
from cli.shared_names import is_shared, protected_names
from cli.typed import day_of
from journal.documents.kept_papers import PaperKind
from journal.incidents import KINDS
from journal.opening import opened_journal
from settings.model import Settings
from storage.audit import Head
from storage.evidence import Kind
from translations import _, spoken

if TYPE_CHECKING:
    from papers.numbered import Numbered
    from papers.referral import ReferredSite


@click.command(
    help=_(
        "Write down newly found harmful sites: reported by people or blocked by hand, and named by no list. Left out "
        "are names on the director's list and protected ones, and those below which strangers have sites of their own "
        "(com.kz).\n\n"
        "To take off what was a mistake: close the report, not reviewed, with a word (schoolfilter journal close "
        "NUMBER TEXT), and end the block (schoolfilter remove NAME --kind block).\n\n"
        "Example: schoolfilter referral --from 2026-11-01 --to 2026-11-30 --format csv"
    )
)
@click.option("--from", "since", required=True, metavar="YYYY-MM-DD", help=_("The first day."))
@click.option("--to", "until", required=True, metavar="YYYY-MM-DD", help=_("The last day."))
@click.option("--format", "form", type=click.Choice(["pdf", "csv"]), default="pdf", show_default=True)
@paper_options
@pass_settings
def referral(settings: Settings, since: str, until: str, form: str, tongues: tuple[str, ...], output: Path) -> None:
    """Write the list."""
    first, last = day_of(since, "--from"), day_of(until, "--to")
    if first > last:
        raise Misuse(
            _("expected a --from that is not after --to, found {first} and {last}").format(first=first, last=last)
        )
    zone = ZoneInfo(settings.school.time_zone)
    now = datetime.now(zone).replace(microsecond=0)
    if first > now.date():
        raise Misuse(_("--from: expected a day that has begun, found {day}").format(day=first))
    if form == "pdf":
        expect_place(output, PaperKind.REFERRAL, personal=False)
    sites, trail = asyncio.run(_found(settings, first, last, zone, now.date()))
    click.echo(_("Sites found: {count}.").format(count=len(sites)))
    if form == "csv":
        for language in languages_of(settings, tongues):
            with spoken(language):
                data = table_of(sites, language)
            path = output / f"referral-{first}-{last}-{language}.csv"
            hand_out(path, data)
            asyncio.run(_record(settings, first, last, data, len(sites)))
            click.echo(_("Written: {path}").format(path=path))
        return

    def draw(paper: "Numbered", language: str) -> bytes:
        from papers.referral import Referral, referral_pdf

        return referral_pdf(Referral(paper, first, last, sites), language)

    says = {"from": first.isoformat(), "to": last.isoformat(), "sites": len(sites)}
    kept = asyncio.run(draw_up(settings, PaperKind.REFERRAL, draw, tongues, trail=trail, now=now, says=says))
    deliver(kept, output, personal=False)


def table_of(sites: "list[ReferredSite]", language: str) -> bytes:
    """Return the sites as CSV for Excel, in its habits where the language is spoken (journal/exporting/export_data.py).

    No name of a site and no word of ours can be taken for a formula.
    """
    from papers.referral import found_words
    from policy.subjects import title_of

    text = io.StringIO(newline="")
    table = csv.writer(text, delimiter="," if language == "en" else ";")
    table.writerow(
        [
            _("Site"),
            _("Site as the network writes it"),
            _("First seen"),
            _("Category"),
            _("How found"),
            _("Reports"),
            _("Closed at the school since"),
        ]
    )
    for site in sites:
        category = title_of(site.category, language) if site.category else ""
        closed = site.closed.isoformat() if site.closed is not None else ""
        row = [site.display_name, site.name, site.first.isoformat(), category, found_words(site), site.reports, closed]
        table.writerow(row)
    return text.getvalue().encode("utf-8-sig")


async def _found(
    settings: Settings, first: date, last: date, zone: tzinfo, today: date
) -> "tuple[list[ReferredSite], Head]":
    from journal.documents.referral import newly_found, standing_reports

    async with await opened(settings) as policy:
        book, blocks, trail = await read_book(policy, settings), await policy.blocks(), await policy.audit_head()
    async with opened_journal(settings) as journal:
        reports = standing_reports([record async for record in journal.records(KINDS)])
    opened_names = {each.addition.name for each in in_force(book.ledger.orders, today)} | protected_names(settings)
    index = open_current(settings.paths.lists)
    try:

        def named(name: str) -> bool:
            return any(not listing.allows for listing in index.lookup(name))

        sites = newly_found(
            reports, blocks, first, last, zone, named=named, shared=is_shared, opened=frozenset(opened_names)
        )
    finally:
        index.close()
    return sites, trail


async def _record(settings: Settings, first: date, last: date, data: bytes, count: int) -> None:
    """Enter that a list was carried out."""
    async with opened_journal(settings) as journal, journal.changing(datetime.now(UTC)) as change:
        body = {
            "what": "referral",
            "format": "csv",
            "from": first.isoformat(),
            "to": last.isoformat(),
            "rows": count,
            "sha256": sha256(data).hexdigest(),
        }
        await change.add(Kind.EXPORT, body, by=who())
