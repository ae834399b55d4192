"""Unpredictable octets for ids, ports and letter case, drawn from the system's generator in larger gulps."""

import os

_GULP = 16_384
"""Octets a system call brings: the call costs more than the octets."""


class Entropy:
    """A buffer of `os.urandom`; each octet is given out once."""

    __slots__ = ("_at", "_octets")

    def __init__(self) -> None:
        self._octets = b""
        self._at = 0

    def take(self, count: int) -> bytes:
        """Return `count` fresh octets (at most 16384)."""
        at = self._at
        end = at + count
        if end > len(self._octets):
            self._octets = os.urandom(_GULP)
            at, end = 0, count
        self._at = end
        return self._octets[at:end]

    def below(self, bound: int) -> int:
        """Return a number from 0 to bound - 1; the bias of 32 bits over a small bound does not matter here."""
        return int.from_bytes(self.take(4)) % bound
