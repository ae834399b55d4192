"""`allow`: what a teacher types takes effect whole or not at all, every refusal says why, and paper is called paper."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from blocklists.bundles import load_bundles
from blocklists.suffixes import bundled
from policy.names import display_name
from tests.cli.installation import Bench, FakeIndex, prepared
from tests.cli.query_log import write_log

ORDER = ("--order", "12", "--date", "2026-09-02")
SIGNATURE = {"SCHOOLFILTER_APPROVAL__MODE": "signature"}
Rows = list[dict[str, object]]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    listed = {"games.example": "games", "unlawful.example": "terrorism"}
    monkeypatch.setattr("approval.requests.open_current", lambda _: FakeIndex(listed))
    monkeypatch.setenv("SUDO_USER", "teacher")
    with prepared(tmp_path, monkeypatch) as bench:
        yield bench


def listed(bench: Bench, *arguments: str) -> Rows:
    return cast("Rows", bench.json("allow", "--list", "--json", *arguments))


def asked(bench: Bench, *arguments: str) -> Rows:
    return cast("Rows", bench.json("requests", "--json", *arguments))


# -- on paper ----------------------------------------------------------------------------------------------------------


def test_a_paper_order_is_stored_and_called_by_its_name(bench: Bench) -> None:
    said = bench.done("allow", "WWW.Example.org.", "мектеп.қаз", *ORDER, "--reason", "for biology")
    assert "www.example.org and all names below it are allowed for everyone: paper order 12 of 2026-09-02." in said
    assert "мектеп.қаз" in said
    entries = listed(bench)
    assert [(entry["name"], entry["display"]) for entry in entries] == [
        ("www.example.org", "www.example.org"),
        ("xn--e1aaogsq.xn--80ao21a", "мектеп.қаз"),
    ]
    assert entries[0] | {"added_at": ""} == {
        "kind": "allow",
        "name": "www.example.org",
        "display": "www.example.org",
        "group": None,
        "scope": "always",
        "until": None,
        "reason": "for biology",
        "order": {"sequence": 1, "number": "12", "date": "2026-09-02", "paper": True},
        "document": "paper order 12 of 2026-09-02",
        "added_at": "",
        "added_by": "teacher",
    }
    table = bench.done("allow", "--list")
    assert "мектеп.қаз" in table
    assert "12 (2026-09-02), paper order" in table


def test_all_names_of_a_call_are_one_order(bench: Bench) -> None:
    bench.done("allow", "example.org", "example.net", *ORDER)
    orders = cast("Rows", bench.json("orders", "show", "--all", "--json"))
    assert [[each["name"] for each in cast("Rows", order["additions"])] for order in orders] == [
        ["example.org", "example.net"]
    ]


def test_which_lists_hold_the_name_and_what_is_odd_about_it_is_told(bench: Bench) -> None:
    bench.done("allow", "example.org", *ORDER)
    said = bench.done("allow", "www.games.example", "exmaple.org", *ORDER)
    assert "The list list-games holds games.example in the category Games" in said
    assert "Look twice: Is example.org meant? exmaple.org differs from it by one typing error." in said


@pytest.mark.parametrize(
    "given", [("--order", "12"), ("--date", "2026-09-02"), ("--order", " ", "--date", "2026-09-02")]
)
def test_with_half_of_an_order_both_ways_are_named(bench: Bench, given: tuple[str, ...]) -> None:
    told = bench.refused(2, "allow", "example.org", *given)
    assert "--order NUMBER and --date YYYY-MM-DD" in told
    assert "schoolfilter allow example.org --request" in told
    assert listed(bench) == asked(bench) == []


def test_without_an_order_it_is_a_request(bench: Bench) -> None:
    said = bench.done("allow", "example.org", "--reason", "chemistry")
    assert "Then enter it: schoolfilter approve 1 --order NUMBER" in said
    assert listed(bench) == []
    assert [each["name"] for each in asked(bench)] == ["example.org"]


@pytest.mark.parametrize("day", ["02.09.2026", "2026-13-01", "yesterday"])
def test_a_date_has_to_exist(bench: Bench, day: str) -> None:
    assert "such as 2026-09-02" in bench.refused(2, "allow", "example.org", "--order", "12", "--date", day)


def test_a_name_may_end_by_itself(bench: Bench) -> None:
    assert "The last day is 2999-05-25." in bench.done("allow", "example.org", *ORDER, "--until", "2999-05-25")
    assert [entry["until"] for entry in listed(bench)] == ["2999-05-25"]
    assert "or a later day" in bench.refused(2, "allow", "example.net", *ORDER, "--until", "2026-01-01")


def test_a_name_may_be_for_lessons_only(bench: Bench) -> None:
    said = bench.done("allow", "example.org", *ORDER, "--scope", "lessons")
    assert "Teachers may open example.org and all names below it in a lesson, for everyone: paper order 12" in said
    assert [entry["scope"] for entry in listed(bench)] == ["lessons"]


def test_at_the_level_off_nothing_opens_and_that_is_said(bench: Bench) -> None:
    bench.done("groups", "set", "guests", "--level", "off")
    assert "Nothing opens for guests" in bench.done("allow", "example.org", *ORDER)


def test_names_come_from_a_file_too(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_text("\ufeffexample.org  # chemistry\n\n# a remark\nмектеп.қаз\n", "utf-8")
    bench.done("allow", "example.net", "--from-file", str(file), *ORDER)
    assert [entry["display"] for entry in listed(bench)] == ["example.net", "example.org", "мектеп.қаз"]
    file.write_bytes(b"\xff\xfe\x00rubbish")
    assert "UTF-8" in bench.refused(2, "allow", "--from-file", str(file), *ORDER)
    result = bench.run("allow", "--from-file", "-", *ORDER, stdin="example.com\n")
    assert result.exit_code == 0, result.output
    assert "example.com" in {entry["name"] for entry in listed(bench)}


# -- what cannot be opened ---------------------------------------------------------------------------------------------


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
    assert listed(bench) == bench.json("block", "--list", "--json") == []


@pytest.mark.parametrize("how", [ORDER, ("--request",)], ids=["paper", "request"])
@pytest.mark.parametrize("name", ["kz", "edu.kz", "com.kg", "қаз"])
def test_a_public_suffix_is_not_opened(bench: Bench, name: str, how: tuple[str, ...]) -> None:
    assert f"such as example.{name}" in bench.refused(2, "allow", "school5.example.kz", name, *how)
    assert listed(bench) == asked(bench) == []


@pytest.mark.parametrize("how", [ORDER, ("--request",)], ids=["paper", "request"])
def test_what_the_law_forbids_and_ways_out_are_not_opened(bench: Bench, how: tuple[str, ...]) -> None:
    told = bench.refused(1, "allow", "example.org", "a.unlawful.example", "mozilla.cloudflare-dns.com", *how)
    assert "a.unlawful.example will not open: the list list-terrorism holds unlawful.example" in told
    assert "mozilla.cloudflare-dns.com will not open" in told
    assert "Nothing was changed." in told
    assert listed(bench) == asked(bench) == []


@pytest.mark.parametrize("how", [ORDER, ("--request",)], ids=["paper", "request"])
def test_an_unknown_group_changes_nothing(bench: Bench, how: tuple[str, ...]) -> None:
    assert "found nobody" in bench.refused(1, "allow", "example.org", *how, "--group", "nobody")
    assert listed(bench) == asked(bench) == []


# -- bundles -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bundle", ["education", "devices", "app-stores"])
def test_a_bundle_is_allowed_by_one_order(bench: Bench, bundle: str) -> None:
    said = bench.done("allow", "--bundle", bundle, *ORDER, "--group", "pupils")
    entries = listed(bench)
    names = {each.name for each in load_bundles()[bundle] if not bundled().hold(each.name)}
    assert {each["name"] for each in entries} == names
    assert {(each["group"], each["reason"], each["document"]) for each in entries} == {
        ("pupils", f"bundle {bundle}", "paper order 12 of 2026-09-02")
    }
    assert f"The bundle {bundle}: {len(entries)} names" in said
    assert len(cast("Rows", bench.json("orders", "show", "--all", "--json"))) == 1


def test_what_a_bundle_cannot_open_is_left_out_and_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, *_others = load_bundles()["education"]
    held = {first.name: "terrorism", second.name: "games"}
    monkeypatch.setattr("approval.requests.open_current", lambda _: FakeIndex(held))
    said = bench.done("allow", "--bundle", "education", *ORDER, "--reason", "for all lessons")
    assert f"{first.name} will not open: the list list-terrorism holds {first.name}" in said
    entries = listed(bench)
    assert first.name not in {each["name"] for each in entries}
    assert second.name in {each["name"] for each in entries}
    assert {each["reason"] for each in entries} == {"for all lessons"}


def test_a_bundle_is_read_before_it_is_ordered(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, *_others = load_bundles()["education"]
    monkeypatch.setattr("approval.requests.open_current", lambda _: FakeIndex({second.name: "terrorism"}))
    said = bench.done("allow", "--bundle", "education", "--list").splitlines()
    assert display_name(first.name) in said
    assert display_name(second.name) not in said
    assert any(line.startswith(f"  {second.name} will not open") for line in said)
    found = cast("Rows", bench.json("allow", "--bundle", "education", "--list", "--json"))
    assert [each["name"] for each in found] == [each.name for each in load_bundles()["education"]]
    assert second.name in [each["name"] for each in found if each["closed"]]
    assert listed(bench) == []


def test_a_bundle_is_asked_for_as_a_whole(bench: Bench) -> None:
    said = bench.done("allow", "--bundle", "devices", "--request")
    found = asked(bench)
    assert f"Requests 1-{len(found)}: open the {len(found)} names of the bundle devices for everyone." in said
    assert {each["reason"] for each in found} == {"bundle devices"}


# -- requests ----------------------------------------------------------------------------------------------------------


def test_by_signature_a_request_is_made_and_nothing_opens(bench: Bench) -> None:
    bench.environ = SIGNATURE
    said = bench.done("allow", "example.org", "--reason", "chemistry", "--group", "pupils", "--until", "2999-05-25")
    assert "Request 1: open example.org and all names below it for the group pupils." in said
    assert "Nothing changes until the director approves: sudo schoolfilter approve 1" in said
    assert listed(bench) == []
    [request] = asked(bench)
    assert request | {"asked_at": ""} == {
        "id": 1,
        "kind": "allow",
        "name": "example.org",
        "display": "example.org",
        "group": "pupils",
        "scope": "always",
        "until": "2999-05-25",
        "reason": "chemistry",
        "warnings": [],
        "asked_at": "",
        "asked_by": "teacher",
        "outcome": "open",
        "decided_at": None,
        "decided_by": "",
        "answer": "",
        "sequence": None,
    }


def test_a_request_that_waits_is_not_called_an_open_site(bench: Bench) -> None:
    bench.environ = SIGNATURE
    bench.done("allow", "example.org", "--reason", "chemistry")
    assert bench.done("requests").splitlines()[1].split()[-2:] == ["chemistry", "waiting"]
    assert bench.run("requests", SCHOOLFILTER_SCHOOL__LANGUAGE="ru").stdout.splitlines()[1].endswith("ожидает")


def test_by_signature_no_number_of_an_order_is_taken(bench: Bench) -> None:
    bench.environ = SIGNATURE
    assert "sudo schoolfilter approve" in bench.refused(2, "allow", "example.org", *ORDER)
    assert listed(bench) == asked(bench) == []


def test_on_paper_a_request_says_how_it_becomes_an_order(bench: Bench) -> None:
    said = bench.done("allow", "example.org", "example.net", "--request")
    assert "schoolfilter approve 1-2 --order NUMBER --date YYYY-MM-DD" in said
    assert "found both" in bench.refused(2, "allow", "example.org", "--request", *ORDER)


def test_a_request_says_what_opening_the_name_means(bench: Bench) -> None:
    bench.done("groups", "set", "pupils", "--level", "high")
    write_log(bench.folder / "var", {"www.games.example": 7, "example.org": 3}, outcome="block\tlevel\t\t")
    write_log(bench.folder / "var", {"games.example": 2}, group="teachers")
    said = bench.done("allow", "games.example", "--request")
    assert "The list list-games holds games.example in the category Games" in said
    assert "Closed now for pupils, primary: the level high." in said
    assert "Queries in the last 7 days: 9 (pupils: 7, teachers: 2); clients: 1; blocked: 7." in said
    assert "It is open now as it is" in bench.done("allow", "example.net", "--request", "--group", "teachers")


def test_a_log_of_blocked_queries_only_does_not_say_that_nobody_asked(bench: Bench) -> None:
    bench.environ = {"SCHOOLFILTER_LOG__DETAIL": "blocked"}
    assert "Nobody was refused it" in bench.done("allow", "example.org", "--request")


def test_asking_again_gives_the_same_request_new_words(bench: Bench) -> None:
    bench.done("allow", "example.org", "--request", "--reason", "chemistry")
    bench.done("allow", "example.org", "--request", "--reason", "physics")
    assert [(each["id"], each["reason"]) for each in asked(bench)] == [(1, "physics")]


# -- misuse ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("example.org", "--list"),
        ("example.org", "--json", *ORDER),
        ("example.org", "--bundle", "education", *ORDER),
        ("--bundle", "education", "--order", "12"),
        ("--bundle", "sweets", *ORDER),
        ("--bundle", "education", "--with-dependencies", *ORDER),
        ("example.org", "--ordre", "12"),
        ("example.org", "--scope", "sometimes", *ORDER),
        ("example.org", "--until", "soon", *ORDER),
        ("example.org", "--reason", "two\nlines", *ORDER),
        ("example.org", "--reason", "long " * 100, *ORDER),
        ("example.org", "--order", "1" * 41, "--date", "2026-09-02"),
    ],
)
def test_misuse_ends_with_status_2_and_changes_nothing(bench: Bench, arguments: tuple[str, ...]) -> None:
    bench.refused(2, "allow", *arguments)
    assert listed(bench) == []


def test_an_empty_list_says_so(bench: Bench) -> None:
    assert bench.done("allow", "--list") == "No entries.\n"
