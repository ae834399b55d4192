"""What a person is told of a name that somebody wants opened: what is odd, what closes it, who asked for it."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import click

from approval.demand import Demand, demand_for
from approval.requests import Facts, Listings, Obstacle, Refusal, facts_about, trusted_names
from cli.errors import Failure, Misuse
from cli.printable import printable
from cli.words import closed_by
from policy.name_warnings import HINTS, describe
from policy.snapshot import Snapshot
from settings.model import LogDetail, Settings
from translations import _

_LATELY_DAYS = 7
"""Every lesson of the timetable is in it."""
MANY = 20
"""Of more names at a time only what is odd is told: nobody reads more, and each costs a search in the query log."""
_LINES_COUNTED = 300_000
_OFTEN = 200
"""So many of the names that the school uses most are compared with a new one."""


def facts_of(
    settings: Settings, names: Sequence[str], group: str | None, snapshot: Snapshot, listings: Listings
) -> dict[str, Facts]:
    """Return what there is to know of canonical names before they are opened for a group (None: for everyone)."""
    # Imported here: only who asks for it pays for reading the log.
    from rich.console import Console

    from resolver.asked import read_asked

    since = datetime.now(UTC) - timedelta(days=_LATELY_DAYS)
    folder = settings.paths.query_log
    with Console(stderr=True).status(_("Reading the query log …")):  # shows nothing where there is no terminal
        often = read_asked(folder, limit_lines=_LINES_COUNTED, since=since).top(_OFTEN)
        demand = demand_for(names, folder, since) if len(names) <= MANY else None
    return facts_about(names, group, snapshot, listings, trusted_names(snapshot, often), demand)


def lines_of(facts: Facts, settings: Settings) -> Iterator[str]:
    """Yield what a person reads of a name, the gravest first."""
    yield from warnings_of(facts)
    by_reason: dict[str, list[str]] = {}
    for group, reason in facts.closed.items():
        by_reason.setdefault(closed_by(reason), []).append(group)
    for reason_text, groups in by_reason.items():
        text = _("Closed now for {groups}: {reason}.")
        yield text.format(groups=", ".join(groups), reason=reason_text)
    if not facts.closed:
        yield _("It is open now as it is: at the present levels, nothing closes it.")
    if facts.demand is not None:
        yield _demand(facts.demand, settings)


def warnings_of(facts: Facts) -> Iterator[str]:
    """Yield what is odd about a name, and which lists hold it."""
    for warning in facts.warnings:
        yield describe(warning) if warning.kind in HINTS else _("Look twice: {text}").format(text=describe(warning))


def _demand(demand: Demand, settings: Settings) -> str:
    if not demand.queries:
        text = _("Nobody asked for it in the last {days} days.")
        if settings.log.detail is LogDetail.BLOCKED:
            text = _(
                'Nobody was refused it in the last {days} days; what opened is not logged (log.detail = "blocked").'
            )
        return text.format(days=_LATELY_DAYS)
    text = _("Queries in the last {days} days: {queries} ({groups}); clients: {clients}; blocked: {blocked}.")
    groups = ", ".join(f"{group or '-'}: {count}" for group, count in demand.groups.items())
    return text.format(
        days=_LATELY_DAYS, queries=demand.queries, clients=demand.clients, groups=groups, blocked=demand.blocked
    )


def refuse(refusals: Iterable[Refusal]) -> None:
    """Raise Misuse if public suffixes are among the names, else Failure; each tells of all that no order can open."""
    found = list(refusals)
    if not found:
        return
    text = "\n".join([*(refusal.text for refusal in found), _("Nothing was changed.")])
    raise (Misuse if any(each.obstacle is Obstacle.SUFFIX for each in found) else Failure)(text)


def say(lines: Iterable[str]) -> None:
    """Print lines below a heading."""
    for line in lines:
        click.echo(f"  {printable(line)}")
