"""What grows with lists and clients: compile time, start, memory, look-ups, cost of a query."""

from contextlib import ExitStack
from statistics import median

from bench import load, names, ours, servers
from bench.load import Measured, Meter
from bench.plan import LARGE, SMALL, Bench
from bench.processes import memory, tree
from bench.results import Outcome, Section, Series, Target, megabytes, ratio
from bench.rounds import ask_all, hit_names, miss_names, rounds
from bench.servers import Logging


def lists(bench: Bench) -> Outcome:
    """Big lists: compile, start, memory, look-up; what the peers need for the same names."""
    sections: list[Section] = []
    targets: tuple[Target, ...] = ()
    if bench.with_ours:
        rows = []
        figures: dict[int, dict[str, float]] = {}
        for size in bench.plan.list_sizes:
            installation = bench.installation(size)
            bench.say(f"lists: start and look-ups with {size:,} names")
            starts = []
            for _ in range(bench.plan.starts):
                with ours.schoolfilter(installation) as server:
                    servers.check_answers(server, [names.listed(size - 1)], [names.unlisted(1)])
                    starts.append(server.start_seconds)
                    worker = ours.worker_memory(installation)
            cost = ours.look_up(installation)
            index = installation.index_bytes()
            beside = worker.rss - worker.mapped
            figures[size] = {
                "compile": installation.compiled.seconds,
                "peak": installation.compiled.peak_rss / 1e6,
                "bytes": index / size,
                "open": cost.open_ms,
                "start": median(starts),
                "memory": beside / 1e6,
                "look-up": cost.worst,
            }
            rows.append(
                (
                    f"{size:,}",
                    f"{installation.compiled.seconds:.1f}",
                    megabytes(installation.compiled.peak_rss),
                    f"{index / size:.1f}",
                    f"{median(starts):.2f}",
                    megabytes(beside),
                    megabytes(worker.mapped),
                    f"{cost.open_ms:.1f}",
                    f"{cost.listed:.2f} / {cost.below_listed:.2f} / {cost.excepted:.2f} / {cost.unlisted:.2f} / "
                    f"{cost.deep:.2f}",
                )
            )
        sections.append(
            Section(
                "Lists compiled to the index",
                "`lists add` reads, checks and compiles on one core; start is from starting the command to its first "
                "answer, the files being in the page cache; memory is that of an idle worker. Look-ups: a listed "
                "name, a host below one, a name with an exception, an unlisted name, an unlisted name of ten labels.",
                (
                    "names",
                    "compile s",
                    "peak MB",
                    "bytes a name",
                    "start s",
                    "worker MB",
                    "mapped MB",
                    "open ms",
                    "look-up µs",
                ),
                tuple(rows),
            )
        )
        found = figures.get(LARGE, {})
        targets = (
            Target(f"compile on one core, {LARGE:,} names", 60.0, "s", found.get("compile")),
            Target(f"memory of the compile at its peak, {LARGE:,} names", 600.0, "MB", found.get("peak")),
            Target(f"index, {LARGE:,} names", 14.0, "bytes a name", found.get("bytes")),
            Target(f"opening the index, {LARGE:,} names", 5.0, "ms", found.get("open")),
            Target(f"start to first answer, {LARGE:,} names", 1.0, "s", found.get("start")),
            Target(f"idle worker beside the mapped index, {LARGE:,} names", 60.0, "MB", found.get("memory")),
            Target(f"look-up, dearest kind, {LARGE:,} names", 3.0, "µs", found.get("look-up")),
        )
    sections.append(_peers_with_lists(bench))
    return Outcome(tuple(sections), targets)


def _peers_with_lists(bench: Bench) -> Section:
    rows = []
    limit = bench.plan.peer_load_seconds
    for size in bench.plan.peer_list_sizes:
        for label, start in (("unbound", servers.unbound), ("dnsmasq", servers.dnsmasq)):
            bench.say(f"lists: {label} with {size:,} names")
            blocked = (names.listed(number) for number in range(size))
            try:
                with start(bench.work, bench.upstream.port, Logging.NONE, blocked, start_timeout=limit) as server:
                    servers.check_answers(server, [names.listed(size - 1)], [names.unlisted(1)])
                    row = (f"{server.start_seconds:.1f}", megabytes(memory(tree(server.pid)).rss))
            except servers.TooSlowError:
                row = (f"> {limit:.0f}", "–")
            rows.append((label, f"{size:,}", *row))
    return Section(
        "The same lists in the peers",
        "unbound: `local-zone: NAME always_null`; dnsmasq: `address=/NAME/#`. Both read the names at every start.",
        ("server", "names", "start s", "RSS MB"),
        tuple(rows),
    )


