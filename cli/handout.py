"""Files that a command writes for people to carry away: anybody may read them, or the person behind sudo alone."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


def hand_out(path: Path, data: bytes) -> None:
    """Write a file that others may read, though the installed command runs with a narrow umask. Raises OSError.

    The folder may be another user's: what lies at the path is replaced, never written to, since it may be a link.
    """
    _expect_file(path)
    aside = path.with_name(f".{secrets.token_hex(8)}.part")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(descriptor, 0o644)
            os.fsync(descriptor)
        aside.replace(path)
    except BaseException:
        with suppress(OSError):
            aside.unlink()
        raise


@contextmanager
def confidential(path: Path) -> Iterator[BinaryIO]:
    """Write a file of personal data, of any size, that takes its place when the block has ended well. Raises OSError.

    Nobody may read it but the person behind sudo, else the user that the command runs as. A file that stands there
    already stays: it may be evidence.
    """
    aside = path.with_name(f".{secrets.token_hex(8)}.part")
    _expect_nothing(path)
    descriptor = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            _give_away(descriptor)
            os.fsync(descriptor)
        _expect_nothing(path)
        aside.rename(path)
    except BaseException:
        with suppress(OSError):
            aside.unlink()
        raise


def _give_away(descriptor: int) -> None:
    """Give a file to the person behind sudo, if there is one and the file system has owners: memory sticks do not."""
    if os.geteuid() != 0:
        return
    with suppress(OSError, ValueError):
        os.fchown(descriptor, int(os.environ.get("SUDO_UID", "")), int(os.environ.get("SUDO_GID", "-1")))


def _expect_nothing(path: Path) -> None:
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def _expect_file(path: Path) -> None:
    """Raise FileExistsError for what a file must not take the place of, as /dev/stdout."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def make_folder(path: Path) -> None:
    """Make a folder, if need be, that others may look into. Raises OSError."""
    if not path.is_dir():
        path.mkdir(parents=True)
        path.chmod(0o755)
