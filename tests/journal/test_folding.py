"""Folding: the same incidents however lines are cut into batches and whatever kills the process; bounded memory."""

import json
import sys
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.traffic_log import lines as lines_of
from bench.traffic_log import school_day
from journal.detection import folding as folding_module
from journal.detection.cases import MOST_NAMES
from journal.detection.folding import MOST_UNKNOWN, Folding, Found, Repeat
from journal.detection.remembering import client_of
from journal.detection.rules import Rules
from journal.detection.watching import Client
from journal.incidents import Rule
from journal.whole_line import is_time
from tests.journal.query_lines import BEGIN, Ledger, Line, at, judged, line, search, visit

_RULES = Rules(window_minutes=3, merge_minutes=5)
"""Short, so that a few lines make incidents begin, go on and end."""

_event = st.tuples(
    st.floats(0, 200, width=16),
    st.sampled_from(("a", "b")),
    st.sampled_from(("adult", "drugs", "gambling", "games", "bypass", "malware", "advertising", "")),
    st.sampled_from(("a.example", "www.a.example", "b.example", "api.c.example", "c.example", "d.example")),
)


def _lines(events: list[tuple[float, str, str, str]]) -> list[Line]:
    """Return lines that follow each other by the first of each event, as seconds."""
    lines: list[Line] = []
    moment = 0.0
    for pause, client, category, name in events:
        moment += round(pause, 3)
        if category == "":
            lines += search(moment, client=client)
        elif category == "advertising":
            lines.append(line(moment, name, category, client=client))
        else:
            lines += visit(moment, name, category, client=client)
    return lines


@settings(max_examples=150, deadline=None)
@given(st.lists(_event, max_size=25), st.data())
def test_incidents_do_not_depend_on_how_lines_are_cut_into_batches(
    events: list[tuple[float, str, str, str]], data: st.DataObject
) -> None:
    lines = _lines(events)
    cuts = data.draw(st.sets(st.integers(0, max(0, len(lines) - 1)), max_size=12))
    assert judged(lines, _RULES, sorted(cuts)) == judged(lines, _RULES)


def test_cut_at_each_line_a_school_day_gives_the_same_incidents() -> None:
    day = [tuple(each.split(b"\t")) for each in lines_of(school_day(5, rooms=1))]
    lines = [each for each in day if each[7] != b"allow" or each[5] in Folding.watched][:6000]
    whole = judged(lines)
    assert len({each.rule for each in whole}) >= 3
    assert judged(lines, cuts=range(0, len(lines), 7)) == whole


def test_what_was_found_is_found_again_by_who_comes_after_a_kill() -> None:
    first = Folding(Rules(), {})
    for each in visit(0, "a.example", "drugs"):
        first.take(each)
    first.settle(at(60))
    kept = first.changed()
    found = first.found()
    # Killed before the transaction was written: the next one begins from what is kept, here as far as settled.
    assert Folding(Rules(), kept).found() == found


def _told_again(moments: Iterable[tuple[float, str]], until: int) -> list[tuple[int, Repeat]]:
    """Return when records follow about contacts with these names; each ten seconds a new process looks."""
    waiting = [one for moment, name in moments for one in visit(moment, name, "drugs", reason="locked")]
    folds: dict[str, str] = {}
    told = []
    for now in range(10, until, 10):
        folding = Folding(Rules(off=frozenset((Rule.ATTEMPT,))), folds)
        while waiting and waiting[0][0].decode() <= at(now):
            folding.take(waiting.pop(0))
        folding.settle(at(now))
        for found in folding.found():
            folding.entered(found.key, 1)
        told += [(now, repeat) for repeat in folding.repeats()]
        folds |= folding.changed()
    return told


def test_an_incident_that_went_on_is_told_again_within_minutes_and_not_when_it_is_over() -> None:
    more = [(0, "a.example"), (60, "b.example"), (70, "c.example"), (150, "d.example"), (170, "e.example")]
    told = _told_again(more, 600)
    last, repeat = told[-1]
    assert (repeat.names, repeat.queries) == (5, 30)
    assert last <= 170 + 60 + 10
    assert len(told) <= 3


def test_more_queries_alone_are_told_after_five_minutes() -> None:
    told = _told_again([(0, "a.example"), (100, "a.example"), (200, "a.example")], 900)
    assert [repeat.queries for _moment, repeat in told] == [12, 18]
    assert told[0][0] == 110, "that somebody came back is a new sign"
    assert told[1][0] == 410


