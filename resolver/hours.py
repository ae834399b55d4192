"""The policy of the hour: what is in force now of a policy whose blocks hold in some hours of the week only."""

from datetime import datetime

from policy.snapshot import Snapshot


class HourlyPolicy:
    """A loaded policy and what of it is in force. Knows no clock: local time is an argument."""

    def __init__(self, loaded: Snapshot, local: datetime) -> None:
        self._loaded = loaded
        self.current = loaded
        self._since = local
        self._until: datetime | None = None
        self._take(local)

    def _take(self, local: datetime) -> None:
        self.current = self._loaded.at(local)
        self._since = local
        self._until = self._loaded.next_change(local)

    def advance(self, local: datetime) -> bool:
        """Look at the clock; whether another policy has come into force.

        The clock may have been put forward or back by any step: outside the span it was looked up for, all is looked up
        anew. A policy that closes the same as before stays the same object, so that nothing is answered anew for it.
        """
        if self._since <= local and (self._until is None or local < self._until):
            return False
        before = self.current
        self._take(local)
        if _closed(self.current) == _closed(before):
            self.current = before
            return False
        return True


def _closed(snapshot: Snapshot) -> dict[str, frozenset[str]]:
    return {group: view.closed for group, view in snapshot.views.items()}