def flat(bench: Bench) -> Outcome:
    """Cost of a query as lists and clients grow."""
    if not bench.with_ours:
        return Outcome(())
    by_list, list_targets, list_series = _flat_lists(bench)
    by_clients, client_targets, client_series = _flat_clients(bench)
    return Outcome((by_list, by_clients), (*list_targets, *client_targets), list_series | client_series)


FLAT = 1.15
"""Our reading of "flat": growth below what one and the same server varies by from run to run."""


def _flat_lists(bench: Bench) -> tuple[Section, tuple[Target, ...], dict[str, Series]]:
    file, seconds = hit_names(bench), bench.plan.seconds
    with ExitStack() as stack:
        those = [
            stack.enter_context(ours.schoolfilter(bench.installation(size), f"{size:,} names"))
            for size in bench.plan.list_sizes
        ]
        hit = rounds(
            bench,
            "hits by list size",
            those,
            lambda s: ask_all(s, file),
            lambda s: load.dnsperf(s.port, file, seconds),
        )
        for server in those:
            load.dnsperf(server.port, miss_names(bench), seconds, once=True)
        miss = rounds(
            bench,
            "misses by list size",
            those,
            None,
            lambda s: load.dnsperf(s.port, miss_names(bench), seconds, once=True),
        )
    first, last = those[0].name, those[-1].name
    rows = tuple(
        (f"{size:,}", hit[server.name].cpu_text(), miss[server.name].cpu_text())
        for size, server in zip(bench.plan.list_sizes, those, strict=True)
    )
    grown = bench.plan.list_sizes[-1] == LARGE
    targets = tuple(
        Target(
            f"growth of a {kind}'s cost, {SMALL:,} to {LARGE:,} listed names",
            FLAT,
            "×",
            ratio(series[last], series[first]) if grown else None,
        )
        for kind, series in (("hit", hit), ("miss", miss))
    )
    section = Section(
        "Cost by list size", "schoolfilter, every query logged.", ("listed names", "hit, CPU µs", "miss, CPU µs"), rows
    )
    raw = {f"flat/hits/{name}": each for name, each in hit.items()}
    return section, targets, raw | {f"flat/misses/{name}": each for name, each in miss.items()}


def _flat_clients(bench: Bench) -> tuple[Section, tuple[Target, ...], dict[str, Series]]:
    file, seconds = hit_names(bench), bench.plan.seconds
    hit: dict[int, Series] = {}
    miss: dict[int, Series] = {}
    echo: dict[int, Series] = {}
    costs: dict[tuple[str, int], list[Measured]] = {}
    with ExitStack() as stack:
        own = stack.enter_context(ours.schoolfilter(bench.installation(SMALL)))
        bare = stack.enter_context(servers.echo(bench.work))
        for number in range(bench.plan.rounds):
            bench.say(f"cost by clients: round {number + 1} of {bench.plan.rounds}")
            for count in bench.plan.clients:
                load.own(bench.work, own.port, file, 10.0, clients=count, once=True)
                for kind, server in (("echo", bare), ("hit", own), ("miss", own)):
                    source = miss_names(bench) if kind == "miss" else file
                    meter = Meter(server.pid)
                    answers = load.own(bench.work, server.port, source, seconds, clients=count, once=kind == "miss")
                    costs.setdefault((kind, count), []).append(meter.stop(answers))
    for kind, found in (("echo", echo), ("hit", hit), ("miss", miss)):
        for count in bench.plan.clients:
            found[count] = Series(f"{kind} {count}", tuple(costs[kind, count]))
    first, last = bench.plan.clients[0], bench.plan.clients[-1]
    section = Section(
        "Cost by number of clients",
        "Each client has an address of its own in 127.16.0.0/12; queries go round all of them. The C echo shows what "
        "the kernel itself takes for more sockets.",
        ("clients", "hit, CPU µs", "miss, CPU µs", "C echo, CPU µs"),
        tuple((f"{c:,}", hit[c].cpu_text(), miss[c].cpu_text(), echo[c].cpu_text()) for c in bench.plan.clients),
    )
    targets = tuple(
        Target(f"growth of a {kind}'s cost, {first:,} to {last:,} clients", FLAT, "×", ratio(found[last], found[first]))
        for kind, found in (("hit", hit), ("miss", miss))
    )
    raw = {f"flat/{each.server} clients": each for found in (echo, hit, miss) for each in found.values()}
    return section, targets, raw