@pytest.mark.parametrize("names", [1, 400])
def test_an_incident_is_told_again_at_most_nine_times_within_the_merging_time(names: int) -> None:
    told = _told_again([(n * 31.0, f"site-{n % names}.example") for n in range(87)], 44 * 60)
    assert 6 <= len(told) <= 9
    assert min(later[0] - sooner[0] for sooner, later in pairwise(told)) >= 60


def _entered(folding: Folding) -> list[Found]:
    ledger = Ledger()
    ledger.collect(folding)
    return ledger.found


def test_a_client_that_asks_for_very_many_names_fills_neither_memory_nor_journal() -> None:
    folding, ledger, largest = Folding(Rules(), {}), Ledger(), 0
    for number in range(40_000):
        name = f"{'x' * 60}.{'y' * 60}.name-{number}.example"
        folding.take(line(number * 0.5, name, "drugs", reason="locked"))
        if number % 4000 == 3999:
            ledger.collect(folding)
            largest = max(largest, sum(map(len, ledger.folds.values())))
    assert largest < 200_000
    lone = Folding(Rules(off=frozenset((Rule.ATTEMPT,))), {})
    for number in range(3000):  # as a person would, one name after the other
        lone.take(line(number * 31.0, f"name-{number}.example", "drugs", reason="locked"))
    (found,) = _entered(lone)
    assert found.names == MOST_NAMES
    lone.settle(at(10 * 86_400))
    (repeat,) = lone.repeats()
    assert (repeat.queries, repeat.names, len(repeat.asked)) == (3000, MOST_NAMES, MOST_NAMES)


def test_clients_without_end_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding_module, "MOST_CLIENTS", 200)
    folding = Folding(Rules(), {})
    for each in visit(0, "a.example", "drugs", client="pupil"):
        folding.take(each)
    for number in range(3000):
        folding.take(line(10 + number * 0.001, "ads.example", "advertising", client=f"client-{number}"))
    changed = folding.changed()
    kept = {client for client, state in changed.items() if state}
    assert len(kept) <= 200
    assert "pupil" in kept, "an open incident is worth more than a client that saw advertising"


def test_made_up_addresses_do_not_push_out_what_a_known_device_did(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding_module, "MOST_CLIENTS", 200)
    folding, ledger = Folding(Rules(), {}), Ledger()
    for number, name in enumerate(("a.example", "b.example")):
        for each in visit(number * 20, name, "adult", client="pupil"):
            folding.take(each)
    for number in range(3000):  # each with an incident of its own
        client = f"client-{number}"
        folding.take(line(40 + number * 0.05, "a.example", "drugs", client=client, device="", reason="locked"))
        if number == 1500:
            ledger.collect(folding)
            folding = Folding(Rules(), ledger.folds)
    for each in visit(300, "c.example", "adult", client="pupil"):
        folding.take(each)
    folding.settle(at(400))
    ledger.collect(folding)
    assert [each.rule for each in ledger.found if each.client == "pupil"] == [Rule.ATTEMPT]


def test_what_an_older_version_kept_of_a_client_is_read() -> None:
    folding = Folding(Rules(), {})
    for each in [*visit(0, "a.example", "adult"), *visit(60, "b.example", "adult")]:
        folding.take(each)
    folding.settle(at(100))
    visit_, search_, shut, trails, rhythms, cases, active, *_newer = json.loads(folding.changed()["10.0.0.1"])
    older = [
        visit_, search_, shut, [[touch[:-1] for touch in trail] for trail in trails], rhythms,
        [case[:-2] for case in cases], active,
    ]  # fmt: skip
    again = Folding(Rules(), {"10.0.0.1": json.dumps(older)})
    for each in visit(200, "c.example", "adult"):
        again.take(each)
    again.settle(at(300))
    assert [each.rule for each in again.found()] == [Rule.ATTEMPT]


def test_nothing_is_remembered_of_clients_that_are_quiet() -> None:
    folding = Folding(Rules(), {})
    for each in [*search(0), *visit(10, "a.example", "games"), line(20, "ads.example", "advertising")]:
        folding.take(each)
    assert json.loads(folding.changed()["10.0.0.1"])
    folding.settle(at(3600))
    assert folding.changed() == {"10.0.0.1": ""}


@pytest.mark.parametrize("text", ["", "not a time", "2026-11-28T09:00:00+05:00", "2026-13-28T09:00:00.000+05:00"])
def test_a_damaged_time_is_no_trouble(text: str) -> None:
    folding = Folding(Rules(), {})
    damaged = (text.encode(), *line(0, "a.example", "adult")[1:])
    folding.take(damaged)
    folding.settle(text)
    folding.take(line(10, "b.example", "adult"))
    assert folding.found() == []


