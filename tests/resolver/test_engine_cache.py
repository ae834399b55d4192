"""The engine's cache: TTLs that count down, what is not kept, flushing, prefetch, private addresses."""

import dns.flags
import pytest

from tests.harness import wire
from tests.resolver.world import (
    World,
    address_record,
    columns,
    errors,
    texts,
    ttls,
)

EDNS = wire.Edns()

# -- the cache ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("edns", [None, EDNS, wire.Edns(options=((10, b"c" * 8),))])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("ttl", [1, 60, 299, 300, 301, 1000, 100_000])
def test_ttls_count_down_and_never_grow(edns: wire.Edns | None, stream: bool, ttl: int) -> None:
    """Row 15."""
    world = World()
    heard = world.answered(address_record(ttl=ttl), edns=edns, stream=stream)
    born, seen = world.now, max(ttls(heard.reply))
    lives = min(ttl, 86_400)
    for step in (0.0, 0.3, 0.3, 0.3, 0.3, 5.5, 50.0, 200.0, 43.0, 0.9, 0.2, 600.0, 98_000.0):
        world.now += step
        heard = world.ask(edns=edns, stream=stream)
        left = born + lives - world.now
        if left <= 0:
            assert not heard.messages
            return
        (seen,) = ttls(heard.reply)
        # Long TTLs go down in steps of up to a 64th, always to what is left at the end of the step.
        assert left - max(1, left / 64) - 1 < seen <= left or seen == 300 <= left
    assert ttl == 100_000


def test_a_ttl_of_nought_is_not_used_again() -> None:
    world = World()
    assert ttls(world.answered(address_record(ttl=0)).reply) == {0}
    assert not world.ask().messages
    assert len(world.engine.lookups.answers) == 0


@pytest.mark.parametrize("rcode", [0, 3])
def test_negative_answers_live_as_their_soa_says(rcode: int) -> None:
    """Row 16."""
    world = World()
    world.ask()
    world.server.reply(0, authority=[wire.soa(ttl=300, minimum=60)], rcode=rcode)
    world.finish()
    world.jump(20)
    heard = world.ask()
    assert heard.reply.rcode() == rcode
    assert ttls(heard.reply) == {40}
    world.jump(40)
    assert not world.ask().messages


def test_a_negative_answer_without_soa_is_not_cached() -> None:
    world = World()
    world.ask()
    world.server.reply(0, rcode=3)
    world.finish()
    assert not world.ask().messages


def test_an_answer_that_was_cut_even_by_tcp_is_not_taken_for_the_whole() -> None:
    """RFC 2181 section 9."""
    world = World()
    heard = world.ask(stream=True)
    world.server.reply_by_stream(0, address_record(), flags=wire.QR | wire.RA | wire.TC)
    world.finish()
    assert heard.reply.flags & dns.flags.TC
    assert not world.ask(stream=True).messages


def test_flushing_a_name_forgets_it_and_all_below() -> None:
    world = World()
    names = ["example.org", "www.example.org", "a.b.example.org", "notexample.org", "example.net"]
    for name in names:
        world.answered(name=name)
        assert world.ask(name).messages
    assert world.engine.flush_name("example.org") == 3
    assert [bool(world.ask(name).messages) for name in names] == [False, False, False, True, True]


def test_flushing_everything() -> None:
    world = World()
    for name in ("example.org", "example.net"):
        world.answered(name=name)
    assert world.engine.flush_name("") == 2
    assert not world.ask("example.org").messages
    assert world.engine.flush_name("") == 0


def test_flushing_forgets_failures_too() -> None:
    world = World()
    world.ask()
    world.server.reply(0, rcode=2)
    world.finish()
    assert world.ask().reply.rcode() == 2
    world.engine.flush_name("example.org")
    assert not world.ask().messages


def test_a_popular_answer_is_fetched_again_before_it_ends() -> None:
    world = World()
    world.answered(address_record(ttl=60))
    for _ in range(57):
        world.jump(1)
        assert world.ask().messages
        if world.forwarder.pending:
            break
    assert 54 <= world.now - 1000 <= 58
    assert len(world.server.udp.sent) == 2
    world.server.reply(1, address_record("192.0.2.2", 60))
    world.finish()
    assert world.ask().messages
    world.jump(10)
    assert texts(world.ask().reply) == ["192.0.2.2"]
    assert len(world.server.udp.sent) == 2


def test_what_nobody_asks_for_is_not_fetched_again() -> None:
    world = World()
    world.answered(address_record(ttl=60))
    world.jump(58)
    assert world.ask().messages
    assert len(world.server.udp.sent) == 1


def test_one_client_s_random_names_do_not_push_out_the_others() -> None:
    world = World(cache_entries=200)
    for number in range(20):
        world.answered(name=f"good{number}.example.org", client="10.0.0.2")
        world.ask(f"good{number}.example.org", client="10.0.0.2")
    for number in range(1000):
        world.answered(name=f"random{number}.example.net")
    for number in range(20):
        assert world.ask(f"good{number}.example.org", client="10.0.0.2").messages


# -- rebinding ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.1.1", "127.0.0.1", "fd00::1", "::ffff:10.0.0.1"])
@pytest.mark.parametrize("extra", [(), (wire.opt(),)], ids=["", "OPT"])
def test_a_public_name_with_a_private_address_is_blocked(address: str, extra: tuple[bytes, ...]) -> None:
    """Row 27."""
    world = World()
    kind = "AAAA" if ":" in address else "A"
    for _ in range(2):
        heard = world.answered(address_record(address), kind=kind, edns=EDNS, additional=extra)
        assert heard.reply.rcode() == 0
        assert texts(heard.reply) == []
        assert [code for code, _ in errors(heard.reply)] == [15]
        assert columns(world.lines[-1])["reason"] == "rebinding"


def test_only_the_private_addresses_go_also_from_the_cache() -> None:
    world = World()
    records = [address_record("10.0.0.1"), address_record("192.0.2.1")]
    assert texts(world.answered(*records).reply) == ["192.0.2.1"]
    assert texts(world.ask().reply) == ["192.0.2.1"]
    assert texts(world.ask(stream=True).reply) == ["192.0.2.1"]


def test_zones_of_one_s_own_may_be_private() -> None:
    world = World(private_zones=("school.example",))
    assert texts(world.answered(address_record("10.0.0.1"), name="a.school.example").reply) == ["10.0.0.1"]
    assert texts(world.answered(address_record("10.0.0.1"), name="xschool.example").reply) == []
