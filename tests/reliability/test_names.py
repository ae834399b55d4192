"""Names and addresses that must not leak: rows 27 and 29 and RELIABILITY section 5, Names that must not leak."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness import wire
from tests.harness.client import addresses, ask, rcode
from tests.harness.server import Sections, Server
from tests.harness.upstream import FakeUpstream, says

Fresh = Callable[[str], str]
PRIVATE_V4 = [
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.1.1",
    "127.0.0.1",
    "127.53.0.1",
    "169.254.169.254",
    "0.0.0.0",
    "0.1.2.3",
]
PRIVATE_V6 = ["::1", "::", "fe80::1", "fd00::1", "fc00::1", "::ffff:10.1.2.3", "::ffff:127.0.0.1", "::ffff:192.168.0.1"]
PUBLIC = {"A": "198.51.100.1", "AAAA": "2001:db8::1"}


@pytest.mark.parametrize(("kind", "private"), [*(("A", a) for a in PRIVATE_V4), *(("AAAA", a) for a in PRIVATE_V6)])
def test_row_27_private_addresses_of_public_names_are_removed(
    server: Server, upstream: FakeUpstream, fresh: Fresh, kind: str, private: str
) -> None:
    alone, mixed, alias = fresh("rebind"), fresh("rebind"), fresh("rebind")
    record = wire.record("@", 300, kind, private)
    upstream.on(alone, says(record))
    upstream.on(mixed, says(wire.record("@", 300, kind, PUBLIC[kind]), record))
    target = fresh("target")
    upstream.on(alias, says(wire.record("@", 300, "CNAME", f"{target}."), wire.record(target, 300, kind, private)))
    for _ in range(2):  # from upstream, then from cache
        for edns in (None, wire.Edns(), wire.Edns(flags=wire.DO)):
            for name in (alone, alias):
                response = ask(server.address, name, kind, edns=edns)
                assert private not in addresses(response)
                # SERVFAIL would send the client to its other resolver, or make it ask again and again.
                assert rcode(response) in {"NOERROR", "NXDOMAIN", "REFUSED"}
            assert addresses(ask(server.address, mixed, kind, edns=edns)) == [PUBLIC[kind]]


@pytest.mark.parametrize("answers", [1, 2, 3])
@pytest.mark.parametrize("authorities", [0, 1])
@pytest.mark.parametrize("additionals", [0, 1, 3])
@pytest.mark.parametrize("position", ["first", "last"])
def test_row_27_what_is_left_is_a_whole_message(
    server: Server,
    upstream: FakeUpstream,
    fresh: Fresh,
    answers: int,
    authorities: int,
    additionals: int,
    position: str,
) -> None:
    """Records are taken out of every kind of message, with and without OPT: the counts fit what is left."""
    name = fresh("counts")
    good = [wire.record("@", 300, "A", f"198.51.100.{n + 1}") for n in range(answers)]
    bad = [wire.record("@", 300, "A", "10.0.0.1")]
    authority = [wire.record("@", 300, "NS", "ns.example.org.")] * authorities
    glue = [wire.record("ns.example.org", 300, "A", f"198.51.100.{n + 50}") for n in range(additionals)]
    records = bad + good if position == "first" else good + bad
    upstream.on(name, says(*records, authority=authority, additional=glue))
    for edns in (None, wire.Edns()):
        response = ask(server.address, name, edns=edns)
        assert rcode(response) == "NOERROR"
        assert sorted(addresses(response)) == [f"198.51.100.{n + 1}" for n in range(answers)]


def test_row_27_what_happened_stands_in_the_log(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    name = fresh("rebind")
    upstream.on(name, says(wire.record("@", 300, "A", "10.9.9.9")))
    ask(server.address, name)
    (line,) = server.log_lines(name)
    assert line["reason"] == "rebinding"


def test_row_27_public_neighbours_of_private_ranges_pass(server: Server, upstream: FakeUpstream, fresh: Fresh) -> None:
    public = ["9.255.255.255", "11.0.0.1", "172.15.255.255", "172.32.0.1", "192.167.255.255", "192.169.0.1", "1.0.0.1"]
    for address in public:
        name = fresh("public")
        upstream.on(name, says(wire.record("@", 300, "A", address)))
        assert addresses(ask(server.address, name)) == [address]


@pytest.fixture(scope="module")
def local_zones(
    tmp_path_factory: pytest.TempPathFactory, upstream: FakeUpstream
) -> Iterator[tuple[Server, FakeUpstream]]:
    """A server with a zone of the school's own, at another server, and one private zone at the usual one."""
    with FakeUpstream() as own:
        own.on("school.example.com", says(wire.record("@", 300, "A", "10.0.0.5")))
        sections: Sections = {
            "upstream": {
                "zones": {"school.example.com": [own.url], "10.in-addr.arpa": [own.url]},
                "private_zones": ["home.example.com", "school.example.com"],
            }
        }
        folder: Path = tmp_path_factory.mktemp("zones")
        server = Server(folder, (upstream.url,), sections)
        server.prepare()
        try:
            yield server.start(), own
            server.stop()
        finally:
            server.kill()


