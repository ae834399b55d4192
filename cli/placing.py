"""A file that takes its place whole or not at all: it is made beside it, under a hidden name."""

import errno
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

# Standard library only: the porter (cli/porter.py) is started as root and loads nothing that it can do without.


class Aside:
    """A file that is being written. The folder may be another user's: nothing that lies there is followed."""

    def __init__(self, path: Path, *, public: bool) -> None:
        """Make it, readable for nobody else. Raises OSError.

        `public`: anybody may read it in its place, and it replaces a file there. Else a file that stands there stays:
        it may be evidence.
        """
        self._path, self._public = path, public
        self._expect_room()
        self._aside = path.with_name(f".{secrets.token_hex(8)}.part")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self.descriptor = os.open(self._aside, flags, 0o600)

    def keep(self) -> None:
        """Put it into its place, safe from a power cut. Raises OSError."""
        os.fchmod(self.descriptor, 0o644 if self._public else 0o600)
        os.fsync(self.descriptor)
        self._expect_room()
        self._aside.replace(self._path)

    def drop(self) -> None:
        """Remove it, if it was not kept."""
        with suppress(OSError):
            self._aside.unlink()

    def _expect_room(self) -> None:
        """Raise FileExistsError for what it must not take the place of: any file, or what is none, as /dev/stdout."""
        if self._public:
            try:
                free = stat.S_ISREG(self._path.stat().st_mode)
            except FileNotFoundError:
                free = True
        else:
            free = not os.path.lexists(self._path)
        if not free:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(self._path))
