"""Reach an HTTPS server through the school's HTTP proxy: a tunnel with TLS from end to end (RFC 9110, 9.3.6)."""

import socket
from base64 import b64encode
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from blocklists.errors import FetchError
from translations import _

_MAX_HEAD = 1 << 14
"""Bytes of a proxy's answer to CONNECT; what is longer is no proxy."""
_DEFAULT_PORT = 3128


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where the proxy is, and what it asks for. The operator names it, so it may be at a private address."""

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        """Return the proxy without what is secret, for messages and logs."""
        return f"{self.host}:{self.port}"


def parse_proxy(text: str) -> Proxy | None:
    """Read a setting such as http://user:password@192.0.2.1:3128; None if it is empty. Raises FetchError."""
    if not text:
        return None
    try:
        parts = urlsplit(text)
        port = parts.port or _DEFAULT_PORT
    except ValueError:
        parts, port = urlsplit(""), 0
    plain = parts.path in ("", "/") and not parts.query and not parts.fragment
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    printable = (text + user + password).isprintable() and " " not in text and ":" not in user
    if parts.scheme != "http" or not parts.hostname or not plain or not printable:
        # The text itself is not shown: it may hold a password.
        raise FetchError(_("expected a proxy such as http://192.0.2.1:3128, found something else in lists.proxy"))
    return Proxy(parts.hostname, port, user, password)


def open_tunnel(sock: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    """Ask the proxy at the other end of the socket for a tunnel. Raises FetchError, OSError."""
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.user or proxy.password:
        secret = b64encode(f"{proxy.user}:{proxy.password}".encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {secret}")
    sock.sendall("\r\n".join([*lines, "", ""]).encode())
    status = _status(_head(sock, proxy), proxy)
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        message = _("the proxy {proxy} wants a user and a password: set lists.proxy to http://USER:PASSWORD@{proxy}")
        raise FetchError(message.format(proxy=proxy))
    if not 200 <= status < 300:
        message = _("the proxy {proxy} does not let us through to {target}: it answers {code}")
        raise FetchError(message.format(proxy=proxy, target=target, code=status))


def _head(sock: socket.socket, proxy: Proxy) -> bytes:
    head = bytearray()
    # Octet by octet: whatever stands behind the empty line belongs to TLS already.
    while not head.endswith(b"\r\n\r\n"):
        octet = sock.recv(1)
        if not octet or len(head) > _MAX_HEAD:
            raise _no_proxy(proxy)
        head += octet
    return bytes(head)


def _status(head: bytes, proxy: Proxy) -> int:
    words = head.split(b"\r\n", 1)[0].split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        raise _no_proxy(proxy)
    return int(words[1])


def _no_proxy(proxy: Proxy) -> FetchError:
    return FetchError(_("expected an HTTP proxy at {proxy}, found something else").format(proxy=proxy))
