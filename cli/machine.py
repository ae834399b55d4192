"""Collect what `doctor` judges of this machine: folders, disk, memory, clock, ports, who asks. Changes nothing."""

import asyncio
import errno
import ipaddress
import os
import pwd
import shutil
import socket
import stat
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from cli.facts import BindError, Clients, Clock, Disk, Holder, Memory, Place, StateFolder
from cli.segments import LogLine, list_segments, newest_first, whole_ends
from cli.sockets import OpenSocket, holders, in_the_way, open_sockets
from resolver.askers import Asker, read_askers
from settings.checks import split_listen
from settings.model import Paths
from storage.audit import describe
from storage.errors import DamagedDatabase, StorageError
from storage.policy_db import PolicyDb

_CAP_NET_BIND_SERVICE = 10
"""Its bit in the capability sets (linux/capability.h)."""
_LINES_LOOKED_AT = 5000
"""Newest lines of the query log in which clients are counted: some minutes of a school, read in a blink."""
_LATELY = timedelta(days=1)
"""Whoever uses the internet asks within a day."""
_WRITTEN_BY_US = (
    "policy.db", "policy.db-wal", "policy.db-shm", "lists", "querylog", "run", "journal.db", "journal.db-wal",
    "journal.db-shm", "heads.txt", "device.key", "archive", "papers",
)  # fmt: skip
_READ_BY_ALL = stat.S_IROTH | stat.S_IXOTH
_TWO_SECONDS = 2.0


def state_folder(paths: Paths) -> StateFolder:
    """Look at the folder that holds all state."""
    path = paths.state
    try:
        here = path.stat()
    except OSError:
        return StateFolder(path, exists=False, writable=os.access(_existing(path), os.W_OK | os.X_OK))
    strangers = []
    for name in _WRITTEN_BY_US:
        try:
            owner = (path / name).stat().st_uid
        except OSError:
            continue
        if owner != here.st_uid:
            strangers.append(name)
    return StateFolder(
        path,
        exists=True,
        writable=os.access(path, os.W_OK | os.X_OK),
        mine=os.geteuid() in (0, here.st_uid),
        owner=_user(here.st_uid),
        strangers=tuple(strangers),
        open_to_all=here.st_mode & stat.S_IXOTH != 0 and _mode(paths.query_log) & _READ_BY_ALL == _READ_BY_ALL,
    )


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _existing(path: Path) -> Path:
    """Return the nearest folder above that exists."""
    return next(folder for folder in (path, *path.absolute().parents) if os.access(folder, os.F_OK))


def history_fault(paths: Paths) -> str:
    """Return what is wrong with the history of the policy; no text if it is whole, or cannot be reached at all."""
    try:
        finding = asyncio.run(PolicyDb(paths.policy_db).verify_audit())
    except DamagedDatabase as error:
        return str(error)
    except StorageError:
        return ""  # before `init`, or as a user that may not read it: what is said of the folder tells that
    return "" if finding is None else describe(finding)


def disk(path: Path) -> Disk | None:
    """Return size and free space of the file system, None if it cannot be asked."""
    try:
        usage = shutil.disk_usage(_existing(path))
    except OSError:
        return None
    return Disk(usage.total, usage.free)


def memory(proc: Path = Path("/proc")) -> Memory | None:
    """Return the machine's memory, None where there is no /proc."""
    fields = {}
    try:
        for line in (proc / "meminfo").read_text("ascii", "replace").splitlines():
            key, _colon, rest = line.partition(":")
            fields[key] = int(rest.split()[0]) * 1024
        return Memory(fields["MemTotal"], fields["MemAvailable"])
    except (OSError, ValueError, KeyError, IndexError):
        return None


def newest_lines(paths: Paths) -> list[LogLine]:
    """Return the newest lines of the query log, newest first; none if it may not be read."""
    try:
        segments = list_segments(paths.query_log)
        ends = whole_ends(segments)
        return list(islice(newest_first(segments, ends, lambda _path, _raw: None), _LINES_LOOKED_AT))
    except OSError:
        return []


