"""A policy.db as tests fill and read it."""

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

from policy.ledger import GENESIS, seal
from policy.needed import Needed
from policy.orders import Addition, Order, OrderKind, Removal
from policy.snapshot import Snapshot
from storage.approval_db import ApprovalDb
from storage.policy_db import PolicyDb
from storage.policy_load import PolicyLoader
from storage.policy_rows import NewEntry

AT = datetime(2026, 9, 2, 8, 0, tzinfo=UTC)
LATER = datetime(2026, 9, 3, 8, 0, tzinfo=UTC)
CHANGES = 12
"""Of the policy in conftest.py."""
ROOM: dict[str, object] = {
    "title": "Room 5",
    "networks": [],
    "group": None,
    "supervised": True,
    "level": None,
    "closed": "off",
    "responsible": "",
}


def block(name: str, group: str | None = None, note: str = "asked by the council") -> NewEntry:
    """Return a block to add."""
    return NewEntry(name, group, note)


async def snapshot_of(
    policy: PolicyDb,
    protected: Iterable[str] = (),
    *,
    needed: Iterable[Needed] = (),
    moment: datetime | None = None,
) -> Snapshot:
    """Return the policy in force, for a school whose director signs paper."""
    return (await PolicyLoader(policy).load(protected, needed=needed, moment=moment)).snapshot


async def enter_paper(
    policy: PolicyDb,
    *names: str | Addition,
    removals: Sequence[Removal] = (),
    number: str = "12",
    at: datetime = AT,
    by: str = "teacher",
) -> Order:
    """Enter an order on paper that adds names, as the next of the ledger, and return it."""
    approval = ApprovalDb(policy)
    sealed = await approval.sealed()
    order = Order(
        sequence=len(sealed) + 1,
        kind=OrderKind.PAPER,
        number=number,
        date=date(2026, 9, 2),
        previous=sealed[-1].digest if sealed else GENESIS,
        additions=tuple(
            name if isinstance(name, Addition) else Addition(name, reason="for the lesson") for name in names
        ),
        removals=tuple(removals),
        entered_at=at,
        entered_by=by,
        school="",
    )
    groups = {each.group for each in order.additions if each.group is not None}
    said = {
        "opens": [[each.name, each.group or ""] for each in order.additions],
        "closes": [[each.name, each.group or ""] for each in order.removals],
    }
    await approval.enter(
        order.sequence, [seal(order)], groups=groups, detail=said, document=order.document_text, at=at, by=by
    )
    return order


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    """Return what a query finds in the file."""
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute(query).fetchall()


def by_hand(path: Path, *statements: str, guarded: bool = False) -> None:
    """Change the file as somebody with the sqlite3 program would, who knows of the triggers unless `guarded`."""
    with closing(sqlite3.connect(path)) as raw:
        if not guarded:
            for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                raw.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            raw.execute(statement)
        raw.commit()


async def go_on(policy: PolicyDb) -> None:
    """Work on as a school does that has noticed nothing."""
    await policy.add_blocks([block("later.example.org")], at=LATER, by="deputy")
    await policy.change_objects("room", [("room", "r6", ROOM)], at=LATER, by="deputy")
