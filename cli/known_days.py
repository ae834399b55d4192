"""Papers about days of which the journal knows nothing are refused: they would look like days on which nothing was."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from cli.errors import Misuse
from journal.documents.beginning import begun_on
from journal.opening import opened_journal
from settings.model import Settings
from storage.evidence import Kind
from translations import _


async def expect_known(settings: Settings, first: date, last: date) -> None:
    """Raise Misuse if all these days, which have begun, lie before the journal was begun. Raises StorageError, OSError.

    A journal that was begun anew has counted what the query log still held: such days are known.
    """
    zone = ZoneInfo(settings.school.time_zone)
    async with opened_journal(settings) as journal:
        begun = begun_on([record async for record in journal.records((Kind.BEGUN,))], zone)
        if last >= begun:
            return
        if [each async for each in journal.counts(first.isoformat(), (last + timedelta(days=1)).isoformat())]:
            return
    message = _(
        "expected days since {begun}, when the journal was begun; found {first} to {last}: of these nothing is known"
    )
    raise Misuse(message.format(begun=begun, first=first, last=last))
