"""When heads of the chain are signed: every hour if it grew, and what is noticed about key and journal.db then."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from journal.trust.alarms import Alarm, is_of_earlier_journal, is_of_lost_heads
from journal.trust.device_key import device_key
from journal.trust.heads import signed_head
from journal.trust.witness import append_witness, is_gone, last_witness, read_witness, write_witness
from policy.sshsig import public_text
from settings.model import Settings
from storage.evidence import Head, Kind, text
from storage.journal_db import Change, JournalDb, SignedHead
from storage.last_good import last_good

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

INTERVAL = timedelta(minutes=60)


async def is_due(journal: JournalDb, settings: Settings, now: datetime) -> bool:
    """Return whether the head is to be signed: the chain grew, and an hour has passed, or heads.txt is gone.

    Needs no key. `now`: aware. Raises OSError, StorageError.
    """
    if is_gone(settings.paths.heads):
        return True
    head, last = await journal.head(), await journal.last_head()
    # A clock that was put back must not keep us from signing until it has caught up.
    return last is None or (last.number < head.number and abs(now - datetime.fromisoformat(last.at)) >= INTERVAL)


async def sign_head(journal: JournalDb, settings: Settings, now: datetime, *, make_key: bool = False) -> SignedHead:
    """Sign the head as it stands now, unless it is signed already; return it. Not inside of `changing`.

    Enters first what is wrong with key, heads.txt or journal.db. `make_key`: if there is none; else that is an error.
    Raises DeviceKeyError, OSError, StorageError.
    """
    key = device_key(settings.paths.device_key, make=make_key)
    public = public_text(key.public_key())
    await _note_new_key(journal, public, now)
    await mend_witness(journal, settings, now)
    await _note_lost_head(journal, settings, now)
    async with journal.changing(now) as change:
        last, seen = await journal.last_head(), last_witness(settings.paths.heads)
        if last is not None and last == seen and (last.number, last.link) == change.head and last.key == public:
            return last
        return await keep_head(change, settings, key, change.head, now)


async def keep_head(
    change: Change, settings: Settings, key: "Ed25519PrivateKey", head: Head, now: datetime
) -> SignedHead:
    """Sign a head and keep it in journal.db and in heads.txt. `head`: of records that were committed before `change`.

    heads.txt first: it may have a head that journal.db lacks after a power cut, never the other way round.
    """
    signed = signed_head(key, head, now)
    append_witness(settings.paths.heads, signed)
    await change.put_head(signed)
    return signed


async def known_key(journal: JournalDb) -> str:
    """Return the public key by which this machine signs, as the chain names it; empty if it names none."""
    known = ""
    async for record in journal.records((Kind.BEGUN, Kind.ALARM)):
        if record.kind is Kind.BEGUN or text(record.body, "what") == Alarm.KEY_CHANGED:
            known = text(record.body, "key")
    return known


async def mend_witness(journal: JournalDb, settings: Settings, now: datetime) -> None:
    """Begin heads.txt anew if it is gone, with all heads of journal.db. Not inside of `changing`.

    An alarm says so first: what only the file could show nobody can show from here any more. Raises OSError,
    StorageError.
    """
    path = settings.paths.heads
    if not is_gone(path):
        return
    async with journal.changing(now) as change:
        heads = await journal.heads()
        if not is_gone(path) or not (heads or last_good(settings.paths.journal_db).exists()):
            return
        alarms = [each.number async for each in journal.records((Kind.ALARM,)) if is_of_lost_heads(each)]
        if not alarms or any(head.number > alarms[-1] for head in heads):  # else it could not be written since
            await change.add(Kind.ALARM, {"what": Alarm.HEADS_LOST.value, "heads": len(heads)})
    async with journal.changing(now):  # nobody signs meanwhile
        if heads and is_gone(path):
            write_witness(path, await journal.heads())


async def _note_new_key(journal: JournalDb, public: str, now: datetime) -> None:
    if await known_key(journal) != public:
        async with journal.changing(now) as change:
            await change.add(Kind.ALARM, {"what": Alarm.KEY_CHANGED.value, "key": public})


async def _note_lost_head(journal: JournalDb, settings: Settings, now: datetime) -> None:
    lost = await _lost_head(journal, settings)
    if lost is not None:
        async with journal.changing(now) as change:
            await change.add(Kind.ALARM, {"what": Alarm.ROLLED_BACK.value, "number": lost.number, "link": lost.link})


async def _lost_head(journal: JournalDb, settings: Settings) -> SignedHead | None:
    """Return the head signed last if journal.db does not hold it, and it is not one that a damaged one lost."""
    seen = last_witness(settings.paths.heads)
    if seen is None:
        return None
    async for stored in journal.stored(after=seen.number - 1, until=seen.number):
        if stored.link == seen.link:
            return None
    alarms = [record async for record in journal.records((Kind.ALARM,))]
    lines = len(read_witness(settings.paths.heads))
    return None if is_of_earlier_journal(seen, lines, alarms) else seen
