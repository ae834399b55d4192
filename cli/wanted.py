"""What is to go on the director's list: entered by an order on paper, or asked for; and what a person reads of it."""

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import click

from approval.ledger_book import is_signed
from approval.orders import Draft, enter_on_paper
from approval.requests import Facts, Listings, facts_about, look_up, refusals, requests_for, trusted_names
from cli.context import who
from cli.name_facts import facts_of, lines_of, refuse, say, warnings_of
from cli.policy_file import opened, snapshot_of
from cli.words import audience_of, document_of, ranges
from policy.levels import Level
from policy.names import display_name
from policy.orders import Addition, Order, Scope
from policy.snapshot import Snapshot
from settings.model import Settings
from storage.approval_db import ApprovalDb
from storage.requests import RequestKind
from translations import _


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to open, and for whom."""

    names: tuple[str, ...]
    group: str | None
    scope: Scope
    until: date | None
    reason: str
    bundle: str | None


# -- by an order on paper ----------------------------------------------------------------------------------------------


def enter(settings: Settings, wanted: Wanted, order: tuple[str, date]) -> Snapshot:
    """Enter one order on paper for all names, all or none, and say so; return the policy that comes of it."""
    wanted, listings, left_out = _checked(settings, wanted)
    number, day = order
    additions = [Addition(name, wanted.group, wanted.scope, wanted.until, wanted.reason) for name in wanted.names]
    draft = Draft(number=number, date=day, additions=tuple(additions))

    async def work() -> tuple[Order, Snapshot, Snapshot]:
        async with await opened(settings) as policy:
            before = await snapshot_of(policy, settings)
            entered = await enter_on_paper(policy, settings, draft, at=datetime.now(UTC), by=who())
            return entered.order, before, await snapshot_of(policy, settings)

    entered, before, after = asyncio.run(work())
    if wanted.bundle is not None:
        _say_bundle(wanted, document_of(entered), left_out)
    else:
        facts = facts_about(wanted.names, wanted.group, before, listings, trusted_names(before))
        for name in wanted.names:
            _say_entered(wanted, facts[name], document_of(entered))
    _say_ends(wanted)
    off = [
        view.group for view in after.views.values() if wanted.group in (None, view.group) and view.level is Level.OFF
    ]
    if off:
        click.echo(_("  Nothing opens for {groups} at the level off.").format(groups=", ".join(off)))
    return after


def _say_entered(wanted: Wanted, facts: Facts, document: str) -> None:
    text = _("{name} and all names below it are allowed {audience}: {document}.")
    if wanted.scope is Scope.LESSONS:
        text = _("Teachers may open {name} and all names below it in a lesson, {audience}: {document}.")
    audience = audience_of(wanted.group)
    click.echo(text.format(name=display_name(facts.name), audience=audience, document=document))
    say(warnings_of(facts))


def _say_bundle(wanted: Wanted, document: str, left_out: Sequence[str]) -> None:
    said = _("The bundle {bundle}: {count} names, with all names below them, are allowed {audience}: {document}.")
    audience = audience_of(wanted.group)
    click.echo(said.format(bundle=wanted.bundle, count=len(wanted.names), audience=audience, document=document))
    say(left_out)
    again = shlex.join([str(wanted.bundle), *group_option(wanted.group)])
    text = _("See them with: schoolfilter allow --list. To take them back: schoolfilter remove --bundle {bundle}")
    click.echo(text.format(bundle=again))


def _say_ends(wanted: Wanted) -> None:
    if wanted.until is not None:
        click.echo(_("  The last day is {day}.").format(day=wanted.until.isoformat()))


# -- by a request ------------------------------------------------------------------------------------------------------


def ask(settings: Settings, wanted: Wanted) -> Snapshot:
    """Make requests, all or none, and say what opening the names means; return the policy, which stays as it is."""
    wanted, listings, left_out = _checked(settings, wanted)

    async def work() -> tuple[list[int], dict[str, Facts], Snapshot]:
        async with await opened(settings) as policy:
            snapshot = await snapshot_of(policy, settings)
            facts = facts_of(settings, wanted.names, wanted.group, snapshot, listings)
            requests = requests_for(
                RequestKind.ALLOW,
                wanted.names,
                group=wanted.group,
                scope=wanted.scope,
                until=wanted.until,
                reason=wanted.reason,
                facts=facts,
            )
            return await ApprovalDb(policy).ask(requests, at=datetime.now(UTC), by=who()), facts, snapshot

    ids, facts, snapshot = asyncio.run(work())
    _say_asked(settings, wanted, ids, facts, left_out)
    return snapshot


def _say_asked(
    settings: Settings, wanted: Wanted, ids: Sequence[int], facts: Mapping[str, Facts], left_out: Sequence[str]
) -> None:
    if wanted.bundle is not None:
        text = _("Requests {ids}: open the {count} names of the bundle {bundle} {audience}.")
        audience = audience_of(wanted.group)
        click.echo(text.format(ids=ranges(ids), count=len(ids), bundle=wanted.bundle, audience=audience))
        say(left_out)
    else:
        for id_, name in zip(ids, wanted.names, strict=True):
            text = _("Request {id}: open {name} and all names below it {audience}.")
            click.echo(text.format(id=id_, name=display_name(name), audience=audience_of(wanted.group)))
            say(lines_of(facts[name], settings))
    _say_ends(wanted)
    click.echo(next_step(settings, ids))


def next_step(settings: Settings, ids: Sequence[int]) -> str:
    """Return who has to do what about requests."""
    if is_signed(settings):
        text = _("Nothing changes until the director approves: sudo schoolfilter approve {ids}")
    else:
        text = _(
            "Nothing changes until the director signs an order. Then enter it: schoolfilter approve {ids} "
            "--order NUMBER --date YYYY-MM-DD"
        )
    return text.format(ids=ranges(ids))


# -- both --------------------------------------------------------------------------------------------------------------


def _checked(settings: Settings, wanted: Wanted) -> tuple[Wanted, Listings, list[str]]:
    """Return what of it an order can open, what the lists say, and what of a bundle is left out, in words.

    Raises Misuse or Failure for other names that no order can open.
    """
    listings = look_up(settings.paths.lists, wanted.names)
    closed = refusals(wanted.names, listings)
    if wanted.bundle is None:
        refuse(closed)
    refused = {refusal.name for refusal in closed}
    left = tuple(name for name in wanted.names if name not in refused)
    return replace(wanted, names=left), listings, [refusal.text for refusal in closed]


def group_option(group: str | None) -> list[str]:
    """Return the option that says for whom an entry is."""
    return [] if group is None else ["--group", group]
