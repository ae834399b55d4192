"""`schoolfilter doctor`: find what goes wrong in schools, and say what to do about it."""

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from blocklists.errors import ListError
from blocklists.generation import current_generation, generation_folder, verify
from blocklists.shelf import read_candidate
from blocklists.sources import Source, load_sources
from blocklists.starters import is_packaged
from cli import machine
from cli.context import Installation, pass_installation
from cli.diagnose_settings import correct_settings
from cli.diagnosis import diagnose
from cli.facts import Facts, ListState
from cli.findings import Finding, Health
from cli.lists_words import to_take
from cli.probe import Target, probe_all
from cli.settings_doubts import doubts
from cli.status import gather
from cli.status_lists import keeps_back
from cli.table import print_json
from cli.terminal import Terminal
from cli.vicinity import look_around, own_among, reached_at
from resolver.upstream.address import (
    DEFAULT_UPSTREAMS,
    InvalidUpstream,
    parse_upstream,
)
from resolver.upstream.system import machine_resolvers
from settings.load import Loaded, SettingsError
from settings.model import Settings
from translations import _

_STYLES = {Health.OK: "green", Health.WARNING: "yellow", Health.PROBLEM: "bold red"}


def collect(loaded: Loaded) -> Facts:
    """Look at everything once."""
    settings, paths = loaded.settings, loaded.settings.paths
    state = gather(settings)
    lines = machine.newest_lines(paths)
    now = datetime.now(ZoneInfo(settings.school.time_zone))
    lists, lists_error = list_states(paths.lists)
    clients = machine.clients(lines, machine.askers(paths, now))
    vicinity = look_around(settings.devices, now.timestamp())
    folder = machine.state_folder(paths)
    counted = (entry.client for worker in state.answering for entry in worker.clients)
    return Facts(
        settings=settings,
        state=state,
        folder=folder,
        disk=machine.disk(paths.state),
        memory=machine.memory(),
        clock=machine.clock(paths, lines, now),
        places=machine.places(settings.server.listen, state.listening.listen if state.listening else ()),
        low_ports_allowed=machine.low_ports_allowed(),
        probes=probe_all(targets(settings), settings.upstream.tls_ca_file),
        lists=lists,
        lists_error=lists_error,
        clients=clients,
        vicinity=vicinity,
        own=own_among({*clients.queries, *counted}),
        reached_at=reached_at(settings.server.listen, vicinity.gateways),
        python=sys.version_info[:3],
        history_fault=machine.history_fault(paths),
        doubts=tuple(doubts(loaded, mine=folder.mine)),
    )


def targets(settings: Settings) -> list[Target]:
    """Return the upstreams that a worker uses: those of the settings, else the machine's own and then public ones."""
    upstream = settings.upstream
    if upstream.servers:
        general = [parse_upstream(server) for server in upstream.servers]
    else:
        general = [*machine_resolvers(settings.server.listen), *DEFAULT_UPSTREAMS]
    zones = [Target(parse_upstream(server), zone) for zone, servers in upstream.zones.items() for server in servers]
    return [*(Target(address) for address in general), *zones]


def list_states(folder: Path) -> tuple[tuple[ListState, ...], str]:
    """Return the lists in use, or why they or the index made of them cannot be read. Reads every byte of the index."""
    held: Mapping[str, int] = {}
    try:
        generation = current_generation(folder)
        if generation:
            manifest = verify(generation_folder(folder, generation))
            held = {each.id: each.held_count for each in manifest.lists}
        sources = load_sources(folder)
    except ListError as error:
        return (), str(error)
    candidate = read_candidate(folder)
    waiting = {each.id for each in candidate.refused} if candidate is not None else set()
    refused = waiting if candidate is not None and candidate.problems else set()
    return tuple(
        _list_state(source, held.get(source.id, 0), source.id in refused, waiting)
        for source in sources
        if source.enabled or source.id in refused
    ), ""


def _list_state(source: Source, held: int, refused: bool, waiting: Collection[str]) -> ListState:
    # What comes with the program is renewed with the program only.
    packaged = is_packaged(source.location)
    refreshed = datetime.fromisoformat(source.last_refresh) if source.last_refresh and not packaged else None
    take = to_take(source, waiting) if keeps_back(source) else ""
    return ListState(source.id, source.rules, refreshed, source.last_error, held, refused, packaged, take)


@click.command(
    help=_(
        "Find what commonly goes wrong: ports, upstreams, clock, disk, lists, and who asks. Changes nothing. "
        "Exit status: 1 if there is a problem, else 0.\n\nExample: sudo schoolfilter doctor"
    )
)
@click.option("--json", "json_wanted", is_flag=True, help=_("For machines."))
@pass_installation
@click.pass_context
def doctor(ctx: click.Context, installation: Installation, json_wanted: bool) -> None:
    """Print all findings; exit status 1 if one is a problem, 0 if there are warnings at most."""
    findings = examine(installation)
    if json_wanted:
        print_json([asdict(finding) for finding in findings])
    else:
        _print(Terminal(), findings)
    ctx.exit(1 if any(finding.health is Health.PROBLEM for finding in findings) else 0)


def examine(installation: Installation) -> list[Finding]:
    """Return all findings; if the settings are wrong, only what is wrong with them, for all else rests on them."""
    wrong = correct_settings()
    try:
        facts = collect(installation.loaded)
    except SettingsError as error:
        return [Finding("settings", Health.PROBLEM, str(problem), wrong) for problem in error.problems]
    except InvalidUpstream as error:
        return [Finding("settings", Health.PROBLEM, str(error), wrong)]
    return diagnose(facts)


def _print(terminal: Terminal, findings: Sequence[Finding]) -> None:
    labels = {Health.OK: _("ok"), Health.WARNING: _("warning"), Health.PROBLEM: _("PROBLEM")}
    width = max(map(len, labels.values()))
    for finding in findings:
        terminal.say(f"{labels[finding.health]:<{width}}  {finding.text}", _STYLES[finding.health])
        for line in finding.remedy.splitlines():
            terminal.say(f"{'':<{width}}  {line}")
