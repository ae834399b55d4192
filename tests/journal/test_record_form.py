"""Whatever a record says that is rightly linked: verifying names it or finds it sound, and never ends by an error."""

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from journal.incidents import KINDS, replay
from journal.opening import opened_journal
from journal.trust.alarms import Alarm, describe_alarm
from journal.trust.expected import Expected
from journal.trust.record_form import Contradiction
from journal.trust.verdict import Trouble, Verdict, describe
from journal.trust.verifying import check_journal, verify_journal
from journal.trust.verifying_log import verify_log
from settings.model import Settings
from storage.evidence import Body, Kind, Stored, canonical, digest_of, link_of
from storage.journal_checks import open_for_checking
from tests.journal.evidence_scene import DAY, KEPT, NAMES, REWRITTEN, by_hand, rows, settings_of
from tests.journal.tampered import first, scene, settings

__all__ = ["scene", "settings"]

AT = "2026-11-03T08:00:00.000+00:00"
Said = tuple[str, str, str]
"""Moment, kind and body of a record."""
KEYS = (
    "name", "digest", "bytes", "lines", "damaged", "first", "last", "days", "file", "rows", "day", "segments", "files",
    "adopted", "before", "after", "rows_before", "rows_after", "date", "queries", "inspector", "do", "until", "year",
    "what", "key", "moved", "head", "kept", "heads", "segment", "unsealed", "id", "rule", "audience", "severity",
    "incident", "signs", "sha256", "number",
)  # fmt: skip
PLAUSIBLE = (
    *NAMES[:2], "20270101T000000-w0-0001.tsv", "20261399T000000-w0-0001.tsv", DAY, "2026-13-01", "20261102", KEPT,
    REWRITTEN, "../../etc/passwd", "/etc/passwd", "date=2026-11-02/x", "a\0b", "a" * 300, "\ud800", "made", "revoked",
    "dina", *Alarm, "at-risk", "psychologist", "unlawful", "2026-11-0001", "0001-01-01T00:00:00.000+05:00",
)  # fmt: skip
_SINGLE = (
    st.sampled_from(PLAUSIBLE)
    | st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**40), 10**40)
    | st.floats()
    | st.text(max_size=20)
)
_KEY = st.sampled_from(KEYS) | st.text(max_size=5)
_VALUES = st.recursive(
    _SINGLE, lambda each: st.lists(each, max_size=3) | st.dictionaries(_KEY, each, max_size=3), max_leaves=8
)
_BODIES = st.dictionaries(_KEY, _VALUES, max_size=12).map(
    lambda body: json.dumps(body, sort_keys=True, separators=(",", ":"))
)
_KINDS = st.sampled_from([*Kind, "noise"])
_RECORDS = st.tuples(
    st.just(AT) | st.sampled_from(["x", "", "2026-11-03T08:00:00", "0001-01-01T00:00:00.000+00:00"]),
    _KINDS,
    _BODIES | st.sampled_from(["", "x", "[]", "{", "[" * 50_000, '{"x":' + "[" * 50_000, '{"x":' + "9" * 5000 + "}"]),
)


def _append(path: Path, records: list[Said]) -> None:
    with closing(sqlite3.connect(path)) as raw:
        number, link = raw.execute("SELECT number, link FROM chain ORDER BY number DESC LIMIT 1").fetchone()
        for at, kind, body in records:
            number += 1
            link = link_of(link, digest_of(number, at, kind, "x", body, ""))
            raw.execute("INSERT INTO chain VALUES (?, ?, ?, 'x', ?, '', ?)", (number, at, kind, body, link))
        raw.commit()


async def _all_of(settings: Settings) -> Verdict:
    async with open_for_checking(settings.paths.journal_db) as journal:
        verdict = (await check_journal(journal, settings)).verdict
    papers = await verify_journal(settings)
    await verify_log(settings)
    for broken in (*verdict.broken, *papers.broken):
        assert describe(broken)
    for alarm in verdict.alarms:
        assert isinstance(describe_alarm(alarm.body), str)
    async with opened_journal(settings) as journal:
        told = replay([each async for each in journal.records(KINDS, private=True)])
    assert len(told) >= 3, "those of the scene"
    return verdict


