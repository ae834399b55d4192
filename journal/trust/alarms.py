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
    HEADS_LOST = "heads-lost"
    """heads.txt was gone and was begun anew. `heads`: how many signed heads journal.db had, which stand in it now."""
    DAMAGED = "journal-damaged"
    """journal.db could not be read. `moved`: where the old file is, empty: it was gone, or nothing was in it; `head`:
    the last known of it; `kept`: the last record of the copy that the journal went on from, 0: it was begun anew;
    `heads`: how many lines heads.txt had; `numbers`, `until`: the greatest number of an incident or an erasure that may
    have been given in what is lost, and the last month in which (journal/numbering.py)."""
    ADOPTED = "archive-adopted"
    """What lay in the archive after that was taken over. `damage`: record of that alarm; `files`: those that no record
    had named as they are; `repeated`: those removed because segments that are still there hold the same."""
    SEGMENT_CHANGED = "segment-changed"
    """What was taken in from a segment is not what it holds now. `segment`: its name. If it was not closed, `bytes` and
    `digest` of what had been taken: no other record says that. Of one that is closed its record does."""
    SEGMENT_CUT = "segment-cut"
    """A segment that was not closed shrank: what was taken in is longer. `segment`, `bytes`, `digest` as above."""
    SEGMENT_LOST = "segment-lost"
    """A segment that was not closed vanished; of before there was SEGMENT_CUT: or shrank. `segment`, `bytes`, `digest`
    as above."""
    SEGMENT_MISSING = "segment-missing"
    """A segment that is closed was gone before it could be archived. `segment`: its name."""
    SEGMENT_STRANGE = "segment-strange"
    """Another file lies under the name of a segment that was archived and removed. `segment`: its name."""
    FLOODED = "incidents-flooded"
    """Clients that are no known device made more incidents in an hour than are entered. `first`: when it began in the
    query log; `most`: how many are entered."""
    MEMORY_LOST = "incidents-forgotten"
    """What was remembered of incidents that may have been going on cannot be read, and was dropped. `clients`: of how
    many clients."""
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
        case Alarm.HEADS_LOST:
            return _(
                "heads.txt was gone, and was begun anew with the heads that journal.db has: {count}. Only heads in "
                "other hands still show whether records before this one were cut off or written anew: compare the "
                "last line of heads.txt in a backup, and papers, with `schoolfilter journal verify --head`. Find out "
                "who can write to the folder."
            ).format(count=whole(body, "heads"))
        case Alarm.DAMAGED:
            return " ".join(filter(None, (_describe_damage(body), _describe_numbers(body))))
        case Alarm.ADOPTED:
            return _(
                "Files of the archive taken over as they were found after the damage of record {damage}: {count}. "
                "What they hold is not proven before this record; compare it with exports and backups."
            ).format(damage=whole(body, "damage"), count=len(texts(body, "files")))
        case Alarm.SEGMENT_CHANGED:
            return _(
                "The segment {segment} of the query log was changed after its lines had been taken in. "
                "Run `schoolfilter log verify`, and find out who can write to the folder."
            ).format(segment=segment)
        case Alarm.SEGMENT_CUT:
            return _(
                "The segment {segment} of the query log was cut off after its lines had been taken in: they are "
                "counted, and no longer found. Somebody did so, or a power cut. Find out who can write to the folder; "
                "look at `schoolfilter doctor` for the disk."
            ).format(segment=segment)
        case Alarm.SEGMENT_LOST:
            return _(
                "The segment {segment} of the query log was removed, or cut off, after lines of it had been taken in: "
                "they are counted, and no longer found. Find out who can write to the folder; look at "
                "`schoolfilter doctor` for the disk."
            ).format(segment=segment)
        case Alarm.SEGMENT_MISSING:
            return _(
                "The segment {segment} of the query log was removed before it was archived. Put it back from a backup; "
                "find out who can write to the folder."
            ).format(segment=segment)
        case Alarm.SEGMENT_STRANGE:
            return _(
                "The file {segment} in the query log has the name of a segment that was archived and removed, but "
                "holds something else: its lines are not taken in, counted or found. Keep a copy, and find out where "
                "it comes from. If this server wrote it, by a clock that began anew at a start, give it the number "
                "after the greatest one there: then its lines are taken in."
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
        case Alarm.MEMORY_LOST:
            return _(
                "What was remembered of addresses that had just asked for closed sites could not be read and was "
                "dropped. Addresses: {count}. Incidents that were going on may have ended early or not been found; the "
                "query log holds what was asked for. If nobody installed another version, check the disk."
            ).format(count=whole(body, "clients"))
    return text(body, "text") or text(body, "what")


def _describe_damage(body: Body) -> str:
    if not text(body, "moved"):
        return _describe_gone(body)
    if whole(body, "kept"):
        return _(
            "journal.db could not be read; the journal goes on from its last good copy, which ends with record {kept}. "
            "Records after it, up to {last} or more, are only in the damaged file, kept as {file}. What the query log "
            "holds is found again; what people entered since then is to be entered again."
        ).format(kept=whole(body, "kept"), last=_last(body), file=text(body, "moved"))
    return _(
        "journal.db could not be read and was begun anew. The damaged file is kept as {file}; records before this one "
        "are only there. Put a backup aside with it."
    ).format(file=text(body, "moved"))


def _describe_numbers(body: Body) -> str:
    numbers = whole(body, "numbers")
    if not numbers:
        return ""
    return _(
        "New incidents and erasures are numbered from {number} on, up to {month}: smaller numbers that are not in the "
        "journal were given in what was lost."
    ).format(number=numbers + 1, month=text(body, "until"))


def _describe_gone(body: Body) -> str:
    if whole(body, "kept"):
        return _(
            "journal.db was gone or empty; the journal goes on from its last good copy, which ends with record {kept}. "
            "Records after it, up to {last} or more, are lost. What the query log holds is found again; what people "
            "entered since then is to be entered again. Find out who can write to the folder."
        ).format(kept=whole(body, "kept"), last=_last(body))
    return _(
        "journal.db was gone or empty, and the journal was begun anew: records before this one are lost. Find out who "
        "can write to the folder. Put a backup aside."
    )


def _last(body: Body) -> int:
    """Return the number of the last record that is known to have been in a damaged journal.db."""
    number = text(body, "head").partition(":")[0]
    return max(int(number) if number.isdecimal() else 0, whole(body, "kept"))


def altered(body: Body) -> str:
    """Return the segment of which an alarm says that what had been taken in is no longer there; empty: of none.

    Only of those that were not closed, of which no record but this one says what that was.
    """
    is_about = text(body, "what") in (Alarm.SEGMENT_CHANGED, Alarm.SEGMENT_CUT, Alarm.SEGMENT_LOST)
    return text(body, "segment") if is_about and text(body, "digest") else ""


def is_of_earlier_journal(head: SignedHead, line: int, alarms: Iterable[Record]) -> bool:
    """Return whether the journal says that it lost the record of a head when it was damaged.

    `line`: where the head stands in heads.txt, from 1. By that and not by moments: the clock may have lost its time
    together with the power. `alarms`: the journal's Kind.ALARM records, in their order.
    """
    found = False
    for record in alarms:
        if is_of_lost_heads(record):
            found = False  # the lines that it had then are not those that it has now
        elif text(record.body, "what") == Alarm.DAMAGED:
            found = found or (head.number > whole(record.body, "kept") and line <= whole(record.body, "heads"))
    return found


def is_of_lost_heads(record: Record) -> bool:
    """Return whether a Kind.ALARM record says that heads.txt was begun anew."""
    return text(record.body, "what") == Alarm.HEADS_LOST
