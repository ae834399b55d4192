"""Judge the running server, its lists, and who asks it. Pure: facts in, findings out."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from cli.amounts import duration
from cli.diagnose_machine import doctor_again
from cli.diagnose_network import restart_or_move
from cli.facts import Facts, ListState
from cli.findings import Finding, Health
from cli.status import State, server_problems
from cli.vicinity import of_others
from policy.discovery import ENOUGH_QUERIES, Sign, advice, meaning, router_suspicion
from settings.model import LogDetail
from translations import _

LIST_AGE = timedelta(days=30)
"""Most lists change daily; one that is a month old lets new sites through."""
QUIET_SECONDS = 3600.0


def server(facts: Facts) -> Iterator[Finding]:
    """Judge what the workers say of themselves."""
    wrong = server_problems(facts.state)
    ours = [(place, holder) for place in facts.places for holder in place.holders if holder.ours]
    if facts.state.listening is None and not facts.state.control_error and ours:
        place, holder = ours[0]
        text = _("A schoolfilter listens on {place} (pid {pid}), but nothing in {folder} says so: it cannot be asked.")
        yield Finding(
            "server",
            Health.PROBLEM,
            text.format(place=place.text, pid=holder.pid, folder=facts.settings.paths.run),
            restart_or_move(),
        )
    elif facts.state.listening is None and not facts.state.control_error:
        # A doctor is also called before the first start, when nothing is there yet.
        health = Health.PROBLEM if facts.folder.exists else Health.WARNING
        yield Finding("server", health, _("The server is not running."), _("Start it with: schoolfilter run"))
    elif wrong:
        for problem in wrong:
            remedy = _("See the server's own messages: journalctl -u schoolfilter")
            if facts.state.control_error and not facts.folder.mine:
                remedy = doctor_again()
            yield Finding("server", Health.PROBLEM, problem, remedy)
    else:
        yield Finding("server", Health.OK, _("The server runs and all workers answer."))


def lists(facts: Facts) -> Iterator[Finding]:
    """Judge the lists that names come from."""
    if facts.lists_error and not facts.folder.mine:
        text = _("The lists cannot be read: {error}").format(error=facts.lists_error)
        yield Finding("lists", Health.WARNING, text, doctor_again())
        return
    if facts.lists_error:
        yield Finding(
            "lists",
            Health.PROBLEM,
            _("The lists cannot be read: {error}").format(error=facts.lists_error),
            _("Compile them anew with: schoolfilter lists refresh"),
        )
        return
    if not facts.lists:
        yield Finding(
            "lists",
            Health.WARNING,
            _("There is no list: only names that people block by hand are blocked."),
            _("Take the starter lists with: schoolfilter init; or add one: schoolfilter lists add"),
        )
        return
    fine = 0
    for each in facts.lists:
        found = list(_list(each, facts.clock.now))
        fine += not found
        yield from found
    if fine:
        yield Finding("lists", Health.OK, _("Lists in order: {count}.").format(count=fine))
    if all(each.packaged for each in facts.lists):
        yield Finding(
            "lists",
            Health.OK,
            _("Only the lists that come with the program are in use: the best-known names, no more."),
            _("Take public lists as well: schoolfilter lists add --preset secondary-school"),
        )
    held = ", ".join(f"{each.id} ({each.held})" for each in facts.lists if each.held)
    if held:
        yield Finding(
            "lists",
            Health.WARNING,
            _("Rules that would close far more than one site are held, and do not block: {lists}").format(lists=held),
            _("Look through them, and let through what is meant: schoolfilter lists held"),
        )


def _list(state: ListState, now: datetime) -> Iterator[Finding]:
    again = _("Read it again with: schoolfilter lists refresh")
    if state.refused:
        yield Finding(
            "lists",
            Health.WARNING,
            _("The list {id}: {error}").format(id=state.id, error=state.error),
            _("See what it would change: schoolfilter lists diff. Then take it, or throw it away: lists discard"),
        )
    elif state.error:
        text = _("The list {id} could not be read the last time: {error}").format(id=state.id, error=state.error)
        yield Finding("lists", Health.WARNING, text, again)
    elif not state.names:
        yield Finding("lists", Health.WARNING, _("The list {id} holds no names.").format(id=state.id), again)
    elif state.refreshed is not None and now - state.refreshed > LIST_AGE:
        text = _("The list {id} is {days} days old.").format(id=state.id, days=(now - state.refreshed).days)
        yield Finding("lists", Health.WARNING, text, again)
    if state.take and not state.refused:
        yield Finding(
            "lists",
            Health.WARNING,
            _("A text of the list {id} was refused or rolled back and is not taken again.").format(id=state.id),
            _("That is right if it was bad. To take it: {command}").format(command=state.take),
        )


def clients(facts: Facts) -> Iterator[Finding]:
    """Judge whether each device asks by itself.

    A router that asks for all devices is the commonest silent failure of rules by room.
    """
    queries, more = _who_asked(facts)
    found = router_suspicion(
        queries,
        facts.vicinity.gateways,
        facts.vicinity.whereabouts,
        own=facts.own,
        trusted=facts.settings.devices.trusted_routers,
        more=more,
    )
    if found is not None:
        health = Health.WARNING if found.reason is Sign.SOMEBODY else Health.PROBLEM
        own = facts.reached_at or _("this machine's address")
        yield Finding("clients", health, meaning(found), "\n".join(advice(found, own)))
    elif sum(queries.values()) + more >= ENOUGH_QUERIES:
        yield Finding("clients", Health.OK, _("Queries come from more than one device."))


def _who_asked(facts: Facts) -> tuple[Mapping[str, int], int]:
    """Return queries of other machines by address, and how many more there were.

    From the newest lines of the log, which show what is so now; if there are few, from the workers' own counts, which
    name the busiest clients only.
    """
    queries = of_others(facts.clients.queries, facts.own)
    if sum(queries.values()) >= ENOUGH_QUERIES:
        return queries, 0
    counts: Counter[str] = Counter()
    for worker in facts.state.answering:
        counts.update({entry.client: entry.count for entry in worker.clients})
    total = sum(worker.queries for worker in facts.state.answering)
    return of_others(counts, facts.own), max(total - counts.total(), 0)


def traffic(facts: Facts) -> Iterator[Finding]:
    """Judge whether anybody asks at all."""
    if facts.settings.log.detail is not LogDetail.FULL or _uptime(facts.state) < QUIET_SECONDS:
        return
    newest = facts.clock.newest_log_line
    silence = (facts.clock.now - newest).total_seconds() if newest else _uptime(facts.state)
    if silence >= QUIET_SECONDS:
        yield Finding(
            "traffic",
            Health.WARNING,
            _("Nobody has asked for {time}. At night that is normal; in lessons it is not.").format(
                time=duration(silence)
            ),
            _("On a device, look which DNS server it uses; see docs/router-dhcp.md."),
        )
    else:
        yield Finding("traffic", Health.OK, _("Devices are asking."))


def _uptime(state: State) -> float:
    return min((worker.now - worker.started for worker in state.answering), default=0.0)
