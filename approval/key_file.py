"""The file with the director's private key, which only the director's passphrase opens."""

import hashlib
import json
import os
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from blocklists.disk import DISK
from policy.sshsig import key_bytes, public_text
from settings.errors import SchoolfilterError
from translations import _

VERSION = 1
SHORTEST_PASSPHRASE = 10
"""Characters. More than the 8 of NIST SP 800-63B: whoever has a copy of the file can try without end."""
LARGEST_FILE = 16 * 1024
"""No key is as long as that, and no more is read of a file."""

_SALT_SIZE, _NONCE_SIZE, _SECRET_SIZE = 16, 12, 32
_CIPHERTEXT_SIZE = 32 + 16
"""The private key, and the tag of Poly1305."""
_KDF, _CIPHER = "argon2id", "chacha20-poly1305"

Entropy = Callable[[int], bytes]
"""So many bytes that nobody can guess."""


class KeyFileError(SchoolfilterError):
    """The file with the director's key cannot be read or written."""


class DamagedKey(KeyFileError):  # noqa: N818 - reads as what it is
    """The file is not one of the director's key, or not as it was written."""


class WrongPassphrase(KeyFileError):  # noqa: N818 - reads as what it is
    """The passphrase does not open the key."""


class WeakPassphrase(KeyFileError):  # noqa: N818 - reads as what it is
    """The passphrase is too easy to guess."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one guess at the passphrase costs."""

    passes: int
    memory: int
    """KiB."""
    lanes: int


COST = Cost(passes=3, memory=64 * 1024, lanes=4)
"""RFC 9106 section 4, the choice for little memory: a fifth of a second on the machine of a school."""
_LEAST, _MOST = Cost(1, 8 * 1024, 1), Cost(16, 256 * 1024, 16)
"""What a file may ask for. One that somebody else made must not take all memory or the whole day."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """The director's private key as it lies on the disk, locked."""

    public: str
    """The public key, as `ssh-ed25519 AAAA…`."""
    cost: Cost
    salt: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)

    def unlock(self, passphrase: str) -> Ed25519PrivateKey:
        """Return the private key. Takes a fifth of a second. Raises WrongPassphrase or DamagedKey."""
        try:
            raw = _cipher(passphrase, self).decrypt(self.nonce, self.ciphertext, _readable(self))
        except InvalidTag:
            message = _(
                "the passphrase does not open the director's key. Type it again: small and capital letters count, and "
                "so does the language of the keyboard."
            )
            raise WrongPassphrase(message) from None
        key = Ed25519PrivateKey.from_private_bytes(raw)
        if public_text(key.public_key()) != self.public:
            raise DamagedKey(_("the file holds another private key than it says. Take the copy of the director's key."))
        return key


def create(passphrase: str, *, entropy: Entropy = os.urandom) -> tuple[KeyFile, Ed25519PrivateKey]:
    """Return a new key, locked and open. Raises WeakPassphrase."""
    key = Ed25519PrivateKey.from_private_bytes(entropy(32))
    return _locked(key, passphrase, entropy), key


def changed_passphrase(key_file: KeyFile, old: str, new: str, *, entropy: Entropy = os.urandom) -> KeyFile:
    """Return the same key locked with another passphrase. Raises WeakPassphrase, WrongPassphrase or DamagedKey.

    Copies of the old file can still be opened with the old one.
    """
    check_passphrase(new)
    return _locked(key_file.unlock(old), new, entropy)


def check_passphrase(passphrase: str) -> None:
    """Refuse a passphrase that is too short to lock a key with. Raises WeakPassphrase."""
    found = len(_normal(passphrase))
    if found < SHORTEST_PASSPHRASE:
        message = _(
            "expected a passphrase of at least {least} characters, found {found}: whoever copies the file of the key "
            "can try all short ones. Take three or four words that do not belong together."
        )
        raise WeakPassphrase(message.format(least=SHORTEST_PASSPHRASE, found=found))


def write(path: Path, key_file: KeyFile, *, overwrite: bool = False) -> None:
    """Write a key so that at each moment the old file or the new one is there whole. Raises KeyFileError.

    Without `overwrite` a file that stands there stays: a director's only key would be lost with it.
    """
    aside = path.with_name(path.name + ".new")
    try:
        if not overwrite and os.path.lexists(path):
            message = _(
                "expected no file at {path}, found one. It may hold a key: choose another place for the new one."
            )
            raise KeyFileError(message.format(path=path))
        aside.unlink(missing_ok=True)
        try:
            DISK.write_private(aside, key_text(key_file).encode())
            aside.replace(path)
        except OSError:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
            raise
        DISK.sync(path.parent)
    except OSError as error:
        message = _("the director's key cannot be written to {path}: {reason}. Choose another place for it.")
        raise KeyFileError(message.format(path=path, reason=error.strerror)) from error


