"""`report monthly` and `act` as commands: what they refuse, print, keep and hand out."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.placing import Aside
from journal.documents.kept_papers import PaperKind
from papers.act import LiveTest, Probed
from papers.kinds import paper_words
from policy.group_titles import first_titles
from storage.evidence import Kind, Record
from storage.journal_db import Tally, open_journal
from tests.cli.begun_journal import begin_journal
from tests.cli.installation import Bench, prepared
from tests.papers.sheets import squeezed, text_of
from translations import spoken


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.chdir(tmp_path)
    with prepared(tmp_path, monkeypatch) as found:
        begin_journal(found)
        yield found


@pytest.mark.parametrize("month", ["2024-13", "2024-1", "24-10", "october", "9999-01", "2024-10-01"])
def test_what_is_no_month_that_has_begun_is_refused(bench: Bench, month: str) -> None:
    assert "expected a month that has begun" in bench.refused(2, "report", "monthly", month)


def test_a_report_is_handed_out_in_each_language_kept_and_numbered(bench: Bench, tmp_path: Path) -> None:
    bench.done("report", "monthly", "2024-10", "--language", "en", "--language", "kk", "--output", str(tmp_path))
    said = bench.done("report", "monthly", "2024-09", "--measures", "A talk.", "--output", str(tmp_path))
    year = bench.today().year
    assert "Monthly report No. 2" in said
    names = sorted(path.name for path in tmp_path.glob("*.pdf"))
    assert [name.replace(str(year), "Y") for name in names] == [
        "monthly-report-Y-001-en.pdf",
        "monthly-report-Y-001-kk.pdf",
        "monthly-report-Y-002-en.pdf",
    ]
    for name in names:
        (kept,) = (bench.folder / "var" / "papers").glob(f"*/{name}")
        assert kept.read_bytes() == (tmp_path / name).read_bytes()
    text = squeezed(text_of((tmp_path / names[2]).read_bytes()))
    for words in ("September 2024, No. 2/", "Queries 0", "Not reconciled yet", "8. Measures taken A talk."):
        assert squeezed(words) in text


def test_json_prints_the_figures_and_draws_up_nothing(bench: Bench, tmp_path: Path) -> None:
    bench.done("groups", "set", "pupils", "--level", "high", "--protocol", "3", "--date", "2026-09-01")
    bench.done("allow", "kitap.kz", "--order", "12", "--date", "2026-09-02", "--reason", "books")
    today = bench.today()
    found = bench.json("report", "monthly", today.isoformat()[:7], "--json")
    assert isinstance(found, dict)
    assert (found["queries"], found["finished"], found["reconciled"]) == (0, False, False)
    assert [order["added"] for order in found["orders"]] == [["kitap.kz"]]
    assert [change["document"] for change in found["changes"]] == ["protocol 3 of 2026-09-01"]
    assert found["until"] == today.isoformat()
    assert not (bench.folder / "var" / "papers").exists()
    json.dumps(found)


def test_who_reads_what_people_wrote_about_incidents_is_on_record(bench: Bench, tmp_path: Path) -> None:
    days = ("--from", "2024-10-01", "--to", "2024-10-31")
    bench.done("report", "monthly", "2024-10", "--json")
    bench.run("act", *days, "--reason", "order 45", "--output", str(tmp_path))
    found = bench.json("journal", "accesses", "--names", "--json")
    assert isinstance(found, list)
    assert [(each["what"], each["reason"], each["asked"]) for each in found[:-1]] == [
        ("report monthly", "", {"month": "2024-10"}),
        ("act", "order 45", dict([days[:2], days[2:]])),
    ]


def test_measures_taken_stand_in_the_figures(bench: Bench) -> None:
    bench.done("journal", "report-site", "casino.example")
    number = f"{bench.today():%Y-%m}-0001"
    bench.done("journal", "note", number, "Seen", "--measures", "It was closed")
    found = bench.json("report", "monthly", number[:7], "--json")
    assert isinstance(found, dict)
    assert [each["measures"] for each in found["incidents"]["list"]] == [["It was closed"]]


def test_report_and_act_list_an_alarm_of_their_days_with_what_was_found_since(bench: Bench, tmp_path: Path) -> None:
    async def enter() -> int:
        path, at = bench.folder / "var" / "journal.db", datetime(2024, 10, 15, 5, tzinfo=UTC)
        async with open_journal(path) as journal, journal.changing(at) as change:
            return await change.add(Kind.ALARM, {"what": "segment-lost", "segment": "x.tsv"})

    number = asyncio.run(enter())
    days = ("--from", "2024-10-01", "--to", "2024-10-31", "--output", str(tmp_path))
    papers = (("report", "monthly", "2024-10", "--output", str(tmp_path)), ("act", *days))

    def said() -> list[str]:
        for arguments in papers:
            bench.done(*arguments)
        found = sorted(tmp_path.glob("*.pdf"))
        texts = [squeezed(text_of(path.read_bytes())) for path in found]
        for path in found:
            path.unlink()
        return texts

    assert [squeezed("Nobody has settled this alarm yet.") in text for text in said()] == [True, True]
    bench.done("journal", "settle", str(number), "--text", "The disk was full")
    for text in said():
        assert squeezed("The segment x.tsv") in text
        assert squeezed(": The disk was full") in text
        assert squeezed("Nobody has settled") not in text
    found = bench.json("report", "monthly", "2024-10", "--json")
    assert isinstance(found, dict)
    (alarm,) = found["alarms"]
    assert (alarm["what"], alarm["settled"]["text"]) == ("segment-lost", "The disk was full")


def test_a_report_that_cannot_be_handed_out_is_kept_and_says_where(bench: Bench, tmp_path: Path) -> None:
    year = bench.today().year
    for number in (year - 1, year, year + 1):
        (tmp_path / f"monthly-report-{number}-001-en.pdf").write_text("an older one")
    result = bench.run("report", "monthly", "2024-10", "--output", str(tmp_path))
    assert result.exit_code == 1
    assert "it is kept as" in result.stderr


@pytest.mark.parametrize(
    "command", [("report", "monthly", "2024-10"), ("act", "--from", "2024-10-01", "--to", "2024-10-31")]
)
def test_no_number_is_used_up_for_a_folder_that_takes_no_copy(
    bench: Bench, tmp_path: Path, command: tuple[str, ...]
) -> None:
    told = bench.refused(1, *command, "--output", str(tmp_path / "absent" / "folder"))
    assert "Nothing was drawn up" in told
    assert "--output /tmp" in told
    assert not (bench.folder / "var" / "papers").exists()
    bench.done(*command, "--output", str(tmp_path))
    (path,) = tmp_path.glob("*.pdf")
    assert path.name.endswith("-001-en.pdf")


def test_a_folder_that_may_not_be_written_is_told_with_the_next_step(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, **_public: bool) -> Aside:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("cli.handout.Aside", refused)
    result = bench.run("report", "monthly", "2024-10", "--output", str(tmp_path))
    assert result.exit_code == 1
    first, second = result.stderr.splitlines()
    assert "Permission denied. Nothing was drawn up" in first
    assert "--output /tmp" in second
    assert not (bench.folder / "var" / "papers").exists()


@pytest.mark.parametrize("kind", PaperKind)
def test_each_kind_of_paper_has_a_name(kind: PaperKind) -> None:
    assert paper_words(kind) != kind


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--from", "2024-10-31", "--to", "2024-10-01"), "--from not after --to"),
        (("--from", "2024-10-01", "--to", "9999-01-01"), "a period that has been"),
        (("--from", "2024-10-01", "--to", "soon"), "--to: expected a day"),
        (("--from", "2024-10-01", "--to", "2024-10-31", "--order", "3"), "the order with its date"),
        (("--from", "2024-10-01", "--to", "2024-10-31", "--date", "2024-09-01"), "the order with its date"),
        (("--from", "2024-10-01", "--to", "2024-10-31", "--commission", ", director"), "found no name"),
    ],
)
def test_an_act_that_cannot_be_meant_is_refused(bench: Bench, arguments: tuple[str, ...], message: str) -> None:
    assert message in bench.refused(2, "act", *arguments)
    assert not (bench.folder / "var" / "papers").exists()


def test_an_act_without_a_running_server_says_so_and_is_kept(bench: Bench, tmp_path: Path) -> None:
    bench.done(
        "act", "--from", "2024-10-01", "--to", "2024-10-31", "--commission", "Asanova B., deputy director",
        "--order", "45", "--date", "2024-09-28", "--output", str(tmp_path),
    )  # fmt: skip
    (path,) = tmp_path.glob("act-*-001-en.pdf")
    text = squeezed(text_of(path.read_bytes()))
    for words in (
        "The server did not run",
        "Took part Asanova B., deputy director",
        "No. 45 of 28 September 2024",
        "Journal of access whole 2 records",
        "Query log and archive whole",
        "Orders of the director whole 0 orders",
        "No list was in force.",
    ):
        assert squeezed(words) in text, words
    assert "SOMETHINGISWRONG" not in text


def test_an_act_over_damaged_evidence_is_drawn_up_says_so_and_ends_with_1(bench: Bench, tmp_path: Path) -> None:
    bench.done("report", "monthly", "2024-10", "--output", str(tmp_path))
    heads = bench.folder / "var" / "heads.txt"
    heads.write_text(f"9{heads.read_text()}")
    result = bench.run("act", "--from", "2024-10-01", "--to", "2024-10-31", "--output", str(tmp_path))
    assert result.exit_code == 1
    assert "something is wrong" in result.stderr
    (path,) = tmp_path.glob("act-*-001-en.pdf")
    text = squeezed(text_of(path.read_bytes()))
    assert "SOMETHINGISWRONG" in text
    assert "NOTWHOLE" in text


def test_an_act_names_the_command_that_shows_what_is_wrong(bench: Bench, tmp_path: Path) -> None:
    today = bench.today().isoformat()
    days = ("--from", "2024-10-01", "--to", today, "--output", str(tmp_path))
    bench.done("act", *days)
    strange = bench.folder / "var" / "archive" / "date=2024-10-02" / "0009.parquet"
    strange.parent.mkdir(parents=True)
    strange.write_bytes(b"PAR1")
    result = bench.run("act", *days)
    assert result.exit_code == 1
    assert f"schoolfilter log verify --from 2024-10-01 --to {today}" in result.stderr
    assert "journal verify" not in result.stderr
    result = bench.run("report", "monthly", "2024-10", "--json")
    assert result.exit_code == 1
    assert "not whole. See: schoolfilter log verify" in result.stderr
    assert json.loads(result.stdout)["log"]["sound"] is False
    heads = bench.folder / "var" / "heads.txt"
    heads.write_text(f"9{heads.read_text()}")
    assert "See also: schoolfilter journal verify\n" in bench.run("act", *days).stderr


@pytest.mark.parametrize(
    "command",
    [
        ("report", "monthly", "2024-08"),
        ("report", "monthly", "2024-08", "--json"),
        ("act", "--from", "1990-01-01", "--to", "2024-09-14"),
        ("journal", "print", "1900-01"),
    ],
)
def test_days_before_the_journal_was_begun_are_refused_and_nothing_is_entered(
    bench: Bench, command: tuple[str, ...]
) -> None:
    told = bench.refused(2, *command)
    assert "expected days since 2024-09-15, when the journal was begun" in told
    assert [each.kind for each in _records(bench)] == [Kind.BEGUN]
    assert not (bench.folder / "var" / "papers").exists()


def _records(bench: Bench, *kinds: Kind) -> list[Record]:
    async def read() -> list[Record]:
        async with open_journal(bench.folder / "var" / "journal.db") as journal:
            return [each async for each in journal.records(kinds)]

    return asyncio.run(read())


def test_days_that_a_journal_begun_anew_has_counted_are_known(bench: Bench) -> None:
    async def count() -> None:
        path, at = bench.folder / "var" / "journal.db", datetime(2024, 9, 16, tzinfo=UTC)
        async with open_journal(path) as journal, journal.changing(at) as change:
            await change.count({("2024-08-30T10", Tally("214", "pupils", "allow", "default", "")): 7})

    asyncio.run(count())
    found = json.loads(bench.run("report", "monthly", "2024-08", "--json").stdout)
    assert (found["queries"], found["begun"]) == (7, "2024-09-15")
    bench.refused(2, "report", "monthly", "2024-07")


def test_a_period_in_which_the_journal_was_begun_says_so_and_its_days_without_a_query_begin_there(
    bench: Bench, tmp_path: Path
) -> None:
    days = ("--from", "2024-09-01", "--to", "2024-10-31")
    papers = (("report", "monthly", "2024-09"), ("act", *days), ("journal", "print", "2024-09"))
    for command in papers:
        bench.done(*command, "--output", str(tmp_path))
    texts = [squeezed(text_of(path.read_bytes())) for path in tmp_path.glob("*.pdf")]
    begun = squeezed("15 September 2024; figures begin with this day, and nothing is known of the days before")
    assert [begun in text for text in texts] == [True] * 3
    found = bench.json("report", "monthly", "2024-09", "--json")
    assert isinstance(found, dict)
    assert found["begun"] == "2024-09-15"
    assert found["silent_days"] == [f"2024-09-{day}" for day in range(15, 31)]
    assert "begun" not in squeezed(text_of(_report_of(bench, tmp_path, "2024-10")))


def _report_of(bench: Bench, folder: Path, month: str) -> bytes:
    before = set(folder.glob("*.pdf"))
    bench.done("report", "monthly", month, "--output", str(folder))
    (path,) = set(folder.glob("*.pdf")) - before
    return path.read_bytes()


def test_the_record_of_an_act_says_what_its_test_asked_and_the_report_counts_it(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested = (
        Probed("adult", "adult.example.org", "closed", "closed", agrees=True),
        Probed("games", "games.example.org", "closed", "closed", agrees=True),
        Probed("neutral", "example.net", "open", "open", agrees=True),
    )
    monkeypatch.setattr("cli.live_test.live_test", lambda *_: LiveTest("192.0.2.53:53", "pupils", "medium", tested))
    month = f"{bench.today():%Y-%m}"
    bench.done("act", "--from", "2024-10-01", "--to", "2024-10-31", "--output", str(tmp_path))
    (paper,) = _records(bench, Kind.PAPER)
    assert (paper.body["asked"], paper.body["asked_closed"]) == ({"adult": 1, "games": 1, "neutral": 1}, 2)
    found = bench.json("report", "monthly", month, "--json")
    assert isinstance(found, dict)
    assert (found["blocked_own_tests"], found["queries"]) == (2, 0)
    row = squeezed("Of the blocked ones: tests by the filter itself, for acts 2")
    assert row in squeezed(text_of(_report_of(bench, tmp_path, month)))
    assert squeezed("Of the blocked ones") not in squeezed(text_of(_report_of(bench, tmp_path, "2024-10")))


def test_documents_have_their_days_as_the_report_around_them(bench: Bench, tmp_path: Path) -> None:
    bench.done("groups", "set", "pupils", "--level", "high", "--protocol", "3", "--date", "2026-09-01")
    month = f"{bench.today():%Y-%m}"
    bench.done("report", "monthly", month, "--language", "ru", "--output", str(tmp_path))
    (path,) = tmp_path.glob("*.pdf")
    text = squeezed(text_of(path.read_bytes()))
    assert "01.09.2026" in text
    assert "2026-09-01" not in text


def test_first_titles_of_groups_are_in_the_language_of_the_act(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.live_test.live_test", lambda *_: LiveTest("192.0.2.53:53", "pupils", "medium", ()))
    bench.done("groups", "set", "staff", "--title", "Our staff")
    days = ("--from", "2024-10-01", "--to", "2024-10-31")
    bench.done("act", *days, "--language", "ru", "--output", str(tmp_path))
    (path,) = tmp_path.glob("*.pdf")
    text = squeezed(text_of(path.read_bytes()))
    with spoken("ru"):
        titles = first_titles()
    assert all(squeezed(title) in text for id_, title in titles.items() if id_ != "staff")
    assert text.count(squeezed(f"{titles['pupils']} (")) == 1  # the group of the live test
    assert "Ourstaff" in text
    assert "pupils" not in text.lower()


@pytest.mark.parametrize(
    "command", [("report", "monthly", "2024-10"), ("act", "--from", "2024-10-01", "--to", "2024-10-01")]
)
def test_without_a_policy_the_next_step_is_named(tmp_path: Path, command: tuple[str, ...]) -> None:
    bench = Bench(tmp_path)
    bench.config.parent.mkdir()
    bench.config.write_text("")
    bench.environ["SCHOOLFILTER_PATHS__STATE"] = str(tmp_path / "elsewhere")
    assert "schoolfilter init" in bench.refused(1, *command)
    assert [path.name for path in tmp_path.iterdir()] == ["var"]


async def _say(bench: Bench, queries: int) -> None:
    """Enter a day of which the chain says so many queries, and the counts one."""
    entered = datetime(2024, 10, 3, tzinfo=UTC)
    shares = {"queries": queries, "blocked": queries}
    body = {"date": "2024-10-02", "queries": queries, "damaged": 0, "actions": {"block": queries}}
    body |= {"blocked": {"games": queries}, "rooms": {"214": shares}, "groups": {"pupils": shares}}
    path = bench.folder / "var" / "journal.db"
    async with open_journal(path) as journal, journal.changing(entered) as change:
        await change.count({("2024-10-02T10", Tally("214", "pupils", "block", "category", "games")): 1})
        await change.add(Kind.DAY, body)


def test_figures_that_differ_end_with_1_and_are_named_in_json_and_on_paper(bench: Bench, tmp_path: Path) -> None:
    asyncio.run(_say(bench, 2))
    result = bench.run("report", "monthly", "2024-10", "--json")
    assert result.exit_code == 1
    assert "do not agree" in result.stderr
    checks = json.loads(result.stdout)["checks"]
    assert [check["outcome"] for check in checks] == ["differs", "differs"]
    assert checks[0]["differences"][0] == {
        "day": "2024-10-02",
        "topic": "queries",
        "item": "",
        "here": {"queries": 1, "blocked": 1},
        "there": {"queries": 2, "blocked": 2},
    }
    assert bench.run("report", "monthly", "2024-10", "--output", str(tmp_path)).exit_code == 1
    (path,) = tmp_path.glob("*.pdf")
    text = squeezed(text_of(path.read_bytes()))
    assert "NOTRECONCILED" in text
    assert squeezed("2 Oct 2024 blocked: Games 1, 1 2, 2") in text


def test_a_log_that_cannot_be_counted_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("journal.documents.monthly_paper.count_log", fails)
    asyncio.run(_say(bench, 1))
    result = bench.run("report", "monthly", "2024-10", "--json")
    assert result.exit_code == 1
    checks = json.loads(result.stdout)["checks"]
    assert [(check["outcome"], check["detail"]) for check in checks] == [
        ("agrees", ""),
        ("unreadable", "no space left"),
    ]