def askers(paths: Paths, now: datetime) -> list[Asker]:
    """Return who asked lately; nobody if the query log may not be read."""
    try:
        return read_askers(paths.query_log, now - _LATELY)
    except OSError:
        return []


def clients(lines: Iterable[LogLine], lately: Iterable[Asker]) -> Clients:
    """Count who asked in the newest lines, and name those who asked before."""
    return Clients(dict.fromkeys((each.address for each in lately), 0) | Counter(line["client"] for line in lines))


def clock(paths: Paths, lines: Sequence[LogLine], now: datetime) -> Clock:
    """Compare the clock with what was written before now."""
    try:
        changed = datetime.fromtimestamp(paths.policy_db.stat().st_mtime, UTC)
    except OSError:
        changed = None
    return Clock(now, lines[0].moment if lines else None, changed, synchronised())


def synchronised() -> bool | None:
    """Ask systemd whether time servers set the clock; None where it cannot tell."""
    program = shutil.which("timedatectl")
    if program is None:
        return None
    try:
        found = subprocess.run(  # noqa: S603 - a fixed command, no shell, nothing from outside
            [program, "show", "-p", "NTPSynchronized", "--value"],
            capture_output=True,
            timeout=_TWO_SECONDS,
            check=False,
            text=True,
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"yes": True, "no": False}.get(found)


def places(listen: Sequence[str], served: Sequence[str]) -> tuple[Place, ...]:
    """Try each address that we are to listen on. `served` are those that our own running server holds already."""
    sockets = open_sockets()
    return tuple(_place(text, sockets, mine=text in served) for text in listen)


def _place(text: str, sockets: Sequence[OpenSocket], *, mine: bool) -> Place:
    address, port = split_listen(text)
    loopback = ipaddress.ip_address(address.partition("%")[0]).is_loopback
    # A port that we hold ourselves cannot be tried; whether the machine still has the address can.
    error, detail = _try(address, 0 if mine else port)
    in_way: tuple[Holder, ...] = ()
    if error is BindError.TAKEN:
        in_way = holders(in_the_way(address, port, sockets))
    return Place(text, port, loopback, error, detail, in_way)


def _try(address: str, port: int) -> tuple[BindError, str]:
    """Open and close the address by UDP and TCP: the kernel's own word on whether we could."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        try:
            family, _kind, _proto, _name, where = socket.getaddrinfo(
                address, port, type=kind, flags=socket.AI_NUMERICHOST
            )[0]
            with socket.socket(family, kind) as sock:
                if kind == socket.SOCK_STREAM:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closed connections are no obstacle
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.bind(where)
        except OSError as error:
            known = {
                errno.EADDRINUSE: BindError.TAKEN,
                errno.EACCES: BindError.NOT_PERMITTED,
                errno.EPERM: BindError.NOT_PERMITTED,
                errno.EADDRNOTAVAIL: BindError.NOT_HERE,
                errno.EAFNOSUPPORT: BindError.NOT_HERE,
            }
            return known.get(error.errno or 0, BindError.OTHER), error.strerror or str(error)
    return BindError.NONE, ""


def low_ports_allowed(proc: Path = Path("/proc")) -> bool:
    """Tell whether this user may listen on port 53."""
    try:
        if int((proc / "sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= 53:
            return True
    except (OSError, ValueError):
        pass  # an old kernel: the capability alone decides
    return bool(_effective_capabilities(proc) >> _CAP_NET_BIND_SERVICE & 1)


def _effective_capabilities(proc: Path) -> int:
    try:
        for line in (proc / "self/status").read_text().splitlines():
            if line.startswith("CapEff:"):
                return int(line.split()[1], 16)
    except (OSError, ValueError, IndexError):
        return 0
    return 0
