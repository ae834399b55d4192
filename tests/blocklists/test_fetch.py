"""Lists come over TLS from admitted addresses only, in bounded time, whole or not at all."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from blocklists.errors import FetchError
from blocklists.fetch import FetchRules, IpAddress, check_url, fetch, is_public

Answer = Callable[[str, ssl.SSLSocket], None]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for localhost that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@dataclass(frozen=True)
class Server:
    port: int
    requests: list[str]

    def url(self, path: str = "/list.txt") -> str:
        return f"https://localhost:{self.port}{path}"


@contextmanager
def serving(certificate: Path, answer: Answer) -> Iterator[Server]:
    """Answer each connection on loopback with what the test says."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(listener.getsockname()[1], [])

    def converse(raw: socket.socket) -> None:
        raw.settimeout(10)
        # A client that leaves early is part of many tests.
        with suppress(OSError), raw, context.wrap_socket(raw, server_side=True) as tls:
            request = b""
            while b"\r\n\r\n" not in request and (piece := tls.recv(4096)):
                request += piece
            server.requests.append(request.decode())
            answer(request.decode(), tls)

    threads: list[threading.Thread] = []

    def serve() -> None:
        with suppress(OSError):  # the listener is shut down
            while True:
                raw, _peer = listener.accept()
                threads.append(threading.Thread(target=converse, args=(raw,), daemon=True))
                threads[-1].start()

    threads.append(threading.Thread(target=serve, daemon=True))
    threads[0].start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in threads:
            thread.join(10)


def respond(status: str, *headers: str, body: bytes = b"") -> Answer:
    def answer(_request: str, tls: ssl.SSLSocket) -> None:
        tls.sendall("\r\n".join([f"HTTP/1.1 {status}", *headers, "Connection: close", "", ""]).encode() + body)
        # The goodbye of TLS; not waiting for the client's own, which comes only when it has read everything.
        tls.settimeout(0.2)
        tls.unwrap()

    return answer


def loopback_rules(certificate: Path, **changes: float) -> FetchRules:
    context = ssl.create_default_context(cafile=str(certificate))
    return FetchRules(lambda address: address.is_loopback, context, **changes)


BODY = b"example.org\n" * 1000


def test_a_list_is_fetched_with_its_marks(certificate: Path) -> None:
    answer = respond("200 OK", f"Content-Length: {len(BODY)}", 'ETag: "v1"', "Last-Modified: yesterday", body=BODY)
    with (
        serving(certificate, answer) as server,
        fetch(server.url(), loopback_rules(certificate), etag='"v0"', last_modified="before") as download,
    ):
        assert download is not None
        assert b"".join(download.chunks) == BODY
        assert (download.etag, download.last_modified) == ('"v1"', "yesterday")
    assert 'If-None-Match: "v0"' in server.requests[0]
    assert "If-Modified-Since: before" in server.requests[0]


def test_not_modified_is_none(certificate: Path) -> None:
    with (
        serving(certificate, respond("304 Not Modified")) as server,
        fetch(server.url(), loopback_rules(certificate), etag='"v1"') as download,
    ):
        assert download is None


def failure(certificate: Path, answer: Answer, **changes: float) -> str:
    with serving(certificate, answer) as server, pytest.raises(FetchError) as caught:
        read(server.url(), loopback_rules(certificate, **changes))
    return str(caught.value)


def read(url: str, rules: FetchRules) -> bytes:
    with fetch(url, rules) as download:
        assert download is not None
        return b"".join(download.chunks)


def test_a_transfer_that_is_cut_off_is_an_error(certificate: Path) -> None:
    assert "cut off" in failure(certificate, respond("200 OK", "Content-Length: 99999", body=BODY))


def test_a_chunked_transfer_that_is_cut_off_is_an_error(certificate: Path) -> None:
    assert failure(certificate, respond("200 OK", "Transfer-Encoding: chunked", body=b"5\r\nexamp\r\n"))


