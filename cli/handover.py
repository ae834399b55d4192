"""`handover`: the act that is drawn up when the responsible person changes (R5)."""

import asyncio
import pwd
from datetime import date, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from approval.ledger_book import Book, is_signed, pin_of, read_book
from cli.context import pass_settings
from cli.directors_list import in_force
from cli.errors import Misuse
from cli.paper_output import deliver, draw_up, expect_place, paper_options
from cli.policy_file import opened
from cli.typed import order_of, text_of
from journal.documents.kept_papers import KeptPaper, PaperKind
from journal.opening import opened_journal
from journal.trust.device_key import device_fingerprint, device_key
from policy.orders import Order
from settings.model import Settings
from storage.approval_db import ApprovalDb
from storage.evidence import Record
from storage.journal_db import Inspector
from translations import _, spoken

if TYPE_CHECKING:
    from papers.handover import HandedState
    from papers.numbered import Numbered


@click.command(
    help=_(
        "Draw up the act of handover when the responsible person changes: keys, accounts, state, open incidents.\n\n"
        "Example: schoolfilter handover --from 'R. Seitova' --to 'B. Usenov' --order 45 --date 2026-12-01"
    )
)
@click.option("--from", "outgoing", required=True, metavar="NAME", help=_("Who hands over."))
@click.option("--to", "incoming", required=True, metavar="NAME", help=_("Who receives."))
@click.option("--order", "number", metavar="NUMBER", help=_("The number of the director's order that appoints."))
@click.option("--date", "day", metavar="YYYY-MM-DD", help=_("The date of that order."))
@paper_options
@pass_settings
def handover(
    settings: Settings,
    outgoing: str,
    incoming: str,
    number: str | None,
    day: str | None,
    tongues: tuple[str, ...],
    output: Path,
) -> None:
    """Draw the act up."""
    names = _name(outgoing, "--from"), _name(incoming, "--to")
    if len({" ".join(name.casefold().split()) for name in names}) == 1:
        message = _("expected two persons, who hands over and who receives; found {name} as both")
        raise Misuse(message.format(name=names[0]))
    missing = _(
        "expected the director's order that appoints the new responsible person, such as --order 45 --date 2026-12-01, "
        "found none or only a part of it"
    )
    order = order_of(number, day, missing)
    now = datetime.now(ZoneInfo(settings.school.time_zone)).replace(microsecond=0)
    expect_place(output, PaperKind.HANDOVER, personal=True)
    deliver(asyncio.run(_draw(settings, names, order, tongues, now)), output, personal=True)


def _name(text: str, option: str) -> str:
    found = text_of(text, option)
    if not found:
        raise Misuse(_("{option}: expected a name, found nothing").format(option=option))
    return found


async def _draw(
    settings: Settings, names: tuple[str, str], order: tuple[str, date], tongues: tuple[str, ...], now: datetime
) -> KeptPaper:
    from journal.documents import handover as gathered
    from papers.handover import HandedKeys, HandoverAct, handover_pdf

    async with await opened(settings) as policy:
        book, trail = await read_book(policy, settings), await policy.audit_head()
        requests = [each.id for each in await ApprovalDb(policy).requests()]
    records, accounts = await _records(settings)
    zone = now.tzinfo or ZoneInfo(settings.school.time_zone)
    keys = HandedKeys(pin_of(settings), is_signed(settings), device_fingerprint(device_key(settings.paths.device_key)))

    def draw(paper: "Numbered", language: str) -> bytes:
        with spoken(language):
            state = _state(settings, book, requests, now.date())
        act = HandoverAct(
            paper,
            outgoing=names[0],
            incoming=names[1],
            order=order[0],
            day=order[1],
            keys=keys,
            inspectors=gathered.inspectors(accounts, now.date()),
            contacts=gathered.contacts(records),
            state=state,
            incidents=gathered.open_incidents(records, zone),
            papers=gathered.last_papers(records, zone),
        )
        return handover_pdf(act, language)

    says = {"from": names[0], "to": names[1], "order": order[0], "date": order[1].isoformat()}
    return await draw_up(settings, PaperKind.HANDOVER, draw, tongues, trail=trail, now=now, says=says)


async def _records(settings: Settings) -> tuple[list[Record], list[Inspector]]:
    from journal.documents.handover import RECORDS

    async with opened_journal(settings) as journal:
        return [record async for record in journal.records(RECORDS)], await journal.inspectors()


def _state(settings: Settings, book: Book, requests: list[int], today: date) -> "HandedState":
    from journal.documents.handover import levels_of_groups, levels_of_rooms
    from journal.documents.lists_in_force import lists_in_force
    from papers.handover import HandedState

    last: Order | None = book.ledger.orders[-1] if book.ledger.orders else None
    return HandedState(
        version=_version(),
        addresses=settings.server.listen,
        state_folder=str(settings.paths.state.resolve()),
        os_user=_owner(settings.paths.policy_db),
        lists=lists_in_force(settings),
        groups=levels_of_groups(book.snapshot.groups.values()),
        rooms=levels_of_rooms(book.snapshot.schedule.rooms.values()),
        devices=len(book.snapshot.directory.devices),
        orders=len(book.ledger.orders),
        last_order=last.number if last is not None else "",
        last_order_day=last.date if last is not None else None,
        entries=len(in_force(book.ledger.orders, today)),
        requests=requests,
    )


def _version() -> str:
    try:
        return version("schoolfilter")
    except PackageNotFoundError:
        return _("(run from its source folder, not installed)")


def _owner(path: Path) -> str:
    try:
        return pwd.getpwuid(path.stat().st_uid).pw_name
    except KeyError:  # a user without an entry, as under a systemd DynamicUser
        return f"uid {path.stat().st_uid}"
