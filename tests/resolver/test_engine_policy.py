"""What the engine blocks: children, targets of aliases, levels; and changes of policy while it works."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.decision import Listing
from policy.levels import Level
from settings.model import BlockAnswer
from tests.harness import wire
from tests.resolver.world import (
    Lists,
    World,
    address_record,
    allow,
    block,
    columns,
    errors,
    listed,
    policy,
    staff,
    texts,
)

GAMES = listed("games.example.org") | listed("evil.example.net", "terrorism", "law")
EDNS = wire.Edns()

# -- what is blocked ---------------------------------------------------------------------------------------------------

LABELS = st.lists(st.binary(min_size=1, max_size=10), min_size=0, max_size=4)


@given(LABELS, st.integers(1, 65535), st.booleans(), st.sampled_from(["listed.example", "hand.example"]))
def test_the_children_of_a_blocked_name_are_blocked(labels: list[bytes], qtype: int, stream: bool, parent: str) -> None:
    """Row 8: any letter case, any labels below, any type."""
    world = World(policy(block("hand.example")), listed("listed.example"))
    name = b"".join(bytes((len(label),)) + label for label in labels) + wire.name_wire(parent).upper()
    heard = world.ask(name, qtype, stream=stream)
    assert heard.messages
    assert not world.server.udp.sent
    refused = qtype in (41, 249, 250, 251, 252, 253, 254)
    assert columns(heard.line)["action"] == ("refuse" if refused else "block")
    assert all(text in ("0.0.0.0", "::") for text in texts(heard.reply))


@given(LABELS)
def test_the_children_of_an_allowed_name_below_a_blocked_one_are_open(labels: list[bytes]) -> None:
    world = World(policy(allow("good.listed.example")), listed("listed.example"))
    name = b"".join(bytes((len(label),)) + label for label in labels) + wire.name_wire("good.listed.example")
    assert not world.ask(name).messages
    assert len(world.server.udp.sent) == 1


def alias(target: str, ttl: int = 60) -> tuple[bytes, bytes]:
    """Return an alias of the question's name and the target's address."""
    return wire.record("@", ttl, "CNAME", target + "."), wire.record(target, ttl, "A", "192.0.2.1")


TARGETS = [
    # target, entries, level, is it blocked, reason
    ("cdn.example.net", (), Level.MEDIUM, None),
    ("x.games.example.org", (), Level.MEDIUM, "category"),
    ("x.games.example.org", (allow("www.example.org"),), Level.MEDIUM, None),
    ("x.games.example.org", (allow("games.example.org"),), Level.MEDIUM, None),
    ("evil.example.net", (), Level.MEDIUM, "locked"),
    ("evil.example.net", (allow("www.example.org"),), Level.MEDIUM, "locked"),
    ("hand.example.net", (block("hand.example.net"),), Level.MEDIUM, "blocked"),
    ("hand.example.net", (block("hand.example.net"), allow("www.example.org")), Level.MEDIUM, None),
    ("cdn.example.net", (allow("www.example.org"),), Level.HIGH, None),
    ("x.games.example.org", (allow("www.example.org"),), Level.HIGH, None),
    ("evil.example.net", (allow("www.example.org"),), Level.HIGH, "locked"),
    ("x.games.example.org", (), Level.OPEN, None),
    ("evil.example.net", (), Level.OPEN, "locked"),
    ("dns.google", (), Level.MEDIUM, "bypass"),
]


@pytest.mark.parametrize(("target", "entries", "level", "reason"), TARGETS)
@pytest.mark.parametrize("stream", [False, True])
def test_the_targets_of_an_alias_are_decided_too(
    target: str, entries: tuple[object, ...], level: Level, reason: str | None, stream: bool
) -> None:
    world = World(policy(*entries, level=level), GAMES)  # type: ignore[arg-type] # a table of entries
    first = world.answered(*alias(target))
    for number, heard in enumerate((first, world.ask(stream=stream), world.ask(stream=stream))):
        line = columns(heard.line or world.lines[-1])
        if reason is None:
            assert texts(heard.reply) == [target + ".", "192.0.2.1"]
            assert line["action"] == "allow"
        else:
            assert "192.0.2.1" not in texts(heard.reply)
            assert (line["action"], line["reason"]) == ("block", reason)
            assert line["source"] == ("cache" if number else "upstream")


def test_svcb_targets_are_decided_too() -> None:
    world = World(listings=GAMES)
    record = wire.record("@", 60, "HTTPS", "1 x.games.example.org. alpn=h2")
    heard = world.answered(record, kind="HTTPS")
    assert not heard.reply.answer
    assert columns(world.lines[-1])["reason"] == "category"


def test_at_level_high_only_the_director_s_list_opens() -> None:
    world = World(policy(allow("example.org"), level=Level.HIGH), GAMES)
    assert columns(world.ask("example.net").line)["reason"] == "level"
    assert not world.ask("www.example.org").messages
    assert len(world.server.udp.sent) == 1


@pytest.mark.parametrize("mode", list(BlockAnswer))
def test_a_canary_is_nxdomain(mode: BlockAnswer) -> None:
    assert World(mode=mode).ask("use-application-dns.net").reply.rcode() == 3


# -- changes while the engine works ------------------------------------------------------------------------------------


def test_a_change_of_policy_is_felt_at_the_next_question() -> None:
    world = World()
    world.answered()
    assert texts(world.ask().reply) == ["192.0.2.1"]
    world.engine.set_policy(policy(block("example.org")))
    heard = world.ask(edns=EDNS)
    assert errors(heard.reply)[0][0] == 15
    assert columns(heard.line)["reason"] == "blocked"
    world.engine.set_policy(policy())
    assert texts(world.ask().reply) == ["192.0.2.1"]
    assert len(world.server.udp.sent) == 1, "what upstreams said survives"


def test_a_change_of_lists_is_felt_at_the_next_question() -> None:
    world = World()
    world.answered()
    world.ask()
    world.engine.set_index(Lists({"example.org": (Listing("new", "games", "example.org"),)}))
    assert columns(world.ask().line)["list"] == "new"


def test_a_change_of_policy_while_a_question_is_away() -> None:
    world = World()
    heard = world.ask(edns=EDNS)
    world.engine.set_policy(policy(block("example.org")))
    world.server.reply(0, address_record())
    world.finish()
    assert errors(heard.reply)[0][0] == 15
    assert columns(world.lines[-1])["reason"] == "blocked"
    assert texts(heard.reply) == ["0.0.0.0"]


def test_a_change_of_group_while_a_question_is_away() -> None:
    world = World(policy(groups=[staff()]), GAMES)
    heard = world.ask("games.example.org", client="10.0.9.5")
    assert not heard.messages
    world.engine.set_policy(policy())
    world.server.reply(0, address_record())
    world.finish()
    assert columns(world.lines[-1])["group"] == "pupils"
    assert columns(world.lines[-1])["action"] == "block"


def test_groups_do_not_share_finished_replies() -> None:
    world = World(policy(groups=[staff()]), GAMES)
    assert texts(world.ask("games.example.org").reply) == ["0.0.0.0"]
    world.answered(name="games.example.org", client="10.0.9.5")
    assert texts(world.ask("games.example.org", client="10.0.9.5").reply) == ["192.0.2.1"]
    assert texts(world.ask("games.example.org").reply) == ["0.0.0.0"]


def test_addresses_of_both_families_have_a_view() -> None:
    world = World(policy(groups=[staff()]))
    for client in ("127.0.0.1", "::1"):
        assert world.ask("localhost", client=client).line.startswith(f"{client}\t\t\tpupils\t")
    assert ipaddress.ip_address("::1").packed in world.engine.clients.by_octets
