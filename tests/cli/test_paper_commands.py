"""The commands that draw papers up and publish: what is written, what is entered, what is refused."""

import asyncio
import csv
import json
import os
import stat
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from cli.errors import Failure
from cli.publish import replace_folder
from journal.opening import opened_journal
from settings.load import load
from storage.evidence import Kind, Record
from storage.journal_db import Tally
from tests.cli.begun_journal import begin_journal
from tests.cli.installation import Bench, FakeIndex, prepared
from tests.papers.sheets import squeezed, text_of
from translations import _, spoken

SECRETS = ("192.0.2.77", "pc-secret", "casino.example", "Secretova", "room-5", "Room five")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("SUDO_USER", "teacher")
    monkeypatch.chdir(tmp_path)
    with prepared(tmp_path, monkeypatch) as made:
        made.environ = {
            "SCHOOLFILTER_SCHOOL__NAME": "School No. 12",
            "SCHOOLFILTER_SCHOOL__CONTACT": "mailto:school@example.org",
        }
        begin_journal(made)
        made.done("rooms", "add", "room-5", "--title", "Room five")
        yield made


def records(bench: Bench, *kinds: Kind) -> list[Record]:
    async def read() -> list[Record]:
        async with opened_journal(load(bench.config, {})) as journal:
            return [record async for record in journal.records(kinds, private=True)]

    return asyncio.run(read())


def enter_incident(bench: Bench, at: datetime, number: int = 1) -> None:
    """Enter an incident with everything about it that is personal, and queries of its month."""

    async def write() -> None:
        async with opened_journal(load(bench.config, {})) as journal, journal.changing(at) as change:
            body = {
                "id": f"{at:%Y-%m}-{number:04}", "rule": "deliberate-attempt", "severity": "harmful",
                "category": "gambling", "audience": "class-teacher", "room": "room-5", "group": "pupils", "lesson": "",
                "first": at.isoformat(), "last": at.isoformat(), "queries": 9, "names": 1, "signs": [],
            }  # fmt: skip
            private = {
                "client": "192.0.2.77", "device": "pc-secret", "teacher": "Secretova", "asked": [["casino.example", 9]],
            }  # fmt: skip
            await change.add(Kind.INCIDENT, body, private=private)
            tally = Tally("room-5", "pupils", "allow", "default", "")
            await change.count({(f"{at:%Y-%m-%dT%H}", tally): 5000})

    asyncio.run(write())


def last_month() -> datetime:
    return datetime.now(UTC).replace(day=1, hour=6) - timedelta(days=10)


def printed(path: Path) -> str:
    return squeezed(text_of(path.read_bytes()))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# papers


@pytest.mark.parametrize(
    ("kind", "arguments", "shared"),
    [
        ("briefing", ("briefing", "--group", "pupils", "--room", "room-5", "--topic", "Bullying"), 0o644),
        ("parents", ("parents",), 0o644),
        ("handover", ("handover", "--from", "A", "--to", "B", "--order", "45", "--date", "2026-11-01"), 0o600),
        ("referral", ("referral", "--from", "2026-11-01", "--to", "2026-11-30"), 0o644),
        ("journal", ("journal", "print", "2026-10"), 0o600),
    ],
)
def test_a_paper_is_kept_entered_and_handed_out_in_each_language(
    bench: Bench, kind: str, arguments: tuple[str, ...], shared: int
) -> None:
    told = bench.done(*arguments, "--language", "kk", "--language", "en")
    [record] = records(bench, Kind.PAPER)
    year = record.at.year
    names = [f"{kind}-{year}-001-{tongue}.pdf" for tongue in ("kk", "en")]
    for name, said in zip(names, record.body["files"], strict=True):  # type: ignore[call-overload]
        copy = bench.folder / name
        assert f"Written: {name}" in told
        assert mode(copy) == shared
        assert said["file"] == name
        assert said["sha256"] == sha256(copy.read_bytes()).hexdigest()
        assert (bench.folder / "var" / "papers" / str(year) / name).read_bytes() == copy.read_bytes()
    assert record.by == "teacher"
    assert squeezed("School No. 12") in printed(bench.folder / names[1])


def test_the_school_speaks_its_language_if_none_is_asked_for(bench: Bench) -> None:
    bench.done("parents")
    assert [path.name[-6:] for path in bench.folder.glob("parents-*.pdf")] == ["en.pdf"]


def test_a_second_paper_has_the_next_number_and_the_head_after_the_first(bench: Bench) -> None:
    bench.done("parents")
    bench.done("parents")
    first, second = records(bench, Kind.PAPER)
    assert (first.body["number"], second.body["number"]) == (1, 2)
    [path] = bench.folder.glob("parents-*-002-en.pdf")
    assert f"Journal{first.number}:{first.link[:16]}" in printed(path)


