"""`journal sign`: the child process in which the journal signs its head."""

import asyncio
from datetime import UTC, datetime

import click

from cli.context import pass_settings
from journal.opening import opened_journal
from journal.trust.signing import sign_head
from settings.model import Settings
from translations import _


@click.command("sign", hidden=True, help=_("Sign the head of the journal now. `journal run` does so once an hour."))
@pass_settings
def sign_command(settings: Settings) -> None:
    """Sign the head, and begin the journal if there is none: what reads keys stays no longer in memory than it must."""
    asyncio.run(_sign(settings))


async def _sign(settings: Settings) -> None:
    async with opened_journal(settings) as journal:
        await sign_head(journal, settings, datetime.now(UTC), make_key=True)
