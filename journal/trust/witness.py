"""heads.txt: the signed heads once more, outside journal.db, so that a journal.db put back to an earlier state shows.

One line a head, in the order of signing: number, link, moment, fingerprint of the key, signature (base64 of the
SSHSIG), separated by one space each. A line is on the disk before journal.db has the head: so what journal.db has is
here too.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from blocklists.disk import DISK
from policy.sshsig import fingerprint, signer
from storage.journal_db import SignedHead

_BEGIN = "-----BEGIN SSH SIGNATURE-----"
_END = "-----END SSH SIGNATURE-----"
_WIDTH = 70
_TAIL = 4096
"""Octets; a line has some 500."""


def line_of(head: SignedHead) -> str:
    """Return the line of a head, without its line feed."""
    signature = "".join(head.signature.splitlines()[1:-1])
    return f"{head.number} {head.link} {head.at} {fingerprint(head.key)} {signature}"


def head_of(line: str) -> SignedHead:
    """Return the head of a line, as `line_of` writes it to the last character. Raises ValueError.

    Whether it is signed, and by whose key, others must say.
    """
    number, link, at, _fingerprint, signature = line.split(" ")
    wrapped = [signature[start : start + _WIDTH] for start in range(0, len(signature), _WIDTH)]
    armored = "\n".join((_BEGIN, *wrapped, _END, ""))
    head = SignedHead(int(number), link, at, signer(armored), armored)
    if line_of(head) != line:
        raise ValueError(f"expected a line of heads.txt, found {line[:80]!r}")
    return head


def read_witness(path: Path) -> list[SignedHead | None]:
    """Return the head of each line, None for a line that is none; nothing if there is no file. Raises OSError.

    Half a line at the end is what a power cut left: journal.db never had that head.
    """
    try:
        *lines, _half = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    return [_parsed(line) for line in lines]


def last_witness(path: Path) -> SignedHead | None:
    """Return the last head of the file; None if there is none, or the line is damaged. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        file.seek(max(0, os.fstat(descriptor).st_size - _TAIL))
        whole = file.read().split(b"\n")[:-1]
    return _parsed(whole[-1]) if whole else None


def is_gone(path: Path) -> bool:
    """Return whether there is no file, or no line in it. Raises OSError."""
    try:
        with path.open("rb") as file:
            return b"\n" not in file.read(_TAIL)
    except FileNotFoundError:
        return True


def write_witness(path: Path, heads: Iterable[SignedHead]) -> None:
    """Begin the file anew with these heads, whole or not at all. Who calls holds the journal's transaction.

    Raises OSError.
    """
    aside = path.with_name(f"{path.name}.new")
    DISK.remove(aside)
    DISK.write_private(aside, "".join(f"{line_of(head)}\n" for head in heads).encode())
    DISK.move(aside, path)


def append_witness(path: Path, head: SignedHead) -> None:
    """Add a head's line and force it to the disk. Who calls holds the journal's transaction. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        _cut_half_a_line(descriptor, size)
        line = f"{line_of(head)}\n".encode()
        if os.write(descriptor, line) != len(line):
            raise OSError(f"{path}: the disk took half a line")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if not size:
        DISK.sync(path.parent)


def _parsed(line: bytes) -> SignedHead | None:
    try:
        return head_of(line.decode("ascii"))
    except ValueError:
        return None


def _cut_half_a_line(descriptor: int, size: int) -> None:
    start = max(0, size - _TAIL)
    tail = os.pread(descriptor, _TAIL, start)
    if tail and not tail.endswith(b"\n"):
        os.ftruncate(descriptor, start + tail.rfind(b"\n") + 1)
