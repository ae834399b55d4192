"""The chain of evidence: what a record is, the octets that stand for it, and how each is bound to the one before. Pure.

A record's *digest* covers its content: number, time, kind, person, body and seal. Its *link* is the digest of the link
before it and of its own digest. So a proof that two records stand in one chain needs only the digests of those between
them, and tells nothing of what they say.

What is personal stands outside the chain: the *seal* is the digest of it with a random salt. When its time is over it
is removed, and the chain stays whole.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from json.encoder import encode_basestring
from typing import NamedTuple, cast

GENESIS = "0" * 64
"""The link that the first record follows."""
PROGRAM = "schoolfilter"
"""Who wrote a record that no person wrote."""

_STAMP_LENGTH = len("2026-09-02T05:15:30.250+00:00")

Body = Mapping[str, object]
"""What a record says: texts, whole numbers, booleans, None, lists and mappings of them. Never a float."""


class Kind(StrEnum):
    """What a record is about."""

    BEGUN = "begun"
    """The chain begins: school, device key, what came before it."""
    SEGMENT = "segment"
    """A segment of the query log was closed and taken in whole."""
    ARCHIVE = "archive"
    """Segments were written into a file of the archive."""
    REWRITTEN = "rewritten"
    """A file of the archive was written anew: anonymised, or somebody's data erased."""
    REMOVED = "removed"
    """Segments or files of the archive were removed: archived elsewhere, or their time was over."""
    DAY = "day"
    """The sums of a day that is over."""
    INCIDENT = "incident"
    REPEAT = "repeat"
    """An incident went on."""
    TOLD = "told"
    """Somebody was told of an incident, or could not be."""
    REVIEW = "review"
    """A person looked at an incident and says what was done."""
    CLOSED = "closed"
    REOPENED = "reopened"
    CORRECTION = "correction"
    """What an earlier record says is wrong; it stays, and this says what is right."""
    REPORTED = "reported"
    """A person reported a site (R1 3.4)."""
    PAPER = "paper"
    """A paper was drawn up: act, report, handover …"""
    EXPORT = "export"
    """Part of the query log or of the journal was carried out."""
    ACCESS = "access"
    """Somebody looked at personal logs."""
    ERASURE = "erasure"
    """A person's data are to be erased from the query log."""
    ERASED = "erased"
    """They were."""
    CONTACT = "contact"
    """Who is told of incidents, and how."""
    ACCOUNT = "account"
    """An inspector's account was made, changed or ended."""
    ALARM = "alarm"
    """The evidence itself is in danger: something was changed, lost or cannot be written."""
    SETTLED = "settled"
    """A person says what was found about an alarm, and what was done."""


class Head(NamedTuple):
    """Where the chain stands: what is signed, and printed on papers."""

    number: int
    link: str


START = Head(0, GENESIS)
"""Where a chain stands before its first record."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the chain."""

    number: int
    at: datetime
    """UTC, to the millisecond."""
    kind: Kind
    by: str
    """A person's name, or PROGRAM."""
    body: Body
    """What is no personal data of pupils."""
    seal: str
    """Binds `private` to the record; empty if there is nothing private."""
    link: str
    private: Body | None = None
    """None: nothing private, not asked for, or erased since."""


class Stored(NamedTuple):
    """A record as the texts that its digest is made of. A tuple: verifying makes one of each of a million rows."""

    number: int
    at: str
    kind: str
    by: str
    body: str
    seal: str
    link: str

    @property
    def digest(self) -> str:
        """The SHA-256 of the content."""
        return digest_of(self.number, self.at, self.kind, self.by, self.body, self.seal)

    def record(self, private: Body | None = None) -> Record:
        """Return what it says. Raises ValueError for what nobody here wrote."""
        at, body = moment_of(self.at), body_of(self.body)
        return Record(self.number, at, Kind(self.kind), self.by, body, self.seal, self.link, private)


