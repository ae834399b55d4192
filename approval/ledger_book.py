"""The ledger of orders of an installation: read and verified, added to, put back from this machine's copy."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, takewhile
from typing import NamedTuple

from blocklists.bundles import load_bundles
from policy.ledger import Fault, Ledger, Sealed, verify
from policy.ledger_words import describe
from policy.names import parse_name
from policy.order_text import InvalidOrder, read_order
from policy.orders import Order, OrderKind
from policy.snapshot import Snapshot
from settings.errors import SchoolfilterError
from settings.model import ApprovalMode, Settings
from storage.approval_db import ApprovalDb
from storage.ledger_copy import LedgerCopy
from storage.pin import read_pin
from storage.policy_db import PolicyDb
from storage.policy_load import Loaded, PolicyLoader
from translations import _


class DoubtfulLedger(SchoolfilterError):  # noqa: N818 - reads as what it is
    """Nothing can be added to the ledger, because something is wrong with it; the message says what."""


class LedgerRow(NamedTuple):
    """A row of the ledger, for people to read."""

    sequence: int
    order: Order | None
    """None: what stands there is no order."""
    sealed: Sealed
    holds: bool
    """Whether it counts."""


@dataclass(frozen=True, slots=True)
class Book:
    """The ledger as it was found."""

    rows: Sequence[Sealed]
    """All orders of policy.db, whether they hold or not."""
    ledger: Ledger
    """What verification says of them; its orders are those in force."""
    sealed: Sequence[Sealed]
    """The orders in force as they are kept; of this machine's copy where policy.db holds less."""
    snapshot: Snapshot

    def every_row(self) -> list[LedgerRow]:
        """Return the orders in force, and the rows of policy.db that do not count, by their number."""
        found = [
            LedgerRow(order.sequence, order, sealed, holds=True)
            for order, sealed in zip(self.ledger.orders, self.sealed, strict=True)
        ]
        for sequence, sealed in enumerate(self.rows, 1):
            if sequence > len(self.sealed) or sealed != self.sealed[sequence - 1]:
                found.append(LedgerRow(sequence, _read(sealed), sealed, holds=False))
        return sorted(found, key=lambda row: (row.sequence, not row.holds))

    def unconfirmed(self) -> list[Order]:
        """Return the orders on paper that the director's next signature confirms, because it covers them."""
        linked = [order for sealed in self.rows[: self.ledger.sequence] if (order := _read(sealed)) is not None]
        last = list(takewhile(lambda order: order.kind is OrderKind.PAPER, reversed(linked)))
        return last[::-1]


def is_signed(settings: Settings) -> bool:
    """Tell whether only what the director's key vouches for counts."""
    return settings.approval.mode is ApprovalMode.SIGNATURE


def pin_of(settings: Settings) -> str:
    """Return the fingerprint by which orders are verified; empty if there is none."""
    return settings.approval.director_key or read_pin(settings.paths.state)


def loader_of(policy: PolicyDb, settings: Settings) -> PolicyLoader:
    """Return what loads the policy, its director's list by the approval that the settings ask for."""
    return PolicyLoader(policy, signed=is_signed(settings), pinned=settings.approval.director_key)


async def load(policy: PolicyDb, settings: Settings, moment: datetime | None = None) -> Loaded:
    """Return the policy in force with all that the settings and the bundles add to it.

    `moment` is the school's local time; without it, what holds at times only counts as SnapshotBuilder.build says.
    Raises StorageError.
    """
    protected = [parse_name(name) for name in settings.school.protected]
    needed = chain.from_iterable(load_bundles().values())
    return await loader_of(policy, settings).load(protected, needed=needed, moment=moment)


async def read_book(policy: PolicyDb, settings: Settings) -> Book:
    """Read and verify the whole ledger. Raises StorageError."""
    while True:
        loaded = await load(policy, settings)
        rows = await ApprovalDb(policy).sealed()
        if await policy.version() == loaded.snapshot.version:  # else somebody has changed something in between
            return Book(rows, loaded.ledger, loaded.sealed, loaded.snapshot)


def require_sound(ledger: Ledger, *, despite: Collection[Fault] = ()) -> None:
    """Refuse a ledger of which more than this is wrong. Raises DoubtfulLedger, which tells all that is."""
    doubts = [describe(finding) for finding in ledger.findings if finding.fault not in despite]
    if doubts:
        raise DoubtfulLedger("\n".join([*doubts, _("Nothing was entered.")]))


async def enter(
    policy: PolicyDb, book: Book, order: Order, sealed: Sealed, *, pinned: str, at: datetime, by: str
) -> None:
    """Add an order to the ledger and close the requests that it answers; what would not verify is not written.

    `pinned`: the fingerprint by which a signed one has to verify. Raises DoubtfulLedger, LedgerMoved if somebody was
    faster, UnknownGroup, UnknownRequest.
    """
    signed = bool(sealed.signature)
    after = verify([*book.rows, sealed], pinned=pinned, signed=signed)
    require_sound(after, despite=() if signed else (Fault.PIN,))
    await ApprovalDb(policy).enter(
        order.sequence,
        [sealed],
        requests=order.requests,
        groups={each.group for each in order.additions if each.group is not None},
        detail={
            "kind": order.kind,
            "opens": [[each.name, each.group or ""] for each in order.additions],
            "closes": [[each.name, each.group or ""] for each in order.removals],
        },
        document=order.document_text,
        at=at,
        by=by,
    )


async def keep(policy: PolicyDb, settings: Settings) -> None:
    """Bring this machine's copy up to date with what verifies. Raises StorageError."""
    loader = loader_of(policy, settings)
    loaded = await loader.load(())
    with suppress(OSError):  # the order holds all the same, and the server writes the copy too, or says that it cannot
        loader.keep(loaded)


@dataclass(frozen=True, slots=True)
class Restoration:
    """What makes policy.db hold again what this machine has verified before."""

    before: Sequence[Sealed]
    """Rows that stay."""
    taken_out: Sequence[Sealed]
    """Rows that do not hold and stand in the way."""
    put_back: Sequence[Sealed]
    """Orders of the copy."""


def restoration(book: Book, settings: Settings) -> Restoration | None:
    """Return how the ledger can be mended by this machine's copy; None if there is nothing to mend."""
    copy = LedgerCopy(settings.paths.state).read()
    kept = copy[: len(verify(copy, pinned=pin_of(settings), signed=is_signed(settings)).orders)]
    same = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(book.rows, kept, strict=False))))
    if same < len(kept):
        return Restoration(book.rows[:same], book.rows[same:], kept[same:])
    linked = book.ledger.sequence
    return Restoration(book.rows[:linked], book.rows[linked:], ()) if linked < len(book.rows) else None


def _read(sealed: Sealed) -> Order | None:
    try:
        return read_order(sealed.body)
    except InvalidOrder:
        return None
