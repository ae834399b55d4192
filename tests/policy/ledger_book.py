"""A ledger that a test writes: orders one after another, linked and signed as the test says."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from policy.ledger import GENESIS, NAMESPACE, Sealed, seal
from policy.order_text import order_bytes
from policy.orders import Addition, Order, OrderKind
from policy.sshsig import fingerprint, public_text, sign

FIRST_MOMENT = datetime(2026, 9, 1, 9, 30, tzinfo=UTC)


def key(holder: str) -> Ed25519PrivateKey:
    """Return the key of a person, always the same one."""
    return Ed25519PrivateKey.from_private_bytes(holder.encode().ljust(32, b"."))


def public(holder: str) -> str:
    return public_text(key(holder).public_key())


def pin(holder: str) -> str:
    return fingerprint(public(holder))


def order(**said: Any) -> Order:
    """Return an order that says what a test says and is plain otherwise."""
    plain: dict[str, Any] = {
        "sequence": 1,
        "kind": OrderKind.ORDER,
        "number": "12",
        "date": date(2026, 9, 2),
        "previous": GENESIS,
        "entered_at": FIRST_MOMENT,
        "entered_by": "teacher",
        "school": "№ 12 мектеп",
    }
    return Order(**(plain | said))


def adds(*names: str) -> tuple[Addition, ...]:
    return tuple(Addition(name, reason="сабақ") for name in names)


def signed(each: Order, holder: str) -> Sealed:
    return seal(each, sign(key(holder), NAMESPACE, order_bytes(each)))


class Book:
    """The ledger so far."""

    def __init__(self, sealed: Iterable[Sealed] = (), orders: Iterable[Order] = ()) -> None:
        self.sealed = list(sealed)
        self.orders = list(orders)

    def copy(self) -> "Book":
        return Book(self.sealed, self.orders)

    @property
    def head(self) -> str:
        return self.sealed[-1].digest if self.sealed else GENESIS

    def next(self, kind: OrderKind, **said: Any) -> Order:
        """Return an order that follows the last one; it is not yet in the ledger."""
        place = len(self.sealed) + 1
        moment = FIRST_MOMENT + timedelta(days=place)
        said = {"number": str(place), "entered_at": moment, "sequence": place, "previous": self.head, **said}
        return order(kind=kind, **said)

    def add(self, kind: OrderKind, by: str = "", **said: Any) -> "Book":
        """Enter the next order, signed by a person; nobody means that there is no signature."""
        each = self.next(kind, **said)
        self.orders.append(each)
        self.sealed.append(signed(each, by) if by else seal(each))
        return self

    def paper(self, *names: str) -> "Book":
        return self.add(OrderKind.PAPER, additions=adds(*names))

    def key(self, holder: str) -> "Book":
        return self.add(OrderKind.KEY, holder, key=public(holder))

    def order(self, by: str, *names: str) -> "Book":
        return self.add(OrderKind.ORDER, by, additions=adds(*names))

    def handover(self, by: str, to: str) -> "Book":
        return self.add(OrderKind.HANDOVER, by, key=public(to))

    def replacement(self, holder: str) -> "Book":
        return self.add(OrderKind.REPLACEMENT, holder, key=public(holder), document="act 3 of 2026-09-20")

    def relinked(self, start: int) -> "Book":
        """Return the ledger in which all orders from an index on hold the digest of the one before, as forgers make it.

        Signatures stay: to make new ones takes the keys.
        """
        book = Book(self.sealed[:start], self.orders[:start])
        for each, sealed in zip(self.orders[start:], self.sealed[start:], strict=True):
            moved = replace(each, sequence=len(book.sealed) + 1, previous=book.head)
            book.orders.append(moved)
            book.sealed.append(seal(moved, sealed.signature))
        return book


def school() -> Book:
    """Return a ledger with what happens at a school: paper, the first key, orders, a new director."""
    book = Book().paper("kitap.example.org").key("aigul").order("aigul", "one.example.org", "two.example.org")
    return book.handover("aigul", "bolot").order("bolot", "three.example.org").order("bolot")
