"""`policy`: the whole policy matrix in force now or on a past day, and what is different between two days (R1 2.6)."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

import click

from cli.audit_words import keys_of, title_of
from cli.context import pass_settings
from cli.days import minute, moment_of
from cli.difference_words import sections
from cli.errors import Failure, Misuse
from cli.matrix_json import fact_json, policy_json
from cli.matrix_state import History, PolicyThen, read_history
from cli.matrix_words import moment_words, policy_lines
from cli.printable import printable
from cli.protocol import document_words
from cli.table import columns, print_json
from policy.ledger_words import describe
from policy.matrix import Difference, Key, Origin, differences
from settings.model import Settings
from storage.audit import Change
from translations import _


@click.group(help=_("Show what each group gets and on what document it rests, now or on a past day."))
def policy() -> None:
    """Hold the commands about the policy as a whole."""


@policy.command(
    help=_(
        "Show the whole policy: groups, what is closed to them, blocks by hand, rooms, each since when, by whom and on "
        "what document.\n\nExample: schoolfilter policy show --at 2026-09-01"
    )
)
@click.option("--group", "group", metavar="ID", help=_("This group only."))
@click.option(
    "--at",
    "at",
    metavar="DAY",
    help=_("As it was at the end of a past day, 2026-09-01, or at a moment, '2026-09-01 14:30'."),
)
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def show(settings: Settings, group: str | None, at: str | None, as_json: bool) -> None:
    """Print the policy of a moment."""
    zone, now = ZoneInfo(settings.school.time_zone), datetime.now(UTC)
    moment = None if at is None else moment_of(at, "--at", now, zone)
    history = asyncio.run(read_history(settings, zone, moment))
    found = history.policies[0]
    if group is not None:
        _require(found, group)
    if as_json:
        print_json(policy_json(found, group))
    else:
        for line in policy_lines(found, group, zone):
            click.echo(printable(line))
    _tell_findings(history)


@policy.command(
    help=_(
        "Show what is different between two days, and the changes that made it. If only one is given: until now.\n\n"
        "Example: schoolfilter policy diff 2026-09-01 2026-10-01"
    )
)
@click.argument("first", metavar="FROM")
@click.argument("last", metavar="[TO]", required=False)
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def diff(settings: Settings, first: str, last: str | None, as_json: bool) -> None:
    """Print the differences."""
    zone, now = ZoneInfo(settings.school.time_zone), datetime.now(UTC)
    since = moment_of(first, "FROM", now, zone)
    until = None if last is None else moment_of(last, "TO", now, zone)
    if since is None or (until is not None and until <= since):
        raise Misuse(_("expected a past day, and a later one or none: FROM is compared with TO, or with now"))
    history = asyncio.run(read_history(settings, zone, since, until))
    compared = _compare(history)
    if as_json:
        print_json(_diff_json(history, compared))
    else:
        _print_diff(history, compared, zone)
    _tell_findings(history)


class _Made(NamedTuple):
    """A difference, and the changes of the audit trail that made it."""

    difference: Difference
    changes: tuple[Change, ...]


def _compare(history: History) -> list[_Made]:
    before, after = history.policies
    by_key: dict[Key, list[Change]] = {}
    for change in history.changes:
        for key in keys_of(change):
            by_key.setdefault(key, []).append(change)
    by_origin: dict[Origin, list[Change]] = {}
    for change in history.changes:
        by_origin.setdefault(_origin(change), []).append(change)
    found = []
    for each in differences(before.facts, after.facts):
        changes = by_key.get(each.key, [])
        # A change that only gave a document made nothing else different: it is known by what rests on it.
        if each.after is not None and each.after.origin not in map(_origin, changes):
            changes = [*changes, *by_origin.get(each.after.origin, [])]
        found.append(_Made(each, tuple(changes)))
    return found


def _origin(change: Change) -> Origin:
    return Origin(change.at, change.by, change.document)


def _changes(compared: Sequence[_Made]) -> list[Change]:
    found = {change.number: change for each in compared for change in each.changes}
    return [found[number] for number in sorted(found)]


def _print_diff(history: History, compared: Sequence[_Made], zone: tzinfo) -> None:
    before, after = (moment_words(each, zone) for each in history.policies)
    if not compared:
        click.echo(_("Nothing is different between {before} and {after}.").format(before=before, after=after))
        return
    click.echo(_("What is different between {before} and {after}:").format(before=before, after=after))
    numbers = {each.difference.key: _numbers(each) for each in compared}
    for section in sections([each.difference for each in compared], zone, numbers.__getitem__):
        click.echo(printable(section.title))
        for line in section.lines:
            click.echo(f"  {printable(line)}")
    click.echo()
    headings = (_("CHANGE"), _("WHEN"), _("BY"), _("WHAT"), _("DOCUMENT"))
    rows = [
        (str(each.number), minute(each.at, zone), each.by, title_of(each), document_words(each.document))
        for each in _changes(compared)
    ]
    for line in columns(headings, rows):
        click.echo(printable(line))


def _numbers(made: _Made) -> str:
    return f"[{', '.join(str(change.number) for change in made.changes)}]" if made.changes else ""


def _diff_json(history: History, compared: Sequence[_Made]) -> dict[str, object]:
    before, after = history.policies
    return {
        "from": before.moment.astimezone(UTC).isoformat(timespec="seconds"),
        "to": after.moment.astimezone(UTC).isoformat(timespec="seconds"),
        "differences": [
            {
                **each.difference.key._asdict(),
                "before": fact_json(each.difference.before),
                "after": fact_json(each.difference.after),
                "changes": [change.number for change in each.changes],
            }
            for each in compared
        ],
        "changes": [
            {
                "number": change.number,
                "at": change.at.isoformat(),
                "by": change.by,
                "what": change.what,
                "document": change.document,
            }
            for change in _changes(compared)
        ],
    }


def _require(found: PolicyThen, group: str) -> None:
    known = [each.id for each in found.groups]
    if group not in known:
        message = _("expected a group that exists ({groups}), found {group}.")
        raise Failure(message.format(groups=", ".join(known), group=group))


def _tell_findings(history: History) -> None:
    for finding in history.findings:
        click.echo(describe(finding), err=True)
