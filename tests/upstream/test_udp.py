"""Upstreams by UDP over real loopback sockets; the poll set is read by hand."""

import contextlib
import itertools
import math
import select
import socket
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from resolver.entropy import Entropy
from resolver.upstream.address import parse_upstream
from resolver.upstream.udp import FRESH_PER_SECOND, IDLE_SECONDS, PATIENCE, POOL, UdpSockets, UdpUpstream
from tests.harness import wire
from tests.resolver.world import address_record, response

QUESTION = wire.name_wire("WwW.eXaMpLe.org") + b"\x00\x01\x00\x01"
TAIL = b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + QUESTION
WAIT = 5.0
"""Seconds until a datagram on loopback must have come."""


class Listener:
    """Notes what a socket reports."""

    def __init__(self) -> None:
        self.replies: list[bytes] = []
        self.sent_at: list[float] = []
        self.mismatches: list[bool] = []
        self.errors = 0

    def on_reply(self, reply: bytes, sent_at: float) -> None:
        """See Asked."""
        self.replies.append(reply)
        self.sent_at.append(sent_at)

    def on_mismatch(self, *, only_case: bool) -> None:
        """See Asked."""
        self.mismatches.append(only_case)

    def on_error(self) -> None:
        """See Asked."""
        self.errors += 1


class Wire:
    """An upstream's socket on loopback, and our sockets towards it."""

    def __init__(self, host: str) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.server = socket.socket(family, socket.SOCK_DGRAM)
        self.server.bind((host, 0))
        self.server.setblocking(False)
        self.batches = 0
        self.now = 100.0
        entropy = Entropy()
        self.sockets = UdpSockets(entropy, lambda: self.now, self._after)
        port = self.server.getsockname()[1]
        address = parse_upstream(f"udp://[{host}]:{port}" if ":" in host else f"udp://{host}:{port}")
        self.upstream = UdpUpstream(address, self.sockets, entropy)

    def _after(self) -> None:
        self.batches += 1

    def send(self, asked: Listener, question: bytes = QUESTION) -> None:
        """Send a question."""
        self.upstream.send(TAIL[:10] + question, question, asked, self.now)

    def receive(self) -> tuple[bytes, tuple[str, int]]:
        """Return a message that came to the upstream, and from where."""
        assert select.select([self.server], [], [], WAIT)[0]
        message, address = self.server.recvfrom(4096)
        return message, address[:2]

    def reply(self, message: bytes, to: tuple[str, int]) -> None:
        """Send a datagram to one of our sockets."""
        self.server.sendto(message, to)

    def read(self) -> None:
        """Let our side read what has come; something must have."""
        assert select.select([self.sockets._epoll.fileno()], [], [], WAIT)[0]
        self.sockets._readable()

    def close(self) -> None:
        """Close everything."""
        self.sockets.close()
        self.server.close()


@pytest.fixture(params=["127.0.0.1", "127.0.0.9", "::1"])
def link(request: pytest.FixtureRequest) -> Iterator[Wire]:
    """Return an upstream for each family."""
    made = Wire(request.param)
    yield made
    made.close()


@pytest.fixture
def usual() -> Iterator[Wire]:
    """Return an upstream."""
    made = Wire("127.0.0.1")
    yield made
    made.close()


def good(message: bytes) -> bytes:
    """Return the answer to a message."""
    return message[:2] + response(wire.question_of(message), address_record())[2:]


def test_a_question_and_its_answer(link: Wire) -> None:
    asked = Listener()
    link.send(asked)
    link.now += 0.5
    message, address = link.receive()
    assert message[2:] == TAIL
    link.reply(good(message), address)
    link.read()
    assert asked.replies == [good(message)]
    assert asked.sent_at == [100.0]
    assert link.batches == 1
    link.reply(good(message), address)
    link.read()
    assert len(asked.replies) == 1, "the same answer twice"


