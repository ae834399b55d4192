"""The engine between a client's octets and its reply: rules, merging, cache, log lines. Upstreams are fakes."""

import dns.flags
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.levels import Level
from resolver import lookups as module
from resolver.upstream.pool import DEADLINE, MAX_IN_FLIGHT
from resolver.wire import parse_query
from settings.model import BlockAnswer
from tests.harness import wire
from tests.resolver.world import (
    World,
    address_record,
    columns,
    fake_server,
    header_of,
    judged,
    listed,
    policy,
    response,
    staff,
    texts,
    ttls,
)

GAMES = listed("games.example.org") | listed("evil.example.net", "terrorism", "law")
EDNS = wire.Edns()

# -- what gets an answer, and which ------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_forwarded_once_and_then_given_from_the_cache(stream: bool) -> None:
    world = World()
    first = world.answered(address_record(ttl=60), stream=stream)
    assert texts(first.reply) == ["192.0.2.1"]
    world.jump(10)
    second = world.ask(stream=stream, qid=0x4321)
    assert second.message[:2] == b"\x43\x21"
    assert (texts(second.reply), ttls(second.reply)) == (["192.0.2.1"], {50})
    assert (len(world.server.udp.sent), len(world.server.stream.asked)) == ((0, 1) if stream else (1, 0))
    counters = world.engine.counters
    assert (counters.queries, counters.forwarded, counters.cached) == (2, 1, 1)


@pytest.mark.parametrize(
    ("kind", "rdclass"),
    [("AXFR", 1), ("IXFR", 1), ("OPT", 1), ("TSIG", 1), ("TKEY", 1), ("MAILB", 1), ("A", 3), ("TXT", 3), ("A", 255)],
)
def test_transfers_meta_types_and_other_classes_are_refused(kind: str, rdclass: int) -> None:
    world = World()
    name = "version.bind" if rdclass == 3 else "www.example.org"
    heard = world.ask(name, kind, rdclass=rdclass, edns=EDNS)
    assert heard.reply.rcode() == 5
    assert not heard.reply.answer
    assert columns(heard.line)["reason"] == "malformed"
    assert not world.server.udp.sent


@pytest.mark.parametrize("client", ["192.0.2.1", "2001:db8::1"])
@pytest.mark.parametrize(
    "message", [wire.query("www.example.org", qid=1), wire.query("games.example.org", qid=1), b"\x12\x34" + bytes(10)]
)
def test_other_networks_are_refused_or_met_with_silence(client: str, message: bytes) -> None:
    heard = World(listings=GAMES).ask_raw(message, client=client)
    assert wire.rcode_of(heard.message) == 5
    assert columns(heard.line)["action"] == "refuse"
    assert columns(heard.line)["reason"] == "network"
    silent = World(refuse_silently=True).ask_raw(message, client=client)
    assert silent.silent
    assert not silent.messages


def test_any_is_answered_small_without_asking_anyone() -> None:
    world = World()
    heard = world.ask(kind="ANY")
    assert len(heard.message) < 100
    assert not world.server.udp.sent


@pytest.mark.parametrize("stream", [False, True])
def test_special_names_do_not_leave_the_house(stream: bool) -> None:
    world = World()
    heard = world.ask("localhost", stream=stream)
    assert texts(heard.reply) == ["127.0.0.1"]
    assert columns(heard.line) | {"ms": ""} == {
        "client": "127.0.0.1", "device": "", "room": "", "group": "pupils", "name": "localhost", "type": "A",
        "action": "local", "reason": "special", "category": "", "list": "", "rcode": "NOERROR", "source": "local",
        "ms": "",
    }  # fmt: skip
    assert not world.server.udp.sent


def test_a_zone_that_is_sent_elsewhere_goes_there_and_may_be_private() -> None:
    world = World()
    router = fake_server(9)
    world.forwarder.zones["school.local"] = world.join(router)
    heard = world.ask("printer.school.local")
    router.reply(0, address_record("10.0.0.7"))
    world.finish()
    assert texts(heard.reply) == ["10.0.0.7"]
    assert not world.server.udp.sent
    assert world.ask("printer.local").reply.rcode() == 3


def test_the_question_comes_back_in_the_client_s_letters() -> None:
    world = World()
    first = world.ask(wire.name_wire("wWw.ExAmPlE.oRg"))
    world.server.reply(0, address_record())
    world.finish()
    assert wire.question_of(first.message)[:-4] == wire.name_wire("wWw.ExAmPlE.oRg")
    assert wire.question_of(world.ask("WWW.example.org").message)[:-4] == wire.name_wire("WWW.example.org")
    assert len(world.server.udp.sent) == 1


# -- equal questions ---------------------------------------------------------------------------------------------------


