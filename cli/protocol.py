"""The council's protocol on which a change rests (R1 2.6): how it is given, and how it is named."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import date

import click

from cli.errors import Misuse
from cli.typed import LONGEST_NUMBER, day_of, text_of
from cli.words import order_words
from policy.orders import OrderKind
from translations import _

Command = Callable[..., None]

_FORM = re.compile(
    r"(protocol|order|paper order|paper, no order,|key|handover|replacement)(?: (.+))? of ([0-9]{4}-[0-9]{2}-[0-9]{2})"
)
"""As `document_of` and policy.orders.Order.document_text write them."""
_KINDS = {"paper order": OrderKind.PAPER, "paper, no order,": OrderKind.PAPER}


def options(command: Command) -> Command:
    """Give a command --protocol and --date, as `number` and `day` for `document_of`."""
    for option in (
        click.option("--date", "day", metavar="YYYY-MM-DD", help=_("The date of the protocol.")),
        click.option(
            "--protocol",
            "number",
            metavar="NUMBER",
            help=_("The number of the council's protocol that this change rests on."),
        ),
    ):
        command = option(command)
    return command


def document_of(number: str | None, day: str | None) -> str:
    """Return the protocol as the database keeps it; empty if none was given. Raises Misuse."""
    if number is None and day is None:
        return ""
    written = text_of(number or "", "--protocol", LONGEST_NUMBER)
    if not written or day is None:
        raise Misuse(
            _("expected the protocol with its date, such as --protocol 3 --date 2026-09-01, found only one of the two")
        )
    return f"protocol {written} of {day_of(day, '--date').isoformat()}"


def say_without(document: str, next_step: str) -> None:
    """Tell who changed something without a protocol what to do about it, on stderr."""
    if not document:
        note = _("Note: no protocol of the council was given, and the history says so. {next_step}")
        click.echo(note.format(next_step=next_step), err=True)


def document_words(document: str, written: Callable[[date], str] = date.isoformat) -> str:
    """Return a document in the language in use, or that there is none. `written`: how its day is written."""
    if not document:
        return _("without a document")
    found = _FORM.fullmatch(document)
    if found is None:
        return document
    kind, number, day = found[1], found[2], _written(found[3], written)
    if kind == "protocol":
        return _("protocol {number} of {date}").format(number=number, date=day)
    return order_words(_KINDS.get(kind) or OrderKind(kind), number or "", day)


def _written(day: str, written: Callable[[date], str]) -> str:
    with suppress(ValueError):  # no day of the calendar stays as it is
        return written(date.fromisoformat(day))
    return day
