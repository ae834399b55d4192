"""What `log verify` and `journal verify` take: how fast files are read against the chain, and the chain itself."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from bench.plan import FULL, Bench
from bench.processes import BenchError
from bench.results import Outcome, Section, Target
from journal.opening import opened_journal
from journal.trust.signing import sign_head
from journal.trust.verdict import Verdict
from journal.trust.verifying import verify_journal
from journal.trust.verifying_log import verify_log
from resolver.querylog import HEADER_LINE
from settings.model import Paths, Settings
from storage.evidence import Body, Kind
from storage.journal_db import StoredSegment, Tally

_SEGMENT = 64_000_000
"""Octets, as log.segment_megabytes has it by default."""
_HUNDRED_MB = 1e8
_INCIDENT: Body = {
    "id": "2026-09-0001", "rule": "at-risk", "severity": "harmful", "category": "gambling",
    "audience": "psychologist", "room": "214", "group": "pupils", "lesson": "7-b, Informatics",
    "first": "2026-09-01T09:40:00.000+05:00", "last": "2026-09-01T09:52:00.000+05:00", "queries": 12, "names": 2,
    "signs": ["repeated", "varied"],
}  # fmt: skip


def verifying(bench: Bench) -> Outcome:
    """Verify a log of some gigabytes, and a journal of a million records."""
    if not bench.with_ours:
        return Outcome(())
    segments, records = (32, 1_000_000) if bench.plan is FULL else (8, 100_000)
    folder = bench.work / "verifying"
    settings = Settings(paths=Paths(folder))
    bench.say(f"verifying: writing {segments} segments and {records:,} records")
    asyncio.run(_make(settings, segments, records))
    bench.say("verifying: the journal, then the log")
    began = time.perf_counter()
    _sound(asyncio.run(verify_journal(settings)))
    journal_seconds = time.perf_counter() - began
    began = time.perf_counter()
    verdict = _sound(asyncio.run(verify_log(settings)))
    log_seconds = time.perf_counter() - began - journal_seconds
    size = settings.paths.journal_db.stat().st_size
    rows = (
        ("journal.db", f"{size / 1e6:,.0f}", f"{journal_seconds:.2f}", f"{size / journal_seconds / 1e6:,.0f}"),
        (
            "query log",
            f"{verdict.octets / 1e6:,.0f}",
            f"{log_seconds:.2f}",
            f"{verdict.octets / log_seconds / 1e6:,.0f}",
        ),
    )
    return Outcome(
        (
            Section(
                "Verification",
                f"`journal verify` with {records:,} records (a third of them with sealed parts), and what `log verify` "
                f"takes besides for {segments} segments; what was written lately is in the page cache. Links are "
                f"followed at {records / journal_seconds:,.0f} records a second.",
                ("what", "MB", "seconds", "MB/s"),
                rows,
            ),
        ),
        (Target("verifying 100 MB of the query log", 1.0, "s", _HUNDRED_MB / verdict.octets * log_seconds),),
    )


def _sound(verdict: Verdict) -> Verdict:
    if not verdict.is_sound:
        raise BenchError(f"expected a whole journal and log, found {verdict.broken[0]}")
    return verdict


async def _make(settings: Settings, segments: int, records: int) -> None:
    """Write segments of whole lines, and a journal that speaks of them."""
    log = settings.paths.query_log
    log.mkdir(parents=True)
    begun = datetime(2026, 9, 1, 3, tzinfo=UTC)
    async with opened_journal(settings) as journal:
        for number in range(segments):
            moment = begun + timedelta(hours=number)
            name = f"{moment:%Y%m%dT%H%M%S}-w0-{number + 1:04d}.tsv"
            size, lines, digest = _write(log / name, f"{moment:%Y-%m-%dT%H}:00:00.000+00:00".encode())
            async with journal.changing(moment) as change:
                body = {"name": name, "digest": digest, "bytes": size, "lines": lines, "damaged": 0}
                hour = f"{moment:%Y-%m-%dT%H}"
                record = await change.add(Kind.SEGMENT, {**body, "first": hour, "last": hour})
                await change.close_segment(StoredSegment(name, record, size, lines, digest, "", 0))
                await change.count({(hour, Tally("214", "pupils", "allow", "default", "")): lines})
        for _turn in range(records // 3000):
            async with journal.changing(begun) as change:
                for number in range(1000):
                    private = {"client": "10.0.0.1", "device": "", "asked": [["www.example.org", number]]}
                    incident = await change.add(Kind.INCIDENT, _INCIDENT, private=private)
                    await change.add(Kind.TOLD, {"incident": incident, "arrived": True, "channel": "mail"})
                    await change.add(
                        Kind.REVIEW, {"incident": incident}, by="aigul", private={"text": "spoke with the pupil"}
                    )
        await sign_head(journal, settings, begun)


def _write(path: Path, stamp: bytes) -> tuple[int, int, str]:
    line = stamp + b"\t10.0.0.1\tlab-07\t214\tpupils\twww.example.org\tA\tallow\tdefault\t\t\tNOERROR\tcache\t0.1\n"
    block = line * 10_000
    blocks = _SEGMENT // len(block)
    digest = sha256(HEADER_LINE)
    with path.open("wb") as file:
        file.write(HEADER_LINE)
        for _turn in range(blocks):
            file.write(block)
            digest.update(block)
    return len(HEADER_LINE) + blocks * len(block), blocks * 10_000, digest.hexdigest()
