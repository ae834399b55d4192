"""Whom we serve, and how much one of them may ask: rows 11 and 32."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import wire
from tests.harness.client import Tcp, Udp, ask, ask_raw, ede, judged, rcode
from tests.harness.server import LISTENING, UNCONNECTED, Server, sockets_of
from tests.harness.upstream import FakeUpstream
from tests.harness.waiting import note, until

INSIDE, OUTSIDE = "127.0.0.1", "127.66.0.1"
LIMIT = 300


def _start(folder: Path, upstream: FakeUpstream, **server: object) -> Iterator[Server]:
    made = Server(folder, (upstream.url,), {"server": server})  # type: ignore[dict-item]  # values of a settings file
    made.prepare()
    try:
        yield made.start()
        made.stop()
    finally:
        made.kill()


@pytest.fixture(scope="module")
def fenced(tmp_path_factory: pytest.TempPathFactory, upstream: FakeUpstream) -> Iterator[Server]:
    """A server for 127.0.0.0/24 only, with a rate limit."""
    yield from _start(tmp_path_factory.mktemp("fenced"), upstream, allowed_networks=["127.0.0.0/24"], rate_limit=LIMIT)


@pytest.fixture(scope="module")
def mute(tmp_path_factory: pytest.TempPathFactory, upstream: FakeUpstream) -> Iterator[Server]:
    """The same, but silent to strangers."""
    yield from _start(
        tmp_path_factory.mktemp("mute"), upstream, allowed_networks=["127.0.0.0/24"], refuse_silently=True
    )


def test_row_11_strangers_are_refused_and_cause_no_traffic(fenced: Server, upstream: FakeUpstream) -> None:
    ask(fenced.address, "inside.example.org")
    for name in ("outside.example.org", "inside.example.org", "localhost"):
        for edns in (None, wire.Edns()):
            message = wire.query(name, edns=edns)
            found = ask_raw(fenced.address, message, source=OUTSIDE)
            assert found is not None
            response = judged_refusal(message, found)
            assert not response
            assert len(found) <= len(message) + 40, "an amplifier"
    assert not upstream.queries("outside.example.org")
    lines = [line for line in fenced.log_lines("outside.example.org") if line["client"] == OUTSIDE]
    assert {(line["action"], line["reason"], line["rcode"]) for line in lines} == {("refuse", "network", "REFUSED")}


def judged_refusal(asked: bytes, answered: bytes) -> int:
    """Check a REFUSED answer; return the number of its records. RA may be clear: we do not recurse for strangers."""
    qid, flags, questions, *counts = wire.header(answered)
    assert qid == wire.qid_of(asked)
    assert flags & wire.QR
    assert flags & 15 == wire.REFUSED
    assert not flags & (wire.AA | wire.Z | wire.TC)
    assert questions == 0 or wire.question_of(answered) == wire.question_of(asked)
    return counts[0] + counts[1]


def test_row_11_strangers_are_refused_over_tcp(fenced: Server) -> None:
    """REFUSED, or the connection is closed at once."""
    try:
        found = ask_raw(fenced.address, wire.query("inside.example.org"), source=OUTSIDE, tcp=True, timeout=10)
    except ConnectionError:
        return
    if found is None:
        with Tcp(fenced.address, OUTSIDE) as connection:
            assert connection.ended(10)
    else:
        assert wire.rcode_of(found) == wire.REFUSED


def test_row_11_silence_if_the_school_wants_it(mute: Server, upstream: FakeUpstream) -> None:
    with Udp(mute.address, OUTSIDE) as stranger:
        stranger.send(wire.query("mute.example.org"))
        assert ask(mute.address, "friend.example.org").answer
        assert stranger.receive(0.3) is None
    assert not upstream.queries("mute.example.org")


def test_row_11_the_process_listens_where_it_was_told_and_nowhere_else(fenced: Server) -> None:
    """Read from the kernel: no socket of the processes that waits for strangers is elsewhere than on loopback."""
    assert fenced.process is not None
    waiting = {
        (kind, local)
        for pid in (fenced.process.pid, fenced.worker_pid())
        for kind, local, state in sockets_of(pid)
        if state in {LISTENING, UNCONNECTED}
    }
    port = f"{fenced.address[1]:04X}"
    assert {("udp", f"0100007F:{port}"), ("tcp", f"0100007F:{port}")} <= waiting
    # Port 0: made, not bound yet.
    assert all(local.endswith(":0000") or local.startswith("0100007F:") for _, local in waiting), waiting


def test_row_32_a_flood_is_refused_but_never_blackholed_and_others_are_served(
    fenced: Server, upstream: FakeUpstream
) -> None:
    """One client sends far over its limit: it still hears something; another keeps at least nine of ten answers."""
    ask(fenced.address, "warm.example.org")
    served = asked = 0
    codes: dict[int, int] = {}
    with Udp(fenced.address, "127.0.0.66") as flooder, Udp(fenced.address, "127.0.0.77") as pupil:
        end = time.monotonic() + 2.0  # the flood is bounded
        n = 0
        while time.monotonic() < end:
            for _ in range(40):
                n += 1
                flooder.send(wire.query("warm.example.org", qid=n % 65536))
            while (found := flooder.receive(0)) is not None:
                codes[wire.rcode_of(found)] = codes.get(wire.rcode_of(found), 0) + 1
            asked += 1
            served += pupil.ask(wire.query("warm.example.org"), timeout=2.0) is not None
        while (found := flooder.receive(0.5)) is not None:
            codes[wire.rcode_of(found)] = codes.get(wire.rcode_of(found), 0) + 1
    note(f"flood of {n}: {codes}; the other client: {served} of {asked}")
    assert served >= 0.9 * asked
    assert codes.get(wire.REFUSED, 0) > 0, "the limit never acted"
    assert codes.get(wire.NOERROR, 0) >= LIMIT / 2, "blackholed"
    assert codes[wire.NOERROR] <= LIMIT * 6, "the limit hardly acted"
    limited = until("the limit to be reported", lambda: fenced.worker().get("rate_limited"))
    assert isinstance(limited, list)
    assert {entry["client"] for entry in limited} == {"127.0.0.66"}
    lines = [line for line in fenced.log_lines("warm.example.org") if line["reason"] == "rate"]
    assert {line["client"] for line in lines} == {"127.0.0.66"}


def test_row_32_a_client_under_its_limit_is_never_refused(fenced: Server) -> None:
    with Udp(fenced.address, "127.0.0.88") as client:
        asked = {n: wire.query("warm.example.org", qid=n) for n in range(LIMIT // 3)}  # a page load
        for message in asked.values():
            client.send(message)
        found = client.collect(set(asked))
    assert len(found) == len(asked)
    assert {wire.rcode_of(message) for message in found.values()} == {wire.NOERROR}


def test_row_32_a_limited_client_is_told_why(fenced: Server) -> None:
    """REFUSED (or TC), with the question; after a while it is served again."""
    with Udp(fenced.address, "127.0.0.99") as client, Udp(fenced.address, "127.0.0.100") as other:
        message = wire.query("warm.example.org", edns=wire.Edns())

        def refused() -> bytes | None:
            for _ in range(LIMIT):
                client.send(message)
                other.send(wire.query("localhost"))  # the limit acts while others are being served too
            while (found := client.receive(0.2)) is not None:
                if wire.rcode_of(found) == wire.REFUSED:
                    return found
            return None

        found = until("a refusal", refused)
        assert found is not None
        assert rcode(judged(message, found)) == "REFUSED"
        assert all(int(option.code) in {18, 0, 14} for option in ede(judged(message, found)))
        while client.receive(0.2) is not None:
            pass

        def served() -> bool:
            answer = client.ask(message)
            return answer is not None and wire.rcode_of(answer) == wire.NOERROR

        until("the client to be served again", served)
