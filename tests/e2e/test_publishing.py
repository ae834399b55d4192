"""Lists and policy change while people surf: nobody waits, nobody is left without an answer."""

import itertools

from tests.e2e.conftest import BLOCKED, Maker
from tests.harness import wire
from tests.harness.client import addresses, ask, ede
from tests.harness.load import Load
from tests.harness.server import Server
from tests.harness.upstream import FakeUpstream, says
from tests.harness.waiting import until


def _blocked(server: Server, name: str) -> bool:
    return bool(ede(ask(server.address, name, edns=wire.Edns())))


def test_new_generations_and_policies_under_load_cost_no_query(make: Maker, upstream: FakeUpstream) -> None:
    server = make()
    names = [f"n{number}.example.org" for number in range(500)]
    source = server.folder / "test-gambling.txt"
    with Load(server.address, lambda client, n: names[(client * 7 + n) % len(names)], clients=2) as load:
        for turn in itertools.count(1):
            new = f"casino-{turn}.example.net"
            source.write_text(source.read_text() + new + "\n")
            server.command("lists", "refresh", "test-gambling")
            until("the new generation", lambda new=new: _blocked(server, new))  # type: ignore[misc] # bound at once
            server.command("block", f"toys-{turn}.example.org")
            until("the policy", lambda turn=turn: _blocked(server, f"toys-{turn}.example.org"))  # type: ignore[misc]
            if turn == 3:
                break
        assert _blocked(server, BLOCKED)
    assert load.sent > 1000
    assert not load.lost
    assert not load.failed


def test_an_answer_that_holds_a_listed_address_is_blocked(make: Maker, upstream: FakeUpstream) -> None:
    """A list of addresses, put in by command while the answer is already in the cache."""
    server = make()
    name, bad = "phish.example.org", "203.0.113.66"
    upstream.on(name, says(wire.record("@", 300, "A", bad)))
    assert addresses(ask(server.address, name)) == [bad]
    text = server.folder / "addresses.txt"
    text.write_text("# addresses\n203.0.113.64/28\n2001:db8:bad::/48\n")
    server.command("lists", "add", "bad-addresses", str(text), "--category", "gambling", "--format", "addresses")
    until("the list", lambda: _blocked(server, name))
    assert addresses(ask(server.address, "other.example.org")) != [bad]
    assert not _blocked(server, "other.example.org")
    (line, *_) = [line for line in server.log_lines(name) if line["action"] == "block"]
    assert (line["reason"], line["category"], line["list"]) == ("category", "gambling", "bad-addresses")


def test_a_list_on_trial_blocks_nothing_and_is_logged(make: Maker) -> None:
    server = make({"log": {"detail": "blocked"}}, start=False)
    text = server.folder / "trial.txt"
    text.write_text("trial.example.org\n")
    server.command("lists", "add", "trial", str(text), "--category", "gambling", "--shadow")
    server.start()
    assert addresses(ask(server.address, "www.trial.example.org"))
    assert addresses(ask(server.address, "open.example.org"))
    until("the line", lambda: server.log_lines("www.trial.example.org"))
    line = server.log_lines("www.trial.example.org")[0]
    assert (line["action"], line["reason"], line["category"], line["list"]) == ("allow", "shadow", "gambling", "trial")
    assert not server.log_lines("open.example.org")
