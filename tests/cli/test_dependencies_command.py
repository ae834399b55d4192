"""`allow NAME --with-dependencies`: proposes what the log shows, opens only what a person says."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from resolver.querylog import HEADER_LINE
from tests.cli.installation import Bench, FakeIndex, prepared

ORDER = ("--order", "12", "--date", "2026-09-02")
SITE = "lessons.example"
LISTED = {
    "games.example": "games",
    "adult.example": "adult",
    "ads.example": "advertising",
    "unlawful.example": "terrorism",
    "virus.example": "malware",
}


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for module in ("approval.requests", "cli.dependencies"):
        monkeypatch.setattr(f"{module}.open_current", lambda _: FakeIndex(LISTED))
    with prepared(tmp_path, monkeypatch) as bench:
        bench.done("groups", "set", "pupils", "--level", "high")
        yield bench


def ask(client: str, seconds: float, name: str, outcome: str = "block\tlevel\t\t") -> tuple[float, bytes]:
    begun = datetime.now(UTC) - timedelta(hours=1)
    moment = (begun + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    return seconds, f"{moment}\t{client}\t\t\tpupils\t{name}\tA\t{outcome}\tNOERROR\tpolicy\t0.1\n".encode()


def write_log(bench: Bench, names: Sequence[str], *, opened: bool = True) -> None:
    """Let two devices visit the site twice each and ask for the names right after."""
    outcome = "allow\tallowed\t\t" if opened else "block\tlevel\t\t"
    lines = []
    for client, begin in (("10.0.0.5", 0), ("10.0.0.6", 3), ("10.0.0.5", 100), ("10.0.0.6", 103)):
        lines.append(ask(client, begin, f"www.{SITE}", outcome))
        lines += [ask(client, begin + 1, name) for name in names]
    folder = bench.folder / "var" / "querylog"
    folder.mkdir(exist_ok=True)
    text = b"".join(line for _seconds, line in sorted(lines))
    (folder / "20260902T050000-w0-0001.tsv").write_bytes(HEADER_LINE + text)


def entries(bench: Bench) -> list[tuple[str, str]]:
    found = bench.json("allow", "--list", "--json")
    assert isinstance(found, list)
    return [(entry["name"], entry["reason"]) for entry in found]


def allow(bench: Bench, *arguments: str) -> str:
    return bench.done("allow", SITE, *ORDER, "--with-dependencies", *arguments)


def test_without_a_terminal_the_command_is_told_and_nothing_else_opens(bench: Bench) -> None:
    write_log(bench, ["cdn.example.net", "www.games.example"])
    said = allow(bench, "--reason", "for biology")
    assert "cdn.example.net" in said
    assert "visits: 4, devices: 2" in said
    assert "the level high" in said
    assert (
        "schoolfilter allow cdn.example.net www.games.example --order 12 --date 2026-09-02 "
        "--reason 'needed by lessons.example'" in said
    )
    assert entries(bench) == [(SITE, "for biology")]


def test_by_signature_the_site_and_what_it_needs_are_asked_for(bench: Bench) -> None:
    write_log(bench, ["cdn.example.net"])
    bench.environ = {"SCHOOLFILTER_APPROVAL__MODE": "signature"}
    told = bench.done("allow", SITE, "--with-dependencies", "--until", "2999-05-25", "--reason", "for biology")
    assert "schoolfilter allow cdn.example.net --until 2999-05-25 --reason 'needed by lessons.example'" in told
    said = bench.done("allow", SITE, "--with-dependencies", "--yes", "--reason", "for biology")
    assert "Request 2: open cdn.example.net" in said
    found = bench.json("requests", "--json")
    assert isinstance(found, list)
    assert [(each["name"], each["reason"]) for each in found] == [
        (SITE, "for biology"),
        ("cdn.example.net", "needed by lessons.example"),
    ]
    assert entries(bench) == []


def test_yes_opens_all_that_is_proposed(bench: Bench) -> None:
    write_log(bench, ["cdn.example.net", "games.example"])
    said = allow(bench, "--yes")
    assert "cdn.example.net and all names below it are allowed for everyone: paper order 12 of 2026-09-02." in said
    needed = "needed by lessons.example"
    assert entries(bench) == [("cdn.example.net", needed), ("games.example", needed), (SITE, "")]


@pytest.mark.parametrize(
    ("typed", "opened"),
    [
        ("y\nn\ny\n", ["a.example", "c.example"]),
        ("n\na\n", ["b.example", "c.example"]),
        ("y\nq\n", ["a.example"]),
        ("\n\n\n", []),
        ("maybe\ny\nq\n", ["a.example"]),
    ],
    ids=["one-by-one", "all-that-follow", "no-more", "no-is-the-default", "asked-again"],
)
def test_in_a_terminal_each_is_asked_about(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, typed: str, opened: list[str]
) -> None:
    monkeypatch.setattr("cli.dependencies.asks", lambda: True)
    write_log(bench, ["a.example", "b.example", "c.example"])
    result = bench.run("allow", SITE, *ORDER, "--with-dependencies", stdin=typed)
    assert result.exit_code == 0, result.output
    assert "Open a.example too?" in result.stdout
    assert [name for name, _ in entries(bench)] == [*opened, SITE]


@pytest.mark.parametrize(
    "name",
    [
        "x.adult.example",
        "ads.example",
        "unlawful.example",
        "virus.example",
        "com.kz",
        "kz",
        "mozilla.cloudflare-dns.com",
    ],
)
def test_what_no_lesson_needs_is_never_proposed(bench: Bench, name: str) -> None:
    write_log(bench, [name, "cdn.example.net"])
    assert name not in allow(bench, "--yes").replace("cdn.example.net", "")
    assert [each for each, _ in entries(bench)] == ["cdn.example.net", SITE]


def test_a_name_below_a_proposed_one_opens_with_it(bench: Bench) -> None:
    write_log(bench, ["img.cdn.example.net", "cdn.example.net"])
    allow(bench, "--yes")
    assert [each for each, _ in entries(bench)] == ["cdn.example.net", SITE]


def test_what_is_open_by_now_is_not_proposed(bench: Bench) -> None:
    bench.done("allow", "cdn.example.net", *ORDER)
    write_log(bench, ["cdn.example.net"])
    assert "Nothing to propose" in allow(bench)


def test_what_is_open_for_the_group_is_not_proposed(bench: Bench) -> None:
    write_log(bench, ["cdn.example.net"])
    assert "Nothing to propose" in allow(bench, "--group", "teachers")
    said = allow(bench, "--group", "pupils", "--yes")
    assert "cdn.example.net and all names below it are allowed for the group pupils" in said


def test_a_site_that_never_opened_gives_a_guess_and_says_so(bench: Bench) -> None:
    write_log(bench, ["cdn.example.net"], opened=False)
    said = allow(bench)
    assert "cdn.example.net" in said
    assert "this is a guess" in said


def test_seconds_and_days_bound_what_is_read(bench: Bench) -> None:
    write_log(bench, ["cdn.example.net"])
    assert "Nothing to propose" in allow(bench, "--within", "0.5")


def test_without_visits_the_next_step_is_named(bench: Bench) -> None:
    said = allow(bench)
    assert "No device asked for lessons.example in the last 7 days" in said
    assert [name for name, _ in entries(bench)] == [SITE]


def test_a_log_of_blocked_queries_only_cannot_tell(bench: Bench) -> None:
    write_log(bench, ["cdn.example.net"])
    result = bench.run("allow", SITE, *ORDER, "--with-dependencies", "--yes", SCHOOLFILTER_LOG__DETAIL="blocked")
    assert 'log.detail = "full"' in result.stdout
    assert [name for name, _ in entries(bench)] == [SITE]


@pytest.mark.parametrize(
    "arguments",
    [
        (SITE, "example.net", "--with-dependencies", *ORDER),
        ("--with-dependencies", *ORDER),
        (SITE, "--yes", *ORDER),
        (SITE, "--with-dependencies", "--within", "0", *ORDER),
        (SITE, "--with-dependencies", "--days", "0", *ORDER),
        (SITE, "--with-dependencies", "--order", "12"),
    ],
    ids=["two-sites", "no-site", "yes-alone", "no-time", "no-days", "half-an-order"],
)
def test_misuse_ends_with_status_2_and_changes_nothing(bench: Bench, arguments: tuple[str, ...]) -> None:
    bench.refused(2, "allow", *arguments)
    assert entries(bench) == []


def test_what_is_left_out_is_counted_with_the_reason(bench: Bench) -> None:
    write_log(bench, ["ads.example", "com.kz", "x.adult.example"])
    said = allow(bench)
    assert "Nothing to propose of what was refused right after lessons.example" in said
    assert "left out on purpose: 3 (" in said
    assert "Advertising (advertising): 1" in said
    write_log(bench, ["ads.example", "cdn.example.net"])
    assert "left out on purpose: " in allow(bench, "--yes")
