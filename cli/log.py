"""`schoolfilter log`: show the query log to people."""

import ipaddress
import json
import time
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

import click
from rich.cells import cell_len, set_cell_size
from rich.text import Text

from cli.arguments import NAME, NETWORK
from cli.context import Installation, pass_installation
from cli.errors import Failure
from cli.printable import printable
from cli.segments import Follower, LogLine, list_segments, newest_first, whole_ends
from cli.terminal import Terminal
from policy.decision import Action
from policy.networks import IPNetwork
from translations import _

POLL_SECONDS = 0.25
"""Short enough for a person who clicks and looks; a look costs well under a millisecond."""

_STYLES = {
    Action.ALLOW: "green",
    Action.BLOCK: "red",
    Action.REWRITE: "bold green",
    Action.LOCAL: "cyan",
    Action.REFUSE: "magenta",
    Action.FAIL: "yellow",
}
_WIDEST = 40
"""No column but the last may push the others further than this; the widest address has 39 characters."""

Filter = Callable[[LogLine], bool]


@click.group(help=_("Read the query log."))
def log() -> None:
    """Hold the commands about the query log."""


@log.command(help=_("Show the newest queries of all workers.\n\nExample: schoolfilter log tail -f --action block"))
@click.option("-n", "--lines", type=click.IntRange(min=0), default=20, show_default=True, help=_("How many lines."))
@click.option("-f", "--follow", is_flag=True, help=_("Go on with new lines until Ctrl-C."))
@click.option("--client", type=NETWORK, help=_("Only this address or network."))
@click.option("--name", type=NAME, help=_("Only this name and all below it."))
@click.option("--action", type=click.Choice([action.value for action in Action]), help=_("Only what ended so."))
@click.option("--json", "as_json", is_flag=True, help=_("One JSON object a line."))
@pass_installation
def tail(
    installation: Installation,
    lines: int,
    follow: bool,
    client: IPNetwork | None,
    name: str | None,
    action: str | None,
    as_json: bool,
) -> None:
    """Print the newest lines, and go on with new ones if asked to."""
    folder = installation.settings.paths.query_log
    wanted = make_filter(client, name, action)
    terminal = Terminal()
    printer = _print_json(terminal) if as_json else _print_table(terminal)
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


def _follow(follower: Follower, wanted: Filter, printer: Callable[[Iterable[LogLine]], None]) -> None:
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


def cells(line: LogLine) -> tuple[str, ...]:
    """Return what a person sees of a line. The name comes last: the one thing whose length strangers choose."""
    why = line["reason"]
    if line["category"]:
        why += f":{line['category']}"
    # The offset is the same in every line of a school; the log itself keeps it.
    moment = line["time"][:10] + " " + line["time"][11:23]
    who = line["device"] or line["client"]
    shown = (moment, who, line["group"], line["action"], why, line["rcode"], line["source"], line["ms"], line["type"])
    return (*(printable(cell) for cell in shown), printable(line["name"]))


def layout(row: tuple[str, ...], widths: list[int]) -> str:
    """Return the row with its columns aligned; widens `widths` for the rows to come."""
    *columns, last = row
    for i, cell in enumerate(columns):
        widths[i] = min(max(widths[i], cell_len(cell)), _WIDEST)
    return "  ".join([*(set_cell_size(cell, widths[i]) for i, cell in enumerate(columns)), last])


def _print_table(terminal: Terminal) -> Callable[[Iterable[LogLine]], None]:
    widths = [23, 15, 7, 6, 8, 8, 8, 5, 5]

    def print_lines(lines: Iterable[LogLine]) -> None:
        rows = [(line["action"], cells(line)) for line in lines]
        for _action, row in rows:
            layout(row, widths)  # first let the widest cell of the batch speak, then print all alike
        for action, row in rows:
            style = _STYLES[Action(action)] if action in set(Action) else ""
            terminal.print(Text(layout(row, widths), style=style, end=""))

    return print_lines


def _print_json(terminal: Terminal) -> Callable[[Iterable[LogLine]], None]:
    def print_lines(lines: Iterable[LogLine]) -> None:
        for line in lines:
            terminal.print(Text(json.dumps(line.as_dict()), end=""))

    return print_lines
