"""`lists refresh`: fetch lists anew, with progress for people and plain lines for everything else."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from blocklists.fetch import FetchRules
from blocklists.proxy import parse_proxy
from blocklists.refresh import Outcome, Result, chosen, refresh
from cli.amounts import number
from cli.context import pass_settings
from cli.errors import Failure, Misuse
from cli.lists_effect import compile_lists, say_effect
from cli.lists_words import WARN
from cli.terminal import Terminal
from settings.model import Settings
from translations import _


def fetch_rules(settings: Settings) -> FetchRules:
    """Return how lists are fetched by the settings. Raises FetchError for a proxy that is none."""
    return FetchRules(proxy=parse_proxy(settings.lists.proxy))


@dataclass(slots=True)
class Bar:
    """The progress of one transfer, as people see it; it shows itself when the first bytes have come."""

    progress: Progress
    task: TaskID
    shown: bool = False

    def __call__(self, come: int, total: int | None) -> None:
        """Show how many bytes have come, of how many if that is known; a `fetch.Progress`."""
        if not self.shown:
            self.progress.start()
            self.shown = True
        self.progress.update(self.task, completed=come, total=total)


@contextmanager
def progress_bar(text: str) -> Iterator[Bar]:
    """Show a bar on stderr while a list is fetched, if that is a terminal; it leaves no trace.

    Nothing may be printed meanwhile: the bar is drawn again and again on the line on which the cursor stands.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    bar = Bar(progress, progress.add_task(text, total=None))
    try:
        yield bar
    finally:
        if bar.shown:
            progress.stop()


@click.command(
    "refresh",
    help=_(
        "Fetch lists anew (all, if none is named) and compile them. Exit status: 1 if one could not be had or was "
        "refused; its last good text stays in force.\n\nExample: schoolfilter lists refresh our-games"
    ),
)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--force", is_flag=True, help=_("Take what shrank, grew, or was refused or rolled back before."))
@click.option("--scheduled", is_flag=True, help=_("Go on for ever, on the schedule of the settings ([lists])."))
@pass_settings
def refresh_command(settings: Settings, ids: tuple[str, ...], force: bool, scheduled: bool) -> None:
    """Get each list; one that fails keeps its last good text."""
    if scheduled:
        if ids or force:
            raise Misuse(_("--scheduled refreshes all lists: expected neither ID nor --force beside it"))
        # Imported here: only the refresher's own process needs its loop.
        from cli.refresher import serve

        serve(settings)
        return
    terminal = Terminal()
    outcomes = list(_refresh(settings, ids, force, terminal))
    effect = compile_lists(settings, force=force)
    say_effect(terminal, effect)
    failed = [each.source.id for each in outcomes if each.result is Result.FAILED]
    if effect.published is not None:
        failed += [list_id for list_id in effect.published.refused if list_id not in failed]
    if failed:
        raise Failure(_("could not refresh: {lists}").format(lists=", ".join(failed)))


def _refresh(settings: Settings, ids: Sequence[str], force: bool, terminal: Terminal) -> Iterator[Outcome]:
    folder, rules, bad = settings.paths.lists, fetch_rules(settings), settings.lists.bad_lines_percent
    sources = chosen(folder, ids)
    same = 0
    for at, source in enumerate(sources, 1):
        with progress_bar(f"{source.id} ({at}/{len(sources)})") as bar:
            now = datetime.now(UTC)
            outcome = refresh(folder, source, rules, now, bad_percent=bad, force=force, progress=bar)
        # A hundred built-in lists that stay as they are would hide the one that does not.
        if outcome.result is Result.UNCHANGED and not outcome.words and not ids:
            same += 1
        else:
            _say(terminal, outcome)
        yield outcome
    if same:
        terminal.say(_("lists unchanged: {count}").format(count=same))


def _say(terminal: Terminal, outcome: Outcome) -> None:
    now = outcome.source
    match outcome.result:
        case Result.CHANGED:
            text = _("{id}: changed, rules: {rules}, lines skipped: {skipped}")
            terminal.say(text.format(id=now.id, rules=number(now.rules), skipped=number(now.skipped)))
        case Result.UNCHANGED if outcome.words:
            terminal.say(_("{id}: {words}").format(id=now.id, words=outcome.words), WARN)
        case Result.UNCHANGED:
            terminal.say(_("{id}: unchanged").format(id=now.id))
        case Result.FAILED:
            text = _("{id}: the last good text stays in force: {error}")
            Terminal(stderr=True).say(text.format(id=now.id, error=outcome.words), WARN)
