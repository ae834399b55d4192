"""What clients may send and what they get for it: rows 5, 7, 18, 19, 20, 30, 31 and RELIABILITY section 5, Messages."""

import struct
from collections.abc import Callable
from typing import Any

import dns.flags
import dns.message
import pytest

from tests.harness import wire
from tests.harness.client import Udp, ask, ask_raw, ede, judged, rcode
from tests.harness.server import Server
from tests.harness.upstream import FakeUpstream, says
from tests.reliability.conftest import BLOCKED

Fresh = Callable[[str], str]
QID = b"\x12\x34"
ASK = QID + struct.pack("!HHHHH", wire.RD, 1, 0, 0, 0)
QUESTION = wire.name_wire("plain.example.org") + b"\0\1\0\1"


def _head(flags: int = wire.RD, qd: int = 1, an: int = 0, ns: int = 0, ar: int = 0) -> bytes:
    return QID + struct.pack("!HHHHH", flags, qd, an, ns, ar)


SILENT = {
    "nothing": b"",
    "one octet": b"\x12",
    "eleven octets": ASK[:11],
    "a response": _head(wire.QR | wire.RD) + QUESTION,
    "a response that is broken": _head(wire.QR, 5),
    "a header with QR and nothing else": _head(wire.QR, 0),
}

MALFORMED = {
    "header alone that promises a question": ASK,
    "name cut": ASK + b"\x05plai",
    "type cut": ASK + QUESTION[:-3],
    "no final label": ASK + QUESTION[:10],
    "pointer as name": ASK + b"\xc0\x0c\0\1\0\1",
    "pointer after a label": ASK + b"\x05plain\xc0\x0c\0\1\0\1",
    "pointer into the header": ASK + b"\xc0\x00\0\1\0\1",
    "pointer behind the end": ASK + b"\xff\xff\0\1\0\1",
    "label type 01": ASK + b"\x41" + b"a" * 65 + b"\0\0\1\0\1",
    "label type 10": ASK + b"\x80abc\0\0\1\0\1",
    "name of 256 octets": ASK + (b"\x3f" + b"a" * 63) * 3 + b"\x3e" + b"a" * 62 + b"\0" + b"\0\1\0\1",
    "name of 500 octets": ASK + (b"\x01a") * 250 + b"\0" + b"\0\1\0\1",
    "two questions": _head(qd=2) + QUESTION + QUESTION,
    "two questions promised": _head(qd=2) + QUESTION,
    "65535 questions": _head(qd=65535) + QUESTION,
    "no question": _head(qd=0),
    "no question but its bytes": _head(qd=0) + QUESTION,
    "two OPT records": _head(ar=2) + QUESTION + wire.opt() + wire.opt(),
    "OPT with data over the end": _head(ar=1) + QUESTION + wire.opt(length=60000),
    "OPT with a cut option": _head(ar=1) + QUESTION + wire.opt(b"\0\x0a\0\xff"),
    "OPT with half an option's head": _head(ar=1) + QUESTION + wire.opt(b"\0\x0a\0"),
    "OPT cut": _head(ar=1) + QUESTION + wire.opt()[:7],
    "OPT with an owner": _head(ar=1) + QUESTION + b"\x03abc" + wire.opt(),
    "OPT promised": _head(ar=1) + QUESTION,
    "65535 of everything": _head(qd=65535, an=65535, ns=65535, ar=65535) + QUESTION,
}


@pytest.mark.parametrize("what", SILENT)
def test_row_05_short_packets_and_responses_get_silence(server: Server, what: str) -> None:
    with Udp(server.address) as client:
        client.send(SILENT[what])
        # The answer to a later query shows that nothing was said before it.
        message = wire.query("localhost")
        client.send(message)
        found = client.receive()
    assert found is not None
    assert found[:2] == message[:2]


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("what", MALFORMED)
def test_row_05_and_07_what_cannot_be_read_is_formerr_with_the_id(server: Server, what: str, tcp: bool) -> None:
    found = ask_raw(server.address, MALFORMED[what], tcp=tcp)
    assert found is not None, "silence"
    qid, flags, *_ = wire.header(found)
    assert qid == 0x1234
    assert flags & wire.QR
    assert not flags & wire.AA
    assert flags & 15 == wire.FORMERR
    dns.message.from_wire(found)
    assert len(found) <= 512