@tried(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_RECORDS, min_size=1, max_size=4))
@example([(AT, "day", '{"date":"x"}')])
@example([(AT, "day", '{"date":"2026-13-01"}')])
@example([(AT, "day", '{"date":"2026-11-02","damaged":NaN}')])
@example([(AT, "paper", '{"year":2026,"files":[{"file":"a\\u0000b","sha256":"b"}]}')])
@example([(AT, "paper", '{"year":2026,"files":[{"file":"' + "a" * 300 + '","sha256":"b"}]}')])
@example([(AT, "alarm", '{"what":"journal-damaged","kept":1,"heads":0,"head":"' + "9" * 5000 + ':ab"}')])
@example([("x", "review", "{}")])
def test_verifying_never_ends_by_an_error(scene: Path, tmp_path: Path, records: list[Said]) -> None:
    settings = settings_of(tmp_path)
    shutil.copy(scene / "journal.db", tmp_path)
    for each in ("heads.txt", "device.key"):
        shutil.copy(scene / each, tmp_path)
    _append(settings.paths.journal_db, records)
    assert isinstance(asyncio.run(_all_of(settings)), Verdict)


SEGMENT: Body = {"name": "20270101T000000-w0-0001.tsv", "digest": "ab", "bytes": 9, "lines": 1, "damaged": 0}
ARCHIVE: Body = {"file": "date=2026-11-02/0009.parquet", "digest": "ab", "bytes": 9, "rows": 1, "day": "2026-11-02"}
ACCOUNT: Body = {"inspector": "x", "do": "made", "until": "2027-01-01"}
INCIDENT: Body = {"id": "2026-11-0009", "rule": "at-risk", "audience": "psychologist", "severity": "harmful"}


def _paper(file: object, year: object = 2026) -> Body:
    return {"year": year, "files": [{"file": file, "sha256": "ab"}]}


SOUND: list[tuple[Kind, Body]] = [
    (Kind.SEGMENT, SEGMENT),
    (Kind.SEGMENT, {**SEGMENT, "days": ["2026-11-02", "2026-12-20"], "first": "", "last": ""}),
    (Kind.ARCHIVE, ARCHIVE),
    (Kind.ARCHIVE, {**ARCHIVE, "file": "date=2026-11-02/көшірме ….parquet"}),
    (Kind.DAY, {"date": "2026-11-02"}),
    (Kind.ACCOUNT, ACCOUNT),
    (Kind.PAPER, _paper("act-2026-001-kk.pdf")),
    (Kind.PAPER, {}),
    (Kind.INCIDENT, INCIDENT),
    (Kind.REPORTED, {**INCIDENT, "rule": "report", "severity": ""}),
    (Kind.ALARM, {"what": "journal-damaged", "kept": 5, "heads": 9, "head": f"17:{'ab' * 32}"}),
]
UNSOUND: list[tuple[Kind, Body]] = [
    *((Kind.SEGMENT, {**SEGMENT, "name": name}) for name in ("zzz", "", "20261399T000000-w0-0001.tsv", "../x.tsv")),
    *((Kind.SEGMENT, {**SEGMENT, "bytes": number}) for number in (-1, 1 << 63, "9", None)),
    (Kind.SEGMENT, {**SEGMENT, "days": ["x"]}),
    (Kind.SEGMENT, {**SEGMENT, "first": "yesterday"}),
    *(
        (Kind.ARCHIVE, {**ARCHIVE, "file": file})
        for file in (
            "../../etc/passwd",
            "/etc/passwd",
            "date=2026-11-02/..",
            "a/b/c",
            "x",
            "",
            "a/\0",
            "a/" + "b" * 256,
        )
    ),
    *((Kind.ARCHIVE, {**ARCHIVE, "day": day}) for day in ("x", "", "20261102", "2026-W45-1", "2026-02-30")),
    *((Kind.DAY, {"date": day}) for day in ("x", "", "2026-13-01", "20261102", 7)),
    (Kind.ACCOUNT, {**ACCOUNT, "do": "doubled"}),
    (Kind.ACCOUNT, {**ACCOUNT, "until": "for ever"}),
    *((Kind.PAPER, _paper(file)) for file in ("a\0b", "a" * 256, "../x", "/x", "x/y", ".", "..", "", "\ud800")),
    *((Kind.PAPER, _paper("x", year)) for year in (10**30, -1, "2026", None)),
    *((Kind.PAPER, {"year": 2026, "files": files}) for files in (7, None, "x", [7])),
    (Kind.INCIDENT, {**INCIDENT, "rule": "x"}),
    (Kind.REPORTED, {**INCIDENT, "audience": "everybody"}),
    (Kind.INCIDENT, {**INCIDENT, "severity": "9"}),
    (Kind.ALARM, {"what": "journal-damaged", "kept": "5"}),
    (Kind.ALARM, {"what": "journal-damaged", "head": "9" * 5000}),
]


