"""Several upstreams: whom to ask, when to ask again, how their health is measured. Fakes, the clock by hand."""

import asyncio
import itertools
from collections.abc import Callable, Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from resolver.entropy import Entropy
from resolver.upstream.forwarder import Forwarder
from resolver.upstream.pool import (
    DEADLINE,
    FIRST_PATIENCE,
    MAX_PATIENCE,
    MAX_TRIES,
    MEASURE_SECONDS,
    MIN_PATIENCE,
    PROBE_SECONDS,
    SILENT,
    STALE_AFTER,
    TICK,
    Ask,
    Failure,
    Upstreams,
    ask_key,
)
from tests.harness import wire
from tests.resolver.world import BEGIN, FakeServer, address_record, fake_server, judged, response
from tests.upstream.pool_fakes import NAME, Pool, known, pool

# -- whom, and when ----------------------------------------------------------------------------------------------------


def test_the_nearest_server_in_order_is_asked_first() -> None:
    servers = [fake_server(number) for number in range(5)]
    for server, rtt in zip(servers, (0.05, 0.02, 0.01, 0.001, 0.03), strict=True):
        known(server, rtt)
    servers[2].server.missed = SILENT
    servers[3].server.backup = True
    some = Pool(*servers)
    assert [servers.index(each) for ask in [some.ask()] for s in ask.order for each in servers if each.server is s] == [
        1, 4, 0, 3, 2,
    ]  # fmt: skip
    assert some.asked == [0, 1, 0, 0, 0]


def test_a_server_that_keeps_silent_sinks_and_rises_when_it_speaks_again() -> None:
    some = pool(2)
    known(some.servers[0], 0.01)
    known(some.servers[1], 0.05)
    some.ask()
    some.wind(0.5)
    assert some.asked[0] >= 1
    some.servers[1].reply(0, address_record())
    assert some.answer.rcode == 0
    first = some.ask()
    assert first.order[0] is some.servers[1].server
    some.servers[0].reply(0, address_record())  # late, but alive
    assert some.ask(wire.name_wire("other.example")).order[0] is some.servers[0].server


def test_the_first_retry_comes_well_under_a_second() -> None:
    some = pool(2)
    some.ask()
    some.wind(FIRST_PATIENCE - TICK)
    assert some.asked == [1, 0]
    some.wind(2 * TICK)
    assert some.asked == [1, 1]


@pytest.mark.parametrize(("rtt", "patience"), [(0.001, MIN_PATIENCE), (0.1, 0.2), (0.4, MAX_PATIENCE)])
def test_patience_follows_the_round_trip_within_bounds(rtt: float, patience: float) -> None:
    some = pool(2)
    for _ in range(40):
        some.servers[0].server.replied(BEGIN, BEGIN - rtt)
    some.servers[1].server.srtt = 3.0
    some.ask()
    some.wind(patience - TICK)
    assert some.asked == [1, 0]
    some.wind(3 * TICK)
    assert some.asked == [1, 1]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_tries_are_bounded_and_the_deadline_ends_them(count: int) -> None:
    """Row 17."""
    some = pool(count)
    some.ask()
    some.wind(DEADLINE - TICK)
    assert not some.outcomes
    some.wind(2 * TICK)
    assert some.failure is Failure.SILENT
    assert 2 <= sum(some.asked) <= MAX_TRIES
    assert not some.pending
    some.wind(10)
    assert len(some.outcomes) == 1
    assert sum(some.asked) <= MAX_TRIES


def test_the_second_try_at_one_server_waits_longer_than_the_first() -> None:
    some = pool()
    some.ask()
    some.wind(DEADLINE)
    moments = [sent.at - BEGIN for sent in some.servers[0].udp.sent]
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert gaps == sorted(gaps)
    assert gaps[0] == pytest.approx(FIRST_PATIENCE, abs=2 * TICK)


def test_the_first_good_answer_wins_and_the_later_ones_are_ignored() -> None:
    some = pool(2)
    some.ask()
    some.wind(0.5)
    some.servers[1].reply(0, address_record("192.0.2.2"))
    some.servers[0].reply(0, address_record("192.0.2.1"))
    assert b"\xc0\x00\x02\x02" in some.answer.body(1)
    assert some.servers[0].server.healthy
    assert some.servers[0].server.last_reply == some.now


def test_a_stale_answer_is_offered_once() -> None:
    some = pool()
    some.ask()
    some.wind(STALE_AFTER - TICK)
    assert some.stale == 0
    some.wind(2)
    assert some.stale == 1


