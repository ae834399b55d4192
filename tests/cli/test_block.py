"""`block`: takes effect at once, or says for whom it does not and why."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from policy.names import display_name
from tests.cli.installation import Bench, FakeIndex, prepared

ORDER = ("--order", "12", "--date", "2026-09-02")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr("approval.requests.open_current", lambda _: FakeIndex({}))
    monkeypatch.setenv("SUDO_USER", "teacher")
    with prepared(tmp_path, monkeypatch) as bench:
        yield bench


def test_block_takes_effect_or_says_for_whom_it_does_not(bench: Bench) -> None:
    bench.done("allow", "example.org", *ORDER)
    bench.done("allow", "example.net", *ORDER, "--group", "teachers")
    said = bench.done("block", "www.example.org", "example.net", "example.com", "--reason", "a game")
    assert "The block of www.example.org has no effect: the director's list opens example.org (paper order 12" in said
    assert "schoolfilter remove example.org --kind allow" in said
    assert "example.net and all names below it are blocked for everyone." in said
    assert "no effect for teachers" in said
    assert "example.com and all names below it are blocked for everyone." in said
    assert "for the group pupils" in bench.done("block", "example.com", "--group", "pupils")
    [entry] = cast("list[dict[str, object]]", bench.json("block", "--list", "--json", "--group", "pupils"))
    assert entry | {"added_at": ""} == {
        "kind": "block",
        "name": "example.com",
        "display": "example.com",
        "group": "pupils",
        "reason": "",
        "document": "",
        "added_at": "",
        "added_by": "teacher",
    }


def test_the_protocol_stands_beside_the_block(bench: Bench) -> None:
    bench.done("block", "example.org", "--protocol", "3", "--date", "2026-09-01", "--reason", "a game")
    assert "protocol 3 of 2026-09-01" in bench.done("block", "--list")
    assert "--protocol" in bench.refused(2, "block", "example.net", "--protocol", "3")
    assert "example.net" not in bench.done("block", "--list")


def test_block_of_a_protected_name_is_told_to_have_no_effect(bench: Bench) -> None:
    result = bench.run("block", "www.school5.example", SCHOOLFILTER_SCHOOL__PROTECTED="school5.example")
    assert "has no effect: school5.example is protected" in result.stdout


@pytest.mark.parametrize("wide", ["com", "kz", "com.kz", "blogspot.com", "xn--p1ai"])
def test_names_below_which_strangers_have_sites_are_asked_about_first(bench: Bench, wide: str) -> None:
    told = bench.refused(2, "block", "example.org", wide)
    assert f"{display_name(wide)}: below this strangers have sites of their own" in told
    assert "expected --yes" in told
    assert bench.json("block", "--list", "--json") == []
    assert f"{display_name(wide)} and all names below it are blocked for everyone." in bench.done(
        "block", "example.org", wide, "--yes"
    )


@pytest.mark.parametrize(("answer", "blocked"), [("n", []), ("", []), ("y", ["com"])])
def test_a_person_is_asked_and_may_say_no(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, answer: str, blocked: list[str]
) -> None:
    monkeypatch.setattr("cli.asking.asks", lambda: True)
    result = bench.run("block", "com", stdin=f"{answer}\n")
    assert result.exit_code == 0
    assert "closes all of them, for everyone" in result.stderr
    assert ("Nothing was changed." in result.stdout) is not bool(blocked)
    entries = cast("list[dict[str, object]]", bench.json("block", "--list", "--json"))
    assert [each["name"] for each in entries] == blocked


def test_an_unknown_group_changes_nothing(bench: Bench) -> None:
    assert "found nobody" in bench.refused(1, "block", "example.org", "--group", "nobody")
    assert bench.done("block", "--list") == "No entries.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("example.org", "--list"),
        ("example.org", "--json"),
        ("example.org", "--reason", "two\nlines"),
        ("example.org", "--reason", "long " * 100),
    ],
)
def test_misuse_ends_with_status_2(bench: Bench, arguments: tuple[str, ...]) -> None:
    bench.refused(2, "block", *arguments)
    assert bench.json("block", "--list", "--json") == []


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
