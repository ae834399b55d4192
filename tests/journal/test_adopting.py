"""After journal.db was damaged the archive is found again, no line twice, and the chain says what is not proven."""

import asyncio
import os
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from journal.archiving.archive import archive_round
from journal.archiving.archive_files import ArchiveError
from journal.archiving.archive_work import Done
from journal.opening import opened_journal
from journal.recovering import begin_again
from journal.trust.alarms import Alarm, describe_alarm
from journal.trust.signing import sign_head
from journal.trust.verdict import Trouble, Verdict
from journal.trust.verifying_log import verify_log
from settings.model import Log, Settings
from storage.evidence import Kind, Record, texts
from storage.last_good import last_good
from tests.journal.evidence_scene import by_hand
from tests.journal.log_folder import ZONE, close_segments, installation, row
from tests.journal.test_archive import BEGUN, NIGHT, ODD, archives, closed, found, records, round_of

LATER = BEGUN + timedelta(days=1)
OTHERS = [row(LATER, name="later.example.org"), row(LATER, name="later.example.org")]


@pytest.fixture
def installed(tmp_path: Path) -> Settings:
    return installation(tmp_path)


def clock_has_stood(settings: Settings, now: datetime) -> None:
    """Enter something on each of the last days, as a server that runs does."""

    async def enter() -> None:
        async with opened_journal(settings) as journal:
            for day in range(3):
                async with journal.changing(now - timedelta(days=day, hours=1)) as change:
                    await change.add(Kind.ACCESS, {"what": "log tail"}, by="aigul")

    asyncio.run(enter())


def damage(settings: Settings, now: datetime) -> None:
    settings.paths.journal_db.write_bytes(b"no database")
    asyncio.run(begin_again(settings, now))


def verified(settings: Settings) -> Verdict:
    async def verify() -> Verdict:
        async with opened_journal(settings) as journal:
            await sign_head(journal, settings, NIGHT)
        return await verify_log(settings)

    return asyncio.run(verify())


def adopted(settings: Settings) -> list[Record]:
    return [each for each in records(settings, Kind.ALARM) if each.body["what"] == Alarm.ADOPTED]


def test_each_round_keeps_a_copy_from_which_nothing_is_lost(installed: Settings) -> None:
    closed(installed, ODD)
    assert round_of(installed).broken is None
    kept = archives(installed)
    damage(installed, NIGHT)
    assert archives(installed) == kept
    assert Counter(found(installed)) == Counter(ODD)
    done = round_of(installed)
    assert (done.files, done.adopted) == (0, 0)
    assert verified(installed).broken == ()


def test_a_file_that_the_copy_does_not_know_is_removed_if_its_segments_still_lie_there(installed: Settings) -> None:
    round_of(installed)
    path = closed(installed, ODD)
    round_of_nothing_kept(installed)
    damage(installed, NIGHT)
    close_segments(installed, [path])
    round_of(installed)
    (alarm,) = adopted(installed)
    assert (texts(alarm.body, "files"), texts(alarm.body, "repeated")) == ([], ["date=2026-09-02/0001.parquet"])
    assert len(archives(installed)) == 1
    assert Counter(found(installed)) == Counter(ODD)
    assert verified(installed).broken == ()


def round_of_nothing_kept(settings: Settings, now: datetime = NIGHT) -> Done:
    """Do a round that the power cuts off just before it keeps its copy."""
    copy = last_good(settings.paths.journal_db)
    before = copy.read_bytes() if copy.exists() else None
    done = round_of(settings, now)
    if before is None:
        copy.unlink()
    else:
        copy.write_bytes(before)
    return done


