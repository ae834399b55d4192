"""Unpredictable octets for ids, ports and letter case, drawn from the system's generator in larger gulps."""

import os

_GULP = 16_384
"""Octets a system call brings: the call costs more than the octets."""


def _case_table() -> bytes:
    upper = int.from_bytes(os.urandom(4))
    table = bytearray(range(256))
    for letter in range(26):
        if upper >> letter & 1:
            table[0x61 + letter] = 0x41 + letter
    return bytes(table)


_CASES = tuple(_case_table() for _ in range(4096))
"""Which letters become upper case. The tables need not be secret, only which one is drawn."""


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

    def letter_case(self, name: bytes) -> bytes:
        """Return a lower-case wire name with upper and lower case drawn for each letter (draft-vixie-dnsext-dns0x20).

        One of 4096 tables is drawn, so this adds up to 12 bits to those of id and port. Length octets are below 64
        and no letters: no table touches them.
        """
        octets = self.take(2)
        return name.translate(_CASES[(octets[0] << 8 | octets[1]) & 0xFFF])

    def below(self, bound: int) -> int:
        """Return a number from 0 to bound - 1; the bias of 32 bits over a small bound does not matter here."""
        return int.from_bytes(self.take(4)) % bound
