"""The one way by which orders leave policy.db: what does not hold makes room for what this machine has verified."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from blocklists.disk import DISK
from policy.ledger import Sealed
from storage.guards import guard
from storage.ledger_rows import LedgerMoved, append_sealed, read_sealed
from storage.policy_db import PolicyDb
from storage.policy_rows import stamp
from translations import _


async def mend(
    policy: PolicyDb,
    before: Sequence[Sealed],
    taken_out: Sequence[Sealed],
    put_back: Sequence[Sealed],
    *,
    at: datetime,
    by: str,
) -> Path | None:
    """Exchange what follows the orders `before`; return the file that keeps what was taken out, if anything was.

    Raises LedgerMoved if policy.db does not hold exactly what is before and what is to be taken out, StorageError,
    OSError.
    """
    aside = policy.path.with_name(f"orders-taken-out-{at:%Y%m%dT%H%M%S}.jsonl") if taken_out else None
    detail = {
        "taken out": [each.digest for each in taken_out],
        "put back": [each.digest for each in put_back],
    }
    if aside is not None:
        DISK.write(aside, "".join(map(_line, taken_out)).encode())
    async with policy.changing(stamp(at), by, "ledger mended", detail, mends=True) as connection:
        found = [sealed async for some in read_sealed(connection) for sealed in some]
        if found != [*before, *taken_out]:
            raise LedgerMoved(_("the ledger of orders has changed meanwhile: look at it, then do this again."))
        await connection.execute("DROP TRIGGER IF EXISTS orders_delete")
        await connection.execute("DELETE FROM orders")  # all of them: somebody may have numbered the rows anew
        await append_sealed(connection, 1, [*before, *put_back])
        await guard(connection)
    return aside


def _line(sealed: Sealed) -> str:
    said = {"body": sealed.body, "digest": sealed.digest, "signature": sealed.signature}
    return json.dumps(said, ensure_ascii=False) + "\n"
