"""`remove`: blocks end at once; what the director approved ends by an order on paper or by asking."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from tests.cli.installation import Bench, FakeIndex, prepared

ORDER = ("--order", "12", "--date", "2026-09-02")
LATER = ("--order", "14", "--date", "2026-10-01")
Rows = list[dict[str, object]]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr("approval.requests.open_current", lambda _: FakeIndex({}))
    with prepared(tmp_path, monkeypatch) as bench:
        yield bench


def listed(bench: Bench) -> list[object]:
    return [entry["name"] for entry in cast("Rows", bench.json("allow", "--list", "--json"))]


def blocked(bench: Bench) -> list[object]:
    return [entry["name"] for entry in cast("Rows", bench.json("block", "--list", "--json"))]


def test_on_paper_a_name_leaves_the_list_by_an_order(bench: Bench) -> None:
    bench.done("allow", "example.org", *ORDER)
    said = bench.done("remove", "example.org", *LATER)
    assert (
        "example.org is no longer on the director's list (for everyone; it rested on paper order 12 of 2026-09-02): "
        "paper order 14 of 2026-10-01." in said
    )
    assert listed(bench) == []


def test_on_paper_the_number_may_be_missing_and_that_is_said(bench: Bench) -> None:
    bench.done("allow", "example.org", *ORDER)
    said = bench.done("remove", "example.org")
    assert "paper order without a number" in said
    assert "No number of an order was given" in said
    assert listed(bench) == []
    assert "paper order without a number" in bench.done("orders", "show", "2")


def test_both_kinds_end_unless_one_is_chosen(bench: Bench) -> None:
    bench.done("allow", "example.org", *ORDER)
    bench.done("block", "example.org", "example.net")
    assert "no longer blocked by hand" in bench.done("remove", "example.org", "--kind", "block")
    assert (listed(bench), blocked(bench)) == (["example.org"], ["example.net"])
    bench.done("block", "example.org")
    bench.done("remove", "example.org", "--kind", "allow")
    assert (listed(bench), blocked(bench)) == ([], ["example.net", "example.org"])
    bench.done("allow", "example.org", *ORDER)
    said = bench.done("remove", "example.org")
    assert "no longer blocked by hand" in said
    assert "no longer on the director's list" in said
    assert (listed(bench), blocked(bench)) == ([], ["example.net"])


def test_a_name_without_an_entry_changes_nothing(bench: Bench) -> None:
    bench.done("allow", "example.org", *ORDER)
    bench.done("block", "example.net")
    told = bench.refused(1, "remove", "example.net", "example.org", "example.com", "мектеп.қаз")
    assert "no entry in force for: example.com, мектеп.қаз." in told
    assert (listed(bench), blocked(bench)) == (["example.org"], ["example.net"])
    assert "example.org" in bench.refused(1, "remove", "example.org", "--group", "pupils")


def test_by_signature_the_list_stays_until_the_director_approves(bench: Bench) -> None:
    bench.done("allow", "example.org", *ORDER)
    bench.done("block", "example.net")
    # The key confirms the paper order.
    bench.run("orders", "key", "create", stdin="four words without sense\n")
    bench.environ = {"SCHOOLFILTER_APPROVAL__MODE": "signature"}
    said = bench.done("remove", "example.org", "example.net", "--reason", "nobody uses it")
    assert "example.net is no longer blocked by hand (for everyone)." in said
    assert "Request 1: take example.org off the director's list for everyone; it rests on paper order 12" in said
    assert "sudo schoolfilter approve 1" in said
    assert (listed(bench), blocked(bench)) == (["example.org"], [])
    [request] = cast("Rows", bench.json("requests", "--json"))
    assert (request["kind"], request["name"], request["reason"]) == ("remove", "example.org", "nobody uses it")


def test_on_paper_a_removal_can_be_asked_for(bench: Bench) -> None:
    bench.done("allow", "example.org", *ORDER)
    assert "schoolfilter approve 1 --order NUMBER" in bench.done("remove", "example.org", "--request")
    assert listed(bench) == ["example.org"]


def test_a_bundle_is_taken_back_whole(bench: Bench) -> None:
    bench.done("allow", "example.org", *ORDER)
    bench.done("allow", "--bundle", "devices", *ORDER)
    told = bench.done("allow", "--bundle", "devices", *ORDER, "--group", "guests")
    assert "schoolfilter remove --bundle devices --group guests" in told
    both = cast("Rows", bench.json("allow", "--list", "--json"))
    of_guests = [each["name"] for each in both if each["group"] == "guests"]
    said = bench.done("remove", "--bundle", "devices", "--group", "guests", *LATER)
    assert f"The bundle devices: {len(of_guests)} names are no longer on the director's list" in said
    assert "paper order 14 of 2026-10-01" in said
    left = cast("Rows", bench.json("allow", "--list", "--json"))
    assert {each["group"] for each in left} == {None}
    bench.done("remove", "--bundle", "devices")
    assert listed(bench) == ["example.org"]
    assert "no name of the bundle devices" in bench.refused(1, "remove", "--bundle", "devices")


@pytest.mark.parametrize(
    "arguments",
    [(), ("example.org", "--bundle", "devices"), ("--bundle", "devices", "--kind", "block")],
    ids=["nothing", "both", "blocks"],
)
def test_names_or_a_bundle_are_wanted(bench: Bench, arguments: tuple[str, ...]) -> None:
    assert "bundle" in bench.refused(2, "remove", *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ("example.org", "--kind", "both"),
        ("example.org", "--order", "14"),
        ("example.org", "--date", "2026-10-01"),
        ("example.org", "--request", *LATER),
    ],
    ids=["kind", "no-date", "no-number", "request-and-order"],
)
def test_misuse_ends_with_status_2_and_changes_nothing(bench: Bench, arguments: tuple[str, ...]) -> None:
    bench.done("allow", "example.org", *ORDER)
    bench.refused(2, "remove", *arguments)
    assert listed(bench) == ["example.org"]
