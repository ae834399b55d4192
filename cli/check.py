"""`schoolfilter check NAME`: explain what a client gets for a name, and why."""

import asyncio
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, tzinfo
from itertools import chain
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from blocklists.bundles import load_bundles
from blocklists.errors import ListError
from blocklists.generation import generation_folder, read_manifest
from blocklists.index import open_current
from blocklists.search import Hit, find_line, search
from blocklists.sources import load_sources
from cli.arguments import ADDRESS, NAME
from cli.context import Installation, pass_installation
from cli.control import ControlError, WorkerStatus, read_listening, statuses
from cli.days import minute
from cli.errors import Failure, Misuse
from cli.explanation import (
    Asker,
    Explanation,
    InvalidMoment,
    Weekly,
    asker_of,
    category_line,
    conditions,
    explain,
    is_expression,
    overruled,
    parse_moment,
    sentence,
    verdict,
)
from cli.leading import Leading, led_to, words_of
from cli.table import print_json
from cli.terminal import Terminal
from cli.wire_preview import WireAnswer, own_answer, type_number
from policy.circumstances import Standing
from policy.decision import Action, Listing, Reason, Rewrite, Why
from policy.names import display_name, parse_name
from policy.snapshot import Snapshot
from resolver.answers import sinkhole
from resolver.wire import type_text
from settings.model import ApprovalMode, Settings
from storage.policy_db import open_policy
from storage.policy_load import PolicyLoader
from translations import _, language

_STYLES = {
    Action.ALLOW: "bold green",
    Action.REWRITE: "bold green",
    Action.BLOCK: "bold red",
    Action.LOCAL: "bold cyan",
    Action.REFUSE: "bold red",
}
_SHORT = 12
"""Digits of a digest that people compare."""
_WIDEST = 80
"""So much of an expression is shown where it is not the one that decided."""


@dataclass(frozen=True, slots=True)
class Version:
    """Which text of a list stands in the index."""

    sha256: str
    refreshed: str
    """When that text was last found good (RFC 3339); empty if nobody knows any more, for a newer one came since."""


