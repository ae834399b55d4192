"""Leases of a DHCP server on this machine: which MAC and hostname an address was given to.

Three kinds of file, recognised by what is in them: dnsmasq, ISC dhcpd, and Kea's memfile. A later line wins: dhcpd and
Kea write what changed at the end. The parser is pure.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from policy.devices import address_text, parse_mac
from policy.discovery import Lease
from settings.errors import SchoolfilterError
from translations import _

MAX_OCTETS = 8 << 20
"""Of a bigger file only the beginning, which shows its kind, and so much of its end are read: 20,000 leases or more."""
_HEAD = 4096
_MAX_HOSTNAME = 253

_DNSMASQ = re.compile(r"duid [0-9a-f]|[0-9]+ \S+ [0-9a-f.:]+ \S+ \S+$")
_DHCPD = re.compile(r"(?:lease|host|group|subgroup|failover|server-duid|authoring-byte-order)\b")
_KEA = "address,"
_KEA_ESCAPE = re.compile(r"&#x([0-9a-f]{2})")
_KEA_PREFIX = "2"
"""The type of a lease that gives a whole network away."""
_NO_ETHERNET = re.compile(r"[0-9a-f]{2}-.*")
"""dnsmasq writes the kind of hardware before an address that is no MAC."""


class LeasesError(SchoolfilterError):
    """A lease file cannot be read; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Leases:
    """The leases of one file."""

    by_address: Mapping[str, Lease]
    """Those in force, by address as policy/devices.py writes it."""
    damaged: int
    """Lines or blocks that could not be read."""


Entry = tuple[str, Lease | None] | None
"""An address with what was noted down about it; None in place of a lease: nobody has it now. None alone: damaged."""


def read_leases(path: Path, now: float) -> Leases:
    """Return the leases in force at a moment of Unix time. Raises LeasesError."""
    try:
        if not path.is_file():
            expected = _(
                "{path}: expected the lease file of a DHCP server, found no file. See lease_files in [devices]."
            )
            raise LeasesError(expected.format(path=path))
        text = _read(path).decode("utf-8", "replace")
    except OSError as error:
        expected = _("{path}: the lease file cannot be read: {error}. Let the user of this service read it.")
        raise LeasesError(expected.format(path=path, error=error.strerror or error)) from error
    try:
        return parse_leases(text, now)
    except ValueError:
        expected = _("{path}: expected a lease file of dnsmasq, ISC dhcpd or Kea, found {text}")
        raise LeasesError(expected.format(path=path, text=repr(text.strip()[:60]))) from None


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        beginning = file.read(MAX_OCTETS)
        size = file.seek(0, 2)
        if size <= MAX_OCTETS:
            return beginning
        file.seek(size - MAX_OCTETS)
        return beginning[:_HEAD].rpartition(b"\n")[0] + b"\n" + file.read(MAX_OCTETS).partition(b"\n")[2]


def parse_leases(text: str, now: float) -> Leases:
    """Return the leases of a file's text in force at a moment of Unix time.

    Raises ValueError if there is something, but nothing that any of the three servers writes.
    """
    lines = text.split("\n")
    reader = _reader(lines)
    book: dict[str, Lease | None] = {}
    damaged = 0
    for entry in reader(lines):
        if entry is None:
            damaged += 1
        else:
            book[entry[0]] = entry[1]
    in_force = {
        address: lease
        for address, lease in book.items()
        if lease is not None and (lease.expires is None or lease.expires > now)
    }
    return Leases(in_force, damaged)


def _reader(lines: list[str]) -> Callable[[list[str]], Iterator[Entry]]:
    empty = True
    for line in lines:
        if line.startswith(_KEA):
            return _kea
        if _DHCPD.match(line):
            return _dhcpd
        if _DNSMASQ.match(line):
            return _dnsmasq
        empty = empty and (not line.strip() or line.startswith("#"))
    if not empty:
        raise ValueError("no lease file")
    return _dhcpd  # which knows comments


