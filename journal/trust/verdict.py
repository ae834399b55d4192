"""What verifying found: the links that are broken, in words that say what it means and what to do next."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from storage.evidence import START, Head, Record
from translations import _

TYPED = "--head "
"""What the place of a head begins with that a person typed."""


class Trouble(StrEnum):
    """What can be wrong. Those about the chain come first: what follows is told from it."""

    NUMBER = "number"
    LINK = "link"
    FORM = "form"
    HEAD = "head"
    SIGNATURE = "signature"
    WITNESS = "witness"
    UNWITNESSED = "unwitnessed"
    SEAL = "seal"
    ERASED = "erased"
    FILE = "file"
    STRANGER = "stranger"
    TABLE = "table"
    ALTERED = "altered"
    CUT = "cut"
    CHANGED = "changed"
    SHORTER = "shorter"
    LONGER = "longer"
    MISSING = "missing"
    UNKNOWN = "unknown"
    REUSED = "reused"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class Broken:
    """One thing that is wrong."""

    trouble: Trouble
    number: int = 0
    """The record at which it shows; 0 if it is no record's."""
    where: str = ""
    """The file, table or head that it is about."""
    sound: int = 0
    """For heads: the last record that a good head vouches for."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Hours of a worker without a segment, between two with one: the server stood still, or somebody took them away."""

    worker: int
    first: datetime
    """The first hour without one, UTC."""
    hours: int

    @property
    def over(self) -> datetime:
        """Return the hour in which there is one again."""
        return self.first + timedelta(hours=self.hours)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying found."""

    broken: tuple[Broken, ...] = ()
    """The first broken link first; none: all is whole."""
    head: Head = START
    """The last record."""
    signed: Head = START
    """The last record that a signed head vouches for."""
    signed_at: str = ""
    alarms: tuple[Record, ...] = ()
    """What the program noticed by itself in the past, and entered."""
    erased: int = 0
    """Records whose private part was erased, as others say."""
    earlier: int = 0
    """Lines of heads.txt about records that were lost with a damaged journal.db, as the chain says."""
    key: str = ""
    """The public key by which this machine signs now, as the chain names it."""
    segments: tuple[str, ...] = ()
    """Names of the segments that were verified or are proven to have been removed, oldest first."""
    files: int = 0
    octets: int = 0
    """What was read of the query log and the archive."""
    removed: int = 0
    """Segments and files of the archive that are gone, as the chain says."""
    waiting: int = 0
    """Segments that the journal has not taken in yet: nothing can be said about them."""
    leftovers: tuple[str, ...] = ()
    """Files that an interrupted round left aside; nobody reads them."""
    stops: tuple[Stop, ...] = ()
    adopted: tuple[tuple[str, int], ...] = ()
    """Files of the archive that were taken over after damage, each with the record before which nothing proves it."""

    @property
    def is_sound(self) -> bool:
        """Return whether nothing is broken."""
        return not self.broken


def describe(broken: Broken) -> str:
    """Return what is wrong, what it means, and the next step."""
    texts = _TEXTS if broken.number else _TEXTS | _NOT_CLOSED
    is_typed = broken.trouble is Trouble.HEAD and broken.where.startswith(TYPED)
    said = _typed() if is_typed else texts[broken.trouble]()
    return said.format(number=broken.number, where=broken.where, sound=broken.sound)


def _number() -> str:
    return _(
        "The chain is broken at record {number}: it is missing, doubled or moved. Records up to the one before are as "
        "they were written; keep a copy of journal.db as it is, and compare with a backup and with papers."
    )


def _link() -> str:
    return _(
        "The chain is broken at record {number}: it was changed, or something was taken out before it. Records before "
        "it are as they were written; keep a copy of journal.db as it is, and compare with a backup and with papers."
    )


def _form() -> str:
    return _(
        "Record {number} ({where}) does not say what it must: it was not written by this program, or by a newer "
        "version. If this is the newest version, somebody wrote it by hand: compare with a backup and with papers."
    )


def _head() -> str:
    return _(
        "Record {number} is not the one that was signed ({where}). The end of the chain was cut off, an older "
        "journal.db was put back, or records were written anew, from some record after {sound} on. Keep a copy of "
        "journal.db as it is, and put back the backup that holds this record."
    )


def _signature() -> str:
    return _(
        "The head of record {number} ({where}) is not signed by this machine's key: it was written by hand, or the key "
        "was exchanged. Compare device.key with a backup; the papers show its fingerprint."
    )


def _witness() -> str:
    return _(
        "heads.txt and journal.db do not agree about the heads that were signed ({where}, record {number}): one of "
        "them was changed, or an older heads.txt was put back. The chain itself may still be whole; compare both with "
        "a backup and with papers. Then move heads.txt aside: the server begins it anew, and an alarm says so."
    )


def _unwitnessed() -> str:
    return _(
        "heads.txt is missing or empty: somebody removed it. What was signed stands only in journal.db now. The server "
        "begins the file anew within a minute, and an alarm says so: start it if it does not run. Keep the backup of "
        "heads.txt aside, and compare its last line: `schoolfilter journal verify --head NUMBER:DIGITS`."
    )


def _typed() -> str:
    return _(
        "Record {number} is not the one written down ({where}). First compare what was typed with the paper or the "
        "export, digit by digit, and whether that is of this school. If it is as it stands there, the end of the chain "
        "was cut off, an older journal.db was put back, or records were written anew, from some record after {sound} "
        "on. Keep a copy of journal.db as it is, and put back the backup that holds this record."
    )


def _seal() -> str:
    return _(
        "The personal part of record {number} is not what was sealed: it was changed. The rest of the record stands. "
        "Compare with a backup and with papers."
    )


def _erased() -> str:
    return _(
        "The personal part of record {number} is gone, and no record says that it was erased: somebody removed it. "
        "The rest of the record stands. Compare with a backup."
    )


def _file() -> str:
    return _(
        "journal.db is damaged: {where}. Keep a copy of the file as it is, look at the disk, and put back the backup."
    )


def _stranger() -> str:
    return _(
        "journal.db holds {where}, which this program did not make: it may change what is entered. Keep a copy of the "
        "file, find out who made it, and remove it."
    )


def _table() -> str:
    return _(
        "In journal.db, {where} does not say what the chain says (record {number}): the table was changed, not the "
        "chain. Keep a copy of journal.db as it is, and put back the backup."
    )


def _altered() -> str:
    return _(
        "{where} was changed after lines of it had been taken in, as record {number} says. What it holds is no "
        "evidence; the sums of the day and the incidents rest on the lines as they were. Settling the alarm does not "
        "change that. Keep the file as it is, and compare with a backup and with exports."
    )


def _cut() -> str:
    return _(
        "{where} was cut off after lines of it had been taken in, as record {number} says. They are in the sums of the "
        "day and in the incidents, and no longer in the log. Settling the alarm does not change that. Keep the file as "
        "it is, and compare with a backup and with exports."
    )


def _changed() -> str:
    return _(
        "{where} is not what it was when record {number} was written: it was changed. What it says is no evidence; "
        "keep it as it is, and compare with a backup."
    )


def _shorter() -> str:
    return _(
        "{where} is shorter than when record {number} was written: lines were cut out or off. Keep it as it is, and "
        "compare with a backup."
    )


def _longer() -> str:
    return _(
        "{where} is longer than when record {number} was written: lines were put in. Keep it as it is, and compare "
        "with a backup."
    )


def _missing() -> str:
    return _(
        "{where} is missing, and no record says that it was removed (it is named in record {number}): somebody took it "
        "away. Put it back from a backup; then verify again."
    )


def _unknown() -> str:
    return _(
        "{where} lies there, and no record names it: somebody put it there, or a round of `schoolfilter journal "
        "archive` was cut off. Run that, verify again, and if it is still there, find out who made it."
    )


def _reused() -> str:
    return _(
        "{where} has the name of a segment that was archived and removed (record {number}), but holds something else: "
        "somebody put it there, or the server wrote it by a clock that began anew at a start. Its lines are proven by "
        "nothing. Keep a copy, and find out where it comes from; the alarm about it says how its lines are taken in."
    )


def _gap() -> str:
    return _(
        "A segment is missing before {where} (record {number}): the numbers of a worker's segments leave none out. "
        "Somebody took it away before the journal had read it. Put it back from a backup."
    )


def _open_changed() -> str:
    return _(
        "{where}, which is not closed yet, is not what the journal has read of it: it was changed or cut off. Keep it "
        "as it is, and compare with a backup."
    )


def _open_missing() -> str:
    return _(
        "{where}, which is not closed yet, is missing, though the journal has read part of it: somebody took it away. "
        "Put it back from a backup; then verify again."
    )


def _open_gap() -> str:
    return _(
        "A segment is missing before {where}, which is not closed yet: the numbers of a worker's segments leave none "
        "out. Somebody took it away before the journal had read it. Put it back from a backup."
    )


_TEXTS = {
    Trouble.NUMBER: _number,
    Trouble.LINK: _link,
    Trouble.FORM: _form,
    Trouble.HEAD: _head,
    Trouble.SIGNATURE: _signature,
    Trouble.WITNESS: _witness,
    Trouble.UNWITNESSED: _unwitnessed,
    Trouble.SEAL: _seal,
    Trouble.ERASED: _erased,
    Trouble.FILE: _file,
    Trouble.STRANGER: _stranger,
    Trouble.TABLE: _table,
    Trouble.ALTERED: _altered,
    Trouble.CUT: _cut,
    Trouble.CHANGED: _changed,
    Trouble.SHORTER: _shorter,
    Trouble.LONGER: _longer,
    Trouble.MISSING: _missing,
    Trouble.UNKNOWN: _unknown,
    Trouble.REUSED: _reused,
    Trouble.GAP: _gap,
}
_NOT_CLOSED = {
    Trouble.CHANGED: _open_changed,
    Trouble.SHORTER: _open_changed,
    Trouble.MISSING: _open_missing,
    Trouble.GAP: _open_gap,
}
"""Of segments that are followed: no record speaks of them yet, only how far they were read."""
