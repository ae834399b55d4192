"""What a person is asked: yes or no, and the director's passphrase."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import Misuse
from translations import _

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from approval.key_file import KeyFile

_TRIES = 3
"""So often a passphrase may be mistyped before everything has to be looked at again."""


def asks() -> bool:
    """Tell whether a person sits there who can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def confirmed(question: str, *, yes: bool) -> bool:
    """Return whether to go on; `yes` is the option --yes. Raises Misuse where nobody can be asked."""
    if yes:
        return True
    if not asks():
        raise Misuse(_("expected --yes, because nobody can be asked here. Nothing was changed."))
    return click.confirm(question)


def passphrase(file: Path | None, question: str) -> str:
    """Return a passphrase: the first line of a file, what is typed without being seen, or a line of standard input.

    Raises Misuse, OSError.
    """
    if file is not None:
        with file.open(encoding="utf-8", errors="surrogateescape") as lines:
            return _line(lines.readline(), str(file))
    if asks():
        return str(click.prompt(question, hide_input=True))
    return _line(sys.stdin.readline(), _("standard input"))


def unlock(locked: "KeyFile", file: Path | None, question: str) -> "Ed25519PrivateKey":
    """Return the director's key, opened; who types the passphrase may mistype it twice. Raises WrongPassphrase."""
    from approval.key_file import WrongPassphrase

    tries = _TRIES if file is None and asks() else 1
    while True:
        try:
            return locked.unlock(passphrase(file, question))
        except WrongPassphrase as error:
            tries -= 1
            if not tries:
                raise
            click.echo(str(error), err=True)


def new_passphrase(file: Path | None) -> str:
    """Return a passphrase for a key, found as `passphrase` does; what is typed is typed twice, until it is good enough.

    Raises WeakPassphrase, Misuse, OSError.
    """
    from approval.key_file import SHORTEST_PASSPHRASE, WeakPassphrase, check_passphrase

    if file is not None or not asks():
        found = passphrase(file, "")
        check_passphrase(found)
        return found
    hint = _(
        "The director chooses a passphrase of at least {least} characters: three or four words that do not belong "
        "together. Nobody else may know it, and nobody can find it out if it is forgotten."
    )
    click.echo(hint.format(least=SHORTEST_PASSPHRASE))
    while True:
        found = str(click.prompt(_("The new passphrase"), hide_input=True, confirmation_prompt=_("Once more")))
        try:
            check_passphrase(found)
        except WeakPassphrase as error:
            click.echo(str(error), err=True)
        else:
            return found


def _line(text: str, where: str) -> str:
    found = text.rstrip("\r\n")
    if not found:
        raise Misuse(_("expected a passphrase on the first line of {where}, found none").format(where=where))
    return found
