"""The machine's own resolvers, as far as they are not ourselves: a loop would answer nobody."""

import contextlib
import ipaddress
import socket
from pathlib import Path

from resolver.upstream.address import UpstreamAddress, system_resolvers
from settings.checks import split_listen

RESOLV_CONF = Path("/etc/resolv.conf")


def machine_resolvers(listen: tuple[str, ...]) -> list[UpstreamAddress]:
    """Return the name servers of resolv.conf without those at which we listen; none if it cannot be read."""
    try:
        text = RESOLV_CONF.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    own = [split_listen(each) for each in listen]
    return [address for address in system_resolvers(text) if not _is_ours(address, own)]


def _is_ours(address: UpstreamAddress, own: list[tuple[str, int]]) -> bool:
    ip = ipaddress.ip_address(address.host)
    for host, port in own:
        listening = ipaddress.ip_address(host)
        if port == address.port and listening.version == ip.version:
            if listening == ip:
                return True
            if listening.is_unspecified and _is_local(address.host):
                return True
    return False


def _is_local(host: str) -> bool:
    """Whether this machine has the address: only then can a socket be bound to it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((host, 0))
        return True
    return False