Change = Callable[[bytes], bytes]
JUNK: dict[str, Change] = {
    "nothing": lambda _: b"",
    "an octet": lambda _: b"\x00",
    "an id": lambda good: good[:2],
    "eleven octets": lambda good: good[:11],
    "another id": lambda good: bytes((good[0] ^ 1,)) + good[1:],
    "a query": lambda good: good[:2] + b"\x01" + good[3:],
    "another opcode": lambda good: good[:2] + b"\xa0" + good[3:],
    "octets": lambda _: b"\xff" * 1200,
}
MISMATCHES: dict[str, tuple[Change, bool]] = {
    "another name": (lambda good: good.replace(b"eXaMpLe", b"eXaMpLf", 1), False),
    "another type": (lambda good: good[: 12 + len(QUESTION) - 3] + b"\x1c" + good[12 + len(QUESTION) - 2 :], False),
    "another class": (lambda good: good[: 12 + len(QUESTION) - 1] + b"\x03" + good[12 + len(QUESTION) :], False),
    "other letters": (lambda good: good.replace(b"eXaMpLe", b"example", 1), True),
    "no question though it is no error": (lambda good: good[:4] + bytes(8), False),
    "header only": (lambda good: good[:12], False),
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
def test_junk_before_the_good_answer_is_read_past(usual: Wire, junk: Change) -> None:
    asked = Listener()
    usual.send(asked)
    message, address = usual.receive()
    for _ in range(3):
        usual.reply(junk(good(message)), address)
    usual.reply(good(message), address)
    usual.read()
    assert asked.replies == [good(message)]
    assert not asked.mismatches
    assert not asked.errors


@pytest.mark.parametrize(("wrong", "only_case"), MISMATCHES.values(), ids=MISMATCHES)
def test_a_wrong_question_is_told_and_the_wait_goes_on(usual: Wire, wrong: Change, only_case: bool) -> None:
    """Row 1 of RELIABILITY.md section 1."""
    asked = Listener()
    usual.send(asked)
    message, address = usual.receive()
    usual.reply(wrong(good(message)), address)
    usual.read()
    assert asked.mismatches == [only_case]
    assert not asked.replies
    usual.reply(good(message), address)
    usual.read()
    assert asked.replies == [good(message)]


def test_a_lot_of_junk_is_read_in_turns(usual: Wire) -> None:
    asked = Listener()
    usual.send(asked)
    message, address = usual.receive()
    for _ in range(50):
        usual.reply(b"\x00" * 40, address)
    usual.reply(good(message), address)
    turns = 0
    while not asked.replies:
        usual.read()
        turns += 1
    assert turns > 1


def test_a_stranger_is_not_heard(usual: Wire) -> None:
    """The sockets are connected: another address or port cannot even reach us."""
    asked = Listener()
    usual.send(asked)
    message, address = usual.receive()
    for host in ("127.0.0.1", "127.0.0.2"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind((host, 0))
            with contextlib.suppress(ConnectionRefusedError):
                stranger.sendto(good(message), address)
    usual.reply(good(message), address)
    usual.read()
    assert len(asked.replies) == 1


@pytest.mark.parametrize("rcode", [1, 2, 4, 5])
def test_an_error_without_its_question_is_an_answer(usual: Wire, rcode: int) -> None:
    asked = Listener()
    usual.send(asked)
    message, address = usual.receive()
    usual.reply(message[:2] + bytes((0x80, rcode)) + bytes(8), address)
    usual.read()
    assert asked.replies == [message[:2] + bytes((0x80, rcode)) + b"\x00\x01" + bytes(6) + QUESTION]


def test_a_closed_port_is_told_to_all_who_wait_there(usual: Wire) -> None:
    usual.server.close()
    listeners = [Listener() for _ in range(3)]
    usual.upstream._fresh = 1.0
    usual.upstream._refilled = usual.now
    for asked in listeners:
        with contextlib.suppress(ConnectionRefusedError):  # the kernel may tell it at once
            usual.send(asked)
    usual.read()
    assert sum(asked.errors for asked in listeners) >= 1
    usual.server = socket.socket()


def test_several_questions_on_one_socket_are_told_apart(usual: Wire) -> None:
    usual.upstream._fresh = 1.0
    usual.upstream._refilled = usual.now
    names = [wire.name_wire(f"n{number}.example") + b"\x00\x01\x00\x01" for number in range(20)]
    listeners = [Listener() for _ in names]
    for asked, question in zip(listeners, names, strict=True):
        usual.send(asked, question)
    messages = [usual.receive() for _ in names]
    assert len({address for _, address in messages}) == 1
    assert len({message[:2] for message, _ in messages}) == 20
    for message, address in reversed(messages):
        usual.reply(good(message), address)
    while not all(asked.replies for asked in listeners):
        usual.read()
    for asked, question in zip(listeners, names, strict=True):
        assert [wire.question_of(reply) for reply in asked.replies] == [question]


def entropy_of(values: list[int]) -> float:
    """Return the Shannon entropy of some values, as part of what that many different ones would have."""
    counts = Counter(values)
    bits = -sum(count / len(values) * math.log2(count / len(values)) for count in counts.values())
    return bits / math.log2(len(values))


def test_ports_and_ids_cannot_be_guessed(usual: Wire) -> None:
    """Row 2: up to hundreds of queries a second each has a socket of its own."""
    ports, ids = [], []
    asked = Listener()
    for _ in range(300):
        usual.send(asked)
        message, address = usual.receive()
        ports.append(address[1])
        ids.append(int.from_bytes(message[:2]))
        usual.reply(good(message), address)
        usual.read()
    for values in (ports, ids):
        assert len(set(values)) > 0.9 * len(values)
        assert entropy_of(values) > 0.9
        steps = {later - earlier for earlier, later in itertools.pairwise(values)}
        assert len(steps) > 200, "they follow each other"
    assert min(ports) >= 1024
    assert max(ports) - min(ports) > 30_000
    assert max(ids) > 50_000
    assert min(ids) < 15_000


def test_above_a_rate_sockets_are_used_again(usual: Wire) -> None:
    asked = Listener()
    seen = Counter[int]()
    for _ in range(FRESH_PER_SECOND * 3):
        usual.send(asked)
        message, address = usual.receive()
        seen[address[1]] += 1
        usual.reply(good(message), address)
        usual.read()
    assert len(asked.replies) == FRESH_PER_SECOND * 3
    assert POOL * 0.9 <= len(seen) <= FRESH_PER_SECOND + 60
    assert max(seen.values()) < 60, "one port is favoured"
    usual.now += 1.0
    usual.send(asked)
    assert usual.receive()[1][1] not in seen or len(seen) < FRESH_PER_SECOND


def test_sockets_in_use_are_bounded(usual: Wire) -> None:
    asked = Listener()
    for _ in range(8 * POOL):
        usual.now += 1 / FRESH_PER_SECOND
        usual.send(asked)
        usual.receive()
        assert len(usual.sockets._by_fd) <= 4 * POOL + 1
    usual.now += PATIENCE
    for _ in range(POOL):
        usual.now += 1 / FRESH_PER_SECOND
        usual.send(asked)
        usual.receive()
    assert len(usual.sockets._by_fd) <= 4 * POOL + 1


def test_idle_sockets_are_closed(usual: Wire) -> None:
    asked = Listener()
    for _ in range(20):
        usual.send(asked)
    usual.upstream.sweep(usual.now + IDLE_SECONDS - 1)
    assert len(usual.sockets._by_fd) == 20
    usual.upstream.sweep(usual.now + IDLE_SECONDS + 1)
    assert not usual.sockets._by_fd
    usual.now += IDLE_SECONDS + 2
    usual.send(asked)
    assert len(usual.sockets._by_fd) == 1


def test_a_dropped_socket_is_dropped_once(usual: Wire) -> None:
    entry = usual.sockets.open(usual.upstream.address, usual.now)
    assert entry.sock.fileno() >= 0
    usual.sockets.drop(entry)
    usual.sockets.drop(entry)
    assert entry.sock.fileno() < 0


def test_taken_ports_are_passed_over(usual: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("", 0))
        port = taken.getsockname()[1]
        monkeypatch.setattr(Entropy, "below", lambda _self, _bound: port - 1024)
        asked = Listener()
        usual.send(asked)
        message, address = usual.receive()
        assert address[1] != port
        usual.reply(good(message), address)
        usual.read()
        assert asked.replies
