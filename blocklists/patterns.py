"""Expressions from lists: searched in a name in linear time, many at once, in bounded memory. Pure."""

from collections.abc import Sequence
from itertools import islice

import re2

MAX_PATTERNS = 5_000
"""In all lists together. A look-up costs some 7 µs more for each thousand; public lists have a few dozen each."""
MAX_SIZE = 2_000
"""Instructions of one expression; those of real lists have some dozens. `(((a{99}){99}){99})` has a million."""
MAX_UNFILTERED_SIZE = 20_000
"""Instructions of all expressions without any literal text: they are tried on every name."""

_PART = 500
"""Expressions that are compiled in one go. RE2 keeps the interpreter's lock while it compiles: a thread that opens an
index must let the loop that answers queries have its turn every few milliseconds."""
_MEMORY = 1 << 18
"""Bytes that one expression may take for itself and its automaton; past that it is run step by step."""


def _options() -> "re2.Options":
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # names are ASCII: half the states of UTF-8
    options.never_capture = True
    options.log_errors = False
    options.max_mem = _MEMORY
    return options


def fault_of(expression: str) -> str:
    """Return why an expression cannot be used, in RE2's words; an empty text if it can."""
    try:
        size = re2.compile(expression.encode(), _options()).programsize
    except (re2.error, UnicodeError) as error:
        reason = error.args[0] if error.args else error
        return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    return f"too large ({size} instructions)" if size > MAX_SIZE else ""


def size_of(expression: str) -> int:
    """Return how many instructions an expression has that has no fault."""
    return int(re2.compile(expression.encode(), _options()).programsize)


class Patterns:
    """Expressions, numbered as given. One that is at fault is never found and harms no other."""

    def __init__(self, expressions: Sequence[str]) -> None:
        self._parts: list[tuple[re2.Filter, list[int]]] = []
        numbered = iter(enumerate(expressions))
        while part := list(islice(numbered, _PART)):
            self._add_part(part)

    def _add_part(self, part: Sequence[tuple[int, str]]) -> None:
        options = _options()
        found = re2.Filter()
        numbers = []
        for number, expression in part:
            try:
                found.Add(expression.encode(), options)
            except (re2.error, UnicodeError):
                continue
            numbers.append(number)
        if numbers:
            found.Compile()
            self._parts.append((found, numbers))

    def found_in(self, name: str) -> list[int]:
        """Return the numbers of the expressions that are found in a name, in order."""
        text = name.encode()
        found: list[int] = []
        for part, numbers in self._parts:
            matches = part.Match(text)
            if matches:
                found.extend(numbers[match] for match in sorted(matches))
        return found

    def tried_on_all(self) -> list[int]:
        """Return the numbers of the expressions that no literal text spares any name, in order."""
        found: list[int] = []
        for part, numbers in self._parts:
            found.extend(numbers[match] for match in sorted(part.Match(b"", potential=True) or ()))
        return found
