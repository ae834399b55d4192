"""Lists come over TLS from admitted addresses only, in bounded time, whole or not at all."""

import ipaddress
import socket
import ssl
import threading
from pathlib import Path

import pytest

from blocklists import fetch as fetching
from blocklists.errors import FetchError, RefusedText
from blocklists.fetch import FetchRules, Marks, fetch
from blocklists.parts import Kept, find_part, forget_part, keep_part
from blocklists.places import IpAddress, check_url, is_public, shown
from blocklists.proxy import Proxy, parse_proxy
from tests.blocklists.https_server import (
    PUBLIC_NAME,
    Answer,
    listening,
    loopback_rules,
    make_certificate,
    proxying,
    respond,
    serving,
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls") / "both.pem")


BODY = b"example.org\n" * 1000


REST = f"bytes 100-{len(BODY) - 1}/{len(BODY)}"
STRONG = ('ETag: "v1"', "Accept-Ranges: bytes")


def test_a_list_is_fetched_with_its_marks(certificate: Path, tmp_path: Path) -> None:
    answer = respond("200 OK", f"Content-Length: {len(BODY)}", 'ETag: "v1"', "Last-Modified: yesterday", body=BODY)
    target = tmp_path / "part"
    seen: list[tuple[int, int | None]] = []
    with serving(certificate, answer) as server:
        found = fetch(
            server.url(),
            target,
            loopback_rules(certificate),
            Marks('"v0"', "before"),
            progress=lambda done, total: seen.append((done, total)),
        )
    assert found == Marks('"v1"', "yesterday")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [BODY]
    assert 'If-None-Match: "v0"' in server.requests[0]
    assert "If-Modified-Since: before" in server.requests[0]
    assert "Accept-Encoding: gzip" in server.requests[0]
    assert [done for done, _total in seen] == sorted(done for done, _total in seen)
    assert seen[-1] == (len(BODY), len(BODY))


def test_not_modified_is_none(certificate: Path, tmp_path: Path) -> None:
    with serving(certificate, respond("304 Not Modified")) as server:
        assert fetch(server.url(), tmp_path / "part", loopback_rules(certificate), Marks('"v1"')) is None
    assert not list(tmp_path.iterdir())


def test_a_server_that_says_not_modified_unasked_is_an_error(certificate: Path, tmp_path: Path) -> None:
    """A list without any text would be registered otherwise."""
    target = tmp_path / "part"
    with serving(certificate, respond("304 Not Modified")) as server:
        for marks in (Marks(), Marks('"v0"')):
            if marks != Marks():
                cut_off(target, server.url())
            with pytest.raises(FetchError, match="answers 304"):
                fetch(server.url(), target, loopback_rules(certificate), marks)
            assert not list(tmp_path.iterdir())


def failure(certificate: Path, answer: Answer, **changes: object) -> str:
    with serving(certificate, answer) as server, pytest.raises(FetchError) as caught:
        read(server.url(), loopback_rules(certificate, **changes), certificate)
    return str(caught.value)


def read(url: str, rules: FetchRules, certificate: Path) -> bytes:
    target = certificate.with_name("part")
    forget_part(target)
    fetch(url, target, rules)
    return target.read_bytes()


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
    ],
)
def test_a_redirect_to_anything_but_https_is_refused(certificate: Path, target: str) -> None:
    assert target in failure(certificate, respond("302 Found", f"Location: {target}"))


@pytest.mark.parametrize("target", ["https://user:secret@localhost/list.txt", "http://localhost/list.txt?key=secret"])
def test_what_is_secret_in_an_address_is_not_shown(certificate: Path, target: str) -> None:
    shown = failure(certificate, respond("302 Found", f"Location: {target}"))
    assert "localhost/list.txt" in shown
    assert "secret" not in shown


def test_a_key_in_the_address_of_a_list_is_not_shown(certificate: Path, tmp_path: Path) -> None:
    for status in ("404 Not Found", "500 Oops", "302 Found\r\nLocation: /list.txt?key=secret"):
        with serving(certificate, respond(status, "Content-Length: 0")) as server, pytest.raises(FetchError) as caught:
            fetch(server.url("/list.txt?key=secret"), tmp_path / "part", loopback_rules(certificate))
        assert "/list.txt?…" in str(caught.value)
        assert "secret" not in str(caught.value)


