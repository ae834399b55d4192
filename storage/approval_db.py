"""Requests and orders in policy.db: asked for, decided, entered in the ledger, each noted in the audit trail."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from policy.ledger import Sealed
from storage import requests as rows
from storage.ledger_rows import append_sealed, read_sealed
from storage.policy_db import PolicyDb
from storage.policy_groups import require_group
from storage.policy_rows import stamp
from storage.requests import NewRequest, Outcome, Request


class ApprovalDb:
    """The part of policy.db that people's approval is about."""

    def __init__(self, policy: PolicyDb) -> None:
        self._policy = policy

    async def sealed(self) -> list[Sealed]:
        """Return every order as it is kept, verified or not."""
        async with self._policy.reading() as connection:
            return [sealed async for some in read_sealed(connection) for sealed in some]

    async def requests(self, *, only_open: bool = True) -> list[Request]:
        """Return requests, oldest first."""
        async with self._policy.reading() as connection:
            return [request async for request in rows.read(connection, only_open=only_open)]

    async def ask(self, requests: Sequence[NewRequest], *, at: datetime, by: str) -> list[int]:
        """Enter requests, all or none; return their numbers. Raises UnknownGroup."""
        now = stamp(at)
        detail = {"requests": [[each.kind, each.name, each.group or "", each.scope, each.reason] for each in requests]}
        async with self._policy.changing(now, by, "requests", detail) as connection:
            for group in sorted({each.group for each in requests if each.group is not None}):
                await require_group(connection, group)
            return await rows.add(connection, requests, now, by)

    async def close(
        self, ids: Sequence[int], outcome: Outcome, *, answer: str = "", at: datetime, by: str
    ) -> list[str]:
        """Reject or withdraw open requests; return their names. Raises UnknownRequest."""
        now = stamp(at)
        detail = {"requests": list(ids), "answer": answer}
        async with self._policy.changing(now, by, f"requests {outcome}", detail) as connection:
            return await rows.decide(connection, ids, outcome, now, by, answer=answer)

    async def enter(
        self,
        first: int,
        orders: Sequence[Sealed],
        *,
        requests: Sequence[int] = (),
        groups: Collection[str] = (),
        detail: Mapping[str, object],
        document: str,
        at: datetime,
        by: str,
    ) -> None:
        """Add orders to the ledger, the first under a number, and close the requests that they answer.

        `groups`: those that they open names for. Raises LedgerMoved if that is not the next number, UnknownGroup for a
        group that does not exist, UnknownRequest.
        """
        now = stamp(at)
        said = {**detail, "digests": [each.digest for each in orders]}
        async with self._policy.changing(now, by, "order", said, document) as connection:
            for group in sorted(groups):
                await require_group(connection, group)
            await append_sealed(connection, first, orders)
            if requests:
                await rows.decide(connection, requests, Outcome.APPROVED, now, by, sequence=first + len(orders) - 1)
