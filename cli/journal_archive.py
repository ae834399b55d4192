"""`journal archive`: one round over the query log, as the journal starts it each night."""

import asyncio
from datetime import UTC, datetime

import click

from cli.context import pass_settings
from cli.errors import Failure
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
        (done.files, _("{count} files added to the archive, with {rows} queries")),
        (done.damaged, _("{count} damaged lines left out")),
        (done.segments_removed, _("{count} segments removed from the query log")),
        (done.anonymised, _("{count} files of the archive anonymised")),
        (done.files_removed, _("{count} files of the archive removed: their time is over")),
        (len(done.erased), _("{count} erasures carried out")),
        (len(done.waiting), _("{count} erasures wait for segments that are still open")),
    ]
    lines = [text.format(count=f"{count:,}", rows=f"{done.rows:,}") for count, text in said if count]
    click.echo("\n".join(lines or [_("Nothing is due.")]))
    if done.changed:
        message = _(
            "not as the journal says, and therefore left as they are: {files}. "
            "`schoolfilter log verify` tells more; put them back from a backup."
        )
        raise Failure(message.format(files=", ".join(done.changed)))
