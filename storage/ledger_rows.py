"""The rows of the ledger of orders in policy.db. What may stand in them, policy/ledger.py judges at each load.

Each function is part of a transaction that the caller holds.
"""

from collections.abc import AsyncIterator, Sequence

import aiosqlite

from policy.ledger import Sealed
from storage.database import value
from storage.errors import StorageError
from translations import _

CHUNK = 64
"""Orders read at a time."""


class LedgerMoved(StorageError):  # noqa: N818 - reads as what it is
    """An order was entered by somebody else while this one was drawn up."""


async def read_sealed(connection: aiosqlite.Connection) -> AsyncIterator[list[Sealed]]:
    """Yield all orders by their number, some at a time."""
    async with connection.execute("SELECT body, digest, signature FROM orders ORDER BY sequence") as cursor:
        while rows := await cursor.fetchmany(CHUNK):
            yield [Sealed(*row) for row in rows]


async def append_sealed(connection: aiosqlite.Connection, first: int, orders: Sequence[Sealed]) -> None:
    """Add orders at the end, the first of them under a number. Raises LedgerMoved if that is not the next one."""
    last = await value(connection, "SELECT max(sequence) FROM orders")
    coming = (last if isinstance(last, int) else 0) + 1
    if coming != first:
        message = _(
            "another order was entered meanwhile (number {found} in the ledger): look at it, then do this again."
        )
        raise LedgerMoved(message.format(found=coming - 1))
    for number, sealed in enumerate(orders, first):
        await connection.execute(
            "INSERT INTO orders (sequence, body, digest, signature) VALUES (?, ?, ?, ?)",
            (number, sealed.body, sealed.digest, sealed.signature),
        )
