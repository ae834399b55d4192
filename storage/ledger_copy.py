"""This machine's copy of the ledger of orders: what was verified once stays in force, whatever becomes of policy.db.

A chain cannot show that its end was cut off; the copy can. It needs no trust of its own: its orders are verified as
those of the ledger are.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from blocklists.disk import DISK
from policy.ledger import Sealed

NAME = "ledger.jsonl"


class LedgerCopy:
    """The file beside policy.db: an order a line."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME

    def read(self) -> list[Sealed]:
        """Return the orders; those up to the first damaged line, none if there is no file or it cannot be read."""
        found: list[Sealed] = []
        try:
            with self.path.open(encoding="utf-8") as file:
                for line in file:
                    said = json.loads(line)
                    found.append(Sealed(str(said["body"]), str(said["digest"]), str(said["signature"])))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):  # the last for [[[[[[…
            return found
        return found

    def write(self, sealed: Sequence[Sealed]) -> None:
        """Take the place of the copy there was, whole or not at all, also if power fails. Raises OSError."""
        lines = (
            json.dumps({"body": each.body, "digest": each.digest, "signature": each.signature}, ensure_ascii=False)
            for each in sealed
        )
        aside = self.path.with_name(f".{NAME}.{os.getpid()}")  # workers may write at the same moment
        DISK.write(aside, ("\n".join(lines) + "\n").encode())
        DISK.move(aside, self.path)
