"""Names for lists and queries: made from numbers, the same on every machine, no two equal."""

import gzip
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import IO

_SYLLABLES = tuple(consonant + vowel for consonant in "bcdfghjklmnprstv" for vowel in "aeio")
_PAIRS = tuple(first + second for first in _SYLLABLES for second in _SYLLABLES)
_SPACE = 1 << 30
"""Five syllables of 64: how many words there are."""
_MIX = 0x2545F491
"""Odd, so that multiplying by it modulo 2^30 gives every word once, in an order that looks random."""
_TOPS = ("com",) * 8 + ("net", "net", "org", "ru", "kz", "kg", "info", "xyz")
_BELOW = ("", "", "", "", "", "", "ads.", "cdn3.")
"""One listed name in four is a host below somebody's domain, as in published lists."""

_WORDS = (
    *("ads", "bet", "blog", "book", "cam", "cash", "casino", "chat", "city", "club", "day", "deal", "fun", "game"),
    *("host", "live", "market", "media", "music", "news", "now", "online", "party", "play", "poker", "shop", "site"),
    *("sport", "store", "stream", "tube", "video"),
)
_UNLISTED = _SPACE // 2
"""Words from here on are never on a list."""


def _name(number: int) -> str:
    mixed = number * _MIX % _SPACE
    word = _PAIRS[mixed >> 18] + _PAIRS[mixed >> 6 & 4095] + _SYLLABLES[mixed & 63]
    # A tail that the word does not foretell, or names would compress better than published ones. A million of these
    # have 17.4 letters in the mean and take 9.1 bytes each in the index; a million real ones 17.5 and 7.6.
    other = (number ^ 0x5BD1E995) * 0xC2B2AE3D27D4EB4F >> 17
    kind = other & 15
    if kind < 6:
        word += _WORDS[other >> 4 & 31]
    elif kind < 8:
        word += "-" + _PAIRS[other >> 4 & 4095]
    elif kind == 8:
        word += str(other >> 4 & 1023)
    return f"{_BELOW[mixed >> 4 & 7]}{word}.{_TOPS[mixed >> 10 & 15]}"


def listed(number: int) -> str:
    """Return the listed name of that number."""
    return _name(number)


def unlisted(number: int) -> str:
    """Return a name that neither is listed nor has a listed parent."""
    return "www." + _name(_UNLISTED + number)


def unique(run: int, count: int) -> Iterator[str]:
    """Yield unlisted names that no other run asks for; a run has at most two million."""
    first = 1_000_000 + run * 2_000_000
    return (unlisted(number) for number in range(first, first + count))


def hits(count: int, blocked: int) -> list[str]:
    """Return `count` names of which `blocked` are listed, or hosts below listed names, evenly mixed in."""
    names = []
    done = 0
    for number in range(count):
        if (number + 1) * blocked // count > done:
            names.append(("www." if done % 3 == 0 else "") + listed(done))
            done += 1
        else:
            names.append(unlisted(number))
    return names


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "wt", compresslevel=1, encoding="ascii")
    return path.open("w", encoding="ascii")


def write_lines(path: Path, lines: Iterable[str]) -> Path:
    """Write the lines in pieces, so that five million of them need no memory; packed if the name ends in .gz."""
    rest = iter(lines)
    with _open(path) as file:
        while piece := list(islice(rest, 100_000)):
            file.write("\n".join(chain(piece, ("",))))
    return path
