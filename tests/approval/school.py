"""A school whose director approves: its policy.db in a temporary folder, and what the tests do to it."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from approval import keys
from approval.ledger_book import Book, loader_of, read_book
from approval.orders import Draft, Entered, approve, draft_of, enter_on_paper
from approval.requests import requests_for
from policy.orders import Addition
from policy.snapshot import Snapshot
from settings.model import Approval, ApprovalMode, Paths, School, Settings
from storage.approval_db import ApprovalDb
from storage.policy_db import PolicyDb, open_policy
from storage.requests import Request, RequestKind

AT = datetime(2026, 9, 2, 8, 0, tzinfo=UTC)
DAY = date(2026, 9, 2)
BY = "aigerim"
PASSPHRASE = "four words without sense"


@dataclass(frozen=True, slots=True)
class Office:
    """What the functions of the package are given."""

    policy: PolicyDb
    settings: Settings

    @property
    def place(self) -> Path:
        return self.settings.paths.director_key

    def by(self, mode: ApprovalMode, director_key: str = "") -> "Office":
        """Return the same school with other settings, as after a new start of the server."""
        return Office(self.policy, replace(self.settings, approval=Approval(mode, director_key)))

    @property
    def signed(self) -> "Office":
        return self.by(ApprovalMode.SIGNATURE)

    async def book(self) -> Book:
        return await read_book(self.policy, self.settings)

    async def snapshot(self) -> Snapshot:
        """Return what the resolver would have in force."""
        return (await loader_of(self.policy, self.settings).load(())).snapshot

    async def opened(self, group: str = "pupils") -> set[str]:
        """Return the names that the director's list opens for a group."""
        return set((await self.snapshot()).views[group].allow)

    async def make_key(self, passphrase: str = PASSPHRASE) -> Ed25519PrivateKey:
        """Make the director's first key and return it, open."""
        await keys.create(self.policy, self.settings, await self.book(), passphrase, self.place, day=DAY, at=AT, by=BY)
        return await self.key(passphrase)

    async def key(self, passphrase: str = PASSPHRASE) -> Ed25519PrivateKey:
        """Open the key in force."""
        return keys.read_key(await self.book(), self.place).unlock(passphrase)

    async def paper(self, *names: str, number: str = "12") -> Entered:
        draft = Draft(number=number, date=DAY, additions=tuple(map(Addition, names)))
        return await enter_on_paper(self.policy, self.settings, draft, at=AT, by=BY)

    async def ask(self, *names: str, kind: RequestKind = RequestKind.ALLOW) -> list[Request]:
        """Make requests and return them."""
        database = ApprovalDb(self.policy)
        ids = await database.ask(requests_for(kind, names, reason="chemistry"), at=AT, by=BY)
        return [request for request in await database.requests() if request.id in ids]

    async def open_requests(self) -> list[str]:
        return [request.name for request in await ApprovalDb(self.policy).requests()]

    async def approve(self, requests: Sequence[Request], key: Ed25519PrivateKey, number: str = "13") -> Entered:
        draft = draft_of(requests, number=number, day=DAY)
        return await approve(self.policy, self.settings, await self.book(), draft, key, at=AT, by=BY)

    def by_hand(self, statement: str, *values: object) -> None:
        """Do to the database what somebody does who has its file and the sqlite3 program."""
        with closing(sqlite3.connect(self.policy.path)) as connection, connection:
            for verb in ("update", "delete"):
                connection.execute(f"DROP TRIGGER IF EXISTS orders_{verb}")
            connection.execute(statement, values)


async def office(state: Path, mode: ApprovalMode = ApprovalMode.PAPER) -> Office:
    """Return a new school."""
    settings = Settings(school=School(name="№ 12 мектеп"), approval=Approval(mode), paths=Paths(state))
    return Office(await open_policy(settings.paths.policy_db), settings)