def test_row_27_zones_of_the_allowlist_keep_their_private_addresses(
    local_zones: tuple[Server, FakeUpstream], upstream: FakeUpstream
) -> None:
    server, own = local_zones
    upstream.on("home.example.com", says(wire.record("@", 300, "A", "192.168.1.7")))
    upstream.on("nothome.example.com", says(wire.record("@", 300, "A", "192.168.1.7")))
    for _ in range(2):
        assert addresses(ask(server.address, "home.example.com")) == ["192.168.1.7"]
        assert addresses(ask(server.address, "nas.home.example.com")) == ["192.168.1.7"]
        assert not addresses(ask(server.address, "nothome.example.com"))
        assert addresses(ask(server.address, "Files.School.example.com")) == ["10.0.0.5"]
    assert own.queries("files.school.example.com")


def test_zones_go_to_their_own_servers_only(local_zones: tuple[Server, FakeUpstream], upstream: FakeUpstream) -> None:
    """A zone that is routed elsewhere never leaks to the general upstream; its neighbours do not come to the zone's."""
    server, own = local_zones
    own.on("10.in-addr.arpa", says(wire.record("@", 300, "PTR", "printer.school.example.com.")))
    assert ask(server.address, "9.1.2.10.in-addr.arpa", "PTR").answer
    ask(server.address, "deep.below.school.example.com")
    ask(server.address, "notschool.example.com")
    assert not upstream.below("school.example.com")
    assert not upstream.below("10.in-addr.arpa")
    assert not own.queries("notschool.example.com")


LOCAL = {
    "localhost": "NOERROR",
    "www.localhost": "NOERROR",
    "invalid": "NXDOMAIN",
    "www.invalid": "NXDOMAIN",
    "onion": "NXDOMAIN",
    "duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion": "NXDOMAIN",
    "test": "NXDOMAIN",
    "intranet.test": "NXDOMAIN",
    "printer.local": "NXDOMAIN",
    "router.home.arpa": "NXDOMAIN",
    "1.0.0.10.in-addr.arpa": "NXDOMAIN",
    "1.1.168.192.in-addr.arpa": "NXDOMAIN",
    "1.0.16.172.in-addr.arpa": "NXDOMAIN",
    "1.0.31.172.in-addr.arpa": "NXDOMAIN",
    "1.1.254.169.in-addr.arpa": "NXDOMAIN",
    "255.255.255.255.in-addr.arpa": "NXDOMAIN",
    "1.2.0.192.in-addr.arpa": "NXDOMAIN",
    "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa": "NXDOMAIN",
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.e.f.ip6.arpa": "NXDOMAIN",
    "_dns.resolver.arpa": "ANY",
    "resolver.arpa": "ANY",
    "ipv4only.arpa": "NOERROR",
}
TOPS = {"invalid", "onion", "test", "255.255.255.255.in-addr.arpa"}


@pytest.mark.parametrize("kind", ["A", "AAAA", "PTR", "TXT", "SVCB", "SOA"])
@pytest.mark.parametrize("name", LOCAL)
def test_row_29_special_names_are_answered_here(server: Server, upstream: FakeUpstream, name: str, kind: str) -> None:
    for text in (name, name.upper()):
        response = ask(server.address, text, kind, edns=wire.Edns())
        said = rcode(response)
        assert said in {"NOERROR", "NXDOMAIN"}
        # At the top of a locally served zone NODATA is as right as NXDOMAIN (RFC 6303 3).
        assert LOCAL[name] in {said, "ANY"} or name in TOPS
        if not response.answer:
            assert any(rrset.rdtype == wire.SOA for rrset in response.authority), "negative without SOA (RFC 2308 3)"
    assert not upstream.queries(name), "leaked to the upstream"


def test_row_29_localhost_is_this_machine(server: Server) -> None:
    for name in ("localhost", "any.thing.localhost", "LocalHost"):
        assert addresses(ask(server.address, name, "A")) == ["127.0.0.1"]
        assert addresses(ask(server.address, name, "AAAA")) == ["::1"]
        assert not ask(server.address, name, "MX").answer


def test_row_29_ipv4only_arpa_tells_that_there_is_no_nat64(server: Server) -> None:
    """RFC 8880 7.1: the two well-known addresses, no AAAA."""
    assert set(addresses(ask(server.address, "ipv4only.arpa", "A"))) == {"192.0.0.170", "192.0.0.171"}
    assert not ask(server.address, "ipv4only.arpa", "AAAA").answer


def test_row_29_loopback_has_its_name_or_none(server: Server, upstream: FakeUpstream) -> None:
    ask(server.address, "1.0.0.127.in-addr.arpa", "PTR")
    ask(server.address, "1" + ".0" * 31 + ".ip6.arpa", "PTR")
    assert not upstream.below("127.in-addr.arpa")
    assert not upstream.queries("1" + ".0" * 31 + ".ip6.arpa")


def test_row_29_names_like_special_ones_are_ordinary(server: Server, upstream: FakeUpstream) -> None:
    for name in ("notlocalhost", "my-onion", "onion.example.org", "localhost.example.org", "1.0.32.172.in-addr.arpa"):
        ask(server.address, name)
        assert upstream.queries(name), name


@pytest.mark.parametrize("name", ["use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com"])
@pytest.mark.parametrize("kind", ["A", "AAAA", "HTTPS"])
def test_row_29_canaries_say_that_this_network_filters(
    server: Server, page_server: Server, upstream: FakeUpstream, name: str, kind: str
) -> None:
    """Whatever blocked names are answered with, these need NXDOMAIN (their owners document it so)."""
    for which in (server, page_server):
        response = ask(which.address, name, kind, edns=wire.Edns())
        assert rcode(response) == "NXDOMAIN"
        assert not response.answer
    assert not upstream.queries(name)
