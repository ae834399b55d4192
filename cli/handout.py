"""Files that a command writes for people to carry away: anybody may read them, whoever the command ran as."""

from pathlib import Path


def hand_out(path: Path, data: bytes) -> None:
    """Write a file that others may read, though the installed command runs with a narrow umask. Raises OSError."""
    path.write_bytes(data)
    path.chmod(0o644)


def make_folder(path: Path) -> None:
    """Make a folder, if need be, that others may look into. Raises OSError."""
    if not path.is_dir():
        path.mkdir(parents=True)
        path.chmod(0o755)