def test_a_clock_that_was_wrong_for_a_while_blinds_nobody() -> None:
    years = 30 * 365 * 86_400
    future = [*visit(years, "a.example", "adult"), *visit(years + 60, "b.example", "drugs")]
    lines = [*future, *visit(0, "c.example", "drugs"), *visit(3600, "d.example", "drugs")]
    ledger, folding = Ledger(), Folding(Rules(), {})
    for each in lines:
        folding.take(each)
    folding.settle(at(2 * 86_400))
    ledger.collect(folding)
    assert [each.first for each in ledger.found] == [at(years), at(0), at(3600)]
    assert ledger.folds == {}


def test_names_that_are_no_text_are_no_trouble() -> None:
    strange = [replace_name(each, rb"\255\000.example\046com") for each in visit(0, "a.example", "drugs")]
    (found,) = judged(strange)
    assert found.asked == ((r"\255\000.example\046com", 6),)


def replace_name(line_: Line, name: bytes) -> Line:
    """Return a line with another name."""
    return (*line_[:5], name, *line_[6:])


def test_a_longer_merging_time_than_any_window_never_counts_a_visit_twice() -> None:
    lines = [each for n in range(9) for each in visit(n * 50, f"{n % 4}.example", "adult")]
    (found,) = judged(lines, replace(Rules(), merge_minutes=1, window_minutes=120))
    assert (found.rule, found.queries) == (Rule.ATTEMPT, len(lines))
    assert sys.getsizeof(found.key) < 300


