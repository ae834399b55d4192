"""`schoolfilter status`: is it running, and is anything wrong."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import click

from blocklists.note import Note
from cli.amounts import duration, mebibytes, number, share
from cli.context import Installation, pass_installation
from cli.control import ControlError, Listening, Reply, WorkerStatus, read_listening, statuses
from cli.days import minute
from cli.segments import list_segments
from cli.status_approval import ApprovalState, read_approval_state
from cli.status_incidents import IncidentsState, read_incidents_state
from cli.status_journal import Kept, read_kept
from cli.status_lists import ListsState, moment, read_lists_state
from cli.table import print_json
from cli.terminal import Terminal
from settings.model import Settings
from translations import _


@dataclass(frozen=True, slots=True)
class State:
    """All that `status` shows."""

    listening: Listening | None
    replies: tuple[Reply, ...]
    segments: int
    segment_bytes: int
    control_error: str = ""
    lists: ListsState = field(default_factory=ListsState)
    approval: ApprovalState = field(default_factory=ApprovalState)
    kept: Kept = field(default_factory=Kept)
    """Who keeps the journal."""
    incidents: IncidentsState = field(default_factory=IncidentsState)

    @property
    def answering(self) -> list[WorkerStatus]:
        """The workers that said how they are."""
        return [reply.status for reply in self.replies if reply.status is not None]


def gather(settings: Settings) -> State:
    """Ask the workers and look at the log folder."""
    count, size = 0, 0
    lists = ListsState()
    try:
        lists = read_lists_state(settings.paths.lists)
        segments = list_segments(settings.paths.query_log)
        count, size = len(segments), sum(segment.size for segment in segments)
        listening = read_listening(settings.paths.run)
    except PermissionError:
        state = settings.paths.state
        reason = _("{folder} may not be read: run this with sudo").format(folder=state)
        return State(None, (), count, size, reason, lists)
    except ControlError as error:
        return State(None, (), count, size, str(error), lists)
    # Sockets of a killed server stay behind: without a living supervisor they mean nothing.
    replies = statuses(settings.paths.run) if listening else ()
    now = datetime.now(UTC)
    approval, kept = read_approval_state(settings, now), read_kept(settings, now)
    incidents = read_incidents_state(settings, now)
    return State(listening, replies, count, size, lists=lists, approval=approval, kept=kept, incidents=incidents)


def problems(state: State) -> list[str]:
    """Return what is wrong, one sentence each; empty if all is well."""
    found = server_problems(state)
    if state.control_error:
        return found
    if state.listening is None:
        return found + journal_faults(state)
    return found + state.kept.problems() + journal_faults(state) + state.incidents.problems(state.kept.unsent())


def journal_faults(state: State) -> list[str]:
    """Return what is wrong with the journal's files, also of a server that is stopped; not what it says by itself."""
    said = "" if state.listening is None else " ".join(state.kept.problems())
    return [fault for fault in state.incidents.faults if fault not in said]


def server_problems(state: State) -> list[str]:
    """Return what is wrong with supervisor, workers and lists, one sentence each."""
    if state.control_error:
        return [state.control_error]
    if state.listening is None:
        return [_("The server is not running. Start it with: schoolfilter run")]
    found = []
    if not state.listening.listen:
        found.append(
            _(
                "The server answers, but it has not written run/listening.json: it has only just started, or the disk "
                "is full or cannot be written. It tries again each second; see: df -h"
            )
        )
    missing = state.listening.workers - len(state.replies)
    if missing > 0:
        found.append(
            _("{missing} of {workers} workers have no control socket.").format(
                missing=missing, workers=state.listening.workers
            )
        )
    for reply in state.replies:
        if reply.status is None:
            found.append(_("Worker {worker} does not answer: {error}").format(worker=reply.worker, error=reply.error))
        else:
            found += worker_problems(reply.status)
    versions = {status.policy_version for status in state.answering}
    if len(versions) > 1:
        found.append(
            _("The workers use different policy versions: {versions}.").format(
                versions=", ".join(map(str, sorted(versions)))
            )
        )
    if state.lists.note is not None and state.lists.note.error:
        found.append(
            _("The lists could not be compiled, those in force stay: {error}").format(error=state.lists.note.error)
        )
    return found


def worker_problems(status: WorkerStatus) -> list[str]:
    """Return what one worker complains about."""
    found = []
    if status.policy_error:
        found.append(
            _("Worker {worker} cannot read the policy and keeps version {version}: {error}").format(
                worker=status.worker, version=status.policy_version, error=status.policy_error
            )
        )
    found += [
        _("Worker {worker}, ledger of orders: {fault} See: schoolfilter orders verify").format(
            worker=status.worker, fault=fault
        )
        for fault in status.ledger_faults
    ]
    if status.index_error:
        found.append(
            _("Worker {worker} cannot read the list index and keeps generation {generation}: {error}").format(
                worker=status.worker, generation=status.index_generation or "-", error=status.index_error
            )
        )
    if status.log_error:
        found.append(
            _("Worker {worker} cannot write the query log: {error}").format(
                worker=status.worker, error=status.log_error
            )
        )
    if status.log_lost_lines:
        found.append(
            _("Worker {worker} lost {count} lines of the query log since its start.").format(
                worker=status.worker, count=status.log_lost_lines
            )
        )
    if status.upstreams and not any(upstream.healthy for upstream in status.upstreams):
        found.append(
            _("Worker {worker} finds no upstream healthy: names that are not in its cache get no answer.").format(
                worker=status.worker
            )
        )
    return found


