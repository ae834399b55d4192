"""Policy changes while people surf: in force at once, no query lost; broken policy or lists never replace good ones."""

import json
import time
from collections.abc import Callable
from typing import Any

from tests.e2e.conftest import BLOCKED, Maker
from tests.harness import wire
from tests.harness.client import Udp, addresses, ask, ede, judged
from tests.harness.load import Load
from tests.harness.server import Server
from tests.harness.upstream import FakeUpstream, Query, Send, reply, says
from tests.harness.waiting import note, until


def _blocked(server: Server, name: str, source: str = "127.0.0.1") -> bool:
    return bool(ede(ask(server.address, name, edns=wire.Edns(), source=source)))


def _effect(what: str, look: Callable[[], bool]) -> None:
    """Wait for the effect of a command that has just returned; print how long it took (the promise is one second)."""
    started = time.monotonic()
    until(what, look, 10)
    note(f"{what}: {time.monotonic() - started:.3f} s after the command returned")


def test_a_change_by_command_takes_effect_and_no_query_is_lost(make: Maker, upstream: FakeUpstream) -> None:
    """block, remove, allow, group level: cached answers change too, under load, with two workers."""
    server = make({"server": {"workers": 2}})
    name = "news.example.org"
    with Load(server.address, lambda client, n: f"p{client}-{n}.example.org", clients=2, pause=0.005) as load:
        assert not _blocked(server, name)
        assert not _blocked(server, name), "cached"
        server.command("block", name, "--reason", "chat in lessons")
        _effect("block", lambda: _blocked(server, name) and _blocked(server, f"www.{name}"))
        everywhere = [f"127.0.30.{n}" for n in range(1, 30)]  # the kernel spreads them over the workers
        _effect("block in every worker", lambda: all(_blocked(server, name, source) for source in everywhere))
        server.command("remove", name)
        _effect("remove", lambda: not _blocked(server, name))
        assert _blocked(server, BLOCKED)
        server.command("allow", BLOCKED, "--order", "12", "--date", "2026-09-02")
        _effect("allow", lambda: bool(addresses(ask(server.address, BLOCKED))) and not _blocked(server, BLOCKED))
        server.command("remove", BLOCKED)
        _effect("end of an allow entry", lambda: _blocked(server, BLOCKED))
    note(f"{load.sent} queries meanwhile")
    assert load.sent > 100
    assert not load.lost
    assert not load.failed
    (line, *_) = [line for line in server.log_lines(name) if line["action"] == "block"]
    assert (line["reason"], line["rcode"], line["source"]) == ("blocked", "NOERROR", "policy")
    allowed = [line for line in server.log_lines(BLOCKED) if line["reason"] == "allowed"]
    assert allowed


def test_allow_needs_a_paper_and_never_opens_what_is_unlawful(make: Maker) -> None:
    server = make()
    assert server.command("allow", BLOCKED, "--order", "12", check=False).returncode == 2
    server.command("allow", BLOCKED, "--reason", "a request opens nothing")
    assert _blocked(server, BLOCKED)
    server.command("allow", "terror.example.net", "--order", "13", "--date", "2026-09-02", check=False)
    server.command("allow", BLOCKED, "--order", "14", "--date", "2026-09-02")
    _effect("allow", lambda: not _blocked(server, BLOCKED))
    assert _blocked(server, "terror.example.net")