def test_row_05_bytes_behind_the_message_do_no_harm(server: Server, fresh: Fresh) -> None:
    """BIND says FORMERR, unbound answers: either, but nothing of it comes back."""
    message = wire.query(fresh("tail")) + b"trailing"
    found = ask_raw(server.address, message)
    assert found is not None
    assert wire.rcode_of(found) in {wire.NOERROR, wire.FORMERR}
    assert b"trailing" not in found


@pytest.mark.parametrize("section", ["answer", "authority", "additional"])
def test_row_05_records_in_a_query_are_not_echoed(server: Server, fresh: Fresh, section: str) -> None:
    record = wire.record("smuggled.example.org", 300, "A", "203.0.113.5")
    counts = {"answer": (1, 0, 0), "authority": (0, 1, 0), "additional": (0, 0, 1)}[section]
    message = QID + struct.pack("!HHHHH", wire.RD, 1, *counts) + wire.name_wire(fresh("records")) + b"\0\1\0\1" + record
    found = ask_raw(server.address, message)
    assert found is not None
    assert wire.rcode_of(found) in {wire.NOERROR, wire.FORMERR}
    assert b"smuggled" not in found


def test_row_05_tsig_and_sig0_queries_are_answered_by_rule(server: Server, fresh: Fresh) -> None:
    """We hold no key: NOTAUTH, REFUSED, FORMERR or an unsigned answer; no crash, no TSIG made up."""
    tsig = b"\x03key\0" + struct.pack("!HHIH", 250, 255, 0, 58) + b"\x0bhmac-sha256\0" + b"\0" * 45
    for extra in (tsig, wire.opt() + tsig, b"\0" + struct.pack("!HHIH", 24, 255, 0, 4) + b"\0" * 4):
        message = _head(ar=1 + extra.startswith(wire.opt())) + wire.name_wire(fresh("tsig")) + b"\0\1\0\1" + extra
        found = ask_raw(server.address, message)
        assert found is not None
        assert wire.rcode_of(found) in {0, 1, 5, 9}
        assert b"hmac" not in found


def test_row_07_longest_labels_and_names_pass(server: Server, upstream: FakeUpstream) -> None:
    label = ("x" * 63) + ".example.org"
    full = (b"\x3f" + b"a" * 63) * 3 + b"\x3d" + b"a" * 61 + b"\0"
    assert len(full) == 255
    assert ask(server.address, label).answer
    for raw in (full, b"\x01b" * 127 + b"\0"):
        message = wire.query(raw, "A")
        found = ask_raw(server.address, message)
        assert found is not None
        assert rcode(judged(message, found)) == "NOERROR"


def test_row_07_odd_octets_in_names_pass_and_stand_escaped_in_the_log(server: Server, fresh: Fresh) -> None:
    name = fresh("odd")
    raw = b'\x0a\0\t\n\r"\\;.\xff<' + wire.name_wire(name)
    message = wire.query(raw, "TXT")
    found = ask_raw(server.address, message)
    assert found is not None
    assert judged(message, found).answer
    (line,) = [line for line in server.log_lines() if line["name"].endswith(name)]
    escaped = line["name"].removesuffix("." + name)
    assert escaped.startswith("\\000\\009\\010\\013")
    assert "\\255" in escaped
    assert escaped.isascii()
    assert escaped.isprintable()


def test_row_07_the_root_is_a_name_too(server: Server) -> None:
    message = wire.query(b"\0", "NS")
    found = ask_raw(server.address, message)
    assert found is not None
    judged(message, found)
    assert [line for line in server.log_lines(".") if line["type"] == "NS"]


def _sources(fresh: Fresh) -> dict[str, tuple[str, int]]:
    """Return a name for each place an answer can come from, and how often to ask before we look."""
    return {
        "forwarded": (fresh("rules"), 0),
        "cached": (fresh("rules"), 2),
        "sinkhole": (BLOCKED, 0),
        "sinkhole again": (BLOCKED, 2),
        "local": ("localhost", 0),
        "local again": ("localhost", 2),
        "special": ("something.onion", 1),
        "negative": ("negative." + fresh("rules"), 1),
    }