def read(path: Path) -> KeyFile:
    """Return the key in a file, locked. Raises KeyFileError or DamagedKey."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE)
    except FileNotFoundError:
        message = _("expected the director's key at {path}, found no file. Name the place where it lies, or the copy.")
        raise KeyFileError(message.format(path=path)) from None
    except OSError as error:
        message = _("the director's key at {path} cannot be read: {reason}. Look who may read it, or take the copy.")
        raise KeyFileError(message.format(path=path, reason=error.strerror)) from error
    try:
        return parse_key_text(data)
    except ValueError:
        message = _(
            "expected the director's key at {path}, found another file or a damaged one. Take the copy. If there is "
            "none, the key is lost and has to be replaced."
        )
        raise DamagedKey(message.format(path=path)) from None


def key_text(key_file: KeyFile) -> str:
    """Return what stands in the file."""
    return json.dumps(_with_checksum(_members(key_file)), indent=2) + "\n"


def parse_key_text(data: bytes) -> KeyFile:
    """Return the key that a file holds. Raises ValueError for anything else."""
    try:
        said = json.loads(data)
        key_file = _of_members(said)
        # Written again and compared: no member more or less, and none that was damaged.
        if said != _with_checksum(_members(key_file)):
            raise ValueError("damaged")
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("of another form") from error
    return key_file


def _members(key_file: KeyFile) -> dict[str, object]:
    cost = key_file.cost
    return {
        "version": VERSION,
        "public": key_file.public,
        "kdf": {
            "name": _KDF,
            "passes": cost.passes,
            "memory_kib": cost.memory,
            "lanes": cost.lanes,
            "salt": b64encode(key_file.salt).decode(),
        },
        "cipher": _CIPHER,
        "nonce": b64encode(key_file.nonce).decode(),
        "ciphertext": b64encode(key_file.ciphertext).decode(),
    }


def _of_members(said: Any) -> KeyFile:
    """Return the key that the members tell of, if it is within bounds. Raises ValueError, and what members cause."""
    kdf = said["kdf"]
    for given, least, most in (
        (kdf["passes"], _LEAST.passes, _MOST.passes),
        (kdf["memory_kib"], _LEAST.memory, _MOST.memory),
        (kdf["lanes"], _LEAST.lanes, _MOST.lanes),
    ):
        if type(given) is not int or not least <= given <= most:
            raise ValueError("a cost out of bounds")
    key_bytes(said["public"])
    return KeyFile(
        said["public"],
        Cost(kdf["passes"], kdf["memory_kib"], kdf["lanes"]),
        salt=_decoded(kdf["salt"], _SALT_SIZE),
        nonce=_decoded(said["nonce"], _NONCE_SIZE),
        ciphertext=_decoded(said["ciphertext"], _CIPHERTEXT_SIZE),
    )


def _decoded(text: str, size: int) -> bytes:
    raw = b64decode(text, validate=True)
    if len(raw) != size:
        raise ValueError("of another length")
    return raw


def _with_checksum(members: dict[str, object]) -> dict[str, object]:
    """Add what tells a damaged file from a wrong passphrase. It does not stop a forger, the cipher does."""
    return {**members, "checksum": hashlib.sha256(_canonical(members)).hexdigest()}


def _canonical(members: object) -> bytes:
    return json.dumps(members, sort_keys=True, separators=(",", ":")).encode()


def _locked(key: Ed25519PrivateKey, passphrase: str, entropy: Entropy) -> KeyFile:
    check_passphrase(passphrase)
    public = public_text(key.public_key())
    empty = KeyFile(public, COST, salt=entropy(_SALT_SIZE), nonce=entropy(_NONCE_SIZE), ciphertext=b"")
    cipher = _cipher(passphrase, empty)
    return replace(empty, ciphertext=cipher.encrypt(empty.nonce, key.private_bytes_raw(), _readable(empty)))


def _readable(key_file: KeyFile) -> bytes:
    """Return all but the ciphertext: who changes any of it changes what the passphrase opens."""
    return _canonical({**_members(key_file), "ciphertext": ""})


def _cipher(passphrase: str, key_file: KeyFile) -> ChaCha20Poly1305:
    cost = key_file.cost
    kdf = Argon2id(
        salt=key_file.salt,
        length=_SECRET_SIZE,
        iterations=cost.passes,
        lanes=cost.lanes,
        memory_cost=cost.memory,
    )
    # A terminal may give bytes that are no text; they are a passphrase as well as any.
    return ChaCha20Poly1305(kdf.derive(_normal(passphrase).encode("utf-8", "surrogatepass")))


def _normal(passphrase: str) -> str:
    """Return the passphrase in the one form of its letters: keyboards write й as one character or as two."""
    return unicodedata.normalize("NFC", passphrase)
