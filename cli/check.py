"""`schoolfilter check NAME`: explain what a client gets for a name, and why."""

import asyncio
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from blocklists.index import open_current
from blocklists.search import find_line
from cli.arguments import ADDRESS, NAME
from cli.context import Installation, pass_installation
from cli.control import ControlError, WorkerStatus, read_listening, statuses
from cli.errors import Failure, Misuse
from cli.explanation import (
    Explanation,
    InvalidMoment,
    asker_of,
    category_line,
    explain,
    overruled,
    parse_moment,
    sentence,
    verdict,
)
from cli.table import print_json
from cli.terminal import Terminal
from cli.wire_preview import WireAnswer, own_answer, type_number
from policy.decision import Action, Listing, Why
from policy.names import display_name, parse_name
from policy.snapshot import Snapshot
from resolver.answers import sinkhole
from resolver.wire import type_text
from settings.model import Settings
from storage.policy_db import open_policy
from translations import _, language

_STYLES = {Action.ALLOW: "bold green", Action.BLOCK: "bold red", Action.LOCAL: "bold cyan", Action.REFUSE: "bold red"}


@dataclass(frozen=True, slots=True)
class Answered:
    """All that is printed."""

    explanation: Explanation
    qtype: str
    wire: WireAnswer | None
    lines: dict[tuple[str, str], int]
    """Line number by list and listed name."""
    moment: datetime | None
    workers: tuple[WorkerStatus, ...]
    worker_notes: tuple[str, ...]


@click.command(
    help=_(
        "Explain what a client gets for a name, and why. Exit status: 0, whatever the decision is.\n\n"
        "Example: schoolfilter check example.org --client 10.1.2.3"
    )
)
@click.argument("name", type=NAME)
@click.option("--client", type=ADDRESS, help=_("The device that asks; if not given: one that no network names."))
@click.option("--group", help=_("Somebody of this group, instead of a device."))
@click.option("--at", "at", metavar="TIME", help=_("Not now but then: 14:30, or 2026-09-02 14:30."))
@click.option("--type", "qtype", default="A", show_default=True, help=_("The record type asked for."))
@click.option("--json", "json_wanted", is_flag=True, help=_("For machines."))
@pass_installation
def check(
    installation: Installation,
    name: str,
    client: str | None,
    group: str | None,
    at: str | None,
    qtype: str,
    json_wanted: bool,
) -> None:
    """Decide as a worker would and print the reason."""
    if client and group:
        raise Misuse(_("expected --client or --group, found both: a client's address decides its group"))
    settings = installation.settings
    zone = ZoneInfo(settings.school.time_zone)
    try:
        moment = parse_moment(at, datetime.now(UTC), zone) if at is not None else None
        number = type_number(qtype)
    except (InvalidMoment, ValueError) as error:
        raise Misuse(str(error)) from None
    snapshot = asyncio.run(load_policy(settings))
    try:
        asker = asker_of(snapshot, settings.server.allowed_networks, client=client or "", group=group or "")
    except ValueError as error:
        raise Misuse(str(error)) from None
    index = open_current(settings.paths.lists)
    try:
        listings, generation = index.lookup(name), index.generation
    finally:
        index.close()
    zones = {parse_name(zone) for zone in settings.upstream.zones}
    explanation = explain(snapshot, name, listings, asker, generation, number, zones)
    workers, notes = _workers(settings.paths.run, explanation)
    answered = Answered(
        explanation,
        type_text(number),
        own_answer(explanation.decision, name, number, sinkhole(settings.blocking, settings.school)),
        _lines(settings.paths.lists, listings),
        moment,
        workers,
        notes,
    )
    if json_wanted:
        print_json(as_json(answered, settings))
    else:
        _print(Terminal(), answered, settings)


async def load_policy(settings: Settings) -> Snapshot:
    """Read the policy. A policy that nobody has made is not made by looking at it."""
    path = settings.paths.policy_db
    if not path.exists():
        raise Failure(
            _("expected the policy in {path}, found nothing; make it with: schoolfilter init").format(path=path)
        )
    async with await open_policy(path) as policy:
        return await policy.load_snapshot([parse_name(name) for name in settings.school.protected])


def _lines(folder: Path, listings: tuple[Listing, ...]) -> dict[tuple[str, str], int]:
    found = {}
    for listing in listings:
        line = find_line(folder, listing.list_id, listing.name)
        if line is not None:
            found[listing.list_id, listing.name] = line
    return found


def _workers(run: Path, explanation: Explanation) -> tuple[tuple[WorkerStatus, ...], tuple[str, ...]]:
    """Return the workers that run, and for each what it does not know yet."""
    try:
        if read_listening(run) is None:
            return (), (_("The server is not running: this is what it would answer."),)
    except (ControlError, PermissionError) as error:
        return (), (_("Whether the workers already use this could not be asked: {error}").format(error=error),)
    notes = []
    workers = []
    for reply in statuses(run):
        if reply.status is None:
            notes.append(_("Worker {worker} does not answer: {error}").format(worker=reply.worker, error=reply.error))
        else:
            workers.append(reply.status)
            notes += behind(reply.status, explanation)
    return tuple(workers), tuple(notes)


