"""The policy of an installation, as every command opens and loads it."""

from datetime import datetime

from approval.ledger_book import load
from cli.errors import Failure
from policy.snapshot import Snapshot
from settings.model import Settings
from storage.policy_db import PolicyDb, open_policy
from translations import _


async def opened(settings: Settings) -> PolicyDb:
    """Open the policy. Raises Failure if `init` has not been run, StorageError."""
    if not settings.paths.policy_db.exists():
        message = _("expected the policy in {path}, found nothing; make it with: schoolfilter init")
        raise Failure(message.format(path=settings.paths.policy_db))
    return await open_policy(settings.paths.policy_db)


async def snapshot_of(policy: PolicyDb, settings: Settings, moment: datetime | None = None) -> Snapshot:
    """Return the policy in force; `moment` and errors as approval.ledger_book.load says."""
    return (await load(policy, settings, moment)).snapshot
