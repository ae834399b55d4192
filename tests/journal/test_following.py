"""Which lines are taken in next, and what they come to."""

from collections import Counter as Multiset
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.intake.following import Counter, before, last_time, merged, superseded
from journal.whole_line import is_time, is_whole
from resolver.segments import Segment
from storage.journal_db import Tally
from tests.journal.tailing import at, line

NOON = at("2026-09-02T12:00:00")


WHOLE = line(NOON)[:-1]
DAMAGED = [
    b"",
    b"garbage",
    WHOLE.rsplit(b"\t", 1)[0],
    WHOLE.replace(b"2026-", b"2O26-"),
    WHOLE.replace(b"T12:", b"T31:"),
    WHOLE.replace(b"\t", b" "),
    b"\0" * 40,
    b"\xff\xfe" * 40,
    b"\t" * 13,
]


@pytest.mark.parametrize("damaged", DAMAGED)
@pytest.mark.parametrize("place", ["first", "in the middle", "last", "alone"])
def test_a_damaged_line_is_counted_and_touches_no_other(damaged: bytes, place: str) -> None:
    good, bad = [WHOLE] * 3, damaged
    lines = {"first": [bad, *good], "in the middle": [*good, bad, *good], "last": [*good, bad], "alone": [bad]}[place]
    counter = Counter(frozenset())
    taken = counter.take(b"".join(each + b"\n" for each in lines))
    assert (taken.lines, taken.damaged) == (len(lines), 1)
    assert sum(counter.counts().values()) == len(lines) - 1
    assert taken.first == taken.last == (b"" if place == "alone" else WHOLE.split(b"\t")[0])


def test_later_versions_may_add_columns() -> None:
    counter = Counter(frozenset())
    assert counter.take(WHOLE + b"\tmore\tand more\n").damaged == 0
    assert list(counter.counts()) == [("2026-09-02T12", Tally("214", "pupils", "allow", "default", ""))]


def test_what_is_folded_is_all_but_what_was_allowed_unless_it_is_watched() -> None:
    outcomes = ["allow\tdefault\t\t", "block\tcategory\tgames\tours", "rewrite\tsafe-search\t\t", "fail\tupstream\t\t"]
    lines = [line(NOON, name, outcome) for outcome in outcomes for name in ("a.example", "search.example")]
    taken = Counter(frozenset([b"search.example"])).take(b"".join(lines))
    assert taken.folded == [each[:-1] for each in lines if each != lines[0]]


_STEPS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["line", "damaged"])), max_size=40)


def _lines(steps: list[tuple[int, str]]) -> list[bytes]:
    moment, made = NOON, []
    for step, kind in steps:
        moment += timedelta(milliseconds=step)
        made.append(line(moment) if kind == "line" else b"dam\taged\n")
    return made


@given(_STEPS, st.integers(-2, 130))
def test_before_finds_the_first_line_that_is_not_earlier(steps: list[tuple[int, str]], cut: int) -> None:
    lines = _lines(steps)
    moment = line(NOON + timedelta(milliseconds=cut)).split(b"\t")[0]
    expected = next((n for n, each in enumerate(lines) if is_time(each[:29]) and each[:23] >= moment[:23]), len(lines))
    assert before(b"".join(lines), moment) == sum(map(len, lines[:expected]))


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), max_size=30), st.integers(-10, 10))
def test_whatever_the_clock_did_it_is_a_beginning_of_whole_lines(steps: list[tuple[int, bool]], cut: int) -> None:
    lines = [line(NOON + timedelta(milliseconds=step)) if good else b"x\n" for step, good in steps]
    octets = b"".join(lines)
    count = before(octets, line(NOON + timedelta(milliseconds=cut)).split(b"\t")[0])
    assert octets[:count].count(b"\n") * 1 == len(octets[:count].splitlines())
    assert count == 0 or octets[count - 1 : count] == b"\n"


@given(_STEPS)
def test_the_last_time_is_that_of_the_last_line_that_has_one(steps: list[tuple[int, str]]) -> None:
    lines = _lines(steps)
    assert last_time(b"".join(lines)) == next((each[:29] for each in reversed(lines) if is_time(each[:29])), b"")


@given(st.lists(st.lists(st.integers(0, 5), max_size=8), max_size=3), st.data())
def test_cut_anywhere_the_order_is_the_same(workers: list[list[int]], data: st.DataObject) -> None:
    """Up to a moment first, then the rest: as if all had been there at once."""
    moments = [[NOON + timedelta(milliseconds=sum(steps[: n + 1])) for n in range(len(steps))] for steps in workers]
    logs = [b"".join(line(moment, f"n{n}.w{w}") for n, moment in enumerate(each)) for w, each in enumerate(moments)]
    cut = line(NOON + timedelta(milliseconds=data.draw(st.integers(0, 40)))).split(b"\t")[0]
    first = [before(log, cut) for log in logs]
    parts = [[log[:count] for log, count in zip(logs, first, strict=True)],
             [log[count:] for log, count in zip(logs, first, strict=True)]]  # fmt: skip
    in_parts = [fields for part in parts for fields in merged([log.splitlines() for log in part])]
    assert in_parts == list(merged([log.splitlines() for log in logs]))


@given(st.lists(st.sampled_from([*DAMAGED, WHOLE, *(line(NOON + timedelta(hours=n), outcome="block\tlevel\t\t")[:-1]
                                                    for n in range(3))]), max_size=30), st.data())  # fmt: skip
def test_counts_are_those_of_a_plain_count_however_the_lines_are_cut(lines: list[bytes], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(lines)))
    counter = Counter(frozenset())
    counted: Multiset[tuple[str, Tally]] = Multiset()
    for part in (lines[:cut], lines[cut:]):
        counter.take(b"".join(each + b"\n" for each in part))
        counted.update(counter.counts())
    plain: Multiset[tuple[str, Tally]] = Multiset()
    for each in lines:
        if is_whole(each):
            time, _client, _device, room, group, _name, _type, action, reason, category, *_ = each.decode().split("\t")
            plain[time[:13], Tally(room, group, action, reason, category)] += 1
    assert counted == plain


def _segment(name: str) -> Segment:
    begun, worker, number = name.split("-")
    return Segment(Path(f"{name}.tsv"), int(worker[1:]), (begun, int(number)), 0, 0.0)


@pytest.mark.parametrize(
    ("now", "expected"),
    [("20260902T060000", False), ("20260902T060004", False), ("20260902T060005", True), ("20260903T000000", True)],
)
def test_a_new_segment_ends_the_one_before_it_after_some_seconds(now: str, expected: bool) -> None:
    old, new = _segment("20260902T050000-w0-0001"), _segment("20260902T060000-w0-0002")
    moment = datetime.strptime(now, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    assert superseded(old, [old, new], moment) is expected
    assert not superseded(new, [old, new], moment)
    assert not superseded(old, [old, _segment("20260902T060000-w1-0001")], moment), "another worker"


def test_a_segment_whose_name_lies_in_the_future_ends_none() -> None:
    """The power failed at 10:40; the clock woke at 10:17, and the worker writes to the segment of 10:17."""
    future, living = _segment("20260902T103800-w0-0001"), _segment("20260902T101700-w0-0001")
    assert not superseded(living, [future, living], datetime(2026, 9, 2, 10, 18, tzinfo=UTC))
