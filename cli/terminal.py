"""What reaches a terminal: no control character, no colour where none is wanted, no noise when the reader leaves."""

from typing import NoReturn

from rich.console import Console
from rich.text import Text

from cli.errors import leave_quietly
from cli.printable import printable


class Terminal(Console):
    """A Rich console that prints text as it is: no markup, no guessed colours, no wrapping at 80 columns."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, soft_wrap=True, stderr=stderr)

    def say(self, text: str = "", style: str = "") -> None:
        """Print one line, made safe."""
        self.print(Text(printable(text), style=style, end=""))

    def on_broken_pipe(self) -> NoReturn:
        """Leave: `log tail | head` has got what it wanted."""
        leave_quietly(0)
