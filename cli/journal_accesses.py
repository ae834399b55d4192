"""`journal accesses`: who looked at personal data or was not let in as an inspector, when and why (R1 2.17)."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import click

from cli.context import pass_settings
from cli.days import minute
from cli.errors import Misuse
from cli.looks import look
from cli.reasons import reason_or_asked
from cli.table import print_json, print_table
from cli.typed import day_of, text_of
from journal.inspectors import Refusal
from journal.opening import opened_journal
from settings.model import Settings
from storage.evidence import Kind, Record, text
from translations import _


@click.command(
    help=_(
        "Show who looked at personal data, when and why.\n\n"
        "Example: schoolfilter journal accesses --from 2026-11-01 --to 2026-11-30"
    )
)
@click.option("--from", "first", metavar="YYYY-MM-DD", help=_("The first day."))
@click.option("--to", "last", metavar="YYYY-MM-DD", help=_("The last day."))
@click.option(
    "--names", is_flag=True, help=_("Also what was asked for: it may name people's devices; this look is on record.")
)
@click.option("--reason", default="", metavar="TEXT", help=_("Why you look; it is entered with the look."))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def accesses(settings: Settings, first: str | None, last: str | None, names: bool, reason: str, as_json: bool) -> None:
    """Print the looks, oldest first."""
    zone = ZoneInfo(settings.school.time_zone)
    begin = None if first is None else datetime.combine(day_of(first, "--from"), time(), zone)
    end = None if last is None else datetime.combine(day_of(last, "--to") + timedelta(days=1), time(), zone)
    if begin is not None and end is not None and begin >= end:
        raise Misuse(
            _("expected --to to be no earlier than --from, found {first} and {last}").format(first=first, last=last)
        )
    why = text_of(reason, "--reason")
    if names:
        why = reason_or_asked(why)

    async def work() -> list[Record]:
        if names:
            await look(settings, "journal accesses --names", why, {"--from": first or "", "--to": last or ""})
        async with opened_journal(settings) as journal:
            looks = journal.records((Kind.ACCESS,), since=begin, until=end, private=names)
            return [each async for each in looks]

    found = asyncio.run(work())
    if as_json:
        print_json([_json(each, names=names) for each in found])
    elif not found:
        click.echo(_("Nobody looked at personal data."))
    else:
        headings = [_("WHEN"), _("WHO"), _("WHAT"), _("WHY")] + ([_("ASKED FOR")] if names else [])
        print_table(headings, (_row(each, zone, names=names) for each in found))
        if not names and any(each.seal for each in found):
            click.echo(
                _("What was asked for: schoolfilter journal accesses --names (that look is on record)"), err=True
            )


def _row(record: Record, zone: ZoneInfo, *, names: bool) -> list[str]:
    row = [
        minute(record.at, zone),
        record.by,
        *_what_and_why(record),
    ]
    if names:
        row.append(", ".join(f"{option} {value}" for option, value in _asked(record).items()) or "-")
    return row


def _what_and_why(record: Record) -> tuple[str, str]:
    inspector = text(record.body, "inspector")
    match text(record.body, "refused"):
        case Refusal.UNKNOWN:
            why = _("there is no such account")
        case Refusal.REVOKED:
            why = _("the account was ended")
        case Refusal.OVER:
            why = _("the account's last day is over")
        case Refusal.PASSPHRASE:
            why = _("wrong passphrase")
        case _:
            return text(record.body, "what"), text(record.body, "reason") or _("no reason was given")
    return _("REFUSED: inspector {name}").format(name=inspector), why


def _json(record: Record, *, names: bool) -> dict[str, object]:
    found: dict[str, object] = {
        "record": record.number,
        "at": record.at.isoformat(),
        "by": record.by,
        "what": text(record.body, "what"),
        "reason": text(record.body, "reason"),
    }
    if "refused" in record.body:
        found |= {"refused": text(record.body, "refused"), "inspector": text(record.body, "inspector")}
    return found | {"asked": dict(_asked(record))} if names else found


def _asked(record: Record) -> Mapping[str, object]:
    asked = (record.private or {}).get("asked")
    return asked if isinstance(asked, Mapping) else {}
