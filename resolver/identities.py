"""Which hardware address (MAC) stands behind a client's address now, by the neighbour table and DHCP lease files."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from os import stat_result
from pathlib import Path

from policy.discovery import Lease
from policy.networks import parse_address
from resolver.leases import LeasesError, read_leases
from resolver.neighbours import neighbours

LOOK_SECONDS = 1.0
"""A device that comes into the network is known by its MAC within this time; until then its network tells."""
SETTLED_SECONDS = 1.0
"""A file changed less than this ago may change again within the same tick of its time stamp, at the same size."""

logger = logging.getLogger("schoolfilter.identities")


class Identities:
    """What is known of clients' MACs. `look` blocks on the kernel and on files: call it in a thread of its own."""

    def __init__(self, lease_files: Sequence[str], *, table: bool, clock: Callable[[], float] = time.time) -> None:
        """Begin knowing nothing. `table`: the kernel's neighbour table is read (settings devices.neighbours)."""
        self._files = tuple(_LeaseFile(Path(text)) for text in lease_files)
        self._table = table
        self._clock = clock
        self._macs: dict[str, str] = {}
        self._complaints: frozenset[str] = frozenset()

    def mac_of(self, address: str) -> str:
        """Return the MAC of a client; empty if nobody knows it."""
        return self._macs.get(str(parse_address(address)), "")

    def look(self) -> frozenset[str]:
        """Look at table and files; return the addresses behind which another MAC stands than before.

        What runs out or is gone counts as another one. A file is read again only when it has changed.
        """
        now = self._clock()
        found: dict[str, str] = {}
        for file in self._files:
            file.look(now)
            found.update(file.macs(now))
        complaints = {file.complaint for file in self._files}
        if self._table:
            table = neighbours()
            found |= table.macs  # what the kernel has just heard beats what a lease promised
            complaints.add(table.reason)
        for text in sorted(complaints - self._complaints - {""}):
            logger.warning("devices: %s", text)
        self._complaints = frozenset(complaints)
        before, self._macs = self._macs, found
        return frozenset(address for address, _mac in before.items() ^ found.items())


class _LeaseFile:
    """The leases of one file, as they stood there when it last could be read."""

    __slots__ = ("_leases", "_path", "_stamp", "complaint")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[object, ...] = ()
        self._leases: Mapping[str, Lease] = {}
        self.complaint = ""
        """Why it could not be read the last time, in words; empty if it could."""

    def look(self, now: float) -> None:
        """Read the file if it has changed. What it said stays until it runs out, if it vanishes or is damaged.

        DHCP servers put a new file in the place of the old one: for a moment there may be none.
        """
        try:
            stamp = _stamp(self._path.stat(), now)
        except OSError:
            stamp = ()  # reading it says why
        if stamp and stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            # All of them, whatever their end: the clock may be put back.
            self._leases = read_leases(self._path, -math.inf).by_address
        except LeasesError as error:
            self.complaint = str(error)
        else:
            self.complaint = ""

    def macs(self, now: float) -> Iterator[tuple[str, str]]:
        """Yield address and MAC of the leases in force."""
        for address, lease in self._leases.items():
            if lease.mac and (lease.expires is None or lease.expires > now):
                yield address, lease.mac


def _stamp(found: stat_result, now: float) -> tuple[object, ...]:
    """Return what differs whenever a file may have changed, or may be read by now (ctime: its owner and mode)."""
    settled = abs(now - found.st_mtime) > SETTLED_SECONDS
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, settled)
