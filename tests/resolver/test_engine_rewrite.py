"""Safe search: a name is answered with the addresses of another, whatever is asked and whoever fails."""

from dataclasses import replace

import dns.rdatatype
import pytest

from policy.decision import Action, Rewrite
from policy.snapshot import Snapshot
from resolver.upstream.pool import DEADLINE, STALE_AFTER
from tests.harness import wire
from tests.resolver.world import Heard, World, address_record, block, columns, errors, listed, policy, texts, ttls

TARGET = "safe.example.net"
SEARCH = "search.example.org"
LIVE = Rewrite("engine", TARGET)
TABLE = Rewrite("engine", TARGET, (b"\xc0\x00\x02\x63",), (b"\x20\x01\x0d\xb8" + bytes(11) + b"\x63",))
TABLE_V4 = Rewrite("engine", TARGET, (b"\xc0\x00\x02\x63",))
EDNS = wire.Edns()


def safe(rewrite: Rewrite = LIVE, base: Snapshot | None = None) -> Snapshot:
    """Return a policy in which the search engine answers in its safe mode."""
    base = base or policy()
    views = {group: replace(view, rewrites={SEARCH: rewrite}) for group, view in base.views.items()}
    return replace(base, views=views)


def asked(world: World) -> list[tuple[bytes, int]]:
    """Return name and type of every question that went upstream."""
    return [(sent.question[:-4].lower(), sent.question[-3]) for sent in world.server.udp.sent]


def searched(world: World, *answers: bytes) -> Heard:
    """Ask for the search engine and let the upstream answer what it is asked."""
    return world.answered(*answers, name=SEARCH, edns=EDNS)


def test_the_answer_is_an_alias_with_the_target_s_addresses() -> None:
    world = World(safe())
    name = wire.name_wire("SeArCh.eXample.org")
    heard = world.ask(name, edns=EDNS)
    world.server.reply(-1, address_record("192.0.2.7"), address_record("192.0.2.8"))
    world.finish()
    assert asked(world) == [(wire.name_wire(TARGET), 1)]
    assert [str(rrset) for rrset in heard.reply.answer] == [
        f"SeArCh.eXample.org. 60 IN CNAME {TARGET}.",
        f"{TARGET}. 60 IN A 192.0.2.7",
        f"{TARGET}. 60 IN A 192.0.2.8",
    ]
    assert heard.message[12 : 12 + len(name)] == name, "the letter case is the client's"
    line = columns(world.lines[-1])
    assert (line["name"], line["action"], line["reason"]) == (SEARCH, "rewrite", "safe-search")
    assert (line["rcode"], line["source"]) == ("NOERROR", "upstream")


def test_all_clients_and_all_names_share_the_target_s_answer_and_finished_replies_work() -> None:
    world = World(safe())
    searched(world)
    for _ in range(3):
        heard = world.ask(SEARCH, edns=EDNS)
        assert texts(heard.reply) == [f"{TARGET}.", "192.0.2.1"]
        assert columns(heard.line)["source"] == "cache"
    with_do = world.ask(SEARCH, flags=wire.CD | wire.RD, edns=wire.Edns(1232, wire.DO))
    assert texts(with_do.reply) == [f"{TARGET}.", "192.0.2.1"]
    assert texts(world.ask(TARGET).reply) == ["192.0.2.1"], "asked directly it is a name like any other"
    assert texts(world.ask(SEARCH, stream=True).reply) == [f"{TARGET}.", "192.0.2.1"]
    assert len(asked(world)) == 1


def test_the_ttl_is_bounded_and_counts_down() -> None:
    world = World(safe())
    assert ttls(searched(world, address_record(ttl=3600)).reply) == {300}
    world.jump(3500)
    assert ttls(world.ask(SEARCH).reply) == {100}
    world.jump(60)
    assert max(ttls(world.ask(SEARCH).reply)) <= 40


def test_what_is_popular_is_fetched_again_under_the_target_s_name() -> None:
    world = World(safe())
    searched(world)
    for _ in range(59):
        world.jump(1)
        assert texts(world.ask(SEARCH).reply) == [f"{TARGET}.", "192.0.2.1"]
        if world.forwarder.pending:
            break
    assert asked(world) == [(wire.name_wire(TARGET), 1)] * 2
    world.server.reply(1, address_record("192.0.2.9"))
    world.jump(30)
    assert texts(world.ask(SEARCH).reply) == [f"{TARGET}.", "192.0.2.9"]