def test_a_redirect_to_an_address_that_is_not_admitted_is_refused(certificate: Path) -> None:
    assert "public address" in failure(certificate, respond("302 Found", "Location: https://192.0.2.1/list.txt"))


def test_redirects_have_an_end(certificate: Path) -> None:
    answer = respond("302 Found", "Location: /again", "Content-Length: 0")
    with serving(certificate, answer) as server, pytest.raises(FetchError, match="at most 5 redirects"):
        read(server.url(), loopback_rules(certificate), certificate)
    assert len(server.requests) < 12


def test_a_redirect_on_the_same_terms_is_followed(certificate: Path) -> None:
    def answer(request: str, tls: ssl.SSLSocket) -> None:
        moved = respond("301 Moved", "Location: /new.txt", "Content-Length: 0")
        there = respond("200 OK", f"Content-Length: {len(BODY)}", body=BODY)
        (there if "/new.txt" in request else moved)(request, tls)

    with serving(certificate, answer) as server:
        assert read(server.url(), loopback_rules(certificate), certificate) == BODY


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
        read(server.url(), rules, certificate)


def test_the_program_never_connects_to_this_machine(certificate: Path) -> None:
    with serving(certificate, respond("200 OK", body=BODY)) as server:
        for host in ("localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"):
            with pytest.raises(FetchError, match="public address"):
                read(f"https://{host}:{server.port}/", FetchRules(), certificate)
        assert server.requests == []


def test_a_name_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    rules = FetchRules(sleep=lambda _seconds: None)
    with pytest.raises(FetchError):
        fetch("https://does-not-exist.invalid/", tmp_path / "part", rules)


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
    ("url", "expected"),
    [
        ("https://example.org/list.txt", "https://example.org/list.txt"),
        ("https://user:hunter2@example.org/list.txt", "https://example.org/list.txt"),
        ("https://cdn.example.org/gh/maker/lists@latest/x", "https://cdn.example.org/gh/maker/lists@latest/x"),
        ("https://example.org/?key=hunter2#x", "https://example.org/?…"),
        ("https://user:hunt?er2@example.org/", "https://user:hunt?…"),
        ("https://example.org/#hunter2", "https://example.org/"),
        ("nonsense", "nonsense"),
    ],
)
def test_an_address_is_shown_without_what_is_secret(url: str, expected: str) -> None:
    assert shown(url) == expected


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
        ("fec0::1", False),
        ("::127.0.0.1", False),
        ("::ffff:0:127.0.0.1", False),
        ("64:ff9b:1::7f00:1", False),
        ("3fff::1", False),
        ("5f00::1", False),
        ("2002:909:909::", True),
    ],
)
def test_which_addresses_are_public(text: str, public: bool) -> None:
    address: IpAddress = ipaddress.ip_address(text)
    assert is_public(address) is public


# Once more, and on from where it was cut off