class Fault(StrEnum):
    """What can be wrong with the chain."""

    NUMBER = "number"
    """A record is missing, doubled or moved."""
    LINK = "link"
    """A record was changed, or one before it."""
    SEAL = "seal"
    """The private part of a record is not what was sealed."""
    HEAD = "head"
    """A head that was signed or written down is not in the chain: its end was cut off, or it was written anew."""
    SIGNATURE = "signature"
    """A head is not signed by the device's key."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing that is wrong."""

    fault: Fault
    number: int


def canonical(body: Body) -> str:
    """Return the one text of a body. Raises ValueError for a float: no two programs write them alike."""
    _refuse_floats(body)
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise ValueError(f"expected no fraction in a record, found {value}")  # noqa: TRY004 - a value, not its type
    if isinstance(value, Mapping):
        for each in value.values():
            _refuse_floats(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            _refuse_floats(each)


def body_of(said: str) -> Body:
    """Return the body of a text that `canonical` may have written. Raises ValueError."""
    try:
        body, end = _DECODER.raw_decode(said)
    except RecursionError as error:
        raise ValueError(f"expected an object, found {said[:80]!r}") from error
    if not isinstance(body, dict) or end != len(said):
        raise ValueError(f"expected an object, found {said[:80]!r}")
    return body


def _refuse_fraction(found: str) -> object:
    raise ValueError(f"expected no fraction in a record, found {found[:80]}")


_DECODER = json.JSONDecoder(parse_float=_refuse_fraction, parse_constant=_refuse_fraction)


def stamp(at: datetime) -> str:
    """Return a moment as records have it: UTC, milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def moment_of(stamped: str) -> datetime:
    """Return the moment of a text that `stamp` wrote. Raises ValueError."""
    moment = datetime.fromisoformat(stamped)
    # A year at the end of the calendar cannot be told in every time zone.
    if len(stamped) != _STAMP_LENGTH or not stamped.endswith("+00:00") or not "1970" <= stamped < "9999":
        raise ValueError(f"expected a moment in UTC with milliseconds, found {stamped[:80]!r}")
    return moment


def digest_of(number: int, at: str, kind: str, by: str, body: str, seal: str) -> str:
    """Return the digest of a record's content."""
    # As json.dumps([…], ensure_ascii=False, separators=(",", ":")) writes it, in a fifth of the time.
    content = f"[{number},{','.join(map(encode_basestring, (at, kind, by, body, seal)))}]"
    return sha256(content.encode(errors="surrogateescape")).hexdigest()


def link_of(before: str, digest: str) -> str:
    """Return the link of a record: what binds it to the one before."""
    return sha256(f"{before}{digest}\n".encode()).hexdigest()


def seal_of(salt: str, body: str) -> str:
    """Return the seal of a private part, whose text is canonical. The salt is random: nobody can guess the rest."""
    return sha256(f"{salt}\n{body}".encode(errors="surrogateescape")).hexdigest()


def first_fault(records: Iterable[Stored], heads: Mapping[int, str], before: Head = START) -> Finding | None:
    """Return the first broken link among records in the order of the chain; None if all hold and all heads are there.

    `heads`: link by number, of those that were signed or written down; a written one may be the first digits only.
    `before`: where the records begin.
    """
    number, link = before
    for stored in records:
        number += 1
        if stored.number != number:
            return Finding(Fault.NUMBER, number)
        if stored.link != link_of(link, stored.digest):
            return Finding(Fault.LINK, number)
        link = stored.link
        if number in heads and not link.startswith(heads[number]):
            return Finding(Fault.HEAD, number)
    beyond = [each for each in heads if each > number]
    return Finding(Fault.HEAD, min(beyond)) if beyond else None


def text(body: Body, key: str) -> str:
    """Return a text of a body; empty if there is none."""
    found = body.get(key, "")
    return found if isinstance(found, str) else str(found)


def whole(body: Body, key: str) -> int:
    """Return a whole number of a body; 0 if there is none."""
    found = body.get(key, 0)
    return found if isinstance(found, int) else 0


def texts(body: Body, key: str) -> list[str]:
    """Return the texts of a list in a body."""
    found = body.get(key)
    return [str(each) for each in cast(list[object], found)] if isinstance(found, list) else []