def test_equal_questions_in_flight_share_one_forward() -> None:
    """Row 3 of RELIABILITY.md section 1."""
    world = World()
    heard = [
        world.ask(qid=1),
        world.ask(wire.name_wire("WWW.EXAMPLE.ORG"), qid=2, client="10.0.0.2"),
        world.ask(qid=3, edns=EDNS),
        world.ask(qid=4, stream=True),
    ]
    assert len(world.server.udp.sent) == 1
    world.server.reply(0, address_record())
    world.finish()
    assert [header_of(each.message)[0] for each in heard] == [1, 2, 3, 4]
    assert all(texts(each.reply) == ["192.0.2.1"] for each in heard)
    assert len(world.lines) == 4
    assert not world.forwarder.pending


@pytest.mark.parametrize(
    ("kind", "flags", "edns"),
    [("AAAA", wire.RD, None), ("A", wire.RD | wire.CD, None), ("A", wire.RD, wire.Edns(flags=0x8000))],
)
def test_other_types_do_and_cd_are_other_questions(kind: str, flags: int, edns: wire.Edns | None) -> None:
    world = World()
    world.ask()
    world.ask(kind=kind, flags=flags, edns=edns)
    assert len(world.server.udp.sent) == 2


def test_do_and_cd_go_upstream_and_nothing_else_of_the_client() -> None:
    world = World()
    world.ask(
        flags=wire.CD, edns=wire.Edns(4096, 0xFFFF, options=((8, b"\x00\x01\x18\x00\x0a\x00\x00"), (10, b"c" * 8)))
    )
    sent = judged(b"\x00\x00" + world.server.udp.sent[0].tail)
    assert sent.flags & 0xFFF0 == dns.flags.RD | dns.flags.AD | dns.flags.CD
    assert sent.ednsflags == dns.flags.DO
    assert sent.payload == 1232
    assert not sent.options