def as_json(state: State) -> dict[str, object]:
    """Return the state for machines."""
    listening = state.listening
    return {
        "running": listening is not None,
        "pid": listening.pid if listening else None,
        "listen": list(listening.listen) if listening else [],
        "problems": problems(state),
        "workers": [
            {"worker": reply.worker, "error": reply.error, "status": asdict(reply.status) if reply.status else None}
            for reply in state.replies
        ],
        "query_log": {"segments": state.segments, "bytes": state.segment_bytes},
        "journal": state.kept.as_json(),
        "incidents": state.incidents.as_json(),
        "lists": asdict(state.lists),
        "approval": {
            "requests": state.approval.requests,
            "oldest": state.approval.oldest.isoformat() if state.approval.oldest else None,
            "reminders": list(state.approval.reminders),
        },
    }


Row = tuple[str, str]


def rows(state: State, zone: tzinfo) -> list[Row]:
    """Return what is shown of a running server, label and value."""
    log_row = (
        _("query log"),
        _("{count} segments, {size}").format(count=state.segments, size=mebibytes(state.segment_bytes)),
    )
    listening, workers = state.listening, state.answering
    approval = [*_approval(state.approval, zone), *state.incidents.rows(zone)]
    if listening is None:
        return [log_row, *approval]
    result = [
        (_("listening on"), ", ".join(listening.listen) or "-"),
        (
            _("workers"),
            _("{answering} of {workers} answer").format(answering=len(workers), workers=listening.workers),
        ),
    ]
    if not workers:
        return [*result, log_row, *approval]
    oldest = min(workers, key=lambda worker: worker.started)
    queries = sum(worker.queries for worker in workers)
    since = datetime.fromtimestamp(oldest.started, UTC).astimezone(zone)
    result += [
        (_("running since"), f"{since:%Y-%m-%d %H:%M:%S} ({duration(oldest.now - oldest.started)})"),
        (_("queries"), number(queries)),
        ("  " + _("blocked"), share(sum(worker.blocked for worker in workers), queries)),
        ("  " + _("from cache"), share(sum(worker.cached for worker in workers), queries)),
        ("  " + _("failed"), share(sum(worker.failed for worker in workers), queries)),
        ("  " + _("refused"), share(sum(worker.refused for worker in workers), queries)),
        (_("policy version"), ", ".join(sorted({str(worker.policy_version) for worker in workers}))),
        (_("list index"), _index(workers)),
        *_lists(state.lists, max(worker.now for worker in workers), zone),
        (
            _("cache"),
            _("{entries} answers, {size}").format(
                entries=sum(worker.cache_entries for worker in workers),
                size=mebibytes(sum(worker.cache_bytes for worker in workers)),
            ),
        ),
        (_("memory"), mebibytes(sum(worker.rss_bytes for worker in workers))),
        log_row,
        *_kept(state.kept, zone),
    ]
    result += [(_("upstream"), line) for line in _upstreams(workers)]
    result += [(_("rate limited"), line) for line in _rate_limited(workers)]
    result += [(_("lesson"), line) for line in _lessons(workers[0], zone)]
    return result + approval


def _index(workers: Sequence[WorkerStatus]) -> str:
    generations = {worker.index_generation: worker.index_names for worker in workers}
    return ", ".join(
        _("{generation} with {names} names").format(generation=generation, names=number(names))
        if generation
        else _("nothing compiled yet")
        for generation, names in generations.items()
    )


def _lists(lists: ListsState, now: float, zone: tzinfo) -> list[Row]:
    """Return when the lists were refreshed, and what of them waits for a person; only what there is to say."""
    found = []
    if lists.note is not None or lists.refreshed:
        found.append((_("lists refreshed"), _refreshed(lists.note or Note(), lists.refreshed, now, zone)))
    if lists.candidate:
        waiting = _("{generation}; `schoolfilter lists diff` shows what it changes").format(generation=lists.candidate)
        found.append((_("lists waiting"), waiting))
    if lists.held:
        found.append((_("rules held"), _("{count}; see `schoolfilter lists held`").format(count=lists.held)))
    if lists.rejected:
        text = _("{lists}; to take what was refused or rolled back: {command}")
        waits = bool(lists.candidate)
        command = "schoolfilter lists publish --force" if waits else "schoolfilter lists refresh ID --force"
        found.append((_("texts not taken"), text.format(lists=", ".join(lists.rejected), command=command)))
    if lists.shadow:
        found.append((_("lists on trial"), ", ".join(lists.shadow)))
    return found


