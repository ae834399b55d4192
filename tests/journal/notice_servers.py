"""Servers that notices are sent to: SMTP with STARTTLS and passwords, and HTTPS; real sockets on loopback."""

import base64
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import BinaryIO, cast

from journal.notifying.sending import SendRules
from tests.blocklists.https_server import listening, make_certificate


@dataclass(slots=True)
class MailServer:
    """An SMTP server as far as it is asked for; what it got."""

    certificate: Path
    port: int = 0
    starttls: bool = True
    tls: bool = False
    """From the first octet on."""
    user: str = ""
    password: str = ""
    refused: dict[str, str] = field(default_factory=dict)
    """Answers to RCPT TO, by address."""
    data_answer: str = "250 taken"
    silent: bool = False
    letters: list[bytes] = field(default_factory=list)
    said: list[tuple[bool, str]] = field(default_factory=list)
    """Each line of the client, in capitals, and whether it came through TLS."""

    @property
    def messages(self) -> list[EmailMessage]:
        """The letters as Python's email package, which nobody here wrote, reads them."""
        return [message_from_bytes(each, policy=default) for each in self.letters]

    def converse(self, raw: socket.socket) -> None:
        """Talk to one client until it leaves."""
        with suppress(OSError), raw:
            if self.silent:
                raw.recv(1 << 16)
                return
            sock = self._wrapped(raw) if self.tls else raw
            self._talk(sock, secure=self.tls)

    def _wrapped(self, raw: socket.socket) -> ssl.SSLSocket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        return context.wrap_socket(raw, server_side=True)

    def _talk(self, sock: socket.socket, *, secure: bool, greet: bool = True) -> None:
        with sock, cast(BinaryIO, sock.makefile("rb")) as lines:
            if greet:
                sock.sendall(b"220 mail.example.org\r\n")
            while line := lines.readline().decode().rstrip("\r\n"):
                self.said.append((secure, line.upper()))
                verb = line.upper().split(":")[0].split(" ")[0]
                if verb == "DATA":
                    sock.sendall(b"354 go on\r\n")
                    self._take(lines)
                    sock.sendall(f"{self.data_answer}\r\n".encode())
                elif verb == "STARTTLS":
                    sock.sendall(b"220 ready\r\n")
                    self._talk(self._wrapped(sock), secure=True, greet=False)
                    return
                else:
                    sock.sendall(f"{self._answer(verb, line, secure=secure)}\r\n".encode())
                    if verb == "QUIT":
                        return

    def _take(self, lines: BinaryIO) -> None:
        letter = b""
        while (line := lines.readline()) not in (b".\r\n", b""):
            letter += line[1:] if line.startswith(b"..") else line
        self.letters.append(letter)

    def _answer(self, verb: str, line: str, *, secure: bool) -> str:
        match verb:
            case "EHLO":
                offers = ["mail.example.org"]
                offers += ["STARTTLS"] if self.starttls and not secure else []
                offers += ["AUTH PLAIN"] if self.user else []
                return "\r\n".join([*(f"250-{each}" for each in offers), "250 HELP"])
            case "AUTH":
                given = base64.b64decode(line.split()[2]).decode().split("\0")[1:]
                return "235 welcome" if given == [self.user, self.password] else f"535 not {given}"
            case "MAIL":
                return "530 who are you" if self.user and not self._welcome else "250 fine"
            case "RCPT":
                address = line.partition("<")[2].partition(">")[0]
                return self.refused.get(address, "250 fine")
            case "QUIT":
                return "221 bye"
            case _:
                return "250 fine"

    @property
    def _welcome(self) -> bool:
        return any(line.startswith("AUTH") for _secure, line in self.said)


@contextmanager
def mail_server(folder: Path, **options: object) -> Iterator[MailServer]:
    """Run a mail server."""
    server = MailServer(_certificate(folder), **options)  # type: ignore[arg-type]
    with listening(server.converse) as port:
        server.port = port
        yield server


@dataclass(slots=True)
class WebServer:
    """An HTTPS server that takes JSON."""

    certificate: Path
    port: int = 0
    status: str = "200 OK"
    answer: bytes = b'{"ok": true}'
    targets: list[str] = field(default_factory=list)
    values: list[dict[str, object]] = field(default_factory=list)

    def converse(self, raw: socket.socket) -> None:
        """Take one request."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        with suppress(OSError), raw, context.wrap_socket(raw, server_side=True) as tls:
            with cast(BinaryIO, tls.makefile("rb")) as lines:
                self.targets.append(lines.readline().decode().split()[1])
                length = 0
                while (line := lines.readline()) not in (b"\r\n", b""):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                self.values.append(json.loads(lines.read(length)))
            head = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(self.answer)}\r\n"
            tls.sendall(f"{head}Location: https://elsewhere.example.org/\r\nConnection: close\r\n\r\n".encode())
            tls.sendall(self.answer)


@contextmanager
def web_server(folder: Path, **options: object) -> Iterator[WebServer]:
    """Run a web server."""
    server = WebServer(_certificate(folder), **options)  # type: ignore[arg-type]
    with listening(server.converse) as port:
        server.port = port
        yield server


def trusting(certificate: Path, seconds: float = 10.0) -> SendRules:
    """Return rules that trust this authority and no other."""
    return SendRules(lambda: ssl.create_default_context(cafile=str(certificate)), seconds, seconds)


def _certificate(folder: Path) -> Path:
    """Return the certificate of all servers of a test: two of one name would be taken for each other."""
    path = folder / "localhost.pem"
    return path if path.exists() else make_certificate(path)
