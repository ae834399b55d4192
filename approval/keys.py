"""The director's key through the years: made, handed over to the next director, replaced when it is lost."""

import asyncio
import dataclasses
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from approval import key_file
from approval.key_file import KeyFile, WrongPassphrase
from approval.ledger_book import Book, enter, keep, pin_of, read_book, require_sound
from approval.orders import Draft, drawn_up, named_keys, require_key_in_force, require_ready, sealed_by
from blocklists.disk import DISK
from policy.ledger import Fault, Finding
from policy.orders import Order, OrderKind
from policy.sshsig import fingerprint, public_text
from settings.errors import SchoolfilterError
from settings.model import Settings
from storage.pin import write_pin
from storage.policy_db import PolicyDb
from translations import _


class KeyExists(SchoolfilterError):  # noqa: N818 - reads as what it is
    """There is a key already, so that a first one cannot be made."""


@dataclass(frozen=True, slots=True)
class Named:
    """The order by which a key came into force."""

    order: Order
    fingerprint: str
    path: Path
    """Where the private key lies."""
    confirmed: tuple[Order, ...]
    """Orders on paper that its signature confirms."""


def read_key(book: Book, place: Path) -> KeyFile:
    """Return the key in force, locked. Raises NotTheKey, KeyFileError, DamagedKey, OSError."""
    _finish_change(place, book.ledger.key)
    locked = key_file.read(place)
    require_key_in_force(book, locked.public)
    return locked


async def create(
    policy: PolicyDb,
    settings: Settings,
    book: Book,
    passphrase: str,
    place: Path,
    *,
    number: str = "",
    day: date,
    at: datetime,
    by: str,
) -> Named:
    """Make the first key, pin it, and name it in the ledger; what was cut off half way is finished.

    `book` is what the director was shown: the signature confirms that and nothing that came since.
    Raises KeyExists, WeakPassphrase, KeyFileError, DoubtfulLedger, LedgerMoved, UnfitOrder, StorageError, OSError.
    """
    require_no_key(book)
    key_file.check_passphrase(passphrase)
    locked, key, is_new = await asyncio.to_thread(_first_key, place, passphrase)
    pin = fingerprint(locked.public)
    _require_sound_but_for(book, Finding(0, Fault.PIN), Finding(0, Fault.PIN, pin))
    if is_new:
        key_file.write(place, locked)
    write_pin(settings.paths.state, locked.public)
    draft = Draft(number=number, date=day)
    order = drawn_up(draft, book, OrderKind.KEY, school=settings.school.name, at=at, by=by, key=locked.public)
    await enter(policy, book, order, sealed_by(order, key), pinned=pin, at=at, by=by)
    await keep(policy, settings)
    return Named(order, pin, place, tuple(book.unconfirmed()))


def require_no_key(book: Book) -> None:
    """Refuse a ledger that names a key already. Raises KeyExists."""
    if named := named_keys(book):
        message = _(
            "there is a key of the director already: {fingerprint}. A new director takes over with `schoolfilter "
            "orders key handover`; if it is lost: `schoolfilter orders key replace`."
        )
        raise KeyExists(message.format(fingerprint=fingerprint(named[-1])))


async def hand_over(
    policy: PolicyDb,
    settings: Settings,
    book: Book,
    old: Ed25519PrivateKey,
    new: str,
    place: Path,
    *,
    number: str = "",
    day: date,
    at: datetime,
    by: str,
) -> Named:
    """Make the key of a new director, which the key in force vouches for; the old file stays beside it as `.old`.

    `book` is the ledger that `old`, the key in force, was read by; `new` is the passphrase of the new director. Raises
    NotTheKey, WeakPassphrase, KeyFileError, DoubtfulLedger, LedgerMoved, UnfitOrder, StorageError, OSError.
    """
    require_ready(book)
    require_key_in_force(book, public_text(old.public_key()))
    locked, _new_key = await asyncio.to_thread(key_file.create, new)
    key_file.write(_waiting(place), locked, overwrite=True)
    draft = Draft(number=number, date=day)
    order = drawn_up(draft, book, OrderKind.HANDOVER, school=settings.school.name, at=at, by=by, key=locked.public)
    await enter(policy, book, order, sealed_by(order, old), pinned=pin_of(settings), at=at, by=by)
    _finish_change(place, locked.public)
    await keep(policy, settings)
    return Named(order, fingerprint(locked.public), place, tuple(book.unconfirmed()))


