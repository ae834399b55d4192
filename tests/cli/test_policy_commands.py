"""`allow`, `block`, `remove`: what a teacher types takes effect whole or not at all, and every refusal says why."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from blocklists.bundles import load_bundles
from blocklists.suffixes import bundled
from policy.names import display_name
from tests.cli.installation import Bench, FakeIndex, prepared

ORDER = ("--order", "12", "--date", "2026-09-02")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    listed = {"games.example": "games", "unlawful.example": "terrorism"}
    monkeypatch.setattr("cli.policy.open_current", lambda _: FakeIndex(listed))
    monkeypatch.setattr("cli.policy.who", lambda: "teacher")
    with prepared(tmp_path, monkeypatch) as bench:
        yield bench


def test_allow_stores_the_order(bench: Bench) -> None:
    said = bench.done("allow", "WWW.Example.org.", "мектеп.қаз", *ORDER, "--reason", "for biology")
    assert "www.example.org and all names below it are allowed for everyone: order 12 of 2026-09-02." in said
    assert "мектеп.қаз" in said
    entries = bench.json("allow", "--list", "--json")
    assert isinstance(entries, list)
    assert [(entry["name"], entry["display"]) for entry in entries] == [
        ("www.example.org", "www.example.org"),
        ("xn--e1aaogsq.xn--80ao21a", "мектеп.қаз"),
    ]
    assert entries[0] | {"added_at": ""} == {
        "kind": "allow",
        "name": "www.example.org",
        "display": "www.example.org",
        "group": None,
        "reason": "for biology",
        "order": {"number": "12", "date": "2026-09-02"},
        "document": "order 12 of 2026-09-02",
        "added_at": "",
        "added_by": "teacher",
    }
    table = bench.done("allow", "--list")
    assert "мектеп.қаз" in table
    assert "12 (2026-09-02)" in table


def test_allow_tells_which_lists_hold_the_name_today(bench: Bench) -> None:
    said = bench.done("allow", "www.games.example", *ORDER)
    assert "The list list-games holds games.example in the category Games (games)" in said


@pytest.mark.parametrize(
    "given", [(), ("--order", "12"), ("--date", "2026-09-02"), ("--order", " ", "--date", "2026-09-02")]
)
def test_allow_asks_for_the_order(bench: Bench, given: tuple[str, ...]) -> None:
    told = bench.refused(2, "allow", "example.org", *given)
    assert "--order NUMBER and --date YYYY-MM-DD" in told


@pytest.mark.parametrize("day", ["02.09.2026", "2026-13-01", "yesterday"])
def test_allow_wants_a_date_that_exists(bench: Bench, day: str) -> None:
    assert "such as 2026-09-02" in bench.refused(2, "allow", "example.org", "--order", "12", "--date", day)


def test_allow_by_signature_is_told_to_be_missing(bench: Bench) -> None:
    result = bench.run("allow", "example.org", *ORDER, SCHOOLFILTER_APPROVAL__MODE="signature")
    assert result.exit_code == 1
    assert 'approval.mode = "paper"' in result.stderr
    assert bench.json("allow", "--list", "--json") == []


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("https://www.example.org/a?b=c", "did you mean www.example.org?"),
        ("example.org:443", "did you mean example.org?"),
        ("*.example.org", "did you mean example.org?"),
        ("it@example.org", "did you mean example.org?"),
        ("||example.org^", "did you mean example.org?"),
        ("192.0.2.1", "such as example.org, found '192.0.2.1'"),
        ("exa mple", "such as example.org, found 'exa mple'"),
        ("http://[", "such as example.org"),
    ],
)
@pytest.mark.parametrize("command", ["allow", "block", "remove"])
def test_what_is_no_name_is_refused_with_a_hint(bench: Bench, command: str, typed: str, told: str) -> None:
    order = ORDER if command == "allow" else ()
    assert told in bench.refused(2, command, "example.com", typed, *order)
    assert bench.json("allow", "--list", "--json") == bench.json("block", "--list", "--json") == []


@pytest.mark.parametrize("name", ["kz", "edu.kz", "com.kg", "қаз"])
def test_a_public_suffix_is_not_opened(bench: Bench, name: str) -> None:
    assert f"such as example.{name}" in bench.refused(2, "allow", "school5.example.kz", name, *ORDER)
    assert bench.json("allow", "--list", "--json") == []


def test_what_the_law_forbids_and_ways_out_are_not_opened(bench: Bench) -> None:
    told = bench.refused(1, "allow", "example.org", "a.unlawful.example", "mozilla.cloudflare-dns.com", *ORDER)
    assert "a.unlawful.example will not open: the list list-terrorism holds unlawful.example" in told
    assert "mozilla.cloudflare-dns.com will not open" in told
    assert "Nothing was changed." in told
    assert bench.json("allow", "--list", "--json") == []


def test_an_unknown_group_changes_nothing(bench: Bench) -> None:
    assert "found nobody" in bench.refused(1, "allow", "example.org", *ORDER, "--group", "nobody")
    assert "found nobody" in bench.refused(1, "block", "example.org", "--group", "nobody")
    assert bench.json("allow", "--list", "--json") == bench.json("block", "--list", "--json") == []


@pytest.mark.parametrize("bundle", ["education", "devices", "app-stores"])
def test_a_bundle_is_allowed_by_one_order(bench: Bench, bundle: str) -> None:
    said = bench.done("allow", "--bundle", bundle, *ORDER, "--group", "pupils")
    entries = bench.json("allow", "--list", "--json")
    assert isinstance(entries, list)
    names = {each.name for each in load_bundles()[bundle] if not bundled().hold(each.name)}
    assert {each["name"] for each in entries} == names
    assert {(each["group"], each["reason"], each["document"]) for each in entries} == {
        ("pupils", f"bundle {bundle}", "order 12 of 2026-09-02")
    }
    assert f"The bundle {bundle}: {len(entries)} names" in said
    assert all(each["display"] in bench.done("allow", "--list") for each in entries)


def test_what_a_bundle_cannot_open_is_left_out_and_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, *_others = load_bundles()["education"]
    listed = {first.name: "terrorism", second.name: "games"}
    monkeypatch.setattr("cli.policy.open_current", lambda _: FakeIndex(listed))
    said = bench.done("allow", "--bundle", "education", *ORDER, "--reason", "for all lessons")
    assert f"{first.name} will not open: the list list-terrorism holds {first.name}" in said
    entries = bench.json("allow", "--list", "--json")
    assert isinstance(entries, list)
    assert first.name not in {each["name"] for each in entries}
    assert second.name in {each["name"] for each in entries}
    assert {each["reason"] for each in entries} == {"for all lessons"}


def test_block_takes_effect_or_says_for_whom_it_does_not(bench: Bench) -> None:
    bench.done("allow", "example.org", *ORDER)
    bench.done("allow", "example.net", *ORDER, "--group", "teachers")
    said = bench.done("block", "www.example.org", "example.net", "example.com", "--reason", "minutes 3")
    assert "The block of www.example.org has no effect: the director's list opens example.org (order 12 of" in said
    assert "schoolfilter remove example.org --kind allow" in said
    assert "example.net and all names below it are blocked for everyone." in said
    assert "no effect for teachers" in said
    assert "example.com and all names below it are blocked for everyone." in said
    assert "for the group pupils" in bench.done("block", "example.com", "--group", "pupils")
    entries = bench.json("block", "--list", "--json", "--group", "pupils")
    assert isinstance(entries, list)
    assert [(entry["name"], entry["group"], entry["order"]) for entry in entries] == [("example.com", "pupils", None)]


def test_block_of_a_protected_name_is_told_to_have_no_effect(bench: Bench) -> None:
    result = bench.run("block", "www.school5.example", SCHOOLFILTER_SCHOOL__PROTECTED="school5.example")
    assert "has no effect: school5.example is protected" in result.stdout


def test_allow_at_the_level_off_says_that_nothing_opens(bench: Bench) -> None:
    bench.done("groups", "set", "guests", "--level", "off")
    assert "Nothing opens for guests" in bench.done("allow", "example.org", *ORDER)


def test_remove_ends_entries_of_one_kind_or_both(bench: Bench) -> None:
    bench.done("allow", "example.org", *ORDER)
    bench.done("block", "example.org", "example.net")
    assert "no longer blocked by hand" in bench.done("remove", "example.org", "--kind", "block")
    assert "no longer on the director's list (for everyone; it rested on order 12 of" in bench.done(
        "remove", "example.org"
    )
    assert "no entry in force for: example.org" in bench.refused(1, "remove", "example.net", "example.org")
    entries = bench.json("block", "--list", "--json")
    assert isinstance(entries, list)
    assert len(entries) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("allow",),
        ("block",),
        ("remove",),
        ("allow", "example.org", "--list"),
        ("allow", "example.org", "--json", *ORDER),
        ("allow", "example.org", "--bundle", "education", *ORDER),
        ("allow", "--bundle", "education"),
        ("allow", "--bundle", "sweets", *ORDER),
        ("allow", "--bundle", "education", "--with-dependencies", *ORDER),
        ("remove", "example.org", "--kind", "both"),
        ("allow", "example.org", "--ordre", "12"),
        ("block", "example.org", "--reason", "two\nlines"),
        ("block", "example.org", "--reason", "long " * 100),
    ],
)
def test_misuse_ends_with_status_2(bench: Bench, arguments: tuple[str, ...]) -> None:
    bench.refused(2, *arguments)


def test_empty_lists_say_so(bench: Bench) -> None:
    assert bench.done("allow", "--list") == "No entries.\n"


def test_before_init_the_next_step_is_named(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.config.parent.mkdir()
    bench.config.touch()
    assert "schoolfilter init" in bench.refused(1, "block", "example.org")


def test_a_damaged_policy_is_told_without_a_trace(bench: Bench) -> None:
    (bench.folder / "var" / "policy.db").write_bytes(b"rubbish" * 1000)
    told = bench.refused(1, "block", "example.org")
    assert told.startswith("Error: ")
    assert "expected a sound database" in told


def test_a_bundle_is_read_before_it_is_ordered(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, *_others = load_bundles()["education"]
    monkeypatch.setattr("cli.policy.open_current", lambda _: FakeIndex({second.name: "terrorism"}))
    said = bench.done("allow", "--bundle", "education", "--list").splitlines()
    assert display_name(first.name) in said
    assert display_name(second.name) not in said
    assert any(line.startswith(f"  {second.name} will not open") for line in said)
    found = bench.json("allow", "--bundle", "education", "--list", "--json")
    assert isinstance(found, list)
    assert [each["name"] for each in found] == [each.name for each in load_bundles()["education"]]
    assert second.name in [each["name"] for each in found if each["closed"]]
    assert bench.json("allow", "--list", "--json") == []


def test_a_bundle_is_taken_back_whole(bench: Bench) -> None:
    bench.done("allow", "example.org", *ORDER)
    bench.done("allow", "--bundle", "devices", *ORDER)
    told = bench.done("allow", "--bundle", "devices", *ORDER, "--group", "guests")
    assert "schoolfilter remove --bundle devices --group guests" in told
    both = cast("list[dict[str, object]]", bench.json("allow", "--list", "--json"))
    of_guests = [each["name"] for each in both if each["group"] == "guests"]
    said = bench.done("remove", "--bundle", "devices", "--group", "guests")
    assert f"The bundle devices: {len(of_guests)} names are no longer on the director's list" in said
    left = cast("list[dict[str, object]]", bench.json("allow", "--list", "--json"))
    assert {each["group"] for each in left} == {None}
    bench.done("remove", "--bundle", "devices")
    [only] = cast("list[dict[str, object]]", bench.json("allow", "--list", "--json"))
    assert only["name"] == "example.org"
    assert "no name of the bundle devices" in bench.refused(1, "remove", "--bundle", "devices")


@pytest.mark.parametrize(
    "arguments",
    [(), ("example.org", "--bundle", "devices"), ("--bundle", "devices", "--kind", "block")],
    ids=["nothing", "both", "blocks"],
)
def test_remove_wants_names_or_a_bundle(bench: Bench, arguments: tuple[str, ...]) -> None:
    assert "bundle" in bench.refused(2, "remove", *arguments)
