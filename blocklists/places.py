"""Which places on the net may be asked for a list: plain https: addresses of the public internet."""

import ipaddress
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from blocklists.errors import FetchError
from translations import _

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")
"""The only part of IPv6 that is given out (RFC 4291, 2.4); what lies outside means something else, or an IPv4 address
in one more form."""
_DOCUMENTATION = ipaddress.IPv6Network("3fff::/20")
"""RFC 9637; too new for the standard library."""
_HOME_NAMES = frozenset(
    (
        *("arpa", "corp", "home", "internal", "intranet", "invalid"),
        *("lan", "local", "localdomain", "localhost", "onion", "test"),
    )
)
"""Top-level names that mean something nearby or nothing (RFC 6761, 6762, 7686, 8375, and by custom), whatever a proxy
makes of them."""
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A last label that makes of a host an IPv4 address in one of its old forms: 127.1, 0x7f.1, 2130706433."""
_SECRETS = re.compile(r"(?<=//)[^/?#]*@|[?#].*", re.DOTALL)


def is_public(address: IpAddress) -> bool:
    """Tell whether an address is of the public internet, also behind the forms that embed an IPv4 address.

    A list's URL or a redirect must not make us knock at the router's or a neighbour's door.
    """
    if isinstance(address, ipaddress.IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            embedded = ipaddress.IPv4Address(address.packed[-4:])
        if embedded is not None:
            return is_public(embedded)
        if address.teredo is not None or address not in _UNICAST or address in _DOCUMENTATION:
            return False
    return address.is_global and not address.is_multicast


def check_url(url: str) -> None:
    """Refuse what is not a plain https: URL. Raises FetchError."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme == "https" and parts.hostname and "@" not in parts.netloc and (parts.port or 443) > 0
    except ValueError:
        plain = False
    if not plain or not url.isprintable() or " " in url:
        raise FetchError(
            _("expected an address such as https://example.org/list.txt, found {url!r}").format(url=shown(url))
        )


def shown(url: str) -> str:
    """Return a URL for messages: without a user, and without the query, in which many sites want a key."""
    return _SECRETS.sub(lambda match: "?…" if match[0].startswith("?") else "", url)


def refuse_nearby(host: str, admits: Callable[[IpAddress], bool]) -> None:
    """Refuse what a proxy, which resolves the names, would have to fetch from the school itself."""
    plain = host.rstrip(".").lower()
    try:
        nearby = not admits(ipaddress.ip_address(plain))
    except ValueError:
        _rest, dot, last = plain.rpartition(".")
        nearby = not dot or last in _HOME_NAMES or _NUMBER.fullmatch(last) is not None
    if nearby:
        raise FetchError(_("expected {host} at a public address, found one nearby").format(host=host))
