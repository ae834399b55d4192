"""What reaches a terminal: no control character, no colour where none is wanted, no noise when the reader leaves."""

import os
import sys
from typing import NoReturn

from rich.console import Console
from rich.text import Text

from cli.printable import printable


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
