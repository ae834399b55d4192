"""The device's key: with it this machine signs heads of the chain and exports by itself, without a passphrase.

It shows that evidence comes from this machine and was not changed on the way. Whoever is root here can use it too; what
shows their work is a head on paper, or with somebody else.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from blocklists.disk import DISK
from policy.sshsig import fingerprint, public_text
from settings.errors import SchoolfilterError
from translations import _

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HEAD_NAMESPACE = "schoolfilter-journal-head-v1"
EXPORT_NAMESPACE = "schoolfilter-export-v1"


class DeviceKeyError(SchoolfilterError):
    """The device's key cannot be read, or is not there."""


def device_key(path: Path, *, make: bool = False) -> "Ed25519PrivateKey":
    """Return the key; `make` it if there is none. It is a file as OpenSSH keeps them. Raises DeviceKeyError, OSError.

    Only who begins a journal, and the server, which enters an alarm then, make one where the journal may name another.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    if not path.exists():
        if not make:
            raise DeviceKeyError(_missing(path))
        made = Ed25519PrivateKey.generate()
        _write_once(path, made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    return _read(path)


def device_fingerprint(key: "Ed25519PrivateKey") -> str:
    """Return the fingerprint as `ssh-keygen -lf` prints it."""
    return fingerprint(public_text(key.public_key()))


def key_fault(path: Path, known: str) -> str:
    """Return what is wrong with the key's file, in words with the next step; empty if nothing is.

    `known`: the public key by which the journal is signed, as its chain names it.
    """
    try:
        if not path.exists():
            return _missing(path)
        public = public_text(_read(path).public_key())
    except (DeviceKeyError, OSError) as error:
        return str(error)
    if public == known:
        return ""
    return _(
        "{path}: expected the key by which the journal is signed, found another one: somebody put it there. Put "
        "device.key back from the backup; else the server signs with this one from its next start or hour on, and "
        "enters an alarm."
    ).format(path=path)


def _missing(path: Path) -> str:
    return _(
        "{path}: expected this machine's key, found no file. Put device.key back from the backup. Without one, start "
        "the server again: it makes a new key and enters an alarm, which stays in the journal for ever."
    ).format(path=path)


def _read(path: Path) -> "Ed25519PrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    try:
        key = load_ssh_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        message = _(
            "{path}: expected this machine's key (Ed25519, without a passphrase), found what cannot be read: {error}. "
            "Put it back from a backup; without one, move the file aside: a new key is made, and the journal says so."
        )
        raise DeviceKeyError(message.format(path=path, error=error)) from error
    if not isinstance(key, Ed25519PrivateKey):
        message = _("{path}: expected a key of the kind Ed25519, found another kind. Put it back from a backup.")
        raise DeviceKeyError(message.format(path=path))
    return key


def _write_once(path: Path, octets: bytes) -> None:
    """Publish the file whole, unless somebody else did so meanwhile: then theirs counts."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        DISK.write_private(aside, octets)
        with suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    DISK.sync(path.parent)