class Flaky:
    """A server whose connection breaks a few times, and which can go on from there."""

    def __init__(self, breaks: int, *headers: str, body: bytes = BODY) -> None:
        self.left = breaks
        self.headers = headers
        self.body = body

    def __call__(self, request: str, tls: ssl.SSLSocket) -> None:
        start = int(request.partition("Range: bytes=")[2].partition("-")[0] or 0)
        rest = self.body[start:]
        status = "206 Partial Content" if start else "200 OK"
        content = [f"Content-Range: bytes {start}-{len(self.body) - 1}/{len(self.body)}"] if start else []
        # What has not changed need not be said again (RFC 9110, 15.3.7).
        headers = [*(() if start else self.headers), *content, f"Content-Length: {len(rest)}"]
        if self.left:
            self.left -= 1
            rest = rest[: len(rest) // 2]
        respond(status, *headers, body=rest)(request, tls)


@pytest.mark.parametrize(
    ("headers", "validator"),
    [
        (STRONG, '"v1"'),
        (
            ("Last-Modified: Wed, 02 Sep 2026 08:00:00 GMT", "Date: Wed, 02 Sep 2026 09:00:00 GMT"),
            "Wed, 02 Sep 2026 08:00:00 GMT",
        ),
    ],
    ids=["etag", "date"],
)
def test_what_was_cut_off_is_continued(
    certificate: Path, tmp_path: Path, headers: tuple[str, ...], validator: str
) -> None:
    waits: list[float] = []
    target = tmp_path / "part"
    progress: list[int] = []
    with serving(certificate, Flaky(2, *headers)) as server:
        rules = loopback_rules(certificate, sleep=waits.append)
        marks = fetch(server.url(), target, rules, progress=lambda done, _total: progress.append(done))
    assert marks in (Marks(validator, ""), Marks("", validator))
    assert target.read_bytes() == BODY
    assert [path.name for path in tmp_path.iterdir()] == ["part"]
    assert len(server.requests) == 3
    assert f"Range: bytes={len(BODY) // 2}-" in server.requests[1]
    assert all(f"If-Range: {validator}" in request for request in server.requests[1:])
    assert waits == [2.0, 6.0]
    assert progress == sorted(progress)


def test_the_next_refresh_goes_on_where_this_one_gave_up(certificate: Path, tmp_path: Path) -> None:
    target = tmp_path / "part"
    rules = loopback_rules(certificate)
    with serving(certificate, Flaky(3, *STRONG)) as server:
        with pytest.raises(FetchError, match="cut off"):
            fetch(server.url(), target, rules)
        kept = target.stat().st_size
        assert 0 < kept < len(BODY)
        assert fetch(server.url(), target, rules, Marks('"v0"')) == Marks('"v1"', "")
    assert target.read_bytes() == BODY
    assert f"Range: bytes={kept}-" in server.requests[-1]
    assert "If-None-Match" not in server.requests[-1]


@pytest.mark.parametrize(
    "headers",
    [
        ('ETag: W/"v1"',),
        (),
        ("Last-Modified: Wed, 02 Sep 2026 08:00:00 GMT", "Date: Wed, 02 Sep 2026 08:00:30 GMT"),
        ("Last-Modified: Wed, 02 Sep 2026 08:00:00 GMT",),
        ("Last-Modified: nonsense", "Date: nonsense"),
    ],
    ids=["weak", "none", "fresh", "no-clock", "nonsense"],
)
def test_a_version_that_cannot_be_told_from_the_next_one_is_not_continued(
    certificate: Path, tmp_path: Path, headers: tuple[str, ...]
) -> None:
    with serving(certificate, Flaky(1, *headers)) as server:
        fetch(server.url(), tmp_path / "part", loopback_rules(certificate))
    assert (tmp_path / "part").read_bytes() == BODY
    assert not any("Range:" in request for request in server.requests)


def cut_off(target: Path, url: str, version: str = '"v1"') -> None:
    """Leave a part behind, as a transfer does that breaks."""
    with target.open("wb") as file:
        file.write(BODY[:100])
        keep_part(target, file, Kept(url, False, version, 100))
    assert find_part(target, url, False).size == 100


@pytest.mark.parametrize(
    ("first", "requests"),
    [
        (respond("200 OK", 'ETag: "v2"', body=BODY), 1),
        (respond("416 Range Not Satisfiable", "Content-Range: bytes */50"), 2),
        (respond("206 Partial Content", "Content-Range: bytes 50-99/100", body=b"x" * 50), 2),
        (respond("206 Partial Content", body=b"x" * 50), 2),
        (respond("206 Partial Content", 'ETag: "v2"', f"Content-Range: {REST}", body=b"x" * (len(BODY) - 100)), 2),
        (respond("206 Partial Content", "Content-Type: multipart/byteranges; boundary=x", body=b"--x"), 2),
    ],
    ids=["changed", "shorter", "elsewhere", "anywhere", "another", "many"],
)
def test_a_part_that_does_not_fit_any_more_is_fetched_from_the_start(
    certificate: Path, tmp_path: Path, first: Answer, requests: int
) -> None:
    def answer(request: str, tls: ssl.SSLSocket) -> None:
        (first if "Range: bytes=100-" in request else respond("200 OK", body=BODY))(request, tls)

    target = tmp_path / "part"
    with serving(certificate, answer) as server:
        cut_off(target, server.url())
        fetch(server.url(), target, loopback_rules(certificate))
    assert target.read_bytes() == BODY
    assert len(server.requests) == requests


def test_a_part_of_a_later_day_is_not_joined_to_ours(certificate: Path, tmp_path: Path) -> None:
    day = "Last-Modified: Thu, 03 Sep 2026 08:00:00 GMT"

    def answer(request: str, tls: ssl.SSLSocket) -> None:
        part = respond("206 Partial Content", day, f"Content-Range: {REST}", body=b"x" * (len(BODY) - 100))
        (part if "Range: bytes=100-" in request else respond("200 OK", body=BODY))(request, tls)

    target = tmp_path / "part"
    with serving(certificate, answer) as server:
        cut_off(target, server.url(), "Wed, 02 Sep 2026 08:00:00 GMT")
        fetch(server.url(), target, loopback_rules(certificate))
    assert target.read_bytes() == BODY


def test_a_server_that_sends_less_than_the_rest_is_asked_for_more(certificate: Path, tmp_path: Path) -> None:
    def answer(request: str, tls: ssl.SSLSocket) -> None:
        start = int(request.partition("Range: bytes=")[2].partition("-")[0])
        piece = BODY[start : start + len(BODY) // 2]
        content = f"Content-Range: bytes {start}-{start + len(piece) - 1}/{len(BODY)}"
        respond("206 Partial Content", content, f"Content-Length: {len(piece)}", body=piece)(request, tls)

    target = tmp_path / "part"
    with serving(certificate, answer) as server:
        cut_off(target, server.url())
        with pytest.raises(FetchError, match=f"expected {len(BODY)} bytes, found {100 + len(BODY) // 2}"):
            fetch(server.url(), target, loopback_rules(certificate, tries=1))
        fetch(server.url(), target, loopback_rules(certificate, tries=1))
    assert target.read_bytes() == BODY


def test_a_part_that_nobody_asked_for_is_not_taken_for_the_whole(certificate: Path) -> None:
    answer = respond("206 Partial Content", "Content-Range: bytes 0-99/100000", body=BODY[:100])
    assert "does not continue" in failure(certificate, answer)


@pytest.mark.parametrize("damage", ["state", "size", "url", "exact"])
def test_a_part_of_something_else_is_not_continued(certificate: Path, tmp_path: Path, damage: str) -> None:
    target = tmp_path / "part"
    with serving(certificate, respond("200 OK", body=BODY)) as server:
        cut_off(target, server.url("/other") if damage == "url" else server.url())
        if damage == "state":
            target.with_name("part.state").write_text("[]")
        elif damage == "size":
            target.write_bytes(BODY[:99])  # the power went before all of it was on the disk
        fetch(server.url(), target, loopback_rules(certificate), exact=damage == "exact")
    assert target.read_bytes() == BODY
    assert "Range:" not in server.requests[0]


def test_a_part_without_a_note_is_worth_nothing(certificate: Path, tmp_path: Path) -> None:
    """The power went in the middle of a transfer: nobody knows what of it is on the disk."""
    (tmp_path / "part").write_bytes(b"\0" * 100)
    with serving(certificate, respond("200 OK", *STRONG, body=BODY)) as server:
        fetch(server.url(), tmp_path / "part", loopback_rules(certificate))
    assert (tmp_path / "part").read_bytes() == BODY
    assert "Range:" not in server.requests[0]


@pytest.mark.parametrize("announced", [True, False])
def test_what_is_too_large_is_refused_and_not_kept(certificate: Path, tmp_path: Path, announced: bool) -> None:
    headers = [f"Content-Length: {3 << 20}"] if announced else []
    answer = respond("200 OK", *STRONG, *headers, body=b"x" * (3 << 20))
    with serving(certificate, answer) as server:
        cut_off(tmp_path / "part", server.url())
        with pytest.raises(RefusedText, match="at most 1 MiB"):
            fetch(server.url(), tmp_path / "part", loopback_rules(certificate), limit=1 << 20)
    assert not list(tmp_path.iterdir())
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "headers", "waits"),
    [
        ("500 Oops", (), [2.0, 6.0]),
        ("503 Busy", ("Retry-After: 7",), [7.0, 7.0]),
        ("429 Slowly", ("Retry-After: 61",), []),
        ("429 Slowly", ("Retry-After: 99999999999999999999",), []),
        ("429 Slowly", ("Retry-After: soon",), [2.0, 6.0]),
        (
            "429 Slowly",
            ("Retry-After: Wed, 02 Sep 2026 08:00:09 GMT", "Date: Wed, 02 Sep 2026 08:00:00 GMT"),
            [9.0, 9.0],
        ),
        ("404 Not Found", (), []),
        ("403 Forbidden", ("Retry-After: 1",), []),
    ],
    ids=["500", "asked", "asked-too-much", "absurd", "nonsense", "date", "404", "403"],
)
def test_what_may_pass_is_tried_again_after_a_while(
    certificate: Path, status: str, headers: tuple[str, ...], waits: list[float]
) -> None:
    waited: list[float] = []
    assert status in failure(certificate, respond(status, *headers), sleep=waited.append)
    assert waited == waits