def test_a_connection_that_breaks_without_a_goodbye_is_an_error(certificate: Path) -> None:
    def answer(_request: str, tls: ssl.SSLSocket) -> None:
        tls.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + BODY)
        tls.shutdown(socket.SHUT_RDWR)

    assert failure(certificate, answer)


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "403 Forbidden"])
def test_an_error_status_is_named(certificate: Path, status: str) -> None:
    assert status in failure(certificate, respond(status, body=b"<html>"))


@pytest.mark.parametrize(
    "target",
    [
        "http://localhost/list.txt",
        "file:///etc/passwd",
        "ftp://localhost/list.txt",
        "data:text/plain,example.org",
        "https://user:secret@localhost/",
    ],
)
def test_a_redirect_to_anything_but_https_is_refused(certificate: Path, target: str) -> None:
    assert target in failure(certificate, respond("302 Found", f"Location: {target}"))


def test_a_redirect_to_an_address_that_is_not_admitted_is_refused(certificate: Path) -> None:
    assert "public address" in failure(certificate, respond("302 Found", "Location: https://192.0.2.1/list.txt"))


def test_redirects_have_an_end(certificate: Path) -> None:
    answer = respond("302 Found", "Location: /again", "Content-Length: 0")
    with serving(certificate, answer) as server, pytest.raises(FetchError):
        read(server.url(), loopback_rules(certificate))
    assert len(server.requests) < 12


def test_a_redirect_on_the_same_terms_is_followed(certificate: Path) -> None:
    def answer(request: str, tls: ssl.SSLSocket) -> None:
        moved = respond("301 Moved", "Location: /new.txt", "Content-Length: 0")
        there = respond("200 OK", f"Content-Length: {len(BODY)}", body=BODY)
        (there if "/new.txt" in request else moved)(request, tls)

    with serving(certificate, answer) as server, fetch(server.url(), loopback_rules(certificate)) as download:
        assert download is not None
        assert b"".join(download.chunks) == BODY


def test_a_server_that_drips_is_cut_off_after_the_total_time(certificate: Path) -> None:
    stop = threading.Event()

    def answer(_request: str, tls: ssl.SSLSocket) -> None:
        tls.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not stop.wait(0.02):
            tls.sendall(b"e")

    try:
        assert "took longer" in failure(certificate, answer, total_seconds=0.5)
    finally:
        stop.set()


def test_a_silent_server_is_given_up(certificate: Path) -> None:
    def answer(_request: str, tls: ssl.SSLSocket) -> None:
        tls.recv(1)  # until the client leaves

    assert "in time" in failure(certificate, answer, step_seconds=0.2)


def test_an_unknown_authority_is_refused(certificate: Path) -> None:
    rules = FetchRules(lambda address: address.is_loopback)
    with serving(certificate, respond("200 OK")) as server, pytest.raises(FetchError, match=r"(?i)certificate"):
        read(server.url(), rules)


def test_the_program_never_connects_to_this_machine(certificate: Path) -> None:
    with serving(certificate, respond("200 OK", body=BODY)) as server:
        for host in ("localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"):
            with (
                pytest.raises(FetchError, match="public address"),
                fetch(f"https://{host}:{server.port}/", FetchRules()),
            ):
                pass
        assert server.requests == []


def test_a_name_that_leads_nowhere_is_an_error() -> None:
    with pytest.raises(FetchError), fetch("https://does-not-exist.invalid/", FetchRules()):
        pass


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "http://example.org/",
        "file:///x",
        "https://",
        "https:///x",
        "https://a b/",
        "https://[/",
        "HTTPS://u@example.org/",
        "https://example.org:99999/",
        "https://example.org/\n",
    ],
)
def test_only_plain_https_addresses_are_taken(url: str) -> None:
    with pytest.raises(FetchError, match="expected an address such as"):
        check_url(url)


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("9.9.9.9", True),
        ("2620:fe::fe", True),
        ("10.0.0.1", False),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("169.254.169.254", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:9.9.9.9", True),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::909:909", True),
        ("2002:a00:1::", False),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False),
    ],
)
def test_which_addresses_are_public(text: str, public: bool) -> None:
    address: IpAddress = ipaddress.ip_address(text)
    assert is_public(address) is public
