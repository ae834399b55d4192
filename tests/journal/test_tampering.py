# ruff: noqa: S608 - the tests make statements of names that stand in them
"""Whatever somebody changes who can write to every file: it is found, and the first broken link is the one named.

By brute force, on an installation made small for it; the query log has its own file. What cannot be found by any
program on the same machine is here too, with what finds it: a head on paper.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from journal.trust.heads import is_signed
from journal.trust.verdict import Broken, Trouble, describe
from journal.trust.verifying import check_journal, verify_journal
from journal.trust.verifying_log import verify_log
from journal.trust.witness import head_of
from settings.model import Settings
from storage.errors import StorageError
from storage.evidence import Head
from storage.journal_checks import open_for_checking
from tests.journal.evidence_scene import (
    GONE,
    KEPT,
    NAMES,
    REWRITTEN,
    by_hand,
    copied,
    rechain,
    resign,
    rows,
    settings_of,
)
from tests.journal.tampered import first, journal_of, scene, settings

__all__ = ["scene", "settings"]

LAST, SIGNED, FIRST_SIGNED = 23, 22, 8
"""The records of the scene: the last, the last that is signed, the first that is."""


async def test_the_scene_is_sound_and_seen_in_whole(settings: Settings) -> None:
    verdict = await verify_log(settings)
    assert verdict.broken == ()
    assert (verdict.head.number, verdict.signed.number, verdict.erased) == (LAST, SIGNED, 1)
    assert (len(verdict.segments), verdict.files, verdict.removed) == (8, 8, 3)
    assert (verdict.stops, verdict.waiting, verdict.leftovers, verdict.alarms) == ((), 0, (), ())


# records of the chain


@pytest.mark.parametrize("column", ["at", "kind", "by", "body", "seal", "link"])
async def test_a_record_with_one_character_changed_is_named(scene: Path, tmp_path: Path, column: str) -> None:
    for number in range(1, LAST + 1):
        settings = copied(scene, tmp_path)
        ((value,),) = rows(journal_of(settings), f"SELECT {column} FROM chain WHERE number = {number}")
        text = str(value)
        for at in sorted({0, len(text) // 2, max(len(text) - 1, 0)}):
            changed = text[:at] + chr(ord(text[at : at + 1] or "0") ^ 1) + text[at + 1 :]
            by_hand(journal_of(settings), (f"UPDATE chain SET {column} = ? WHERE number = ?", changed, number))
            assert first(await verify_journal(settings)) == (Trouble.LINK, number, ""), (number, at)


Q = "number, at, kind, by, body, seal, link"


def _shift(start: int, by: int) -> tuple[str, ...]:
    return (
        f"UPDATE chain SET number = -(number + {by}) WHERE number >= {start}",
        "UPDATE chain SET number = -number WHERE number < 0",
    )


@pytest.mark.parametrize("number", range(1, LAST))
async def test_records_taken_out_put_in_doubled_or_exchanged_are_named(
    scene: Path, tmp_path: Path, number: int
) -> None:
    copy = f"SELECT {number}, at, kind, by, body, seal, link FROM chain WHERE number = {number + 1}"
    attacks: list[tuple[tuple[str, ...], Trouble, int]] = [
        ((f"DELETE FROM chain WHERE number = {number}",), Trouble.NUMBER, number),
        ((f"DELETE FROM chain WHERE number = {number}", *_shift(number + 1, -1)), Trouble.LINK, number),
        ((*_shift(number, 1), f"INSERT INTO chain {copy}"), Trouble.LINK, number + 1),
        (
            (*_shift(number, 1), f"INSERT INTO chain VALUES ({number}, '', 'alarm', 'x', '{{}}', '', '')"),
            Trouble.LINK,
            number,
        ),
        (
            (
                f"UPDATE chain SET number = 0 WHERE number = {number}",
                f"UPDATE chain SET number = {number} WHERE number = {number + 1}",
                f"UPDATE chain SET number = {number + 1} WHERE number = 0",
            ),
            Trouble.LINK,
            number,
        ),
    ]
    for statements, trouble, named in attacks:
        settings = copied(scene, tmp_path)
        by_hand(journal_of(settings), *statements)
        assert first(await verify_journal(settings)) == (trouble, named, ""), statements


@pytest.mark.parametrize("stray", [0, -5, -(1 << 63)])
async def test_a_record_before_the_first_is_named(settings: Settings, stray: int) -> None:
    by_hand(journal_of(settings), f"INSERT INTO chain VALUES ({stray}, '', 'alarm', 'x', '{{}}', '', '')")
    assert first(await verify_journal(settings)) == (Trouble.NUMBER, stray, "")


@pytest.mark.parametrize("kept", range(LAST))
async def test_a_cut_end_is_named_by_the_first_head_that_is_gone(scene: Path, tmp_path: Path, kept: int) -> None:
    settings = copied(scene, tmp_path)
    ((link,),) = rows(journal_of(settings), f"SELECT link FROM chain WHERE number = {LAST}")
    by_hand(
        journal_of(settings), f"DELETE FROM chain WHERE number > {kept}", f"DELETE FROM sealed WHERE number > {kept}"
    )
    named = next((each for each in (FIRST_SIGNED, 19, SIGNED) if each > kept), None)
    verdict = await verify_journal(settings)
    if kept == 0:
        assert first(verdict) == (Trouble.NUMBER, 1, "")
    elif named is not None:
        assert first(verdict)[:2] == (Trouble.HEAD, named)
    # The last record is not signed yet: only a head that somebody wrote down knows of it.
    else:
        assert verdict.is_sound
        assert first(await verify_journal(settings, [Head(LAST, str(link)[:8])])) == (
            Trouble.HEAD,
            LAST,
            f"--head {LAST}:{str(link)[:8]}",
        )


@pytest.mark.parametrize("number", range(1, LAST + 1))
async def test_a_chain_written_anew_is_named_by_the_next_head_and_the_last_good_one(
    scene: Path, tmp_path: Path, number: int
) -> None:
    settings = copied(scene, tmp_path)
    ((link,),) = rows(journal_of(settings), f"SELECT link FROM chain WHERE number = {LAST}")
    heads = rechain(journal_of(settings), f"UPDATE chain SET by = by || 'x' WHERE number = {number}")
    signed = [0, FIRST_SIGNED, 19, SIGNED]
    verdict = await verify_journal(settings)
    if number > SIGNED:
        assert verdict.is_sound
    else:
        named = next(each for each in signed if each >= number)
        assert first(verdict) == (Trouble.HEAD, named, "journal.db")
        assert verdict.broken[0].sound == max(each for each in signed if each < number)
    # With this machine's key the heads can be signed anew: then heads.txt shows it …
    resign(settings, heads, in_file=False)
    verdict = await verify_journal(settings)
    if number <= SIGNED:
        assert first(verdict)[:2] == (Trouble.HEAD, named)
        assert verdict.broken[0].where.startswith("heads.txt:")
    # … and if that is written anew too, a head on paper, and nothing else.
    resign(settings, heads, in_file=True)
    assert (await verify_journal(settings)).is_sound
    paper = Head(LAST, str(link)[:16])
    assert first(await verify_journal(settings, [Head(1, str(heads[0].link)[:16]), paper]))[:2] == (Trouble.HEAD, LAST)


async def test_a_whole_journal_put_back_to_an_earlier_state_is_named_by_heads_txt(scene: Path, tmp_path: Path) -> None:
    for kept in (FIRST_SIGNED, 12, 19, 21):
        settings = copied(scene, tmp_path)
        # An earlier state is a sound journal: records, private parts, heads and tables of that time.
        by_hand(
            journal_of(settings),
            *(f"DELETE FROM {table} WHERE number > {kept}" for table in ("chain", "sealed", "heads")),
        )
        verdict = await verify_journal(settings)
        lost = 19 if kept < 19 else SIGNED
        assert first(verdict) == (Trouble.HEAD, lost, f"heads.txt:{2 if lost == 19 else 3}")


# seals


async def test_private_parts_that_are_changed_removed_or_moved_are_named(scene: Path, tmp_path: Path) -> None:
    settings = copied(scene, tmp_path)
    sealed = [int(str(number)) for (number,) in rows(journal_of(settings), "SELECT number FROM sealed ORDER BY number")]
    assert len(sealed) == 4
    for number in sealed:
        for statement, trouble in (
            ("UPDATE sealed SET body = replace(body, '\"', '''') WHERE number = {}", Trouble.SEAL),
            ("UPDATE sealed SET salt = salt || '0' WHERE number = {}", Trouble.SEAL),
            ("DELETE FROM sealed WHERE number = {}", Trouble.ERASED),
        ):
            settings = copied(scene, tmp_path)
            by_hand(journal_of(settings), statement.format(number))
            assert first(await verify_journal(settings)) == (trouble, number, "")
    for statement, named in (
        ("INSERT INTO sealed VALUES (1, 'salt', '{}')", 1),
        ("INSERT INTO sealed VALUES (99, 'salt', '{}')", 99),
        ("UPDATE sealed SET body = (SELECT body FROM sealed WHERE number = 9)", 9),
    ):
        settings = copied(scene, tmp_path)
        by_hand(journal_of(settings), statement)
        trouble, number, _where = first(await verify_journal(settings))
        assert trouble is Trouble.SEAL
        assert number == named or statement.startswith("UPDATE")


# heads


@pytest.mark.parametrize("number", [FIRST_SIGNED, 19, SIGNED])
@pytest.mark.parametrize("column", ["number", "link", "at", "key", "signature"])
async def test_a_changed_head_in_the_journal_is_named(scene: Path, tmp_path: Path, number: int, column: str) -> None:
    settings = copied(scene, tmp_path)
    ((value,),) = rows(journal_of(settings), f"SELECT {column} FROM heads WHERE number = {number}")
    if column == "number":
        by_hand(journal_of(settings), f"UPDATE heads SET number = number + 500 WHERE number = {number}")
        assert first(await verify_journal(settings)) == (Trouble.HEAD, number + 500, "journal.db")
        return
    text = str(value)
    for at in range(0, len(text), 7):
        changed = text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]
        by_hand(journal_of(settings), (f"UPDATE heads SET {column} = ? WHERE number = ?", changed, number))
        trouble, named, where = first(await verify_journal(settings))
        assert (named, where) == (number, "journal.db")
        assert trouble is (Trouble.HEAD if column == "link" else Trouble.SIGNATURE)


async def test_a_head_taken_out_of_the_journal_or_of_heads_txt(scene: Path, tmp_path: Path) -> None:
    settings = copied(scene, tmp_path)
    by_hand(journal_of(settings), "DELETE FROM heads")
    # heads.txt still vouches for them.
    verdict = await verify_journal(settings)
    assert (verdict.broken, verdict.signed.number) == ((), SIGNED)
    for at, number in enumerate((FIRST_SIGNED, 19, SIGNED)):
        settings = copied(scene, tmp_path)
        lines = settings.paths.heads.read_text().splitlines(keepends=True)
        settings.paths.heads.write_text("".join(lines[:at] + lines[at + 1 :]))
        assert first(await verify_journal(settings)) == (Trouble.WITNESS, number, "journal.db")
    for lose in (settings.paths.heads.unlink, lambda: settings.paths.heads.write_bytes(b"half a li")):
        lose()
        assert [(each.trouble, each.where) for each in (await verify_journal(settings)).broken] == [
            (Trouble.UNWITNESSED, "heads.txt")
        ]


async def test_every_octet_of_heads_txt_counts(settings: Settings) -> None:
    path = settings.paths.heads
    octets = path.read_bytes()
    starts = [0, *(at + 1 for at, octet in enumerate(octets) if octet == ord("\n"))]
    for line in octets.decode().splitlines():
        head = head_of(line)
        assert is_signed(head)
        for at in range(len(line)):
            try:
                changed = head_of(line[:at] + chr(ord(line[at]) ^ 1) + line[at + 1 :])
            except ValueError:
                continue
            assert not is_signed(changed), at
    async with open_for_checking(journal_of(settings)) as journal:
        for at in range(0, len(octets), 11):
            path.write_bytes(octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :])
            verdict = (await check_journal(journal, settings)).verdict
            count = sum(start <= at for start in starts)
            assert not verdict.is_sound, at
            trouble, _number, where = first(verdict)
            assert where == f"heads.txt:{count}" or (trouble is Trouble.WITNESS and where == "journal.db"), at
        for at in range(0, len(octets) - 1, 31):  # cut anywhere: a head that journal.db has is missing
            path.write_bytes(octets[:at])
            named = Trouble.WITNESS if b"\n" in octets[:at] else Trouble.UNWITNESSED
            assert first((await check_journal(journal, settings)).verdict)[0] is named, at
        lines = octets.splitlines(keepends=True)
        for spoiled, where in (
            ([lines[1], lines[0], lines[2]], "heads.txt:2"),
            ([*lines, lines[2]], "heads.txt:4"),
            ([*lines, b"\n"], "heads.txt:4"),
            ([lines[0], b"17 x\n", *lines[1:]], "heads.txt:2"),
        ):
            path.write_bytes(b"".join(spoiled))
            assert first((await check_journal(journal, settings)).verdict)[2] == where


async def test_another_key_is_no_key_of_this_journal(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Somebody without the machine's key signs a chain that was written anew."""
    heads = rechain(journal_of(settings), "UPDATE chain SET by = 'somebody' WHERE number = 5")
    stranger = settings_of(tmp_path_factory.mktemp("stranger"))
    settings.paths.device_key.unlink()
    shutil.copytree(settings.paths.state, stranger.paths.state, dirs_exist_ok=True)
    resign(stranger, heads, in_file=True)
    for each in (stranger.paths.heads, stranger.paths.journal_db):
        shutil.copy(each, settings.paths.state)
    by_hand(
        journal_of(settings),
        f"UPDATE heads SET key = '{rows(journal_of(settings), 'SELECT key FROM heads')[0][0]}'",
    )
    assert first(await verify_journal(settings))[:2] == (Trouble.SIGNATURE, FIRST_SIGNED)


