"""Upstreams against an independent server: unbound by TCP, TLS and HTTPS."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import dns.message
import dns.rcode
import pytest

from resolver.upstream.address import Scheme, parse_upstream
from resolver.upstream.https import HttpsUpstream
from resolver.upstream.kept import KeptUpstream
from resolver.upstream.stream import StreamUpstream
from resolver.upstream.tls import https_context, tls_context
from tests.upstream.certificates import Authority
from tests.upstream.messages import Inbox, ask, closing, query, until

UNBOUND = shutil.which("unbound", path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin")


@dataclass(frozen=True, slots=True)
class Unbound:
    """A running server."""

    ports: dict[Scheme, int]
    ca_file: str

    def upstream(self, scheme: Scheme) -> KeptUpstream:
        """Return an upstream that asks it."""
        port = self.ports[scheme]
        if scheme is Scheme.TCP:
            return StreamUpstream(parse_upstream(f"tcp://127.0.0.1:{port}"), None)
        if scheme is Scheme.TLS:
            return StreamUpstream(parse_upstream(f"tls://127.0.0.1:{port}#dns.example.org"), tls_context(self.ca_file))
        address = parse_upstream(f"https://dns.example.org:{port}/dns-query#127.0.0.1")
        return HttpsUpstream(address, https_context(self.ca_file))


@pytest.fixture(scope="module")
def unbound(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unbound]:
    """Run unbound on loopback with local data only."""
    assert UNBOUND is not None, "the tests need unbound: apt-get install unbound"
    folder = tmp_path_factory.mktemp("unbound")
    ports = dict(zip((Scheme.TCP, Scheme.TLS, Scheme.HTTPS), free_ports(3), strict=True))
    identity = authority.issue("dns.example.org")
    config = folder / "unbound.conf"
    long_text = " ".join(f'"{"x" * 250}"' for _ in range(20))
    config.write_text(
        f"""
server:
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: ""
  do-daemonize: no
  use-syslog: no
  logfile: "{folder}/log"
  {chr(10).join(f"  interface: 127.0.0.1@{port}" for port in ports.values()).strip()}
  tls-port: {ports[Scheme.TLS]}
  https-port: {ports[Scheme.HTTPS]}
  tls-service-key: "{identity.key}"
  tls-service-pem: "{identity.certificate}"
  incoming-num-tcp: 100
  local-zone: "." static
  local-data: "www.example.org. 60 IN A 192.0.2.1"
  local-data: 'long.example.org. 60 IN TXT {long_text}'
remote-control:
  control-enable: no
"""
    )
    with subprocess.Popen([UNBOUND, "-d", "-c", str(config)], stderr=subprocess.DEVNULL) as process:
        try:
            asyncio.run(until(lambda: all(map(accepts, ports.values()))))
            yield Unbound(ports, authority.ca_file)
        finally:
            process.terminate()


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


SCHEMES = pytest.mark.parametrize("scheme", [Scheme.TCP, Scheme.TLS, Scheme.HTTPS])


@SCHEMES
async def test_unbound_answers(unbound: Unbound, scheme: Scheme) -> None:
    async with closing(unbound.upstream(scheme)) as upstream:
        reply = await ask(upstream, query("wWw.example.org", ident=4711))
        assert reply is not None, upstream.error
        read = dns.message.from_wire(reply)
        assert (read.id, str(read.answer[0][0])) == (4711, "192.0.2.1")
        assert read.question[0].name.to_text() == "wWw.example.org."
        missing = await ask(upstream, query("missing.example.org"))
        assert missing is not None
        assert dns.message.from_wire(missing).rcode() is dns.rcode.NXDOMAIN


@SCHEMES
async def test_unbound_sends_long_answers(unbound: Unbound, scheme: Scheme) -> None:
    async with closing(unbound.upstream(scheme)) as upstream:
        reply = await ask(upstream, dns.message.make_query("long.example.org", "TXT", use_edns=0).to_wire())
        assert reply is not None, upstream.error
        assert len(reply) > 5_000
        assert len(dns.message.from_wire(reply).answer) == 1


@SCHEMES
async def test_unbound_answers_many_at_once(unbound: Unbound, scheme: Scheme) -> None:
    async with closing(unbound.upstream(scheme)) as upstream:
        inbox = Inbox()
        for number in range(300):
            inbox.ask(upstream, query(ident=number), str(number))
        for number in range(300):
            reply = await inbox.outcome(str(number))
            assert reply is not None, upstream.error
            assert dns.message.from_wire(reply).id == number
        assert upstream.ignored == 0
