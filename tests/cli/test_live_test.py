"""The live test: what an answer is taken for, and when it is the expected one."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from dnslib import EDNS0, QTYPE, RR, A, DNSRecord, EDNSOption

from cli import live_test
from cli.live_test import _reachable, agrees, ask
from resolver.wire import EDE, Rcode

Answer = Callable[[DNSRecord], DNSRecord | None]


@contextmanager
def server(answer: Answer) -> Iterator[int]:
    """Answer questions on a port of loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(5)

        def serve() -> None:
            while True:
                data, peer = sock.recvfrom(65535)
                if not data:
                    return
                reply = answer(DNSRecord.parse(data))
                if reply is not None:
                    sock.sendto(reply.pack(), peer)

        thread = threading.Thread(target=serve)
        thread.start()
        port = sock.getsockname()[1]
        try:
            yield port
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                other.sendto(b"", ("127.0.0.1", port))
            thread.join()


def replying(rcode: int, *, address: str = "", extended: int | None = None) -> Answer:
    """Return what answers with this code, address and Extended DNS Error."""

    def answer(query: DNSRecord) -> DNSRecord:
        reply = query.reply(ra=1)
        reply.header.rcode = rcode
        if address:
            reply.add_answer(RR(query.q.qname, QTYPE.A, rdata=A(address)))
        options = [] if extended is None else [EDNSOption(EDE, extended.to_bytes(2) + b"why")]
        reply.add_ar(EDNS0(opts=options))
        return reply

    return answer


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (replying(Rcode.NOERROR, address="198.51.100.7"), "open"),
        (replying(Rcode.NOERROR), "open"),
        (replying(Rcode.NXDOMAIN), "open"),
        (replying(Rcode.NOERROR, address="0.0.0.0", extended=17), "closed"),
        (replying(Rcode.NOERROR, address="0.0.0.0", extended=15), "closed"),
        (replying(Rcode.NXDOMAIN, extended=16), "closed"),
        (replying(Rcode.NOERROR, address="198.51.100.7", extended=3), "open"),
        (replying(Rcode.SERVFAIL, extended=22), "failed"),
        (replying(Rcode.REFUSED, extended=18), "refused"),
    ],
)
def test_an_answer_is_taken_for_what_it_is(answer: Answer, found: str) -> None:
    with server(answer) as port:
        assert ask("127.0.0.1", port, "name.example.org") == found


@pytest.mark.parametrize("answer", [lambda _query: None, lambda _query: DNSRecord().reply()])
def test_no_answer_and_one_to_another_question_are_none(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    monkeypatch.setattr(live_test, "TIMEOUT", 0.05)
    with server(answer) as port:
        assert ask("127.0.0.1", port, "name.example.org") == "silent"


def test_a_closed_port_gives_no_answer() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    assert ask("127.0.0.1", port, "name.example.org") == "silent"


@pytest.mark.parametrize(
    ("expected", "found", "verdict"),
    [
        ("open", "open", True),
        ("closed", "closed", True),
        ("safe", "open", True),
        ("local", "open", True),
        ("refused", "refused", True),
        ("open", "closed", False),
        ("safe", "closed", False),
        ("closed", "open", False),
        ("closed", "failed", False),
        ("closed", "silent", False),
        ("open", "silent", False),
        ("open", "refused", False),
        ("refused", "open", False),
        ("open", "failed", None),
        ("safe", "failed", None),
        ("refused", "silent", None),
    ],
)
def test_only_what_needs_somebody_outside_can_be_unknown(expected: str, found: str, verdict: bool | None) -> None:
    assert agrees(expected, found) is verdict


@pytest.mark.parametrize(
    ("listen", "reachable"),
    [
        ("0.0.0.0:53", ("127.0.0.1", 53)),
        ("[::]:5353", ("::1", 5353)),
        ("192.0.2.53:53", ("192.0.2.53", 53)),
        ("[2001:db8::53]:53", ("2001:db8::53", 53)),
    ],
)
def test_a_server_is_asked_where_this_machine_reaches_it(listen: str, reachable: tuple[str, int]) -> None:
    assert _reachable(listen) == reachable
