"""Fetch a list over HTTPS from a public address, within limits of time and size; nothing else is ever contacted."""

import http.client
import ipaddress
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import urlsplit

from blocklists.errors import FetchError
from translations import _

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_PIECE = 1 << 16
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_REDIRECTIONS = 5


def is_public(address: IpAddress) -> bool:
    """Tell whether an address is of the public internet, also behind the forms that embed an IPv4 address.

    A list's URL or a redirect must not make us knock at the router's or a neighbour's door.
    """
    if isinstance(address, ipaddress.IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            embedded = ipaddress.IPv4Address(address.packed[-4:])
        if embedded is not None:
            return is_public(embedded)
        if address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


@dataclass(frozen=True, slots=True)
class FetchRules:
    """What a fetch may do. Tests pass their own; the program knows only the defaults."""

    admits: Callable[[IpAddress], bool] = is_public
    """Which addresses may be connected to."""
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    step_seconds: float = 15.0
    """For connecting and for each silence."""
    total_seconds: float = 300.0
    """For everything: 64 MiB at 2 Mbit/s."""


@dataclass(frozen=True, slots=True)
class Download:
    """A body that is being fetched, and by what the server will know it again."""

    chunks: Iterator[bytes]
    etag: str
    last_modified: str


@contextmanager
def fetch(url: str, rules: FetchRules, *, etag: str = "", last_modified: str = "") -> Iterator[Download | None]:
    """Open a URL; the body is read while the context is open. None means: not changed since. Raises FetchError."""
    check_url(url)
    guard = _Guard()
    timer = threading.Timer(rules.total_seconds, guard.expire)
    timer.daemon = True
    timer.start()
    try:
        response = _open(url, rules, guard, etag, last_modified)
        if response is None:
            yield None
            return
        with response:
            tag = response.headers.get("ETag", "")
            yield Download(_chunks(response), tag, response.headers.get("Last-Modified", ""))
    except (OSError, http.client.HTTPException, ValueError) as error:
        if guard.expired:
            limit = round(rules.total_seconds)
            raise FetchError(
                _("{url}: expected the list within {limit} s, it took longer").format(url=url, limit=limit)
            ) from error
        raise FetchError(_("{url}: {error}").format(url=url, error=_describe(error))) from error
    finally:
        timer.cancel()
        guard.release()


def check_url(url: str) -> None:
    """Refuse what is not a plain https: URL. Raises FetchError."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme == "https" and parts.hostname and "@" not in parts.netloc and (parts.port or 443) > 0
    except ValueError:
        plain = False
    if not plain or not url.isprintable() or " " in url:
        raise FetchError(_("expected an address such as https://example.org/list.txt, found {url!r}").format(url=url))


class _Guard:
    """Ends a fetch that takes too long, wherever it is: in the TLS handshake, the headers or the body."""

    def __init__(self) -> None:
        self.expired = False
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []

    def watch(self, connection: socket.socket) -> None:
        # A duplicate: shutting it down ends the connection without touching the TLS object another thread reads.
        with self._lock:
            self._sockets.append(connection.dup())
        if self.expired:
            self.expire()

    def expire(self) -> None:
        self.expired = True
        with self._lock:
            for connection in self._sockets:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # it has ended by itself
                    continue

    def release(self) -> None:
        with self._lock:
            for connection in self._sockets:
                connection.close()
            self._sockets.clear()


class _Connection(http.client.HTTPSConnection):
    """Connects to admitted addresses only. The check and the connection use one resolution, so that no name can
    answer with a public address first and a private one after."""

    def __init__(self, host: str, *, rules: FetchRules, guard: _Guard, **options: Any) -> None:
        super().__init__(host, context=rules.context, **options)
        self._rules = rules
        self._guard = guard

    def connect(self) -> None:
        sock = self._connected()
        try:
            self._guard.watch(sock)
            # suppress_ragged_eofs=False: a body that was cut off must not look finished.
            self.sock = self._rules.context.wrap_socket(sock, server_hostname=self.host, suppress_ragged_eofs=False)
        except BaseException:
            sock.close()
            raise

    def _connected(self) -> socket.socket:
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        admitted = [text for text in addresses if self._rules.admits(ipaddress.ip_address(text.partition("%")[0]))]
        if not admitted:
            raise FetchError(
                _("expected {host} at a public address, found {addresses}").format(
                    host=self.host, addresses=", ".join(addresses)
                )
            )
        error: OSError | None = None
        for address in admitted:
            try:
                return socket.create_connection((address, self.port), self._rules.step_seconds)
            except OSError as failure:
                error = failure
        raise error or OSError("no address")


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, rules: FetchRules, guard: _Guard) -> None:
        super().__init__(context=rules.context)
        self._rules = rules
        self._guard = guard

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        def connect(host: str, **options: Any) -> _Connection:
            return _Connection(host, rules=self._rules, guard=self._guard, **options)

        return self.do_open(connect, req)


class _HttpsRedirections(urllib.request.HTTPRedirectHandler):
    max_redirections = _REDIRECTIONS

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        try:
            check_url(newurl)
        except FetchError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _open(url: str, rules: FetchRules, guard: _Guard, etag: str, last_modified: str) -> http.client.HTTPResponse | None:
    request = urllib.request.Request(  # noqa: S310 - check_url has admitted https only
        url, headers={"User-Agent": "schoolfilter", "Accept-Encoding": "gzip"}
    )
    if etag:
        request.add_header("If-None-Match", etag)
    if last_modified:
        request.add_header("If-Modified-Since", last_modified)
    # Built by hand: build_opener would add handlers for http:, ftp:, file: and data:, and proxies of the environment.
    opener = urllib.request.OpenerDirector()
    for handler in (
        _Https(rules, guard),
        _HttpsRedirections(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    try:
        response: http.client.HTTPResponse = opener.open(request, timeout=rules.step_seconds)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == http.HTTPStatus.NOT_MODIFIED:
                return None
            raise FetchError(
                _("{url}: the server answers {code} {reason}").format(url=url, code=error.code, reason=error.reason)
            ) from error
    return response


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    size = 0
    while piece := response.read1(_PIECE):
        size += len(piece)
        yield piece
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and size != int(announced):  # http.client does not mind a body that ends early
        raise FetchError(
            _("expected {announced} bytes, found {size}: the transfer was cut off").format(
                announced=announced, size=size
            )
        )


def _describe(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return _("the server did not answer in time")
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(reason) or type(reason).__name__