def test_a_network_that_refuses_hurries_to_the_next_server() -> None:
    some = pool(2)
    some.ask()
    some.servers[0].udp.sent[0].asked.on_error()
    assert some.asked == [1, 1]
    some.servers[1].udp.sent[0].asked.on_error()
    assert some.asked == [1, 1], "a moment between tries at one server"
    some.wind(FIRST_PATIENCE + TICK)
    assert sum(some.asked) == 3
    assert not some.outcomes


def test_a_server_that_cannot_even_be_sent_to_is_passed_over() -> None:
    some = pool(2)
    some.servers[0].udp.error = OSError(101, "Network is unreachable")
    some.ask()
    some.wind(2 * TICK)
    assert some.asked == [0, 1]
    some.servers[1].reply(0, address_record())
    assert some.answer.rcode == 0
    assert some.servers[0].server.failures


def test_without_any_network_the_question_fails_at_its_deadline() -> None:
    some = pool(2)
    for server in some.servers:
        server.udp.error = OSError(101, "Network is unreachable")
    some.ask()
    some.wind(DEADLINE + TICK)
    assert some.failure is Failure.SILENT


BEHAVIOURS = st.sampled_from(["silent", "error", "malformed", "unreachable"])


def react(server: FakeServer, behaviour: str) -> None:
    """Let a server react once to each thing it was asked first, as its behaviour demands."""
    if len(server.udp.sent) != 1 or server.server.last_reply or behaviour == "silent":
        return
    sent = server.udp.sent[0]
    if behaviour == "unreachable":
        server.server.last_reply = sent.at  # only so that it happens once
        sent.asked.on_error()
    elif behaviour == "error":
        sent.asked.on_reply(response(sent.question, rcode=2), sent.at)
    else:
        sent.asked.on_reply(response(sent.question, address_record())[:-1], sent.at)
        query, done = server.stream.asked[0]
        done(response(wire.question_of(query), address_record())[:-1])


@given(st.lists(BEHAVIOURS, min_size=2, max_size=MAX_TRIES))
@example(["silent", "error", "silent"])
@example(["error", "silent", "silent"])
def test_every_server_is_asked_before_any_is_asked_twice(behaviours: list[str]) -> None:
    some = pool(len(behaviours))
    some.ask()
    for _ in range(int(DEADLINE / TICK)):
        for server, behaviour in zip(some.servers, behaviours, strict=True):
            react(server, behaviour)
        if max(some.asked) > 1:
            assert min(some.asked) >= 1, f"{some.asked} while they were {behaviours}"
        if some.outcomes:
            break
        some.wind(TICK)
    assert len(some.outcomes) <= 1


# -- health ------------------------------------------------------------------------------------------------------------


def maintained(some: Pool, seconds: int) -> None:
    """Let time pass with the housekeeping of each second."""
    for _ in range(seconds):
        some.upstreams.maintain(some.now)
        some.now += 1


def test_a_new_server_is_measured_at_once() -> None:
    some = pool(2)
    some.upstreams.maintain(some.now)
    assert some.asked == [1, 1]
    probe = judged(b"\0\0" + some.servers[0].udp.sent[0].tail)
    assert probe.question[0].name.to_text() == "."
    some.now += 0.03
    some.servers[0].reply(0)
    assert some.servers[0].server.srtt == pytest.approx(0.03)


def test_a_server_out_of_order_is_probed_not_hammered_and_comes_back() -> None:
    """Row 24: back within 10 s of recovery."""
    some = pool()
    some.servers[0].server.missed = SILENT
    maintained(some, 60)
    assert 20 <= some.asked[0] <= 60 / PROBE_SECONDS + 1
    assert some.upstreams.all_silent
    some.servers[0].reply(-1)
    assert some.servers[0].server.healthy


def test_a_server_in_use_is_not_probed_and_an_idle_one_seldom() -> None:
    some = pool(2)
    maintained(some, 1)
    for server in some.servers:
        server.reply(0)
    for second in range(60):
        maintained(some, 1)
        some.servers[0].server.replied(some.now, some.now - 0.01)
        for number in range(len(some.servers[1].udp.sent)):
            if second % 10 == 9:
                some.servers[1].server.replied(some.servers[1].udp.sent[number].at, some.now - 0.01)
    assert some.asked[0] == 1
    assert 1 <= some.asked[1] <= 60 / MEASURE_SECONDS * 3


