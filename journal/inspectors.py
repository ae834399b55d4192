"""Inspectors' accounts: who may look and export until a day, with a passphrase that only the inspector has."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from settings.errors import SchoolfilterError
from storage.evidence import Body, Kind, text
from storage.journal_db import Inspector, JournalDb
from translations import _

LONGEST_NAME = 60
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that are mistaken for each other on paper."""
_GROUPS, _GROUP = 4, 5
"""20 letters of 31: 99 bits, which nobody guesses."""
_REMEMBERED = timedelta(hours=1)
"""So long a wrong passphrase slows the next one down."""
_LONGEST_PAUSE = 30
"""Seconds."""

Pause = Callable[[float], Awaitable[None]]


class Refusal(StrEnum):
    """Why somebody was not let in, as the chain has it."""

    UNKNOWN = "unknown"
    REVOKED = "revoked"
    OVER = "over"
    PASSPHRASE = "passphrase"  # noqa: S105 - no passphrase


class NotAdmitted(SchoolfilterError):  # noqa: N818 - reads as what it is
    """Who says to be this inspector may not look."""


class NoAccount(SchoolfilterError):  # noqa: N818 - reads as what it is
    """There is no account of that name that could be ended."""


async def make_account(journal: JournalDb, name: str, until: date, *, document: str, at: datetime, by: str) -> str:
    """Make an account and return its passphrase, which is kept nowhere. An account of that name ends with it.

    `until`: its last day. `document`: the order on which it rests; empty if there is none.
    """
    passphrase = "-".join("".join(secrets.choice(_LETTERS) for _at in range(_GROUP)) for _at in range(_GROUPS))
    secret = _secret_of(passphrase)
    async with journal.changing(at) as change:
        # The secret itself never stands in the chain, which is carried out in exports; its digest shows an exchange.
        digest = sha256(secret.encode()).hexdigest()
        said = {"inspector": name, "do": "made", "until": until.isoformat(), "document": document}
        body: Body = {**said, "digest": digest}
        record = await change.add(Kind.ACCOUNT, body, by=by)
        await change.put_inspector(Inspector(name, secret, until.isoformat(), record))
    return passphrase


async def end_account(journal: JournalDb, name: str, *, at: datetime, by: str) -> None:
    """End an account now. Raises NoAccount."""
    async with journal.changing(at) as change:
        account = await _account(journal, name)
        if account is None or not account.secret:
            message = _(
                "expected the name of an inspector whose account can be ended, found {name}. Which there are: "
                "schoolfilter inspector list"
            )
            raise NoAccount(message.format(name=repr(name)))
        made = await journal.record(account.record)
        document = text(made.body, "document") if made is not None else ""  # the list goes on showing it
        body: Body = {"inspector": name, "do": "revoked", "until": account.until, "document": document}
        record = await change.add(Kind.ACCOUNT, body, by=by)
        await change.put_inspector(account._replace(secret="", record=record))


async def admit(
    journal: JournalDb, name: str, passphrase: str, *, at: datetime, today: date, by: str, pause: Pause = asyncio.sleep
) -> None:
    """Let an inspector in; each refusal is on record, and slows the next attempt down. Raises NotAdmitted.

    `today`: in the school's time zone. `by`: whose session it is; the record of a refusal names it.
    """
    failures = await _failures(journal, name, at)
    if failures:
        await pause(min(2.0 ** (failures - 1), _LONGEST_PAUSE))
    account = await _account(journal, name)
    refusal = _refusal(account, passphrase, today)
    if refusal is None:
        return
    async with journal.changing(at) as change:
        body: Body = {"what": "inspector", "reason": "", "refused": refusal.value, "inspector": name}
        await change.add(Kind.ACCESS, body, by=by)
    raise NotAdmitted(_refusal_words(refusal).format(name=name, day=account.until if account else ""))


def _refusal(account: Inspector | None, passphrase: str, today: date) -> Refusal | None:
    if account is None:
        return Refusal.UNKNOWN
    if not account.secret:
        return Refusal.REVOKED
    if today > date.fromisoformat(account.until):
        return Refusal.OVER
    return None if _opens(account.secret, passphrase) else Refusal.PASSPHRASE


def _refusal_words(refusal: Refusal) -> str:
    match refusal:
        case Refusal.UNKNOWN:
            return _("there is no inspector {name}. Which there are: schoolfilter inspector list")
        case Refusal.REVOKED:
            return _(
                "the account of inspector {name} was ended. A new one: schoolfilter inspector add '{name}' --until DAY"
            )
        case Refusal.OVER:
            return _(
                "the last day of inspector {name} was {day}. A new account: "
                "schoolfilter inspector add '{name}' --until DAY"
            )
        case Refusal.PASSPHRASE:
            return _(
                "this is not the passphrase of inspector {name}. It was shown once, when the account was made; the "
                "attempt is on record, and the next one waits a little. If it is lost: "
                "schoolfilter inspector add '{name}' --until {day}"
            )


async def _account(journal: JournalDb, name: str) -> Inspector | None:
    return next((each for each in await journal.inspectors() if each.name == name), None)


async def _failures(journal: JournalDb, name: str, at: datetime) -> int:
    lately = journal.records((Kind.ACCESS,), since=at - _REMEMBERED)
    found = [record async for record in lately if text(record.body, "refused") == Refusal.PASSPHRASE]
    return sum(text(record.body, "inspector") == name for record in found)


def _plain(passphrase: str) -> bytes:
    """Return what counts of a passphrase: people leave out hyphens, and keyboards begin with a capital letter."""
    return "".join(letter for letter in passphrase.lower() if letter.isalnum()).encode()


def _secret_of(passphrase: str) -> str:
    """Return Argon2id of the passphrase, as RFC 9106 and the PHC string format write it."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    from approval.key_file import COST

    kdf = Argon2id(
        salt=secrets.token_bytes(16), length=32, iterations=COST.passes, lanes=COST.lanes, memory_cost=COST.memory
    )
    return kdf.derive_phc_encoded(_plain(passphrase))


def _opens(secret: str, passphrase: str) -> bool:
    from cryptography.exceptions import InvalidKey
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    try:
        Argon2id.verify_phc_encoded(_plain(passphrase), secret)  # compares in constant time
    except InvalidKey:
        return False
    return True
