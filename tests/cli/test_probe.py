"""Each upstream is asked one real question, and every way in which that can go wrong has its own name."""

import errno
import socket
import ssl
import threading

import pytest

from cli.facts import Outcome
from cli.probe import Target, probe
from resolver.upstream.address import UpstreamAddress, parse_upstream
from tests.harness import wire
from tests.harness.upstream import FakeUpstream, Query, Send, reply, says, silent
from tests.upstream.certificates import Authority, Identity


def address(fake: FakeUpstream, scheme: str = "udp") -> UpstreamAddress:
    return parse_upstream(f"{scheme}://127.0.0.1:{fake.address[1]}")


@pytest.mark.parametrize("scheme", ["udp", "tcp"])
def test_a_good_upstream_answers(scheme: str) -> None:
    with FakeUpstream() as fake:
        fake.on("invalid", says(rcode=3))
        result = probe(Target(address(fake, scheme)), timeout=5)
    assert (result.outcome, result.invents) == (Outcome.ANSWER, False)
    assert result.milliseconds > 0


def test_an_upstream_that_invents_addresses_is_seen() -> None:
    with FakeUpstream() as fake:
        assert probe(Target(address(fake)), timeout=5).invents is True


@pytest.mark.parametrize("scheme", ["udp", "tcp"])
def test_an_upstream_that_does_not_serve_us(scheme: str) -> None:
    with FakeUpstream() as fake:
        fake.fallback = says(rcode=5)
        result = probe(Target(address(fake, scheme)), timeout=5)
    assert (result.outcome, result.detail) == (Outcome.ERROR_CODE, "REFUSED")


def test_a_zone_server_is_asked_for_its_zone_and_may_know_nothing_else() -> None:
    with FakeUpstream() as fake:
        fake.fallback = says(rcode=5)
        fake.on("school.local", says(rcode=3))
        result = probe(Target(address(fake), "school.local"), timeout=5)
        assert {query.name for query in fake.queries()} == {"school.local"}
    assert result.outcome is Outcome.ANSWER


@pytest.mark.parametrize("scheme", ["udp", "tcp", "tls", "https"])
def test_a_silent_upstream_is_given_up(scheme: str) -> None:
    with FakeUpstream() as fake:
        fake.fallback = silent
        assert probe(Target(address(fake, scheme)), timeout=0.05).outcome is Outcome.TIMEOUT


@pytest.mark.parametrize("scheme", ["udp", "tcp", "tls", "https"])
def test_a_closed_port_is_told_from_silence(scheme: str) -> None:
    fake = FakeUpstream()
    fake.close()
    assert probe(Target(address(fake, scheme)), timeout=5).outcome is Outcome.CLOSED


def _garbage(_query: Query) -> list[Send]:
    return [Send(b"\x00\x01HTTP/1.1 400")]


def _wrong_id(query: Query) -> list[Send]:
    return [Send(reply(query, wire.record("@", 300, "A", "198.51.100.1"), qid=query.qid ^ 1))]


@pytest.mark.parametrize("handler", [_garbage, _wrong_id])
@pytest.mark.parametrize("scheme", ["udp", "tcp"])
def test_what_is_no_dns_is_called_so(scheme: str, handler: object) -> None:
    with FakeUpstream() as fake:
        fake.fallback = handler  # type: ignore[assignment]  # one of the handlers above
        assert probe(Target(address(fake, scheme)), timeout=5).outcome is Outcome.GARBAGE


def test_a_server_that_speaks_no_tls_cannot_prove_itself() -> None:
    with FakeUpstream() as fake:
        fake.fallback = lambda _query: [Send(close=True)]
        outcome = probe(Target(address(fake, "tls")), timeout=2).outcome
    assert outcome in (Outcome.CERTIFICATE, Outcome.CLOSED, Outcome.TIMEOUT)


class TlsServer:
    """Accepts one TLS connection, and answers one framed query with itself as an answer."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._context = context
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with self._socket:
            connection, _peer = self._socket.accept()
        try:
            with self._context.wrap_socket(connection, server_side=True) as encrypted:
                data = encrypted.recv(4096)
                if data:
                    encrypted.sendall(data[:4] + bytes([data[4] | 0x80]) + data[5:])
        except OSError:
            connection.close()

    def join(self) -> None:
        """Wait until the connection is over."""
        self._thread.join(timeout=30)


@pytest.fixture
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize("scheme", ["tls", "https"])
@pytest.mark.parametrize(
    ("names", "expired", "outcome"),
    [
        (["dns.example"], False, Outcome.ANSWER),
        (["other.example"], False, Outcome.CERTIFICATE),
        (["dns.example"], True, Outcome.CERTIFICATE),
    ],
)
def test_an_encrypted_upstream_must_prove_its_name(
    authority: Authority, scheme: str, names: list[str], expired: bool, outcome: Outcome
) -> None:
    identity: Identity = authority.issue(*names, expired=expired)
    server = TlsServer(identity.server_context())
    target = Target(parse_upstream(f"{scheme}://127.0.0.1:{server.port}#dns.example"))
    result = probe(target, authority.ca_file, timeout=10)
    server.join()
    assert result.outcome is outcome
    assert bool(result.detail) is (outcome is Outcome.CERTIFICATE)


def test_authorities_that_cannot_be_read_are_told() -> None:
    with FakeUpstream() as fake:
        result = probe(Target(address(fake, "tls")), "/nonexistent.pem", timeout=5)
    assert result.outcome is Outcome.CERTIFICATE
    assert "/nonexistent.pem" in result.detail


def test_a_server_that_hangs_up_without_a_word_gave_no_answer() -> None:
    with FakeUpstream() as fake:
        fake.fallback = lambda _query: [Send(close=True)]
        result = probe(Target(address(fake, "tcp")), timeout=5)
    assert result.outcome is Outcome.GARBAGE


@pytest.mark.parametrize(
    ("number", "outcome"),
    [(errno.ENETUNREACH, Outcome.UNREACHABLE), (errno.EHOSTUNREACH, Outcome.UNREACHABLE), (errno.EIO, Outcome.CLOSED)],
)
def test_no_route_is_told_from_a_closed_port(monkeypatch: pytest.MonkeyPatch, number: int, outcome: Outcome) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(number, "made up")

    monkeypatch.setattr(socket, "create_connection", refuse)
    result = probe(Target(parse_upstream("tcp://127.0.0.1:1")))
    assert (result.outcome, result.detail) == (outcome, "made up")


def test_only_the_first_try_may_be_lost() -> None:
    with FakeUpstream() as fake:
        fake.on("invalid", says(rcode=3))
        fake.on("example.org", lambda query: [] if len(fake.queries("example.org")) == 1 else says(rcode=0)(query))
        assert probe(Target(address(fake)), timeout=1).outcome is Outcome.ANSWER
