"""The list that a row of orders leaves in force, and how an order is named."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.orders import Addition, Listed, OrderKind, Permit, Removal, Scope, as_of, permit_of, replay
from tests.policy.ledger_book import order

DAY = date(2026, 9, 2)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "order 12 of 2026-09-02"),
        ({"kind": OrderKind.PAPER}, "paper order 12 of 2026-09-02"),
        ({"kind": OrderKind.PAPER, "number": ""}, "paper, no order, of 2026-09-02"),
        ({"kind": OrderKind.KEY, "number": ""}, "key of 2026-09-02"),
        ({"kind": OrderKind.HANDOVER}, "order 12 of 2026-09-02"),
    ],
)
def test_an_order_is_named_as_on_paper(changes: dict[str, Any], expected: str) -> None:
    assert order(**changes).document_text == expected


def test_additions_replace_and_removals_end_what_was_added_for_the_same_group() -> None:
    first = order(number="1", additions=(Addition("a.example", "x"), Addition("a.example"), Addition("b.example")))
    second = order(
        number="2",
        additions=(Addition("b.example", scope=Scope.LESSONS),),
        removals=(Removal("a.example"), Removal("c.example")),
    )
    assert replay([first, second], None) == {
        ("a.example", "x"): Listed(first.additions[0], first),
        ("b.example", None): Listed(second.additions[0], second),
    }


def test_a_name_is_open_up_to_its_last_day() -> None:
    orders = [order(additions=(Addition("a.example", until=DAY),))]
    open_on = [DAY - timedelta(days=1), DAY, DAY + timedelta(days=1), None]
    assert [bool(replay(orders, day)) for day in open_on] == [True, True, False, True]


def test_a_name_ordered_again_has_only_its_new_end() -> None:
    again = [order(additions=(Addition("a.example"),)), order(additions=(Addition("a.example", until=DAY),))]
    assert replay(again, DAY + timedelta(days=1)) == {}
    assert replay(again[::-1], DAY + timedelta(days=1))


few_names = st.sampled_from(["a.example", "b.example", "c.example"])
few_groups = st.sampled_from([None, "x"])
few_days = st.dates(date(2026, 9, 1), date(2026, 9, 4))
few_entries = st.lists(
    st.builds(Addition, few_names, few_groups, until=st.none() | few_days) | st.builds(Removal, few_names, few_groups),
    unique_by=lambda each: (each.name, each.group),
    max_size=4,
)


@given(st.lists(few_entries, max_size=5), few_days)
def test_the_last_order_that_speaks_of_a_name_decides(said: list[list[Addition | Removal]], day: date) -> None:
    orders = [
        order(
            sequence=number,
            additions=tuple(each for each in entries if isinstance(each, Addition)),
            removals=tuple(each for each in entries if isinstance(each, Removal)),
        )
        for number, entries in enumerate(said, 1)
    ]
    listed = replay(orders, day)
    for name in ("a.example", "b.example", "c.example"):
        for group in (None, "x"):
            spoken = [
                (each, number)
                for number, entries in enumerate(said, 1)
                for each in entries
                if (each.name, each.group) == (name, group)
            ]
            last, number = spoken[-1] if spoken else (None, 0)
            if isinstance(last, Addition) and (last.until is None or last.until >= day):
                assert listed[name, group] == Listed(last, orders[number - 1])
            else:
                assert (name, group) not in listed


def test_a_day_ends_at_midnight_of_the_school() -> None:
    late = order(entered_at=datetime(2026, 9, 1, 17, 59, 59, tzinfo=UTC))
    later = order(entered_at=datetime(2026, 9, 1, 18, 0, 0, tzinfo=UTC))
    bishkek = ZoneInfo("Asia/Bishkek")  # UTC+6
    assert as_of([late, later], date(2026, 9, 1), bishkek) == (late,)
    assert as_of([late, later], date(2026, 9, 2), bishkek) == (late, later)
    assert as_of([late, later], date(2026, 9, 1), UTC) == (late, later)
    assert as_of([late, later], date(2026, 8, 31), UTC) == ()


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [([], None), ([None], None), ([30], 30), ([30, None], 30), ([30, 45, None], 45), ([30, 0], None), ([0, 15], 15)],
)
def test_the_last_order_that_speaks_of_a_permit_decides(minutes: list[int | None], expected: int | None) -> None:
    orders = [order(permit=None if each is None else Permit(each)) for each in minutes]
    assert permit_of(orders) == (None if expected is None else Permit(expected))
