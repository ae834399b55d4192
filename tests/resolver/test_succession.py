"""Finished replies that stay as they are survive a change of lists or policy; nothing else does."""

from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.decision import Listing, Terms
from policy.groups import Group
from policy.levels import Level
from policy.snapshot import Snapshot
from policy.views import Entry
from resolver import succession
from resolver.cache import ViewState
from resolver.judge import Index
from tests.harness import wire
from tests.resolver.test_engine_rewrite import SEARCH, safe
from tests.resolver.world import (
    Lists,
    World,
    address_record,
    allow,
    block,
    columns,
    header_of,
    listed,
    policy,
    staff,
    texts,
)

NAMES = ("a.example.org", "b.example.org", "c.example.org", "localhost")
CHAIN = wire.record("@", 600, "CNAME", "edge.example.com."), wire.record("edge.example.com", 600, "A", "192.0.2.5")


def fill(world: World, clients: tuple[str, ...] = ("127.0.0.1",)) -> None:
    """Let every client have a finished reply for every name."""
    for name in (*NAMES, "alias.example.org"):
        for client in clients:
            for _ in range(2):
                heard = world.ask(name, client=client)
                if not heard.messages:
                    world.server.reply(-1, *(CHAIN if name.startswith("alias") else (address_record(ttl=600),)))
                    world.finish()


def change(world: World, to: Snapshot | Index, steps: int = 1000) -> None:
    """Prepare a change and put it in force after that many steps."""
    prepared = world.engine.prepare(to)
    for _ in range(steps):
        if not prepared.step():
            break
    world.engine.succeed(prepared)


def kept(world: World, client: str = "127.0.0.1") -> set[str]:
    """Return the names for which the client finds a finished reply."""
    known = world.engine.clients.get(bytes(map(int, client.split("."))), world.now)
    found = {name: known.state.finished.get(wire.query(name, "A")[2:]) for name in (*NAMES, "alias.example.org")}
    return {name for name, finished in found.items() if finished is not None}


ALL = {*NAMES, "alias.example.org"}
CHANGES = [
    pytest.param(lambda: Lists(), ALL, id="the-same-lists"),
    pytest.param(lambda: Lists(listed("a.example.org")), ALL - {"a.example.org"}, id="a-name-is-listed"),
    pytest.param(lambda: Lists(listed("edge.example.com")), ALL - {"alias.example.org"}, id="an-alias-is-listed"),
    pytest.param(lambda: Lists(listed("a.example.org", "news")), ALL, id="listed-where-nothing-is-closed"),
    pytest.param(
        lambda: Lists(addresses={"192.0.2.5": (Listing("bad", "games", "192.0.2.5"),)}),
        ALL - {"alias.example.org"},
        id="an-address-is-listed",
    ),
    pytest.param(
        lambda: Lists({"a.example.org": (Listing("trial", "games", "a.example.org", terms=Terms(shadow=True)),)}),
        ALL - {"a.example.org"},
        id="a-list-on-trial",
    ),
    pytest.param(lambda: policy(version=2), ALL, id="the-same-policy"),
    pytest.param(lambda: policy(block("b.example.org")), ALL - {"b.example.org"}, id="a-block"),
    pytest.param(lambda: policy(allow("b.example.org")), ALL - {"b.example.org"}, id="an-order-has-another-reason"),
    pytest.param(lambda: policy(block("example.com")), ALL - {"alias.example.org"}, id="a-block-of-an-alias"),
]


@pytest.mark.parametrize(("to", "expected"), CHANGES)
def test_what_stays_as_it_is_is_taken_along(to: "type[Snapshot | Index]", expected: set[str]) -> None:
    world = World()
    fill(world)
    assert kept(world) == ALL
    change(world, to())  # type: ignore[call-arg] # a maker of one
    assert kept(world) == expected
    asked = len(world.server.udp.sent)
    for name in ALL:
        assert world.ask(name).messages
    assert len(world.server.udp.sent) == asked, "what upstreams said is kept in any case"


def test_unblocked_names_are_made_anew() -> None:
    world = World(policy(), listed("a.example.org"))
    fill(world)
    assert texts(world.ask("a.example.org").reply) == ["0.0.0.0"]
    change(world, Lists())
    assert not world.ask("a.example.org").messages, "now it is asked for"


@given(st.integers(0, 6), st.booleans())
def test_stopped_at_any_step_all_decisions_are_those_of_the_new_lists(steps: int, by_policy: bool) -> None:
    """Whatever was not looked at is made anew, for every group."""
    succession_step, succession.STEP = succession.STEP, 2
    try:
        world = World(policy(groups=[staff()]))
        fill(world, ("127.0.0.1", "10.0.9.1"))
        to = (
            policy(block("a.example.org"), groups=[staff()])
            if by_policy
            else Lists(listed("a.example.org", "terrorism"))
        )
        change(world, to, steps)
        for _ in range(2):
            for client in ("127.0.0.1", "10.0.9.1"):
                assert columns(world.ask("a.example.org", client=client).line)["action"] == "block"
                assert columns(world.ask("b.example.org", client=client).line)["action"] == "allow"
    finally:
        succession.STEP = succession_step