def behind(worker: WorkerStatus, explanation: Explanation) -> list[str]:
    """Return in which way a worker still answers by something older."""
    notes = []
    if worker.policy_version != explanation.policy_version:
        notes.append(
            _("Worker {worker} still uses policy version {version}.").format(
                worker=worker.worker, version=worker.policy_version
            )
        )
    if worker.index_generation != explanation.index_generation:
        notes.append(
            _("Worker {worker} still uses list index {generation}.").format(
                worker=worker.worker, generation=worker.index_generation or "-"
            )
        )
    return notes


def as_json(answered: Answered, settings: Settings) -> dict[str, object]:
    """Return the explanation for machines; `action` and `reason` are those of the query log."""
    explanation = answered.explanation
    asker, reason = explanation.asker, explanation.decision.reason
    return {
        "name": explanation.name,
        "type": answered.qtype,
        "client": asker.client,
        "group": asker.group,
        "level": asker.level,
        "network": asker.network,
        "at": answered.moment.isoformat() if answered.moment else None,
        "time_zone": settings.school.time_zone,
        "action": explanation.decision.action,
        "reason": asdict(reason),
        "sentence": sentence(reason),
        "line": answered.lines.get((reason.list_id, reason.rule)),
        "listings": [
            listing._asdict() | {"line": answered.lines.get((listing.list_id, listing.name))}
            for listing in explanation.listings
        ],
        "forward_zone": explanation.zone,
        "answer": asdict(answered.wire) if answered.wire else None,
        "policy_version": explanation.policy_version,
        "index_generation": explanation.index_generation,
        "workers": [
            {
                "worker": worker.worker,
                "policy_version": worker.policy_version,
                "index_generation": worker.index_generation,
            }
            for worker in answered.workers
        ],
    }


def _print(terminal: Terminal, answered: Answered, settings: Settings) -> None:
    explanation = answered.explanation
    decision = explanation.decision
    shown = display_name(explanation.name)
    also = f" ({explanation.name})" if shown != explanation.name else ""
    terminal.say(f"{shown}{also}: {verdict(decision.action)}", _STYLES.get(decision.action, ""))
    terminal.say(sentence(decision.reason))
    rows = _rows(answered, settings)
    width = max(len(label) for label, _value in rows)
    for label, value in rows:
        terminal.say(f"  {label:<{width}}  {value}")
    for note in answered.worker_notes:
        terminal.say(note, "yellow")


def _rows(answered: Answered, settings: Settings) -> list[tuple[str, str]]:
    explanation = answered.explanation
    asker, reason = explanation.asker, explanation.decision.reason
    rows = [(_("group"), _("{group}, level {level}").format(group=asker.group, level=asker.level))]
    if asker.client:
        led = (
            _("network {network} of the policy").format(network=asker.network)
            if asker.network
            else _("no network of the policy holds it, so it is in the default group")
        )
        rows.insert(0, (_("client"), f"{asker.client} ({led})"))
    if reason.category:
        rows.append((_("category"), category_line(reason.category, language())))
    if reason.list_id:
        rows.append((_("list"), _place(answered, reason.list_id, reason.rule)))
    if reason.document:
        rows.append((_("document"), reason.document))
    if reason.note:
        rows.append((_("note"), reason.note))
    for listing in overruled(explanation):
        what = _("has an exception for {name}") if listing.allows else _("names {name} in {category}")
        rows.append(
            (
                _("also"),
                f"{_place(answered, listing.list_id, listing.name)} "
                + what.format(name=display_name(listing.name), category=listing.category),
            )
        )
    rows.append((_("answer"), _answer(answered, settings)))
    if answered.moment is not None:
        rows.append(
            (
                _("time"),
                _("{moment} ({zone}); nothing in today's policy depends on the time").format(
                    moment=f"{answered.moment:%Y-%m-%d %H:%M}", zone=settings.school.time_zone
                ),
            )
        )
    rows.append((_("policy"), _("version {version}").format(version=explanation.policy_version)))
    rows.append((_("list index"), explanation.index_generation or _("nothing compiled yet")))
    return rows


def _place(answered: Answered, list_id: str, name: str) -> str:
    line = answered.lines.get((list_id, name))
    return list_id if line is None else _("{list}, line {line}").format(list=list_id, line=line)


def _answer(answered: Answered, settings: Settings) -> str:
    explanation, wire = answered.explanation, answered.wire
    if explanation.decision.action is Action.REFUSE:
        silent = settings.server.refuse_silently and not explanation.asker.served
        return _("none at all") if silent else "REFUSED"
    if wire is None:
        if explanation.zone:
            return _("what the servers for {zone} say").format(zone=explanation.zone)
        if explanation.decision.reason.why in (Why.ALLOWED, Why.PROTECTED):
            return _("what the upstream says; names it leads to (CNAME) are closed by locked categories only")
        return _("what the upstream says; names it leads to (CNAME) are decided in the same way")
    records = ", ".join(wire.records) or _("no {type} record").format(type=answered.qtype)
    text = f"{wire.rcode}, {records}"
    if wire.ttl is not None:
        text += ", " + _("kept for {ttl} s").format(ttl=wire.ttl)
    if wire.extended_error is not None:
        text += ", " + _("extended error {code}").format(code=wire.extended_error)
        text += f" «{wire.extended_text}»" if wire.extended_text else ""
    return text
