"""`log verify`: that the query log and its archive are what the journal says of them, and none is missing."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from cli.amounts import number
from cli.context import pass_settings
from cli.days import minute, start_of
from cli.errors import Misuse
from cli.inspecting import as_inspector
from cli.typed import day_of
from cli.verdict_words import head_option, print_verdict, say_alarms, say_broken, say_head, say_key_fault, say_stops
from journal.trust.log_files import Progress as Told
from journal.trust.verdict import Verdict
from journal.trust.verifying_log import verify_log
from resolver.segments import begun
from settings.model import Settings
from storage.evidence import Head
from translations import _


@click.command(
    "verify",
    help=_(
        "Verify the journal, and by it the query log: each segment and each file of the archive is there and "
        "unchanged, none was put in, no number of a segment is left out, and each hour of the days asked for has its "
        "log or is named. Exit status: 1 if anything is broken; the first broken link is named.\n\n"
        "Example: schoolfilter log verify --from 2026-09-01 --to 2026-09-30"
    ),
)
@click.option("--from", "first", metavar="YYYY-MM-DD", help=_("The first day; if not given: from the beginning."))
@click.option("--to", "last", metavar="YYYY-MM-DD", help=_("The last day; if not given: until now."))
@head_option
@click.option("--json", "as_json", is_flag=True, help=_("Print JSON."))
@as_inspector
@click.pass_context
@pass_settings
def verify_command(
    settings: Settings, ctx: click.Context, first: str | None, last: str | None, heads: tuple[Head, ...], as_json: bool
) -> None:
    """Print what was verified; exit status 1 and what is broken if anything is."""
    zone = ZoneInfo(settings.school.time_zone)
    since = None if first is None else start_of(day_of(first, "--from"), zone)
    until = None if last is None else start_of(day_of(last, "--to") + timedelta(days=1), zone)
    if since is not None and until is not None and until <= since:
        raise Misuse(_("--to: expected a day not before --from, found {day}").format(day=last))
    with _bar() as progress:
        verdict = asyncio.run(verify_log(settings, since, until, heads=heads, progress=progress))
    if as_json:
        print_verdict(settings, verdict, _json(verdict))
    elif not verdict.is_sound:
        say_broken(verdict)
        say_key_fault(settings, verdict)
    else:
        _say(settings, verdict)
    ctx.exit(0 if verdict.is_sound else 1)


@contextmanager
def _bar() -> Iterator[Told | None]:
    """Show a bar on stderr, if that is a terminal; it leaves no trace."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    shown = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*shown, console=console, transient=True) as progress:
        task = progress.add_task(_("octets verified"), total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _say(settings: Settings, verdict: Verdict) -> None:
    zone = ZoneInfo(settings.school.time_zone)
    if verdict.segments:
        said = _("The query log is whole: {segments} segments, the first begun at {first}, the last at {last}.")
        first, last = (minute(begun(name), zone) for name in (verdict.segments[0], verdict.segments[-1]))
        click.echo(said.format(segments=number(len(verdict.segments)), first=first, last=last))
    else:
        click.echo(_("The journal knows of no segment of the query log in these days."))
    said = _("Files read: {files}, megabytes: {megabytes}. Removed by the rules, as the journal says: {removed}")
    megabytes = number(round(verdict.octets / 1e6))
    click.echo(said.format(files=number(verdict.files), megabytes=megabytes, removed=number(verdict.removed)))
    if verdict.waiting:
        said = _("Segments that the journal has not read yet, of which nothing is proven: {count}")
        click.echo(said.format(count=verdict.waiting))
    if verdict.leftovers:
        said = _("Files left aside by a round of `schoolfilter journal archive` that was cut off: {count}")
        click.echo(said.format(count=len(verdict.leftovers)))
    if verdict.adopted:
        said = _(
            "Files of the archive taken over after damage, of which nothing is proven before record {number}: {count}"
        )
        newest = max(record for _file, record in verdict.adopted)
        click.echo(said.format(number=newest, count=len(verdict.adopted)))
    say_stops(verdict.stops, zone)
    say_alarms(verdict, zone)
    say_key_fault(settings, verdict)
    say_head(verdict)


def _json(verdict: Verdict) -> dict[str, object]:
    return {
        "segments": len(verdict.segments),
        "first": verdict.segments[0] if verdict.segments else None,
        "last": verdict.segments[-1] if verdict.segments else None,
        "files": verdict.files,
        "bytes": verdict.octets,
        "removed": verdict.removed,
        "waiting": verdict.waiting,
        "leftovers": list(verdict.leftovers),
        "adopted": [{"file": file, "record": record} for file, record in verdict.adopted],
        "stops": [
            {"worker": each.worker, "from": each.first.isoformat(), "to": each.over.isoformat()}
            for each in verdict.stops
        ],
    }
