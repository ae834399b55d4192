"""Papers that were drawn up: numbered by kind and year, kept as files, with their digests in the chain."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from blocklists.disk import DISK
from journal.trust.alarms import Alarm
from journal.trust.device_key import device_key
from journal.trust.signing import keep_head, mend_witness
from settings.model import Settings
from storage.evidence import Body, Head, Kind, text, whole
from storage.journal_db import JournalDb


class PaperKind(StrEnum):
    """What a paper is; part of its file's name."""

    ACT = "act"
    MONTHLY_REPORT = "monthly-report"
    HANDOVER = "handover"
    BRIEFING = "briefing"
    PARENTS = "parents"
    JOURNAL = "journal"
    REFERRAL = "referral"


@dataclass(frozen=True, slots=True)
class KeptPaper:
    """A paper with its number, in each language in which it was drawn up."""

    kind: PaperKind
    number: int
    """Counts the papers of a kind within a year."""
    year: int
    files: tuple[Path, ...]
    head: Head
    """Printed on it: the chain as it stood before it."""
    record: int


Draw = Callable[[int, Head, str], bytes]
"""Given the paper's number, the head to print and the language: the PDF."""


async def keep_paper(
    journal: JournalDb,
    settings: Settings,
    kind: PaperKind,
    draw: Draw,
    languages: Sequence[str],
    *,
    at: datetime,
    by: str,
    says: Body | None = None,
) -> KeptPaper:
    """Draw a paper up, keep it under `papers/YEAR/`, and enter it in the chain with what it `says` in short.

    `at`: aware, in the school's time zone. The head that it prints is signed and kept. Raises OSError, PaperError,
    StorageError, DeviceKeyError; then nothing is entered and no file stays.
    """
    folder = settings.paths.papers / str(at.year)
    key = device_key(settings.paths.device_key)
    await mend_witness(journal, settings, at)
    files: list[Path] = []
    try:
        async with journal.changing(at) as change:
            number, head = await _next_number(journal, folder, kind, at.year), change.head
            said: list[Mapping[str, object]] = []
            for language in languages:
                pdf = draw(number, head, language)
                path = folder / f"{kind}-{at.year}-{number:03d}-{language}.pdf"
                _write(path, pdf)
                files.append(path)
                digest = sha256(pdf).hexdigest()
                said.append({"language": language, "file": path.name, "sha256": digest, "bytes": len(pdf)})
            body: Body = {**(says or {}), "paper": kind.value, "number": number, "year": at.year, "files": said}
            record = await change.add(Kind.PAPER, body, by=by)
            await keep_head(change, settings, key, head, at)
    except BaseException:
        for path in files:
            path.unlink(missing_ok=True)
        raise
    return KeptPaper(kind, number, at.year, tuple(files), head, record)


async def _next_number(journal: JournalDb, folder: Path, kind: PaperKind, year: int) -> int:
    last = 0
    async for record in journal.records((Kind.ALARM,)):
        if text(record.body, "what") == Alarm.DAMAGED:
            last = _last_of_files(folder, kind, year)
    async for record in journal.records((Kind.PAPER,)):
        if text(record.body, "paper") == kind and whole(record.body, "year") == year:
            last = max(last, whole(record.body, "number"))
    return last + 1


def _last_of_files(folder: Path, kind: PaperKind, year: int) -> int:
    """Return the highest number that a paper in the folder has: its record may be lost, but people signed it."""
    form = re.compile(rf"{kind}-{year}-([0-9]{{3,9}})-[a-z]+\.pdf")
    found = (form.fullmatch(path.name) for path in folder.glob("*.pdf"))
    return max((int(name[1]) for name in found if name is not None), default=0)


def _write(path: Path, octets: bytes) -> None:
    """Write the file whole, in place of what a failed attempt may have left. Only the service's user can read it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_suffix(".part")
    aside.unlink(missing_ok=True)
    DISK.write_private(aside, octets)
    DISK.move(aside, path)
