"""Alarms: what the program noticed by itself that endangers the evidence. The body is {"what": Alarm, ...}."""

from collections.abc import Iterable
from enum import StrEnum

from storage.evidence import Body, Record, text, texts, whole
from storage.journal_db import SignedHead
from translations import _


class Alarm(StrEnum):
    """What was noticed; the key `what` of a Kind.ALARM record."""

    KEY_CHANGED = "key-changed"
    """This machine signs with another key than before. `key`: the new public key."""
    ROLLED_BACK = "journal-rolled-back"
    """journal.db does not hold a head that was signed. `number`, `link`: that head."""
    DAMAGED = "journal-damaged"
    """journal.db could not be read. `moved`: where the old file is; `head`: the last known of it; `kept`: the last
    record of the copy that the journal went on from, 0: it was begun anew; `heads`: how many lines heads.txt had."""
    ADOPTED = "archive-adopted"
    """What lay in the archive after that was taken over. `damage`: record of that alarm; `files`: those that no record
    had named as they are; `repeated`: those removed because segments that are still there hold the same."""
    SEGMENT_CHANGED = "segment-changed"
    """What was taken in from a segment is not what it holds now. `segment`: its name."""
    SEGMENT_LOST = "segment-lost"
    """A segment shrank or vanished before it was taken in whole. `segment`: its name, `digest`: of what was taken."""
    SEGMENT_MISSING = "segment-missing"
    """A segment that is closed was gone before it could be archived. `segment`: its name."""
    FLOODED = "incidents-flooded"
    """Clients that are no known device made more incidents in an hour than are entered. `first`: when it began in the
    query log; `most`: how many are entered."""
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
        case Alarm.DAMAGED if whole(body, "kept"):
            return _(
                "journal.db could not be read; the journal goes on from its last good copy, which ends with record "
                "{kept}. Records after it, up to {last} or more, are only in the damaged file, kept as {file}. What "
                "the query log holds is found again; what people entered since then is to be entered again."
            ).format(kept=whole(body, "kept"), last=_last(body), file=text(body, "moved"))
        case Alarm.ADOPTED:
            return _(
                "Files of the archive taken over as they were found after the damage of record {damage}: {count}. "
                "What they hold is not proven before this record; compare it with exports and backups."
            ).format(damage=whole(body, "damage"), count=len(texts(body, "files")))
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
        case Alarm.FLOODED:
            return _(
                "From {moment} on, addresses that are no known devices made more than {most} incidents within an hour: "
                "somebody makes up addresses, or a program does. Those beyond were not entered; the query log holds "
                "what was asked for. Look at `schoolfilter log search --action block --top client`."
            ).format(moment=text(body, "first"), most=whole(body, "most"))
    return text(body, "text") or text(body, "what")


def _last(body: Body) -> int:
    """Return the number of the last record that is known to have been in a damaged journal.db."""
    number = text(body, "head").partition(":")[0]
    return max(int(number) if number.isdecimal() else 0, whole(body, "kept"))


def is_of_earlier_journal(head: SignedHead, line: int, alarms: Iterable[Record]) -> bool:
    """Return whether the journal says that it lost the record of a head when it was damaged.

    `line`: where the head stands in heads.txt, from 1. By that and not by moments: the clock may have lost its time
    together with the power. `alarms`: the journal's Kind.ALARM records.
    """
    return any(
        head.number > whole(record.body, "kept") and line <= whole(record.body, "heads")
        for record in alarms
        if text(record.body, "what") == Alarm.DAMAGED
    )
