"""A disk that loses power at a chosen step."""

from collections.abc import Callable
from pathlib import Path

from blocklists.disk import Disk


class PowerCut(BaseException):
    """Nothing in the program may catch it, as nothing catches a power cut."""


class FailingDisk(Disk):
    """Loses power before or after its n-th step and does nothing from then on."""

    def __init__(self, steps: int, *, after: bool) -> None:
        self.left = steps
        self.after = after
        self.dead = False

    def step(self, action: Callable[[], None]) -> None:
        """Do what counts as one step, of the disk or of anything else. Raises PowerCut."""
        if self.dead:
            raise PowerCut
        if self.left == 0:
            self.dead = True
            if self.after:
                action()
            raise PowerCut
        self.left -= 1
        action()

    def write(self, path: Path, data: bytes) -> None:
        def half() -> None:
            path.write_bytes(data[: len(data) // 2])

        self.step(lambda: super(FailingDisk, self).write(path, data) if not self.dead else half())

    def save(self, path: Path, writer: Callable[[Path], None]) -> None:
        def half() -> None:
            writer(path)
            data = path.read_bytes()
            path.unlink()  # it may be a link to what is whole
            path.write_bytes(data[: len(data) // 2])

        self.step(lambda: writer(path) if not self.dead else half())

    def sync(self, path: Path) -> None:
        self.step(lambda: super(FailingDisk, self).sync(path))

    def make_folder(self, path: Path) -> None:
        self.step(lambda: super(FailingDisk, self).make_folder(path))

    def move(self, old: Path, new: Path) -> None:
        self.step(lambda: super(FailingDisk, self).move(old, new))

    def remove(self, path: Path) -> None:
        self.step(lambda: super(FailingDisk, self).remove(path))
