"""An installation with a small query log, an archive and a journal that speaks of both, and hands that change it."""

import shutil
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

from journal.intake.days import sums
from journal.opening import opened_journal
from journal.trust.device_key import device_key
from journal.trust.heads import signed_head
from journal.trust.signing import sign_head
from journal.trust.witness import line_of
from resolver.querylog import HEADER_LINE
from resolver.segments import begun
from settings.model import Paths, School, Settings
from storage.evidence import Head, Kind, digest_of, link_of
from storage.journal_db import Change, Inspector, JournalDb, Position, StoredArchive, StoredSegment, Tally

AT = datetime(2026, 11, 3, 4, tzinfo=UTC)
DAY = "2026-11-02"
NAMES = [f"20261102T{hour}0000-w{worker}-{hour - 15:04d}.tsv" for hour in (16, 17, 18) for worker in (0, 1)]
"""Closed segments: two workers, three hours, the last of a day."""
OPEN = ["20261102T190000-w0-0004.tsv", "20261102T190000-w1-0004.tsv"]
"""Those of the hour after it."""
KEPT = f"date={DAY}/0001.parquet"
REWRITTEN = f"date={DAY}/0002.parquet"
GONE = "date=2026-08-01/0001.parquet"


def settings_of(folder: Path) -> Settings:
    """Return the settings of the installation in a folder."""
    return Settings(school=School(name="School No. 7", language="en"), paths=Paths(folder))


async def build(folder: Path) -> None:
    """Make the installation: what the tailer, the archive and people would have entered."""
    settings = settings_of(folder)
    log = settings.paths.query_log
    log.mkdir()
    async with opened_journal(settings) as journal:
        await _take_in(journal, log, NAMES)
        await sign_head(journal, settings, AT)
        await _incidents(journal)
        await _archive(journal, settings)
        await sign_head(journal, settings, AT + timedelta(hours=1))
        await _accounts(journal)
        async with journal.changing(AT) as change:
            for name in OPEN:
                octets = segment(name)
                (log / name).write_bytes(octets + b"half a line")
                said = (_time(name), _time(name), _hex(octets), (_time(name)[:10],))
                await change.put_position(name, Position(len(octets), 3, 0, *said))
            hour = _time(OPEN[0])[:13]
            await change.count({(hour, Tally("214", "pupils", "block", "category", "games")): 6})
            await change.add(Kind.PAPER, {"paper": "act", "number": 1})
        await sign_head(journal, settings, AT + timedelta(hours=2))
        async with journal.changing(AT) as change:
            await change.add(Kind.ACCESS, {"what": "log search", "reason": "r"}, by="aigul", private={"asked": {}})


async def _take_in(journal: JournalDb, log: Path, names: Sequence[str]) -> None:
    counts = {(_time(name)[:13], Tally("214", "pupils", "block", "category", "games")): 6 for name in names}
    async with journal.changing(AT) as change:
        for name in names:
            octets = segment(name)
            (log / name).write_bytes(octets)
            body = {"name": name, "digest": _hex(octets), "bytes": len(octets), "lines": 3, "damaged": 0}
            body |= {"first": _time(name), "last": _time(name), "days": [_time(name)[:10]]}
            record = await change.add(Kind.SEGMENT, body)
            await change.close_segment(StoredSegment(name, record, len(octets), 3, _hex(octets), "", 0))
        await change.count(counts)
        body = dict(sums(datetime(2026, 11, 2, tzinfo=UTC).date(), [(*key, n) for key, n in counts.items()], 0))
        await change.add(Kind.DAY, body)


async def _incidents(journal: JournalDb) -> None:
    async with journal.changing(AT) as change:
        for number in range(1, 4):
            private = {"client": f"192.0.2.{number}", "device": "", "teacher": "", "asked": [["x.example.org", 3]]}
            body = {"id": f"2026-11-000{number}", "rule": "at-risk", "audience": "psychologist", "severity": "harmful"}
            await change.add(Kind.INCIDENT, body, private=private)
        erased = change.head.number
        erasure = await change.add(Kind.ERASURE, {"id": 1, "why": "asked"}, by="aigul", private={"clients": ["x"]})
        await change.unseal([erased])
        await change.add(Kind.ERASED, {"erasure": erasure, "files": [], "rows": 0, "unsealed": [erased]})


