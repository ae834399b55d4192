"""`journal archive`: one round over the query log, as the journal starts it each night."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import click

from cli.context import pass_settings
from cli.errors import Failure
from cli.journal_erase import wait_words
from cli.printable import printable
from journal.archiving.erasure import erasures
from journal.archiving.waiting import For, wait_of
from journal.opening import opened_journal
from journal.trust.verdict import describe
from resolver.segments import list_segments
from settings.model import Settings
from translations import _

# journal.archiving.archive is imported where it is used: it brings DuckDB along.


@click.command(
    "archive",
    help=_(
        "Archive the query log of days that are over, and remove, anonymise and erase what is due.\n\n"
        "The server does so by itself each night. Example: schoolfilter journal archive"
    ),
)
@click.option("--now", "today_too", is_flag=True, help=_("Also archive closed segments of today."))
@pass_settings
def archive(settings: Settings, today_too: bool) -> None:
    """Do one round and say what it did; exit status 1 if something could not be done."""
    from journal.archiving.archive import archive_round

    done = asyncio.run(archive_round(settings, datetime.now(UTC), today_too=today_too))
    said = [
        (done.adopted, _("Files of the archive taken over as they were found, after damage of journal.db: {count}")),
        (done.files, _("Files added to the archive: {count}, queries in them: {rows}")),
        (done.damaged, _("Damaged lines left out: {count}")),
        (done.segments_removed, _("Segments removed from the query log: {count}")),
        (done.anonymised, _("Files of the archive anonymised: {count}")),
        (done.files_removed, _("Files of the archive removed because their time is over: {count}")),
        (len(done.erased), _("Erasures carried out: {count}")),
    ]
    lines = [text.format(count=f"{count:,}", rows=f"{done.rows:,}") for count, text in said if count]
    lines += asyncio.run(_waiting(settings, done.waiting)) if done.waiting else []
    waiting = _("Segments that cannot be archived yet, for they are open or not taken into the journal: {count}")
    if today_too and (count := asyncio.run(_untaken(settings))):
        lines.append(waiting.format(count=f"{count:,}"))
    click.echo("\n".join(lines or [_("Nothing is due.")]))
    if done.broken is not None:
        message = _("The last good copy of the journal was not renewed. {text}")
        click.echo(message.format(text=printable(describe(done.broken))), err=True)
    if done.changed:
        message = _(
            "not as the journal says, and therefore left as they are: {files}. "
            "`schoolfilter log verify` tells more; put them back from a backup."
        )
        raise Failure(message.format(files=", ".join(done.changed)))


async def _waiting(settings: Settings, ids: Collection[str]) -> list[str]:
    """Return what erasures wait for that this round could not carry out, a line for each."""
    now = datetime.now(ZoneInfo(settings.school.time_zone))
    lines = []
    async with opened_journal(settings) as journal:
        for each in await erasures(journal):
            if each.id in ids:
                wait = await wait_of(journal, settings, each, now)
                held_up = _("held up by files that are not as the journal says")
                state = held_up if wait.reason is For.ROUND else wait_words(wait, now)
                lines.append(_("Erasure {id}: {state}").format(id=each.id, state=state))
    return lines


async def _untaken(settings: Settings) -> int:
    """Return how many segments no round can archive yet."""
    async with opened_journal(settings) as journal:
        taken = {each.name for each in await journal.segments()}
    return sum(each.path.name not in taken for each in list_segments(settings.paths.query_log))
