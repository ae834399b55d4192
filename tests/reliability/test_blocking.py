"""Blocked names: every type, letter case, subdomain, alias and mode: rows 8 and 26."""

import itertools
import json
import subprocess
from collections.abc import Callable

import pytest

from tests.harness import wire
from tests.harness.client import Udp, addresses, ask, ask_raw, ede, judged, rcode
from tests.harness.server import Server
from tests.harness.upstream import FakeUpstream, says
from tests.reliability.conftest import BLOCKED, PAGE_V4, PAGE_V6

Fresh = Callable[[str], str]
KINDS = [
    "A",
    "AAAA",
    "HTTPS",
    "SVCB",
    "TXT",
    "MX",
    "ANY",
    "CNAME",
    "NS",
    "SOA",
    "SRV",
    "PTR",
    "DS",
    "DNSKEY",
    "TYPE65534",
]
MODES = ["server", "nxdomain_server", "page_server"]
BAD = "203.0.113.66"


@pytest.fixture(params=MODES)
def any_mode(request: pytest.FixtureRequest) -> Server:
    """Each of the three ways to answer a blocked name."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Server)
    return found


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("kind", KINDS)
def test_row_08_and_26_every_type_of_a_blocked_name_is_answered_alike(
    any_mode: Server, upstream: FakeUpstream, request: pytest.FixtureRequest, kind: str, tcp: bool
) -> None:
    """Null or page addresses for A and AAAA, otherwise empty with SOA; NXDOMAIN for all types or for none; TTL 10."""
    mode = request.node.callspec.params["any_mode"]
    before = len(upstream.below(BLOCKED))
    for edns in (None, wire.Edns(), wire.Edns(flags=wire.DO)):
        for name in (BLOCKED, f"www.{BLOCKED}"):
            response = ask(any_mode.address, name, kind, edns=edns, tcp=tcp)
            expected = {
                ("server", "A"): ["0.0.0.0"],
                ("server", "AAAA"): ["::"],
                ("page_server", "A"): [PAGE_V4],
                ("page_server", "AAAA"): [PAGE_V6],
            }.get((mode, kind), [])
            assert rcode(response) == ("NXDOMAIN" if mode == "nxdomain_server" else "NOERROR")
            if kind == "ANY" and mode != "nxdomain_server":
                assert set(addresses(response)) <= {"0.0.0.0", "::", PAGE_V4, PAGE_V6}
            else:
                assert addresses(response) == expected
                assert bool(response.answer) == bool(expected)
            if not response.answer:
                (soa,) = response.authority
                assert soa.rdtype == wire.SOA
                assert min(soa.ttl, soa[0].minimum) == 10
                assert soa.ttl == 10
            assert all(rrset.ttl == 10 for rrset in response.answer)
            codes = [int(option.code) for option in ede(response)]
            if edns is None:
                assert not codes
            else:
                assert len(codes) == 1
                assert codes[0] in {15, 16, 17}
    assert len(upstream.below(BLOCKED)) == before, "a blocked name went upstream"


@pytest.mark.parametrize("name", [BLOCKED.upper(), BLOCKED.title(), f"A.b.C.{BLOCKED}", "tErRoR.eXaMpLe.NeT"])
def test_row_08_case_and_depth_do_not_open_a_name(any_mode: Server, name: str) -> None:
    response = ask(any_mode.address, name, edns=wire.Edns())
    assert ede(response)
    assert rcode(response) == "NXDOMAIN" or addresses(response)[0] in {"0.0.0.0", PAGE_V4}


def test_row_08_the_deepest_name_below_a_blocked_one_is_blocked(any_mode: Server, upstream: FakeUpstream) -> None:
    deep = (b"\x01a" * ((255 - len(wire.name_wire(BLOCKED))) // 2)) + wire.name_wire(BLOCKED)
    odd = b"\x05\0\xff. \n" + wire.name_wire(BLOCKED)
    before = len(upstream.queries())
    for raw in (deep, odd):
        message = wire.query(raw, "A", edns=wire.Edns())
        found = ask_raw(any_mode.address, message)
        assert found is not None
        assert ede(judged(message, found))
    assert len(upstream.queries()) == before


def test_row_08_names_that_only_look_alike_are_open(server: Server, upstream: FakeUpstream) -> None:
    for name in (f"not{BLOCKED}", f"{BLOCKED}.example.org", BLOCKED.partition(".")[2]):
        assert rcode(ask(server.address, name)) == "NOERROR"
        assert upstream.queries(name)
    # A dot inside a label is not a border between labels.
    label = f"x.{BLOCKED.split('.', maxsplit=1)[0]}".encode()
    raw = bytes([len(label)]) + label + wire.name_wire(BLOCKED.partition(".")[2])
    message = wire.query(raw, "A", edns=wire.Edns())
    found = ask_raw(server.address, message)
    assert found is not None
    assert not ede(judged(message, found))


@pytest.mark.parametrize("kind", ["A", "AAAA", "HTTPS", "TXT", "CNAME"])
@pytest.mark.parametrize("hops", [1, 3])
def test_row_08_an_alias_of_a_blocked_name_is_blocked(
    any_mode: Server, upstream: FakeUpstream, fresh: Fresh, kind: str, hops: int
) -> None:
    """CNAME cloaking; from upstream and from cache; the log names the target."""
    names = [*(fresh("alias") for _ in range(hops)), f"cdn.{BLOCKED}"]
    chain = [wire.record(a, 300, "CNAME", f"{b}.") for a, b in itertools.pairwise(names)]
    data = {"A": BAD, "AAAA": "2001:db8::66", "HTTPS": "1 .", "TXT": '"bad"', "CNAME": ""}[kind]
    end = [wire.record(names[-1], 300, kind, data)] if data else []
    upstream.on(names[0], says(*chain, *end))
    for _ in range(3):
        response = ask(any_mode.address, names[0], kind, edns=wire.Edns())
        assert next(int(option.code) for option in ede(response)) in {15, 16, 17}
        assert BAD not in addresses(response)
        assert BLOCKED not in " ".join(rrset.to_text() for rrset in response.answer)
    lines = any_mode.log_lines(names[0])
    assert [line["action"] for line in lines] == ["block"] * 3


def test_row_08_an_alias_in_the_middle_of_an_open_chain_is_blocked(
    server: Server, upstream: FakeUpstream, fresh: Fresh
) -> None:
    name, last = fresh("middle"), fresh("last")
    upstream.on(
        name,
        says(
            wire.record("@", 300, "CNAME", f"{BLOCKED}."),
            wire.record(BLOCKED, 300, "CNAME", f"{last}."),
            wire.record(last, 300, "A", BAD),
        ),
    )
    assert addresses(ask(server.address, name)) == ["0.0.0.0"]


def test_row_26_the_reason_is_short_and_fits_the_smallest_client(any_mode: Server) -> None:
    """EDE never pushes an answer over the client's size (RELIABILITY section 5)."""
    deep = "a" * 63 + "." + "b" * 63 + "." + "c" * 63 + "." + BLOCKED
    for name in (BLOCKED, deep):
        message = wire.query(name, edns=wire.Edns(size=512))
        found = ask_raw(any_mode.address, message)
        assert found is not None
        response = judged(message, found)
        (error,) = ede(response)
        assert len((error.text or "").encode()) <= 100
        assert len(found) <= 512


