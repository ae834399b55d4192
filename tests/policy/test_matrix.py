"""The policy matrix: each cell says what `decide` would do, and a difference is told if and only if there is one."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.categories import BY_ID
from policy.groups import Group, closed_categories
from policy.hours import parse_hours
from policy.levels import Level
from policy.matrix import (
    EVERYONE,
    Cell,
    Difference,
    Fact,
    Key,
    Origin,
    Topic,
    cell,
    differences,
    listed_facts,
    noted_facts,
)
from policy.orders import Addition, Order, OrderKind, Removal, Scope
from policy.snapshot import build_snapshot
from policy.subjects import SUBJECT_IDS

AT = datetime(2026, 9, 1, 9, 0, tzinfo=UTC)
PROTOCOL = "protocol 3 of 2026-09-01"
IN_HOURS, OUTSIDE = datetime(2026, 9, 7, 9, 0, tzinfo=UTC), datetime(2026, 9, 7, 20, 0, tzinfo=UTC)
HOURS = parse_hours("mon-fri 08:00-13:30")


def fact(value: object, document: str = "", *, since: datetime = AT, by: str = "deputy") -> Fact:
    return Fact(value, Origin(since, by, document))


# cells


@pytest.mark.parametrize(
    ("level", "blocked", "hours", "subject", "expected"),
    [
        ("medium", ["games"], [], "games", Cell.CLOSED),
        ("medium", ["games"], ["games"], "games", Cell.HOURS),
        ("medium", [], [], "games", Cell.OPEN),
        ("medium", ["tiktok"], [], "tiktok", Cell.CLOSED),
        ("medium", ["tiktok"], ["tiktok"], "tiktok", Cell.HOURS),
        ("medium", [], [], "tiktok", Cell.OPEN),
        ("medium", [], [], "terrorism", Cell.LAW),
        ("medium", [], [], "adult", Cell.OPEN),
        ("low", [], [], "adult", Cell.CLOSED),
        ("low", ["adult"], ["adult"], "adult", Cell.CLOSED),
        ("low", ["games"], [], "games", Cell.IDLE),
        ("low", ["tiktok"], ["tiktok"], "tiktok", Cell.HOURS),
        ("open", ["adult"], [], "adult", Cell.IDLE),
        ("open", [], [], "adult", Cell.OPEN),
        ("open", [], [], "terrorism", Cell.LAW),
        ("high", ["games"], [], "games", Cell.LIST),
        ("high", [], [], "terrorism", Cell.LAW),
        ("off", [], [], "games", Cell.OFF),
    ],
)
def test_a_cell_says_what_the_group_gets(
    level: str, blocked: list[str], hours: list[str], subject: str, expected: Cell
) -> None:
    group = Group("g", "G", Level(level), frozenset(blocked), hours=dict.fromkeys(hours, HOURS))
    assert cell(group, subject) is expected


@given(
    st.sampled_from([Level.LOW, Level.MEDIUM, Level.OPEN]),
    st.frozensets(st.sampled_from(SUBJECT_IDS), max_size=8),
    st.frozensets(st.sampled_from(SUBJECT_IDS), max_size=8),
    st.sampled_from(SUBJECT_IDS),
)
def test_a_cell_agrees_with_the_view_that_the_resolver_has(
    level: Level, blocked: frozenset[str], timed: frozenset[str], subject: str
) -> None:
    group = Group("g", "G", level, blocked, hours=dict.fromkeys(blocked & timed, HOURS))
    snapshot = build_snapshot([group], [], default_group="g")
    closed = [subject in snapshot.at(moment).views["g"].closed for moment in (IN_HOURS, OUTSIDE)]
    expected = {
        Cell.LAW: [True, True],
        Cell.CLOSED: [True, True],
        Cell.HOURS: [True, False],
        Cell.IDLE: [False, False],
        Cell.OPEN: [False, False],
    }
    found = cell(group, subject)
    assert closed == expected[found]
    assert (found is Cell.LAW) == (subject in BY_ID and BY_ID[subject].locked)
    assert (found is Cell.IDLE) == (subject in blocked - closed_categories(level, blocked))


# differences


def test_a_difference_is_another_value_or_another_document_and_nothing_else() -> None:
    level, title, games = (
        Key("group", "pupils", "level"),
        Key("group", "pupils", "title"),
        Key("subject", "pupils", "x"),
    )
    before = {level: fact("low"), title: fact("Pupils"), games: fact("")}
    assert differences(before, before) == []
    entered_again = {key: fact(each.value, since=AT + timedelta(days=1), by="x") for key, each in before.items()}
    assert differences(before, entered_again) == []
    changed = {level: fact("high", PROTOCOL), title: fact("Pupils", PROTOCOL), games: fact("")}
    found = differences(before, changed)
    assert [(each.key, each.only_document) for each in found] == [(level, False), (title, True)]
    assert found[0].before == before[level]
    assert found[0].after == changed[level]
    assert differences(before, {level: before[level], title: before[title]}) == [Difference(games, before[games], None)]
    assert differences({}, {games: before[games]}) == [Difference(games, None, before[games])]


_KEYS = st.builds(Key, st.sampled_from(["group", "room"]), st.sampled_from(["a", "b"]), st.sampled_from(["x", "y"]))
_FACTS = st.dictionaries(_KEYS, st.builds(fact, st.sampled_from([None, "", 1, [1]]), st.sampled_from(["", PROTOCOL])))


@given(_FACTS, _FACTS)
def test_the_differences_lead_from_the_one_to_the_other_and_back(
    before: dict[Key, Fact], after: dict[Key, Fact]
) -> None:
    found = differences(before, after)
    there = dict(before)
    for each in found:
        assert each.before == before.get(each.key)
        if each.after is None:
            del there[each.key]
        else:
            there[each.key] = each.after
    assert there == after
    assert [each.key for each in found] == sorted(each.key for each in found)
    back = differences(after, before)
    assert [(each.key, each.after, each.before) for each in back] == [(e.key, e.before, e.after) for e in found]


# the director's list


def order(sequence: int, **said: object) -> Order:
    plain: dict[str, object] = {
        "sequence": sequence,
        "kind": OrderKind.PAPER,
        "number": str(sequence),
        "date": date(2026, 9, 1),
        "previous": "0" * 64,
        "entered_at": AT + timedelta(days=sequence),
        "entered_by": "teacher",
        "school": "",
    }
    return Order(**(plain | said))  # type: ignore[arg-type] # names and values of Order


def test_the_list_of_a_day_is_what_the_orders_left_by_then() -> None:
    orders = [
        order(1, additions=(Addition("a.example.org"), Addition("b.example.org", "pupils", Scope.LESSONS))),
        order(2, removals=(Removal("a.example.org"),), additions=(Addition("c.example.org", until=date(2026, 9, 10)),)),
    ]
    first, second = (
        Origin(AT + timedelta(days=1), "teacher", "paper order 1 of 2026-09-01"),
        "paper order 2 of 2026-09-01",
    )
    lessons = Fact({"scope": "lessons", "until": None}, first)
    assert listed_facts(orders[:1], date(2026, 9, 2)) == {
        Key(Topic.LISTED, EVERYONE, "a.example.org"): Fact({"scope": "always", "until": None}, first),
        Key(Topic.LISTED, "pupils", "b.example.org"): lessons,
    }
    last = listed_facts(orders, date(2026, 9, 10))
    assert last[Key(Topic.LISTED, "pupils", "b.example.org")] == lessons
    ending = last[Key(Topic.LISTED, EVERYONE, "c.example.org")]
    assert ending == Fact({"scope": "always", "until": "2026-09-10"}, Origin(AT + timedelta(days=2), "teacher", second))
    assert len(last) == 2
    assert list(listed_facts(orders, date(2026, 9, 11))) == [Key(Topic.LISTED, "pupils", "b.example.org")]


# what the trail notes


def test_what_the_trail_notes_of_groups_blocks_and_objects_becomes_facts() -> None:
    origin = Origin(AT, "deputy", PROTOCOL)
    said: dict[str, object] = {
        "group pupils": {
            "title": "Pupils",
            "level": "medium",
            "supervised": True,
            "blocked": ["games", "tiktok"],
            "hours": {"tiktok": "08:00-09:00"},
            "networks": ["10.0.1.0/24"],
            "safe_search": {"google": "on"},
        },
        "block example.org": {"note": "council"},
        "block example.net guests": {"note": ""},
        "room r5": {"title": "Room 5", "level": None},
    }
    assert {tuple(key): each.value for key, each in noted_facts(said, origin).items()} == {
        ("group", "pupils", "title"): "Pupils",
        ("group", "pupils", "level"): "medium",
        ("group", "pupils", "supervised"): True,
        ("subject", "pupils", "games"): "",
        ("subject", "pupils", "tiktok"): "08:00-09:00",
        ("network", "pupils", "10.0.1.0/24"): "",
        ("safe search", "pupils", "google"): "on",
        ("block", "", "example.org"): "council",
        ("block", "guests", "example.net"): "",
        ("room", "r5", "title"): "Room 5",
        ("room", "r5", "level"): None,
    }
    assert {each.origin for each in noted_facts(said, origin).values()} == {origin}


@pytest.mark.parametrize(
    "said", [{}, {"group pupils": "medium Pupils"}, {"group pupils": {"blocked": 1, "hours": [], "safe_search": None}}]
)
def test_what_was_noted_in_another_way_is_left_out(said: dict[str, object]) -> None:
    assert noted_facts(said, Origin(AT, "", "")) == {}
