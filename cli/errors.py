"""How a command says that it cannot do what was asked: in the school's words, on stderr, with the right exit status."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, NoReturn

import click

from settings.errors import SchoolfilterError
from translations import _

_READER_GONE = 128 + signal.SIGPIPE
"""As other programs end: neither "all is well" nor "something is wrong" may be read from what was not said."""


class Failure(click.ClickException):
    """What was asked for makes sense but cannot be done now; exit status 1."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message to stderr."""
        click.echo(_("Error: {message}").format(message=self.format_message()), file=file, err=True)


class Misuse(Failure):
    """What was asked for is wrong or incomplete; exit status 2."""

    exit_code = 2


def leave_quietly(status: int = _READER_GONE) -> NoReturn:
    """End a command whose reader has gone, as `| head` does when it has got what it wanted: it is no error."""
    # Python flushes stdout once more at exit and would complain about the closed pipe.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(status)


@contextmanager
def border() -> Iterator[None]:
    """Turn the errors of the layers below into a Failure, once, for every command."""
    try:
        yield
    except SchoolfilterError as error:
        raise Failure(str(error)) from error
    except BrokenPipeError as error:
        if error.filename:
            raise Failure(f"{error.filename}: {error.strerror}") from error
        leave_quietly()
    except PermissionError as error:
        hint = _("no permission for {path}: run it as root (sudo) or as the user that runs the service")
        raise Failure(hint.format(path=error.filename or error)) from error
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise Failure(f"{place}{error.strerror or error}") from error
