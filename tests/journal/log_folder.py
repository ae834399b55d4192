"""An installation whose query log a test writes, and what plain Python says of it: the judge of every search."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from zoneinfo import ZoneInfo

from journal.archiving.search import Filter
from journal.opening import opened_journal
from resolver.querylog import COLUMNS, HEADER_LINE
from settings.model import Log, Paths, School, Settings
from storage.evidence import Kind
from storage.journal_db import StoredSegment, Tally

ZONE = ZoneInfo("Asia/Almaty")
Row = tuple[str, ...]


def installation(folder: Path, log: Log = Log()) -> Settings:  # noqa: B008 - frozen
    """Return the settings of an installation in this folder."""
    return Settings(school=School(name="School 7", time_zone=str(ZONE)), log=log, paths=Paths(folder / "var"))


def row(
    moment: datetime,
    client: str = "10.0.0.5",
    name: str = "www.example.org",
    *,
    device: str = "",
    room: str = "214",
    group: str = "pupils",
    kind: str = "A",
    action: str = "allow",
    reason: str = "default",
    category: str = "",
    ms: str = "12.3",
) -> Row:
    """Return the columns of a line; the moment is aware."""
    time = moment.isoformat(timespec="milliseconds")
    return (time, client, device, room, group, name, kind, action, reason, category, "", "NOERROR", "cache", ms)


def line(columns: Sequence[str]) -> bytes:
    """Return the line of the log."""
    return "\t".join(columns).encode("ascii") + b"\n"


def write_segment(
    settings: Settings, begun: datetime, rows: Iterable[Row], *, worker: int = 0, number: int = 1, tail: bytes = b""
) -> Path:
    """Write a segment as a worker would; `tail` follows its last line."""
    folder = settings.paths.query_log
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{begun.astimezone(UTC):%Y%m%dT%H%M%S}-w{worker}-{number:04d}.tsv"
    path.write_bytes(HEADER_LINE + b"".join(line(each) for each in rows) + tail)
    return path


def close_segments(settings: Settings, paths: Iterable[Path], *, at: datetime | None = None) -> None:
    """Enter segments as closed and taken in whole, as the tailer does."""

    async def close() -> None:
        async with opened_journal(settings) as journal, journal.changing(at or datetime.now(UTC)) as change:
            for path in paths:
                octets = path.read_bytes()
                whole = octets[: octets.rfind(b"\n") + 1]
                digest, lines = sha256(whole).hexdigest(), whole.count(b"\n") - 1
                body = {"name": path.name, "digest": digest, "bytes": len(whole), "lines": lines, "damaged": 0}
                hour = f"{path.name[:4]}-{path.name[4:6]}-{path.name[6:11]}"
                record = await change.add(Kind.SEGMENT, {**body, "first": hour, "last": hour})
                await change.count({(hour, Tally("214", "pupils", "allow", "default", "")): lines})
                await change.close_segment(StoredSegment(path.name, record, len(whole), lines, digest, "", 0))

    asyncio.run(close())


def judged(rows: Iterable[Row], wanted: Filter) -> list[Row]:
    """Return the rows that are wanted, in order of time, without any database."""
    found = [each for each in rows if _is_wanted(dict(zip(COLUMNS, each, strict=True)), wanted)]
    return sorted(found, key=lambda each: (datetime.fromisoformat(each[0]), each[1], each[5], each[6]))


def _is_wanted(of: dict[str, str], wanted: Filter) -> bool:
    moment = datetime.fromisoformat(of["time"])
    if (wanted.since and moment < wanted.since) or (wanted.until and moment >= wanted.until):
        return False
    for column, values in (
        ("device", wanted.devices),
        ("room", wanted.rooms),
        ("group", wanted.groups),
        ("category", wanted.categories),
        ("action", wanted.actions),
        ("reason", wanted.reasons),
        ("type", wanted.types),
    ):
        if values and of[column] not in values:
            return False
    if wanted.clients and not (of["client"] and any(ip_address(of["client"]) in each for each in wanted.clients)):
        return False
    if wanted.name and of["name"] != wanted.name and not of["name"].endswith(f".{wanted.name}"):
        return False
    return wanted.word in of["name"] or (not wanted.word.isascii() and wanted.word in _letters(of["name"]))


def _letters(name: str) -> str:
    """Return a name with the letters that its A-labels stand for, by the codec of Python."""
    try:
        return name.encode().decode("idna")
    except UnicodeError:
        return name
