"""What can go wrong with a database file, in words that say what to do next."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from settings.errors import SchoolfilterError
from translations import _


class StorageError(SchoolfilterError):
    """A database cannot be used as asked."""


class DamagedDatabase(StorageError):  # noqa: N818 - reads as what it is
    """The file is no database, or its content contradicts itself."""

    def __init__(self, message: str, path: Path, found: str) -> None:
        """`found`: what is wrong with the file."""
        super().__init__(message)
        self.path = path
        self.found = found


class NewerDatabase(StorageError):  # noqa: N818 - reads as what it is
    """The file was written by a newer version of the program."""


class BusyDatabase(StorageError):  # noqa: N818 - reads as what it is
    """Another process has held the database for too long."""


class UnreachableDatabase(StorageError):  # noqa: N818 - reads as what it is
    """The file or its folder cannot be opened or written: permission, space, a missing folder."""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours, once, where they leave this package."""
    try:
        yield
    except sqlite3.Error as error:
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            message = _("{path}: another program has been writing for too long. Try again in a moment.")
            raise BusyDatabase(message.format(path=path)) from error
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise damaged(path, str(error)) from error
        message = _("{path}: cannot be used: {error}. Check that the folder exists, is writable and has free space.")
        raise UnreachableDatabase(message.format(path=path, error=error)) from error
    except PermissionError as error:
        message = _("no permission for {path}: run it as root (sudo) or as the user that runs the service")
        raise UnreachableDatabase(message.format(path=path)) from error
    except OSError as error:
        message = _("{path}: cannot be used: {error}. Check that the folder exists, is writable and has free space.")
        raise UnreachableDatabase(message.format(path=path, error=error.strerror or error)) from error


def damaged(path: Path, found: str) -> DamagedDatabase:
    """Return the error for a file that cannot be trusted."""
    message = _(
        "{path}: expected a sound database, found: {found}. Move the file aside and put a backup in its place "
        "(a copy from before the last migration lies beside it, if there was one), or begin anew: `schoolfilter init`."
    )
    return DamagedDatabase(message.format(path=path, found=found), path, found)


@contextmanager
def of_the_journal(path: Path) -> Iterator[None]:
    """Say of a damaged journal.db what is right for it: nobody has to move it aside by hand."""
    try:
        yield
    except DamagedDatabase as error:
        if error.path != path:
            raise
        message = _(
            "{path}: expected a sound database, found: {found}. The server keeps such a file aside and goes on from "
            "the copy of the last night by itself: start it if it does not run, and look at `schoolfilter status` in a "
            "minute."
        )
        raise DamagedDatabase(message.format(path=path, found=error.found), path, error.found) from error
