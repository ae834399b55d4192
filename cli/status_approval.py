"""What `status` says about approval and supervision: requests that wait, reminders about the list, lessons going on."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from approval.review import reminders, review
from approval.usage import load_usage
from cli.list_care import entries_and_review
from settings.errors import SchoolfilterError
from settings.model import Settings
from storage.approval_db import ApprovalDb
from storage.policy_db import open_policy


@dataclass(frozen=True, slots=True)
class ApprovalState:
    """What of the director's and the teachers' work is open."""

    requests: int = 0
    """Those that wait for the director."""
    oldest: datetime | None = None
    """When the oldest of them was made."""
    reminders: tuple[str, ...] = ()


def read_approval_state(settings: Settings, now: datetime) -> ApprovalState:
    """Look into policy.db; what cannot be read is left out: the workers say what is wrong with it. Raises nothing."""
    if not settings.paths.policy_db.exists():
        return ApprovalState()
    try:
        waiting = asyncio.run(_waiting(settings))
        entries, reviewed = entries_and_review(settings)
        today = now.astimezone(ZoneInfo(settings.school.time_zone)).date()
        remarks = review(entries, load_usage(settings.paths.state), {}, today, reviewed)
    except (SchoolfilterError, OSError):
        return ApprovalState()
    return ApprovalState(len(waiting), min(waiting, default=None), reminders(remarks))


async def _waiting(settings: Settings) -> list[datetime]:
    policy = await open_policy(settings.paths.policy_db)
    return [request.asked_at for request in await ApprovalDb(policy).requests()]
