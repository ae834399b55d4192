"""One worker process: joins engine, listeners, upstreams, log and policy, and keeps them current.

Started by the supervisor with sockets that are already bound: `python -m resolver.worker NUMBER PARENT UDP,… TCP,…
[--config FILE]`, the numbers being descriptors. It ends on SIGTERM, or when its parent's end of PARENT closes.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Coroutine, Iterable, Mapping
from datetime import datetime
from itertools import chain
from pathlib import Path
from zoneinfo import ZoneInfo

from blocklists.bundles import load_bundles
from blocklists.errors import BrokenIndex
from blocklists.generation import current_generation
from blocklists.index import Index, open_current, open_older
from policy.categories import CATEGORIES, Severity
from policy.groups import Group
from policy.ledger_words import describe
from policy.levels import Level
from policy.names import InvalidName, parse_name
from policy.snapshot import Snapshot, build_snapshot
from resolver.answers import sinkhole
from resolver.changes import Changes
from resolver.control import serve_control
from resolver.engine import Engine
from resolver.entropy import Entropy
from resolver.garbage import Garbage
from resolver.hours import HourlyPolicy
from resolver.identities import LOOK_SECONDS, Identities
from resolver.querylog import QueryLog, repair
from resolver.tcp import Connections
from resolver.udp import UdpListener
from resolver.upstream.address import (
    DEFAULT_UPSTREAMS,
    UpstreamAddress,
    parse_upstream,
)
from resolver.upstream.forwarder import Forwarder, make_servers
from resolver.upstream.pool import DEADLINE, Server, Upstreams
from resolver.upstream.system import machine_resolvers
from resolver.upstream.udp import UdpSockets
from settings.load import load
from settings.model import ApprovalMode, LogDetail, Settings
from storage.errors import StorageError
from storage.last_good import last_good, remember
from storage.policy_db import PolicyCopy, PolicyDb, open_policy
from storage.policy_load import Loaded, PolicyLoader
from translations import use

WATCH_SECONDS = 0.2
"""How often policy.db and the index pointer are looked at: a change is in force well within a second."""
REMEMBER_SECONDS = 60.0
"""Between two copies of the policy."""
RETRY_SECONDS = 5.0
"""Between tries at a policy or lists that cannot be read."""
SWITCH_SECONDS = 0.0005
"""How long another thread (SQLite's, fsync's) may keep the interpreter from answering."""

TIDY_ENTRIES, TIDY_SECONDS = 250, 0.002
"""How the replies of past views are freed: a quarter of a millisecond of work, then room for answers."""

RESERVED_DESCRIPTORS = 512
"""For upstream sockets, the log, the policy, the control socket."""
LEAST_TCP = 16

logger = logging.getLogger("schoolfilter.worker")


def cautious_policy(protected: Iterable[str]) -> Snapshot:
    """Return the policy of a worker that has never seen a readable one: everything but nuisances is closed.

    At `high` nothing would open but protected names, so that one damaged file would take the internet from the whole
    school, and answering goes on whatever happens. What is harmful is closed at `medium` too.
    """
    closed = frozenset(c.id for c in CATEGORIES if c.severity is not Severity.NUISANCE)
    group = Group("pupils", "", Level.MEDIUM, closed, supervised=True)
    return build_snapshot([group], (), default_group="pupils", protected=protected)


class Worker:
    """Everything one worker process holds."""

    def __init__(self, settings: Settings, number: int) -> None:
        self.settings = settings
        self.number = number
        self.clock = time.monotonic
        self.started = time.time()
        entropy = Entropy()
        self.sockets = UdpSockets(entropy, self.clock, self.finish)
        self.forwarder = Forwarder(entropy, self.clock, self.finish)
        self._join_upstreams(entropy)
        self.zone = ZoneInfo(settings.school.time_zone)
        self.log = QueryLog(
            settings.paths.query_log,
            number,
            self.zone,
            segment_bytes=settings.log.segment_megabytes << 20,
            durability=settings.log.durability,
        )
        self.needed = tuple(chain.from_iterable(load_bundles().values()))
        self.policy: PolicyLoader | None = None
        self.hourly: HourlyPolicy | None = None
        self.policy_error = ""
        self.policy_retry_at = 0.0
        self.ledger_faults: tuple[str, ...] = ()
        self.to_remember = False
        """The policy in force is newer than the copy of the last good one."""
        self.remember_at = 0.0
        self.index: Index = Index.empty()
        self.index_error = ""
        self.index_retry_at = 0.0
        self.protected = _names(settings.school.protected)
        self.identities = Identities(settings.devices.lease_files, table=settings.devices.neighbours)
        self.engine = Engine(
            cautious_policy(self.protected),
            self.index,
            sinkhole(settings.blocking, settings.school),
            self.forwarder,
            allowed_networks=settings.server.allowed_networks,
            rate_limit=settings.server.rate_limit,
            refuse_silently=settings.server.refuse_silently,
            cache_entries=settings.cache.entries,
            cache_octets=settings.cache.megabytes << 20,
            stale_seconds=settings.cache.stale_hours * 3600.0,
            private_zones=_names(settings.upstream.private_zones),
            blocked_only=settings.log.detail is LogDetail.BLOCKED,
            clock=self.clock,
            trusted_routers=settings.devices.trusted_routers,
            mac_of=self.identities.mac_of,
        )
        self.changes = Changes(self.engine, self.clock)
        self.garbage = Garbage()
        self.listeners: list[UdpListener] = []
        self.connections = Connections(
            self.engine,
            self.log,
            self.clock,
            most=_tcp_connections(settings.server.tcp_connections),
            per_client=settings.server.tcp_connections_per_client,
            idle=settings.server.tcp_idle_seconds,
        )

    # -- putting together ------------------------------------------------------------------------------------------

    def _join_upstreams(self, entropy: Entropy) -> None:
        upstream = self.settings.upstream
        addresses = [parse_upstream(text) for text in upstream.servers]
        backup: list[UpstreamAddress] = []
        if not addresses:
            addresses = machine_resolvers(self.settings.server.listen)
            backup = list(DEFAULT_UPSTREAMS)
        self.forwarder.default = self._upstreams(addresses, backup, entropy)
        for zone, texts in upstream.zones.items():
            servers = [parse_upstream(text) for text in texts]
            self.forwarder.zones[parse_name(zone)] = self._upstreams(servers, [], entropy)

    def _upstreams(
        self, addresses: list[UpstreamAddress], backup: list[UpstreamAddress], entropy: Entropy
    ) -> Upstreams:
        ca_file = self.settings.upstream.tls_ca_file
        servers = make_servers(addresses, self.sockets, entropy, ca_file)
        for server in make_servers(backup, self.sockets, entropy, ca_file):
            server.backup = bool(servers)
            servers.append(server)
        return Upstreams(servers, entropy, self.clock, self.forwarder.pending, self.finish)

    def finish(self) -> None:
        """Write the log lines of late replies, then send these: in that order, always."""
        engine = self.engine
        if not engine.outbox:
            return
        outbox, engine.outbox = engine.outbox, []
        lines, engine.lines = engine.lines, []
        if lines:
            stamp = self.log.stamp()
            self.log.write(stamp + stamp.join(lines))
        for peer, message in outbox:
            peer.send(message)
        for listener in self.listeners:
            if listener.late:
                listener.flush()

    # -- policy and lists ------------------------------------------------------------------------------------------

    async def load_policy(self) -> None:
        """Put the policy of policy.db in force; if that cannot be done, keep the last good one and say so."""
        try:
            if self.policy is None:
                path = self.settings.paths.policy_db
                # Where there was a policy once, a file that is gone or empty is damage, and no new school.
                known = last_good(path).exists()
                self.policy = self._loader(PolicyDb(path) if known else await open_policy(path))
            loaded = await self._put_in_force(self.policy)
            await self._keep_ledger(self.policy, loaded)
        except Exception as error:  # noqa: BLE001 - no policy, whatever is in it, may end a worker
            self._stay(error)
            await self._begin_with_last_good()
        else:
            self.to_remember = self.number == 0
            if self.policy_error:
                logger.warning("the policy can be read again")
            self.policy_error = ""

    def _loader(self, policy: PolicyDb) -> PolicyLoader:
        approval = self.settings.approval
        return PolicyLoader(policy, signed=approval.mode is ApprovalMode.SIGNATURE, pinned=approval.director_key)

    async def _put_in_force(self, loader: PolicyLoader) -> Loaded:
        loaded = await loader.load(self.protected, needed=self.needed)
        hourly = HourlyPolicy(loaded.snapshot, datetime.now(self.zone))
        await self.changes.policy(hourly.current)
        self.hourly = hourly
        return loaded

    async def _begin_with_last_good(self) -> None:
        """Put the policy of before in force, in a worker that has none: rooms and groups stay as they were."""
        copy = last_good(self.settings.paths.policy_db)
        if self.hourly is not None or not copy.exists():
            return
        try:
            try:
                loaded = await self._put_in_force(self._loader(PolicyCopy(copy)))
            except StorageError:  # made by an older version: then it is migrated, which needs some room on the disk
                loaded = await self._put_in_force(self._loader(PolicyDb(copy)))
        except Exception:
            logger.exception("the copy of the last good policy cannot be read either: %s", copy)
        else:
            version = loaded.snapshot.version
            logger.warning("the last good policy is in force: version %d, from %s", version, copy)

    async def _remember_policy(self, now: float) -> None:
        """Keep a copy of the policy that was loaded, not more often than a disk can bear."""
        if not self.to_remember or now < self.remember_at:
            return
        self.to_remember, self.remember_at = False, now + REMEMBER_SECONDS
        try:
            await asyncio.to_thread(remember, self.settings.paths.policy_db)
        except StorageError as error:
            logger.error("the copy of the last good policy cannot be written: %s", error)

    def _stay(self, error: Exception) -> None:
        """Say why the policy in force stays: once, and where it was if nobody expects such an error."""
        if not self.policy_error:
            trace = None if isinstance(error, StorageError | OSError) else error
            logger.error("the policy cannot be read, the one in force stays: %s", error, exc_info=trace)
        self.policy_error = str(error) or repr(error)

    async def _keep_ledger(self, loader: PolicyLoader, loaded: Loaded) -> None:
        """Remember what was verified, and raise the alarm about what was not."""
        try:
            await asyncio.to_thread(loader.keep, loaded)
        except OSError as error:
            logger.error("the copy of the ledger cannot be written: %s", error)
        found = tuple(map(describe, loaded.ledger.findings))
        for text in found:
            if text not in self.ledger_faults:
                logger.error("ledger of orders: %s", text)
        self.ledger_faults = found

    async def load_index(self) -> None:
        """Put the current index in force; if it cannot be read, keep the last good one and say so.

        The files are read, and the old ones let go, by another thread: answers go on meanwhile.
        """
        folder = self.settings.paths.lists
        try:
            index = await asyncio.to_thread(open_current, folder)
        except (BrokenIndex, OSError) as error:
            if not self.index_error:
                logger.error("the lists cannot be read: %s", error)
            self.index_error = str(error)
            older = None if self.index.generation else await asyncio.to_thread(open_older, folder)
            if older is None:
                return  # those in force stay
            logger.warning("the lists of an older generation are in force: %s", older.generation)
            self.index = older
            self.engine.set_index(older)
            return
        self.index_error = ""
        await self.changes.index(index)
        before, self.index = self.index, index
        await asyncio.to_thread(before.close)

    def watches(self) -> tuple[Coroutine[None, None, None], ...]:
        """Return what notices, for as long as the worker lives, what others change: side by side, so that an order
        need not wait for lists.
        """
        return self._watch_policy(), self._watch_index(), self._watch_devices()

    async def _watch_policy(self) -> None:
        seen: object = None
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                version: object = await self.policy.policy.data_version() if self.policy is not None else None
            except (StorageError, OSError) as error:
                version = str(error)
            retry = bool(self.policy_error) and self.clock() >= self.policy_retry_at
            if version != seen or version is None or retry:
                seen = version
                await self.load_policy()
                self.policy_retry_at = self.clock() + RETRY_SECONDS
            else:
                await self._advance()

    async def _advance(self) -> None:
        """Put in force what holds from this moment on."""
        try:
            if self.hourly is not None and self.hourly.advance(datetime.now(self.zone)):
                await self.changes.policy(self.hourly.current)
        except Exception as error:  # noqa: BLE001 - as in load_policy, which is tried again while there is an error
            self._stay(error)

    async def _watch_devices(self) -> None:
        """Notice which device has which address. Nobody looks while no rule speaks of a MAC."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self.engine.snapshot.directory.knows_macs:
                self.engine.clients.learn_anew(await asyncio.to_thread(self.identities.look))

    async def _watch_index(self) -> None:
        pointer: str | None = self.index.generation
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                generation: str | None = current_generation(self.settings.paths.lists)
            except (BrokenIndex, OSError) as error:
                generation = None
                self.index_error = self.index_error or str(error)
            retry = bool(self.index_error) and self.clock() >= self.index_retry_at
            if generation != pointer or retry:
                pointer = generation
                self.index_retry_at = self.clock() + RETRY_SECONDS
                await self.load_index()

    async def maintain(self) -> None:
        """Do what is due once a second."""
        loop = asyncio.get_running_loop()
        while True:
            now = self.clock()
            self.forwarder.maintain(now)
            self.connections.sweep(now)
            self.garbage.look(self.engine.counters.queries)
            sync = self.log.sync_wanted
            if sync >= 0:
                await loop.run_in_executor(None, self.log.sync, sync)
            await self._remember_policy(now)
            while self.engine.tidy(TIDY_ENTRIES) and self.clock() < now + 1.0:
                await asyncio.sleep(TIDY_SECONDS)
            await asyncio.sleep(max(now + 1.0 - self.clock(), 0.0))

    # -- life ------------------------------------------------------------------------------------------------------

    async def run(self, udp: list[socket.socket], tcp: list[socket.socket], parent: socket.socket) -> None:
        """Answer until SIGTERM comes or the parent is gone; then finish what is in flight."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, stop.set)
        loop.add_reader(parent.fileno(), stop.set)  # nothing is ever sent: readable means closed
        for done in repair(self.settings.paths.query_log, self.number):
            logger.warning("query log: %s", done)
        self.log.open()
        await self.load_policy()
        await self.load_index()
        self.sockets.attach(loop)
        self.forwarder.attach(loop)
        for sock in udp:
            listener = UdpListener(sock, self.engine, self.log, self.clock, self.finish)
            self.listeners.append(listener)
            listener.attach(loop)
        for sock in tcp:
            self.connections.listen(loop, sock)
        path = self.settings.paths.run / f"worker-{self.number}.sock"
        control: asyncio.Server | None = None
        try:
            control = await serve_control(path, {"status": lambda _: self.status(), "flush": self.flush})
        except OSError as error:  # read-only disk, path over 107 octets: `status` cannot ask us, devices can
            logger.error("no control socket at %s: %s", path, error)
        tasks = [loop.create_task(each) for each in (*self.watches(), self.maintain())]
        for task in tasks:
            task.add_done_callback(lambda ended: _must_not_end(ended, stop))
        self.garbage.begin()
        parent.send(b"ready\n")
        await stop.wait()
        await self._leave(loop, tasks, control)
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)

    async def _leave(
        self, loop: asyncio.AbstractEventLoop, tasks: list["asyncio.Task[None]"], control: asyncio.Server | None
    ) -> None:
        for listener in self.listeners:
            listener.detach(loop)
        self.connections.stop()
        if control is not None:
            control.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        deadline = self.clock() + DEADLINE
        while self.forwarder.pending and self.clock() < deadline:
            await asyncio.sleep(0.02)
        self.finish()
        self.connections.close()
        self.forwarder.close()
        self.sockets.close()
        self.log.close()

    # -- being asked -----------------------------------------------------------------------------------------------

    def flush(self, request: Mapping[str, object]) -> Mapping[str, object]:
        """Forget what is cached about a name and all below it."""
        text = str(request.get("name", ""))
        try:
            name = parse_name(text) if text else ""
        except InvalidName as error:
            return {"error": str(error)}
        return {"flushed": self.engine.flush_name(name)}

    def status(self) -> Mapping[str, object]:
        """Say how the worker is."""
        engine, counters = self.engine, self.engine.counters
        servers = [*self.forwarder.default.servers]
        for upstreams in self.forwarder.zones.values():
            servers += upstreams.servers
        clients = sorted(engine.clients.by_octets.values(), key=lambda client: -client.queries)
        return {
            "worker": self.number,
            "pid": os.getpid(),
            "started": self.started,
            "now": time.time(),
            "queries": counters.queries,
            "blocked": counters.blocked,
            "cached": counters.cached,
            "forwarded": counters.forwarded,
            "stale": counters.stale,
            "failed": counters.failed,
            "refused": counters.refused,
            "policy_version": engine.snapshot.version,
            "policy_error": self.policy_error,
            "ledger_faults": list(self.ledger_faults),
            "lessons": [
                {"room": room, "teacher": each.lesson.teacher, "ends": each.lesson.ends.isoformat()}
                for room, each in engine.snapshot.circumstances.rooms.items()
                if each.lesson is not None
            ],
            "index_generation": self.index.generation,
            "index_names": self.index.names,
            "index_error": self.index_error,
            "log_error": self.log.error,
            "log_lost_lines": self.log.lost_lines,
            "cache_entries": len(engine.lookups.answers),
            "cache_bytes": engine.lookups.answers.octets,
            "tcp_connections": len(self.connections.open),
            "in_flight": len(self.forwarder.pending),
            "rss_bytes": _resident(),
            "upstreams": [_server_status(server) for server in servers],
            "rate_limited": [{"client": c.address, "refused": c.refused} for c in engine.clients.refused()],
            "clients": [{"client": c.address, "queries": c.queries} for c in clients[:10]],
        }


def _server_status(server: Server) -> Mapping[str, object]:
    return {
        "address": str(server.address),
        "healthy": server.healthy and (bool(server.last_reply) or not server.missed),
        "answered": bool(server.last_reply),
        "rtt_ms": round(server.srtt * 1000, 1) if server.last_reply else None,
        "failures": server.failures,
        "queries": server.queries,
    }


def _tcp_connections(wanted: int) -> int:
    """Return how many TCP clients there can be: the descriptors that forwarded questions need come first."""
    descriptors, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(min(wanted, descriptors - RESERVED_DESCRIPTORS), LEAST_TCP)


def _must_not_end(task: "asyncio.Task[None]", stop: asyncio.Event) -> None:
    """End the worker if its housekeeping fails: the supervisor starts a new one, and the log says why."""
    if not task.cancelled() and task.exception() is not None:
        logger.critical("housekeeping failed, the worker restarts", exc_info=task.exception())
        stop.set()


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def _names(texts: tuple[str, ...]) -> frozenset[str]:
    return frozenset(parse_name(text) for text in texts)


def main() -> None:
    """Run one worker."""
    parser = argparse.ArgumentParser(prog="python -m resolver.worker")
    parser.add_argument("number", type=int)
    parser.add_argument("parent", type=int)
    parser.add_argument("udp")
    parser.add_argument("tcp")
    parser.add_argument("--config", type=Path)
    arguments = parser.parse_args()
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format=f"%(asctime)s worker {arguments.number} %(levelname)s %(message)s",
    )
    settings = load(arguments.config, os.environ)
    use(settings.school.language)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65_536)), hard))
    sys.setswitchinterval(SWITCH_SECONDS)
    udp = [socket.socket(fileno=int(fd)) for fd in arguments.udp.split(",")]
    tcp = [socket.socket(fileno=int(fd)) for fd in arguments.tcp.split(",")]
    parent = socket.socket(fileno=arguments.parent)
    try:
        worker = Worker(settings, arguments.number)
    except ValueError as error:  # upstreams, names, certificate files, addresses of the page
        logger.critical("%s", error)
        sys.exit(78)  # EX_CONFIG: starting again would not help
    asyncio.run(worker.run(udp, tcp, parent))


if __name__ == "__main__":
    main()