@pytest.mark.parametrize(
    "arguments",
    [
        ("briefing", "--group", "pupils"),
        ("parents",),
        ("handover", "--from", "A", "--to", "B", "--order", "45", "--date", "2026-11-01"),
        ("referral", "--from", "2026-11-01", "--to", "2026-11-28"),
        ("journal", "print", "2026-10"),
    ],
)
def test_no_number_is_used_up_for_a_folder_that_takes_no_copy(bench: Bench, arguments: tuple[str, ...]) -> None:
    assert "Nothing was drawn up" in bench.refused(1, *arguments, "--output", "nowhere")
    assert records(bench, Kind.PAPER, Kind.ACCESS) == []
    before = set(bench.folder.iterdir())
    bench.done(*arguments)
    [made] = set(bench.folder.iterdir()) - before  # nothing that was tried out stays
    assert made.name.endswith("-001-en.pdf")


def test_a_copy_that_cannot_be_written_after_all_is_told_and_the_paper_stays(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(path: Path, _data: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("cli.paper_output.hand_out", fails)
    told = bench.refused(1, "parents")
    assert "The paper is drawn up" in told
    [record] = records(bench, Kind.PAPER)
    assert str(record.body["files"][0]["file"]) in told  # type: ignore[index]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("briefing", "--group", "nobody"), "expected one of the groups"),
        (("briefing", "--group", "pupils", "--room", "cellar"), "expected a room that is entered"),
        (("handover", "--from", "A", "--to", "B"), "expected the director's order"),
        (("handover", "--from", " ", "--to", "B", "--order", "1", "--date", "2026-11-01"), "--from: expected a name"),
        (("journal", "print", "november"), "expected a month as YYYY-MM"),
        (("journal", "print", "2026-13"), "expected a month as YYYY-MM"),
        (("journal", "print", "2999-01"), "expected a month that has begun"),
        (("referral", "--from", "2026-11-02", "--to", "2026-11-01"), "not after --to"),
        (("referral", "--from", "2999-12-01", "--to", "2999-12-31"), "--from: expected a day that has begun"),
        (("handover", "--from", "A", "--to", "A", "--order", "1", "--date", "2026-11-01"), "expected two persons"),
        (
            ("handover", "--from", "A  B", "--to", " a b", "--order", "1", "--date", "2026-11-01"),
            "expected two persons",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_entered(
    bench: Bench, arguments: tuple[str, ...], message: str
) -> None:
    assert message in bench.refused(2, *arguments)
    assert records(bench, Kind.PAPER, Kind.ACCESS) == []


def test_the_briefing_names_group_room_and_topic(bench: Bench) -> None:
    bench.done("briefing", "--group", "pupils", "--room", "room-5", "--topic", "Bullying")
    [path] = bench.folder.glob("briefing-*.pdf")
    assert all(words in printed(path) for words in ("Forwhom:Pupils", "Roomfive", "Topic:Bullying"))
    [record] = records(bench, Kind.PAPER)
    assert (record.body["group"], record.body["room"], record.body["topic"]) == ("pupils", "room-5", "Bullying")


def test_papers_in_several_languages_each_have_the_first_titles_of_groups_in_their_own(bench: Bench) -> None:
    enter_incident(bench, last_month())
    bench.done("groups", "set", "staff", "--title", "Our staff")
    both = ("--language", "ru", "--language", "kk")
    bench.done("briefing", "--group", "pupils", *both)
    bench.done("handover", "--from", "A", "--to", "B", "--order", "45", "--date", "2026-11-01", *both)
    bench.done("journal", "print", f"{last_month():%Y-%m}", *both)
    for tongue in ("ru", "kk"):
        with spoken(tongue):
            title = squeezed(_("Pupils"))
        texts = [printed(path) for path in bench.folder.glob(f"*-{tongue}.pdf")]
        assert [title in text and "Pupils" not in text for text in texts] == [True] * 3
    [handover] = bench.folder.glob("handover-*-kk.pdf")
    assert "Ourstaff" in printed(handover)


def test_the_handover_says_who_and_by_which_order_and_counts_the_list(bench: Bench) -> None:
    bench.done("allow", "kitap.kz", "--order", "12", "--date", "2026-09-01")
    enter_incident(bench, datetime.now(UTC))
    bench.done("handover", "--from", "Seitova", "--to", "Usenov", "--order", "45", "--date", "2026-11-01")
    [path] = bench.folder.glob("handover-*.pdf")
    text = printed(path)
    expected = (
        "Seitova",
        "Usenov",
        "No.45of1November2026",
        "Sitesonthewhitelist1",
        "No.12of1September2026",
        "closed:1",
    )
    assert [words for words in expected if words not in text] == []
    assert "pc-secret" not in text
    [record] = records(bench, Kind.PAPER)
    assert {key: record.body[key] for key in ("from", "to", "order", "date")} == {
        "from": "Seitova", "to": "Usenov", "order": "45", "date": "2026-11-01",
    }  # fmt: skip


# the journal


def test_the_journal_names_devices_but_no_sites_and_the_look_comes_first(bench: Bench) -> None:
    enter_incident(bench, last_month())
    bench.done("journal", "print", f"{last_month():%Y-%m}", "--reason", "commission")
    [path] = bench.folder.glob("journal-*.pdf")
    text = printed(path)
    assert "pc-secret" in text
    assert "casino.example" not in text
    assert "192.0.2.77" not in text
    look, paper = records(bench, Kind.ACCESS, Kind.PAPER)
    assert (look.kind, look.by, look.body) == (
        Kind.ACCESS,
        "teacher",
        {"what": "journal print", "reason": "commission"},
    )
    assert look.private == {"asked": {"month": f"{last_month():%Y-%m}"}}
    assert (paper.body["incidents"], paper.body["names"]) == (1, False)


def test_with_names_the_sites_are_printed_and_the_look_says_so(bench: Bench) -> None:
    enter_incident(bench, last_month())
    bench.done("journal", "print", f"{last_month():%Y-%m}", "--names")
    [path] = bench.folder.glob("journal-*.pdf")
    assert "casino.example(9)" in printed(path)
    [look] = records(bench, Kind.ACCESS)
    assert look.private == {"asked": {"month": f"{last_month():%Y-%m}", "--names": "yes"}}


def test_a_look_that_cannot_be_entered_prints_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_arguments: object, **_options: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cli.looks.note_access", fails)
    assert "Nothing is shown" in bench.refused(1, "journal", "print", "2026-10")
    assert list(bench.folder.glob("journal-*.pdf")) == []


# the referral


@pytest.mark.parametrize(("tongue", "delimiter"), [("en", ","), ("ru", ";")])
def test_the_referral_as_csv_opens_in_a_table_and_is_on_record(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tongue: str, delimiter: str
) -> None:
    monkeypatch.setattr("cli.referral.open_current", lambda _: FakeIndex({"listed.example": "games"}))
    bench.done("block", "bad.example", "listed.example", "xn--e1afmkfd.example")
    day = datetime.now().astimezone()
    first, last = (day - timedelta(days=2)).date(), (day + timedelta(days=2)).date()
    bench.done("referral", "--from", str(first), "--to", str(last), "--format", "csv", "--language", tongue)
    [path] = bench.folder.glob("referral-*.csv")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter=delimiter))
    assert [row[:2] for row in rows[1:]] == [["bad.example"] * 2, ["пример.example", "xn--e1afmkfd.example"]]
    assert {len(row) for row in rows} == {7}
    [record] = records(bench, Kind.EXPORT)
    assert record.body == {
        "what": "referral", "format": "csv", "from": str(first), "to": str(last), "rows": 2,
        "sha256": sha256(path.read_bytes()).hexdigest(),
    }  # fmt: skip


def test_what_the_director_allows_is_not_referred(bench: Bench) -> None:
    bench.done("journal", "report-site", "good.example", "--by", "Secretova")
    bench.done("journal", "report-site", "bad.example", "--by", "Secretova")
    bench.done("allow", "good.example", "--order", "12", "--date", "2026-09-01")
    bench.done("referral", "--from", "2026-01-01", "--to", "2999-01-01")
    [path] = bench.folder.glob("referral-*.pdf")
    text = printed(path)
    assert "bad.example" in text
    assert "good.example" not in text
    assert "Secretova" not in text


def test_what_is_no_site_of_strangers_or_was_a_mistake_is_not_referred(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.referral.open_current", lambda _: FakeIndex({}))
    bench.done("journal", "report-site", "mistake.example")
    [report] = records(bench, Kind.REPORTED)
    bench.done("journal", "close", str(report.body["id"]), "an app")
    bench.done("journal", "report-site", "bad.example")
    bench.done("journal", "report-site", "school12.example")  # before it was protected
    bench.done("block", "com.kz", "worse.com.kz", "--yes")
    monkeypatch.setitem(bench.environ, "SCHOOLFILTER_SCHOOL__PROTECTED", "school12.example")
    bench.done("referral", "--from", "2026-01-01", "--to", "2999-01-01", "--format", "csv", "--language", "en")
    [path] = bench.folder.glob("referral-*.csv")
    assert [row.split(",")[0] for row in path.read_text("utf-8-sig").splitlines()[1:]] == [
        "bad.example",
        "worse.com.kz",
    ]


# the publication


def test_the_section_is_written_whole_and_readable_by_a_web_server(bench: Bench) -> None:
    before = os.umask(0o077)
    try:
        bench.done("publish", "--output", "site/security")
    finally:
        os.umask(before)
    folder = bench.folder / "site" / "security"
    assert sorted(path.name for path in folder.iterdir()) == [
        "en.html", "index.html", "information.json", "kk.html", "ky.html", "ru.html",
    ]  # fmt: skip
    assert mode(folder) == 0o755
    assert {mode(path) for path in folder.iterdir()} == {0o644}
    assert [path.name for path in folder.parent.iterdir()] == ["security"]


def test_nothing_personal_is_published(bench: Bench) -> None:
    for number in range(1, 8):
        enter_incident(bench, last_month(), number)
    bench.done("journal", "report-site", "bad.example", "--by", "Secretova", "--note", "casino.example")
    bench.done("publish")
    texts = [path.read_text("utf-8") for path in (bench.folder / "information-security").iterdir()]
    assert [secret for secret in SECRETS if any(secret in text for text in texts)] == []
    data = json.loads((bench.folder / "information-security" / "information.json").read_text("utf-8"))
    assert data["months"][0]["incidents"]["deliberate-attempt"] == 7
    assert data["months"][0]["queries"] == 35_000


def test_figures_of_many_years_are_published_in_little_memory(bench: Bench) -> None:
    tallies = [Tally(f"room-{room}", "pupils", action, "", "") for room in range(120) for action in ("allow", "block")]
    hours = [f"{year}-{month:02}-05T{hour:02}" for year in range(2020, 2025) for month in (9, 10) for hour in range(24)]

    async def count() -> None:
        async with opened_journal(load(bench.config, {})) as journal, journal.changing(datetime.now(UTC)) as change:
            for hour in hours:
                await change.count({(hour, tally): 1 + number % 7 for number, tally in enumerate(tallies)})

    asyncio.run(count())
    bench.done("publish")  # all that is read or imported only once is there
    tracemalloc.start()
    try:
        bench.done("publish")
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Of each count a single object would be over 7 million octets.
    assert len(hours) * len(tallies) == 57_600
    assert most < 3_000_000
    data = json.loads((bench.folder / "information-security" / "information.json").read_text("utf-8"))
    queries = [sum(1 + number % 7 for number in range(begin, 240, step)) for begin, step in ((0, 1), (1, 2))]
    assert [(each["month"], each["queries"], each["blocked_percent"]) for each in data["months"]] == [
        (f"{year}-{month:02}", 24 * queries[0], round(100 * queries[1] / queries[0]))
        for year in range(2024, 2019, -1)
        for month in (10, 9)
    ]


def test_orders_and_protocols_are_named_by_number_and_date_only(bench: Bench) -> None:
    bench.done("allow", "kitap.kz", "--order", "12", "--date", "2026-09-01", "--reason", "asked by Secretova")
    bench.done("groups", "set", "pupils", "--block", "games", "--protocol", "3", "--date", "2026-08-25")
    bench.done("publish")
    page = (bench.folder / "information-security" / "en.html").read_text("utf-8")
    assert "No. 12 of 1 September 2026" in page
    assert "No. 3 of 25 August 2026" in page
    assert "Secretova" not in page
    assert "teacher</" not in page


def test_a_section_takes_the_place_of_an_older_one(bench: Bench) -> None:
    bench.done("publish")
    (bench.folder / "information-security" / "kk.html").write_text("old")
    bench.done("publish")
    assert (bench.folder / "information-security" / "kk.html").read_text("utf-8") != "old"
    assert [path.name for path in bench.folder.glob(".information-security*")] == []


@pytest.mark.parametrize(
    "files", [{"index.html": "my own page"}, {"kk.html": "", "photo.jpg": ""}, {"information.json": "{}"}]
)
def test_what_publish_did_not_write_is_not_replaced(bench: Bench, files: dict[str, str]) -> None:
    folder = bench.folder / "site"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    assert "expected a folder of its own" in bench.refused(1, "publish", "--output", "site")
    assert {path.name: path.read_text() for path in folder.iterdir()} == files


def test_a_link_is_not_followed(bench: Bench) -> None:
    (bench.folder / "real").mkdir()
    (bench.folder / "link").symlink_to("real")
    assert "expected a folder of its own" in bench.refused(1, "publish", "--output", "link")


def test_the_old_section_stays_if_the_new_one_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = {"information.json": b'{"format": "schoolfilter-information:1"}', "index.html": b"old"}
    replace_folder(tmp_path / "site", data)
    renamed = Path.rename

    def fails(path: Path, target: Path) -> Path:
        if path.name.endswith(".part"):
            raise OSError(5, "Input/output error")
        return renamed(path, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(OSError, match="Input/output"):
        replace_folder(tmp_path / "site", {**data, "index.html": b"new"})
    assert (tmp_path / "site" / "index.html").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("a file")
    with pytest.raises((Failure, OSError)):
        replace_folder(tmp_path / "site", {"index.html": b"new"})
    assert (tmp_path / "site").read_text() == "a file"
