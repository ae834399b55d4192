"""`--as-inspector`: the commands that only read, used by an inspector whom the school gave an account."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

import click

from cli.asking import passphrase
from cli.context import INSPECTOR, Installation, pass_installation, who
from settings.model import Settings
from translations import _

Command = Callable[..., Any]


def as_inspector(command: Command) -> Command:
    """Give a command --as-inspector. Whoever it lets in is who gives the command: `cli.context.who` says so."""

    @wraps(command)
    @pass_installation
    def let_in(installation: Installation, /, *args: Any, as_inspector: str | None, **kwargs: Any) -> Any:
        if as_inspector is not None:
            given = passphrase(None, _("Passphrase of inspector {name}").format(name=as_inspector))
            asyncio.run(_admit(installation.settings, as_inspector, given))
            click.get_current_context().meta[INSPECTOR] = as_inspector
        return command(*args, **kwargs)

    option = click.option(
        "--as-inspector",
        metavar="NAME",
        help=_("Look in the name of this inspector, whose passphrase is asked for (schoolfilter inspector)."),
    )
    return option(let_in)


async def _admit(settings: Settings, name: str, given: str) -> None:
    # Imported here: most looks are not an inspector's.
    from journal.inspectors import admit
    from journal.opening import opened_journal

    now = datetime.now(UTC)
    today = now.astimezone(ZoneInfo(settings.school.time_zone)).date()
    async with opened_journal(settings) as journal:
        await admit(journal, name, given, at=now, today=today, by=who())
