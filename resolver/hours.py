"""The policy of the hour: what is in force now of a policy with hours, lessons, a timetable and entries that end."""

from datetime import datetime, timedelta, timezone

from policy.snapshot import Snapshot


class HourlyPolicy:
    """A loaded policy and what of it is in force. Knows no clock: the moment, in the school's zone, is an argument."""

    def __init__(self, loaded: Snapshot, local: datetime) -> None:
        self._loaded = loaded
        self.current = loaded
        self._since = local
        self._until: datetime | None = None
        self._offset: timedelta | None = None
        self._take(local)

    def _take(self, local: datetime) -> None:
        # By the offset of now, and no longer than it lasts, so that no hour comes twice and none is left out.
        offset = local.utcoffset()
        now = local if offset is None else local.astimezone(timezone(offset))
        # All or nothing: what failed half way would not be looked up again.
        self.current, self._until = self._loaded.at(now), self._loaded.next_change(now)
        self._since, self._offset = now, offset

    def advance(self, local: datetime) -> bool:
        """Look at the clock; whether another policy has come into force.

        The clock may have been put forward or back by any step: outside the span it was looked up for, all is looked up
        anew. A policy that closes the same as before stays the same object, so that nothing is answered anew for it.
        """
        offset = local.utcoffset()
        if offset == self._offset and self._since <= local and (self._until is None or local < self._until):
            return False
        before = self.current
        self._take(local)
        if self.current.same_as(before):
            self.current = before
            return False
        return True
