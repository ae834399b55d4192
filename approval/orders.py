"""Orders of the director: drawn up from requests, signed or on paper, entered in the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, NamedTuple

from approval.ledger_book import Book, enter, keep, pin_of, read_book, require_sound
from policy import sshsig
from policy.ledger import NAMESPACE, Fault, Sealed, seal
from policy.names import display_name
from policy.order_text import LONGEST, InvalidOrder, order_bytes
from policy.orders import Addition, Order, OrderKind, Permit, Removal
from settings.errors import SchoolfilterError
from settings.model import Settings
from storage.policy_db import PolicyDb
from storage.requests import Request, RequestKind
from translations import _

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# `cryptography` is not imported here: who enters an order on paper need not wait for it.


class UnfitOrder(SchoolfilterError):  # noqa: N818 - reads as what it is
    """The order cannot stand in the ledger as it was asked for."""


class NotTheKey(SchoolfilterError):  # noqa: N818 - reads as what it is
    """There is no key of a director yet, or this is not the one in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What an order is to say; its place comes from the ledger."""

    number: str
    date: date
    additions: tuple[Addition, ...] = ()
    removals: tuple[Removal, ...] = ()
    permit: Permit | None = None
    note: str = ""
    requests: tuple[int, ...] = ()
    """The requests it answers."""


class Entered(NamedTuple):
    """An order that has just been added to the ledger."""

    order: Order
    sealed: Sealed


# -- drawn up, without a look at anything ------------------------------------------------------------------------------


def next_number(book: Book) -> str:
    """Return the number that follows the highest one in the ledger: `1` for the first order."""
    numbers = (row.order.number for row in book.every_row() if row.order is not None)
    return str(max((int(number) for number in numbers if number.isascii() and number.isdecimal()), default=0) + 1)


def draft_of(
    requests: Sequence[Request], *, number: str, day: date, permit: Permit | None = None, note: str = ""
) -> Draft:
    """Return an order that does what is asked for. Raises UnfitOrder if two requests are about the same entry."""
    seen: dict[tuple[str, str | None], int] = {}
    for request in requests:
        first = seen.setdefault((request.name, request.group), request.id)
        if first != request.id:
            message = _(
                "requests {first} and {second} are both about {name}, and one order can say one thing about it: "
                "approve one of them, and reject the other."
            )
            raise UnfitOrder(message.format(first=first, second=request.id, name=display_name(request.name)))
    return Draft(
        number=number,
        date=day,
        additions=tuple(
            Addition(each.name, each.group, each.scope, each.until, each.reason)
            for each in requests
            if each.kind is RequestKind.ALLOW
        ),
        removals=tuple(Removal(each.name, each.group) for each in requests if each.kind is RequestKind.REMOVE),
        permit=permit,
        note=note,
        requests=tuple(each.id for each in requests),
    )


def drawn_up(
    draft: Draft, book: Book, kind: OrderKind, *, school: str, at: datetime, by: str, key: str = "", document: str = ""
) -> Order:
    """Return the order that follows the last one of the ledger."""
    return Order(
        sequence=book.ledger.sequence + 1,
        kind=kind,
        number=draft.number,
        date=draft.date,
        previous=book.ledger.head,
        additions=draft.additions,
        removals=draft.removals,
        permit=draft.permit,
        key=key,
        document=document,
        note=draft.note,
        entered_at=at.astimezone(UTC).replace(microsecond=0),
        entered_by=by[: LONGEST["entered_by"]],
        requests=draft.requests,
        school=school[: LONGEST["school"]],
    )


def sealed_on_paper(order: Order) -> Sealed:
    """Return an order as it is kept, without a signature. Raises UnfitOrder."""
    try:
        return seal(order)
    except InvalidOrder as error:
        raise UnfitOrder(str(error)) from error


def sealed_by(order: Order, key: "Ed25519PrivateKey") -> Sealed:
    """Return an order as it is kept, signed. Raises UnfitOrder."""
    try:
        return seal(order, sshsig.sign(key, NAMESPACE, order_bytes(order)))
    except InvalidOrder as error:
        raise UnfitOrder(str(error)) from error


# -- entered -----------------------------------------------------------------------------------------------------------


async def enter_on_paper(policy: PolicyDb, settings: Settings, draft: Draft, *, at: datetime, by: str) -> Entered:
    """Enter an order that the director signed on paper; it is in force at once where the director signs paper.

    Raises UnfitOrder, DoubtfulLedger, LedgerMoved, UnknownGroup, UnknownRequest, StorageError.
    """
    book = await read_book(policy, settings)
    # A key that the settings do not name refuses nothing on paper.
    require_sound(book.ledger, despite=(Fault.PIN, Fault.UNSIGNED))
    order = drawn_up(draft, book, OrderKind.PAPER, school=settings.school.name, at=at, by=by)
    sealed = sealed_on_paper(order)
    await enter(policy, book, order, sealed, pinned=pin_of(settings), at=at, by=by)
    await keep(policy, settings)
    return Entered(order, sealed)


async def approve(
    policy: PolicyDb,
    settings: Settings,
    book: Book,
    draft: Draft,
    key: "Ed25519PrivateKey",
    *,
    at: datetime,
    by: str,
) -> Entered:
    """Sign an order with the director's key and enter it. `book` is what the director was shown.

    Raises UnfitOrder, NotTheKey, DoubtfulLedger, LedgerMoved if the ledger is no longer as it was shown, UnknownGroup,
    UnknownRequest, StorageError.
    """
    require_ready(book)
    require_key_in_force(book, sshsig.public_text(key.public_key()))
    order = drawn_up(draft, book, OrderKind.ORDER, school=settings.school.name, at=at, by=by)
    sealed = sealed_by(order, key)
    await enter(policy, book, order, sealed, pinned=pin_of(settings), at=at, by=by)
    await keep(policy, settings)
    return Entered(order, sealed)


def require_ready(book: Book) -> None:
    """Refuse a ledger that the director must not sign on, before anybody types a passphrase.

    Raises NotTheKey, DoubtfulLedger.
    """
    if not named_keys(book):
        raise NotTheKey(_("there is no key of the director yet. Make it with: schoolfilter orders key create"))
    require_sound(book.ledger, despite=(Fault.UNSIGNED,))


def require_key_in_force(book: Book, public: str) -> None:
    """Refuse another key than the one in force. Raises NotTheKey."""
    if public != book.ledger.key:
        message = _(
            "expected the key in force, {expected}, found {found}. Take the file of that key; if it is lost: "
            "schoolfilter orders key replace"
        )
        expected, found = sshsig.fingerprint(book.ledger.key), sshsig.fingerprint(public)
        raise NotTheKey(message.format(expected=expected, found=found))


def named_keys(book: Book) -> list[str]:
    """Return the public keys that orders name, whether they hold or not."""
    return [row.order.key for row in book.every_row() if row.order is not None and row.order.key]