def test_aliases_of_the_target_are_flattened() -> None:
    world = World(safe())
    chain = wire.record("@", 60, "CNAME", "edge.example.com."), wire.record("edge.example.com", 20, "A", "192.0.2.5")
    heard = searched(world, *chain)
    assert texts(heard.reply) == [f"{TARGET}.", "192.0.2.5"]
    assert ttls(heard.reply) == {20}


@pytest.mark.parametrize("kind", ["HTTPS", "SVCB", "MX", "TXT", "CNAME", "NS", "SOA", "DS"])
@pytest.mark.parametrize("stream", [False, True], ids=["udp", "tcp"])
def test_other_types_have_no_data_so_that_no_hint_leads_around_it(kind: str, stream: bool) -> None:
    world = World(safe(TABLE))
    heard = world.ask(SEARCH, kind, stream=stream, edns=EDNS)
    assert heard.reply.rcode() == 0
    assert not heard.reply.answer
    assert [rrset.rdtype for rrset in heard.reply.authority] == [dns.rdatatype.SOA]
    assert columns(heard.line)["action"] == "rewrite"
    assert not asked(world)


def test_any_gets_the_small_answer_as_always() -> None:
    world = World(safe())
    assert world.ask(SEARCH, "ANY").reply.answer[0].rdtype == dns.rdatatype.HINFO


@pytest.mark.parametrize("rewrite", [LIVE, TABLE], ids=["live", "table"])
def test_a_target_without_ipv6_gives_no_data(rewrite: Rewrite) -> None:
    world = World(safe(rewrite))
    heard = world.ask(SEARCH, "AAAA")
    world.server.reply(-1, authority=[wire.record("example.net", 60, "SOA", "a. b. 1 2 3 4 60")])
    world.finish()
    assert heard.reply.rcode() == 0
    assert not heard.reply.answer
    assert [rrset.rdtype for rrset in heard.reply.authority] == [dns.rdatatype.SOA]
    again = world.ask(SEARCH, "AAAA")
    assert not again.reply.answer
    assert columns(again.line)["source"] == "cache"


FAILURES = [
    pytest.param({"rcode": 2}, id="servfail"),
    pytest.param({"rcode": 3}, id="nxdomain"),
    pytest.param({}, id="no-address"),
]


@pytest.mark.parametrize(
    ("kind", "expected", "parts"),
    [
        pytest.param("A", "192.0.2.99", {"rcode": 2}, id="v4-servfail"),
        pytest.param("A", "192.0.2.99", {"rcode": 3}, id="v4-nxdomain"),
        pytest.param("A", "192.0.2.99", {}, id="v4-no-address"),
        pytest.param("AAAA", "2001:db8::63", {"rcode": 2}, id="v6-servfail"),
        pytest.param("AAAA", "2001:db8::63", {"rcode": 3}, id="v6-nxdomain"),
    ],
)
def test_the_table_helps_while_the_target_leads_nowhere(kind: str, expected: str, parts: dict[str, int]) -> None:
    world = World(safe(TABLE))
    for _ in range(2):
        heard = world.ask(SEARCH, kind, edns=EDNS)
        if not heard.messages:
            world.server.reply(-1, **parts)
            world.finish()
        assert texts(heard.reply) == [f"{TARGET}.", expected]
        assert max(ttls(heard.reply)) <= 30
    assert world.engine.counters.failed == 0


def test_a_table_without_ipv6_gives_no_data_and_no_failure() -> None:
    world = World(safe(TABLE_V4))
    heard = world.ask(SEARCH, "AAAA")
    world.server.reply(-1, rcode=2)
    world.finish()
    assert (heard.reply.rcode(), heard.reply.answer) == (0, [])


@pytest.mark.parametrize("parts", FAILURES)
def test_without_a_table_it_fails_and_never_opens(parts: dict[str, int]) -> None:
    world = World(safe())
    for _ in range(2):
        heard = world.ask(SEARCH, edns=EDNS)
        if not heard.messages:
            world.server.reply(-1, **parts)
            world.finish()
        assert heard.reply.rcode() == 2
        assert not heard.reply.answer
        assert errors(heard.reply)


def test_silence_gives_the_table_too() -> None:
    world = World(safe(TABLE))
    heard = world.ask(SEARCH)
    world.wind(DEADLINE + 0.1)
    assert texts(heard.reply) == [f"{TARGET}.", "192.0.2.99"]
    line = columns(world.lines[-1])
    assert (line["action"], line["source"]) == ("rewrite", "policy")