# tables that follow from the chain

TABLES: list[tuple[str, int, str]] = [
    (f"UPDATE segments SET bytes = bytes + 1 WHERE name = '{NAMES[4]}'", 6, f"segments: {NAMES[4]}"),
    (f"UPDATE segments SET lines = 0 WHERE name = '{NAMES[4]}'", 6, f"segments: {NAMES[4]}"),
    (f"UPDATE segments SET digest = 'x' WHERE name = '{NAMES[4]}'", 6, f"segments: {NAMES[4]}"),
    (f"UPDATE segments SET record = 1 WHERE name = '{NAMES[4]}'", 6, f"segments: {NAMES[4]}"),
    (f"UPDATE segments SET archive = '{KEPT}' WHERE name = '{NAMES[4]}'", 6, f"segments: {NAMES[4]}"),
    (f"UPDATE segments SET removed = 1 WHERE name = '{NAMES[4]}'", 6, f"segments: {NAMES[4]}"),
    (f"DELETE FROM segments WHERE name = '{NAMES[0]}'", 2, f"segments: {NAMES[0]}"),
    ("INSERT INTO segments VALUES ('20261102T080000-w0-0009.tsv', 2, 1, 1, '', '', 0)", 0,
     "segments: 20261102T080000-w0-0009.tsv"),
    (f"UPDATE archives SET digest = 'x' WHERE file = '{KEPT}'", 14, f"archives: {KEPT}"),
    (f"UPDATE archives SET rows = 1 WHERE file = '{KEPT}'", 14, f"archives: {KEPT}"),
    (f"UPDATE archives SET bytes = 1 WHERE file = '{REWRITTEN}'", 17, f"archives: {REWRITTEN}"),
    (f"UPDATE archives SET day = 'x' WHERE file = '{KEPT}'", 14, f"archives: {KEPT}"),
    (f"DELETE FROM archives WHERE file = '{KEPT}'", 14, f"archives: {KEPT}"),
    (f"INSERT INTO archives VALUES ('{GONE}', '', 0, 0, '', 1)", 0, f"archives: {GONE}"),
    ("UPDATE counts SET queries = queries + 1 WHERE hour = '2026-11-02T21'", 8, "counts: 2026-11-02"),
    ("DELETE FROM counts WHERE hour = '2026-11-02T21'", 8, "counts: 2026-11-02"),
    ("INSERT INTO counts VALUES ('2026-10-02T21', 1, 5)", 0, "counts: 2026-10-02"),
    # A day that has no record yet: what is in the table would be entered at its end.
    ("DELETE FROM counts WHERE hour = (SELECT max(hour) FROM counts)", 0, "counts"),
    ("UPDATE counts SET queries = queries + 1 WHERE hour = (SELECT max(hour) FROM counts)", 0, "counts"),
    ("UPDATE counts SET hour = '2026-11-02T05' WHERE hour = '2026-11-02T21'", 8, "counts: 2026-11-02"),
    ("UPDATE tallies SET room = '215'", 8, "counts: 2026-11-02"),
    ("UPDATE tallies SET category = 'news'", 8, "counts: 2026-11-02"),
    ("UPDATE inspectors SET until = '2030-01-01' WHERE name = 'dina'", 20, "inspectors: dina"),
    ("UPDATE inspectors SET secret = 'mine' WHERE name = 'dina'", 20, "inspectors: dina"),
    ("UPDATE inspectors SET secret = '' WHERE name = 'dina'", 20, "inspectors: dina"),
    ("UPDATE inspectors SET secret = 'mine' WHERE name = 'erlan'", 21, "inspectors: erlan"),
    ("INSERT INTO inspectors VALUES ('evil', 'mine', '2030-01-01', 20)", 0, "inspectors: evil"),
    ("DELETE FROM inspectors WHERE name = 'dina'", 20, "inspectors: dina"),
    (f"INSERT INTO positions VALUES ('{NAMES[5]}', 1, 1, 0, '', '', '', '')", 7, f"positions: {NAMES[5]}"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "record", "where"), TABLES, ids=[each[0][:60] for each in TABLES])