def test_made_up_addresses_fill_neither_journal_nor_mailboxes_and_known_devices_are_entered_all_the_same() -> None:
    folding, ledger = Folding(Rules(), {}), Ledger()
    for number in range(3000):
        client = f"10.{number // 250}.{number % 250}.7"
        folding.take(line(number * 0.2, "a.example", "drugs", client=client, reason="locked", device=""))
        if number % 100 == 0:
            folding.take(line(number * 0.2, "a.example", "drugs", client=f"10.99.0.{number // 100}", reason="locked"))
            folding.settle(at(number * 0.2))
            ledger.collect(folding)
    folding.settle(at(4000))
    ledger.collect(folding)
    assert sum(not each.device for each in ledger.found) == MOST_UNKNOWN
    assert sum(bool(each.device) for each in ledger.found) == 30
    assert folding.flooded
    for each in visit(7200, "a.example", "drugs", client="10.3.3.7", device=""):
        folding.take(each)
    folding.settle(at(7300))
    ledger.collect(folding)
    assert ledger.found[-1].client == "10.3.3.7"  # another hour


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the moments at which clients were looked at; too many are an endless loop."""
    moments: list[float] = []
    advance = Client.advance

    def counted(client: Client, now: float, rules: Rules) -> None:
        moments.append(now)
        assert len(moments) < 20_000, "expected an end"
        advance(client, now, rules)

    monkeypatch.setattr(Client, "advance", counted)
    return moments


_BEFORE_1970 = [-40 * 365 * 86_400.0 + pause for pause in (0, 1e8, 2e8)]


@pytest.mark.parametrize("begin", [0.0, *_BEFORE_1970, (datetime(1970, 1, 1, tzinfo=UTC) - BEGIN).total_seconds()])
def test_what_a_clock_before_1970_wrote_is_folded_like_all_else(begin: float, steps: list[float]) -> None:
    """Moments below zero, at which "none" must not be a number."""
    lines = [
        *search(begin - 8), *visit(begin, "a.example", "extremism"), *visit(begin + 30, "facebook.com", "social"),
        *visit(begin + 60, "b.example", "bypass"),
    ]  # fmt: skip
    ledger, folding = Ledger(), Folding(Rules(), {})
    for each in lines:
        folding.take(each)
    folding.settle(at(begin + 86_400))
    ledger.collect(folding)
    assert [(each.rule, each.signs) for each in ledger.found] == [
        (Rule.UNLAWFUL, ("search",)),
        (Rule.ATTEMPT, ("tools",)),
    ]
    assert ledger.folds == {}
    assert steps


def test_a_client_that_does_not_get_on_holds_up_nobody(steps: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    due = Client.due
    stuck = Folding(Rules(), {})

    def never_done(client: Client, rules: Rules) -> float:
        return min(due(client, rules), client.active + 3) if not client.known else due(client, rules)

    monkeypatch.setattr(Client, "due", never_done)
    ledger = Ledger()
    for each in [
        *visit(0, "a.example", "extremism", client="10.0.0.9", device=""), *visit(1, "a.example", "extremism"),
        *visit(200, "b.example", "terrorism", client="10.0.0.9", device=""), *visit(201, "b.example", "terrorism"),
    ]:  # fmt: skip
        stuck.take(each)
    stuck.settle(at(86_400))
    ledger.collect(stuck)
    assert [each.first for each in ledger.found if each.device] == [at(1), at(201)]
    assert len(steps) < 200


def _kept() -> str:
    """Return what is kept of a client of whom there is all that can be remembered."""
    folding = Folding(Rules(), {})
    lines = [
        *visit(0, "facebook.com", "social"), *visit(60, "a.example", "adult"), *visit(100, "b.example", "adult"),
        *visit(200, "malware.example", "malware"), *search(220), line(225, "ads.example", "advertising"),
        *visit(226, "www.c.example", "drugs"),
    ]  # fmt: skip
    for each in lines:
        folding.take(each)
    folding.settle(at(228))
    return folding.changed()["10.0.0.1"]


def test_all_that_is_kept_is_read_as_it_was() -> None:
    visit_, search_, shut, trails, rhythms, cases, active, known, arrivals = json.loads(_kept())
    assert all((visit_, search_, shut, trails, rhythms, cases, active, known, arrivals)), "each of it is there"
    assert client_of(_kept()).kept() == _kept()


def test_older_versions_wrote_minus_one_for_none() -> None:
    kept = json.loads(_kept())
    kept[1] = kept[2] = kept[5][0][13] = -1.0
    client = client_of(json.dumps(kept))
    assert (client.search, client.shut, client.cases[0].ready) == (None, None, False)


def _spots(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    yield path
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _spots(each, (*path, key))


def _put(value: Any, path: tuple[Any, ...], new: object) -> Any:
    if not path:
        return new
    changed = copy(value)
    changed[path[0]] = _put(value[path[0]], path[1:], new)
    return changed


_STRANGE: list[object] = [
    None, True, -1.5, 0, 7, 1 << 80, 1e300, float("nan"), float("inf"), "", "no-such-thing", "\ud800", "a\0", [], [[]],
    [None], {}, {"a": None}, {"": []},
]  # fmt: skip


def test_whatever_is_damaged_in_what_is_kept_nothing_fails(steps: list[float]) -> None:
    """Each value in it, replaced by each strange one: it is read and works, or is not read and dropped."""
    kept, dropped = json.loads(_kept()), 0
    spots = list(_spots(kept))
    for spot, strange in product(spots, _STRANGE):
        steps.clear()
        folding = Folding(Rules(), {"10.0.0.1": json.dumps(_put(kept, spot, strange))})
        dropped += folding.unreadable
        if folding.unreadable:
            assert folding.changed() == {"10.0.0.1": ""}
        for each in visit(300, "d.example", "adult"):
            folding.take(each)
        folding.settle(at(900))
        for number, found in enumerate(folding.found()):
            assert is_time(found.first.encode())
            assert is_time(found.last.encode())
            json.dumps([found.room, found.signs, found.asked], ensure_ascii=False).encode()
            folding.entered(found.key, number + 1)
        folding.repeats()
        for state in filter(None, folding.changed().values()):
            assert client_of(state).kept() == state
    assert len(spots) > 100
    assert dropped > len(spots) * 12


@pytest.mark.parametrize("text", ["", "null", "[", "{}", "[" * 100_000, "[null]", "\ud800", "1" * 5000])
def test_what_is_not_of_this_kind_at_all_is_dropped(text: str) -> None:
    folding = Folding(Rules(), {"10.0.0.1": text, "10.0.0.2": _kept()})
    assert (folding.unreadable, folding.changed()) == (1, {"10.0.0.1": ""})


def test_a_clock_that_shows_the_same_moments_again_makes_two_incidents() -> None:
    """A machine without a battery wakes at the same moment each time; both may come within one batch."""
    ledger, folding = Ledger(), Folding(Rules(), {})
    for _start in range(2):
        for each in [*visit(0, "a.example", "extremism"), line(4 * 3600, "ads.example", "advertising")]:
            folding.take(each)
    folding.settle(at(86_400))
    ledger.collect(folding)
    assert [(each.rule, each.first) for each in ledger.found] == [(Rule.UNLAWFUL, at(0))] * 2
