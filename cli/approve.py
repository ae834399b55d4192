"""`approve`: the director turns requests into an order, by the key or on paper."""

import asyncio
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from approval.keys import read_key
from approval.ledger_book import is_signed
from approval.orders import Draft, Entered, draft_of, enter_on_paper, next_number, require_ready
from approval.orders import approve as sign_and_enter
from cli.asking import asks, confirmed, unlock
from cli.context import pass_settings, who
from cli.deciding import Shown, changes, look, say_draft
from cli.errors import Misuse
from cli.name_facts import say
from cli.policy_file import opened
from cli.typed import LONGEST_NUMBER, day_of, order_of, text_of
from cli.words import beginning, document_of
from policy.order_text import LONGEST, LONGEST_PERMIT
from policy.orders import Permit
from policy.sshsig import fingerprint
from settings.model import Settings
from translations import _


@click.command(
    help=_(
        "Approve requests: the director looks at them and signs one order.\n\n"
        "By the director's key: sudo schoolfilter approve 5 6\n\n"
        "On paper: schoolfilter approve 5 6 --order 12 --date 2026-09-02"
    )
)
@click.argument("ids", nargs=-1, metavar="[ID...]")
@click.option("--all", "everything", is_flag=True, help=_("All open requests."))
@click.option(
    "--number",
    "--order",
    "number",
    metavar="NUMBER",
    help=_("The number of the order; with a key it may be left out: the next one."),
)
@click.option(
    "--date", "day", metavar="YYYY-MM-DD", help=_("The date of the order; with a key it may be left out: today.")
)
@click.option("--note", default="", metavar="TEXT", help=_("A remark that stands in the order."))
@click.option(
    "--permit",
    type=click.IntRange(0, LONGEST_PERMIT),
    metavar="MINUTES",
    help=_(
        "Also permit teachers to open, for one room in a lesson, what is not on the list and in no harmful category, "
        "for so many minutes at a time; 0 withdraws that."
    ),
)
@click.option(
    "--key",
    "key_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help=_("Where the director's key lies, as on a USB stick; if not given: director.key in the state folder."),
)
@click.option(
    "--passphrase-file",
    "secret",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=_("A file with the passphrase on its first line; if not given, it is asked for."),
)
@click.option("--yes", is_flag=True, help=_("Do not ask whether to sign."))
@pass_settings
def approve(
    settings: Settings,
    ids: tuple[str, ...],
    everything: bool,
    number: str | None,
    day: str | None,
    note: str,
    permit: int | None,
    key_path: Path | None,
    secret: Path | None,
    yes: bool,
) -> None:
    """Enter one order for requests."""
    if ids and everything:
        raise Misuse(_("expected numbers of requests or --all, found both"))
    if not (ids or everything or permit is not None):
        raise Misuse(_("expected numbers of requests, or --all; `schoolfilter requests` lists them"))
    zone = ZoneInfo(settings.school.time_zone)
    allowed = None if permit is None else Permit(permit)
    remark = text_of(note, "--note", LONGEST["note"])
    if not is_signed(settings):
        if key_path is not None or secret is not None:
            raise Misuse(_('--key, --passphrase-file: the director signs paper here (approval.mode = "paper")'))
        paper = order_of(number, day, _no_order())
        shown = look(settings, ids, everything, bare=permit is not None)
        draft = draft_of(shown.requests, number=paper[0], day=paper[1], permit=allowed, note=remark)
        _enter(settings, shown, draft, yes, zone)
        return
    chosen_day = day_of(day, "--date") if day else datetime.now(zone).date()
    shown = look(settings, ids, everything, bare=permit is not None)
    require_ready(shown.book)
    chosen = text_of(number, "--number", LONGEST_NUMBER) if number else next_number(shown.book)
    draft = draft_of(shown.requests, number=chosen, day=chosen_day, permit=allowed, note=remark)
    _sign(settings, shown, draft, key_path or settings.paths.director_key, secret, yes, zone)


def _sign(
    settings: Settings,
    shown: Shown,
    draft: Draft,
    place: Path,
    secret: Path | None,
    yes: bool,
    zone: tzinfo,
) -> None:
    locked = read_key(shown.book, place)
    say_draft(settings, shown, draft, zone, signing=True)
    if not confirmed(_("Sign this order?"), yes=yes):
        click.echo(_("Nothing was signed."))
        return
    key = unlock(locked, secret, _("The director's passphrase"))

    async def work() -> Entered:
        async with await opened(settings) as policy:
            return await sign_and_enter(policy, settings, shown.book, draft, key, at=datetime.now(UTC), by=who())

    entered = asyncio.run(work())
    text = _("{document} is signed, number {sequence} in the ledger. It is in force within a second.")
    click.echo(text.format(document=beginning(document_of(entered.order)), sequence=entered.order.sequence))
    say(
        [
            *changes(entered.order),
            _("Key: {fingerprint}").format(fingerprint=fingerprint(locked.public)),
            _("Digest: {digest}").format(digest=entered.sealed.digest),
            _("The sheet for the folder: schoolfilter orders print {sequence}").format(sequence=entered.order.sequence),
        ]
    )


def _enter(settings: Settings, shown: Shown, draft: Draft, yes: bool, zone: tzinfo) -> None:
    say_draft(settings, shown, draft, zone, signing=False)
    # Who enters what is on paper already need not be asked, but one who sits there may see a slip.
    if asks() and not confirmed(_("Enter this paper order?"), yes=yes):
        click.echo(_("Nothing was entered."))
        return

    async def work() -> Entered:
        async with await opened(settings) as policy:
            return await enter_on_paper(policy, settings, draft, at=datetime.now(UTC), by=who())

    entered = asyncio.run(work())
    text = _("{document} is entered, number {sequence} in the ledger. It is in force within a second.")
    click.echo(text.format(document=beginning(document_of(entered.order)), sequence=entered.order.sequence))
    say(changes(entered.order))


def _no_order() -> str:
    return _(
        "the director signs paper here: expected --order NUMBER and --date YYYY-MM-DD of the order that was signed. "
        "Example: schoolfilter approve 5 --order 12 --date 2026-09-02"
    )