async def test_a_table_that_does_not_say_what_the_chain_says_is_named(
    settings: Settings, statement: str, record: int, where: str
) -> None:
    by_hand(journal_of(settings), statement)
    assert first(await verify_journal(settings)) == (Trouble.TABLE, record, where)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER evil AFTER INSERT ON chain BEGIN DELETE FROM folds; END",
        "CREATE TRIGGER chain_next BEFORE INSERT ON chain BEGIN DELETE FROM folds; END",
        "CREATE VIEW evil AS SELECT * FROM chain",
        "CREATE TABLE evil (x)",
        "CREATE INDEX evil ON chain (by)",
    ],
)
async def test_what_this_program_did_not_make_in_the_file_is_named(settings: Settings, statement: str) -> None:
    by_hand(journal_of(settings), statement)
    assert first(await verify_journal(settings)) == (Trouble.STRANGER, 0, statement.split()[2])


@pytest.mark.parametrize("name", ["sqlite_evil", "sqlite_autoindex_chain_1", "sqlite_stat1", "migrations"])
async def test_a_trigger_under_a_name_of_sqlite_or_of_ours_is_named(settings: Settings, name: str) -> None:
    trigger = f"CREATE TRIGGER {name} AFTER INSERT ON chain BEGIN DELETE FROM folds; END"
    insert = "INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql) VALUES ('trigger', ?, 'chain', 0, ?)"
    by_hand(journal_of(settings), "PRAGMA writable_schema = ON", (insert, name, trigger))
    assert first(await verify_journal(settings)) == (Trouble.STRANGER, 0, name)