def test_a_backup_does_not_even_hear_of_us_while_others_are_in_order() -> None:
    some = pool(2)
    some.servers[1].server.backup = True
    maintained(some, 3)
    assert some.asked[1] == 0
    some.servers[0].server.missed = SILENT
    maintained(some, 3)
    assert some.asked[1] >= 1
    some.ask()
    assert some.servers[1].udp.sent[-1].question[:-4].lower() == NAME


def test_a_probe_that_cannot_be_sent_is_no_error() -> None:
    some = pool()
    some.servers[0].udp.error = OSError(101, "Network is unreachable")
    maintained(some, 10)
    assert some.upstreams.all_silent


def test_a_probe_by_stream() -> None:
    some = pool(udp=False)
    some.servers[0].server.missed = SILENT
    maintained(some, 3)
    some.servers[0].stream.asked[0][1](None)
    assert some.upstreams.all_silent
    some.servers[0].reply_by_stream(-1)
    assert some.servers[0].server.healthy


def test_flapping_does_not_double_the_packets() -> None:
    """RELIABILITY.md section 3: flapping every 2 s, at most twice the packets."""
    some = pool(2)
    for server in some.servers:
        known(server, 0.01)
    questions = 0
    for step in range(600):
        if step % 2 == 0:
            questions += 1
            some.ask(wire.name_wire(f"n{step}.example"))
        some.wind(0.05)
        up = (step // 40) % 2
        for server in (some.servers[up], some.servers[1 - up]) if step % 80 < 40 else (some.servers[up],):
            for number, sent in enumerate(server.udp.sent):
                if sent.at > some.now - 0.1:
                    server.reply(number, address_record())
    some.wind(DEADLINE)
    answers = [answer for answer, _ in some.outcomes if answer is not None]
    assert len(answers) >= 0.99 * questions
    assert sum(some.asked) <= 2 * questions


# -- the forwarder -----------------------------------------------------------------------------------------------------


async def test_the_forwarder_looks_after_the_clock_while_questions_are_away() -> None:
    now = BEGIN
    ticks = 0

    def clock() -> float:
        return now

    def after() -> None:
        nonlocal ticks
        ticks += 1

    forwarder = Forwarder(Entropy(), clock, after)
    forwarder.attach(asyncio.get_running_loop())
    server = fake_server()
    forwarder.default = Upstreams([server.server], Entropy(), clock, forwarder.pending)
    ended = asyncio.Event()
    ask = Ask(forwarder.default, b"key", NAME, 1, dnssec_ok=False, checking_disabled=False)
    ask.done = lambda _ask, _answer, _failure: ended.set()
    forwarder.start(forwarder.default, ask, now)
    now += DEADLINE + 1
    async with asyncio.timeout(10):
        await ended.wait()
        while not ticks:
            await asyncio.sleep(0)
    assert not forwarder.pending
    forwarder.close()
    assert server.stream.closed


@pytest.mark.parametrize(
    "different", [{"name": b"\x01a\x00"}, {"qtype": 28}, {"dnssec_ok": True}, {"checking_disabled": True}]
)
def test_questions_are_equal_by_name_type_do_and_cd(different: dict[str, object]) -> None:
    usual: dict[str, object] = {"name": NAME, "qtype": 1, "dnssec_ok": False, "checking_disabled": False}
    key: Callable[..., bytes] = ask_key
    assert key(**usual) != key(**usual | different)


def test_smoothing_and_bounds_of_the_round_trip() -> None:
    server = fake_server().server
    for rtt in _walk():
        server.replied(BEGIN, BEGIN - rtt)
        assert MIN_PATIENCE <= server.patience <= MAX_PATIENCE
        assert 0.0 < server.srtt < 5.0
    for _ in range(50):
        server.kept_silent()
        assert server.penalty <= 5.0
    assert not server.healthy


def _walk() -> Iterable[float]:
    return (0.001 * (n * n % 4000 + 1) for n in range(200))


def test_where_nobody_is_there_the_question_fails_before_its_deadline() -> None:
    some = pool(2)
    some.ask()
    for _ in range(200):
        for server in some.servers:
            for sent in list(server.udp.sent):
                server.udp.sent.remove(sent)
                sent.asked.on_error()
        some.wind(TICK)
    assert some.failure is Failure.SILENT
    assert some.now < BEGIN + 200 * TICK + 1
