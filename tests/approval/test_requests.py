"""Requests: what no order can open is refused at once, and whoever decides is told what opening a name means."""

from collections.abc import Sequence
from datetime import date

import pytest

from approval.demand import Demand
from approval.requests import Obstacle, facts_about, refusals, requests_for, trusted_names
from policy.decision import Listing, Why
from policy.groups import Group
from policy.levels import Level
from policy.name_warnings import WarningKind
from policy.orders import Scope
from policy.snapshot import Reserve, Snapshot, build_snapshot
from policy.views import Entry, EntryKind
from storage.requests import RequestKind
from translations import use

LISTED = {
    "unlawful.example": Listing("list-terrorism", "terrorism", "unlawful.example"),
    "games.example.org": Listing("list-games", "games", "games.example.org"),
    "adult.example.org": Listing("list-adult", "adult", "adult.example.org"),
}


@pytest.fixture(autouse=True)
def english() -> None:
    use("en")


def listings(*names: str) -> dict[str, Sequence[Listing]]:
    return {name: [LISTED[up] for up in LISTED if name == up or name.endswith(f".{up}")] for name in names}


def policy() -> Snapshot:
    groups = [
        Group("pupils", "Pupils", Level.HIGH, frozenset({"games"})),
        Group("teachers", "Teachers", Level.LOW, frozenset()),
        Group("staff", "Staff", Level.OPEN, frozenset()),
    ]
    return build_snapshot(groups, (), default_group="pupils")


@pytest.mark.parametrize(
    ("name", "obstacle", "told"),
    [
        ("kz", Obstacle.SUFFIX, "such as example.kz"),
        ("edu.kz", Obstacle.SUFFIX, "such as example.edu.kz"),
        ("xn--80ao21a", Obstacle.SUFFIX, "such as example.қаз"),
        ("a.unlawful.example", Obstacle.LOCKED, "list-terrorism holds unlawful.example in the category"),
        ("mozilla.cloudflare-dns.com", Obstacle.BYPASS, "by cloudflare-dns.com devices go around"),
    ],
)
def test_what_no_order_can_open_is_refused_with_the_reason(name: str, obstacle: Obstacle, told: str) -> None:
    [refusal] = refusals(["lessons.example.org", name], listings("lessons.example.org", name))
    assert (refusal.name, refusal.obstacle) == (name, obstacle)
    assert told in refusal.text


@pytest.mark.parametrize("name", ["games.example.org", "adult.example.org", "school5.edu.kz", "lessons.example.org"])
def test_what_an_order_can_open_is_not_refused(name: str) -> None:
    assert refusals([name], listings(name)) == []


def test_the_facts_tell_whom_it_is_closed_for_and_why() -> None:
    known = trusted_names(policy())
    facts = facts_about(["adult.example.org"], None, policy(), listings("adult.example.org"), known)[
        "adult.example.org"
    ]
    assert {group: reason.why for group, reason in facts.closed.items()} == {
        "pupils": Why.LEVEL,
        "teachers": Why.CATEGORY,
    }
    assert [(each.kind, each.list_id) for each in facts.warnings] == [(WarningKind.LISTED, "list-adult")]
    of_staff = facts_about(["adult.example.org"], "staff", policy(), listings("adult.example.org"), known)[
        "adult.example.org"
    ]
    assert of_staff.closed == {}


@pytest.mark.parametrize("often", [(), ("example.org",)], ids=["on-the-list", "used-often"])
def test_a_slip_is_found_beside_the_names_that_the_school_trusts(often: tuple[str, ...]) -> None:
    entry = Entry(EntryKind.ALLOW, "example.org")
    snapshot = build_snapshot(
        policy().groups.values(),
        [],
        default_group="pupils",
        reserve=Reserve({} if often else {entry.name: entry}),
    )
    known = trusted_names(snapshot, often)
    facts = facts_about(["exmaple.org"], None, snapshot, listings("exmaple.org"), known)["exmaple.org"]
    assert [(each.kind, each.subject) for each in facts.warnings] == [(WarningKind.TYPING_ERROR, "example.org")]


def test_a_request_keeps_what_its_check_said() -> None:
    names = ["games.example.org", "lessons.example.org"]
    facts = facts_about(
        names, None, policy(), listings(*names), trusted_names(policy()), {"games.example.org": Demand()}
    )
    first, second = requests_for(
        RequestKind.ALLOW, names, group="pupils", scope=Scope.LESSONS, until=date(2027, 5, 25), reason="x", facts=facts
    )
    assert "The list list-games holds games.example.org" in first.warnings
    assert (second.name, second.group, second.scope, second.until, second.reason, second.warnings) == (
        "lessons.example.org",
        "pupils",
        Scope.LESSONS,
        date(2027, 5, 25),
        "x",
        "",
    )
