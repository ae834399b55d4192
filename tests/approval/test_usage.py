"""The use of each entry is read out of the query log piece by piece, and outlives it."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approval import usage as usage_module
from approval.records import DamagedRecord
from approval.usage import USAGE, Usage, load_usage, note_usage
from policy.decision import Why
from resolver.querylog import HEADER_LINE, QueryLog
from settings.model import Durability

TODAY = date(2026, 9, 10)
ENTRIES = ("example.org", "deep.example.org", "kitap.kz", "xn--e1aaogsq.xn--80ao21a")

Note = Callable[..., Usage]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    folder = tmp_path / "querylog"
    folder.mkdir()
    return folder


@pytest.fixture
def note(tmp_path: Path, log: Path) -> Note:
    def once(
        entries: Iterable[str] = ENTRIES, today: date = TODAY, retention_days: int = 90, full: bool = True
    ) -> Usage:
        said = note_usage(tmp_path / "state", list(entries), log, today=today, retention_days=retention_days, full=full)
        assert load_usage(tmp_path / "state") == said
        return said

    return once


def line(name: str, day: date, reason: str = Why.ALLOWED, action: str = "allow") -> bytes:
    text = (
        f"{day}T10:15:30.250+05:00\t10.1.2.3\t\t214\tpupils\t{name}\tA\t{action}\t{reason}\t\t\tNOERROR\tcache\t0.1\n"
    )
    return text.encode()


def write(log: Path, *lines: bytes, name: str = "20260902T050000-w0-0001.tsv", header: bytes = HEADER_LINE) -> Path:
    path = log / name
    path.write_bytes(header + b"".join(lines))
    return path


@pytest.mark.parametrize(
    ("asked", "action", "reason", "entry"),
    [
        ("example.org", "allow", Why.ALLOWED, "example.org"),
        ("www.example.org", "allow", Why.ALLOWED, "example.org"),
        ("deep.example.org", "allow", Why.ALLOWED, "deep.example.org"),
        ("a.b.deep.example.org", "allow", Why.ALLOWED, "deep.example.org"),
        ("www.xn--e1aaogsq.xn--80ao21a", "allow", Why.ALLOWED, "xn--e1aaogsq.xn--80ao21a"),
        ("example.org", "allow", Why.PROTECTED, "example.org"),
        ("example.org", "rewrite", Why.SAFE_SEARCH, "example.org"),
        ("example.org", "allow", Why.EXCEPTION, "example.org"),
        ("notexample.org", "allow", Why.ALLOWED, None),
        ("org", "allow", Why.ALLOWED, None),
        (".", "allow", Why.ALLOWED, None),
        ("", "allow", Why.ALLOWED, None),
        (r"a\046b.example.org", "allow", Why.ALLOWED, "example.org"),
        ("example.org", "allow", Why.DEFAULT, None),
        ("example.org", "block", Why.LOCKED, None),
        ("example.org", "block", Why.LEVEL, None),
        ("example.org", "block", Why.EXCEPTION, None),
    ],
)
def test_the_nearest_entry_that_covers_the_name_was_used(
    log: Path, note: Note, asked: str, action: str, reason: str, entry: str | None
) -> None:
    write(log, line(asked, date(2026, 9, 2), reason, action))
    assert note().last == ({entry: date(2026, 9, 2)} if entry else {})


def test_a_name_that_reads_like_a_reason_is_no_use(log: Path, note: Note) -> None:
    """Only the column `reason` counts: a device or a list may be called `allowed`."""
    row = line("example.org", TODAY, Why.CATEGORY, "block").replace(b"\t\t214", b"\tallowed\t214")
    write(log, row)
    assert note().last == {}


def test_the_log_as_a_worker_writes_it(tmp_path: Path, log: Path, note: Note) -> None:
    moment = datetime(2026, 9, 3, 4, tzinfo=UTC)
    writer = QueryLog(log, 0, UTC, segment_bytes=1 << 20, durability=Durability.NONE, clock=lambda: moment.timestamp())
    writer.open()
    writer.write(writer.stamp() + line("kitap.kz", moment.date()).partition(b"\t")[2])
    assert note().last == {"kitap.kz": date(2026, 9, 3)}


def test_the_last_day_counts_whatever_the_order(log: Path, note: Note) -> None:
    days = [date(2026, 9, 3), date(2026, 9, 5), date(2026, 9, 4)]
    write(log, *(line("example.org", day) for day in days))
    write(log, line("example.org", date(2026, 9, 1)), name="20260902T060000-w1-0001.tsv")
    assert note().last == {"example.org": date(2026, 9, 5)}


def test_a_day_in_the_future_is_today(log: Path, note: Note) -> None:
    """A machine without a battery for its clock may live in 2099 for some minutes."""
    write(log, line("example.org", date(2099, 1, 1)))
    assert note().last == {"example.org": TODAY}


def test_columns_are_found_by_their_names(log: Path, note: Note) -> None:
    write(
        log,
        b"allowed\tx\t2026-09-02T10:00:00.000+05:00\tkitap.kz\tallow\n",
        header=b"reason\tnew\ttime\tname\taction\n",
    )
    assert note().last == {"kitap.kz": date(2026, 9, 2)}


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\n",
        b"\t\n",
        b"\tallowed\t\n",
        b"\x00\xff\tallowed\t\xff\n",
        line("kitap.kz", TODAY).replace(b"2026-", b"20x6-"),
        line("kitap.kz", TODAY).replace(b"\tcache", b""),
        line("kitap\xff.kz", TODAY),
    ],
)
def test_damaged_lines_are_left_out_and_the_others_counted(log: Path, note: Note, damaged: bytes) -> None:
    write(log, damaged, line("example.org", TODAY))
    assert note().last == {"example.org": TODAY}


def test_what_is_no_segment_is_left_alone(log: Path, note: Note) -> None:
    (log / "empty.tsv").write_bytes(b"")
    (log / "torn.tsv").write_bytes(b"time\tname\treason")
    (log / "other.tsv").write_bytes(b"a\tb\n1\t2\n")
    (log / "notes.txt").write_bytes(HEADER_LINE + line("example.org", TODAY))
    assert note().last == {}


def test_a_segment_that_goes_away_meanwhile_is_passed_over(log: Path, note: Note) -> None:
    (log / "20260902T040000-w0-0001.tsv").symlink_to(log / "taken away by retention")
    write(log, line("example.org", TODAY))
    assert note().last == {"example.org": TODAY}


def test_without_a_log_nothing_was_used(tmp_path: Path) -> None:
    said = note_usage(tmp_path, ENTRIES, tmp_path / "none", today=TODAY, retention_days=90, full=True)
    assert said == Usage(TODAY, {}, TODAY, {})


def test_each_line_is_read_once(log: Path, note: Note) -> None:
    """What was read already may be overwritten with anything: only what follows is looked at."""
    path = write(log, line("example.org", date(2026, 9, 2)))
    first = note()
    assert first.read == {path.name: path.stat().st_size}
    write(log, line("kitap.kz   ", date(2026, 9, 2)), line("deep.example.org", date(2026, 9, 4)))
    assert note().last == {"example.org": date(2026, 9, 2), "deep.example.org": date(2026, 9, 4)}


def test_half_a_line_waits_for_its_other_half(log: Path, note: Note) -> None:
    whole = line("example.org", TODAY)
    path = write(log, whole[:-30])
    assert note().last == {}
    assert note().read == {path.name: len(HEADER_LINE)}
    write(log, whole)
    assert note().last == {"example.org": TODAY}


@given(st.integers(1, 400), st.integers(0, 400))
def test_it_does_not_matter_in_which_pieces_the_log_is_read(
    tmp_path_factory: pytest.TempPathFactory, block: int, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("log")
    lines = [line("example.org", date(2026, 9, 2)), line("kitap.kz", date(2026, 9, 3)), line("x.org", date(2026, 9, 4))]
    whole = HEADER_LINE + b"".join(lines)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(usage_module, "_BLOCK", block)
        for text in (whole[:cut], whole):
            (folder / "20260902T050000-w0-0001.tsv").write_bytes(text)
            said = note_usage(folder / "state", ENTRIES, folder, today=TODAY, retention_days=90, full=True)
    assert said.last == {"example.org": date(2026, 9, 2), "kitap.kz": date(2026, 9, 3)}
    assert said.read == {"20260902T050000-w0-0001.tsv": len(whole)}


def test_use_outlives_the_log(log: Path, note: Note) -> None:
    path = write(log, line("example.org", date(2026, 9, 2)))
    note()
    path.unlink()
    later = note(today=TODAY + timedelta(days=30))
    assert later.last == {"example.org": date(2026, 9, 2)}
    assert later.read == {}


def test_what_is_no_longer_on_the_list_is_forgotten(log: Path, note: Note) -> None:
    write(log, line("example.org", TODAY), line("kitap.kz", TODAY))
    note()
    assert note(["kitap.kz"]).last == {"kitap.kz": TODAY}
    assert note().last == {"kitap.kz": TODAY}


def test_watching_begins_with_the_oldest_line_of_the_log(log: Path, note: Note) -> None:
    write(log, line("x.org", date(2026, 7, 1), Why.DEFAULT), line("x.org", date(2026, 6, 1), Why.DEFAULT))
    write(log, line("x.org", date(2026, 6, 20), Why.DEFAULT), name="20260620T050000-w1-0001.tsv")
    write(log, name="20260101T050000-w0-0001.tsv")
    assert note().since == date(2026, 6, 20)
    assert note(today=TODAY + timedelta(days=90)).since == date(2026, 6, 20)


def test_who_looks_too_seldom_begins_anew(log: Path, note: Note) -> None:
    """What retention took away unread may have held a use of any entry."""
    write(log, line("example.org", date(2026, 9, 2)))
    note()
    later = TODAY + timedelta(days=91)
    write(log, line("x.org", later - timedelta(days=5), Why.DEFAULT), name="20261205T050000-w0-0001.tsv")
    said = note(today=later)
    assert said.since == later - timedelta(days=5)
    assert said.last == {"example.org": date(2026, 9, 2)}


def test_a_log_of_blocked_queries_says_nothing_of_use(log: Path, note: Note) -> None:
    write(log, line("x.org", date(2026, 9, 2), Why.CATEGORY, "block"))
    assert note(full=False).since is None
    assert note(full=False).since is None
    tomorrow = TODAY + timedelta(days=1)
    assert note(today=tomorrow).since == tomorrow
    assert note(today=tomorrow + timedelta(days=1)).since == tomorrow


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"since": "yesterday", "noted": "2026-09-01", "last": {}, "read": {}}',
        '{"since": null, "noted": null, "last": {}, "read": {}}',
        '{"since": null, "noted": "2026-09-01", "last": [], "read": {}}',
        '{"since": null, "noted": "2026-09-01", "last": {}, "read": {"a": "b"}}',
        b"\xff",
    ],
)
def test_a_damaged_record_is_told_and_not_overwritten(tmp_path: Path, log: Path, text: str | bytes) -> None:
    """A year of watching is not thrown away in silence."""
    data = text.encode() if isinstance(text, str) else text
    (tmp_path / USAGE).write_bytes(data)
    with pytest.raises(DamagedRecord, match=r"usage\.json: expected .* take it away"):
        note_usage(tmp_path, ENTRIES, log, today=TODAY, retention_days=90, full=True)
    assert (tmp_path / USAGE).read_bytes() == data


def test_the_record_can_be_read_by_people(tmp_path: Path, log: Path, note: Note) -> None:
    write(log, line("example.org", date(2026, 9, 2)))
    note()
    assert json.loads((tmp_path / "state" / USAGE).read_text(encoding="utf-8")) == {
        "since": "2026-09-02",
        "noted": "2026-09-10",
        "last": {"example.org": "2026-09-02"},
        "read": {"20260902T050000-w0-0001.tsv": len(HEADER_LINE) + len(line("example.org", TODAY))},
    }
