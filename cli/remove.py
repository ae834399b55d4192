"""`remove`: end blocks by hand, and take names off the director's list, by an order or by asking for one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import click

from approval.ledger_book import is_signed, read_book
from approval.orders import Draft, enter_on_paper
from approval.requests import requests_for
from blocklists.bundles import load_bundles
from cli.context import Installation, pass_installation, who
from cli.errors import Failure, Misuse
from cli.policy_file import opened
from cli.typed import names_of, order_of, text_of
from cli.wanted import next_step
from cli.words import audience_of, document_of, ranges
from policy.names import display_name
from policy.needed import BUNDLES
from policy.orders import Listed, Removal, replay
from policy.views import EntryKind
from settings.model import Settings
from storage.approval_db import ApprovalDb
from storage.policy_db import PolicyDb
from storage.requests import RequestKind
from translations import _


@dataclass(frozen=True, slots=True)
class Ending:
    """What is to end, and how the director says so."""

    names: tuple[str, ...]
    group: str | None
    kind: EntryKind | None
    """Only entries of this kind; None: both."""
    bundle: str | None
    order: tuple[str, date] | None
    """Number and date of an order on paper; None if none was given."""
    asking: bool
    """A request is made in place of an order."""
    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of it."""

    listed: Sequence[Listed]
    """What was on the director's list."""
    blocked: Sequence[str]
    """What was blocked by hand and is no longer."""
    requests: Sequence[int]
    """The requests to take off what was listed; empty if it is off."""
    document: str
    """The order on paper, in words."""


@click.command(
    help=_(
        "End the entries for names; the lists decide about them again. Example: schoolfilter remove example.org\n\n"
        "What is blocked by hand ends at once. What is on the director's list ends by an order on paper (the number "
        "may be missing: then it says so), or, where the director signs with a key, by a request.\n\n"
        "A whole bundle: schoolfilter remove --bundle education"
    )
)
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--group", metavar="ID", help=_("The entries of this group; if not given: those for everyone."))
@click.option(
    "--kind", type=click.Choice([each.value for each in EntryKind]), help=_("Only these; if not given: both.")
)
@click.option("--bundle", type=click.Choice(BUNDLES), help=_("All names of a bundle on the director's list."))
@click.option("--reason", default="", metavar="TEXT", help=_("Why, in a sentence; the director reads it."))
@click.option("--order", "number", metavar="NUMBER", help=_("The number of the order that was signed on paper."))
@click.option("--date", "day", metavar="YYYY-MM-DD", help=_("The date of that order."))
@click.option("--request", "requested", is_flag=True, help=_("Ask for it, also where the director signs paper."))
@pass_installation
def remove(
    installation: Installation,
    names: tuple[str, ...],
    group: str | None,
    kind: str | None,
    bundle: str | None,
    reason: str,
    number: str | None,
    day: str | None,
    requested: bool,
) -> None:
    """End entries; they stay in the history with the moment and the person."""
    settings = installation.settings
    if bool(names) == (bundle is not None):
        raise Misuse(_("expected names, such as example.org, or --bundle"))
    if bundle is not None and kind == EntryKind.BLOCK:
        raise Misuse(_("--bundle: a bundle stands on the director's list only"))
    signed = is_signed(settings)
    if (number or day) and (signed or requested):
        raise Misuse(_("--order, --date: a request is made here, and the director's approval gives it its number."))
    half = _("--order and --date: expected both or none of them")
    ending = Ending(
        tuple(names_of(names)) if bundle is None else tuple(each.name for each in load_bundles()[bundle]),
        group,
        EntryKind.ALLOW if bundle is not None else EntryKind(kind) if kind else None,
        bundle,
        order_of(number, day, half) if number or day else None,
        signed or requested,
        text_of(reason, "--reason"),
    )
    ended = asyncio.run(_end(settings, ending))
    _say(settings, ending, ended)


