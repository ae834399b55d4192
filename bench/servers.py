"""The servers beside ours: the C echo, the upstream, unbound and dnsmasq, each on a free port of 127.0.0.1."""

import getpass
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode

from bench.names import write_lines
from bench.processes import BenchError, is_running, last_words, running

HERE = Path(__file__).parent
START_TIMEOUT = 20.0
"""Seconds after which a server that should start at once is given up."""

UPSTREAM_ANSWER = "192.0.2.1"
"""What bench/upstream.c answers every A query with."""


class TooSlowError(BenchError):
    """A server did not answer in time."""


class Logging(StrEnum):
    """What a peer writes for each query."""

    NONE = "no log"
    QUERIES = "log-queries"
    REPLIES = "log-replies"


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers."""

    name: str
    port: int
    pid: int
    start_seconds: float
    """From starting the process to its first answer."""


def compile_programs(work: Path) -> None:
    """Compile the C programs into the work folder."""
    for name in ("echo", "upstream", "load"):
        command = ["cc", "-O2", "-o", str(work / name), str(HERE / f"{name}.c"), "-lm"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise BenchError("no C compiler: apt-get install gcc libc6-dev") from None
        if done.returncode:
            raise BenchError(f"`{' '.join(command)}` failed:\n{done.stderr}")


def program(name: str) -> str:
    """Return the path of a peer's program; Debian keeps servers in /usr/sbin, which users' PATH often lacks."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
    if path is None:
        package = {"dnsmasq": "dnsmasq-base"}.get(name, name)
        raise BenchError(f"{name} is not installed: apt-get install {package}")
    return path


def free_port() -> int:
    """Return a port that is free for UDP and TCP on 127.0.0.1 now."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            tcp.bind(("127.0.0.1", 0))
            port: int = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def ask(port: int, name: str, timeout: float = 1.0) -> list[str]:
    """Return the addresses that the server answers an A query with; ["NXDOMAIN"] and the like if it says so."""
    query = dns.message.make_query(name, "A")
    reply = dns.query.udp(query, "127.0.0.1", timeout=timeout, port=port, ignore_errors=True)
    if reply.rcode() != dns.rcode.NOERROR:
        return [dns.rcode.to_text(reply.rcode())]
    return [record.to_text() for rrset in reply.answer for record in rrset]


def wait_for_answer(pid: int, port: int, name: str, output: Path, timeout: float) -> None:
    """Ask for the name until there is an answer of any kind."""
    deadline = time.perf_counter() + timeout
    query = dns.message.make_query(name, "A").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", port))
        client.settimeout(0.005)
        while time.perf_counter() < deadline:
            if not is_running(pid):
                raise BenchError(f"expected a server on port {port}, but it ended:\n{last_words(output)}")
            try:
                client.send(query)
                client.recv(4096)
            except ConnectionRefusedError:  # nobody listens yet
                time.sleep(0.002)
            except TimeoutError:
                continue
            else:
                return
    raise TooSlowError(f"expected an answer on port {port} within {timeout:.0f} s, found none:\n{last_words(output)}")


@contextmanager
def echo(work: Path) -> Iterator[Server]:
    """Run the bare C echo."""
    port = free_port()
    command = [str(work / "echo"), str(port)]
    with started("C echo", command, work / "echo.out", port, "localhost", START_TIMEOUT) as server:
        yield server


@contextmanager
def upstream(work: Path) -> Iterator[Server]:
    """Run the upstream that answers everything."""
    port = free_port()
    command = [str(work / "upstream"), str(port)]
    with started("upstream", command, work / "upstream.out", port, "localhost", START_TIMEOUT) as server:
        yield server


@contextmanager
def unbound(
    work: Path, upstream_port: int, logging: Logging, blocked: Iterable[str] = (), start_timeout: float = START_TIMEOUT
) -> Iterator[Server]:
    """Run unbound with one thread as a forwarder; blocked names are local zones that answer 0.0.0.0."""
    port = free_port()
    folder = work / f"unbound-{port}"
    folder.mkdir()
    head = f"""
server:
    interface: 127.0.0.1
    port: {port}
    access-control: 127.0.0.0/8 allow
    do-ip6: no
    do-not-query-localhost: no
    num-threads: 1
    module-config: "iterator"
    msg-cache-size: 64m
    rrset-cache-size: 128m
    username: ""
    chroot: ""
    directory: "{folder}"
    pidfile: ""
    use-syslog: no
    logfile: "{folder}/log"
    log-queries: {"yes" if logging is Logging.QUERIES else "no"}
    log-replies: {"yes" if logging is Logging.REPLIES else "no"}
""".splitlines()
    zones = (f'    local-zone: "{name}" always_null' for name in blocked)
    tail = ["forward-zone:", '    name: "."', f"    forward-addr: 127.0.0.1@{upstream_port}"]
    tail += ["remote-control:", "    control-enable: no"]
    config = write_lines(folder / "unbound.conf", chain(head, zones, tail))
    label = "unbound" if logging is Logging.NONE else f"unbound {logging}"
    command = [program("unbound"), "-d", "-c", str(config)]
    with started(label, command, folder / "out", port, "localhost", start_timeout) as server:
        yield server


@contextmanager
def dnsmasq(
    work: Path,
    upstream_port: int,
    logging: Logging,
    blocked: Iterable[str] = (),
    *,
    cache: int = 20_000,
    start_timeout: float = START_TIMEOUT,
) -> Iterator[Server]:
    """Run dnsmasq as a forwarder; blocked names are address lines that answer 0.0.0.0."""
    port = free_port()
    folder = work / f"dnsmasq-{port}"
    folder.mkdir()
    head = [
        f"port={port}",
        "listen-address=127.0.0.1",
        "bind-interfaces",
        "no-resolv",
        "no-hosts",
        f"server=127.0.0.1#{upstream_port}",
        f"cache-size={cache}",
        "dns-forward-max=1000",  # its default of 150 would refuse what the load asks
        f"user={getpass.getuser()}",
        "pid-file",
    ]
    if logging is not Logging.NONE:
        head += ["log-queries", f"log-facility={folder}/log"]
    config = write_lines(folder / "dnsmasq.conf", chain(head, (f"address=/{name}/#" for name in blocked)))
    label = "dnsmasq" if logging is Logging.NONE else f"dnsmasq {logging}"
    command = [program("dnsmasq"), "--keep-in-foreground", f"--conf-file={config}"]
    with started(label, command, folder / "out", port, "localhost", start_timeout) as server:
        yield server


@contextmanager
def started(name: str, command: list[str], output: Path, port: int, probe: str, timeout: float) -> Iterator[Server]:
    """Run a server; yield it when it has answered a first query for `probe`."""
    start = time.perf_counter()
    with running(command, output) as pid:
        wait_for_answer(pid, port, probe, output, timeout)
        yield Server(name, port, pid, time.perf_counter() - start)


def check_answers(server: Server, blocked: Iterable[str], open_names: Iterable[str]) -> None:
    """Make sure that the server does what it is measured for; raises BenchError if not."""
    for name, wanted in chain(((n, "0.0.0.0") for n in blocked), ((n, UPSTREAM_ANSWER) for n in open_names)):  # noqa: S104 - an answer
        try:
            found = ask(server.port, name)
        except dns.exception.Timeout:
            found = ["no answer"]
        if found != [wanted]:
            raise BenchError(f"expected {server.name} to answer {name} with {wanted}, found {found}")
