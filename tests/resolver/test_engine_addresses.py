"""Lists of addresses: an answer that holds one is blocked, whatever its name; and lists on trial."""

import pytest

from policy.decision import Listing, Terms
from policy.levels import Level
from policy.snapshot import Snapshot
from tests.harness import wire
from tests.resolver.world import Lists, World, address_record, allow, columns, errors, listed, policy, staff, texts

EDNS = wire.Edns()
BAD = "192.0.2.66"
BAD_V6 = "2001:db8::66"


def at(category: str = "malware", terms: Terms | None = None) -> dict[str, tuple[Listing, ...]]:
    """Return a list that speaks of two addresses."""
    said = (Listing("bad-addresses", category, "192.0.2.64/28", terms=terms),)
    return {BAD: said, BAD_V6: said}


def closed(*names: str, level: Level = Level.MEDIUM) -> Snapshot:
    return policy(*map(allow, names), level=level, blocked=("malware",))


CHAIN = wire.record("@", 60, "CNAME", "edge.example.com."), wire.record("edge.example.com", 60, "A", BAD)
HTTPS = wire.record("@", 60, "HTTPS", f"1 . alpn=h2 ipv4hint=192.0.2.1,{BAD}")
HTTPS_V6 = wire.record("@", 60, "HTTPS", f"1 . alpn=h2 ipv6hint={BAD_V6}")


