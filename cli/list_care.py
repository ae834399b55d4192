"""What is known of the use of the director's list: noted day by day, and looked at for reminders."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from approval.ledger_book import read_book
from approval.review import ReviewEntry
from approval.usage import Usage, note_usage
from cli.policy_file import opened
from cli.words import document_of
from policy.orders import Listed, replay
from settings.model import LogDetail, Settings

REVIEW = "review"
"""Kind and id of the object that notes the last review."""


def entries_and_review(settings: Settings) -> tuple[list[ReviewEntry], date | None]:
    """Return all that was put on the list and not taken off, and the day of the last review. Raises StorageError."""
    listed, reviewed = asyncio.run(_read(settings))
    return [_entry(each, settings) for each in listed], reviewed


def in_force(entries: Sequence[ReviewEntry], today: date) -> list[str]:
    """Return the names that the list opens today."""
    return sorted({entry.name for entry in entries if entry.until is None or entry.until >= today})


def note_use(settings: Settings, names: Sequence[str], today: date) -> Usage:
    """Read on in the query log and note which entries were used: the log is gone before a year has passed."""
    return note_usage(
        settings.paths.state,
        names,
        settings.paths.query_log,
        today=today,
        retention_days=settings.log.retention_days,
        full=settings.log.detail is LogDetail.FULL,
    )


def note_use_of_today(settings: Settings) -> None:
    """Do it as a daily round does. Raises StorageError, OSError."""
    if settings.paths.policy_db.exists():
        today = datetime.now(ZoneInfo(settings.school.time_zone)).date()
        note_use(settings, in_force(entries_and_review(settings)[0], today), today)


async def _read(settings: Settings) -> tuple[Sequence[Listed], date | None]:
    async with await opened(settings) as policy:
        book = await read_book(policy, settings)
        reviews = await policy.objects(REVIEW)
    zone = ZoneInfo(settings.school.time_zone)
    days = [datetime.fromisoformat(each.added_at).astimezone(zone).date() for each in reviews]
    return list(replay(book.ledger.orders, None).values()), max(days, default=None)


def _entry(listed: Listed, settings: Settings) -> ReviewEntry:
    since = listed.order.entered_at.astimezone(ZoneInfo(settings.school.time_zone)).date()
    addition = listed.addition
    return ReviewEntry(addition.name, addition.group, document_of(listed.order), since, addition.until)