async def test_what_a_program_for_sqlite_leaves_by_itself_is_no_stranger(settings: Settings) -> None:
    by_hand(journal_of(settings), "ANALYZE")
    assert rows(journal_of(settings), "SELECT name FROM sqlite_master WHERE name LIKE 'sqlite_stat%'")
    assert (await verify_journal(settings)).is_sound


async def test_what_was_entered_before_there_were_digests_is_judged_by_the_rest(settings: Settings) -> None:
    """Journals of before hold records of days without `digest`, of accounts without it, of segments without `days`."""
    changes = (
        "UPDATE chain SET body = json_remove(body, '$.digest') WHERE kind IN ('day', 'account')",
        "UPDATE chain SET body = json_remove(body, '$.days') WHERE kind = 'segment'",
    )
    resign(settings, rechain(journal_of(settings), *changes), in_file=True)
    assert (await verify_journal(settings)).broken == ()
    by_hand(journal_of(settings), "UPDATE inspectors SET until = '2030-01-01' WHERE name = 'dina'")
    by_hand(journal_of(settings), "UPDATE counts SET queries = queries + 1 WHERE hour = '2026-11-02T21'")
    wheres = [each.where for each in (await verify_journal(settings)).broken]
    assert wheres == ["inspectors: dina", "counts: 2026-11-02", "counts"]


