"""`audit`: who changed the policy, when, from what to what and on what document, and whether that history is whole."""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

import click

from cli.audit_words import lines_of, search_text, title_of
from cli.context import pass_settings, who
from cli.days import end_of, minute, start_of
from cli.errors import Failure, Misuse
from cli.policy_file import opened, snapshot_of
from cli.printable import printable
from cli.protocol import document_words
from cli.table import print_json
from cli.typed import day_of, order_of, text_of
from settings.model import Settings
from storage.audit import TOOK_OVER, Change, Fault, Finding, Head, describe
from translations import _

_HEAD = re.compile(r"([0-9]{1,12}):([0-9a-f]{8,64})")


@click.group(help=_("Show who changed the policy, and verify that this history is whole."))
def audit() -> None:
    """Hold the commands about the audit trail."""


@audit.command(
    help=_(
        "Show the changes of the policy, oldest first: who, when, from what to what, on what document.\n\n"
        "Example: schoolfilter audit show --from 2026-09-01 --what pupils"
    )
)
@click.option("--from", "first", metavar="YYYY-MM-DD", help=_("The first day; if not given: from the beginning."))
@click.option("--to", "last", metavar="YYYY-MM-DD", help=_("The last day; if not given: until now."))
@click.option("--by", "person", metavar="NAME", help=_("Only changes of this person."))
@click.option(
    "--what",
    "word",
    metavar="WORD",
    help=_("Only changes of which this word speaks: group, room, requests, or what was changed: pupils, example.org."),
)
@click.option("-n", "count", type=click.IntRange(min=1), metavar="N", help=_("Only the last N of these."))
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def show(
    settings: Settings,
    first: str | None,
    last: str | None,
    person: str | None,
    word: str | None,
    count: int | None,
    as_json: bool,
) -> None:
    """Print what is asked for."""
    zone = ZoneInfo(settings.school.time_zone)
    today = datetime.now(zone).date()
    since, until = _day(first, "--from"), _day(last, "--to")
    if since is not None and until is not None and until < since:
        raise Misuse(_("--to: expected a day not before --from, found {day}").format(day=until.isoformat()))

    async def read() -> list[Change]:
        async with await opened(settings) as policy:
            return await policy.changes(
                since=None if since is None else start_of(since, zone),
                until=None if until is None or until >= today else end_of(until, zone),
            )

    found = [change for change in asyncio.run(read()) if _is_wanted(change, person, word)]
    found = found[-count:] if count is not None else found
    if as_json:
        print_json([_as_json(change) for change in found])
    elif not found:
        click.echo(_("No changes."))
    for change in found if not as_json else ():
        _print(change, zone)


@audit.command(
    help=_(
        "Verify the history of the policy: that no change was altered, taken out or put in, and that the policy is "
        "what the changes left.\n\nExample: schoolfilter audit verify"
    )
)
@click.option(
    "--head",
    "written",
    metavar="NUMBER:DIGEST",
    help=_(
        "Also that this change is there: number and digest as they were printed or written down (8 digits or more)."
    ),
)
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@click.pass_context
@pass_settings
def verify(settings: Settings, ctx: click.Context, written: str | None, as_json: bool) -> None:
    """Print number and digest of the last change; exit status 1 and what is wrong if anything is."""
    wanted = _head_of(written) if written is not None else None

    async def read() -> tuple[Finding | None, Head, list[int]]:
        async with await opened(settings) as policy:
            finding, head = await policy.verify_audit(wanted), await policy.audit_head()
            changes = await policy.changes() if finding is None else []
            return finding, head, [change.number for change in changes if change.detail.get(TOOK_OVER) is True]

    finding, head, taken = asyncio.run(read())
    if as_json:
        print_json(
            {
                "sound": finding is None,
                "changes": head.number,
                "head": head.digest,
                "took_over": taken,
                "finding": None if finding is None else _finding_json(finding),
            }
        )
    elif finding is not None:
        click.echo(describe(finding), err=True)
    else:
        _print_sound(head, taken)
    ctx.exit(0 if finding is None else 1)