async def replace(
    policy: PolicyDb,
    settings: Settings,
    passphrase: str,
    place: Path,
    *,
    document: str,
    day: date,
    at: datetime,
    by: str,
) -> Named:
    """Make a new key in the place of a lost one, on the paper act `document`, and pin it.

    Where the settings name the old key, they have to name the new one before anything of this counts. What was cut off
    half way is finished. Raises NotTheKey, WeakPassphrase, KeyFileError, DoubtfulLedger, LedgerMoved, UnfitOrder,
    StorageError, OSError.
    """
    book = await read_book(policy, settings)
    last = book.every_row()[-1:]
    waiting = _waiting(place)
    if waiting.exists() and last and last[0].order is not None and last[0].order.kind is OrderKind.REPLACEMENT:
        locked = key_file.read(waiting)
        if locked.public == last[0].order.key:
            await asyncio.to_thread(locked.unlock, passphrase)
            return await _replaced(policy, settings, last[0].order, place)
    require_ready(book)
    locked, key = await asyncio.to_thread(key_file.create, passphrase)
    key_file.write(waiting, locked, overwrite=True)
    draft = Draft(number="", date=day)
    order = drawn_up(
        draft,
        book,
        OrderKind.REPLACEMENT,
        school=settings.school.name,
        at=at,
        by=by,
        key=locked.public,
        document=document,
    )
    await enter(policy, book, order, sealed_by(order, key), pinned=fingerprint(locked.public), at=at, by=by)
    return await _replaced(policy, settings, order, place, tuple(book.unconfirmed()))


async def _replaced(
    policy: PolicyDb, settings: Settings, order: Order, place: Path, confirmed: tuple[Order, ...] = ()
) -> Named:
    write_pin(settings.paths.state, order.key)
    _finish_change(place, order.key)
    await keep(policy, settings)
    return Named(order, fingerprint(order.key), place, confirmed)


def change_passphrase(place: Path, old: str, new: str) -> None:
    """Lock the key with another passphrase; copies of the file still open with the old one.

    Raises WrongPassphrase, WeakPassphrase, KeyFileError, DamagedKey.
    """
    key_file.write(place, key_file.changed_passphrase(key_file.read(place), old, new), overwrite=True)


def _first_key(place: Path, passphrase: str) -> tuple[KeyFile, Ed25519PrivateKey, bool]:
    """Return a new key, or the one that an attempt which was cut off has left, and whether it is new."""
    if not place.exists():
        return *key_file.create(passphrase), True
    locked = key_file.read(place)
    try:
        return locked, locked.unlock(passphrase), False
    except WrongPassphrase:
        message = _(
            "expected no key at {path}, found one that this passphrase does not open. If it is nobody's key any more, "
            "put it away, then do this again."
        )
        raise KeyExists(message.format(path=place)) from None


def _require_sound_but_for(book: Book, *expected: Finding) -> None:
    """Refuse a ledger of which anything else is wrong. Raises DoubtfulLedger."""
    findings = tuple(finding for finding in book.ledger.findings if finding not in expected)
    require_sound(dataclasses.replace(book.ledger, findings=findings))


def _waiting(place: Path) -> Path:
    """Return where a key lies until the order that names it is in the ledger."""
    return place.with_name(f"{place.name}.next")


def _finish_change(place: Path, public: str) -> None:
    """Put the key in force in its place if it still waits for that: a change of keys may have been cut off."""
    waiting = _waiting(place)
    if not waiting.exists() or key_file.read(waiting).public != public:
        return
    if place.exists():
        DISK.move(place, place.with_name(f"{place.name}.old"))
    DISK.move(waiting, place)