def test_a_server_that_is_not_there_is_tried_again(certificate: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    waited: list[float] = []
    with pytest.raises(FetchError, match="refused"):
        fetch(f"https://localhost:{port}/", tmp_path / "part", loopback_rules(certificate, sleep=waited.append))
    assert waited == [2.0, 6.0]


@pytest.mark.parametrize(("total", "waits"), [(40.0, [15.0, 15.0, 10.0]), (300.0, [15.0] * 8)])
def test_a_host_with_many_addresses_takes_no_longer_than_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, total: float, waits: list[float]
) -> None:
    clock = [0.0]
    waited: list[float] = []

    def connect(_address: tuple[str, int], seconds: float) -> socket.socket:
        waited.append(seconds)
        clock[0] += seconds
        raise TimeoutError

    entries = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (f"9.9.9.{number}", 443)) for number in range(50)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: entries)
    monkeypatch.setattr(socket, "create_connection", connect)
    monkeypatch.setattr(fetching, "monotonic", lambda: clock[0])
    with pytest.raises(FetchError, match="took longer" if total < 100 else "in time"):
        fetch("https://example.org/", tmp_path / "part", FetchRules(total_seconds=total, tries=1))
    assert waited == waits


def test_nobody_waits_for_a_try_that_would_come_too_late(certificate: Path) -> None:
    waited: list[float] = []
    assert "503" in failure(
        certificate, respond("503 Busy", "Retry-After: 50"), total_seconds=40.0, sleep=waited.append
    )
    assert waited == []


