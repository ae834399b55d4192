"""What reaches a terminal: no control character, no colour where none is wanted, no noise when the reader leaves."""

import os
import sys
import unicodedata
from typing import NoReturn

from rich.console import Console
from rich.text import Text

_DANGEROUS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that move the cursor, turn the writing direction, break the line or show nothing at all."""


def printable(text: str) -> str:
    r"""Return the text with every character that could act on a terminal written as `\u{…}`.

    Names in the query log are escaped already; a file that somebody else wrote need not be.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if unicodedata.category(c) not in _DANGEROUS else f"\\u{{{ord(c):x}}}" for c in text)


class Terminal(Console):
    """A Rich console that prints text as it is: no markup, no guessed colours, no wrapping at 80 columns."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, soft_wrap=True, stderr=stderr)

    def say(self, text: str = "", style: str = "") -> None:
        """Print one line, made safe."""
        self.print(Text(printable(text), style=style, end=""))

    def on_broken_pipe(self) -> NoReturn:
        """Leave quietly: `log tail | head` has got what it wanted."""
        # Python flushes stdout once more at exit and would complain about the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0)
