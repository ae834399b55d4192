"""`orders print`: the white list of sites, or one order, as a sheet to sign and to hang up."""

import asyncio
from dataclasses import replace
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from approval.ledger_book import Book, LedgerRow
from cli import directors_list
from cli.context import pass_settings
from cli.errors import Failure, Misuse
from cli.handout import hand_out
from cli.orders_show import book_of, entry_of
from cli.policy_file import opened
from cli.typed import day_of
from journal.opening import opened_journal
from journal.trust.heads import written
from journal.trust.signing import sign_head
from policy.names import display_name
from policy.orders import Addition, Order, OrderKind, as_of
from policy.sshsig import fingerprint, signer
from settings.model import Settings
from storage.evidence import Head
from translations import LANGUAGES, _

if TYPE_CHECKING:
    from papers.order_sheet import OrderSheet, SheetEntry, SheetSignature

# papers/ is imported where it is used: all other commands about orders start without the press.


@click.command(
    "print",
    help=_(
        "Print the white list of sites, or one order, as PDF.\n\n"
        "Example: schoolfilter orders print --output list.pdf; schoolfilter orders print 7 --language kk"
    ),
)
@click.argument("sequence", required=False, type=click.IntRange(min=1), metavar="[NUMBER]")
@click.option("--at", "at", metavar="YYYY-MM-DD", help=_("The list as it was at the end of that day."))
@click.option("--language", "tongue", type=click.Choice(LANGUAGES), help=_("If not given: the school's language."))
@click.option(
    "--output",
    type=click.Path(dir_okay=False, readable=False, path_type=Path),
    metavar="FILE",
    help=_("The PDF; if not given: one in the current folder."),
)
@pass_settings
def print_command(
    settings: Settings, sequence: int | None, at: str | None, tongue: str | None, output: Path | None
) -> None:
    """Write the PDF."""
    if sequence is not None and at is not None:
        raise Misuse(_("expected the number of an order or --at, found both"))
    from papers.order_sheet import order_sheet_pdf

    zone = ZoneInfo(settings.school.time_zone)
    now, book = datetime.now(zone).replace(microsecond=0), book_of(settings)
    if sequence is not None:
        sheet, name = sheet_of_order(book, entry_of(book, sequence), now), f"order-{sequence}.pdf"
    else:
        day = now.date() if at is None else day_of(at, "--at")
        sheet, name = sheet_of_list(book, day, now, zone), f"white-list-{day.isoformat()}.pdf"
    trail, head = asyncio.run(_heads(settings, now))
    sheet = replace(sheet, trail=trail, journal=head)
    path = output or Path(name)
    hand_out(path, order_sheet_pdf(sheet, tongue or settings.school.language))
    click.echo(_("Written: {path}").format(path=path))


async def _heads(settings: Settings, now: datetime) -> tuple[str, str]:
    """Return the heads of audit trail and journal: they are on paper from then on, and a cut or changed past shows."""
    async with await opened(settings) as policy:
        trail = await policy.audit_head()
    head = ""
    if settings.paths.journal_db.exists():
        async with opened_journal(settings) as journal:
            signed = await sign_head(journal, settings, now)
        head = written(Head(signed.number, signed.link))
    return f"{trail.number}:{trail.digest[:16]}", head


def sheet_of_order(book: Book, entry: LedgerRow, now: datetime) -> "OrderSheet":
    """Return the sheet of one order. Raises Failure for one that does not count and that no signature can confirm."""
    from papers.order_sheet import OrderSheet, SheetRemoval

    order = entry.order
    if order is None or (not entry.holds and order.kind is not OrderKind.PAPER):
        message = _("number {sequence} in the ledger does not count; `schoolfilter orders verify` says why.")
        raise Failure(message.format(sequence=entry.sequence))
    return OrderSheet(
        school=order.school,
        director="",
        as_of=None,
        number=order.number,
        day=order.date,
        signature=_signature(entry, order, now),
        entries=[_entry(book, each, order) for each in order.additions],
        removals=[
            SheetRemoval(each.name, display_name(each.name), _title(book, each.group)) for each in order.removals
        ],
        permit=None if order.permit is None else order.permit.minutes,
        named_key=fingerprint(order.key) if order.key else "",
        document=order.document,
        note=order.note,
        sequence=order.sequence,
        digest=entry.sealed.digest,
        previous_digest=order.previous,
        printed_at=now,
    )


def sheet_of_list(book: Book, day: date, now: datetime, zone: tzinfo) -> "OrderSheet":
    """Return the sheet of the white list as of a day. Raises Failure if there was no order yet."""
    from papers.order_sheet import OrderSheet

    orders = as_of(book.ledger.orders, day, zone)
    if not orders:
        message = _("there was no order in force on {day}, so that there is no list to print.")
        raise Failure(message.format(day=day.isoformat()))
    last = orders[-1]
    entry = LedgerRow(last.sequence, last, book.sealed[len(orders) - 1], holds=True)
    permit = next((order.permit for order in reversed(orders) if order.permit is not None), None)
    return OrderSheet(
        school=last.school,
        director="",
        as_of=day,
        number=last.number,
        day=last.date,
        signature=_signature(entry, last, now),
        entries=[_entry(book, each.addition, each.order) for each in directors_list.in_force(orders, day)],
        removals=(),
        permit=permit.minutes if permit is not None and permit.minutes else None,
        named_key="",
        document="",
        note="",
        sequence=last.sequence,
        digest=entry.sealed.digest,
        previous_digest=last.previous,
        printed_at=now,
    )


def _signature(entry: LedgerRow, order: Order, now: datetime) -> "SheetSignature | None":
    from papers.order_sheet import SheetSignature

    if order.kind is OrderKind.PAPER:
        return None
    return SheetSignature(order.entered_at.astimezone(now.tzinfo), fingerprint(signer(entry.sealed.signature)))


def _entry(book: Book, addition: Addition, order: Order) -> "SheetEntry":
    from papers.order_sheet import SheetEntry, SheetOrder

    return SheetEntry(
        addition.name,
        display_name(addition.name),
        _title(book, addition.group),
        addition.scope,
        addition.until,
        addition.reason,
        SheetOrder(order.number, order.date, order.kind is OrderKind.PAPER),
    )


def _title(book: Book, group: str | None) -> str:
    if group is None:
        return ""
    return book.snapshot.groups[group].title if group in book.snapshot.groups else group
