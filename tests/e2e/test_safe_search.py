"""Safe search end to end: by command, by UDP and TCP, as independent programs and parsers see it."""

import shutil
import subprocess

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

from tests.e2e.conftest import Maker
from tests.harness import wire
from tests.harness.client import addresses, ask
from tests.harness.server import Server
from tests.harness.upstream import FakeUpstream, says
from tests.harness.waiting import until

SEARCH, TARGET = "www.google.com", "forcesafesearch.google.com"
SAFE, UNSAFE = "198.51.100.120", "198.51.100.99"


@pytest.fixture
def server(make: Maker, upstream: FakeUpstream) -> Server:
    """A server whose default group searches safely."""
    upstream.on(SEARCH, says(wire.record("@", 300, "A", UNSAFE)))
    upstream.on(TARGET, says(wire.record("@", 300, "A", SAFE)))
    server = make(start=False)
    server.command("groups", "set", "pupils", "--safe-search", "google=on")
    server.start()
    return server


def _ask(server: Server, name: str, kind: str = "A", *, tcp: bool = False, dnssec: bool = False) -> dns.message.Message:
    query = dns.message.make_query(name, kind, want_dnssec=dnssec)
    where, port = server.address
    if tcp:
        return dns.query.tcp(query, where, timeout=5, port=port)
    return dns.query.udp(query, where, timeout=5, port=port)


def _records(message: dns.message.Message) -> list[str]:
    return [f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)} {r}" for rrset in message.answer for r in rrset]


EXPECTED = [f"{SEARCH}. CNAME {TARGET}.", f"{TARGET}. A {SAFE}"]


def test_by_udp_and_tcp_signed_or_not_the_answer_is_the_safe_one(server: Server, upstream: FakeUpstream) -> None:
    for tcp in (False, True):
        for dnssec in (False, True):
            for _ in range(2):
                found = _ask(server, SEARCH, tcp=tcp, dnssec=dnssec)
                assert _records(found) == EXPECTED
    assert len(upstream.queries(TARGET, wire.A)) <= 2, "one answer serves all (and perhaps a hedged retry)"
    assert not upstream.queries(SEARCH)
    for kind in ("HTTPS", "SVCB", "MX", "TXT"):
        found = _ask(server, SEARCH, kind)
        assert (found.rcode(), found.answer) == (dns.rcode.NOERROR, [])
    assert _records(_ask(server, TARGET)) == [EXPECTED[1]], "the target itself is a name like any other"
    (line, *_) = [line for line in server.log_lines(SEARCH) if line["type"] == "A"]
    assert (line["action"], line["reason"], line["rcode"]) == ("rewrite", "safe-search", "NOERROR")


def test_a_group_that_does_not_search_safely_gets_the_usual_answer(server: Server) -> None:
    server.command("groups", "add", "adults", "--level", "open", "--network", "127.0.46.0/24")
    until("the group", lambda: addresses(ask(server.address, SEARCH, source="127.0.46.1")) == [UNSAFE])
    assert _records(_ask(server, SEARCH)) == EXPECTED
    server.command("groups", "set", "pupils", "--safe-search", "google=off")
    until("the change", lambda: addresses(ask(server.address, SEARCH)) == [UNSAFE])


@pytest.mark.parametrize("program", ["dig", "kdig"])
def test_other_programs_read_it_without_a_warning(server: Server, program: str) -> None:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    where, port = server.address
    for options in ("+notcp", "+tcp"):
        command = [path, f"@{where}", "-p", str(port), "WWW.Google.com", "A", "+dnssec", options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
        if program == "dig":  # kdig writes all in lower case
            assert "WWW.Google.com." in done.stdout, "the letter case is the client's"
        assert TARGET in done.stdout
        assert SAFE in done.stdout
        assert "WARNING" not in done.stdout + done.stderr
