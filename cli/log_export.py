"""`log export`: queries as a signed zip that an inspector can check without this program."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli.amounts import number
from cli.context import pass_settings, who
from cli.errors import Misuse
from cli.export_output import export_options, say_exported, zip_path
from cli.handout import confidential
from cli.log_filters import Asked, filters
from cli.log_words import log_columns, say_doubtful
from cli.looks import look
from journal.exporting.export_data import Batches, Format, data_of, parquet_data
from journal.opening import opened_journal
from settings.model import Settings
from translations import _, language, spoken

if TYPE_CHECKING:
    from journal.archiving.search import Searcher
    from journal.exporting.export import Exported

_STEM = "querylog"


@click.command(
    "export",
    help=_(
        "Write queries into a zip, with the digests, the signature and the proof by which an inspector can check it "
        "without this program (README.txt in it says how). The export is entered in the journal with its reason.\n\n"
        "Example: schoolfilter log export --from 2026-09-01 --to 2026-09-30 --room 214 --format xlsx "
        "--reason 'check of access history in October'"
    ),
)
@filters
@export_options(Format, _("csv and xlsx open in Excel; jsonl and parquet are for programs."))
@pass_settings
def export_command(
    settings: Settings, asked: Asked, form: str, reason: str, output: Path | None, tongue: str | None
) -> None:
    """Enter the look, write the zip, say what it is."""
    if asked.filter.since is None or asked.filter.until is None:
        raise Misuse(_("expected the period, as --from 2026-09-01 --to 2026-09-30 or --today"))
    path = zip_path(output, f"log-{'_'.join(asked.days(ZoneInfo(settings.school.time_zone)))}.zip")
    exported = asyncio.run(_export(settings, asked, Format(form), reason, path, tongue or language()))
    say_exported(settings, path, exported, _("Queries: {count}").format(count=number(exported.rows)))
    note = _("It holds personal data of pupils. Who can read the file, besides root: {owner}")
    click.echo(note.format(owner=_owner(path)))


async def _export(settings: Settings, asked: Asked, form: Format, reason: str, path: Path, tongue: str) -> "Exported":
    # DuckDB is loaded only when it is used.
    from journal.archiving.duck import scratch
    from journal.archiving.search import opened_search
    from journal.exporting.export import Wanted, records_of, write_export

    first, last = asked.days(ZoneInfo(settings.school.time_zone))
    # The file first: a look is entered when there is something to write it to.
    with confidential(path) as out, scratch(settings) as staging, spoken(tongue):
        access = await look(settings, "log export", reason, {**asked.options(), "--format": form.value})
        wanted = Wanted("log", asked.period, asked.words, reason, who(), access)
        async with opened_search(settings, asked.filter) as searcher, opened_journal(settings) as journal:
            say_doubtful(searcher.doubtful)
            numbers = await records_of(journal, first, last)
            columns = log_columns()
            with _progress(searcher, asked, form) as shown:
                if form is Format.PARQUET:
                    data = parquet_data(_STEM, lambda made: searcher.copy_parquet(asked.filter, made), staging)
                else:
                    data = data_of(form, _STEM, columns, shown(searcher.rows(asked.filter)), staging)
                return await write_export(journal, settings, out, wanted, data, columns, numbers)


@contextmanager
def _progress(searcher: "Searcher", asked: Asked, form: Format) -> Iterator[Callable[[Batches], Batches]]:
    """Show a bar on stderr, if that is a terminal, while batches pass through what this yields; it leaves no trace."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _stoppable
        return
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*bar, console=console, transient=True) as progress:
        total = None if form is Format.PARQUET else searcher.count(asked.filter)
        task = progress.add_task(_("queries"), total=total)

        def counted(batches: Batches) -> Batches:
            for batch in _stoppable(batches):
                yield batch
                progress.advance(task, len(batch))

        yield counted


def _stoppable(batches: Batches) -> Batches:
    """Heed the first Ctrl-C: it cancels the task, which does not wait for anything while rows are written."""
    task = asyncio.current_task()
    for batch in batches:
        if task is not None and task.cancelling():
            raise asyncio.CancelledError
        yield batch


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except PermissionError:  # a folder of the person behind sudo, into which the filter may not look
        return os.environ.get("SUDO_USER", "?")
    except KeyError:
        return f"uid {path.stat().st_uid}"