async def _end(settings: Settings, ending: Ending) -> Ended:
    """Do it for all names or for none. Raises Failure for names without an entry."""
    async with await opened(settings) as policy:
        on_list = replay((await read_book(policy, settings)).ledger.orders, None)
        blocks = {block.name for block in await policy.blocks() if block.group == ending.group}
        wants_list, wants_blocks = ending.kind is not EntryKind.BLOCK, ending.kind is not EntryKind.ALLOW
        listed = [on_list[place] for name in ending.names if wants_list and (place := (name, ending.group)) in on_list]
        blocked = [name for name in ending.names if wants_blocks and name in blocks]
        _refuse_missing(ending, {*blocked, *(each.addition.name for each in listed)})
        requests, document = await _end_listed(policy, settings, ending, listed) if listed else ([], "")
        if blocked:
            await policy.remove_blocks(blocked, group=ending.group, at=datetime.now(UTC), by=who())
        return Ended(listed, blocked, requests, document)


async def _end_listed(
    policy: PolicyDb, settings: Settings, ending: Ending, listed: Sequence[Listed]
) -> tuple[list[int], str]:
    """Take names off the director's list, or ask for that; return the requests, or the order in words."""
    now, names = datetime.now(UTC), [each.addition.name for each in listed]
    if ending.asking:
        requests = requests_for(RequestKind.REMOVE, names, group=ending.group, reason=ending.reason)
        return await ApprovalDb(policy).ask(requests, at=now, by=who()), ""
    number, day = ending.order or ("", now.astimezone(ZoneInfo(settings.school.time_zone)).date())
    removals = tuple(Removal(name, ending.group) for name in names)
    draft = Draft(number=number, date=day, removals=removals, note=ending.reason)
    entered = await enter_on_paper(policy, settings, draft, at=now, by=who())
    return [], document_of(entered.order)


def _refuse_missing(ending: Ending, found: set[str]) -> None:
    if ending.bundle is not None:
        if not found:
            message = _("no name of the bundle {bundle} is on the director's list ({audience}). Nothing was changed.")
            raise Failure(message.format(bundle=ending.bundle, audience=audience_of(ending.group)))
        return
    missing = [display_name(name) for name in ending.names if name not in found]
    if missing:
        message = _(
            "no entry in force for: {names}. `schoolfilter allow --list` and `block --list` show them. "
            "Nothing was changed."
        )
        raise Failure(message.format(names=", ".join(missing)))


def _say(settings: Settings, ending: Ending, ended: Ended) -> None:
    audience = audience_of(ending.group)
    for name in ended.blocked:
        text = _("{name} is no longer blocked by hand ({audience}).")
        click.echo(text.format(name=display_name(name), audience=audience))
    if not ended.listed:
        return
    if ending.bundle is not None:
        text = _("The bundle {bundle}: {count} names are no longer on the director's list ({audience}): {document}.")
        if ended.requests:
            text = _("Requests {ids}: take {count} names of the bundle {bundle} off the director's list {audience}.")
        ids = ranges(ended.requests)
        count = len(ended.listed)
        click.echo(text.format(bundle=ending.bundle, count=count, audience=audience, document=ended.document, ids=ids))
    elif ended.requests:
        for id_, listed in zip(ended.requests, ended.listed, strict=True):
            text = _("Request {id}: take {name} off the director's list {audience}; it rests on {document}.")
            name, document = display_name(listed.addition.name), document_of(listed.order)
            click.echo(text.format(id=id_, name=name, audience=audience, document=document))
    else:
        for listed in ended.listed:
            text = _("{name} is no longer on the director's list ({audience}; it rested on {before}): {document}.")
            name, before = display_name(listed.addition.name), document_of(listed.order)
            click.echo(text.format(name=name, audience=audience, before=before, document=ended.document))
    if ended.requests:
        click.echo(next_step(settings, ended.requests))
    elif ending.order is None:
        click.echo(_("No number of an order was given: the ledger and every sheet say so."))
