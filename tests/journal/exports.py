"""Exports for tests: made from given rows, with a real journal and a real key, and unpacked."""

import io
import zipfile
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

from journal.exporting.export import Exported, Wanted, write_export
from journal.exporting.export_data import Column, Format, data_of
from journal.opening import opened_journal
from settings.model import Paths, School, Settings
from storage.evidence import Kind

COLUMNS = (Column("time", "time"), Column("room", "room"), Column("name", "name"), Column("ms", "ms", number=True))
ROWS = [
    ("2026-09-02T10:15:30.250+05:00", "214", "www.example.org", "12.3"),
    ("2026-09-02T10:15:31.250+05:00", "каб-5", "example.net", "0.1"),
]


def settings_of(folder: Path) -> Settings:
    """Return the settings of a school that keeps its state in the folder."""
    return Settings(school=School(name="№ 5 «Мектеп»", time_zone="Asia/Almaty"), paths=Paths(state=folder / "var"))


async def made(
    folder: Path,
    form: Format = Format.CSV,
    *,
    rows: Sequence[Sequence[str]] = ROWS,
    numbers: Collection[int] = (),
) -> tuple[bytes, Exported]:
    """Return the zip and what came of it; other records stand before and after it."""
    settings = settings_of(folder)
    out = io.BytesIO()
    async with opened_journal(settings) as journal:
        head = await journal.head()
        async with journal.changing(datetime.now(UTC)) as change:
            access = await change.add(Kind.ACCESS, {"what": "log export", "reason": "check"}, by="teacher")
            await change.add(Kind.REVIEW, {"text": "between"}, by="teacher")
        wanted = Wanted("log", ("2026-09-01", "2026-09-30"), {"--device": "lab-07"}, "проверка", "teacher", access)
        data = data_of(form, "querylog", COLUMNS, [list(rows)], folder)
        exported = await write_export(journal, settings, out, wanted, data, COLUMNS, numbers)
        assert exported.head.number == head.number + 3
    return out.getvalue(), exported


def unpacked(octets: bytes, into: Path) -> Path:
    """Unpack a zip."""
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        assert archive.testzip() is None
        archive.extractall(into)
    return into
