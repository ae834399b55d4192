"""`log tail`: the newest queries of all workers, and what comes."""

import asyncio
import ipaddress
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import click

from cli.arguments import NAME, NETWORK
from cli.context import Installation, pass_installation
from cli.errors import Failure
from cli.inspecting import as_inspector
from cli.log_lines import Printer, json_printer, table_printer
from cli.looks import enter_look
from cli.printable import printable
from cli.reasons import reason_option, reason_or_asked
from cli.segments import Follower, LogLine, list_segments, newest_first, whole_ends
from cli.terminal import Terminal
from policy.decision import Action
from policy.networks import IPNetwork
from settings.errors import SchoolfilterError
from settings.model import Settings
from translations import _

POLL_SECONDS = 0.25
"""Short enough for a person who clicks and looks; a look costs well under a millisecond."""

Filter = Callable[[LogLine], bool]


@click.command(help=_("Show the newest queries of all workers.\n\nExample: schoolfilter log tail -f --action block"))
@click.option("-n", "--lines", type=click.IntRange(min=0), default=20, show_default=True, help=_("How many lines."))
@click.option("-f", "--follow", is_flag=True, help=_("Go on with new lines until Ctrl-C."))
@click.option("--client", type=NETWORK, help=_("Only this address or network."))
@click.option("--name", type=NAME, help=_("Only this name and all below it."))
@click.option("--action", type=click.Choice([action.value for action in Action]), help=_("Only what ended so."))
@reason_option(required=False)
@as_inspector
@click.option("--json", "as_json", is_flag=True, help=_("One JSON object a line."))
@pass_installation
def tail(
    installation: Installation,
    lines: int,
    follow: bool,
    client: IPNetwork | None,
    name: str | None,
    action: str | None,
    reason: str,
    as_json: bool,
) -> None:
    """Print the newest lines, and go on with new ones if asked to."""
    folder = installation.settings.paths.query_log
    asked = {"--client": str(client or ""), "--name": name or "", "--action": action or ""}
    _note_look(installation.settings, reason_or_asked(reason), asked)
    wanted = make_filter(client, name, action)
    terminal = Terminal()
    printer = json_printer(terminal) if as_json else table_printer(terminal)
    damaged: list[Path] = []

    def note_damage(path: Path, _raw: bytes) -> None:
        damaged.append(path)

    try:
        segments = list_segments(folder)
        if not segments and not follow:
            raise Failure(
                _("expected segments of the query log in {folder}, found none: is the server running?").format(
                    folder=folder
                )
            )
        ends = whole_ends(segments)
        newest = list(islice(filter(wanted, newest_first(segments, ends, note_damage)), lines))
        printer(reversed(newest))
        if follow:
            _follow(Follower(folder, note_damage, ends), wanted, printer)
    finally:
        if damaged:
            click.echo(
                _("{count} damaged lines were left out, one of them in {path}").format(
                    count=len(damaged), path=damaged[-1]
                ),
                err=True,
            )


def _note_look(settings: Settings, reason: str, asked: dict[str, str]) -> None:
    """Enter the look. Trouble with the journal does not hide the log from whoever has to find that trouble."""
    try:
        asyncio.run(enter_look(settings, "log tail", reason, asked))
    except (SchoolfilterError, OSError) as error:
        warning = _("Warning: this look could not be entered in the journal. {error}")
        click.echo(printable(warning.format(error=error)), err=True)


def _follow(follower: Follower, wanted: Filter, printer: Printer) -> None:
    try:
        while True:
            printer(filter(wanted, follower.new_lines()))
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        return


def make_filter(client: IPNetwork | None, name: str | None, action: str | None) -> Filter:
    """Return the test a line must pass to be shown."""
    below = f".{name}"

    def wanted(line: LogLine) -> bool:
        if action is not None and line["action"] != action:
            return False
        if name is not None and line["name"].lower() != name and not line["name"].lower().endswith(below):
            return False
        return client is None or _inside(line["client"], client)

    return wanted


def _inside(address: str, network: IPNetwork) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]) in network
    except ValueError:
        return False