def _stored(kind: Kind, body: Body, at: str = AT) -> Stored:
    return Stored(2, at, kind.value, "x", json.dumps(body, sort_keys=True, separators=(",", ":")), "", "")


@pytest.mark.parametrize(("kind", "body"), SOUND)
def test_what_this_program_enters_has_the_form(kind: Kind, body: Body) -> None:
    Expected().take(_stored(kind, body))


@pytest.mark.parametrize(("kind", "body"), UNSOUND)
def test_what_nobody_could_go_by_has_not(kind: Kind, body: Body) -> None:
    with pytest.raises(Contradiction):
        Expected().take(_stored(kind, body))


@pytest.mark.parametrize("kind", [each for each in Kind if each is not Kind.BEGUN])
@pytest.mark.parametrize(
    "at", ["x", "", "2026-11-03T08:00:00", "2026-11-03T08:00:00.000+05:00", "9999-01-01T00:00:00.000+00:00"]
)
def test_a_moment_that_nobody_wrote_is_none_of_any_kind(kind: Kind, at: str) -> None:
    with pytest.raises(Contradiction):
        Expected().take(_stored(kind, {}, at))


@pytest.mark.parametrize("kind", [Kind.TOLD, Kind.ACCESS, Kind.ALARM])
@pytest.mark.parametrize("body", ["", "x", "[]", '{"x":1.5}', "[" * 100_000, '{"x":1} '])
async def test_a_record_that_cannot_be_read_is_named(settings: Settings, kind: Kind, body: str) -> None:
    _append(settings.paths.journal_db, [(AT, kind.value, body)])
    assert first(await verify_journal(settings))[:2] == (Trouble.FORM, 24)


async def test_an_incident_that_cannot_be_told_is_named_and_hides_no_other(settings: Settings) -> None:
    _append(settings.paths.journal_db, [(AT, "incident", canonical({**INCIDENT, "rule": "x"}))])
    assert first(await verify_journal(settings))[:2] == (Trouble.FORM, 24)
    async with opened_journal(settings) as journal:
        assert len(replay([each async for each in journal.records(KINDS)])) == 3


async def test_a_private_part_of_another_form_hides_no_incident(settings: Settings) -> None:
    by_hand(settings.paths.journal_db, "UPDATE sealed SET body = '{\"asked\":[[1,[]],7]}'")
    assert rows(settings.paths.journal_db, "SELECT count(*) FROM sealed WHERE body LIKE '%asked%'")[0][0]
    async with opened_journal(settings) as journal:
        assert len(replay([each async for each in journal.records(KINDS, private=True)])) == 3