@pytest.mark.parametrize("disturbance", ["flush", "index", "policy"])
def test_another_change_meanwhile_spoils_what_was_prepared(disturbance: str) -> None:
    world = World()
    fill(world)
    prepared = world.engine.prepare(Lists(listed("c.example.org")))
    while prepared.step():
        pass
    if disturbance == "flush":
        world.engine.flush_name("example.org")
    elif disturbance == "index":
        world.engine.set_index(Lists(listed("a.example.org")))
    else:
        world.engine.set_policy(policy(block("a.example.org")))
    world.engine.succeed(prepared)
    assert not kept(world)
    assert columns(world.ask("c.example.org").line)["action"] == "block"
    if disturbance == "policy":
        assert columns(world.ask("a.example.org").line)["reason"] == "blocked", "the policy stays in force"


def test_groups_that_stay_as_they_are_keep_all_and_a_group_may_go() -> None:
    base = policy(groups=[staff()])
    world = World(base)
    fill(world, ("127.0.0.1", "10.0.9.1"))
    changed = replace(base, views={**base.views, "pupils": policy(block("a.example.org")).views["pupils"]})
    before = world.engine.clients.get(b"\x0a\x00\x09\x01", world.now).state
    change(world, changed)
    assert world.engine.clients.get(b"\x0a\x00\x09\x01", world.now).state is before
    assert kept(world) == ALL - {"a.example.org"}
    change(world, policy())
    assert columns(world.ask("b.example.org", client="10.0.9.1").line)["group"] == "pupils"


SHARED = [Group(f"room{number}", "", Level.LOW, frozenset({"games"})) for number in range(3)]


def states(world: World) -> dict[str, ViewState]:
    """Return the views in force by group, for a policy without rooms."""
    return {state.view.group: state for state in world.engine._states.values()}


def read_again(*entries: Entry) -> Snapshot:
    """Return a policy as it comes from the file: nothing in it is the object that it was before."""
    return deepcopy(policy(*entries, block("closed.example", "staff"), groups=[staff(), *SHARED]))


@pytest.mark.parametrize(
    ("change_of", "same"),
    [
        pytest.param((), {"pupils", "staff"}, id="nothing"),
        pytest.param((block("a.example.org", "pupils"),), {"staff"}, id="an-entry-of-one-group"),
        pytest.param((block("a.example.org"),), set(), id="an-entry-for-all"),
    ],
)
def test_a_policy_that_is_read_again_leaves_groups_alone_for_which_it_says_the_same(
    change_of: tuple[Entry, ...], same: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(succession, "STEP_ENTRIES", 2)
    general = [allow(f"n{number}.example") for number in range(5)]
    world = World(read_again(*general))
    fill(world, ("127.0.0.1", "10.0.9.1"))
    before = states(world)
    after = read_again(*general, *change_of)
    change(world, after)
    now = states(world)
    assert {group for group, state in now.items() if before.get(group) is state} == same
    for group, state in now.items():
        assert state.view is after.views[group], "next time they are the same objects"
    changed = columns(world.ask("a.example.org").line)
    assert changed["action"] == ("block" if change_of else "allow")


def test_one_value_in_a_long_table_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(succession, "STEP_ENTRIES", 2)
    entries = [block(f"n{number}.example") for number in range(9)]
    world = World(policy(*entries))
    fill(world)
    before = states(world)
    change(world, policy(*entries[:-1], replace(entries[-1], note="why")))
    assert states(world)["pupils"] is not before["pupils"]
    assert kept(world) == ALL


def test_safe_search_is_made_anew() -> None:
    """Moderate and strict look alike in the log; what was answered for one must not be kept for the other."""
    world = World(safe())
    world.answered(name=SEARCH)
    assert columns(world.ask(SEARCH).line)["action"] == "rewrite"
    change(world, policy())
    assert not world.ask(SEARCH).messages


def test_replies_go_on_counting_down_after_they_were_taken_along() -> None:
    world = World()
    fill(world)
    change(world, Lists())
    world.jump(550)
    assert {rrset.ttl for rrset in world.ask("a.example.org").reply.answer} == {50}
    world.jump(60)
    assert not world.ask("a.example.org").messages, "its time is over"


def test_past_replies_are_freed_bit_by_bit() -> None:
    world = World()
    for number in range(50):
        world.ask(f"n{number}.localhost")
    world.engine.set_policy(policy(version=2))
    for _ in range(4):
        assert world.engine.tidy(10)
    assert not world.engine.tidy(100)
    assert not world.engine.tidy(100)
    assert header_of(world.ask("n1.localhost").message)[0]
