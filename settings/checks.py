"""The ranges and forms of the settings: one table of pure checks, each saying what it expected."""

import difflib
import ipaddress
import math
import re
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from urllib.parse import urlsplit

import idna

from settings.model import BlockAnswer, Settings
from translations import LANGUAGES, _

COUNTRIES = ("kz", "kg")
CONTACT_SCHEMES = ("mailto:", "tel:", "https:", "sips:")
"""What a structured DNS error may name as contact (draft-ietf-dnsop-structured-dns-error, section 5.3)."""
RULES = ("deliberate-attempt", "unlawful-contact", "harmful-contact", "at-risk", "malware-beacon")
"""The rules of journal/detection/rules.py that can be switched off; a test compares them."""
UPSTREAM_SCHEMES = frozenset({"udp", "tcp", "tls", "https"})


@dataclass(frozen=True, slots=True)
class Fault:
    """A value that cannot be right."""

    key: str
    expected: str
    found: str
    hint: str = ""


Check = Callable[[str, Settings], Iterator[Fault]]


def _value(key: str, settings: Settings) -> object:
    section, _dot, name = key.partition(".")
    return getattr(getattr(settings, section), name)


def _between(low: float, high: float) -> Check:
    def check(key: str, settings: Settings) -> Iterator[Fault]:
        value = _value(key, settings)
        # nan and inf are TOML floats, too
        if not (isinstance(value, int | float) and math.isfinite(value) and low <= value <= high):
            yield Fault(key, _("a number from {low} to {high}").format(low=low, high=high), str(value))

    return check


def _one_of(*words: str) -> Check:
    def check(key: str, settings: Settings) -> Iterator[Fault]:
        value = str(_value(key, settings))
        if value not in words:
            yield Fault(key, _("one of {words}").format(words=", ".join(words)), repr(value))

    return check


def _each(is_right: Callable[[str], bool], expected: Callable[[], str], *, empty: bool = True) -> Check:
    def check(key: str, settings: Settings) -> Iterator[Fault]:
        values = _value(key, settings)
        words = values if isinstance(values, tuple) else (str(values),)
        if not words and not empty:
            yield Fault(key, expected(), _("an empty list"))
        for word in words:
            if not is_right(word):
                yield Fault(key, expected(), repr(word))
        for word in sorted({word for word in words if words.count(word) > 1}):
            yield Fault(key, _("each value once"), _("{value} twice").format(value=repr(word)))

    return check


def split_listen(text: str) -> tuple[str, int]:
    """Return address and port of `ADDRESS:PORT` or `[ADDRESS]:PORT`. Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError(f"expected ADDRESS:PORT, found {text!r}")
    bare = host.removeprefix("[").removesuffix("]")
    address = ipaddress.ip_address(bare.partition("%")[0])
    if (address.version == 6) is not (host == f"[{bare}]"):
        raise ValueError(f"expected an IPv6 address in brackets, and only that, found {text!r}")
    return bare, int(port)


def split_quiet(text: str) -> tuple[time, time] | None:
    """Return begin and end of `HH:MM-HH:MM`, None for an empty text. Raises ValueError.

    An end before the begin means the next morning; both alike would be a whole day and so is refused.
    """
    if not text.strip():
        return None
    found = re.fullmatch(r"([0-9]{2}:[0-9]{2})\s*-\s*([0-9]{2}:[0-9]{2})", text.strip())
    if found is None:
        raise ValueError(f"expected HH:MM-HH:MM, found {text!r}")
    begin, end = time.fromisoformat(found[1]), time.fromisoformat(found[2])
    if begin == end:
        raise ValueError(f"expected two different times, found {text!r}")
    return begin, end


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed in."""

    host: str
    port: int
    tls: bool
    """From the first octet on; otherwise STARTTLS, if it is offered."""


def split_smtp(text: str) -> SmtpServer:
    """Return what `smtp://HOST[:PORT]` or `smtps://HOST[:PORT]` says. Raises ValueError."""
    parts = urlsplit(text)
    host = parts.hostname or ""
    if parts.scheme not in ("smtp", "smtps") or not _is_host(host) or parts.username is not None:
        raise ValueError(f"expected smtp://HOST or smtps://HOST, found {text!r}")
    if parts.path not in ("", "/") or parts.query or parts.fragment or not text.isprintable():
        raise ValueError(f"expected a host and at most a port, found {text!r}")
    tls = parts.scheme == "smtps"
    return SmtpServer(host, parts.port or (465 if tls else 587), tls)


