"""Who looks at personal data: it is on record before anything of it is shown."""

from collections.abc import Mapping
from datetime import UTC, datetime

from cli.context import inspects, who
from cli.errors import Failure
from journal.access import note_access
from journal.opening import opened_journal
from settings.errors import SchoolfilterError
from settings.model import Settings
from translations import _


async def enter_look(settings: Settings, what: str, reason: str, asked: Mapping[str, str]) -> int:
    """Enter a look in the journal, by who gives the command; return its number. Raises SchoolfilterError, OSError.

    `what`: the command, such as `log search`. `asked`: what was asked for, by option; those not given are left out.
    """
    given = {option: value for option, value in asked.items() if value}
    async with opened_journal(settings) as journal:
        return await note_access(journal, what, reason, given, at=datetime.now(UTC), by=who())


async def look(settings: Settings, what: str, reason: str, asked: Mapping[str, str]) -> int:
    """Do the same where nothing may be shown if it fails. Raises Failure."""
    try:
        return await enter_look(settings, what, reason, asked)
    except (SchoolfilterError, OSError) as error:
        message = _(
            "Nothing is shown: each look at personal data has to be entered in the journal first, and that failed: "
            "{error}. Run it as root (sudo) or as the user that runs the service; otherwise see: schoolfilter status"
        )
        raise Failure(message.format(error=str(error).rstrip("."))) from error


async def note_inspector(settings: Settings, what: str, reason: str, asked: Mapping[str, str]) -> None:
    """Enter what an inspector looks at also where nothing personal is shown: an account leaves a record. As `look`."""
    if inspects():
        await look(settings, what, reason, asked)
