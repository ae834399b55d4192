"""A zip that is written while its content comes, with the digest of each file in it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from io import BufferedIOBase
from typing import IO, BinaryIO, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from journal.exporting.export_data import Data


@dataclass(frozen=True, slots=True)
class Packed:
    """A file in the zip."""

    name: str
    sha256: str
    bytes: int

    def said(self) -> dict[str, object]:
        """Return what the manifest says of it."""
        return {"name": self.name, "sha256": self.sha256, "bytes": self.bytes}


@dataclass(slots=True)
class Package:
    """The zip that is being written."""

    archive: ZipFile
    files: list[Packed] = field(default_factory=list)

    def stream(self, data: Data) -> int:
        """Add the data; return how many rows they are."""
        with self.opened(data.path, is_packed=data.is_packed) as file:
            return data.fill(file)

    def add(self, name: str, octets: bytes) -> None:
        """Add a small file."""
        with self.opened(name) as file:
            file.write(octets)

    @contextmanager
    def opened(self, name: str, *, is_packed: bool = False) -> Iterator[BinaryIO]:
        """Add a file of any size."""
        entry = ZipInfo(name, time.localtime()[:6])
        entry.compress_type = ZIP_STORED if is_packed else ZIP_DEFLATED
        entry.external_attr = 0o600 << 16
        with self.archive.open(entry, "w", force_zip64=True) as inside:
            hashing = _Hashing(inside)
            yield cast(BinaryIO, hashing)
        self.files.append(Packed(name, hashing.digest.hexdigest(), hashing.bytes))

    def sums(self) -> bytes:
        """Return the digests of all that was added, as sha256sum takes them."""
        return "".join(f"{each.sha256}  {each.name}\n" for each in self.files).encode("ascii")


class _Hashing(BufferedIOBase):
    """Passes on what is written, and remembers its digest."""

    def __init__(self, into: IO[bytes]) -> None:
        self._into = into
        self.digest = sha256()
        self.bytes = 0

    def writable(self) -> bool:
        """Return that it is written to."""
        return True

    def write(self, octets: bytes) -> int:  # type: ignore[override] # nobody here writes anything but bytes
        """Pass them on."""
        self.digest.update(octets)
        self.bytes += len(octets)
        return self._into.write(octets)
