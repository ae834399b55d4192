"""`orders review`: look the director's list through: what ends, what nobody uses, which sites have changed hands."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from ipaddress import ip_address
from zoneinfo import ZoneInfo

import click
from rich.console import Console

from approval.review import Remark, ReviewEntry, review, watching
from approval.signs import Outcome, Seen, judge, load_signs, look, note_signs
from approval.usage import Usage
from cli.context import pass_settings, who
from cli.list_care import REVIEW, entries_and_review, in_force, note_use
from cli.policy_file import opened
from cli.table import print_json
from policy.names import display_name
from settings.checks import split_listen
from settings.model import Settings
from translations import _


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at the list came to."""

    entries: Sequence[ReviewEntry]
    remarks: Sequence[Remark]
    usage: Usage
    signs: Mapping[str, Outcome]
    """By name; empty if nobody looked."""
    last: date | None
    """The day of the last review."""


@click.command(
    "review",
    help=_(
        "Look through the director's list: what ends soon, what nobody uses, which sites are gone or perhaps in other "
        "hands. Nothing is changed.\n\nExample: schoolfilter orders review; with the director: orders review --done"
    ),
)
@click.option("--offline", is_flag=True, help=_("Ask no name server: say nothing about whose sites they are."))
@click.option(
    "--done", is_flag=True, help=_("The director has looked the list through: note that, and what is true today.")
)
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def review_command(settings: Settings, offline: bool, done: bool, as_json: bool) -> None:
    """Print what is remarkable."""
    today = datetime.now(ZoneInfo(settings.school.time_zone)).date()
    entries, last = entries_and_review(settings)
    names = in_force(entries, today)
    usage = note_use(settings, names, today)
    seen = {} if offline else _look(settings, names)
    noted = load_signs(settings.paths.state)
    signs = {name: judge(each, noted.get(each.registered)) for name, each in seen.items()}
    found = Found(entries, review(entries, usage, signs, today, last), usage, signs, last)
    if seen:
        note_signs(settings.paths.state, seen.values(), today, reviewed=done)
    if done:
        asyncio.run(_note(settings, len(names), len(found.remarks)))
    if as_json:
        print_json(_as_json(found))
    else:
        _print(found, offline, done)


async def _note(settings: Settings, entries: int, remarks: int) -> None:
    body = {"entries": entries, "remarks": remarks}
    async with await opened(settings) as policy:
        what = "director's list reviewed"
        await policy.change_objects(what, [(REVIEW, REVIEW, body)], at=datetime.now(UTC), by=who())


def _look(settings: Settings, names: Sequence[str]) -> Mapping[str, Seen]:
    with Console(stderr=True).status(_("Asking name servers …")):  # shows nothing where there is no terminal
        return asyncio.run(look(names, _server(settings)))


def _server(settings: Settings) -> tuple[str, int]:
    """Return whom to ask by UDP: an upstream that can be, else this machine's own server, which asks the others."""
    # Imported here: what `doctor` needs is much, and who reviews offline need not wait for it.
    from cli.doctor import targets
    from resolver.upstream.address import Scheme

    for target in targets(settings):
        if not target.zone and target.address.scheme is Scheme.UDP:
            return target.address.host, target.address.port
    host, port = split_listen(settings.server.listen[0])
    address = ip_address(host.partition("%")[0])
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"
    return host, port


def _as_json(found: Found) -> dict[str, object]:
    return {
        "entries": len(found.entries),
        "last_review": found.last.isoformat() if found.last else None,
        "usage_since": found.usage.since.isoformat() if found.usage.since else None,
        "signs": found.signs,
        "remarks": [
            {
                "kind": each.kind,
                "name": each.name,
                "display": display_name(each.name),
                "group": each.group,
                "text": each.text,
                "remedy": each.remedy,
            }
            for each in found.remarks
        ],
    }


def _print(found: Found, offline: bool, done: bool) -> None:
    text = _("Entries of the director's list: {count}. Last review: {day}.")
    click.echo(text.format(count=len(found.entries), day=found.last or _("never")))
    for remark in found.remarks:
        click.echo(f"- {remark.text}")
        click.echo(f"  {remark.remedy}")
    if not found.remarks:
        click.echo(_("Nothing is remarkable."))
    click.echo(watching(found.usage))
    silent = sum(outcome is Outcome.SILENT for outcome in found.signs.values())
    if offline:
        click.echo(_("No name server was asked (--offline): whether sites are in other hands is not known."))
    elif silent:
        text = _("Names about which nobody answered: {silent} of {count}. Try again later.")
        click.echo(text.format(silent=silent, count=len(found.signs)))
    if done:
        click.echo(_("Noted: the director has looked the list through today."))
    else:
        click.echo(_("When the director has looked it through: schoolfilter orders review --done"))