def test_a_certificate_that_is_not_ours_is_not_tried_again(certificate: Path, tmp_path: Path) -> None:
    waited: list[float] = []
    rules = FetchRules(lambda address: address.is_loopback, sleep=waited.append)
    with serving(certificate, respond("200 OK")) as server, pytest.raises(FetchError, match=r"(?i)certificate"):
        fetch(server.url(), tmp_path / "part", rules)
    assert waited == []


def test_an_exact_file_is_not_asked_for_as_gzip(certificate: Path, tmp_path: Path) -> None:
    with serving(certificate, respond("200 OK", body=BODY)) as server:
        fetch(server.url(), tmp_path / "part", loopback_rules(certificate), exact=True)
    assert "Accept-Encoding: identity" in server.requests[0]


def test_a_full_disk_is_told_and_not_kept_full(certificate: Path, tmp_path: Path) -> None:
    (tmp_path / "part").symlink_to("/dev/full")
    answer = respond("200 OK", *STRONG, body=BODY * 100)
    with serving(certificate, answer) as server, pytest.raises(OSError, match="No space left"):
        fetch(server.url(), tmp_path / "part", loopback_rules(certificate))
    assert len(server.requests) == 1
    assert not list(tmp_path.iterdir())


# Through a proxy


def test_a_list_comes_through_a_proxy_that_cannot_read_it(certificate: Path) -> None:
    with serving(certificate, respond("200 OK", body=BODY)) as server, proxying() as proxy:
        rules = loopback_rules(certificate, proxy=Proxy("127.0.0.1", proxy.port))
        assert read(server.url(host=PUBLIC_NAME), rules, certificate) == BODY
    assert proxy.requests[0].startswith(f"CONNECT {PUBLIC_NAME}:{server.port} HTTP/1.1\r\n")
    assert "Proxy-Authorization" not in proxy.requests[0]
    assert f"Host: {PUBLIC_NAME}" in server.requests[0]


