"""`journal erase`: ask that a person's data be erased from the query log, and see what was asked for."""

import asyncio
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import click

from cli.arguments import ADDRESS
from cli.context import pass_settings, who
from cli.errors import Misuse
from cli.known import unknown_devices
from cli.table import print_json, print_table
from cli.typed import day_of, order_of, text_of
from cli.words import order_words
from journal.archiving.erasure import Erasure, ask_for_erasure, erasures
from journal.archiving.waiting import For, Wait, wait_of
from journal.opening import opened_journal
from policy.orders import OrderKind
from settings.model import Settings
from translations import _

_LONGEST = 200


@click.command(
    "erase",
    help=_(
        "Erase what a device or an address asked for in some days, on the director's order.\n\n"
        "The server carries it out by itself within minutes, as soon as nothing of these days is being written any "
        "more and no incident of them may still go on. Copies that were exported, papers, and backups are not "
        "reached. Example: schoolfilter journal erase --device lab-07 --from 2026-09-01 "
        '--to 2026-09-05 --reason "request of a parent" --order 12 --date 2026-10-01'
    ),
)
@click.option("--device", "devices", multiple=True, metavar="ID", help=_("A known device; may be repeated."))
@click.option("--client", "clients", multiple=True, type=ADDRESS, help=_("An address; may be repeated."))
@click.option("--from", "first", metavar="YYYY-MM-DD", help=_("The first day."))
@click.option("--to", "last", metavar="YYYY-MM-DD", help=_("The last day; today at the latest."))
@click.option("--reason", metavar="TEXT", help=_("Why. Do not name the person here: it stays on record."))
@click.option("--order", "number", metavar="NUMBER", help=_("The number of the director's order."))
@click.option("--date", "day", metavar="YYYY-MM-DD", help=_("The date of the order; today at the latest."))
@click.option(
    "--list", "listing", is_flag=True, help=_("Only show what was asked for, and whether it was carried out.")
)
@click.option("--json", "as_json", is_flag=True, help=_("With --list: as JSON."))
@pass_settings
def erase(
    settings: Settings,
    devices: tuple[str, ...],
    clients: tuple[str, ...],
    first: str | None,
    last: str | None,
    reason: str | None,
    number: str | None,
    day: str | None,
    listing: bool,
    as_json: bool,
) -> None:
    """Enter the request, or list those there are."""
    if listing:
        asyncio.run(_list(settings, as_json=as_json))
        return
    if not devices and not clients:
        raise Misuse(_("expected --device or --client: whose data are to be erased?"))
    if first is None or last is None:
        raise Misuse(
            _("expected --from and --to: addresses, and devices too, change hands. Give the days that are meant.")
        )
    days = day_of(first, "--from"), day_of(last, "--to")
    if days[1] < days[0]:
        raise Misuse(_("expected --to not before --from, found {last} before {first}").format(first=first, last=last))
    why = text_of(reason or "", "--reason", _LONGEST)
    if not why:
        raise Misuse(_("expected --reason: it stays on record when the data are gone"))
    missing = _(
        "expected the director's order with --order and --date: nothing is erased from the evidence without one."
    )
    written, dated = order_of(number, day, missing)
    today = datetime.now(ZoneInfo(settings.school.time_zone)).date()
    for option, given in (("--to", days[1]), ("--date", dated)):
        _refuse_later(option, given, today)
    if unknown := asyncio.run(unknown_devices(settings, devices, *days)):
        message = _(
            "expected a device that the policy knows, or that stands in the query log of these days; found {devices}. "
            "Nothing was entered. Name the address that it had: --client ADDRESS"
        )
        raise Misuse(message.format(devices=", ".join(map(repr, unknown))))
    identity, state = asyncio.run(
        _ask(settings, devices, clients, days, why, f"order {written} of {dated.isoformat()}")
    )
    click.echo(
        _(
            "Erasure {id} is entered: {state}.\n"
            "After that the server carries it out by itself within minutes. See: schoolfilter journal erase --list"
        ).format(id=identity, state=state)
    )


def wait_words(wait: Wait, now: datetime) -> str:
    """Return what an erasure waits for, in words. `now`: in the school's zone."""
    until = wait.until or now
    time = f"{until:%H:%M}" if until.date() == now.date() else f"{until:%Y-%m-%d %H:%M}"
    match wait.reason:
        case For.SEGMENTS:
            return _("waits for segments still open, until {time}").format(time=time)
        case For.INCIDENT:
            return _("waits for what may still become an incident or belong to one, until {time}").format(time=time)
        case For.INTAKE:
            return _("waits until the journal has taken in the query log")
    return _("waits for the next round")


def _refuse_later(option: str, day: date, today: date) -> None:
    if day > today:
        message = _("{option}: expected a day up to today, {today}, found {found}. Nothing was entered.")
        raise Misuse(message.format(option=option, today=today.isoformat(), found=day.isoformat()))


async def _ask(
    settings: Settings,
    devices: tuple[str, ...],
    clients: tuple[str, ...],
    days: tuple[date, date],
    why: str,
    document: str,
) -> tuple[str, str]:
    """Enter the request; return its number, and what it waits for."""
    now = datetime.now(ZoneInfo(settings.school.time_zone))
    async with opened_journal(settings) as journal:
        identity = await ask_for_erasure(
            journal,
            clients=clients,
            devices=devices,
            first=days[0],
            last=days[1],
            why=why,
            document=document,
            at=now.astimezone(UTC),
            by=who(),
        )
        entered = next(each for each in await erasures(journal) if each.id == identity)
        return identity, wait_words(await wait_of(journal, settings, entered, now), now)


async def _list(settings: Settings, *, as_json: bool) -> None:
    """Print the requests without whose data they are about: that is personal, and no look at it is needed here."""
    now = datetime.now(ZoneInfo(settings.school.time_zone))
    async with opened_journal(settings) as journal:
        found = await erasures(journal)
        waits = {each.record: await wait_of(journal, settings, each, now) for each in found if each.done is None}
    if as_json:
        print_json([_as_json(each, waits.get(each.record)) for each in found])
    elif found:
        headings = (_("ERASURE"), _("DAYS"), _("DOCUMENT"), _("REASON"), _("BY"), _("STATE"))
        print_table(headings, [_cells(each, waits.get(each.record), now) for each in found])
        click.echo(_("Whose data they are about is sealed, and not shown on purpose."))
    else:
        click.echo(_("No erasure was ever asked for."))


def _cells(each: Erasure, wait: Wait | None, now: datetime) -> tuple[str, ...]:
    number, _of, day = each.document.removeprefix("order ").rpartition(" of ")
    if each.done is None:
        state = wait_words(wait or Wait(For.ROUND), now)
    else:
        state = _("carried out {day}, {rows} queries").format(day=each.done.date().isoformat(), rows=each.rows)
    return (
        each.id,
        f"{each.first.isoformat()} – {each.last.isoformat()}",
        order_words(OrderKind.PAPER, number, day),
        each.why,
        each.by,
        state,
    )


def _as_json(each: Erasure, wait: Wait | None) -> dict[str, object]:
    return {
        "id": each.id,
        "from": each.first.isoformat(),
        "to": each.last.isoformat(),
        "document": each.document,
        "reason": each.why,
        "entered_at": each.at.isoformat(timespec="seconds"),
        "entered_by": each.by,
        "carried_out_at": None if each.done is None else each.done.isoformat(timespec="seconds"),
        "rows": each.rows,
        "waits_for": None if wait is None else wait.reason.value,
        "waits_until": None if wait is None or wait.until is None else wait.until.isoformat(timespec="seconds"),
    }
