"""The live test of an act: the running server is asked for names of each kind, its answers compared with the policy."""

import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from random import Random
from typing import NamedTuple

from dnslib import EDNS0, QTYPE, DNSError, DNSQuestion, DNSRecord

from blocklists.index import Index, open_current
from cli.control import ControlError, read_listening
from cli.explanation import Asker, asker_of, explain
from journal.documents.lists_in_force import samples
from journal.documents.policy_state import PolicyState
from papers.act import LiveTest, Probed
from policy.categories import BY_ID
from policy.decision import Action
from policy.names import display_name, parse_name
from policy.snapshot import Snapshot
from resolver.answers import EDE_BLOCKED, EDE_CENSORED, EDE_FILTERED
from resolver.wire import EDE, Rcode
from settings.model import Settings

TIMEOUT = 4.0
"""Seconds: the server gives up on its upstreams before."""
_TRIES = 2
_LISTED, _PROTECTED = 3, 2
"""How many names of the director's list and of the protected ones are asked for."""
_NEUTRAL = ("example.org", "example.net")
"""Names that every resolver of the world knows and no list holds (RFC 2606)."""
_CLOSED = frozenset({EDE_BLOCKED, EDE_CENSORED, EDE_FILTERED})
_EXPECTED = {
    Action.ALLOW: "open",
    Action.BLOCK: "closed",
    Action.REWRITE: "safe",
    Action.LOCAL: "local",
    Action.REFUSE: "refused",
    Action.FAIL: "failed",
}
_AT_ONCE = 8


class _Question(NamedTuple):
    kind: str
    name: str
    expected: str


def live_test(settings: Settings, policy: PolicyState, seed: str, now: datetime) -> LiveTest:
    """Ask the running server. `seed`: what decides which names are taken. Raises ListError, OSError.

    The group is named by its id: act_of puts the title there in the language of the act.
    """
    try:
        listening = read_listening(settings.paths.run)
    except ControlError:
        listening = None
    if listening is None:
        return LiveTest("", "", "", ())
    listen = (listening.listen or settings.server.listen)[0]
    address, port = _reachable(listen)
    snapshot = policy.book.snapshot.at(now)
    asker = asker_of(snapshot, settings.server.allowed_networks, client=_own_address(address, port))
    index = open_current(settings.paths.lists)
    try:
        questions = _questions(settings, policy, snapshot, asker, index, seed, now)
    finally:
        index.close()
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        answers = list(pool.map(lambda question: ask(address, port, question.name), questions))
    tested = [
        Probed(each.kind, display_name(each.name), each.expected, found, agrees(each.expected, found))
        for each, found in zip(questions, answers, strict=True)
    ]
    return LiveTest(listen, asker.group, asker.level, tested)


def ask(address: str, port: int, name: str) -> str:
    """Return what the server makes of a name, as papers.act.Probed.found has it."""
    query = DNSRecord(q=DNSQuestion(name, QTYPE.A))
    query.header.rd = 1
    query.add_ar(EDNS0(udp_len=1232))
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(TIMEOUT)
        sock.connect((address, port))
        for _attempt in range(_TRIES):
            try:
                sock.send(query.pack())
                answer = DNSRecord.parse(sock.recv(65535))
            except (OSError, DNSError):
                continue
            if answer.header.id == query.header.id:
                return _found(answer)
    return "silent"


def agrees(expected: str, found: str) -> bool | None:
    """Return whether an answer is the expected one; None if nobody can tell, for no answer came from outside."""
    if expected == found:
        return True
    if expected == "refused" and found == "silent":
        return None
    if found in ("failed", "silent"):
        # A closed name needs nobody outside: no answer is no good answer there.
        return None if found == "failed" and expected in ("open", "safe") else False
    # By its looks the answer of a safe edition is one like any other.
    return {expected, found} <= {"open", "safe", "local"}


def _questions(
    settings: Settings,
    policy: PolicyState,
    snapshot: Snapshot,
    asker: Asker,
    index: Index,
    seed: str,
    now: datetime,
) -> list[_Question]:
    zones = {parse_name(zone) for zone in settings.upstream.zones}

    def expected(name: str) -> str:
        said = explain(snapshot, name, index.lookup(name), asker, index.generation, QTYPE.A, zones)
        return _EXPECTED[said.decision.action]

    chance = Random(seed)  # noqa: S311 - it has to be the same again, not secret
    listed = sorted({each.addition.name for each in policy.listed(now.date())})
    protected = [parse_name(name) for name in settings.school.protected]
    names = [("listed", name) for name in _some(chance, listed, _LISTED)]
    names += [("protected", name) for name in _some(chance, protected, _PROTECTED)]
    # Services that the council did not close are closed, if at all, because of their category.
    wanted = BY_ID.keys() | asker.view.closed
    found = samples(settings, index, seed, wanted, lambda name: expected(name) == "closed")
    names += [(each.category, each.name) for each in found]
    names += [("neutral", name) for name in _NEUTRAL]
    return [_Question(kind, name, expected(name)) for kind, name in names]


def _some(chance: Random, names: Sequence[str], most: int) -> list[str]:
    return sorted(chance.sample(names, min(len(names), most)))


def _found(answer: DNSRecord) -> str:
    for record in answer.ar:
        options = record.rdata if record.rtype == QTYPE.OPT else ()
        if any(each.code == EDE and int.from_bytes(each.data[:2]) in _CLOSED for each in options):
            return "closed"
    match answer.header.rcode:
        case Rcode.NOERROR | Rcode.NXDOMAIN:
            return "open"
        case Rcode.REFUSED:
            return "refused"
    return "failed"


def _reachable(listen: str) -> tuple[str, int]:
    """Return an address and port at which this machine reaches what listens there."""
    host, _colon, port = listen.rpartition(":")
    host = host.strip("[]")
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host), int(port)  # noqa: S104 - compared


def _own_address(address: str, port: int) -> str:
    """Return the address from which this machine's questions come there."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((address, port))
        return str(sock.getsockname()[0])
