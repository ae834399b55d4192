"""What papers say of the policy: levels, the director's list, and what was asked, ordered and changed in a period."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from approval.ledger_book import Book, read_book
from policy.group_titles import shown_title
from policy.ledger_words import describe as describe_ledger
from policy.orders import Listed, Order, OrderKind, replay
from settings.model import Settings
from storage.approval_db import ApprovalDb
from storage.audit import Change, Head
from storage.audit import describe as describe_audit
from storage.policy_db import PolicyDb
from storage.requests import Request


@dataclass(frozen=True, slots=True)
class PolicyState:
    """The policy as it was read."""

    book: Book
    requests: Sequence[Request]
    """All that there ever were."""
    changes: Sequence[Change]
    """Those of the period."""
    trail: Head
    """Of the audit trail."""
    fault: str
    """What is wrong with the audit trail, in words; empty if nothing is."""
    ledger_faults: Sequence[str]
    """What is wrong with the ledger of orders, in words."""
    blocked: int
    """Sites that are blocked by hand now."""

    def listed(self, today: date) -> list[Listed]:
        """Return what the director's list opens on a day."""
        return list(replay(self.book.ledger.orders, today).values())

    def orders_of(self, first: date, last: date, zone: tzinfo) -> list[Order]:
        """Return the orders about sites that were entered in days of the school."""
        orders = [each for each in self.book.ledger.orders if each.kind in (OrderKind.PAPER, OrderKind.ORDER)]
        return [each for each in orders if first <= each.entered_at.astimezone(zone).date() <= last]

    def requests_of(self, first: date, last: date, zone: tzinfo) -> list[Request]:
        """Return the requests made in days of the school."""
        return [each for each in self.requests if first <= each.asked_at.astimezone(zone).date() <= last]

    def group_title(self, id_: str) -> str:
        """Return a group as readers of the language in use know it; its id if it is none any more."""
        groups = self.book.snapshot.groups
        return shown_title(id_, groups[id_].title) if id_ in groups else id_

    def room_title(self, id_: str) -> str:
        """Return a room as people know it; its id if it is none any more."""
        rooms = self.book.snapshot.schedule.rooms
        return (rooms[id_].title or id_) if id_ in rooms else id_


async def read_policy(policy: PolicyDb, settings: Settings, since: datetime, until: datetime) -> PolicyState:
    """Return the policy, with what was changed between two moments. Raises StorageError."""
    book = await read_book(policy, settings)
    fault, head = await policy.verify_audit(), await policy.audit_head()
    return PolicyState(
        book,
        await ApprovalDb(policy).requests(only_open=False),
        await policy.changes(since=since, until=until),
        head,
        describe_audit(fault) if fault is not None else "",
        [describe_ledger(finding) for finding in book.ledger.findings],
        len({each.name for each in await policy.blocks()}),
    )
