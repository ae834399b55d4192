"""Tell whether a file is the one its makers published: checksums (damage) and minisign signatures (forgery). Pure."""

import hashlib
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable
from dataclasses import dataclass
from hmac import compare_digest

from blocklists.errors import RefusedText
from translations import _

_ALGORITHMS = {32: "md5", 64: "sha256", 128: "sha512"}
"""By the number of hexadecimal digits. MD5 finds a file that was damaged; it does not stop one who forges it."""
_GNU = re.compile(r"\\?([0-9a-fA-F]{32,128})(?:[ \t]+\*?(.+))?")
_BSD = re.compile(r"(?:MD5|SHA256|SHA512) ?\((.+)\) ?= ?([0-9a-fA-F]{32,128})")

_COMMENT = b"untrusted comment:"
_TRUSTED = b"trusted comment: "
_WHOLE, _HASHED = b"Ed", b"ED"
"""The two kinds of minisign: the signature is over the file, or over its BLAKE2b-512."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a file of checksums says about one file."""

    algorithm: str
    """`sha256`, `sha512` or `md5`, as hashlib calls them."""
    digest: str
    """In small hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A minisign public key."""

    key_id: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class Signature:
    """What a .minisig file holds."""

    hashed: bool
    key_id: bytes
    signature: bytes
    comment: bytes
    """Said by the one who signed, and covered by `whole`."""
    whole: bytes


def find_checksum(text: str, file_name: str) -> Checksum:
    """Return what a file of checksums says about a file: by its name, or the only line if it names none.

    Understood are `HASH  name`, `HASH *name`, `MD5 (name) = HASH` and a bare `HASH`. Raises RefusedText.
    """
    bare: set[Checksum] = set()
    named: dict[str, set[Checksum]] = {}
    for line in text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").splitlines():
        if (match := _BSD.fullmatch(line.strip())) is not None:
            name, digits = match.groups()
        elif (match := _GNU.fullmatch(line.strip())) is not None:
            digits, name = match.groups()
        else:
            continue
        if (algorithm := _ALGORITHMS.get(len(digits))) is not None:
            home = bare if name is None else named.setdefault(name.rpartition("/")[2], set())
            home.add(Checksum(algorithm, digits.lower()))
    found = named.get(file_name, set() if named else bare)
    if not found:
        there = _shown(named) or _("no checksum at all")
        message = _("expected a checksum (SHA-256, SHA-512 or MD5) of {name}, found {there}")
        raise RefusedText(message.format(name=file_name, there=there))
    # Several algorithms for one file are usual; the strongest one counts.
    strongest = max(len(each.digest) for each in found)
    best = [each for each in found if len(each.digest) == strongest]
    if len(best) > 1:
        raise RefusedText(_("expected one checksum of {name}, found several that differ").format(name=file_name))
    return best[0]


def check_checksum(wanted: Checksum, pieces: Iterable[bytes]) -> None:
    """Compare a file with its checksum. Raises RefusedText."""
    digest = hashlib.new(wanted.algorithm, usedforsecurity=wanted.algorithm != "md5")
    for piece in pieces:
        digest.update(piece)
    if not compare_digest(digest.hexdigest(), wanted.digest):
        raise RefusedText(
            _(
                "expected a file with the {algorithm} checksum {wanted}, found {found}: it was damaged or exchanged"
            ).format(algorithm=wanted.algorithm, wanted=wanted.digest, found=digest.hexdigest())
        )


def parse_public_key(text: str) -> PublicKey:
    """Read a minisign public key: the line that begins with RW, or the whole file it stands in. Raises RefusedText."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    raw = _decoded(lines[-1].encode() if lines else b"", 42)
    if raw is None or not raw.startswith(_WHOLE):
        raise RefusedText(_("expected a minisign public key (56 characters that begin with RW), found something else"))
    return PublicKey(raw[2:10], raw[10:])


def parse_signature(data: bytes) -> Signature:
    """Read a .minisig file. Raises RefusedText."""
    lines = [line.removesuffix(b"\r") for line in data.split(b"\n")]
    if len(lines) >= 4 and lines[0].startswith(_COMMENT) and lines[2].startswith(_TRUSTED):
        raw, whole = _decoded(lines[1], 74), _decoded(lines[3], 64)
        if raw is not None and whole is not None and raw[:2] in (_WHOLE, _HASHED):
            return Signature(raw[:2] == _HASHED, raw[2:10], raw[10:], lines[2].removeprefix(_TRUSTED), whole)
    raise RefusedText(_("expected a minisign signature, found something else"))


def check_signature(public: PublicKey, signature: Signature, data: bytes | memoryview) -> None:
    """Refuse a file that was not signed by the holder of the key. Raises RefusedText."""
    if signature.key_id != public.key_id:
        raise RefusedText(
            _("expected a signature by the key {wanted}, found one by the key {found}").format(
                wanted=_key_id(public.key_id), found=_key_id(signature.key_id)
            )
        )
    # Imported here: nearly no list is signed, and it would add 6 MB to every compile.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = Ed25519PublicKey.from_public_bytes(public.key)
    try:
        key.verify(signature.signature, hashlib.blake2b(data).digest() if signature.hashed else data)
        key.verify(signature.whole, signature.signature + signature.comment)
    except InvalidSignature as error:
        raise RefusedText(
            _("the file and its minisign signature do not belong together: it was damaged or forged")
        ) from error


def _decoded(line: bytes, size: int) -> bytes | None:
    try:
        raw = b64decode(line.strip(), validate=True)
    except Base64Error:
        return None
    return raw if len(raw) == size else None


def _key_id(raw: bytes) -> str:
    return f"{int.from_bytes(raw, 'little'):016X}"


def _shown(names: Iterable[str]) -> str:
    known = sorted(names)
    return ", ".join(known[:10]) + (", …" if len(known) > 10 else "")
