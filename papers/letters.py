"""What of a text can be printed: letters that the typst wheel has fonts for, and no sign that hides or moves others."""

import re
import unicodedata

MISSING = "\N{REPLACEMENT CHARACTER}"
"""Stands for a sign that cannot be printed, so that a reader sees that something stood there."""

PRINTABLE: tuple[tuple[int, int], ...] = (
    (0x0020, 0x007E),
    (0x00A1, 0x00AC),
    (0x00AE, 0x02FF),  # without the soft hyphen, which is invisible
    (0x038E, 0x03A1),
    (0x03A3, 0x0482),
    (0x048A, 0x04FF),  # Cyrillic with the letters of Kazakh and Kyrgyz
    (0x05D0, 0x05EA),
    (0x0621, 0x063A),
    (0x0641, 0x064A),
    (0x1E00, 0x1EFF),
    (0x2010, 0x2027),
    (0x2030, 0x203E),
    (0x20A0, 0x20C0),  # tenge and som too
    (0x2100, 0x211E),
    (0x2122, 0x2122),
    (0x2190, 0x21FF),
    (0x2200, 0x22FF),
    (0xFFFD, 0xFFFD),
)
"""First and last of each run of code points. A test prints every one in each style of the frame.

Not among them: what is laid over the letter before it (marks that NFC cannot compose), and what changes the direction.
On a paper that somebody signs both could make a word look like another.
"""

_UNPRINTABLE = re.compile("[^" + "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in PRINTABLE) + "]")


def printable(text: str) -> str:
    """Return the text as one line; each sign that cannot be printed becomes MISSING."""
    return _UNPRINTABLE.sub(MISSING, " ".join(unicodedata.normalize("NFC", text).split()))
