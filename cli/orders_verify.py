"""`orders verify` and `orders restore`: is the ledger whole, and how it becomes whole again."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from approval.ledger_book import Book, is_signed, keep, pin_of, read_book, restoration
from approval.orders import named_keys
from cli.asking import confirmed
from cli.context import pass_settings, who
from cli.deciding import changes
from cli.name_facts import say
from cli.orders_show import book_of
from cli.policy_file import opened
from cli.table import print_json
from cli.words import document_of
from policy.ledger import Sealed
from policy.ledger_words import describe
from policy.order_text import InvalidOrder, read_order
from policy.orders import Order
from policy.sshsig import fingerprint
from settings.model import Settings
from storage import audit
from storage.ledger_copy import LedgerCopy
from storage.ledger_mending import mend
from translations import _


@click.command(
    "verify",
    help=_(
        "Verify every order anew: text, chain, signatures, and that nothing is missing which was there before. "
        "Exit status: 1 if anything is wrong, else 0.\n\nExample: schoolfilter orders verify"
    ),
)
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@click.pass_context
@pass_settings
def verify_command(settings: Settings, ctx: click.Context, as_json: bool) -> None:
    """Print what verification says."""
    book = book_of(settings)
    copy = LedgerCopy(settings.paths.state).read()
    ledger = book.ledger
    same = list(book.rows[: len(copy)]) == copy
    good = same and not ledger.findings
    key = fingerprint(ledger.key) if ledger.key else ""
    if as_json:
        print_json(
            {
                "good": good,
                "findings": [{**asdict(each), "text": describe(each)} for each in ledger.findings],
                "mode": settings.approval.mode,
                "orders": len(book.rows),
                "in_force": len(ledger.orders),
                "paper_confirmed": ledger.adopted,
                "head": ledger.head,
                "key": key,
                "pin": pin_of(settings),
                "copy": {"orders": len(copy), "same": same},
            }
        )
    else:
        for finding in ledger.findings:
            click.echo(describe(finding))
        for line in _lines(book, key, copy, settings, same=same):
            click.echo(line)
        if good:
            click.echo(_("Everything is in order."))
    ctx.exit(0 if good else 1)


def _lines(book: Book, key: str, copy: list[Sealed], settings: Settings, *, same: bool) -> list[str]:
    ledger = book.ledger
    text = _("Orders in the ledger: {rows}; in force: {held}; on paper and confirmed by a signature: {adopted}.")
    lines = [text.format(rows=len(book.rows), held=len(ledger.orders), adopted=ledger.adopted)]
    lines.append(_("Digest of the last order: {digest}").format(digest=ledger.head))
    if key:
        lines.append(_("The director's key: {fingerprint}").format(fingerprint=key))
    elif is_signed(settings) and not named_keys(book):
        lines.append(_("There is no key of the director yet. Make it with: schoolfilter orders key create"))
    if not same:
        text = _(
            "Orders in this machine's copy: {count}, and they are not those of policy.db. To mend that: "
            "schoolfilter orders restore"
        )
    elif len(copy) < len(ledger.orders):
        text = _("Orders in this machine's copy: {count}, the first ones; the server brings it up to date.")
    else:
        text = _("Orders in this machine's copy: {count}, the same ones.")
    lines.append(text.format(count=len(copy)))
    return lines


@click.command(
    "restore",
    help=_(
        "Put back what policy.db lacks of the ledger from this machine's copy of what was verified before. What does "
        "not hold is kept in a file of its own.\n\nExample: schoolfilter orders restore"
    ),
)
@click.option("--yes", is_flag=True, help=_("Do not ask whether to take out what does not hold."))
@pass_settings
def restore_command(settings: Settings, yes: bool) -> None:
    """Mend the ledger."""
    book = book_of(settings)
    plan = restoration(book, settings)
    if plan is None:
        click.echo(_("Nothing to restore: policy.db holds all that this machine has verified."))
        return
    for text, rows in (
        (_("Put back: {what}"), plan.put_back),
        (_("Taken out, because it does not hold here: {what}"), plan.taken_out),
    ):
        for sealed in rows:
            order = _read(sealed)
            click.echo(text.format(what=_named(order)))
            say(changes(order) if order is not None else ())
    if plan.taken_out and not confirmed(_("Do that?"), yes=yes):
        click.echo(_("Nothing was changed."))
        return

    async def work() -> tuple[Path | None, Book, audit.Finding | None]:
        async with await opened(settings) as policy:
            aside = await mend(policy, plan.before, plan.taken_out, plan.put_back, at=datetime.now(UTC), by=who())
            await keep(policy, settings)
            return aside, await read_book(policy, settings), await policy.verify_audit()

    aside, after, unexplained = asyncio.run(work())
    click.echo(_("Done. Orders in the ledger: {count}.").format(count=len(after.rows)))
    if aside is not None:
        click.echo(_("What was taken out is kept for whoever looks into it: {path}").format(path=aside))
    for finding in after.ledger.findings:
        click.echo(describe(finding), err=True)
    if unexplained is not None:  # the ledger is right again, and something else is not
        click.echo(audit.describe(unexplained), err=True)


def _read(sealed: Sealed) -> Order | None:
    try:
        return read_order(sealed.body)
    except InvalidOrder:
        return None


def _named(order: Order | None) -> str:
    if order is None:
        return _("what is no order")
    text = _("number {sequence}, {document}")
    return text.format(sequence=order.sequence, document=document_of(order))
