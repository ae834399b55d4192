"""Fetch a list over HTTPS from a public address, within limits of time and size; nothing else is ever contacted.

What was cut off is kept beside its target and continued by the next try, today's or tomorrow's.
"""

import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from typing import IO, Any
from urllib.parse import urljoin

from blocklists.errors import FetchError, RefusedText
from blocklists.parts import Kept, begin_part, find_part, forget_part, keep_part, validator
from blocklists.places import IpAddress, check_url, is_public, refuse_nearby, shown
from blocklists.proxy import Proxy, open_tunnel
from translations import _

MAX_TRANSFER = 64 << 20
"""Bytes that may come over the net or from a file; the largest public lists have some 100 MB, 25 MB packed."""

Progress = Callable[[int, int | None], None]
"""Is told how many bytes have come, and how many there are in all if the server says so."""

_PIECE = 1 << 16
_REDIRECTIONS = 5
_FIRST_PAUSE = 2.0
"""Seconds before the second try; before each further one three times as many."""
_LONGEST_PAUSE = 60.0
"""Seconds; a server that asks for more gets its peace until the next refresh."""
_MOST_ADDRESSES = 8
"""Of one host are tried; large sites have four to eight."""
_RANGE = re.compile(r"bytes ([0-9]+)-[0-9]+/([0-9]+|\*)")
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that may be over in a moment."""


@dataclass(frozen=True, slots=True)
class FetchRules:
    """What a fetch may do. Tests pass their own; the program sets nothing but the proxy."""

    admits: Callable[[IpAddress], bool] = is_public
    """Which addresses may be connected to."""
    context: Callable[[], ssl.SSLContext] = ssl.create_default_context
    """Makes that of a connection: megabytes that nobody else needs."""
    step_seconds: float = 15.0
    """For connecting and for each silence."""
    total_seconds: float = 300.0
    """For everything, with all tries: 64 MiB at 2 Mbit/s."""
    proxy: Proxy | None = None
    """Through which all connections go. It resolves the names, so only what a name says can be checked here."""
    tries: int = 3
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Marks:
    """By what a server knows the version again that it sent."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What one call of `fetch` is after."""

    url: str
    target: Path
    rules: FetchRules
    marks: Marks
    limit: int
    exact: bool
    progress: Progress | None


class _Passing(FetchError):  # noqa: N818 - reads as what it is
    """A failure that may be over in a moment."""

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message)
        self.pause = pause
        """Seconds that the server asks for."""


def fetch(
    url: str,
    target: Path,
    rules: FetchRules,
    marks: Marks = Marks(),
    *,
    limit: int = MAX_TRANSFER,
    exact: bool = False,
    progress: Progress | None = None,
) -> Marks | None:
    """Write what a URL holds to a file and return by what it will be known again; None if it has not changed.

    `exact` has it sent as it is stored, so that it can be compared with a checksum; otherwise it may come as gzip.
    If it fails, what came so far stays at the target for the next call. Raises FetchError, RefusedText, OSError.
    """
    check_url(url)
    wanted = _Wanted(url, target, rules, marks, limit, exact, progress)
    guard = _Guard(rules.total_seconds)
    timer = threading.Timer(rules.total_seconds, guard.expire)
    timer.daemon = True
    timer.start()
    try:
        pause = _FIRST_PAUSE
        for left in reversed(range(rules.tries)):
            try:
                return _try(wanted, guard)
            except _Passing as error:
                wait = pause if error.pause is None else error.pause
                if not left or wait > min(_LONGEST_PAUSE, guard.left):
                    raise
            rules.sleep(wait)
            pause *= 3
    finally:
        timer.cancel()
        guard.release()
    raise AssertionError("the last try returns or raises")


def _try(wanted: _Wanted, guard: "_Guard") -> Marks | None:
    kept = find_part(wanted.target, wanted.url, wanted.exact)
    with _in_words(wanted, guard):
        response = _open(wanted, guard, kept)
    if response is None:
        forget_part(wanted.target)
        return None
    with response:
        headers = response.headers
        partial = response.status == HTTPStatus.PARTIAL_CONTENT
        done = kept.size if partial else 0
        if partial:
            total = _continued(wanted, kept, headers)
        else:
            length = headers.get("Content-Length", "")
            total = int(length) if length.isdecimal() else None
        _refuse_larger(total or 0, wanted)
        found = _marks(headers, kept if partial else Kept())
        begin_part(wanted.target)
        with wanted.target.open("r+b" if done else "wb") as file:
            file.seek(done)
            try:
                for piece in _chunks(response, wanted, guard):
                    done += len(piece)
                    _refuse_larger(done, wanted)
                    file.write(piece)
                    if wanted.progress is not None:
                        wanted.progress(done, total)
                if total is not None and done != total:  # a server may send less than it was asked for
                    raise _cut_off(wanted, total, done)
            except (FetchError, KeyboardInterrupt):
                by = kept.validator if partial else validator(headers)
                keep_part(wanted.target, file, Kept(wanted.url, wanted.exact, by, done))
                raise
            except OSError:  # a full disk: nothing is gained by keeping it full
                forget_part(wanted.target)
                raise
    return found


