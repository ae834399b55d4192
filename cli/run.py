"""`run` and `resolver`: start the server, say in plain words what it does, and stay until told to stop."""

import asyncio
import contextlib
import json
import logging
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from blocklists.errors import BrokenIndex
from blocklists.generation import current_generation, generation_folder, read_manifest
from blocklists.publish import Limits, ensure_starter
from cli.amounts import number
from cli.context import Installation, pass_installation
from cli.init import LOCAL_STATE, prepare
from policy.services import SERVICES_BY_ID
from resolver.supervisor import Supervisor
from settings.errors import SchoolfilterError
from settings.load import find
from settings.model import Settings
from translations import _

UPSTREAM_PATIENCE = 3.0
"""Seconds after which an upstream that has not answered is called missing."""
ASK_AGAIN = 0.1


@click.command(
    help=_("Start the server: resolver workers, and what keeps them current. Example: schoolfilter run"),
)
@pass_installation
def run(installation: Installation) -> None:
    """Start everything, preparing a first installation under ./var if there is none."""
    if find(installation.config) is None:
        # A newcomer's `make run`: nobody is asked anything, nothing needs root.
        installation = prepare(LOCAL_STATE)
    _serve(installation, companions(installation))


@click.command(
    help=_("Start the resolver workers alone. Example: schoolfilter resolver"),
)
@pass_installation
def resolver(installation: Installation) -> None:
    """Start the workers of an installation that exists."""
    _serve(installation)


def companions(installation: Installation) -> dict[str, list[str]]:
    """Return the commands that run beside the workers, by what messages call them.

    The journal is always kept; nothing keeps the lists current if the settings say so.
    """
    config = find(installation.config)
    program = [sys.executable, "-m", "cli.main", *(["--config", str(config)] if config is not None else [])]
    found = {"journal": [*program, "journal", "run"]}
    if installation.settings.lists.refresh_hours:
        found["list refresher"] = [*program, "lists", "refresh", "--scheduled"]
    return found


def _serve(installation: Installation, beside: Mapping[str, Sequence[str]] | None = None) -> None:
    settings = installation.settings
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s schoolfilter %(levelname)s %(message)s"
    )

    compile_if_needed(settings)

    async def on_ready(supervisor: Supervisor) -> None:
        for line in greeting(settings, supervisor.bound):
            click.echo(line)
        missing = await _missing_upstreams(settings.paths.run / "worker-0.sock")
        if missing is not None:
            click.echo(_no_upstream(missing), err=True)

    sys.exit(asyncio.run(Supervisor(settings, find(installation.config), beside).run(on_ready)))


def compile_if_needed(settings: Settings) -> None:
    """Compile the lists if none are in force that this version can read: without an index no category is blocked.

    Costs a few milliseconds where all is in place. Whatever goes wrong, the server starts: devices need answers.
    """
    try:
        ensure_starter(settings.paths.lists, Limits.of(settings))
    except (SchoolfilterError, OSError) as error:
        logging.getLogger("schoolfilter").error("the lists cannot be compiled: %s", error)


def greeting(settings: Settings, bound: list[str]) -> list[str]:
    """Say where we listen, what we block and what to try next."""
    host, _colon, port = bound[0].rpartition(":")
    server = host.strip("[]")
    if server in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        server = "127.0.0.1" if server == "0.0.0.0" else "::1"  # noqa: S104
    return [
        "",
        _("schoolfilter answers DNS queries on {addresses} (UDP and TCP).").format(addresses=", ".join(bound)),
        _listed(settings.paths.lists),
        _("Every answer is on record in {folder}.").format(folder=settings.paths.query_log),
        "",
        _("Try it in another window:"),
        f"  dig @{server} -p {port} example.org",
        f"  dig @{server} -p {port} doubleclick.net     # " + _("blocked: advertising"),
        f"  {_command()} check doubleclick.net",
        f"  {_command()} status",
        "",
        _("Stop it with Ctrl-C."),
    ]


def _command() -> str:
    """Return how the reader can call us: by name if it is on the path, else as this process was called."""
    return "schoolfilter" if shutil.which("schoolfilter") else sys.argv[0]


def _listed(lists: Path) -> str:
    try:
        generation = current_generation(lists)
        manifest = read_manifest(generation_folder(lists, generation)) if generation else None
    except (BrokenIndex, OSError):
        manifest = None
    if manifest is None:
        return _("No lists are compiled yet, so nothing is blocked by category: schoolfilter lists refresh")
    text = _(
        "It knows {names} names: categories: {categories}, services: {services} (schoolfilter categories), from lists: "
        "{lists}."
    )
    services = len(manifest.categories.keys() & SERVICES_BY_ID.keys())
    categories = len(manifest.categories) - services
    return text.format(
        names=number(manifest.names), categories=categories, services=services, lists=len(manifest.lists)
    )


def _no_upstream(addresses: list[str]) -> str:
    if not addresses:
        return _(
            "No upstream resolver is known: blocked names are answered, all others fail. "
            "Put one into upstream.servers of the settings file."
        )
    return _(
        "No upstream resolver answers yet ({addresses}): blocked names are answered, all others fail until one does. "
        "Check the internet connection, or upstream.servers in the settings file; `schoolfilter doctor` tells more."
    ).format(addresses=", ".join(addresses))


async def _missing_upstreams(path: Path) -> list[str] | None:
    """Return the upstreams if none has answered after a while, None if one has."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + UPSTREAM_PATIENCE
    addresses: list[str] | None = None  # not heard of any: then there is nothing to complain of
    while loop.time() < deadline:
        with contextlib.suppress(OSError, ValueError):  # the worker is being replaced: ask the next one
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                writer.write(b'{"do": "status"}\n')
                status = json.loads(await reader.readline())
            finally:
                writer.close()
            if any(upstream["answered"] for upstream in status["upstreams"]):
                return None
            addresses = [upstream["address"] for upstream in status["upstreams"]]
        await asyncio.sleep(ASK_AGAIN)
    return addresses
