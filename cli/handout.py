"""Files that a command writes for people to carry away: anybody may read them, or the person behind sudo alone."""

import errno
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from cli.placing import Aside
from cli.porter import Carried, porter_of
from settings.errors import SchoolfilterError
from translations import _

_CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)


class NoPlaceError(SchoolfilterError):
    """A file may not be written where it was to be."""

    def __init__(self, path: Path, reason: str) -> None:
        """`reason`: what the system says."""
        self.strerror = reason
        self.next_step = _("Name a place where you may write, such as --output /tmp")
        super().__init__(f"{path}: {reason}. {self.next_step}")


def hand_out(path: Path, data: bytes) -> None:
    """Write a file that others may read, though the installed command runs with a narrow umask.

    The folder may be another user's: what lies at the path is replaced, never written to, since it may be a link.
    Raises OSError, NoPlaceError.
    """
    with _placed(path, public=True) as file:
        file.write(data)


@contextmanager
def confidential(path: Path) -> Iterator[BinaryIO]:
    """Write a file of personal data, of any size, that takes its place when the block has ended well.

    Nobody may read it but the person behind sudo, else the user that the command runs as. A file that stands there
    already stays: it may be evidence. Raises OSError, NoPlaceError.
    """
    with _placed(path, public=False) as file:
        yield file


def try_place(path: Path, *, public: bool) -> None:
    """Make a file as the others here do, and remove it, to see that there is a place. Raises OSError, NoPlaceError."""
    with _ended_by_sigterm():
        made = _made(path, public=public)
        os.close(made.descriptor)
        made.drop()


@contextmanager
def _placed(path: Path, *, public: bool) -> Iterator[BinaryIO]:
    with _ended_by_sigterm():
        made = _made(path, public=public)
        try:
            with os.fdopen(made.descriptor, "w+b") as file:
                yield file
                file.flush()
                if not public:
                    _give_away(file.fileno())
                made.keep()
        except BaseException:
            made.drop()
            raise


def _made(path: Path, *, public: bool) -> Aside | Carried:
    """Make the file as the person behind sudo, if there is a porter; else, or where they may not, as our own user."""
    porter = porter_of(os.environ)
    if porter is not None:
        with suppress(PermissionError, ConnectionError):
            return Carried(porter, path, public=public)
    try:
        return Aside(path, public=public)
    except OSError as error:
        if error.errno in _CLOSED:
            raise NoPlaceError(path, error.strerror or str(error)) from error
        if error.errno == errno.ENOENT:  # not the hidden name beside it, which nobody knows
            raise FileNotFoundError(error.errno, error.strerror, str(path.parent)) from error
        raise


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end the command as an error would: what is half written is removed."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _give_away(descriptor: int) -> None:
    """Give a file to the person behind sudo, if there is one and the file system has owners: memory sticks do not."""
    if os.geteuid() != 0:
        return
    with suppress(OSError, ValueError):
        os.fchown(descriptor, int(os.environ.get("SUDO_UID", "")), int(os.environ.get("SUDO_GID", "-1")))


def make_folder(path: Path) -> None:
    """Make a folder, if need be, that others may look into. Raises OSError."""
    if not path.is_dir():
        path.mkdir(parents=True)
        path.chmod(0o755)
