"""The engine while upstreams fail: failures remembered, stale answers, and back again."""

import pytest

from policy.levels import Level
from resolver.lookups import FAILURE_MOST
from resolver.upstream.pool import DEADLINE, SILENT, STALE_AFTER
from tests.harness import wire
from tests.resolver.world import (
    Heard,
    World,
    address_record,
    block,
    columns,
    errors,
    policy,
    texts,
    ttls,
)

EDNS = wire.Edns()


def failing(world: World, rcode: int = 2) -> Heard:
    """Ask, and let the upstream answer with an error."""
    heard = world.ask(edns=EDNS)
    assert not heard.messages
    world.server.reply(-1, rcode=rcode)
    world.finish()
    return heard


def test_an_error_of_all_upstreams_is_passed_on_with_its_reason() -> None:
    world = World()
    heard = world.ask(edns=EDNS)
    world.server.reply(0, rcode=2, additional=[wire.opt(b"\x00\x0f\x00\x02\x00\x06")])
    world.finish()
    assert heard.reply.rcode() == 2
    assert errors(heard.reply) == [(6, "")]


@pytest.mark.parametrize("rcode", [2, 5])
def test_a_failure_is_remembered_for_one_to_five_seconds(rcode: int) -> None:
    """Row 17: 1 s, then twice as long each time, at most 5 s."""
    world = World()
    for seconds in (1.0, 2.0, 4.0, FAILURE_MOST, FAILURE_MOST):
        asked = len(world.server.udp.sent)
        assert failing(world, rcode).reply.rcode() == rcode
        world.now += seconds - 0.01
        heard = world.ask(edns=EDNS)
        assert heard.reply.rcode() == rcode
        assert columns(heard.line)["source"] == "cache"
        assert len(world.server.udp.sent) == asked + 1
        world.now += 0.02


def test_a_good_answer_ends_the_doubling() -> None:
    world = World()
    for pause in (1.1, 2.1):
        failing(world)
        world.jump(pause)
    world.answered(address_record(ttl=1), edns=EDNS)
    world.now += 86_400 * 3
    failing(world)
    world.jump(1.1)
    assert not world.ask(edns=EDNS).messages


def test_silence_is_a_failure_within_the_deadline() -> None:
    world = World()
    heard = world.ask(edns=EDNS)
    world.wind(DEADLINE - 0.1)
    assert not heard.messages
    world.wind(0.2)
    assert heard.reply.rcode() == 2
    assert errors(heard.reply) == [(22, "")]
    again = world.ask(edns=EDNS)
    assert again.reply.rcode() == 2
    assert columns(again.line)["action"] == "fail"


@pytest.mark.parametrize("rcode", [2, 5, 1])
@pytest.mark.parametrize("stream", [False, True])
def test_while_upstreams_fail_an_answer_past_its_end_is_given(rcode: int, stream: bool) -> None:
    """Row 24, RFC 8767: TTL 30, EDE 3."""
    world = World()
    world.answered(address_record(ttl=60))
    world.jump(3600)
    heard = world.ask(edns=EDNS, stream=stream)
    for _ in range(3):
        for number in range(len(world.server.udp.sent)):
            world.server.reply(number, rcode=rcode)
        for number in range(len(world.server.stream.asked)):
            world.server.reply_by_stream(number, rcode=rcode)
    world.finish()
    assert texts(heard.reply) == ["192.0.2.1"]
    assert ttls(heard.reply) == {30}
    assert errors(heard.reply)[0][0] == 3
    assert columns(world.lines[-1])["source"] == "stale"
    again = world.ask(edns=EDNS)
    assert errors(again.reply)[0][0] == 3
    assert columns(again.line)["source"] == "stale"
    assert world.engine.counters.stale == 2


def test_a_stale_answer_has_never_more_than_its_own_ttl() -> None:
    world = World()
    world.answered(address_record(ttl=5))
    world.jump(100)
    heard = failing(world)
    assert ttls(heard.reply) == {5}


def test_after_1_8_seconds_a_stale_answer_is_better_than_none() -> None:
    world = World()
    world.answered(address_record(ttl=60))
    world.jump(100)
    heard = [world.ask(edns=EDNS), world.ask(client="10.0.0.2")]
    world.wind(STALE_AFTER - 0.1)
    assert not heard[0].messages
    world.wind(0.2)
    assert errors(heard[0].reply) == [(3, "")]
    assert ttls(heard[1].reply) == {30}
    assert world.forwarder.pending, "the question stays on its way"
    world.server.reply(-1, address_record("192.0.2.2", 60))
    world.finish()
    assert texts(world.ask().reply) == ["192.0.2.2"]
    assert all(len(each.messages) == 1 for each in heard)


def test_who_comes_after_1_8_seconds_need_not_wait_for_the_deadline() -> None:
    world = World()
    world.answered(address_record(ttl=60))
    world.jump(100)
    world.ask()
    world.wind(STALE_AFTER + 0.1)
    late = world.ask(client="10.0.0.2")
    world.wind(STALE_AFTER + 0.1)
    assert ttls(late.reply) == {30}


def test_while_all_are_silent_stale_answers_come_at_once() -> None:
    world = World()
    world.answered(address_record(ttl=60))
    world.jump(100)
    world.server.server.missed = SILENT
    heard = world.ask(edns=EDNS)
    assert errors(heard.reply) == [(3, "")]
    assert len(world.server.udp.sent) == 2, "but it is tried"
    world.server.reply(1, address_record("192.0.2.2", 60))
    world.finish()
    assert texts(world.ask().reply) == ["192.0.2.2"]


def test_a_stale_answer_has_its_bound() -> None:
    world = World(stale_seconds=3600.0)
    world.answered(address_record(ttl=60))
    world.jump(60 + 3601)
    assert failing(world).reply.rcode() == 2


def test_stale_answers_can_be_switched_off() -> None:
    world = World(stale_seconds=0.0)
    world.answered(address_record(ttl=60))
    world.jump(61)
    assert failing(world).reply.rcode() == 2


def test_a_stale_answer_is_decided_by_the_policy_of_now() -> None:
    world = World()
    world.answered(wire.record("@", 60, "CNAME", "b.example.net."), wire.record("b.example.net", 60, "A", "192.0.2.1"))
    world.jump(100)
    world.engine.set_policy(policy(block("b.example.net"), level=Level.MEDIUM))
    heard = failing(world)
    assert texts(heard.reply) == ["0.0.0.0"]
    assert columns(world.lines[-1])["reason"] == "blocked"


def test_a_change_of_policy_while_a_stale_answer_is_waited_for() -> None:
    world = World()
    world.answered(address_record(ttl=60))
    world.jump(100)
    heard = world.ask()
    world.engine.set_policy(policy(block("example.org")))
    world.wind(STALE_AFTER + 0.1)
    assert texts(heard.reply) == ["0.0.0.0"]


def test_an_error_does_not_replace_what_is_known() -> None:
    world = World()
    world.answered(address_record(ttl=60))
    for _ in range(57):
        world.jump(1)
        world.ask()
        if world.forwarder.pending:
            break
    world.server.reply(1, rcode=2)  # the prefetch fails
    world.finish()
    assert texts(world.ask().reply) == ["192.0.2.1"]


def test_failures_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resolver.lookups.MAX_FAILURES", 20)
    world = World()
    for number in range(100):
        world.ask(f"n{number}.example")
        world.server.reply(-1, rcode=2)
        world.finish()
    assert len(world.engine.lookups.failures) <= 20
