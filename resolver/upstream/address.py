"""Addresses of upstream resolvers as people write them: udp://, tcp://, tls:// and https://."""

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address

from policy.names import InvalidName, parse_name
from translations import _


class Scheme(StrEnum):
    """How an upstream is spoken to."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"
    """DNS over TLS (RFC 7858)."""
    HTTPS = "https"
    """DNS over HTTPS (RFC 8484)."""


_PORTS = {Scheme.UDP: 53, Scheme.TCP: 53, Scheme.TLS: 853, Scheme.HTTPS: 443}
_ENCRYPTED = frozenset({Scheme.TLS, Scheme.HTTPS})
_USUAL_PATH = "/dns-query"
"""RFC 8484 fixes no path; this is the one of its examples, and every public server has it."""
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*")


class InvalidUpstream(ValueError):  # noqa: N818 - reads as what it is: "except InvalidUpstream"
    """The text is not the address of an upstream; the message says what was expected and how to write it."""


@dataclass(frozen=True, slots=True)
class UpstreamAddress:
    """Where an upstream is and what proves that it is the right one."""

    scheme: Scheme
    host: str
    """An IP literal, never a name: finding the resolver must not need a resolver."""
    port: int
    tls_name: str = ""
    """The name its certificate must be valid for; empty means that it must be valid for the IP address."""
    path: str = ""
    """Of the DoH resource."""

    @property
    def server_name(self) -> str:
        """Name or address that the certificate must be valid for."""
        return self.tls_name or self.host.partition("%")[0]

    @property
    def authority(self) -> str:
        """Host and port as a URL has them; the port only where it is not the usual one."""
        host = self.tls_name if self.scheme is Scheme.HTTPS and self.tls_name else _bracketed(self.host)
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        """Return the canonical text, which parse_upstream reads back."""
        proof = self.tls_name
        if proof and self.scheme is Scheme.HTTPS:
            proof = self.host
        return f"{self.scheme}://{self.authority}{self.path}" + (f"#{proof}" if proof else "")


def parse_upstream(text: str) -> UpstreamAddress:
    """Read an address such as `192.0.2.1`, `tls://192.0.2.1#dns.example` or `https://dns.example/dns-query#192.0.2.1`.

    Around the `#` of tls:// and https:// stand the server's address and its name, in either order. Without a name the
    certificate must be valid for the address. Raises InvalidUpstream.
    """
    text = text.strip()
    before, separator, rest = text.partition("://")
    if not separator:
        before, rest = Scheme.UDP.value, text
    try:
        scheme = Scheme(before.lower())
    except ValueError:
        raise InvalidUpstream(
            _("{text}: expected udp://, tcp://, tls:// or https://, found {scheme}://").format(text=text, scheme=before)
        ) from None
    rest, _hash, beside = rest.partition("#")
    path = ""
    if scheme is Scheme.HTTPS:
        rest, slash, path = rest.partition("/")
        path = slash + path or _USUAL_PATH
        if not _PATH.fullmatch(path):
            raise InvalidUpstream(
                _("{text}: expected a path such as /dns-query, found {path}").format(text=text, path=path)
            )
    host, port = _host_and_port(text, rest, _PORTS[scheme])
    if beside and scheme not in _ENCRYPTED:
        raise InvalidUpstream(
            _("{text}: a name after # is for tls:// and https:// only; {scheme}:// cannot check it").format(
                text=text, scheme=scheme
            )
        )
    address, name = _address(host), beside
    if address is None:
        address, name = _address(beside), host
    if address is None:
        raise InvalidUpstream(_how_to_write(text, scheme, host))
    if not _is_one_server(address):
        raise InvalidUpstream(
            _("{text}: expected the address of one server, found {address}").format(text=text, address=address)
        )
    try:
        tls_name = parse_name(name) if name else ""
    except InvalidName as error:
        raise InvalidUpstream(f"{text}: {error}") from None
    return UpstreamAddress(scheme, str(address), port, tls_name, path)


def system_resolvers(text: str) -> tuple[UpstreamAddress, ...]:
    """Return the resolvers that a resolv.conf names, each once and in its order; anything unreadable is passed over."""
    found: dict[UpstreamAddress, None] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver":
            address = _address(words[1])
            if address is not None and _is_one_server(address):
                found[UpstreamAddress(Scheme.UDP, str(address), _PORTS[Scheme.UDP])] = None
    return tuple(found)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    try:
        return ip_address(text)
    except ValueError:
        return None


def _is_one_server(address: IPv4Address | IPv6Address) -> bool:
    return not (address.is_unspecified or address.is_multicast)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _host_and_port(text: str, authority: str, usual: int) -> tuple[str, int]:
    if authority.startswith("["):
        host, _bracket, rest = authority[1:].partition("]")
        colon, number = rest[:1], rest[1:]
    elif authority.count(":") == 1:
        host, colon, number = authority.partition(":")
    else:  # no port, or an IPv6 address without brackets
        return authority, usual
    if not colon:
        return host, usual
    if colon != ":" or not _PORT.fullmatch(number) or int(number) > 65535:
        raise InvalidUpstream(
            _("{text}: expected a port from 1 to 65535, found {port}").format(text=text, port=number or authority)
        )
    return host, int(number)


def _how_to_write(text: str, scheme: Scheme, host: str) -> str:
    try:
        name = parse_name(host)
    except InvalidName:
        name = ""
    if not name:
        return _("{text}: expected an address such as {scheme}://192.0.2.1").format(text=text, scheme=scheme)
    example = {
        Scheme.TLS: f"tls://192.0.2.1#{name}",
        Scheme.HTTPS: f"https://{name}{_USUAL_PATH}#192.0.2.1",
    }.get(scheme, f"{scheme}://192.0.2.1")
    return _(
        "{text}: the name {name} cannot be looked up before there is a resolver; write its IP address too: {example}"
    ).format(text=text, name=name, example=example)


DEFAULT_UPSTREAMS: tuple[UpstreamAddress, ...] = tuple(
    UpstreamAddress(Scheme.TLS, host, _PORTS[Scheme.TLS], name)
    for host, name in (
        ("1.1.1.1", "cloudflare-dns.com"),
        ("8.8.8.8", "dns.google"),
        ("1.0.0.1", "cloudflare-dns.com"),
        ("8.8.4.4", "dns.google"),
    )
)
"""Public resolvers for a machine that names none: two operators, so that neither is a single point of failure.

Both check DNSSEC, which we leave to upstreams, and neither filters: what is blocked must be blocked by the school, with
a reason in its log. (Quad9 either filters, 9.9.9.9, or does not check DNSSEC, 9.9.9.10.)
"""
