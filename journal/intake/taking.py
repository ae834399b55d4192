"""Taking the query log in: from the files of the workers into journal.db, one transaction a batch.

All that a batch changes, positions included, is written in one transaction: whatever ends this process, each line has
been taken once or not at all. What is in memory runs ahead of the journal within a batch, so after any error a `Taking`
is thrown away, and the next one begins from what the journal has.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from journal.detection.folding import MOST_UNKNOWN, Folding
from journal.intake.days import day_of
from journal.intake.entering import Lessons, Register, placed
from journal.intake.following import Counter, before, last_time, merged, superseded
from journal.intake.segment_files import Followed, begin, is_held, read_at, reading, resume
from journal.trust.alarms import Alarm
from journal.trust.log_files import holds
from resolver.segments import Segment, list_segments
from settings.model import Settings
from storage.evidence import Body, Kind, text
from storage.journal_db import Change, JournalDb, Position, StoredSegment


@dataclass(frozen=True, slots=True)
class Pace:
    """How much at once, and how long to wait for what."""

    batch_octets: int = 2_000_000
    """Read for one transaction, of all workers together: about 17,000 lines."""
    settle_seconds: float = 2.0
    """A worker writes a line within this time after the moment that the line names."""
    patience_seconds: float = 10.0
    """Lines that name a moment to come are taken after this time: a clock was put back."""
    idle_seconds: float = 2 * 3600.0
    """A worker begins a new segment each hour: one that was not written for so long is at its end."""
    still_seconds: float = 60.0
    """And so long we must have seen that, whatever clocks say."""
    list_seconds: float = 10.0
    """How often the folder is listed though it seems to hold no new file."""


PACE = Pace()


@dataclass(frozen=True, slots=True)
class Piece:
    """What was read of a segment."""

    followed: Followed
    octets: bytes


@dataclass(slots=True)
class Stream:
    """What was read of one worker."""

    pieces: list[Piece] = field(default_factory=list)
    more: bool = False
    """Whether there is more to be read at once."""

    def last(self) -> bytes:
        """Return the time of the last line that has one."""
        return next(filter(None, (last_time(piece.octets) for piece in reversed(self.pieces))), b"")


class Taking:
    """What is being followed, as the journal has it."""

    def __init__(self, journal: JournalDb, settings: Settings, lessons: Lessons, folding: Folding, pace: Pace) -> None:
        self._journal = journal
        self._folder = settings.paths.query_log
        self._zone = ZoneInfo(settings.school.time_zone)
        self._lessons = lessons
        self._folding = folding
        self._pace = pace
        self._counter = Counter(folding.watched)
        self._register = Register()
        self._following: dict[str, Followed] = {}
        self._closed: dict[str, int] = {}
        """Octets of the segments that are closed and still lie there; -1 for those that the journal has as removed."""
        self._unknown: dict[str, Segment] = {}
        """Segments that were seen, but not looked up in the journal yet."""
        self._alarmed: set[tuple[str, str]] = set()
        self._lost: list[tuple[str, Position]] = []
        self._alarms: list[Body] = []
        self._listed = (-1, 0.0)
        self._held: dict[int, float] = {}
        self._took = False
        self.days: set[date] = set()
        """Days of which lines were taken since this began."""
        self.lines = 0
        self.last = ""
        """Time column of the last line that was taken."""
        self.behind = False
        """Whether there is more to be taken at once."""

    @classmethod
    async def begin(
        cls, journal: JournalDb, settings: Settings, lessons: Lessons, folding: Folding, pace: Pace
    ) -> "Taking":
        """Go on from what the journal has; what was taken is read again. Raises StorageError, UnreadableLog."""
        taking = cls(journal, settings, lessons, folding, pace)
        async for record in journal.records((Kind.ALARM,)):
            taking._alarmed.add((text(record.body, "what"), text(record.body, "segment")))
        positions = await journal.positions()
        with reading(taking._folder):
            if positions:
                taking._folder.stat()  # a disk that is not there now: its segments are not lost yet
            there = {segment.path.name: segment for segment in list_segments(taking._folder)}
            for name, position in positions.items():
                segment = there.get(name)
                followed = None if segment is None else _resumed(segment, position)
                if followed is None:
                    taking._lost.append((name, position))
                    continue
                taking._following[name] = followed
                taking._compare(followed, position)
        return taking

    @property
    def following(self) -> Iterable[str]:
        """Return the names of the segments that are open."""
        return self._following

    def lag(self, now: datetime) -> tuple[float, int]:
        """Return the age of the oldest line not taken yet, in seconds, and how many octets wait. Raises OSError."""
        self._look()
        octets, oldest = 0, now
        for followed in self._following.values():
            waiting = followed.segment.size - followed.taken
            if waiting > 0:
                octets += waiting
                oldest = min(oldest, followed.next_moment() or oldest)
        return max((now - oldest).total_seconds(), 0.0), octets

    async def step(self, now: datetime) -> bool:
        """Take the next batch, if there is one; return whether more waits. Raises StorageError, UnreadableLog."""
        with reading(self._folder):
            self._look()
            if self._unknown:
                await self._look_up()
            streams = self._read()
        self.behind = any(stream.more for stream in streams.values())
        moment = now.timestamp() - self._pace.settle_seconds
        limit = datetime.fromtimestamp(moment, self._zone).isoformat(timespec="milliseconds").encode()
        cut = min([limit, *(stream.last() or limit for stream in streams.values() if stream.more)])
        folded = self._take_until(streams, cut)
        if self.behind and not self._took:
            folded = self._take_until(streams, b"")  # one moment fills all that was read
        for fields in merged(folded):
            self._folding.take(fields)
        self._folding.settle(cut.decode())
        await self._write(now)
        return self.behind

    # -- looking and reading -------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """See what the workers wrote since."""
        steady = time.monotonic()
        try:
            changed = self._folder.stat().st_mtime_ns
        except FileNotFoundError:
            if self._following:
                raise  # a disk that is not there now: its segments are not lost yet
            changed = 0
        if changed != self._listed[0] or steady - self._listed[1] >= self._pace.list_seconds or not self._glance():
            self._listed = (changed, steady)
            self._list()

    def _glance(self) -> bool:
        """Look at the open segments only; return whether all are there."""
        for followed in self._following.values():
            try:
                facts = followed.segment.path.stat()
            except FileNotFoundError:
                return False
            old = followed.segment
            if facts.st_size != old.size:
                self._seen(followed, Segment(old.path, old.worker, old.order, facts.st_size, facts.st_mtime))
        return True

    def _list(self) -> None:
        self._unknown.clear()
        there = {segment.path.name: segment for segment in list_segments(self._folder)}
        for name in [name for name in self._following if name not in there]:
            self._lost.append((name, self._following.pop(name).position()))
        for name, segment in there.items():
            if name in self._following:
                self._seen(self._following[name], segment)
            elif name in self._closed:
                self._look_at_closed(segment, self._closed[name])
            else:
                self._unknown[name] = segment
        self._closed = {name: size for name, size in self._closed.items() if name in there}

    async def _look_up(self) -> None:
        """Begin to follow what the journal does not have as closed. A file of old may have been put back."""
        for name, segment in list(self._unknown.items()):
            stored = await self._journal.segment(name)
            if stored is not None:
                self._closed[name] = -1 if stored.removed else stored.bytes
                self._look_at_closed(segment, self._closed[name])
                # One that was never archived was lost, and a person put it back: that is known.
                if stored.removed and stored.archive:
                    self._look_at_removed(segment, stored)
                del self._unknown[name]
                continue
            try:
                followed = begin(segment, time.monotonic())
            except FileNotFoundError:  # a worker mended it: not even its header was whole
                continue
            if followed is not None:
                self._following[name] = followed
                del self._unknown[name]

    def _seen(self, followed: Followed, segment: Segment) -> None:
        if segment.size != followed.segment.size:
            followed.still, followed.end = time.monotonic(), -1
        followed.segment = segment
        if segment.size < followed.taken:
            position = followed.position()
            again = resume(segment, position, time.monotonic())
            self._following[followed.name] = again
            self._compare(again, position)

    def _compare(self, followed: Followed, was: Position) -> None:
        """Note an alarm if a segment is not what was taken in."""
        if followed.position() == was:
            return
        followed.noted = False
        what = Alarm.SEGMENT_CUT if followed.taken < was.taken else Alarm.SEGMENT_CHANGED
        self._alarm(what, followed.name, was.taken, was.digest)

    def _look_at_closed(self, segment: Segment, size: int) -> None:
        if size in (segment.size, -1):
            return
        name = segment.path.name
        if (Alarm.SEGMENT_CHANGED.value, name) in self._alarmed:
            return
        # Half a line at the end is what a worker left that died; the next one cuts it off.
        if segment.size < size or b"\n" in read_at(segment.path, size, segment.size - size):
            self._alarm(Alarm.SEGMENT_CHANGED, name, size, "")

    def _look_at_removed(self, segment: Segment, was: StoredSegment) -> None:
        """Note an alarm if the file is not the segment that was removed: its lines can be entered under no other name.

        A clock that began anew at each power-up gave names twice, before the numbers of segments went on over starts.
        """
        if (Alarm.SEGMENT_STRANGE.value, was.name) in self._alarmed or holds(segment.path, was):
            return
        if segment.path.exists():  # a round of the archive may just have removed it
            self._alarm(Alarm.SEGMENT_STRANGE, was.name, segment.size, "")

    def _alarm(self, what: Alarm, name: str, octets: int, digest: str) -> None:
        self._alarmed.add((what.value, name))
        self._alarms.append({"what": what.value, "segment": name, "bytes": octets, "digest": digest})

    def _read(self) -> dict[int, Stream]:
        """Read what waits, for each worker the oldest first, all together about as much as a batch holds."""
        waiting: dict[int, list[Followed]] = {}
        for followed in sorted(self._following.values(), key=lambda each: each.segment.order):
            if not followed.whole:
                waiting.setdefault(followed.segment.worker, []).append(followed)
        streams = {}
        for worker in sorted(waiting):
            left = self._pace.batch_octets // len(waiting)
            stream = streams[worker] = Stream()
            for followed in waiting[worker]:
                if left <= 0:
                    stream.more = True
                    break
                octets = followed.read(left)
                if octets:
                    stream.pieces.append(Piece(followed, octets))
                    left -= len(octets)
                if followed.end < 0:
                    stream.more = True
                    break
        return streams

    # -- taking --------------------------------------------------------------------------------------------------------

    def _take_until(self, streams: dict[int, Stream], cut: bytes) -> list[list[bytes]]:
        """Take of each worker the lines before a moment (all, if it is empty); return those to be folded."""
        self._took = False
        steady = time.monotonic()
        folded = []
        for worker, stream in streams.items():
            late = steady - self._held.setdefault(worker, steady) > self._pace.patience_seconds and not self.behind
            moment = b"" if late else cut
            mine: list[bytes] = []
            for piece in stream.pieces:
                count = before(piece.octets, moment) if moment else len(piece.octets)
                if count:
                    mine += self._take(piece, count)
                if count < len(piece.octets):
                    break
            folded.append(mine)
        return folded

    def _take(self, piece: Piece, count: int) -> list[bytes]:
        followed = piece.followed
        octets = piece.octets[:count]
        taken = self._counter.take(octets)
        followed.digest.update(octets)
        followed.taken += count
        followed.lines += taken.lines
        followed.damaged += taken.damaged
        followed.first = followed.first or taken.first.decode()
        followed.last = taken.last.decode() or followed.last
        followed.days |= taken.days
        followed.noted = False
        self.lines += taken.lines
        self.last = followed.last or self.last
        self._took = True
        self._held.pop(followed.segment.worker, None)
        return taken.folded

    # -- writing -------------------------------------------------------------------------------------------------------

    async def _write(self, now: datetime) -> None:
        """Write all that came of a batch, or nothing; no transaction if there is nothing to write."""
        folding, counts = self._folding, self._counter.counts()
        closing = self._at_their_end(now)
        moved = [each for each in self._following.values() if not each.noted]
        found, repeats, folds = await placed(folding.found(), self._lessons), folding.repeats(), folding.changed()
        if folding.flooded:
            self._alarms.append({"what": Alarm.FLOODED.value, "first": folding.flooded, "most": MOST_UNKNOWN})
            folding.flooded = ""
        if folding.unreadable:
            self._alarms.append({"what": Alarm.MEMORY_LOST.value, "clients": folding.unreadable})
            folding.unreadable = 0
        if not (closing or moved or found or repeats or folds or self._lost or self._alarms):
            return
        with reading(self._folder):
            for followed in moved:
                followed.force()
        async with self._journal.changing(now) as change:
            for alarm in self._alarms:
                await change.add(Kind.ALARM, alarm)
            for name, position in self._lost:
                body = {"what": Alarm.SEGMENT_LOST.value, "segment": name, "bytes": position.taken}
                await change.add(Kind.ALARM, {**body, "digest": position.digest})
                await _close(change, name, position, removed=1)
            for followed in moved:
                await change.put_position(followed.name, followed.position())
            await change.count(counts)
            await self._register.enter(change, self._journal, folding, found, repeats)
            await change.put_folds({**folds, **folding.changed()})
            for followed in closing:
                await _close(change, followed.name, followed.position(), removed=0)
        self.days |= {date.fromisoformat(hour[:10]) for hour, _tally in counts}
        self._alarms, self._lost = [], []
        for followed in moved:
            followed.noted = True
        for followed in closing:
            self._closed[followed.name] = followed.taken
            del self._following[followed.name]
            if followed.damaged:
                self.days.add(day_of(followed.name, self._zone))

    def _at_their_end(self, now: datetime) -> list[Followed]:
        """Return the segments that are taken in whole and to which nobody writes any more."""
        open_ones = [followed.segment for followed in self._following.values()]
        return [each for each in self._following.values() if each.whole and self._is_over(each, open_ones, now)]

    def _is_over(self, followed: Followed, others: Sequence[Segment], now: datetime) -> bool:
        if not superseded(followed.segment, others, now):
            still = time.monotonic() - followed.still > self._pace.still_seconds
            if not still or abs(now.timestamp() - followed.segment.written) <= self._pace.idle_seconds:
                return False
        # A worker that cannot begin a new segment, for the folder takes no file, goes on with the old one.
        with reading(self._folder):
            return not is_held(followed.segment.path)


async def _close(change: Change, name: str, position: Position, *, removed: int) -> None:
    record = await change.add(
        Kind.SEGMENT,
        {
            "name": name, "digest": position.digest, "bytes": position.taken, "lines": position.lines,
            "damaged": position.damaged, "first": position.first, "last": position.last, "days": list(position.days),
        },
    )  # fmt: skip
    await change.close_segment(
        StoredSegment(name, record, position.taken, position.lines, position.digest, archive="", removed=removed)
    )


def _resumed(segment: Segment, position: Position) -> Followed | None:
    try:
        return resume(segment, position, time.monotonic())
    except FileNotFoundError:
        return None