@audit.command(
    help=_(
        "Go on from the policy as it is, after it was changed past the program and somebody has compared it with the "
        "documents. The change that says so stays in the history for ever.\n\n"
        "Example: schoolfilter audit accept --reason 'compared with protocol 3 by the commission' --order 14 "
        "--date 2026-09-02"
    )
)
@click.option("--reason", required=True, metavar="TEXT", help=_("What was found, and who compared."))
@click.option("--order", "number", metavar="NUMBER", help=_("The number of the director's order about it."))
@click.option("--date", "day", metavar="YYYY-MM-DD", help=_("The date of the order."))
@pass_settings
def accept(settings: Settings, reason: str, number: str | None, day: str | None) -> None:
    """Note that what is there is to be gone on from; nothing else changes."""
    said = text_of(reason, "--reason")
    missing = _("expected --order NUMBER and --date YYYY-MM-DD together, or neither")
    document = order_of(number, day, missing) if number or day else None
    if not said:
        raise Misuse(_("--reason: expected what was found and who compared, found nothing"))

    async def note() -> Finding | None:
        async with await opened(settings) as policy:
            await snapshot_of(policy, settings)  # nobody can answer for a policy that cannot be read
            found = await policy.verify_audit()
            if found is not None and found.fault is Fault.STATE:
                paper = f"order {document[0]} of {document[1].isoformat()}" if document else ""
                await policy.accept_state(said, document=paper, at=datetime.now(UTC), by=who())
            return found

    found = asyncio.run(note())
    if found is None:
        click.echo(_("The history of the policy is whole: there is nothing to accept."))
    elif found.fault is not Fault.STATE:
        raise Failure(describe(found))
    else:
        click.echo(_("Noted. `schoolfilter audit verify` finds the history whole again, and names this change."))


def _day(text: str | None, option: str) -> date | None:
    return None if text is None else day_of(text, option)


def _head_of(text: str) -> Head:
    found = _HEAD.fullmatch(text.strip().lower())
    if found is None:
        message = _("--head: expected number and digest of a change, such as 17:9f86d081, found {found}")
        raise Misuse(message.format(found=repr(text[:80])))
    return Head(int(found[1]), found[2])


def _is_wanted(change: Change, person: str | None, word: str | None) -> bool:
    if person is not None and change.by.casefold() != person.strip().casefold():
        return False
    return word is None or word.strip().casefold() in search_text(change)


def _print(change: Change, zone: tzinfo) -> None:
    head = (str(change.number), minute(change.at, zone), change.by, title_of(change), document_words(change.document))
    click.echo(printable("  ".join(head)))
    for line in lines_of(change, zone):
        click.echo(f"    {printable(line)}")


def _print_sound(head: Head, taken: Sequence[int]) -> None:
    text = _("The history of the policy is whole: {count} changes, the last with the digest {digest}.")
    click.echo(text.format(count=head.number, digest=head.digest))
    if taken:
        text = _(
            "These changes put right what somebody had changed without the program, and took over what was there: {ids}"
        )
        click.echo(text.format(ids=", ".join(map(str, taken))))
    click.echo(
        _(
            "It cannot show whether policy.db was put back as a whole to an earlier state, or written anew. For that, "
            "write down number and digest, and compare later: schoolfilter audit verify --head {number}:{digest}"
        ).format(number=head.number, digest=head.digest[:16])
    )


def _finding_json(finding: Finding) -> dict[str, object]:
    return {"fault": finding.fault, "change": finding.number, "text": describe(finding)}


def _as_json(change: Change) -> dict[str, object]:
    return {
        "number": change.number,
        "at": change.at.isoformat(),
        "by": change.by,
        "what": change.what,
        "document": change.document,
        "detail": change.detail,
        "digest": change.digest,
    }
