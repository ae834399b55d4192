"""Text made safe for a terminal: what people and files say must not act on it."""

import unicodedata

_DANGEROUS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that move the cursor, turn the writing direction, break the line or show nothing at all."""


def printable(text: str) -> str:
    r"""Return the text with every character that could act on a terminal written as `\u{…}`.

    Names in the query log are escaped already; a file that somebody else wrote need not be.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if unicodedata.category(c) not in _DANGEROUS else f"\\u{{{ord(c):x}}}" for c in text)
