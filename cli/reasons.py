"""`--reason`: why somebody looks at personal data."""

from collections.abc import Callable
from typing import Any

import click

from cli.asking import asks
from cli.errors import Misuse
from cli.typed import text_of
from translations import _

Command = Callable[..., Any]


def reason_or_asked(reason: str) -> str:
    """Return why somebody looks; who gave no reason is asked, if a person sits there. Empty: none. Raises Misuse.

    Not to be called inside a loop: it would keep Ctrl-C from ending the question.
    """
    if reason or not asks():
        return reason
    question = _("Why do you look? It is entered in the journal (Enter: no reason)")
    return text_of(str(click.prompt(question, default="", show_default=False, err=True)), "--reason")


def reason_option(*, required: bool) -> Callable[[Command], Command]:
    """Return what gives a command --reason: why personal data are looked at."""

    def checked(_ctx: click.Context, _option: click.Parameter, value: str | None) -> str:
        reason = text_of(value or "", "--reason")
        if required and not reason:
            raise Misuse(
                _(
                    "expected --reason with why you look, such as --reason 'question of the parents of 7-b': it is "
                    "entered in the journal"
                )
            )
        return reason

    return click.option(
        "--reason", metavar="TEXT", callback=checked, help=_("Why; it is entered in the journal with your name.")
    )
