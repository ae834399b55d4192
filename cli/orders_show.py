"""`orders show`: the director's list on a day, one order whole, or all orders."""

import asyncio
from collections.abc import Iterator
from datetime import date, datetime, tzinfo
from zoneinfo import ZoneInfo

import click

from approval.ledger_book import Book, LedgerRow, read_book
from cli import directors_list
from cli.context import pass_settings
from cli.days import minute
from cli.deciding import changes, permit_words
from cli.errors import Failure, Misuse
from cli.policy_file import opened
from cli.table import print_json, print_table
from cli.typed import day_of
from cli.words import beginning, document_of
from policy.ledger_words import describe
from policy.names import display_name
from policy.orders import Order, OrderKind, as_of, permit_of
from policy.sshsig import fingerprint
from settings.model import Settings
from translations import _


@click.command(
    "show",
    help=_(
        "Show the director's list in force, or one order of the ledger.\n\n"
        "Example: schoolfilter orders show; schoolfilter orders show 7; schoolfilter orders show --at 2026-09-02"
    ),
)
@click.argument("sequence", required=False, type=click.IntRange(min=1), metavar="[NUMBER]")
@click.option("--at", "at", metavar="YYYY-MM-DD", help=_("The list as it was at the end of that day."))
@click.option("--all", "everything", is_flag=True, help=_("All orders of the ledger."))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def show_command(settings: Settings, sequence: int | None, at: str | None, everything: bool, as_json: bool) -> None:
    """Print what is asked for."""
    if sum((sequence is not None, at is not None, everything)) > 1:
        raise Misuse(_("expected one of: the number of an order, --at, --all"))
    zone = ZoneInfo(settings.school.time_zone)
    book = book_of(settings)
    if sequence is not None:
        _show_one(entry_of(book, sequence), zone, as_json)
    elif everything:
        _show_all(book, zone, as_json)
    else:
        today = datetime.now(zone).date()
        _show_list(book, today if at is None else day_of(at, "--at"), at is not None, zone, as_json)
    for finding in book.ledger.findings:
        click.echo(describe(finding), err=True)


def book_of(settings: Settings) -> Book:
    """Read and verify the ledger."""

    async def read() -> Book:
        async with await opened(settings) as policy:
            return await read_book(policy, settings)

    return asyncio.run(read())


def entry_of(book: Book, sequence: int) -> LedgerRow:
    """Return one order, the one that counts if the ledger tells two. Raises Failure."""
    entries = book.every_row()
    found = next((entry for entry in entries if entry.sequence == sequence), None)
    if found is None:
        message = _("expected the number of an order in the ledger, 1 to {last}, found {sequence}")
        if not entries:
            message = _("there are no orders in the ledger yet")
        raise Failure(message.format(last=entries[-1].sequence if entries else 0, sequence=sequence))
    return found


def _show_list(book: Book, day: date, past: bool, zone: tzinfo, as_json: bool) -> None:
    orders = as_of(book.ledger.orders, day, zone) if past else book.ledger.orders
    found = directors_list.in_force(orders, day)
    permit = permit_of(orders)
    if as_json:
        minutes = None if permit is None else permit.minutes
        entries = [directors_list.as_json(each) for each in found]
        print_json({"day": day.isoformat(), "entries": entries, "permit_minutes": minutes})
        return
    text = _("The director's list on {day}. Names: {count}; orders in the ledger: {orders}.")
    click.echo(text.format(day=day.isoformat(), count=len(found), orders=len(orders)))
    if found:
        print_table(directors_list.headings(), (directors_list.row(each, zone) for each in found))
    if permit is not None:
        click.echo(permit_words(permit))


def _show_all(book: Book, zone: tzinfo, as_json: bool) -> None:
    entries = book.every_row()
    if as_json:
        print_json([order_json(entry) for entry in entries])
    elif not entries:
        click.echo(_("No orders."))
    else:
        headings = (_("NO."), _("ORDER"), _("ENTERED"), _("BY"), _("OPENS"), _("TAKES OFF"), _("SIGNED"), _("COUNTS"))
        print_table(headings, (_row(entry, zone) for entry in entries))


def _row(entry: LedgerRow, zone: tzinfo) -> tuple[str, ...]:
    counts = _("yes") if entry.holds else _("NO")
    if entry.order is None:
        return (str(entry.sequence), _("no order"), "-", "-", "-", "-", "-", counts)
    order = entry.order
    return (
        str(entry.sequence),
        document_of(order),
        minute(order.entered_at, zone),
        order.entered_by,
        str(len(order.additions)),
        str(len(order.removals)),
        _("on paper") if order.kind is OrderKind.PAPER else _("by key"),
        counts,
    )


def _show_one(entry: LedgerRow, zone: tzinfo, as_json: bool) -> None:
    if as_json:
        print_json(order_json(entry))
        return
    if entry.order is None:
        raise Failure(_("number {sequence} in the ledger is no order.").format(sequence=entry.sequence))
    order = entry.order
    click.echo(
        _("Number {sequence} in the ledger: {document}").format(sequence=order.sequence, document=document_of(order))
    )
    for label, text in _fields(entry, order, zone):
        click.echo(f"  {label}: {text}")
    for line in changes(order, everything=True):
        click.echo(f"  {beginning(line)}")


def _fields(entry: LedgerRow, order: Order, zone: tzinfo) -> Iterator[tuple[str, str]]:
    yield _("school"), order.school or "-"
    yield _("entered"), _("{moment} by {by}").format(moment=minute(order.entered_at, zone), by=order.entered_by)
    if order.requests:
        yield _("answers requests"), ", ".join(map(str, order.requests))
    if order.note:
        yield _("remark"), order.note
    if order.document:
        yield _("document"), order.document
    if order.key:
        yield _("names the key"), fingerprint(order.key)
    yield _("signed"), _("on paper only") if order.kind is OrderKind.PAPER else _("by the director's key")
    yield _("counts"), _("yes") if entry.holds else _("NO: `schoolfilter orders verify` says why")
    yield _("digest"), entry.sealed.digest
    yield _("follows"), order.previous


def order_json(entry: LedgerRow) -> dict[str, object]:
    """Return an order for machines."""
    order = entry.order
    said: dict[str, object] = {
        "sequence": entry.sequence,
        "counts": entry.holds,
        "digest": entry.sealed.digest,
        "signature": entry.sealed.signature,
        "body": entry.sealed.body,
    }
    if order is None:
        return said
    return said | {
        "kind": order.kind,
        "number": order.number,
        "date": order.date.isoformat(),
        "document": order.document_text,
        "additions": [
            {
                "name": each.name,
                "display": display_name(each.name),
                "group": each.group,
                "scope": each.scope,
                "until": each.until.isoformat() if each.until else None,
                "reason": each.reason,
            }
            for each in order.additions
        ],
        "removals": [
            {"name": each.name, "display": display_name(each.name), "group": each.group} for each in order.removals
        ],
        "permit_minutes": None if order.permit is None else order.permit.minutes,
        "key": fingerprint(order.key) if order.key else "",
        "paper_act": order.document,
        "note": order.note,
        "entered_at": order.entered_at.isoformat(),
        "entered_by": order.entered_by,
        "requests": order.requests,
        "school": order.school,
        "previous": order.previous,
    }
