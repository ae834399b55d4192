"""`allow NAME --with-dependencies`: propose what the site needs besides, by what devices asked for right after it."""

import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import click
from rich.console import Console

from blocklists.index import open_current
from blocklists.suffixes import bundled
from cli.asking import asks
from cli.queries import queries_since
from cli.table import columns
from cli.words import category_title, closed_by
from policy.categories import BY_ID, Severity
from policy.decide import decide
from policy.decision import Listing, Reason, Why
from policy.levels import Level
from policy.names import InvalidName, display_name, parse_name, with_parents
from policy.snapshot import Snapshot
from resolver.dependencies import Dependencies, Refused, dependencies
from settings.model import LogDetail, Settings
from translations import _

_NEVER = frozenset({Severity.UNLAWFUL, Severity.HARMFUL, Severity.NUISANCE})
"""No site of a school needs these; what its page loads of advertising and tracking stays away."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A name that the site seems to need."""

    refused: Refused
    reason: Reason
    """Why it is closed now, which need not be why it was closed then."""


def found_in_log(settings: Settings, site: str, *, within: float, days: int, now: datetime) -> Dependencies:
    """Read the query log and return what was refused right after the site."""
    since = now.astimezone(UTC) - timedelta(days=days)
    queries = queries_since(settings.paths.query_log, since)
    with Console(stderr=True).status(_("Reading the query log …")):  # shows nothing where there is no terminal
        return dependencies(queries, site, within=within)


@dataclass(frozen=True, slots=True)
class Proposals:
    """What may be opened, and what was left out."""

    chosen: tuple[Proposal, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    """How many names, by the reason in words; what is open by now or covered by a proposal is not counted."""


def proposals(
    found: Sequence[Refused], snapshot: Snapshot, group: str | None, lookup: Callable[[str], Sequence[Listing]]
) -> Proposals:
    """Return those names that an entry for the group (None: for everyone) opens, and may open.

    Left out: what is open by now, what the lists call unlawful, harmful, advertising or tracking, ways around the
    filter, public suffixes, and names below another one that is proposed.
    """
    views = [view for id_, view in snapshot.views.items() if group in (None, id_) and view.level is not Level.OFF]
    proposed: dict[str, Proposal] = {}
    left_out: Counter[str] = Counter()
    for refused in found:
        name = refused.name
        if not _is_site(name):
            left_out[_("not the name of one site")] += 1
            continue
        listings = lookup(name)
        never = next(filter(_never, (refused.category, *(each.category for each in listings))), "")
        if never:
            left_out[category_title(never)] += 1
            continue
        reasons = [decision.reason for view in views if (decision := decide(view, name, listings)).blocked]
        if any(reason.why in (Why.LOCKED, Why.BYPASS) for reason in reasons):
            left_out[_("no order opens it")] += 1
        elif reasons:
            proposed[name] = Proposal(refused, reasons[0])
    chosen = tuple(
        each for name, each in proposed.items() if not any(up in proposed for up in with_parents(name) if up != name)
    )
    return Proposals(chosen, dict(left_out.most_common()))


def offer(
    settings: Settings,
    site: str,
    group: str | None,
    snapshot: Snapshot,
    *,
    within: float,
    days: int,
    all_of_them: bool,
    again: Sequence[str],
) -> list[str]:
    """Say what the log shows and propose what the site needs; return the names that a person wants.

    Without a person to ask, the command for them is told instead: `again` is what it has to say besides the names.
    """
    names = _propose(settings, site, group, snapshot, within, days)
    if names and not all_of_them and not asks():
        click.echo(_("The others stay as they are. To take them too:"))
        click.echo(f"  {shlex.join(['schoolfilter', 'allow', *map(display_name, names), *again])}")
        return []
    wanted = names if all_of_them else choose(names)
    if names and not wanted:
        click.echo(_("The others stay as they are."))
    return wanted


def note_of(site: str) -> str:
    """Return the reason for a name that a site needs."""
    return _("needed by {site}").format(site=display_name(site))


def _propose(
    settings: Settings, site: str, group: str | None, snapshot: Snapshot, within: float, days: int
) -> list[str]:
    if settings.log.detail is LogDetail.BLOCKED:
        click.echo(
            _(
                'The query log holds blocked queries only (log.detail = "blocked"), so it cannot show what belongs to '
                'a site: set log.detail = "full" for some days.'
            )
        )
        return []
    found = found_in_log(settings, site, within=within, days=days, now=datetime.now(UTC))
    index = open_current(settings.paths.lists)
    try:
        proposed = proposals(found.refused, snapshot, group, index.lookup)
    finally:
        index.close()
    for line in words(found, proposed, display_name(site), within, days):
        click.echo(line)
    return [each.refused.name for each in proposed.chosen]


def words(found: Dependencies, proposed: Proposals, site: str, within: float, days: int) -> list[str]:
    """Return what a person reads about the proposals."""
    if not found.occasions:
        text = _(
            "No device asked for {site} in the last {days} days, so the query log cannot show what it needs. "
            "Let somebody open it, then give this command again."
        )
        return [text.format(site=site, days=days)]
    seen = _("visits: {visits}, devices: {devices}, in the last {days} days").format(
        visits=found.occasions, devices=found.clients, days=days
    )
    if not proposed.chosen:
        text = _("Nothing to propose: no name was refused again and again right after {site} ({seen}).")
        if proposed.left_out:
            text = _("Nothing to propose of what was refused right after {site} ({seen}).")
        lines = [text.format(site=site, seen=seen)]
    else:
        text = _(
            "Within {seconds:g} seconds after {site}, devices asked for these names too and did not get them ({seen}):"
        )
        headings = (_("NAME"), _("VISITS"), _("DEVICES"), _("CLOSED BY"))
        rows = [
            (
                display_name(each.refused.name),
                str(each.refused.occasions),
                str(each.refused.clients),
                closed_by(each.reason),
            )
            for each in proposed.chosen
        ]
        lines = [text.format(seconds=within, site=site, seen=seen), *(f"  {row}" for row in columns(headings, rows))]
    if proposed.left_out:
        counts = ", ".join(f"{reason}: {count}" for reason, count in proposed.left_out.items())
        text = _("Refused as well, and left out on purpose: {count} ({counts}).")
        lines.append(text.format(count=sum(proposed.left_out.values()), counts=counts))
    if not found.opened:
        text = _(
            "{site} itself did not open in any of them, so its page could not ask for what it needs: this is a guess. "
            "Let somebody open the site now, then give this command again."
        )
        lines.append(text.format(site=site))
    return lines


def choose(names: Sequence[str]) -> list[str]:
    """Ask about each name in a terminal; return those to open."""
    chosen: list[str] = []
    for at, name in enumerate(names):
        question = _("Open {name} too? (y: yes, n: no, a: this and all that follow, q: no more)")
        answer = click.prompt(
            question.format(name=display_name(name)),
            type=click.Choice(["y", "n", "a", "q"]),
            default="n",
            show_choices=False,
        )
        if answer == "a":
            return [*chosen, *names[at:]]
        if answer == "q":
            break
        if answer == "y":
            chosen.append(name)
    return chosen


def _is_site(name: str) -> bool:
    try:
        return parse_name(name) == name and not bundled().hold(name)
    except InvalidName:
        return False


def _never(category: str) -> bool:
    return category in BY_ID and BY_ID[category].severity in _NEVER
