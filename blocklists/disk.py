"""Writing that survives a power cut: every step through one small object, so that a test can cut the power at each."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class Disk:
    """The steps by which files and folders change."""

    def write(self, path: Path, data: bytes) -> None:
        """Write a file and force it to the disk."""
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def write_private(self, path: Path, data: bytes) -> None:
        """Write a new file that only this user can read and force it to the disk. Raises FileExistsError."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)

    def save(self, path: Path, writer: Callable[[Path], None]) -> None:
        """Let a library write a file by its path, then force it to the disk."""
        writer(path)
        self.sync(path)

    def sync(self, path: Path) -> None:
        """Force a file or a folder's list of names to the disk."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def make_folder(self, path: Path) -> None:
        """Make a folder and those above it."""
        path.mkdir(parents=True, exist_ok=True)

    def move(self, old: Path, new: Path) -> None:
        """Put a file or folder in place at once; a file that stands there is replaced."""
        old.replace(new)
        self.sync(new.parent)

    def remove(self, path: Path) -> None:
        """Remove a file or a folder with all in it, if it is there."""
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def replace_text(self, path: Path, text: str) -> None:
        """Replace a small file at once: a reader sees the old text or the new one, never a part."""
        aside = path.with_name(path.name + ".new")
        self.write(aside, text.encode())
        self.move(aside, path)


DISK = Disk()


@contextmanager
def alone(lists_folder: Path, what: str = "lock") -> Iterator[None]:
    """Be the only process that changes this lists folder (or does `what` in it); wait for another one to finish."""
    lists_folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lists_folder / what, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
