"""How a command says that it cannot do what was asked: in the school's words, on stderr, with the right exit status."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from settings.errors import SchoolfilterError
from translations import _


class Failure(click.ClickException):
    """What was asked for makes sense but cannot be done now; exit status 1."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message to stderr."""
        click.echo(_("Error: {message}").format(message=self.format_message()), file=file, err=True)


class Misuse(Failure):
    """What was asked for is wrong or incomplete; exit status 2."""

    exit_code = 2


@contextmanager
def border() -> Iterator[None]:
    """Turn the errors of the layers below into a Failure, once, for every command."""
    try:
        yield
    except SchoolfilterError as error:
        raise Failure(str(error)) from error
    except PermissionError as error:
        hint = _("no permission for {path}: run it as root (sudo) or as the user that runs the service")
        raise Failure(hint.format(path=error.filename or error)) from error
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise Failure(f"{place}{error.strerror or error}") from error