@pytest.mark.parametrize("copied", [True, False])
def test_a_file_whose_segments_are_gone_is_taken_over_found_and_named_as_not_proven(
    tmp_path: Path, copied: bool
) -> None:
    settings = installation(tmp_path, Log(segment_days=1))
    first = closed(settings, ODD)
    if copied:
        asyncio.run(archive_round(settings, BEGUN))  # it keeps a copy in which the segment is closed, and no more
    now = NIGHT + timedelta(days=5)
    clock_has_stood(settings, now)
    done = round_of_nothing_kept(settings, now)
    assert (done.files, done.segments_removed) == (1, 1)
    damage(settings, now)
    done = asyncio.run(archive_round(settings, now))
    assert done.adopted == 1
    assert Counter(found(settings)) == Counter(ODD)
    (alarm,) = adopted(settings)
    assert ": 1." in describe_alarm(alarm.body)
    verdict = verified(settings)
    assert verdict.broken == ()
    ((file, record),) = verdict.adopted
    assert file == "date=2026-09-02/0001.parquet"
    assert record < alarm.number
    if copied:
        assert texts(records(settings, Kind.REMOVED)[0].body, "segments") == [first.name]
    # From now on it is proven like any other.
    path = settings.paths.archive / file
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    assert [(each.trouble, each.where) for each in verified(settings).broken] == [(Trouble.CHANGED, file)]


def test_what_a_round_wrote_anew_or_removed_after_the_copy_is_taken_over(tmp_path: Path) -> None:
    settings = installation(tmp_path, Log(segment_days=1, anonymise_days=3))
    closed(settings, ODD)
    closed(settings, OTHERS, LATER, number=2)
    round_of(settings, LATER + timedelta(days=1))
    now = LATER + timedelta(days=9)
    clock_has_stood(settings, now)
    done = round_of_nothing_kept(settings, now)
    assert (done.segments_removed, done.anonymised) == (1, 2)
    nobody = found(settings)
    damage(settings, now)
    assert round_of(settings, now).adopted == 2
    assert Counter(found(settings)) == Counter(nobody)
    verdict = verified(settings)
    assert verdict.broken == ()
    assert len(verdict.adopted) == 2


def test_what_is_put_in_later_is_not_taken_over(installed: Settings) -> None:
    closed(installed, ODD)
    round_of(installed)
    damage(installed, NIGHT)
    round_of(installed)
    assert len(adopted(installed)) == 1
    forged = installed.paths.archive / "date=2026-09-01" / "0001.parquet"
    forged.parent.mkdir()
    forged.write_bytes((installed.paths.archive / archives(installed)[0].file).read_bytes())
    assert round_of(installed).adopted == 0
    assert [each.trouble for each in verified(installed).broken] == [Trouble.UNKNOWN]


def test_what_is_no_archive_stays_and_is_named(installed: Settings) -> None:
    round_of(installed)
    for name in ("date=2026-09-01/0001.parquet", "date=nonsense/0001.parquet"):
        path = installed.paths.archive / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"PAR1 no parquet PAR1")
    damage(installed, NIGHT)
    assert round_of(installed).adopted == 0
    assert [each.trouble for each in verified(installed).broken] == [Trouble.UNKNOWN] * 2


def test_a_copy_that_could_not_be_renewed_does_not_keep_what_was_erased(
    installed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed(installed, ODD)
    round_of(installed)
    copy = last_good(installed.paths.journal_db)
    assert copy.exists()
    by_hand(installed.paths.journal_db, "UPDATE chain SET by = 'somebody' WHERE number = 1")
    assert round_of(installed).broken is not None
    assert copy.exists(), "it may hold what is missing"

    async def erase(work: object) -> None:
        work.done.erased.append("E-1")  # type: ignore[attr-defined]

    monkeypatch.setattr("journal.archiving.archive.carry_out", erase)
    round_of(installed)
    assert not copy.exists()


def test_retention_of_a_file_that_no_record_names_breaks_nothing(installed: Settings) -> None:
    closed(installed, ODD)
    round_of(installed)
    stray = installed.paths.archive / "date=2025-01-01" / "0001.parquet"
    stray.parent.mkdir()
    stray.write_bytes(b"PAR1")
    moment = datetime(2025, 1, 2, tzinfo=ZONE)
    os.utime(stray, (moment.timestamp(), moment.timestamp()))
    clock_has_stood(installed, NIGHT)
    assert round_of(installed).files_removed == 1
    assert verified(installed).broken == ()


def test_a_day_that_cannot_be_archived_does_not_keep_the_journal_from_being_copied(
    installed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed(installed, ODD)

    async def fail(*_arguments: object) -> None:
        raise ArchiveError("a bad disk")

    monkeypatch.setattr("journal.archiving.archive._archive", fail)
    with pytest.raises(ArchiveError):
        round_of(installed)
    assert last_good(installed.paths.journal_db).exists()
