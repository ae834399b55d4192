"""The director's public key beside policy.db: by it orders are verified if the settings do not name one."""

from pathlib import Path

from blocklists.disk import DISK
from policy.sshsig import InvalidKey, fingerprint, key_bytes

NAME = "director.pub"


def read_pin(folder: Path) -> str:
    """Return the fingerprint of the key; empty if there is no file or no key in it: then no signed order counts."""
    try:
        text = (folder / NAME).read_text(encoding="ascii").strip()
        key_bytes(text)
    except (OSError, UnicodeDecodeError, InvalidKey):
        return ""
    return fingerprint(text)


def write_pin(folder: Path, public_text: str) -> None:
    """Put a key in the place of the one there was. Raises OSError."""
    DISK.replace_text(folder / NAME, public_text + "\n")
