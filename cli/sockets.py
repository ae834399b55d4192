"""Find out who holds a port: read the kernel's socket tables and match them with the programs' open files."""

import ipaddress
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from cli.facts import Holder

_LISTEN = "0A"
"""TCP state LISTEN in /proc/net/tcp (include/net/tcp_states.h)."""
_TABLES = ("udp", "udp6", "tcp", "tcp6")
_MODULES = frozenset({"cli.main", "resolver.worker"})
"""As which our processes that hold sockets are started, if not by the command `schoolfilter`."""


@dataclass(frozen=True, slots=True)
class OpenSocket:
    """A bound UDP socket or a listening TCP socket."""

    protocol: str
    address: str
    port: int
    inode: int


def parse_table(text: str, protocol: str) -> list[OpenSocket]:
    """Return the sockets in one of /proc/net/udp, udp6, tcp, tcp6 that wait for anybody. Odd lines are left out."""
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        try:
            host, _, port = fields[1].partition(":")
            if protocol.startswith("tcp") and fields[3] != _LISTEN:
                continue
            found.append(OpenSocket(protocol[:3], _address(host), int(port, 16), int(fields[9])))
        except (IndexError, ValueError):
            continue
    return found


def _address(text: str) -> str:
    """Return the address: the kernel prints its 32-bit words in the byte order of the machine."""
    words = [text[i : i + 8] for i in range(0, len(text), 8)]
    return str(ipaddress.ip_address(b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words)))


def in_the_way(wanted: str, port: int, sockets: Iterable[OpenSocket]) -> list[OpenSocket]:
    """Return the sockets that keep us from listening on this address and port."""
    ours = ipaddress.ip_address(wanted.partition("%")[0])
    return [other for other in sockets if other.port == port and _clash(ours, ipaddress.ip_address(other.address))]


def _clash(
    ours: ipaddress.IPv4Address | ipaddress.IPv6Address, other: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> bool:
    if ours.version == other.version:
        return ours == other or ours.is_unspecified or other.is_unspecified
    # A socket on [::] takes IPv4 as well, unless it was told not to; the table does not show which.
    return other.version == 6 and other.is_unspecified


def open_sockets(proc: Path = Path("/proc")) -> list[OpenSocket]:
    """Return every waiting socket of this machine; empty where there is no /proc."""
    found: list[OpenSocket] = []
    for table in _TABLES:
        try:
            text = (proc / "net" / table).read_text("ascii", "replace")
        except OSError:
            continue
        found += parse_table(text, table)
    return found


def holders(sockets: Iterable[OpenSocket], proc: Path = Path("/proc")) -> tuple[Holder, ...]:
    """Return the sockets with the programs behind them, as far as this user may see."""
    wanted = {f"socket:[{sock.inode}]": sock for sock in sockets}
    if not wanted:
        return ()
    owner: dict[int, int] = {}
    for process in proc.iterdir():
        if not process.name.isdigit():
            continue
        try:
            for descriptor in (process / "fd").iterdir():
                sock = wanted.get(str(descriptor.readlink()))
                if sock is not None:
                    owner.setdefault(sock.inode, int(process.name))
        except OSError:
            continue  # another user's process, or one that has just ended
    return tuple(
        Holder(sock.protocol, sock.address, sock.port, pid, _read(pid, "comm", proc).strip(), ours=_is_ours(pid, proc))
        for sock in wanted.values()
        for pid in [owner.get(sock.inode)]
    )


def _is_ours(pid: int | None, proc: Path) -> bool:
    """Tell whether a process is a supervisor or a worker. To the system it may be no more than a `python3`."""
    arguments = _read(pid, "cmdline", proc).split("\0")
    modules = {after for option, after in pairwise(arguments) if option == "-m"}
    return not modules.isdisjoint(_MODULES) or any(Path(each).name == "schoolfilter" for each in arguments[:2])


def _read(pid: int | None, name: str, proc: Path) -> str:
    if pid is None:
        return ""
    try:
        return (proc / str(pid) / name).read_text("utf-8", "replace")
    except OSError:
        return ""