def _continued(wanted: _Wanted, kept: Kept, headers: Message) -> int | None:
    """Return how many bytes the whole has, of which an answer brings a further part; None if nobody says it.

    A part of another version, or from another place on, is never joined to ours (RFC 9110, 15.3.7.3).
    """
    found = _RANGE.fullmatch(headers.get("Content-Range", "").strip())
    version = headers.get("ETag" if kept.validator.startswith('"') else "Last-Modified", kept.validator)
    if not kept.size or found is None or int(found[1]) != kept.size or version != kept.validator:
        forget_part(wanted.target)
        message = _("{url}: the server does not continue where it was cut off")
        raise _Passing(message.format(url=shown(wanted.url)), 0.0)
    return int(found[2]) if found[2] != "*" else None


def _marks(headers: Message, kept: Kept) -> Marks:
    """Return what the server calls this version; what it leaves out when it continues one, it said before."""
    known = Marks(etag=kept.validator) if kept.validator.startswith('"') else Marks(last_modified=kept.validator)
    return Marks(headers.get("ETag", known.etag), headers.get("Last-Modified", known.last_modified))


def _refuse_larger(size: int, wanted: _Wanted) -> None:
    if size > wanted.limit:
        forget_part(wanted.target)
        limit = wanted.limit >> 20
        raise RefusedText(_("expected a transfer of at most {limit} MiB, found more").format(limit=limit))


class _Guard:
    """Ends a fetch that takes too long, wherever it is: in the TLS handshake, the headers or the body."""

    def __init__(self, seconds: float) -> None:
        self._deadline = monotonic() + seconds
        self._ended = False
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []

    @property
    def left(self) -> float:
        """Seconds."""
        return 0.0 if self._ended else max(self._deadline - monotonic(), 0.0)

    @property
    def expired(self) -> bool:
        return not self.left

    def watch(self, connection: socket.socket) -> None:
        # A duplicate: shutting it down ends the connection without touching the TLS object another thread reads.
        with self._lock:
            self._sockets.append(connection.dup())
        if self.expired:
            self.expire()

    def expire(self) -> None:
        self._ended = True
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

    def __init__(self, host: str, *, rules: FetchRules, guard: _Guard, context: ssl.SSLContext, **options: Any) -> None:
        super().__init__(host, context=context, **options)
        self._tls = context
        self._rules = rules
        self._guard = guard

    def connect(self) -> None:
        proxy = self._rules.proxy
        sock = self._connected() if proxy is None else self._at_proxy(proxy)
        try:
            self._guard.watch(sock)
            if proxy is not None:
                open_tunnel(sock, proxy, self.host, self.port)
            # suppress_ragged_eofs=False: a body that was cut off must not look finished.
            self.sock = self._tls.wrap_socket(sock, server_hostname=self.host, suppress_ragged_eofs=False)
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
        for address in admitted[:_MOST_ADDRESSES]:
            if self._guard.expired:
                break
            try:
                return self._connection(address, self.port)
            except OSError as failure:
                error = failure
        raise error or TimeoutError

    def _connection(self, host: str, port: int) -> socket.socket:
        # Not 0 seconds, which would mean not to wait at all.
        sock = socket.create_connection((host, port), min(self._rules.step_seconds, self._guard.left or 0.001))
        sock.settimeout(self._rules.step_seconds)
        return sock

    def _at_proxy(self, proxy: Proxy) -> socket.socket:
        refuse_nearby(self.host, self._rules.admits)
        try:
            return self._connection(proxy.host, proxy.port)
        except OSError as error:
            message = _("the proxy {proxy} cannot be reached: {error}").format(proxy=proxy, error=_describe(error))
            raise _Passing(message) from error


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, rules: FetchRules, guard: _Guard) -> None:
        self._tls = rules.context()
        super().__init__(context=self._tls)
        self._rules = rules
        self._guard = guard

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        def connect(host: str, **options: Any) -> _Connection:
            return _Connection(host, rules=self._rules, guard=self._guard, context=self._tls, **options)

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


