"""`lists show`, `search` and `catalogue`: everything that is known of a list, and why a name is on it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from blocklists.catalogue import CATALOGUE
from blocklists.generation import Held, WhyHeld
from blocklists.sources import load_sources, save_sources
from cli.lists_catalogue import matching
from cli.lists_words import why_held
from tests.cli.installation import Bench, prepared
from tests.cli.query_log import write_log


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with prepared(tmp_path, monkeypatch) as bench:
        yield bench


def add(bench: Bench, list_id: str, content: str, *options: str, category: str = "games") -> Path:
    path = bench.folder / f"{list_id}.txt"
    path.write_text(content, encoding="utf-8")
    bench.done("lists", "add", list_id, str(path), "--category", category, *options)
    return path


def hits(bench: Bench, name: str) -> list[dict[str, object]]:
    found = bench.json("lists", "search", name, "--json")
    assert isinstance(found, list)
    return found


def test_without_lists_the_next_step_is_named(bench: Bench) -> None:
    assert "lists catalogue" in bench.done("lists", "show")
    assert bench.json("lists", "show", "--json") == []
    assert bench.json("lists", "held", "--json") == []


def test_all_lists_are_shown_with_what_is_in_force(bench: Bench) -> None:
    add(bench, "mine", "example.org\nbad name\n")
    add(bench, "other", "example.net\n", category="tiktok")
    table = bench.done("lists", "show")
    assert [line.split()[:4] for line in table.splitlines()[1:3]] == [
        ["mine", "games", "1", "1"],
        ["other", "tiktok", "1", "0"],
    ]
    assert "In force: generation" in table
    data = bench.json("lists", "show", "--json")
    assert isinstance(data, list)
    assert [(each["id"], each["rules"], each["skipped"], each["in_force"], each["held"]) for each in data] == [
        ("mine", 1, 1, True, 0),
        ("other", 1, 0, True, 0),
    ]


def test_one_list_is_shown_in_full(bench: Bench) -> None:
    content = "[Adblock Plus]\n||example.org^\n||bad name^\nexample.org##.ad\n/^kazin/\n"
    path = add(bench, "mine", content, "--title", "Ours", category="gambling")
    shown = bench.done("lists", "show", "mine")
    for expected in (
        "mine: Ours",
        "Feeds: Gambling (gambling)",
        f"Location: {path}",
        "Format: adblock (detected)",
        "Rules: 2, skipped lines: 1, lines without meaning for DNS: 1",
        "Of the rules, patterns: 1, addresses: 0",
        "Last found good: 20",
        "In force: generation",
        "  mine:3: expected",
    ):
        assert expected in shown
    data = bench.json("lists", "show", "mine", "--json")
    assert isinstance(data, dict)
    assert (data["format"], data["rules"], data["unused"], data["patterns"]) == ("adblock", 2, 1, 1)
    assert data["skipped_lines"][0].startswith("mine:3: expected")
    assert Path(data["text"]).read_text() == content


def test_the_last_error_is_shown(bench: Bench) -> None:
    path = add(bench, "mine", "example.org\n")
    path.unlink()
    assert bench.run("lists", "refresh").exit_code == 1
    assert "found nothing at" in bench.done("lists", "show")
    assert "Last error: expected a file, found nothing at" in bench.done("lists", "show", "mine")


def test_a_list_of_a_stranger_cannot_act_on_the_terminal(bench: Bench) -> None:
    add(bench, "mine", "example.org\nevil\x1b[2Jname\n")
    assert "\x1b" not in bench.done("lists", "show", "mine")


def test_a_list_without_its_text_names_the_next_step(bench: Bench) -> None:
    add(bench, "mine", "example.org\n")
    (bench.folder / "var" / "lists" / "texts" / "mine.txt").unlink()
    assert "lists refresh mine" in bench.refused(1, "lists", "show", "mine")


def test_a_damaged_index_does_not_keep_the_lists_from_being_shown(bench: Bench) -> None:
    add(bench, "mine", "example.org\n")
    (bench.folder / "var" / "lists" / "current").write_text("gone\n")
    assert "Next: schoolfilter lists refresh" in bench.done("lists", "show")


def test_an_unknown_list_is_answered_with_the_nearest(bench: Bench) -> None:
    add(bench, "mine", "example.org\n")
    assert "did you mean 'mine'" in bench.refused(1, "lists", "show", "mime")
    assert "did you mean 'mine'" in bench.refused(1, "lists", "held", "mime")


def test_search_names_list_line_rule_and_what_is_in_force(bench: Bench) -> None:
    add(bench, "mine", "example.net\nexample.org\n", "--title", "Ours")
    add(bench, "ads", "||www.example.org^$important\n@@||example.org^\n/^www\\.exam/\n", category="advertising")
    table = bench.done("lists", "search", "WWW.Example.org.")
    assert [line.split()[:3] for line in table.splitlines()[1:5]] == [
        ["mine", "2", "example.org"],
        ["ads", "1", "www.example.org"],
        ["ads", "2", "example.org"],
        ["ads", "3", "/^www\\.exam/"],
    ]
    assert "important" in table
    assert "exception" in table
    assert "In force: generation" in table
    assert bench.done("lists", "search", "example.com") == "No list speaks of example.com.\n"


def test_search_tells_what_is_held_on_trial_off_or_only_in_a_newer_text(bench: Bench) -> None:
    add(bench, "held", "com.kz\nexample.org\n")
    add(bench, "trial", "school.com.kz\n", "--shadow")
    add(bench, "off", "school.com.kz\n")
    bench.done("lists", "set", "off", "--disable")
    table = {line.split()[0]: line for line in bench.done("lists", "search", "www.school.com.kz").splitlines()}
    assert "held, does not block" in table["held"]
    assert "on trial" in table["trial"]
    assert "list is switched off" in table["off"]
    by_list = {hit["list_id"]: hit for hit in hits(bench, "www.school.com.kz")}
    assert (by_list["held"]["held"], by_list["trial"]["held"], by_list["off"]["enabled"]) == (True, False, False)
    assert by_list["held"]["generation"]
    assert not by_list["off"]["generation"]


def test_search_shows_names_as_people_write_them(bench: Bench) -> None:
    add(bench, "mine", "xn--e1aaogsq.xn--80ao21a\n")
    assert "мектеп.қаз" in bench.done("lists", "search", "www.мектеп.қаз")
    assert hits(bench, "мектеп.қаз")[0]["name"] == "xn--e1aaogsq.xn--80ao21a"


def test_shadow_counts_what_would_have_been_blocked(bench: Bench) -> None:
    assert "No list is on trial" in bench.done("lists", "shadow")
    add(bench, "trial", "example.org\n", "--shadow")
    assert "trial: nothing that was asked for" in bench.done("lists", "shadow")
    write_log(bench.folder / "var", {"a.example.org": 5, "b.example.org": 2}, outcome="allow\tshadow\tgames\ttrial")
    write_log(bench.folder / "var", {"a.example.org": 1}, outcome="allow\tshadow\tgames\ttrial", group="teachers")
    said = bench.done("lists", "shadow")
    assert "trial (games) would have blocked 8 queries for 2 names in the last 7 days." in said
    assert "By group: pupils 7, teachers 1" in said
    assert [line.split() for line in said.splitlines()[3:5]] == [["a.example.org", "6"], ["b.example.org", "2"]]
    assert "a.example.org" not in bench.done("lists", "shadow", "trial", "--names", "0")
    data = bench.json("lists", "shadow", "trial", "--json", "--days", "1")
    assert isinstance(data, list)
    assert (data[0]["list_id"], data[0]["queries"], data[0]["names"]) == ("trial", 8, 2)
    assert "Would have blocked in the last 7 days: 8 queries for 2 names" in bench.done("lists", "show", "trial")


def test_only_lists_on_trial_are_counted(bench: Bench) -> None:
    add(bench, "mine", "example.org\n")
    assert "lists set mine --shadow" in bench.refused(1, "lists", "shadow", "mine")
    assert "no list" in bench.refused(1, "lists", "shadow", "zzz")


def test_the_catalogue_shows_what_can_be_added(bench: Bench) -> None:
    table = bench.done("lists", "catalogue")
    assert all(f"\n{list_id} " in table for list_id in CATALOGUE)
    folder = bench.folder / "var" / "lists"
    add(bench, "mine", "example.org\n")
    [mine] = load_sources(folder)
    save_sources(folder, [mine, type(mine)("ut1-gambling", "UT1", "gambling", "/nowhere")])
    data = bench.json("lists", "catalogue", "--json")
    assert isinstance(data, list)
    assert [each["id"] for each in data if each["added"]] == ["ut1-gambling"]
    assert all(each["licence"] and each["meaning"] and each["urls"] and each["names"] for each in data)


def test_the_catalogue_is_searched_by_a_word(bench: Bench) -> None:
    table = bench.done("lists", "catalogue", "GAMBLING")
    assert "ut1-gambling" in table
    assert "ut1-chat" not in table
    assert "The catalogue has no list about 'zebra'" in bench.done("lists", "catalogue", "zebra")
    assert {each.category for each in matching(CATALOGUE.values(), "tiktok")} == {"tiktok"}


def test_an_entry_of_the_catalogue_is_shown_in_full(bench: Bench) -> None:
    shown = bench.done("lists", "catalogue", "ut1-gambling")
    for expected in (
        "ut1-gambling: UT1 gambling",
        "Licence: CC-BY-SA-4.0",
        "Homepage: https://",
        "lists add ut1-gambling",
    ):
        assert expected in shown


def test_the_addresses_of_lists_are_found(bench: Bench) -> None:
    path = bench.folder / "networks.txt"
    path.write_text("# ours\n203.0.113.0/24\n2001:db8::/32\n")
    bench.done("lists", "add", "networks", str(path), "--category", "games", "--format", "addresses")
    said = bench.done("lists", "search", "203.0.113.80").splitlines()
    assert said[1].split() == ["networks", "2", "203.0.113.0/24", "games"]
    [found] = cast("list[dict[str, object]]", bench.json("lists", "search", "2001:db8::7", "--json"))
    assert (found["list_id"], found["line"], found["network"]) == ("networks", 3, "2001:db8::/32")
    assert "No list in force speaks of 192.0.2.1" in bench.done("lists", "search", "192.0.2.1")


def test_a_list_without_a_title_is_not_named_twice(bench: Bench) -> None:
    path = bench.folder / "own.txt"
    path.write_text("own.example\n")
    bench.done("lists", "add", "own", str(path), "--category", "games")
    assert bench.done("lists", "show", "own").splitlines()[0] == "own"


def test_times_are_the_schools_and_json_is_utc(bench: Bench) -> None:
    path = bench.folder / "own.txt"
    path.write_text("own.example\n")
    bench.done("lists", "add", "own", str(path), "--category", "games")
    found = cast("dict[str, str]", bench.json("lists", "show", "own", "--json"))
    moment = datetime.fromisoformat(found["last_refresh"])
    assert moment.utcoffset() == timedelta(0)
    result = bench.run("lists", "show", "own", SCHOOLFILTER_SCHOOL__TIME_ZONE="Pacific/Kiritimati")
    there = moment.astimezone(ZoneInfo("Pacific/Kiritimati"))
    assert f"Last found good: {there:%Y-%m-%d %H:%M} (" in result.stdout


@pytest.mark.parametrize(
    ("name", "words"),
    [("/edu/", "an expression that would close whole public suffixes"), ("com.kz", "strangers register")],
    ids=["expression", "suffix"],
)
def test_why_a_rule_is_held(name: str, words: str) -> None:
    assert words in why_held(Held(name, 1, WhyHeld.SUFFIX))