def _structured(server: Server, option: bytes, code: int = 15) -> str:
    message = wire.query(BLOCKED, edns=wire.Edns(options=((code, option),)))
    found = ask_raw(server.address, message)
    assert found is not None
    (error,) = ede(judged(message, found))
    assert int(error.code) in {15, 16, 17}, "Forged Answer must not be used"
    return error.text or ""


def test_row_26_structured_json_for_who_can_read_it(any_mode: Server) -> None:
    """draft-ietf-dnsop-structured-dns-error: the client puts an empty EDE option into its query."""
    text = _structured(any_mode, b"\0\0")
    pairs = json.loads(text, object_pairs_hook=lambda found: found)
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), "I-JSON: no key twice (RFC 7493 2.3)"
    found = dict(pairs)
    assert set(found) <= {"c", "j", "s", "o", "l"}
    assert found["c"] == ["mailto:it@school.example"]
    assert isinstance(found["j"], str)
    assert found["j"]
    assert found.get("o", "Test school") == "Test school"
    assert found.get("s", 5) in {1, 2, 3, 4, 5, 6}
    assert ": " not in text, "minified"
    assert ", " not in text.replace(found["j"], "").replace(found.get("o", ""), ""), "minified"


def test_row_26_plain_text_for_everyone_else(any_mode: Server) -> None:
    (error,) = ede(ask(any_mode.address, BLOCKED, edns=wire.Edns()))
    assert not (error.text or "").lstrip().startswith("{")


def test_row_26_structured_json_gives_way_to_the_clients_size(any_mode: Server) -> None:
    deep = "a" * 63 + "." + "b" * 63 + "." + "c" * 63 + "." + BLOCKED
    message = wire.query(deep, edns=wire.Edns(size=512, options=((15, b"\0\0"),)))
    found = ask_raw(any_mode.address, message)
    assert found is not None
    judged(message, found)  # not cut, not over 512


def test_row_26_dig_and_kdig_understand_blocked_answers(server: Server, nxdomain_server: Server) -> None:
    """Two judges that are not ours."""
    for judge in ("dig", "kdig"):
        for which, status in ((server, "NOERROR"), (nxdomain_server, "NXDOMAIN")):
            host, port = which.address
            for transport in ("+notcp", "+tcp"):
                command = [judge, f"@{host}", "-p", str(port), "+edns=0", transport, "+retry=0", BLOCKED, "A"]
                done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
                said = done.stdout + done.stderr
                assert f"status: {status}" in said
                assert "EDE" in said
                assert "warning" not in said.lower(), said
                assert "malformed" not in said.lower(), said


def test_row_08_a_client_that_asks_without_pause_never_gets_through(any_mode: Server, upstream: FakeUpstream) -> None:
    """Every answer of a burst is the sinkhole, on whichever path it was made."""
    before = len(upstream.below(BLOCKED))
    with Udp(any_mode.address) as client:
        asked = {}
        for n in range(300):
            message = wire.query(f"{'www.' * (n % 3)}{BLOCKED}", ["A", "AAAA", "HTTPS"][n % 3], qid=n)
            asked[n] = message
            client.send(message)
        found = client.collect(set(asked))
    assert found.keys() == asked.keys()
    for n, message in found.items():
        response = judged(asked[n], message)
        assert set(addresses(response)) <= {"0.0.0.0", "::", PAGE_V4, PAGE_V6}
    assert len(upstream.below(BLOCKED)) == before
