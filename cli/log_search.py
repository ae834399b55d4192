"""`log search`: the queries that somebody asks about, or their sums, from segments and archive as one."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from cli.context import pass_settings
from cli.errors import Misuse
from cli.inspecting import as_inspector
from cli.log_filters import Asked, filters
from cli.log_lines import json_printer, table_printer
from cli.log_words import say_doubtful
from cli.looks import look
from cli.reasons import reason_option
from cli.segments import LogLine
from cli.sums import BY, print_sums
from cli.terminal import Terminal
from journal.archiving.statistics import By
from resolver.querylog import COLUMNS
from settings.model import Settings
from translations import _

if TYPE_CHECKING:
    from journal.archiving.search import Searcher

_COUNTED = [column for column in COLUMNS if column not in {"time", "ms"}]
_LINES = 100
_TOPS = 20


@click.command(
    help=_(
        "Find queries in the query log: those of days past, in the archive, and those of this minute. With --top or "
        "--sum their number instead. Each search is entered in the journal with its reason.\n\n"
        "Example: schoolfilter log search example.org --room 214 --from 2026-09-01 --reason 'question of the class "
        "teacher'"
    )
)
@filters
@click.option(
    "-n", "count", type=click.IntRange(min=1), metavar="N", help=_("The newest N lines, or the first N of --top.")
)
@click.option("--top", type=click.Choice(_COUNTED), help=_("Count by this column, most first."))
@click.option("--sum", "by", type=click.Choice(BY), help=_("Count by this."))
@reason_option(required=True)
@as_inspector
@click.option("--json", "as_json", is_flag=True, help=_("One JSON object a line."))
@pass_settings
def search(
    settings: Settings,
    asked: Asked,
    count: int | None,
    top: str | None,
    by: By | None,
    reason: str,
    as_json: bool,
) -> None:
    """Enter the look, then print what is found."""
    from journal.archiving.search import opened_search  # DuckDB is loaded only when it is used

    if top and by:
        raise Misuse(_("expected --top or --sum, found both"))
    shown = {"--top": top or "", "--sum": by or ""}

    async def find() -> None:
        await look(settings, "log search", reason, {**asked.options(), **shown})
        async with opened_search(settings, asked.filter) as searcher:
            say_doubtful(searcher.doubtful)
            if top:
                _print_tops(searcher, asked, top, count, as_json=as_json)
            elif by:
                print_sums(searcher.sums(asked.filter, by), by, as_json=as_json)
            else:
                _print_lines(_newest(searcher, asked, count or _LINES), as_json=as_json)
                if count is None:
                    _say_if_more(searcher, asked)
            if searcher.damaged:
                click.echo(_("damaged lines left out: {count}").format(count=searcher.damaged), err=True)

    asyncio.run(find())


def _print_tops(searcher: "Searcher", asked: Asked, column: str, count: int | None, *, as_json: bool) -> None:
    shown = count or _TOPS
    found = searcher.tops(asked.filter, column, shown + 1)  # one more tells whether there are more
    print_sums(found[:shown], column, as_json=as_json)
    if count is None and len(found) > shown:
        click.echo(
            _("These are the first {shown}; there are more. As many as you say: -n").format(shown=shown), err=True
        )


def _newest(searcher: "Searcher", asked: Asked, count: int) -> list[LogLine]:
    batches = searcher.rows(asked.filter, newest_first=True, limit=count)
    rows = [row for batch in batches for row in batch]
    return [LogLine(datetime.fromisoformat(row[0]), row) for row in reversed(rows)]


def _print_lines(lines: Sequence[LogLine], *, as_json: bool) -> None:
    terminal = Terminal()
    if not lines and not as_json:
        click.echo(_("No queries."))
        return
    printer = json_printer(terminal) if as_json else table_printer(terminal)
    printer(lines)


def _say_if_more(searcher: "Searcher", asked: Asked) -> None:
    found = searcher.count(asked.filter)
    if found > _LINES:
        note = _("These are the newest {shown} of {found}. More: -n, or all of them: schoolfilter log export")
        click.echo(note.format(shown=_LINES, found=found), err=True)