def test_a_proxy_is_told_the_user_and_nobody_else_is(certificate: Path) -> None:
    with serving(certificate, respond("200 OK", body=BODY)) as server, proxying() as proxy:
        configured = parse_proxy(f"http://school:p%40ss@127.0.0.1:{proxy.port}")
        rules = loopback_rules(certificate, proxy=configured)
        read(server.url(host=PUBLIC_NAME), rules, certificate)
    assert "Proxy-Authorization: Basic c2Nob29sOnBAc3M=" in proxy.requests[0]
    assert "uthorization" not in server.requests[0]
    assert "p@ss" not in repr(rules)
    assert "p@ss" not in str(configured)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("407 Proxy Authentication Required", "wants a user and a password"),
        ("403 Forbidden", "answers 403"),
        ("SSH-2.0", "expected an HTTP proxy"),
    ],
    ids=["407", "403", "none"],
)
def test_a_proxy_that_refuses_is_named_without_its_password(certificate: Path, answer: str, expected: str) -> None:
    with proxying(answer) as proxy:
        rules = loopback_rules(certificate, proxy=Proxy("127.0.0.1", proxy.port, "school", "secret"))
        with pytest.raises(FetchError, match=expected) as caught:
            read(f"https://{PUBLIC_NAME}/", rules, certificate)
    assert "secret" not in str(caught.value)
    assert str(proxy.port) in str(caught.value)


def test_a_proxy_that_hangs_up_is_named(certificate: Path) -> None:
    with listening(lambda raw: raw.close()) as port:
        rules = loopback_rules(certificate, proxy=Proxy("127.0.0.1", port))
        with pytest.raises(FetchError):
            read(f"https://{PUBLIC_NAME}/", rules, certificate)


def test_a_proxy_that_never_ends_is_left(certificate: Path) -> None:
    with proxying("200 OK\r\n" + "X: y\r\n" * 5000) as proxy:
        rules = loopback_rules(certificate, proxy=Proxy("127.0.0.1", proxy.port))
        with pytest.raises(FetchError, match="expected an HTTP proxy"):
            read(f"https://{PUBLIC_NAME}/", rules, certificate)


def test_a_proxy_that_is_not_there_is_named(certificate: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    rules = loopback_rules(certificate, proxy=Proxy("127.0.0.1", port, "school", "secret"))
    with pytest.raises(FetchError, match=f"the proxy 127.0.0.1:{port} cannot be reached: Connection refused"):
        read(f"https://{PUBLIC_NAME}/", rules, certificate)


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "192.0.2.1", "[fd00::1]", "router", "nas.local", "printer.home.arpa", "files.internal."),
        *("127.1", "0x7f.1", "0177.0.0.1", "10.1", "2130706433", "0x7F000001", "192.0.2.1.", "1.0x"),
        *("printer.lan", "x.localdomain", "foo.home", "host.test", "Nas.LAN.", "x.corp", "x.onion", "x.intranet"),
    ],
)
def test_a_proxy_is_not_asked_for_what_is_nearby(certificate: Path, host: str) -> None:
    with proxying() as proxy:
        rules = loopback_rules(certificate, proxy=Proxy("127.0.0.1", proxy.port))
        with pytest.raises(FetchError, match="nearby"):
            read(f"https://{host}/", rules, certificate)
    assert proxy.requests == []


def test_a_proxy_cannot_pretend_to_be_the_server(certificate: Path, tmp_path: Path) -> None:
    """It leads us to a server with a certificate for another name."""
    with serving(certificate, respond("200 OK", body=BODY)) as server, proxying() as proxy:
        rules = loopback_rules(certificate, proxy=Proxy("127.0.0.1", proxy.port))
        with pytest.raises(FetchError, match=r"(?i)certificate"):
            fetch(server.url(host="other.example.org"), tmp_path / "part", rules)
    assert server.requests == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("http://192.0.2.1:3128", Proxy("192.0.2.1", 3128)),
        ("http://proxy.example.org/", Proxy("proxy.example.org", 3128)),
        ("http://[2001:db8::1]:8080", Proxy("2001:db8::1", 8080)),
        ("http://school:p%3Ass@192.0.2.1:8080", Proxy("192.0.2.1", 8080, "school", "p:ss")),
    ],
)
def test_a_proxy_is_read_from_the_settings(text: str, expected: Proxy | None) -> None:
    assert parse_proxy(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "192.0.2.1:3128",
        "https://192.0.2.1:3128",
        "socks5://192.0.2.1",
        "http://",
        "http://192.0.2.1:99999",
        "http://192.0.2.1/path",
        "http://u:secret@192.0.2.1\r\nX: y",
        "http://u:secret%0d%0aX@192.0.2.1",
    ],
)
def test_what_is_no_proxy_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(FetchError, match="expected a proxy such as") as caught:
        parse_proxy(text)
    assert "secret" not in str(caught.value)
