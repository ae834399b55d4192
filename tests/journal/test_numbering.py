"""No number of an incident or an erasure is given twice, also not where records of some were lost."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.numbering import MARGIN, Numbering
from journal.trust.alarms import Alarm
from storage.evidence import Body, Kind, Record

AT = datetime(2026, 11, 2, tzinfo=UTC)
MONTHS = ("2026-10", "2026-11", "2026-12")


def record(number: int, kind: Kind, body: Body) -> Record:
    return Record(number, AT, kind, "schoolfilter", body, "", "")


def noted(*records: tuple[Kind, Body]) -> Numbering:
    numbering = Numbering()
    for number, (kind, body) in enumerate(records, 1):
        numbering.note(record(number, kind, body))
    return numbering


def incident(number: str, kind: Kind = Kind.INCIDENT) -> tuple[Kind, Body]:
    return kind, {"id": number}


def loss(numbers: int, until: str) -> tuple[Kind, Body]:
    return Kind.ALARM, {"what": Alarm.DAMAGED.value, "numbers": numbers, "until": until}


def test_each_month_counts_for_itself_and_reports_with_incidents() -> None:
    numbering = noted(incident("2026-11-0007"), incident("2026-10-0041"), incident("2026-11-0008", Kind.REPORTED))
    assert [numbering.next(month) for month in ("2026-11", "2026-11", "2026-12", "2026-10")] == [
        "2026-11-0009", "2026-11-0010", "2026-12-0001", "2026-10-0042",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("period", "following"),
    [("2026-10", "0301"), ("2026-11", "0301"), ("2026-12", "0001"), ("2026", "0301"), ("2027", "0001")],
)
def test_after_a_loss_numbers_begin_behind_it_until_its_month_is_over(period: str, following: str) -> None:
    assert noted(incident("2026-11-0007"), loss(300, "2026-11")).next(period) == f"{period}-{following}"


def test_what_was_numbered_after_a_loss_goes_on() -> None:
    numbering = noted(incident("2026-11-0007"), loss(300, "2026-11"), incident("2026-11-0301"))
    assert numbering.next("2026-11") == "2026-11-0302"


@pytest.mark.parametrize(
    "alarm", [{"what": Alarm.DAMAGED.value}, {"what": "key-changed", "numbers": 300, "until": "9"}]
)
def test_alarms_that_say_nothing_of_numbers_change_none(alarm: Body) -> None:
    assert noted(incident("2026-11-0007"), (Kind.ALARM, alarm)).next("2026-11") == "2026-11-0008"


@pytest.mark.parametrize("strange", ["", "7", "2026-11-x", "2026-11-" + "9" * 5000, "2026-11-²"])
def test_a_number_that_nobody_here_gave_counts_for_nothing(strange: str) -> None:
    assert noted(incident("2026-11-0007"), incident(strange)).next("2026-11") == "2026-11-0008"


@pytest.mark.parametrize(
    ("last", "kept", "known", "greatest"),
    [
        (7, 100, 254, 300),
        (7, 100, 100, 200),
        (0, 100, 100, 100),
        (1, 100, 100, 200),
        (7, 100, 99, 10_200),
        (7, 0, 0, 10_200),
        (0, 0, 254, 400),
    ],
)
def test_what_may_have_been_given_is_rounded_up(last: int, kept: int, known: int, greatest: int) -> None:
    assert noted(incident(f"2026-11-{last:04d}")).may_have_been_given(kept, known) == greatest


def test_a_head_that_cannot_be_makes_no_number_that_is_none() -> None:
    numbers = noted(incident("2026-11-0007")).may_have_been_given(1, 10**30)
    assert len(noted(loss(numbers, "2026-11"), loss(10**30, "2026-11")).next("2026-11")) <= len("2026-11-") + 12


@given(
    st.lists(st.tuples(st.lists(st.sampled_from(MONTHS), max_size=12), st.integers(0, 12), st.booleans()), max_size=6)
)
def test_whatever_is_lost_how_often_no_number_is_given_twice(lives: list[tuple[list[str], int, bool]]) -> None:
    """Each time some records are entered, then those behind a copy are lost, then numbering goes on from the chain."""
    chain: list[Record] = []
    ever: list[str] = []
    for months, copied, stale in lives:
        numbering = Numbering()
        for each in chain:
            numbering.note(each)
        kept = len(chain) + min(copied, len(months))
        for month in months:
            ever.append(numbering.next(month))
            chain.append(record(len(chain) + 1, Kind.INCIDENT, {"id": ever[-1]}))
        known = max(kept, len(chain) - MARGIN if stale else len(chain))
        del chain[kept:]
        copy = Numbering()
        for each in chain:
            copy.note(each)
        kind, body = loss(copy.may_have_been_given(kept, known), MONTHS[-1])
        chain.append(record(len(chain) + 1, kind, body))
    assert len(set(ever)) == len(ever)