def _dnsmasq(lines: list[str]) -> Iterator[Entry]:
    """Read `expiry MAC address hostname client-id`; for IPv6 a number (IAID) stands in place of the MAC."""
    for line in lines:
        fields = line.split()
        if len(fields) == 5:
            yield _dnsmasq_lease(*fields[:4])
        elif fields and fields[0] not in ("duid", "agent-info", "vendorclass"):
            yield None


def _dnsmasq_lease(expiry: str, hardware: str, address: str, hostname: str) -> Entry:
    try:
        canonical, expires = address_text(address), int(expiry)
        mac = "" if ":" in canonical or _NO_ETHERNET.fullmatch(hardware) else parse_mac(hardware)
    except ValueError:
        return None
    return canonical, Lease(mac, "" if hostname == "*" else _clean(hostname), expires or None)


def _dhcpd(lines: list[str]) -> Iterator[Entry]:
    """Read `lease ADDRESS { … }`. dhcpd writes each statement on a line, and the last brace at the beginning of one."""
    address, statements = "", dict[str, str]()
    for line in lines:
        words = line.strip().removesuffix(";").split(None, 2)
        if line.startswith("lease ") and line.rstrip().endswith("{"):
            if address:  # the one before was never finished
                yield None
            address, statements = words[1], {}
        elif address and line.startswith("}"):
            yield _dhcpd_lease(address, statements)
            address = ""
        elif address and len(words) > 1:
            statements[words[0]] = " ".join(words[1:])
    if address:
        yield None


def _dhcpd_lease(address: str, statements: Mapping[str, str]) -> Entry:
    try:
        canonical = address_text(address)
        if statements.get("binding", "state active") != "state active":
            return canonical, None
        kind, _space, hardware = statements.get("hardware", "").partition(" ")
        mac = parse_mac(hardware) if kind == "ethernet" else ""
        hostname = _clean(statements.get("client-hostname", "").strip('"'))
        return canonical, Lease(mac, hostname, _dhcpd_moment(statements.get("ends", "never")))
    except ValueError:
        return None


def _dhcpd_moment(text: str) -> int | None:
    """Read `never`, `epoch 1788508800` or `4 2026/09/03 20:00:00`, which is in UTC, the day of the week before it."""
    kind, _space, rest = text.partition(" ")
    if kind == "never":
        return None
    if kind == "epoch":
        return int(rest.partition(";")[0])
    return int(datetime.strptime(rest, "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC).timestamp())


def _kea(lines: list[str]) -> Iterator[Entry]:
    """Read Kea's memfile, for IPv4 or IPv6. Which columns there are depends on its version: the first line says it."""
    columns: list[str] = []
    for line in lines:
        if line.startswith(_KEA):
            columns = line.split(",")
        elif line.strip():
            yield _kea_lease(dict(zip(columns, line.split(","), strict=False)))


def _kea_lease(row: Mapping[str, str]) -> Entry:
    try:
        canonical = address_text(row["address"])
        # Given back, declined or reclaimed; and what is deleted is written once more with no time to live.
        if row.get("state", "0") != "0" or row["valid_lifetime"] == "0" or row.get("lease_type") == _KEA_PREFIX:
            return canonical, None
        mac = parse_mac(row["hwaddr"]) if row.get("hwaddr") or ":" not in canonical else ""
        hostname = _KEA_ESCAPE.sub(lambda found: chr(int(found[1], 16)), row["hostname"])
        return canonical, Lease(mac, _clean(hostname), int(row["expire"]))
    except (ValueError, KeyError):
        return None


def _clean(hostname: str) -> str:
    """Return a name that a device gave itself, fit to be shown: no control characters, not too long."""
    return "".join(filter(str.isprintable, hostname)).removesuffix(".")[:_MAX_HOSTNAME]