def test_those_who_wait_are_bounded_in_all_and_per_client(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    for number in range(1000):
        world.ask(f"n{number}.example.org")
    greedy = world.ask("one-more.example.org")
    assert greedy.reply.rcode() == 5
    assert columns(greedy.line)["reason"] == "rate"
    modest = world.ask("modest.example.org", client="10.0.0.2")
    assert not modest.messages
    monkeypatch.setattr(module, "MAX_IN_FLIGHT", 1001)
    full = world.ask("full.example.org", client="10.0.0.3")
    assert full.reply.rcode() == 2
    assert MAX_IN_FLIGHT > 1000
    world.server.reply(-1)
    world.wind(DEADLINE + 0.1)
    assert not world.ask("again.example.org").messages, "its places were not given back"


# -- the limit per client ----------------------------------------------------------------------------------------------


def test_over_its_rate_a_client_is_refused_and_nobody_else() -> None:
    world = World(rate_limit=10)
    world.answered()
    refused = 0
    for _ in range(100):
        assert world.ask(client="10.0.0.2").reply.rcode() == 0
        world.jump(0.02)
        for _ in range(3):
            heard = world.ask()
            refused += heard.reply.rcode() == 5
            if heard.reply.rcode() == 5:
                assert columns(heard.line)["reason"] == "rate"
        world.now += 0.08
    assert refused
    assert world.engine.counters.refused == refused


# -- the log -----------------------------------------------------------------------------------------------------------


def test_each_column_of_the_log() -> None:
    world = World(policy(groups=[staff()]), GAMES, mode=BlockAnswer.NXDOMAIN)
    blocked = world.ask("www.games.example.org", "HTTPS", client="10.0.0.5")
    assert blocked.line == (
        "10.0.0.5\t\t\tpupils\twww.games.example.org\tHTTPS\tblock\tcategory\tgames\tsome-list\tNXDOMAIN\tpolicy\t0.0\n"
    )
    assert world.ask("www.games.example.org", "HTTPS", client="10.0.0.5").line == blocked.line
    heard = world.ask("games.example.org", "TYPE65280", client="10.0.9.5")
    world.now += 0.0125
    world.server.reply(0, rcode=3)
    world.finish()
    assert heard.messages
    assert world.lines[-1] == (
        "10.0.9.5\t\t\tstaff\tgames.example.org\tTYPE65280\tallow\tdefault\t\t\tNXDOMAIN\tupstream\t12.5\n"
    )
    world.answered(client="10.0.9.5")
    assert world.ask(client="10.0.9.5").line == (
        "10.0.9.5\t\t\tstaff\twww.example.org\tA\tallow\tdefault\t\t\tNOERROR\tcache\t0.0\n"
    )
    strange = world.ask(b"\x05a.b\tc\x00")
    world.server.reply(-1, rcode=9)
    world.finish()
    assert strange.messages
    assert world.lines[-1].split("\t")[4:] == [
        "a\\046b\\009c", "A", "allow", "default", "", "", "NOTAUTH", "upstream", "0.0\n",
    ]  # fmt: skip
    root = world.ask(b"\x00", "NS")
    world.server.reply(-1, rcode=11)
    world.finish()
    assert root.messages
    assert world.lines[-1].split("\t")[4] == "."
    assert world.lines[-1].split("\t")[10] == "RCODE11"


@pytest.mark.parametrize(
    ("message", "columns_"),
    [
        (b"\x12\x34\x01\x00" + bytes(8), ["", "", "refuse", "malformed", "", "", "FORMERR", "local", "0.0\n"]),
        (b"\x12\x34\x29\x00" + bytes(8), ["", "", "refuse", "malformed", "", "", "NOTIMP", "local", "0.0\n"]),
        (
            wire.query("A.example.org", "MX", qid=1, edns=wire.Edns(version=1)),
            ["a.example.org", "MX", "refuse", "malformed", "", "", "BADVERS", "local", "0.0\n"],
        ),
    ],
)
def test_what_cannot_be_served_is_logged_too(message: bytes, columns_: list[str]) -> None:
    assert World().ask_raw(message).line.split("\t")[4:] == columns_


def test_failures_are_logged() -> None:
    world = World()
    world.ask()
    world.wind(DEADLINE + 0.1)
    found = columns(world.lines[-1])
    assert (found["action"], found["reason"], found["rcode"], found["source"]) == (
        "fail", "upstream", "SERVFAIL", "none",
    )  # fmt: skip
    assert DEADLINE * 1000 <= float(found["ms"]) <= DEADLINE * 1000 + 60


def test_only_what_was_not_allowed_is_logged_when_so_set() -> None:
    world = World(listings=GAMES, blocked_only=True)
    heard = world.answered()
    assert heard.messages
    assert world.lines == []
    assert world.ask().line == ""
    assert world.ask("games.example.org").line
    assert world.ask("localhost").line
    world.ask("silent.example.org")
    world.wind(DEADLINE + 0.1)
    assert len(world.lines) == 1


def test_every_answered_query_has_one_line() -> None:
    """Row 14."""
    world = World(listings=GAMES, rate_limit=50)
    said = 0
    for number in range(300):
        heard = world.ask(["www.example.org", "games.example.org", "x.invalid", f"n{number}.example"][number % 4])
        said += bool(heard.messages)
        assert bool(heard.line) == bool(heard.messages)
    late = len(world.server.udp.sent)
    for number in range(late):
        world.server.reply(number, address_record())
    world.finish()
    assert said + len(world.lines) == 300
    assert world.engine.counters.queries == 300


# -- any octets --------------------------------------------------------------------------------------------------------

HEADERS = st.integers(0, 0xFFFF).map(lambda flags: wire.query("a.example", flags=flags)[:12])
MESSAGES = st.one_of(
    st.binary(max_size=80),
    st.builds(lambda head, rest: head + rest, HEADERS, st.binary(max_size=80)),
    st.builds(
        lambda labels, kind, rdclass, edns, junk: (
            wire.query(b"".join(bytes((len(p),)) + p for p in labels) + b"\x00", kind, rdclass=rdclass, edns=edns)
            + junk
        ),
        st.lists(st.binary(min_size=1, max_size=63), max_size=3),
        st.one_of(st.sampled_from([1, 28, 65, 255, 251, 41]), st.integers(0, 65535)),
        st.sampled_from([1, 1, 1, 3, 255]),
        st.one_of(
            st.none(),
            st.builds(
                wire.Edns,
                st.integers(0, 65535),
                st.integers(0, 65535),
                st.sampled_from([0, 0, 1]),
                st.lists(st.tuples(st.sampled_from([3, 10, 15]), st.binary(max_size=20)), max_size=2).map(tuple),
            ),
        ),
        st.sampled_from([b"", b"", b"\x00"]),
    ),
)


@given(
    MESSAGES, st.booleans(), st.sampled_from(["127.0.0.1", "192.0.2.9"]), st.sampled_from([Level.MEDIUM, Level.HIGH])
)
def test_any_octets_get_an_answer_with_their_id_and_question_or_silence_by_rule(
    message: bytes, stream: bool, client: str, level: Level
) -> None:
    world = World(policy(level=level), GAMES)
    heard = world.ask_raw(message, client=client, stream=stream)
    if heard.silent:
        assert parse_query(message) is None
        assert not world.forwarder.pending
        return
    for sent in world.server.udp.sent:
        sent.asked.on_reply(response(sent.question, address_record()), sent.at)
    for query, done in world.server.stream.asked:
        done(response(wire.question_of(query), address_record()))
    world.finish()
    reply = judged(heard.message)
    assert heard.message[:2] == message[:2]
    assert reply.flags & dns.flags.QR
    assert reply.opcode() == (message[2] >> 3 & 15)
    if reply.question:
        question = wire.question_of(heard.message)
        assert message[12 : 12 + len(question)] == question
    else:
        assert reply.rcode() in (1, 4, 5)
    assert len(heard.message) <= (65535 if stream else 1232)
    line = heard.line or world.lines[-1]
    assert line.count("\n") == 1
    assert line.count("\t") == 12
