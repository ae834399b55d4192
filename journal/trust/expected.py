"""What the tables of journal.db have to be, told from the records of the chain alone. Pure."""

from dataclasses import dataclass, field, replace
from typing import cast

from journal.intake.days import days_of_segment
from journal.trust.alarms import Alarm
from journal.trust.record_form import Contradiction, expect_form
from storage.evidence import Body, Kind, Record, Stored, body_of, moment_of, text, texts, whole
from storage.journal_db import Inspector, StoredArchive, StoredSegment

UNTOLD = "untold"
"""In the place of the digest of a secret: the record is of before they had it."""
_UNSEALED = "unsealed"
_OF_NO_TABLE = frozenset(Kind) - {
    Kind.BEGUN, Kind.ALARM, Kind.SEGMENT, Kind.ARCHIVE, Kind.REWRITTEN, Kind.REMOVED, Kind.DAY, Kind.ACCOUNT,
    Kind.PAPER,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment as its record has it, with what became of it."""

    stored: StoredSegment
    damaged: int
    days: frozenset[str]
    """Of which it has lines."""


@dataclass(slots=True)
class Expected:
    """Takes the records one by one."""

    begun: list[Record] = field(default_factory=list)
    alarms: list[Record] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    """Public keys that the chain names."""
    segments: dict[str, Segment] = field(default_factory=dict)
    archives: dict[str, StoredArchive] = field(default_factory=dict)
    """`bytes` is -1 where no record says it."""
    removed_archives: dict[str, StoredArchive] = field(default_factory=dict)
    """As they were when they were removed."""
    adopted: dict[str, int] = field(default_factory=dict)
    """Files of the archive that were taken over after damage, with the record before which nothing proves them."""
    papers: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Files of papers, `YEAR/NAME`, with their record and digest."""
    key: str = ""
    """The public key by which this machine signs now."""
    lost: dict[str, str] = field(default_factory=dict)
    """Segments that were gone before they were taken in whole, with the digest of what was taken."""
    days: dict[str, Record] = field(default_factory=dict)
    """The last Kind.DAY record of each date."""
    unsealed: set[int] = field(default_factory=set)
    """Records whose private part was erased."""
    inspectors: dict[str, Inspector] = field(default_factory=dict)
    """`secret` is empty for accounts that were ended, else the digest of it, or UNTOLD."""
    _at: str | None = None
    """The last moment that was found to be one."""

    def take(self, stored: Stored) -> None:
        """Take the next record. Raises Contradiction."""
        try:
            if stored.kind in _OF_NO_TABLE and stored.number > 1 and _UNSEALED not in stored.body:
                # Most of a journal, and nothing to be told from it.
                if stored.at != self._at:  # those of one transaction have one moment
                    moment_of(stored.at)
                    self._at = stored.at
                expect_form(stored.kind, body_of(stored.body))
                return
            record = stored.record()
        except ValueError as error:
            raise Contradiction(str(error)) from error
        expect_form(record.kind, record.body)
        if (record.kind is Kind.BEGUN) != (record.number == 1):
            raise Contradiction("expected the chain to begin once")
        if _UNSEALED in record.body:
            self._unseal(record)
        match record.kind:
            case Kind.BEGUN:
                self.begun.append(record)
                self.key = text(record.body, "key")
                self.keys.add(self.key)
            case Kind.ALARM:
                self.alarms.append(record)
                self._alarm(record.body)
            case Kind.SEGMENT:
                self._segment(record)
            case Kind.ARCHIVE:
                self._archive(record)
            case Kind.REWRITTEN:
                self._rewritten(record)
            case Kind.REMOVED:
                self._removed(record.body)
            case Kind.DAY:
                self.days[text(record.body, "date")] = record
            case Kind.PAPER:
                self._paper(record)
            case Kind.ACCOUNT:
                self._account(record)

    def _alarm(self, body: Body) -> None:
        match text(body, "what"):
            case Alarm.KEY_CHANGED:
                self.key = text(body, "key")
                self.keys.add(self.key)
            case Alarm.SEGMENT_LOST:
                self.lost[text(body, "segment")] = text(body, "digest")

    def _unseal(self, record: Record) -> None:
        numbers = record.body[_UNSEALED]
        known = isinstance(numbers, list) and all(isinstance(each, int) and each < record.number for each in numbers)
        if not known:
            raise Contradiction("expected the numbers of records before it")
        self.unsealed.update(cast("list[int]", numbers))

    def _segment(self, record: Record) -> None:
        body = record.body
        name = text(body, "name")
        if not name or name in self.segments:
            raise Contradiction(f"expected a segment that was not closed before, found {name!r}")
        digest = text(body, "digest")
        # One that only shrank is followed from its new end, and closed with another digest.
        gone = self.lost.get(name) == digest
        if not gone:
            self.lost.pop(name, None)
        stored = StoredSegment(name, record.number, whole(body, "bytes"), whole(body, "lines"), digest, "", int(gone))
        self.segments[name] = Segment(stored, whole(body, "damaged"), frozenset(days_of_segment(body)))

    def _archive(self, record: Record) -> None:
        body = record.body
        file = text(body, "file")
        if not file or file in self.archives:
            raise Contradiction(f"expected a new file of the archive, found {file!r}")
        self.archives[file] = StoredArchive(
            file, text(body, "day"), whole(body, "rows"), whole(body, "bytes"), text(body, "digest"), record.number
        )
        for name in texts(body, "segments"):
            known = self.segments.get(name)
            if known is None:
                raise Contradiction(f"expected a segment that is closed, found {name!r}")
            self.segments[name] = replace(known, stored=replace(known.stored, archive=file))
        self._adopted(record)

    def _rewritten(self, record: Record) -> None:
        body = record.body
        known = self.archives.get(text(body, "file"))
        if known is None or known.digest != text(body, "before"):
            raise Contradiction(f"expected a file of the archive as it was, found {text(body, 'file')!r}")
        self.archives[known.file] = replace(
            known,
            rows=whole(body, "rows_after"),
            bytes=whole(body, "bytes") if "bytes" in body else -1,
            digest=text(body, "after"),
            record=record.number,
        )
        self._adopted(record)

    def _adopted(self, record: Record) -> None:
        if "adopted" in record.body:
            self.adopted[text(record.body, "file")] = record.number

    def _removed(self, body: Body) -> None:
        for name in texts(body, "segments"):
            known = self.segments.get(name)
            if known is None:
                raise Contradiction(f"expected a segment that is closed, found {name!r}")
            self.segments[name] = replace(known, stored=replace(known.stored, removed=1))
        for file in texts(body, "files"):
            if file in self.archives:  # retention also removes files that no record names
                self.removed_archives[file] = self.archives.pop(file)
            self.adopted.pop(file, None)

    def _paper(self, record: Record) -> None:
        for each in cast("list[Body]", record.body.get("files", [])):
            file = f"{whole(record.body, 'year')}/{text(each, 'file')}"
            self.papers[file] = (record.number, text(each, "sha256"))

    def _account(self, record: Record) -> None:
        body = record.body
        name = text(body, "inspector")
        secret = "" if text(body, "do") == "revoked" else text(body, "digest") or UNTOLD
        self.inspectors[name] = Inspector(name, secret, text(body, "until"), record.number)
