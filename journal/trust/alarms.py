"""Alarms: what the program noticed by itself that endangers the evidence. The body is {"what": Alarm, ...}."""

from collections.abc import Iterable
from enum import StrEnum

from storage.evidence import Body, Record, stamp, text
from storage.journal_db import SignedHead
from translations import _


class Alarm(StrEnum):
    """What was noticed; the key `what` of a Kind.ALARM record."""

    KEY_CHANGED = "key-changed"
    """This machine signs with another key than before. `key`: the new public key."""
    ROLLED_BACK = "journal-rolled-back"
    """journal.db does not hold a head that was signed. `number`, `link`: that head."""
    DAMAGED = "journal-damaged"
    """journal.db could not be read and was begun anew. `moved`: where the old file is; `head`: the last known of it."""
    SEGMENT_CHANGED = "segment-changed"
    """What was taken in from a segment is not what it holds now. `segment`: its name."""
    SEGMENT_LOST = "segment-lost"
    """A segment shrank or vanished before it was taken in whole. `segment`: its name, `digest`: of what was taken."""
    SEGMENT_MISSING = "segment-missing"
    """A segment that is closed was gone before it could be archived. `segment`: its name."""
    ARCHIVE_CHANGED = "archive-changed"
    """A file of the archive is gone or not what its record says. `file`: its path in the archive's folder."""


def describe_alarm(body: Body) -> str:
    """Return an alarm in a person's words, with the next step."""
    segment = text(body, "segment")
    match text(body, "what"):
        case Alarm.KEY_CHANGED:
            return _(
                "This machine signs with a new key. If nobody put a new one in place on purpose, somebody has "
                "exchanged it: compare device.key with a backup."
            )
        case Alarm.ROLLED_BACK:
            return _(
                "journal.db does not hold record {number}, which was there before: it was put back to an earlier state "
                "or written anew. Keep the file, and run `schoolfilter journal verify`."
            ).format(number=text(body, "number"))
        case Alarm.DAMAGED:
            return _(
                "journal.db could not be read and was begun anew. The damaged file is kept as {file}; records before "
                "this one are only there. Put a backup aside with it."
            ).format(file=text(body, "moved"))
        case Alarm.SEGMENT_CHANGED:
            return _(
                "The segment {segment} of the query log was changed after its lines had been taken in. "
                "Run `schoolfilter log verify`, and find out who can write to the folder."
            ).format(segment=segment)
        case Alarm.SEGMENT_LOST:
            return _(
                "The segment {segment} of the query log was cut or removed before all of its lines had been taken in. "
                "Find out who can write to the folder; look at `schoolfilter doctor` for the disk."
            ).format(segment=segment)
        case Alarm.SEGMENT_MISSING:
            return _(
                "The segment {segment} of the query log was removed before it was archived. Put it back from a backup; "
                "find out who can write to the folder."
            ).format(segment=segment)
        case Alarm.ARCHIVE_CHANGED:
            return _(
                "The file {file} of the archive is gone or was changed. Put it back from a backup; find out who can "
                "write to the folder. `schoolfilter log verify` says more."
            ).format(file=text(body, "file"))
    return text(body, "text") or text(body, "what")


def is_of_earlier_journal(head: SignedHead, begun: Iterable[Record], alarms: Iterable[Record]) -> bool:
    """Return whether a head was signed before the journal was begun anew, and the journal says that it was.

    `begun`: its Kind.BEGUN records, `alarms`: its Kind.ALARM records.
    """
    anew = any(text(record.body, "what") == Alarm.DAMAGED for record in alarms)
    return anew and any(head.at < stamp(record.at) for record in begun)
