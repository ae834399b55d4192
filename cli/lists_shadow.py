"""`lists shadow`: what lists on trial would have blocked."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import click

from blocklists.sources import find_source, load_sources
from cli.amounts import number
from cli.context import pass_settings
from cli.errors import Failure
from cli.table import columns, print_json
from cli.terminal import Terminal
from policy.names import display_name
from resolver.asked import ShadowCount, shadow_counts
from settings.model import Settings
from translations import _


@click.command(
    "shadow",
    short_help=_("Show what lists on trial would have blocked."),
    help=_(
        "Show what lists on trial would have blocked, by the query log. To put a list on trial: lists set ID --shadow"
        "\n\n"
        "Example: schoolfilter lists shadow our-games --days 14"
    ),
)
@click.argument("id_", metavar="[ID]", required=False)
@click.option(
    "--days", type=click.IntRange(1, 3650), default=7, show_default=True, help=_("How many days of the query log.")
)
@click.option(
    "--names", type=click.IntRange(0, 10_000), default=10, show_default=True, help=_("How many names to show.")
)
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@pass_settings
def shadow_command(settings: Settings, id_: str | None, days: int, names: int, as_json: bool) -> None:
    """Count in the query log what would have been blocked."""
    sources = load_sources(settings.paths.lists)
    on_trial = [find_source(sources, id_)] if id_ else [source for source in sources if source.shadow]
    if id_ and not on_trial[0].shadow:
        message = _("{id} is not on trial, it blocks. To put it on trial: schoolfilter lists set {id} --shadow")
        raise Failure(message.format(id=id_))
    counts = shadow_counts(settings.paths.query_log, id_, since=datetime.now(UTC) - timedelta(days=days), top=names)
    if as_json:
        print_json([asdict(count) for count in counts])
        return
    terminal = Terminal()
    if not on_trial and not counts:
        terminal.say(_("No list is on trial. To put one on trial: schoolfilter lists set ID --shadow"))
        return
    for count in counts:
        _say(terminal, count, days)
    for source in on_trial:
        if all(count.list_id != source.id for count in counts):
            text = _("{id}: nothing that was asked for in the last {days} days would have been blocked.")
            terminal.say(text.format(id=source.id, days=days))
    if counts:
        terminal.say(_("To let a list block from now on: schoolfilter lists set ID --enforce"))


def _say(terminal: Terminal, count: ShadowCount, days: int) -> None:
    text = _("{id} ({category}) would have blocked {queries} queries for {names} names in the last {days} days.")
    terminal.say(
        text.format(
            id=count.list_id,
            category=count.category,
            queries=number(count.queries),
            names=number(count.names),
            days=days,
        )
    )
    groups = ", ".join(f"{group or '-'} {number(queries)}" for group, queries in sorted(count.groups.items()))
    terminal.say(_("  By group: {groups}").format(groups=groups))
    rows = [(display_name(name), number(queries)) for name, queries in count.top]
    if rows:
        for line in columns((_("NAME"), _("QUERIES")), rows):
            terminal.say(f"  {line}")
