"""Names that are ours to answer: each RFC's table."""

import pytest

from resolver.special import is_special, special_reply
from resolver.wire import Query, Rcode, parse_query
from tests.harness import wire
from tests.resolver.world import judged, texts

LOOPBACK_V6 = "1." + "0." * 31 + "ip6.arpa"
NOTHING_V6 = "0." * 32 + "ip6.arpa"

NO_SUCH_NAME = {
    "RFC 6761 section 6.4": ["www.invalid", "a.b.invalid"],
    "RFC 6761 section 6.2": ["www.test", "a.b.test"],
    "RFC 7686": ["expyuzz4wqqyqhjn.onion", "www.expyuzz4wqqyqhjn.onion"],
    "RFC 6762": ["printer.local", "_ipp._tcp.local"],
    "RFC 8375": ["tv.home.arpa"],
    "RFC 6761 section 6.1": ["5.0.0.10.in-addr.arpa", "1.1.16.172.in-addr.arpa", "1.1.31.172.in-addr.arpa",
                             "1.1.168.192.in-addr.arpa"],
    "RFC 6303 section 4.2": ["1.0.0.0.in-addr.arpa", "2.0.0.127.in-addr.arpa", "1.1.254.169.in-addr.arpa",
                             "1.2.0.192.in-addr.arpa", "1.100.51.198.in-addr.arpa", "1.113.0.203.in-addr.arpa"],
    "RFC 6303 section 4.4": ["1.d.f.ip6.arpa", "a.0.0.0.d.f.ip6.arpa"],
    "RFC 6303 section 4.5": ["1.8.e.f.ip6.arpa", "1.9.e.f.ip6.arpa", "1.a.e.f.ip6.arpa", "1.b.e.f.ip6.arpa"],
    "RFC 6303 section 4.6": ["1.8.b.d.0.1.0.0.2.ip6.arpa"],
}  # fmt: skip
NO_DATA = [
    "10.in-addr.arpa", "168.192.in-addr.arpa", "16.172.in-addr.arpa", "home.arpa", "resolver.arpa",
    "_dns.resolver.arpa", "255.255.255.255.in-addr.arpa", NOTHING_V6,
]  # fmt: skip
OTHERS = [
    ".", "com", "arpa", "in-addr.arpa", "ip6.arpa", "example.org", "localhost.example.org", "mylocalhost", "nvalid",
    "onion.example", "test.example", "local.example.org", "alocal", "xhome.arpa", "home.arpa.example",
    "1.1.1.1.in-addr.arpa",
    "11.in-addr.arpa", "15.172.in-addr.arpa", "32.172.in-addr.arpa", "169.192.in-addr.arpa", "110.in-addr.arpa",
    "168.192.in-addr.arpa.example", "a.ipv4only.arpa.example", "xresolver.arpa", "0.e.f.ip6.arpa", "7.e.f.ip6.arpa",
    "c.e.f.ip6.arpa", "e.f.ip6.arpa", "2.ip6.arpa", "9.b.d.0.1.0.0.2.ip6.arpa", "www\\046localhost",
    "1\\04610.in-addr.arpa",
]  # fmt: skip


def asked(name: str, kind: str = "A") -> tuple[Rcode, list[str], bool]:
    """Return response code, answers, and whether an SOA lets the client keep it."""
    query = parse_query(wire.query(name, kind))
    assert isinstance(query, Query)
    body, rcode = special_reply(query, query.text)
    reply = judged(b"\x12\x34" + body)
    assert int(reply.rcode()) == rcode.value
    return rcode, texts(reply), [rrset.rdtype for rrset in reply.authority] == [6]


@pytest.mark.parametrize("name", [name for names in NO_SUCH_NAME.values() for name in names])
@pytest.mark.parametrize("kind", ["A", "AAAA", "PTR", "SOA", "HTTPS"])
def test_names_that_exist_nowhere(name: str, kind: str) -> None:
    assert is_special(name)
    assert asked(name, kind) == (Rcode.NXDOMAIN, [], True)


@pytest.mark.parametrize("name", ["invalid", "onion", "test", "local"])
def test_the_special_top_level_domains_themselves(name: str) -> None:
    """Nothing of them must leak; both ways of saying that there is nothing will do."""
    assert is_special(name)
    rcode, answers, negative = asked(name)
    assert rcode in (Rcode.NXDOMAIN, Rcode.NOERROR)
    assert (answers, negative) == ([], True)


@pytest.mark.parametrize("name", NO_DATA)
@pytest.mark.parametrize("kind", ["A", "AAAA", "SVCB"])
def test_empty_zones_exist_and_hold_nothing(name: str, kind: str) -> None:
    assert is_special(name)
    assert asked(name, kind) == (Rcode.NOERROR, [], True)


@pytest.mark.parametrize("name", ["localhost", "a.localhost", "a.b.localhost"])
def test_localhost_is_the_client_itself(name: str) -> None:
    """RFC 6761 section 6.3."""
    assert is_special(name)
    assert asked(name, "A") == (Rcode.NOERROR, ["127.0.0.1"], False)
    assert asked(name, "AAAA") == (Rcode.NOERROR, ["::1"], False)
    assert asked(name, "MX") == (Rcode.NOERROR, [], True)


@pytest.mark.parametrize("name", ["1.0.0.127.in-addr.arpa", LOOPBACK_V6])
def test_the_loopback_addresses_are_localhost(name: str) -> None:
    """RFC 6303 sections 4.2 and 4.3, RFC 1912 section 4.1."""
    assert is_special(name)
    assert asked(name, "PTR") == (Rcode.NOERROR, ["localhost."], False)
    assert asked(name, "A") == (Rcode.NOERROR, [], True)


def test_ipv4only_says_that_there_is_no_nat64() -> None:
    """RFC 8880 section 7.1."""
    assert is_special("ipv4only.arpa")
    assert asked("ipv4only.arpa", "A") == (Rcode.NOERROR, ["192.0.0.170", "192.0.0.171"], False)
    assert asked("ipv4only.arpa", "AAAA") == (Rcode.NOERROR, [], True)


@pytest.mark.parametrize("name", OTHERS)
def test_other_names_are_not_ours(name: str) -> None:
    assert not is_special(name)
