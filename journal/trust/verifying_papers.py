"""Verifying the papers that were drawn up: each file is there, and has the digest that its record says."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from journal.trust.verdict import Broken, Trouble


def paper_troubles(folder: Path, papers: Mapping[str, tuple[int, str]]) -> Iterator[Broken]:
    """Yield the papers that are missing or changed. `papers`: by `YEAR/NAME`, record and digest. Raises OSError."""
    for file, (record, digest) in sorted(papers.items(), key=lambda each: (each[1][0], each[0])):
        try:
            found = sha256((folder / file).read_bytes()).hexdigest()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            yield Broken(Trouble.MISSING, record, f"papers/{file}")
            continue
        if found != digest:
            yield Broken(Trouble.CHANGED, record, f"papers/{file}")