@pytest.mark.parametrize("stream", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize(
    ("kind", "answers", "seen"),
    [
        pytest.param("A", (address_record(BAD),), True, id="v4"),
        pytest.param("AAAA", (address_record(BAD_V6),), True, id="v6"),
        pytest.param("A", (address_record("192.0.2.1"), address_record(BAD)), True, id="one-of-two"),
        pytest.param("A", CHAIN, True, id="behind-an-alias"),
        pytest.param("HTTPS", (HTTPS,), True, id="hint-v4"),
        pytest.param("HTTPS", (HTTPS_V6,), True, id="hint-v6"),
        pytest.param("A", (address_record("192.0.2.1"),), False, id="others"),
        pytest.param("TXT", (wire.record("@", 60, "TXT", BAD),), False, id="text"),
    ],
)
def test_an_answer_with_a_listed_address_is_blocked(
    kind: str, answers: tuple[bytes, ...], seen: bool, stream: bool
) -> None:
    world = World(closed(), addresses=at())
    heard = world.answered(*answers, kind=kind, stream=stream, edns=EDNS)
    line = columns(world.lines[-1])
    assert line["source"] == "upstream"
    if not seen:
        assert line["action"] == "allow"
        return
    assert (line["action"], line["reason"], line["category"], line["list"]) == (
        "block", "category", "malware", "bad-addresses",
    )  # fmt: skip
    assert not {BAD, BAD_V6} & set(texts(heard.reply))
    assert errors(heard.reply)
    again = world.ask(kind=kind, edns=EDNS)
    assert columns(again.line)["action"] == "block", "cached"


@pytest.mark.parametrize(
    ("snapshot", "category", "action"),
    [
        pytest.param(closed("www.example.org"), "malware", "allow", id="an-order-opens"),
        pytest.param(closed("www.example.org"), "terrorism", "block", id="but-nothing-unlawful"),
        pytest.param(closed("www.example.org", level=Level.HIGH), "malware", "allow", id="an-order-at-level-high"),
        pytest.param(policy(protected=["example.org"]), "terrorism", "allow", id="protected"),
        pytest.param(policy(blocked=()), "malware", "allow", id="a-category-that-is-open"),
        pytest.param(policy(level=Level.OPEN), "malware", "allow", id="staff"),
        pytest.param(policy(level=Level.OPEN), "terrorism", "block", id="staff-unlawful"),
    ],
)
def test_what_addresses_close(snapshot: Snapshot, category: str, action: str) -> None:
    world = World(snapshot, addresses=at(category))
    world.answered(address_record(BAD))
    assert columns(world.lines[-1])["action"] == action


def test_groups_share_the_answer_and_not_the_decision() -> None:
    world = World(policy(blocked=("malware",), groups=[staff()]), addresses=at())
    world.answered(address_record(BAD))
    assert texts(world.ask(client="10.0.9.1").reply) == [BAD]
    assert texts(world.ask().reply) == ["0.0.0.0"]


def test_a_new_index_is_asked_about_cached_answers() -> None:
    world = World(closed())
    world.answered(address_record(BAD))
    for _ in range(2):
        assert texts(world.ask().reply) == [BAD]
    world.engine.set_index(Lists(addresses=at()))
    assert texts(world.ask().reply) == ["0.0.0.0"]
    world.engine.set_index(Lists())
    assert texts(world.ask().reply) == [BAD]
    assert len(world.server.udp.sent) == 1


def test_an_answer_past_its_end_is_looked_at_too() -> None:
    world = World(closed())
    world.answered(address_record(BAD))
    world.jump(100)
    world.engine.set_index(Lists(addresses=at()))
    heard = world.ask()
    world.server.reply(-1, rcode=2)
    world.finish()
    assert texts(heard.reply) == ["0.0.0.0"]


# -- lists on trial ----------------------------------------------------------------------------------------------------

SHADOW = Terms(shadow=True)
ON_TRIAL = {"www.example.org": (Listing("trial", "games", "www.example.org", terms=SHADOW),)}
SHADOWED = ("allow", "shadow", "games", "trial")


def facts(line: str) -> tuple[str, str, str, str]:
    found = columns(line)
    return found["action"], found["reason"], found["category"], found["list"]


@pytest.mark.parametrize("blocked_only", [False, True], ids=["full", "blocked"])
def test_what_a_list_on_trial_would_have_blocked_is_logged_and_open(blocked_only: bool) -> None:
    world = World(listings=ON_TRIAL, blocked_only=blocked_only)
    assert texts(world.answered().reply) == ["192.0.2.1"]
    assert facts(world.lines[-1]) == SHADOWED
    for _ in range(2):
        heard = world.ask()
        assert texts(heard.reply) == ["192.0.2.1"]
        assert facts(heard.line) == SHADOWED
    world.answered(name="other.example.org")
    assert len(world.lines) == (1 if blocked_only else 2), "other allowed names are left out as before"


@pytest.mark.parametrize("where", ["alias", "address"])
def test_a_trial_covers_what_the_answer_leads_to(where: str) -> None:
    alias = {"edge.example.com": (Listing("trial", "games", "edge.example.com", terms=SHADOW),)}
    address = {BAD: (Listing("trial", "games", BAD, terms=SHADOW),)}
    world = World(listings=alias if where == "alias" else None, addresses=address if where == "address" else None)
    for _ in range(2):
        world.answered(*CHAIN) if not world.server.udp.sent else world.ask()
    assert facts(world.lines[0]) == SHADOWED
    assert facts(world.ask().line) == SHADOWED


def test_a_real_block_beats_a_trial() -> None:
    said = (*ON_TRIAL["www.example.org"], *listed("www.example.org")["www.example.org"])
    world = World(listings={"www.example.org": said})
    assert facts(world.ask().line) == ("block", "category", "games", "some-list")


def test_statements_about_some_types_hold_for_these_types() -> None:
    terms = Terms(types=(28,))
    said = {"www.example.org": (Listing("typed", "games", "www.example.org", terms=terms),)}
    world = World(listings=said)
    world.answered()
    assert columns(world.lines[-1])["action"] == "allow"
    assert columns(world.ask(kind="AAAA").line)["action"] == "block"


def test_statements_about_some_types_hold_for_aliases_of_these_types() -> None:
    said = {"edge.example.com": (Listing("typed", "games", "edge.example.com", terms=Terms(types=(28,))),)}
    world = World(listings=said)
    world.answered(*CHAIN)
    assert columns(world.lines[-1])["action"] == "allow"
    v6 = wire.record("@", 60, "CNAME", "edge.example.com."), wire.record("edge.example.com", 60, "AAAA", "2001:db8::1")
    world.answered(*v6, kind="AAAA")
    assert columns(world.lines[-1])["action"] == "block"


PASS, NEAREST, IMPORTANT = Terms(), Terms(nearest=True), Terms(important=True)


@pytest.mark.parametrize(
    ("exception", "statement", "list_id", "action"),
    [
        pytest.param(PASS, PASS, "one", "allow", id="same-list"),
        pytest.param(NEAREST, PASS, "one", "allow", id="nearest"),
        pytest.param(PASS, PASS, "two", "block", id="another-list"),
        pytest.param(PASS, IMPORTANT, "one", "block", id="important-statement"),
        pytest.param(IMPORTANT, IMPORTANT, "one", "allow", id="both-important"),
        pytest.param(Terms(types=(28,)), PASS, "one", "block", id="exception-for-another-type"),
        pytest.param(Terms(excluded=("www.example.org",)), PASS, "one", "block", id="exception-but-for-this-name"),
    ],
)
@pytest.mark.parametrize("where", ["alias", "address"])
def test_an_exception_for_the_name_asked_for_shields_what_it_leads_to(
    where: str, exception: Terms, statement: Terms, list_id: str, action: str
) -> None:
    """`good.example CNAME rpz-passthru.` comes before `24.0.113.0.203.rpz-ip CNAME .` of the same zone."""
    said = {"example.org": (Listing("one", "games", "example.org", allows=True, terms=exception),)}
    addresses = {}
    if where == "alias":
        said["edge.example.com"] = (Listing(list_id, "games", "edge.example.com", terms=statement),)
    else:
        addresses[BAD] = (Listing(list_id, "games", "192.0.2.64/28", terms=statement),)
    world = World(listings=said, addresses=addresses)
    world.answered(*CHAIN)
    assert columns(world.lines[-1])["action"] == columns(world.ask().line)["action"] == action