def _open(wanted: _Wanted, guard: _Guard, kept: Kept) -> http.client.HTTPResponse | None:
    rules = wanted.rules
    request = urllib.request.Request(  # noqa: S310 - check_url has admitted https only
        wanted.url, headers={"User-Agent": "schoolfilter", "Accept-Encoding": "identity" if wanted.exact else "gzip"}
    )
    if kept.size:
        request.add_header("Range", f"bytes={kept.size}-")
        request.add_header("If-Range", kept.validator)
    else:
        if wanted.marks.etag:
            request.add_header("If-None-Match", wanted.marks.etag)
        if wanted.marks.last_modified:
            request.add_header("If-Modified-Since", wanted.marks.last_modified)
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
            if error.code == HTTPStatus.NOT_MODIFIED and wanted.marks != Marks() and not kept.size:
                return None
            raise _refusal(wanted, error) from error
    return response


def _refusal(wanted: _Wanted, error: urllib.error.HTTPError) -> FetchError:
    """Return what is to be said about an answer that brings no list."""
    if error.code == HTTPStatus.NOT_MODIFIED:  # than what? We named no version that we have.
        forget_part(wanted.target)
    if 300 <= error.code < 400 and "Location" in error.headers:
        check_url(urljoin(error.url, error.headers["Location"]))  # what urllib itself would not follow
        message = _("{url}: expected at most {limit} redirects, found more, or a circle of them")
        return FetchError(message.format(url=shown(wanted.url), limit=_REDIRECTIONS))
    if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        forget_part(wanted.target)
        return _Passing(
            _("{url}: the server does not continue where it was cut off").format(url=shown(wanted.url)), 0.0
        )
    message = _("{url}: the server answers {code} {reason}")
    text = message.format(url=shown(wanted.url), code=error.code, reason=error.reason)
    return _Passing(text, _asked_pause(error.headers)) if error.code in _PASSING else FetchError(text)


def _asked_pause(headers: Message) -> float | None:
    """Return the seconds that a server asks for by Retry-After; None if it does not, or in no known way."""
    asked = headers.get("Retry-After", "")
    if asked.isdecimal():
        return float(asked)
    try:
        # By the server's own clock: the school's may be wrong.
        pause = (parsedate_to_datetime(asked) - parsedate_to_datetime(headers.get("Date", ""))).total_seconds()
    except (TypeError, ValueError):
        return None
    return max(pause, 0.0)


def _chunks(response: http.client.HTTPResponse, wanted: _Wanted, guard: _Guard) -> Iterator[bytes]:
    size = 0
    with _in_words(wanted, guard):
        while piece := response.read1(_PIECE):
            size += len(piece)
            yield piece
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and size != int(announced):  # http.client does not mind a body that ends early
        raise _too_long(wanted) if guard.expired else _cut_off(wanted, int(announced), size)


def _cut_off(wanted: _Wanted, announced: int, size: int) -> _Passing:
    message = _("{url}: expected {announced} bytes, found {size}: the transfer was cut off")
    return _Passing(message.format(url=shown(wanted.url), announced=announced, size=size))


@contextmanager
def _in_words(wanted: _Wanted, guard: _Guard) -> Iterator[None]:
    """Turn what went wrong on the way into words."""
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError) as error:
        if guard.expired:
            raise _too_long(wanted) from error
        text = _("{url}: {error}").format(url=shown(wanted.url), error=_describe(error))
        raise (_Passing(text) if _may_pass(error) else FetchError(text)) from error


def _too_long(wanted: _Wanted) -> FetchError:
    limit = round(wanted.rules.total_seconds)
    return FetchError(
        _("{url}: expected the list within {limit} s, it took longer").format(url=shown(wanted.url), limit=limit)
    )


def _may_pass(error: Exception) -> bool:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLError):
        return isinstance(reason, (ssl.SSLEOFError, ssl.SSLZeroReturnError))
    if isinstance(reason, socket.gaierror):
        return reason.errno == socket.EAI_AGAIN
    return isinstance(reason, (OSError, http.client.HTTPException))


def _describe(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return _("the server did not answer in time")
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(reason) or type(reason).__name__