async def test_flipped_octets_of_the_database_file_never_pass_for_another_journal(scene: Path, tmp_path: Path) -> None:
    settings = copied(scene, tmp_path)
    path = journal_of(settings)
    octets = path.read_bytes()
    tables = ("chain", "sealed", "heads", "segments", "archives", "counts", "tallies", "inspectors")
    before = [rows(path, f"SELECT * FROM {table}") for table in tables]
    for at in range(0, len(octets), 211):
        path.write_bytes(octets[:at] + bytes([octets[at] ^ 0x10]) + octets[at + 1 :])
        try:
            sound = (await verify_journal(settings)).is_sound
        except (StorageError, sqlite3.Error):
            continue
        finally:
            for rest in ("-wal", "-shm"):
                path.with_name(f"{path.name}{rest}").unlink(missing_ok=True)
        # Free pages and what SQLite does not read may change; what the journal says may not.
        if sound:
            assert [rows(path, f"SELECT * FROM {table}") for table in tables] == before, at


async def test_a_guard_stands_in_the_way_of_accidents(settings: Settings) -> None:
    with closing(sqlite3.connect(journal_of(settings))) as raw, pytest.raises(sqlite3.IntegrityError):
        raw.execute("DELETE FROM chain WHERE number = 23")


def test_each_trouble_has_words() -> None:
    for trouble in Trouble:
        text = describe(Broken(trouble, 17, "here", 12))
        assert "{" not in text
        assert text.endswith(".")
