"""The press: a template and values become the bytes of a PDF. Nothing in a value is ever read as typst code."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Union

import typst

from papers.letters import printable
from settings.errors import SchoolfilterError
from translations import _

TEMPLATES = Path(__file__).parent / "templates"

Value = Union[str, int, bool, None, Sequence["Value"], Mapping[str, "Value"]]  # noqa: UP007 - it names itself
"""What a template can be handed."""

# For archives: all fonts inside, each letter can be searched for and copied. typst then refuses a letter that no font
# has, so that none is ever missing without a word.
_STANDARD: Final = "a-2u"


class PaperError(SchoolfilterError):
    """A paper cannot be printed."""


def press(template: str, values: Mapping[str, Value], language: str, printed_at: datetime) -> bytes:
    """Return the PDF of a template in `templates/`, which finds the values as JSON in `sys.inputs.values`.

    Equal arguments give equal bytes on every machine: fonts are those of the wheel, the date is `printed_at` (aware),
    and no package is fetched, since no template asks for one. Raises PaperError.
    """
    handed = json.dumps({**_cleaned(values), "language": language}, ensure_ascii=False)
    try:
        return typst.compile(
            TEMPLATES / f"{template}.typ",
            root=TEMPLATES,
            ignore_system_fonts=True,
            format="pdf",
            sys_inputs={"values": handed},
            pdf_standards=_STANDARD,
            timestamp=int(printed_at.timestamp()),
        )
    except RuntimeError as error:  # typst.TypstError, and its own base for a template that is not there
        message = _(
            "The paper {template} cannot be printed: {error}. Its template and fonts come with the program: install it "
            "again, and report this message if it stays."
        )
        raise PaperError(message.format(template=template, error=error)) from error


def _cleaned(values: Mapping[str, Value]) -> dict[str, Value]:
    return {key: _clean(value) for key, value in values.items()}


def _clean(value: Value) -> Value:
    match value:
        case str():
            return printable(value)
        case Mapping():
            return _cleaned(value)
        case Sequence():
            return [_clean(each) for each in value]
    return value
