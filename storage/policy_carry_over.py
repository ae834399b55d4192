"""What an older policy.db held, in the form of today: allow entries as paper orders, changes as a chain."""

import json
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import groupby, islice
from typing import NamedTuple

import aiosqlite

from policy.ledger import GENESIS, Sealed, seal
from policy.order_text import LONGEST, MOST_ENTRIES
from policy.orders import Addition, Order, OrderKind, Place, Removal
from storage import audit
from storage.database import value
from storage.ledger_rows import append_sealed
from storage.tally import count

_NO_NUMBER = "-"
"""In the place of the number of an order that was never given."""


class _Command(NamedTuple):
    """What the entries have in common that one command began or ended."""

    at: str
    by: str
    number: str
    """Of the order; empty for an end, which needed none."""
    day: str


class _Event(NamedTuple):
    """An allow entry that began or ended."""

    command: _Command
    name: str
    group: str | None
    note: str


async def carry_over(connection: aiosqlite.Connection) -> None:
    """Fill the ledger from the allow entries there were, and chain the changes noted so far."""
    good, bad = list[_Event](), list[str]()
    for event in _events(await _entries(connection)):
        if _fits(event):
            good.append(event)
        else:
            bad.append(event.name)
    orders = list(_orders(good))
    await append_sealed(connection, 1, orders)
    await connection.execute("DELETE FROM entries WHERE kind = 'allow'")
    async with connection.execute("SELECT at, by, what, detail FROM changes ORDER BY version") as cursor:
        changes = list(await cursor.fetchall())
    await connection.execute("DROP TABLE changes")
    for at, by, what, detail in changes:
        await audit.append(connection, at, by, what, _said(detail), state="")
    if await value(connection, "SELECT 1 FROM groups LIMIT 1") is None:
        return  # a new file: storage/policy_db.py begins its trail
    now = datetime.now(UTC).isoformat(timespec="seconds")
    said = {"changes": len(changes), "orders": len(orders), "left out": sorted(set(bad))}
    await audit.append(connection, now, "schoolfilter", "carried over", said, state=await count(connection))


async def _entries(connection: aiosqlite.Connection) -> Sequence[Sequence[str | None]]:
    query = """
        SELECT name, group_id, note, order_number, order_date, added_at, added_by, removed_at, removed_by
        FROM entries WHERE kind = 'allow' ORDER BY row
    """
    async with connection.execute(query) as cursor:
        return [tuple(row) for row in await cursor.fetchall()]


def _events(entries: Sequence[Sequence[str | None]]) -> list[_Event]:
    """Return what happened to the allow entries, in the order in which it happened.

    The numbers of rows say that, and stamps only as far as they do not contradict: a clock may have been put back.
    """
    following: dict[Place, int] = {}
    """The next entry for the same name and group."""
    begun, latest = [], ""
    for entry in entries:
        latest = max(latest, entry[5] or "")
        begun.append(latest)
    found: list[tuple[str, int, _Event]] = []
    for at in range(len(entries) - 1, -1, -1):
        name, group, note, number, day, added_at, added_by, removed_at, removed_by = entries[at]
        place = (name or "", group)
        next_ = following.get(place)
        following[place] = at
        added = _Command(added_at or "", added_by or "", number or _NO_NUMBER, day or "")
        found.append((begun[at], 2 * at, _Event(added, *place, note or "")))
        # What another entry took the place of did not end.
        if removed_at and (next_ is None or entries[next_][5] != removed_at):
            ended = max(removed_at, begun[at])
            ended = ended if next_ is None else min(ended, begun[next_])
            found.append((ended, 2 * at + 1, _Event(_Command(removed_at, removed_by or "", "", ""), *place, "")))
    return [event for _at, _row, event in sorted(found, key=lambda each: each[:2])]


def _fits(event: _Event) -> bool:
    """Whether an order can hold it: a name or a group that somebody wrote into the file by hand may be none."""
    try:
        seal(_order([event], 1, GENESIS))
    except (ValueError, OverflowError):  # the latter for 0001-01-01T00:00:00+05:00, before the first year in UTC
        return False
    return True


def _orders(events: Iterable[_Event]) -> Iterator[Sealed]:
    previous, sequence = GENESIS, 1
    for _command, together in groupby(events, key=lambda event: event.command):
        # Within one second a name may have been entered twice; the last word counts.
        entries = iter({(event.name, event.group): event for event in together}.values())
        while some := list(islice(entries, MOST_ENTRIES)):
            sealed = seal(_order(some, sequence, previous))
            previous, sequence = sealed.digest, sequence + 1
            yield sealed


def _order(events: Sequence[_Event], sequence: int, previous: str) -> Order:
    """Return the order of what one command did. Raises ValueError or OverflowError for a day that is none."""
    command = events[0].command
    entered = datetime.fromisoformat(command.at).astimezone(UTC).replace(microsecond=0)
    additions = [Addition(each.name, each.group, reason=_fitting(each.note, "reason")) for each in events]
    removals = [Removal(each.name, each.group) for each in events]
    return Order(
        sequence=sequence,
        kind=OrderKind.PAPER,
        number=_fitting(command.number, "number"),
        date=date.fromisoformat(command.day) if command.day else entered.date(),
        previous=previous,
        additions=tuple(additions) if command.number else (),
        removals=() if command.number else tuple(removals),
        entered_at=entered,
        entered_by=_fitting(command.by, "entered_by"),
        school="",
    )


def _fitting(text: str, member: str) -> str:
    """Return a text as an order takes it: visible characters, not too many."""
    visible = "".join(each if each.isprintable() else " " for each in text)
    return unicodedata.normalize("NFC", visible)[: LONGEST[member]]


def _said(detail: str) -> dict[str, object]:
    try:
        said = json.loads(detail)
    except (ValueError, RecursionError):  # the latter for [[[[[[…
        said = None
    return said if isinstance(said, dict) else {"detail": detail}
