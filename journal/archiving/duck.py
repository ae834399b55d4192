"""How DuckDB is opened: with little memory, nothing fetched from anywhere, and its own folder for what does not fit."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from settings.errors import SchoolfilterError
from settings.model import Settings
from translations import _

THREADS = 2
"""Each takes memory of its own; a school's machine has few cores, and answers come first."""
_PREFIX = "duckdb-"


class DuckError(SchoolfilterError):
    """DuckDB cannot do what was asked: memory, disk, or a file of the archive that cannot be read."""


@contextmanager
def opened_duck(settings: Settings, *, threads: int = THREADS) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB in memory for as long as the block lasts. Raises DuckError, also for its errors inside; OSError."""
    with scratch(settings) as folder:
        options: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{settings.log.archive_megabytes}MB",
            "threads": threads,
            "temp_directory": str(folder),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "enable_external_file_cache": False,
            "preserve_insertion_order": False,
            "allocator_flush_threshold": "16MB",
            "lock_configuration": True,
        }
        with _translated():
            connection = duckdb.connect(":memory:", config=options)
            try:
                yield connection
            finally:
                connection.close()


@contextmanager
def scratch(settings: Settings) -> Iterator[Path]:
    """Make a folder that nobody else reads, for as long as the block lasts: the log is about people. Raises OSError."""
    place = settings.paths.state / "tmp"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder, lock = _made(place)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep(settings: Settings) -> None:
    """Remove what processes left that did not end in peace: a lock ends with its process, whatever ended that."""
    for folder in (settings.paths.state / "tmp").glob(f"{_PREFIX}*"):
        with suppress(OSError):  # somebody works in it, or it is gone
            lock = _lock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                shutil.rmtree(folder)
            finally:
                os.close(lock)


def _made(place: Path) -> tuple[Path, int]:
    """Make a folder and lock it; return its lock with it. One that is swept before it is locked is made anew."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
        with suppress(FileNotFoundError):
            lock = _lock(folder, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)


def _lock(folder: Path, how: int) -> int:
    """Lock a folder; return what holds the lock until it is closed. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, how)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def literal(path: Path) -> str:
    """Return a path as a text of SQL, for the few places that take no parameter."""
    return "'" + str(path).replace("'", "''") + "'"


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        message = _(
            "the archive of the query log cannot be read or written: {error}. Free some disk space, "
            "or raise log.archive_megabytes; `schoolfilter log verify` tells whether a file is damaged."
        )
        raise DuckError(message.format(error=str(error).partition("\n")[0])) from error