def is_mail_address(text: str) -> bool:
    """Say whether it is a mail address as nearly all have it: Latin letters, no quotes, no remark."""
    return len(text) <= 254 and bool(
        re.fullmatch(r"[A-Za-z0-9._%+'-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}", text)
    )


def _is_https(text: str) -> bool:
    """Say whether something can be posted to it. What stands behind the host goes over the wire as it is: ASCII."""
    try:
        parts = urlsplit(text)
        right = parts.scheme == "https" and _is_host(parts.hostname or "") and parts.username is None
        right = right and parts.port != 0 and (parts.path + parts.query).isascii()
    except ValueError:
        return False
    return right and text.isprintable() and " " not in text and not parts.fragment


def _or_empty(is_right: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: not text or is_right(text)


def _is_client(text: str) -> bool:
    """Say whether it is an address from which a query can come."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text and not address.is_unspecified and not address.is_multicast


def _is_proxy(text: str) -> bool:
    if not text:
        return True
    try:
        parts = urlsplit(text)
        return parts.scheme == "http" and bool(parts.hostname) and bool(parts.port) and parts.path in ("", "/")
    except ValueError:
        return False


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def is_right(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return is_right


def _is_absolute(text: str) -> bool:
    return Path(text).is_absolute()


def _is_name(text: str) -> bool:
    """Say whether it looks like a domain name; policy/names.py, a layer above, makes it canonical."""
    name = text.strip().removesuffix(".")
    try:
        ascii_name = name if name.isascii() else idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError:
        return False
    return len(ascii_name) <= 253 and bool(re.fullmatch(r"(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}", ascii_name))


def _is_host(text: str) -> bool:
    """Say whether it is an address or looks like a domain name."""
    return _is_client(text) or _is_name(text)


def _is_upstream(text: str) -> bool:
    """Say whether the scheme is one of ours; resolver/upstream/address.py, a layer above, reads the rest."""
    scheme, separator, rest = text.strip().partition("://")
    if separator:
        return scheme.lower() in UPSTREAM_SCHEMES and bool(rest)
    return _parses(ipaddress.ip_address)(scheme) or _parses(split_listen)(scheme)


def _time_zone(key: str, settings: Settings) -> Iterator[Fault]:
    zone = settings.school.time_zone
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = zoneinfo.available_timezones()
        if not known:
            hint = _("This machine has no time zone data: install the package tzdata.")
        else:
            near = difflib.get_close_matches(zone, known, n=1, cutoff=0.5)
            hint = _("Did you mean {name}?").format(name=near[0]) if near else ""
        yield Fault(key, _("a time zone such as Asia/Almaty or Asia/Bishkek"), repr(zone), hint)


def _contact(key: str, settings: Settings) -> Iterator[Fault]:
    contact = settings.school.contact
    if contact and not contact.startswith(CONTACT_SCHEMES):
        hint = _("An e-mail address is written as mailto:school@example.org.")
        yield Fault(key, _("an address that begins with mailto:, tel: or https:"), repr(contact), hint)


def _zones(key: str, settings: Settings) -> Iterator[Fault]:
    for zone, servers in settings.upstream.zones.items():
        if not _is_name(zone):
            yield Fault(key, _("a zone such as school.local"), repr(zone))
        for server in servers or ("",):
            if not _is_upstream(server):
                yield Fault(key, _upstream_form(), repr(server) if server else _("an empty list"))


def _page(key: str, settings: Settings) -> Iterator[Fault]:
    addresses = [part.strip() for part in settings.blocking.page_address.split(",") if part.strip()]
    for address in addresses:
        if not _parses(ipaddress.ip_address)(address):
            yield Fault(key, _("an IPv4 and an IPv6 address, with a comma between"), repr(address))
    if settings.blocking.answer is BlockAnswer.PAGE and not addresses:
        hint = _('Give the address of the block page, or set blocking.answer = "null".')
        yield Fault(key, _('an address, because blocking.answer = "page"'), _("an empty text"), hint)


def _director_key(key: str, settings: Settings) -> Iterator[Fault]:
    found = settings.approval.director_key
    expected = _("the fingerprint of the director's key, as SHA256:… with 43 characters")
    if found and not re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", found):
        yield Fault(key, expected, repr(found), _("`schoolfilter orders key show` shows it."))


def _is_id(text: str) -> bool:
    """Say whether it can be the id of a group or a category; policy/, a layer above, knows which there are."""
    return re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", text) is not None


def _upstream_form() -> str:
    return _("a server such as udp://192.0.2.1, tcp://192.0.2.1, tls://192.0.2.1#dns.example or https://…/dns-query")


def _https_form() -> str:
    return _("an address such as https://hooks.example.org/x, with nothing but Latin letters and signs behind the host")


_network_check = _each(
    _parses(ipaddress.ip_network),
    lambda: _("a network such as 10.0.0.0/8 or fd00::/8, its host part zero"),
    empty=False,
)
_name_check = _each(_is_name, lambda: _("a domain name such as example.org"))

CHECKS: tuple[tuple[str, Check], ...] = (
    ("school.country", _one_of(*COUNTRIES)),
    ("school.language", _one_of(*LANGUAGES)),
    ("school.time_zone", _time_zone),
    ("school.contact", _contact),
    ("school.protected", _name_check),
    ("server.listen", _each(_parses(split_listen), lambda: _("ADDRESS:PORT or [IPV6]:PORT"), empty=False)),
    ("server.workers", _between(1, 64)),
    ("server.allowed_networks", _network_check),
    ("server.rate_limit", _between(0, 1_000_000)),
    ("server.tcp_connections", _between(1, 65_535)),
    ("server.tcp_connections_per_client", _between(1, 65_535)),
    ("server.tcp_idle_seconds", _between(0.1, 600)),
    ("upstream.servers", _each(_is_upstream, _upstream_form)),
    ("upstream.zones", _zones),
    ("upstream.private_zones", _name_check),
    ("cache.entries", _between(0, 10_000_000)),
    ("cache.megabytes", _between(1, 65_536)),
    ("cache.stale_hours", _between(0, 72)),  # RFC 8767 section 5.11 asks for 1 to 3 days at most
    ("blocking.ttl", _between(0, 86_400)),
    ("blocking.page_address", _page),
    ("log.retention_days", _between(1, 3650)),
    ("log.segment_days", _between(1, 3650)),
    ("log.anonymise_days", _between(0, 3650)),
    ("log.archive_megabytes", _between(96, 16384)),
    ("log.segment_megabytes", _between(1, 4096)),
    (
        "incidents.off",
        _each(lambda text: text in RULES, lambda: _("one of {words}").format(words=", ".join(RULES))),
    ),
    ("incidents.attempt_visits", _between(2, 50)),
    ("incidents.attempt_sites", _between(2, 50)),
    ("incidents.unrelated_sites", _between(2, 50)),
    ("incidents.window_minutes", _between(1, 120)),
    ("incidents.merge_minutes", _between(1, 1440)),
    ("incidents.beacon_visits", _between(4, 100)),
    ("incidents.at_risk", _each(_is_id, lambda: _("a category such as gambling"))),
    ("incidents.unwatched_groups", _each(_is_id, lambda: _("the id of a group, such as teachers"))),
    (
        "notices.smtp_server",
        _each(_or_empty(_parses(split_smtp)), lambda: _("a mail server such as smtp://mail.example.org")),
    ),
    ("notices.mail_from", _each(_or_empty(is_mail_address), lambda: _("an address such as filter@school.example"))),
    ("notices.telegram_server", _each(_is_https, _https_form)),
    ("notices.webhook", _each(_or_empty(_is_https), _https_form)),
    ("lists.refresh_hours", _between(0, 8760)),
    ("lists.quiet", _each(_parses(split_quiet), lambda: _("hours as 07:00-19:00, or an empty text"))),
    ("lists.proxy", _each(_is_proxy, lambda: _("a proxy such as http://192.0.2.1:3128"))),
    ("lists.must_open", _name_check),
    ("lists.must_block", _name_check),
    ("lists.broad_percent", _between(1, 100)),
    ("lists.top_names", _between(0, 100_000)),
    ("lists.bad_lines_percent", _between(0, 100)),
    ("lists.keep", _between(2, 30)),  # with fewer there would be nothing to return to
    ("devices.trusted_routers", _each(_is_client, lambda: _("an address such as 192.168.1.1 or fd00::1"))),
    ("devices.lease_files", _each(_is_absolute, lambda: _("a path such as /var/lib/misc/dnsmasq.leases"))),
    ("approval.director_key", _director_key),
    ("web.listen", _each(_parses(split_listen), lambda: _("ADDRESS:PORT or [IPV6]:PORT"))),
)


def find_faults(settings: Settings) -> Iterator[Fault]:
    """Yield everything that is out of range or of the wrong form."""
    for key, check in CHECKS:
        yield from check(key, settings)