def _kept(kept: Kept, zone: tzinfo) -> list[Row]:
    """Return how far the journal is; its absence is among the problems."""
    if not kept.running or kept.state is None:
        return []
    begun = moment(kept.state.since)
    text = _("{lines} lines taken in since {moment}; behind by {seconds} s, {size}")
    said = text.format(
        lines=number(kept.state.lines),
        moment=minute(begun, zone) if begun is not None else "-",
        seconds=kept.state.lag_seconds,
        size=mebibytes(kept.state.lag_bytes),
    )
    return [(_("journal"), said)]


def _approval(approval: ApprovalState, zone: tzinfo) -> list[Row]:
    """Return what waits for the director or the responsible person; only what there is to say."""
    found = [(_("to be reviewed"), line) for line in approval.reminders]
    if approval.requests and approval.oldest is not None:
        text = _("{count} for the director, the oldest of {day}; see: schoolfilter requests")
        day = approval.oldest.astimezone(zone).date().isoformat()
        found.insert(0, (_("requests"), text.format(count=approval.requests, day=day)))
    return found


def _lessons(worker: WorkerStatus, zone: tzinfo) -> list[str]:
    """Return the lessons that teachers opened, as a worker has them in force."""
    text = _("{room}: {teacher} until {time}")
    return [
        text.format(
            room=each.room, teacher=each.teacher, time=f"{datetime.fromisoformat(each.ends).astimezone(zone):%H:%M}"
        )
        for each in worker.lessons
    ]


def _refreshed(note: Note, by_hand: str, now: float, zone: tzinfo) -> str:
    if note.running:
        return _("now")
    good = max((each for each in (moment(note.good), moment(by_hand)) if each is not None), default=None)
    coming = moment(note.next)
    if good is None:
        text = _("never")
    else:
        text = _("{moment} ({ago} ago)").format(moment=minute(good, zone), ago=duration(now - good.timestamp()))
    parts = [text]
    if coming is not None:
        parts.append(_("next {moment}").format(moment=minute(coming, zone)))
    if note.failed:
        parts.append(_("not to be had: {lists}").format(lists=", ".join(note.failed)))
    if note.refused:
        parts.append(_("refused: {lists}").format(lists=", ".join(note.refused)))
    return ", ".join(parts)


def _upstreams(workers: Sequence[WorkerStatus]) -> list[str]:
    seen: dict[str, list[tuple[bool, float | None, int]]] = {}
    for worker in workers:
        for upstream in worker.upstreams:
            seen.setdefault(upstream.address, []).append((upstream.healthy, upstream.rtt_ms, upstream.queries))
    lines = []
    for address, views in seen.items():
        healthy = sum(1 for view in views if view[0])
        health = _("healthy") if healthy == len(views) else _("failing") if healthy == 0 else _("partly failing")
        times = [view[1] for view in views if view[1] is not None]
        speed = f"{min(times):.1f} ms" if times else "-"
        lines.append(
            _("{address}: {health}, {speed}, {queries} queries").format(
                address=address, health=health, speed=speed, queries=sum(view[2] for view in views)
            )
        )
    return lines


def _rate_limited(workers: Sequence[WorkerStatus]) -> list[str]:
    refused: dict[str, int] = {}
    for worker in workers:
        for entry in worker.rate_limited:
            refused[entry.client] = refused.get(entry.client, 0) + entry.count
    return [
        _("{client}: {count} queries refused").format(client=client, count=count)
        for client, count in sorted(refused.items(), key=lambda item: -item[1])
    ]


@click.command(
    help=_(
        "Tell whether the server runs and how it fares. Exit status: 0 if it runs and nothing is wrong, else 1.\n\n"
        "Example: schoolfilter status"
    )
)
@click.option("--json", "json_wanted", is_flag=True, help=_("For machines."))
@pass_installation
@click.pass_context
def status(ctx: click.Context, installation: Installation, json_wanted: bool) -> None:
    """Print the state; exit status 1 if anything is wrong."""
    settings = installation.settings
    state = gather(settings)
    wrong = problems(state)
    if json_wanted:
        print_json(as_json(state))
    else:
        _print(Terminal(), state, wrong, ZoneInfo(settings.school.time_zone))
    ctx.exit(1 if wrong else 0)


def _print(terminal: Terminal, state: State, wrong: list[str], zone: tzinfo) -> None:
    if state.listening is not None:
        terminal.say(_("schoolfilter is running"), "bold red" if wrong else "bold green")
    shown = rows(state, zone)
    width = max(len(label) for label, _value in shown)
    for label, value in shown:
        terminal.say(f"{label:<{width}}  {value}")
    for problem in wrong:
        terminal.say(problem, "bold red")
