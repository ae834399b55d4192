"""Whatever somebody changes in the query log or its archive: it is found, and the file is named with its record."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from journal.opening import opened_journal
from journal.trust.alarms import Alarm
from journal.trust.signing import sign_head
from journal.trust.verdict import Broken, Trouble, describe
from journal.trust.verifying import verify_journal
from journal.trust.verifying_log import verify_log
from settings.model import Settings
from storage.evidence import Kind
from storage.journal_db import StoredSegment, Tally
from tests.journal.evidence_scene import (
    AT,
    GONE,
    KEPT,
    NAMES,
    OPEN,
    REWRITTEN,
    by_hand,
    copied,
    segment,
)
from tests.journal.tampered import first, journal_of, scene, settings

__all__ = ["scene", "settings"]

Attack = Callable[[bytes], bytes]


def _attacks(octets: bytes) -> Iterator[tuple[bytes, Trouble]]:
    """Yield what may become of a file: octets flipped (of a small one each), cut, put in, lines doubled, exchanged."""
    for at in range(0, len(octets), 1 if len(octets) < 100 else 3):
        yield octets[:at] + bytes([octets[at] ^ (1 << at % 8)]) + octets[at + 1 :], Trouble.CHANGED
    for at in range(0, len(octets), 13):
        yield octets[:at], Trouble.SHORTER
        yield octets[:at] + octets[at + 1 :], Trouble.SHORTER
        yield octets[:at] + b"x" + octets[at:], Trouble.LONGER
    lines = octets.splitlines(keepends=True)
    for at in range(len(lines)):
        yield b"".join(lines[:at] + lines[at + 1 :]), Trouble.SHORTER
        yield b"".join(lines[: at + 1] + lines[at:]), Trouble.LONGER
        swapped = b"".join([*lines[:at], *reversed(lines[at : at + 2]), *lines[at + 2 :]])
        if swapped != octets:
            yield swapped, Trouble.CHANGED


@pytest.mark.parametrize(
    ("file", "record"),
    [(f"querylog/{NAMES[2]}", 4), (f"querylog/{OPEN[0]}", 0), (f"archive/{KEPT}", 14), (f"archive/{REWRITTEN}", 17)],
)
async def test_a_file_of_the_log_that_is_changed_in_any_place_is_named(
    settings: Settings, file: str, record: int
) -> None:
    path = settings.paths.state / file
    taken = path.read_bytes().removesuffix(b"half a line")
    for changed, trouble in _attacks(taken):
        path.write_bytes(changed)
        # What is appended to an open segment is yet to be taken in.
        wanted = Trouble.CHANGED if trouble is Trouble.LONGER and record == 0 else trouble
        if record == 0 and changed.startswith(taken):
            continue
        assert first(await verify_log(settings)) == (wanted, record, file.partition("/")[2])


async def test_files_taken_away_put_in_or_exchanged_are_named(scene: Path, tmp_path: Path) -> None:
    def log(settings: Settings, name: str) -> Path:
        return settings.paths.query_log / name

    def take_away(settings: Settings) -> None:
        log(settings, NAMES[3]).unlink()

    def take_open_away(settings: Settings) -> None:
        log(settings, OPEN[1]).unlink()

    def take_archive_away(settings: Settings) -> None:
        (settings.paths.archive / KEPT).unlink()

    def exchange(settings: Settings) -> None:
        shutil.copy(log(settings, NAMES[3]), tmp_path / "aside")
        shutil.copy(log(settings, NAMES[2]), log(settings, NAMES[3]))
        shutil.copy(tmp_path / "aside", log(settings, NAMES[2]))

    def link(settings: Settings) -> None:
        log(settings, NAMES[3]).rename(tmp_path / "elsewhere")
        log(settings, NAMES[3]).symlink_to(tmp_path / "elsewhere")

    def forge(settings: Settings) -> None:
        log(settings, "20261102T173000-w0-0002.tsv").write_bytes(segment(NAMES[0]))

    def put_back(settings: Settings) -> None:
        log(settings, NAMES[0]).write_bytes(segment(NAMES[0]).replace(b"games", b"gamez"))

    def put_back_empty(settings: Settings) -> None:
        log(settings, NAMES[0]).write_bytes(segment(NAMES[0]).splitlines(keepends=True)[0])

    def forge_archive(settings: Settings) -> None:
        (settings.paths.archive / "date=2026-11-02" / "0009.parquet").write_bytes(b"PAR1")

    def put_archive_back(settings: Settings) -> None:
        (settings.paths.archive / "date=2026-08-01").mkdir()
        (settings.paths.archive / GONE).write_bytes(b"PAR1")

    table: list[tuple[Callable[[Settings], None], tuple[Trouble, int, str]]] = [
        (take_away, (Trouble.MISSING, 5, NAMES[3])),
        (take_open_away, (Trouble.MISSING, 0, OPEN[1])),
        (take_archive_away, (Trouble.MISSING, 14, KEPT)),
        (exchange, (Trouble.CHANGED, 4, NAMES[2])),
        (link, (Trouble.CHANGED, 5, NAMES[3])),
        (forge, (Trouble.UNKNOWN, 0, "20261102T173000-w0-0002.tsv")),
        (put_back, (Trouble.REUSED, 2, NAMES[0])),
        (put_back_empty, (Trouble.REUSED, 2, NAMES[0])),
        (forge_archive, (Trouble.UNKNOWN, 0, "date=2026-11-02/0009.parquet")),
        (put_archive_back, (Trouble.UNKNOWN, 0, GONE)),
    ]
    for attack, named in table:
        folder = tmp_path / attack.__name__
        settings = copied(scene, folder)
        attack(settings)
        assert first(await verify_log(settings)) == named, attack.__name__


async def test_what_a_round_of_the_archive_left_that_was_cut_off_is_no_forgery(settings: Settings) -> None:
    """The journal is written first: the next round does what it says."""
    paths = settings.paths
    (paths.query_log / NAMES[0]).write_bytes(segment(NAMES[0]))  # entered as removed, and not removed yet
    (paths.archive / GONE).parent.mkdir()
    (paths.archive / GONE).write_bytes(b"")
    (paths.archive / KEPT).rename(paths.archive / f"{KEPT}.new")  # entered, and not put in place yet
    (paths.archive / f"{REWRITTEN}.new").write_bytes((paths.archive / REWRITTEN).read_bytes())
    (paths.archive / REWRITTEN).write_bytes(b"as it was before it was written anew")
    (paths.archive / "date=2026-11-02" / "0003.parquet.new").write_bytes(b"half a file")
    verdict = await verify_log(settings)
    assert verdict.broken == ()
    assert len(verdict.leftovers) == 5
    (paths.archive / f"{KEPT}.new").write_bytes(b"something else")
    assert first(await verify_log(settings)) == (Trouble.MISSING, 14, KEPT)


async def test_half_a_line_behind_the_end_is_what_a_worker_left_that_died(settings: Settings) -> None:
    path = settings.paths.query_log / NAMES[2]
    octets = path.read_bytes()
    path.write_bytes(octets + b"2026-11-02T22:15")
    assert (await verify_log(settings)).is_sound
    path.write_bytes(octets + b"2026-11-02T22:15\n")
    assert first(await verify_log(settings)) == (Trouble.LONGER, 4, NAMES[2])


async def test_a_segment_that_was_gone_before_it_was_read_stays_missing(settings: Settings) -> None:
    """The tailer closes it with what it had taken, and enters an alarm."""
    gone = OPEN[0]
    (settings.paths.query_log / gone).unlink()
    async with opened_journal(settings) as journal:
        position = (await journal.positions())[gone]
        async with journal.changing(AT) as change:
            said = {"what": Alarm.SEGMENT_LOST.value, "segment": gone, "digest": position.digest}
            await change.add(Kind.ALARM, said)
            body = {"name": gone, "digest": position.digest, "bytes": position.taken, "lines": 3, "damaged": 0}
            record = await change.add(Kind.SEGMENT, {**body, "first": position.first, "last": position.last})
            await change.close_segment(StoredSegment(gone, record, position.taken, 3, position.digest, "", 1))
    assert (await verify_journal(settings)).is_sound
    assert first(await verify_log(settings)) == (Trouble.MISSING, record, gone)
    day = datetime(2026, 11, 2, tzinfo=UTC)
    assert (await verify_log(settings, day, day + timedelta(hours=19))).is_sound


async def test_segments_that_the_journal_has_not_read_yet_are_only_counted(settings: Settings) -> None:
    # The last began while the clock lay behind: its number says that it is new.
    for name in ("20261102T200000-w0-0005.tsv", "20261102T200000-w2-0001.tsv", "19700101T000040-w0-0006.tsv"):
        (settings.paths.query_log / name).write_bytes(segment(NAMES[0]))
    for name in ("20261102T100000-w0-0001.tsv", "20261102T100000-w0-0002.tsv"):  # without a line
        (settings.paths.query_log / name).write_bytes(b"" if name < "20261102T100000-w0-0002" else b"time\tcli")
    verdict = await verify_log(settings)
    assert (verdict.broken, verdict.waiting) == ((), 3)


async def test_nothing_is_found_broken_while_the_tailer_and_the_archive_go_on(settings: Settings) -> None:
    """The writer is another connection, as another process would be."""
    log, done = settings.paths.query_log, asyncio.Event()

    async def go_on() -> None:
        async with opened_journal(settings) as journal:
            for turn in range(120):
                name = f"202611{3 + turn // 24:02d}T{turn % 24:02d}0000-w0-{turn + 5:04d}.tsv"
                octets = segment(name)
                (log / name).write_bytes(octets)
                body = {
                    "name": name,
                    "digest": sha256(octets).hexdigest(),
                    "bytes": len(octets),
                    "lines": 3,
                    "damaged": 0,
                }
                async with journal.changing(AT) as change:
                    hour = f"2026-11-{3 + turn // 24:02d}T{turn % 24:02d}"
                    record = await change.add(Kind.SEGMENT, {**body, "first": hour, "last": hour})
                    await change.close_segment(StoredSegment(name, record, len(octets), 3, str(body["digest"]), "", 0))
                    await change.count({(hour, Tally("214", "pupils", "block", "category", "games")): 3})
                await sign_head(journal, settings, AT + timedelta(hours=3 + turn))
                if turn % 3 == 0:
                    async with journal.changing(AT) as change:
                        await change.add(Kind.REMOVED, {"segments": [name], "why": "archived"})
                        await change.segments_removed([name])
                    (log / name).unlink()
        done.set()

    writer = asyncio.create_task(go_on())
    verdicts = []
    while not done.is_set():
        verdicts.append(await verify_log(settings, AT - timedelta(days=30)))
    await writer
    assert len(verdicts) > 5
    assert verdicts[0].head != verdicts[-1].head
    assert [each.broken for each in verdicts if not each.is_sound] == []


async def test_a_broken_journal_is_named_before_the_log_that_rests_on_it(settings: Settings) -> None:
    by_hand(journal_of(settings), "UPDATE chain SET body = replace(body, '192', '193') || ' ' WHERE number = 4")
    (settings.paths.query_log / NAMES[4]).unlink()
    verdict = await verify_log(settings)
    assert first(verdict) == (Trouble.LINK, 4, "")
    assert verdict.files == 0


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (Trouble.CHANGED, "is not what the journal has read of it"),
        (Trouble.SHORTER, "changed or cut off"),
        (Trouble.MISSING, "though the journal has read part of it"),
        (Trouble.GAP, "missing before"),
    ],
)
def test_of_a_segment_that_is_not_closed_no_record_is_named(trouble: Trouble, said: str) -> None:
    text = describe(Broken(trouble, 0, OPEN[0]))
    assert said in text
    assert f"{OPEN[0]}, which is not closed yet" in text
    assert "record" not in text