SOURCES = ["forwarded", "cached", "sinkhole", "sinkhole again", "local", "local again", "special", "negative"]
ASKED: dict[str, dict[str, Any]] = {
    "plain": {},
    "without RD": {"flags": 0},
    "AD asked": {"flags": wire.RD | wire.AD},
    "CD": {"flags": wire.RD | wire.CD},
    "AA, RA, Z set by the client": {"flags": wire.RD | wire.AA | wire.RA | wire.Z},
    "EDNS": {"edns": wire.Edns()},
    "EDNS of size 0": {"edns": wire.Edns(size=0)},
    "EDNS of size 65535": {"edns": wire.Edns(size=65535)},
    "DO": {"edns": wire.Edns(flags=wire.DO)},
    "DO and CD": {"flags": wire.RD | wire.CD, "edns": wire.Edns(flags=wire.DO)},
    "all EDNS flags": {"edns": wire.Edns(flags=0xFFFF)},
    "unknown options": {"edns": wire.Edns(options=((65001, b"private"), (26946, b""), (4, b"\0" * 9)))},
    "NSID asked": {"edns": wire.Edns(options=((3, b""),))},
    "ECS": {"edns": wire.Edns(options=((8, bytes.fromhex("00011800c00002")),))},
    "padding": {"edns": wire.Edns(options=((12, b"\0" * 50),))},
    "keepalive": {"edns": wire.Edns(options=((11, b""),))},
}


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("asked", ASKED)
def test_row_19_one_set_of_rules_for_every_source_of_answers(
    server: Server, upstream: FakeUpstream, fresh: Fresh, asked: str, source: str, tcp: bool
) -> None:
    """The rules themselves stand in `judged`: id, flags, question, OPT, options, size, TTL."""
    parts = dict(ASKED[asked])
    name, before = _sources(fresh)[source]
    upstream.on(
        name.removeprefix("negative."),
        says(rcode=3, authority=[wire.soa()])
        if source == "negative"
        else says(wire.record("@", 300, "A", "198.51.100.1")),
    )
    if asked == "without RD" and source in {"forwarded", "negative"}:
        before = 1  # whether a forwarder forwards without RD is its own choice
        ask(server.address, name)
    for _ in range(before):
        ask(server.address, name, tcp=tcp, **parts)
    edns = parts.get("edns")
    if tcp and edns is not None and any(code == 11 for code, _ in edns.options):
        return  # over TCP the server may say its keepalive (RFC 7828)
    response = ask(server.address, name.swapcase(), tcp=tcp, **parts)
    ad = bool(response.flags & dns.flags.AD)
    assert not ad, "AD, though nobody validated"
    if source == "negative":
        assert rcode(response) == "NXDOMAIN"
        assert any(rrset.rdtype == wire.SOA for rrset in response.authority)
    if response.opt is None:
        assert not ede(response)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("version", [1, 255])
def test_row_18_another_version_of_edns_is_badvers(server: Server, fresh: Fresh, source: str, version: int) -> None:
    name, before = _sources(fresh)[source]
    for _ in range(before):
        ask(server.address, name, edns=wire.Edns())
    message = wire.query(name, edns=wire.Edns(version=version))
    found = ask_raw(server.address, message)
    assert found is not None
    response = judged(message, found)
    assert rcode(response) == "BADVERS"
    assert not response.answer


def test_row_18_an_option_given_many_times_does_no_harm(server: Server, fresh: Fresh) -> None:
    """CVE-2026-42944, CVE-2026-41292: repeated NSID, cookie and padding; very long lists."""
    for options in (((3, b""),) * 100, ((10, b"12345678"),) * 20, ((12, b"\0" * 400),) * 3, ((65002, b"x"),) * 2000):
        message = wire.query(fresh("options"), edns=wire.Edns(options=options))
        found = ask_raw(server.address, message)
        assert found is not None
        assert wire.rcode_of(found) in {wire.NOERROR, wire.FORMERR}
        assert len(found) < 300


def test_row_18_opt_is_found_behind_other_records(server: Server, fresh: Fresh) -> None:
    """dnsdist CVE-2026-42004: a filter that overlooks a crafted OPT."""
    record = wire.record("other.example.org", 0, "A", "203.0.113.5")
    head = QID + struct.pack("!HHHHH", wire.RD, 1, 0, 0, 2)
    message = head + wire.name_wire(BLOCKED) + b"\0\1\0\1" + record + wire.opt(flags=wire.DO)
    found = ask_raw(server.address, message)
    assert found is not None
    assert wire.rcode_of(found) == wire.FORMERR or dns.message.from_wire(found).opt is not None


