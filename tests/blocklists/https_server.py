"""A real HTTPS server on loopback that says what the test tells it to, with a throw-away certificate; and a proxy."""

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from blocklists.fetch import FetchRules

Answer = Callable[[str, ssl.SSLSocket], None]

PUBLIC_NAME = "lists.example.org"
"""A name that only the proxy of the tests resolves."""


def make_certificate(path: Path) -> Path:
    """Write a key and a certificate for localhost that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.DNSName(PUBLIC_NAME)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@dataclass(frozen=True)
class Server:
    """What a test knows of a server that runs."""

    port: int
    requests: list[str]

    def url(self, path: str = "/list.txt", host: str = "localhost") -> str:
        """Return the address of a file on it."""
        return f"https://{host}:{self.port}{path}"


@contextmanager
def listening(converse: Callable[[socket.socket], None]) -> Iterator[int]:
    """Have each connection to a port on loopback answered in a thread of its own; yield the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve() -> None:
        with suppress(OSError):  # the listener is shut down
            while True:
                raw, _peer = listener.accept()
                raw.settimeout(10)
                threads.append(threading.Thread(target=converse, args=(raw,), daemon=True))
                threads[-1].start()

    threads.append(threading.Thread(target=serve, daemon=True))
    threads[0].start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in threads:
            thread.join(10)


@contextmanager
def serving(certificate: Path, answer: Answer) -> Iterator[Server]:
    """Answer each connection on loopback with what the test says."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    requests: list[str] = []

    def converse(raw: socket.socket) -> None:
        # A client that leaves early is part of many tests.
        with suppress(OSError), raw, context.wrap_socket(raw, server_side=True) as tls:
            request = b""
            while b"\r\n\r\n" not in request and (piece := tls.recv(4096)):
                request += piece
            requests.append(request.decode())
            answer(request.decode(), tls)

    with listening(converse) as port:
        yield Server(port, requests)


@contextmanager
def proxying(answer: str = "200 Connection established") -> Iterator[Server]:
    """Be an HTTP proxy that leads every name to loopback, or answers what the test says."""
    requests: list[str] = []

    def converse(raw: socket.socket) -> None:
        with suppress(OSError), raw:
            request = b""
            while b"\r\n\r\n" not in request and (piece := raw.recv(4096)):
                request += piece
            requests.append(request.decode())
            raw.sendall(f"HTTP/1.1 {answer}\r\nX-Proxy: yes\r\n\r\n".encode())
            if not answer.startswith("200"):
                return
            port = int(request.split()[1].rpartition(b":")[2])
            with socket.create_connection(("127.0.0.1", port), 10) as onward:
                back = threading.Thread(target=_pump, args=(onward, raw), daemon=True)
                back.start()
                _pump(raw, onward)
                back.join(10)

    with listening(converse) as port:
        yield Server(port, requests)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(4096):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def respond(status: str, *headers: str, body: bytes = b"") -> Answer:
    """Answer every request in the same way."""

    def answer(_request: str, tls: ssl.SSLSocket) -> None:
        tls.sendall("\r\n".join([f"HTTP/1.1 {status}", *headers, "Connection: close", "", ""]).encode() + body)
        # The goodbye of TLS; not waiting for the client's own, which comes only when it has read everything.
        tls.settimeout(0.2)
        tls.unwrap()

    return answer


def loopback_rules(certificate: Path, **changes: object) -> FetchRules:
    """Admit loopback and the tests' authority only; never wait between two tries."""
    context = ssl.create_default_context(cafile=str(certificate))
    rules = {"sleep": lambda _seconds: None} | changes
    return FetchRules(lambda address: address.is_loopback, lambda: context, **rules)  # type: ignore[arg-type]