def test_what_was_true_before_is_better_than_the_table() -> None:
    world = World(safe(TABLE))
    searched(world)
    world.jump(100)
    heard = world.ask(SEARCH)
    world.wind(STALE_AFTER + 0.1)
    assert texts(heard.reply) == [f"{TARGET}.", "192.0.2.1"]
    assert ttls(heard.reply) == {30}
    assert columns(world.lines[-1])["source"] == "stale"


def test_nothing_is_said_to_be_signed() -> None:
    """AD of the target's answer and its signatures do not come along; DO is echoed."""
    world = World(safe())
    heard = world.ask(SEARCH, flags=wire.RD | wire.AD, edns=wire.Edns(1232, wire.DO))
    assert not world.server.udp.sent[-1].tail[-4] & 0x80, "DO is not asked for"
    world.server.reply(-1, address_record(), flags=wire.QR | wire.RD | wire.RA | wire.AD)
    world.finish()
    assert not heard.reply.flags & wire.AD
    assert heard.reply.ednsflags & wire.DO
    assert {rrset.rdtype for rrset in heard.reply.answer} == {dns.rdatatype.CNAME, dns.rdatatype.A}


def test_a_change_of_policy_drops_finished_replies_both_ways() -> None:
    world = World(safe())
    searched(world)
    assert columns(world.ask(SEARCH).line)["action"] == "rewrite"
    world.engine.set_policy(policy())
    heard = world.ask(SEARCH)
    world.server.reply(-1, address_record("192.0.2.50"))
    world.finish()
    assert texts(heard.reply) == ["192.0.2.50"]
    world.engine.set_policy(safe())
    assert texts(world.ask(SEARCH).reply) == [f"{TARGET}.", "192.0.2.1"]


@pytest.mark.parametrize("fails", [False, True], ids=["answered", "failed"])
def test_safe_search_comes_while_the_question_is_away(fails: bool) -> None:
    """The unsafe answer that comes in late must not be given out."""
    world = World(policy())
    heard = world.ask(SEARCH)
    world.engine.set_policy(safe())
    parts = {"rcode": 2} if fails else {}
    world.server.reply(0, *(() if fails else (address_record("192.0.2.50"),)), **parts)
    world.finish()
    assert not heard.messages
    world.server.reply(1, address_record("192.0.2.7"))
    world.finish()
    assert texts(heard.reply) == [f"{TARGET}.", "192.0.2.7"]
    known = world.engine.clients.get(b"\x7f\0\0\1", world.now)
    assert known.in_flight == 0


def test_safe_search_goes_while_a_stale_answer_is_waited_for() -> None:
    world = World(safe())
    searched(world)
    world.jump(100)
    heard = world.ask(SEARCH)
    world.engine.set_policy(policy())
    world.wind(STALE_AFTER + 0.1)
    assert not heard.messages
    before = len(asked(world))
    world.server.reply(1)
    assert asked(world)[before:] == [(wire.name_wire(SEARCH), 1)], "what it wants to know now is another name"
    world.server.reply(-1, address_record("192.0.2.50"))
    world.finish()
    assert texts(heard.reply) == ["192.0.2.50"]


@pytest.mark.parametrize(
    ("category", "action"),
    [pytest.param("games", "rewrite", id="closed-category"), pytest.param("terrorism", "block", id="locked")],
)
def test_an_alias_of_the_target_closes_it_only_if_locked(category: str, action: str) -> None:
    world = World(safe(), listed("edge.example.com", category))
    chain = wire.record("@", 60, "CNAME", "edge.example.com."), wire.record("edge.example.com", 60, "A", "192.0.2.5")
    searched(world, *chain)
    assert columns(world.lines[-1])["action"] == action


def test_a_blocked_name_stays_blocked() -> None:
    world = World(safe(base=policy(block(SEARCH))))
    heard = world.ask(SEARCH)
    assert texts(heard.reply) == ["0.0.0.0"]


def test_rewrites_are_logged_when_only_blocked_queries_are() -> None:
    world = World(safe(), blocked_only=True)
    searched(world)
    assert columns(world.lines[-1])["action"] == str(Action.REWRITE)


def test_private_addresses_of_the_target_lead_to_the_table() -> None:
    world = World(safe(TABLE))
    assert texts(searched(world, address_record("10.0.0.1")).reply) == [f"{TARGET}.", "192.0.2.99"]
