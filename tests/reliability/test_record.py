"""Every answered query stands in the log exactly once: row 14."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.harness import wire
from tests.harness.client import Udp, ask, ask_raw
from tests.harness.server import Server
from tests.harness.upstream import FakeUpstream, says, silent
from tests.reliability.conftest import BLOCKED, LISTS

Fresh = Callable[[str], str]
HUSH = 0.5
"""Seconds of silence after which a client has got all it will get."""


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_row_14_each_kind_of_answer_is_one_line(
    server: Server, upstream: FakeUpstream, fresh: Fresh, tcp: bool
) -> None:
    name, missing, failing, blocked = fresh("line"), fresh("missing"), fresh("failing"), f"{fresh('b')}.{BLOCKED}"
    upstream.on(missing, says(rcode=3, authority=[wire.soa()]))
    upstream.on(failing, says(rcode=2))
    expected = [
        (name, "A", "allow", "default", "NOERROR", {"upstream"}),
        (name, "A", "allow", "default", "NOERROR", {"cache"}),
        (name, "A", "allow", "default", "NOERROR", {"cache"}),
        (name, "AAAA", "allow", "default", "NOERROR", {"upstream"}),
        (missing, "MX", "allow", "default", "NXDOMAIN", {"upstream"}),
        (missing, "MX", "allow", "default", "NXDOMAIN", {"cache"}),
        (blocked, "A", "block", "category", "NOERROR", {"policy"}),
        (blocked, "A", "block", "category", "NOERROR", {"policy", "cache"}),
        (blocked, "TYPE65534", "block", "category", "NOERROR", {"policy"}),
        (f"{fresh('x')}.localhost", "A", "local", "special", "NOERROR", {"local"}),
    ]
    for asked, kind, *_ in expected:
        ask(server.address, asked, kind, tcp=tcp)
    for asked in {row[0] for row in expected}:
        want = [row for row in expected if row[0] == asked]
        lines = server.log_lines(asked)
        assert len(lines) == len(want), f"{asked}: {lines}"
        for line, (_, kind, action, reason, code, sources) in zip(lines, want, strict=True):
            found = (line["type"], line["action"], line["reason"], line["rcode"])
            assert found == (kind, action, reason, code)
            assert line["source"] in sources
            assert line["client"] == "127.0.0.1"
            assert line["group"]
            assert float(line["ms"]) >= 0
            moment = datetime.fromisoformat(line["time"])
            assert moment.tzinfo is not None
            assert "." in line["time"]
    # The upstream's own failure is its answer, or no usable one: the vocabulary allows both.
    ask(server.address, failing, tcp=tcp)
    (line,) = server.log_lines(failing)
    assert (line["action"], line["reason"]) in {("fail", "upstream"), ("allow", "default")}
    assert line["rcode"] == "SERVFAIL"
    (line, *_) = server.log_lines(blocked)
    assert (line["category"], line["list"]) == ("gambling", "test-gambling")


def test_row_14_the_line_is_there_before_the_answer(server: Server, fresh: Fresh) -> None:
    """No waiting here: whoever holds the answer finds the line. Forwarded, cached and blocked."""
    for n in range(50):
        name = fresh("before")
        for count in (1, 2):
            assert ask_raw(server.address, wire.query(name, edns=wire.Edns())) is not None
            assert len(server.log_lines(name)) == count
        blocked = f"n{n}.{BLOCKED}"
        assert ask_raw(server.address, wire.query(blocked, "HTTPS")) is not None
        assert server.log_lines(blocked)


def test_row_14_merged_questions_have_a_line_each(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    name = fresh("merged")
    upstream.on(name, says(wire.record("@", 300, "A", "198.51.100.1"), delay=0.2))
    sources = [f"127.0.6.{n + 1}" for n in range(20)]
    clients = [Udp(server.address, source) for source in sources]
    message = wire.query(name)
    try:
        for client in clients:
            client.send(message)
        assert all(client.receive() for client in clients)
    finally:
        for client in clients:
            client.close()
    assert sorted(line["client"] for line in server.log_lines(name)) == sorted(sources)


def test_row_14_a_question_repeated_while_it_waits_is_answered_and_logged_as_often(
    server: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    """A client's retry: the answers it gets and the lines in the log are the same number."""
    name = fresh("retry")
    upstream.on(name, says(wire.record("@", 300, "A", "198.51.100.1"), delay=0.3))
    message = wire.query(name)
    with Udp(server.address) as client:
        for _ in range(3):
            client.send(message)
        got = 0
        while client.receive(HUSH if got else 20) is not None:
            got += 1
    assert 1 <= got <= 3
    assert len(server.log_lines(name)) == got


def test_row_14_refused_and_failed_ones_are_logged_too(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    refused = {
        "AXFR": wire.query(fresh("refused"), 252),
        "NOTIFY": wire.query(fresh("refused"), "SOA", flags=4 << 11),
        "EDNS version 9": wire.query(fresh("refused"), edns=wire.Edns(version=9)),
        "class CH": wire.query(fresh("refused"), rdclass=3),
    }
    # What cannot be read has no name to log, but it was answered: a line it has.
    refused["FORMERR"] = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0\x05ab"
    refused["two questions"] = b"\x12\x34\x01\0\0\2\0\0\0\0\0\0" + wire.query(fresh("two"))[12:] * 2
    unlogged = {}
    for what, message in refused.items():
        before = len(server.log_lines())
        assert ask_raw(server.address, message) is not None
        found = [(line["action"], line["reason"]) for line in server.log_lines()[before:]]
        if found != [("refuse", "malformed")]:
            unlogged[what] = found
    assert not unlogged
    mute = fresh("mute")
    upstream.on(mute, silent)
    ask(server.address, mute)
    (line,) = server.log_lines(mute)
    assert (line["action"], line["rcode"]) == ("fail", "SERVFAIL")


def test_row_14_a_burst_is_logged_line_by_line(server: Server, fresh: Fresh) -> None:
    zone = fresh("burst")
    received = set()
    with Udp(server.address) as client:
        for batch in range(10):
            asked = {n: f"n{batch}-{n}.{zone}" for n in range(100)}
            for n, name in asked.items():
                client.send(wire.query(name, qid=n))
            received |= {asked[n] for n in client.collect(set(asked))}
    lines = [line["name"] for line in server.log_lines() if line["name"].endswith(zone)]
    assert len(lines) == len(set(lines))
    assert received <= set(lines)
    assert len(received) == 1000


def test_a_log_of_blocked_queries_only_holds_nothing_else(tmp_path: Path, upstream: FakeUpstream) -> None:
    server = Server(tmp_path, (upstream.url,), {"log": {"detail": "blocked"}}, LISTS)
    server.prepare()
    try:
        server.start()
        for _ in range(2):
            for name in ("open.example.org", BLOCKED):
                ask(server.address, name)
        server.stop()
    finally:
        server.kill()
    assert [line["name"] for line in server.log_lines()] == [BLOCKED] * 2