def test_groups_see_their_own_answers(make: Maker) -> None:
    """Addresses lead to groups; each has its level, categories and entries; the log names the group."""
    server = make(start=False)
    groups = {
        "exam": ("127.0.41.0/24", "high"),
        "adults": ("127.0.42.0/24", "open"),
        "closed": ("127.0.43.0/24", "off"),
        "juniors": ("127.0.44.0/24", "medium"),
    }
    for group, (network, level) in groups.items():
        add_group(server, group, network, level)
    server.command("allow", "textbook.example.org", "--order", "7", "--date", "2026-09-01")
    server.command("block", "toys.example.org", "--group", "juniors")
    server.start()
    who = {group: network.replace("0/24", "7") for group, (network, _) in groups.items()}
    expected = {
        "textbook.example.org": {"exam": False, "adults": False, "closed": True, "juniors": False},
        "www.textbook.example.org": {"exam": False, "adults": False, "closed": True, "juniors": False},
        "other.example.org": {"exam": True, "adults": False, "closed": True, "juniors": False},
        "toys.example.org": {"exam": True, "adults": False, "closed": True, "juniors": True},
        "terror.example.net": {"exam": True, "adults": True, "closed": True, "juniors": True},
        "mask.icloud.com": {"exam": True, "adults": False, "closed": True, "juniors": True},
    }
    for _ in range(3):  # forwarded, then from the caches of the views
        for name, by_group in expected.items():
            for group, blocked in by_group.items():
                assert _blocked(server, name, who[group]) == blocked, f"{group} asks {name}"
    for group, address in who.items():
        assert {line["group"] for line in server.log_lines() if line["client"] == address} == {group}
    (reason,) = {line["reason"] for line in server.log_lines("other.example.org") if line["group"] == "exam"}
    assert reason == "level"


def add_group(server: Server, group: str, network: str, level: str) -> None:
    """Make a group by command."""
    server.command("groups", "add", group, "--level", level, "--network", network)


def test_a_level_changes_at_once(make: Maker) -> None:
    server = make(start=False)
    add_group(server, "class", "127.0.45.0/24", "medium")
    server.start()
    name, pupil = "wiki.example.org", "127.0.45.9"
    assert not _blocked(server, name, pupil)
    server.command("groups", "set", "class", "--level", "high")
    _effect("level high", lambda: _blocked(server, name, pupil))
    server.command("groups", "set", "class", "--level", "medium")
    _effect("level medium", lambda: not _blocked(server, name, pupil))


def _status(server: Server) -> dict[str, Any]:
    done = server.command("status", "--json", check=False)
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def _says(found: object, key: str) -> list[str]:
    """Return every non-empty text that stands under a key anywhere in a JSON value."""
    if isinstance(found, dict):
        own = [str(value) for k, value in found.items() if k == key and value]
        return own + [text for value in found.values() for text in _says(value, key)]
    return [text for value in found for text in _says(value, key)] if isinstance(found, list) else []


def test_a_damaged_policy_leaves_the_last_good_one_in_force_and_status_says_so(make: Maker) -> None:
    server = make()
    server.command("block", "toys.example.org")
    until("the block", lambda: _blocked(server, "toys.example.org"))
    path = server.state / "policy.db"
    good = {file: file.read_bytes() for file in server.state.glob("policy.db*")}
    beside = path.with_suffix(".bad")
    beside.write_bytes(b"this is no database" * 500)
    beside.replace(path)
    until("status to name the fault", lambda: _says(_status(server), "policy_error"), 20)
    for _ in range(3):
        assert _blocked(server, "toys.example.org")
        assert _blocked(server, BLOCKED)
        assert not _blocked(server, "open.example.org")
    for file in server.state.glob("policy.db*"):
        file.unlink()
    assert _blocked(server, "toys.example.org")
    for file, content in good.items():
        file.write_bytes(content)
    until("status to be content again", lambda: not _says(_status(server), "policy_error"), 20)
    server.command("remove", "toys.example.org")
    until("changes to work again", lambda: not _blocked(server, "toys.example.org"))


def test_a_policy_overwritten_with_garbage_in_place_does_no_harm(make: Maker) -> None:
    """Not a new file, but damage within the old one (a bad disk): whatever is read, nothing opens."""
    server = make()
    with (server.state / "policy.db").open("r+b") as file:
        file.seek(0)
        file.write(b"\xa5" * 65536)
    until("status to name the fault", lambda: _says(_status(server), "policy_error"), 20)
    assert _blocked(server, BLOCKED)
    assert addresses(ask(server.address, "open.example.org"))