@dataclass(frozen=True, slots=True)
class Answered:
    """All that is printed."""

    explanation: Explanation
    qtype: str
    wire: WireAnswer | None
    lines: Mapping[Listing, int]
    """Where the lists say it."""
    versions: Mapping[str, Version]
    """By list."""
    moment: datetime | None
    """The school's time that was asked about; None means now."""
    workers: tuple[WorkerStatus, ...]
    worker_notes: tuple[str, ...]
    led_to: Leading | None
    """What the answer leads to; None where no list speaks of addresses, or they would change nothing."""
    held: tuple[Hit, ...]
    """What lists say of the name that waits for a person's word."""


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
    local = moment or datetime.now(zone)
    snapshot = asyncio.run(load_policy(settings)).at(local)
    try:
        asker = asker_of(snapshot, settings.server.allowed_networks, client=client or "", group=group or "")
    except ValueError as error:
        raise Misuse(str(error)) from None
    zones = {parse_name(zone) for zone in settings.upstream.zones}
    index = open_current(settings.paths.lists)
    try:
        listings, generation = index.lookup(name), index.generation
        explanation = explain(snapshot, name, listings, asker, generation, number, zones)
        leading = led_to(settings, index, asker.view, explanation.decision, name, number, explanation.zone)
        if leading is not None and leading.decision is not None:
            explanation = replace(explanation, decision=leading.decision)
    finally:
        index.close()
    workers, notes = _workers(settings.paths.run, explanation)
    reason = explanation.decision.reason
    spoken = (*listings, Listing(reason.list_id, reason.category, reason.rule)) if reason.via else listings
    answered = Answered(
        explanation,
        type_text(number),
        own_answer(explanation.decision, name, number, sinkhole(settings.blocking, settings.school)),
        _lines(settings.paths.lists, spoken),
        _versions(settings.paths.lists, generation, {listing.list_id for listing in spoken}),
        moment,
        workers,
        notes,
        leading,
        _held(settings.paths.lists, name, generation),
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
    approval = settings.approval
    loader = PolicyLoader(
        await open_policy(path), signed=approval.mode is ApprovalMode.SIGNATURE, pinned=approval.director_key
    )
    needed = chain.from_iterable(load_bundles().values())
    loaded = await loader.load([parse_name(name) for name in settings.school.protected], needed=needed)
    return loaded.snapshot


def _lines(folder: Path, listings: tuple[Listing, ...]) -> dict[Listing, int]:
    found = {}
    for listing in listings:
        line = find_line(folder, listing.list_id, listing.name, allows=listing.allows)
        if line is not None:
            found[listing] = line
    return found


def _held(folder: Path, name: str, generation: str) -> tuple[Hit, ...]:
    """Return the held rules that speak of a name; none if that cannot be read: the decision stands without."""
    if not generation:
        return ()
    try:
        if not any(each.held_count for each in read_manifest(generation_folder(folder, generation)).lists):
            return ()
        return tuple(hit for hit in search(folder, name) if hit.held and hit.generation)
    except (ListError, OSError):
        return ()


def _versions(folder: Path, generation: str, lists: Iterable[str]) -> dict[str, Version]:
    """Return what is known of the texts in the index; nothing of what cannot be read: the decision stands without."""
    if not generation:
        return {}
    try:
        then = generation_folder(folder, generation)
        compiled = {each.id: each.sha256 for each in read_manifest(then).lists}
        refreshed = {(each.id, each.sha256): each.last_refresh for each in (*load_sources(then), *load_sources(folder))}
    except ListError:
        return {}
    return {
        id_: Version(compiled[id_], refreshed.get((id_, compiled[id_]), "")) for id_ in sorted(lists) if id_ in compiled
    }


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
        "room": asker.room,
        "device": asker.device,
        "lesson": _lesson_json(asker.standing),
        "at": answered.moment.isoformat() if answered.moment else None,
        "time_zone": settings.school.time_zone,
        "action": explanation.decision.action,
        "reason": asdict(reason),
        "sentence": sentence(reason, explanation.name),
        "line": _line_of(answered, reason),
        "safe_search": _rewrite_json(explanation.decision.rewrite),
        "listings": [
            listing._asdict()
            | {
                "terms": asdict(listing.terms) if listing.terms else None,
                "line": answered.lines.get(listing),
            }
            for listing in explanation.listings
        ],
        "lists": {list_id: asdict(version) for list_id, version in answered.versions.items()},
        "hours": {each.id: str(each.hours) for each in explanation.hours},
        "held": [asdict(hit) for hit in answered.held],
        "leads_to": _leading_json(answered.led_to),
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


def _leading_json(leading: Leading | None) -> dict[str, object] | None:
    if leading is None:
        return None
    decision = leading.decision
    return {
        "asked": leading.asked,
        "addresses": list(leading.addresses),
        "action": decision.action if decision else None,
        "reason": asdict(decision.reason) if decision else None,
    }


def _rewrite_json(rewrite: Rewrite | None) -> dict[str, object] | None:
    if rewrite is None:
        return None
    return {"engine": rewrite.engine, "target": rewrite.target, "fallback": _addresses(rewrite)}


def _addresses(rewrite: Rewrite) -> list[str]:
    return [str(ipaddress.ip_address(packed)) for packed in (*rewrite.a, *rewrite.aaaa)]


def _print(terminal: Terminal, answered: Answered, settings: Settings) -> None:
    explanation = answered.explanation
    decision = explanation.decision
    shown = display_name(explanation.name)
    also = f" ({explanation.name})" if shown != explanation.name else ""
    terminal.say(f"{shown}{also}: {verdict(decision.action)}", _STYLES.get(decision.action, ""))
    terminal.say(sentence(decision.reason, explanation.name))
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
        if asker.device:
            led = _("the device {device}").format(device=asker.device)
        rows.insert(0, (_("client"), f"{asker.client} ({led})"))
    if asker.room:
        rows.append((_("room"), _room(asker, ZoneInfo(settings.school.time_zone))))
    if reason.category:
        label = _("bundle") if reason.why is Why.NEEDED else _("category")
        rows.append((label, category_line(reason.category, language())))
    if reason.list_id:
        rows.append((_("list"), _place(reason.list_id, _line_of(answered, reason))))
        if is_expression(reason.rule):
            rows.append((_("pattern"), reason.rule))
        rows += _version(answered, reason.list_id, ZoneInfo(settings.school.time_zone))
    rows += [(_("hours"), _weekly(each)) for each in explanation.hours]
    if explanation.decision.rewrite is not None:
        rows.append((_("safe mode"), explanation.decision.rewrite.target))
    if reason.document:
        rows.append((_("document"), reason.document))
    if reason.note:
        rows.append((_("note"), reason.note))
    for listing in overruled(explanation):
        what = _("has an exception for {name}") if listing.allows else _("names {name} in {category}")
        text = what.format(name=_short(listing.name), category=listing.category)
        terms = conditions(listing.terms)
        also = f"{_place(listing.list_id, answered.lines.get(listing))} {text}"
        rows.append((_("also"), also + (f" ({', '.join(terms)})" if terms else "")))
    for hit in answered.held:
        text = _("{place} is held and does not block: {rule}; see: schoolfilter lists held {list}")
        rule = _short(hit.written or hit.name)
        rows.append((_("held"), text.format(place=_place(hit.list_id, hit.line), rule=rule, list=hit.list_id)))
    rows.append((_("answer"), _answer(answered, settings)))
    if answered.led_to is not None:
        rows.append((_("addresses"), words_of(answered.led_to)))
    if answered.moment is not None:
        moment, zone = f"{answered.moment:%Y-%m-%d %H:%M}", settings.school.time_zone
        if explanation.hours:
            rows.append((_("time"), f"{moment} ({zone})"))
        else:
            text = _("{moment} ({zone}); nothing that speaks of this name depends on the time")
            rows.append((_("time"), text.format(moment=moment, zone=zone)))
    rows.append((_("policy"), _("version {version}").format(version=explanation.policy_version)))
    rows.append((_("list index"), explanation.index_generation or _("nothing compiled yet")))
    return rows


def _room(asker: Asker, zone: tzinfo) -> str:
    """Return the room with the lesson that is going on in it."""
    standing = asker.standing
    if standing is None or (standing.lesson is None and standing.held is None):
        return asker.room
    if standing.lesson is not None:
        teacher, until = standing.lesson.teacher, standing.lesson.ends.astimezone(zone)
    else:
        assert standing.held is not None  # noqa: S101 - one of the two is there
        teacher, until = standing.held.teacher, standing.held.until
    text = _("{room}: a lesson of {teacher} until {time}")
    return text.format(room=asker.room, teacher=teacher or "-", time=f"{until:%H:%M}")


def _lesson_json(standing: Standing | None) -> dict[str, object] | None:
    if standing is None or standing.lesson is None:
        return None
    lesson = standing.lesson
    return {"id": lesson.id, "teacher": lesson.teacher, "ends": lesson.ends.isoformat()}


def _place(list_id: str, line: int | None) -> str:
    return list_id if line is None else _("{list}, line {line}").format(list=list_id, line=line)


def _line_of(answered: Answered, reason: Reason) -> int | None:
    """Return the line of the listing that decided."""
    decided = (reason.list_id, reason.category, reason.rule, False)
    return next((line for listing, line in answered.lines.items() if listing[:4] == decided), None)


def _short(rule: str) -> str:
    shown = display_name(rule)
    return shown if len(shown) <= _WIDEST else shown[: _WIDEST - 1] + "…"


def _weekly(weekly: Weekly) -> str:
    if not weekly.other:
        return _("{category} is closed in these hours only: {hours}").format(category=weekly.id, hours=weekly.hours)
    text = _("{category} is closed in these hours: {hours}; but {other} closes this name as well")
    return text.format(category=weekly.id, hours=weekly.hours, other=weekly.other)


def _version(answered: Answered, list_id: str, zone: tzinfo) -> list[tuple[str, str]]:
    version = answered.versions.get(list_id)
    if version is None:
        return []
    text = _("generation {generation}, SHA-256 {digest}…").format(
        generation=answered.explanation.index_generation, digest=version.sha256[:_SHORT]
    )
    if version.refreshed:
        moment = minute(datetime.fromisoformat(version.refreshed), zone)
        text += ", " + _("refreshed {moment}").format(moment=moment)
    return [(_("version"), text)]


def _answer(answered: Answered, settings: Settings) -> str:
    explanation, wire = answered.explanation, answered.wire
    if explanation.decision.action is Action.REFUSE:
        silent = settings.server.refuse_silently and not explanation.asker.served
        return _("none at all") if silent else "REFUSED"
    rewrite = explanation.decision.rewrite
    if rewrite is not None:
        if answered.qtype not in ("A", "AAAA"):
            return _("no {type} record: the safe mode has addresses only").format(type=answered.qtype)
        text = _("CNAME {target} and its addresses").format(target=rewrite.target)
        known = ", ".join(_addresses(rewrite))
        return text + (_("; {addresses} while nobody upstream answers").format(addresses=known) if known else "")
    if wire is None:
        if explanation.zone:
            return _("what the servers for {zone} say").format(zone=explanation.zone)
        if explanation.decision.reason.why is Why.PROTECTED:
            return _("what the upstream says, wherever it leads")
        if explanation.decision.reason.why in (Why.ALLOWED, Why.EXCEPTION, Why.NEEDED):
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
