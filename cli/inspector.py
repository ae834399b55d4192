"""`inspector`: accounts that may look at the logs and export them, until a day, and do nothing else."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import click

from cli.context import pass_settings, who
from cli.errors import Misuse
from cli.ordered import InOrder
from cli.protocol import document_words
from cli.table import print_json, print_table
from cli.typed import day_of, order_of, text_of
from journal.inspectors import LONGEST_NAME, end_account, make_account
from journal.opening import opened_journal
from settings.model import Settings
from storage.evidence import Record, text
from storage.journal_db import Inspector
from translations import _

_LONGEST = timedelta(days=366)
"""An account for longer would be forgotten."""


@click.group(
    cls=InOrder, help=_("Accounts for inspectors: they look and export until a day, and each look is recorded.")
)
def inspector() -> None:
    """Hold the commands about inspectors' accounts."""


@inspector.command(
    help=_(
        "Make an account and show its passphrase, once. One of that name that exists ends with it.\n\n"
        "Example: schoolfilter inspector add 'A. Omarova' --until 2026-10-31 --order 12 --date 2026-10-01"
    )
)
@click.argument("name")
@click.option("--until", required=True, metavar="YYYY-MM-DD", help=_("The last day of the account."))
@click.option("--order", "number", metavar="NUMBER", help=_("The number of the order that it rests on."))
@click.option("--date", "day", metavar="YYYY-MM-DD", help=_("The date of that order."))
@pass_settings
def add(settings: Settings, name: str, until: str, number: str | None, day: str | None) -> None:
    """Make the account."""
    name = _name_of(name)
    now = datetime.now(ZoneInfo(settings.school.time_zone))
    last = _last_day(until, now.date())
    document = _document(number, day)

    async def make() -> str:
        async with opened_journal(settings) as journal:
            return await make_account(journal, name, last, document=document, at=now, by=who())

    passphrase = asyncio.run(make())
    click.echo(_("Inspector {name} may look and export until {day}.").format(name=name, day=last.isoformat()))
    click.echo(_("Passphrase: {passphrase}").format(passphrase=passphrase))
    click.echo(_("Write it down for the inspector now: it is kept nowhere and cannot be shown again."))
    example = f"schoolfilter log search --as-inspector '{name}' --today --reason …"
    click.echo(_("To look: {command}").format(command=example))


@inspector.command("list", help=_("Show the accounts.\n\nExample: schoolfilter inspector list"))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def list_command(settings: Settings, as_json: bool) -> None:
    """Print the accounts with their last record."""
    today = datetime.now(ZoneInfo(settings.school.time_zone)).date()

    async def read() -> list[tuple[Inspector, Record | None]]:
        async with opened_journal(settings) as journal:
            return [(each, await journal.record(each.record)) for each in await journal.inspectors()]

    accounts = asyncio.run(read())
    if as_json:
        print_json(
            [
                {
                    "name": account.name,
                    "until": account.until,
                    "state": _state(account, today),
                    "document": text(record.body, "document") if record else "",
                    "by": record.by if record else "",
                }
                for account, record in accounts
            ]
        )
    elif not accounts:
        click.echo(_("No inspector has an account."))
    else:
        words = {"valid": _("valid"), "over": _("over"), "revoked": _("revoked")}
        headings = (_("NAME"), _("LAST DAY"), _("STATE"), _("DOCUMENT"), _("BY"))
        print_table(
            headings,
            (
                (
                    account.name,
                    account.until,
                    words[_state(account, today)],
                    document_words(text(record.body, "document") if record else ""),
                    record.by if record else "",
                )
                for account, record in accounts
            ),
        )


@inspector.command(help=_("End an account now.\n\nExample: schoolfilter inspector revoke 'A. Omarova'"))
@click.argument("name")
@pass_settings
def revoke(settings: Settings, name: str) -> None:
    """End the account."""

    async def end() -> None:
        async with opened_journal(settings) as journal:
            await end_account(journal, name.strip(), at=datetime.now(UTC), by=who())

    asyncio.run(end())
    click.echo(_("The account of inspector {name} is ended.").format(name=name.strip()))


def _name_of(typed: str) -> str:
    name = text_of(typed, "NAME", LONGEST_NAME)
    if not name or "'" in name:  # the commands that we print quote it so
        raise Misuse(_("expected a name such as 'A. Omarova', found {found}").format(found=repr(typed[:60])))
    return name


def _last_day(typed: str, today: date) -> date:
    last = day_of(typed, "--until")
    if not today <= last <= today + _LONGEST:
        message = _("--until: expected a day from {today} on, within a year, found {found}")
        raise Misuse(message.format(today=today.isoformat(), found=last.isoformat()))
    return last


def _document(number: str | None, day: str | None) -> str:
    if number is None and day is None:
        return ""
    missing = _("expected the order with its date, such as --order 12 --date 2026-10-01, found only one of the two")
    found, dated = order_of(number, day, missing)
    return f"order {found} of {dated.isoformat()}"


def _state(account: Inspector, today: date) -> str:
    if not account.secret:
        return "revoked"
    return "over" if today > date.fromisoformat(account.until) else "valid"