def test_row_20_unknown_types_pass_and_their_data_is_untouched(
    server: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    """RFC 3597: what looks like compression in unknown data is data."""
    data = b"\xc0\x0c\x03www\xc0\x0c\0\xff" + bytes(range(256))
    for kind in (65534, 65280, 4711, 61, 257, 64, 65, 35):
        name = fresh("unknown")
        body = data if kind >= 4000 else b"\0\x01\x00" if kind in (64, 65) else b"\0\x05issueca.example"
        if kind == 35:
            body = b"\0\x01\0\x01\x01S\x00\x00\x03sip\x07example\x03org\x00"
        upstream.on(name, says(wire.raw_record(wire.POINTER, kind, 300, body)))
        for _ in range(2):
            message = wire.query(name, kind, edns=wire.Edns())
            found = ask_raw(server.address, message)
            assert found is not None
            judged(message, found)
            assert struct.pack("!H", len(body)) + body in found


def test_row_20_another_class_is_answered_by_rule(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    name = fresh("class")
    for rdclass in (3, 4, 2, 254, 255, 1234):
        message = wire.query(name, "A", rdclass=rdclass)
        found = ask_raw(server.address, message)
        assert found is not None
        assert rcode(judged(message, found)) in {"NOERROR", "REFUSED", "NOTIMP", "SERVFAIL", "NXDOMAIN"}
    blocked = wire.query(BLOCKED, "A", rdclass=255)
    found = ask_raw(server.address, blocked)
    assert found is not None
    assert not upstream.queries(BLOCKED), "class ANY opened a blocked name"


@pytest.mark.parametrize("opcode", [1, 2, 3, 4, 5, 6, 15], ids=lambda n: f"opcode {n}")
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_row_30_other_opcodes_are_notimp(
    server: Server, upstream: FakeUpstream, fresh: Fresh, opcode: int, tcp: bool
) -> None:
    name = fresh("opcode")
    found = ask_raw(server.address, wire.query(name, "SOA", flags=opcode << 11), tcp=tcp)
    assert found is not None
    _, flags, *_ = wire.header(found)
    assert flags & wire.QR
    assert flags >> 11 & 15 == opcode
    assert flags & 15 in {wire.NOTIMP, wire.REFUSED}
    assert not upstream.queries(name)


def test_row_30_an_update_with_its_sections_is_notimp(server: Server) -> None:
    """UPDATE uses the four sections for something else: it must not be read as a query."""
    update = dns.message.from_text(
        "id 4660\nopcode UPDATE\n;ZONE\nexample.org. IN SOA\n;UPDATE\na.example.org. 60 IN A 203.0.113.1\n"
    )
    found = ask_raw(server.address, update.to_wire())
    assert found is not None
    assert wire.rcode_of(found) in {wire.NOTIMP, wire.REFUSED}


@pytest.mark.parametrize("kind", [252, 251, 253, 254, 41, 249, 250], ids=lambda n: f"type {n}")
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_row_30_transfers_and_meta_types_are_refused(
    server: Server, upstream: FakeUpstream, fresh: Fresh, kind: int, tcp: bool
) -> None:
    name = fresh("meta")
    message = wire.query(name, kind)
    found = ask_raw(server.address, message, tcp=tcp)
    assert found is not None
    assert wire.rcode_of(found) in {wire.REFUSED, wire.NOTIMP, wire.FORMERR}
    assert not upstream.queries(name)


@pytest.mark.parametrize("name", ["version.bind", "version.server", "hostname.bind", "id.server", "authors.bind"])
def test_row_30_our_version_is_not_told(server: Server, upstream: FakeUpstream, name: str) -> None:
    for rdclass in (3, 1):
        message = wire.query(name, "TXT", rdclass=rdclass)
        found = ask_raw(server.address, message)
        assert found is not None
        assert b"schoolfilter" not in found.lower()
        if rdclass == 3:
            assert not judged(message, found).answer
    assert not [query for query in upstream.queries(name) if query.rdclass == 3]


def test_row_31_any_is_answered_small(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    name = fresh("any")
    many = [wire.record("@", 300, "TXT", '"' + "x" * 200 + str(n) + '"') for n in range(15)]
    upstream.on(name, says(*many, wire.record("@", 300, "A", "198.51.100.1"), wire.record("@", 300, "MX", "1 a.org.")))
    for edns in (None, wire.Edns(size=4096)):
        message = wire.query(name, "ANY", edns=edns)
        found = ask_raw(server.address, message)
        assert found is not None
        response = judged(message, found)
        assert len(response.answer) <= 1
        assert len(found) <= 512
