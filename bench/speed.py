"""What one query costs and takes: hits, misses, latency, all servers side by side."""

from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from statistics import median

from bench import load, ours, servers
from bench.load import Answers
from bench.plan import SMALL, Bench
from bench.processes import BenchError, memory, tree
from bench.results import COST_COLUMNS, Outcome, Section, Target, against, against_text, cost_row, megabytes
from bench.rounds import HIT_BLOCKED, HIT_NAMES, ask_all, blocked_names, check, hit_names, miss_names, rounds
from bench.servers import Logging, Server


def hits(bench: Bench) -> Outcome:
    """Answers from cache, 10,000 names of which 30 % are blocked, every query logged."""
    file = hit_names(bench)
    seconds = bench.plan.seconds
    with ExitStack() as stack:
        up = bench.upstream.port
        those = [stack.enter_context(servers.echo(bench.work))]
        those += [stack.enter_context(servers.unbound(bench.work, up, log, blocked_names())) for log in Logging]
        for log in (Logging.NONE, Logging.QUERIES):
            those += [stack.enter_context(servers.dnsmasq(bench.work, up, log, blocked_names()))]
        installation = bench.installation(SMALL) if bench.with_ours else None
        if installation is not None:
            those.append(stack.enter_context(ours.schoolfilter(installation)))
        for server in those[1:]:
            check(server)
        logged_before = installation.logged() if installation is not None else 0
        answered: Counter[str] = Counter()

        def counted(server: Server, answers: Answers) -> Answers:
            answered[server.name] += answers.answered
            return answers

        series = rounds(
            bench,
            "hits",
            those,
            lambda s: counted(s, ask_all(s, file)),
            lambda s: counted(s, load.dnsperf(s.port, file, seconds)),
        )
        resident = {server.name: memory(tree(server.pid)) for server in those}
        logged = installation.logged() - logged_before if installation is not None else 0
    own = series[those[-1].name] if bench.with_ours else None
    echo, queries = series["C echo"], series["unbound log-queries"]
    rows = tuple(
        cost_row(name, each, against_text(own, each), megabytes(resident[name].rss), megabytes(resident[name].pss))
        for name, each in series.items()
    )
    note = (
        f"{HIT_NAMES:,} names, {HIT_BLOCKED:,} of them blocked, all in the server's cache; dnsperf keeps "
        f"{load.IN_FLIGHT} queries under way. schoolfilter logs every query with its decision before it answers"
    )
    if own is not None:
        note += f" ({answered[own.server]:,} answered, {logged:,} log lines)"
        if logged < answered[own.server]:
            raise BenchError(f"expected a log line for each of {answered[own.server]:,} answers, found {logged:,}")
    section = Section("Answered from cache", note + ".", (*COST_COLUMNS, "ours ÷ this", "RSS MB", "PSS MB"), rows)
    return Outcome(
        (section,),
        (
            Target("cache hit, logged: CPU against the C echo", 1.6, "×", against(own, echo)),
            Target("cache hit, logged: CPU against unbound log-queries", 0.75, "×", against(own, queries)),
        ),
        {f"hits/{name}": each for name, each in series.items()},
    )


def misses(bench: Bench) -> Outcome:
    """Forwarded queries, no name twice; ours logs, the peers do not."""
    seconds = bench.plan.seconds
    with ExitStack() as stack:
        up = bench.upstream.port
        those = [
            stack.enter_context(servers.unbound(bench.work, up, Logging.NONE)),
            *(
                # Its cost grows steeply with the cache it has to keep; 150 entries are its default.
                replace(
                    stack.enter_context(servers.dnsmasq(bench.work, up, Logging.NONE, cache=entries)),
                    name=f"dnsmasq, cache of {entries:,}",
                )
                for entries in (150, 10_000)
            ),
        ]
        if bench.with_ours:
            those.append(stack.enter_context(ours.schoolfilter(bench.installation(SMALL))))
        # The first run only fills the caches: a cache that still grows costs less than one that is full.
        for server in those:
            load.dnsperf(server.port, miss_names(bench), seconds, once=True)
        series = rounds(
            bench, "misses", those, None, lambda s: load.dnsperf(s.port, miss_names(bench), seconds, once=True)
        )
    own = series[those[-1].name] if bench.with_ours else None
    unbound = series["unbound"]
    section = Section(
        "Forwarded (miss)",
        f"Unique names, {load.IN_FLIGHT} under way, upstream on the same machine answers at once. schoolfilter logs "
        "every query, the peers log nothing.",
        (*COST_COLUMNS, "ours ÷ this"),
        tuple(cost_row(name, each, against_text(own, each)) for name, each in series.items()),
    )
    return Outcome(
        (section,),
        (Target("forwarded miss, logged: CPU against unbound without log", 1.0, "×", against(own, unbound)),),
        {f"misses/{name}": each for name, each in series.items()},
    )


def latency(bench: Bench) -> Outcome:
    """Latency of hits at half of the rate each server can reach."""
    file = hit_names(bench)
    rates: dict[str, list[float]] = {}

    def half(server: Server) -> Answers:
        return load.own(bench.work, server.port, file, bench.plan.seconds, rate=int(rates[server.name][-1] / 2))

    def find_rate(server: Server) -> Answers:
        ask_all(server, file)
        answers = load.own(bench.work, server.port, file, 1.0)
        rates.setdefault(server.name, []).append(answers.answered / answers.seconds)
        return answers

    with ExitStack() as stack:
        up = bench.upstream.port
        those = [
            stack.enter_context(servers.echo(bench.work)),
            stack.enter_context(servers.unbound(bench.work, up, Logging.QUERIES, blocked_names())),
            stack.enter_context(servers.dnsmasq(bench.work, up, Logging.QUERIES, blocked_names())),
        ]
        if bench.with_ours:
            those.append(stack.enter_context(ours.schoolfilter(bench.installation(SMALL))))
        series = rounds(bench, "latency", those, find_rate, half)
    own = series[those[-1].name] if bench.with_ours else None
    section = Section(
        "Latency of hits at half load",
        "Each server is first driven to its limit for a second, then gets half of that rate at random moments. Medians "
        "over the rounds; the moment an answer reaches the client's socket counts, a lost query counts as one second.",
        ("server", "limit, queries/s", "p50 ms", "p99 ms", "lost"),
        tuple(
            (name, f"{median(rates[name]):,.0f}", f"{s.p50_ms:.3f}", f"{s.p99_ms:.3f}", f"{s.lost:.2%}")
            for name, s in series.items()
        ),
    )
    return Outcome(
        (section,),
        (Target("p99 of hits at half load", 2.0, "ms", None if own is None else own.p99_ms),),
        {f"latency/{name}": each for name, each in series.items()},
    )
