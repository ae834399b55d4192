"""OpenSSH's signatures (PROTOCOL.sshsig) with Ed25519: stock `ssh-keygen -Y verify` judges ours, and we judge its."""

import hashlib
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from translations import _

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

# `cryptography` is imported where it is used: a worker of a school whose orders are on paper saves its 6 MB.

_ALGORITHM = "ssh-ed25519"
_BEGIN = "-----BEGIN SSH SIGNATURE-----\n"
_END = "\n-----END SSH SIGNATURE-----\n"
_MAGIC = b"SSHSIG"
_VERSION = (1).to_bytes(4, "big")
_LINE = 70
"""Characters of base64 in a line, as ssh-keygen writes them."""
_HASHES = ("sha512", "sha256")
"""PROTOCOL.sshsig allows these two and no other. The first is ssh-keygen's default and the one we sign with."""
_KEY_SIZE = 32
_SIGNATURE_SIZE = 64


class InvalidKey(ValueError):  # noqa: N818 - reads as what it is: "except InvalidKey"
    """The text is no public Ed25519 key; the message says what was expected and what was found."""


def public_text(public_key: "Ed25519PublicKey") -> str:
    """Return a public key as OpenSSH writes it, on one line and without a comment: `ssh-ed25519 AAAA…`."""
    return _key_text(public_key.public_bytes_raw())


def key_bytes(public: str) -> bytes:
    """Return the 32 bytes of a public key, whose text must be exactly as `public_text` writes it. Raises InvalidKey."""
    try:
        raw = b64decode(public.removeprefix(f"{_ALGORITHM} "), validate=True)[-_KEY_SIZE:]
    except ValueError:
        raw = b""
    # Written again and compared: one key has one text, without a comment or bits that nobody reads.
    if public != _key_text(raw):
        message = _("expected a public key that begins with 'ssh-ed25519 AAAA', found {found}")
        raise InvalidKey(message.format(found=repr(public[:80])))
    return raw


def load_public(public: str) -> "Ed25519PublicKey":
    """Return the key whose text this is. Raises InvalidKey."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(key_bytes(public))


def fingerprint(public: str) -> str:
    """Return the fingerprint of a public key as `ssh-keygen -lf` prints it: `SHA256:…`. Raises InvalidKey."""
    digest = hashlib.sha256(_key_blob(key_bytes(public))).digest()
    return "SHA256:" + b64encode(digest).decode().rstrip("=")


def sign(private_key: "Ed25519PrivateKey", namespace: str, message: bytes) -> str:
    """Return the signature of a message as ssh-keygen writes it into a `.sig` file.

    The namespace says what the signature is for, so that one made for something else does not pass.
    """
    algorithm = _HASHES[0]
    signature = private_key.sign(_signed(namespace, algorithm, message))
    return _armored(_blob(private_key.public_key().public_bytes_raw(), namespace, algorithm, signature))


def verify(public: str, namespace: str, message: bytes, armored: str) -> bool:
    """Return whether the holder of the key signed the message for this namespace. Never raises.

    The text of the signature must be, to the last character, what ssh-keygen would write.
    """
    from cryptography.exceptions import InvalidSignature

    try:
        raw, signature = key_bytes(public), _dearmored(armored)[-_SIGNATURE_SIZE:]
        for algorithm in _HASHES:
            # Made again and compared, instead of taken apart and checked field by field: nothing can be forgotten.
            if armored == _armored(_blob(raw, namespace, algorithm, signature)):
                load_public(public).verify(signature, _signed(namespace, algorithm, message))
                return True
    except (ValueError, InvalidSignature):
        return False
    return False


def signer(armored: str) -> str:
    """Return the public key that a signature says it is by, without looking whether that is true; empty if unreadable.

    Only to tell a person whose signature was found in place of the one expected.
    """
    try:
        blob = _dearmored(armored)
    except ValueError:
        return ""
    end = len(_MAGIC + _VERSION + _string(_key_blob(bytes(_KEY_SIZE))))
    raw = blob[end - _KEY_SIZE : end]
    said = _MAGIC + _VERSION + _string(_key_blob(raw))
    return _key_text(raw) if blob.startswith(said) and len(said) == end else ""


def _string(data: bytes) -> bytes:
    """Return a string as SSH writes it (RFC 4251 section 5)."""
    return len(data).to_bytes(4, "big") + data


def _key_blob(raw: bytes) -> bytes:
    """Return a public key as RFC 8709 section 4 writes it."""
    return _string(_ALGORITHM.encode()) + _string(raw)


def _key_text(raw: bytes) -> str:
    return f"{_ALGORITHM} {b64encode(_key_blob(raw)).decode()}"


def _signed(namespace: str, algorithm: str, message: bytes) -> bytes:
    """Return what the key signs in place of the message (PROTOCOL.sshsig section 3)."""
    digest = hashlib.new(algorithm, message).digest()
    parts = (namespace.encode(), b"", algorithm.encode(), digest)
    return _MAGIC + b"".join(map(_string, parts))


def _blob(raw_key: bytes, namespace: str, algorithm: str, signature: bytes) -> bytes:
    """Return the signature with all that it says about itself (PROTOCOL.sshsig section 1)."""
    signature_blob = _string(_ALGORITHM.encode()) + _string(signature)
    parts = (_key_blob(raw_key), namespace.encode(), b"", algorithm.encode(), signature_blob)
    return _MAGIC + _VERSION + b"".join(map(_string, parts))


def _armored(blob: bytes) -> str:
    text = b64encode(blob).decode()
    return _BEGIN + "\n".join(text[at : at + _LINE] for at in range(0, len(text), _LINE)) + _END


def _dearmored(armored: str) -> bytes:
    """Return what stands between the first line and the last. Raises ValueError."""
    return b64decode(armored.removeprefix(_BEGIN).removesuffix(_END).replace("\n", ""), validate=True)
