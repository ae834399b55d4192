"""`requests` and `reject`: what teachers ask the director for, and what became of it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import click

from cli.context import Installation, pass_installation, pass_settings, who
from cli.days import minute
from cli.directors_list import scope_and_end
from cli.errors import Misuse
from cli.policy_file import opened
from cli.printable import printable
from cli.table import print_json, print_table
from cli.typed import numbers_of, text_of
from cli.words import audience_of, ranges
from policy.names import display_name
from settings.model import Settings
from storage.approval_db import ApprovalDb
from storage.requests import Outcome, Request, RequestKind
from translations import _


@click.group(
    invoke_without_command=True,
    help=_("Show what waits for the director. Example: schoolfilter requests\n\nTo ask: schoolfilter allow, remove"),
)
@click.option("--all", "everything", is_flag=True, help=_("Also what was approved, rejected or withdrawn."))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_installation
@click.pass_context
def requests(ctx: click.Context, installation: Installation, everything: bool, as_json: bool) -> None:
    """List the requests if no command follows."""
    if ctx.invoked_subcommand is not None:
        return
    settings = installation.settings
    found = read_requests(settings, only_open=not everything)
    zone = ZoneInfo(settings.school.time_zone)
    if as_json:
        print_json([request_json(each) for each in found])
    elif not found:
        click.echo(_("No requests.") if everything else _("No open requests."))
    else:
        headings = (_("ID"), _("OPEN"), _("NAME"), _("GROUP"), _("BY"), _("ASKED"), _("REASON"), _("OUTCOME"))
        print_table(headings, (_row(each, zone) for each in found))


@requests.command(help=_("Take requests back. Example: schoolfilter requests withdraw 5"))
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@pass_settings
def withdraw(settings: Settings, ids: tuple[str, ...]) -> None:
    """Close open requests, all or none."""
    close(settings, ids, Outcome.WITHDRAWN, "")


@click.command(help=_("Say no to requests. Example: schoolfilter reject 5 --reason 'games are not for lessons'"))
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--reason", required=True, metavar="TEXT", help=_("Why, in a sentence; who asked reads it."))
@pass_installation
def reject(installation: Installation, ids: tuple[str, ...], reason: str) -> None:
    """Close open requests, all or none."""
    answer = text_of(reason, "--reason")
    if not answer:
        raise Misuse(_("--reason: expected why, in a sentence; found nothing"))
    close(installation.settings, ids, Outcome.REJECTED, answer)


def close(settings: Settings, ids: Sequence[str], outcome: Outcome, answer: str) -> None:
    """Close open requests, all or none, and say so."""
    numbers = numbers_of(ids)

    async def work() -> list[str]:
        async with await opened(settings) as policy:
            return await ApprovalDb(policy).close(numbers, outcome, answer=answer, at=datetime.now(UTC), by=who())

    names = asyncio.run(work())
    text = (
        _("Rejected: requests {ids} ({names}).")
        if outcome is Outcome.REJECTED
        else _("Withdrawn: requests {ids} ({names}).")
    )
    click.echo(text.format(ids=ranges(numbers), names=", ".join(names)))


def read_requests(settings: Settings, *, only_open: bool) -> list[Request]:
    """Return requests, oldest first."""

    async def work() -> list[Request]:
        async with await opened(settings) as policy:
            return await ApprovalDb(policy).requests(only_open=only_open)

    return asyncio.run(work())


def heading(request: Request, zone: tzinfo) -> str:
    """Return in a sentence who asked for what."""
    text = _("Request {id}: open {name} {audience}, {scope}. Asked by {by} on {moment}: {reason}")
    if request.kind is RequestKind.REMOVE:
        text = _("Request {id}: take {name} off the director's list {audience}. Asked by {by} on {moment}: {reason}")
    said = text.format(
        id=request.id,
        name=display_name(request.name),
        audience=audience_of(request.group),
        scope=scope_and_end(request.scope, request.until),
        by=request.asked_by,
        moment=minute(request.asked_at, zone),
        reason=request.reason or _("no reason was given"),
    )
    return printable(said)


def outcome_word(outcome: Outcome) -> str:
    """Return what became of a request."""
    return {
        Outcome.OPEN: _("waiting"),
        Outcome.APPROVED: _("approved"),
        Outcome.REJECTED: _("rejected"),
        Outcome.WITHDRAWN: _("withdrawn"),
    }[outcome]


def _row(request: Request, zone: tzinfo) -> tuple[str, ...]:
    what = scope_and_end(request.scope, request.until)
    if request.kind is RequestKind.REMOVE:
        what = _("take off")
    outcome = outcome_word(request.outcome)
    if request.sequence is not None:
        outcome = _("{outcome}: order no. {sequence} of the ledger").format(outcome=outcome, sequence=request.sequence)
    elif request.answer:
        outcome = f"{outcome}: {request.answer}"
    return (
        str(request.id),
        what,
        display_name(request.name),
        request.group or _("everyone"),
        request.asked_by,
        request.asked_at.astimezone(zone).date().isoformat(),
        request.reason,
        outcome,
    )


def request_json(request: Request) -> dict[str, object]:
    """Return a request for machines."""
    return {
        "id": request.id,
        "kind": request.kind,
        "name": request.name,
        "display": display_name(request.name),
        "group": request.group,
        "scope": request.scope,
        "until": request.until.isoformat() if request.until else None,
        "reason": request.reason,
        "warnings": request.warnings.splitlines(),
        "asked_at": request.asked_at.isoformat(),
        "asked_by": request.asked_by,
        "outcome": request.outcome or "open",
        "decided_at": request.decided_at.isoformat() if request.decided_at else None,
        "decided_by": request.decided_by,
        "answer": request.answer,
        "sequence": request.sequence,
    }