def test_a_damaged_index_leaves_the_last_good_one_in_force_and_status_says_so(make: Maker) -> None:
    """The pointer leads nowhere; then to a folder of garbage; then it is empty."""
    server = make()
    pointer = server.state / "lists" / "current"
    good = pointer.read_text()
    bogus = server.state / "lists" / "bogus"
    bogus.mkdir()
    for file in (p for p in (server.state / "lists").rglob("*") if p.is_file() and good.strip() in str(p)):
        (bogus / file.name).write_bytes(b"\0garbage" * 100)
    for text in ("nowhere\n", "bogus\n", "../../../etc\n", "\0\xff" * 50):
        beside = pointer.with_suffix(".new")
        beside.write_text(text)
        beside.replace(pointer)
        until(f"status to name the fault of {text!r}", lambda: _says(_status(server), "index_error"), 20)
        assert _blocked(server, BLOCKED)
        assert not _blocked(server, "open.example.org")
    beside = pointer.with_suffix(".new")
    beside.write_text(good)
    beside.replace(pointer)
    until("status to be content again", lambda: not _says(_status(server), "index_error"), 20)


def test_a_start_with_a_damaged_policy_never_opens_everything(make: Maker) -> None:
    """Fail closed: listed names stay blocked (by the cautious policy or the last good copy), DNS works."""
    server = make(start=False)
    (server.state / "policy.db").write_bytes(b"no database at all" * 1000)
    server.start()
    assert _blocked(server, BLOCKED)
    assert _blocked(server, "terror.example.net")
    assert addresses(ask(server.address, "open.example.org"))
    assert _says(_status(server), "policy_error")


def test_an_alias_is_decided_for_each_group_though_its_answer_is_shared(make: Maker, upstream: FakeUpstream) -> None:
    """One forward serves two groups; the CNAME target is closed to one and open to the other, fresh and cached."""
    server = make(start=False)
    add_group(server, "adults", "127.0.46.0/24", "open")
    server.start()
    alias, target = "alias.example.org", f"cdn.{BLOCKED}"
    records = (wire.record("@", 300, "CNAME", f"{target}."), wire.record(target, 300, "A", "198.51.100.9"))
    upstream.on(alias, says(*records, delay=0.3))
    message = wire.query(alias, edns=wire.Edns())
    with Udp(server.address, "127.0.46.1") as adult, Udp(server.address, "127.0.47.1") as pupil:
        for _ in range(3):
            for client in (adult, pupil):
                client.send(message)
            opened, closed = adult.receive(), pupil.receive()
            assert opened is not None
            assert closed is not None
            assert addresses(judged(message, opened)) == ["198.51.100.9"]
            assert ede(judged(message, closed))
            assert "198.51.100.9" not in addresses(judged(message, closed))
    assert len(upstream.queries(alias)) <= 2, "one forward, and perhaps a hedged retry"


def test_a_change_reaches_aliases_in_the_cache_and_answers_on_their_way(make: Maker, upstream: FakeUpstream) -> None:
    """The target of a cached alias is blocked; a name is blocked while its answer is under way."""
    server = make()
    alias, target, slow = "alias.example.org", "target.example.com", "slow.example.org"
    upstream.on(
        alias, says(wire.record("@", 300, "CNAME", f"{target}."), wire.record(target, 300, "A", "198.51.100.9"))
    )
    held: list[Query] = []

    def hold(query: Query) -> list[Send]:
        held.append(query)
        # Answered once the new policy is in force: nobody knows when, so the handler waits for the worker to say so.
        until("the new policy", lambda: int(str(server.worker().get("policy_version", 0))) >= before + 2, 30)
        return [Send(reply(query, wire.record("@", 300, "A", "198.51.100.10")))]

    for _ in range(2):
        assert not _blocked(server, alias)
    before = int(str(server.worker()["policy_version"]))
    upstream.on(slow, hold)
    with Udp(server.address) as client:
        client.send(wire.query(slow, edns=wire.Edns()))
        until("the slow question", lambda: held)
        server.command("block", target, slow)
        server.command("block", "another.example.org")
        _effect("block of an alias' target", lambda: _blocked(server, alias))
        found = client.receive(30)
    assert found is not None
    for _ in range(2):
        assert _blocked(server, slow), "the answer of the old policy came into the cache of the new one"