async def _archive(journal: JournalDb, settings: Settings) -> None:
    for file in (KEPT, REWRITTEN):
        path = settings.paths.archive / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"PAR1 {file} PAR1".encode())
    kept, before = (f"PAR1 {file} PAR1".encode() for file in (KEPT, REWRITTEN))
    after = before.replace(b"PAR1", b"PAR2")
    (settings.paths.archive / REWRITTEN).write_bytes(after)
    async with journal.changing(AT) as change:
        for file, octets, segments in ((KEPT, kept, NAMES[:2]), (REWRITTEN, before, NAMES[2:4]), (GONE, b"", [])):
            body = {"file": file, "digest": _hex(octets), "bytes": len(octets), "rows": 6, "day": file[5:15]}
            record = await change.add(Kind.ARCHIVE, body | {"segments": list(segments), "detail": "full"})
            await change.archived(StoredArchive(file, file[5:15], 6, len(octets), _hex(octets), record), segments)
        body = {
            "file": REWRITTEN,
            "before": _hex(before),
            "after": _hex(after),
            "bytes": len(after),
            "why": "anonymised",
        }
        record = await change.add(Kind.REWRITTEN, body | {"rows_before": 6, "rows_after": 6})
        await change.put_archive(StoredArchive(REWRITTEN, DAY, 6, len(after), _hex(after), record))
        await change.add(Kind.REMOVED, {"files": [GONE], "why": "retention"})
        await change.drop_archive(GONE)
        await change.add(Kind.REMOVED, {"segments": NAMES[:2], "why": "archived"})
        await change.segments_removed(NAMES[:2])
    for name in NAMES[:2]:
        (settings.paths.query_log / name).unlink()


async def _accounts(journal: JournalDb) -> None:
    async with journal.changing(AT) as change:
        for name, do, secret in (("dina", "made", "argon2"), ("erlan", "revoked", "")):
            said = {"inspector": name, "do": do, "until": "2027-01-01", "digest": _hex(secret.encode())}
            record = await change.add(Kind.ACCOUNT, said, by="aigul")
            await change.put_inspector(Inspector(name, secret, "2027-01-01", record))


def segment(name: str) -> bytes:
    """Return the octets of a segment: the header and three lines."""
    lines = (
        f"{_time(name)}\t192.0.2.{number}\t\t214\tpupils\t{name[16:18]}.example.org\tA\tblock\tcategory\tgames\tstarter-games"
        f"\tNOERROR\tpolicy\t0.{number}\n"
        for number in range(1, 4)
    )
    return HEADER_LINE + "".join(lines).encode()


def _time(name: str) -> str:
    moment = begun(name).astimezone(ZoneInfo("Asia/Almaty")) + timedelta(minutes=15)
    return moment.isoformat(timespec="milliseconds")


def _hex(octets: bytes) -> str:
    return sha256(octets).hexdigest()


# what somebody does who can write to everything


def by_hand(path: Path, *statements: str | tuple[object, ...]) -> None:
    """Change journal.db past the program: first without its triggers, as somebody would who means it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        for (trigger,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            text, *values = (statement,) if isinstance(statement, str) else statement
            raw.execute(str(text), values)


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    """Return the rows of a query."""
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute(query).fetchall()


def rechain(path: Path, *changes: str) -> list[Head]:
    """Change records, and compute all links anew, as somebody would who knows how. Return the new heads."""
    by_hand(path, *changes)
    heads, link = [], "0" * 64
    with closing(sqlite3.connect(path)) as raw:
        found = raw.execute("SELECT number, at, kind, by, body, seal FROM chain ORDER BY number").fetchall()
        for number, (_old, *content) in enumerate(found, 1):
            link = link_of(link, digest_of(number, *content))
            heads.append(Head(number, link))
        raw.execute("DELETE FROM chain")
        raw.executemany(
            "INSERT INTO chain VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(head.number, *content, head.link) for head, (_old, *content) in zip(heads, found, strict=True)],
        )
        raw.commit()
    return heads


def resign(settings: Settings, heads: Iterable[Head], *, in_file: bool) -> None:
    """Sign heads anew with the machine's key, where there were some, in journal.db and in heads.txt if asked for."""
    key, by_number = device_key(settings.paths.device_key, make=True), {head.number: head for head in heads}
    lines = []
    with closing(sqlite3.connect(settings.paths.journal_db)) as raw:
        for number, at in raw.execute("SELECT number, at FROM heads ORDER BY number").fetchall():
            signed = signed_head(key, by_number[number], datetime.fromisoformat(at))
            raw.execute(
                "UPDATE heads SET link = ?, signature = ? WHERE number = ?", (signed.link, signed.signature, number)
            )
            lines.append(line_of(signed))
        raw.commit()
    if in_file:
        settings.paths.heads.write_text("".join(f"{line}\n" for line in lines))


def copied(scene: Path, folder: Path) -> Settings:
    """Return the settings of a copy of an installation."""
    shutil.copytree(scene, folder, dirs_exist_ok=True)
    return replace(settings_of(folder))


__all__ = [
    "AT", "DAY", "GONE", "KEPT", "NAMES", "OPEN", "REWRITTEN", "Change", "build", "by_hand", "copied", "rechain",
    "resign", "rows", "segment", "settings_of",
]  # fmt: skip
